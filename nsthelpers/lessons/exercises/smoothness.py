"""Tasks of notebook 5: total variation and its gradient."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays

__all__ = ["TASKS"]

_IMAGES = arrays((1, 4, 6, 3), (1, 5, 3, 3))


def _across(image):
    return image[:, :, 1:] - image[:, :, :-1]


def _down(image):
    return image[:, 1:] - image[:, :-1]


def _wrapped(image, axis):
    return np.roll(image, -1, axis) - image


def _variation(image, value, reduce=np.mean):
    return reduce(value(_across(image))) + reduce(value(_down(image)))


def _both(image):
    """Differences to the right and down, at the same pixels."""
    return _across(image)[:, :-1], _down(image)[:, :, :-1]


def _power(image, exponent):
    across, down = _both(image)
    return np.mean((across**2 + down**2) ** exponent)


def _signs(signal, step=np.sign):
    """Derivative of the sum of |x[i+1] - x[i]| by every x[i]."""
    push = step(np.diff(signal))
    return np.concatenate([[0.0], push]) - np.concatenate([push, [0.0]])


TASKS = (
    Task(
        5,
        "total_variation(image)",
        "For an image (1, H, W, 3): the mean of the absolute differences between horizontal "
        "neighbours, plus the same for vertical neighbours.",
        _IMAGES,
        lambda x: _variation(x, np.abs),
        {
            "the differences are squared; take absolute values": lambda x: _variation(x, np.square),
            "the differences are added up, not averaged": lambda x: _variation(x, np.abs, np.sum),
            "only horizontal neighbours are compared": lambda x: np.mean(abs(_across(x))),
            "only vertical neighbours are compared": lambda x: np.mean(abs(_down(x))),
            "positive and negative differences cancel: take absolute values": (
                lambda x: _variation(x, lambda d: d)
            ),
            "the last column is compared with the first, as if the image were a ring (np.roll "
            "does that)": lambda x: np.mean(abs(_wrapped(x, 1))) + np.mean(abs(_wrapped(x, 2))),
            "both directions are averaged; add them": lambda x: _variation(x, np.abs) / 2,
            "the sum is divided by the number of pixels; there is one difference less than pixels "
            "in a row": lambda x: _variation(x, np.abs, np.sum) / x.size,
            "the sign is wrong: a rough image should have more than a smooth one": (
                lambda x: -_variation(x, np.abs)
            ),
        },
        "A checkerboard has exactly 2, a flat image 0.",
    ),
    Task(
        5,
        "total_variation_squared(image)",
        "The same with squares instead of absolute values.",
        _IMAGES,
        lambda x: _variation(x, np.square),
        {
            "these are absolute values; square the differences": lambda x: _variation(x, np.abs),
            "the squares are added up, not averaged": lambda x: _variation(x, np.square, np.sum),
            "only horizontal neighbours are compared": lambda x: np.mean(_across(x) ** 2),
            "only vertical neighbours are compared": lambda x: np.mean(_down(x) ** 2),
            "the last column is compared with the first, as if the image were a ring (np.roll "
            "does that)": lambda x: np.mean(_wrapped(x, 1) ** 2) + np.mean(_wrapped(x, 2) ** 2),
            "both directions are averaged; add them": lambda x: _variation(x, np.square) / 2,
            "the pixels are squared before the difference; square the difference": (
                lambda x: _variation(x**2, np.abs)
            ),
        },
        "One large jump costs more than many small ones: this kind blurs edges.",
    ),
    Task(
        5,
        "total_variation_exponent(image, exponent)",
        "The mean of (dx^2 + dy^2)^exponent, with dx and dy at the same pixel, so without the last "
        "row and column.",
        lambda: [(*case, exponent) for case in _IMAGES() for exponent in (1.25, 0.5)],
        _power,
        {
            "the exponent is not used": lambda x, p: _power(x, 1),
            "the exponent is applied to each square alone; add them first": (
                lambda x, p: np.mean(sum((d**2) ** p for d in _both(x)))
            ),
            "absolute values are added; square them first": (
                lambda x, p: np.mean(sum(abs(d) for d in _both(x)) ** p)
            ),
            "the values are added up, not averaged": (lambda x, p: _power(x, p) * _both(x)[0].size),
            "the mean is taken before the exponent; take it after": (
                lambda x, p: _power(x, 1) ** p
            ),
        },
        "1/2 gives the length of the gradient, 1 the squared kind, 1.25 what many programs use.",
    ),
    Task(
        5,
        "total_variation_gradient(signal)",
        "The derivative of the sum of |x[i + 1] - x[i]| by every entry of a row x of numbers.",
        arrays((7,), (4,)),
        _signs,
        {
            "the sign is wrong: raising a peak raises the total variation": lambda x: -_signs(x),
            "these are differences, not their signs: the derivative of |d| is +1 or -1": (
                lambda x: _signs(x, lambda d: d)
            ),
            "this is the gradient of the squared kind; the derivative of |d| is +1 or -1": (
                lambda x: _signs(x, lambda d: 2 * d)
            ),
            "every entry has two neighbours; only the one before is there": (
                lambda x: np.concatenate([[0.0], np.sign(np.diff(x))])
            ),
            "every entry has two neighbours; only the one after is there": (
                lambda x: np.concatenate([-np.sign(np.diff(x)), [0.0]])
            ),
        },
        "A large step is pushed no harder than a small one: this is why edges survive.",
    ),
)
