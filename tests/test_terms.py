"""Content, style and total variation: layers, weights, sizes, mixtures, errors."""

from __future__ import annotations

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers import losses
from nsthelpers.backend import to_numpy

LAYERS = ["block1_conv1", "block2_conv1"]


def value(term, image):
    (row,) = term.report(image).values()
    return row["loss"]


def gradient(objective, image):
    return to_numpy((1 * objective).at(*image.shape[1:3]).evaluate(image).gradient)


@pytest.fixture(scope="module")
def noise():
    return nst.white_noise(32, 48, seed=4)


class TestContent:
    @pytest.mark.parametrize("reduction", losses.REDUCTIONS)
    def test_the_definition(self, network, photo, noise, reduction):
        ours, theirs = (network.features(image, LAYERS) for image in (noise, photo))
        expected = sum(
            weight * float(losses.content_loss(ours[layer], theirs[layer], reduction))
            for layer, weight in zip(LAYERS, (0.5, 2.0), strict=True)
        )
        term = nst.Content(
            photo, LAYERS, layer_weights=[0.5, 2.0], reduction=reduction, network=network
        )
        assert value(term, noise) == pytest.approx(expected, rel=1e-4)

    def test_zero_for_the_picture_itself(self, network, photo):
        assert value(nst.Content(photo, LAYERS, network=network), photo) < 1e-10

    def test_the_picture_is_resized_to_the_image(self, network, photo):
        large = nst.Content(photo, "block1_conv1", network=network)
        small = nst.resize(photo, size=(16, 24))
        assert value(large, small) < 1e-10
        assert value(large, nst.resize(small, size=(32, 48))) > 1e-6

    @pytest.mark.parametrize("size", [(16, 24), (33, 49), (21, 32), (31, 48)])
    def test_the_same_aspect_up_to_rounding(self, network, photo, size):
        term = nst.Content(photo, "block1_conv1", network=network)
        (target,) = term.targets(*size, 1.0)["features"]
        assert tuple(target.shape[1:3]) == size

    @pytest.mark.parametrize("size", [(48, 32), (32, 40), (32, 32)])
    def test_another_aspect_is_refused(self, network, photo, size):
        term = nst.Content(photo, "block1_conv1", network=network)
        message = f"48 x 32 pixels and the start image {size[1]} x {size[0]}: the aspects differ"
        with pytest.raises(ValueError, match=message):
            term.report(np.zeros((1, *size, 3)))

    def test_the_picture_is_copied(self, network, photo):
        mine = photo.copy()
        term = nst.Content(mine, "block1_conv1", network=network)
        mine[:] = 0
        assert np.array_equal(term.image, photo)


class TestStyle:
    @pytest.mark.parametrize("reduction", losses.REDUCTIONS)
    def test_the_definition(self, network, painting, noise, reduction):
        ours, theirs = (network.features(image, LAYERS) for image in (noise, painting))
        expected = sum(
            0.5
            * float(
                losses.style_loss(
                    losses.gram_matrix(ours[layer]), losses.gram_matrix(theirs[layer]), reduction
                )
            )
            for layer in LAYERS
        )
        term = nst.Style(painting, LAYERS, reduction=reduction, network=network)
        assert value(term, noise) == pytest.approx(expected, rel=1e-4)

    def test_the_default_layers_are_those_of_the_paper(self, network, painting):
        style = nst.Style(painting, network=network)
        assert style.layers == tuple(f"block{block}_conv1" for block in range(1, 6))
        assert style.layer_weights == (0.2,) * 5
        assert nst.Content(painting, network=network).layers == ("block4_conv2",)

    def test_zero_for_the_painting_itself_and_nearly_for_a_torus_shift(self, network, painting):
        style = nst.Style(painting, "block1_conv1", network=network)
        assert value(style, painting) < 1e-10
        shifted = np.roll(painting, (7, 11), axis=(1, 2))  # other places, the same texture
        assert value(style, shifted) < 1e-3 < value(style, np.zeros_like(painting))

    def test_several_paintings_are_the_weighted_mean_of_gram_matrices(
        self, network, painting, photo, noise
    ):
        style = nst.Style([painting, photo], LAYERS, image_weights=[3, 1], network=network)
        assert style.image_weights == (0.75, 0.25)
        groups = style.targets(32, 48, 1.0)["groups"]
        for layer, group in zip(LAYERS, groups, strict=True):
            (mixed,) = group
            first, second = (
                to_numpy(losses.gram_matrix(network.features(image, layer)[layer]))
                for image in (painting, photo)
            )
            error = np.abs(mixed - (0.75 * first + 0.25 * second)).max()
            assert error < 1e-5 * np.abs(first).max()

    @pytest.mark.parametrize("reduction", ["mean", "gatys"])
    def test_the_mixture_has_the_gradient_of_the_weighted_losses(
        self, network, painting, photo, noise, reduction
    ):
        options = {"layers": LAYERS, "reduction": reduction, "network": network}
        mixed = nst.Style([painting, photo], image_weights=[3, 1], **options)
        single = 0.75 * nst.Style(painting, **options) + 0.25 * nst.Style(photo, **options)
        ours, expected = gradient(mixed, noise), gradient(single, noise)
        assert np.abs(ours - expected).max() < 1e-3 * np.abs(expected).max()

    def test_equal_shares_by_default(self, network, painting, photo):
        style = nst.Style((painting, photo, painting), "block1_conv1", network=network)
        assert style.image_weights == pytest.approx((1 / 3,) * 3)

    def test_paintings_shrink_with_the_scale_but_not_below_the_minimum(
        self, network, painting, monkeypatch
    ):
        seen, original = [], type(network).features

        def features(self, image, layers):
            seen.append(image.shape[1:3])
            return original(self, image, layers)

        monkeypatch.setattr(type(network), "features", features)
        style = nst.Style(painting, "block1_conv1", network=network)
        for scale in (1.0, 0.5, 0.25):
            style.targets(32, 48, scale)
        assert seen == [(40, 36), (20, 18), (16, 16)]

    @pytest.mark.parametrize(
        ("images", "arguments", "message"),
        [
            ([], {}, "no style image; give at least one"),
            (2, {"image_weights": [1]}, "1 image weights for 2 style images"),
            (2, {"image_weights": [0, 0]}, "every style image has weight 0"),
            (2, {"image_weights": [1, -1]}, "a weight is -1.0"),
        ],
    )
    def test_errors_of_several_paintings(self, network, painting, images, arguments, message):
        given = [painting] * images if images else []
        with pytest.raises(ValueError, match=message):
            nst.Style(given, network=network, **arguments)


