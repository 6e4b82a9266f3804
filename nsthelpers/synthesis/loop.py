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

from ..backend import is_out_of_memory, ops, to_numpy, to_tensor
from ..images.arrays import resize
from ..objectives.objective import Evaluation
from .checkpoints import Checkpoints, identity, kept_settings
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
    checkpoint=None,
    checkpoint_seconds=60,
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
        terms can be had so. Where that is not enough, an L-BFGS of default settings remembers no
        more pairs than it makes steps, then in bfloat16, then 10 pairs, then 5; ``settings`` says
        so as ``"histories"``, one for each size. None never does any of this.
    callbacks : callable or sequence of callables, default none
        Each gets a :class:`Progress` after every step (and once before the first). A callback that
        returns True stops the run.
    progress : bool, default True
        Show a progress bar (tqdm).
    checkpoint : str or Path, optional
        A folder in which the state of the run is kept on the way. After a crash the same call goes
        on from there, as if nothing had happened (see the notes). Default: nothing is kept.
    checkpoint_seconds : float, default 60
        Between two checkpoints; more where one takes long to write, 0: after every step.

    Returns
    -------
    Synthesis
        Always, also when the run was interrupted (Ctrl-C, the kernel's stop button) or the loss
        ceased to be a finite number; ``stop_reason`` and ``message`` say what happened.

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense, before any work is done; for a ``checkpoint`` of a run
        with other settings (the error names them), or with nothing that is whole.
    OSError
        If ``checkpoint`` cannot be written to, or another run is using it.
    MemoryError
        If there is not enough memory for any size. Where there is not for one, the run goes on from
        the image that it has, at half as many pixels, warns, and enlarges the result; ``message``
        and ``settings`` name the sizes that were really worked at.
    Exception
        Whatever a callback or a term of your own raises. The error then has the attribute
        ``synthesis``: the Synthesis up to that point, with the best image so far.

    Notes
    -----
    On the same processor, with the same versions, a run that goes on from a checkpoint ends with
    the same bits and the same history as one that was never interrupted (some graphics cards add up
    in another order each time). Another device and other versions are warned of. Seconds, and with
    them the time limit, count what was worked, not what lay between. What came after the last
    checkpoint is made again, also after Ctrl-C. A run that has ended comes back from its checkpoint
    without being computed; one that a callback has stopped goes on, and so does one that the time
    limit has, if it is higher now.

    ``progress``, ``callbacks``, ``checkpoint_seconds`` and ``time_limit`` may be others than they
    were, and the last size may have more steps. What else decides the picture may not, nor may
    pictures, masks and the network's weights. Of a term of your own count arrays, numbers, texts,
    lists, dicts and data classes that it holds, not its code. What "auto" chose for the memory that
    was free stays chosen. What is kept is the history of L-BFGS above all: two files of up to 500
    bytes for each pixel, half of that in bfloat16.

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
        before=None if checkpoint is None else kept_settings(checkpoint),
    )
    checkpoints = _checkpoints(checkpoint, checkpoint_seconds, plan)
    run = _Run(plan, callbacks, progress, checkpoints)
    try:
        with run.bar, checkpoints or contextlib.nullcontext():
            run.restore()
            for stage in plan.stages[run.stage :]:
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


def _checkpoints(folder, seconds, plan):
    if folder is None:
        return None
    if not hasattr(plan.optimizer, "resume"):
        raise TypeError(
            f"{type(plan.optimizer).__name__} has no method resume, so that a checkpoint is of no "
            "use; expected an optimizer such as nst.LBFGS(), or no checkpoint"
        )
    return Checkpoints(folder, seconds, identity(plan))


