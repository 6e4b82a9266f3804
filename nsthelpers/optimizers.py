"""Ways downhill: Adam and SGD (Keras'), and an L-BFGS that lives on the device.

An optimizer is a small set of settings. ``start(evaluate, image)`` begins a descent, which holds
the image and its evaluation; every ``step()`` moves on and says whether there is more to win.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import asdict, dataclass

import numpy as np

from .backend import keras, ops, to_tensor
from .lbfgs import LBFGSDescent

__all__ = ["LBFGS", "SGD", "Adam", "Optimizer"]


class Optimizer:
    """What every optimizer offers. One of your own is a frozen dataclass with a ``start``.

    Examples
    --------
    >>> isinstance(LBFGS(), Optimizer)
    True
    """

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
            With ``image`` (a tensor), ``evaluation`` and ``step() -> bool``, False when nothing
            more is to be won.
        """
        raise NotImplementedError

    def settings(self) -> dict:
        """The choice as plain data, for reports.

        Returns
        -------
        dict
        """
        described = {"name": type(self).__name__, **asdict(self)}
        for name, value in described.items():
            if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
                described[name] = {"schedule": type(value).__name__, **value.get_config()}
            elif isinstance(value, np.generic):
                described[name] = value.item()
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
        For a learning rate that is not positive and finite, or bounds out of order.

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
        object.__setattr__(self, "learning_rate", _checked_rate(self.learning_rate))
        _check_bounds(self.bounds)

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
        For a learning rate that is not positive and finite, or bounds out of order.

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
        object.__setattr__(self, "learning_rate", _checked_rate(self.learning_rate))
        _check_bounds(self.bounds)

    def start(self, evaluate, image):
        optimizer = keras.optimizers.SGD(
            self.learning_rate, momentum=self.momentum, nesterov=self.nesterov
        )
        return _KerasDescent(optimizer, evaluate, image, self.bounds)


class _KerasDescent:
    def __init__(self, optimizer, evaluate, image, bounds):
        self._optimizer, self._evaluate, self._bounds = optimizer, evaluate, bounds
        self._variable = keras.Variable(_clipped(to_tensor(image), bounds), dtype="float32")
        self.image = ops.copy(self._variable.value)  # not a view: the variable changes in place
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

    A step takes one or a few evaluations of the objective, and never makes the loss larger.

    Parameters
    ----------
    memory : int, default 20
        How many steps are remembered.
    first_step : float, default 0.05
        Root mean square change of a pixel in the first trial step, when no curvature is known.
    max_evaluations : int, default 20
        Of the objective in one line search, at most.
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
    >>> [round(float(value), 4) for value in descent.image]
    [0.3, 0.3, 0.3, 0.3]
    """

    memory: int = 20
    first_step: float = 0.05
    max_evaluations: int = 20
    tolerance: float = 1e-9
    bounds: tuple[float, float] | None = (0.0, 1.0)

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
        _check_bounds(self.bounds)

    def start(self, evaluate, image):
        return LBFGSDescent(self, evaluate, image)


def _clipped(tensor, bounds):
    return tensor if bounds is None else ops.clip(tensor, *bounds)


def _checked_rate(rate):
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate
    if not (isinstance(rate, numbers.Real) and math.isfinite(rate) and rate > 0):
        raise ValueError(f"the learning rate is {rate!r}; expected a positive number or a schedule")
    return float(rate)  # Keras takes no other number


def _check_bounds(bounds):
    if bounds is not None and not (len(bounds) == 2 and bounds[0] < bounds[1]):
        raise ValueError(f"the bounds are {bounds}; expected (low, high) with low < high, or None")
