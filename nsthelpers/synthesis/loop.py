"""The one optimisation loop of the project: an image is what minimises an objective.

``synthesize`` starts from an image, lets an optimizer improve it step by step, keeps the history
and the best image so far, and gives that image back, whatever ended the run.
"""

from __future__ import annotations

import logging
import math
import operator
import time
from dataclasses import asdict

import numpy as np

from ..backend import (
    PRECISIONS,
    device,
    is_out_of_memory,
    quickest_precision,
    versions,
)
from ..images.arrays import resize
from ..objectives.objective import as_objective
from ..optimizers import LBFGS, Optimizer
from .results import Progress, Record, Synthesis, on_host
from .starts import smaller_size, start_image, step_counts, white_noise, working_sizes

__all__ = ["Progress", "Record", "Synthesis", "synthesize", "white_noise"]

_log = logging.getLogger(__name__)


def synthesize(
    objective,
    start="content",
    *,
    optimizer=None,
    steps=200,
    scales=None,
    seed=0,
    precision="auto",
    time_limit=None,
    callbacks=(),
    progress=True,
) -> Synthesis:
    """Find an image that minimises an objective.

    Parameters
    ----------
    objective : Objective or Term
        For example ``Content(photo) + 10 * Style(painting)``.
    start : {"content", "recoloured", "style", "noise"} or array, default "content"
        The image to start from: the content term's, the same in the paintings' colours (see
        :func:`nsthelpers.match_colours`), the first painting, white noise (see
        :func:`white_noise`) or any image. It fixes the size of the result; noise takes the content
        image's size, or the painting's where there is no content, and a painting is cut to the
        content's size where there is content.
    optimizer : Optimizer, default LBFGS()
    steps : int or sequence of int, default 200
        How many steps; with several scales, for each of them or one number for each.
    scales : int or sequence of int, optional
        Long sides in pixels, rising, to work through from coarse to fine: each size starts from the
        enlarged result of the one before. The last is the size of the result. Default: only the
        size of the start image.
    seed : int, default 0
        Of the noise.
    precision : {"auto", "float32", "bfloat16"}, default "auto"
        What the network computes in, see :meth:`nsthelpers.VGG.in_precision`. "auto" takes bfloat16
        on processors that are quicker with it. Where that is too coarse for a further step down,
        the run goes on in float32.
    time_limit : float, optional
        In seconds; the run stops after the step that passes it.
    callbacks : callable or sequence of callables, default none
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
    MemoryError
        If the memory does not do for any size. Where it does not do for one, the run goes on from
        the image that it has, at half as many pixels, warns, and enlarges the result; ``message``
        and ``settings`` name the sizes that were really worked at.

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
    objective = as_objective(objective)
    optimizer = LBFGS() if optimizer is None else optimizer
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"the optimizer is {optimizer!r}; expected one such as nst.LBFGS()")
    image = start_image(objective, start, seed)
    sizes = working_sizes(image.shape[1:3], scales)
    plan = step_counts(steps, len(sizes))
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"the time limit is {time_limit} seconds; expected a positive number")
    if precision not in ("auto", *PRECISIONS):
        raise ValueError(f"unknown precision {precision!r}; expected auto, {', '.join(PRECISIONS)}")
    if objective.network is None:
        precision = "float32"  # the pixels are never rounded
    elif precision == "auto":
        precision = quickest_precision()
    callbacks = [callbacks] if callable(callbacks) else list(callbacks)
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"a callback is {callback!r}; expected a function of the progress")
    settings = {
        "objective": objective.settings(),
        "start": start if isinstance(start, str) else "image",
        "optimizer": optimizer.settings(),
        "steps": plan,
        "sizes": [list(size) for size in sizes],
        "seed": operator.index(seed),
        "precision": precision,
        "device": asdict(device()),
        "versions": versions(),
    }
    run, best = _Run(sum(plan), precision, callbacks, time_limit, progress), image
    with run:
        for size, count in zip(sizes, plan, strict=True):
            best = run.work(objective, optimizer, best, size, count, sizes[-1])
            if run.stop_reason or run.too_large:
                break
    best = resize(best, size=sizes[-1])  # stopped early: the caller still gets the size asked for
    if run.too_large:
        settings |= run.worked_at()
    reason = run.stop_reason or run.last_reason
    return Synthesis(
        best, run.history, reason, run.message, settings, run.evaluations, run.seconds()
    )


class _Run:
    """The loop's own book-keeping: history, clock, callbacks, why it stopped."""

    def __init__(self, steps, precision, callbacks, time_limit, progress):
        self.steps, self.precision, self.time_limit = steps, precision, time_limit
        self.callbacks, self.progress = callbacks, progress
        self.history: list[Record] = []
        self.evaluations, self.step = 0, 0
        self.stop_reason, self.last_reason, self.message = "", "steps", ""
        self.too_large: tuple[int, int] | None = None  # the size that the memory did not do for
        self._began = time.perf_counter()

    def __enter__(self):
        from tqdm.auto import tqdm

        self._bar = tqdm(total=self.steps, disable=not self.progress, unit="step", leave=True)
        return self

    def __exit__(self, *error):
        self._bar.close()

    def seconds(self):
        return time.perf_counter() - self._began

    def work(self, objective, optimizer, image, size, steps, final):
        """Make the steps of one size, or what is left of them at the largest that memory allows."""
        before, end = self.history[-1].size if self.history else None, self.step + steps
        while True:
            scale, failed = size[0] / final[0], self.too_large
            image = self.descend(objective, optimizer, image, size, end - self.step, scale)
            if self.too_large == failed or self.stop_reason:
                return image
            text = f"the memory does not do for {size[1]} x {size[0]} pixels"
            size = smaller_size(size, before)
            if size is None and not self.history:
                raise MemoryError(f"{text}; choose a smaller size or another device")
            if size is None or self.step == end:
                self._stop("out of memory", f"{text}; this is the best image so far")
                return image
            _log.warning("%s; going on at %d x %d", text, *size[::-1])

    def worked_at(self):
        """Sizes and steps as they really were, for the settings."""
        sizes = {record.size: 0 for record in self.history}
        for a, b in zip(self.history, self.history[1:], strict=False):
            sizes[a.size] += b.step - a.step  # steps left out by converging are its own
        return {"sizes": list(map(list, sizes)), "steps": list(sizes.values())}

    def descend(self, objective, optimizer, image, size, steps, scale):
        """Work at one size; returns the best image that was seen there."""
        best, going, more, done = image, True, True, 0
        try:
            best = resize(image, size=size)
            # What has converged in a coarse arithmetic may not have in the exact one.
            for precision in dict.fromkeys([self.precision, "float32"]):
                descent = self._start(objective.at(*size, scale, precision), optimizer, best)
                best, lowest = descent.image, descent.evaluation.loss
                going = done > 0 or self._after_step(descent, size)
                more = True
                while going and more and done < steps:
                    more = descent.step()
                    self.step, done = self.step + 1, done + 1
                    if descent.evaluation.loss < lowest:
                        best, lowest = descent.image, descent.evaluation.loss
                    going = self._after_step(descent, size)
                if not going or done == steps:
                    break
            if going:
                ended = f"all {steps} steps" if more else f"converged after {done} of {steps} steps"
                self.message = f"{ended} at {size[1]} x {size[0]} pixels"
                if self.too_large:
                    height, width = self.too_large
                    self.message += f", enlarged: the memory does not do for {width} x {height}"
                self.last_reason = "steps" if more else "converged"
                self.step += steps - done
        except KeyboardInterrupt:
            self._stop("interrupted", "interrupted; this is the best image so far")
        except FloatingPointError as error:
            self._stop("not finite", f"{error}; {_LIKELY_CAUSES}")
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self.too_large = size
        return on_host(best)

    def _start(self, bound, optimizer, image):
        def evaluate(tensor):
            self.evaluations += 1
            return bound.evaluate(tensor)

        return optimizer.start(evaluate, image)

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
        self._bar.set_postfix(loss=f"{evaluation.loss:.4g}", refresh=False)
        self._bar.update(min(self.step, self.steps) - self._bar.n)  # it draws ten times a second
        news = Progress(record, self.steps, descent.image)
        # Every callback is told, even when an earlier one asks to stop.
        answers = [callback(news) for callback in self.callbacks]
        if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
            self._stop("callback", "stopped by a callback; this is the best image so far")
        elif self.time_limit is not None and record.seconds > self.time_limit:
            self._stop("time limit", f"the time limit of {self.time_limit:g} s has passed")
        return not self.stop_reason

    def _stop(self, reason, message):
        self.stop_reason, self.message = reason, message
        if reason == "not finite":
            _log.warning("%s", message)


_LIKELY_CAUSES = (
    "this is the best image before that. Likely causes: a learning rate or a weight that is too "
    "large, a term whose formula has no slope there, or a damaged weights file"
)


def _why_not_finite(terms):
    culprits = [label for label, loss in terms.items() if not math.isfinite(loss)]
    where = f"the loss of {' and '.join(culprits)}" if culprits else "the weighted sum"
    return f"{where} is not a finite number; {_LIKELY_CAUSES}"
