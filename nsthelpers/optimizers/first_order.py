"""Adam and gradient descent: Keras' own, kept within bounds."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

from ..backend import keras, ops, to_numpy, to_tensor
from .base import Optimizer, check_bounds

__all__ = ["SGD", "Adam"]


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
        check_bounds(self.bounds)

    def start(self, evaluate, image):
        return _KerasDescent(self._keras(), evaluate, image, self.bounds)

    def resume(self, evaluate, state, evaluation):
        return _KerasDescent.resumed(self._keras(), evaluate, state, evaluation, self.bounds)

    def _keras(self):
        return keras.optimizers.Adam(
            self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2, epsilon=self.epsilon
        )


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
        check_bounds(self.bounds)

    def start(self, evaluate, image):
        return _KerasDescent(self._keras(), evaluate, image, self.bounds)

    def resume(self, evaluate, state, evaluation):
        return _KerasDescent.resumed(self._keras(), evaluate, state, evaluation, self.bounds)

    def _keras(self):
        return keras.optimizers.SGD(
            self.learning_rate, momentum=self.momentum, nesterov=self.nesterov
        )


class _KerasDescent:
    # A Keras optimizer belongs to the first variable that it sees: each descent has its own.
    def __init__(self, optimizer, evaluate, image, bounds, evaluation=None):
        self._optimizer, self._evaluate, self._bounds = optimizer, evaluate, bounds
        self._variable = keras.Variable(_clipped(to_tensor(image), bounds), dtype="float32")
        optimizer.build([self._variable])
        self.image = ops.copy(self._variable.value)  # not a view: the variable changes in place
        self.evaluation = evaluate(self.image) if evaluation is None else evaluation

    @classmethod
    def resumed(cls, optimizer, evaluate, state, evaluation, bounds):
        """A descent as it was when it gave its :meth:`state`."""
        descent = cls(optimizer, evaluate, state["image"], bounds, evaluation)
        for place, variable in enumerate(optimizer.variables):
            variable.assign(state[f"keras/{place}"])
        return descent

    def state(self) -> dict:
        """All that decides its further steps, the evaluation apart: arrays by name."""
        kept = enumerate(self._optimizer.variables)  # its count of steps among them
        values = {f"keras/{place}": to_numpy(variable.value) for place, variable in kept}
        return {"image": to_numpy(self.image), **values}

    def step(self) -> bool:
        self._optimizer.apply([self.evaluation.gradient], [self._variable])
        self._variable.assign(_clipped(self._variable.value, self._bounds))
        self.image = ops.copy(self._variable.value)
        self.evaluation = self._evaluate(self.image)
        return True


def _clipped(tensor, bounds):
    return tensor if bounds is None else ops.clip(tensor, *bounds)


def _checked_rate(rate):
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate
    if not (isinstance(rate, numbers.Real) and math.isfinite(rate) and rate > 0):
        raise ValueError(f"the learning rate is {rate!r}; expected a positive number or a schedule")
    return float(rate)  # Keras takes no other number
