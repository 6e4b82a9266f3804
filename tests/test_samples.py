"""Samples: names, credits, and the three places that images come from."""

import dataclasses
import hashlib
import http.server
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import icc
import numpy as np
import pytest

from nsthelpers import files
from nsthelpers.images import samples
from nsthelpers.images.arrays import to_png_bytes, to_uint8
from nsthelpers.images.files import load_image, save_image

LOCAL = [credit.name for credit in samples.credits() if credit.kind != "download"]
BUNDLED = [credit.name for credit in samples.credits() if credit.kind == "scikit-image"]
DOWNLOADS = [credit.name for credit in samples.credits() if credit.kind == "download"]


# --- names and credits ---------------------------------------------------------------------


def test_names_are_unique_and_split_by_role():
    photographs, paintings = samples.names("photograph"), samples.names("painting")
    assert len(set(samples.names())) == len(samples.names())
    assert sorted(photographs + paintings) == sorted(samples.names())
    assert {"chelsea", "coffee", "tubingen"} <= set(photographs)
    assert {"swirling_night", "starry_night"} <= set(paintings)


def test_unknown_role():
    with pytest.raises(ValueError, match="'photograph', 'painting' or None"):
        samples.names("style")


def test_names_gives_a_new_list():
    samples.names().clear()
    assert len(samples.names()) >= 15


@pytest.mark.parametrize("credit", samples.credits(), ids=samples.names())
def test_every_credit_is_complete(credit):
    for field in dataclasses.fields(credit):
        value = getattr(credit, field.name)
        assert isinstance(value, str) and value == value.strip() != ""
    assert credit.role in ("photograph", "painting")
    assert credit.kind in ("drawn", "scikit-image", "download")
    assert samples.credits(credit.name) == [credit]
    for text in (credit.title, credit.author, credit.licence, credit.source):
        assert text in str(credit)
    assert "unknown" not in str(credit)


def test_credits_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        samples.credits("chelsea")[0].author = "someone else"


@pytest.mark.parametrize("name", DOWNLOADS)
def test_downloads_are_pinned(name):
    entry = samples._catalog()[name]
    assert re.fullmatch(
        r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/.+", entry["source"]
    )
    assert re.fullmatch("[0-9a-f]{64}", entry["sha256"])
    assert entry["bytes"] > 0


@pytest.mark.parametrize("function", [samples.load, samples.credits])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("chelsae", "did you mean chelsea"),
        ("Coffee", "did you mean coffee"),
        ("starry", "did you mean starry_night"),
        ("qqqq", "the samples are chelsea, "),
        (7, "no sample is called 7"),
    ],
)
def test_unknown_name(function, name, text):
    with pytest.raises(ValueError, match=text) as error:
        function(name)
    assert "\n" not in str(error.value)


# --- files that need no network ------------------------------------------------------------


@pytest.mark.parametrize("name", LOCAL)
def test_local_samples_load(name):
    image = samples.load(name)
    assert image.dtype == np.float32 and image.shape[0] == 1 and image.shape[3] == 3
    assert image.min() >= 0 and image.max() <= 1
    assert min(image.shape[1:3]) >= 172 and 256 <= max(image.shape[1:3]) <= 1024
    assert image.std(axis=(0, 1, 2)).max() > 0.08  # a picture, not an even surface


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_photographs_are_those_of_scikit_image(name):
    import skimage.data

    ours, theirs = to_uint8(samples.load(name)), getattr(skimage.data, name)()
    if name == "rocket":  # in Adobe RGB, as its profile says; scikit-image gives the bare numbers
        theirs = np.rint(255 * icc.in_srgb(theirs / 255, "adobe rgb"))
        assert np.abs(ours - theirs).max() <= 2
    else:
        grey = theirs[..., None] if theirs.ndim == 2 else theirs
        assert np.array_equal(ours, np.broadcast_to(grey, ours.shape))


def test_load_passes_the_size_on():
    assert samples.load("coffee", max_side=60).shape == (1, 40, 60, 3)
    assert samples.load("coffee", area=2400).shape == (1, 40, 60, 3)
    assert samples.load("coffee", size=(20, 30)).shape == (1, 20, 30, 3)
    with pytest.raises(ValueError, match="at most one"):
        samples.load("coffee", area=2400, max_side=60)


@pytest.mark.parametrize("folder", ["nsthelpers/images/drawn", "images"])
def test_drawn_pictures_are_found_in_the_package_and_in_the_project(tmp_path, monkeypatch, folder):
    (tmp_path / folder).mkdir(parents=True)
    picture = np.random.default_rng(0).random((20, 30, 3))
    save_image(picture, tmp_path / folder / "swirling_night.jpg")
    samples._catalog()  # read before the package seems to be elsewhere
    monkeypatch.setattr(samples, "_FOLDER", tmp_path / "nsthelpers" / "images")
    assert samples.load("swirling_night").shape == (1, 20, 30, 3)
    with pytest.raises(FileNotFoundError, match="woodblock_wave.jpg should have come with nst"):
        samples.load("woodblock_wave")


def test_photographs_without_scikit_image(monkeypatch):
    monkeypatch.setattr(samples.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="scikit-image; install that again with pip"):
        samples.load("chelsea")


