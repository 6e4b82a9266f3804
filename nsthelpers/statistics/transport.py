"""Style as a cloud of features that has to be carried over to another one: optimal transport.

:class:`~nsthelpers.statistics.Wasserstein` takes both clouds for Gaussians. Nothing is assumed of
their form here. :class:`SlicedWasserstein` looks at them along many directions, one at a time,
where the cheapest way to carry one over is to sort both.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from .. import losses
from ..arguments import check_whole
from ..backend import ops, to_tensor
from ..images.pyramids import linear_weights
from .base import Statistic, four_axes, mean_loss

__all__ = ["SlicedWasserstein"]


@dataclass(frozen=True)
class SlicedWasserstein(Statistic):
    """How far two clouds are apart along random directions, in the mean.

    Along a unit vector v both clouds are rows of numbers, and the best way to carry one over to the
    other keeps their order::

        SW^2 = mean over v and over positions of (sort(F v) - sort(F' v))^2

    Where this is 0 for every v the distributions are equal: all of their moments, while Gram
    matrices know the second ones alone. N directions do not say so much, but far more than a layer
    can be changed in without being noticed.

    Parameters
    ----------
    directions : int or None, default None
        How many. None: as many as the layer has channels.
    places : int, default 1024
        Sorting is what costs. In a layer with more positions than this each direction looks at
        every s-th of them down and across, s as small as possible, and begins at a place of its
        own. So nearly all positions count, each for some directions. Where two pictures have the
        same size, it is the same positions.
    seed : int, default 0
        Of the directions and places.

    Raises
    ------
    ValueError
        For numbers out of range.

    Notes
    -----
    Directions and places are drawn once and stay for the whole run. The paper draws anew for each
    evaluation or each run of L-BFGS. But L-BFGS compares losses from step to step, and a run that
    goes on from a checkpoint would have to know what was drawn.

    Rows of different length, of images of different size, are compared at the quantiles of the
    image's: the painting's are interpolated. Several paintings are mixed as clouds. Reductions:
    "mean" is SW^2 as above; "relative" divides it by the mean of the painting's (F' v)^2, the loss
    where nothing answers.

    References
    ----------
    Heitz, Vanhoey, Chambon & Belcour (2021), "A Sliced Wasserstein Loss for Neural Texture
    Synthesis", CVPR, arXiv 2006.07229. Compared by reading with the authors' program,
    github.com/tchambon/A-Sliced-Wasserstein-Loss-for-Neural-Texture-Synthesis, whose two versions
    differ: ``texture_optimization_slicing.py`` has the 12 convolutions of blocks 1 to 4, draws at
    each evaluation and runs PyTorch's L-BFGS 64 times for 64 iterations; ``texturegen.py`` adds
    block5_conv1 and block5_conv2, scales activations, and draws between 20 runs of SciPy's L-BFGS
    of 64 evaluations. Both have as many directions as channels, all positions, average pooling,
    reflected borders, and the plain sum of the layers' means.

    Examples
    --------
    >>> first, second = np.array([[1.0], [3.0]]), np.array([[9.0], [2.0]])  # sorted: 1, 3 and 2, 9
    >>> statistic = SlicedWasserstein()
    >>> target = statistic.target([(second[None, None],)], [1.0])
    >>> float(statistic.loss((first[None, None],), target, "mean"))  # ((1 - 2)^2 + (3 - 9)^2) / 2
    18.5
    """

    directions: int | None = None
    places: int = 1024
    seed: int = 0

    def __post_init__(self):
        if self.directions is not None:
            check_whole("directions", self.directions, 1)
        check_whole("places", self.places, 1)
        check_whole("seed", self.seed, 0)

    def describe(self, features):
        maps = four_axes(ops.convert_to_tensor(features))
        _, height, width, filters = maps.shape
        along = _directions(self.directions or filters, filters, self.seed)
        looked = _looked_at(len(along), height, width, self.places, self.seed)
        answers = ops.matmul(
            to_tensor(along, maps.dtype.name), ops.transpose(losses.as_rows(maps))
        )  # (directions, positions)
        fixed = ops.take_along_axis(ops.stop_gradient(answers), to_tensor(looked, "int32"), axis=1)
        order = ops.take_along_axis(to_tensor(looked, "int32"), ops.argsort(fixed, axis=1), axis=1)
        return ops.take_along_axis(answers, order, axis=1)

    def target_of(self, descriptions, shares):
        return (descriptions[0] if len(descriptions) == 1 else _mixed(descriptions, shares),)

    def compare(self, description, target, reduction="relative"):
        wanted = tuple(_at_quantiles(each, description.shape[1]) for each in target)
        return mean_loss(description, wanted, reduction)


@functools.lru_cache(maxsize=16)
def _directions(count, filters, seed):
    """Unit vectors, all directions alike: array, shape (count, filters)."""
    vectors = np.random.default_rng([seed, filters]).normal(size=(count, filters))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@functools.lru_cache(maxsize=32)
def _looked_at(count, height, width, places, seed):
    """Which positions each direction looks at: array of numbers, shape (count, up to places)."""
    step = max(1, math.ceil(math.sqrt(height * width / places)))
    while (height // step or 1) * (width // step or 1) > places:
        step += 1
    down, across = min(step, height), min(step, width)
    rows, columns = height // down, width // across
    rng = np.random.default_rng([seed, height, width])
    corners = [(y, x) for y in range(down) for x in range(across)]
    found = []
    for number in range(count):
        if number % len(corners) == 0:
            rng.shuffle(corners)
        y, x = corners[number % len(corners)]
        # What is left over at the far borders: begin a little later, as often as not.
        y += rng.integers(height - rows * down + 1)
        x += rng.integers(width - columns * across + 1)
        grid = (y + down * np.arange(rows))[:, None] * width + x + across * np.arange(columns)
        found.append(grid.ravel())
    return np.array(found, "int32")


def _mixed(descriptions, shares):
    """Quantiles of a mixture of clouds: tensor, shape (directions, the most places of one)."""
    values = np.concatenate([np.asarray(each, "float64") for each in descriptions], axis=1)
    shares = [
        np.full(d.shape[1], s / d.shape[1]) for s, d in zip(shares, descriptions, strict=True)
    ]
    order, count = np.argsort(values, axis=1), max(map(len, shares))
    weights = np.concatenate(shares)[order]
    reached = np.cumsum(weights, axis=1) - weights / 2
    found = [
        np.interp((np.arange(count) + 0.5) / count, *each)
        for each in zip(reached, np.take_along_axis(values, order, axis=1), strict=True)
    ]
    return to_tensor(np.array(found), descriptions[0].dtype.name)


def _at_quantiles(rows, count):
    """Sorted rows at so many quantiles: tensor, shape (directions, count)."""
    if rows.shape[1] == count:
        return rows
    weights = to_tensor(linear_weights(rows.shape[1], count), rows.dtype.name)
    return ops.matmul(rows, ops.transpose(weights))
