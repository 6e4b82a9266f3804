"""Style as a cloud of features that has to be carried over to another one: optimal transport.

:class:`~nsthelpers.statistics.Wasserstein` takes both clouds for Gaussians. Nothing is assumed of
their form here. :class:`SlicedWasserstein` looks at them along many directions, one at a time,
where the cheapest way to carry one over is to sort both. :class:`RelaxedEMD` and :class:`Nearest`
let each feature go to the nearest of the other cloud, whoever else goes there.
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
from .columns import distances_to, layer_scales, parts_of_columns, unit

__all__ = ["Nearest", "RelaxedEMD", "SlicedWasserstein", "unit_directions"]


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
        along = unit_directions(self.directions or filters, filters, self.seed)
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


@dataclass(frozen=True)
class RelaxedEMD(Statistic):
    """The relaxed earth mover's distance of hypercolumns, and that of their moments.

    A hypercolumn is what all layers say of one place, one below the other
    (:func:`nsthelpers.statistics.columns.columns`). With d the cosine distance between a column i
    of the image and j of the painting::

        REMD = max(mean over i of min over j of d_ij, mean over j of min over i of d_ij)

    The earth mover's distance asks that all earth of one heap go to holes that are filled once.
    Here one of the two conditions is left out, and the larger of the two answers is a lower bound:
    everything in the image looks like something in the painting, and everything in the painting is
    found somewhere in the image. How many of each there are is not asked. And cosines do not know
    how strongly filters answer; so mean m and covariance C of each layer's part of the columns are
    compared, too::

        moments = mean over layers of (mean |m - m'| / mean |m'| + mean |C - C'| / mean |C'|) / 2
        loss = (REMD + weight * moments) / (1 + weight)

    Parameters
    ----------
    places : int, default 1024
        How many columns each picture has, at most, on a regular grid. Means over what lies between
        its places stand in them, so that no pixel goes without a gradient.
    moments : float, default 1.0
        The weight of the moments; 0 leaves them out.

    Raises
    ------
    ValueError
        For numbers out of range.

    Notes
    -----
    All layers are one group. They count alike: each is scaled to the same mean squared length of
    its part of the painting's columns. ``"mean"`` and ``"relative"`` are the same, since cosines
    have no unit; where nothing answers the loss is 1. Of several paintings, as large a part of the
    columns is taken as each has a share.

    The nearest column has no slope, so a gradient takes as much memory as the columns themselves:
    1024 of the 1472 channels of the usual five layers are 6 MB.

    References
    ----------
    Kolkin, Salavon & Shakhnarovich (2019), "Style Transfer by Relaxed Optimal Transport and
    Self-Similarity", CVPR, arXiv 1904.12785. Compared by reading with the authors'
    program, github.com/nkolkin13/STROTSS, ``contextual_loss.py``, ``stylize_objectives.py`` and
    ``vgg_pt.py``: VGG16's convolutions 1_1, 1_2, 2_1, 2_2, 3_1, 3_2, 3_3, 4_3, 5_3 and the pixels
    as columns, unscaled; 1,024 places of the image, drawn anew at each step and interpolated, and
    5 times 1,000 of the painting; moments with plain means of absolute differences, of all layers
    together, and weight 1: that is four times as many products as the layers' own. Fixed places and
    means stand here for theirs, so that a loss can be compared from step to step.

    Examples
    --------
    >>> features = np.random.default_rng(0).uniform(size=(1, 4, 4, 3))
    >>> mirrored = features[:, ::-1]  # the same columns at other places
    >>> target = RelaxedEMD().target([(features,)], [1.0])
    >>> round(float(RelaxedEMD().loss((mirrored,), target)), 6)
    0.0
    """

    places: int = 1024
    moments: float = 1.0

    def __post_init__(self):
        check_whole("places", self.places, 1)
        if not (math.isfinite(self.moments) and self.moments >= 0):
            raise ValueError(f"moments is {self.moments}; expected a finite number of at least 0")

    def groups(self, layers, weights, network="vgg19"):
        return ((tuple(layers), sum(weights)),)

    def target(self, paintings, shares, where=None):
        parts = [
            _shared_out(list(each), shares)
            for each in zip(*self._each(paintings, where), strict=True)
        ]
        channels = [each.shape[1] for each in parts]
        scales = layer_scales(ops.concatenate(parts, axis=1), channels)
        ends = np.cumsum(channels)
        scales = [scales[end - count : end] for end, count in zip(ends, channels, strict=True)]
        parts = [part * scale for part, scale in zip(parts, scales, strict=True)]
        return {
            "scales": scales,
            "columns": unit(ops.concatenate(parts, axis=1)),
            "moments": [_moments(each) for each in parts],
        }

    def describe(self, *features):
        return tuple(parts_of_columns(features, self.places))

    def compare(self, description, target, reduction="relative"):
        parts = [part * scale for part, scale in zip(description, target["scales"], strict=True)]
        ours, theirs = unit(ops.concatenate(parts, axis=1)), target["columns"]
        both = [ops.mean(distances_to(*each)) for each in ((ours, theirs), (theirs, ours))]
        distance = ops.maximum(*both)
        if not self.moments:
            return distance
        apart = [
            ops.mean(ops.abs(found - wanted)) / (ops.mean(ops.abs(wanted)) + 1e-12)
            for part, moments in zip(parts, target["moments"], strict=True)
            for found, wanted in zip(_moments(part), moments, strict=True)
        ]
        return (distance + self.moments * sum(apart) / len(apart)) / (1 + self.moments)


@dataclass(frozen=True)
class Nearest(Statistic):
    """How far the features of a layer are from the nearest ones of the painting, in the mean.

    With F the features at a position less their mean over all of them, F' the painting's less
    theirs::

        E = mean over positions of min over the painting's of 1 - cos(F, F')

    Each feature, less the mean, takes the direction of one that the painting has. Its length and
    the mean of all are free, and nothing asks that all of the painting be used. It makes textures
    of a picture sharp that others have brought near.

    Parameters
    ----------
    places : int, default 1024
        How many features of the painting there are to choose among, at most, drawn at random.
    seed : int, default 0
        Of that.

    Raises
    ------
    ValueError
        For numbers out of range.

    Notes
    -----
    Matched anew at each evaluation, each layer for itself. ``"mean"`` and ``"relative"`` are the
    same, since cosines have no unit; where nothing answers the loss is 1. Of several paintings, as
    large a part of the features is taken as each has a share. The cosines of all positions are
    never there at the same time, see :func:`nsthelpers.statistics.columns.nearest`.

    References
    ----------
    Kolkin, Kucera, Paris, Sykora, Shechtman & Shakhnarovich (2022), "Neural Neighbor Style
    Transfer", arXiv 2203.13215, its "feature splitting". Compared by reading with the authors'
    program, github.com/nkolkin13/NeuralNeighborStyleTransfer, ``utils/stylize.py``: of layers with
    more than 64 positions down or across, every s-th of both pictures, s beginning anywhere at
    each step; the painting turned by 90, 180 and 270 degrees besides; the sum over layers. Here all
    positions of the image are matched at each step, and those of the painting are drawn once.

    Examples
    --------
    >>> features = np.random.default_rng(0).uniform(size=(1, 4, 4, 3))
    >>> target = Nearest().target([(features,)], [1.0])
    >>> round(float(Nearest().loss((features[:, :, ::-1],), target)), 6)
    0.0
    """

    places: int = 1024
    seed: int = 0

    def __post_init__(self):
        check_whole("places", self.places, 1)
        check_whole("seed", self.seed, 0)

    def describe(self, features):
        return losses.as_rows(ops.convert_to_tensor(features))

    def target_of(self, descriptions, shares):
        mean = sum(
            share * ops.mean(rows, axis=0) for share, rows in zip(shares, descriptions, strict=True)
        )
        rng = np.random.default_rng(self.seed)
        drawn = []
        for rows in descriptions:
            count = min(self.places, rows.shape[0])
            drawn.append(ops.take(rows, np.sort(rng.permutation(rows.shape[0])[:count]), axis=0))
        rows = _shared_out(drawn, shares) - mean
        scale = ops.sqrt(ops.mean(ops.sum(ops.square(rows), axis=1))) + 1e-12
        return {"features": unit(rows / scale), "scale": scale}

    def compare(self, description, target, reduction="relative"):
        rows = (description - ops.mean(description, axis=0)) / target["scale"]
        return ops.mean(distances_to(unit(rows), target["features"]))


def _shared_out(clouds, shares):
    """As large a part of each cloud as it has a share: rows one below the other."""
    if len(clouds) == 1:
        return clouds[0]
    pairs = [(each, share) for each, share in zip(clouds, shares, strict=True) if share > 0]
    total = min(each.shape[0] / share for each, share in pairs)  # as far as the scarcest reaches
    counts = [min(max(1, round(share * total)), each.shape[0]) for each, share in pairs]
    return ops.concatenate(
        [
            ops.take(each, np.linspace(0, each.shape[0] - 1, count).round().astype(int), axis=0)
            for (each, _), count in zip(pairs, counts, strict=True)
        ]
    )


def _moments(rows):
    """Mean and covariance of columns."""
    mean = ops.mean(rows, axis=0)
    return mean, losses.gram_matrix(rows - mean)


@functools.lru_cache(maxsize=16)
def unit_directions(count, filters, seed=0):
    """Draw unit vectors, all directions alike: array, shape (count, filters).

    Examples
    --------
    >>> bool(np.allclose(np.sum(unit_directions(5, 3) ** 2, axis=1), 1))
    True
    """
    vectors = np.random.default_rng([seed, filters]).normal(size=(count, filters))
    directions = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    directions.setflags(write=False)  # every caller gets this one
    return directions


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
    looked = np.array(found, "int32")
    looked.setflags(write=False)  # every caller gets this one
    return looked


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
