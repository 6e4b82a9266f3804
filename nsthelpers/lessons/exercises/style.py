"""Tasks of notebook 3: Gram matrices and their losses."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays, mean_square, positions

__all__ = ["TASKS"]


def _gram(features):
    matrix = features.reshape(-1, features.shape[-1])
    return matrix.T @ matrix / len(matrix)


def _outer(features):
    matrix = features.reshape(-1, features.shape[-1])
    return matrix @ matrix.T


def _geometric(count, ratio):
    weights = float(ratio) ** np.arange(count)
    return weights / weights.sum()


def _mixed(grams, shares):
    return sum(share * gram for share, gram in zip(shares, grams, strict=True))


TASKS = (
    Task(
        3,
        "gram_matrix(features)",
        "Features of shape (1, H, W, N) to the N x N means, over all positions, of channel i times "
        "channel j.",
        arrays((1, 4, 6, 5), (1, 3, 5, 2)),
        _gram,
        {
            "the products are added up, not averaged: divide by the number of positions H x W": (
                lambda f: _gram(f) * positions(f)
            ),
            "it is divided by positions times channels; divide by the positions alone": (
                lambda f: _gram(f) / f.shape[-1]
            ),
            "it is divided by the channels; divide by the positions H x W": (
                lambda f: _gram(f) * positions(f) / f.shape[-1]
            ),
            "this compares positions with positions (M x M); multiply the other way round, to "
            "compare channels (N x N)": lambda f: _outer(f) / positions(f),
            "this compares positions with positions (M x M), and is not averaged; multiply the "
            "other way round and divide by the positions": lambda f: _outer(f),
            "three channels are assumed; take their number from the shape": (
                lambda f: _gram(f.reshape(-1, 3))
            ),
            "the reshape mixes positions and channels: the channels are the last axis, so reshape "
            "to (positions, channels), and transpose after that": (
                lambda f: _gram(f.reshape(f.shape[-1], -1).T)
            ),
            "the channels' means are taken off: that is a covariance; a Gram matrix keeps them": (
                lambda f: _gram(f - f.mean((0, 1, 2)))
            ),
            "the products are averaged over rows only; average over columns too": (
                lambda f: _gram(f) * f.shape[2]
            ),
        },
        "Where in the image two filters answer together no longer matters, only how strongly.",
    ),
    Task(
        3,
        "style_loss(gram, target_gram)",
        "The mean of the squared differences of two N x N matrices.",
        arrays((5, 5), (2, 2), (8, 8), copies=2),
        mean_square,
        {
            "the squared differences are added up, not averaged over the N x N entries": (
                lambda g, a: np.sum((g - a) ** 2)
            ),
            "the sum is divided by N; there are N x N entries": (
                lambda g, a: np.sum((g - a) ** 2) / len(g)
            ),
            "this is a quarter of the mean, the paper's 1 / (4 N^2)": (
                lambda g, a: mean_square(g, a) / 4
            ),
            "three channels are assumed: divide by N x N, taken from the shape": (
                lambda g, a: np.sum((g - a) ** 2) / 9
            ),
            "three channels are assumed, and there is the paper's 4: divide by N x N alone": (
                lambda g, a: np.sum((g - a) ** 2) / 36
            ),
            "these are absolute differences; they are to be squared": (
                lambda g, a: np.mean(abs(g - a))
            ),
            "the differences are not squared, so that positive and negative ones cancel": (
                lambda g, a: np.mean(g - a)
            ),
            "the squares are returned one by one; take their mean": lambda g, a: (g - a) ** 2,
            "the sign is wrong: a loss is largest where the two are furthest apart": (
                lambda g, a: -mean_square(g, a)
            ),
        },
        "It is the content loss again, of Gram matrices instead of features.",
    ),
    Task(
        3,
        "layer_weights(count, ratio)",
        "Weights for the layers, each ratio times the one before, that sum to 1.",
        lambda: [(5, 0.5), (4, 2.0), (3, 1.0)],
        _geometric,
        {
            "the weights do not sum to 1: divide them by their sum": (
                lambda n, r: float(r) ** np.arange(n)
            ),
            "the order is reversed: the second weight is ratio times the first": (
                lambda n, r: _geometric(n, r)[::-1]
            ),
            "the weights are equal: the ratio is not used": lambda n, r: np.full(n, 1 / n),
            "the squares of the weights sum to 1; the weights themselves should": (
                lambda n, r: _geometric(n, r) / np.sqrt(np.sum(_geometric(n, r) ** 2))
            ),
            "the weights are divided by their number, not by their sum": (
                lambda n, r: float(r) ** np.arange(n) / n
            ),
        },
        "As they sum to 1, changing the ratio moves the style between layers and not its strength.",
    ),
    Task(
        3,
        "mixed_gram(grams, shares)",
        "One Gram matrix for several paintings: the mean of the list, weighted by shares, which "
        "need not sum to 1.",
        lambda: [
            ([gram.copy() for gram in three], shares)
            for three, shares in zip(
                arrays((4, 4), (2, 2), copies=3)(), ([3.0, 1.0, 1.0], [1.0, 0.0, 0.5]), strict=True
            )
        ],
        lambda grams, shares: _mixed(grams, shares) / sum(shares),
        {
            "the shares do not sum to 1: divide by their sum": _mixed,
            "all paintings count alike: the shares are not used": (
                lambda grams, shares: sum(grams) / len(grams)
            ),
            "it is divided by the number of paintings; divide by the sum of the shares": (
                lambda grams, shares: _mixed(grams, shares) / len(grams)
            ),
            "the matrices are added up, without the shares": lambda grams, shares: sum(grams),
        },
        "Half of one painting and half of another is one target, so it costs no more than one.",
    ),
)
