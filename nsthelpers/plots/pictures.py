"""Pictures side by side, alone or with their edges, and the maps of a network's features."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np

from ..arguments import check_whole
from ..images.arrays import as_image
from .canvas import (
    WIDTH,
    add_text,
    bare_axes,
    count_of,
    in_words,
    listed,
    most_varied_channels,
    new_figure,
    one_text_each,
    to_grey,
    to_picture,
)

__all__ = ["before_after", "edges", "feature_maps", "image_grid"]

_TALLEST = 4.2  # inches that one row of pictures may take
_GAP = 0.12  # inches between pictures
_LINE = 0.19  # inches that a line of caption takes


def image_grid(
    images,
    captions=None,
    *,
    columns=None,
    title=None,
    row_labels=None,
    column_labels=None,
    width=WIDTH,
    description=None,
):
    """Pictures side by side.

    Parameters
    ----------
    images : sequence
        Arrays of shape (1, H, W, 3) in [0, 1], Synthesis results or PIL images; ``None`` leaves
        a place empty.
    captions : sequence of str, optional
        Below the pictures.
    columns : int, optional
        Default: all in one row up to five, else rows of four.
    title : str, optional
    row_labels, column_labels : sequence of str, optional
        Beside the rows and above the columns, for a table of pictures.
    width : float, default 8
        Of the figure, in inches; tall pictures make it narrower.
    description : str, optional
        What the figure shows, for those who do not see it: its alternative text in a notebook.
        Default: the number of pictures, with all captions and labels.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no image, captions or labels do not match in number, or ``columns`` is no whole
        number of at least 1.

    Examples
    --------
    >>> grey = np.full((1, 32, 48, 3), 0.5, "float32")
    >>> figure = image_grid([grey, grey], ["one", "two"])
    >>> len(figure.axes)
    2
    """
    pictures = [None if image is None else to_picture(image) for image in images]
    if not any(picture is not None for picture in pictures):
        raise ValueError("there is no image to show; pass at least one")
    if columns is None:
        columns = len(pictures) if len(pictures) <= 5 else 4
    columns = check_whole("columns", columns, 1)
    count = -(-len(pictures) // columns)
    captions = one_text_each("captions", captions, len(pictures), "images")
    row_labels = one_text_each("row_labels", row_labels, count, "rows")
    column_labels = one_text_each("column_labels", column_labels, columns, "columns")

    grid = [pictures[row * columns : (row + 1) * columns] for row in range(count)]
    left = 0.3 if any(row_labels) else 0.0
    _, heights = _cell_sizes(grid, columns, width - left)
    beside = [_wrap(text, height) for text, height in zip(row_labels, heights, strict=True)]
    left += _LINE * max(0, *(len(lines) - 1 for lines in beside))
    widths, heights = _cell_sizes(grid, columns, width - left)
    over = [_wrap(text, wide) for text, wide in zip(column_labels, widths, strict=True)]
    wrapped = [_wrap(text, widths[i % columns]) for i, text in enumerate(captions)]
    below = [
        _LINE * max(len(lines) for lines in wrapped[row * columns : (row + 1) * columns])
        + (0.06 if any(wrapped[row * columns : (row + 1) * columns]) else 0)
        for row in range(count)
    ]
    above = 0.3 * bool(title)
    if any(column_labels):
        above += 0.26 + _LINE * max(len(lines) - 1 for lines in over)
    total_width = left + sum(widths) + _GAP * (columns - 1)
    total_height = above + sum(heights) + sum(below) + _GAP * (count - 1)

    described = description or _described(title, pictures, captions, row_labels, column_labels)
    figure = new_figure(total_width, total_height, description=described)
    if title:
        add_text(figure, 0, total_height, title, size=11, weight="bold", ha="left", va="top")
    lefts = [left + sum(widths[:column]) + _GAP * column for column in range(columns)]
    for column, lines in enumerate(over):
        middle = lefts[column] + widths[column] / 2
        add_text(figure, middle, total_height - above + 0.07, "\n".join(lines), va="bottom")
    top = total_height - above
    for row, lines in enumerate(beside):
        bottom = top - heights[row]
        middle = bottom + heights[row] / 2
        add_text(figure, (left - 0.06) / 2, middle, "\n".join(lines), rotation=90, va="center")
        for column, picture in enumerate(grid[row]):
            if picture is None:
                continue
            box = (lefts[column], bottom, widths[column], heights[row])
            bare_axes(figure, box).imshow(picture, cmap="magma")  # RGB has no use for it
            lines = wrapped[row * columns + column]
            middle = lefts[column] + widths[column] / 2
            add_text(figure, middle, bottom - 0.05, "\n".join(lines), va="top")
        top = bottom - below[row] - _GAP
    return figure


def before_after(before, after, captions=("before", "after"), *, title=None, description=None):
    """Two pictures side by side; the arguments are those of :func:`image_grid`.

    Examples
    --------
    >>> grey = np.full((1, 32, 48, 3), 0.5, "float32")
    >>> len(before_after(grey, grey).axes)
    2
    """
    return image_grid([before, after], captions, title=title, description=description)


def feature_maps(features, channels=None, *, count=16, columns=None, title=None, description=None):
    """What single channels of a layer answer to, each on a scale of its own.

    Parameters
    ----------
    features : array or tensor of shape (1, h, w, channels), or dict of str to such
        As :meth:`nsthelpers.VGG.features` returns them; of a dict, each layer gets a row.
    channels : sequence of int, optional
        Default: the channels that vary most over the picture.
    count : int, default 16
        How many, where `channels` is not given; of a dict, 6 in each row at most.
    columns : int, optional
        Default 8, or the number of channels if that is smaller.
    title, description : str, optional
        As for :func:`image_grid`.

    Returns
    -------
    matplotlib.figure.Figure
        Dark: no answer. Bright: the channel's strongest.

    Raises
    ------
    ValueError
        If a channel does not exist.

    Examples
    --------
    >>> maps = np.random.default_rng(0).uniform(size=(1, 8, 8, 64))
    >>> len(feature_maps(maps, [0, 5, 63]).axes)
    3
    """
    if isinstance(features, Mapping):
        count = min(count, 6)
        rows = [_channel_maps(values, channels, count) for values in features.values()]
        pictures = [picture for row in rows for picture in row.values()]
        captions = [f"channel {channel}" for row in rows for channel in row]
        return image_grid(
            pictures,
            captions,
            columns=len(rows[0]),
            row_labels=list(features),
            title=title,
            description=description
            or _describe_maps(title, dict(zip(features, rows, strict=True))),
        )
    maps = _channel_maps(features, channels, count)
    return image_grid(
        list(maps.values()),
        [f"channel {channel}" for channel in maps],
        columns=columns or min(8, len(maps)),
        title=title,
        description=description or _describe_maps(title, {"": maps}),
    )


def edges(images, captions=None, *, title=None, description=None):
    """Pictures, and below each the strength of its edges (Sobel), all on one scale.

    Parameters
    ----------
    images, captions, title, description
        As for :func:`image_grid`.

    Returns
    -------
    matplotlib.figure.Figure
        Dark is a strong edge.

    Examples
    --------
    >>> noise = np.random.default_rng(0).uniform(size=(1, 64, 64, 3))
    >>> len(edges([noise], ["noise"]).axes)
    2
    """
    from skimage.filters import sobel

    images = list(images)
    strengths = [sobel(to_grey(image)) for image in images]
    # The strongest hundredth may be cut off: a few pixels would make all others pale.
    # At least 0.01, or a flat picture would show its rounding errors.
    scale = max([0.01, *(np.percentile(strength, 99) for strength in strengths)])
    drawn = [1 - np.clip(strength / scale, 0, 1) for strength in strengths]
    labels = one_text_each("captions", captions, len(images), "images")
    return image_grid(
        images + [as_image(each) for each in drawn],
        [""] * len(images) + labels,
        columns=len(images),
        row_labels=["picture", "edges"],
        title=title,
        description=description
        or in_words(
            title,
            f"{count_of(len(images), 'picture')}, and below {'each' if len(images) > 1 else 'it'} "
            f"the strength of its edges, dark where they are strong{_after_colon(labels)}",
        ),
    )


def _described(title, pictures, captions, row_labels, column_labels):
    """The figure in words: how many pictures, where they stand, what is written at them."""
    shown = [
        caption for caption, picture in zip(captions, pictures, strict=True) if picture is not None
    ]
    rows, columns = len(row_labels), len(column_labels)
    where = f" in {count_of(rows, 'row')}" if rows > 1 else " side by side" * (len(shown) > 1)
    return in_words(
        title,
        f"{count_of(len(shown), 'picture')}{where}{_after_colon(shown)}",
        any(row_labels) and f"{'rows' if rows > 1 else 'row'}{_after_colon(row_labels)}",
        any(column_labels)
        and f"{'columns' if columns > 1 else 'column'}{_after_colon(column_labels)}",
    )


def _describe_maps(title, layers):
    """Feature maps in words; each layer's channels."""
    texts = [
        f"{layer + ', ' * bool(layer)}channel{'s' * (len(maps) > 1)} {listed(maps)}"
        for layer, maps in layers.items()
    ]
    return in_words(title, f"feature maps, bright where a channel answers: {'; '.join(texts)}")


