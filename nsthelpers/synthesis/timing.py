"""How the time of an objective grows with the pixels, found out in a second or two.

Some steps of the very objective at two small sizes give a straight line: a fixed part, and a part
for every pixel. A convolution's work is proportional to the pixels, so it holds for large sizes as
well (benchmarks/growth.py, benchmarks/estimate_check.py).
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass

import numpy as np

from ..backend import device
from ..images.arrays import MINIMUM_SIDE, resize
from ..optimizers import LBFGS

__all__ = ["Timing", "measure_timing"]

#: Pixels of the two small sizes that are measured.
_PIXELS = {"cpu": (96 * 96, 176 * 176), "gpu": (256 * 256, 512 * 512)}
_STEPS = 8
# A line search of L-BFGS asks for a second evaluation now and then.
_EVALUATIONS_PER_STEP = 1.05


@dataclass(frozen=True)
class Timing:
    """What one size costs: seconds as a function of its pixels.

    Attributes
    ----------
    compiling : float
        Seconds to trace and compile, once for each size.
    preparing : float
        Seconds per pixel for the targets, once for each size.
    fixed, per_pixel : float
        Seconds of one evaluation: ``fixed + per_pixel * pixels``, the optimizer's part included.
    evaluations_per_step : float
    """

    compiling: float
    preparing: float
    fixed: float
    per_pixel: float
    evaluations_per_step: float = 1.0

    def evaluation(self, pixels) -> float:
        """Seconds of one evaluation."""
        return self.fixed + self.per_pixel * pixels

    def seconds(self, pixels, evaluations) -> float:
        """Seconds of so many evaluations at one size, from its first preparation on."""
        once = self.compiling + self.preparing * pixels
        return once + evaluations * self.evaluation(pixels)


def measure_timing(objective, size, optimizer=None, precision="float32", image=None) -> Timing:
    """Measure how the time of an objective grows with the pixels, at two small sizes.

    Parameters
    ----------
    objective : Objective
    size : (int, int)
        Height and width of the wanted result; what is measured has its aspect and is no larger.
    optimizer : Optimizer, default LBFGS()
    precision : {"float32", "bfloat16"}
    image : array, optional
        Where the steps start, shape (1, H, W, 3); default grey.

    Returns
    -------
    Timing

    Examples
    --------
    >>> from nsthelpers import TotalVariation
    >>> timing = measure_timing(1.0 * TotalVariation(), (48, 64))
    >>> timing.evaluation(4800) > 0
    True
    """
    optimizer = LBFGS() if optimizer is None else optimizer
    wanted, measured = math.prod(size), []
    image = np.full((1, *size, 3), 0.5, "float32") if image is None else image
    for pixels in _PIXELS[device().kind]:
        shrink = min(1.0, math.sqrt(pixels / wanted))
        small = tuple(max(MINIMUM_SIDE, round(side * shrink)) for side in size)
        if not measured or math.prod(small) > measured[-1][0]:
            found = _measure(objective, small, small[0] / size[0], optimizer, precision, image)
            measured.append((math.prod(small), *found))
    pixels, compiling, preparing, seconds, more = zip(*measured, strict=True)
    per_pixel = fixed = 0.0
    if len(measured) == 2:
        per_pixel = max(0.0, (seconds[1] - seconds[0]) / (pixels[1] - pixels[0]))
        fixed = max(0.0, seconds[1] - per_pixel * pixels[1])
    if not (fixed and per_pixel):  # one size only, or a disturbed machine: in proportion
        fixed, per_pixel = 0.0, seconds[-1] / pixels[-1]
    return Timing(
        statistics.mean(compiling),
        preparing[-1] / pixels[-1],
        fixed,
        per_pixel,
        _EVALUATIONS_PER_STEP if any(more) else 1.0,
    )


def _measure(objective, size, scale, optimizer, precision, image):
    """Seconds to trace, to prepare and for one evaluation; whether a step took more than one."""
    image = resize(image, size=size)
    objective.at(*size, scale, precision)  # the first call of anything takes longer
    marks = [time.perf_counter()]
    bound = objective.at(*size, scale, precision)
    marks.append(time.perf_counter())
    evaluations = []

    def evaluate(tensor):
        evaluations.append(time.perf_counter())
        return bound.evaluate(tensor)

    descent = optimizer.start(evaluate, image)
    first = time.perf_counter() - marks[1]
    spans = []
    for _ in range(_STEPS):
        before, began = len(evaluations), time.perf_counter()
        going = descent.step()
        made = len(evaluations) - before
        if made:
            spans.append((time.perf_counter() - began) / made)
        if not going:
            break
    # The first steps of an optimizer may trace what the others only use.
    one = statistics.median(spans[2:] or spans) if spans else first
    more = len(evaluations) > 1 + len(spans)
    return max(0.0, first - one), marks[1] - marks[0], one, more
