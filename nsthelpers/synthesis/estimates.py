"""How long a run will take on this device and how much memory, known before it begins.

The time comes from a short measurement (``laws.py``), the memory from counting the activations that
the gradient needs.
"""

from __future__ import annotations

import html
import math
import numbers
from dataclasses import dataclass

import numpy as np

from ..backend import PRECISIONS, Device, device, quickest_precision
from ..images.arrays import MINIMUM_SIDE
from ..network.layers import layer_table
from ..objectives.objective import as_objective
from ..objectives.terms import Content, Style, TotalVariation
from ..optimizers import LBFGS
from .memory import held_and_free
from .starts import start_image, step_counts, working_sizes
from .timing import measured_law

__all__ = ["Estimate", "device_text", "duration_text", "estimate"]

# Measured as the slope of peak memory over pixels, see benchmarks/estimate_check.py: activations
# are kept for the gradient, and a few of the largest are there twice.
_BYTES_PER_ACTIVATION = {"float32": 6.2, "bfloat16": 3.7}
_IMAGE_BYTES = 3 * 4
#: Share of the free memory that a run may take.
_USABLE = 0.9


@dataclass(frozen=True)
class Estimate:
    """What a run will take here; shown as a sentence.

    Attributes
    ----------
    seconds : float
    memory : int
        The most that this process will hold at once, in bytes; on a GPU, of its memory.
    available : int or None
        Bytes that are free for the process beside what it holds already; None if unknown.
    sizes : list of (int, int)
        Heights and widths that the run works through.
    steps : list of int
        At each of them.
    largest : int or None
        Where memory would not do: the largest long side, in pixels, for which it would. None where
        it does, or is not known.
    device : Device
    """

    seconds: float
    memory: int
    available: int | None
    sizes: list[tuple[int, int]]
    steps: list[int]
    largest: int | None
    device: Device

    @property
    def minutes(self) -> float:
        """The same time in minutes."""
        return self.seconds / 60

    def __repr__(self):
        work = ", ".join(
            f"{steps} steps at {width} x {height} px"
            for (height, width), steps in zip(self.sizes, self.steps, strict=True)
        )
        text = (
            f"{duration_text(self.minutes)} and {_bytes_text(self.memory)} of memory on this "
            f"device ({device_text(self.device)}): {work}"
        )
        return text if self.largest is None else f"{text}. {self.warning}"

    @property
    def warning(self) -> str:
        """What to do where memory will not do; "" where it does."""
        if self.largest is None:
            return ""
        return (
            f"The memory will not do ({_bytes_text(self.available)} are free): the largest long "
            f"side that would is about {self.largest} px"
        )

    def _repr_html_(self):
        return f"<p>{html.escape(repr(self))}</p>"


def estimate(
    what,
    steps=200,
    *,
    start="content",
    scales=None,
    optimizer=None,
    precision="auto",
    time_limit=None,
    network=None,
) -> Estimate:
    """Estimate what a run of :func:`nsthelpers.synthesize` will take, by a short measurement.

    Parameters
    ----------
    what : Objective, Term, int or (int, int)
        The objective; or only a size, long side of a 3:2 picture or height and width, for content,
        style and total variation as :func:`nsthelpers.stylize` has them.
    steps, start, scales, optimizer, precision, time_limit
        As :func:`nsthelpers.synthesize` takes them.
    network : VGG, optional
        For a size; default VGG19.

    Returns
    -------
    Estimate
        Seconds, bytes, and what would fit.

    Raises
    ------
    ValueError, TypeError
        For what :func:`nsthelpers.synthesize` would refuse.

    Notes
    -----
    The measurement takes a few seconds: some steps at two small sizes. A run that converges early,
    or a machine that has other work to do later, takes another time. On a GPU the memory is counted
    as on a CPU, without what its libraries take for themselves.

    Examples
    --------
    >>> from nsthelpers import VGG
    >>> few = estimate(64, steps=10, network=VGG(weights="random"))
    >>> few.sizes, few.steps, few.seconds > 0
    ([(43, 64)], [10], True)
    """
    optimizer = LBFGS() if optimizer is None else optimizer
    if isinstance(what, (int, np.integer, tuple, list)):
        shape = _checked_size(what)
        objective = _usual_objective(shape, network)
        start = objective.terms["content"].image
    else:
        objective = as_objective(what)
        start = start_image(objective, start, seed=0)
        shape = start.shape[1:3]
    sizes = working_sizes(shape, scales)
    plan = step_counts(steps, len(sizes))
    if precision == "auto":
        precision = quickest_precision() if objective.network is not None else "float32"
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}; expected auto, {', '.join(PRECISIONS)}")
    law = measured_law(objective, sizes[-1], optimizer, precision, start)
    seconds = sum(
        law.seconds(math.prod(size), 1 + count * law.evaluations_per_step)
        for size, count in zip(sizes, plan, strict=True)
    )
    if time_limit is not None:
        seconds = min(seconds, time_limit)
    per_pixel = _bytes_per_pixel(objective, optimizer, precision)
    found = device()
    held, free = held_and_free(found.kind)
    memory = held + per_pixel * max(map(math.prod, sizes))
    largest = None
    if free is not None and memory - held > _USABLE * free:
        shrink = math.sqrt(_USABLE * free / (memory - held))
        largest = max(MINIMUM_SIDE, math.floor(max(sizes[-1]) * shrink))
    return Estimate(seconds, round(memory), free, sizes, plan, largest, found)


