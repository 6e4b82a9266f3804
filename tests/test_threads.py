"""Several threads at once, as panels and cells of a notebook are: no error, the same results."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.network import vgg

THREADS = 8


@pytest.fixture(autouse=True)
def impatient():
    """Let the interpreter change threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(jobs):
    """Start all jobs at the same moment; their results in order."""
    barrier = threading.Barrier(len(jobs))

    def wait_and_do(job):
        barrier.wait(60)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [each.result() for each in [pool.submit(wait_and_do, job) for job in jobs]]


def test_everything_at_once_gives_what_one_after_another_gives(photo, painting):
    def jobs():
        network = nst.VGG(weights="random")  # shared, and nothing is compiled for it yet
        style = nst.Style(painting, ["block1_conv1", "block2_conv1"], network=network)

        def transfer():
            result = nst.stylize(
                photo, painting, max_side=48, scales=None, steps=3, content_layers="block2_conv1",
                style_layers="block1_conv2", network=network, precision="bfloat16", progress=False,
            )  # fmt: skip
            return result.image

        def report():
            return np.array([style.report(photo)["style"]["loss"]])

        def features():
            exact, coarse = network, network.in_precision("bfloat16")
            return np.stack(
                [each.features(photo, "conv2_2")["conv2_2"] for each in (exact, coarse)]
            )

        return [[transfer, report, features][number % 3] for number in range(THREADS)]

    expected = [job() for job in jobs()]
    for found, wanted in zip(at_once(jobs()), expected, strict=True):
        assert np.allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_threads_that_ask_at_once_get_one_default_network(monkeypatch):
    made = []

    class Slow:
        def __init__(self, name, weights):
            made.append(name)
            threading.Event().wait(0.01)  # long enough for the others to ask, too

    monkeypatch.setattr(vgg, "VGG", Slow)
    monkeypatch.setattr(vgg, "_network", vgg.functools.cache(vgg._network.__wrapped__))
    found = at_once([vgg.default_network] * THREADS)
    assert made == ["vgg19"] and len(set(map(id, found))) == 1