class TestLayersOfBoth:
    KINDS = pytest.mark.parametrize("kind", [nst.Content, nst.Style])

    @KINDS
    def test_layer_weights(self, network, photo, noise, kind):
        first, second = (value(kind(photo, layer, network=network), noise) for layer in LAYERS)
        both = kind(photo, LAYERS, layer_weights=[1, 3], network=network)
        assert value(both, noise) == pytest.approx(first + 3 * second, rel=1e-4)
        equal = kind(photo, LAYERS, network=network)
        assert value(equal, noise) == pytest.approx((first + second) / 2, rel=1e-4)

    @KINDS
    def test_a_layer_of_weight_zero_is_not_computed(self, network, photo, kind):
        term = kind(photo, ["block1_conv1", "block5_conv1"], layer_weights=[2, 0], network=network)
        assert term.layers == ("block1_conv1",) and term.layer_weights == (2.0,)

    @KINDS
    def test_the_papers_names(self, network, photo, kind):
        term = kind(photo, ["conv1_1", "relu4_2", "pool2"], network=network)
        assert term.layers == ("block1_conv1", "block4_conv2", "block2_pool")

    @KINDS
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"layers": []}, "no layers; name at least one"),
            ({"layers": "block9_conv1"}, "no layer 'block9_conv1'; did you mean"),
            ({"layers": ["conv1_1", "block1_conv1"]}, "a layer is named twice"),
            ({"layers": LAYERS, "layer_weights": [1]}, "1 layer weights for 2 layers"),
            ({"layers": LAYERS, "layer_weights": [0, 0]}, "every layer has weight 0"),
            ({"layers": LAYERS, "layer_weights": [1, -2]}, "a weight is -2.0"),
            ({"reduction": "sum"}, "unknown reduction 'sum'; expected one of 'relative'"),
        ],
    )
    def test_errors_say_what_was_expected(self, network, photo, kind, arguments, message):
        with pytest.raises(ValueError, match=message):
            kind(photo, network=network, **arguments)

    @KINDS
    def test_a_bad_picture(self, network, kind):
        with pytest.raises(ValueError, match="divide by 255"):
            kind(np.full((20, 20, 3), 200.0), network=network)
        with pytest.raises(TypeError, match="load_image"):
            kind("photo.jpg", network=network)

    @KINDS
    def test_settings_hold_every_argument_but_pictures_and_network(self, network, photo, kind):
        term = kind(photo, LAYERS, layer_weights=[1, 2], reduction="mean", network=network)
        settings = term.settings()
        assert settings["layers"] == LAYERS and settings["layer_weights"] == [1.0, 2.0]
        assert settings["reduction"] == "mean"

    @KINDS
    def test_without_a_network_it_takes_the_default(self, photo, kind, network, monkeypatch):
        monkeypatch.setattr("nsthelpers.objectives.terms.default_network", lambda: network)
        assert kind(photo).network is network


