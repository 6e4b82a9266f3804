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
from .rows import Rows, corrections
from .spectrum import Spectrum, filtered

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
        descent.image = descent._tensor(state["image"])
        descent._free = descent._tensor(state["free"])
        descent._touched = descent._tensor(state["touched"])
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
                if self._spectrum:
                    self._spectrum.restore({})
        self.image, self.evaluation, trial = found
        self._free = trial.free
        self._history.add(trial)
        self._touched = _touched(self.evaluation.gradient, self._touched)
        if self._spectrum:
            self._spectrum.add(trial.step, trial.change, trial.free)
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
            weights = np.zeros(len(history.steps))
            direction = times * ops.reshape(gradient * self._free, (-1,))
        else:
            guess = self._tensor(loops.gamma), *self._spectrum_of(loops)
            changes = history.changes.weighted(self._tensor(loops.changes))
            direction = _middle(gradient, self._free, self._touched, changes, *guess)
            products = to_numpy(history.changes.products(direction))[0]
            weights = loops.second(products.astype("float64"))
        steps = history.steps.weighted(self._tensor(weights))
        path, end, slope = _path(
            self.image, gradient, self._free, self._low, self._high, direction, steps
        )
        return path, end, float(slope)

    def _spectrum_of(self, loops):
        """What :func:`filtered` takes; nothing where there is one number for all waves."""
        if self._spectrum and loops.kept[-1] == self._history.order[-1]:
            return self._spectrum.guess(loops.product)
        return ()

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
        history = self._history
        slope, free, freed, step, change, free_step, both, own = _compared(
            path, self._free, self.image, image, self.evaluation.gradient, gradient,
            self._low, self._high, history.steps.sample,
        )  # fmt: skip
        return _Trial(
            slope, free, step, change, corrections(history.steps, history.changes, freed),
            history.steps.products(both), history.changes.products(free_step), own,
        )  # fmt: skip


