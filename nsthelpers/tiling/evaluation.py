"""Loss and gradient of an objective, tile by tile: the same numbers, and one tile's activations.

The losses of style and content are functions of sums over positions: of the products in Gram
matrices, of squared differences. So two passes do. The first runs the network tile by tile and adds
the sums s up; then the loss L(s) is known, and its slopes dL/ds. The second runs each tile again,
now backwards as well: the gradient of (dL/ds) . s_tile, with the slopes as constants, is by the
chain rule what the positions of this tile contribute to the gradient of L. A pixel near an edge is
seen from several tiles, whose contributions add up.

What is kept between the passes is the image, its gradient and the content's features; activations
are those of one tile.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from ..backend import (
    add_nests,
    compile_function,
    compile_value_and_gradient,
    keras,
    ops,
    to_numpy,
    to_tensor,
)
from ..objectives.objective import Evaluation, Objective, active_terms
from .cutting import Cutter

__all__ = ["TiledObjective", "cutter_of", "obstacle"]


def obstacle(objective) -> str:
    """Why an objective cannot be evaluated tile by tile.

    Parameters
    ----------
    objective : Objective

    Returns
    -------
    str
        One line that names the term; "" if it can.

    Examples
    --------
    >>> from nsthelpers import VGG, Style, TotalVariation, white_noise
    >>> network = VGG(weights="random")
    >>> style = Style(white_noise(32, 32), statistic="blurred", network=network)
    >>> obstacle(1 * TotalVariation())
    'no term reads a layer of the network, so that there is nothing to save'
    >>> obstacle(10 * style).partition(" is ")[2]
    'no mean over positions that know nothing of each other'
    """
    counting = {label: term for label, term in objective.terms.items() if objective.weights[label]}
    if not any(term.layers for term in counting.values()):
        return "no term reads a layer of the network, so that there is nothing to save"
    if objective.network.padding == "circular":
        return "the network's padding is 'circular': a border sees the other one"
    reasons = ((label, term.whole_only()) for label, term in counting.items())
    return next((f"{label}: {reason}" for label, reason in reasons if reason), "")


def cutter_of(objective, side, network=None) -> Cutter:
    """What cuts pictures for an objective: its deepest layer decides how far windows reach."""
    layers = {layer for weight, term in objective.parts if weight for layer in term.layers}
    return Cutter(network or objective.network, sorted(layers), side)


class TiledObjective:
    """An objective for images of one size, evaluated tile by tile.

    Parameters
    ----------
    objective : Objective
        One with no :func:`obstacle`.
    height, width : int
        Of the image, in pixels.
    scale : float, default 1.0
    precision : {"float32", "bfloat16"}, default "float32"
        Both as :meth:`nsthelpers.Objective.at` takes them.
    side : int, default 512
        The largest side of a tile's core, in pixels. Small ones take less memory and more time: the
        windows reach up to 80 pixels beyond the cores for the usual layers.

    Attributes
    ----------
    shape : tuple of int
        (1, H, W, 3), of the images that it judges.
    tiles : int
        How many there are.

    Raises
    ------
    ValueError
        If there is an obstacle, every weight is 0, or a term cannot be had at this size.

    Notes
    -----
    It takes about half as much work again as the whole would, for the second run of the network,
    times the share that the windows are larger than the cores. Terms that read no layers, such as a
    total variation, are looked at as a whole. Of a content the features are held (32 bytes for each
    pixel of the image at block4_conv2, 256 at block1_conv1), since computing them anew would cost a
    third run; those of paintings are summed up.

    Losses and gradients equal the whole's up to the rounding of sums in another order. Where a
    picture has fewer pixels than a layer's stride left over at the far border, the network drops
    them, here as there.

    Examples
    --------
    >>> from nsthelpers import VGG, Style, white_noise
    >>> network = VGG(weights="random")
    >>> objective = 10 * Style(white_noise(32, 32), "block1_conv1", network=network)
    >>> image = white_noise(40, 56, seed=1)
    >>> whole, tiled = objective.at(40, 56), TiledObjective(objective, 40, 56, side=16)
    >>> difference = tiled.evaluate(image).gradient - whole.evaluate(image).gradient
    >>> bool(np.abs(difference).max() < 1e-5 * np.abs(whole.evaluate(image).gradient).max())
    True
    """

    def __init__(self, objective, height, width, scale=1.0, precision="float32", side=512):
        reason = obstacle(objective)
        if reason:
            raise ValueError(f"this cannot be evaluated tile by tile: {reason}")
        self.shape, size = (1, height, width, 3), (height, width)
        network, active = active_terms(objective, precision)
        self._labels = [label for label, *_ in active]
        self._weights = {label: weight for label, weight, _ in active}
        self._exact = precision == "float32"

        seeing = {label: term for label, _, term in active if term.layers}
        plain = {label: term for label, _, term in active if not term.layers}
        self._plain_labels = list(plain)
        self._plain = plain and Objective(
            (self._weights[label], term) for label, term in plain.items()
        ).at(*size, scale)

        cutter = cutter_of(objective, side, network)
        targets = [term.tile_targets(size, scale, cutter) for term in seeing.values()]
        self._tiles = [
            (tile, _Graph(cutter, tuple(seeing.values()), tile.window, tile.core), list(each))
            for tile, *each in zip(cutter.tiles(size), *targets, strict=True)
        ]
        self.tiles = len(self._tiles)
        self._seeing_labels = list(seeing)
        self._seeing_weights = to_tensor([self._weights[label] for label in seeing])

    def evaluate(self, image) -> Evaluation:
        """Judge an image, as :meth:`nsthelpers.objectives.BoundObjective.evaluate` does.

        Parameters
        ----------
        image : array or tensor, float32, of ``shape``, RGB, range [0, 1]

        Returns
        -------
        Evaluation
        """
        image, terms = to_tensor(image), {}
        gradient = np.zeros(self.shape, "float32")
        if self._plain:
            found = self._plain.evaluate(image)
            terms = dict(zip(self._plain_labels, found.terms.values(), strict=True))
            gradient += to_numpy(found.gradient)
            del found

        sums = functools.reduce(
            add_nests,
            (
                graph.sums(tile.pixels(image), targets, tile.offset)
                for tile, graph, targets in self._tiles
            ),
        )
        _, graph, targets = self._tiles[0]
        losses, slopes = graph.losses(sums, targets, self._seeing_weights)
        terms |= dict(zip(self._seeing_labels, to_numpy(losses).tolist(), strict=True))

        # Added up on the host: a tensor would be copied as a whole for every tile.
        for tile, graph, targets in self._tiles:
            found = graph.gradient(tile.pixels(image), targets, tile.offset, slopes)
            window = tile.pixels(gradient)
            window += to_numpy(found)
        terms = {label: terms[label] for label in self._labels}
        loss = math.fsum(self._weights[label] * terms[label] for label in self._labels)
        return Evaluation(loss, terms, to_tensor(gradient), self._exact)


class _Graph:
    """The compiled parts, shared by all tiles whose windows and cores have the same sizes."""

    def __init__(self, cutter, terms, window, core):
        self._cutter, self._terms, self._core = cutter, terms, core
        keys = (term.graph_key() for term in terms)
        self._key = (cutter.network, window, core, *keys)

    def __eq__(self, other):
        return self._key == other._key

    def __hash__(self):
        return hash(self._key)

    def sums(self, window, targets, offset):
        """Every term's sums over the positions of a tile's core."""
        return _compiled(self)["sums"](window, targets, to_tensor(offset, "int32"))

    def losses(self, sums, targets, weights):
        """Every term's loss, and the slopes of the weighted sum by the sums over all tiles."""
        _, losses, slopes = _compiled(self)["total"](sums, (targets, weights))
        return losses, slopes

    def gradient(self, window, targets, offset, slopes):
        """What a tile's core contributes to the gradient, by the pixels of its window."""
        parameters = targets, to_tensor(offset, "int32"), slopes
        *_, gradient = _compiled(self)["pulled"](window, parameters)
        return gradient

    def _sums(self, window, targets, offset):
        layers = sorted({layer for term in self._terms for layer in term.layers})
        features = self._cutter.network.features(window, layers)
        features = self._cutter.core(features, offset, self._core)
        return [term.sums(features, each) for term, each in zip(self._terms, targets, strict=True)]

    def _total(self, sums, parameters):
        targets, weights = parameters
        losses = ops.stack(
            [
                ops.cast(term.loss_of(*each), "float32")
                for term, *each in zip(self._terms, sums, targets, strict=True)
            ]
        )
        return ops.sum(weights * losses), losses

    def _pulled(self, window, parameters):
        *parameters, slopes = parameters
        products = keras.tree.map_structure(
            lambda slope, each: ops.sum(slope * each), slopes, self._sums(window, *parameters)
        )
        return sum(keras.tree.flatten(products)), ()


@functools.lru_cache(maxsize=32)
def _compiled(graph):
    return {
        "sums": compile_function(graph._sums),
        "total": compile_value_and_gradient(graph._total),
        "pulled": compile_value_and_gradient(graph._pulled),
    }
