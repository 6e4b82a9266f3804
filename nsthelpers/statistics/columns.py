"""Hypercolumns: what all layers say of one place of a picture, one below the other; who is nearest.

Layers have positions of their own, fewer in each block. Brought to one grid, the activations of all
at a place are one long vector, its column. Columns of two pictures are matched by the cosine of the
angle between them: a column is like another if the same filters answer in the same proportions.
"""

from __future__ import annotations

import math

import numpy as np

from ..backend import ops, to_tensor
from ..images.pyramids import average_weights, linear_weights
from .base import four_axes

__all__ = [
    "columns",
    "distances_to",
    "grid_of",
    "layer_scales",
    "nearest",
    "parts_of_columns",
    "unit",
]

_AT_ONCE = 2**22  # cosines that are held at a time: 16 MB
_TINY = 1e-8  # beside the squared length of a column, which is 1 in the mean


def grid_of(height, width, places):
    """The rows and columns of the finest regular grid of so many places in a layer.

    Examples
    --------
    >>> grid_of(256, 192, 1024), grid_of(24, 32, 1024)
    ((36, 27), (24, 32))
    """
    step = max(1, math.ceil(math.sqrt(height * width / places)))
    return max(1, height // step), max(1, width // step)


def columns(features, places):
    """The hypercolumns of several layers' activations, on one grid.

    Parameters
    ----------
    features : sequence of tensor, float, shape (1, h, w, channels)
        The first decides on the grid: see :func:`grid_of`.
    places : int
        How many there may be.

    Returns
    -------
    tensor, shape (up to places, all channels)
        Means over the part of a layer that belongs to a place of the grid; interpolated where a
        layer has fewer positions.

    Examples
    --------
    >>> fine, coarse = np.arange(16.0).reshape(1, 4, 4, 1), np.full((1, 1, 1, 1), 7.0)
    >>> np.asarray(columns([fine, coarse], 4)).tolist()
    [[2.5, 7.0], [4.5, 7.0], [10.5, 7.0], [12.5, 7.0]]
    """
    return ops.concatenate(parts_of_columns(features, places), axis=1)


def parts_of_columns(features, places):
    """The same, each layer's part for itself: list of tensor, shape (up to places, channels)."""
    maps = [four_axes(ops.convert_to_tensor(each)) for each in features]
    grid = grid_of(*maps[0].shape[1:3], places)
    return [ops.reshape(_at_grid(each, grid), (math.prod(grid), each.shape[-1])) for each in maps]


def _at_grid(maps, grid):
    _, height, width, channels = maps.shape
    down, across = (
        to_tensor(average_weights(*sides) if sides[1] <= sides[0] else linear_weights(*sides),
                  maps.dtype.name)
        for sides in zip((height, width), grid, strict=True)
    )  # fmt: skip
    if (height, width) == grid:
        return maps
    fewer = ops.matmul(down, ops.reshape(maps, (height, width * channels)))
    return ops.matmul(across, ops.reshape(fewer, (grid[0], width, channels)))[None]


def layer_scales(rows, channels):
    """What brings each layer's part of the columns to a mean squared length of 1 / layers.

    Without that, a layer of loud filters decides alone which columns are alike.

    Parameters
    ----------
    rows : tensor, shape (M, all channels)
        Columns of the picture that sets the scale.
    channels : sequence of int
        How many belong to each layer.

    Returns
    -------
    tensor, shape (all channels,)
        To multiply columns with.
    """
    squares = np.asarray(ops.mean(ops.square(rows), axis=0), "float64")
    parts = np.split(squares, np.cumsum(channels)[:-1])
    scales = [np.full(len(p), 1 / math.sqrt(len(parts) * p.sum() + 1e-30)) for p in parts]
    return to_tensor(np.concatenate(scales), rows.dtype.name)


def unit(rows):
    """Columns divided by their length; of length 0 where nothing answers."""
    return rows / ops.sqrt(ops.sum(ops.square(rows), axis=1, keepdims=True) + _TINY)


def nearest(rows, others):
    """For each row the number of the one among others that it makes the smallest angle with.

    It is looked for piece by piece, so that memory stays at 16 MB whatever their number, and it has
    no slope: near a picture the nearest stays the nearest.

    Parameters
    ----------
    rows, others : tensor, shape (M, D) and (K, D), each of length 1

    Returns
    -------
    tensor, int32, shape (M,)

    Examples
    --------
    >>> np.asarray(nearest(np.eye(3), np.eye(3)[::-1])).tolist()
    [2, 1, 0]
    """
    rows, others = ops.stop_gradient(rows), ops.transpose(ops.stop_gradient(others))
    piece = max(1, _AT_ONCE // others.shape[1])
    return ops.concatenate(
        [
            ops.cast(ops.argmax(ops.matmul(rows[start : start + piece], others), axis=1), "int32")
            for start in range(0, rows.shape[0], piece)
        ]
    )


def distances_to(rows, others):
    """The cosine distance of each row from the nearest of others: tensor, shape (M,).

    1 minus the cosine: 0 for the same direction, 1 at a right angle.
    """
    return 1 - ops.sum(rows * ops.take(others, nearest(rows, others), axis=0), axis=1)
