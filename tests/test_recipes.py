"""The three jobs: which objective they build, from what, and that it works with trained weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers import recipes

QUICK = {"steps": 2, "progress": False}
SHALLOW = {"content_layers": "conv1_1", "style_layers": "conv1_1"}


@pytest.fixture
def asked(monkeypatch):
    """Stand in for `synthesize`: return what it is asked for, as fast as that."""

    class Asked(tuple):
        def __init__(self, asked):
            self.settings, self.image = {}, np.zeros((1, 16, 16, 3))

    def synthesize(objective, start, **options):
        return Asked((objective, start, options))

    monkeypatch.setattr(recipes, "synthesize", synthesize)


class TestCoarseToFine:
    def test_by_hand(self):
        assert recipes.coarse_to_fine(512) == [128, 256, 512]
        assert recipes.coarse_to_fine(500) == [250, 500]
        assert recipes.coarse_to_fine(127) == [127]
        assert recipes.coarse_to_fine(400, coarsest=90, factor=2**0.5) == [100, 141, 200, 283, 400]

    @given(st.integers(16, 2000), st.integers(16, 600), st.floats(1.1, 4))
    def test_it_rises_to_the_longest_and_starts_at_the_coarsest(self, longest, coarsest, factor):
        scales = recipes.coarse_to_fine(longest, coarsest, factor)
        assert scales[-1] == longest and scales == sorted(set(scales))
        assert scales[0] >= min(coarsest, longest)
        assert scales[0] / factor < coarsest

    @pytest.mark.parametrize("factor", [1.0, 0.5, -2, float("nan")])
    def test_a_factor_that_does_not_grow(self, factor):
        with pytest.raises(ValueError, match="the factor is .*; expected more than 1"):
            recipes.coarse_to_fine(512, factor=factor)


class TestStylize:
    def test_the_objective_is_the_formula(self, asked, network):
        objective, start, options = nst.stylize(
            "chelsea", "stained_glass", max_side=64, content_weight=2, style_weight=30,
            tv_weight=0.5, network=network, steps=7, seed=3,
        )  # fmt: skip
        assert objective.weights == {"content": 2, "style": 30, "total_variation": 0.5}
        assert objective.network is network and start == "recoloured"
        assert (options["scales"], options["steps"], options["seed"]) == ([64], 7, 3)
        assert options["optimizer"] == nst.LBFGS() and options["precision"] == "auto"
        assert max(objective.terms["content"].image.shape[1:3]) == 64
        assert max(objective.terms["style"].image.shape[1:3]) == 64

    def test_defaults(self, asked, network):
        objective, *_ = nst.stylize("chelsea", "stained_glass", max_side=32, network=network)
        assert objective.weights == {"content": 1, "style": 10, "total_variation": 0.1}
        assert objective.terms["content"].layers == ("block4_conv2",)
        assert objective.terms["style"].layers == nst.vgg.STYLE_LAYERS

    def test_the_scale_of_the_painting(self, asked, network):
        for scale, side in ((0.5, 32), (1.0, 64), (2.0, 128)):
            options = {"max_side": 64, "stroke_size": scale, "network": network} | SHALLOW
            objective, *_ = nst.stylize("chelsea", "stained_glass", **options)
            assert max(objective.terms["style"].image.shape[1:3]) == side

    def test_a_small_photograph_sets_the_size(self, asked, network, photo):
        objective, _, options = nst.stylize(
            photo, "stained_glass", max_side=512, network=network, **SHALLOW
        )
        assert objective.terms["content"].image.shape == photo.shape
        assert max(objective.terms["style"].image.shape[1:3]) == 48 == options["scales"][-1]

    @pytest.mark.parametrize(
        ("scales", "expected"),
        [("coarse to fine", [150, 300]), (None, None), ([20, 40], [20, 40])],
    )
    def test_scales(self, asked, network, scales, expected):
        *_, options = nst.stylize(
            "chelsea", "stained_glass", max_side=300, scales=scales, network=network, **SHALLOW
        )
        assert options["scales"] == expected

    def test_a_panorama_starts_no_coarser_than_the_network_can_bear(self, asked, network):
        panorama = np.full((1, 20, 300, 3), 0.5, "float32")
        *_, options = nst.stylize(panorama, "stained_glass", network=network, **SHALLOW)
        assert options["scales"] == [300]

    def test_several_paintings(self, asked, network, painting):
        objective, *_ = nst.stylize(
            "chelsea", ["stained_glass", painting], max_side=32, network=network, **SHALLOW
        )
        assert len(objective.terms["style"].images) == 2

    @pytest.mark.parametrize("side", [128, 300])
    def test_another_statistic_pulls_as_hard_as_gram_matrices_at_the_small_photograph(
        self, asked, network, side
    ):
        objective, *_ = nst.stylize(
            "chelsea", "stained_glass", max_side=side, style_weight=7, network=network,
            statistic="mean and variance",
        )  # fmt: skip
        photo = nst.samples.load("chelsea", max_side=128)
        paintings = nst.resize(objective.terms["style"].images[0], max_side=128)
        gram = 7 * nst.Style(paintings, network=network)
        other = objective.weights["style"] * nst.Style(
            paintings, statistic="mean and variance", network=network
        )
        pulls = [nst.balancing.gradient_norms(each, photo)["style"] for each in (gram, other)]
        # At another size the small pictures come out of another resizing.
        assert pulls[1] == pytest.approx(pulls[0], rel=1e-4 if side == 128 else 0.05)
        assert not np.isclose(objective.weights["style"], 7, rtol=0.1)

    def test_it_is_measured_with_the_layers_paintings_and_reduction_of_the_style(
        self, asked, network, painting
    ):
        layers, weights = ["conv1_1", "conv3_1"], {"layer_weights": [1, 9], "image_weights": [7, 1]}
        objective, *_ = nst.stylize(
            "chelsea", ["stained_glass", painting], max_side=128, network=network,
            statistic="mean and variance", style_layers=layers, style_layer_weights=[1, 9],
            image_weights=[7, 1], reduction="mean", style_weight=7,
        )  # fmt: skip
        photo, style = nst.samples.load("chelsea", max_side=128), objective.terms["style"]
        options = weights | {"reduction": "mean", "network": network}
        gram = 7 * nst.Style(style.images, layers, **options)
        other = objective.weights["style"] * style
        pulls = [nst.balancing.gradient_norms(each, photo)["style"] for each in (gram, other)]
        assert pulls[1] == pytest.approx(pulls[0], rel=1e-4)

    @pytest.mark.parametrize("method", ["strotss", "nearest_neighbours"])
    def test_a_painting_of_weight_0_is_in_no_term(self, asked, network, painting, method):
        options = {"max_side": 32, "method": method, "network": network} | SHALLOW
        mixed, *_ = nst.stylize(
            "chelsea", ["stained_glass", painting], image_weights=[0, 2], **options
        )
        alone, *_ = nst.stylize("chelsea", painting, **options)
        for label, term in mixed.terms.items():
            ours, wanted = (getattr(each, "images", ()) for each in (term, alone.terms[label]))
            assert len(ours) == len(wanted)
            assert all(map(np.array_equal, ours, wanted))
        assert len(mixed.terms["style"].images) == 1

    @pytest.mark.parametrize("colours", ["painting", "photograph"])
    def test_nearest_neighbours_end_in_the_colours_that_are_asked_for(
        self, network, painting, colours
    ):
        options = {"max_side": 32, "method": "nearest_neighbours", "steps": 2, "progress": False}
        options |= {"network": network, "colours": colours, "image_weights": [0, 2]} | SHALLOW
        made = nst.stylize("chelsea", ["stained_glass", painting], **options).image
        photo = nst.samples.load("chelsea", max_side=32)
        palette = nst.resize(painting, max_side=32) if colours == "painting" else photo
        found, wanted = (each.reshape(-1, 3) for each in (made, palette))
        assert np.abs(found.mean(0) - wanted.mean(0)).max() < 0.02  # but for what is clipped
        assert np.abs(found.std(0) - wanted.std(0)).max() < 0.02

    def test_gram_matrices_need_no_measuring(self, asked, network, monkeypatch):
        monkeypatch.delattr(recipes, "balance")
        same = nst.statistics.Gram()
        objective, *_ = nst.stylize("chelsea", "stained_glass", network=network, statistic=same)
        assert objective.weights["style"] == 10
        objective, *_ = nst.stylize(
            *("chelsea", "stained_glass"), network=network, statistic="cube", style_weight=0
        )
        assert objective.weights["style"] == 0

    def test_a_small_painting_is_not_made_too_small(self, asked, network):
        objective, *_ = nst.stylize(
            *("chelsea", "stained_glass"), max_side=400, stroke_size=0.06, network=network,
            statistic="shifted", **SHALLOW,
        )  # fmt: skip
        assert objective.weights["style"] > 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"statistic": "gramm"}, "statistic is 'gramm'; did you mean gram"),
            (
                {"statistic": "shifted", "style_weight": float("nan")},
                "style_weight is nan; expected a finite number of at least 0",
            ),
            ({"statistic": "shifted", "style_weight": -1}, "style_weight is -1; expected a finite"),
            ({"scales": "fine"}, "scales is 'fine'; did you mean"),
            ({"stroke_size": 0}, "stroke_size is 0; expected a finite number above 0"),
            ({"stroke_size": float("inf")}, "stroke_size is inf"),
            ({"colours": "paint"}, "colours is 'paint'; did you mean painting"),
            ({"regions": [("mask.png", 3)]}, "regions is .*; expected pairs of a mask"),
            ({"regions": []}, r"regions is \[\]; expected pairs of a mask"),
            ({"stroke_size": 0.1}, "each side must be at least 16"),
            ({"style_weight": -1}, "style_weight is -1; expected a finite"),
            ({"content_layers": "conv9_1"}, "did you mean"),
            ({"max_side": 0}, "max_side"),
        ],
    )
    def test_errors_say_what_was_expected(self, asked, network, arguments, message):
        arguments = {"max_side": 32, "network": network} | arguments
        with pytest.raises(ValueError, match=message):
            nst.stylize("chelsea", "stained_glass", **arguments)

    def test_an_unknown_argument_is_refused(self, network):
        with pytest.raises(TypeError, match="stepz"):
            nst.stylize("chelsea", "stained_glass", max_side=32, network=network, stepz=3)


class TestColours:
    def made(self, network, **options):
        options = {"max_side": 64, "network": network} | SHALLOW | options
        return nst.stylize("chelsea", "stained_glass", **options)

    def test_the_painting_in_the_photographs_colours(self, asked, network):
        objective, start, _ = self.made(network, colours="photograph")
        photo = nst.samples.load("chelsea", max_side=64)
        painting = nst.samples.load("stained_glass", max_side=64)
        assert start == "content" and np.array_equal(objective.terms["content"].image, photo)
        expected = nst.match_colours(painting, photo)
        assert np.array_equal(objective.terms["style"].image, expected)

    def test_luminance_only(self, asked, network):
        objective, start, _ = self.made(network, colours="luminance")
        content, style = (objective.terms[name].image for name in ("content", "style"))
        assert start == "content" and np.ptp(content, axis=-1).max() == 0
        assert np.ptp(style, axis=-1).max() == 0
        assert style.mean() == pytest.approx(content.mean(), abs=0.01)

    def test_lines_of_the_photograph_as_it_is_painted(self, asked, network):
        photo = nst.samples.load("chelsea", max_side=64)
        for colours, expected in (("painting", photo), ("luminance", nst.images.luminance(photo))):
            objective, _, _ = self.made(network, colours=colours, line_weight=3)
            assert objective.weights["laplacian"] == 3
            assert np.array_equal(objective.terms["laplacian"].image, expected)
        objective, _, _ = self.made(network)
        assert "laplacian" not in objective.terms

    @pytest.mark.parametrize("start", ["noise", "style", "content"])
    def test_another_start_stays_what_it_is(self, asked, network, start):
        _, found, _ = self.made(network, colours="photograph", start=start)
        assert found == start

    def test_the_result_has_the_chroma_of_the_photograph(self, network):
        options = {"steps": 3, "progress": False, "scales": [24, 48], "tv_weight": 0}
        grey = []
        result = self.made(
            network, colours="luminance", callbacks=lambda step: grey.append(step.image), **options
        )
        photo = nst.samples.load("chelsea", max_side=64)
        assert result.image.shape == (1, 32, 48, 3)  # the last of the scales
        assert result.settings["job"]["colours"] == "luminance"
        drift = [
            nst.images.colour_difference(image, photo, lightness=False)
            for image in (result.image, nst.images.luminance(photo))
        ]
        assert drift[0] < 0.5 * drift[1]
        assert np.abs(nst.images.luminance(result.image) - result.image).max() > 0.05

    def test_an_error_on_the_way_leaves_the_picture_in_its_colours(self, network):
        def callback(progress):
            if progress.record.step:
                raise KeyError("a mistake")

        with pytest.raises(KeyError) as caught:
            self.made(network, colours="luminance", callbacks=callback, steps=2, progress=False)
        assert np.ptp(caught.value.synthesis.image, axis=-1).max() > 0.05


class TestRegions:
    def made(self, network, regions, **options):
        options = {"max_side": 64, "network": network, "regions": regions} | SHALLOW | options
        return nst.stylize("chelsea", "stained_glass", **options)

    def test_each_region_by_its_share_and_the_rest(self, asked, network):
        photo = nst.samples.load("chelsea")
        top, corner = nst.masks.half(photo), nst.masks.rectangle(photo, (0.5, 0, 1, 0.5))
        regions = [(top, "mosaic_sunset"), (np.asarray(corner), "ink_hatching")]
        objective, *_ = self.made(network, regions, style_weight=20)
        weights = [objective.weights[name] for name in ("style", "style_2", "style_3")]
        assert weights == pytest.approx([5, 10, 5], abs=0.5)
        assert sum(weights) == pytest.approx(20, abs=0.3)  # edges are soft once they are resized
        rest = objective.terms["style"].region
        assert (rest & top).share < 0.05 and rest.array.shape == (43, 64)

    def test_masks_in_words_are_those_of_the_photograph(self, asked, network):
        """As study files and the command line give them."""
        objective, *_ = self.made(network, ["~half(top)=mosaic_sunset"])
        below = nst.masks.half(nst.samples.load("chelsea", max_side=64), "bottom")
        assert np.array_equal(objective.terms["style_2"].region.array, below.at(43, 64))
        with pytest.raises(ValueError, match="unknown mask 'halves.top.'; did you mean half"):
            nst.recipes.from_data(
                {"job": "stylize", "content": "chelsea", "style": "stained_glass",
                 "regions": "halves(top)=mosaic_sunset"}
            ).check_pictures()  # fmt: skip

    def test_a_single_pair(self, asked, network):
        left = nst.masks.half(np.zeros((1, 300, 451, 3)), "left")
        objective, *_ = self.made(network, (left, "mosaic_sunset"))
        assert set(objective.terms) == {"content", "style", "style_2", "total_variation"}

    def test_regions_that_leave_nothing_over(self, asked, network):
        whole = nst.masks.everywhere(np.zeros((1, 300, 451, 3)))
        objective, *_ = self.made(network, [(whole, "mosaic_sunset")])
        assert objective.weights["style"] == 10 and "style_2" not in objective.terms

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            (np.zeros((300, 451)), "the region is empty"),
            (np.ones((300, 300)), "the mask is 300 x 300 pixels and the picture 64 x 43"),
        ],
    )
    def test_a_mask_that_does_not_fit(self, asked, network, mask, message):
        with pytest.raises(ValueError, match=message):
            self.made(network, [(mask, "mosaic_sunset")])

    def test_a_regions_painting_takes_the_colours_of_that_part(self, asked, network):
        photo = np.zeros((1, 64, 64, 3), "float32")
        photo[:, :32] = (0.2, 0.4, 0.9)
        photo[:, 32:] = (0.5, 0.3, 0.1)
        objective, *_ = nst.stylize(
            photo, "stained_glass", regions=[(nst.masks.half(photo), "mosaic_sunset")],
            colours="photograph", network=network, **SHALLOW,
        )  # fmt: skip
        below, above = (
            objective.terms[name].image.mean((0, 1, 2)) for name in ("style", "style_2")
        )
        assert above == pytest.approx([0.2, 0.4, 0.9], abs=0.01)
        assert below == pytest.approx([0.5, 0.3, 0.1], abs=0.01)

    def test_masks_from_files_paint(self, network, tmp_path):
        path = tmp_path / "left.png"
        nst.save_image(nst.masks.half(np.zeros((1, 43, 64, 3)), "left"), path)
        result = self.made(network, [(str(path), "mosaic_sunset")], steps=2, progress=False)
        assert result.settings["job"]["regions"] == [[str(path), "mosaic_sunset"]]
        assert result.settings["objective"]["terms"]["style_2"]["region"] == pytest.approx(0.5)


def test_fine_strokes_on_coarse_forms(network):
    fine, coarse = "ink_hatching", nst.samples.load("swirling_night", max_side=64)
    made = nst.combine_styles(fine, coarse, network=network, steps=3, progress=False)
    assert made.image.shape == coarse.shape and made.settings["start"] == "image"
    assert list(made.settings["objective"]["terms"]) == ["style"]
    assert made.settings["objective"]["terms"]["style"]["layers"] == list(nst.vgg.STYLE_LAYERS[:2])
    assert made.history[-1].loss < made.history[0].loss


class TestReconstructions:
    def test_content(self, asked, network, photo):
        objective, start, options = nst.reconstruct_content(
            photo, ["conv1_1", "conv2_2"], tv_weight=0.2, network=network, steps=3
        )
        assert objective.weights == {"content": 1.0, "total_variation": 0.2}
        assert objective.terms["content"].layers == ("block1_conv1", "block2_conv2")
        assert (start, options["steps"], options["scales"]) == ("noise", 3, None)

    def test_style(self, asked, network, painting):
        objective, start, _ = nst.reconstruct_style(
            [painting, "stained_glass"], max_side=24, network=network
        )
        assert objective.weights == {"style": 1.0, "total_variation": 0.0}
        sizes = [max(image.shape[1:3]) for image in objective.terms["style"].images]
        assert sizes == [24, 24] and start == "noise"

    def test_they_run(self, network, photo, painting):
        for result in (
            nst.reconstruct_content(photo, "conv1_1", network=network, **QUICK),
            nst.reconstruct_style(painting, "conv1_1", network=network, **QUICK),
            nst.stylize(photo, painting, network=network, **SHALLOW, **QUICK),
        ):
            assert result.history[-1].loss < result.history[0].loss
            assert result.stop_reason == "steps" and len(result.history) == 3


class TestOpenImage:
    def test_anything(self, photo, tmp_path):
        path = tmp_path / "photo.png"
        nst.save_image(photo, path)
        for source in (photo, path, str(path), path.read_bytes(), nst.to_pil(photo)):
            found = recipes.open_image(source)
            assert np.abs(found - photo).max() <= 0.5 / 255 + 1e-6
        assert recipes.open_image("chelsea", max_side=32).shape == (1, 21, 32, 3)

    def test_neither_sample_nor_file(self):
        with pytest.raises(FileNotFoundError, match="chelsea"):
            recipes.open_image("chelsae")


def test_trained_weights_paint(trained):
    """Eight steps at 64 pixels: the style comes nearer, and the content stays recognisable."""
    result = nst.stylize(
        "chelsea", "swirling_night", max_side=64, steps=8, network=trained, progress=False
    )
    first, last = result.history[0], result.history[-1]
    assert last.terms["style"] < 0.5 * first.terms["style"]
    assert last.terms["content"] < 0.9  # a black image would have about 1
    assert result.settings["objective"]["network"]["weights"] != "random"


def test_what_stops_early_tells_its_size(network):
    result = nst.stylize(
        "chelsea", "stained_glass", max_side=64, scales=[32, 64], steps=3, network=network,
        callbacks=lambda now: now.record.step == 2, progress=False, **SHALLOW,
    )  # fmt: skip
    assert result.image.shape == (1, 43, 64, 3)
    assert result.message.endswith("enlarged from 32 x 22 pixels")
    said = result.settings
    assert (said["stop_reason"], said["steps"], said["sizes"]) == ("callback", [2], [[22, 32]])
