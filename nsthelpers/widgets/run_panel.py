"""The frame of every panel with a Run button: a worker, live pictures, Stop, messages.

The optimisation runs in a thread of its own, so that the kernel stays free to notice Stop. The
thread only ever sets values of widgets, which Jupyter, JupyterLab and Colab all show at once.
JupyterLab 4.4 and newer may call the buttons' callbacks from several threads: whatever decides
which run is active happens under one lock.
"""

from __future__ import annotations

import atexit
import io
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import ipywidgets as ipw

from ..plots.canvas import new_figure
from ..plots.curves import draw_loss
from .parts import (
    FINAL_SIDE,
    Panel,
    button,
    caption,
    column,
    layout,
    message_html,
    picture,
    row,
    setting_control,
    show_picture,
)

__all__ = ["SMOOTHING", "RunPanel", "optimizer_menu", "run_settings", "steps_slider"]

_log = logging.getLogger(__name__)

_PREVIEW_SIDE = 384  # pixels of the long side while it runs
_PICTURE_SECONDS, _CURVE_SECONDS = 0.4, 1.5  # at most one update in that time

SMOOTHING = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # weights to choose from

_lock = threading.RLock()  # held to start, stop or end a run; a callback may come back to it
_active: list[_Run] = []  # the runs whose workers have not ended, oldest first


class _Run:
    """One run of a panel: its worker, and what it has shown so far."""

    def __init__(self, work):
        self.stopping = threading.Event()
        self.thread = threading.Thread(
            target=work, args=(self,), name="nsthelpers panel", daemon=True
        )
        self.history, self.failures = [], {}
        self.previewer, self.preview = None, None
        self.picture_time, self.curve_time = 0.0, 0.0

    def attempt(self, problem, function, *arguments):
        """Do what the run can do without: an error is noted under `problem`, and ends nothing."""
        try:
            function(*arguments)
        except Exception as error:
            _log.debug("%s", problem, exc_info=error)
            self.failures.setdefault(problem, error)

    def stop(self):
        self.stopping.set()
        self.thread.join()


