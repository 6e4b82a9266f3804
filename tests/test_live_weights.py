"""The live page's weights: 8 bits for each entry, and what is lost by that."""

from __future__ import annotations

import doctest
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

import nsthelpers as nst

FOLDER = Path(__file__).parents[1] / "book" / "live"


@pytest.fixture(scope="module")
def bits():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("eight_bits")


def test_the_example_is_right(bits):
    assert doctest.testmod(bits) == (0, 2)


def test_few_values_are_kept_as_they_are(bits):
    values = np.random.default_rng(0).normal(size=256).astype("float32")
    kernel = np.random.default_rng(1).permutation(np.repeat(values, 9)).reshape(16, 16, 3, 3)
    table, codes = bits.quantised(kernel)
    assert codes.dtype == np.uint8 and codes.shape == kernel.shape
    np.testing.assert_array_equal(table[codes], kernel)


def test_many_values_lose_less_than_equal_steps_would_lose(bits):
    kernel = np.random.default_rng(2).laplace(size=(32, 64, 3, 3)).astype("float32")
    table, codes = bits.quantised(kernel)
    assert (np.diff(table) >= 0).all()
    lost = np.linalg.norm(table[codes] - kernel) / np.linalg.norm(kernel)
    steps = np.linspace(kernel.min(), kernel.max(), 256)
    rounded = steps[np.abs(kernel[..., None] - steps).argmin(-1)]
    assert lost < 0.6 * np.linalg.norm(rounded - kernel) / np.linalg.norm(kernel)
    # Each entry has the nearest of the numbers.
    nearest = np.abs(kernel.ravel()[::50, None] - table).min(1)
    np.testing.assert_allclose(np.abs(table[codes] - kernel).ravel()[::50], nearest, atol=1e-7)


def test_files_hold_the_network_that_was_written(bits, tmp_path):
    """The first layers of a network; its BGR comes back, and features stay within a percent."""
    given = nst.load_weights("random")
    layers = {name: given.layers[name] for name in ("block1_conv1", "block1_conv2")}
    index = bits.write(nst.weights.Weights("vgg19", layers, "random", "by chance"), tmp_path)
    assert json.loads((tmp_path / "index.json").read_text()) == index
    assert "CC BY 4.0" in index["licence"]
    again = bits.read(tmp_path)
    assert "by chance" in again.provenance
    for name, (kernel, bias) in layers.items():
        size = (tmp_path / index["layers"][name]["file"]).stat().st_size
        assert size == index["layers"][name]["bytes"] == kernel.size + 4 * (256 + bias.size)
        found, found_bias = again.layers[name]
        np.testing.assert_array_equal(found_bias, bias)
        assert np.linalg.norm(found - kernel) < 0.01 * np.linalg.norm(kernel)
    # Another network has other files: no cache takes one for the other.
    other = nst.load_weights("random", seed=1)
    first = {"block1_conv1": other.layers["block1_conv1"]}
    elsewhere = bits.write(nst.weights.Weights("vgg19", first, "random", ""), tmp_path / "other")
    file = elsewhere["layers"]["block1_conv1"]["file"]
    assert file != index["layers"]["block1_conv1"]["file"]
