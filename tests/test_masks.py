"""Masks: shapes by hand, algebra, sizes, bad input, and what is in front."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

import nsthelpers as nst
from nsthelpers import masks

SHAPE = (1, 30, 40, 3)
PICTURE = np.zeros(SHAPE)
WEIGHTS = arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32))


class TestAlgebra:
    @given(WEIGHTS, WEIGHTS)
    def test_de_morgan_and_doubles(self, a, b):
        a, b = masks.Mask(a), masks.Mask(b)
        assert np.allclose((~(a & b)).array, (~a | ~b).array)
        assert (a & a) == a == (a | a) and np.allclose((~~a).array, a.array, atol=1e-6)
        assert ((a & b).array <= (a | b).array).all()

    def test_the_second_takes_the_size_of_the_first(self):
        large, small = masks.half(np.zeros((1, 60, 80, 3)), "left"), masks.half(PICTURE, "top")
        assert (small & large).array.shape == (30, 40)
        assert (small & large).share == pytest.approx(0.25, abs=0.02)

    def test_it_is_an_array_and_says_what_it_covers(self):
        left = masks.half(PICTURE, "left")
        assert np.asarray(left).shape == (30, 40) and np.asarray(left, "float64").dtype == "float64"
        assert repr(left) == "a mask of 40 x 30 pixels that covers 50%"
        assert "alt=" in left._repr_html_()
        assert masks.as_mask(left) is left and left != np.asarray(left).tolist()


class TestShapes:
    @pytest.mark.parametrize("size", [(30, 40), (31, 41), (1, 1)])
    @pytest.mark.parametrize(
        ("make", "names"),
        [
            (masks.half, ("top", "bottom")),
            (masks.half, ("left", "right")),
            (masks.third, ("top", "middle", "bottom")),
            (masks.third, ("left", "centre", "right")),
        ],
    )
    def test_parts_cover_every_pixel_once(self, make, names, size):
        parts = [make(np.zeros((1, *size, 3)), name).array for name in names]
        assert (sum(parts) == 1).all()

    def test_rectangle_and_ellipse_by_their_areas(self):
        picture = np.zeros((1, 200, 300, 3))
        assert masks.rectangle(picture).share == pytest.approx(0.36, abs=1e-6)
        assert masks.ellipse(picture).share == pytest.approx(0.36 * np.pi / 4, abs=1e-3)
        assert (masks.ellipse(picture) & ~masks.rectangle(picture)).share == 0
        assert masks.everywhere(picture).share == 1

    @pytest.mark.parametrize("box", [(0.5, 0, 0.4, 1), (0, 0, 1), (0, 0, 1, 1.1), "box", None])
    def test_a_box_that_is_none(self, box):
        with pytest.raises(ValueError, match="expected top, left, bottom, right as shares"):
            masks.rectangle(PICTURE, box)

    @pytest.mark.parametrize("make", [masks.half, masks.third])
    def test_an_unknown_part(self, make):
        with pytest.raises(ValueError, match="unknown .* 'upper'; expected one of 'top'"):
            make(PICTURE, "upper")


class TestByColour:
    def test_a_flag(self):
        flag = np.zeros(SHAPE)
        flag[:, :15, :, 0], flag[:, 15:, :, 2] = 1, 1
        for colour in ("red", "#ff0000", (1, 0, 0), np.array([1.0, 0.1, 0.0])):
            assert masks.by_colour(flag, colour) == masks.half(flag, "top")
        assert masks.by_colour(flag, "white").share == 0

    @pytest.mark.parametrize("colour", ["no colour", (1, 0), (2, 0, 0), 3, (np.nan, 0, 0)])
    def test_what_is_no_colour(self, colour):
        with pytest.raises(ValueError, match="the colour is .*; expected a name"):
            masks.by_colour(PICTURE, colour)

    def test_brightness(self):
        ramp = np.tile(np.linspace(0, 1, 40), (30, 1))
        bright, dark = masks.by_brightness(ramp, 0.5), masks.by_brightness(ramp, 0, 0.5)
        assert bright.array[0, -1] == 1 and dark.array[0, 0] == 1
        assert bright.share + dark.share == pytest.approx(1, abs=1e-6)
        with pytest.raises(ValueError, match="above is 0.7 and below 0.5; expected"):
            masks.by_brightness(ramp, 0.7, 0.5)
        with pytest.raises(ValueError, match="within is 0; expected a positive distance"):
            masks.by_colour(ramp, "red", within=0)


class TestFiles:
    def test_there_and_back(self, tmp_path):
        mask = masks.ellipse(PICTURE)
        nst.save_image(np.asarray(mask), tmp_path / "mask.png")
        assert masks.load(tmp_path / "mask.png") == mask
        assert masks.load(str(tmp_path / "mask.png")) == mask

    def test_what_is_transparent_is_outside(self):
        from PIL import Image

        picture = Image.new("RGBA", (40, 30), (255, 255, 255, 0))
        picture.paste((255, 255, 255, 255), (0, 0, 20, 30))
        assert masks.load(picture) == masks.half(PICTURE, "left")

    def test_a_file_that_is_not_there(self):
        with pytest.raises(FileNotFoundError, match="sky.png"):
            masks.load("sky.png")


class TestSizes:
    @pytest.mark.parametrize("size", [(15, 20), (60, 80), (31, 41), (7, 9), (300, 400)])
    def test_it_fits_every_size(self, size):
        left = masks.half(PICTURE, "left").at(*size)
        assert left.shape == size and left.dtype == "float32"
        assert 0 <= left.min() and left.max() <= 1
        assert left.mean() == pytest.approx(0.5, abs=0.02)
        # No ringing: away from the edge there is nothing.
        assert not left[:, size[1] // 2 + 1 + size[1] // 40 :].any()

    @pytest.mark.parametrize("size", [(40, 30), (30, 60), (100, 100)])
    def test_another_aspect(self, size):
        message = f"the mask is 40 x 30 pixels and the picture {size[1]} x {size[0]}: the aspects"
        with pytest.raises(ValueError, match=message):
            masks.half(PICTURE).at(*size)

    def test_feathering_keeps_the_area_and_softens_the_edge(self):
        left = masks.half(PICTURE, "left")
        soft = left.feather(0.05)
        assert soft.share == pytest.approx(0.5, abs=1e-3)
        assert np.abs(np.diff(soft.array, axis=1)).max() < 0.25 < 1
        assert left.feather(0) == left

    def test_growing_and_shrinking_move_the_edge(self):
        left = masks.half(PICTURE, "left")
        assert left.grow(0.1).array.sum(1).tolist() == [24] * 30  # a tenth of 40 pixels
        assert left.shrink(0.1).array.sum(1).tolist() == [16] * 30
        assert left.grow(0.1).shrink(0.1) == left and left.grow(0) == left
        assert masks.Mask(np.zeros((4, 4))).grow().share == 0
        assert masks.everywhere(PICTURE).shrink().share == 1

    @pytest.mark.parametrize("radius", [-0.1, np.nan, np.inf, "wide"])
    def test_a_bad_radius(self, radius):
        for change in ("feather", "grow", "shrink"):
            with pytest.raises(ValueError, match="expected a share of the long side"):
                getattr(masks.half(PICTURE), change)(radius)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (np.full((4, 4), np.nan), "NaN|nan|finite"),
            (np.full((4, 4), 255.0), "divide by 255"),
            (np.zeros((4, 4, 2)), "2 channels"),
            (np.zeros((0, 4)), "no pixels"),
        ],
    )
    def test_what_is_no_mask(self, values, message):
        with pytest.raises(ValueError, match=message):
            masks.Mask(values)


@pytest.fixture(scope="module")
def moon():
    """A bright disc on a noisy night, and where it is."""
    night = 0.1 + 0.1 * np.random.default_rng(0).uniform(size=(1, 60, 90, 3))
    disc = masks.ellipse(night, (0.2, 0.2, 0.8, 0.6))
    night[0][disc.array == 1] += (0.7, 0.6, 0.3)
    return night, disc


class TestFront:
    @pytest.mark.parametrize(
        "told",
        [
            {"box": (0.1, 0.1, 0.9, 0.7)},
            {"strokes": [[(0.4, 0.3), (0.6, 0.5)]], "behind": [[(0.1, 0.1), (0.1, 0.9)]]},
            {"box": (0.1, 0.1, 0.9, 0.7), "strokes": [(0.5, 0.4)]},
        ],
    )
    def test_it_finds_the_disc(self, moon, network, told):
        night, disc = moon
        found = masks.front(night, network=network, **told)
        assert found.array.shape == (60, 90) and set(np.unique(found.array)) <= {0, 1}
        overlap = (found & disc).share / (found | disc).share
        assert overlap > 0.9

    def test_a_flat_picture_does_not_fail(self, network):
        found = masks.front(np.full((1, 32, 48, 3), 0.5), (0.2, 0.2, 0.8, 0.8), network=network)
        assert found.array[16, 24] == 1 and found.array[0, 0] == 0

    @pytest.mark.parametrize(
        ("told", "message"),
        [
            ({}, "nothing says what is in front"),
            ({"box": (0, 0, 1, 1)}, "nothing says what is behind"),
            ({"strokes": [(0.5, 0.5)]}, "nothing says what is behind"),
            ({"behind": [(0.5, 0.5)]}, "nothing says what is in front"),
            ({"strokes": [(5, 5)]}, "a stroke is .*; expected points"),
            ({"strokes": [masks.Stroke([(0.5, 0.5)], 3)]}, "a stroke is 3 wide; expected a share"),
            ({"box": (0.5, 0.5, 0.1, 0.1)}, "the box is .*; expected top, left"),
        ],
    )
    def test_too_little_is_said(self, network, told, message):
        with pytest.raises(ValueError, match=message):
            masks.front(PICTURE, network=network, **told)


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("half(top)", masks.half(PICTURE)),
            ("~third(centre)", ~masks.third(PICTURE, "centre")),
            (" ellipse(0, 0.1,0.9, 1) ", masks.ellipse(PICTURE, (0, 0.1, 0.9, 1))),
            ("rectangle(0, 0, 0.5, 0.5)", masks.rectangle(PICTURE, (0, 0, 0.5, 0.5))),
        ],
    )
    def test_they_are_the_functions_of_these_names(self, text, expected):
        assert masks.by_words(PICTURE, text) == expected

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("halve(top)", r"unknown mask 'halve\(top\)'; did you mean half"),
            ("half", "unknown mask 'half'; expected one like"),
            ("half(up)", "unknown side 'up'"),
            ("ellipse(0.1, 0.2)", "has no box; expected top, left, bottom and right"),
            ("ellipse(a, b, c, d)", "has no box"),
            ("ellipse(0.9, 0, 0.1, 1)", "the box is .*; expected top, left"),
        ],
    )
    def test_what_they_do_not_know(self, text, message):
        with pytest.raises(ValueError, match=message):
            masks.by_words(PICTURE, text)

    def test_a_broad_stroke_covers_more(self):
        drawn = masks.foreground._drawn
        thin, broad = (
            drawn([masks.Stroke([(0.5, 0.2), (0.5, 0.8)], width)], 90, 120) for width in (0.03, 0.1)
        )
        assert (broad & thin).sum() == thin.sum() < broad.sum()
        assert broad[:, 60].sum() == pytest.approx(0.1 * 120, abs=2)
