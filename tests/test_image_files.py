"""Image files: every kind of file in, and files out, whole or not at all."""

import http.server
import io
import json
import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, PngImagePlugin

from nsthelpers.images import decoding, files as image_files
from nsthelpers.images.arrays import as_image, to_png_bytes, to_uint8
from nsthelpers.images.files import load_image, read_settings, save_image


def random_uint8(height=20, width=30, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def assert_convention(image):
    assert image.dtype == np.float32
    assert image.ndim == 4 and image.shape[0] == 1 and image.shape[3] == 3
    assert image.flags.c_contiguous and image.flags.writeable
    assert image.min() >= 0 and image.max() <= 1


def assert_one_line(error):
    text = str(error.value)
    assert text and "\n" not in text


# --- sources -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "bytearray", "file", "pil", "array"])
def test_every_source_gives_the_same_pixels(tmp_path, kind):
    pixels = random_uint8()
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    with open(path, "rb") as opened:
        source = {
            "path": path,
            "str": str(path),
            "bytes": path.read_bytes(),
            "bytearray": bytearray(path.read_bytes()),
            "file": opened,
            "pil": Image.fromarray(pixels),
            "array": pixels,
        }[kind]
        image = load_image(source)
    assert_convention(image)
    assert np.array_equal(to_uint8(image), pixels)


def test_a_file_of_8_bits_is_neither_scanned_nor_checked_again(monkeypatch):
    """Its values cannot leave [0, 1]: one trip makes the image, at any size."""
    data = to_png_bytes(random_uint8())

    def forbidden(*arguments):
        raise AssertionError("a second look at values that are known to be right")

    monkeypatch.setattr(decoding, "check_range", forbidden)
    for name in ("as_image", "resize"):
        monkeypatch.setattr(image_files, name, forbidden)
    for limits in ({}, {"max_side": 24}):
        assert_convention(load_image(data, **limits))


def test_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_image(random_uint8(), "~/picture.png")
    assert load_image("~/picture.png").shape == (1, 20, 30, 3)


@pytest.mark.parametrize("source", [None, 3, object(), {"a": 1}])
def test_other_sources_are_refused(source):
    with pytest.raises(TypeError, match="expected a path") as error:
        load_image(source)
    assert_one_line(error)


def test_text_file_object_is_refused():
    with pytest.raises(TypeError, match='"rb"'):
        load_image(io.StringIO("text"))


# --- modes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_opaque_modes_match_pillow(mode):
    picture = Image.fromarray(random_uint8()).convert(mode)
    image = load_image(picture)
    assert_convention(image)
    assert np.array_equal(to_uint8(image), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "PNG"), ("1", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("L", "JPEG")],
)
def test_modes_survive_files(tmp_path, mode, kind):
    path = tmp_path / f"picture.{kind.lower()}"
    Image.fromarray(random_uint8()).convert(mode).save(path)
    with Image.open(path) as picture:
        assert picture.mode == mode
        expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(to_uint8(load_image(path)), expected)


@pytest.mark.parametrize(("suffix", "dtype"), [("png", "uint16"), ("tif", "uint16")])
def test_16_bit_grey_is_scaled_by_65535(tmp_path, suffix, dtype):
    values = np.linspace(0, 65535, 20 * 30).round().astype(dtype).reshape(20, 30)
    path = tmp_path / f"deep.{suffix}"
    Image.fromarray(values).save(path)
    image = load_image(path)
    assert_convention(image)
    assert image.max() == 1
    np.testing.assert_allclose(image[0, ..., 1], values / 65535, atol=1e-7)


def test_16_bit_values_in_32_bits_are_scaled_the_same():
    values = np.linspace(0, 65535, 400).round().astype(np.int32).reshape(20, 20)
    image = load_image(Image.fromarray(values))
    np.testing.assert_allclose(image[0, ..., 0], values / 65535, atol=1e-7)


