"""The pages of ``book/live``, served to a browser: what their tests share."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import threading
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "book" / "live"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
# A camera that shows a clock, and permission to look at it.
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
PATIENCE = 120_000  # milliseconds; only a failing test waits that long


@contextlib.contextmanager
def modules():
    """The Python files with which the pages are built and served."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        names = ("build_live", "eight_bits", "serve_live")
        yield {name: importlib.import_module(name) for name in names}


@contextlib.contextmanager
def served(modules):
    """Where the pages are served, if they were built once; their own files are those of now."""
    builder = modules["build_live"]
    if builder.missing(builder.OUTPUT / "runtime"):
        pytest.skip("the live page is not built; run: make live")
    folder = builder.build()
    with modules["serve_live"].server(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def browser(*arguments):
    """Chromium, with arguments of its command line besides those that keep it quiet."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium(), args=[*ARGUMENTS, *arguments])
        sync_api.expect.set_options(timeout=PATIENCE)
        yield started
        started.close()


def chromium():
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.fail("there is no chromium; install it, or leave out the tests marked browser")
    return path
