"""Take the pictures out of the book's pages: ``python book/lighten.py FOLDER``.

A notebook holds its pictures as text, so that it is one file. A page that did so would be
megabytes before its first word. Each picture becomes a file, loaded when it comes into view. Icons
come from the theme's font; its one and a half megabytes of script for more icons are left out.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path

_INSIDE = re.compile(r'(?P<before>(?:src=|"sheet": )")data:image/(?P<kind>[a-z]+)(?:\+xml)?;base64,'
                     r'(?P<data>[A-Za-z0-9+/=]+)"')  # fmt: skip
_ICONS = re.compile(r"<script\b[^>]*/fontawesome\.js[^>]*></script>")
_FIGURE = re.compile(r'(?s)<script>(?=(?:(?!</script).)*"sheet": "[^"]*_static/figures/)')
_TAG = re.compile(r"<img\b(?![^>]*\bloading=)")


def lighten(folder: Path) -> int:
    """Do so in every page of a folder; gives back how many pictures were moved."""
    figures, moved = folder / "_static" / "figures", 0
    figures.mkdir(parents=True, exist_ok=True)
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        up = "../" * (len(page.relative_to(folder).parts) - 1)

        def move(found, up=up):
            nonlocal moved
            data = base64.b64decode(found["data"])
            name = f"{hashlib.sha256(data).hexdigest()[:20]}.{found['kind']}"
            (figures / name).write_bytes(data)
            moved += 1
            return f'{found["before"]}{up}_static/figures/{name}"'

        lighter = _ICONS.sub("", _INSIDE.sub(move, text))
        lighter = _TAG.sub('<img loading="lazy"', lighter)
        lighter = _FIGURE.sub('<script type="text/waiting">', lighter)  # for static/book.js
        if lighter != text:
            page.write_text(lighter, encoding="utf-8")
    for script in (folder / "_static" / "scripts").glob("fontawesome.js*"):
        script.unlink()
    return moved


if __name__ == "__main__":
    print(lighten(Path(sys.argv[1])), "pictures moved out of the pages")
