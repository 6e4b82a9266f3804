"""What all figures share: colours, type, sheets of paper, and how a notebook shows them."""

from __future__ import annotations

import functools
import sys

import numpy as np

from ..images.arrays import as_image

__all__ = [
    "FAINT", "INK", "PALETTE", "WIDTH", "add_text", "add_title", "bare_axes", "count_of",
    "in_words", "listed", "most_varied_channels", "new_figure", "one_text_each",
    "show_in_notebook", "style_axes", "to_grey", "to_picture",
]  # fmt: skip

#: Okabe & Ito's colours (2008), which colour-blind readers can tell apart too.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, FAINT = "#333333", "#8a8a8a"
WIDTH = 8.0  # inches: with the resolution below, the width of a notebook's page
_DPI = 110


@functools.cache
def show_in_notebook():
    """Let the notebook show figures as JPEG: pictures are a tenth of their size as PNG.

    Does nothing outside of a notebook.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not hasattr(shell, "kernel"):
        return
    from matplotlib_inline.config import InlineBackend

    from .described import PRINTING, DescribedFigure

    settings = InlineBackend.instance(parent=shell)
    settings.print_figure_kwargs = dict(PRINTING)
    settings.figure_formats = {"jpeg"}
    # Not only when a setting changed, and before pyplot has loaded its backend.
    from IPython.core.pylabtools import select_figure_formats

    select_figure_formats(shell, settings.figure_formats, **settings.print_figure_kwargs)
    # Ours show themselves, with their description; as a picture besides they would be there twice.
    for kind in ("image/jpeg", "image/png", "image/svg+xml", "application/pdf"):
        shell.display_formatter.formatters[kind].for_type(DescribedFigure, lambda figure: None)


def new_figure(width, height, **options):
    from .described import DescribedFigure

    show_in_notebook()
    return DescribedFigure(figsize=(width, height), dpi=_DPI, facecolor="white", **options)


def bare_axes(figure, box):
    """Axes without axes, at (left, bottom, width, height) in inches."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box
    axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
    axes.set_axis_off()
    return axes


def add_text(figure, x, y, text, *, size=9.5, ha="center", **style):
    width, height = figure.get_size_inches()
    if text:
        figure.text(x / width, y / height, text, fontsize=size, ha=ha, color=INK, **style)


def style_axes(axes, x_label, title, log):
    if log:
        axes.set_yscale("log")
        _readable_ticks(axes.yaxis, *axes.get_ylim())
    if x_label in ("step", "evaluations"):
        axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(x_label, color=INK, fontsize=9.5)
    axes.set_title(title, color=INK, fontsize=9.5, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(which="both", colors=INK, labelsize=8.5, color=FAINT)
    axes.grid(axis="y", color="#eeeeee", lw=0.8)
    axes.set_axisbelow(True)


def _readable_ticks(axis, low, high):
    """Plain numbers, and enough of them where less than a few decades are shown."""
    from matplotlib import ticker

    if high < 3 * low:
        axis.set_major_locator(ticker.MaxNLocator(4, steps=[1, 2, 5, 10]))
        axis.set_minor_locator(ticker.NullLocator())
    elif high < 100 * low:
        axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def add_title(figure, title):
    """A title at the left, where there is one."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, weight="bold", color=INK)


def to_picture(image):
    """(H, W, 3) of anything that has pixels; (H, W) of a feature map, which is left as it is."""
    values = getattr(image, "image", image)
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return values
    return as_image(values)[0]


def to_grey(image):
    return as_image(to_picture(image))[0] @ np.array([0.299, 0.587, 0.114])


def one_text_each(name, texts, count, what):
    """The texts as a list, empty ones where there are none; ValueError where the number differs."""
    if texts is None:
        return [""] * count
    texts = [str(text) for text in texts]
    if len(texts) != count:
        raise ValueError(f"{len(texts)} {name} for {count} {what}; expected one for each")
    return texts


def count_of(number, noun):
    """A number and what is counted, as in a sentence: "one row", "six pictures"."""
    words = "no one two three four five six seven eight nine ten eleven twelve".split()
    counted = words[number] if number < len(words) else str(number)
    return f"{counted} {noun}{'s' * (number != 1)}"


def in_words(*parts):
    """Those parts that there are, each as a sentence; line breaks are taken out."""
    texts = [" ".join(str(part).split()) for part in parts if part]
    return " ".join(
        text[0].upper() + text[1:] + "." * (text[-1] not in ".?!") for text in texts if text
    )


def listed(texts):
    """The texts in a row: "a, b and c"."""
    *others, last = [" ".join(str(text).split()) for text in texts]
    return f"{', '.join(others)} and {last}" if others else last


def most_varied_channels(maps, count):
    """The channels of (height, width, channels) that vary most over the picture, in order."""
    # Some channels answer to the zero padding at the border and to nothing else.
    inner = maps[2:-2, 2:-2] if min(maps.shape[:2]) > 8 else maps
    return sorted(np.argsort(inner.var(axis=(0, 1)))[::-1][:count].tolist())
