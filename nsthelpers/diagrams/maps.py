"""Three maps: of the network, of the loop that makes a picture, and of the series of notebooks."""

from __future__ import annotations

import math

from ..arguments import check_choice
from ..network.layers import STYLE_LAYERS, layer_name, layer_table
from .svg import WIDTH, Drawing

__all__ = ["PARTS", "SERIES", "loop", "network_map", "painter", "series_map"]

_GAP = 30  # between blocks, where the pooling is
_BREADTHS = (13, 14, 16, 18, 18)  # of the bars: broader with more channels

#: Parts of the loop that can stand out.
PARTS = ("image", "network", "losses", "gradient")

# Of a painting network: share of the picture's side, and width. Between them come five blocks.
_PAINTER_BARS = (
    (1, 12), (0.7, 15), (0.5, 17), *(((0.5, 13),) * 5), (0.7, 15), (1, 12), (1, 8),
)  # fmt: skip

_ALL = (
    ("α · content", "content"), (" + ", "ink"), ("β · style", "style"), (" + ", "ink"),
    ("γ · TV", "smooth"),
)  # fmt: skip

#: The notebooks: a title, and what each adds.
SERIES = (
    ("Inspect VGG19", (("features", "ink"),)),
    ("Reconstruct content", (("α · content", "content"),)),
    ("Reconstruct style", (("β · style", "style"),)),
    ("Transfer style", _ALL[:3]),
    ("Total variation", _ALL),
    ("Study parameters", (("what α, β, γ and the rest do", "faint"),)),
    ("Improve the algorithm", (("what else style can be", "faint"),)),
    ("Control", (("where, which colours, how large", "faint"),)),
    ("Real time", (("a network that paints at once", "faint"),)),
    ("What came after", (("from Gram matrices to today", "faint"),)),
)


def network_map(highlight=None, *, content="block4_conv2", style=STYLE_LAYERS) -> Drawing:
    """Draw VGG19: five blocks of convolutions, and where content and style are read.

    Parameters
    ----------
    highlight : int or sequence of int, optional
        Blocks, 1 to 5, that stand out; the others fade. Default: none fades.
    content, style : str or sequence of str, or None
        Layers that are marked; the papers' by default.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For an unknown block or layer.

    Examples
    --------
    >>> network_map(4, style=None)
    VGG19: ... Content is read from block4_conv2. Block 4 stands out.
    """
    content, style = _layers(content), _layers(style)
    blocks = range(1, 6) if highlight is None else _blocks(highlight)
    said = [
        f"{what} is read from {', '.join(layers)}."
        for what, layers in (("Content", content), ("Style", style))
        if layers
    ]
    if highlight is not None:
        said.append(f"Block {' and '.join(map(str, blocks))} stands out.")
    drawing = Drawing(
        "VGG19",
        "An image of 224 x 224 pixels runs through five blocks of 2, 2, 4, 4 and 4 convolutions. "
        "After each block pooling halves height and width, while the channels grow from 64 to 512. "
        + " ".join(said),
        330,
    )
    _legend(drawing, 14, content, style)
    middle, x = 158, 84.0
    for y, words in ((286, "channels"), (308, "pixels")):
        drawing.text(14, y, words, anchor="start", size=14, fill="faint")
    drawing.rect(x, middle - 82, 8, 164, fill="paper", stroke="ink", corner=1)
    drawing.text(x + 4, middle - 92, "image", weight="bold")
    _under(drawing, x + 4, "", 3, 224)
    x += 8 + _GAP
    for block, (layers, wide) in enumerate(zip(_convolutions(), _BREADTHS, strict=True), 1):
        side, tall = layers[0].shape[0], 164 * math.sqrt(layers[0].shape[0] / 224)
        with drawing.group(opacity=1.0 if block in blocks else 0.3):
            # Into the first block runs the image itself; what follows is pooled.
            colour = "ink" if block == 1 else "faint"
            drawing.arrow((x - _GAP + 3, middle), (x - 3, middle), colour=colour)
            for index, layer in enumerate(layers):
                place = x + index * (wide + 2)
                _bar(drawing, place, middle, wide, tall, layer.name, content, style)
            total = len(layers) * (wide + 2) - 2
            _under(drawing, x + total / 2, f"block {block}", layers[0].shape[2], side)
        x += total + _GAP
    return drawing


