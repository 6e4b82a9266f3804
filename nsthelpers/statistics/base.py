"""What a style statistic is.

A style statistic says what of a layer's features counts as style. Each is a small frozen object
that describes features by tensors ("parts") in which where things stand has been averaged away;
the style loss is how far the parts of two images are apart.

Every part is measured from that of an image where nothing answers (all features 0), which is a
constant and drops out of differences. So the relative loss is 1 where nothing answers, for every
statistic alike, and one style weight serves for all.
"""

from __future__ import annotations

from .. import losses
from ..backend import ops

__all__ = ["Statistic", "four_axes", "products"]


class Statistic:
    """What a style is taken to be; one of your own is a frozen dataclass with a ``describe``.

    Attributes
    ----------
    reductions : tuple of str
        Those of :data:`nsthelpers.losses.REDUCTIONS` that make sense for it.

    Notes
    -----
    Statistics are compared and hashed by value, since compiled graphs are kept by them. Parts are
    averages over positions, so several paintings are mixed by the weighted mean of their parts:
    that is the statistic of the mixture of their features.

    Examples
    --------
    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Strength(Statistic):
    ...     def describe(self, features, constants):
    ...         return (ops.mean(ops.square(features[0]), axis=(0, 1, 2)),)
    >>> nothing, painting = np.zeros((1, 2, 2, 3)), np.full((1, 4, 5, 3), 7.0)
    >>> target = Strength().target([(painting,)], [1.0])
    >>> round(float(Strength().loss((nothing,), target)), 6)
    1.0
    """

    reductions = ("relative", "mean")

    def groups(self, layers, network="vgg19"):
        """Which layers are described together: a tuple of tuples; by default each on its own."""
        return tuple((layer,) for layer in layers)

    def weights(self, weights):
        """The groups' weights from the layers'."""
        return tuple(weights)

    def constants(self, paintings, shares):
        """Tensors that ``describe`` needs besides features, made once, from the paintings."""
        return {}

    def describe(self, features, constants):
        """A tuple of tensors, from a tuple of activations, shape (1, H, W, N), of one group."""
        raise NotImplementedError

    def target(self, paintings, shares):
        """What an image's features are compared with.

        Parameters
        ----------
        paintings : list of tuple of tensor
            The group's activations for each painting.
        shares : sequence of float
            How much of each; they sum to 1.

        Returns
        -------
        dict of tensors
        """
        constants = self.constants(paintings, shares)
        mixed = None
        for share, features in zip(shares, paintings, strict=True):
            parts = [share * part for part in self.describe(features, constants)]
            pairs = zip(mixed, parts, strict=True) if mixed else ()
            mixed = [sum(pair) for pair in pairs] if mixed else parts
        return {"parts": mixed, "constants": constants}

    def loss(self, features, target, reduction="relative"):
        """How far the features of one group are from a target: a scalar tensor, at least 0."""
        parts = self.describe(features, target["constants"])
        found = [
            losses.style_loss(part, wanted, reduction)
            for part, wanted in zip(parts, target["parts"], strict=True)
        ]
        return sum(found) / len(found) if len(found) > 1 else found[0]


def four_axes(maps):
    """Features of shape (1, H, W, N), from that or (H, W, N); ValueError for others.

    Returns
    -------
    tensor, shape (1, H, W, N)
    """
    shape = tuple(maps.shape)
    if len(shape) == 3:
        return maps[None]
    if len(shape) != 4 or shape[0] != 1:
        raise ValueError(
            f"got features of shape {shape}; expected (1, H, W, N): pass one image's at a time"
        )
    return maps


def products(first, second):
    """Mean products of each channel of one with each of the other, over common positions.

    Parameters
    ----------
    first, second : tensor, shape (1, H, W, N) and (1, H, W, K)

    Returns
    -------
    tensor, shape (N, K)
    """
    rows = ops.reshape(first, (-1, first.shape[-1]))
    columns = ops.reshape(second, (-1, second.shape[-1]))
    return ops.matmul(ops.transpose(rows), columns) / rows.shape[0]
