"""The book's pages as they were built: their links, and a server and a browser to look at them."""

from __future__ import annotations

import contextlib
import html.parser
import threading
import urllib.parse
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import live_pages
import pytest

SITE = Path(__file__).parents[1] / "book" / "build" / "html"
_ADDRESSES = {"href", "src", "poster", "action"}


def built() -> Path:
    """The folder of the pages, or the test is skipped."""
    if not (SITE / "index.html").is_file():
        pytest.skip("the book is not built; run: make book")
    return SITE


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.anchors, self.links, self.images = set(), [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        for name in _ADDRESSES & given.keys():
            self.links.append((tag, given[name] or ""))
        if tag == "img":
            self.images.append(given)


@dataclass
class Page:
    """One HTML file: what it links to, and what can be linked to in it."""

    path: Path
    reader: _Reader = field(default_factory=_Reader)

    def __post_init__(self):
        self.reader.feed(self.path.read_text(encoding="utf-8"))


class Site:
    """All pages of a folder, by path."""

    def __init__(self, folder):
        self.folder = Path(folder)

    @cached_property
    def pages(self):
        return {path: Page(path) for path in sorted(self.folder.rglob("*.html"))}

    def inside(self):
        """Each link that stays here: its page, the address as written, file and anchor."""
        for path, _, address in self._links():
            parts = urllib.parse.urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            file = path
            if parts.path:
                start = self.folder if parts.path.startswith("/") else path.parent
                file = (start / urllib.parse.unquote(parts.path).lstrip("/")).resolve()
                file = file / "index.html" if parts.path.endswith("/") else file
            yield path, address, file, urllib.parse.unquote(parts.fragment)

    def broken(self):
        """What such links lead to and is not there: page and address."""
        for path, address, file, anchor in self.inside():
            here = self.pages.get(file)
            found = file.is_file() and (not anchor or here is None or anchor in here.reader.anchors)
            if not found:
                yield f"{path.relative_to(self.folder)}: {address}"

    def outside(self):
        """Addresses that lead elsewhere, each with how it is used and the pages that do."""
        found = {}
        for path, tag, address in self._links():
            scheme = urllib.parse.urlsplit(address).scheme
            if (scheme or address.startswith("//")) and scheme not in {"data", "blob"}:
                found.setdefault((tag, address), []).append(path.relative_to(self.folder))
        return found

    def _links(self):
        for path, page in self.pages.items():
            for tag, address in page.reader.links:
                yield path, tag, address


@contextlib.contextmanager
def served():
    """Where the pages are served on this machine."""
    with live_pages.modules() as modules, modules["serve_live"].server(built()) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@dataclass
class Visit:
    """What a browser met while it showed a page."""

    page: object
    address: str
    requests: list = field(default_factory=list)
    received: list = field(default_factory=list)
    complaints: list = field(default_factory=list)

    @property
    def elsewhere(self):
        """Addresses on other hosts that were asked for."""
        own = (self.address, "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]

    def sizes(self):
        """How many bytes came from each address so far, nothing compressed."""
        return {answer.url: len(answer.body()) for answer in self.received if answer.ok}

    def scroll_through(self):
        """Down to the end and back, so that whatever waits to be seen has begun."""
        self.page.evaluate(
            """async () => {
                for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
                    scrollTo({ top: y, behavior: "instant" });
                    await new Promise((done) => setTimeout(done, 40));
                }
                scrollTo({ top: 0, behavior: "instant" });
            }"""
        )
        self.page.wait_for_load_state("networkidle")


@contextlib.contextmanager
def visit(browser, address, name, **settings):
    """A page in a context of its own; settings are playwright's of such a context."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **settings})
    page = context.new_page()
    page.set_default_timeout(live_pages.PATIENCE)
    met = Visit(page, address)
    page.on("request", lambda request: met.requests.append(request.url))
    page.on("response", lambda answer: met.received.append(answer))
    page.on("pageerror", lambda error: met.complaints.append(str(error)))
    page.on(
        "console",
        lambda said: met.complaints.append(said.text) if said.type == "error" else None,
    )
    page.goto(f"{address}/{name}", wait_until="networkidle")
    yield met
    context.close()