def _convolutions():
    """The convolutions of the five blocks."""
    rows = [row for row in layer_table() if row.kind == "convolution"]
    return [[row for row in rows if row.name.startswith(f"block{n}_")] for n in range(1, 6)]


def _legend(drawing, x, content, style):
    for role, layers in (("content", content), ("style", style)):
        if layers:
            drawing.rect(x, 19, 14, 18, fill=f"{role} wash", stroke=role, corner=2, line=2.5)
            drawing.text(x + 22, 33, f"{role} is read here", anchor="start", size=14)
            x += 178
    drawing.arrow((x, 28), (x + 24, 28), colour="faint")
    drawing.text(x + 32, 33, "pooling: half the side", anchor="start", size=14)


def _under(drawing, x, words, channels, side):
    if words:
        drawing.text(x, 264, words, size=14)
    drawing.text(x, 286, str(channels), size=14, fill="faint")
    drawing.text(x, 308, f"{side}²", size=14, fill="faint")


def _bar(drawing, x, middle, wide, tall, name, content, style):
    """A convolution as an upright bar, marked where it is read."""
    role = "content" if name in content else "style" if name in style else None
    drawing.box(
        x, middle - tall / 2, wide, tall, name[-1], fill=f"{role} wash" if role else "wash",
        stroke=role or "faint", ink=role or "ink", size=14, corner=2, line=2.5 if role else 1,
        weight="bold" if role else "normal",
    )  # fmt: skip


def loop(highlight=None) -> Drawing:
    """Draw how a picture is made: image, network, losses, gradient, and the image once more.

    Parameters
    ----------
    highlight : {"image", "network", "losses", "gradient"}, optional
        The part that stands out. Default: all are alike.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        For an unknown part.

    Examples
    --------
    >>> loop("gradient")
    The loop: ... The gradient stands out.
    """
    if highlight is not None:
        check_choice("part of the loop", highlight, PARTS)
    drawing = Drawing(
        "The loop",
        "The image runs through the network; losses compare its features with those of photograph "
        "and painting; the gradient of their sum says how each pixel should change; the image "
        "takes a small step, and it all begins again."
        + (f" The {highlight} stands out." if highlight else ""),
        392,
    )  # fmt: skip

    def part(name, x, y, *lines):
        on = highlight == name
        drawing.box(
            x, y, 152, 80, *lines, weight="bold", stroke="ink" if on else "rule",
            fill="mark" if on else "wash", line=3 if on else 1.5, corner=8,
        )  # fmt: skip

    for x, words, role in ((178, "photograph", "content"), (288, "painting", "style")):
        drawing.box(x, 20, 98, 36, words, fill=f"{role} wash", stroke=role, ink=role, size=15)
        drawing.arrow((x + 49, 58), (x + 49, 111), colour=role)
    drawing.text(396, 44, "once, before the start", anchor="start", size=14, fill="faint")
    part("image", 20, 114, "image", "its pixels", "change")
    part("network", 206, 114, "network", "its weights", "stay as they are")
    part("losses", 388, 114, "losses", "how far from what", "is wanted?")
    part("gradient", 206, 288, "gradient", "which way each", "pixel should go")
    drawing.arrow((174, 154), (203, 154))
    drawing.arrow((360, 154), (385, 154))
    drawing.arrow((438, 196), (438, 328), (361, 328))
    drawing.arrow((204, 328), (96, 328), (96, 197))
    drawing.text(450, 258, "backwards", anchor="start", size=14, fill="faint")
    drawing.text(450, 276, "through all", anchor="start", size=14, fill="faint")
    drawing.text(84, 258, "a small", anchor="end", size=14, fill="faint")
    drawing.text(84, 276, "step", anchor="end", size=14, fill="faint")
    return drawing


