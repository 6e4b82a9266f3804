"""Mend in the built pages what Sphinx and the theme leave: ``python book/mend.py FOLDER``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

#: What a screen reader would not understand, and what stands there instead.
CONTROLS = {
    # The button says "Search Ctrl+K"; who speaks to the computer says what is to be read.
    r'(<button[^>]*\bsearch-button-field\b[^>]*?)\s+aria-label="Search"': r"\1",
    # An arrow that unfolds the table of contents has no name.
    r'<summary>(?=<span class="toctree-toggle")': '<summary aria-label="Show what is in it">',
}
_BACK = re.compile(
    r'(?P<before>href="(?P<page>[^"#]*/reference/[^"#]*)#nsthelpers\.)(?P<name>[^"]+)"'
)


def mend(folder: Path) -> int:
    """Do so in every page of a folder; gives back how many places were mended."""
    mended = 0
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        text, back = _BACK.subn(lambda found, page=page: _back(found, page), text)
        mended += back
        for wrong, right in CONTROLS.items():
            text, count = re.subn(wrong, right, text)
            mended += count
        page.write_text(text, encoding="utf-8")
    for template in (folder / "_static").glob("*webpack-macros.html"):
        template.unlink()  # the theme's own, which are no pages
    return mended


def _back(found, page):
    """A link from source code to the reference, with the room where Sphinx has left it out.

    It takes all names of a file for those of one module; ours are reached by several.
    """
    target = (page.parent / found["page"]).read_text(encoding="utf-8")
    known = re.search(rf'id="nsthelpers\.((?:\w+\.)?{re.escape(found["name"])})"', target)
    return f'{found["before"]}{known[1]}"' if known else found[0]


if __name__ == "__main__":
    print(mend(Path(sys.argv[1])), "places mended")
