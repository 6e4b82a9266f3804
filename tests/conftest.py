"""What several test files share: a network, small images, and how hypothesis draws examples."""

from __future__ import annotations

import os

import hypothesis
import numpy as np
import pytest

import nsthelpers as nst

# The same numbers on every processor; bfloat16 has tests of its own.
os.environ["NST_PRECISION"] = "float32"

# The same examples in every run; a slow shared machine is no failure.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")


def pytest_addoption(parser):
    text = "how often the runs of test_checkpoints.py are killed"
    parser.addoption("--kills", type=int, default=3, help=text)


@pytest.fixture(scope="session")
def network():
    """An untrained VGG19: nothing to download, and every formula holds for it as well."""
    return nst.VGG(weights="random")


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


@pytest.fixture
def meter():
    """Counts the evaluations of a test's runs, and breaks off at the one of a chosen number."""
    import interrupted_runs  # only now: it makes optimizers

    meter = interrupted_runs.Meter()
    stop = interrupted_runs.watch(meter)
    yield meter
    stop()
