"""A descent by limited-memory BFGS with bounds, whose history stays on the device.

Only the inner products between the remembered vectors, a few hundred numbers, come to the host,
where the two-loop recursion runs on them in float64. Pixels at a bound that want to go beyond it
are held there, the others move, and a strong-Wolfe line search chooses how far.
"""

from __future__ import annotations

import math

import numpy as np

from .backend import compile_function, ops, to_numpy, to_tensor, variable
from .linesearch import search

__all__ = ["LBFGSDescent"]

# The history is kept in pieces that fit a processor's cache: products of two histories, each far
# longer than wide, are several times quicker by pieces (benchmarks/optimizer_cost.py).
_CHUNK = 4096


class LBFGSDescent:
    """What :meth:`nsthelpers.optimizers.LBFGS.start` begins; its docstring names the sources.

    Parameters
    ----------
    settings : LBFGS
    evaluate : callable
        Of a tensor of the image's shape; returns what has ``loss`` and ``gradient``.
    image : array, float32 or float64, any shape
        The arithmetic is done in its dtype (float32 for any other).

    Attributes
    ----------
    image : tensor
        The current image, of the shape of the first.
    evaluation : object
        What ``evaluate`` returned for it.
    """

    def __init__(self, settings, evaluate, image):
        self._settings, self._evaluate_shaped = settings, evaluate
        image = np.asarray(image)
        self._shape, dtype = image.shape, "float64" if image.dtype == "float64" else "float32"
        low, high = settings.bounds or (-math.inf, math.inf)
        self._low, self._high = to_tensor(low, dtype), to_tensor(high, dtype)
        self._point = self._clipped(to_tensor(image.reshape(-1), dtype))
        chunks = math.ceil(image.size / _CHUNK)
        history = np.zeros((chunks, settings.memory, math.ceil(image.size / chunks)), dtype)
        self._steps = variable(history)  # s_i at [:, i]
        self._changes = variable(history)  # y_i at [:, i]
        self._order: list[int] = []  # rows in use, oldest first
        self._recent: list[float] = []  # losses of the last steps
        self.evaluation, self._gradient = self._evaluate(self._point)

    @property
    def image(self):
        return ops.reshape(self._point, self._shape)

    def step(self) -> bool:
        """Move to a lower point.

        Returns
        -------
        bool
            False if there is none, or the losses have stopped falling.

        Raises
        ------
        FloatingPointError
            If the gradient is not finite.
        """
        found = None
        while found is None:
            path, slope, longest = self._direction()
            if not math.isfinite(slope):
                raise FloatingPointError("the gradient holds NaN or infinite values")
            if slope < 0:
                found = self._search(path, slope, longest)
            if found is None:
                # Not even a small step along the remembered curvature helps: forget it, and only
                # give up when the plain gradient does not help either.
                if not self._order:
                    return False
                self._order.clear()
        point, (evaluation, gradient) = found
        self._remember(point - self._point, gradient - self._gradient)
        self._point, self.evaluation, self._gradient = point, evaluation, gradient
        self._recent = [*self._recent[-5:], evaluation.loss]
        fall = self._recent[0] - self._recent[-1]
        return len(self._recent) < 6 or fall > self._settings.tolerance * abs(self._recent[0])

    def _direction(self):
        """The straight path to try, its slope, and how many times its length stays in bounds."""
        free = _free(self._point, self._gradient, self._low, self._high)
        weights = None
        if self._order:
            products = _products(self._steps, self._changes, self._gradient, free)
            weights = _two_loop(*(to_numpy(p).astype("float64") for p in products), self._order)
        if weights is None:  # no curvature is known
            rms = float(ops.sqrt(ops.mean(ops.square(self._gradient * free))))
            zeros = np.zeros(self._settings.memory)
            weights = self._settings.first_step / rms if rms else 0.0, zeros, zeros
        weights = [to_tensor(weight, self._point.dtype) for weight in weights]
        path, slope, longest = _path(
            self._point, self._gradient, free, self._low, self._high,
            self._steps, self._changes, *weights,
        )  # fmt: skip
        return path, float(slope), float(longest)

    def _search(self, path, slope, longest):
        seen = {}

        def along(length):
            point = self._clipped(self._point + length * path)
            seen[length] = point, self._evaluate(point)
            evaluation, gradient = seen[length][1]
            return evaluation.loss, float(ops.sum(gradient * path))

        evaluations = self._settings.max_evaluations
        length = search(along, self.evaluation.loss, slope, 1.0, longest, evaluations)
        return None if length is None else seen[length]

    def _evaluate(self, point):
        evaluation = self._evaluate_shaped(ops.reshape(point, self._shape))
        return evaluation, ops.reshape(evaluation.gradient, (-1,))

    def _clipped(self, point):
        return ops.clip(point, self._low, self._high)

    def _remember(self, step, change):
        full = len(self._order) == self._settings.memory
        row = self._order.pop(0) if full else len(self._order)
        self._order.append(row)
        chunks = self._steps.shape[0]
        self._steps[:, row].assign(_in_chunks(step, chunks))
        self._changes[:, row].assign(_in_chunks(change, chunks))


