"""What a style statistic is.

A style statistic says what of a layer's features counts as style. Each is a small frozen object
that describes features by tensors ("parts") in which where things stand has been averaged away;
the style loss is how far the parts of two images are apart.

Every part is measured from that of an image where nothing answers (all features 0), which is a
constant and drops out of differences. So the relative loss is 1 where nothing answers, for every
statistic alike, and one style weight serves for all.
"""

from __future__ import annotations

import inspect

from .. import losses
from ..backend import ops

__all__ = ["Statistic", "as_parts", "four_axes", "guided", "mean_loss", "mixture", "products"]


class Statistic:
    """What a style is taken to be; one of your own is a frozen dataclass with a ``describe``.

    Attributes
    ----------
    reductions : tuple of str
        Those of :data:`nsthelpers.losses.REDUCTIONS` that make sense for it.
    additive : bool, default False
        Whether ``describe`` averages something that each position knows by itself, so that the
        description of a picture is the mean of those of its parts, weighted by how many positions
        they have. Then it can be had tile by tile (:mod:`nsthelpers.tiling`), and whatever else a
        class overrides must be ``target_of`` and ``compare``, which look at descriptions only. It
        is believed of the class that says so, and not of others that override its ``describe``.

    Notes
    -----
    ``describe`` is all that a statistic needs; the other methods are there to be overridden by one
    that looks at several layers at once or compares in a way of its own. Statistics are compared
    and hashed by value, since compiled graphs are kept by them. What ``describe`` returns are
    averages over positions, so several paintings are mixed by their weighted mean: that is the
    statistic of the mixture of their features.

    A statistic that can be confined to a region takes ``where`` besides: weighted averages, instead
    of plain ones. Those of this package do; one of your own does when its ``describe`` has that
    argument.

    Examples
    --------
    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Strength(Statistic):
    ...     def describe(self, features):
    ...         return ops.mean(ops.square(features), axis=(0, 1, 2))
    >>> nothing, painting = np.zeros((1, 2, 2, 3)), np.full((1, 4, 5, 3), 7.0)
    >>> target = Strength().target([(painting,)], [1.0])
    >>> round(float(Strength().loss((nothing,), target)), 6)
    1.0
    """

    reductions = ("relative", "mean")
    additive = False

    @property
    def regional(self) -> bool:
        """Whether it can be confined to a region."""
        methods = (self.describe, self.target, self.loss)
        return all("where" in inspect.signature(each).parameters for each in methods)

    def describe(self, *features):
        """What is left of the activations once it no longer matters where they were.

        Parameters
        ----------
        *features : tensor, float32, shape (1, H, W, N)
            Activations of one layer; of each layer of a group where :meth:`groups` makes groups.
        where : tuple of tensor, float32, shape (1, H, W, 1), optional
            Of a statistic that has it: how much each position counts in each of these layers. The
            weight is the square, as in guided Gram matrices, and its mean is 1.

        Returns
        -------
        tensor or tuple of tensors
        """
        raise NotImplementedError

    def groups(self, layers, weights, network="vgg19"):
        """Which layers are described together, and with which weight.

        Parameters
        ----------
        layers : sequence of str
            Keras' names, shallow ones first.
        weights : sequence of float
            One for each layer.
        network : str, default "vgg19"

        Returns
        -------
        tuple of (tuple of str, float)
            By default each layer on its own.
        """
        return tuple(((layer,), weight) for layer, weight in zip(layers, weights, strict=True))

    def target(self, paintings, shares, where=None):
        """What an image's features are compared with.

        Parameters
        ----------
        paintings : list of tuple of tensor
            The group's activations for each painting.
        shares : sequence of float
            How much of each; they sum to 1.
        where : list, optional
            For each painting what :meth:`describe` takes, or None for all of it.

        Returns
        -------
        nest of tensors
        """
        return self.target_of(self._each(paintings, where), shares)

    def target_of(self, descriptions, shares):
        """The same target, from the description of each painting."""
        return mixture(descriptions, shares)

    def loss(self, features, target, reduction="relative", where=None):
        """How far the features of one group are from a target: a scalar tensor, at least 0."""
        return self.compare(self._described(features, where), target, reduction)

    def compare(self, description, target, reduction="relative"):
        """How far a description is from a target: the same loss."""
        return mean_loss(description, target, reduction)

    def _each(self, paintings, where, *others):
        places = where or [None] * len(paintings)
        return [
            self._described(features, place, *others)
            for features, place in zip(paintings, places, strict=True)
        ]

    def _described(self, features, where, *others):
        # One that knows of no regions is not asked about them.
        confined = {} if where is None else {"where": where}
        return self.describe(*features, *others, **confined)


def guided(features, where, power=1):
    """Features times how much each position counts: T F; as they are where all count alike.

    Parameters
    ----------
    features : tensor, shape (1, H, W, N) or (M, N)
    where : tensor, shape (1, H, W, 1), or None
        T, whose mean square is 1, so that means over positions become weighted ones.
    power : {1, 2}, default 1
        T or its square: 1 for both factors of a product, 2 for what is averaged as it is.

    Examples
    --------
    >>> import numpy as np
    >>> rows, where = np.array([[1.0], [3.0]]), np.array([np.sqrt(2), 0.0]).reshape(1, 1, 2, 1)
    >>> round(float(ops.mean(guided(rows, where, 2))), 6)  # of the first alone
    1.0
    """
    if where is None:
        return features
    weights = ops.cast(where if len(features.shape) == 4 else losses.as_rows(where), features.dtype)
    return features * (weights if power == 1 else ops.square(weights))


def mixture(descriptions, shares):
    """The weighted mean of descriptions: a tuple of tensors, one for each of their parts."""
    parts = zip(*map(as_parts, descriptions), strict=True)
    return tuple(sum(s * p for s, p in zip(shares, part, strict=True)) for part in parts)


def mean_loss(description, target, reduction):
    """How far the parts of a description are from a target's, on average: a scalar tensor."""
    parts = as_parts(description)
    found = [losses.style_loss(p, t, reduction) for p, t in zip(parts, target, strict=True)]
    return sum(found) / len(found) if len(found) > 1 else found[0]


def as_parts(description):
    """A description as a tuple of tensors, also where it is one."""
    return tuple(description) if isinstance(description, (tuple, list)) else (description,)


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
