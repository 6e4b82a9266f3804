"""Images as arrays: the one convention, sizes, and the way back."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from nsthelpers.images.arrays import (
    MINIMUM_SIDE,
    as_image,
    fit_size,
    resize,
    to_pil,
    to_png_bytes,
    to_uint8,
)
from nsthelpers.images.files import load_image

SIDES = st.integers(MINIMUM_SIDE, 40)


def random_uint8(height=20, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def assert_convention(image):
    assert image.dtype == np.float32
    assert image.ndim == 4 and image.shape[0] == 1 and image.shape[3] == 3
    assert image.flags.c_contiguous and image.flags.writeable
    assert image.min() >= 0 and image.max() <= 1


def assert_one_line(error):
    text = str(error.value)
    assert text and "\n" not in text


# --- as_image ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (1, 5, 7, 1), (1, 5, 7, 3)])
@pytest.mark.parametrize("dtype", ["uint8", "bool", "float16", "float32", "float64"])
def test_as_image_shapes_and_types(shape, dtype):
    values = (np.arange(np.prod(shape)) % 2).reshape(shape)
    array = (values * 255 if dtype == "uint8" else values).astype(dtype)
    image = as_image(array)
    assert_convention(image)
    assert image.shape == (1, 5, 7, 3)
    assert np.array_equal(image[..., 0].ravel(), values.reshape(5, 7, -1)[..., 0].ravel())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_as_image_never_gives_a_view(order, dtype):
    array = np.zeros((1, 5, 7, 3), dtype, order=order)
    image = as_image(array)
    assert_convention(image)
    assert not np.shares_memory(image, array)
    image[...] = 1
    assert array.max() == 0


def test_as_image_takes_whatever_has_array():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return np.full((20, 20, 3), 0.25, dtype or np.float32)

    assert as_image(Tensor()).max() == 0.25
    assert load_image(Tensor()).shape == (1, 20, 20, 3)


def test_as_image_takes_lists_and_pillow_images():
    assert as_image([[0.0, 1.0]]).shape == (1, 1, 2, 3)
    assert as_image(Image.new("P", (3, 2))).shape == (1, 2, 3, 3)


def test_as_image_clips_rounding():
    image = as_image(np.array([[-0.0009, 1.0009]]))
    assert image.min() == 0 and image.max() == 1


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.full((4, 4, 3), 255.0), r"values reach 255: expected \[0, 1\]; divide by 255"),
        (np.full((4, 4, 3), 1.002), "values reach 1.002"),
        (np.full((4, 4, 3), -1.0), "values fall to -1"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.array([[0.5, np.inf]]), "infinite"),
        (np.array([[0.5, -np.inf]]), "infinite"),
        (np.array([[0.5, np.nan]]), "NaN"),
        (np.zeros((4, 4, 3), "int64"), "int64 leaves the range open"),
        (np.zeros((4, 4, 3), "uint16"), "uint16 leaves the range open"),
        (np.zeros(4), "is no image"),
        (np.float32(0), "is no image"),
        (np.zeros((1, 1, 4, 4, 3)), "is no image"),
        (np.zeros((3, 40, 50)), "channels-first; transpose"),
        (np.zeros((1, 3, 40, 50)), "channels-first; transpose"),
        (np.zeros((1, 1, 40, 50)), "channels-first"),
        (np.zeros((40, 50, 4)), "4 channels: drop the opacity"),
        (np.zeros((40, 50, 2)), "2 channels"),
        (np.zeros((2, 40, 50, 3)), "holds 2 images"),
        (np.zeros((0, 40, 50, 3)), "holds 0 images"),
        ([[0.0], [0.0, 1.0]], "cannot make an array"),
    ],
)
def test_as_image_refuses(array, text):
    with pytest.raises(ValueError, match=text) as error:
        as_image(array)
    assert_one_line(error)


@pytest.mark.parametrize("array", [None, "picture.png", b"bytes", np.zeros((4, 4, 3), complex)])
def test_as_image_refuses_types(array):
    with pytest.raises(TypeError) as error:
        as_image(array)
    assert_one_line(error)


@given(hnp.arrays(np.float64, (3, 4, 3), elements=st.floats(0, 1)))
def test_as_image_twice_is_as_image_once(array):
    once = as_image(array)
    assert np.array_equal(as_image(once), once)
    np.testing.assert_allclose(once[0], array, atol=1e-7)


# --- sizes ---------------------------------------------------------------------------------


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 6000))
def test_max_side_keeps_the_aspect_and_never_enlarges(height, width, max_side):
    fitted = fit_size(height, width, max_side=max_side)
    scale = min(1, max_side / max(height, width))
    assert max(fitted) == min(max_side, max(height, width))
    for side, before in zip(fitted, (height, width), strict=True):
        assert side >= 1 and abs(side - before * scale) <= 1


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 10_000_000))
def test_area_is_kept_and_so_is_the_aspect(height, width, area):
    fitted = fit_size(height, width, area=area)
    assert fitted[0] * fitted[1] <= max(area, 1)
    assert fitted[0] <= height and fitted[1] <= width
    scale = min(1, (area / (height * width)) ** 0.5)
    if scale * min(height, width) >= 1:  # thinner than a pixel has no aspect left to keep
        for side, before in zip(fitted, (height, width), strict=True):
            assert abs(side - before * scale) <= 1


def test_fit_size_alone_changes_nothing():
    assert fit_size(7, 9) == (7, 9)
    assert fit_size(600, 800, area=600 * 800) == (600, 800)


def test_exact_fractions():
    assert fit_size(400, 600, area=100 * 150) == (100, 150)
    assert fit_size(400, 600, max_side=150) == (100, 150)


@given(SIDES, SIDES, SIDES, SIDES, st.floats(0, 1, width=32))
@settings(deadline=None, max_examples=40)
def test_resized_constant_is_constant(height, width, new_height, new_width, value):
    image = resize(np.full((height, width, 3), value), size=(new_height, new_width))
    assert_convention(image)
    assert image.shape == (1, new_height, new_width, 3)
    np.testing.assert_allclose(image, value, atol=1e-6)


def test_checkerboard_shrinks_to_grey():
    board = np.indices((128, 128)).sum(axis=0) % 2
    small = resize(board.astype(float), max_side=16)
    assert small.shape == (1, 16, 16, 3)
    np.testing.assert_allclose(small[0, 2:-2, 2:-2], 0.5, atol=5e-3)
    np.testing.assert_allclose(small, 0.5, atol=0.05)


def test_overshoot_of_the_filter_is_clipped():
    step = np.zeros((20, 20, 3))
    step[:, 10:] = 1
    large = resize(step, size=(20, 80))
    assert large.min() == 0 and large.max() == 1


def test_channels_stay_apart():
    image = np.zeros((20, 30, 3))
    image[..., 1] = 0.5
    small = resize(image, size=(10, 40))
    np.testing.assert_allclose(small[..., 1], 0.5, atol=1e-6)
    assert small[..., 0].max() == 0 and small[..., 2].max() == 0


@pytest.mark.parametrize("option", [{}, {"max_side": 30}, {"area": 600}, {"size": (20, 30)}])
def test_same_size_gives_an_equal_copy(option):
    image = as_image(random_uint8())
    same = resize(image, **option)
    assert np.array_equal(same, image)
    assert not np.shares_memory(same, image)


def test_load_image_resizes():
    pixels = random_uint8(60, 80)
    assert load_image(pixels, max_side=40).shape == (1, 30, 40, 3)
    assert load_image(pixels, area=1200).shape == (1, 30, 40, 3)
    assert load_image(pixels, size=(50, 20)).shape == (1, 50, 20, 3)
    assert np.array_equal(load_image(pixels, max_side=40), resize(pixels, max_side=40))


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"max_side": 32, "area": 900}, ValueError, "at most one"),
        ({"max_side": 32, "size": (32, 32)}, ValueError, "max_side and size"),
        ({"max_side": 0}, ValueError, "max_side is 0; expected a whole number of at least 1"),
        ({"area": -5}, ValueError, "area is -5; expected a whole number of at least 1"),
        ({"max_side": 32.5}, ValueError, "max_side is 32.5; expected a whole number"),
        ({"area": True}, ValueError, "area is True; expected a whole number"),
        ({"size": 32}, TypeError, r"\(height, width\)"),
        ({"size": (32, 32, 3)}, TypeError, r"\(height, width\)"),
        ({"size": (32, 0)}, ValueError, "width is 0; expected a whole number of at least 1"),
        ({"size": (10**6, 10**6)}, ValueError, "more pixels than"),
    ],
)
def test_bad_size_options(options, kind, text):
    for function in (load_image, resize):
        with pytest.raises(kind, match=text) as error:
            function(random_uint8(), **options)
        assert_one_line(error)


# --- out -----------------------------------------------------------------------------------


def test_to_uint8_rounds():
    values = np.array([[0, 0.4 / 255, 0.6 / 255, 254.4 / 255, 254.6 / 255, 1]])
    assert to_uint8(values)[0, :, 0].tolist() == [0, 0, 1, 254, 255, 255]


def test_to_uint8_undoes_as_image_for_every_level():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(to_uint8(as_image(levels))[..., 0], levels)


def test_to_pil():
    pixels = random_uint8()
    assert to_pil(pixels).mode == "RGB"
    assert np.array_equal(np.asarray(to_pil(pixels)), pixels)


@given(hnp.arrays(np.uint8, st.tuples(SIDES, SIDES, st.just(3))))
@settings(deadline=None, max_examples=30)
def test_png_bytes_come_back_exactly(pixels):
    assert np.array_equal(to_uint8(load_image(to_png_bytes(pixels))), pixels)
