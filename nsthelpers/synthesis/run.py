"""The book-keeping of a run: best image, history, clock, callbacks, checkpoints, why it ended."""

from __future__ import annotations

import dataclasses
import logging
import math
import time

import numpy as np

from ..backend import to_numpy, to_tensor
from ..images.arrays import resize
from ..objectives.objective import Evaluation
from .results import Progress, Record, Synthesis, on_host
from .starts import smaller_size

__all__ = ["LIKELY_CAUSES", "Run", "Stopped"]

_log = logging.getLogger("nsthelpers.synthesis")

LIKELY_CAUSES = (
    "this is the best image before that. Likely causes: a learning rate or a weight that is too "
    "large, a term whose formula has no slope there, or a damaged weights file"
)

_OF_DESCENT = "descent/"  # how a checkpoint calls what a descent says of its state


class Stopped(Exception):
    """A callback, the clock, or a loss that is no number ends the run: reason and message."""


class Run:
    """The book-keeping of a run: best image, history, clock, callbacks, and why it ended.

    Attributes
    ----------
    best : array or tensor, shape (1, H, W, 3)
        The image of the lowest loss that was seen at the present size; the last, with jitter.
    history : list of Record
    step, goal : int
        Steps made so far, and those that the stages begun so far shall have made.
    stage : int
        How many stages have ended.
    too_large : (int, int) or None
        A size for which there was not enough memory.
    of_callback : Exception or None
        What a callback has raised, which is not the run's own, even where it looks so.
    """

    def __init__(self, plan, callbacks, progress, checkpoints):
        from tqdm.auto import tqdm

        self.callbacks = [callbacks] if callable(callbacks) else list(callbacks)
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(f"a callback is {callback!r}; expected a function of the progress")
        self.plan, self.best, self.history = plan, plan.image, []
        self.step, self.goal, self.stage, self.too_large = 0, 0, 0, None
        self.of_callback = None
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
        loss = descent.evaluation.loss
        # With jitter the lowest loss is that of the luckiest shift, and says nothing of the image.
        if loss < self._lowest or (self.plan.jitter and math.isfinite(loss)):
            self.best, self._lowest = descent.image, loss
        self._note(descent)

    def _note(self, descent):
        """Add to the history, tell the callbacks, and raise Stopped where the run shall end."""
        evaluation = descent.evaluation
        size = tuple(descent.image.shape[1:3])
        record = Record(
            self.step, self._evaluations, self._seconds(), evaluation.loss, evaluation.terms, size
        )
        finite = math.isfinite(evaluation.loss)
        if finite or not self.history:
            self.history.append(record)
        if not finite:
            raise Stopped("not finite", _why_not_finite(evaluation.terms))
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
        """Tell the callbacks, look at the clock, and raise Stopped where the run shall end."""
        progress = Progress(record, self.plan.steps, image, self.plan.share(record.step))
        # Every callback is called, even when an earlier one asks to stop.
        try:
            answers = [callback(progress) for callback in self.callbacks]
        except Exception as error:
            self.of_callback = error
            raise
        if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
            raise Stopped("callback", "stopped by a callback; this is the best image so far")
        self._check_time(record)

    def _check_time(self, record):
        limit = self.plan.time_limit
        if limit is not None and record.seconds > limit:
            raise Stopped("time limit", f"the time limit of {limit:g} s has passed")

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
        self.history = [Record.from_data(record) for record in saved["history"]]
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
            raise Stopped("out of memory", f"{text}; this is the best image so far")
        _log.warning("%s; going on at %d x %d", text, *size[::-1])
        return size

    def end(self, reason, message):
        """The run ended before all was done."""
        self._reason, self._message = reason, message
        if reason == "not finite":
            _log.warning("%s", message)

    def result(self) -> Synthesis:
        settings, message = self.plan.settings(), self._message
        early = self._reason not in ("steps", "converged")
        if self.too_large or early:
            settings |= self._as_it_was()
        if early:
            settings["stop_reason"] = self._reason
            made = self.history[-1].size if self.history else self.plan.size
            if made != self.plan.size and self._reason != "out of memory":  # which says so itself
                message += f"; enlarged from {made[1]} x {made[0]} pixels"
        if self._ended:
            made_by = self._ended["made_by"]
            settings |= {"device": made_by["device"]}
            settings["versions"] = {name: made_by[name] for name in settings["versions"]}
        return Synthesis(
            resize(on_host(self.best), size=self.plan.size),  # also where it stopped early
            self.history,
            self._reason,
            message,
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


def _as_size(pair):
    """As it was before it went through JSON."""
    return None if pair is None else tuple(pair)


def _not_enough_memory(size):
    return f"not enough memory for {size[1]} x {size[0]} pixels"


def _why_not_finite(terms):
    culprits = [label for label, loss in terms.items() if not math.isfinite(loss)]
    where = f"the loss of {' and '.join(culprits)}" if culprits else "the weighted sum"
    return f"{where} is not a finite number; {LIKELY_CAUSES}"
