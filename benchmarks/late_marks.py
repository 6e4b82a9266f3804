"""How much chance is in a late mark: the same run from starts that differ by a little noise.

    python benchmarks/late_marks.py [--start recoloured] [--noise 0.01] [--memory 20] [--seeds 3]

The objective and the marks are those of time_to_loss.py; the marks are read from its stored
results. Printed are the evaluations until the picture, judged in float32, has the loss that the
tutorial's program has after 200 and after 1000 steps. Half a minute to a minute for each seed.
"""

from __future__ import annotations

import json

import measure
import numpy as np
from time_to_loss import pictures, tutorial_objective

LIMIT = 500  # evaluations
NEARLY = 1.03  # the run's own loss may be bfloat16's: below this many times a mark it is judged


def evaluations_to(marks, start, noise, memory, seed, side):
    """The evaluations to each mark, None for one that is not reached."""
    import nsthelpers as nst

    photo, painting = pictures(side)
    objective = tutorial_objective(photo, painting)
    judge, left, found = objective.at(*photo.shape[1:3]), sorted(marks, reverse=True), {}
    image = {"content": photo, "recoloured": nst.match_colours(photo, painting)}[start]
    image = image + noise * np.random.default_rng(seed).standard_normal(image.shape)

    def look(progress):
        record = progress.record
        while left and record.loss < NEARLY * left[0]:
            if judge.evaluate(progress.image).loss > left[0]:
                break
            found[left.pop(0)] = record.evaluations
        return not left or record.evaluations > LIMIT

    image = np.clip(image, 0, 1).astype("float32")
    run = {"steps": LIMIT, "callbacks": look, "progress": False}
    nst.synthesize(objective, image, optimizer=nst.LBFGS(memory=memory), **run)
    return [found.get(mark) for mark in marks]


def main():
    given = measure.arguments(__doc__, start="recoloured", noise=0.01, memory=20, seeds=3)
    stored = json.loads((measure.RESULTS / "time_to_loss.json").read_text())
    marks = list(stored["marks"].values())
    for seed in range(1 if given.quick else given.seeds):
        found = evaluations_to(marks, given.start, given.noise, given.memory, seed, stored["side"])
        print(seed, *(count or "not reached" for count in found), flush=True)


if __name__ == "__main__":
    main()
