"""The one optimisation loop of the project: an image is what minimises an objective.

``synthesize`` starts from an image, lets an optimizer improve it step by step, keeps the history
and the best image so far, and gives that image back, whatever ended the run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import time

import numpy as np

from ..backend import is_out_of_memory, ops
from ..images.arrays import resize
from .plan import make_plan
from .results import Progress, Record, Synthesis, on_host
from .starts import smaller_size

__all__ = ["synthesize"]

_log = logging.getLogger("nsthelpers.synthesis")


def synthesize(
    objective,
    start="content",
    *,
    optimizer=None,
    image_as="pixels",
    jitter=0,
    steps=200,
    scales=None,
    seed=0,
    precision="auto",
    time_limit=None,
    tiles="auto",
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
    optimizer : Optimizer, default LBFGS(), or Adam() with jitter
    image_as : {"pixels", "waves"} or Parametrisation, default "pixels"
        How the image is written down while it is optimised, see
        :class:`nsthelpers.synthesis.Waves`. The bounds of the optimizer are those of pixels.
    jitter : int, default 0
        Before every evaluation the image is shifted by up to so many pixels, down and across, at
        random; what leaves at one border comes in at the other. What a network likes at exact
        places only is then of no use. Losses of single steps are those of single shifts. Not for
        L-BFGS, which compares them, and not for a content.
    steps : int or sequence of int, default 200
        How many steps; with several scales, for each of them or one number for each.
    scales : int or sequence of int, optional
        Long sides in pixels, rising, to work through from coarse to fine: each size starts from the
        enlarged result of the one before. The last is the size of the result. Default: only the
        size of the start image.
    seed : int, default 0
        Of the noise, and of the shifts.
    precision : {"auto", "float32", "bfloat16"}, default "auto"
        What the network computes in, see :meth:`nsthelpers.VGG.in_precision`. "auto" takes bfloat16
        on processors that are quicker with it. Where that is too coarse for a further step down,
        the run goes on in float32.
    time_limit : float, optional
        In seconds; the run stops after the step that passes it.
    tiles : {"auto"}, int or None, default "auto"
        Whether the objective is evaluated tile by tile: the same picture, up to rounding, from
        little memory, in about twice the time (:class:`nsthelpers.tiling.TiledObjective`). A number
        is the side of a tile in pixels, at least 16; a picture no larger than that is looked at as
        a whole. "auto" cuts where the whole would not fit into the memory that is free, if all
        terms can be had so. None never does.
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
        If there is not enough memory for any size. Where there is not for one, the run goes on from
        the image that it has, at half as many pixels, warns, and enlarges the result; ``message``
        and ``settings`` name the sizes that were really worked at.
    Exception
        Whatever a callback or a term of your own raises. The error then has the attribute
        ``synthesis``: the Synthesis up to that point, with the best image so far.

    References
    ----------
    Gatys, Ecker & Bethge (2015), arXiv 1508.06576; coarse to fine: Gatys et al. (2016),
    "Controlling Perceptual Factors in Neural Style Transfer", arXiv 1611.07865, section 6.

    Examples
    --------
    >>> from nsthelpers import TotalVariation, white_noise
    >>> noisy = white_noise(32, 32)
    >>> smooth = synthesize(1.0 * TotalVariation(), start=noisy, steps=5, progress=False)
    >>> smooth.history[-1].loss < smooth.history[0].loss, smooth.stop_reason
    (True, 'steps')
    """
    plan = make_plan(
        objective,
        start,
        optimizer=optimizer,
        image_as=image_as,
        jitter=jitter,
        steps=steps,
        scales=scales,
        seed=seed,
        precision=precision,
        time_limit=time_limit,
        tiles=tiles,
    )
    run = _Run(plan, callbacks, progress)
    try:
        with run.bar:
            for stage in plan.stages:
                _work_at(stage, plan, run)
                if run.too_large:
                    break  # nor would larger sizes fit
    except _Stopped as stopped:
        run.end(*stopped.args)
    except KeyboardInterrupt:
        run.end("interrupted", "interrupted; this is the best image so far")
    except FloatingPointError as error:
        run.end("not finite", f"{error}; {_LIKELY_CAUSES}")
    except Exception as error:
        if run.history:
            run.end("error", f"{type(error).__name__}: {error}; this is the best image so far")
            with contextlib.suppress(AttributeError):  # an error that takes no attributes
                error.synthesis = run.result()
                error.add_note(
                    "The best image so far is not lost: this error's attribute `synthesis` is the "
                    "result up to here, with image, history and settings."
                )
        raise
    return run.result()


def _work_at(stage, plan, run):
    """Make the steps of one stage; where memory runs out, at half as many pixels."""
    size, above = stage.size, run.last_size
    run.goal += stage.steps
    while True:
        try:
            # What has converged in a coarse arithmetic may not have in the exact one.
            for precision in dict.fromkeys([plan.precision, "float32"]):
                more = _descend(plan, size, precision, run)
                if run.step == run.goal:
                    break
            run.conclude(stage.steps, size, more)
            return
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        size = run.smaller(size, above)


def _descend(plan, size, precision, run) -> bool:
    """The loop itself: go downhill at one size. Returns whether there is more to be won."""
    evaluate = run.counting(plan.bind(size, precision).evaluate)
    if plan.jitter:
        evaluate = _shifting(evaluate, plan.jitter, plan.seed)
    descent = plan.way.start(evaluate, resize(on_host(run.best), size=size))
    run.begin(descent, size)
    more = True
    while more and run.step < run.goal:
        more = descent.step()
        run.record(descent)
    return more


