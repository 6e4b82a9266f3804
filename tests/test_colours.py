"""Whose colours a picture has: palettes matched, luminance exchanged, differences measured."""

from __future__ import annotations

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers import choices
from nsthelpers.images import match_luminance


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


LINEAR = pytest.mark.parametrize("method", ["monge", "pca", "cholesky"])


@LINEAR
def test_mean_and_covariance_become_the_references(image, reference, method):
    mean, covariance = palette(nst.match_colours(image, reference, method=method))
    wanted_mean, wanted = palette(reference)
    assert mean == pytest.approx(wanted_mean, abs=2e-4)
    assert covariance == pytest.approx(wanted, abs=2e-4)
    assert np.abs(palette(image)[1] - wanted).max() > 1e-3


@pytest.mark.parametrize("method", choices.COLOUR_METHODS)
def test_its_own_colours_change_nothing(image, method):
    assert np.abs(nst.match_colours(image, image, method=method) - image).max() < 1e-3


def test_monge_moves_colours_least(image, reference):
    moves = {
        method: np.square(nst.match_colours(image, reference, method=method) - image).mean()
        for method in ("monge", "pca", "cholesky")
    }
    assert moves["monge"] < min(moves["pca"], moves["cholesky"])


def test_with_triangular_roots_red_follows_from_red_alone(image, reference):
    moved = nst.match_colours(image, reference, method="cholesky")[..., 0].ravel()
    assert np.corrcoef(image[..., 0].ravel(), moved)[0, 1] == pytest.approx(1, abs=1e-5)


def test_histograms_become_the_references_exactly(image):
    other = cloud([0.4, 0.6, 0.5], OTHER, seed=3)  # of the same size
    moved = nst.match_colours(image, other, method="histogram")
    for channel in range(3):
        values, wanted = (np.sort(each[..., channel].ravel()) for each in (moved, other))
        assert np.abs(values - wanted).max() < 2e-3
        order = [np.argsort(each[..., channel].ravel(), kind="stable") for each in (image, moved)]
        assert (np.diff(moved[..., channel].ravel()[order[0]]) >= 0).all()


def test_histograms_mix_by_their_shares(image):
    rng = np.random.default_rng(0)
    dark, light = rng.uniform(0, 0.4, (1, 20, 20, 3)), rng.uniform(0.6, 1, (1, 30, 50, 3))
    moved = nst.match_colours(image, [dark, light], [1, 3], method="histogram")
    assert (moved > 0.5).mean() == pytest.approx(0.75, abs=0.01)


def test_an_unknown_method(image):
    with pytest.raises(ValueError, match="unknown method 'lab'; expected one of 'monge'"):
        nst.match_colours(image, image, method="lab")


@LINEAR
def test_a_single_pixel_is_a_palette_too(image, method):
    moved = nst.match_colours(image, np.full((1, 1, 1, 3), 0.25), method=method)
    assert moved == pytest.approx(np.full(image.shape, 0.25), abs=1e-3)


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


@pytest.mark.parametrize("weights", [[1], [1, 2, 3], [0, 0], [1, np.nan], [2, -1]])
def test_weights_that_do_not_fit(image, reference, weights):
    with pytest.raises(ValueError, match="expected one number for each of 2"):
        nst.match_colours(image, [reference, reference], weights=weights)


class TestLuminance:
    LUMA = np.array([0.299, 0.587, 0.114])

    def test_it_is_grey_and_of_the_same_luma(self, image):
        grey = nst.images.luminance(image)
        assert np.ptp(grey, axis=-1).max() == 0
        assert np.abs(grey[..., 0] - image @ self.LUMA).max() < 1e-6

    def test_matched_in_mean_and_contrast(self, image, reference):
        matched, wanted = match_luminance(image, reference)[..., 0], reference @ self.LUMA
        assert matched.mean() == pytest.approx(wanted.mean(), abs=1e-4)
        assert matched.std() == pytest.approx(wanted.std(), abs=1e-4)
        flat = match_luminance(np.full((1, 20, 20, 3), 0.9), reference)
        assert flat == pytest.approx(np.full(flat.shape, wanted.mean()), abs=1e-6)

    def test_luminance_of_one_and_chroma_of_the_other(self, image):
        light = nst.images.luminance(image[:, ::-1])  # near enough for all colours to fit
        both = nst.images.with_luminance(image, light)
        assert np.abs(both @ self.LUMA - light[..., 0]).max() < 1e-6
        chroma = [each - nst.images.luminance(each) for each in (image, both)]
        assert np.abs(chroma[0] - chroma[1]).max() < 1e-6

    def test_where_a_colour_does_not_fit_it_fades_and_keeps_hue_and_luminance(self):
        rng = np.random.default_rng(0)
        colours, light = rng.uniform(size=(1, 50, 50, 3)), rng.uniform(size=(1, 50, 50, 1))
        both = nst.images.with_luminance(colours, light).astype("float64")
        assert both.min() >= 0 and both.max() <= 1
        assert np.abs(both @ self.LUMA - light[..., 0]).max() < 1e-6
        was, now = (each - (each @ self.LUMA)[..., None] for each in (colours, both))
        lengths = np.linalg.norm(was, axis=-1), np.linalg.norm(now, axis=-1)
        assert (lengths[1] <= lengths[0] + 1e-6).all() and (lengths[1] < lengths[0] - 0.01).any()
        assert (was * now).sum(-1) == pytest.approx(lengths[0] * lengths[1], abs=1e-6)

    def test_the_picture_takes_the_size_of_the_light(self, image):
        assert nst.images.with_luminance(image, np.zeros((1, 20, 30, 3))).shape == (1, 20, 30, 3)


def test_differences_of_colour():
    black, white = np.zeros((1, 8, 8, 3)), np.ones((1, 8, 8, 3))
    assert nst.images.colour_difference(black, white) == pytest.approx(100, abs=0.1)
    assert nst.images.colour_difference(black, white, lightness=False) < 0.1
    red = np.full((1, 8, 8, 3), [0.6, 0.4, 0.4])
    grey = nst.images.luminance(red)
    assert nst.images.colour_difference(grey, red, lightness=False) > 5
