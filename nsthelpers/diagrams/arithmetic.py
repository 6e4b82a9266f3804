"""Two drawings with true numbers in them: a convolution, and how features become a Gram matrix."""

from __future__ import annotations

import numpy as np

from ..images import samples
from .svg import WIDTH, Drawing

__all__ = ["convolution", "gram"]

_VERTICAL_EDGES = ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1))
_EXAMPLE = ((1, 0, 2, 0), (2, 0, 1, 0), (0, 3, 0, 3))
_PLACES = 6  # a side of the patch
_PATCH = (20, 27)  # row and column in the cat of 64 pixels: the edge of an eye


def convolution(kernel=_VERTICAL_EDGES, *, patch=None, at=(0, 2)) -> Drawing:
    """Draw how a filter of 3 x 3 numbers makes one number of a feature map from nine pixels.

    Parameters
    ----------
    kernel : array of int, shape (3, 3), default Sobel's filter for vertical edges
    patch : array of int, shape (6, 6), range 0 to 99, optional
        Brightnesses in percent. Default: a piece of a photograph.
    at : (int, int), default (0, 2)
        Row and column, 0 to 3, of the window that is worked out.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For arrays of another shape, or a window outside of the patch.

    Examples
    --------
    >>> flat = np.full((6, 6), 50)
    >>> convolution(patch=flat)
    A convolution: A 3 x 3 filter ... its sum, 0, is one number of the feature map.
    """
    kernel = np.asarray(kernel)
    patch = _photograph() if patch is None else np.asarray(patch)
    places = patch.shape[0] - 2
    if kernel.shape != (3, 3) or patch.shape != (_PLACES, _PLACES):
        raise ValueError(
            f"the filter is {kernel.shape} and the patch {patch.shape}; expected (3, 3) and (6, 6)"
        )
    row, column = at
    if not (0 <= row < places and 0 <= column < places):
        raise ValueError(f"the window is at {at}; expected a row and a column of 0 to {places - 1}")
    windows = np.lib.stride_tricks.sliding_window_view(patch, (3, 3))
    window = windows[row, column]
    products, features = window * kernel, (windows * kernel).sum(axis=(2, 3))
    total = int(features[row, column])

    drawing = Drawing(
        "A convolution",
        "A 3 x 3 filter lies on nine pixels of an image. Each pixel is multiplied by the number of "
        f"the filter on it; its sum, {total}, is one number of the feature map.",
        446,
    )
    top, cell = 62, 28
    _heading(drawing, 20 + 3 * cell, "image, in % of white")
    _heading(drawing, 260, "filter")
    _heading(drawing, 442, "feature map")
    drawing.table(
        20, top, patch, cell=cell, **_greys(patch), mark=(row, column, 3, 3), colour="style"
    )
    drawing.text(203, top + 96, "*", size=28, weight="bold")
    drawing.table(218, top + 45, _signed(kernel), cell=cell, fills=_fill(kernel, "content wash"))
    drawing.arrow((309, top + 87), (339, top + 87))
    fills = _fill(features, "wash")
    drawing.table(
        346, top - 9, _signed(features), cell=48, fills=fills,
        mark=(row, column, 1, 1), colour="style",
    )  # fmt: skip

    below = 318
    drawing.text(20, below - 22, "The nine pixels in the window, times the filter:", anchor="start")
    drawing.table(20, below, window, cell=cell, **_greys(window))
    drawing.text(121, below + 49, "×", size=22)
    drawing.table(138, below, _signed(kernel), cell=cell, fills=_fill(kernel, "content wash"))
    drawing.text(240, below + 49, "=", size=22)
    drawing.table(258, below, _signed(products), cell=(46, cell))
    drawing.arrow((404, below + 42), (452, below + 42))
    drawing.text(426, below + 33, "sum", size=14, fill="faint")
    drawing.box(
        462, below + 20, 76, 44, *_signed([[total]])[0],
        fill="style wash", stroke="style", size=18, weight="bold", line=3, corner=0,
    )  # fmt: skip
    return drawing