def test_32_bit_values_beyond_16_bits_are_refused():
    with pytest.raises(ValueError, match=r"expected \[0, 1\]"):
        load_image(Image.fromarray(np.full((20, 20), 2**20, np.int32)))


def test_float_files_keep_their_precision(tmp_path):
    values = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
    Image.fromarray(values).save(tmp_path / "float.tif")
    assert np.array_equal(load_image(tmp_path / "float.tif")[0, ..., 2], values)


def test_float_file_of_another_range_is_refused():
    with pytest.raises(ValueError, match="values reach 255"):
        load_image(Image.fromarray(np.full((20, 20), 255, np.float32)))


@pytest.mark.parametrize(
    ("background", "rgb"),
    [("white", (255, 255, 255)), ("#102030", (16, 32, 48)), ((0, 128, 255), (0, 128, 255))],
)
def test_opacity_is_composited(background, rgb):
    opacity = np.tile(np.arange(0, 256, 8, dtype=np.uint8)[:20, None], (1, 30))
    pixels = random_uint8()
    image = load_image(Image.fromarray(np.dstack([pixels, opacity])), background=background)
    share = opacity[..., None] / 255
    expected = pixels / 255 * share + np.array(rgb) / 255 * (1 - share)
    np.testing.assert_allclose(image[0], expected, atol=1e-6)


@pytest.mark.parametrize("mode", ["LA", "PA", "RGBA", "RGBa"])
def test_fully_transparent_modes_show_the_background(mode):
    picture = Image.new({"LA": "LA", "PA": "P"}.get(mode, "RGBA"), (20, 20), 0)
    if mode == "PA":
        picture.putalpha(0)
    elif mode == "RGBa":
        picture = picture.convert(mode)
    assert picture.mode == mode
    image = load_image(picture, background="red")
    assert np.array_equal(to_uint8(image)[3, 3], (255, 0, 0))


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_palette_transparency(tmp_path, suffix):
    picture = Image.new("P", (20, 20), 1)
    picture.putpalette([0, 0, 0, 0, 255, 0])
    picture.paste(0, (0, 0, 10, 20))
    picture.save(tmp_path / f"p.{suffix}", transparency=0)
    pixels = to_uint8(load_image(tmp_path / f"p.{suffix}", background=(1, 2, 3)))
    assert np.array_equal(pixels[5, 5], (1, 2, 3))
    assert np.array_equal(pixels[5, 15], (0, 255, 0))


def test_rgb_file_with_a_transparent_colour(tmp_path):
    picture = Image.new("RGB", (20, 20), (9, 9, 9))
    picture.save(tmp_path / "key.png", transparency=(9, 9, 9))
    assert load_image(tmp_path / "key.png").min() == 1


@pytest.mark.parametrize("background", ["no colour", (1, 2), (0.5, 0.5, 0.5), (0, 0, 256), None, 7])
def test_bad_background_is_refused(background):
    with pytest.raises(ValueError, match="is no colour") as error:
        load_image(random_uint8(), background=background)
    assert_one_line(error)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    upright = np.zeros((24, 32, 3), np.uint8)
    upright[:8, :8] = (255, 0, 0)  # a red corner, top left
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(np.ascontiguousarray(undo(upright))).save(path, exif=exif)
    assert np.array_equal(to_uint8(load_image(path)), upright)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_animation_gives_its_first_frame(tmp_path, suffix):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"film.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    with Image.open(path) as film:
        assert film.n_frames == 2
    assert np.array_equal(to_uint8(load_image(path))[0, 0], (255, 0, 0))


# --- what is refused -----------------------------------------------------------------------


def test_missing_file_names_a_similar_one(tmp_path):
    save_image(random_uint8(), tmp_path / "Holiday.png")
    with pytest.raises(FileNotFoundError, match=r"no file holliday\.png .*Holiday\.png\?") as error:
        load_image(tmp_path / "holliday.png")
    assert str(tmp_path) in str(error.value)
    assert_one_line(error)


