"""The pyramid of an image: half the size and back by linear interpolation, written as matrices."""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["average_weights", "halved_sizes", "linear_weights"]


@functools.lru_cache(maxsize=64)
def linear_weights(before, after):
    """Linear interpolation of a row of numbers as a matrix, one row of it for each new place.

    Places lie in the middle of equal parts of the same length; beyond the first and the last old
    one the row goes on as it ends. Half as many numbers are means of neighbours.

    Parameters
    ----------
    before, after : int
        How many numbers there were, and how many there shall be.

    Returns
    -------
    array, float64, shape (after, before)
        Rows sum to 1. It is shared, and cannot be changed.

    Examples
    --------
    >>> linear_weights(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    >>> linear_weights(2, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    places = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    return _shared(np.maximum(1 - np.abs(places[:, None] - np.arange(before)), 0.0))


@functools.lru_cache(maxsize=64)
def average_weights(before, after):
    """Means over equal parts of a row of numbers as a matrix, one row of it for each part.

    Parameters
    ----------
    before, after : int
        How many numbers there are, and how many parts, no more than these. Where a part ends inside
        a number, that counts in proportion.

    Returns
    -------
    array, float64, shape (after, before)
        Rows sum to 1. It is shared, and cannot be changed.

    Examples
    --------
    >>> average_weights(3, 2).round(2).tolist()
    [[0.67, 0.33, 0.0], [0.0, 0.33, 0.67]]
    """
    ends, number = np.arange(after + 1) * before / after, np.arange(before)
    inside = np.minimum(ends[1:, None], number + 1) - np.maximum(ends[:-1, None], number)
    return _shared(np.maximum(inside, 0.0) * after / before)


def _shared(array):
    """An array that every caller gets, so that none can change it."""
    array.setflags(write=False)
    return array


def halved_sizes(height, width, levels):
    """Sizes of the levels of a pyramid, the finest first: each half of the one before.

    Parameters
    ----------
    height, width : int
    levels : int
        How often to halve; less where a side would become 0.

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> halved_sizes(24, 33, 5)
    [(24, 33), (12, 16), (6, 8), (3, 4), (1, 2)]
    """
    sizes = [(height, width)]
    while len(sizes) <= levels and min(sizes[-1]) > 1:
        sizes.append(tuple(side // 2 for side in sizes[-1]))
    return sizes
