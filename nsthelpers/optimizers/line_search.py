"""How far to go along a descent direction: a strong-Wolfe line search.

Nocedal & Wright (2006), "Numerical Optimization", section 3.5, with cubic interpolation. Plain
numbers only: what is searched is a function of one variable.
"""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["search"]

# SciPy's L-BFGS-B has the same two.
_DECREASE = 1e-3  # of what the slope promises, that a step must keep (c1)
_CURVATURE = 0.9  # of the slope's steepness, that may be left (c2)
# A decrease below this part of the value is not looked for: sums in float64 hardly show it.
_RESOLUTION = 1e-12


class _Point(NamedTuple):
    length: float
    value: float
    slope: float


def search(function, value, slope, trial, longest=lambda: math.inf, max_evaluations=20):
    """Find a step length that lowers a function enough and flattens its slope.

    Parameters
    ----------
    function : callable
        Of a length; returns value and slope there. Values may be infinite or NaN: then the step is
        taken to be too long.
    value, slope : float
        At length 0; the slope is negative.
    trial : float
        The length to try first.
    longest : callable, default infinity
        Gives the length beyond which none is tried, at least ``trial``. It is asked only when a
        longer one than the first is wanted, which is seldom.
    max_evaluations : int, default 20

    Returns
    -------
    float or None
        One of the lengths that were evaluated: one that fulfils both conditions, or the longest if
        the function still falls there, or else, after all allowed evaluations, the lowest one with
        sufficient decrease. None if there is none.

    Examples
    --------
    >>> search(lambda t: ((t - 2) ** 2, 2 * (t - 2)), value=4.0, slope=-4.0, trial=1.0)
    1.0
    >>> search(lambda t: (t**2 + t, 2 * t + 1), value=0.0, slope=1e-9 - 1, trial=1e-3) is None
    True
    """
    start = _Point(0.0, value, slope)
    low, high = start, None  # low: the best with sufficient decrease; high: the bracket's other end
    length = trial
    for _ in range(max_evaluations):
        point = _Point(length, *function(length))
        finite = math.isfinite(point.value) and math.isfinite(point.slope)
        # "Lower", too: the decrease that a tiny step promises is rounded away beside the value.
        wanted = value + _DECREASE * length * slope
        enough = finite and point.value <= wanted and point.value < value
        if not enough or point.value > low.value:
            high = point
        elif abs(point.slope) <= -_CURVATURE * slope:
            return length
        elif high is None and point.slope < 0 and length >= longest():
            return length  # still falling, but the bounds end here
        else:
            if point.slope * (1.0 if high is None else high.length - low.length) >= 0:
                high = low
            low = point
        if high is None:
            length = min(longest(), length * 4.0)
        else:
            length = _inside(low, high)
            if abs(high.length - low.length) <= 1e-12 * max(1.0, low.length):
                break
            if abs(length * slope) < _RESOLUTION * abs(value):
                break
    return low.length if low.length > 0 else None


def _inside(low, high):
    """The minimum of the cubic through both ends, kept away from them."""
    width = high.length - low.length
    if not (math.isfinite(high.value) and math.isfinite(high.slope)):
        return low.length + 0.1 * width
    theta = 3 * (low.value - high.value) / width + low.slope + high.slope
    inner = theta**2 - low.slope * high.slope
    if inner < 0:
        return low.length + 0.5 * width
    root = math.copysign(math.sqrt(inner), width)
    bottom = high.slope - low.slope + 2 * root
    share = 1 - (high.slope + root - theta) / bottom if bottom else 0.5
    if not math.isfinite(share):
        share = 0.5
    return low.length + width * min(0.9, max(0.1, share))
