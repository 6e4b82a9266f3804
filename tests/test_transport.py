"""Style as a cloud that is carried over to another: closed forms, places, gradients, memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers.backend import compile_value_and_gradient, to_numpy, to_tensor
from nsthelpers.statistics import SlicedWasserstein
from nsthelpers.statistics.transport import _looked_at, unit_directions


def cloud(height, width, filters, seed=0):
    return np.random.default_rng(seed).normal(size=(1, height, width, filters))


def loss_of(statistic, features, *paintings, shares=None, reduction="mean"):
    shares = shares or [1 / len(paintings)] * len(paintings)
    target = statistic.target([(each,) for each in paintings], shares)
    return float(statistic.loss((features,), target, reduction))


class TestSlicedWasserstein:
    def test_of_a_shifted_cloud_it_is_the_squared_shift_in_the_mean_of_directions(self):
        features, shift = cloud(6, 7, 5), np.array([1.0, -2.0, 0.5, 0.0, 3.0])
        along = unit_directions(5, 5, 0)
        found = loss_of(SlicedWasserstein(), features + shift, features)
        assert found == pytest.approx(np.mean((along @ shift) ** 2))  # sorting undoes nothing
        many = loss_of(SlicedWasserstein(directions=4000), features + shift, features)
        assert many == pytest.approx(shift @ shift / 5, rel=0.05)

    def test_of_a_scaled_cloud_it_is_the_squared_change_of_scale(self):
        """Two times as wide: each number moves as far as it was from 0."""
        features = cloud(5, 5, 3)
        nothing = loss_of(SlicedWasserstein(), 0 * features, features)
        assert loss_of(SlicedWasserstein(), 2 * features, features) == pytest.approx(nothing)

    @given(seed=st.integers(0, 20), filters=st.integers(2, 9))
    def test_directions_have_length_1_and_are_the_same_again(self, seed, filters):
        along = unit_directions(2 * filters, filters, seed)
        assert np.linalg.norm(along, axis=1) == pytest.approx(1)
        assert np.array_equal(along, unit_directions.__wrapped__(2 * filters, filters, seed))
        assert not np.array_equal(along, unit_directions(2 * filters, filters, seed + 1))

    @given(
        height=st.integers(1, 40), width=st.integers(1, 40), places=st.integers(1, 300),
        count=st.integers(1, 20),
    )  # fmt: skip
    def test_each_direction_looks_at_some_places_once(self, height, width, places, count):
        looked = _looked_at(count, height, width, places, 0)
        assert looked.shape[0] == count and 1 <= looked.shape[1] <= places
        assert looked.min() >= 0 and looked.max() < height * width
        assert all(len(set(each)) == len(each) for each in looked.tolist())
        if height * width <= places:
            assert looked.shape[1] == height * width

    def test_together_they_look_at_every_place(self):
        assert set(_looked_at(4, 16, 24, 96, 0).ravel()) == set(range(16 * 24))
        # Also where the steps do not divide the sides: with the directions of a layer.
        seen = set(_looked_at(64, 131, 97, 1024, 0).ravel())
        assert len(seen) > 0.85 * 131 * 97
        rows, columns = ({each // 97 for each in seen}, {each % 97 for each in seen})
        assert rows == set(range(131)) and columns == set(range(97))  # the borders, too

    def test_of_fewer_places_it_is_nearly_the_same(self):
        ours, theirs = np.abs(cloud(64, 64, 8)), 1.5 * np.abs(cloud(64, 48, 8, seed=1))
        exact = loss_of(SlicedWasserstein(places=64 * 64), ours, theirs)
        assert loss_of(SlicedWasserstein(places=1024), ours, theirs) == pytest.approx(
            exact, rel=0.1
        )
        assert loss_of(SlicedWasserstein(places=300), theirs, theirs) == 0  # the same ones

    def test_quantiles_of_another_size_are_interpolated(self):
        theirs = np.array([0.0, 10.0]).reshape(1, 1, 2, 1)
        ours = np.array([7.0, 1.0, 5.0, 9.0]).reshape(1, 1, 4, 1)  # against 0, 2.5, 7.5, 10
        expected = np.mean(np.square([1 - 0, 5 - 2.5, 7 - 7.5, 9 - 10]))
        signed = unit_directions(1, 1, 0)[0, 0]
        found = loss_of(SlicedWasserstein(), signed * ours, signed * theirs)
        assert found == pytest.approx(expected)

    def test_two_paintings_are_a_mixture_of_their_clouds(self):
        one, other = np.zeros((1, 10, 10, 1)), np.ones((1, 10, 10, 1))
        signed = unit_directions(1, 1, 0)[0, 0]
        ours = (np.arange(100) >= 75).reshape(one.shape).astype(float)  # a quarter of the other
        options = {"shares": [0.75, 0.25]}
        found = loss_of(SlicedWasserstein(), signed * ours, one, signed * other, **options)
        middle = np.full_like(ours, 0.25)
        assert (
            found
            < 0.02
            < loss_of(SlicedWasserstein(), signed * middle, one, signed * other, **options)
        )

    def test_gradients_against_central_differences_where_places_are_left_out(self):
        statistic, ours = SlicedWasserstein(places=12), cloud(7, 6, 3)
        target = statistic.target([(cloud(5, 9, 3, seed=1),)], [1.0])

        def loss(features):
            return statistic.loss((features,), target)

        both = compile_value_and_gradient(lambda features, _: (loss(features), ()))
        gradient = to_numpy(both(to_tensor(ours, "float64"), ())[2])
        for index in list(np.ndindex(ours.shape))[::5]:
            step = np.zeros_like(ours)
            step[index] = 1e-6
            slope = (float(loss(ours + step)) - float(loss(ours - step))) / 2e-6
            assert gradient[index] == pytest.approx(slope, rel=1e-4, abs=1e-8)
        seen = _looked_at(3, 7, 6, 12, 0)
        left_out = set(range(42)) - set(seen.ravel().tolist())
        assert not gradient.reshape(42, 3)[sorted(left_out)].any()

    def test_what_is_sorted_does_not_grow_with_the_picture(self):
        for side in (64, 512):
            described = SlicedWasserstein(directions=4).describe(np.zeros((1, side, side, 2)))
            assert described.shape[1] <= 1024

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"directions": 0}, "directions is 0; expected a whole number of at least 1"),
            ({"places": 0}, "places is 0; expected"),
            ({"seed": -1}, "seed is -1; expected a whole number of at least 0"),
        ],
    )
    def test_numbers_out_of_range_are_refused(self, options, text):
        with pytest.raises(ValueError, match=text):
            SlicedWasserstein(**options)

    def test_it_lowers_its_loss_in_the_loop(self, network, photo, painting):
        style = nst.Style(
            painting, ["conv1_1", "conv2_1"], statistic="sliced wasserstein", network=network
        )
        result = nst.synthesize(style, photo, steps=4, progress=False)
        assert result.history[-1].loss < 0.9 * result.history[0].loss