def _shifting(evaluate, most, seed):
    """The same function of an image, shifted by another random way at each call."""
    draws = np.random.default_rng(seed)

    def shifted(image):
        down, across = draws.integers(-most, most + 1, 2)
        found = evaluate(ops.roll(image, (down, across), (1, 2)))
        back = ops.roll(found.gradient, (-down, -across), (1, 2))
        return dataclasses.replace(found, gradient=back)

    return shifted


class _Stopped(Exception):
    """A callback, the clock, or a loss that is no number ends the run: reason and message."""


class _Run:
    """The book-keeping of a run: best image, history, clock, callbacks, and why it ended.

    Attributes
    ----------
    best : array or tensor, shape (1, H, W, 3)
        The image of the lowest loss that was seen at the present size.
    history : list of Record
    step, goal : int
        Steps made so far, and those that the stages begun so far shall have made.
    too_large : (int, int) or None
        A size for which there was not enough memory.
    """

    def __init__(self, plan, callbacks, progress):
        from tqdm.auto import tqdm

        self.callbacks = [callbacks] if callable(callbacks) else list(callbacks)
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(f"a callback is {callback!r}; expected a function of the progress")
        self.plan, self.best, self.history = plan, plan.image, []
        self.step, self.goal, self.too_large = 0, 0, None
        self._evaluations, self._lowest = 0, math.inf
        self._reason, self._message = "steps", ""
        self.bar = tqdm(total=plan.steps, disable=not progress, unit="step", leave=True)
        self._began = time.perf_counter()

    @property
    def last_size(self):
        return self.history[-1].size if self.history else None

    def counting(self, evaluate):
        """The same function, its calls counted."""

        def counted(image):
            self._evaluations += 1
            return evaluate(image)

        return counted

    def begin(self, descent, size):
        """A descent starts, at this size."""
        self.best, self._lowest = descent.image, descent.evaluation.loss
        if size != self.last_size or self.step == 0:
            self._note(descent)

    def record(self, descent):
        """A step was made."""
        self.step += 1
        if descent.evaluation.loss < self._lowest:
            self.best, self._lowest = descent.image, descent.evaluation.loss
        self._note(descent)

    def _note(self, descent):
        """Add to the history, tell the callbacks, and raise _Stopped where the run shall end."""
        evaluation, image = descent.evaluation, descent.image
        size = tuple(image.shape[1:3])
        record = Record(
            self.step, self._evaluations, self._seconds(), evaluation.loss, evaluation.terms, size
        )
        finite = math.isfinite(evaluation.loss)
        if finite or not self.history:
            self.history.append(record)
        if not finite:
            raise _Stopped("not finite", _why_not_finite(evaluation.terms))
        self.bar.set_postfix(loss=f"{evaluation.loss:.4g}", refresh=False)
        self.bar.update(min(self.step, self.plan.steps) - self.bar.n)  # drawn ten times a second
        progress = Progress(record, self.plan.steps, image)
        # Every callback is called, even when an earlier one asks to stop.
        answers = [callback(progress) for callback in self.callbacks]
        if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
            raise _Stopped("callback", "stopped by a callback; this is the best image so far")
        limit = self.plan.time_limit
        if limit is not None and record.seconds > limit:
            raise _Stopped("time limit", f"the time limit of {limit:g} s has passed")

    def conclude(self, steps, size, more):
        """A stage has ended by itself; one that has converged leaves out the rest of its steps."""
        made = steps - (self.goal - self.step)
        ended = f"all {steps} steps" if more else f"converged after {made} of {steps} steps"
        self._message = f"{ended} at {size[1]} x {size[0]} pixels"
        if self.too_large:
            self._message += f", enlarged: {_not_enough_memory(self.too_large)}"
        self._reason = "steps" if more else "converged"
        self.step = self.goal

    def smaller(self, size, above):
        """There was not enough memory: the size to go on at."""
        self.too_large, size = size, smaller_size(size, above)
        text = _not_enough_memory(self.too_large)
        if size is None and not self.history:
            raise MemoryError(f"{text}; choose a smaller size or another device")
        if size is None or self.step == self.goal:
            raise _Stopped("out of memory", f"{text}; this is the best image so far")
        _log.warning("%s; going on at %d x %d", text, *size[::-1])
        return size

    def end(self, reason, message):
        """The run ended before all was done."""
        self._reason, self._message = reason, message
        if reason == "not finite":
            _log.warning("%s", message)

    def result(self) -> Synthesis:
        settings = self.plan.settings()
        if self.too_large:
            settings |= self._as_it_was()
        return Synthesis(
            resize(on_host(self.best), size=self.plan.size),  # also where it stopped early
            self.history,
            self._reason,
            self._message,
            settings,
            self._evaluations,
            self._seconds(),
        )

    def _as_it_was(self):
        """Sizes and steps that differ from the plan's."""
        sizes = {record.size: 0 for record in self.history}
        for before, after in zip(self.history, self.history[1:], strict=False):
            sizes[before.size] += after.step - before.step  # with steps left out by converging
        return {"sizes": list(map(list, sizes)), "steps": list(sizes.values())}

    def _seconds(self):
        return time.perf_counter() - self._began


_LIKELY_CAUSES = (
    "this is the best image before that. Likely causes: a learning rate or a weight that is too "
    "large, a term whose formula has no slope there, or a damaged weights file"
)


def _not_enough_memory(size):
    return f"not enough memory for {size[1]} x {size[0]} pixels"


def _why_not_finite(terms):
    culprits = [label for label, loss in terms.items() if not math.isfinite(loss)]
    where = f"the loss of {' and '.join(culprits)}" if culprits else "the weighted sum"
    return f"{where} is not a finite number; {_LIKELY_CAUSES}"
