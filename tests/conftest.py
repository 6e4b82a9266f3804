"""What several test files share: a network, small images, and how hypothesis draws examples."""

from __future__ import annotations

import dataclasses
import functools
import os

import hypothesis
import live_pages
import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.network import layers, weights

# The same numbers on every processor; bfloat16 has tests of its own.
os.environ["NST_PRECISION"] = "float32"
# What an example in a docstring measures or shows, it does at the size that is for tests.
os.environ["NST_PROFILE"] = "fast"

# The same examples in every run; a slow shared machine is no failure.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")


def drawn_once(draw):
    """The random weights of a network, drawn when they are first asked for.

    Some hundred tests and examples make an untrained network, of 20 million numbers each.
    """

    @functools.lru_cache(maxsize=2)
    def known(name, seed, shapes):
        found = draw(name, seed)
        for array in (array for pair in found.layers.values() for array in pair):
            array.flags.writeable = False  # they are everybody's
        return found

    @functools.wraps(draw)
    def drawn(name, seed):
        found = known(name, seed, tuple(layers.layer_shapes(name).values()))
        return dataclasses.replace(found, layers=dict(found.layers))

    return drawn


weights._random = drawn_once(weights._random)  # here, so that examples in docstrings have it too


def pytest_addoption(parser):
    text = "how often the runs of test_checkpoints.py are killed"
    parser.addoption("--kills", type=int, default=3, help=text)


@pytest.fixture(scope="session")
def network():
    """An untrained VGG19: nothing to download, and every formula holds for it as well."""
    return nst.VGG(weights="random")


@pytest.fixture(scope="session")
def narrow():
    """Weights of both networks with an eighth of the filters: the same layers, strides and fields.

    For where a deep network has much to do, and what its filters see does not matter.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "_CHANNELS", (8, 16, 32, 64, 64))
        return {name: nst.load_weights("random", name) for name in ("vgg19", "vgg16")}


@pytest.fixture(scope="session")
def photo():
    """A smooth image, 32 x 48 pixels."""
    y, x = np.mgrid[0:1:32j, 0:1:48j]
    waves = [np.sin(9 * x + 3 * y), np.cos(7 * y - 2 * x), np.sin(11 * x * y + 1)]
    return (0.5 + 0.4 * np.stack(waves, axis=-1))[None].astype("float32")


@pytest.fixture(scope="session")
def painting():
    """A rough image of another size, 40 x 36 pixels."""
    return np.random.default_rng(7).uniform(size=(1, 40, 36, 3)).astype("float32")


@pytest.fixture(scope="session")
def trained():
    """VGG19 as it learnt from ImageNet, from wherever it can be had."""
    try:
        return nst.VGG()
    except nst.weights.WeightsUnavailableError as error:
        pytest.skip(f"no trained weights: {error}")


@pytest.fixture(scope="module")
def modules():
    """The Python files with which the live pages are built and served."""
    with live_pages.modules() as found:
        yield found


@pytest.fixture(scope="module")
def address(modules):
    """Where the live pages are served; skips where they were never built."""
    with live_pages.served(modules) as found:
        yield found


@pytest.fixture
def meter():
    """Counts the evaluations of a test's runs, and breaks off at the one of a chosen number."""
    import interrupted_runs  # only now: it makes optimizers

    meter = interrupted_runs.Meter()
    stop = interrupted_runs.watch(meter)
    yield meter
    stop()
