"""How long a run will take on this device and how much memory, known before it begins.

The time comes from a short measurement (``timing.py``), the memory from counting the activations
that the gradient needs.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

import numpy as np

from ..arguments import is_whole
from ..backend import Device, device, reusable_memory
from ..images.arrays import MINIMUM_SIDE
from ..objectives.terms import Content, Style, TotalVariation
from .footprint import USABLE, needed_bytes, tiled_work
from .memory import held_and_free
from .plan import make_plan
from .timing import measure_timing

__all__ = ["Estimate", "device_text", "duration_text", "estimate", "estimate_plan"]


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
        Where there is not enough memory: the largest long side, in pixels, that would fit. None
        where there is, or where that is not known.
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
        """What to do where there is not enough memory; "" where there is."""
        if self.largest is None:
            return ""
        return (
            f"That is more memory than is free ({_bytes_text(self.available)}): the largest long "
            f"side that fits is about {self.largest} px"
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
    image_as="pixels",
    jitter=0,
    precision="auto",
    time_limit=None,
    tiles="auto",
    network=None,
) -> Estimate:
    """Estimate what a run of :func:`nsthelpers.synthesize` will take, by a short measurement.

    Parameters
    ----------
    what : Objective, Term, int or (int, int)
        The objective; or only a size, long side of a 3:2 picture or height and width, for content,
        style and total variation as :func:`nsthelpers.stylize` has them.
    steps, start, scales, optimizer, image_as, jitter, precision, time_limit, tiles
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
    if isinstance(what, (int, np.integer, tuple, list)):
        size = _checked_size(what)
        what = _usual_objective(size, network)
    else:
        size = None
    plan = make_plan(
        what,
        start if size is None else "content",
        optimizer=optimizer,
        image_as=image_as,
        jitter=jitter,
        steps=steps,
        scales=scales,
        precision=precision,
        time_limit=time_limit,
        tiles=tiles,
        size=size,
    )
    return estimate_plan(plan)


def estimate_plan(plan) -> Estimate:
    """Estimate what a plan will take; :func:`estimate` makes the plan first.

    Returns
    -------
    Estimate
    """
    timing = measure_timing(plan.objective, plan.size, plan.way, plan.precision, plan.image)
    seconds = sum(
        timing.seconds(math.prod(stage.size), 1 + stage.steps * timing.evaluations_per_step)
        * tiled_work(plan.objective, stage.size, stage.tiles)
        for stage in plan.stages
    )
    if plan.time_limit is not None:
        seconds = min(seconds, plan.time_limit)
    found = device()
    held, free = held_and_free(found.kind, found.index)
    reusable = reusable_memory(found)
    more = max(
        needed_bytes(
            plan.objective,
            stage.optimizer or plan.optimizer,
            plan.precision,
            stage.size,
            stage.tiles,
        )
        for stage in plan.stages
    )
    free = None if free is None else free + reusable
    largest = None
    if free is not None and more > USABLE * free:
        shrink = math.sqrt(USABLE * free / more)
        largest = max(MINIMUM_SIDE, math.floor(max(plan.size) * shrink))
    return Estimate(
        seconds,
        round(held - reusable + more),
        free,
        [stage.size for stage in plan.stages],
        [stage.steps for stage in plan.stages],
        largest,
        found,
    )


def _checked_size(size):
    pair = (round(size / 1.5), size) if is_whole(size) else tuple(size)
    if len(pair) != 2 or not all(is_whole(side, MINIMUM_SIDE) for side in pair):
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