class _History:
    """The last steps s and changes y of the gradient, and their inner products.

    Only free variables count in a product. Few become free or held in one step, so the products are
    kept and corrected for these: what is computed anew are those with the newest vectors.
    """

    def __init__(self, memory, size, dtype, kept_in):
        self.order: list[int] = []  # pairs in use, oldest first
        kept_in = dtype if kept_in == "float32" else kept_in
        self.steps = Rows(memory, size, dtype, kept_in)
        self.changes = Rows(memory, size, dtype, kept_in)
        self._memory = memory
        self._sy = np.zeros((memory, memory))  # of s_i with y_j
        self._yy = np.zeros(memory)  # of y_i with itself
        self._sg = np.zeros(memory)  # of s_i with the gradient
        self._ss = np.zeros(memory)  # of s_i with itself, when it was new

    def add(self, trial):
        """Put a step, and the change of the gradient, in the place of the oldest pair."""
        full = len(self.order) == self._memory
        new = self.order.pop(0) if full else len(self.order)
        self.order.append(new)
        self.steps.replace([new], trial.step)
        self.changes.replace([new], trial.change)
        correction = to_numpy(trial.correction)
        self._sy += correction[:-1]
        self._yy += correction[-1]
        self._sy[:, new], self._sg[:] = to_numpy(trial.steps_with)
        self._sy[new] = to_numpy(trial.changes_with)[0]
        self._sy[new, new], self._yy[new], self._sg[new], self._ss[new] = to_numpy(trial.own)

    def state(self) -> dict:
        """All that it remembers, by name."""
        return {
            "order": list(self.order),
            **self.steps.state("steps", self.order),
            **self.changes.state("changes", self.order),
            "sy": self._sy.copy(),
            "yy": self._yy.copy(),
            "sg": self._sg.copy(),
            "ss": self._ss.copy(),
        }

    def restore(self, state):
        """Remember what another gave as its :meth:`state`."""
        self.order = list(state["order"])
        self.steps.restore("steps", self.order, state)
        self.changes.restore("changes", self.order, state)
        self._sy, self._yy, self._sg, self._ss = (
            np.array(state[name]) for name in ("sy", "yy", "sg", "ss")
        )

    def recursion(self):
        """The two-loop recursion up to its middle; None without curvature."""
        if not self.order:
            return None
        return _Recursion.begun(self._sy, self._yy, self._sg, self._ss, self.order)


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
    step, change : the step s and the gradient's change y, each of shape (1, size)
    correction : what variables that were freed or held change in the products that are kept
    steps_with : products of y and of the new gradient with each s_i
    changes_with : products of s with each y_i
    own : products s y, y y, s g and s s
    """

    slope: object
    free: object
    step: object
    change: object
    correction: object
    steps_with: object
    changes_with: object
    own: object


@_compiled
def _compared(path, free, before, after, gradient, gradient_after, low, high, sample):
    """A trial point beside the one where the search began.

    Returns the slope at the point; what is free there; 1 where freed, -1 where held, else 0; the
    step and the gradient's change; where variables are free, the step, and in two rows change and
    gradient; and the products s y, y y, s g and s s of these.
    """
    free_after = _free(after, gradient_after, low, high)
    # The products are those of what will be remembered, rounding included: an estimate from
    # rounded pairs still has positive curvature.
    step, change = (
        ops.reshape(ops.cast(ops.cast(each, sample.dtype), path.dtype), (1, -1))
        for each in (after - before, gradient_after - gradient)
    )
    counted = ops.reshape(free_after, (1, -1))
    both = ops.concatenate([change, ops.reshape(gradient_after, (1, -1))]) * counted
    sy, sg = ops.unstack(ops.matmul(both, ops.transpose(step))[:, 0], 2)
    own = ops.stack([sy, ops.sum(change * both[:1]), sg, ops.sum(ops.square(step) * counted)])
    freed = ops.reshape(free_after - free, (-1,))
    slope = ops.sum(gradient_after * path)
    return slope, free_after, freed, step, change, step * counted, both, own


@_compiled
def _length_to_bounds(image, path, low, high):
    """How many times its length a path stays within the bounds."""
    room = ops.where(path > 0, high - image, image - low)
    return ops.min(ops.where(path == 0, math.inf, room / ops.maximum(ops.abs(path), 1e-30)))


class _Recursion(NamedTuple):
    """Nocedal & Wright's algorithm 7.4 on inner products instead of on vectors.

    It only ever adds multiples of s_i and y_i to a vector, so it needs only the products of that
    vector with these.

    Attributes
    ----------
    kept : pairs of use, oldest first
    sy : products of steps and changes
    alpha : of the first loop
    product, gamma : s y of the newest pair, and divided by y y: equation 7.20
    """

    kept: list
    sy: np.ndarray
    alpha: np.ndarray
    product: float
    gamma: float

    @classmethod
    def begun(cls, sy, yy, sg, ss, order):
        """Run the first loop. None if no pair is of use."""
        # A pair without positive curvature among the free variables would spoil the estimate.
        # Measured by the lengths of both: whatever the unit of the loss.
        kept = [i for i in order if sy[i, i] > 1e-8 * math.sqrt(ss[i] * max(0.0, yy[i])) > 0]
        if not kept:
            return None
        alpha = np.zeros(len(sg))
        for i in reversed(kept):
            alpha[i] = (sg[i] - sy[i] @ alpha) / sy[i, i]
        newest = kept[-1]
        product = sy[newest, newest]
        return cls(kept, sy, alpha, product, product / yy[newest])

    @property
    def changes(self):
        """Weights of the y_i: q, in the middle, is g plus their sum."""
        return -self.alpha

    def second(self, yr):
        """Run the second loop, from the products of the y_i with the vector in the middle.

        Returns the weights of the s_i, whose sum is to be added to that vector.
        """
        a = np.zeros(len(self.alpha))
        for i in self.kept:
            a[i] = self.alpha[i] - (yr[i] + self.sy[:, i] @ a) / self.sy[i, i]
        return a


@_compiled
def _middle(gradient, free, touched, changes, gamma, *spectrum):
    """Between the loops: the first guess of the inverse Hessian, applied to q; a row."""
    # What the objective has never asked to move, behind a mask, shall not move along.
    free = ops.reshape(free * touched, (-1,))
    q = (ops.reshape(gradient, (-1,)) + changes) * free
    guessed = filtered(q, *spectrum) if spectrum else gamma * q
    return ops.reshape(guessed * free, (1, -1))


@_compiled
def _path(image, gradient, free, low, high, direction, steps):
    """The path to where -H g leads, cut off at the bounds; where it ends; its slope."""
    summed = ops.reshape(direction + steps, ops.shape(image))
    end = ops.clip(image - free * summed, low, high)
    path = end - image
    return path, end, ops.sum(gradient * path)
