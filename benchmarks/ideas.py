"""Ways to fewer or cheaper evaluations, side by side: the figures of NOTES.md.

    python benchmarks/ideas.py [--side 192] [--steps 150] [IDEA ...]

The objective is that of time_to_loss.py; what is counted is evaluations in units of one in float32
at the full size (one at half the side counts a quarter, one in bfloat16 what it takes here), until
the loss is as low as after 200 and 1000 steps of the TensorFlow tutorial's recipe. Ten minutes
for all ideas.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from measure import show
from time_to_loss import pictures, tutorial_objective

import nsthelpers as nst
from nsthelpers.backend import compile_value_and_gradient, ops, to_numpy, to_tensor

MARKS = (200, 1000)


class Ideas:
    """Each method is one idea; it returns a list of (cost, loss)."""

    def __init__(self, side, steps):
        self.photo, self.painting = pictures(side)
        self.side, self.steps = side, steps
        self.size = self.photo.shape[1:3]
        self.objective = tutorial_objective(self.photo, self.painting)
        self.exact = self.objective.at(*self.size)
        self.recoloured = nst.match_colours(self.photo, self.painting)

    def run(self, start, steps=None, cost=0.0, each=1.0, **given):
        found = []

        def note(progress):
            loss = self.exact.evaluate(progress.image).loss if each != 1 else progress.record.loss
            found.append((cost + each * progress.record.evaluations, loss))

        given = {"precision": "float32"} | given
        nst.synthesize(
            self.objective,
            start,
            steps=steps or self.steps,
            callbacks=note,
            progress=False,
            **given,
        )
        return found

    def tutorial(self):
        """Adam 0.02, beta_1 0.99, epsilon 0.1, clipped: the recipe to beat, 1000 steps."""
        optimizer = nst.Adam(0.02, beta_1=0.99, epsilon=0.1)
        return self.run(self.photo, MARKS[-1], optimizer=optimizer)

    def plain(self):
        """L-BFGS from the content image."""
        return self.run(self.photo)

    def recoloured_start(self):
        """L-BFGS from the content in the painting's colours."""
        return self.run(self.recoloured)

    def half_recoloured_start(self):
        """From halfway between the content and its recoloured copy."""
        return self.run((self.photo + self.recoloured) / 2)

    def noisy_start(self):
        """The recoloured start with noise of 0.1 (standard deviation)."""
        return self.run(with_noise(self.recoloured))

    def mean_colour_start(self, noise=0.0):
        """The content, moved to the painting's mean colour; its contrasts stay its own."""
        shift = self.recoloured.mean((1, 2)) - self.photo.mean((1, 2))
        return self.run(with_noise(self.photo + shift, noise))

    def noisy_mean_colour_start(self):
        """The same, with noise of 0.1."""
        return self.mean_colour_start(0.1)

    def memory_8(self):
        """The same, remembering 8 steps instead of 20."""
        return self.run(self.recoloured, optimizer=nst.LBFGS(memory=8))

    def memory_50(self):
        """The same, remembering 50 steps."""
        return self.run(self.recoloured, optimizer=nst.LBFGS(memory=50))

    def unbounded(self):
        """The same, pixels free to leave [0, 1]."""
        return self.run(self.recoloured, optimizer=nst.LBFGS(bounds=None))

    def bfloat16(self):
        """The same, the network in bfloat16."""
        bounds = [self.objective.at(*self.size, 1.0, kind) for kind in ("float32", "bfloat16")]
        seconds = [[], []]
        for turn in range(9):
            for bound, spans in zip(bounds, seconds, strict=True):
                began = time.perf_counter()
                bound.evaluate(self.photo)
                spans.extend([time.perf_counter() - began] * (turn > 1))
        exact, coarse = map(statistics.median, seconds)
        return self.run(self.recoloured, each=coarse / exact, precision="bfloat16")

    def coarse_start(self, details=False):
        """60 steps at half the side first (a quarter of the cost), then the full size."""
        half = tuple(max(16, round(side / 2)) for side in self.size)
        small = nst.synthesize(
            self.objective, nst.resize(self.recoloured, size=half), steps=60, progress=False,
            precision="float32",
        )  # fmt: skip
        start = nst.resize(small.image, size=self.size)
        if details:
            blurred = nst.resize(nst.resize(self.recoloured, size=half), size=self.size)
            start = np.clip(start + self.recoloured - blurred, 0, 1).astype("float32")
        return self.run(start, cost=small.evaluations / 4)

    def coarse_start_with_details(self):
        """The same, with the photograph's details put back before the full size."""
        return self.coarse_start(details=True)

    def diagonal(self, probes=8):
        """Pixels scaled by the diagonal of Gauss-Newton's matrix, estimated with 8 gradients."""
        from scipy.optimize import Bounds, minimize

        layers, network = nst.vgg.STYLE_LAYERS, self.objective.network

        def probe(image, signs):
            features = network.features(image, layers)
            return sum(
                ops.mean(sign * nst.gram_matrix(features[layer]))
                for layer, sign in zip(layers, signs, strict=True)
            ), ()

        gradient, rng, total = compile_value_and_gradient(probe), np.random.default_rng(0), 0.0
        for _ in range(probes):
            signs = [
                to_tensor(rng.normal(size=(n, n)).astype("float32") * n)
                for n in (64, 128, 256, 512, 512)
            ]
            total = total + to_numpy(gradient(to_tensor(self.recoloured), signs)[2]) ** 2.0
        scale = (total / total.mean() + 0.02) ** -0.25
        scale, found = scale.reshape(-1).astype("float64"), []

        def judge(scaled):
            image = (scaled * scale).reshape(self.photo.shape).astype("float32")
            answer = self.exact.evaluate(image)
            found.append((probes + len(found) + 1, answer.loss))
            return answer.loss / 1e6, to_numpy(answer.gradient).reshape(-1) * scale / 1e6

        minimize(
            judge, self.recoloured.reshape(-1) / scale, jac=True, method="L-BFGS-B",
            bounds=Bounds(0 * scale, 1 / scale),
            options={"maxfun": self.steps, "maxiter": self.steps, "maxcor": 20, "ftol": 0},
        )  # fmt: skip
        return found


def with_noise(image, amount=0.1):
    noise = np.random.default_rng(0).normal(size=image.shape)
    return np.clip(image + amount * noise, 0, 1).astype("float32")


def reached(found, loss):
    """The cost at which a loss was first reached."""
    return next((f"{cost:.0f}" for cost, lower in found if lower <= loss), "not")


def main():
    names = [name for name, value in vars(Ideas).items() if value.__doc__ and name[0] != "_"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("ideas", nargs="*", choices=[*names, []], metavar="IDEA")
    given = parser.parse_args()
    ideas = Ideas(given.side, given.steps)
    chosen = ["tutorial", *(name for name in given.ideas or names if name != "tutorial")]
    found = {name: getattr(ideas, name)() for name in chosen}
    marks = [found["tutorial"][min(step, len(found["tutorial"]) - 1)][1] for step in MARKS]
    show(
        ("", *(f"to {mark / 1e6:.2f}M" for mark in marks), "cost", "lowest, M"),
        [
            (name, *(reached(each, mark) for mark in marks), f"{each[-1][0]:.0f}",
             f"{min(loss for _, loss in each) / 1e6:.2f}")
            for name, each in found.items()
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
