"""What the loop around the evaluations costs: L-BFGS, history, callbacks, progress bar.

    python benchmarks/optimizer_cost.py [--quick]

A real run with a progress bar and a callback; the time within the evaluations of the objective is
taken off that of each step. Only steps with a full history (20 pairs) count.
"""

from __future__ import annotations

import statistics
import time

import measure

SIDES, QUICK_SIDES = (128, 192, 256, 512), (64, 96)
COUNTED = 20  # steps


def own_part(side):
    """Medians over steps: seconds in evaluations, seconds outside, and the share of the latter."""
    import nsthelpers as nst
    from nsthelpers.objectives.objective import BoundObjective

    evaluate, inside, marks = BoundObjective.evaluate, [0.0], []

    def timed(bound, image):
        began = time.perf_counter()
        answer = evaluate(bound, image)
        inside[0] += time.perf_counter() - began
        return answer

    photo = nst.samples.load("chelsea", size=(side * 3 // 4, side))
    objective = nst.Content(photo) + 10 * nst.Style(nst.samples.load("swirling_night"))
    memory = nst.LBFGS().memory
    BoundObjective.evaluate = timed
    try:
        nst.synthesize(
            objective + 0.1 * nst.TotalVariation(),
            steps=memory + COUNTED,
            callbacks=lambda progress: marks.append((time.perf_counter(), inside[0])),
        )
    finally:
        BoundObjective.evaluate = evaluate
    marks = marks[memory:]
    evaluations = [b[1] - a[1] for a, b in zip(marks, marks[1:], strict=False)]
    steps = [b[0] - a[0] for a, b in zip(marks, marks[1:], strict=False)]
    own = [step - within for step, within in zip(steps, evaluations, strict=True)]
    return {
        "size": [side * 3 // 4, side],
        "evaluations": statistics.median(evaluations),
        "own": statistics.median(own),
        "share": measure.paired_ratio(own, evaluations),
    }


def main():
    given, began = measure.arguments(__doc__), measure.facts()
    rows = [own_part(side) for side in (QUICK_SIDES if given.quick else SIDES)]
    from nsthelpers.backend import quickest_precision

    measure.show(
        ("px", "ms in evaluations", "ms outside", "share"),
        [
            (f"{row['size'][1]} x {row['size'][0]}", f"{1000 * row['evaluations']:.1f}",
             f"{1000 * row['own']:.1f}", f"{row['share']:.1%}")
            for row in rows
        ],
    )  # fmt: skip
    measure.save("optimizer_cost", {"precision": quickest_precision(), "rows": rows}, began)


if __name__ == "__main__":
    main()
