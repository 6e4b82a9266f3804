"""Ways downhill: Adam and gradient descent (Keras'), and an L-BFGS that lives on the device."""

from .base import Optimizer
from .first_order import SGD, Adam
from .lbfgs import LBFGS

__all__ = ["Optimizer", "SGD", "Adam", "LBFGS"]
