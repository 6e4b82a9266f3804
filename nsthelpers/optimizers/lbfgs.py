"""A descent by limited-memory BFGS with bounds, whose history stays on the device.

Only the inner products between the remembered vectors, a few hundred numbers, come to the host,
where the two-loop recursion runs on them in float64. Between its loops stands a first guess of the
inverse Hessian, one number for each octave of spatial frequency. Pixels at a bound that want to go
beyond it are held there, the others move, and a strong-Wolfe line search chooses how far.

After an evaluation nothing is in the caches, and a call into the framework costs as much as all
its arithmetic on a small image. So a step makes two: one for the path, one to compare its end.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arguments import check_choice
from ..backend import PRECISIONS, compile_small_function, ops, to_numpy, to_tensor
from .base import Optimizer, check_bounds
from .line_search import search
from .rows import corrections, pieces, products, replaced, restored, row_of, state, weighted, zeros
from .spectrum import Spectrum, energies, filtered

__all__ = ["LBFGS", "LBFGSDescent"]


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
    What is kept are two vectors for each remembered step and for a trial point: 504 bytes for each
    pixel with the default settings, 8.5 GB at 4096 x 4096; 252 in bfloat16. A vector is rounded
    before its products are formed, so that the curvature is that of the vectors as they are kept,
    and a column of them is float32 only while it is worked with.

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
    L-BFGS using MapReduce", for the recursion on inner products; Byrd, Nocedal & Schnabel (1994),
    "Representations of quasi-Newton matrices", Math. Program. 63, for its loops as equations.

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
        gradient = self.evaluation.gradient
        self._free = _free(self.image, gradient, self._low, self._high)
        self._touched = gradient != 0  # where some gradient so far was not zero

    @classmethod
    def resumed(cls, settings, evaluate, state, evaluation):
        """A descent as it was when it gave its :meth:`state`."""
        descent = cls(settings, evaluate, state["image"], evaluation)
        descent.image = descent._tensor(state["image"])
        # Earlier versions kept them as numbers, 0 and 1.
        descent._free = to_tensor(state["free"], "bool")
        descent._touched = to_tensor(state["touched"], "bool")
        descent._recent = list(state["recent"])
        descent._history.restore(state)
        if descent._spectrum:
            descent._spectrum.restore(state)
        return descent

    def state(self) -> dict:
        """All that decides its further steps, the evaluation apart: arrays and plain data."""
        return {
            "image": to_numpy(self.image),
            "free": to_numpy(self._free).astype("uint8"),
            "touched": to_numpy(self._touched).astype("uint8"),
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
                self._history.forget()
                if self._spectrum:
                    self._spectrum.restore({})
        self.image, self.evaluation, trial = found
        self._free, self._touched = trial.free, trial.touched
        self._history.add(trial)
        if self._spectrum:
            self._spectrum.add(trial.energies)
        self._recent = [*self._recent[-5:], self.evaluation.loss]
        fall = self._recent[0] - self._recent[-1]
        return len(self._recent) < 6 or fall > self._settings.tolerance * abs(self._recent[0])

    def _direction(self):
        """The straight path to try, where it ends, and its slope."""
        history, spectrum = self._history, self._spectrum
        here = self.image, self.evaluation.gradient, self._free, self._low, self._high
        loops = history.recursion()
        if loops is None:  # no curvature is known
            path, end, slope = _steepest(*here, np.array(self._settings.first_step))
        else:
            gains, basis = np.array(loops.gamma), ()
            if spectrum and loops.kept[-1] == history.order[-1]:
                gains, basis = spectrum.guess(loops.product), spectrum.basis
            path, end, slope = history.compiled(_quasi_newton)(
                *here, self._touched, loops.alpha, loops.weights, loops.back, gains, basis,
                history.steps, history.changes,
            )  # fmt: skip
        return path, end, float(slope)

    def _tensor(self, numbers):
        return to_tensor(numbers, self.image.dtype)

    def _search(self, path, end, slope):
        seen, tried = {}, []

        def at(length):
            if length == 1.0:
                return end
            return _along(self.image, path, self._tensor(length), self._low, self._high)

        def along(length):
            image = at(length)
            evaluation = self._evaluate(image)
            trial = self._compared(image, path, evaluation.gradient)
            tried.append(length)
            if evaluation.loss <= self.evaluation.loss:  # no other can be chosen
                seen[length] = evaluation, trial
            return evaluation.loss, float(trial.slope)

        def longest():
            return float(_length_to_bounds(self.image, path, self._low, self._high))

        evaluations = self._settings.max_evaluations
        length = search(along, self.evaluation.loss, slope, 1.0, longest, evaluations)
        if length is None:
            return None
        image, (evaluation, trial) = at(length), seen[length]
        if length != tried[-1]:  # another stands in the spare row by now
            trial = self._compared(image, path, evaluation.gradient)
        return image, evaluation, trial

    def _compared(self, image, path, gradient):
        """A trial point beside the point where the search began; it is put in the spare row."""
        history, basis = self._history, self._spectrum.basis if self._spectrum else ()
        trial, history.steps, history.changes = history.compiled(_compared)(
            path, self._free, self._touched, self.image, image, self.evaluation.gradient, gradient,
            self._low, self._high, np.array([history.spare]), basis,
            history.steps, history.changes,
        )  # fmt: skip
        return trial


class _History:
    """The last steps s and changes y of the gradient, and their inner products.

    Only free variables count in a product. Few become free or held in one step, so the products are
    kept and corrected for these: what is computed anew are those with the newest vectors. Of the
    rows of both tables one is spare: a trial point is put there, and kept if it is chosen.
    """

    def __init__(self, memory, size, dtype, kept_in):
        self.order: list[int] = []  # pairs in use, oldest first
        kept_in = dtype if kept_in == "float32" else kept_in
        self.steps, self.changes = (zeros(memory + 1, size, dtype, kept_in) for _ in range(2))
        self._memory, self._size = memory, size
        self._sy = np.zeros((memory + 1, memory + 1))  # of s_i with y_j
        self._yy = np.zeros(memory + 1)  # of y_i with itself
        self._sg = np.zeros(memory + 1)  # of s_i with the gradient
        self._ss = np.zeros(memory + 1)  # of s_i with itself, when it was new

    @property
    def spare(self) -> int:
        """The row that holds no pair in use."""
        return next(row for row in range(self._memory + 1) if row not in self.order)

    def compiled(self, function):
        """The function of tables, compiled where they are one block each.

        A compiled one would work with all blocks of a table at once.
        """
        return function if len(self.steps) == 1 else function.__wrapped__

    def add(self, trial):
        """Take the pair in the spare row into use, and the oldest out of it where they are full."""
        new = self.spare
        self.order = [*self.order, new][-self._memory :]
        correction = to_numpy(trial.correction)
        self._sy += correction[:-1]
        self._yy += correction[-1]
        with_step, self._sy[:, new], self._sg[:] = to_numpy(trial.steps_with)
        self._sy[new], with_change = to_numpy(trial.changes_with)
        self._ss[new], self._yy[new] = with_step[new], with_change[new]

    def forget(self):
        """Use no pair any more, nor what a trial point, perhaps not finite, left in its row."""
        blank = ops.zeros((1, self._size), "float32")
        self.steps, self.changes = (
            replaced(table, [self.spare], blank) for table in (self.steps, self.changes)
        )
        self.order = []

    def state(self) -> dict:
        """All that it remembers, by name."""
        return {
            "order": list(self.order),
            **state(self.steps, "steps", self.order),
            **state(self.changes, "changes", self.order),
            "sy": self._sy.copy(),
            "yy": self._yy.copy(),
            "sg": self._sg.copy(),
            "ss": self._ss.copy(),
        }

    def restore(self, kept):
        """Remember what another gave as its :meth:`state`."""
        self.order = list(kept["order"])
        self.steps = restored(self.steps, "steps", self.order, kept)
        self.changes = restored(self.changes, "changes", self.order, kept)
        for name in ("sy", "yy", "sg", "ss"):  # earlier versions had no spare row
            getattr(self, f"_{name}")[tuple(map(slice, kept[name].shape))] = kept[name]

    def recursion(self):
        """The two-loop recursion on the products; None without curvature."""
        if not self.order:
            return None
        return _Recursion.begun(self._sy, self._yy, self._sg, self._ss, self.order)


def _free(image, gradient, low, high):
    """Where a variable may move: not at a bound that it wants to cross."""
    held = ops.logical_or(
        ops.logical_and(image <= low, gradient > 0), ops.logical_and(image >= high, gradient < 0)
    )
    return ops.logical_not(held)


@compile_small_function
def _along(image, path, length, low, high):
    return ops.clip(image + length * path, low, high)


class _Trial(NamedTuple):
    """What a line search asks of a trial point, and what is remembered if it is chosen.

    Attributes
    ----------
    slope : of the path at the point
    free : where a variable may move on from there, and is not held
    touched : where some gradient so far was not zero
    correction : what variables that were freed or held change in the products that are kept
    steps_with : products of all s_i with the newest s, with its y, and with the gradient
    changes_with : products of all y_i with the newest s and y
    energies : of the newest s and y in each octave; None where these are not told apart
    """

    slope: object
    free: object
    touched: object
    correction: object
    steps_with: object
    changes_with: object
    energies: object


@compile_small_function
def _compared(
    path, free, touched, before, after, gradient, gradient_after, low, high, spare, basis,
    steps, changes,
):  # fmt: skip
    """A trial point beside the one where the search began, and the tables with its pair."""
    free_after = _free(after, gradient_after, low, high)
    touched = ops.logical_or(touched, gradient_after != 0)
    rows = map(_row, (before, after, gradient, gradient_after, free, free_after))
    found, tables = [], []
    # Where the tables have several blocks, no vector is made as a whole on the way.
    for s, y, of in zip(steps, changes, pieces(steps, *rows), strict=True):
        old, new, g, g_after, counts, counts_after = of
        # The products are those of what will be remembered, rounding included: an estimate from
        # rounded pairs still has positive curvature.
        step, change = (
            ops.cast(ops.cast(each, s.dtype), path.dtype) for each in (new - old, g_after - g)
        )
        s, y = replaced([s], spare, step), replaced([y], spare, change)
        counts, counts_after = (ops.cast(each, path.dtype) for each in (counts, counts_after))
        counted = ops.concatenate([step, change, g_after]) * counts_after
        correction = corrections(s, y, counts_after - counts)
        found.append((correction, products(s, counted), products(y, counted[:2])))
        tables.append((*s, *y))
    steps, changes = map(list, zip(*tables, strict=True))
    told = None
    if basis and len(steps) == 1:
        told = energies(counted[:2], basis)
    elif basis:  # one vector after the other, out of the table again
        counts = ops.cast(_row(free_after), path.dtype)
        told = ops.concatenate(
            [energies(counts * row_of(t, spare, path.dtype), basis) for t in (steps, changes)]
        )
    slope = ops.sum(gradient_after * path)
    trial = _Trial(slope, free_after, touched, *map(sum, zip(*found, strict=True)), told)
    return trial, steps, changes


@compile_small_function
def _length_to_bounds(image, path, low, high):
    """How many times its length a path stays within the bounds."""
    room = ops.where(path > 0, high - image, image - low)
    return ops.min(ops.where(path == 0, math.inf, room / ops.maximum(ops.abs(path), 1e-30)))


class _Recursion(NamedTuple):
    """Nocedal & Wright's algorithm 7.4 on inner products instead of on vectors.

    Its loops are two triangular systems (Byrd, Nocedal & Schnabel 1994). With R the products s_i
    y_j of all pairs of which the i-th is not newer than the j-th, and D its diagonal, the first
    loop solves R alpha = S g, the second R' a = D alpha - Y r: the direction is r + a S, and in
    the middle r = H (g - alpha Y).

    Attributes
    ----------
    kept : pairs of use, oldest first
    alpha : of the first loop, for each row
    weights, back : a = weights - back Y r
    product, gamma : s y of the newest pair, and divided by y y: equation 7.20
    """

    kept: list
    alpha: np.ndarray
    weights: np.ndarray
    back: np.ndarray
    product: float
    gamma: float

    @classmethod
    def begun(cls, sy, yy, sg, ss, order):
        """None if no pair is of use."""
        # A pair without positive curvature among the free variables would spoil the estimate.
        # Measured by the lengths of both: whatever the unit of the loss.
        kept = [i for i in order if sy[i, i] > 1e-8 * math.sqrt(ss[i] * max(0.0, yy[i])) > 0]
        if not kept:
            return None
        inverse = np.zeros_like(sy)
        inverse[np.ix_(kept, kept)] = np.linalg.inv(np.triu(sy[np.ix_(kept, kept)]))
        alpha = inverse @ sg
        newest = kept[-1]
        product = sy[newest, newest]
        weights = inverse.T @ (np.diag(sy) * alpha)
        return cls(kept, alpha, weights, inverse.T, product, product / yy[newest])


@compile_small_function
def _steepest(image, gradient, free, low, high, first_step):
    """The path straight down."""
    downhill = gradient * ops.cast(free, image.dtype)
    rms = ops.sqrt(ops.mean(ops.square(downhill)))
    times = ops.divide_no_nan(ops.cast(first_step, image.dtype), rms)
    return _path(image, gradient, free, low, high, times * downhill)


@compile_small_function
def _quasi_newton(
    image, gradient, free, low, high, touched, alpha, weights, back, gains, basis, steps, changes
):  # fmt: skip
    """The path to where the two-loop recursion leads."""
    dtype = image.dtype
    # What the objective has never asked to move, behind a mask, shall not move along.
    movable = _row(ops.logical_and(free, touched))
    q = _row(gradient) - weighted(changes, ops.cast(alpha[None], dtype))
    q = ops.where(movable, q, 0)
    q = filtered(q, gains, basis) if basis else ops.cast(gains, dtype) * q
    r = ops.where(movable, q, 0)
    del q
    yr = ops.cast(products(changes, r)[0], "float64")
    a = ops.cast(weights - ops.matmul(back, yr), dtype)
    return _path(image, gradient, free, low, high, r + weighted(steps, a[None]))


def _path(image, gradient, free, low, high, direction):
    """The path to where -H g leads, cut off at the bounds; where it ends; its slope."""
    moved = image - ops.reshape(direction, ops.shape(image))
    end = ops.clip(ops.where(free, moved, image), low, high)
    path = end - image
    return path, end, ops.sum(gradient * path)


def _row(tensor):
    return ops.reshape(tensor, (1, -1))
