"""Ways downhill: Adam and SGD (Keras'), and an L-BFGS that lives on the device.

An optimizer is a small set of settings. ``start(evaluate, image)`` begins a descent, which holds the
image and its evaluation; every ``step()`` of the descent improves it and says whether it can go on.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

import keras
import numpy as np

from .backend import compile_function, ops, to_numpy, to_tensor, variable
from .linesearch import search

__all__ = ["LBFGS", "SGD", "Adam", "Optimizer"]


class Optimizer:
    """What every optimizer offers."""

    def start(self, evaluate, image):
        """Begin a descent.

        Parameters
        ----------
        evaluate : callable
            Of a tensor; returns what has ``loss`` (float) and ``gradient`` (a tensor like it).
        image : array
            Where to start; any shape. It is moved into the bounds.

        Returns
        -------
        Descent
            With ``image``, ``evaluation`` and ``step() -> bool``, False when nothing more is won.
        """
        raise NotImplementedError

    def settings(self) -> dict:
        """The choice as plain data, for reports."""
        described = {"name": type(self).__name__}
        for name, value in asdict(self).items():
            schedule = isinstance(value, keras.optimizers.schedules.LearningRateSchedule)
            described[name] = (
                {"schedule": type(value).__name__, **value.get_config()} if schedule else value
            )
        return described


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: a step of nearly the same length for every pixel, whatever the gradient's scale.

    Parameters
    ----------
    learning_rate : float or keras LearningRateSchedule, default 0.02
        In units of the image's range [0, 1] per step.
    beta_1, beta_2, epsilon : float, defaults 0.9, 0.999, 1e-7
    bounds : (float, float) or None, default (0, 1)
        The image is clipped to them after every step.

    Raises
    ------
    ValueError
        For a learning rate that is not positive and finite.

    References
    ----------
    Kingma & Ba (2014), "Adam: A Method for Stochastic Optimization", arXiv 1412.6980.

    Examples
    --------
    >>> Adam(learning_rate=0.05).settings()["learning_rate"]
    0.05
    """

    learning_rate: object = 0.02
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    bounds: tuple[float, float] | None = (0.0, 1.0)

    def __post_init__(self):
        _check_learning_rate(self.learning_rate)

    def start(self, evaluate, image):
        # A Keras optimizer belongs to the first variable that it sees: each descent has its own.
        optimizer = keras.optimizers.Adam(
            self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon
        )
        return _KerasDescent(optimizer, evaluate, image, self.bounds)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, with momentum if wanted: the step is proportional to the gradient.

    Parameters
    ----------
    learning_rate : float or keras LearningRateSchedule
        In image units [0, 1] per unit of gradient, so it depends on the weights of the objective.
    momentum : float, default 0.0
    nesterov : bool, default False
    bounds : (float, float) or None, default (0, 1)
        The image is clipped to them after every step.

    Raises
    ------
    ValueError
        For a learning rate that is not positive and finite.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9).settings()["momentum"]
    0.9
    """

    learning_rate: object
    momentum: float = 0.0
    nesterov: bool = False
    bounds: tuple[float, float] | None = (0.0, 1.0)

    def __post_init__(self):
        _check_learning_rate(self.learning_rate)

    def start(self, evaluate, image):
        optimizer = keras.optimizers.SGD(
            self.learning_rate, momentum=self.momentum, nesterov=self.nesterov
        )
        return _KerasDescent(optimizer, evaluate, image, self.bounds)


class _KerasDescent:
    def __init__(self, optimizer, evaluate, image, bounds):
        self._optimizer, self._evaluate, self._bounds = optimizer, evaluate, bounds
        self._variable = keras.Variable(_clipped(to_tensor(image), bounds), dtype="float32")
        self.image = ops.convert_to_tensor(self._variable)
        self.evaluation = evaluate(self.image)

    def step(self) -> bool:
        self._optimizer.apply([self.evaluation.gradient], [self._variable])
        self._variable.assign(_clipped(self._variable.value, self._bounds))
        self.image = ops.copy(self._variable.value)
        self.evaluation = self._evaluate(self.image)
        return True


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS with bounds: learns the curvature from the steps it has made.

    The history of steps and gradient changes stays on the device; only the products between them,
    a few hundred numbers, come to the host, where the two-loop recursion runs on them in float64.
    Pixels at a bound that want to go beyond it are held there, the others move, and a strong-Wolfe
    line search chooses how far.

    Parameters
    ----------
    memory : int, default 20
        How many steps are remembered.
    first_step : float, default 0.05
        Root mean square change of a pixel in the first trial step, when no curvature is known.
    max_evaluations : int, default 20
        Of the objective in one line search.
    tolerance : float, default 1e-9
        Converged when five steps together lower the loss by less than this part of it.
    bounds : (float, float) or None, default (0, 1)

    Raises
    ------
    ValueError
        For settings out of range.

    References
    ----------
    Nocedal & Wright (2006), "Numerical Optimization", algorithms 7.4 and 3.5; Bertsekas (1982),
    "Projected Newton methods", SIAM J. Control Optim. 20; Chen, Wang & Zhou (2014), "Large-scale
    L-BFGS using MapReduce", for the recursion on inner products.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def parabola(x):
    ...     return SimpleNamespace(loss=float(ops.sum((x - 0.3) ** 2)), gradient=2 * (x - 0.3))
    >>> descent = LBFGS().start(parabola, np.ones(4, "float32"))
    >>> while descent.step():
    ...     pass
    >>> np.asarray(descent.image).round(4).tolist()
    [0.30000001192092896, 0.30000001192092896, 0.30000001192092896, 0.30000001192092896]
    """

    memory: int = 20
    first_step: float = 0.05
    max_evaluations: int = 20
    tolerance: float = 1e-9
    bounds: tuple[float, float] | None = (0.0, 1.0)

    def __post_init__(self):
        if self.memory < 1 or self.max_evaluations < 2:
            raise ValueError("memory must be at least 1 and max_evaluations at least 2")
        if not (self.first_step > 0 and math.isfinite(self.first_step)):
            raise ValueError(f"first_step is {self.first_step}; expected a positive number")

    def start(self, evaluate, image):
        return _LBFGSDescent(self, evaluate, image)