def test_local_samples_import_nothing_heavy():
    script = (
        "import sys; from nsthelpers import samples; samples.load('chelsea', max_side=32);"
        "print([name for name in ('keras', 'tensorflow', 'skimage') if name in sys.modules])"
    )
    root = Path(samples.__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[]\n", "")


# --- resolve -------------------------------------------------------------------------------


def test_resolve_a_name():
    path = samples.resolve("chelsea")
    assert path.is_file()
    assert np.array_equal(load_image(path), samples.load("chelsea"))


def test_resolve_leaves_everything_else(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(to_png_bytes(np.zeros((20, 20, 3))))
    array = np.zeros((20, 20, 3))
    for source in (str(path), path, array, b"bytes", None, "http://host/a.png", "HTTPS://host/a"):
        assert samples.resolve(source) is source


def test_resolve_prefers_the_sample_and_dot_slash_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("chelsea").write_bytes(to_png_bytes(np.zeros((20, 20, 3))))
    assert load_image(samples.resolve("chelsea")).shape == (1, 300, 451, 3)
    assert load_image(samples.resolve("./chelsea")).shape == (1, 20, 20, 3)


def test_resolve_neither(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("holiday.jpg").touch()
    for source, text in [
        ("chelsae", "did you mean chelsea"),
        ("starry.jpg", "did you mean starry_night"),
        ("holidays.jpg", "did you mean holiday.jpg"),
        ("absent/zzzz.jpg", "no folder absent"),
    ]:
        with pytest.raises(FileNotFoundError, match=text) as error:
            samples.resolve(source)
        assert "\n" not in str(error.value)
    with pytest.raises(IsADirectoryError):
        samples.resolve(str(tmp_path))


# --- downloads -----------------------------------------------------------------------------

PICTURE = to_png_bytes(np.random.default_rng(1).random((40, 50, 3)))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        status, length, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server on loopback, a cache folder, and a catalogue of one picture on that server."""
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.requests = []
        serving.answer = (200, len(PICTURE), PICTURE)
        entry = dict(samples._catalog()["starry_night"])
        entry["source"] = f"http://127.0.0.1:{serving.server_port}/files/a.png"
        entry["file"] = "a.png"
        entry["sha256"] = hashlib.sha256(PICTURE).hexdigest()
        table = {"chelsea": samples._catalog()["chelsea"], "starry_night": entry}
        monkeypatch.setattr(samples, "_catalog", lambda: table)
        monkeypatch.setenv("NST_CACHE", str(tmp_path / "cache"))
        serving.cached = tmp_path / "cache" / "images" / "a.png"
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_download_happens_once_and_quietly(server, capfd):
    assert samples.load("starry_night").shape == (1, 40, 50, 3)
    assert server.cached.read_bytes() == PICTURE
    assert samples.resolve("starry_night") == server.cached
    assert samples.load("starry_night", max_side=25).shape == (1, 20, 25, 3)
    assert server.requests == ["/files/a.png"]
    assert os.listdir(server.cached.parent) == ["a.png"]
    assert tuple(capfd.readouterr()) == ("", "")


def test_filled_cache_needs_no_network(server):
    server.cached.parent.mkdir(parents=True)
    server.cached.write_bytes(PICTURE)
    assert samples.load("starry_night").shape == (1, 40, 50, 3)
    assert server.requests == []


def test_damaged_cache_is_replaced(server):
    server.cached.parent.mkdir(parents=True)
    server.cached.write_bytes(PICTURE[:100])
    assert samples.load("starry_night").shape == (1, 40, 50, 3)
    assert server.cached.read_bytes() == PICTURE


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, 0, b""), "404"),
        ((200, 1000, PICTURE[:500]), "500 bytes read, 500 more expected"),
        ((200, len(PICTURE), PICTURE[:-1] + b"?"), "hash"),
        ((200, 0, b""), "hash"),
    ],
    ids=["absent", "truncated", "altered", "empty"],
)
@pytest.mark.parametrize("before", [None, b"an older, damaged file"])
def test_failed_download(server, answer, reason, before):
    server.answer = answer
    server.cached.parent.mkdir(parents=True)
    if before:
        server.cached.write_bytes(before)
    with pytest.raises(OSError, match=reason) as error:
        samples.load("starry_night")
    text = str(error.value)
    assert "\n" not in text
    assert samples._catalog()["starry_night"]["source"] in text
    assert str(server.cached) in text and text.endswith("chelsea")
    assert os.listdir(server.cached.parent) == (["a.png"] if before else [])
    assert before is None or server.cached.read_bytes() == before


def test_refused_connection(server):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    samples._catalog()["starry_night"]["source"] = f"http://127.0.0.1:{port}/a.png"
    with pytest.raises(OSError, match="refused") as error:
        samples.load("starry_night")
    assert "\n" not in str(error.value)
    assert os.listdir(server.cached.parent) == []


def test_silent_server_is_given_up(server, monkeypatch):
    monkeypatch.setattr(files, "_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, never answers
        source = f"http://127.0.0.1:{silent.getsockname()[1]}/a.png"
        samples._catalog()["starry_night"]["source"] = source
        with pytest.raises(OSError, match="timed out"):
            samples.load("starry_night")
    assert os.listdir(server.cached.parent) == []


def test_cache_folder_cannot_be_made(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="cannot download sample 'starry_night'") as error:
        samples.load("starry_night")
    assert "\n" not in str(error.value)
    assert server.requests == []
