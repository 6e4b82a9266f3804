"""The vectors that L-BFGS remembers, as rows of a table that may be kept in half the digits.

A table is a list of blocks of columns: one, where it is kept in the dtype of the arithmetic; else a
block takes that dtype only while it is worked with, and the whole table is never there in it.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..backend import compile_small_function, ops, replace_rows, to_numpy, to_tensor

__all__ = [
    "corrections",
    "pieces",
    "products",
    "replaced",
    "restored",
    "row_of",
    "state",
    "weighted",
    "zeros",
]

_BLOCK = 2**18  # columns


def zeros(count, size, dtype, kept_in):
    """A table of ``count`` rows of ``size`` numbers, for arithmetic in ``dtype``.

    Examples
    --------
    >>> table = zeros(2, 3, "float32", "bfloat16")
    >>> table = replaced(table, [1], to_tensor([[1.0, 2.0, 4.0]]))
    >>> to_numpy(weighted(table, to_tensor([[5.0, 2.0]]))).tolist()
    [[2.0, 4.0, 8.0]]
    """
    width = max(size, 1) if kept_in == dtype else _BLOCK
    return [
        ops.zeros((count, min(width, size - first)), kept_in)
        for first in range(0, max(size, 1), width)
    ]


def replaced(table, places, vectors):
    """The table with vectors, shape (k, size), in the rows of these k places: it is used up."""
    return [
        replace_rows(block, places, ops.cast(part, block.dtype))
        for block, (part,) in zip(table, pieces(table, vectors), strict=True)
    ]


def row_of(table, place, dtype):
    """One row as a vector, shape (1, size)."""
    return ops.cast(ops.concatenate([ops.take(each, place, axis=0) for each in table], 1), dtype)


def weighted(table, weights):
    """Weighted sums of all rows: weights of shape (k, count) make (k, size)."""
    sums = [ops.matmul(weights, ops.cast(block, weights.dtype)) for block in table]
    return sums[0] if len(sums) == 1 else ops.concatenate(sums, axis=1)


def products(table, vectors):
    """Inner products of vectors, shape (k, size), with all rows: shape (k, count)."""
    return sum(
        _products(block, part) for block, (part,) in zip(table, pieces(table, vectors), strict=True)
    )


@compile_small_function  # else a transposed copy is made, where it is not part of another
def _products(block, vectors):
    return ops.matmul(vectors, ops.transpose(ops.cast(block, vectors.dtype)))


def corrections(steps, changes, freed):
    """What variables change in products, as they come to count (1) or cease to (-1).

    Parameters
    ----------
    steps, changes : tables
    freed : tensor, shape (1, size)
        1, -1, or 0 where nothing turns.

    Returns
    -------
    tensor, shape (count + 1, count)
        Of each step with each change, and at last of each change with itself.
    """
    return sum(
        _corrections(step, change, part)
        for step, change, (part,) in zip(steps, changes, pieces(steps, freed), strict=True)
    )


def _corrections(steps, changes, freed):
    turned = ops.nonzero(freed[0])[0]
    signs = ops.take(freed[0], turned)
    steps, changes = (
        ops.cast(ops.take(block, turned, axis=1), freed.dtype) for block in (steps, changes)
    )
    signed = changes * signs
    squares = ops.sum(changes * signed, axis=1)
    return ops.concatenate([ops.matmul(steps, ops.transpose(signed)), squares[None]])


def state(table, name, places) -> dict:
    """Some of the rows as arrays, by name; half the digits as whole numbers of 16 bits."""
    return {
        f"{name}/{number}/{place}": values.view("uint16") if values.itemsize == 2 else values
        for number, block in enumerate(table)
        for place in places
        for values in [to_numpy(block[place])]
    }


def restored(table, name, places, state):
    """The table with the rows that another, cut in whatever blocks, gave as its :func:`state`."""
    dtype = to_numpy(table[0][:0]).dtype
    for place in places:
        names = (f"{name}/{number}/{place}" for number in itertools.count())
        parts = [state[each].view(dtype) for each in itertools.takewhile(state.__contains__, names)]
        table = replaced(table, [place], to_tensor(np.concatenate(parts)[None], None))
    return table


def pieces(table, *rows):
    """For each block the columns of some rows, shape (k, size), that belong to it, one by one."""
    if len(table) == 1:
        return [rows]
    ends = list(itertools.accumulate(block.shape[1] for block in table))
    return (
        tuple(row[:, first:end] for row in rows) for first, end in itertools.pairwise([0, *ends])
    )