def test_missing_file_without_a_similar_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="check the name"):
        load_image(tmp_path / "nothing.png")


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_image(tmp_path / "absent" / "picture.png")


def test_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder") as error:
        load_image(tmp_path)
    assert_one_line(error)


@pytest.mark.parametrize("content", [b"", b"hello, I am text", b"<svg/>", b"\x89PNG\r\n\x1a\n"])
def test_not_an_image(tmp_path, content):
    path = tmp_path / "fake.png"
    path.write_bytes(content)
    for source in (path, content):
        with pytest.raises(ValueError, match="not an image|damaged") as error:
            load_image(source)
        assert_one_line(error)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_image(kind, share):
    whole = encoded(Image.fromarray(random_uint8(80, 80)), kind)
    with pytest.raises(ValueError) as error:
        load_image(whole[: int(len(whole) * share)])
    assert_one_line(error)


@given(position=st.integers(0, 10_000), value=st.integers(0, 255), kind=st.sampled_from("PJGT"))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_one_damaged_byte_never_breaks_out(position, value, kind):
    kinds = {"P": "PNG", "J": "JPEG", "G": "GIF", "T": "TIFF"}
    data = bytearray(encoded(Image.fromarray(random_uint8()), kinds[kind]))
    data[position % len(data)] = value
    try:
        assert_convention(load_image(data))
    except ValueError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("limit", [500, 200])  # 20x30 pixels: a warning above, an error at twice
def test_decompression_bomb(monkeypatch, tmp_path, limit):
    path = tmp_path / "bomb.png"
    save_image(random_uint8(), path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=f"more than {limit} pixels") as error:
        load_image(path)
    assert_one_line(error)


@pytest.mark.parametrize("limits", [{"max_side": 24}, {"area": 400}, {"size": (16, 20)}])
def test_a_size_that_is_asked_for_lets_twice_as_many_pixels_in(monkeypatch, tmp_path, limits):
    path = tmp_path / "large.png"
    save_image(random_uint8(), path)  # 600 pixels
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    assert load_image(path, **limits).shape[2] <= 24
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 299)
    with pytest.raises(ValueError, match="more than 598 pixels") as error:
        load_image(path, max_side=24)
    assert_one_line(error)


@pytest.mark.parametrize("shape", [(1, 1), (15, 40), (40, 15)])
def test_too_small_is_refused_with_its_size_and_the_minimum(shape):
    with pytest.raises(ValueError, match=f"{shape[0]}x{shape[1]} pixels.*at least 16"):
        load_image(encoded(Image.new("RGB", shape[::-1])), size=(32, 32))


def test_smallest_side_is_accepted():
    assert load_image(np.zeros((16, 16, 3))).shape == (1, 16, 16, 3)


def test_too_small_after_resizing():
    with pytest.raises(ValueError, match="the resized image is 8x32"):
        load_image(np.zeros((100, 400, 3)), max_side=32)


def test_no_pixels():
    with pytest.raises(ValueError, match="no pixels"):
        load_image(Image.new("RGB", (0, 5)))
    with pytest.raises(ValueError, match="no pixels"):
        as_image(np.zeros((0, 5, 3)))


# --- addresses -----------------------------------------------------------------------------


@pytest.fixture
def server():
    """Serve a dict of path -> (status, headers, body) on loopback; yields (address, dict)."""
    answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, headers, body = answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", answers
        serving.shutdown()
        thread.join()


def test_address(server):
    address, answers = server
    pixels = random_uint8()
    answers["/a.png"] = (200, {}, to_png_bytes(pixels))
    assert np.array_equal(to_uint8(load_image(f"{address}/a.png")), pixels)


def test_address_not_found(server):
    with pytest.raises(OSError, match="404") as error:
        load_image(f"{server[0]}/absent.png")
    assert server[0] in str(error.value)
    assert_one_line(error)


