"""Losses against closed forms, NumPy in float64, invariants and central differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from nsthelpers import losses
from nsthelpers.backend import compile_value_and_gradient, to_numpy, to_tensor

FEATURES = hnp.arrays(
    "float64",
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5)),
    elements=st.floats(-10, 10, width=32),
)


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def gram_of(features):
    return np.asarray(losses.gram_matrix(features))


def gradient_of(function, point):
    """The loss's gradient in float64, from the same machinery that the objectives use."""
    both = compile_value_and_gradient(lambda x, _: (function(x), ()), compiled=False)
    return to_numpy(both(to_tensor(point, "float64"), ())[2])


def central_differences(function, point, step=1e-6):
    gradient = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        ahead, behind = point.copy(), point.copy()
        ahead[index] += step
        behind[index] -= step
        gradient[index] = (float(function(ahead)) - float(function(behind))) / (2 * step)
    return gradient


POINT = np.random.default_rng(8).normal(size=(5, 3))


class TestGramMatrix:
    def test_known_features(self):
        first, second = np.array([[1.0, 1.0], [0.0, 2.0]]), np.array([[0.0, 2.0], [4.0, 2.0]])
        gram = gram_of(np.stack([first, second], axis=-1))  # 2 x 2 positions, 2 filters
        assert gram.tolist() == [[6 / 4, 6 / 4], [6 / 4, 24 / 4]]

    def test_gradient_of_any_function_of_it(self):
        """Also of one that weighs G_ij and G_ji differently."""
        point, weights = POINT, np.arange(9.0).reshape(3, 3) ** 2
        found = gradient_of(lambda x: losses.ops.sum(weights * losses.gram_matrix(x)), point)
        assert found == pytest.approx(point @ (weights + weights.T) / len(point))

    @pytest.mark.parametrize("shape", [(1, 3, 4, 5), (3, 4, 5), (12, 5)])
    def test_the_definition_in_every_layout(self, shape):
        features = random(*shape)
        rows = features.reshape(-1, 5)
        expected = sum(np.outer(row, row) for row in rows) / len(rows)
        assert gram_of(features) == pytest.approx(expected, rel=1e-12)

    @given(features=FEATURES, seed=st.integers(0, 2**32 - 1))
    def test_where_things_stand_does_not_matter(self, features, seed):
        rows = features.reshape(-1, features.shape[-1])
        shuffled = np.random.default_rng(seed).permutation(rows)
        assert gram_of(shuffled) == pytest.approx(gram_of(features), abs=1e-9)

    @given(features=FEATURES)
    def test_symmetric_and_positive_semi_definite(self, features):
        gram = gram_of(features)
        assert gram == pytest.approx(gram.T, abs=1e-12)
        assert np.linalg.eigvalsh(gram).min() >= -1e-9

    @given(features=FEATURES)
    def test_tiling_the_image_changes_nothing(self, features):
        tiled = np.tile(features, (2, 3, 1))
        assert gram_of(tiled) == pytest.approx(gram_of(features), abs=1e-9)

    @pytest.mark.parametrize("shape", [(5,), (2, 3, 4, 5), (1, 1, 2, 3, 4)])
    def test_other_shapes_are_refused(self, shape):
        with pytest.raises(ValueError, match=r"expected \(1, H, W, N\).*one image's features"):
            losses.gram_matrix(np.ones(shape))


