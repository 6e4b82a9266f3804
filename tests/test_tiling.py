"""Tiles: the same loss and gradient as of the whole; where they are cut; what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers import masks
from nsthelpers.backend import ops, to_numpy
from nsthelpers.lessons.own.parts import OwnContent
from nsthelpers.network.layers import receptive_field
from nsthelpers.statistics.by_name import STATISTICS
from nsthelpers.synthesis import footprint
from nsthelpers.synthesis.plan import make_plan
from nsthelpers.tiling import Cutter, TiledObjective, obstacle

LAYERS = ["block1_conv1", "block2_conv1", "block3_conv1"]
SIZE = (64, 96)  # six tiles of 32 x 32: one graph serves for all
ODD = (53, 70)  # four kinds of tiles, and rows that the poolings drop
ADDITIVE = [name for name, each in STATISTICS.items() if each.additive]


def noise(height, width, seed=0):
    return np.random.default_rng(seed).random((1, height, width, 3), dtype="float32")


def style(network, layers=LAYERS, **options):
    return nst.Style(noise(41, 46, 1), layers, network=network, **options)


def content(network, size=SIZE, layers="block2_conv2", **options):
    return nst.Content(noise(*size, 2), layers, network=network, **options)


def assert_equal(objective, size=SIZE, side=16, tolerance=1e-5, precision="float32", scale=1.0):
    """Loss, terms and gradient are the whole's, relative to their size."""
    image = noise(*size, 3)
    whole = objective.at(*size, scale, precision).evaluate(image)
    tiled = TiledObjective(objective, *size, scale, precision, side).evaluate(image)
    assert list(tiled.terms) == list(whole.terms)
    assert tiled.terms == pytest.approx(whole.terms, rel=tolerance)
    assert tiled.loss == pytest.approx(whole.loss, rel=tolerance)
    assert tiled.exact == whole.exact
    theirs, ours = (to_numpy(each.gradient).astype("float64") for each in (whole, tiled))
    assert ours.shape == theirs.shape
    assert np.linalg.norm(theirs) > 0
    assert np.linalg.norm(ours - theirs) <= tolerance * np.linalg.norm(theirs)


