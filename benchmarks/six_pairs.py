"""How soon the default optimizer reaches the tutorial's losses, on six pairs of pictures.

    python benchmarks/six_pairs.py [--quick] [--side 192]
    python benchmarks/six_pairs.py --against FOLDER [--marks-of FILE] [--starts content,recoloured]

Late marks depend on the pair and on chance, so one pair says little. Here six photographs and
paintings take the objective of TensorFlow's style transfer tutorial (see ``time_to_loss.py``). Its
own program, Adam on Keras' VGG19 from the content image, makes 1000 steps; its losses after 200 and
1000 of them are the marks. Ours makes one long run from each of three starts. Since noise starts
far away, the tutorial's program also makes 1000 steps from the same noise, and ours is held against
those, too. Every fifth evaluation's image is kept, as it would be saved, and judged afterwards in
float32: keeping and judging are not on the clock, computing targets is. What compiles has compiled
before. Each run is in a process of its own. ``--against`` names another checkout of this
repository, whose package runs in turn with this one: the results say what a change of the code has
brought. ``--marks-of`` takes the tutorial's losses and seconds from the results of an earlier run,
and leaves out its own program (most of the time).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import numpy as np
from time_to_loss import tutorial_objective, tutorial_program

PAIRS = (
    ("chelsea", "swirling_night"),
    ("coffee", "woodblock_wave"),
    ("rocket", "expressionist_sky"),
    ("astronaut", "stained_glass"),
    ("coffee", "mosaic_sunset"),
    ("rocket", "pointillist_garden"),
)
STARTS = ("content", "recoloured", "noise")
BEFORE = "before: "
BOTH = "noise, both"  # the tutorial's program starts from the same noise
MARKS, QUICK_MARKS = (200, 1000), (10, 20)
ROOT = Path(__file__).resolve().parents[1]
KEPT = 5  # evaluations from one image that is kept to the next


def pictures(pair, side):
    """In 8 bits, as every program would read them from a file."""
    import nsthelpers as nst

    loaded = (nst.samples.load(name, max_side=side) for name in pair)
    return [(np.round(image * 255) / 255).astype("float32") for image in loaded]


def tutorial(photo, painting, steps, start=None):
    """Seconds and loss after each step of the tutorial's own program."""
    step = tutorial_program(photo, painting, start)
    began, rows = time.perf_counter(), []
    for _ in range(steps + 1):
        loss = float(step())
        rows.append((time.perf_counter() - began, loss))
    return rows


def ours(photo, painting, start, lowest, limit):
    """Seconds, evaluations and loss (float32) of the images kept on the way."""
    import nsthelpers as nst

    objective = tutorial_objective(photo, painting)
    judge = objective.at(*photo.shape[1:3])
    nst.synthesize(objective, start, steps=2, progress=False)  # what compiles
    kept, off = [], [0.0]

    def keep(progress):
        began, record = time.perf_counter(), progress.record
        if not kept or record.evaluations >= kept[-1][1] + KEPT:
            kept.append((record.seconds - off[0], record.evaluations, progress.image))
        # bfloat16 flatters by one or two percent: a margin below the last mark.
        done = record.loss < 0.97 * lowest or record.evaluations > limit
        off[0] += time.perf_counter() - began
        return done

    nst.synthesize(objective, start, steps=limit, callbacks=keep, progress=False)
    return [(s, e, judge.evaluate(np.clip(image, 0, 1)).loss) for s, e, image in kept]


