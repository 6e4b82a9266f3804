"""What a task is, and what several tasks need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Task", "arrays", "mean_square", "positions"]


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes
    ----------
    notebook : int
        1 to 10.
    name, signature, goal : str
        What to write.
    cases : callable
        Makes the inputs, a list of argument tuples.
    answer : callable
        A right function.
    mistakes : dict of str to callable
        The message to the student, and the wrong function that it describes.
    insight : str
        Shown when the answer is right.
    """

    notebook: int
    signature: str
    goal: str
    cases: Callable
    answer: Callable
    mistakes: dict[str, Callable]
    insight: str

    @property
    def name(self) -> str:
        return self.signature.split("(")[0]


def arrays(*shapes, copies=1, low=0.0, high=1.0):
    """Cases of random arrays, the same at every call: for each shape, ``copies`` arguments."""

    def cases():
        rng = np.random.default_rng(7)
        return [
            tuple(rng.uniform(low, high, shape).astype("float32") for _ in range(copies))
            for shape in shapes
        ]

    return cases


def mean_square(first, second):
    return np.mean((first - second) ** 2)


def positions(features):
    return features.size / features.shape[-1]