def _checked_size(size):
    pair = (round(size / 1.5), size) if isinstance(size, numbers.Integral) else tuple(size)
    whole = all(isinstance(side, numbers.Integral) for side in pair)
    if len(pair) != 2 or not whole or min(pair) < MINIMUM_SIDE:
        raise ValueError(
            f"the size is {size!r}; expected a long side or (height, width) in whole pixels, with "
            f"at least {MINIMUM_SIDE} on both sides"
        )
    return tuple(int(side) for side in pair)


def _usual_objective(shape, network):
    # Pictures of noise; more than a million pixels are not needed to measure.
    shrink = min(1.0, 1024 / math.sqrt(math.prod(shape)))
    size = tuple(max(MINIMUM_SIDE, round(side * shrink)) for side in shape)
    noise = np.random.default_rng(0).random((2, 1, *size, 3), dtype="float32")
    content, style = Content(noise[0], network=network), Style(noise[1], network=network)
    return content + 10 * style + 0.1 * TotalVariation()


def _bytes_per_pixel(objective, optimizer, precision):
    activations, deepest = 0, set()
    for weight, term in objective.parts:
        deepest |= set(term.layers) if weight > 0 else set()
    side = 256  # any size that the poolings divide
    for layer in layer_table((side, side), objective.network.name) if deepest else ():
        activations += math.prod(layer.shape) / side**2
        deepest -= {layer.name}
        if not deepest:
            break
    # Image, gradient, trial points and their differences; L-BFGS keeps two vectors for each step.
    vectors = 10 + 2 * getattr(optimizer, "memory", 2)
    return activations * _BYTES_PER_ACTIVATION[precision] + vectors * _IMAGE_BYTES


def device_text(found) -> str:
    """Name a device in a few words.

    Examples
    --------
    >>> device_text(Device("cpu", "x86_64", 2))
    'CPU, 2 cores'
    """
    if found.kind == "gpu":
        return f"GPU, {found.name}"
    return f"CPU, {found.cores} core{'s' if found.cores != 1 else ''}"


def duration_text(minutes) -> str:
    """Write a time no more precisely than it is known.

    Examples
    --------
    >>> duration_text(0.2), duration_text(4.4), duration_text(120)
    ('about 10 seconds', 'about 4 minutes', 'about 2.0 hours')
    """
    if minutes >= 90:
        return f"about {minutes / 60:.1f} hours"
    if minutes >= 0.75:
        number, unit = round(minutes), "minute"
    elif minutes >= 0.15:
        number, unit = 10 * round(minutes * 6), "second"
    else:
        number, unit = max(1, round(minutes * 60)), "second"
    return f"about {number} {unit}{'s' if number != 1 else ''}"


def _bytes_text(number):
    return f"{number / 1e9:.1f} GB"
