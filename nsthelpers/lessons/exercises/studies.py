"""Tasks of notebook 6: a paper's formula, a loss curve that compares, a mean with its interval."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays

__all__ = ["TASKS"]


def _gram(features):
    return features.T @ features


def _squares(features, target):
    return np.sum((_gram(features) - _gram(target)) ** 2)


def _gatys(features, target):
    positions, channels = features.shape
    return _squares(features, target) / (4 * channels**2 * positions**2)


def _across(features, target):
    positions, channels = features.shape
    difference = features @ features.T - target @ target.T
    return np.sum(difference**2) / (4 * channels**2 * positions**2)


def _interval(scores, t, spread=None):
    scores = np.asarray(scores)
    half = np.std(scores, ddof=1) / np.sqrt(len(scores)) if spread is None else spread(scores)
    return [np.mean(scores) - t * half, np.mean(scores) + t * half]


TASKS = (
    Task(
        6,
        "papers_style_loss(features, target)",
        "1/(4 N² M²) times the sum of (G - A)², where G = FᵀF is the Gram matrix of the M x N "
        "array features (M positions, N channels), A that of target, neither divided by M.",
        arrays((6, 4), (3, 5), copies=2),
        _gatys,
        {
            "the 4 is missing": lambda f, p: 4 * _gatys(f, p),
            "N and M are not squared": lambda f, p: _squares(f, p) / (4 * f.size),
            "nothing divides the sum": _squares,
            "only N² divides the sum, not M²: these Gram matrices are sums over M positions": (
                lambda f, p: _gatys(f, p) * f.shape[0] ** 2
            ),
            "M divides twice: in the Gram matrices and in front of the sum": (
                lambda f, p: _gatys(f, p) / f.shape[0] ** 2
            ),
            "this is a mean over N x N entries on top of the 1/N²: it is divided by N² twice": (
                lambda f, p: _gatys(f, p) / f.shape[1] ** 2
            ),
            "this Gram matrix compares positions, F Fᵀ; style compares channels, Fᵀ F": _across,
            "the difference is not squared; positive and negative entries cancel": (
                lambda f, p: np.sum(_gram(f) - _gram(p)) / (4 * f.size**2)
            ),
        },
        "One of the documents prints it without the square: its loss would have no least value.",
    ),
    Task(
        6,
        "normalised(losses)",
        "A loss curve divided by its first value, so that every curve starts at 1.",
        lambda: [
            (np.array([8.0, 4.0, 2.0, 2.5], "float32"),),
            (np.array([3.0, 6.0, 1.5], "float32"),),
        ],
        lambda losses: losses / losses[0],
        {
            "it is divided by the largest loss; a curve that rises first would not start at 1": (
                lambda losses: losses / np.max(losses)
            ),
            "it is divided by the last loss: every curve would end at 1": (
                lambda losses: losses / losses[-1]
            ),
            "it is stretched to 0 .. 1; that hides how far each curve fell": (
                lambda losses: (losses - losses.min()) / (losses.max() - losses.min())
            ),
            "the first loss is subtracted, which leaves the unit of each curve; divide by it": (
                lambda losses: losses - losses[0]
            ),
            "it is divided by the sum of the curve": lambda losses: losses / np.sum(losses),
        },
        "It compares how far runs went down, not which picture is better: the first values differ.",
    ),
    Task(
        6,
        "opinion_interval(scores, t)",
        "Both ends of the interval of a mean opinion score: mean ± t s / √n, where s is the "
        "standard deviation of the n scores with n - 1 in its formula.",
        lambda: [
            (np.array([4.0, 5.0, 3.0, 4.0, 2.0], "float32"), 2.776),
            (np.array([1.0, 5.0, 2.0], "float32"), 4.303),
        ],
        _interval,
        {
            "s has n in its formula; with n - 1 (ddof=1) it makes up for the estimated mean": (
                lambda x, t: _interval(x, t, lambda v: np.std(v) / np.sqrt(len(v)))
            ),
            "√n is missing: that is the spread of single raters, not of their mean": (
                lambda x, t: _interval(x, t, lambda v: np.std(v, ddof=1))
            ),
            "it is divided by n, not by √n": (
                lambda x, t: _interval(x, t, lambda v: np.std(v, ddof=1) / len(v))
            ),
            "this is the variance: the root of it is the standard deviation": (
                lambda x, t: _interval(x, t, lambda v: np.var(v, ddof=1) / np.sqrt(len(v)))
            ),
            "t is not used": lambda x, t: _interval(x, 1.0),
            "1.96 is for many raters; for few, take the t that is given": (
                lambda x, t: _interval(x, 1.96)
            ),
            "these are the half width and nothing else; add it to the mean and subtract it": (
                lambda x, t: t * np.std(x, ddof=1) / np.sqrt(len(x))
            ),
        },
        "Twice as sure needs four times as many raters: that is the √n.",
    ),
)
