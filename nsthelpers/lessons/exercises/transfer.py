"""Tasks of notebook 4: weights and sizes."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays

__all__ = ["TASKS"]


def _sizes(longest, coarsest, factor):
    sizes = [longest]
    while sizes[0] / factor >= coarsest:
        sizes.insert(0, round(sizes[0] / factor))
    return sizes


def _upwards(longest, coarsest, factor):
    sizes = [coarsest]
    while sizes[-1] * factor <= longest:
        sizes.append(round(sizes[-1] * factor))
    return sizes


def _fit(height, width, longest):
    return [round(side * longest / max(height, width)) for side in (height, width)]


TASKS = (
    Task(
        4,
        "total_loss(content, style, variation, alpha, beta, gamma)",
        "The formula of the papers, from three losses and their weights.",
        lambda: [(2.0, 3.0, 5.0, 1.0, 10.0, 0.1), (0.7, 0.2, 0.4, 2.0, 3.0, 5.0)],
        lambda c, s, v, a, b, g: a * c + b * s + g * v,
        {
            "alpha and beta are exchanged: alpha weighs the content": (
                lambda c, s, v, a, b, g: b * c + a * s + g * v
            ),
            "the total variation is missing": lambda c, s, v, a, b, g: a * c + b * s,
            "the weights are not used": lambda c, s, v, a, b, g: c + s + v,
            "it is divided by the sum of the weights; the papers' is a plain weighted sum": (
                lambda c, s, v, a, b, g: (a * c + b * s + g * v) / (a + b + g)
            ),
            "the terms are multiplied; they are added": lambda c, s, v, a, b, g: c * s * v,
            "the total variation has no weight": lambda c, s, v, a, b, g: a * c + b * s + v,
        },
        "Only the ratios of the weights decide the picture: a common factor changes nothing in it.",
    ),
    Task(
        4,
        "balancing_weight(content_gradient, style_gradient)",
        "The style weight with which both gradients are equally long (root of the sum of squares).",
        arrays((1, 4, 6, 3), (1, 5, 3, 3), copies=2, low=-0.5),
        lambda c, s: np.linalg.norm(c) / np.linalg.norm(s),
        {
            "the ratio is upside down: the style gradient is multiplied by the weight": (
                lambda c, s: np.linalg.norm(s) / np.linalg.norm(c)
            ),
            "this is the ratio of the squared lengths: take the root": (
                lambda c, s: np.sum(c**2) / np.sum(s**2)
            ),
            "signed entries cancel in a sum; a length squares them": (
                lambda c, s: np.sum(c) / np.sum(s)
            ),
            "these are sums of absolute values; a length is the root of the sum of squares": (
                lambda c, s: np.sum(abs(c)) / np.sum(abs(s))
            ),
            "the largest entries are compared, not the lengths": (
                lambda c, s: np.max(abs(c)) / np.max(abs(s))
            ),
        },
        "With it both pull equally hard at this picture. Where a search has come to rest, it is β.",
    ),
    Task(
        4,
        "coarse_to_fine_sizes(longest, coarsest, factor)",
        "Rising long sides that end at longest, each factor times the one before, none below "
        "coarsest except longest itself.",
        lambda: [(512, 128, 2.0), (400, 100, 2.0), (384, 150, 2.0), (90, 128, 2.0)],
        _sizes,
        {
            "the order is from fine to coarse; turn it round": lambda n, c, f: _sizes(n, c, f)[
                ::-1
            ],
            "it counts up from the coarsest, and so may not end at the longest: count down": (
                _upwards
            ),
            "one size is smaller than the coarsest": lambda n, c, f: [
                round(_sizes(n, c, f)[0] / f),
                *_sizes(n, c, f),
            ],
            "the full size is missing at the end": lambda n, c, f: _sizes(n, c, f)[:-1],
            "only the full size is there": lambda n, c, f: [n],
        },
        "The coarse steps are cheap and paint the large shapes, the last one the detail.",
    ),
    Task(
        4,
        "fit_size(height, width, longest)",
        "Height and width with the long side as asked for and the aspect kept, rounded.",
        lambda: [(300, 400, 200), (640, 480, 256), (100, 100, 64)],
        _fit,
        {
            "the picture is squashed into a square: keep the ratio of height and width": (
                lambda h, w, n: (n, n)
            ),
            "the short side is as asked for; it should be the long one": (
                lambda h, w, n: [round(side * n / min(h, w)) for side in (h, w)]
            ),
            "the order is height, width": lambda h, w, n: _fit(w, h, n),
            "the width is taken for the long side; it may be the height": (
                lambda h, w, n: [round(h * n / w), n]
            ),
            "the height is taken for the long side; it may be the width": (
                lambda h, w, n: [n, round(w * n / h)]
            ),
        },
        "Nothing gets stretched, in the photograph or in the brush strokes.",
    ),
)