def _after_colon(texts):
    texts = [" ".join(text.split()) for text in texts if text.strip()]
    return f": {'; '.join(texts)}" if texts else ""


def _cell_sizes(grid, columns, width):
    """Column widths and row heights: each row as high as its tallest, all as wide as there is."""
    aspects = np.ones(columns)
    for column in range(columns):
        shapes = [
            row[column].shape for row in grid if column < len(row) and row[column] is not None
        ]
        if shapes:
            aspects[column] = max(shape[1] / shape[0] for shape in shapes)
    height = min(_TALLEST, (width - _GAP * (columns - 1)) / aspects.sum())
    widths = height * aspects
    heights = [
        max(
            widths[column] * picture.shape[0] / picture.shape[1]
            for column, picture in enumerate(row)
            if picture is not None
        )
        if any(picture is not None for picture in row)
        else height
        for row in grid
    ]
    return list(widths), [min(tall, _TALLEST) for tall in heights]


def _wrap(text, width):
    characters = max(8, int(width * 13))
    return [line for part in text.split("\n") for line in textwrap.wrap(part, characters)]


def _channel_maps(features, channels, count):
    values = np.asarray(features, dtype="float32")
    if values.ndim != 4 or values.shape[0] != 1:
        raise ValueError(f"features of shape {values.shape}; expected (1, height, width, channels)")
    values = values[0]
    if channels is None:
        channels = most_varied_channels(values, count)
    for channel in channels:
        if not 0 <= channel < values.shape[2]:
            raise ValueError(f"no channel {channel}; the layer has 0 to {values.shape[2] - 1}")
    return {channel: values[:, :, channel] for channel in channels}
