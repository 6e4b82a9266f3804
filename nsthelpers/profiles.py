"""How large and how long the notebooks' experiments are: one switch, ``NST_PROFILE``."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .backend import device

__all__ = ["Profile", "profile"]


@dataclass(frozen=True)
class Profile:
    """How large and how long the notebooks' experiments are.

    Attributes
    ----------
    name : {"fast", "cpu", "gpu"}
    side : int
        Long side of a single result, in pixels.
    grid_side : int
        Long side of each picture where many are compared.
    steps, grid_steps : int
        Optimisation steps for the one and for each of the many.
    """

    name: str
    side: int
    grid_side: int
    steps: int
    grid_steps: int


_PROFILES = {
    "fast": Profile("fast", 64, 64, 3, 2),
    "cpu": Profile("cpu", 256, 144, 60, 40),
    "gpu": Profile("gpu", 512, 256, 300, 150),
}


def profile(name=None) -> Profile:
    """The run profile: the environment variable ``NST_PROFILE``, or what suits the device.

    Parameters
    ----------
    name : {"fast", "cpu", "gpu"}, optional
        A certain one.

    Returns
    -------
    Profile
        "fast" is for automatic tests, "cpu" for a laptop, "gpu" for Colab.

    Raises
    ------
    ValueError
        If the name, or ``NST_PROFILE``, is none of the three.

    Examples
    --------
    >>> profile().name in ("fast", "cpu", "gpu")
    True
    """
    if name is not None and name not in _PROFILES:
        raise ValueError(f"no profile {name!r}; expected 'fast', 'cpu' or 'gpu'")
    name = name or os.environ.get("NST_PROFILE", "").strip().lower() or device().kind
    if name not in _PROFILES:
        raise ValueError(
            f"NST_PROFILE is {name!r}; expected 'fast', 'cpu' or 'gpu', or leave it unset"
        )
    return _PROFILES[name]
