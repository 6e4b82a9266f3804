"""What an optimizer is: a small set of settings whose ``start(evaluate, image)`` begins a descent.

A descent holds the image and its evaluation; every ``step()`` moves on and says whether there is
more to win.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from ..backend import keras

__all__ = ["Optimizer", "check_bounds"]


class Optimizer:
    """What every optimizer offers. One of your own is a frozen dataclass with a ``start``.

    Notes
    -----
    A run that is to be gone on with after an interruption (``checkpoint=``) asks for two methods
    more: the descent's ``state()``, a dict of NumPy arrays and of what JSON can hold, with all that
    decides its further steps but for the evaluation; and the optimizer's ``resume(evaluate, state,
    evaluation)``, which makes a descent of it that goes on bit for bit, evaluating nothing at once.

    Examples
    --------
    >>> from nsthelpers import LBFGS
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


def check_bounds(bounds):
    if bounds is not None and not (len(bounds) == 2 and bounds[0] < bounds[1]):
        raise ValueError(f"the bounds are {bounds}; expected (low, high) with low < high, or None")
