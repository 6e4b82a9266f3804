"""A sheet of paper for drawings: boxes, text and arrows in one style, as SVG.

A drawing lies on a paper of its own, so it can be read wherever it is shown. Colours are given by
their part ("ink", "content", ...): as attributes for a light page, and in a style sheet for a
reader who has asked for dark ones. Text stays text, and a title and a description say in words
what is drawn.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from xml.etree import ElementTree

from ..files import write_whole
from ..images.html import image_tag

__all__ = ["COLOURS", "WIDTH", "Drawing"]

WIDTH = 560  # user units; text of 14 can then be read where the drawing is 350 pixels wide
_SHOWN = 700  # pixels

#: For a light and for a dark page. Content is blue, style vermilion, smoothness green throughout.
COLOURS = {
    "paper": ("#ffffff", "#20242b"),
    "ink": ("#1f2328", "#e8eaed"),
    "faint": ("#59636e", "#aab2bd"),
    "rule": ("#b9c0c9", "#535c69"),
    "wash": ("#eff1f4", "#2d333d"),
    "content": ("#0063a3", "#74c0f4"),
    "content wash": ("#dcebf7", "#1b3d58"),
    "style": ("#aa4500", "#ffa069"),
    "style wash": ("#fbe5d6", "#56331d"),
    "smooth": ("#00734f", "#54d3a8"),
    "smooth wash": ("#d7f0e6", "#17473a"),
    "mark": ("#fff0b3", "#4d400f"),
}


class Drawing:
    """A drawing as SVG, with a title and a description in words.

    Parameters
    ----------
    title, description : str
        What it shows, for who cannot see it.
    height : float
        In units of which the width is 560.

    Examples
    --------
    >>> drawing = Drawing("A box", "One box.", 100)
    >>> drawing.box(20, 20, 120, 40, "one")
    >>> str(drawing).count("<rect"), drawing
    (2, A box: One box.)
    """

    def __init__(self, title, description, height):
        self.title, self.description = title, description
        self._root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {WIDTH} {height:g}",
                "width": str(_SHOWN),
                "height": f"{_SHOWN * height / WIDTH:g}",
                "role": "img",
                "style": "max-width:100%;height:auto",
                "font-family": "Helvetica, Arial, 'Liberation Sans', sans-serif",
            },
        )
        self._group = self._root
        for tag, words in (("title", title), ("desc", description), ("style", _dark())):
            self._add(tag).text = words
        self.rect(0.5, 0.5, WIDTH - 1, height - 1, fill="paper", stroke="rule", corner=8)

    @contextlib.contextmanager
    def group(self, **attributes):
        """What is drawn inside belongs together: ``opacity=0.3``, ``name="box"``."""
        if "name" in attributes:
            attributes["class"] = f"nst-{attributes.pop('name')}"
        outer = self._group
        self._group = self._add("g", **attributes)
        yield
        self._group = outer

    def rect(self, x, y, width, height, *, fill="wash", stroke=None, corner=0, line=1):
        """A rectangle from its upper left corner; a fill that starts with # is that colour."""
        size = {"width": width, "height": height, "rx": corner}
        self._paint(self._add("rect", x=x, y=y, **size), fill, stroke, line)

    def text(self, x, y, words, *, size=15, fill="ink", anchor="middle", weight="normal"):
        """A line of text on its base line; ``words`` may be pairs of words and a colour."""
        element = self._add("text", x=x, y=y, **{"font-size": size, "text-anchor": anchor})
        if weight != "normal":
            element.set("font-weight", weight)
        self._paint(element, fill)
        if isinstance(words, str):
            element.text = words
            return
        element.set("style", "white-space:pre")
        for part, colour in words:
            span = ElementTree.SubElement(element, "tspan")
            span.text = part
            self._paint(span, colour)

    def box(self, x, y, width, height, *lines, fill="wash", stroke="rule", ink="ink", size=15,
            weight="normal", corner=6, line=1):  # fmt: skip
        """A rectangle with lines of text in its middle; the first may have another weight."""
        with self.group(name="box"):
            self.rect(x, y, width, height, fill=fill, stroke=stroke, corner=corner, line=line)
            step = size * 1.3
            top = y + height / 2 + size * 0.35 - step * (len(lines) - 1) / 2
            for index, words in enumerate(lines):
                self.text(
                    x + width / 2, top + index * step, words, size=size, fill=ink,
                    weight=weight if index == 0 else "normal",
                )  # fmt: skip

    def arrow(self, *points, colour="ink", line=2, head=True):
        """A line through points, with a head at its end."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        self._paint(self._add("path", d=path), "none", colour, line)
        if head:
            (x0, y0), (x, y) = points[-2:]
            angle = math.atan2(y - y0, x - x0)
            wings = [
                (x - 9 * math.cos(angle + turn), y - 9 * math.sin(angle + turn))
                for turn in (0.45, -0.45)
            ]
            corners = " ".join(f"{px:.1f},{py:.1f}" for px, py in [(x, y), *wings])
            self._paint(self._add("polygon", points=corners), colour)

    def table(self, x, y, rows, *, cell, fills=None, inks=None, size=14, mark=None, colour="ink"):
        """A grid of squares with a number in each; ``mark``: (row, column, rows, columns)."""
        wide, tall = cell if isinstance(cell, tuple) else (cell, cell)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                fill = "paper" if fills is None else fills[r][c]
                ink = "ink" if inks is None else inks[r][c]
                self.box(
                    x + c * wide, y + r * tall, wide, tall, str(value),
                    fill=fill, ink=ink, size=size, corner=0,
                )  # fmt: skip
        if mark:
            r, c, rows, columns = mark
            self.rect(
                x + c * wide, y + r * tall, columns * wide, rows * tall,
                fill="none", stroke=colour, line=3,
            )  # fmt: skip

    def save(self, path) -> Path:
        """Write it to an SVG file.

        Returns
        -------
        Path
        """
        path = Path(path)
        write_whole(path, str(self).encode())
        return path

    def __str__(self):
        return ElementTree.tostring(self._root, encoding="unicode")

    def __repr__(self):
        return f"{self.title}: {self.description}"

    def _repr_html_(self):
        # Shown in notebooks: readers meet its alternative text, but not that of a bare SVG.
        return image_tag(str(self).encode(), "svg+xml", repr(self))

    def _repr_svg_(self):
        return str(self)

    def _add(self, tag, **attributes):
        shown = {name: f"{v:g}" if not isinstance(v, str) else v for name, v in attributes.items()}
        return ElementTree.SubElement(self._group, tag, shown)

    def _paint(self, element, fill, stroke=None, line=1):
        classes = []
        for name, colour in (("fill", fill), ("stroke", stroke)):
            if colour in COLOURS:
                element.set(name, COLOURS[colour][0])
                classes.append(_class(name, colour))
            elif colour:
                element.set(name, colour)
        if stroke:
            element.set("stroke-width", f"{line:g}")
        if classes:
            element.set("class", " ".join(classes))


def _class(name, colour):
    return f"nst-{name}-{colour.replace(' ', '-')}"


def _dark():
    rules = "".join(
        f".{_class(name, colour)}{{{name}:{dark}}}"
        for colour, (_, dark) in COLOURS.items()
        for name in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme:dark){{{rules}}}"
