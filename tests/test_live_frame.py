"""The book's pages inside a notebook: addresses, what is shown, and a frame that computes."""

from __future__ import annotations

import contextlib
import html.parser
import http.server
import re
import sys
import threading
from email.message import Message
from importlib import metadata

import live_pages
import pytest
from small_painters import small_painter

import nsthelpers as nst

LOCAL = "http://127.0.0.1:8000"


def tags(page):
    """The tags that a browser finds, with their attributes."""
    found = {}

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            found[tag] = dict(attributes)

    Parser().feed(page._repr_html_())
    return found


@pytest.fixture
def installed(monkeypatch):
    """Sets the repository that the installed package names; None: it is not installed."""

    def install(repository):
        def found(name):
            if repository is None:
                raise metadata.PackageNotFoundError(name)
            message = Message()
            message["Project-URL"] = "Changelog, https://example.org/changes"
            message["Project-URL"] = f"Repository, {repository}"
            return message

        monkeypatch.setattr(metadata, "metadata", found)

    return install


def test_a_frame_may_use_the_camera_and_not_the_notebook():
    page = nst.widgets.live("camera", address=LOCAL, height=500)
    found = tags(page)
    assert found["a"]["href"] == found["iframe"]["src"] == f"{LOCAL}/camera.html"
    assert found["iframe"]["allow"] == "camera"
    assert "height:500px" in found["iframe"]["style"]
    allowed = found["iframe"]["sandbox"].split()
    assert "allow-scripts" in allowed
    assert not [each for each in allowed if "navigation" in each or "forms" in each]
    assert page._repr_html_().index("<a ") < page._repr_html_().index("<iframe")


def test_on_colab_there_is_the_link_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", object())
    assert set(tags(nst.widgets.live(address=LOCAL))) == {"p", "a"}
    assert "iframe" in tags(nst.widgets.live(address=LOCAL, frame=True))


def test_where_no_html_is_shown_the_address_stands():
    assert repr(nst.widgets.live(address=LOCAL)).endswith(f": {LOCAL}/index.html")


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("https://github.com/Octocat/style.course", "https://octocat.github.io/style.course/live/"),
        ("https://github.com/octocat/octocat.github.io/", "https://octocat.github.io/live/"),
    ],
)
def test_the_published_book_is_that_of_the_installed_package(installed, repository, expected):
    installed(repository)
    assert nst.widgets.live().address == f"{expected}index.html"
    assert nst.widgets.live("camera").address == f"{expected}camera.html"


@pytest.mark.parametrize("repository", [None, "https://example.org/octocat/course"])
def test_where_the_book_is_not_known_an_address_is_asked_for(installed, repository):
    installed(repository)
    with pytest.raises(RuntimeError, match="is not known here; install nsthelpers, or pass addr"):
        nst.widgets.live()
    assert nst.widgets.live(address=LOCAL).address == f"{LOCAL}/index.html"


@pytest.mark.parametrize(
    "address", ["http://example.org/live/", "book/live/build", "javascript:alert(1)", "", "ftp://a"]
)
def test_an_address_that_would_get_no_camera_is_refused(address):
    with pytest.raises(ValueError, match="expected one that begins with https://"):
        nst.widgets.live(address=address)


def test_other_arguments_are_checked():
    with pytest.raises(ValueError, match="unknown page 'photo'; expected one of 'live', 'camera'"):
        nst.widgets.live("photo", address=LOCAL)
    with pytest.raises(ValueError, match="height is 20; expected a whole number of at least 200"):
        nst.widgets.live(address=LOCAL, height=20)


def test_an_address_cannot_leave_its_attribute():
    page = nst.widgets.live(address='https://example.org/"><script>alert(1)</script>')
    assert set(tags(page)) == {"p", "a", "iframe"}


@pytest.fixture(scope="module")
def browser():
    with live_pages.browser(*live_pages.CAMERA) as found:
        yield found


@contextlib.contextmanager
def framed(browser, shown):
    """What is inside the frame of a page that comes from elsewhere, as a notebook does."""
    text = b"<!doctype html><title>A notebook</title>" + shown._repr_html_().encode()

    class Notebook(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format, *arguments):
            """Say nothing of each request."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Notebook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        page = browser.new_page()
        page.set_default_timeout(live_pages.PATIENCE)
        page.goto(f"http://localhost:{server.server_port}/")
        yield page.frame_locator("iframe")
        page.close()
        server.shutdown()
        thread.join()


@pytest.mark.browser
@pytest.mark.live
def test_the_live_page_computes_inside_a_frame(browser, address):
    expect = pytest.importorskip("playwright.sync_api").expect
    with framed(browser, nst.widgets.live(address=address)) as inside:
        inside.get_by_text("the first run downloads").wait_for()
        inside.get_by_label("Long side").evaluate(
            "select => { select.add(new Option('32 pixels', '32')); select.value = '32'; }"
        )
        inside.locator("#run").click()
        expect(inside.locator("#status")).to_have_text("Painting")
        inside.locator("#stop").click()
        expect(inside.locator("#stop")).to_have_text("Go on")


@pytest.mark.browser
@pytest.mark.live
def test_the_camera_is_seen_inside_a_frame(browser, address, tmp_path):
    expect = pytest.importorskip("playwright.sync_api").expect
    painter = small_painter("night").save(tmp_path / "night.safetensors")
    with framed(browser, nst.widgets.live("camera", address=address)) as inside:
        inside.get_by_role("radio", name="Coffee cup").wait_for()
        inside.get_by_label("Painter’s file").set_input_files(painter)
        expect(inside.locator("#status")).to_have_text("night.safetensors is ready")
        inside.locator("#start").click()
        expect(inside.locator("#counter")).to_have_text(re.compile("frames per second"))
