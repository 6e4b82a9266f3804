"""Jobs for the tests of sweeps, in a module of their own so that other processes can import it."""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path

import numpy as np

PATIENCE = 120  # seconds; only a failing test waits that long
GPU = os.environ.get("CUDA_VISIBLE_DEVICES")  # when a process imports its job, or TensorFlow


def made(value, stop_reason="steps", message="all 2 steps"):
    """A small, real result: a picture of one colour, and a history of two records."""
    from nsthelpers.synthesis.results import Record, Synthesis

    image = np.full((1, 16, 24, 3), value / 10, dtype="float32")
    history = [
        Record(step, step + 1, 0.25 * step, 10.0 * value - step, {"content": value / 2}, (16, 24))
        for step in range(3)
    ]
    return Synthesis(image, history, stop_reason, message, {"value": value}, 3, 0.5)


def plain(value, factor=1):
    return made(value * factor)


def marked(value, folder, waiting=()):
    """Leave a mark at the beginning and at the end; in between, wait for `go` where told to."""
    mark(folder, "began", value)
    if value in waiting:
        wait_until((Path(folder) / "go").exists)
    mark(folder, "ended", value)
    return made(value)


def die():
    """End this process at once, with nothing tidied up: on Windows SIGTERM does that."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def deadly(value, folder):
    """Kill the process that does value 1, once."""
    mark(folder, "began", value)
    if value == 1 and not (Path(folder) / "go").exists():
        die()
    return made(value)


def on_a_gpu(value, folder, processes, dies=False):
    """Wait until as many processes are at work, then tell which GPU this one sees."""
    mark(folder, f"sees {GPU}", value)
    wait_until(lambda: len({m.name.split("-")[-2] for m in Path(folder).iterdir()}) >= processes)
    if dies and value == 1:
        die()
    return made(value, message=f"{GPU}")


def mark(folder, what, value):
    (Path(folder) / f"{what}-{value}-{os.getpid()}-{uuid.uuid4().hex}").touch()


def marks(folder, what, value):
    """The processes that left such a mark."""
    return [int(path.name.split("-")[2]) for path in Path(folder).glob(f"{what}-{value}-*")]


def wait_until(holds):
    """Return when it holds; fail after `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("what the test waits for has not happened")
        time.sleep(0.005)
