"""The door to TensorFlow: which device does the work, and what it holds."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from nsthelpers import backend
from nsthelpers.backend import tf


@pytest.fixture
def placed(monkeypatch):
    """Let TensorFlow say that it puts tensors on a certain device of a machine with two GPUs."""
    graphics = [SimpleNamespace(name=f"/physical_device:GPU:{number}") for number in (0, 1)]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: graphics)
    details = {graphics[0].name: {"device_name": "Tesla T4"}, graphics[1].name: {}}
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda each: details[each.name]
    )
    held = {"GPU:0": {"current": 3, "peak": 10}, "GPU:1": {"current": 5, "peak": 5}}
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", held.get)
    backend._described.cache_clear()

    def on(name):
        place = f"/job:localhost/replica:0/task:0/device:{name}"
        monkeypatch.setattr(tf, "zeros", lambda shape: SimpleNamespace(device=place))
        return backend.device()

    yield on
    backend._described.cache_clear()


def test_the_device_is_the_one_that_does_the_work(placed):
    assert (placed("GPU:0").name, placed("GPU:0").index) == ("Tesla T4", 0)
    assert (placed("GPU:1").name, placed("GPU:1").index) == ("/physical_device:GPU:1", 1)
    assert placed("CPU:0").kind == "cpu"


def test_memory_that_tensorflow_keeps_for_later(placed):
    assert backend.reusable_memory(placed("GPU:0")) == 7
    assert backend.reusable_memory(placed("GPU:1")) == 0
    assert backend.reusable_memory(placed("CPU:0")) == 0


def test_a_small_function_is_traced_once_for_all_sizes_and_keeps_no_tensor():
    traced = []

    @backend.compile_small_function
    def scaled(values, tables):
        traced.append(tables)
        return [values * each for each in tables]

    for size in (2, 3, 5):
        values = backend.to_tensor(np.arange(size))
        gone = weakref.ref(values)
        two = scaled(values, (values, np.float32(2.0)))
        assert backend.to_numpy(two[0]).tolist() == [i * i for i in range(size)]
        assert backend.to_numpy(two[1]).tolist() == [2 * i for i in range(size)]
        del values, two
        gc.collect()
        assert gone() is None
    assert len(traced) == 1
    assert len(scaled(np.float32(3.0), [np.float32(2.0)])) == 1 and len(traced) == 2