def _work_at(stage, plan, run):
    """Make the steps of one stage; where memory runs out, at half as many pixels."""
    size, above = run.enter(stage)
    while True:
        try:
            # What has converged in a coarse arithmetic may not have in the exact one.
            for precision in run.precisions:
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
    draws = np.random.default_rng(plan.seed)
    if plan.jitter:
        evaluate = _shifting(evaluate, plan.jitter, draws)
    if run.interrupted:
        descent, more = run.resume(evaluate, draws)
    else:
        start = resize(on_host(run.best), size=size)
        descent, more = plan.way_at(size).start(evaluate, start), True
        run.begin(descent, size, precision, draws)
    while more and run.step < run.goal:
        more = descent.step()
        run.record(descent, more)
    return more


def _shifting(evaluate, most, draws):
    """The same function of an image, shifted by another random way at each call."""

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
    stage : int
        How many stages have ended.
    too_large : (int, int) or None
        A size for which there was not enough memory.
    """

    def __init__(self, plan, callbacks, progress, checkpoints):
        from tqdm.auto import tqdm

        self.callbacks = [callbacks] if callable(callbacks) else list(callbacks)
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(f"a callback is {callback!r}; expected a function of the progress")
        self.plan, self.best, self.history = plan, plan.image, []
        self.step, self.goal, self.stage, self.too_large = 0, 0, 0, None
        self._evaluations, self._lowest = 0, math.inf
        self._reason, self._message = "steps", ""
        self._checkpoints, self._saved, self._ended = checkpoints, None, None
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

    def enter(self, stage):
        """A stage starts, or goes on: its size, and that of the one before."""
        self.goal += stage.steps
        size, self._above = stage.size, self.last_size
        if self._saved:
            size, self._above = map(_as_size, (self._saved["size"], self._saved["above"]))
        return size, self._above

    @property
    def precisions(self):
        """What to compute in, one after the other."""
        every = list(dict.fromkeys([self.plan.precision, "float32"]))
        return every[every.index(self._saved["precision"]) :] if self._saved else every

    def begin(self, descent, size, precision, draws):
        """A descent starts, at this size."""
        self._descent, self._more, self._draws = descent, True, draws
        self._size, self._precision = size, precision
        self.best, self._lowest = descent.image, descent.evaluation.loss
        if size != self.last_size or self.step == 0:
            self._note(descent)

    def record(self, descent, more):
        """A step was made."""
        self.step += 1
        self._more = more
        if descent.evaluation.loss < self._lowest:
            self.best, self._lowest = descent.image, descent.evaluation.loss
        self._note(descent)

    def _note(self, descent):
        """Add to the history, tell the callbacks, and raise _Stopped where the run shall end."""
        evaluation = descent.evaluation
        size = tuple(descent.image.shape[1:3])
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
        try:
            self._tell(record, descent.image)
        except BaseException:  # whoever ends the run here, between two steps: nothing is lost
            self._save()
            raise
        if self._checkpoints and self._checkpoints.due:
            self._save()

    def _tell(self, record, image):
        """Tell the callbacks, look at the clock, and raise _Stopped where the run shall end."""
        progress = Progress(record, self.plan.steps, image, self.plan.share(record.step))
        # Every callback is called, even when an earlier one asks to stop.
        answers = [callback(progress) for callback in self.callbacks]
        if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
            raise _Stopped("callback", "stopped by a callback; this is the best image so far")
        self._check_time(record)

    def _check_time(self, record):
        limit = self.plan.time_limit
        if limit is not None and record.seconds > limit:
            raise _Stopped("time limit", f"the time limit of {limit:g} s has passed")

    def _save(self, ended=None):
        """Keep the state between two steps; of a run that has ended by itself, also why."""
        if self._checkpoints is None:
            return
        evaluation = self._descent.evaluation
        state = {
            "step": self.step, "stage": self.stage, "size": self._size, "above": self._above,
            "too_large": self.too_large, "precision": self._precision, "more": self._more,
            "draws": self._draws.bit_generator.state, "ended": ended,
            "history": [dataclasses.asdict(record) for record in self.history],
            "evaluations": self._evaluations, "seconds": self._seconds(),
            "best": to_numpy(self.best), "lowest": self._lowest,
            "loss": evaluation.loss, "terms": evaluation.terms, "exact": evaluation.exact,
            "gradient": to_numpy(evaluation.gradient),
        }  # fmt: skip
        descent = self._descent.state()
        self._checkpoints.save(state | {f"{_OF_DESCENT}{name}": descent[name] for name in descent})

    def restore(self):
        """Take up a state that was kept before, if there is one."""
        saved = self._checkpoints and self._checkpoints.latest()
        if not saved:
            return
        self.history = [
            Record(**{**record, "size": _as_size(record["size"])}) for record in saved["history"]
        ]
        self.step, self.stage = saved["step"], saved["stage"]
        self.goal = sum(stage.steps for stage in self.plan.stages[: self.stage])
        self.best, self._lowest = saved["best"], saved["lowest"]
        self.too_large = _as_size(saved["too_large"])
        self._evaluations = saved["evaluations"]
        self._began = time.perf_counter() - saved["seconds"]
        self.bar.update(min(self.step, self.plan.steps) - self.bar.n)
        ended = saved["ended"]
        if ended and ended["steps"] == self.plan.steps:
            self._ended, self.stage = saved, len(self.plan.stages)
            self._reason, self._message = ended["reason"], ended["message"]
            return
        self._saved = saved
        self._check_time(self.history[-1])

    @property
    def interrupted(self) -> bool:
        """Whether the next descent is one that was begun before."""
        return self._saved is not None

    def resume(self, evaluate, draws):
        """Go on with a descent: this one, and whether there was more to be won."""
        saved, self._saved = self._saved, None
        draws.bit_generator.state = saved["draws"]
        evaluation = Evaluation(
            saved["loss"], saved["terms"], to_tensor(saved["gradient"], None), saved["exact"]
        )
        state = {
            name.removeprefix(_OF_DESCENT): value
            for name, value in saved.items()
            if name.startswith(_OF_DESCENT)
        }
        self._more, self._draws = saved["more"], draws
        self._size, self._precision = _as_size(saved["size"]), saved["precision"]
        self._descent = self.plan.way_at(self._size).resume(evaluate, state, evaluation)
        return self._descent, self._more

    def conclude(self, steps, size, more):
        """A stage has ended by itself; one that has converged leaves out the rest of its steps."""
        made = steps - (self.goal - self.step)
        ended = f"all {steps} steps" if more else f"converged after {made} of {steps} steps"
        self._message = f"{ended} at {size[1]} x {size[0]} pixels"
        if self.too_large:
            self._message += f", enlarged: {_not_enough_memory(self.too_large)}"
        self._reason = "steps" if more else "converged"
        if self.too_large or self.stage + 1 == len(self.plan.stages):
            self._save({"reason": self._reason, "message": self._message, "steps": self.plan.steps})
        self.step, self.stage = self.goal, self.stage + 1

    def smaller(self, size, above):
        """There was not enough memory: the size to go on at."""
        self.too_large, size = size, smaller_size(size, above)
        self._saved = None  # of the descent; the best image stays
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
        if self._ended:
            made_by = self._ended["made_by"]
            settings |= {"device": made_by["device"]}
            settings["versions"] = {name: made_by[name] for name in settings["versions"]}
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
        if self._ended:
            return self._ended["seconds"]
        return time.perf_counter() - self._began


_LIKELY_CAUSES = (
    "this is the best image before that. Likely causes: a learning rate or a weight that is too "
    "large, a term whose formula has no slope there, or a damaged weights file"
)


_OF_DESCENT = "descent/"  # how a checkpoint calls what a descent says of its state


def _as_size(pair):
    """As it was before it went through JSON."""
    return None if pair is None else tuple(pair)


def _not_enough_memory(size):
    return f"not enough memory for {size[1]} x {size[0]} pixels"


def _why_not_finite(terms):
    culprits = [label for label, loss in terms.items() if not math.isfinite(loss)]
    where = f"the loss of {' and '.join(culprits)}" if culprits else "the weighted sum"
    return f"{where} is not a finite number; {_LIKELY_CAUSES}"
