"""Strokes over a picture, drawn by mouse, finger, pen or keys: a canvas in the page."""

from __future__ import annotations

from importlib import resources

import anywidget
import traitlets

__all__ = ["StrokeCanvas"]


def _text(name):
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


class StrokeCanvas(anywidget.AnyWidget):
    """A picture to draw on. Strokes travel, not pixels, so that they fit at every size.

    Attributes
    ----------
    picture : bytes
        PNG, or another format that browsers show.
    strokes : list of dict
        ``side`` ("in front" or "behind"), ``width`` as a share of the long side, and ``points``
        [down, across] in shares of the height and of the width. Either end may set it.
    taken : int
        How many messages Python is done with: to be raised by one after each change of strokes
        that the page has made. What is drawn until then comes together in the next.
    shown : bool
        Whether a page shows the canvas: True once its script runs there.
    """

    _esm = _text("strokes.js")
    _css = _text("strokes.css")

    picture = traitlets.Bytes().tag(sync=True)
    strokes = traitlets.List().tag(sync=True)
    taken = traitlets.Int(0).tag(sync=True)
    shown = traitlets.Bool(False).tag(sync=True)
