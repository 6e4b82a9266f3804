"""The frame of every panel with a Run button: a worker, live pictures, Stop, plain words.

The optimisation runs in a thread of its own, so that the kernel stays free to notice Stop. The
thread only ever sets values of widgets, which Jupyter, JupyterLab and Colab all show at once.
"""

from __future__ import annotations

import atexit
import io
import logging
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import ipywidgets as ipw

from ..optimizers import LBFGS, Adam
from ..plots.canvas import new_figure
from ..plots.curves import draw_loss
from .parts import (
    FINAL_SIDE,
    Panel,
    button,
    caption,
    column,
    labelled,
    layout,
    picture,
    put,
    row,
    words,
)

__all__ = ["OPTIMIZERS", "SMOOTHING", "RunPanel", "run_settings", "steps_slider"]

_log = logging.getLogger(__name__)

_PREVIEW_SIDE = 384  # pixels of the long side while it runs
_PICTURE_SECONDS, _CURVE_SECONDS = 0.4, 1.5  # at most one update in that time

OPTIMIZERS = {"L-BFGS": LBFGS(), "Adam": Adam()}
SMOOTHING = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # weights to choose from

_busy: weakref.WeakSet = weakref.WeakSet()  # the panels with a worker at work
_busy_lock = threading.Lock()


class RunPanel(Panel):
    """Controls, Run and Stop, a progress bar, a live picture, a loss curve, a line of words.

    A panel fills in :meth:`job`, and may override :meth:`show` and :meth:`arrange`.

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
        Of the last run.
    error : Exception or None
        What went wrong in the last run; the panel says it in words.
    """

    _thread = None  # also when the making of a panel fails half-way

    def __init__(self, controls, beside, first, captions):
        self.controls = list(controls)
        self.result, self.error = None, None
        self.run_button = button("Run", "play", button_style="primary")
        self.stop_button = button("Stop", "stop", disabled=True)
        self.run_button.on_click(lambda _: self.run())
        self.stop_button.on_click(lambda _: self.stop())
        self.bar = ipw.IntProgress(value=0, min=0, max=1, layout=layout(flex="1 1 80px"))
        self.status = ipw.HTML(layout=layout(min_height="3em"))
        self.beside, self.picture = picture(beside), picture(first)
        self.captions = [caption(text) for text in captions]
        self.curve = ipw.Image(value=_curve_png([]), layout=layout(width="100%", max_width="440px"))
        self._stopping = threading.Event()
        self._history, self._shown, self._drawn = [], 0.0, 0.0
        self._say("Press Run.")
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
        put(self.picture, image, FINAL_SIDE if final else _PREVIEW_SIDE)

    @property
    def running(self) -> bool:
        """Whether the worker is at work."""
        return self in _busy

    def run(self):
        """Start, with what the controls say now. Another panel that is running is stopped."""
        with _busy_lock:
            if self in _busy:
                self._say("It is running already: press Stop first, or wait.")
                return
            self.error = None
            self._stopping.clear()
            try:
                job = self.job()
            except Exception as error:
                self._complain(error)
                return
            others = list(_busy)
            _busy.add(self)
        self._thread = threading.Thread(
            target=self._work, args=(job, others), name="nsthelpers panel", daemon=True
        )
        self.run_button.disabled, self.stop_button.disabled = True, False
        self.bar.value, self.bar.bar_style = 0, ""
        self._say("Getting ready: the targets are computed and the network is compiled …")
        self._thread.start()

    def stop(self):
        """Ask the worker to stop after the step that it is making."""
        if self.running:
            self._stopping.set()
            self._say("Stopping after this step …")
        else:
            self._say("Nothing is running.")

    def wait(self, timeout=None):
        """Wait until the worker has ended, or for so many seconds; return the last result."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        return self.result

    def close(self):
        """Stop the worker, wait for its end, and take the panel off the page."""
        if self._thread is not None:
            self._stopping.set()
            self.wait()
        super().close()

    def _work(self, job, others):
        try:
            for panel in others:  # two at once would only slow each other down
                panel._stopping.set()
                panel.wait()
            self._history, self._shown, self._drawn = [], 0.0, 0.0
            # Encoding pictures takes as long as an evaluation does on a GPU: not in its way.
            with ThreadPoolExecutor(1, "nsthelpers preview") as painter:
                self._painter, self._painted = painter, None
                self.result = job(self._after_step)
            self._raise_painters_error()
            self.show(self.result.image, final=True)
            self.curve.value = _curve_png(self.result.history)
            self._conclude(self.result)
        except Exception as error:
            self._complain(error)
            self.bar.bar_style = "danger"
        finally:
            with _busy_lock:
                _busy.discard(self)
            self.run_button.disabled, self.stop_button.disabled = False, True

    def _after_step(self, progress):
        record, now = progress.record, time.monotonic()
        self._history.append(record)
        self.bar.max, self.bar.value = progress.steps, record.step
        if self._painted is None or self._painted.done():
            self._raise_painters_error()
            picture = curve = None
            if now - self._shown > _PICTURE_SECONDS and not self._stopping.is_set():
                self._shown, picture = now, progress.image
                self._say(
                    f"Step {record.step} of {progress.steps}, loss {record.loss:.3g}"
                    + _time_left(progress.seconds_left)
                )
            if now - self._drawn > _CURVE_SECONDS:
                self._drawn, curve = now, list(self._history)
            if picture is not None or curve is not None:
                self._painted = self._painter.submit(self._paint, picture, curve)
        return self._stopping.is_set()

    def _paint(self, picture, curve):
        if picture is not None:
            self.show(picture)
        if curve is not None:
            self.curve.value = _curve_png(curve)

    def _raise_painters_error(self):
        if self._painted is not None:
            self._painted.result()

    def _conclude(self, result):
        last = result.history[-1]
        first = next(record for record in result.history if record.size == last.size)
        # Losses of different sizes do not compare.
        where = "" if first.step == 0 else f" at {max(last.size)} px"
        fell = f"The loss went from {first.loss:.3g} to {last.loss:.3g}{where}, "
        fell += f"the run took {result.seconds:.0f}\N{NO-BREAK SPACE}s."
        good = result.stop_reason in ("steps", "converged")
        by_hand = result.stop_reason in ("callback", "interrupted")
        if by_hand:
            said = f"Stopped at step {last.step}; the best picture so far is kept"
        elif result.stop_reason == "steps":
            said = f"Done: {last.step} steps"
        else:
            said = f"{result.message[:1].upper()}{result.message[1:]}"
        self._say(f"{said}. {fell}", bad=not good and not by_hand)
        self.bar.bar_style = "success" if good else "warning"
        if good:
            self.bar.value = self.bar.max

    def _complain(self, error):
        self.error = error
        _log.debug("the panel's run failed", exc_info=error)
        self._say(f"That did not work: {str(error) or type(error).__name__}", bad=True)

    def _say(self, text, bad=False):
        self.status.value = words(text, bad)


@atexit.register
def _stop_all():
    """A worker that is cut off in the middle of a computation could crash the kernel's exit."""
    for panel in list(_busy):
        panel._stopping.set()
        panel.wait()


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
    return labelled(ipw.IntSlider, "steps", value=profile.steps, min=1, max=500)


def run_settings(panel):
    """The arguments of a run that the controls for steps and optimizer stand for."""
    return {"steps": panel.steps.value, "optimizer": OPTIMIZERS[panel.optimizer.value]}
