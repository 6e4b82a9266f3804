"""How seconds and memory of one evaluation grow with the pixels.

    python benchmarks/growth.py [--quick]

The full objective of ``evaluation.py`` on square images; every size in a process of its own, and
all sizes take turns.
"""

from __future__ import annotations

import contextlib
import statistics
from dataclasses import asdict
from math import exp
from pathlib import Path

import measure
import numpy as np

SIDES = (64, 96, 128, 192, 256, 384, 512, 724)
QUICK = (64, 128, 192)
ROUNDS = 5


def main():
    given, began = measure.arguments(__doc__), measure.facts()
    sides = QUICK if given.quick else SIDES
    script, peaks = Path(__file__).with_name("evaluation.py"), {}
    with contextlib.ExitStack() as stack:
        workers = {}
        for side in sides:
            words = ("ours", "ours", side, side)
            workers[side] = stack.enter_context(measure.Worker(script, *words))
            workers[side].answer()

        def turn(side):
            answer = workers[side].ask()
            peaks[side] = answer["peak"]
            return answer["seconds"]

        tasks = {side: lambda side=side: turn(side) for side in sides}
        taken = measure.interleave(tasks, ROUNDS)
    pixels = [side**2 for side in sides]
    seconds = [statistics.median(taken[side]) for side in sides]
    memory = [peaks[side] for side in sides]
    power = measure.fit_power(pixels, seconds)
    line = measure.fit_line(pixels, seconds, relative=True)
    room = measure.fit_line(pixels, memory)
    rows = [
        (f"{side} x {side}", f"{took:.3f}", f"{1e6 * took / side**2:.2f}", peak >> 20)
        for side, took, peak in zip(sides, seconds, memory, strict=True)
    ]
    measure.show(("px", "s", "s per million px", "MiB"), rows)
    print(
        f"seconds = {exp(power.intercept):.3g} pixels^{power.slope:.3f}"
        f"   (R^2 {power.r_squared:.4f}, worst {power.worst:.0%})\n"
        f"seconds = {line.intercept:.3f} + {1e6 * line.slope:.2f} per million pixels"
        f"   (R^2 {line.r_squared:.4f}, worst {line.worst:.0%})\n"
        f"MiB     = {room.intercept / 2**20:.0f} + {1e6 * room.slope / 2**20:.0f} per million "
        f"pixels   (R^2 {room.r_squared:.4f}, worst {room.worst:.0%})"
    )
    points = [
        {"side": side, "seconds": taken[side], "median": took, "peak": peak}
        for side, took, peak in zip(sides, seconds, memory, strict=True)
    ]
    fits = {"power": asdict(power), "line": asdict(line), "memory": asdict(room)}
    measure.save("growth", {"points": points, "fits": fits}, began)
    draw(pixels, seconds, memory, line, room)


def draw(pixels, seconds, memory, line, room):
    drawn, axes = measure.figure()
    span = np.linspace(0, max(pixels), 50)
    axes.plot(np.array(pixels) / 1e6, seconds, "o", color="C0")
    axes.plot(span / 1e6, line.intercept + line.slope * span, color="C0")
    axes.set(xlabel="million pixels", xlim=(0, None), ylim=(0, 1.08 * max(seconds)))
    axes.set_ylabel("seconds per evaluation", color="C0")
    other = axes.twinx()
    other.plot(np.array(pixels) / 1e6, np.array(memory) / 2**30, "s", color="C1")
    other.plot(span / 1e6, (room.intercept + room.slope * span) / 2**30, "--", color="C1")
    other.set_ylabel("peak memory of the process (GiB)", color="C1")
    other.set_ylim(0, 1.08 * max(memory) / 2**30)
    axes.set_title("Time and memory grow with the pixels")
    measure.save_figure(drawn, "growth")


if __name__ == "__main__":
    main()
