"""The book's pages that compute in the browser, shown inside a notebook."""

from __future__ import annotations

import html
import re
import sys
from importlib import metadata
from urllib.parse import urljoin, urlsplit

from ..arguments import check_choice, check_whole

__all__ = ["LivePage", "live"]

PAGES = {
    "live": ("index.html", "The live page, which paints a photograph step by step"),
    "camera": ("camera.html", "The camera page, where a painter paints what the camera sees"),
}
_HERE = ("localhost", "127.0.0.1", "::1")
# Its own scripts and its own storage; no way to the notebook around it, which has another address.
_SANDBOX = "allow-scripts allow-same-origin allow-downloads allow-popups"


def live(page="live", *, address=None, frame=None, height=900) -> LivePage:
    """Show a page of the book that paints in the browser, in a frame, with a link to it.

    The page is not part of the package: what is shown is the published book's, or that of a server
    which you name. The kernel does nothing for it, and no picture leaves the device.

    Parameters
    ----------
    page : {"live", "camera"}, default "live"
        "live" paints a photograph step by step by optimisation. "camera" takes a painter's file, as
        :meth:`nsthelpers.Painter.save` writes it, and paints what the camera sees.
    address : str, optional
        Of the folder in which the pages are. Default: the published book's. In a clone, ``make
        live`` and ``python book/live/serve_live.py`` serve them at ``"http://127.0.0.1:8000/"``,
        which the browser must be able to reach: both on one machine.
    frame : bool, optional
        Whether the page is shown inside the notebook, or only the link to it. Default: inside, but
        not on Colab. There outputs are in a sandbox of Colab's own, in which the page has not been
        tried; with ``True`` you can try.
    height : int, default 900
        Of the frame, in pixels.

    Returns
    -------
    LivePage
        Shown where it is a cell's last value.

    Raises
    ------
    ValueError
        For an unknown page, an address that no browser would give a camera to (neither https nor on
        this machine), or a height that is no whole number of at least 200.
    RuntimeError
        Without an address, if the package is not installed, or comes from a repository that is not
        on GitHub: where its book is published is then not known.

    Notes
    -----
    Nothing is asked of the network here, so that it cannot tell whether the page is there. Where
    the frame stays empty (no network, a browser that forbids it, a book that was not published) the
    link above it says where the page is. In a frame WebAssembly has one thread, so that a link is
    the quicker way on a server that isolates its pages.

    Examples
    --------
    >>> live("camera", address="http://127.0.0.1:8000/")
    The camera page, where a painter paints what the camera sees: http://127.0.0.1:8000/camera.html
    >>> live(address="https://example.org/book/live", frame=False).address
    'https://example.org/book/live/index.html'
    """
    check_choice("page", page, PAGES)
    check_whole("height", height, 200)
    folder = _published() if address is None else str(address)
    parts = urlsplit(folder)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise ValueError(
            f"address is {folder!r}; expected one that begins with https://, or with "
            "http://127.0.0.1: for a server on this machine"
        )
    if frame is None:
        frame = "google.colab" not in sys.modules
    file, title = PAGES[page]
    return LivePage(urljoin(folder.rstrip("/") + "/", file), title, bool(frame), int(height))


class LivePage:
    """A page that computes in the browser; a notebook shows it. :func:`live` makes it.

    Attributes
    ----------
    address : str
        Where the page is.
    title : str
    frame : bool
        Whether it is shown inside the notebook, or only linked.
    height : int
        Of the frame, in pixels.
    """

    def __init__(self, address, title, frame, height):
        self.address, self.title, self.frame, self.height = address, title, frame, height

    def __repr__(self):
        return f"{self.title}: {self.address}"

    def _repr_html_(self):
        address, title = html.escape(self.address), html.escape(self.title)
        link = f'<a href="{address}" target="_blank" rel="noopener">Open it in a tab of its own</a>'
        if not self.frame:
            return f"<p>{title}. {link}.</p>"
        return (
            f"<p>{title}. Nothing to be seen? {link}.</p>"
            f'<iframe src="{address}" title="{title}" sandbox="{_SANDBOX}" allow="camera" '
            f'loading="lazy" style="width:100%;height:{self.height}px;border:0"></iframe>'
        )


def _published():
    """Where the book of the installed package's repository is published, on GitHub's pages."""
    try:
        links = metadata.metadata("nsthelpers").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        links = []
    for link in links:
        found = re.fullmatch(r"Repository, https://github\.com/([^/]+)/([^/]+?)/?", link)
        if found:
            owner, name = found[1].lower(), found[2]
            root = "" if name.lower() == f"{owner}.github.io" else f"{name}/"
            return f"https://{owner}.github.io/{root}live/"
    raise RuntimeError(
        "the address of the published book is not known here; install nsthelpers, or pass "
        'address="https://…/live/"'
    )