class TestCutting:
    @pytest.mark.parametrize("deepest", ["block1_conv1", "block3_conv2", "block5_conv1"])
    def test_each_position_is_in_one_core_and_all_that_it_sees_in_its_window(
        self, network, deepest
    ):
        layers = ["block1_conv2", deepest]
        stride, *_ = receptive_field(deepest)
        for size, side in itertools.product([(16, 333), (150, 97), (260, 41)], [16, 40, 128]):
            cutter, seen = Cutter(network, layers, side), np.zeros(size, int)
            tiles = cutter.tiles(size)
            assert {tile.window for tile in tiles} == {cutter.window(size)}
            for tile in tiles:
                seen[slice(*tile.rows), slice(*tile.columns)] += 1
                spans = zip(
                    (tile.top, tile.left), tile.window, (tile.rows, tile.columns), size, strict=True
                )
                for begin, length, (first, stop), whole in spans:
                    assert begin % stride == first % stride == 0
                    assert begin >= 0 and begin + length <= whole
                    assert stop - first < max(side, stride) + stride
                    for layer in layers:
                        s, before, field = receptive_field(layer)
                        last = (stop // s - 1) * s
                        assert begin <= max(0, first - before)
                        assert begin + length >= min(whole, last - before + field)
                        # Pooling drops in the window what it drops in the whole.
                        assert begin + length == whole or (whole - length) % s == 0
            assert (seen == 1).all()

    def test_a_picture_smaller_than_a_tile_is_one(self, network):
        (tile,) = Cutter(network, ["block5_conv1"], 512).tiles((50, 70))
        assert (tile.window, tile.core, tile.offset) == ((50, 70), (50, 70), (0, 0))

    def test_an_array_of_positions_is_cut_without_rest(self, network):
        cutter, places = Cutter(network, ["block2_conv1"], 16), np.ones((1, 26, 35, 1))
        cut = [tile.cut("block2_conv1", places) for tile in cutter.tiles(ODD)]
        assert sum(each.size for each in cut) == places.size


class TestTheSameAsTheWhole:
    @pytest.mark.parametrize("size, side", [(ODD, 16), (ODD[::-1], 32), (SIZE, 32)])
    def test_style_content_and_smoothness_at_several_sizes(self, network, size, side):
        objective = content(network, size) + 10 * style(network) + 0.1 * nst.TotalVariation()
        assert_equal(objective, size, side)

    @pytest.mark.parametrize(
        "name, pooling, size",  # 24 tiles, of which two have more rows, or columns
        [
            ("vgg19", "max", (203, 32)),
            ("vgg19", "avg", (32, 203)),
            ("vgg16", "max", (32, 203)),
            ("vgg16", "avg", (203, 32)),
        ],
    )
    def test_two_networks_down_to_block5(self, narrow, name, pooling, size):
        network = nst.VGG(name, weights=narrow[name], pooling=pooling)
        objective = content(network, size, "block4_conv2") + 10 * style(
            network, nst.vgg.STYLE_LAYERS
        )
        assert Cutter(network, ["block5_conv1"], 16).window(size) < size
        assert_equal(objective, size)

    @pytest.mark.parametrize("name", ADDITIVE)
    def test_each_statistic_that_adds_up(self, network, name):
        objective = 1 * style(network, LAYERS[:2], statistic=name)
        size = ODD if name == "chain" else SIZE
        assert_equal(objective, size, side=32, tolerance=1e-4 if name == "wasserstein" else 1e-5)

    @pytest.mark.parametrize("reduction", nst.losses.REDUCTIONS)
    def test_each_reduction(self, network, reduction):
        layers = ["block1_conv1", "block2_conv2"]
        assert_equal(
            content(network, layers=layers, layer_weights=[3, 1], reduction=reduction)
            + style(network, LAYERS[:2], reduction=reduction),
            side=32,
        )

    def test_regions_of_both_and_several_paintings(self, network):
        place = masks.half(noise(*ODD), "left")
        paintings = [noise(41, 46, 1), noise(60, 44, 4)]
        region = masks.half(paintings[1], "top")
        guided = nst.Style(
            paintings, LAYERS[:2], network=network, region=place, source_region=[None, region],
            image_weights=[2, 1],
        )  # fmt: skip
        assert_equal(content(network, ODD, region=~place) + guided, ODD, side=32)

    @pytest.mark.parametrize("kind", nst.losses.TV_KINDS)
    def test_terms_of_pixels_stay_whole(self, network, kind):
        smooth = nst.TotalVariation(kind) + nst.TotalVariation("squared", reduction="sum")
        objective = 3 * smooth + 0.5 * nst.Laplacian(noise(*SIZE, 5)) + content(network)
        assert_equal(objective, side=32)

    def test_a_filter(self, network):
        assert_equal(1 * nst.Activation("block2_conv2", 5, network=network), side=32)

    def test_mirrored_borders(self):
        network = nst.VGG(weights="random", padding="reflect")
        assert_equal(content(network) + style(network, LAYERS[:2]), side=32)

    def test_smaller_paintings_from_coarse_to_fine(self, network):
        assert_equal(1 * style(network, LAYERS[:2]), side=32, scale=0.6)

    def test_half_the_digits(self, network):
        objective = content(network) + style(network, LAYERS[:2])
        assert_equal(objective, side=32, tolerance=0.02, precision="bfloat16")

    def test_a_term_of_weight_0_and_labels_in_order(self, network):
        objective = (
            nst.TotalVariation() + 0 * style(network, statistic="blurred") + style(network) * 2
            + nst.TotalVariation("squared")
        )  # fmt: skip
        assert_equal(objective, side=32)

    def test_a_missing_halo_is_noticed(self, network, monkeypatch):
        """Else the tests above would not tell."""
        made = Cutter.__init__

        def without(self, *arguments):
            made(self, *arguments)
            self._before, self._after = 0, 0

        monkeypatch.setattr(Cutter, "__init__", without)
        with pytest.raises(AssertionError):
            assert_equal(1 * style(network, LAYERS[1:2]), side=24)


class Pixelated(nst.objectives.Term):
    label, layers = "pixelated", ("block1_conv1",)

    def __init__(self, network):
        self.network = network

    def loss(self, image, features, targets):
        return ops.mean(features["block1_conv1"])


class TestRefused:
    @pytest.mark.parametrize("name", sorted(set(STATISTICS) - set(ADDITIVE)))
    def test_statistics_that_need_neighbours_or_all_at_once(self, network, name):
        term = style(network, statistic=name)
        assert obstacle(1 * term) == (
            f"style: {term.statistic} is no mean over positions that know nothing of each other"
        )

    def test_which_statistics_add_up(self):
        assert set(STATISTICS) - set(ADDITIVE) == {
            "blurred", "adjacent", "content aware", "mmd gaussian", "sliced wasserstein",
            "relaxed emd", "nearest",
        }  # fmt: skip

    def test_terms_and_networks(self, network):
        whole = nst.VGG(weights="random", padding="circular")
        own = OwnContent.__new__(OwnContent)
        own.layers = ("block1_conv1",)
        assert own.whole_only() == "OwnContent has no method `sums` that belongs to its `loss`"
        for term, reason in [
            (style(network, mask=np.ones(SIZE)), "style: a style with mask= looks at an image"),
            (Pixelated(network), "pixelated: Pixelated has no method `sums`"),
            (style(whole), "the network's padding is 'circular'"),
            (nst.TotalVariation(), "no term reads a layer"),
        ]:
            with pytest.raises(ValueError, match=f"^this cannot be .*: {reason}") as caught:
                TiledObjective(1 * term, *SIZE)
            with pytest.raises(ValueError, match="^tiles is 64, but .*expected tiles=None$"):
                nst.synthesize(1 * term, noise(*SIZE), tiles=64, progress=False)
            assert "\n" not in str(caught.value)
            assert make_plan(term, noise(*SIZE), tiles="auto").stages[0].tiles is None

    def test_a_subclass_with_a_description_of_its_own(self, network):
        class Squared(nst.statistics.Gram):
            def describe(self, features, where=None):
                return ops.square(super().describe(features, where))

        assert "no mean over positions" in obstacle(1 * style(network, statistic=Squared()))

    @pytest.mark.parametrize("tiles", [0, 15, -64, 64.0, True, "64", "always", [64], math.nan])
    def test_bad_sides(self, network, tiles):
        with pytest.raises(ValueError, match=r"^tiles is .*at least 16, the side of a tile"):
            nst.synthesize(style(network), noise(*SIZE), tiles=tiles, progress=False)
        if tiles != "64":
            with pytest.raises(ValueError, match="^tiles is .*at least 16"):
                nst.jobs.ReconstructStyle(style="mosaic_sunset", tiles=tiles)


class TestRuns:
    def test_some_steps_are_those_of_the_whole(self, network):
        objective = content(network) + 10 * style(network, LAYERS[:2]) + nst.TotalVariation()
        options = {"steps": 4, "precision": "float32", "progress": False}
        whole, tiled = (
            nst.synthesize(objective, noise(*SIZE, 3), tiles=tiles, **options)
            for tiles in (None, 32)
        )
        assert [r.loss for r in tiled.history] == pytest.approx(
            [r.loss for r in whole.history], rel=1e-4
        )
        assert np.abs(tiled.image - whole.image).max() < 0.01
        assert tiled.settings["tiles"] == [32] and "tiles" not in whole.settings

    def test_sizes_that_are_no_larger_than_a_tile_are_whole(self, network):
        plan = make_plan(style(network), noise(*SIZE), scales=[32, 70], tiles=32)
        assert [stage.tiles for stage in plan.stages] == [None, 32]
        kinds = [type(plan.bind(stage.size, "float32")).__name__ for stage in plan.stages]
        assert kinds == ["BoundObjective", "TiledObjective"]

    def test_the_time_left_counts_their_work(self, network):
        whole, tiled = (
            make_plan(style(network), noise(*SIZE), scales=[32, 96], steps=10, tiles=tiles)
            for tiles in (None, 32)
        )
        assert 0 < tiled.share(10) < whole.share(10) / 1.5
        assert whole.share(10) == pytest.approx(21 * 32 / (21 * 32 + 64 * 96))
        assert whole.share(20) == tiled.share(20) == 1

    def test_a_recipe_passes_them_on(self, network):
        found = nst.reconstruct_style(
            "mosaic_sunset", "block1_conv1", max_side=48, steps=1, tiles=32, network=network,
            progress=False,
        )  # fmt: skip
        assert found.settings["tiles"] == [32] and found.settings["job"]["tiles"] == 32


class TestAuto:
    @pytest.fixture
    def memory(self, monkeypatch):
        def has(free):
            monkeypatch.setattr(footprint, "held_and_free", lambda kind, index: (0, free))

        return has

    def chosen(self, network, statistic="gram", size=(2000, 3000)):
        objective = 1 * style(network, nst.vgg.STYLE_LAYERS, statistic=statistic)
        arguments = objective, nst.LBFGS(memory=2), "float32", size
        tiles, _ = footprint.fitted("auto", *arguments)
        return tiles, footprint.needed_bytes(*arguments, tiles)

    def test_only_where_the_whole_does_not_fit(self, network, memory):
        memory(10**11)
        tiles, whole = self.chosen(network)
        assert tiles is None
        memory(whole / 0.89)
        assert self.chosen(network)[0] is None
        memory(whole / 0.91)
        tiles, needed = self.chosen(network)
        assert tiles == 1024 and needed < 0.6 * whole

    def test_smaller_tiles_for_less_memory(self, network, memory):
        sides = []
        for free in (6e9, 2.6e9, 1e9, 1e6):
            memory(free)
            tiles, needed = self.chosen(network)
            sides.append(tiles)
            assert needed <= 0.9 * free or tiles == 128
        assert sides == sorted(sides, reverse=True) and sides[0] > sides[-1] == 128

    def test_not_what_cannot_be_tiled_nor_where_memory_is_unknown(self, network, memory):
        memory(1e9)
        assert self.chosen(network, "blurred")[0] is None
        memory(None)
        assert self.chosen(network)[0] is None

    def test_the_history_follows_where_tiles_are_not_enough(self, network, memory):
        objective, size = 1 * style(network, nst.vgg.STYLE_LAYERS), (2000, 3000)
        found = []
        for free in (9e9, 5.8e9, 4.2e9, 3.4e9, 2.6e9, 2.3e9, 1e6):
            memory(free)
            others = footprint.lighter(nst.LBFGS(), 200)
            side, optimizer = footprint.fitted(
                "auto", objective, nst.LBFGS(), "float32", size, others
            )
            needed = footprint.needed_bytes(objective, optimizer, "float32", size, side)
            found.append((optimizer.history, optimizer.memory))
            assert needed <= 0.9 * free or (side, found[-1]) == (128, ("bfloat16", 5))
        assert found[0] == ("float32", 20) and found[-1] == ("bfloat16", 5)
        order = [(each.history, each.memory) for each in footprint.lighter(nst.LBFGS(), 200)]
        assert sorted(found, key=order.index) == found and set(found) == set(order)

    def test_a_coarse_history_counts_half(self):
        smooth = 1 * nst.TotalVariation()
        exact, coarse = (
            footprint.needed_bytes(smooth, nst.LBFGS(history=each), "float32", (100, 100))
            for each in ("float32", "bfloat16")
        )
        assert exact - coarse == 20 * 12 * 100 * 100

    def test_what_was_chosen_stays_chosen(self, network, memory, tmp_path):
        """A run that goes on when more memory is free keeps its tiles and its history."""
        options = {"steps": 2, "progress": False, "checkpoint": tmp_path}
        objective, start = 1 * style(network), noise(48, 64)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(footprint, "_LITTLE", 0)
            patch.setattr(footprint, "_SIDES", (32, 16))
            memory(10)
            first = nst.synthesize(objective, start, **options)
            memory(10**12)
            again = nst.synthesize(objective, start, **options)
            other = nst.synthesize(objective, start, **{**options, "checkpoint": None})
        assert first.settings["tiles"] == again.settings["tiles"] == [16]
        kept = [{"memory": 2, "history": "bfloat16"}]
        assert first.settings["histories"] == again.settings["histories"] == kept
        np.testing.assert_array_equal(first.image, again.image)
        assert "tiles" not in other.settings and "histories" not in other.settings

    def test_only_a_default_history_follows(self, network, memory, monkeypatch):
        monkeypatch.setattr(footprint, "_LITTLE", 0)
        monkeypatch.setattr(footprint, "_SIDES", (32, 16))
        memory(10)
        arguments = 1 * style(network), noise(48, 64)
        plan = make_plan(*arguments, optimizer=nst.LBFGS(memory=7))
        assert plan.stages[0].tiles == 16 and plan.way_at((48, 64)) == nst.LBFGS(memory=7)
        plan = make_plan(*arguments, image_as="waves", steps=30)
        assert plan.way_at((48, 64)).optimizer == nst.LBFGS(memory=5, history="bfloat16")

    def test_little_memory_is_not_asked_for(self, network, monkeypatch):
        monkeypatch.setattr(footprint, "held_and_free", None)  # not to be called
        assert self.chosen(network, size=(200, 300))[0] is None

    def test_the_estimate_counts_tiles_and_their_work(self, network):
        objective, size = content(network, (96, 96), "block4_conv2"), (2048, 2048)
        arguments = 1 * objective, nst.LBFGS(memory=2), "float32", size
        whole, tiled = (footprint.needed_bytes(*arguments, tiles) for tiles in (None, 256))
        vectors, held = 24 * 12 * 2048**2, 512 * 4 / 64 * 2048**2
        assert vectors + held < tiled < 0.2 * whole
        assert footprint.tiled_work(1 * objective, size, None) == 1
        one, many = (footprint.tiled_work(1 * objective, size, side) for side in (2048, 256))
        assert one == 1.5 < many < 4