class RunPanel(Panel):
    """Controls, Run and Stop, a progress bar, a live picture, a loss curve, a message.

    A panel fills in :meth:`job`, and may override :meth:`show`, :meth:`offer` and :meth:`arrange`.

    Parameters
    ----------
    controls : list of Widget
        What the job depends on.
    beside, first : array, shape (1, H, W, 3), range [0, 1]
        A picture to compare with, at the left, and what is shown at the right until something runs.
    captions : (str, str)
        Of the two.

    Attributes
    ----------
    result : Synthesis or None
        Of the last run that made a picture, be it one that an error ended later.
    error : Exception or None
        What went wrong in the last run, be it only that a preview could not be shown; the message
        says it.
    """

    # On the class, so that they are there when the making of a panel fails half-way.
    _run, _thread, _closed = None, None, False  # the active run, the last worker
    result, error = None, None

    def __init__(self, controls, beside, first, captions):
        self.controls = list(controls)
        self.run_button = button("Run", "play", button_style="primary")
        self.stop_button = button("Stop", "stop", disabled=True)
        self.run_button.on_click(lambda _: self.run())
        self.stop_button.on_click(lambda _: self.stop())
        self.bar = ipw.IntProgress(value=0, min=0, max=1, layout=layout(flex="1 1 80px"))
        self.status = ipw.HTML(layout=layout(min_height="3em"))
        self.beside, self.picture = picture(beside), picture(first)
        self.captions = [caption(text) for text in captions]
        self.curve = ipw.Image(value=_curve_png([]), layout=layout(width="100%", max_width="440px"))
        self._set_message("Press Run.")
        super().__init__(self.arrange())

    def arrange(self) -> list:
        """The rows of the panel."""
        return [
            row(
                column(self.beside, self.captions[0], width="49%", align_items="center"),
                column(self.picture, self.captions[1], width="49%", align_items="center"),
            ),
            row(
                column(*self.controls, self.buttons(), self.status, width="49%"),
                column(self.curve, width="49%", align_items="center"),
            ),
        ]

    def buttons(self):
        """Run, Stop and the progress bar."""
        return row(self.run_button, self.stop_button, self.bar, align_items="center")

    def job(self):
        """Read the controls; return a function of a callback that makes a Synthesis."""
        raise NotImplementedError

    def show(self, image, final=False):
        """Show an image of a run; ``final`` marks its last one."""
        show_picture(self.picture, image, FINAL_SIDE if final else _PREVIEW_SIDE)

    def offer(self, result):
        """Offer the result of a run for download; a panel without a download does nothing."""

    @property
    def running(self) -> bool:
        """Whether a run of this panel is active."""
        return self._run is not None

    def run(self):
        """Start, with what the controls say now. Another panel that is running is stopped."""
        with _lock:
            if self._closed:
                self._set_message("This panel is closed: run its cell again for a new one.")
                return
            if self.running:
                self._set_message("It is running already: press Stop first, or wait.")
                return
            self.error = None
            try:
                job, earlier = self.job(), list(_active)
                run = _Run(lambda run: self._work(run, job, earlier))
                run.thread.start()  # it waits for the lock first
            except Exception as error:
                self.error = error
                self._set_message(f"That did not work: {_text(error)}", bad=True)
                return
            _active.append(run)
            self._run, self._thread = run, run.thread
            self.run_button.disabled, self.stop_button.disabled = True, False
            self.bar.value, self.bar.bar_style = 0, ""
            self._set_message(
                "Getting ready: the targets are computed and the network is compiled …"
            )

    def stop(self):
        """Ask the worker to stop after the step that it is making."""
        with _lock:
            if self._run is None:
                self._set_message("Nothing is running.")
            else:
                self._run.stopping.set()
                self._set_message("Stopping after this step …")

    def wait(self, timeout=None):
        """Wait until the worker has ended, or for so many seconds; return the last result."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        return self.result

    def close(self):
        """Stop the worker, wait for its end, and take the panel off the page."""
        with _lock:
            first, self._closed = not self._closed, True
            if self._run is not None:
                self._run.stopping.set()
        self.wait()
        if first:
            super().close()

    def _work(self, run, job, earlier):
        error = None
        with _lock:
            pass  # until run() has shown that it begins
        try:
            for other in earlier:  # two at once would only slow each other down
                other.stop()
            # Encoding pictures takes as long as an evaluation does on a GPU: not in its way.
            with ThreadPoolExecutor(1, "nsthelpers preview") as run.previewer:
                result = job(lambda progress: self._after_step(run, progress))
        except BaseException as raised:  # the thread ends here: nobody else would see it
            _log.debug("the panel's run failed", exc_info=raised)
            error, result = raised, getattr(raised, "synthesis", None)
        if result is not None:
            self.result = result
            run.attempt("the picture could not be shown", self.show, result.image, True)
            run.attempt("the loss curve could not be drawn", self._show_curve, result.history)
            run.attempt("the download could not be made", self.offer, result)
        with _lock:
            self.error = error or next(iter(run.failures.values()), None)
            try:
                self._show_end(result, error, run.failures)
            finally:
                self.run_button.disabled, self.stop_button.disabled = False, True
                self._run = None
                _active.remove(run)

    def _after_step(self, run, progress):
        record, now = progress.record, time.monotonic()
        run.history.append(record)
        self.bar.max, self.bar.value = progress.steps, record.step
        if run.preview is None or run.preview.done():
            image = history = None
            with _lock:  # so that it never replaces the message of stop()
                if now - run.picture_time > _PICTURE_SECONDS and not run.stopping.is_set():
                    run.picture_time, image = now, progress.image
                    self._set_message(
                        f"Step {record.step} of {progress.steps}, loss {record.loss:.3g}"
                        f"{_time_left(progress.seconds_left)}{_failures_text(run.failures)}"
                    )
            if now - run.curve_time > _CURVE_SECONDS:
                run.curve_time, history = now, list(run.history)
            if image is not None or history is not None:
                run.preview = run.previewer.submit(self._preview, run, image, history)
        return run.stopping.is_set()

    def _preview(self, run, image, history):
        if image is not None:
            run.attempt("a preview could not be shown", self.show, image)
        if history is not None:
            run.attempt("the loss curve could not be drawn", self._show_curve, history)

    def _show_curve(self, history):
        self.curve.value = _curve_png(history)

    def _show_end(self, result, error, failures):
        """The last message of a run, and the colour of its bar."""
        if error is not None:
            kept = "" if result is None else ". The best picture so far is kept."
            text = f"That did not work: {_text(error)}{kept}"
            style, trouble = "danger", True
        else:
            text = f"{_end_text(result)}. {_progress_text(result)}"
            finished = result.stop_reason in ("steps", "converged")
            style = "success" if finished and not failures else "warning"
            trouble = not finished and result.stop_reason not in ("callback", "interrupted")
            if finished:
                self.bar.value = self.bar.max
        self._set_message(text + _failures_text(failures), trouble or bool(failures))
        self.bar.bar_style = style

    def _set_message(self, text, bad=False):
        self.status.value = message_html(text, bad)


@atexit.register
def _stop_all():
    """A worker that is cut off in the middle of a computation could crash the kernel's exit."""
    with _lock:
        runs = list(_active)
    for run in runs:
        run.stop()


def _text(error):
    return str(error) or type(error).__name__


def _failures_text(failures):
    return "".join(
        f" ({problem[:1].upper()}{problem[1:]}: {_text(error)})"
        for problem, error in failures.items()
    )


def _end_text(result):
    last = result.history[-1]
    if result.stop_reason in ("callback", "interrupted"):
        return f"Stopped at step {last.step}; the best picture so far is kept"
    if result.stop_reason == "steps":
        return f"Done: {last.step} steps"
    return f"{result.message[:1].upper()}{result.message[1:]}"


def _progress_text(result):
    last = result.history[-1]
    first = next(record for record in result.history if record.size == last.size)
    # Losses of different sizes do not compare.
    where = "" if first.step == 0 else f" at {max(last.size)} px"
    return (
        f"The loss went from {first.loss:.3g} to {last.loss:.3g}{where}, "
        f"the run took {result.seconds:.0f}\N{NO-BREAK SPACE}s."
    )


def _curve_png(history):
    figure = new_figure(4.4, 1.9, layout="constrained")
    draw_loss(figure.subplots(), history)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _time_left(seconds):
    if not seconds > 2:  # NaN too
        return ""
    rounded = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f", about {rounded} left"


def steps_slider(profile):
    """The control for the number of steps."""
    return setting_control("steps", value=profile.steps)


def optimizer_menu():
    """The control for the optimizer; sgd is left out, whose rate depends on the picture."""
    return setting_control("optimizer", options=[("L-BFGS", "lbfgs"), ("Adam", "adam")])


def run_settings(panel):
    """The arguments of a run that the controls for steps and optimizer stand for."""
    return {"steps": panel.steps.value, "optimizer": panel.optimizer.value}
