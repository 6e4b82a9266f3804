"""What each idea for the end of a run brings, over the six pairs: evaluations, not seconds.

    python benchmarks/late_phase.py [--quick] [--ideas "textbook" …]

The marks are the tutorial's losses after 1000 steps, from the last run of ``six_pairs.py``. Nothing
here is on a clock, so it may run beside other work. An evaluation in float32 costs about 1.8
of those in bfloat16.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np
from six_pairs import KEPT, pictures
from time_to_loss import tutorial_objective

import nsthelpers as nst
from nsthelpers.optimizers.lbfgs import LBFGSDescent

LIMIT = 450
STARTS = ("content", "recoloured")


@dataclass(frozen=True)
class Restarted(nst.LBFGS):
    """Forgets all curvature every so many steps."""

    every: int = 100

    def start(self, evaluate, image):
        return RestartedDescent(self, evaluate, image)


class RestartedDescent(LBFGSDescent):
    made: int = 0

    def step(self):
        self.made += 1
        if self.made % self._settings.every == 0:
            self._history.order.clear()
        return super().step()


IDEAS = {
    "by octave (the default)": {},
    "textbook: one number": {"optimizer": nst.LBFGS(by_octave=False)},
    "textbook, memory 60": {"optimizer": nst.LBFGS(by_octave=False, memory=60)},
    "by octave, memory 10": {"optimizer": nst.LBFGS(memory=10)},
    "by octave, memory 60": {"optimizer": nst.LBFGS(memory=60)},
    "by octave, float32": {"precision": "float32"},
    "by octave, restarted every 100": {"optimizer": Restarted()},
}


def evaluations_to(mark, pair, start, given, side, limit):
    """Of one run; None where the mark was not reached."""
    photo, painting = pictures(pair, side)
    objective = tutorial_objective(photo, painting)
    judge, kept = objective.at(*photo.shape[1:3]), []

    def keep(progress):
        record = progress.record
        if not kept or record.evaluations >= kept[-1][0] + KEPT:
            kept.append((record.evaluations, progress.image))
        return record.loss < 0.95 * mark or record.evaluations > limit

    nst.synthesize(objective, start, steps=limit, callbacks=keep, progress=False, **given)
    for evaluations, image in kept:
        if judge.evaluate(np.clip(image, 0, 1)).loss <= mark:
            return evaluations
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one pair, small")
    parser.add_argument("--ideas", nargs="+", choices=IDEAS, default=list(IDEAS))
    given, began = parser.parse_args(), measure.facts()
    path = Path(__file__).parent / "results" / "six_pairs.json"
    marks = json.loads(path.read_text(encoding="utf-8"))["rows"][: 1 if given.quick else None]
    side, limit = (48, 20) if given.quick else (192, LIMIT)
    found = {}
    for idea in given.ideas:
        found[idea] = {}
        for start in STARTS:
            found[idea][start] = [
                evaluations_to(
                    row["marks"][-1], tuple(row["pair"]), start, IDEAS[idea], side, limit
                )
                for row in marks
            ]
            print(idea, start, found[idea][start], flush=True)
    rows = [
        (idea, start, *counts, statistics.median(count or limit for count in counts))
        for idea, starts in found.items()
        for start, counts in starts.items()
    ]
    measure.show(("idea", "start", *(" x ".join(r["pair"]) for r in marks), "median"), rows)
    measure.save("late_phase", {"side": side, "limit": limit, "found": found}, began)


if __name__ == "__main__":
    main()
