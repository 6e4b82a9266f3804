"""The palette of one picture on another: means and covariances in float64."""

from __future__ import annotations

import numpy as np
import pytest

import nsthelpers as nst


def cloud(mean, factors, seed=0, size=(40, 50)):
    """An image whose colours have this mean and this covariance (factors times transposed)."""
    colours = np.random.default_rng(seed).normal(size=(size[0] * size[1], 3))
    colours -= colours.mean(0)
    colours = colours @ np.linalg.inv(np.linalg.cholesky(np.cov(colours, rowvar=False))).T
    values = colours @ np.asarray(factors).T + mean
    return np.clip(values, 0, 1).reshape(1, *size, 3).astype("float32")


def palette(image):
    colours = image.reshape(-1, 3).astype("float64")
    return colours.mean(0), np.cov(colours, rowvar=False)


MIXED = [[0.05, 0, 0], [0.02, 0.04, 0], [-0.01, 0.01, 0.03]]
OTHER = [[0.03, 0.01, 0], [0, 0.06, 0.02], [0.01, 0, 0.04]]


@pytest.fixture
def image():
    return cloud([0.5, 0.5, 0.5], MIXED)


@pytest.fixture
def reference():
    return cloud([0.6, 0.4, 0.5], OTHER, seed=1, size=(30, 30))


def test_mean_and_covariance_become_the_references(image, reference):
    mean, covariance = palette(nst.match_colours(image, reference))
    wanted_mean, wanted = palette(reference)
    assert mean == pytest.approx(wanted_mean, abs=2e-4)
    assert covariance == pytest.approx(wanted, abs=2e-4)
    assert np.abs(palette(image)[1] - wanted).max() > 1e-3


def test_its_own_colours_change_nothing(image):
    assert np.abs(nst.match_colours(image, image) - image).max() < 1e-3


def test_colours_that_differ_in_their_spread_only_are_scaled():
    narrow, wide = (cloud([0.5] * 3, factor * np.eye(3)) for factor in (0.05, 0.1))
    moved = nst.match_colours(narrow, wide)
    assert moved - 0.5 == pytest.approx(2 * (narrow - 0.5), abs=2e-3)


def test_light_stays_lighter_than_dark(image, reference):
    """The least move is the gradient of a convex function: no two colours change sides."""
    before = image.reshape(-1, 3).astype("float64")
    after = nst.match_colours(image, reference).reshape(-1, 3).astype("float64")
    assert (((before[1:] - before[:-1]) * (after[1:] - after[:-1])).sum(1) > -1e-9).all()


def test_several_references_mix_their_palettes(image, reference):
    other = cloud([0.4, 0.6, 0.5], MIXED, seed=2)
    mean, _ = palette(nst.match_colours(image, [reference, other], weights=[1, 3]))
    assert mean == pytest.approx([0.45, 0.55, 0.5], abs=1e-3)
    alone = nst.match_colours(image, [reference, other], weights=[1, 0])
    assert np.array_equal(alone, nst.match_colours(image, reference))


@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_a_flat_picture_takes_the_mean(reference, flat):
    moved = nst.match_colours(np.full((1, 20, 20, 3), flat), reference)
    assert np.isfinite(moved).all() and moved.shape == (1, 20, 20, 3)
    assert moved.mean((0, 1, 2)) == pytest.approx([0.6, 0.4, 0.5], abs=1e-2)


def test_a_flat_reference_makes_a_flat_picture(image):
    assert np.ptp(nst.match_colours(image, np.full((1, 20, 20, 3), 0.25))) < 1e-6


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [0, 0], [1, np.nan]])
def test_weights_that_do_not_fit(image, reference, weights):
    with pytest.raises(ValueError, match="expected one number for each of 2"):
        nst.match_colours(image, [reference, reference], weights=weights)