def painter() -> Drawing:
    """Draw how a painting network is trained: it takes the image's place in the loop.

    Returns
    -------
    Drawing

    Examples
    --------
    >>> painter()
    A painter in training: ...
    """
    drawing = Drawing(
        "A painter in training",
        "A photograph runs through a painting network: three convolutions bring it to a quarter "
        "of the size, five blocks of two work there, three bring it back; what they find is "
        "added to the photograph. The picture runs through VGG19 into the losses. Their gradient "
        "comes back through VGG19 and the picture into the painting network, whose weights learn.",
        300,
    )
    middle, top = 128, 88
    drawing.box(14, top, 86, 80, "photo-", "graph", fill="content wash", stroke="content")
    drawing.rect(124, top - 12, 208, 104, fill="mark", stroke="ink", corner=8, line=2)
    x = 136
    for share, wide in _PAINTER_BARS:
        tall = 84 * share
        drawing.rect(x, middle - tall / 2, wide, tall, fill="wash", stroke="faint", corner=2)
        x += wide + 4
    drawing.box(356, top, 60, 80, "picture", size=14)
    drawing.box(440, top, 50, 80, "VGG", "19", fill="wash")
    drawing.box(508, top, 40, 80, "loss", fill="style wash", stroke="style", size=14)
    for start, end in ((102, 122), (334, 354), (418, 438), (491, 506)):
        drawing.arrow((start, middle), (end, middle))
    drawing.arrow((57, top - 2), (57, 44), (386, 44), (386, top - 3), colour="content")
    drawing.text(222, 34, "residual: only the change is painted", size=14, fill="content")
    drawing.text(228, 202, "painting network: its weights learn", size=14, weight="bold")
    drawing.text(466, 190, "stays as it is", size=14, fill="faint")
    drawing.arrow((528, top + 82), (528, 252), (228, 252), (228, 213), colour="style")
    drawing.text(378, 274, "gradient: back through VGG19 and the picture", size=14, fill="style")
    return drawing


def series_map(current=None) -> Drawing:
    """Draw the series: every notebook, and what it adds to the formula.

    Parameters
    ----------
    current : int, optional
        The number of the notebook that stands out, 1 to 10.

    Returns
    -------
    Drawing

    Raises
    ------
    ValueError
        If there is no such notebook.

    Examples
    --------
    >>> series_map(3)
    The series: ... You are in notebook 3.
    """
    if current is not None and current not in range(1, len(SERIES) + 1):
        raise ValueError(f"there is no notebook {current}; expected 1 to {len(SERIES)}")
    listed = "; ".join(
        f"{number}, {title}: {''.join(words for words, _ in adds)}"
        for number, (title, adds) in enumerate(SERIES, 1)
    )
    here = f" You are in notebook {current}." if current else ""
    drawing = Drawing("The series", f"{listed}.{here}", 446)
    formula = [
        ("loss  =  ", "ink"), ("α · content", "content"), ("  +  ", "ink"), ("β · style", "style"),
        ("  +  ", "ink"), ("γ · total variation", "smooth"),
    ]  # fmt: skip
    drawing.text(WIDTH / 2, 38, formula, size=17, weight="bold")
    for number, (title, adds) in enumerate(SERIES, 1):
        y = 60 + 36 * (number - 1) + (12 if number > 5 else 0)
        on = number == current
        if on:
            drawing.rect(14, y, WIDTH - 28, 34, fill="mark", stroke="ink", corner=6, line=2)
        drawing.text(48, y + 22, f"{number:02}", fill="faint", size=15, anchor="end")
        drawing.text(64, y + 22, title, anchor="start", size=16, weight="bold" if on else "normal")
        drawing.text(270, y + 22, list(adds), anchor="start", size=16)
    drawing.arrow((24, 244), (WIDTH - 24, 244), colour="rule", line=1, head=False)
    return drawing


def _layers(given):
    given = [given] if isinstance(given, str) else list(given or ())
    return [layer_name(layer) for layer in given]


def _blocks(given):
    blocks = [given] if isinstance(given, int) else list(given)
    if not blocks or not set(blocks) <= set(range(1, 6)):
        raise ValueError(f"the blocks are {given}; expected numbers of 1 to 5")
    return blocks
