"""The vectors that L-BFGS remembers, as rows of a table that may be kept in half the digits.

The table is kept in blocks of columns. A block takes the dtype of the arithmetic only while it is
worked with: the whole table is never there in it.
"""

from __future__ import annotations

import functools

from ..backend import compile_function, ops, replace_rows, to_numpy, to_tensor

__all__ = ["Rows", "corrections"]

_BLOCK = 2**18  # columns

_compiled = functools.partial(compile_function, any_shape=True)


class Rows:
    """Rows of numbers, zeros at first.

    Parameters
    ----------
    count : int
    size : int
        Numbers in a row.
    dtype : str
        Of the arithmetic, and of all that goes in and comes out.
    kept_in : str
        The dtype of the table itself.

    Examples
    --------
    >>> rows = Rows(2, 3, "float32", "bfloat16")
    >>> rows.replace([1], to_tensor([[1.0, 2.0, 4.0]]))
    >>> to_numpy(rows.weighted(to_tensor([5.0, 2.0]))).tolist()
    [2.0, 4.0, 8.0]
    """

    def __init__(self, count, size, dtype, kept_in):
        self._count, self._dtype = count, dtype
        self._spans = [
            (first, min(first + _BLOCK, size)) for first in range(0, max(size, 1), _BLOCK)
        ]
        self._blocks = [ops.zeros((count, last - first), kept_in) for first, last in self._spans]

    def __len__(self):
        return self._count

    @property
    def sample(self):
        """A tensor of the table's dtype: what is kept will be rounded to it."""
        return self._blocks[0][:0]

    def replace(self, places, vectors):
        """Put vectors, shape (k, size), in the rows of these k places."""
        for number, (first, last) in enumerate(self._spans):
            values = ops.cast(vectors[:, first:last], self._blocks[number].dtype)
            self._blocks[number] = replace_rows(self._blocks[number], places, values)

    def weighted(self, weights):
        """The weighted sum of all rows: shape (size,)."""
        sums = [_weighted(block, weights) for block in self._blocks]
        return sums[0] if len(sums) == 1 else ops.concatenate(sums)

    def products(self, vectors):
        """Inner products of vectors, shape (k, size), with all rows: shape (k, count)."""
        if len(self._blocks) == 1:  # a slice, and a sum of one, are calls of their own
            return _products(self._blocks[0], vectors)
        return sum(
            _products(block, vectors[:, first:last])
            for block, (first, last) in zip(self._blocks, self._spans, strict=True)
        )

    def state(self, name, places) -> dict:
        """Some of the rows as arrays, by name; half the digits as whole numbers of 16 bits."""
        return {
            f"{name}/{number}/{place}": values.view("uint16") if values.itemsize == 2 else values
            for number, block in enumerate(self._blocks)
            for place in places
            for values in [to_numpy(block[place])]
        }

    def restore(self, name, places, state):
        """Take up the same rows from what another gave as its :meth:`state`."""
        for number, block in enumerate(self._blocks):
            dtype = to_numpy(block[:0]).dtype
            for place in places:
                values = to_tensor(state[f"{name}/{number}/{place}"].view(dtype)[None], None)
                self._blocks[number] = replace_rows(self._blocks[number], [place], values)


@_compiled
def _weighted(block, weights):
    return ops.matmul(weights[None], ops.cast(block, weights.dtype))[0]


@_compiled
def _products(block, vectors):
    return ops.matmul(vectors, ops.transpose(ops.cast(block, vectors.dtype)))


def corrections(steps, changes, freed):
    """What variables change in products, as they come to count (1) or cease to (-1).

    Parameters
    ----------
    steps, changes : Rows
    freed : tensor, shape (size,)
        1, -1, or 0 where nothing turns.

    Returns
    -------
    tensor, shape (count + 1, count)
        Of each step with each change, and at last of each change with itself.
    """
    spans = [slice(None)] if len(steps._spans) == 1 else [slice(*span) for span in steps._spans]
    parts = [
        _corrections(step, change, freed if len(spans) == 1 else freed[span])
        for step, change, span in zip(steps._blocks, changes._blocks, spans, strict=True)
    ]
    return parts[0] if len(parts) == 1 else sum(parts)


@_compiled
def _corrections(steps, changes, freed):
    turned = ops.nonzero(freed)[0]
    signs = ops.take(freed, turned)
    steps, changes = (
        ops.cast(ops.take(block, turned, axis=1), freed.dtype) for block in (steps, changes)
    )
    signed = changes * signs
    squares = ops.sum(changes * signed, axis=1)
    return ops.concatenate([ops.matmul(steps, ops.transpose(signed)), squares[None]])
