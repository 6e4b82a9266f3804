"""What grew out of the Gram matrix: chains of layers, textures that go with content, cubes.

The ideas are Novak & Nikulin's (arXiv 1605.04603); the formulas follow our reading, as ``gram.py``
says.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from .. import losses
from ..arguments import check_whole
from ..backend import ops
from ..network.layers import layer_name
from .base import Statistic, four_axes, guided, products
from .gram import gram_matrix

__all__ = ["ContentAwareGram", "GramChain", "GramCube"]


@dataclass(frozen=True)
class GramChain(Statistic):
    """How filters of neighbouring layers answer together: the correlation chain.

    For each chosen layer a and the next chosen one b, with ``D`` the 2 x 2 means that bring a's
    maps down to the size of b's: ``C_ij = mean over positions of (D F^a)_i (F^b)_j``. Layers on
    their own do not count. A pair's weight is the mean of its two layers'; all are scaled so that
    they sum to what the layers' did.

    Raises
    ------
    ValueError
        If there are fewer than two layers, or their sizes do not fit.

    Notes
    -----
    "Correlation chain", of adjacent layers only. The paper may enlarge the deeper maps instead; by
    nearest neighbours that gives the same matrix (where sizes halve evenly) at a higher cost.

    References
    ----------
    Novak & Nikulin (2016), arXiv 1605.04603, section 3.5; also Yeh & Tang (2018), "Improved Style
    Transfer by Respecting Inter-layer Correlations", arXiv 1801.01933.

    Examples
    --------
    >>> GramChain().groups(["block1_conv1", "block2_conv1", "block3_conv1"], [0.25, 0.25, 0.5])
    ((('block1_conv1', 'block2_conv1'), 0.4), (('block2_conv1', 'block3_conv1'), 0.6))
    """

    reductions = losses.REDUCTIONS
    additive = True

    def groups(self, layers, weights, network="vgg19"):
        if len(layers) < 2:
            raise ValueError("a chain joins neighbouring layers; name at least two")
        means = [(first + second) / 2 for first, second in itertools.pairwise(weights)]
        scaled = [mean * sum(weights) / sum(means) for mean in means]
        return tuple(zip(itertools.pairwise(layers), scaled, strict=True))

    def describe(self, first, second, where=None):
        return _joined(four_axes(first), four_axes(second), where)


@dataclass(frozen=True)
class ContentAwareGram(Statistic):
    """Which textures go with which content: each layer's Gram matrix, and its filters times a
    content layer's.

    Two parts that count alike: ``G_ij = mean of F_i F_j`` and ``X_ic = mean of F_i C_c``, with C
    the features of the content layer, both brought to the smaller one's size by 2 x 2 means.

    Parameters
    ----------
    content_layer : str, default "block4_conv2"

    Notes
    -----
    "Content-aware Gram matrices". The paper may weigh the positions by each content filter, which
    is one Gram matrix for each of 512 of them; this takes the first order of that, so that memory
    stays at N x 512 numbers.

    References
    ----------
    Novak & Nikulin (2016), arXiv 1605.04603.

    Examples
    --------
    >>> ContentAwareGram().groups(["block1_conv1"], [1.0])
    ((('block1_conv1', 'block4_conv2'), 1.0),)
    """

    content_layer: str = "block4_conv2"

    def groups(self, layers, weights, network="vgg19"):
        guide = layer_name(self.content_layer, network)
        return tuple(
            ((layer, guide), weight) for layer, weight in zip(layers, weights, strict=True)
        )

    def describe(self, features, content, where=None):
        features, content = four_axes(features), four_axes(content)
        own = gram_matrix(guided(features, where[0] if where else None))
        return own, _joined(features, content, where)


@dataclass(frozen=True)
class GramCube(Statistic):
    """How strongly three filters answer together: third moments.

    ``T_abc = mean over positions of P_a P_b P_c`` with ``P = F R``, where R mixes the N filters
    into ``directions`` ones: fixed random directions of unit length.

    Parameters
    ----------
    directions : int, default 16
        Where a layer has no more filters than that, R is left out and T is the full cube. The full
        cube of 512 filters would have 134 million entries; with 16 directions it has 4096, and the
        memory that is needed is 256 numbers for each position.
    seed : int, default 0
        Of the random directions.

    Raises
    ------
    ValueError
        For numbers out of range.

    Notes
    -----
    "Gram cubes". The random directions are ours, for the memory's sake. Unlike the Gram matrix, a
    cube knows on which side of its mean a feature's distribution has the longer tail.

    References
    ----------
    Novak & Nikulin (2016), arXiv 1605.04603.

    Examples
    --------
    >>> features = np.array([[[[1.0], [3.0]]]])
    >>> GramCube().describe(features).numpy().item()  # (1 + 27) / 2
    14.0
    """

    directions: int = 16
    seed: int = 0

    additive = True

    def __post_init__(self):
        check_whole("directions", self.directions, 1)
        check_whole("seed", self.seed, 0)

    def describe(self, features, where=None):
        (place,) = where or (None,)
        rows = losses.as_rows(features)
        if rows.shape[-1] > self.directions:
            rows = ops.matmul(rows, ops.convert_to_tensor(self.mixing(rows.shape[-1]), rows.dtype))
        count, filters = rows.shape
        pairs = ops.reshape(rows[:, :, None] * rows[:, None, :], (count, filters**2))
        return ops.matmul(ops.transpose(pairs), guided(rows, place, 2)) / count

    def mixing(self, filters):
        """R: an array of shape (filters, directions), its columns of unit length."""
        matrix = np.random.default_rng(self.seed).normal(size=(filters, self.directions))
        return matrix / np.linalg.norm(matrix, axis=0)


def _joined(first, second, where):
    """Mean products of two layers' maps, at the places of the smaller."""
    maps = _to_one_size(first, second)
    place = None
    if where:
        place = next(each for each in where if each.shape[1:3] == maps[0].shape[1:3])
    return products(*(guided(each, place) for each in maps))


def _to_one_size(first, second):
    """Two layers' maps at the size of the smaller: halved by 2 x 2 means, as the network does."""
    if first.shape[1] * first.shape[2] < second.shape[1] * second.shape[2]:
        return tuple(reversed(_to_one_size(second, first)))
    maps = first
    while maps.shape[1] > second.shape[1] and min(maps.shape[1:3]) > 1:
        maps = ops.average_pool(maps, 2, strides=2, data_format="channels_last")
    if maps.shape[1:3] != second.shape[1:3]:
        raise ValueError(
            f"maps of {tuple(first.shape[1:3])} and {tuple(second.shape[1:3])} positions cannot be "
            "brought to one size by halving; expected two layers of one image"
        )
    return maps, second