def _free(point, gradient, low, high):
    """1 where a variable may move, 0 where it sits at a bound that it wants to cross."""
    held = ops.logical_or(
        ops.logical_and(point <= low, gradient > 0), ops.logical_and(point >= high, gradient < 0)
    )
    return ops.cast(ops.logical_not(held), point.dtype)


def _in_chunks(vector, chunks):
    """A vector as rows of equal length, filled up with zeros."""
    missing = -vector.shape[0] % chunks
    return ops.reshape(ops.pad(vector, (0, missing)), (chunks, -1))


@compile_function
def _products(steps, changes, gradient, free):
    """Inner products over the free variables: s.y, y.y, s.g, y.g."""
    chunks = steps.shape[0]
    gradient = _in_chunks(gradient * free, chunks)[:, :, None]
    changes = changes * _in_chunks(free, chunks)[:, None]
    pairs = [(steps, ops.swapaxes(changes, 1, 2)), (changes, ops.swapaxes(changes, 1, 2))]
    sy, yy = (ops.sum(ops.matmul(left, right), axis=0) for left, right in pairs)
    sg, yg = (ops.sum(ops.matmul(left, gradient), axis=0)[:, 0] for left in (steps, changes))
    return sy, yy, sg, yg


def _two_loop(sy, yy, sg, yg, order):
    """The two-loop recursion in coordinates: H g = gamma g + sum a_i s_i + sum b_i y_i.

    Nocedal & Wright's algorithm 7.4 only ever adds multiples of g, s_i and y_i, so it can run on
    their inner products instead of on vectors as long as the image. Returns gamma, a and b, or None
    if no remembered pair is of use.
    """
    # A pair without positive curvature among the free variables would spoil the estimate.
    kept = [i for i in order if sy[i, i] > 1e-10 * yy[i, i] > 0]
    if not kept:
        return None
    a, b = np.zeros(len(sg)), np.zeros(len(sg))
    alpha = {}
    for i in reversed(kept):
        alpha[i] = (sg[i] + sy[i] @ b) / sy[i, i]
        b[i] = -alpha[i]
    newest = kept[-1]
    gamma = sy[newest, newest] / yy[newest, newest]
    b *= gamma
    for i in kept:
        beta = (gamma * yg[i] + yy[i] @ b + sy[:, i] @ a) / sy[i, i]
        a[i] = alpha[i] - beta
    return gamma, a, b


@compile_function
def _path(point, gradient, free, low, high, steps, changes, gamma, a, b):
    """The path to where -H g leads, cut off at the bounds; its slope; its longest multiple."""
    learned = ops.reshape(ops.matmul(a[None], steps) + ops.matmul(b[None], changes), (-1,))
    move = gamma * gradient + learned[: gradient.shape[0]]
    path = ops.clip(point - free * move, low, high) - point
    slope = ops.sum(gradient * path)
    room = ops.where(path > 0, high - point, point - low)
    ratio = ops.where(path == 0, math.inf, room / ops.maximum(ops.abs(path), 1e-30))
    return path, slope, ops.min(ratio)