def gram(features=_EXAMPLE) -> Drawing:
    """Draw how features become a Gram matrix: unrolled to rows, multiplied, averaged.

    Parameters
    ----------
    features : array of int, shape (3, 4), default an example
        A row for each of three channels, a column for each of four places, which lie 2 x 2.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For an array of another shape.

    Examples
    --------
    >>> gram()
    From features to a Gram matrix: ... Channels A and B: (1·2 + 0·0 + 2·1 + 0·0) / 4 = 1.
    """
    features = np.asarray(features)
    if features.shape != (3, 4):
        raise ValueError(f"the features are {features.shape}; expected (3, 4)")
    matrix = features @ features.T / 4
    first, second = features[:2]
    products = " + ".join(f"{a}·{b}" for a, b in zip(first, second, strict=True))
    worked = f"({products}) / 4 = {matrix[0, 1]:g}"
    drawing = Drawing(
        "From features to a Gram matrix",
        "Three maps of 2 x 2 places are unrolled: each becomes a row of four numbers. Every two "
        "rows are multiplied place by place, and the mean is an entry of the Gram matrix. "
        f"Channels A and B: {worked}.",
        400,
    )
    names, colours = "ABC", ("content", "style", "smooth")
    _heading(drawing, 96, "features", "a map for each channel")
    _heading(drawing, 268, "unrolled", "a row for each channel")
    _heading(drawing, 461, "Gram matrix", "channels × channels")
    cell, top = 34, 84
    for index, (name, colour) in enumerate(zip(names, colours, strict=True)):
        y, fills = top + index * 84, [[f"{colour} wash"] * 4] * 4
        drawing.text(38, y + cell + 5, name, fill=colour, weight="bold", size=17)
        drawing.table(56, y, features[index].reshape(2, 2), cell=cell, fills=fills, size=15)
        drawing.arrow((130, y + cell), (172, y + cell), colour="faint")
        drawing.table(200, y + cell / 2, [features[index]], cell=cell, fills=fills, size=15)
        drawing.text(187, y + cell + 5, name, fill=colour, weight="bold", size=17)
    for index in range(4):
        drawing.text(217 + index * cell, top + 6, str(index + 1), size=14, fill="faint")
    drawing.text(182, top + 6, "place", size=14, fill="faint", anchor="end")

    left, down, wide = 404, 146, 44
    drawing.arrow((346, down + 66), (376, down + 66))
    for index, (name, colour) in enumerate(zip(names, colours, strict=True)):
        place = 22 + index * wide
        drawing.text(left + place, down - 10, name, fill=colour, weight="bold", size=17)
        drawing.text(left - 14, down + place + 6, name, fill=colour, weight="bold", size=17)
    drawing.table(
        left, down, [[f"{value:.3g}" for value in row] for row in matrix], cell=wide,
        fills=[["wash" if r == c else "paper" for c in range(3)] for r in range(3)],
        mark=(0, 1, 1, 1), size=15,
    )  # fmt: skip
    drawing.text(20, 352, "A with B, place by place:", anchor="start")
    drawing.text(20, 378, [(worked, "ink")], anchor="start", size=17, weight="bold")
    drawing.text(WIDTH - 20, 378, "the mean of the products", anchor="end", size=14, fill="faint")
    return drawing


def _photograph():
    """A piece of the cat, in percent of white."""
    image = samples.load("chelsea", max_side=64)[0]
    row, column = _PATCH
    piece = image[row : row + _PLACES, column : column + _PLACES]
    return np.minimum((piece @ np.array([0.299, 0.587, 0.114]) * 100).round(), 99).astype(int)


def _heading(drawing, x, words, below=""):
    drawing.text(x, 32, words, weight="bold")
    if below:
        drawing.text(x, 51, below, size=14, fill="faint")


def _greys(values):
    """Cells as bright as their numbers, and a text that can be read on them."""
    return {
        "fills": [["#" + f"{round(2.55 * value):02x}" * 3 for value in row] for row in values],
        "inks": [["#000000" if value > 45 else "#ffffff" for value in row] for row in values],
    }


def _fill(values, colour):
    return [[colour] * len(row) for row in values]


def _signed(values):
    """Numbers as text, with a true minus sign."""
    return [[f"{int(value)}".replace("-", "\N{MINUS SIGN}") for value in row] for row in values]
