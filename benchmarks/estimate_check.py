"""Does ``nst.estimate`` tell the truth? What it said before a run, and what the run took.

    python benchmarks/estimate_check.py [--quick]

Every row is a fresh process that estimates a run and then makes it.
"""

from __future__ import annotations

import measure

# Name: objective, long side, scales, steps, optimizer.
RUNS = {
    "128 px, 60 steps": ("all", 128, None, 60, "LBFGS"),
    "256 px, 30 steps": ("all", 256, None, 30, "LBFGS"),
    "384 px, 20 steps": ("all", 384, None, 20, "LBFGS"),
    "512 px, 12 steps": ("all", 512, None, 12, "LBFGS"),
    "1024 px, 5 steps": ("all", 1024, None, 5, "LBFGS"),
    "192 and 384 px, 30 and 20 steps": ("all", 384, [192, 384], [30, 20], "LBFGS"),
    "256 px, 30 steps of Adam": ("all", 256, None, 30, "Adam"),
    "384 px, content at block2_conv1, 40 steps": ("shallow", 384, None, 40, "LBFGS"),
}
QUICK = ("128 px, 60 steps", "256 px, 30 steps")
ALLOWED = 0.25


def worker(name):
    import nsthelpers as nst

    kind, side, scales, steps, optimizer = RUNS[name]
    photo = nst.recipes.open_image("astronaut", size=(round(side / 1.5), side))
    painting = nst.samples.load("swirling_night", max_side=side)
    objective = nst.Content(photo, "block2_conv1") + 0.1 * nst.TotalVariation()
    if kind == "all":
        objective = nst.Content(photo) + 10 * nst.Style(painting) + 0.1 * nst.TotalVariation()
    how = {"steps": steps, "scales": scales, "optimizer": getattr(nst, optimizer)()}
    said = nst.estimate(objective, **how)
    result = nst.synthesize(objective, **how, progress=False)
    measure.Answers().give(
        estimated={"seconds": said.seconds, "memory": said.memory},
        real={"seconds": result.seconds, "memory": measure.peak_bytes()},
        stop_reason=result.stop_reason,
    )


def main():
    given, began, rows, shown = measure.arguments(__doc__), measure.facts(), [], []
    for name in QUICK if given.quick else RUNS:
        with measure.Worker(__file__, name) as each:
            row = {"what": name, **each.answer()}
        rows.append(row)
        said, took = row["estimated"], row["real"]
        off = {key: said[key] / took[key] - 1 for key in said}
        shown.append(
            (
                *(name, f"{said['seconds']:.1f}", f"{took['seconds']:.1f}"),
                f"{off['seconds']:+.0%}",
                *(said["memory"] >> 20, took["memory"] >> 20, f"{off['memory']:+.0%}"),
                "" if max(map(abs, off.values())) <= ALLOWED else "off",
            )
        )
        heads = ("run", "said s", "took s", "", "said MiB", "took MiB", "", "")
        measure.show(heads, shown[-1:])
        print()
    measure.show(heads, shown)
    measure.save("estimate_check", {"rows": rows}, began)


if __name__ == "__main__":
    if measure.is_worker():
        worker(*measure.worker_words())
    else:
        main()
