"""Embedded colour profiles: all becomes sRGB, held against matrices and curves in float64."""

import io
import logging

import icc
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageCms

from nsthelpers.images.arrays import as_image
from nsthelpers.images.files import load_image

LEVEL = 1 / 255


def colours(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def stored(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("space", ["display p3", "adobe rgb"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_wide_gamuts_become_srgb(space, kind):
    pixels = colours()
    options = {"lossless": True} if kind == "WEBP" else {}
    data = stored(Image.fromarray(pixels), kind, icc_profile=icc.rgb_profile(space), **options)
    expected = icc.in_srgb(pixels / 255, space)
    assert np.abs(expected - pixels / 255).max() > 20 * LEVEL  # without conversion it is far off
    assert np.abs(load_image(data)[0] - expected).max() < 1.5 * LEVEL


def test_a_pillow_image_brings_its_profile():
    pixels = colours()
    with Image.open(io.BytesIO(
        stored(Image.fromarray(pixels), icc_profile=icc.rgb_profile("display p3"))
    )) as picture:  # fmt: skip
        for convert in (load_image, as_image):
            expected = icc.in_srgb(pixels / 255, "display p3")
            assert np.abs(convert(picture)[0] - expected).max() < 1.5 * LEVEL


@pytest.mark.parametrize(
    "data",
    [
        icc.rgb_profile("srgb"),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
    ids=["by hand", "Pillow's"],
)
def test_srgb_by_any_name_changes_no_bit(data):
    pixels = colours()
    image = load_image(stored(Image.fromarray(pixels), icc_profile=data))
    assert np.array_equal(image, as_image(pixels))


def test_colours_are_converted_before_they_are_mixed():
    """Opacity and resizing work on sRGB, and opacity itself is no colour."""
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:] = (0, 255, 0, 128)
    data = stored(Image.fromarray(pixels), icc_profile=icc.rgb_profile("adobe rgb"))
    share = 128 / 255
    expected = icc.in_srgb(np.array([0.0, 1, 0]), "adobe rgb") * share + (1 - share)
    image = load_image(data, size=(16, 16))
    assert np.abs(image - expected).max() < 1.5 * LEVEL


def test_palettes_are_converted():
    picture = Image.fromarray(colours()).quantize(16)
    data = stored(picture, "PNG", icc_profile=icc.rgb_profile("display p3"))
    expected = icc.in_srgb(np.asarray(picture.convert("RGB")) / 255, "display p3")
    assert np.abs(load_image(data)[0] - expected).max() < 1.5 * LEVEL


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_grey_profiles(mode, gamma):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = Image.fromarray(pixels).convert(mode)
    values = np.asarray(picture.convert("L")) / 255
    image = load_image(stored(picture, "PNG", icc_profile=icc.grey_profile(gamma)))
    assert np.abs(image[0] - icc.encoded(values**gamma)[..., None]).max() < 1.5 * LEVEL


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_of_grey_stay_smooth(kind):
    values = np.linspace(0, 65535, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    data = stored(Image.fromarray(values), kind, icc_profile=icc.grey_profile(1.8))
    image = load_image(data)[0, ..., 0]
    expected = icc.encoded((values / 65535) ** 1.8)
    assert np.abs(image - expected).max() < 1.5 * LEVEL
    assert len(np.unique(image)) > 2000  # not the 256 levels of 8 bits


def test_grey_pictures_with_a_profile_for_colours():
    """Cameras write this: the tone curve is what counts."""
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    deep = pixels.astype(np.uint16) * 257
    for values in (pixels, deep):
        data = stored(Image.fromarray(values), "TIFF", icc_profile=icc.rgb_profile("adobe rgb"))
        expected = icc.encoded((pixels / 255) ** icc.GAMMAS["adobe rgb"])
        assert np.abs(load_image(data)[0] - expected[..., None]).max() < 1.5 * LEVEL


CORNERS = np.array([
    [(1 - k) * light, *((1 - k) * np.array([a, b]))]
    for light, a, b in [
        (100, 0, 0), (88, -5, 80), (48, 65, 0), (47, 60, 45),
        (55, -30, -45), (50, -60, 25), (25, 20, -45), (20, 0, 0),
    ]
    for k in (0, 1)
])  # fmt: skip


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_inks(kind):
    data = icc.cmyk_profile(CORNERS)
    options = {"quality": 100} if kind == "JPEG" else {}
    for number, lab in enumerate(CORNERS):
        inks = tuple(255 * (number >> place & 1) for place in (3, 2, 1, 0))
        picture = Image.new("CMYK", (16, 16), inks)
        image = load_image(stored(picture, kind, icc_profile=data, **options))
        assert np.abs(image - icc.lab_in_srgb(lab)).max() < 3 * LEVEL


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L", "P"])
def test_a_profile_for_other_colours_was_left_behind(mode, caplog):
    """Programs that convert a picture forget to remove it."""
    others = {
        "RGB": icc.grey_profile(1.8), "CMYK": icc.rgb_profile("adobe rgb"),
        "L": icc.cmyk_profile(CORNERS), "P": icc.grey_profile(1.8),
    }  # fmt: skip
    picture = Image.fromarray(colours()).convert(mode)
    plain = load_image(stored(picture, "TIFF"))
    assert np.array_equal(load_image(stored(picture, "TIFF", icc_profile=others[mode])), plain)
    assert not caplog.records


def test_a_damaged_profile_is_ignored_aloud(caplog):
    pixels = colours()
    with caplog.at_level(logging.WARNING):
        image = load_image(stored(Image.fromarray(pixels), icc_profile=b"no profile"))
    assert np.array_equal(image, as_image(pixels))
    [record] = caplog.records
    assert "colour profile of the image data cannot be used" in record.getMessage()


@settings(max_examples=300)
@given(
    st.sampled_from(["RGB", "L", "CMYK", "RGBA", "I;16"]),
    st.integers(0, 2000), st.integers(0, 255), st.booleans(),
)  # fmt: skip
def test_no_damage_of_a_profile_breaks_out(mode, position, value, cut):
    made = {"L": icc.grey_profile(1.8), "CMYK": icc.cmyk_profile(CORNERS)}
    data = bytearray(made.get(mode, icc.rgb_profile("display p3")))
    position %= len(data)
    data[position] = value
    data = data[: position + 1] if cut else data
    if mode == "I;16":
        picture = Image.fromarray(np.zeros((16, 16), np.uint16))
    else:
        picture = Image.new(mode, (16, 16))
    picture.info["icc_profile"] = bytes(data)
    image = as_image(picture)
    assert image.shape == (1, 16, 16, 3) and 0 <= image.min() and image.max() <= 1
