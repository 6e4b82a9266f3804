"""Serve the live page on this machine: ``python book/live/serve_live.py``, then open the address.

Any server of files will do (``python -m http.server``). This one asks browsers to isolate the page
from others, with which WebAssembly may use several cores.
"""

from __future__ import annotations

import argparse
import functools
import http.server
from pathlib import Path

BUILD = Path(__file__).resolve().parent / "build"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files, with the two headers that isolate a page."""

    def end_headers(self):
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cache-Control", "no-cache")  # ask each time whether it has changed
        super().end_headers()

    def log_message(self, format, *arguments):
        """Say nothing of each request."""


def server(folder=BUILD, port=0):
    """Make a server of a folder on this machine alone; port 0 takes any that is free."""
    handler = functools.partial(Handler, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the live page on this machine.")
    parser.add_argument("--port", type=int, default=8000)
    if not (BUILD / "index.html").is_file():
        raise SystemExit("the page is not built; run: make live")
    with server(port=parser.parse_args().port) as live:
        print(f"http://127.0.0.1:{live.server_port}/ (Ctrl+C ends it)", flush=True)
        try:
            live.serve_forever()
        except KeyboardInterrupt:
            pass