class TestTotalVariation:
    @pytest.mark.parametrize("kind", losses.TV_KINDS)
    @pytest.mark.parametrize("reduction", losses.TV_REDUCTIONS)
    def test_the_definition(self, noise, kind, reduction):
        term = nst.TotalVariation(kind, exponent=1.5, reduction=reduction)
        expected = float(losses.total_variation(noise, kind, 1.5, reduction))
        assert value(term, noise) == pytest.approx(expected, rel=1e-5)

    def test_it_needs_no_network(self):
        assert nst.TotalVariation().network is None
        assert nst.TotalVariation().settings() == {"kind": "l1", "reduction": "mean"}
        assert nst.TotalVariation("exponent").settings()["exponent"] == 1.25

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"kind": "L1"}, "unknown kind of total variation 'L1'; expected one of 'l1'"),
            ({"reduction": "relative"}, "unknown reduction 'relative'"),
            ({"exponent": 0.4}, "the exponent is 0.4; expected a finite number of at least 0.5"),
            ({"exponent": float("nan")}, "the exponent is nan"),
        ],
    )
    def test_errors_say_what_was_expected(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            nst.TotalVariation(**arguments)


class TestLaplacian:
    def lines(self, image, pool):
        height, width = (side // pool for side in image.shape[1:3])
        cut = image[0, : height * pool, : width * pool].astype("float64").sum(-1)
        light = cut.reshape(height, pool, width, pool).mean((1, 3))
        inner = light[1:-1, 1:-1]
        return 4 * inner - light[:-2, 1:-1] - light[2:, 1:-1] - light[1:-1, :-2] - light[1:-1, 2:]

    @pytest.mark.parametrize("pool", [1, 4, 5])
    def test_the_definition(self, photo, noise, pool):
        ours, theirs = (self.lines(image, pool) for image in (noise, photo))
        expected = np.square(ours - theirs).mean()
        mean = nst.Laplacian(photo, pool, reduction="mean")
        assert value(mean, noise) == pytest.approx(expected, rel=1e-4)
        relative = expected / np.square(theirs).mean()
        assert value(nst.Laplacian(photo, pool), noise) == pytest.approx(relative, rel=1e-4)

    def test_slopes_and_levels_do_not_count(self, photo):
        y, x = np.mgrid[0:0.1:32j, 0:0.1:48j]
        lifted = 0.9 * photo
        moved = lifted + (y + x)[None, ..., None].astype("float32") * 0.5
        term = nst.Laplacian(lifted)
        assert value(term, moved) < 1e-4 and value(term, lifted) < 1e-10
        assert value(term, np.full_like(photo, 0.3)) == pytest.approx(1.0, rel=1e-4)

    def test_a_picture_without_lines_cannot_be_the_unit(self, noise):
        flat = nst.Laplacian(np.full((1, 64, 96, 3), 0.3))  # resized, which rounds
        with pytest.raises(ValueError, match="has no lines to keep; leave the term out, or take"):
            value(flat, noise)
        mean = nst.Laplacian(flat.image, reduction="mean")
        assert value(mean, noise) == pytest.approx(np.square(self.lines(noise, 4)).mean(), rel=1e-4)
        faint = flat.image.copy()
        faint[:, ::8, ::8] += 1 / 255
        assert value(nst.Laplacian(faint, pool=1), np.full((1, 64, 96, 3), 0.3)) == pytest.approx(1)

    def test_it_needs_no_network_and_tells_its_settings(self, photo):
        assert nst.Laplacian(photo).network is None
        assert nst.Laplacian(photo).settings() == {"pool": 4, "reduction": "relative"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"pool": 0}, "pool is 0; expected a whole number of at least 1"),
            ({"reduction": "gatys"}, "unknown reduction 'gatys'; expected one of 'relative'"),
        ],
    )
    def test_errors_say_what_was_expected(self, photo, arguments, message):
        with pytest.raises(ValueError, match=message):
            nst.Laplacian(photo, **arguments)

    def test_a_picture_too_small_or_of_another_aspect(self, photo):
        with pytest.raises(ValueError, match="48 x 32 pixels is too small to be pooled by 16"):
            value(nst.Laplacian(photo, 16), photo)
        with pytest.raises(ValueError, match="the aspects differ"):
            value(nst.Laplacian(photo), np.zeros((1, 48, 32, 3)))


class TestActivation:
    def test_it_is_minus_the_logarithm_of_the_channels_mean(self, photo, network):
        term = nst.Activation("conv2_1", 17, network=network)
        mean = float(np.mean(network.features(photo, "conv2_1")["conv2_1"][..., 17]))
        assert mean > 0
        assert term.report(photo)["activation"]["loss"] == pytest.approx(-np.log1p(mean), rel=1e-5)
        assert term.settings() == {"layer": "block2_conv1", "channel": 17}

    def test_channels_of_a_layer_share_one_graph(self, network):
        one, other = (nst.Activation("conv2_1", channel, network=network) for channel in (1, 2))
        assert one.graph_key() == other.graph_key()

    @pytest.mark.parametrize("channel", [-1, 64, 1.5, True, "3"])
    def test_a_channel_that_is_not_there_is_refused(self, network, channel):
        with pytest.raises(ValueError, match="channel is .*; expected a whole number from 0 to 63"):
            nst.Activation("conv1_1", channel, network=network)


def test_a_mask_that_lets_nothing_change_is_refused(painting, network):
    with pytest.raises(ValueError, match="the mask is 0 everywhere"):
        nst.Style(painting, "conv1_1", mask=np.zeros((8, 8)), network=network)
