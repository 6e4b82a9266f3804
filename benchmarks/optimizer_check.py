"""Evaluations that this package's L-BFGS needs for the loss that SciPy's L-BFGS-B reaches.

    python benchmarks/optimizer_check.py            # the closed-form problems
    python benchmarks/optimizer_check.py --style    # and a style transfer, 128 px

Both get the same function, the same start, the same memory and the same bounds. SciPy runs first;
its loss after each evaluation is the mark, and ours is the number of evaluations to reach it.
"""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import numpy as np
from scipy.optimize import minimize, rosen, rosen_der

import nsthelpers as nst


def rosenbrock(n):
    start = np.where(np.arange(n) % 2 == 0, -1.2, 1.0)
    return f"Rosenbrock, {n}-d", rosen, rosen_der, start, None


def quadratic(n=200, condition=1e4, seed=0):
    """Half of the unconstrained minimum lies outside the box."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(n, n)))
    matrix = rotation @ np.diag(np.geomspace(1, condition, n)) @ rotation.T
    centre = rng.uniform(-0.5, 1.5, n)

    def value(x):
        return 0.5 * (x - centre) @ matrix @ (x - centre)

    def gradient(x):
        return matrix @ (x - centre)

    name = f"bounded quadratic, {n}-d, condition {condition:g}"
    return name, value, gradient, np.full(n, 0.5), (0.0, 1.0)


def style_transfer(side=128):
    content = nst.samples.load("chelsea", max_side=side)
    style = nst.samples.load(nst.samples.names("painting")[0], max_side=side)
    bound = (nst.Content(content) + 10 * nst.Style(style)).at(*content.shape[1:3])
    scale = bound.evaluate(content).loss

    def at(x):
        evaluation = bound.evaluate(x.reshape(content.shape).astype("float32"))
        gradient = np.asarray(evaluation.gradient, "float64").ravel()
        return evaluation.loss / scale, gradient / scale

    return (
        f"style transfer, {content.shape[2]} x {content.shape[1]} px",
        lambda x: at(x)[0],
        lambda x: at(x)[1],
        content.ravel().astype("float64"),
        (0.0, 1.0),
    )


def scipy_losses(value, gradient, start, bounds, limit):
    """Lowest loss so far after each evaluation."""
    losses = []

    def both(x):
        losses.append(value(x))
        return losses[-1], gradient(x)

    box = None if bounds is None else [bounds] * len(start)
    options = {"maxcor": 20, "maxfun": limit, "maxiter": limit, "ftol": 1e-15, "gtol": 1e-12}
    minimize(both, start, jac=True, method="L-BFGS-B", bounds=box, options=options)
    return np.minimum.accumulate(losses)


def our_losses(value, gradient, start, bounds, limit):
    losses = []

    def evaluate(tensor):
        x = np.asarray(tensor, "float64")
        losses.append(value(x))
        return SimpleNamespace(loss=losses[-1], gradient=nst.backend.to_tensor(gradient(x), None))

    descent = nst.LBFGS(bounds=bounds, tolerance=0.0).start(evaluate, start)
    while len(losses) < limit and descent.step():
        pass
    return np.minimum.accumulate(losses)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", action="store_true")
    arguments = parser.parse_args()
    problems = [(rosenbrock(2), 400), (rosenbrock(100), 2000)]
    problems += [(quadratic(seed=s), 1500) for s in range(3)]
    if arguments.style:
        problems.append((style_transfer(), 200))
    print(f"{'problem':42} {'loss reached':>13} {'SciPy':>6} {'ours':>6} {'ratio':>6}")
    for (name, value, gradient, start, bounds), limit in problems:
        theirs = scipy_losses(value, gradient, start, bounds, limit)
        ours = our_losses(value, gradient, start, bounds, limit * 5 // 4)  # may need more
        span = theirs[0] - theirs[-1]
        for part in (1e-2, 1e-4, 1e-6):
            mark = theirs[-1] + part * span
            a = int(np.argmax(theirs <= mark)) + 1
            b = int(np.argmax(ours <= mark)) + 1 if ours[-1] <= mark else None
            ratio = f"{b / a:6.2f}" if b else "  none"
            print(f"{name:42} {mark:13.6g} {a:6d} {b or 0:6d} {ratio}")


if __name__ == "__main__":
    main()
