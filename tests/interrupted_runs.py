"""Two runs that a test kills: ``python interrupted_runs.py FOLDER STEPS COUNT WHERE``.

The process kills itself, as ``kill -9`` does, before its evaluation number COUNT, or when it is
about to give the next checkpoint its name (WHERE is "evaluating" or "writing").
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

import nsthelpers as nst
from nsthelpers.objectives.objective import BoundObjective

OPTIMIZERS = {"lbfgs": nst.LBFGS(memory=4), "adam": nst.Adam()}


def runs(folder, steps):
    """Both, from coarse to fine; in a folder they are kept after every step."""
    rng = np.random.default_rng(5)
    photo, painting = (rng.uniform(size=(1, 32, 40, 3)).astype("float32") for _ in range(2))
    network = shallow(rng)
    options = {"network": network}
    objective = nst.Content(photo, "block1_conv2", **options) + nst.Style(
        painting, "block1_conv1", **options
    )
    found = {}
    for name, optimizer in OPTIMIZERS.items():
        found[name] = nst.synthesize(
            objective, "noise", optimizer=optimizer, scales=[32, 40], steps=steps, progress=False,
            precision="float32", checkpoint=folder and Path(folder) / name, checkpoint_seconds=0,
        )  # fmt: skip
    return found


def shallow(rng):
    """A network of two small layers: each process has to make it anew."""
    layers = {
        f"block1_conv{number}": (
            rng.normal(0, np.sqrt(2 / (9 * before)), (3, 3, before, 16)).astype("float32"),
            np.zeros(16, "float32"),
        )
        for number, before in ((1, 3), (2, 16))
    }
    return nst.VGG(weights=nst.weights.Weights("vgg19", layers, "random", "Two small layers."))


class Crash(Exception):
    """What a test breaks a run with."""


class Meter:
    """Counts evaluations; the one of a chosen number fails."""

    count, fatal = 0, None

    def __call__(self):
        self.count += 1
        if self.count == self.fatal:
            raise Crash


def watch(evaluated):
    """Let a function know of every evaluation before it is made; give back how to stop that."""
    original = BoundObjective.evaluate

    def evaluate(self, image):
        evaluated()
        return original(self, image)

    BoundObjective.evaluate = evaluate

    def stop():
        BoundObjective.evaluate = original

    return stop


def main(folder, steps, count, where):
    made = 0

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    def evaluated():
        nonlocal made
        made += 1
        if made == int(count):
            if where == "evaluating":
                die()
            os.replace = die
        with open(Path(folder) / "evaluations", "a", encoding="utf-8") as file:
            file.write("1\n")

    watch(evaluated)
    runs(folder, int(steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