class _LBFGSDescent:
    def __init__(self, settings, evaluate, image):
        self._settings, self._evaluate_shaped = settings, evaluate
        image = np.asarray(image)
        self._shape, dtype = image.shape, image.dtype if image.dtype == "float64" else "float32"
        low, high = settings.bounds or (-math.inf, math.inf)
        self._low, self._high = to_tensor(low, dtype), to_tensor(high, dtype)
        self._point = _clipped(to_tensor(image.reshape(-1), dtype), settings.bounds)
        self._steps = variable(np.zeros((settings.memory, image.size), dtype))  # rows s_i
        self._changes = variable(np.zeros((settings.memory, image.size), dtype))  # rows y_i
        self._order: list[int] = []  # rows in use, oldest first
        self._recent: list[float] = []
        self.evaluation, self._gradient = self._evaluate(self._point)

    @property
    def image(self):
        return ops.reshape(self._point, self._shape)

    def step(self) -> bool:
        """Move to a lower point; False if there is none, or the losses have stopped falling."""
        found = None
        while found is None:
            path, slope, longest, trial = self._direction()
            if slope < 0:
                found = self._search(path, slope, longest, trial)
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
        """The straight path to try, its slope, how far it may be followed, and how far to try."""
        free = _free(self._point, self._gradient, self._low, self._high)
        if self._order:
            products = _products(self._steps, self._changes, self._gradient, free)
            weights = _two_loop(*(to_numpy(p).astype("float64") for p in products), self._order)
        else:
            norm = float(ops.sqrt(ops.mean(ops.square(self._gradient * free))))
            scale = self._settings.first_step / norm if norm > 0 else 0.0
            zeros = np.zeros(self._settings.memory)
            weights = scale, zeros, zeros
        weights = [to_tensor(weight, self._point.dtype) for weight in weights]
        path, slope, longest = _path(
            self._point, self._gradient, free, self._low, self._high,
            self._steps, self._changes, *weights,
        )  # fmt: skip
        return path, float(slope), float(longest), 1.0

    def _search(self, path, slope, longest, trial):
        seen = {}

        def along(length):
            point = _clipped(self._point + length * path, self._settings.bounds)
            seen[length] = point, self._evaluate(point)
            evaluation, gradient = seen[length][1]
            return evaluation.loss, float(ops.sum(gradient * path))

        length = search(
            along, self.evaluation.loss, slope, trial, longest, self._settings.max_evaluations
        )
        return None if length is None else seen[length]

    def _evaluate(self, point):
        evaluation = self._evaluate_shaped(ops.reshape(point, self._shape))
        return evaluation, ops.reshape(evaluation.gradient, (-1,))

    def _remember(self, step, change):
        full = len(self._order) == self._settings.memory
        row = self._order.pop(0) if full else len(self._order)
        self._order.append(row)
        self._steps[row].assign(step)
        self._changes[row].assign(change)


