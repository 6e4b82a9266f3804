"""Tasks of notebook 2: compare features, step downhill, compare images."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays, mean_square, positions

__all__ = ["TASKS"]

_PAIRS = arrays((1, 4, 6, 5), (1, 3, 5, 2), copies=2)


TASKS = (
    Task(
        2,
        "content_loss(features, target)",
        "The mean of the squared differences.",
        _PAIRS,
        mean_square,
        {
            "the squares are added up, not averaged: the loss grows with the image": (
                lambda f, t: np.sum((f - t) ** 2)
            ),
            "this is the paper's half of the sum; here the mean is asked for": (
                lambda f, t: np.sum((f - t) ** 2) / 2
            ),
            "this is half of the mean": lambda f, t: mean_square(f, t) / 2,
            "the differences are not squared, so that positive and negative ones cancel": (
                lambda f, t: np.mean(f - t)
            ),
            "these are absolute differences; they are to be squared": (
                lambda f, t: np.mean(abs(f - t))
            ),
            "this is the root of the loss": lambda f, t: np.sqrt(mean_square(f, t)),
            "the mean is squared; square each difference, then take the mean": (
                lambda f, t: np.mean(f - t) ** 2
            ),
            "the sum is divided by the number of positions only; divide by the channels too": (
                lambda f, t: np.sum((f - t) ** 2) / positions(f)
            ),
            "the squares are returned one by one; take their mean": lambda f, t: (f - t) ** 2,
            "the sign is wrong: a loss is largest where the two are furthest apart": (
                lambda f, t: -mean_square(f, t)
            ),
        },
        "Being a mean, it has the same size for small and for large images.",
    ),
    Task(
        2,
        "content_gradient(features, target)",
        "The derivative of content_loss by every entry of features.",
        _PAIRS,
        lambda f, t: 2 * (f - t) / f.size,
        {
            "the sign is wrong: where a feature is too large, the loss grows with it": (
                lambda f, t: 2 * (t - f) / f.size
            ),
            "the 2 of the derivative of a square is missing": lambda f, t: (f - t) / f.size,
            "the loss is a mean: divide by the number of entries": lambda f, t: 2 * (f - t),
            "this is the gradient of the paper's half of the sum; here it is a mean": (
                lambda f, t: f - t
            ),
            "the derivative of a square is 2 times the difference, not its square": (
                lambda f, t: 2 * (f - t) ** 2 / f.size
            ),
        },
        "The gradient is the difference itself, scaled: it ends where the features agree.",
    ),
    Task(
        2,
        "gradient_step(image, gradient, rate)",
        "One step of length rate times gradient downhill, and the result kept within 0 to 1.",
        lambda: [
            (image, 4 * slope - 2, rate)
            for (image, slope), rate in zip(
                arrays((1, 4, 6, 3), (1, 5, 3, 3), copies=2)(), (0.5, 0.8), strict=True
            )
        ],
        lambda x, g, r: np.clip(x - r * g, 0, 1),
        {
            "the step goes uphill: the gradient is taken off, not added": (
                lambda x, g, r: np.clip(x + r * g, 0, 1)
            ),
            "the result leaves the range 0 to 1: clip it": lambda x, g, r: x - r * g,
            "the step is clipped, not the image": lambda x, g, r: x - np.clip(r * g, 0, 1),
            "the rate is not used": lambda x, g, r: np.clip(x - g, 0, 1),
            "values below 0 remain: clip at both ends": lambda x, g, r: np.minimum(x - r * g, 1),
            "values above 1 remain: clip at both ends": lambda x, g, r: np.maximum(x - r * g, 0),
        },
        "This line, repeated, is gradient descent.",
    ),
    Task(
        2,
        "psnr(image, original)",
        "The peak signal-to-noise ratio in decibel, for images in 0 to 1: "
        "10 log10(1 / mean squared difference).",
        arrays((1, 4, 6, 3), (1, 5, 3, 3), copies=2),
        lambda x, y: -10 * np.log10(mean_square(x, y)),
        {
            "this is the natural logarithm; decibel need log10": (
                lambda x, y: -10 * np.log(mean_square(x, y))
            ),
            "the factor 20 belongs to the root of the mean square; for the mean square it is 10": (
                lambda x, y: -20 * np.log10(mean_square(x, y))
            ),
            "the factor 10 belongs to the mean square; for its root it is 20": (
                lambda x, y: -5 * np.log10(mean_square(x, y))
            ),
            "the peak of these images is 1, not 255": (
                lambda x, y: 10 * np.log10(255**2 / mean_square(x, y))
            ),
            "the sign is wrong: better images have more decibel": (
                lambda x, y: 10 * np.log10(mean_square(x, y))
            ),
            "the squares are added up, not averaged": (
                lambda x, y: -10 * np.log10(np.sum((x - y) ** 2))
            ),
        },
        "Ten decibel more are a tenth of the mean squared error.",
    ),
)
