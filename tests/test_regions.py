"""Regions of content and style: guided statistics against closed forms, reach, sizes, bad input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers import losses, masks
from nsthelpers.backend import ops, to_numpy
from nsthelpers.network.layers import receptive_field
from nsthelpers.objectives.regions import carried, guide
from nsthelpers.statistics.by_name import STATISTICS, ContentAwareGram, GramChain

REGIONAL = [name for name, statistic in STATISTICS.items() if statistic.regional]
EACH = pytest.mark.parametrize("name", REGIONAL)
# Those of one layer of which only the cloud of features counts, not who is next to whom.
CLOUDS = [
    name
    for name, statistic in STATISTICS.items()
    if name in REGIONAL
    and name not in ("adjacent", "blurred")
    and not isinstance(statistic, GramChain | ContentAwareGram)
]
LAYERS = ["block1_conv1", "block2_conv1"]
SIZE = (32, 48)


def half(side="left", size=SIZE):
    return masks.half(np.zeros((1, *size, 3)), side)


def gradient(term, image, precision="float32"):
    bound = (1 * term).at(*image.shape[1:3], precision=precision)
    return to_numpy(bound.evaluate(image).gradient)


def value(term, image):
    (row,) = term.report(image).values()
    return row["loss"]


def random(*shape, seed=0):
    """Like activations after a ReLU: half of them 0."""
    return np.maximum(np.random.default_rng(seed).normal(size=shape), 0.0)


def parts_of(found):
    return [np.asarray(part) for part in (found if isinstance(found, tuple) else (found,))]


class TestCarrying:
    @pytest.mark.parametrize(
        "layer", ["conv1_1", "conv1_2", "pool1", "conv2_1", "pool2", "conv3_2"]
    )
    @pytest.mark.parametrize("side", ["left", "top"])
    def test_inside_is_where_all_that_is_seen_lies_inside(self, network, layer, side):
        name = nst.vgg.layer_name(layer)
        region = half(side, (40, 61)).array
        found = carried(region, [name], network, "inside")[name]
        stride, before, size = receptive_field(layer)

        def seen(place, length):
            first = place * stride - before
            return slice(max(0, first), min(length, first + size))

        for row in range(found.shape[0]):
            for column in range(found.shape[1]):
                field = region[seen(row, 40), seen(column, 61)]
                assert found[row, column] == field.min(), (row, column)

    def test_averages_are_shares_of_a_positions_own_pixels(self, network):
        region = random(32, 48).astype("float32")
        found = carried(region, ["block1_conv2", "block2_conv1", "block3_pool"], network)
        assert np.array_equal(found["block1_conv2"], region)
        for layer, side in (("block2_conv1", 2), ("block3_pool", 8)):
            blocks = region.reshape(32 // side, side, 48 // side, side).mean((1, 3))
            assert found[layer] == pytest.approx(blocks, abs=1e-6)

    @pytest.mark.parametrize("size", [(33, 49), (47, 18), (16, 31)])
    def test_sizes_are_those_of_the_layers(self, network, size):
        layers = list(nst.vgg.STYLE_LAYERS)
        features = network.features(np.zeros((1, *size, 3)), layers)
        for carry in ("average", "inside"):
            found = carried(half(size=size).array, layers, network, carry)
            for layer in layers:
                assert found[layer].shape == tuple(features[layer].shape[1:3])

    def test_guides_have_a_mean_square_of_one(self):
        weights = random(5, 7)
        assert np.mean(guide(weights) ** 2) == pytest.approx(1)
        linear = guide(weights, 0.5)[0, ..., 0] ** 2
        assert linear == pytest.approx(weights / weights.mean(), rel=1e-5)
        assert np.array_equal(guide(np.zeros((2, 2))), np.ones((1, 2, 2, 1)))

    def test_with_circular_padding_the_other_border_is_near(self):
        network = nst.VGG(weights="random", padding="circular")
        found = carried(half().array, ["block1_conv1"], network, "inside")["block1_conv1"]
        assert found[0, 0] == 0 and found[0, 1] == 1


class TestStatistics:
    def test_the_guided_gram_matrix_is_the_papers(self):
        features, weights = random(1, 6, 8, 5), random(6, 8, seed=1) + 0.1
        rows, t = features.reshape(-1, 5), weights.reshape(-1, 1)
        expected = (t * rows).T @ (t * rows) / np.square(t).sum()
        found = STATISTICS["gram"].describe(features, where=(guide(weights),))
        assert np.asarray(found) == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("name", CLOUDS)
    def test_of_a_hard_region_it_is_the_statistic_of_the_features_inside(self, name):
        statistic, features = STATISTICS[name], random(1, 8, 10, 5)
        inside = np.random.default_rng(1).uniform(size=(8, 10)) < 0.4
        there = features[:, inside][:, None]  # the same places in one row
        painting = random(1, 6, 6, 5, seed=3)
        target = statistic.target([(painting,)], [1.0])
        cut = float(statistic.loss((there,), target))
        found = float(statistic.loss((features,), target, where=(guide(inside.astype(float)),)))
        assert found == pytest.approx(cut, rel=1e-4)

    @pytest.mark.parametrize("name", CLOUDS)
    def test_of_a_hard_region_of_the_painting_too(self, name):
        statistic, painting = STATISTICS[name], random(1, 8, 10, 5)
        inside = np.zeros((8, 10))
        inside[:, 3:7] = 1
        image = random(1, 6, 6, 5, seed=3)
        cut = statistic.target([(painting[:, :, 3:7],)], [1.0])
        whole = statistic.target([(painting,)], [1.0], where=[(guide(inside),)])
        found, expected = (float(statistic.loss((image,), each)) for each in (whole, cut))
        assert found == pytest.approx(expected, rel=1e-4)

    def test_neighbours_count_where_both_lie_inside(self):
        statistic, features = STATISTICS["adjacent"], random(1, 8, 10, 5)
        inside = np.zeros((8, 10))
        inside[2:6, 3:7] = 1
        found = statistic.describe(features, where=(guide(inside),))
        expected = statistic.describe(features[:, 2:6, 3:7])
        for ours, theirs in zip(found, expected, strict=True):
            assert np.asarray(ours) == pytest.approx(np.asarray(theirs), rel=1e-4)

    @pytest.mark.parametrize("name", ["chain", "content aware"])
    def test_two_layers_count_at_the_places_of_the_smaller(self, name):
        statistic = STATISTICS[name]
        layers = random(1, 8, 12, 5), random(1, 4, 6, 3, seed=1)
        where = (guide(np.repeat([[1.0] * 6 + [0] * 6], 8, 0)),
                 guide(np.repeat([[1.0] * 3 + [0] * 3], 4, 0)))  # fmt: skip
        found = statistic.describe(*layers, where=where)
        expected = statistic.describe(layers[0][:, :, :6], layers[1][:, :, :3])
        for ours, theirs in zip(parts_of(found), parts_of(expected), strict=True):
            assert ours == pytest.approx(theirs, rel=1e-4)

    def test_in_a_layer_that_sees_single_pixels_disjoint_regions_add_up(self):
        pixels = np.random.default_rng(0).uniform(size=(1, 20, 30, 3))
        parts = [masks.third(pixels, name) for name in ("left", "centre", "right")]
        whole = np.asarray(losses.gram_matrix(pixels))
        found = sum(
            part.share * np.asarray(STATISTICS["gram"].describe(pixels, where=(guide(part.array),)))
            for part in parts
        )
        assert found == pytest.approx(whole, rel=1e-5)


class TestStyle:
    @EACH
    def test_a_region_that_is_everything_is_none(self, network, photo, painting, name):
        options = {"layers": LAYERS, "statistic": name, "network": network}
        whole = {"region": np.ones(SIZE), "source_region": masks.everywhere(painting)}
        plain = nst.Style(painting, **options).targets(*SIZE, 1.0)
        found = (1 * nst.Style(painting, **options)).at(*SIZE).evaluate(photo)
        for carry in ("average", "inside"):
            style = nst.Style(painting, carry=carry, **whole, **options)
            assert style.targets(*SIZE, 1.0)["weights"].shape == plain["weights"].shape
            ours = (1 * style).at(*SIZE).evaluate(photo)
            assert ours.loss == pytest.approx(found.loss, rel=1e-4)
            theirs = to_numpy(found.gradient)
            assert np.abs(to_numpy(ours.gradient) - theirs).max() < 1e-3 * np.abs(theirs).max()

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    @pytest.mark.parametrize("layer", ["block1_conv1", "block2_conv1", "block3_conv1"])
    def test_what_no_place_of_a_region_sees_gets_no_gradient(
        self, network, photo, painting, precision, layer
    ):
        left = half()  # 24 of 48 columns
        stride, before, size = receptive_field(layer)
        last = (24 // stride - 1) * stride - before + size  # the first column beyond
        style = nst.Style(painting, layer, region=left, network=network)
        found = gradient(style, photo, precision)
        assert last < 48 and not found[:, :, last:].any() and found[:, :, :24].any()
        inside = nst.Style(painting, layer, region=left, carry="inside", network=network)
        found = gradient(inside, photo, precision)
        assert not found[:, :, 24:].any() and found[:, :, :20].any()

    @pytest.mark.parametrize("optimizer", [nst.LBFGS(), nst.Adam(0.02)])
    def test_pixels_outside_stay_exactly_as_they_are(self, network, photo, painting, optimizer):
        style = nst.Style(painting, LAYERS, region=half(), carry="inside", network=network)
        made = nst.synthesize(style, photo, optimizer=optimizer, steps=4, progress=False)
        assert np.array_equal(made.image[:, :, 24:], photo[:, :, 24:])
        assert np.abs(made.image - photo)[:, :, :24].max() > 0.01

    def test_two_regions_take_two_paintings(self, network, photo):
        dark, light = np.full((1, 32, 32, 3), 0.1), np.full((1, 32, 32, 3), 0.9)
        options = {"layers": "block1_conv1", "network": network}
        objective = nst.Style(dark, region=half(), **options) + nst.Style(
            light, region=~half(), **options
        )
        made = nst.synthesize(objective, photo, steps=30, scales=[24, 48], progress=False).image
        assert made[:, :, :22].mean() < 0.3 < 0.7 < made[:, :, 26:].mean()

    def test_several_paintings_with_a_region_each(self, network, photo):
        rng = np.random.default_rng(0)
        both = np.concatenate([np.full((1, 32, 24, 3), 0.2), rng.uniform(size=(1, 32, 24, 3))], 2)
        options = {"layers": "block1_conv1", "network": network, "carry": "inside"}
        calm, rough = np.full((1, *SIZE, 3), 0.2), rng.uniform(size=(1, *SIZE, 3))
        left, right = (nst.Style(both, source_region=half(each), **options)
                       for each in ("left", "right"))  # fmt: skip
        assert value(left, calm) < 0.05 < value(left, rough)
        assert value(right, rough) < 0.05 < value(right, calm)
        mixed = nst.Style([both, both], source_region=[half(), None], **options)
        assert value(left, calm) < value(mixed, calm) < value(right, calm)

    @pytest.mark.parametrize("size", [(20, 30), (21, 32), (32, 48), (50, 75)])
    def test_it_is_resized_with_the_image(self, network, painting, size):
        style = nst.Style(painting, LAYERS, region=half(), network=network)
        (first,), (second,) = style.targets(*size, 1.0)["where"]
        assert first.shape[1:3] == size and second.shape[1:3] == (size[0] // 2, size[1] // 2)
        assert not to_numpy(first)[:, :, size[1] // 2 + 2 :].any()

    def test_feathered_edges_count_by_their_squares(self, network, photo, painting):
        soft = half().feather(0.05)
        style = nst.Style(painting, "block1_conv1", region=soft, network=network)
        ours, theirs = (
            to_numpy(network.features(image, "block1_conv1")["block1_conv1"]).reshape(-1, 64)
            for image in (photo, painting)
        )
        t = soft.array.reshape(-1, 1)
        gram = (t * ours).T @ (t * ours) / np.square(t).sum()
        wanted = theirs.T @ theirs / len(theirs)
        expected = np.square(gram - wanted).mean() / np.square(wanted).mean()
        assert value(style, photo) == pytest.approx(expected, rel=1e-3)

    def test_layers_in_which_nothing_is_left_are_left_out(self, network, photo, painting):
        small = masks.rectangle(photo, (0, 0, 0.3, 0.3))
        layers = ["block1_conv1", "block4_conv1"]
        options = {"carry": "inside", "network": network, "region": small}
        both = nst.Style(painting, layers, **options)
        alone = nst.Style(painting, "block1_conv1", **options)
        assert to_numpy(both.targets(*SIZE, 1.0)["weights"]).tolist() == [1, 0]
        assert value(both, photo) == pytest.approx(value(alone, photo), rel=1e-5)

    def test_a_region_smaller_than_all_that_is_seen(self, network, photo, painting):
        spot = masks.rectangle(photo, (0.4, 0.4, 0.5, 0.5))
        options = {"layers": "block3_conv1", "region": spot, "network": network}
        with pytest.raises(ValueError, match="in block3_conv1 a position sees 24 x 24 pixels"):
            value(nst.Style(painting, carry="inside", **options), photo)
        assert value(nst.Style(painting, **options), photo) > 0

    def test_a_single_pixel_and_gaps_and_overlaps_work(self, network, photo, painting):
        pixel = np.zeros(SIZE)
        pixel[5, 7] = 1
        options = {"layers": LAYERS, "network": network}
        objective = (
            nst.Style(painting, region=pixel, **options)
            + nst.Style(painting, region=half("top"), **options)
            + nst.Style(painting, region=masks.third(photo, "left"), **options)
        )
        assert np.isfinite(gradient(objective, photo)).all()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"region": np.zeros(SIZE)}, "the region is empty"),
            ({"region": np.full(SIZE, np.nan)}, "NaN|nan|finite"),
            ({"region": np.full(SIZE, 255.0)}, "divide by 255"),
            ({"source_region": np.ones((10, 40))}, "the mask is 40 x 10 pixels and the picture 36"),
            ({"source_region": [None, None]}, "2 source regions for 1 style images"),
            ({"region": np.ones(SIZE), "carry": "outside"}, "unknown carry 'outside'"),
        ],
    )
    def test_bad_input(self, network, painting, arguments, message):
        with pytest.raises(ValueError, match=message):
            nst.Style(painting, LAYERS, network=network, **arguments)

    def test_a_mask_of_another_aspect(self, network, photo, painting):
        style = nst.Style(painting, LAYERS, region=np.ones((30, 30)), network=network)
        with pytest.raises(ValueError, match="the mask is 30 x 30 pixels and the picture 48 x 32"):
            value(style, photo)

    def test_a_statistic_that_knows_of_no_regions(self, network, photo, painting):
        @dataclass(frozen=True)
        class Strength(nst.statistics.Statistic):
            def describe(self, features):
                return ops.mean(ops.square(features), axis=(0, 1, 2))

        options = {"statistic": Strength(), "network": network}
        assert value(nst.Style(painting, LAYERS, **options), photo) > 0
        with pytest.raises(ValueError, match="Strength.* cannot be confined to a region"):
            nst.Style(painting, LAYERS, region=half(), **options)
        with pytest.raises(ValueError, match="SlicedWasserstein.* cannot be confined to a region"):
            nst.Style(painting, LAYERS, region=half(), statistic="sliced wasserstein")
        assert set(STATISTICS) - set(REGIONAL) == {"sliced wasserstein", "relaxed emd", "nearest"}

    def test_settings_and_graphs_know_of_it(self, network, painting):
        plain = nst.Style(painting, LAYERS, network=network)
        left, right = (
            nst.Style(painting, LAYERS, region=half(side), network=network)
            for side in ("left", "right")
        )
        assert left.settings()["region"] == 0.5 and left.settings()["carry"] == "average"
        assert not {"region", "carry", "source_region"} & set(plain.settings())
        assert left.graph_key() == right.graph_key() != plain.graph_key()

    def test_a_place_cannot_be_shifted(self, network, photo, painting):
        for term in (
            nst.Style(painting, LAYERS, region=half(), network=network),
            nst.Style(painting, LAYERS, mask=half(), network=network),
            nst.Laplacian(photo),
        ):
            with pytest.raises(ValueError, match="jitter is 2, but .* is compared position by"):
                nst.synthesize(term, photo, jitter=2, optimizer=nst.Adam(), steps=1)

    def test_a_start_in_the_colours_of_each_region(self, network, photo):
        dark, light = np.full((1, 32, 32, 3), 0.1), np.full((1, 32, 32, 3), 0.9)
        options = {"layers": "block1_conv1", "network": network}
        objective = (
            nst.Content(photo, "block1_conv1", network=network)
            + nst.Style(dark, region=half(), **options)
            + nst.Style(light, region=~half(), **options)
        )
        start = nst.synthesis.starts.start_image(objective, "recoloured", 0)
        assert start[:, :, :24] == pytest.approx(0.1, abs=1e-3)
        assert start[:, :, 24:] == pytest.approx(0.9, abs=1e-3)


class TestContent:
    def test_weights_that_are_equal_are_none(self, network, photo):
        noise = nst.white_noise(*SIZE)
        for reduction in losses.REDUCTIONS:
            options = {"layers": LAYERS, "reduction": reduction, "network": network}
            plain = nst.Content(photo, **options)
            even = nst.Content(photo, region=np.full(SIZE, 0.3), **options)
            assert value(even, noise) == pytest.approx(value(plain, noise), rel=1e-4)

    def test_the_weighted_mean_of_squares(self, network, photo):
        noise, weights = nst.white_noise(*SIZE), random(*SIZE) + 0.05
        weights = weights / weights.max()
        ours, theirs = (
            to_numpy(network.features(image, "block1_conv1")["block1_conv1"])[0].astype("float64")
            for image in (noise, photo)
        )
        shares = (weights / weights.sum())[..., None]
        expected = (shares * np.square(ours - theirs)).sum() / 64
        term = nst.Content(photo, "block1_conv1", region=weights, reduction="mean", network=network)
        assert value(term, noise) == pytest.approx(expected, rel=1e-4)
        assert term.settings()["region"] == pytest.approx(weights.mean(), abs=1e-4)

    def test_where_nothing_counts_nothing_is_held(self, network, photo):
        noise = nst.white_noise(*SIZE)
        found = gradient(nst.Content(photo, "conv1_1", region=half(), network=network), noise)
        assert not found[:, :, 25:].any() and found[:, :, :24].any()

    @pytest.mark.parametrize(
        ("region", "message"),
        [
            (np.zeros(SIZE), "the region is empty"),
            (np.ones((20, 20)), "the mask is 20 x 20 pixels and the picture 48 x 32"),
        ],
    )
    def test_bad_input(self, network, photo, region, message):
        with pytest.raises(ValueError, match=message):
            nst.Content(photo, "conv1_1", region=region, network=network)


class TestMask:
    def test_alone_it_leaves_what_is_outside_exactly_as_it_is(self, network, photo, painting):
        style = nst.Style(painting, LAYERS, mask=half(), network=network)
        made = nst.synthesize(style, photo, steps=3, progress=False)
        assert np.array_equal(made.image[:, :, 24:], photo[:, :, 24:])
        assert np.abs(made.image - photo)[:, :, :24].max() > 0.01

    def test_outside_other_terms_act_and_nothing_else(self, network, photo, painting):
        """So content moves pixels there, as soon as what is painted reaches its features."""
        painted = photo.copy()
        painted[:, :, :24] = nst.white_noise(*SIZE)[:, :, :24]
        content = nst.Content(photo, "block2_conv1", network=network)
        style = nst.Style(painting, LAYERS, mask=half(), network=network)
        both, alone = gradient(content + style, painted), gradient(1 * content, painted)
        assert not gradient(1 * content, photo).any()
        assert np.abs(alone[:, :, 24:]).max() > 0
        np.testing.assert_allclose(both[:, :, 24:], alone[:, :, 24:], rtol=1e-4, atol=1e-9)
        assert np.abs(both - alone)[:, :, :24].max() > 1e-6