def in_process(checkout, *words):
    """What :func:`ours` finds with the package of a checkout, in a fresh process.

    The pictures come from a file: another checkout may read photographs in other colours.
    """
    found = subprocess.run(
        [sys.executable, __file__, "--worker", *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(found.stdout)


def worker(path, start, lowest, limit):
    answers = measure.Answers()
    with np.load(path) as pair:
        found = ours(pair["photo"], pair["painting"], start, float(lowest), int(limit))
    answers.give(rows=found)


def tutorial_rows(photo, painting, marks):
    """The marks, and when the tutorial reaches them."""
    from nsthelpers.synthesis.starts import white_noise

    rows = {}
    for of, start in (("", None), (f" ({BOTH})", white_noise(*photo.shape[1:3]))):
        theirs = tutorial(photo, painting, marks[-1], start)
        rows[f"marks{of}"] = [theirs[mark][1] for mark in marks]
        rows[f"tutorial{of}"] = [theirs[mark][0] for mark in marks]
    return rows


def pair_rows(number, side, marks, limit, checkouts, folder, earlier=None, starts=STARTS):
    """The marks, when the tutorial reaches them, and when each of our runs does."""
    photo, painting = pictures(PAIRS[number], side)
    path = Path(folder) / "pair.npz"
    np.savez(path, photo=photo, painting=painting)
    if earlier:
        theirs = {name: row for name, row in earlier.items() if name.startswith(("marks", "tutor"))}
    else:
        theirs = tutorial_rows(photo, painting, marks)
    rows = {"pair": list(PAIRS[number])} | theirs
    for start in starts:
        for name, checkout in checkouts.items():
            found = in_process(checkout, path, start, rows["marks"][-1], limit)["rows"]
            rows[f"{name}{start}"] = reached(found, rows["marks"])
            if start == "noise":
                rows[f"{name}{BOTH}"] = reached(found, rows[f"marks ({BOTH})"])
    return rows


def reached(found, marks):
    """The first of our images at or below each mark; None where there is none."""
    first = [next((row for row in found if row[2] <= mark), None) for mark in marks]
    return [row and {"seconds": row[0], "evaluations": row[1]} for row in first]


def factors(rows, start, mark):
    """How many times sooner, for each pair; 0 where the mark was not reached."""
    theirs = f"tutorial ({BOTH})" if start.endswith(BOTH) else "tutorial"
    return [
        row[theirs][mark] / row[start][mark]["seconds"] if row[start][mark] else 0.0 for row in rows
    ]


def lines(rows, marks):
    """A line of the table for each start and mark: every pair's factor, and their median."""
    starts = tuple(f"{before}{start}" for start in (*STARTS, BOTH) for before in ("", BEFORE))
    for start in (name for name in rows[0] if name in starts):
        for place, mark in enumerate(marks):
            values = factors(rows, start, place)
            shown = [f"{value:.1f}" if value else "not reached" for value in values]
            yield (start, mark, *shown, f"{statistics.median(values):.1f}")


def gains(rows, marks):
    """A line for each start and mark: evaluations after / before, and how many times sooner."""
    for start in (name for name in rows[0] if f"{BEFORE}{name}" in rows[0]):
        for place, mark in enumerate(marks):
            pairs = [(row[start][place], row[f"{BEFORE}{start}"][place]) for row in rows]
            shown = [
                " / ".join(str(at["evaluations"]) if at else "not reached" for at in pair)
                for pair in pairs
            ]
            ratios = [old["seconds"] / new["seconds"] for new, old in pairs if new and old]
            sooner = f"{statistics.median(ratios):.2f}" if ratios else ""
            yield (start, mark, *shown, sooner)


def main():
    given = measure.arguments(__doc__, side=192, against="", marks_of="", starts=",".join(STARTS))
    began = measure.facts()
    marks, limit = (QUICK_MARKS, 40) if given.quick else (MARKS, 1000)
    side = 64 if given.quick else given.side
    earlier, facts = [None] * len(PAIRS), {"side": side, "steps": marks}
    if given.marks_of and not given.against:
        raise SystemExit("--marks-of goes with --against: without, the tutorial itself is measured")
    if given.marks_of:
        stored = json.loads(Path(given.marks_of).read_text(encoding="utf-8"))
        if (stored["side"], stored["steps"]) != (side, list(marks)):
            raise SystemExit(f"{given.marks_of}: of another size, or of other steps")
        earlier, facts["tutorial_measured"] = stored["rows"], stored["date"]
    checkouts = {"": ROOT} | ({BEFORE: given.against} if given.against else {})
    kept_as, rows = "six_pairs_against" if given.against else "six_pairs", []
    with tempfile.TemporaryDirectory() as folder:
        for number, before in enumerate(earlier[: 1 if given.quick else None]):
            starts = given.starts.split(",")
            rows.append(pair_rows(number, side, marks, limit, checkouts, folder, before, starts))
            print(rows[-1], flush=True)
            measure.save(kept_as, facts | {"rows": rows}, began)
    names = [" x ".join(row["pair"]) for row in rows]
    table = gains if given.against else lines
    measure.show(("start", "mark", *names, "median"), list(table(rows, marks)))


if __name__ == "__main__":
    if measure.is_worker():
        worker(*measure.worker_words())
    else:
        main()
