"""Tasks of notebook 7: other statistics of style."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays, positions

__all__ = ["TASKS"]


def _rows(features):
    return features.reshape(-1, features.shape[-1])


def _moments(features):
    return np.stack([_rows(features).mean(0), _rows(features).std(0)])


def _neighbours(features, right=1, down=0):
    height, width = features.shape[1:3]
    here, there = features[:, : height - down, : width - right], features[:, down:, right:]
    return _rows(here).T @ _rows(there) / positions(here)


def _wrapped(features):
    return _rows(features).T @ _rows(np.roll(features, -1, axis=2)) / positions(features)


def _distance(first, second):
    return _rows(first).mean(0) - _rows(second).mean(0)


TASKS = (
    Task(
        7,
        "mean_and_deviation(features)",
        "Features of shape (1, H, W, N) to an array of shape (2, N): every channel's mean over all "
        "positions, and below it every channel's standard deviation.",
        arrays((1, 4, 6, 5), (1, 3, 5, 2)),
        _moments,
        {
            "the second row is the variance; take its square root": (
                lambda f: np.stack([_moments(f)[0], _moments(f)[1] ** 2])
            ),
            "the second row is the root of the mean square: take the mean off before squaring": (
                lambda f: np.stack([_moments(f)[0], np.sqrt(np.mean(_rows(f) ** 2, axis=0))])
            ),
            "the standard deviation is divided by positions - 1; here all positions count (NumPy's "
            "default)": lambda f: np.stack([_moments(f)[0], _rows(f).std(0, ddof=1)]),
            "the two rows are swapped: the means come first": lambda f: _moments(f)[::-1],
            "the values run over channels: one pair for each position. Average over positions": (
                lambda f: np.stack([_rows(f).mean(1), _rows(f).std(1)])
            ),
            "all channels are thrown together; keep them apart": (
                lambda f: np.stack([f.mean(), f.std()])
            ),
            "the shape is (N, 2); stack the two rows along the first axis": (
                lambda f: _moments(f).T
            ),
        },
        "2 N numbers instead of N x N: what filters do together is forgotten.",
    ),
    Task(
        7,
        "shifted_gram(features, shift)",
        "The Gram matrix of features of shape (1, H, W, N) with shift added to each of them.",
        lambda: [
            (*features, shift)
            for features, shift in zip(
                arrays((1, 4, 6, 5), (1, 3, 5, 2))(), (-1.0, 0.5), strict=True
            )
        ],
        lambda f, s: _neighbours(f + s, right=0),
        {
            "the shift is added to the Gram matrix; add it to the features, before they are "
            "multiplied": lambda f, s: _neighbours(f, right=0) + s,
            "the shift is taken off; add it (a shift of -1 makes the features smaller)": (
                lambda f, s: _neighbours(f - s, right=0)
            ),
            "only one of the two factors is shifted; shift the features first, then multiply them "
            "with themselves": lambda f, s: _rows(f + s).T @ _rows(f) / positions(f),
            "only the second factor is shifted; shift the features first, then multiply them with "
            "themselves": lambda f, s: _rows(f).T @ _rows(f + s) / positions(f),
            "the products are added up, not averaged: divide by the positions H x W": (
                lambda f, s: _neighbours(f + s, right=0) * positions(f)
            ),
            "the shift is not used": lambda f, s: _neighbours(f, right=0),
        },
        "Two channels that are silent at the same place now agree, where 0 x 0 left no trace.",
    ),
    Task(
        7,
        "adjacent_gram(features)",
        "Features of shape (1, H, W, N) to the N x N means of channel i at a position times "
        "channel j one position to the right of it, over all positions that have a right-hand "
        "neighbour.",
        arrays((1, 4, 6, 5), (1, 3, 5, 2)),
        _neighbours,
        {
            "the right edge is joined to the left one (np.roll does that); leave out the last "
            "column of the one and the first of the other": _wrapped,
            "it is divided by all H x W positions; there are H x (W - 1) pairs": (
                lambda f: _neighbours(f) * (f.shape[2] - 1) / f.shape[2]
            ),
            "the products are added up, not averaged: divide by the number of pairs": (
                lambda f: _neighbours(f) * f.shape[1] * (f.shape[2] - 1)
            ),
            "this is the transpose: i is looked at on the left, j on the right": (
                lambda f: _neighbours(f).T
            ),
            "the neighbour below is taken; columns are the third axis": (
                lambda f: _neighbours(f, right=0, down=1)
            ),
            "this is the plain Gram matrix: no neighbour is looked at": (
                lambda f: _neighbours(f, right=0)
            ),
        },
        "Shuffle the positions, and this matrix changes: it knows what is next to what.",
    ),
    Task(
        7,
        "linear_mmd(first, second)",
        "Two layers' features, (1, H, W, N) each, H and W may differ: the squared distance between "
        "their mean feature vectors, summed over the N channels.",
        lambda: [
            tuple(np.random.default_rng(seed).uniform(size=shape) for seed, shape in enumerate(two))
            for two in ([(1, 4, 6, 5), (1, 3, 5, 5)], [(1, 3, 5, 2), (1, 6, 4, 2)])
        ],
        lambda f, g: np.sum(_distance(f, g) ** 2),
        {
            "it is divided by the number of channels; add up over them": (
                lambda f, g: np.mean(_distance(f, g) ** 2)
            ),
            "this is the distance; square it (leave the root out)": (
                lambda f, g: np.sqrt(np.sum(_distance(f, g) ** 2))
            ),
            "all channels are averaged into one number; compare N means with N means": (
                lambda f, g: (f.mean() - g.mean()) ** 2
            ),
            "features are added up, not averaged over positions, so that larger images seem "
            "further apart": lambda f, g: np.sum((_rows(f).sum(0) - _rows(g).sum(0)) ** 2),
            "these are absolute differences; they are to be squared": (
                lambda f, g: np.sum(abs(_distance(f, g)))
            ),
        },
        "The kernel x . y sees means alone; each richer kernel compares more of the two clouds.",
    ),
)
