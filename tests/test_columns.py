"""Hypercolumns and what is made of them: closed forms, matches, gradients, bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers.backend import compile_value_and_gradient, to_numpy, to_tensor
from nsthelpers.images.pyramids import average_weights
from nsthelpers.objectives import NearestNeighbours, Palette, SelfSimilarity
from nsthelpers.statistics import Nearest, RelaxedEMD, columns as columns_module
from nsthelpers.statistics.columns import (
    columns,
    distances_to,
    grid_of,
    layer_scales,
    nearest,
    unit,
)

LAYERS = ["block1_conv1", "block2_conv1"]


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def value(term, image):
    (row,) = term.report(image).values()
    return row["loss"]


def check_gradient(loss, point, every):
    """Against central differences, at every so-manieth place."""
    both = compile_value_and_gradient(lambda x, _: (loss(x), ()))
    gradient = to_numpy(both(to_tensor(point, "float64"), ())[2])
    for index in list(np.ndindex(point.shape))[::every]:
        step = np.zeros_like(point)
        step[index] = 1e-6
        slope = (float(loss(point + step)) - float(loss(point - step))) / 2e-6
        assert gradient[index] == pytest.approx(slope, rel=1e-3, abs=1e-8)


class TestColumns:
    @given(before=st.integers(1, 40), parts=st.integers(1, 40))
    def test_averages_keep_what_is_even_and_the_sum(self, before, parts):
        after = min(before, parts)
        weights = average_weights(before, after)
        assert weights.min() >= 0 and weights.sum(1) == pytest.approx(1)
        assert weights.sum(0) == pytest.approx(after / before)  # each number counts alike

    @given(height=st.integers(1, 60), width=st.integers(1, 60), places=st.integers(1, 400))
    def test_a_grid_has_no_more_places_than_asked_for(self, height, width, places):
        rows, across = grid_of(height, width, places)
        assert 1 <= rows <= height and 1 <= across <= width
        assert rows * across <= max(places, max(rows, across))
        if height * width <= places:
            assert (rows, across) == (height, width)

    def test_means_of_squares_one_below_the_other(self):
        fine, coarse = random(1, 8, 12, 3), random(1, 4, 6, 2, seed=1)
        found = to_numpy(columns([fine, coarse], 24))
        means = fine.reshape(4, 2, 6, 2, 3).mean((1, 3)).reshape(24, 3)
        assert found == pytest.approx(np.concatenate([means, coarse.reshape(24, 2)], axis=1))

    def test_layers_count_alike(self):
        rows = np.concatenate([random(50, 4), 100 * random(50, 9, seed=1)], axis=1)
        scaled = rows * to_numpy(layer_scales(to_tensor(rows, "float64"), [4, 9]))
        squares = np.mean(scaled**2, axis=0)
        assert squares[:4].sum() == pytest.approx(0.5) == pytest.approx(squares[4:].sum())

    @given(count=st.integers(1, 30), others=st.integers(1, 30), at_once=st.integers(1, 100))
    def test_the_nearest_is_that_of_all_cosines_whatever_the_pieces(self, count, others, at_once):
        rows, there = to_numpy(unit(random(count, 4))), to_numpy(unit(random(others, 4, seed=1)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(columns_module, "_AT_ONCE", at_once)
            found = to_numpy(nearest(to_tensor(rows, "float64"), to_tensor(there, "float64")))
        assert np.array_equal(found, (rows @ there.T).argmax(1))

    def test_never_are_more_cosines_there_than_a_piece_holds(self, monkeypatch):
        """512 pixels a side have 16,384 columns and more: 1 GB of cosines."""
        made, product = [], columns_module.ops.matmul

        def counting(first, second):
            made.append(first.shape[0] * second.shape[1])
            return product(first, second)

        monkeypatch.setattr(columns_module.ops, "matmul", counting)
        rows = to_tensor(random(2**14, 2))
        nearest(rows, rows[: 2**12])
        assert max(made) <= columns_module._AT_ONCE and sum(made) == 2**26

    def test_distances_are_those_of_cosines(self):
        rows = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])
        there = np.array([[5.0, 0.0], [1.0, 1.0]])
        found = to_numpy(
            distances_to(*(unit(to_tensor(each, "float64")) for each in (rows, there)))
        )
        assert found == pytest.approx([0, 1 - np.sqrt(0.5), 1 + np.sqrt(0.5)], abs=1e-6)


class TestRelaxedEMD:
    @staticmethod
    def loss(statistic, features, painting):
        return float(statistic.loss(features, statistic.target([painting], [1.0])))

    def test_it_is_the_larger_of_both_means(self):
        """Two directions at a right angle; three quarters of the one are as good as half of it."""
        one, other = np.eye(2)
        ours = np.array([one, one, one, one]).reshape(1, 2, 2, 2)
        theirs = np.array([one, one, one, other]).reshape(1, 2, 2, 2)
        # Ours find themselves there; of theirs a quarter is a right angle away from all of ours.
        statistic = RelaxedEMD(moments=0)
        assert self.loss(statistic, (ours,), (theirs,)) == pytest.approx(0.25, abs=1e-6)
        assert self.loss(statistic, (theirs,), (ours,)) == pytest.approx(0.25, abs=1e-6)
        mixed = np.array([one, other, other, other]).reshape(1, 2, 2, 2)
        assert self.loss(statistic, (mixed,), (theirs,)) == pytest.approx(0, abs=1e-6)  # relaxed
        assert self.loss(RelaxedEMD(), (mixed,), (theirs,)) > 0.1  # moments know how many

    def test_strength_is_the_moments_alone(self):
        features = (np.abs(random(1, 4, 4, 3)),)
        twice = (2 * features[0],)
        assert self.loss(RelaxedEMD(moments=0), twice, features) == pytest.approx(0, abs=1e-6)
        # |2 m - m| / m = 1 and |4 C - C| / C = 3: their mean is 2, of which half counts.
        assert self.loss(RelaxedEMD(), twice, features) == pytest.approx(1, abs=1e-4)

    def test_gradients_through_two_layers_and_a_grid(self):
        statistic, fine, coarse = RelaxedEMD(places=12), random(1, 6, 8, 3), random(1, 3, 4, 2)
        painting = random(1, 6, 8, 3, seed=2), random(1, 3, 4, 2, seed=3)
        target = statistic.target([painting], [1.0])
        check_gradient(lambda x: statistic.loss((x, coarse), target), fine, 7)
        check_gradient(lambda x: statistic.loss((fine, x), target), coarse, 3)

    def test_all_layers_are_one_group(self, network, photo, painting):
        style = nst.Style(painting, LAYERS, statistic="relaxed emd", network=network)
        assert style.groups == (("block1_conv1", "block2_conv1"),)
        result = nst.synthesize(style, photo, steps=4, progress=False)
        assert result.history[-1].loss < 0.95 * result.history[0].loss

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"places": 0}, "places is 0; expected a whole number of at least 1"),
            ({"moments": -1}, "moments is -1; expected a finite number of at least 0"),
        ],
    )
    def test_numbers_out_of_range_are_refused(self, options, text):
        with pytest.raises(ValueError, match=text):
            RelaxedEMD(**options)


class TestNearest:
    def test_of_features_less_their_mean(self):
        cross = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
        moved = 3 * cross + 7  # another mean, the same directions
        target = Nearest().target([(cross.reshape(1, 2, 2, 2),)], [1.0])
        assert float(Nearest().loss((moved.reshape(1, 2, 2, 2),), target)) < 1e-6
        turned = cross @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
        found = float(Nearest().loss((turned.reshape(1, 2, 2, 2),), target))
        assert found == pytest.approx(1 - np.sqrt(0.5), abs=1e-6)

    def test_not_all_of_the_painting_must_be_used(self):
        painting = random(1, 8, 8, 3)
        half = np.concatenate([painting[:, :4], painting[:, :4]], axis=1)
        mean = painting.mean((1, 2)) - half.mean((1, 2))
        target = Nearest().target([(painting,)], [1.0])
        assert float(Nearest().loss((half + mean,), target)) < 0.02

    @pytest.mark.parametrize(
        ("sizes", "shares", "wanted"),
        [
            ((1, 1), (0.5, 0.5), (1, 1)),
            ((1024, 100), (0.5, 0.5), (100, 100)),
            ((4, 4), (0.75, 0.25), (4, 1)),
            ((40, 1), (0.99, 0.01), (40, 1)),
            ((5, 9), (0.0, 1.0), (0, 9)),
        ],
    )
    def test_paintings_are_there_in_proportion_to_their_shares(self, sizes, shares, wanted):
        one, other = (
            np.full((1, 1, size, 2), each) for size, each in zip(sizes, np.eye(2), strict=True)
        )
        found = RelaxedEMD(moments=0).target([(one,), (other,)], shares)["columns"]
        assert np.count_nonzero(to_numpy(found) > 0.5, axis=0).tolist() == list(wanted)
        assert len(Nearest().target([(one,), (other,)], shares)["features"]) == sum(wanted)

    def test_gradients(self):
        statistic, ours = Nearest(places=10), random(1, 5, 4, 3)
        target = statistic.target([(random(1, 6, 6, 3, seed=1),)], [1.0])
        assert target["features"].shape == (10, 3)
        check_gradient(lambda x: statistic.loss((x,), target), ours, 7)


class TestNearestNeighbours:
    def test_among_themselves_they_are_themselves(self, network, photo):
        term = NearestNeighbours(photo, photo, LAYERS, network=network)
        assert value(term, photo) < 1e-4

    def test_a_turned_picture_is_found_again_where_it_may_be_turned(self, network, photo):
        turned = np.rot90(photo, 1, (1, 2)).copy()
        options = {"layers": "block1_conv1", "network": network}
        still, turning = (
            value(NearestNeighbours(photo, turned, turned=each, **options), photo)
            for each in (False, True)
        )
        assert turning < 1e-4 < still

    def test_of_two_paintings_each_place_takes_the_best(self, network, photo, painting):
        halves = [photo[:, :, :24], photo[:, :, 24:]]
        options = {"layers": "block1_conv1", "network": network, "turned": False}
        both, one = (
            value(NearestNeighbours(photo, each, **options), photo) for each in (halves, halves[0])
        )
        assert both < 0.5 * one

    def test_targets_are_columns_of_the_painting(self, network, photo, painting):
        term = NearestNeighbours(photo, painting, "block1_conv1", network=network, turned=False)
        targets = term.targets(32, 48, 1.0)
        features = network.features(painting, "block1_conv1")["block1_conv1"]
        theirs = to_numpy(unit(columns([features], 10 * 9) * targets["scales"]))  # 4 pixels apart
        cosines = to_numpy(targets["columns"]) @ theirs.T
        assert cosines.max(1) == pytest.approx(1, abs=1e-4)

    def test_it_is_optimised_from_coarse_to_fine(self, network, photo, painting):
        term = NearestNeighbours(photo, painting, LAYERS, network=network)
        result = nst.synthesize(
            term, photo, optimizer=nst.Adam(0.002), image_as="laplacian", scales=[24, 48],
            steps=3, progress=False,
        )  # fmt: skip
        assert result.history[-1].loss < result.history[-2].loss < result.history[-4].loss

    def test_errors_say_what_was_expected(self, network, photo, painting):
        with pytest.raises(ValueError, match="places is 0; expected a whole number"):
            NearestNeighbours(photo, painting, places=0, network=network)
        with pytest.raises(ValueError, match="no layers; name at least one"):
            NearestNeighbours(photo, painting, [], network=network)
        with pytest.raises(ValueError, match="vgg19 has no layer 'conv9_1'"):
            NearestNeighbours(photo, painting, "conv9_1", network=network)
        with pytest.raises(ValueError, match="a layer is named twice in"):
            SelfSimilarity(photo, ["conv1_1", "block1_conv1"], network=network)
        with pytest.raises(ValueError, match="no style image; give at least one"):
            NearestNeighbours(photo, [], network=network)
        term = NearestNeighbours(photo, painting, "conv1_1", network=network)
        with pytest.raises(ValueError, match="the aspects differ"):
            value(term, painting)


class TestSelfSimilarity:
    def test_it_is_the_papers_sum(self, network, photo, painting):
        term = SelfSimilarity(photo, "block1_conv1", places=24, network=network)
        other = nst.resize(painting, size=photo.shape[1:3])

        def likeness(picture):
            features = network.features(picture, "block1_conv1")["block1_conv1"]
            rows = to_numpy(columns([features], 24)).astype("float64")
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            apart = 1 - rows @ rows.T
            return apart / apart.sum(0)

        ours, theirs = likeness(other), likeness(photo)
        expected = np.abs(ours - theirs).mean() * len(ours)
        assert value(term, other) == pytest.approx(expected, rel=1e-3)
        assert value(term, photo) == pytest.approx(0, abs=1e-6)

    def test_smaller_pictures_count_more_where_it_fades(self, network, photo):
        grey = np.full_like(photo, 0.5) + 0.1 * photo
        found = {}
        for fading in (True, False):
            term = SelfSimilarity(photo, "conv1_1", fading=fading, network=network)
            found[fading] = [
                (1 * term).at(32, 48, scale).evaluate(grey).loss for scale in (1.0, 0.25)
            ]
        assert found[True][1] == pytest.approx(4 * found[True][0], rel=1e-5)
        assert found[False] == [found[True][0]] * 2


class TestPalette:
    def test_the_same_colours_elsewhere_have_no_loss(self, photo):
        assert value(Palette(photo), photo[:, ::-1, ::-1].copy()) == pytest.approx(0, abs=1e-5)

    def test_a_shifted_colour_is_that_far_away(self):
        grey = np.full((1, 16, 16, 3), 0.5, "float32")
        assert value(Palette(grey), grey - 0.3) == pytest.approx(0.3, abs=1e-3)

    def test_it_brings_a_photograph_to_the_paintings_colours(self, photo, painting):
        result = nst.synthesize(Palette(painting), photo, steps=20, progress=False)
        assert result.history[-1].loss < 0.5 * result.history[0].loss
