"""What a step of L-BFGS costs beside the evaluation of the objective that it makes.

    python benchmarks/optimizer_cost.py [LONG_SIDE]

The steps run on a quadratic, whose own cost is subtracted; evaluations and steps take turns, so
that both see the same machine. The history is full (20 pairs).
"""

from __future__ import annotations

import statistics
import sys
import time
from types import SimpleNamespace

import numpy as np

import nsthelpers as nst
from nsthelpers.backend import ops, to_tensor


def main():
    long_side = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    photo = nst.white_noise(long_side * 3 // 4, long_side)
    painting = nst.samples.load("swirling_night")
    bound = (nst.Content(photo) + 10 * nst.Style(painting)).at(*photo.shape[1:3])
    point = to_tensor(photo)
    curvature = to_tensor(np.geomspace(0.01, 100, photo.size).reshape(photo.shape))
    centre = to_tensor(nst.white_noise(*photo.shape[1:3], seed=1))
    spent = []

    def quadratic(x):
        began = time.perf_counter()
        gradient = curvature * (x - centre)
        loss = 0.5 * float(ops.sum(gradient * (x - centre)))
        spent.append(time.perf_counter() - began)
        return SimpleNamespace(loss=loss, gradient=gradient)

    descent = nst.LBFGS(tolerance=0.0).start(quadratic, photo)
    for _ in range(22):
        descent.step()
    bound.evaluate(point)
    evaluations, steps = [], []
    for _ in range(9):
        began = time.perf_counter()
        bound.evaluate(point)
        evaluations.append(time.perf_counter() - began)
        spent.clear()
        began = time.perf_counter()
        descent.step()
        steps.append(time.perf_counter() - began - sum(spent))
    evaluation, step = statistics.median(evaluations), statistics.median(steps)
    print(f"{photo.shape[2]} x {photo.shape[1]} px, medians of {len(steps)}")
    print(f"evaluation of the objective  {1000 * evaluation:8.1f} ms")
    print(f"L-BFGS's own part of a step  {1000 * step:8.1f} ms   {step / evaluation:.1%}")


if __name__ == "__main__":
    main()