class TestContentAndStyle:
    @pytest.mark.parametrize("loss", [losses.content_loss, losses.style_loss])
    @pytest.mark.parametrize("reduction", losses.REDUCTIONS)
    def test_zero_for_equal_features(self, loss, reduction):
        same = random(5, 5)
        assert float(loss(same, same.copy(), reduction)) == 0.0

    def test_content_reductions_against_numpy(self):
        features, target = random(1, 3, 4, 5), random(1, 3, 4, 5, seed=1)
        squared = (features - target) ** 2
        found = {
            name: float(losses.content_loss(features, target, name)) for name in losses.REDUCTIONS
        }
        assert found["mean"] == pytest.approx(squared.mean())
        assert found["gatys"] == pytest.approx(0.5 * squared.sum())
        assert found["gatys"] == pytest.approx(0.5 * squared.size * found["mean"])
        assert found["relative"] == pytest.approx(squared.sum() / (target**2).sum())

    @pytest.mark.parametrize("reduction", losses.REDUCTIONS)
    def test_content_from_the_sums_of_its_halves(self, reduction):
        features, target = random(1, 4, 6, 5), random(1, 4, 6, 5, seed=1)
        halves = [(features[:, :2], target[:, :2]), (features[:, 2:], target[:, 2:])]
        sums = [[((f - t) ** 2).sum(), (t**2).sum(), t.size] for f, t in halves]
        found = losses.content_loss_of_sums(*np.sum(sums, axis=0), reduction)
        expected = float(losses.content_loss(features, target, reduction))
        assert float(found) == pytest.approx(expected)

    def test_content_from_sums_with_an_unknown_reduction(self):
        with pytest.raises(ValueError, match="unknown reduction 'max'"):
            losses.content_loss_of_sums(1.0, 1.0, 1, "max")

    def test_style_reductions_against_numpy(self):
        gram, target = random(6, 6), random(6, 6, seed=1)
        squared = (gram - target) ** 2
        found = {name: float(losses.style_loss(gram, target, name)) for name in losses.REDUCTIONS}
        assert found["mean"] == pytest.approx(squared.mean())
        assert found["gatys"] == pytest.approx(squared.sum() / (4 * 6**2))
        assert found["gatys"] == pytest.approx(found["mean"] / 4)
        assert found["relative"] == pytest.approx(squared.sum() / (target**2).sum())

    def test_gatys_style_is_the_papers_sum_over_unnormalised_matrices(self):
        positions, filters = 20, 4
        ours, theirs = random(positions, filters), random(positions, filters, seed=1)
        # Equations 3 and 4 as printed: G_ij = sum_k F_ik F_jk, E = sum (G - A)^2 / (4 N^2 M^2).
        printed = ((ours.T @ ours - theirs.T @ theirs) ** 2).sum() / (4 * filters**2 * positions**2)
        found = losses.style_loss(losses.gram_matrix(ours), losses.gram_matrix(theirs), "gatys")
        assert float(found) == pytest.approx(printed)

    @pytest.mark.parametrize("loss", [losses.content_loss, losses.style_loss])
    def test_relative_is_one_where_nothing_answers_and_knows_no_scale(self, loss):
        value, target = random(4, 4), random(4, 4, seed=1)
        assert float(loss(np.zeros((4, 4)), target, "relative")) == pytest.approx(1.0)
        scaled = float(loss(1e4 * value, 1e4 * target, "relative"))
        assert scaled == pytest.approx(float(loss(value, target, "relative")))

    def test_relative_to_a_dead_layer_stays_finite(self):
        assert np.isfinite(float(losses.content_loss(np.ones(4), np.zeros(4), "relative")))

    @pytest.mark.parametrize("reduction", ["mean", "relative"])
    def test_means_do_not_change_when_the_image_is_tiled(self, reduction):
        features, target = random(1, 2, 3, 4), random(1, 2, 3, 4, seed=1)
        once = losses.content_loss(features, target, reduction)
        twice = losses.content_loss(
            np.tile(features, (1, 2, 2, 1)), np.tile(target, (1, 2, 2, 1)), reduction
        )
        assert float(twice) == pytest.approx(float(once))

    @pytest.mark.parametrize("reduction", losses.REDUCTIONS)
    def test_gradients(self, reduction):
        point, target = random(1, 2, 3, 4), random(1, 2, 3, 4, seed=1)
        gram = losses.gram_matrix(target)
        for function in (
            lambda x: losses.content_loss(x, target, reduction),
            lambda x: losses.style_loss(losses.gram_matrix(x), gram, reduction),
        ):
            expected = central_differences(function, point)
            assert gradient_of(function, point) == pytest.approx(expected, rel=1e-6, abs=1e-8)

    @pytest.mark.parametrize("loss", [losses.content_loss, losses.style_loss])
    def test_errors_say_what_was_expected(self, loss):
        with pytest.raises(ValueError, match="unknown reduction 'max'; expected one of 'relative'"):
            loss(np.ones((2, 2)), np.ones((2, 2)), "max")
        # Shapes that NumPy would broadcast silently are refused as well.
        with pytest.raises(ValueError, match=r"\(2, 2\) and \(1, 2\); both must be equal"):
            loss(np.ones((2, 2)), np.ones((1, 2)))


