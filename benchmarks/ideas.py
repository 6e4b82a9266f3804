"""Ways to fewer or cheaper evaluations, side by side: the figures of NOTES.md.

    python benchmarks/ideas.py [--side 192] [--steps 150] [IDEA ...]

The objective is that of time_to_loss.py; what is counted is evaluations in units of one in float32
at the full size (one at half the side counts a quarter, one in bfloat16 what it takes here), until
the loss is as low as after 200 and 1000 steps of the TensorFlow tutorial's recipe. All ideas
together take half an hour or more; name those that you want.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time

import numpy as np
from measure import show
from time_to_loss import pictures, tutorial_objective

import nsthelpers as nst
from nsthelpers.backend import compile_value_and_gradient, ops, tf, to_numpy, to_tensor

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

    def random_windows(self, steps=80):
        """80 steps of Adam on a random half of the picture, half the cost each; then the whole."""
        height, width = self.size
        corners = (0, width // 4, width // 2)
        windows = [(slice(None), slice(None), slice(at, at + width // 2)) for at in corners]
        bounds = [
            tutorial_objective(self.photo[window], self.painting).at(height, width // 2)
            for window in windows
        ]
        rng, image = np.random.default_rng(0), self.recoloured.copy()
        first, second, counts = (np.zeros_like(image) for _ in range(3))
        for _ in range(steps):
            chosen = rng.integers(len(windows))
            at = windows[chosen]
            gradient = to_numpy(bounds[chosen].evaluate(np.ascontiguousarray(image[at])).gradient)
            counts[at] += 1
            first[at] += 0.1 * (gradient - first[at])
            second[at] += 0.01 * (gradient**2 - second[at])
            mean, square = (
                moment[at] / (1 - rate ** counts[at])
                for moment, rate in ((first, 0.9), (second, 0.99))
            )
            image[at] = np.clip(image[at] - 0.02 * mean / (np.sqrt(square) + 1e-12), 0, 1)
        return self.run(image, cost=steps / 2)

    def gauss_newton(self, products=8):
        """Levenberg-Marquardt: each step solved by conjugate gradients with 8 products (16)."""
        product = gauss_newton_product(self.objective)
        image, cost, damping = self.recoloured, 1, 1e-2
        now = self.exact.evaluate(image)
        found = [(cost, now.loss)]
        while cost < self.steps:
            slope = to_numpy(now.gradient).astype("float64")
            scale = np.vdot(slope, product(image, slope)) / np.vdot(slope, slope)
            step, rest = np.zeros_like(slope), -slope
            along = rest
            for _ in range(products - 1):
                bent = product(image, along) + damping * scale * along
                length = np.vdot(rest, rest) / np.vdot(along, bent)
                step, newer = step + length * along, rest - length * bent
                along = newer + np.vdot(newer, newer) / np.vdot(rest, rest) * along
                rest = newer
            tried = np.clip(image + step, 0, 1).astype("float32")
            then = self.exact.evaluate(tried)
            cost += 2 * products + 1
            if then.loss < now.loss:
                image, now, damping = tried, then, damping / 4
            else:
                damping *= 8
            found.append((cost, now.loss))
        return found

    def curvature_per_term(self, memory=20):
        """A BFGS matrix for content and one for style, added up: every step needs two gradients."""
        from nsthelpers.optimizers.line_search import search

        image, cost, pairs = self.recoloured, 2, {"content": [], "style": []}
        weights = self.objective.weights

        def gradients(place):
            answers = self.exact.gradients(place)
            return {
                label: weights[label] * to_numpy(each).reshape(-1).astype("float64")
                for label, each in answers.items()
            }

        slopes, found = gradients(image), [(cost, self.exact.evaluate(image).loss)]
        while cost < self.steps:
            slope = sum(slopes.values())
            path = -added_bfgs(pairs, slope).reshape(image.shape)
            seen = {}

            def along(length, image=image, path=path, seen=seen):
                seen[length] = place = np.clip(image + length * path, 0, 1).astype("float32")
                answer = self.exact.evaluate(place)
                return answer.loss, np.vdot(to_numpy(answer.gradient), path)

            length = search(along, found[-1][1], np.vdot(slope, path.reshape(-1)), 1.0)
            if length is None:
                break
            newer = gradients(seen[length])
            for label, kept in pairs.items():
                moved = (seen[length] - image).reshape(-1).astype("float64")
                if moved @ (newer[label] - slopes[label]) > 0:
                    kept.append((moved, newer[label] - slopes[label]))
                del kept[:-memory]
            image, slopes, cost = seen[length], newer, cost + len(seen) + 1
            found.append((cost, along(length)[0]))
        return found


def gauss_newton_product(objective):
    """J^T J times a vector, where the objective is half the sum of squares of residuals."""
    content, style = objective.terms["content"], objective.terms["style"]
    share = objective.weights["style"] / len(style.layers)

    def residuals(image):
        features = objective.network.features(image, {*content.layers, *style.layers})
        grams = [nst.gram_matrix(features[layer]) for layer in style.layers]
        parts = [(share, gram) for gram in grams]
        parts += [(objective.weights["content"], features[layer]) for layer in content.layers]
        return [(2 * weight / math.prod(part.shape)) ** 0.5 * part for weight, part in parts]

    @tf.function(autograph=False)
    def product(image, vector):
        with tf.GradientTape() as tape:
            tape.watch(image)
            with tf.autodiff.ForwardAccumulator(image, vector) as forward:
                values = residuals(image)
            pushed = [tf.stop_gradient(forward.jvp(value)) for value in values]
            total = sum(ops.sum(a * b) for a, b in zip(values, pushed, strict=True))
        return tape.gradient(total, image)

    return lambda image, vector: to_numpy(product(to_tensor(image), to_tensor(vector)))


def added_bfgs(pairs, slope):
    """(B_1 + B_2)^-1 g, from the compact form of each (Nocedal & Wright, theorem 7.4)."""
    from scipy.linalg import block_diag

    scale, columns, middles = 0.0, [], []
    for kept in pairs.values():
        if not kept:
            continue
        steps, changes = (np.array(each) for each in zip(*kept, strict=True))
        sy = steps @ changes.T
        own = changes[-1] @ changes[-1] / sy[-1, -1]
        scale += own
        columns += [own * steps, changes]
        lower, diagonal = np.tril(sy, -1), np.diag(np.diag(sy))
        middles.append(-np.block([[own * steps @ steps.T, lower], [lower.T, -diagonal]]))
    if not columns:
        return 0.05 * slope / np.sqrt(np.mean(slope**2))
    low = np.concatenate(columns)
    inner = block_diag(*middles) + low @ low.T / scale
    return (slope - low.T @ np.linalg.solve(inner, low @ slope) / scale) / scale


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
