"""Tasks of notebook 10: sorted answers, neighbours, the relaxed distance, self-similarity."""

from __future__ import annotations

import numpy as np

from .task import Task

__all__ = ["TASKS"]


def _answers(features, directions):
    return features.reshape(-1, features.shape[-1]) @ directions


def _sorted(features, directions):
    return np.sort(_answers(features, directions).T, axis=1)


def _layers():
    """Features with as many directions of length 1 as there are to look along."""
    rng = np.random.default_rng(10)
    cases = []
    for height, width, channels, count in ((3, 4, 5, 2), (4, 2, 3, 4)):
        directions = rng.normal(size=(channels, count))
        features = rng.uniform(size=(1, height, width, channels)).astype("float32")
        directions /= np.linalg.norm(directions, axis=0)
        cases.append((features, directions.astype("float32")))
    return cases


def _clouds():
    """Rows of very unlike lengths, so that distance and angle choose different neighbours."""
    rng = np.random.default_rng(11)
    cases = []
    for rows, others, channels in ((7, 5, 3), (4, 9, 6)):
        pair = [rng.normal(size=(count, channels)) for count in (rows, others)]
        cases.append(tuple(each * rng.uniform(0.2, 4, (len(each), 1)) for each in pair))
    return cases


def _unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _cosines(rows, others):
    return _unit(rows) @ _unit(others).T


def _nearest(rows, others):
    return np.argmax(_cosines(rows, others), axis=1)


def _squares(rows, others):
    return np.sum((rows[:, None] - others[None]) ** 2, axis=2)


def _tables():
    """Tables of distances; in the first the rows' mean of minima is larger, in the second less."""
    rng = np.random.default_rng(12)
    cases = []
    for rows, others in ((8, 3), (3, 8)):
        table = rng.uniform(0.1, 1, (rows, others))
        cases.append((table,))
    return cases


def _both(distances):
    return distances.min(axis=1).mean(), distances.min(axis=0).mean()


def _columns():
    rng = np.random.default_rng(13)
    return [(rng.uniform(0.1, 1, shape) * rng.uniform(0.5, 3, (shape[0], 1)),)
            for shape in ((5, 4), (7, 3))]  # fmt: skip


def _self_similarity(columns, axis=0):
    distances = 1 - _cosines(columns, columns)
    return distances if axis is None else distances / distances.sum(axis=axis, keepdims=True)


TASKS = (
    Task(
        10,
        "sorted_answers(features, directions)",
        "Features of shape (1, H, W, N) and K directions, shape (N, K), to an array of shape "
        "(K, H * W): for each direction the answers of all positions (the products of features and "
        "direction), from the smallest to the largest.",
        _layers,
        _sorted,
        {
            "the answers are not sorted": lambda f, d: _answers(f, d).T,
            "the shape is (H * W, K); turn it over, so that each direction is a row": (
                lambda f, d: _sorted(f, d).T
            ),
            "it is sorted over the directions; sort the positions of each direction": (
                lambda f, d: np.sort(_answers(f, d), axis=1).T
            ),
            "the answers run from the largest to the smallest": lambda f, d: _sorted(f, d)[:, ::-1],
            "all answers are sorted together; each direction is a row of its own": (
                lambda f, d: np.sort(_answers(f, d).T.ravel()).reshape(d.shape[1], -1)
            ),
            "each channel is sorted before the product; multiply first, then sort": (
                lambda f, d: np.sort(
                    (np.sort(f.reshape(-1, f.shape[-1]), axis=0) @ d).T, axis=1
                )
            ),
        },
        "Which position an answer came from is forgotten; how many positions give it is not.",
    ),
    Task(
        10,
        "nearest(rows, others)",
        "Rows of shape (M, N) and others of shape (K, N): for each row the number, 0 to K - 1, of "
        "the one among others that it makes the smallest angle with.",
        _clouds,
        _nearest,
        {
            "lengths count: divide each row, and each of the others, by its length first": (
                lambda r, o: np.argmax(r @ o.T, axis=1)
            ),
            "this is the one at the smallest distance; take the smallest angle": (
                lambda r, o: np.argmin(_squares(r, o), axis=1)
            ),
            "this is the largest angle: a large cosine is a small angle": (
                lambda r, o: np.argmin(_cosines(r, o), axis=1)
            ),
            "this says for each of the others which row is nearest; say it for each row": (
                lambda r, o: np.argmax(_cosines(r, o), axis=0)
            ),
            "these are the cosines; give the number of the one that has the largest": (
                lambda r, o: np.max(_cosines(r, o), axis=1)
            ),
        },
        "Nothing keeps two rows from choosing the same one: some may never be chosen.",
    ),
    Task(
        10,
        "relaxed_emd(distances)",
        "Distances of each of M places of the picture from each of K places of the painting, shape "
        "(M, K). Every place goes to the nearest one of the other picture, in both directions; the "
        "mean length of these ways, in the direction in which it is larger.",
        _tables,
        lambda d: max(_both(d)),
        {
            "only the ways of the picture's places are looked at; look at the painting's, too": (
                lambda d: _both(d)[0]
            ),
            "only the ways of the painting's places are looked at; look at the picture's, too": (
                lambda d: _both(d)[1]
            ),
            "this is the smaller of the two; the larger one binds": lambda d: min(_both(d)),
            "the two are averaged; take the larger one": lambda d: np.mean(_both(d)),
            "the two are added up; take the larger one": lambda d: sum(_both(d)),
            "every place goes to the farthest one; take minima": (
                lambda d: max(d.max(axis=1).mean(), d.max(axis=0).mean())
            ),
            "the ways are added up; take their mean": (
                lambda d: max(d.min(axis=1).sum(), d.min(axis=0).sum())
            ),
            "this is the longest of the ways; take their mean": (
                lambda d: max(d.min(axis=1).max(), d.min(axis=0).max())
            ),
        },
        "One direction forbids what the painting has not, the other asks for all that it has; "
        "neither asks for how much.",
    ),
    Task(
        10,
        "self_similarity(columns)",
        "Hypercolumns of M places, a row for each, shape (M, N), to an array of shape (M, M): 1 "
        "minus the cosine of the angle between each two of them, each column of the table divided "
        "by its sum.",
        _columns,
        _self_similarity,
        {
            "these are cosines; distances are 1 minus them": (
                lambda c: _cosines(c, c) / _cosines(c, c).sum(axis=0, keepdims=True)
            ),
            "the table's columns are not divided by their sums": (
                lambda c: _self_similarity(c, axis=None)
            ),
            "each row is divided by its sum; divide each column of the table": (
                lambda c: _self_similarity(c, axis=1)
            ),
            "the whole table is divided by one sum; each column has its own": (
                lambda c: _self_similarity(c, axis=(0, 1))
            ),
            "these are squared distances; take 1 minus the cosine": (
                lambda c: _squares(c, c) / _squares(c, c).sum(axis=0, keepdims=True)
            ),
            "lengths count: divide each place's row by its length before you multiply": (
                lambda c: (1 - c @ c.T) / (1 - c @ c.T).sum(axis=0, keepdims=True)
            ),
        },
        "It says which places look alike, and nothing of how they look.",
    ),
)  # fmt: skip
