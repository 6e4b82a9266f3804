"""The one optimisation loop of the project: an image is what minimises an objective.

``synthesize`` starts from an image, lets an optimizer improve it step by step, keeps the history and
the best image so far, and always gives that image back, whatever ended the run.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from . import images as image_files
from .backend import device, to_numpy, to_tensor, versions
from .objectives import Objective
from .optimizers import LBFGS

__all__ = ["Progress", "Record", "Synthesis", "synthesize", "white_noise"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """One line of the history.

    Attributes
    ----------
    step : int
        0 is the start image; over all scales.
    evaluations : int
        Of the objective and its gradient, so far.
    seconds : float
        Since the start of the run.
    loss : float
        The weighted sum.
    terms : dict of str to float
        Each term's loss before its weight.
    size : (int, int)
        Height and width of the image at that step; losses of different sizes do not compare.
    """

    step: int
    evaluations: int
    seconds: float
    loss: float
    terms: dict[str, float]
    size: tuple[int, int]


class Progress:
    """What a callback is given after every step.

    Attributes
    ----------
    record : Record
        The newest line of the history.
    steps : int
        How many steps are planned in all.
    """

    def __init__(self, record, steps, tensor):
        self.record, self.steps, self._tensor = record, steps, tensor

    @property
    def image(self) -> np.ndarray:
        """The current image, float32 (1, H, W, 3); copied from the device when asked for."""
        return to_numpy(self._tensor)

    @property
    def seconds_left(self) -> float:
        """What the steps so far make expect; NaN before the first."""
        done = self.record.step
        return self.record.seconds / done * (self.steps - done) if done else math.nan


@dataclass
class Synthesis:
    """What came out of :func:`synthesize`.

    Attributes
    ----------
    image : array, float32, shape (1, H, W, 3), RGB, range [0, 1]
        The image of the lowest loss that was seen at the final size.
    history : list of Record
    stop_reason : {"steps", "converged", "time limit", "interrupted", "not finite", "out of memory"}
    message : str
        The same in a sentence, with the likely cause where something went wrong.
    settings : dict
        Everything that decided the pixels, as plain data.
    evaluations : int
    seconds : float
    """

    image: np.ndarray
    history: list[Record]
    stop_reason: str
    message: str
    settings: dict
    evaluations: int
    seconds: float

    def save(self, path, quality=95):
        """Write the picture as PNG, JPEG or WebP, with the settings inside; returns the path.

        Errors are those of :func:`nsthelpers.images.save_image`.
        """
        return image_files.save_image(self.image, path, settings=self.settings, quality=quality)

    def report(self) -> dict:
        """Settings, counts, first and last losses, stop reason: plain data for a JSON file."""
        first, last = self.history[0], self.history[-1]
        return {
            **self.settings,
            "stop_reason": self.stop_reason,
            "message": self.message,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "first": asdict(first),
            "last": asdict(last),
        }

    def _repr_png_(self):
        return image_files.to_png_bytes(self.image)


def white_noise(height, width, seed=0):
    """An image of independent normal values, mean 0.5, standard deviation 0.15, clipped to [0, 1].

    Returns
    -------
    array, float32, shape (1, height, width, 3)

    Examples
    --------
    >>> noise = white_noise(64, 64)
    >>> noise.shape, bool(abs(noise.mean() - 0.5) < 0.01)
    ((1, 64, 64, 3), True)
    """
    values = np.random.default_rng(seed).normal(0.5, 0.15, (1, height, width, 3))
    return np.clip(values, 0.0, 1.0).astype("float32")


def synthesize(
    objective,
    start="content",
    *,
    optimizer=None,
    steps=200,
    scales=None,
    seed=0,
    time_limit=None,
    callbacks=(),
    progress=True,
) -> Synthesis:
    """Find an image that minimises an objective.

    Parameters
    ----------
    objective : Objective or Term
        For example ``Content(photo) + 1e3 * Style(painting)``.
    start : {"content", "style", "noise"} or array, default "content"
        The image to start from: the content term's, the first painting, white noise (see
        :func:`white_noise`) or any image. It fixes the size of the result; noise takes the content
        image's size, or the painting's where there is no content.
    optimizer : Optimizer, default LBFGS()
    steps : int or sequence of int, default 200
        How many steps; with several scales, for each of them or one number for each.
    scales : sequence of int, optional
        Long sides in pixels, rising, to work through from coarse to fine: each size starts from the
        enlarged result of the one before. The last is the size of the result. Default: only the
        size of the start image.
    seed : int, default 0
        Of the noise.
    time_limit : float, optional
        In seconds; the run stops after the step that passes it.
    callbacks : callable or sequence of callables
        Each gets a :class:`Progress` after every step (and once before the first). A callback that
        returns True stops the run.
    progress : bool, default True
        Show a progress bar (tqdm).

    Returns
    -------
    Synthesis
        Always, also when the run was interrupted (Ctrl-C, the kernel's stop button) or the loss
        ceased to be a finite number; ``stop_reason`` and ``message`` say what happened.

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense, before any work is done.

    References
    ----------
    Gatys, Ecker & Bethge (2015), arXiv 1508.06576; coarse to fine: Gatys et al. (2016),
    "Controlling Perceptual Factors in Neural Style Transfer", arXiv 1611.07865, section 6.

    Examples
    --------
    >>> from nsthelpers import TotalVariation
    >>> noisy = white_noise(32, 32)
    >>> smooth = synthesize(1.0 * TotalVariation(), start=noisy, steps=5, progress=False)
    >>> smooth.history[-1].loss < smooth.history[0].loss, smooth.stop_reason
    (True, 'steps')
    """
    objective = objective if isinstance(objective, Objective) else 1.0 * objective
    optimizer = optimizer or LBFGS()
    image = _start_image(objective, start, seed)
    sizes = _sizes(image.shape[1:3], scales)
    plan = _plan(steps, len(sizes))
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"the time limit is {time_limit} seconds; expected a positive number")
    callbacks = [callbacks] if callable(callbacks) else list(callbacks)
    settings = {
        "objective": objective.settings(),
        "start": start if isinstance(start, str) else "image",
        "optimizer": optimizer.settings(),
        "steps": plan,
        "sizes": [list(size) for size in sizes],
        "seed": seed,
        "device": asdict(device()),
        "versions": versions(),
    }
    run = _Run(sum(plan), callbacks, time_limit, progress)
    best = image_files.resize(image, size=sizes[0])
    with run:
        for size, count in zip(sizes, plan, strict=True):
            best = image_files.resize(best, size=size)
            best = run.descend(objective, optimizer, best, count, size[0] / sizes[-1][0])
            if run.stop_reason:
                break
    if best.shape[1:3] != sizes[-1]:  # stopped early: the caller still gets the size asked for
        best = image_files.resize(best, size=sizes[-1])
    reason = run.stop_reason or run.last_reason
    return Synthesis(
        best, run.history, reason, run.message, settings, run.evaluations, run.seconds()
    )


class _Run:
    """The loop's own book-keeping: history, clock, callbacks, why it stopped."""

    def __init__(self, steps, callbacks, time_limit, progress):
        self.steps, self.time_limit = steps, time_limit
        self.callbacks, self.progress = callbacks, progress
        self.history: list[Record] = []
        self.evaluations, self.step = 0, 0
        self.stop_reason, self.last_reason, self.message = "", "steps", ""
        self._began = time.perf_counter()

    def __enter__(self):
        from tqdm.auto import tqdm

        self._bar = tqdm(total=self.steps, disable=not self.progress, unit="step", leave=True)
        return self

    def __exit__(self, *error):
        self._bar.close()

    def seconds(self):
        return time.perf_counter() - self._began

    def descend(self, objective, optimizer, image, steps, scale):
        """Work at one size; returns the best image that was seen there."""
        best, lowest = image, math.inf
        try:
            bound = objective.at(*image.shape[1:3], scale)

            def evaluate(tensor):
                self.evaluations += 1
                return bound.evaluate(tensor)

            descent = optimizer.start(evaluate, image)
            best, lowest = descent.image, descent.evaluation.loss
            going = self._after_step(descent, image.shape[1:3]) and math.isfinite(lowest)
            for done in range(steps):
                if not going:
                    break
                may_go_on = descent.step()
                loss = descent.evaluation.loss
                if loss < lowest:
                    best, lowest = descent.image, loss
                self.step += 1
                going = self._after_step(descent, image.shape[1:3])
                if going and not may_go_on:
                    self.last_reason = "converged"
                    self.message = f"converged after {done + 1} of {steps} steps"
                    self.step += steps - done - 1
                    break
            else:
                self.last_reason = "steps"
                self.message = f"all {self.steps} steps done"
        except KeyboardInterrupt:
            self._stop("interrupted", "interrupted; this is the best image so far")
        return to_numpy(best) if not isinstance(best, np.ndarray) else best

    def _after_step(self, descent, size) -> bool:
        evaluation = descent.evaluation
        record = Record(
            self.step, self.evaluations, self.seconds(), evaluation.loss, evaluation.terms, size
        )
        finite = math.isfinite(evaluation.loss)
        if finite or not self.history:
            self.history.append(record)
        if not finite:
            self._stop("not finite", _why_not_finite(evaluation.terms))
            return False
        self._bar.n = min(self.step, self.steps)
        self._bar.set_postfix(loss=f"{evaluation.loss:.4g}", refresh=True)
        news = Progress(record, self.steps, descent.image)
        # Every callback is told, even when an earlier one asks to stop.
        if any([callback(news) is True for callback in self.callbacks]):
            self._stop("interrupted", "stopped by a callback; this is the best image so far")
        elif self.time_limit is not None and record.seconds > self.time_limit:
            self._stop("time limit", f"the time limit of {self.time_limit:g} s has passed")
        return not self.stop_reason

    def _stop(self, reason, message):
        self.stop_reason, self.message = reason, message
        if reason == "not finite":
            _log.warning("%s", message)


def _why_not_finite(terms):
    culprits = [label for label, loss in terms.items() if not math.isfinite(loss)]
    where = f"the loss of {' and '.join(culprits)}" if culprits else "the weighted sum"
    return (
        f"{where} is no longer a finite number; this is the last good image. Likely causes: a "
        "learning rate or a weight that is too large, or a damaged weights file"
    )


def _start_image(objective, start, seed):
    held = {label: term.image for label, term in objective.terms.items() if term.image is not None}
    if not isinstance(start, str):
        return image_files.as_image(start)
    if start == "noise":
        if not held:
            raise ValueError("nothing fixes the size of the noise; pass an image as start=")
        sized = held.get("content", next(iter(held.values())))
        return white_noise(*sized.shape[1:3], seed=seed)
    if start not in ("content", "style"):
        raise ValueError(
            f"unknown start {start!r}; expected 'content', 'style', 'noise' or an image"
        )
    if start not in held:
        raise ValueError(
            f"start={start!r}, but the objective has no {start} term; pass start='noise' or an image"
        )
    image = held[start]
    if start == "style" and "content" in held:  # the canvas is the content's
        return image_files.resize(image, size=held["content"].shape[1:3])
    return image


def _sizes(size, scales):
    if scales is None:
        return [tuple(size)]
    scales = [int(scale) for scale in scales]
    floor = image_files.MINIMUM_SIDE
    if not scales or sorted(set(scales)) != scales or scales[0] < floor:
        raise ValueError(f"scales are {scales}; expected rising long sides of at least {floor} px")
    longest = max(size)
    sizes = [tuple(max(floor, round(side * scale / longest)) for side in size) for scale in scales]
    return sizes


def _plan(steps, count):
    plan = [steps] * count if not isinstance(steps, Sequence) else list(steps)
    if len(plan) != count:
        raise ValueError(f"{len(plan)} step counts for {count} scales; expected one for each")
    for number in plan:
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"steps is {number!r}; expected a whole number of at least 1")
    return [int(number) for number in plan]
