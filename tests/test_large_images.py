"""Large photographs: little memory while they shrink, and the result of an exact resize."""

import io
import subprocess
import sys
from pathlib import Path

import icc
import numpy as np
import pytest
from PIL import Image

import nsthelpers as nst
from nsthelpers.images import arrays, decoding
from nsthelpers.images.arrays import as_image, resize
from nsthelpers.images.files import load_image, read_settings, save_image
from nsthelpers.images.samples import resolve

LEVEL = 1 / 255
MEASURE = """
import sys
from pathlib import Path

import psutil
from nsthelpers.images.files import load_image


def peak():
    status = Path("/proc/self/status")
    if status.exists():  # of this program alone: what getrusage has is inherited from the parent
        [line] = [each for each in status.read_text().splitlines() if each.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


"""
LOAD = """
before = peak()
image = load_image(sys.argv[1], max_side=512)
print((peak() - before) >> 20, *image.shape)
"""
SAVE = """
import numpy as np
from nsthelpers.images.files import save_image

shades = np.linspace(0, 1, 6000, dtype="float32")
image = np.ascontiguousarray(np.broadcast_to(shades[:, None], (1, 4000, 6000, 3)))
save_image(image[:, :20], sys.argv[1])
before = peak()
save_image(image, sys.argv[1], settings={"seed": 0})
print((peak() - before) >> 20, image.nbytes >> 20)
"""


def photograph(mode="RGB", size=(300, 200), noise=12):
    """A real picture, enlarged, with grain so that it has detail of every scale."""
    with Image.open(resolve("coffee")) as picture:
        pixels = np.asarray(picture.resize(size), np.float32)
    grain = np.random.default_rng(0).normal(0, noise, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).convert(mode)


def stored(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "CMYK", "PNG", "RGBA", "I;16"])
def test_24_megapixels_take_less_than_200_megabytes(tmp_path, kind):
    """As floating point they would take 288."""
    path = tmp_path / "large"
    if kind == "I;16":
        picture = Image.fromarray(np.arange(24_000_000, dtype=np.uint16).reshape(4000, 6000))
    else:
        with Image.open(resolve("coffee")) as small:
            picture = small.convert(kind if kind in ("CMYK", "RGBA") else "RGB")
            picture = picture.resize((6000, 4000), Image.Resampling.NEAREST)
    if kind in ("JPEG", "progressive", "CMYK"):
        picture.save(path, "JPEG", progressive=kind == "progressive")
    else:
        picture.save(path, "PNG", compress_level=1)
    megabytes, *shape = measured(LOAD, path)
    assert shape == [1, 341, 512, 3]
    assert megabytes < 200


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_24_megapixels_are_written_without_a_copy_in_floating_point(tmp_path, suffix):
    """As bytes they take 72 MB, in Pillow 96, and some strips; the copy would take 275 more."""
    path = tmp_path / f"large.{suffix}"
    megabytes, floating = measured(SAVE, path)
    assert floating == 274
    assert megabytes < floating
    assert read_settings(path) == {"seed": 0}
    with Image.open(path) as picture:
        assert picture.size == (6000, 4000)
        shades = np.asarray(picture.reduce((1, 500))).astype(int)
    exact = np.rint(255 * np.linspace(0, 1, 6000))[:, None]
    assert np.abs(shades - exact).max() <= (0 if suffix == "png" else 3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_strips_are_written_as_the_whole(tmp_path, monkeypatch, suffix):
    image = np.random.default_rng(0).random((1, 37, 50, 3), dtype="float32")
    save_image(image, tmp_path / f"whole.{suffix}")
    monkeypatch.setattr(arrays, "_STRIP", 240)  # four rows at a time, and one that is left
    save_image(image, tmp_path / f"strips.{suffix}")
    whole, strips = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("whole", "strips"))
    assert strips == whole
    image[0, 36, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        save_image(image, tmp_path / f"strips.{suffix}")
    assert (tmp_path / f"strips.{suffix}").read_bytes() == whole


def test_a_run_whose_last_size_is_too_large_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    objective, start = nst.TotalVariation(), np.full((1, 32, 48, 3), 0.5)
    with pytest.raises(ValueError, match=r"size \(32, 48\) is more pixels than PIL.Image.MAX"):
        nst.synthesize(objective, start, scales=[24, 48], callbacks=pytest.fail, progress=False)


def measured(work, path):
    """What a program of its own prints: numbers."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE + work, str(path)], capture_output=True, text=True,
        cwd=Path(__file__).parents[1], check=True,
    )  # fmt: skip
    return [int(word) for word in done.stdout.split()]


@pytest.fixture
def every_picture_is_large(monkeypatch):
    """Bands of some rows, and JPEG decoded at a fraction, with small pictures too."""
    monkeypatch.setattr(decoding, "_BAND", 6000)
    monkeypatch.setattr(decoding, "_LARGE", 1)


WAYS = [{"max_side": 90}, {"area": 5400}, {"size": (70, 60)}]


@pytest.mark.parametrize("limits", WAYS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "I;16"])
def test_bands_give_the_exact_resize(every_picture_is_large, mode, limits):
    picture = photograph("L" if mode == "I;16" else mode)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    elif mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    data = stored(picture, "TIFF")
    exact = resize(load_image(data), **limits)
    assert load_image(data, **limits) == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("limits", [{"max_side": 90}, {"area": 5400}, {"size": (40, 90)}])
@pytest.mark.parametrize("size", [(1200, 800), (1203, 797), (797, 1203)])
def test_a_jpeg_decoded_at_a_fraction_is_close_to_the_exact_resize(
    every_picture_is_large, monkeypatch, size, limits
):
    data = stored(photograph(size=size), "JPEG", quality=95)
    drafted = load_image(data, **limits)
    monkeypatch.setattr(decoding, "_LARGE", 10**9)
    exact = load_image(data, **limits)
    difference = np.abs(drafted - exact)
    assert 0 < difference.max() < 8 * LEVEL  # 0: it was not decoded at a fraction
    assert difference.mean() < LEVEL


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_large_picture_is_turned(every_picture_is_large, monkeypatch, orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = stored(photograph(size=(900, 600)), kind, exif=exif)
    monkeypatch.setattr(decoding, "_LARGE", 10**9)
    exact = load_image(data)
    assert exact.shape == ((1, 600, 900, 3) if orientation < 5 else (1, 900, 600, 3))
    monkeypatch.setattr(decoding, "_LARGE", 1)
    for limits in ({"max_side": 90}, {"size": (40, 70)}):
        assert np.abs(load_image(data, **limits) - resize(exact, **limits)).max() < 8 * LEVEL


def test_bands_are_converted_to_srgb_each(every_picture_is_large):
    picture = photograph()
    data = stored(picture, "PNG", icc_profile=icc.rgb_profile("display p3"))
    expected = icc.in_srgb(np.asarray(picture) / 255, "display p3")
    assert np.abs(load_image(data)[0] - expected).max() < 1.5 * LEVEL


def test_a_pillow_image_of_the_user_is_not_changed(every_picture_is_large):
    with Image.open(io.BytesIO(stored(photograph(size=(900, 600)), "JPEG"))) as picture:
        load_image(picture, max_side=64)
        assert picture.size == (900, 600)
        assert as_image(picture).shape == (1, 600, 900, 3)