def test_address_breaks_off(server):
    address, answers = server
    answers["/a.png"] = (200, {"Content-Length": "1000"}, b"short")
    with pytest.raises(OSError, match="5 of 1000 bytes"):
        load_image(f"{address}/a.png")


def test_address_too_large(server, monkeypatch):
    address, answers = server
    monkeypatch.setattr(image_files, "_DOWNLOAD_LIMIT", 2**20)
    answers["/a.png"] = (200, {}, bytes(2**20 + 1))
    with pytest.raises(OSError, match="larger than 1 MiB"):
        load_image(f"{address}/a.png")


def test_address_is_a_page(server):
    address, answers = server
    answers["/a.png"] = (200, {}, b"<html>sign in</html>")
    with pytest.raises(ValueError, match="a.png is not an image"):
        load_image(f"{address}/a.png")


def test_address_refused(server, unused_port):
    for address in (f"http://127.0.0.1:{unused_port}/a.png", "http://[", "http://a b/"):
        with pytest.raises(OSError, match="cannot fetch") as error:
            load_image(address)
        assert_one_line(error)


@pytest.fixture
def unused_port():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as closed:
        return closed.server_port


# --- out -----------------------------------------------------------------------------------


def test_png_file_comes_back_exactly(tmp_path):
    pixels = random_uint8()
    save_image(pixels, tmp_path / "a.png")
    assert np.array_equal(to_uint8(load_image(tmp_path / "a.png")), pixels)


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [("png", "PNG"), ("jpg", "JPEG"), ("jpeg", "JPEG"), ("webp", "WEBP"), ("PNG", "PNG")],
)
def test_settings_travel_inside_the_file(tmp_path, suffix, kind):
    path = tmp_path / f"a.{suffix}"
    stored = {"steps": 200, "style": "Café 北斎", "weights": [0.5, None, True], "nested": {"a": 1}}
    save_image(np.full((20, 20, 3), 0.5), path, settings=stored)
    assert read_settings(path) == stored
    with Image.open(path) as picture:
        assert picture.format == kind
    np.testing.assert_allclose(load_image(path), 0.5, atol=0.02)


def test_settings_may_hold_numpy_and_paths(tmp_path):
    stored = {"loss": np.float32(0.5), "sizes": np.arange(2), "path": tmp_path, "nan": np.nan}
    save_image(random_uint8(), tmp_path / "a.png", settings=stored)
    back = read_settings(tmp_path / "a.png")
    assert back["loss"] == 0.5 and back["sizes"] == [0, 1] and back["path"] == str(tmp_path)
    assert np.isnan(back["nan"])


def test_long_settings(tmp_path):
    history = {"history": [1 / (step + 3) for step in range(20_000)]}
    save_image(random_uint8(), tmp_path / "a.png", settings=history)
    assert read_settings(tmp_path / "a.png") == history
    with pytest.raises(ValueError, match=r"cannot store this as JPEG.*save as \.png") as error:
        save_image(random_uint8(), tmp_path / "a.jpg", settings=history)
    assert_one_line(error)
    assert os.listdir(tmp_path) == ["a.png"]


def test_settings_text_is_plain_json_in_the_png(tmp_path):
    save_image(random_uint8(), tmp_path / "a.png", settings={"seed": 3})
    with Image.open(tmp_path / "a.png") as picture:
        assert isinstance(picture.text["nsthelpers"], PngImagePlugin.iTXt)
        assert json.loads(picture.text["nsthelpers"]) == {"nsthelpers": {"seed": 3}}


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_no_settings(tmp_path, suffix):
    save_image(random_uint8(), tmp_path / f"a.{suffix}")
    with pytest.raises(ValueError, match="holds no settings") as error:
        read_settings(tmp_path / f"a.{suffix}")
    assert_one_line(error)


