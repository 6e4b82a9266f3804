"""Style statistics against closed forms, NumPy in float64, invariants and bad arguments."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers import losses
from nsthelpers.backend import compile_value_and_gradient, to_numpy, to_tensor
from nsthelpers.statistics import by_name as statistics, gram
from nsthelpers.statistics.by_name import (
    MMD,
    STATISTICS,
    ContentAwareGram,
    Gram,
    GramChain,
    GramCube,
    MeanVariance,
    Nearest,
    Wasserstein,
)
from nsthelpers.statistics.distributions import trace_of_root

EACH = pytest.mark.parametrize("name", STATISTICS)
# Those of which only the cloud of features counts, not who is next to whom.
CLOUDS = [name for name in STATISTICS if name not in ("adjacent", "blurred")]
# Those that interpolate between features, or choose some: of more of the same they differ a little.
SAMPLED = ("sliced wasserstein", "relaxed emd", "nearest")
LAYERS = ["block1_conv1", "block2_conv1"]


def random(*shape, seed=0):
    """Like activations after a ReLU: half of them 0."""
    return np.maximum(np.random.default_rng(seed).normal(size=shape), 0.0)


def layers_of(name, seed=0, height=8, width=10):
    """Features of one group: one layer's, or two layers' of one image for those that join two."""
    first = random(1, height, width, 5, seed=seed)
    joins = isinstance(STATISTICS[name], GramChain | ContentAwareGram)
    if name == "relaxed emd":  # where nothing answers there is no direction
        return (first + 0.1,)
    return (first, random(1, height // 2, width // 2, 3, seed=seed + 50)) if joins else (first,)


def target_of(statistic, *features):
    return statistic.target([features], [1.0])


def loss_of(statistic, features, painting, reduction="relative"):
    return float(statistic.loss(features, target_of(statistic, *painting), reduction))


def described(statistic, *features):
    parts = statistic.describe(*features)
    return [np.asarray(part) for part in (parts if isinstance(parts, tuple) else [parts])]


def gradient_of(function, point, dtype="float64"):
    both = compile_value_and_gradient(lambda x, _: (function(x), ()), compiled=False)
    return to_numpy(both(to_tensor(point, dtype), ())[2])


def rows_of(features):
    return features.reshape(-1, features.shape[-1])


def shuffled(features, seed=0):
    """The same columns of features, at other places; several layers move alike where they can."""
    rng = np.random.default_rng(seed)
    return tuple(rng.permutation(rows_of(each)).reshape(each.shape) for each in features)


class TestEveryStatistic:
    @EACH
    @pytest.mark.parametrize("reduction", ["relative", "mean"])
    def test_equal_features_give_zero(self, name, reduction):
        features = layers_of(name)
        unit = loss_of(STATISTICS[name], [0 * f for f in features], features, reduction)
        assert abs(loss_of(STATISTICS[name], features, features, reduction)) < 1e-6 * unit

    @EACH
    def test_other_features_do_not(self, name):
        assert loss_of(STATISTICS[name], layers_of(name, 1), layers_of(name, 2)) > 1e-3

    @EACH
    def test_relative_is_about_one_where_nothing_answers(self, name):
        features = layers_of(name)
        nothing = [np.zeros_like(each) for each in features]
        found = loss_of(STATISTICS[name], nothing, features)
        # The ridge moves Wasserstein's covariances; a little is added under the other's root.
        tolerance = {"wasserstein": 0.2, "mean and variance": 0.01}.get(name, 1e-6)
        assert found == pytest.approx(1.0, rel=tolerance)

    @pytest.mark.parametrize("name", [n for n in STATISTICS if n != "shifted"])
    def test_relative_knows_no_scale(self, name):
        ours, theirs = layers_of(name, 1), layers_of(name, 2)
        once = loss_of(STATISTICS[name], ours, theirs)
        large = loss_of(STATISTICS[name], [300 * f for f in ours], [300 * f for f in theirs])
        assert large == pytest.approx(once, rel=1e-4)

    @EACH
    def test_images_of_different_sizes_compare(self, name):
        small, large = layers_of(name, 1, 8, 10), layers_of(name, 2, 16, 12)
        assert 1e-3 < loss_of(STATISTICS[name], small, large) < 10

    @pytest.mark.parametrize("name", [n for n in CLOUDS if n not in SAMPLED])
    def test_tiling_changes_nothing(self, name):
        ours, theirs = layers_of(name, 1), layers_of(name, 2)
        tiled = [np.tile(each, (1, 2, 3, 1)) for each in ours]
        once, many = (loss_of(STATISTICS[name], each, theirs) for each in (ours, tiled))
        assert many == pytest.approx(once, rel=1e-6)

    @pytest.mark.parametrize("name", [n for n in CLOUDS if len(layers_of(n)) == 1])
    def test_where_things_stand_does_not_matter(self, name):
        features = layers_of(name)
        assert abs(loss_of(STATISTICS[name], shuffled(features), features)) < 1e-6

    @pytest.mark.parametrize("name", ["adjacent", "blurred", "chain", "content aware"])
    def test_what_is_next_to_or_under_what_does_matter(self, name):
        features = layers_of(name)
        assert loss_of(STATISTICS[name], shuffled(features), features) > 1e-3

    @EACH
    def test_several_paintings_are_a_mixture(self, name):
        statistic, first, second = STATISTICS[name], layers_of(name, 1), layers_of(name, 2)
        # Twice the first and once the second, side by side, is a mixture of 2 to 1.
        both = [np.concatenate([a, a, b], axis=2) for a, b in zip(first, second, strict=True)]
        image = layers_of(name, 3)
        mixed = statistic.target([first, second], [2 / 3, 1 / 3])
        found = float(statistic.loss(image, mixed))
        if name in CLOUDS and name not in SAMPLED:
            assert found == pytest.approx(loss_of(statistic, image, both), rel=1e-4)
        else:  # the seams count there, or some are left out
            assert found == pytest.approx(loss_of(statistic, image, both), rel=0.4)

    @EACH
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_gradients_are_finite_and_point_downhill(self, name, dtype):
        statistic = STATISTICS[name]
        ours, theirs = (
            [each.astype(dtype) * 200 for each in layers_of(name, seed)] for seed in (1, 2)
        )
        target = target_of(statistic, *theirs)

        def loss(first):
            return statistic.loss((first, *ours[1:]), target)

        gradient = gradient_of(loss, ours[0], dtype)
        assert np.isfinite(gradient).all() and gradient.any()
        step = 1e-3 * np.linalg.norm(ours[0]) / np.linalg.norm(gradient)
        assert float(loss(ours[0] - (step * gradient).astype(dtype))) < float(loss(ours[0]))

    @EACH
    @pytest.mark.parametrize("value", [0.0, 3.0])
    def test_flat_features_have_a_finite_gradient(self, name, value):
        statistic = STATISTICS[name]
        flat = [np.full_like(each, value, dtype="float32") for each in layers_of(name)]
        target = target_of(statistic, *(each.astype("float32") for each in layers_of(name)))
        gradient = gradient_of(
            lambda first: statistic.loss((first, *flat[1:]), target), flat[0], "float32"
        )
        assert np.isfinite(gradient).all()

    @EACH
    def test_a_flat_or_dead_painting_stays_finite(self, name):
        for value in (0.0, 2.0):
            flat = [np.full_like(each, value) for each in layers_of(name)]
            assert np.isfinite(loss_of(STATISTICS[name], layers_of(name), flat))

    @pytest.mark.parametrize("name", [n for n in STATISTICS if n not in ("wasserstein",)])
    def test_gradients_against_central_differences(self, name):
        statistic, ours = STATISTICS[name], layers_of(name, 1, 4, 4)
        target = target_of(statistic, *layers_of(name, 2, 4, 4))

        def loss(first):
            return statistic.loss((first, *ours[1:]), target)

        point = ours[0] + 0.1  # away from 0, where |F| has a corner
        gradient, expected = gradient_of(loss, point), np.zeros_like(point)
        for index in list(np.ndindex(point.shape))[::7]:
            step = np.zeros_like(point)
            step[index] = 1e-6
            expected[index] = (float(loss(point + step)) - float(loss(point - step))) / 2e-6
            assert gradient[index] == pytest.approx(expected[index], rel=1e-4, abs=1e-8)

    @EACH
    def test_values_that_are_equal_share_a_graph(self, name):
        kind = type(STATISTICS[name])
        twin = kind(**vars(STATISTICS[name]))
        assert twin == STATISTICS[name] and hash(twin) == hash(STATISTICS[name])
        assert twin is not STATISTICS[name]


class TestGram:
    def test_plain_is_the_gram_matrix(self):
        features = random(1, 4, 5, 3)
        assert np.array_equal(described(Gram(), features)[0], losses.gram_matrix(features))

    @pytest.mark.parametrize("reduction", losses.REDUCTIONS)
    def test_plain_is_the_style_loss(self, reduction):
        ours, theirs = random(1, 4, 5, 3), random(1, 6, 5, 3, seed=1)
        expected = losses.style_loss(
            losses.gram_matrix(ours), losses.gram_matrix(theirs), reduction
        )
        assert loss_of(Gram(), [ours], [theirs], reduction) == float(expected)

    @given(shift=st.floats(-3, 3))
    def test_shift_against_numpy(self, shift):
        features = random(1, 4, 5, 3)
        rows = rows_of(features) + shift
        expected = rows.T @ rows / len(rows) - shift**2
        assert described(Gram(shift=shift), features)[0] == pytest.approx(expected, abs=1e-9)

    @pytest.mark.parametrize("power", [1.5, 2.0, 3.0])
    def test_power_against_numpy(self, power):
        rows = 100 * (rows_of(random(1, 4, 5, 3)) / 100) ** power
        expected = rows.T @ rows / len(rows)
        assert described(Gram(power=power), random(1, 4, 5, 3))[0] == pytest.approx(expected)

    def test_power_keeps_signs_and_does_not_overflow_float32(self):
        assert described(Gram(power=3.0), np.array([[[[-100.0, 100.0]]]]))[0][0, 1] == -10_000
        large = np.full((1, 2, 2, 3), 2e4, "float32")
        assert np.isfinite(loss_of(Gram(power=3.0), [large], [0.5 * large]))

    def test_amplified_strong_answers_count_more(self):
        theirs = np.array([[[[1.0, 10.0]]]])
        weak, strong = theirs * [[0.5, 1.0]], theirs * [[1.0, 0.5]]
        plain, sharp = (
            loss_of(Gram(power=p), [weak], [theirs]) / loss_of(Gram(power=p), [strong], [theirs])
            for p in (1.0, 2.0)
        )
        assert sharp < plain

    @pytest.mark.parametrize("radius", [1, 2])
    def test_blur_against_a_loop(self, radius):
        maps, (height, width) = random(4, 5, 3), (4, 5)
        near = np.zeros_like(maps)
        for y in range(height):
            for x in range(width):
                rows = slice(max(0, y - radius), y + radius + 1)
                near[y, x] = maps[rows, max(0, x - radius) : x + radius + 1].mean((0, 1))
        expected = rows_of(maps).T @ rows_of(near) / (height * width)
        assert described(Gram(blur=radius), maps)[0] == pytest.approx(expected)

    @pytest.mark.parametrize("offset", [(0, 1), (1, 0), (2, 1), (-1, 2), (1, -2)])
    def test_offsets_against_a_loop(self, offset):
        maps, total, count = random(4, 5, 3), 0.0, 0
        for y in range(4):
            for x in range(5):
                there = y + offset[0], x + offset[1]
                if 0 <= there[0] < 4 and 0 <= there[1] < 5:
                    total, count = total + np.outer(maps[y, x], maps[there]), count + 1
        found = described(Gram(offsets=[offset]), maps)[0]
        assert found == pytest.approx(total / count)
        opposite = described(Gram(offsets=[(-offset[0], -offset[1])]), maps)[0]
        assert opposite == pytest.approx(found.T)

    def test_blur_and_offsets_are_plain_where_there_is_nothing_to_see(self):
        features = np.broadcast_to(random(1, 1, 1, 3), (1, 6, 7, 3))  # every place alike
        (plain,) = described(Gram(), features)
        for other in (Gram(blur=2), Gram(offsets=[(1, 2)])):
            assert described(other, features)[0] == pytest.approx(plain)
        features = random(1, 6, 7, 3)
        same = Gram(shift=0, power=1, blur=0, offsets=[(0, 0)])
        assert same == Gram() and np.array_equal(
            described(same, features), described(Gram(), features)
        )

    def test_one_matrix_for_each_offset(self):
        parts = described(Gram(offsets=[(0, 0), (0, 1), (1, 0)]), random(1, 4, 5, 3))
        assert len(parts) == 3
        assert parts[0] == pytest.approx(np.asarray(losses.gram_matrix(random(1, 4, 5, 3))))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"shift": np.inf}, "shift is inf; expected a finite number"),
            ({"power": 0.5}, "power is 0.5; expected 1 to 3: below 1 the slope at 0 is infinite"),
            ({"power": 4}, "above 3 float32 overflows"),
            ({"blur": -1}, "blur is -1; expected a whole number of at least 0"),
            ({"blur": 1.5}, "blur is 1.5; expected a whole number"),
            ({"offsets": []}, r"offsets are \[\]; expected pairs of whole numbers"),
            ({"offsets": [(0, 0.5)]}, "expected pairs of whole numbers"),
        ],
    )
    def test_errors_say_what_was_expected(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Gram(**arguments)

    def test_what_does_not_fit_a_layer_is_refused(self):
        with pytest.raises(ValueError, match=r"offset of \(0, 5\) does not fit .* 4 x 5 positions"):
            Gram(offsets=[(0, 5)]).describe(random(1, 4, 5, 3))
        with pytest.raises(ValueError, match="pass one image's at a time"):
            Gram(blur=1).describe(random(2, 4, 5, 3))


class TestVariants:
    def test_chain_against_numpy(self):
        first, second = random(8, 10, 5), random(4, 5, 3, seed=1)
        halved = first.reshape(4, 2, 5, 2, 5).mean((1, 3))
        expected = rows_of(halved).T @ rows_of(second) / 20
        assert described(GramChain(), first, second)[0] == pytest.approx(expected)

    def test_chain_is_the_same_with_the_deeper_maps_enlarged(self):
        first, second = random(8, 10, 5), random(4, 5, 3, seed=1)
        enlarged = second.repeat(2, 0).repeat(2, 1)
        expected = rows_of(first).T @ rows_of(enlarged) / 80
        assert described(GramChain(), first, second)[0] == pytest.approx(expected)

    def test_chain_of_a_layer_with_itself_is_its_gram_matrix(self):
        features = random(1, 4, 5, 3)
        found = described(GramChain(), features, features)[0]
        assert found == pytest.approx(np.asarray(losses.gram_matrix(features)))

    def test_chain_weights_keep_their_sum(self):
        layers = [f"block{block}_conv1" for block in range(1, 6)]
        weights = [weight for _, weight in GramChain().groups(layers, [0.2] * 5)]
        assert weights == pytest.approx([0.25] * 4)

    def test_odd_sizes_are_halved_as_the_network_halves(self):
        parts = described(GramChain(), random(1, 9, 13, 5), random(1, 2, 3, 4))
        assert parts[0].shape == (5, 4)

    def test_layers_that_do_not_fit_are_refused(self):
        with pytest.raises(ValueError, match="name at least two"):
            GramChain().groups(["block1_conv1"], [1.0])
        with pytest.raises(ValueError, match="cannot be brought to one size by halving"):
            GramChain().describe(random(1, 8, 8, 3), random(1, 3, 4, 3))

    def test_content_aware_against_numpy(self):
        own, content = random(8, 10, 5), random(4, 5, 3, seed=1)
        gram, products = described(ContentAwareGram(), own, content)
        assert gram == pytest.approx(np.asarray(losses.gram_matrix(own)))
        halved = own.reshape(4, 2, 5, 2, 5).mean((1, 3))
        assert products == pytest.approx(rows_of(halved).T @ rows_of(content) / 20)

    def test_content_may_be_larger_than_the_layer(self):
        own, content = random(4, 5, 5), random(8, 10, 3)
        assert described(ContentAwareGram(), own, content)[1].shape == (5, 3)

    def test_cube_of_one_channel_is_the_third_moment(self):
        features = random(1, 4, 5, 1)
        assert described(GramCube(), features)[0].item() == pytest.approx((features**3).mean())

    def test_full_cube_against_numpy(self):
        rows = rows_of(random(4, 5, 3))
        expected = np.einsum("pa,pb,pc->abc", rows, rows, rows) / len(rows)
        (found,) = described(GramCube(), random(4, 5, 3))
        assert found.reshape(3, 3, 3) == pytest.approx(expected)

    def test_a_wide_layer_is_seen_from_random_directions(self):
        cube, features = GramCube(directions=4), random(1, 6, 7, 30)
        mixing = cube.mixing(30)
        assert np.linalg.norm(mixing, axis=0) == pytest.approx(np.ones(4))
        expected = described(cube, features @ mixing)[0]
        assert described(cube, features)[0] == pytest.approx(expected, rel=1e-5, abs=1e-5)
        other = GramCube(4, seed=1).mixing(30)
        assert np.array_equal(cube.mixing(30), mixing) and not np.allclose(other, mixing)

    def test_a_cube_sees_the_longer_tail_that_a_gram_matrix_does_not(self):
        tail = np.array([[2.0], [-1.0], [-1.0]])  # mean 0
        assert loss_of(Gram(), [tail], [-tail]) == 0.0 < loss_of(GramCube(), [tail], [-tail])

    @pytest.mark.parametrize(("directions", "seed"), [(0, 0), (2.5, 0), (4, -1), (True, 0)])
    def test_errors_of_the_cube(self, directions, seed):
        with pytest.raises(ValueError, match="expected a whole number of at least"):
            GramCube(directions, seed)


class TestMMD:
    def test_linear_is_the_distance_of_the_means(self):
        ours, theirs = random(20, 4), random(30, 4, seed=1)
        expected = ((ours.mean(0) - theirs.mean(0)) ** 2).mean()
        assert loss_of(MMD(), [ours], [theirs], "mean") == pytest.approx(expected)

    def test_polynomial_is_the_gram_loss_up_to_the_known_factor(self):
        ours, theirs = random(20, 4), random(30, 4, seed=1)
        squared = mmd(lambda x, y: (x @ y.T) ** 2, ours, theirs)
        grams = [losses.gram_matrix(each) for each in (ours, theirs)]
        assert squared == pytest.approx(4**2 * float(losses.style_loss(*grams, "mean")))
        assert squared == pytest.approx(4 * 4**2 * float(losses.style_loss(*grams, "gatys")))
        for reduction in ("relative", "mean"):
            found = loss_of(MMD("polynomial"), [ours], [theirs], reduction)
            assert found == pytest.approx(float(losses.style_loss(*grams, reduction)))

    def test_linear_kernel_against_all_pairs(self):
        ours, theirs = random(20, 4), random(30, 4, seed=1)
        squared = mmd(lambda x, y: x @ y.T, ours, theirs)
        assert squared == pytest.approx(4 * loss_of(MMD(), [ours], [theirs], "mean"))

    @pytest.mark.parametrize("bandwidth", [0.5, 1.0, 2.0])
    def test_gaussian_waves_against_all_pairs(self, bandwidth):
        ours, theirs = random(40, 4), random(30, 4, seed=1) + 0.5
        pairs = ((theirs[:, None] - theirs[None]) ** 2).sum(-1)
        spread = bandwidth**2 * pairs.mean()

        def kernel(x, y):
            return np.exp(-((x[:, None] - y[None]) ** 2).sum(-1) / (2 * spread))

        expected = mmd(kernel, ours, theirs)
        waves = MMD("gaussian", bandwidth=bandwidth, waves=100_000)
        assert loss_of(waves, [ours], [theirs], "mean") == pytest.approx(expected, rel=0.03)
        few = loss_of(MMD("gaussian", bandwidth=bandwidth), [ours], [theirs], "mean")
        assert few == pytest.approx(expected, rel=0.5)

    def test_the_gaussian_sees_what_mean_and_variance_are_blind_to(self):
        ours = np.array([[-1.0], [1.0], [-1.0], [1.0]])
        theirs = np.array([[-np.sqrt(2)], [0.0], [0.0], [np.sqrt(2)]])  # mean 0, variance 1 too
        assert loss_of(MeanVariance(), [ours], [theirs]) < 1e-10
        assert loss_of(MMD("gaussian"), [ours], [theirs]) > 1e-3

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"kernel": "cubic"}, "unknown kernel 'cubic'; expected one of 'linear'"),
            ({"bandwidth": 0.0}, "bandwidth is 0.0; expected a positive number"),
            ({"waves": 0}, "waves is 0; expected a whole number of at least 1"),
            ({"seed": -1}, "seed is -1"),
        ],
    )
    def test_errors_say_what_was_expected(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            MMD(**arguments)


def mmd(kernel, ours, theirs):
    """The definition: means of the kernel over all pairs."""
    return (
        kernel(ours, ours).mean() + kernel(theirs, theirs).mean() - 2 * kernel(ours, theirs).mean()
    )


class TestMeanVariance:
    def test_against_numpy(self):
        ours, theirs = random(20, 4), random(30, 4, seed=1)
        means, deviations = (ours.mean(0) - theirs.mean(0)), (ours.std(0) - theirs.std(0))
        expected = (means**2 + deviations**2).mean()
        found = loss_of(MeanVariance(), [ours], [theirs], "mean")
        assert found == pytest.approx(expected, rel=1e-4)
        relative = expected / (theirs**2).mean()
        assert loss_of(MeanVariance(), [ours], [theirs]) == pytest.approx(relative, rel=1e-4)

    def test_which_filters_answer_together_is_forgotten(self):
        ours = random(50, 2)
        apart = np.stack([ours[:, 0], np.roll(ours[:, 1], 7)], axis=1)
        assert (
            abs(loss_of(MeanVariance(), [apart], [ours])) < 1e-12 < loss_of(Gram(), [apart], [ours])
        )


class TestWasserstein:
    def test_diagonal_gaussians(self):
        """Commuting covariances: the distance of the means and of the standard deviations."""
        base = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) * np.sqrt(2)
        ours, theirs = base * [3.0, 1.0] + [1.0, 2.0], base * [1.0, 2.0] + [4.0, 2.0]
        found = loss_of(Wasserstein(ridge=0.0), [ours], [theirs], "mean")
        assert found == pytest.approx(((4 - 1) ** 2 + (3 - 1) ** 2 + (1 - 2) ** 2) / 2)

    def test_a_ridge_counts_in_both(self):
        base = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) * np.sqrt(2)
        ours, theirs = base * [3.0, 1.0], base * [1.0, 2.0]
        added = 0.1 * (1 + 4) / 2
        ends = np.sqrt([9 + added, 1 + added]) - np.sqrt([1 + added, 4 + added])
        found = loss_of(Wasserstein(ridge=0.1), [ours], [theirs], "mean")
        assert found == pytest.approx((ends**2).mean())

    @pytest.mark.parametrize("filters", [1, 3, 6])
    def test_any_gaussians_against_eigenvalues(self, filters):
        ours, theirs = random(40, filters), random(50, filters, seed=1) @ random(filters, filters)
        theirs = theirs + random(50, filters, seed=2)
        first, second = (np.atleast_2d(np.cov(x.T, bias=True)) for x in (ours, theirs))
        values = np.linalg.eigvals(first @ second).real  # those of the product under the root
        expected = ((ours.mean(0) - theirs.mean(0)) ** 2).sum() + np.trace(first + second)
        expected -= 2 * np.sqrt(np.maximum(values, 0)).sum()
        found = loss_of(Wasserstein(ridge=0.0, iterations=40), [ours], [theirs], "mean")
        assert filters * found == pytest.approx(expected, rel=1e-6)

    def test_gradient_against_central_differences(self):
        theirs, point = random(30, 3, seed=1) + random(30, 3, seed=2), random(20, 3)
        target = target_of(Wasserstein(), theirs)

        def loss(x):
            return Wasserstein().loss((x,), target)

        gradient = gradient_of(loss, point)
        for index in list(np.ndindex(point.shape))[::5]:
            step = np.zeros_like(point)
            step[index] = 1e-5
            expected = (float(loss(point + step)) - float(loss(point - step))) / 2e-5
            assert gradient[index] == pytest.approx(expected, rel=1e-3, abs=1e-7)

    def test_no_gradient_at_the_painting_itself(self):
        features = random(300, 8)
        target = target_of(Wasserstein(), features)
        here = gradient_of(lambda x: Wasserstein().loss((x,), target), features)
        there = gradient_of(lambda x: Wasserstein().loss((x,), target), 0.9 * features)
        assert np.abs(here).max() < 1e-3 * np.abs(there).max()

    @pytest.mark.parametrize("positions", [3, 40])
    def test_float32_with_fewer_positions_than_filters(self, positions):
        ours = (100 * random(positions, 64)).astype("float32")
        theirs = (100 * random(positions + 5, 64, seed=1)).astype("float32")
        exact = loss_of(Wasserstein(), [ours.astype("float64")], [theirs.astype("float64")])
        assert loss_of(Wasserstein(), [ours], [theirs]) == pytest.approx(exact, rel=2e-3)
        target = target_of(Wasserstein(), theirs)
        gradient = gradient_of(lambda x: Wasserstein().loss((x,), target), ours, "float32")
        assert np.isfinite(gradient).all() and gradient.any()

    @pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
    def test_trace_of_root(self, scale):
        factor = random(30, 5) + random(30, 5, seed=1)
        matrix = scale * factor.T @ factor
        expected = np.sqrt(np.linalg.eigvalsh(matrix)).sum()
        assert float(trace_of_root(matrix, 40)) == pytest.approx(expected, rel=1e-9)

    def test_trace_of_root_of_nothing(self):
        assert float(trace_of_root(np.zeros((4, 4)))) == 0.0
        gradient = gradient_of(trace_of_root, np.zeros((4, 4)), "float32")
        assert np.isfinite(gradient).all()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"iterations": 0}, "iterations is 0; expected a whole number of at least 1"),
            ({"ridge": -0.1}, "ridge is -0.1; expected a finite number of at least 0"),
        ],
    )
    def test_errors_say_what_was_expected(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Wasserstein(**arguments)


class TestInTheStyleTerm:
    @EACH
    def test_it_is_lowered_and_of_the_painting_nothing_and_of_black_about_one(
        self, name, network, photo, painting
    ):
        style = nst.Style(painting, LAYERS, statistic=_shallow(name), network=network)
        # Of the painting's size, so that what is compiled once serves for all three.
        start = nst.resize(photo, size=painting.shape[1:3])
        result = nst.synthesize(style, start, steps=2, progress=False)
        assert result.history[-1].loss < result.history[0].loss
        assert result.stop_reason == "steps"
        assert style.report(painting)["style"]["loss"] < 1e-4
        black = style.report(np.zeros_like(painting))["style"]["loss"]
        assert 0.05 < black < 20

    def test_the_default_is_the_gram_matrix(self, network, painting, photo):
        default = nst.Style(painting, LAYERS, network=network)
        assert default.statistic == Gram()
        named, given = (
            nst.Style(painting, LAYERS, statistic=each, network=network)
            for each in ("shifted", Gram(shift=-1))
        )
        assert named.statistic == given.statistic
        assert named.report(photo) == given.report(photo) != default.report(photo)

    def test_graphs_are_kept_by_statistic(self, network, painting):
        def key(statistic):
            return nst.Style(painting, LAYERS, statistic=statistic, network=network).graph_key()

        assert key("gram") == key(Gram()) == key(Gram(shift=0))
        assert len({key(name) for name in STATISTICS}) == len(STATISTICS)
        assert key(GramCube(8)) != key(GramCube(9))

    def test_layers_beyond_the_chosen_ones_are_read_and_not_weighted(self, network, painting):
        style = nst.Style(painting, LAYERS, statistic="content aware", network=network)
        assert style.layers == ("block1_conv1", "block4_conv2", "block2_conv1")
        assert style.settings()["layers"] == LAYERS and style.layer_weights == (0.5, 0.5)

    def test_settings_name_it_and_are_plain_data(self, network, painting):
        style = nst.Style(painting, LAYERS, statistic="wasserstein", network=network)
        settings = json.loads(json.dumps(style.settings()))
        assert settings["statistic"] == "Wasserstein(iterations=20, ridge=0.03)"

    def test_errors_say_what_was_expected(self, network, painting):
        with pytest.raises(ValueError, match="unknown statistic 'grams'; expected one of 'gram'"):
            nst.Style(painting, statistic="grams", network=network)
        with pytest.raises(TypeError, match="the statistic is a type; expected a name such as"):
            nst.Style(painting, statistic=Gram, network=network)
        with pytest.raises(ValueError, match="'gatys' is for Gram matrices, not for MeanVariance"):
            nst.Style(painting, statistic="mean and variance", reduction="gatys", network=network)
        with pytest.raises(ValueError, match="a chain joins neighbouring layers"):
            nst.Style(painting, LAYERS[0], statistic="chain", network=network)

    def test_stylize_passes_it_on(self, network):
        result = nst.stylize(
            "chelsea", "stained_glass", statistic="mean and variance", style_layers=LAYERS,
            content_layers=LAYERS, max_side=32, steps=1, network=network, progress=False,
        )  # fmt: skip
        style = result.settings["objective"]["terms"]["style"]
        assert style["statistic"] == "MeanVariance()"


def _shallow(name):
    """The statistic, with a content layer that a tiny image has, or all of its places."""
    others = {"content aware": ContentAwareGram("block2_conv1"), "nearest": Nearest(places=1440)}
    return others.get(name, name)


class TestMask:
    MASK = np.zeros((32, 48))
    MASK[:, :20] = 1.0

    def test_the_gradient_is_multiplied_by_the_mask(self, network, painting, photo):
        plain, masked = (
            (1 * nst.Style(painting, LAYERS, mask=mask, network=network)).at(32, 48).evaluate(photo)
            for mask in (None, self.MASK)
        )
        assert masked.loss == pytest.approx(plain.loss, rel=1e-5)
        expected = to_numpy(plain.gradient) * self.MASK[None, :, :, None]
        found = to_numpy(masked.gradient)
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
        assert not found[:, :, 20:].any()

    def test_what_is_masked_out_stays_as_it_is(self, network, painting, photo):
        style = nst.Style(painting, LAYERS, mask=self.MASK, network=network)
        result = nst.synthesize(style, photo, steps=3, progress=False)
        assert np.array_equal(result.image[:, :, 20:], photo[:, :, 20:])
        assert np.abs(result.image - photo)[:, :, :20].max() > 0.01

    def test_it_is_stretched_to_the_image(self, network, painting):
        style = nst.Style(painting, LAYERS, mask=self.MASK[::2, ::2], network=network)
        mask = to_numpy(style.targets(32, 48, 1.0)["mask"])
        assert mask.shape == (1, 32, 48, 1)
        assert mask[..., :16, :].min() > 0.9 and mask[..., 24:, :].max() < 0.1

    def test_settings_and_graphs_know_of_it(self, network, painting):
        masked = nst.Style(painting, LAYERS, mask=self.MASK, network=network)
        plain = nst.Style(painting, LAYERS, network=network)
        assert masked.settings()["masked"] == pytest.approx(20 / 48, abs=1e-4)
        assert "masked" not in plain.settings() and masked.graph_key() != plain.graph_key()

    def test_a_mask_out_of_range_is_refused(self, network, painting):
        with pytest.raises(ValueError, match="divide by 255"):
            nst.Style(painting, LAYERS, mask=255.0 * self.MASK, network=network)


class TestGeometricWeights:
    def test_known_values(self):
        assert nst.geometric_weights(3) == pytest.approx((4 / 7, 2 / 7, 1 / 7))
        assert nst.geometric_weights(3, 2.0) == pytest.approx((1 / 7, 2 / 7, 4 / 7))

    @given(count=st.integers(1, 16), ratio=st.floats(0.25, 4))
    def test_one_factor_and_a_sum_of_one(self, count, ratio):
        weights = np.array(nst.geometric_weights(count, ratio))
        assert weights.sum() == pytest.approx(1.0)
        assert weights[1:] / weights[:-1] == pytest.approx(np.full(count - 1, ratio))

    @pytest.mark.parametrize(("count", "ratio"), [(0, 0.5), (5, 0.0), (5, -1), (5, np.nan)])
    def test_errors(self, count, ratio):
        with pytest.raises(ValueError, match="expected"):
            nst.geometric_weights(count, ratio)

    def test_all_sixteen_convolutions(self):
        layers = nst.vgg.CONVOLUTIONS
        assert len(layers) == 16 and set(nst.vgg.STYLE_LAYERS) < set(layers)
        assert layers[0] == "block1_conv1" and layers[-1] == "block5_conv4"


def test_statistics_are_found_by_name_and_stay_what_they_are():
    assert statistics.as_statistic("cube") == GramCube()
    mine = MMD("gaussian", waves=7)
    assert statistics.as_statistic(mine) is mine


@pytest.mark.parametrize("shape", [(1, 5, 7, 4), (5, 7, 4), (35, 4)])
def test_the_quick_gradient_is_that_of_the_formula(shape):
    features, target = random(*shape), random(4, 4)

    def by(gram_matrix):
        return lambda x: losses.style_loss(gram_matrix(x), target)

    for value in (features, 0 * features):
        found = gradient_of(by(gram.gram_matrix), value)
        assert found == pytest.approx(gradient_of(by(losses.gram_matrix), value), rel=1e-6)
    assert np.asarray(gram.gram_matrix(features)) == pytest.approx(
        np.asarray(losses.gram_matrix(features)), rel=1e-6
    )