class TestTotalVariation:
    CHECKERBOARD = (np.indices((6, 8)).sum(0) % 2)[None, :, :, None].astype("float64")

    @pytest.mark.parametrize(
        ("kind", "exponent", "mean"),
        [("l1", 1.25, 2.0), ("squared", 1.25, 2.0), ("exponent", 1.25, 2**1.25)],
    )
    def test_checkerboard_of_zeros_and_ones(self, kind, exponent, mean):
        found = losses.total_variation(self.CHECKERBOARD, kind, exponent)
        assert float(found) == pytest.approx(mean)

    def test_ramp(self):
        ramp = np.broadcast_to(np.arange(5.0)[None, None, :, None], (1, 4, 5, 3))  # dx = 1, dy = 0
        assert float(losses.total_variation(ramp)) == 1.0
        assert float(losses.total_variation(2 * ramp, "squared")) == 4.0
        assert float(losses.total_variation(ramp, "l1", reduction="sum")) == 4 * 4 * 3

    @pytest.mark.parametrize("kind", losses.TV_KINDS)
    @pytest.mark.parametrize("reduction", losses.TV_REDUCTIONS)
    def test_zero_for_a_flat_image(self, kind, reduction):
        flat = np.full((1, 5, 6, 3), 0.3)
        found = float(losses.total_variation(flat, kind, reduction=reduction))
        assert found == pytest.approx(0.0, abs=1e-12)

    @pytest.mark.parametrize("exponent", [0.5, 1.0, 1.25, 2.0])
    def test_exponent_against_a_loop(self, exponent):
        image = random(1, 4, 5, 3)
        total = 0.0
        for y in range(3):
            for x in range(4):
                for channel in range(3):
                    here = image[0, y, x, channel]
                    right, below = image[0, y, x + 1, channel], image[0, y + 1, x, channel]
                    total += ((right - here) ** 2 + (below - here) ** 2) ** exponent
        found = losses.total_variation(image, "exponent", exponent, "sum")
        assert float(found) == pytest.approx(total)
        mean = losses.total_variation(image, "exponent", exponent)
        assert float(mean) == pytest.approx(total / (3 * 4 * 3))

    @given(
        image=hnp.arrays("float64", (1, 4, 5, 2), elements=st.floats(0, 1, width=32)),
        factor=st.floats(0.1, 10),
    )
    def test_how_each_kind_scales(self, image, factor):
        for kind, power in (("l1", 1), ("squared", 2), ("exponent", 2.5)):
            once = float(losses.total_variation(image, kind))
            scaled = float(losses.total_variation(factor * image, kind))
            assert scaled == pytest.approx(factor**power * once, rel=1e-6, abs=1e-9)

    @given(image=hnp.arrays("float64", (1, 3, 4, 1), elements=st.floats(0, 1, width=32)))
    def test_mirrored_and_turned_images_are_as_rough(self, image):
        for kind in ("l1", "squared"):
            value = pytest.approx(float(losses.total_variation(image, kind)), abs=1e-12)
            assert float(losses.total_variation(image[:, :, ::-1], kind)) == value
            assert float(losses.total_variation(image.transpose(0, 2, 1, 3), kind)) == value

    @pytest.mark.parametrize("kind", losses.TV_KINDS)
    @pytest.mark.parametrize("reduction", losses.TV_REDUCTIONS)
    def test_gradients(self, kind, reduction):
        point = random(1, 3, 4, 2)

        def function(x):
            return losses.total_variation(x, kind, reduction=reduction)

        expected = central_differences(function, point)
        assert gradient_of(function, point) == pytest.approx(expected, rel=1e-6, abs=1e-8)

    @pytest.mark.parametrize("exponent", [0.5, 0.75, 1.25])
    def test_a_flat_image_has_a_finite_gradient(self, exponent):
        flat = np.full((1, 4, 4, 3), 0.5)
        gradient = gradient_of(lambda x: losses.total_variation(x, "exponent", exponent), flat)
        assert not gradient.any()

    def test_errors_say_what_was_expected(self):
        image = np.zeros((1, 4, 4, 3))
        with pytest.raises(ValueError, match="unknown kind of total variation 'l3'.*'squared'"):
            losses.total_variation(image, "l3")
        with pytest.raises(ValueError, match="unknown reduction 'gatys'; expected one of 'mean'"):
            losses.total_variation(image, reduction="gatys")
        for exponent in (0.4, -1, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="exponent is .*; expected a finite number of at"):
                losses.total_variation(image, "exponent", exponent)
        for shape in [(1, 1, 4, 3), (1, 4, 1, 3), (4, 4, 3), (2, 4, 4, 3)]:
            with pytest.raises(ValueError, match="at least 2"):
                losses.total_variation(np.zeros(shape))
