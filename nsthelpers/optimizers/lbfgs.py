"""A descent by limited-memory BFGS with bounds, whose history stays on the device.

Only the inner products between the remembered vectors, a few hundred numbers, come to the host,
where the two-loop recursion runs on them in float64. Between its loops stands a first guess of the
inverse Hessian, one number for each octave of spatial frequency. Pixels at a bound that want to go
beyond it are held there, the others move, and a strong-Wolfe line search chooses how far.
"""

from __future__ import annotations

import functools
import math
import numbers
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arguments import check_choice
from ..backend import PRECISIONS, compile_function, ops, to_numpy, to_tensor
from .base import Optimizer, check_bounds
from .line_search import search
from .rows import Rows
from .spectrum import Spectrum

__all__ = ["LBFGS", "LBFGSDescent"]

_compiled = functools.partial(compile_function, any_shape=True)


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS with bounds: learns the curvature from the steps it has made.

    A step takes one or a few evaluations of the objective, and never makes the loss larger.

    Parameters
    ----------
    memory : int, default 20
        How many steps are remembered.
    first_step : float, default 0.05
        Root mean square change of a pixel in the first trial step, when no curvature is known.
    max_evaluations : int, default 20
        Of the objective in one line search, at most.
    by_octave : bool, default True
        Whether the curvature that no remembered step tells of is taken to be another for coarse and
        fine waves of an image, and for its brightness and its colours (see ``spectrum.py``).
        ``False``: one number, as in the textbook. Only for images of three colours.
    tolerance : float, default 1e-9
        Converged when five steps together lower the loss by less than this part of it.
    bounds : (float, float) or None, default (0, 1)
    history : {"float32", "bfloat16"}, default "float32"
        What the remembered steps are kept in. "float32" is as exact as the image (also one of
        float64); "bfloat16" takes half the memory. Sums over them are float32 in either case.

    Raises
    ------
    ValueError
        For settings out of range.

    Notes
    -----
    What is kept are two vectors for each remembered step: 480 bytes for each pixel with the default
    settings, 8 GB at 4096 x 4096; 240 in bfloat16. A vector is rounded before its products are
    formed, so that the curvature is that of the vectors as they are kept, and a column of them is
    float32 only while it is worked with.

    Loss after 50, 100 and 150 steps of ``nst.stylize("chelsea", "swirling_night", max_side=192,
    scales=None, steps=150, seed=0, precision="float32")``, one run each; it began at 4.033:

    ==================  ======  ======  ======
    history             50      100     150
    ==================  ======  ======  ======
    float32, 20 steps   1.1241  1.0724  1.0564
    bfloat16, 20 steps  1.1250  1.0747  1.0593
    float32, 10 steps   1.1281  1.0751  1.0581
    bfloat16, 10 steps  1.1284  1.0763  1.0598
    float32, 5 steps    1.1370  1.0790  1.0608
    bfloat16, 5 steps   1.1413  1.0831  1.0639
    ==================  ======  ======  ======

    References
    ----------
    Nocedal & Wright (2006), "Numerical Optimization", algorithms 7.4 and 3.5; Bertsekas (1982),
    "Projected Newton methods", SIAM J. Control Optim. 20; Chen, Wang & Zhou (2014), "Large-scale
    L-BFGS using MapReduce", for the recursion on inner products.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from nsthelpers.backend import ops
    >>> def parabola(x):
    ...     return SimpleNamespace(loss=float(ops.sum((x - 0.3) ** 2)), gradient=2 * (x - 0.3))
    >>> descent = LBFGS().start(parabola, np.ones(4, "float32"))
    >>> while descent.step():
    ...     pass
    >>> [round(float(value), 4) for value in descent.image]
    [0.3, 0.3, 0.3, 0.3]
    """

    memory: int = 20
    first_step: float = 0.05
    max_evaluations: int = 20
    by_octave: bool = True
    tolerance: float = 1e-9
    bounds: tuple[float, float] | None = (0.0, 1.0)
    history: str = "float32"

    def __post_init__(self):
        for name, least in (("memory", 1), ("max_evaluations", 2)):
            value = getattr(self, name)
            if not isinstance(value, numbers.Integral) or value < least:
                raise ValueError(
                    f"{name} is {value!r}; expected a whole number of at least {least}"
                )
        if not (self.first_step > 0 and math.isfinite(self.first_step)):
            raise ValueError(f"first_step is {self.first_step}; expected a positive number")
        if not (self.tolerance >= 0 and math.isfinite(self.tolerance)):
            raise ValueError(f"tolerance is {self.tolerance}; expected a number of at least 0")
        check_bounds(self.bounds)
        check_choice("history", self.history, PRECISIONS)

    def start(self, evaluate, image):
        return LBFGSDescent(self, evaluate, image)

    def resume(self, evaluate, state, evaluation):
        return LBFGSDescent.resumed(self, evaluate, state, evaluation)


class LBFGSDescent:
    """What :meth:`LBFGS.start` begins; its docstring names the sources.

    Parameters
    ----------
    settings : LBFGS
    evaluate : callable
        Of a tensor of the image's shape; returns what has ``loss`` and ``gradient``.
    image : array, float32 or float64, any shape
        The arithmetic is done in its dtype (float32 for any other).
    evaluation : object, optional
        What ``evaluate`` returned for the image before; default: it is asked.

    Attributes
    ----------
    image : tensor
        The current image, of the shape of the first.
    evaluation : object
        What ``evaluate`` returned for it.
    """

    def __init__(self, settings, evaluate, image, evaluation=None):
        self._settings, self._evaluate = settings, evaluate
        image = np.asarray(image)
        dtype = "float64" if image.dtype == "float64" else "float32"
        low, high = settings.bounds or (-math.inf, math.inf)
        self._low, self._high = to_tensor(low, dtype), to_tensor(high, dtype)
        self.image = ops.clip(to_tensor(image, dtype), self._low, self._high)
        self._history = _History(settings.memory, image.size, dtype, settings.history)
        pixels = image.shape[-3:-1] if image.ndim == 4 and image.shape[::3] == (1, 3) else ()
        self._spectrum = Spectrum(*pixels, dtype) if pixels and settings.by_octave else None
        self._recent: list[float] = []  # losses of the last steps
        self.evaluation = evaluate(self.image) if evaluation is None else evaluation
        self._free = _free(self.image, self.evaluation.gradient, self._low, self._high)
        self._touched = _touched(self.evaluation.gradient, ops.zeros_like(self.image))

    @classmethod
    def resumed(cls, settings, evaluate, state, evaluation):
        """A descent as it was when it gave its :meth:`state`."""
        descent = cls(settings, evaluate, state["image"], evaluation)
        for name in ("image", "free", "touched"):
            attribute = name if name == "image" else f"_{name}"
            setattr(descent, attribute, descent._tensor(state[name]))
        descent._recent = list(state["recent"])
        descent._history.restore(state)
        if descent._spectrum:
            descent._spectrum.restore(state)
        return descent

    def state(self) -> dict:
        """All that decides its further steps, the evaluation apart: arrays and plain data."""
        return {
            "image": to_numpy(self.image),
            "free": to_numpy(self._free),
            "touched": to_numpy(self._touched),
            "recent": self._recent,
            **self._history.state(),
            **(self._spectrum.state() if self._spectrum else {}),
        }

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
            path, end, slope = self._direction()
            if not math.isfinite(slope):
                raise FloatingPointError("the gradient holds NaN or infinite values")
            if slope < 0:
                found = self._search(path, end, slope)
            if found is None:
                # Not even a small step along the remembered curvature helps. In coarse arithmetic
                # that is the rounding's fault; else forget the curvature, and only give up when the
                # plain gradient does not help either.
                if not self._history.order or not getattr(self.evaluation, "exact", True):
                    return False
                self._history.order.clear()
        self.image, self.evaluation, trial = found
        self._free = trial.free
        self._history.add(trial)
        self._touched = _touched(self.evaluation.gradient, self._touched)
        if self._spectrum:
            self._spectrum.add(trial.pair * ops.reshape(trial.free, (1, -1)))
        self._recent = [*self._recent[-5:], self.evaluation.loss]
        fall = self._recent[0] - self._recent[-1]
        return len(self._recent) < 6 or fall > self._settings.tolerance * abs(self._recent[0])

    def _direction(self):
        """The straight path to try, where it ends, and its slope."""
        history, gradient = self._history, self.evaluation.gradient
        loops = history.recursion()
        if loops is None:  # no curvature is known
            rms = float(ops.sqrt(ops.mean(ops.square(gradient * self._free))))
            times = self._settings.first_step / rms if rms else 0.0
            weights = np.zeros(len(history.rows))
            direction = times * ops.reshape(gradient * self._free, (-1,))
        else:
            # What the objective has never asked to move, behind a mask, shall not move along.
            free = self._free * self._touched
            changes = history.rows.weighted(self._tensor(loops.changes))
            direction = _combined(gradient, free, changes)
            if self._spectrum and loops.kept[-1] == history.order[-1]:
                direction = self._spectrum.applied(direction, loops.product)
            else:
                direction = direction * self._tensor(loops.gamma)
            direction = direction * ops.reshape(free, (-1,))
            products = to_numpy(history.rows.products(direction[None]))[0]
            weights = loops.second(products.astype("float64"))
        steps = history.rows.weighted(self._tensor(weights))
        path, end, slope = _path(
            self.image, gradient, self._free, self._low, self._high, direction, steps
        )
        return path, end, float(slope)

    def _tensor(self, numbers):
        return to_tensor(numbers, self.image.dtype)

    def _search(self, path, end, slope):
        seen = {}

        def along(length):
            if length == 1.0:
                image = end
            else:
                times = to_tensor(length, path.dtype)
                image = _along(self.image, path, times, self._low, self._high)
            evaluation = self._evaluate(image)
            trial = self._compared(image, path, evaluation.gradient)
            if evaluation.loss <= self.evaluation.loss:  # no other can be chosen
                seen[length] = image, evaluation, trial
            return evaluation.loss, float(trial.slope)

        def longest():
            return float(_length_to_bounds(self.image, path, self._low, self._high))

        evaluations = self._settings.max_evaluations
        length = search(along, self.evaluation.loss, slope, 1.0, longest, evaluations)
        return None if length is None else seen[length]

    def _compared(self, image, path, gradient):
        """A trial point beside the point where the search began."""
        rows = self._history.rows
        slope, free, freed, pair, newest, with_pair = _compared(
            path, self._free, self.image, image, self.evaluation.gradient, gradient,
            self._low, self._high, rows.sample,
        )  # fmt: skip
        return _Trial(slope, free, pair, rows.correction(freed), rows.products(newest), with_pair)


class _History:
    """The last steps s and changes y of the gradient, and their inner products.

    Only free variables count in a product. Few become free or held in one step, so the products are
    kept and corrected for these: what is computed anew are those with the newest vectors.
    """

    def __init__(self, memory, size, dtype, kept_in):
        self.order: list[int] = []  # pairs in use, oldest first
        kept_in = dtype if kept_in == "float32" else kept_in
        self.rows = Rows(2 * memory, size, dtype, kept_in)  # s_i in row i, y_i in row memory + i
        self._memory = memory
        self._with_changes = np.zeros((2 * memory, memory))  # of every row with every y_i
        self._with_gradient = np.zeros(2 * memory)

    def add(self, trial):
        """Put a step, and the change of the gradient, in the place of the oldest pair."""
        full = len(self.order) == self._memory
        new = self.order.pop(0) if full else len(self.order)
        self.order.append(new)
        places = new, self._memory + new
        self.rows.replace(places, trial.pair)
        products = to_numpy(trial.with_rows).astype("float64")
        products[:, places] = to_numpy(trial.with_pair)
        of_step, of_change, self._with_gradient = products
        self._with_changes += to_numpy(trial.correction)
        self._with_changes[:, new] = of_change
        self._with_changes[new] = of_step[self._memory :]
        self._with_changes[self._memory + new] = of_change[self._memory :]

    def state(self) -> dict:
        """All that it remembers, by name."""
        return {
            "order": list(self.order),
            **self.rows.state(self._in_use()),
            "with_changes": self._with_changes.copy(),
            "with_gradient": self._with_gradient.copy(),
        }

    def restore(self, state):
        """Remember what another gave as its :meth:`state`."""
        self.order = list(state["order"])
        self.rows.restore(self._in_use(), state)
        self._with_changes = np.array(state["with_changes"])
        self._with_gradient = np.array(state["with_gradient"])

    def _in_use(self):
        return [*self.order, *(self._memory + place for place in self.order)]

    def recursion(self):
        """The two-loop recursion up to its middle; None without curvature."""
        if not self.order:
            return None
        sy, yy = np.split(self._with_changes, 2)
        sg, _ = np.split(self._with_gradient, 2)
        return _Recursion.begun(sy, np.diagonal(yy), sg, self.order)


@_compiled
def _free(image, gradient, low, high):
    """1 where a variable may move, 0 where it sits at a bound that it wants to cross."""
    held = ops.logical_or(
        ops.logical_and(image <= low, gradient > 0), ops.logical_and(image >= high, gradient < 0)
    )
    return ops.cast(ops.logical_not(held), image.dtype)


@_compiled
def _touched(gradient, before):
    """1 where some gradient so far was not zero."""
    return ops.maximum(before, ops.cast(gradient != 0, before.dtype))


@_compiled
def _along(image, path, length, low, high):
    return ops.clip(image + length * path, low, high)


class _Trial(NamedTuple):
    """What a line search asks of a trial point, and what is remembered if it is chosen.

    Attributes
    ----------
    slope : of the path at the point
    free : 1 where a variable may move on from there, 0 where it is held
    pair : the step s and the gradient's change y, in two rows
    correction : what variables that were freed or held change in the products of rows and y_i
    with_rows : products of s, y and the new gradient with the remembered rows
    with_pair : the same with s and y
    """

    slope: object
    free: object
    pair: object
    correction: object
    with_rows: object
    with_pair: object


@_compiled
def _compared(path, free, before, after, gradient, gradient_after, low, high, sample):
    """A trial point beside the one where the search began.

    Returns the slope at the point; what is free there; 1 where freed, -1 where held, else 0; the
    step and the gradient's change in two rows; these and the gradient, where variables are free, in
    three; and the products of the three with the two.
    """
    free_after = _free(after, gradient_after, low, high)
    pair = ops.reshape(ops.stack([after - before, gradient_after - gradient]), (2, -1))
    # The products are those of what will be remembered, rounding included: an estimate from
    # rounded pairs still has positive curvature.
    pair = ops.cast(ops.cast(pair, sample.dtype), pair.dtype)
    newest = ops.concatenate([pair, ops.reshape(gradient_after, (1, -1))])
    newest *= ops.reshape(free_after, (1, -1))
    freed = ops.reshape(free_after - free, (-1,))
    slope = ops.sum(gradient_after * path)
    return slope, free_after, freed, pair, newest, ops.matmul(newest, ops.transpose(pair))


@_compiled
def _length_to_bounds(image, path, low, high):
    """How many times its length a path stays within the bounds."""
    room = ops.where(path > 0, high - image, image - low)
    return ops.min(ops.where(path == 0, math.inf, room / ops.maximum(ops.abs(path), 1e-30)))


class _Recursion(NamedTuple):
    """Nocedal & Wright's algorithm 7.4 on inner products instead of on vectors.

    It only ever adds multiples of s_i and y_i to a vector, so it needs only the products of that
    vector with these. The weights are those of all rows, steps first.

    Attributes
    ----------
    kept : pairs of use, oldest first
    sy : products of steps and changes
    alpha : of the first loop
    changes : weights with which q, in the middle, is g + sum of rows
    product, gamma : s y of the newest pair, and divided by y y: equation 7.20
    """

    kept: list
    sy: np.ndarray
    alpha: np.ndarray
    changes: np.ndarray
    product: float
    gamma: float

    @classmethod
    def begun(cls, sy, yy, sg, order):
        """Run the first loop. None if no pair is of use."""
        # A pair without positive curvature among the free variables would spoil the estimate.
        kept = [i for i in order if sy[i, i] > 1e-10 * yy[i] > 0]
        if not kept:
            return None
        alpha = np.zeros(len(sg))
        for i in reversed(kept):
            alpha[i] = (sg[i] - sy[i] @ alpha) / sy[i, i]
        newest = kept[-1]
        product = sy[newest, newest]
        changes = np.concatenate([np.zeros_like(alpha), -alpha])
        return cls(kept, sy, alpha, changes, product, product / yy[newest])

    def second(self, products):
        """Run the second loop, from the products of all rows with the vector in the middle."""
        a, yr = np.zeros(len(self.alpha)), products[len(self.alpha) :]
        for i in self.kept:
            a[i] = self.alpha[i] - (yr[i] + self.sy[:, i] @ a) / self.sy[i, i]
        return np.concatenate([a, np.zeros_like(a)])


@_compiled
def _combined(gradient, free, changes):
    """The gradient and a sum of remembered changes, where variables are free."""
    return (ops.reshape(gradient, (-1,)) + changes) * ops.reshape(free, (-1,))


@_compiled
def _path(image, gradient, free, low, high, direction, steps):
    """The path to where -H g leads, cut off at the bounds; where it ends; its slope."""
    summed = ops.reshape(direction + steps, ops.shape(image))
    end = ops.clip(image - free * summed, low, high)
    path = end - image
    return path, end, ops.sum(gradient * path)