def _free(point, gradient, low, high):
    """1 where a variable may move, 0 where it sits at a bound that it wants to cross."""
    held = ops.logical_or(
        ops.logical_and(point <= low, gradient > 0), ops.logical_and(point >= high, gradient < 0)
    )
    return ops.cast(ops.logical_not(held), point.dtype)


@compile_function
def _products(steps, changes, gradient, free):
    """Inner products over the free variables: s.y, y.y, s.g, y.g."""
    masked = changes * free
    changes_transposed = ops.transpose(masked)
    gradient = (gradient * free)[:, None]
    return (
        ops.matmul(steps, changes_transposed),
        ops.matmul(masked, changes_transposed),
        ops.matmul(steps, gradient)[:, 0],
        ops.matmul(masked, gradient)[:, 0],
    )


def _two_loop(sy, yy, sg, yg, order):
    """The two-loop recursion in coordinates: H g = gamma g + sum a_i s_i + sum b_i y_i.

    Nocedal & Wright's algorithm 7.4 only ever adds multiples of g, s_i and y_i, so it can run on
    their inner products instead of on vectors as long as the image.
    """
    rho, kept = {}, []
    for i in order:
        # A pair without positive curvature among the free variables would spoil the estimate.
        if sy[i, i] > 1e-10 * yy[i, i] and yy[i, i] > 0:
            rho[i] = 1.0 / sy[i, i]
            kept.append(i)
    a, b = np.zeros(len(sg)), np.zeros(len(sg))
    if not kept:
        return 1.0, a, b
    alpha = {}
    for i in reversed(kept):
        alpha[i] = rho[i] * (sg[i] + sy[i] @ b)
        b[i] = -alpha[i]
    gamma = sy[kept[-1], kept[-1]] / yy[kept[-1], kept[-1]]
    b *= gamma
    for i in kept:
        beta = rho[i] * (gamma * yg[i] + yy[i] @ b + sy[:, i] @ a)
        a[i] = alpha[i] - beta
    return gamma, a, b


@compile_function
def _path(point, gradient, free, low, high, steps, changes, gamma, a, b):
    """From the point to where -H g leads, cut off at the bounds; its slope; its longest multiple."""
    move = gamma * gradient + ops.matmul(a[None], steps)[0] + ops.matmul(b[None], changes)[0]
    path = ops.clip(point - free * move, low, high) - point
    slope = ops.sum(gradient * path)
    room = ops.where(path > 0, high - point, point - low)
    ratio = ops.where(path == 0, math.inf, room / ops.maximum(ops.abs(path), 1e-30))
    return path, slope, ops.maximum(ops.min(ratio), 1.0)


def _clipped(tensor, bounds):
    return tensor if bounds is None else ops.clip(tensor, *bounds)


def _check_learning_rate(rate):
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return
    if not (isinstance(rate, (int, float)) and math.isfinite(rate) and rate > 0):
        raise ValueError(f"the learning rate is {rate!r}; expected a positive number or a schedule")