def test_foreign_description_is_no_settings(tmp_path):
    exif = Image.Exif()
    for number, text in enumerate(["Lake at dawn", "[1, 2]", '{"nsthelpers": 3}']):
        exif[0x010E] = text
        Image.new("RGB", (20, 20)).save(tmp_path / f"{number}.jpg", exif=exif)
        with pytest.raises(ValueError, match="holds no settings"):
            read_settings(tmp_path / f"{number}.jpg")


def test_read_settings_of_other_things(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ValueError, match="not an image"):
        read_settings(tmp_path / "text.png")
    with pytest.raises(FileNotFoundError, match="text.png"):
        read_settings(tmp_path / "test.png")
    with pytest.raises(IsADirectoryError):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("settings", "text"), [([1], "must be a dict"), ({"a": {1, 2}}, "JSON"), ({(1, 2): 3}, "JSON")]
)
def test_bad_settings(tmp_path, settings, text):
    with pytest.raises(TypeError, match=text) as error:
        save_image(random_uint8(), tmp_path / "a.png", settings=settings)
    assert_one_line(error)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.bmp", "a", "png", "a.png.txt"])
def test_other_suffix(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.png, \.jpg or \.webp") as error:
        save_image(random_uint8(), tmp_path / name)
    assert_one_line(error)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("quality", [0, 101, 9.5])
def test_bad_quality(tmp_path, quality):
    with pytest.raises(ValueError, match=f"quality is {quality}; expected a whole number"):
        save_image(random_uint8(), tmp_path / "a.jpg", quality=quality)
    assert os.listdir(tmp_path) == []


def test_quality_is_used(tmp_path):
    for suffix in ("jpg", "webp"):
        low, high = tmp_path / f"low.{suffix}", tmp_path / f"high.{suffix}"
        save_image(random_uint8(), low, quality=10)
        save_image(random_uint8(), high)
        assert low.stat().st_size < high.stat().st_size


def test_jpeg_keeps_fine_colour(tmp_path):
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    stripes[:, 1::2] = (0, 0, 255)
    save_image(stripes, tmp_path / "a.jpg")
    error = np.abs(to_uint8(load_image(tmp_path / "a.jpg")).astype(int) - stripes)
    assert error.mean() < 10  # with colour at half resolution it is above 60


def test_absent_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder .*absent; create it first") as error:
        save_image(random_uint8(), tmp_path / "absent" / "a.png")
    assert_one_line(error)
    assert os.listdir(tmp_path) == []


def test_saving_onto_a_folder(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        save_image(random_uint8(), tmp_path / "a.png")
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("kind", [PermissionError, OSError])
@pytest.mark.parametrize("where", ["write", "replace"])
def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, kind, where):
    path = tmp_path / "a.png"
    save_image(np.zeros((20, 20, 3)), path)
    before = path.read_bytes()
    number = 13 if kind is PermissionError else 28  # EACCES, ENOSPC

    def fail(self, *arguments):
        if where == "write":
            with open(self, "wb") as half:
                half.write(b"half")
        raise OSError(number, "injected fault")

    if where == "write":
        monkeypatch.setattr(type(path), "write_bytes", fail)
    else:
        monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(kind, match="cannot write .*injected fault") as error:
        save_image(np.ones((20, 20, 3)), path)
    assert_one_line(error)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_saving_replaces_the_old_file(tmp_path):
    for value in (0, 1):
        save_image(np.full((20, 20, 3), float(value)), tmp_path / "a.png")
    assert load_image(tmp_path / "a.png").min() == 1
    assert os.listdir(tmp_path) == ["a.png"]


def test_invalid_image_does_not_touch_the_file(tmp_path):
    save_image(np.zeros((20, 20, 3)), tmp_path / "a.png")
    with pytest.raises(ValueError, match="NaN"):
        save_image(np.full((20, 20, 3), np.nan), tmp_path / "a.png")
    assert load_image(tmp_path / "a.png").max() == 0
