"""One job at every point of a grid of settings, kept point by point, and resumed."""

from .execution import Sweep, SweepError, sweep

__all__ = ["Sweep", "SweepError", "sweep"]
