"""The terms of an objective: content, style, edges, total variation, a filter's activation.

Each pairs a picture (if it needs one) and the layers that it is looked at through with a loss of
``losses.py``. A new idea is a new term here, or a new argument of one.
"""

from __future__ import annotations

import functools
import math

from .. import losses
from ..arguments import check_choice, check_whole
from ..backend import add_nests, ops, to_tensor
from ..choices import CARRIES
from ..images.arrays import as_image, resize
from ..masks.mask import as_mask
from ..network.layers import check_channel
from ..network.vgg import STYLE_LAYERS, default_network, layer_name
from ..statistics.base import as_parts, guided
from ..statistics.by_name import Gram, as_statistic
from .objective import Term, checked_weight, decides
from .pictures import as_paintings, at_scale, at_size, weighted_layers
from .regions import carried, guide, narrowest_field

__all__ = ["Activation", "Content", "Laplacian", "Style", "TotalVariation"]

_NO_LINES = 1e-10  # of the Laplacian's mean square: what rounding leaves of a picture without any


class Content(Term):
    """Show what this picture shows: its features, position by position.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
        Resized (antialiased) to the image that is being made; the aspect must agree.
    layers : str or sequence of str, default "block4_conv2"
    layer_weights : sequence of float, optional
        One for each layer. Default: equal, sum 1. A layer of weight 0 is not computed.
    region : Mask or array, shape (H, W), range [0, 1], optional
        How much each place counts, beside the others: where it is 0 nothing holds the picture, and
        a face may be held more strongly than what is around it. Only proportions matter: the mean
        weight is made 1. See :mod:`nsthelpers.masks`.
    reduction : {"relative", "mean", "gatys"}, default "relative"
        See :func:`nsthelpers.losses.content_loss`. "relative" is about 1 for a black image.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Raises
    ------
    ValueError
        For a bad image, an unknown layer or reduction, weights that do not fit the layers, or a
        region that is empty or of another aspect.

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576, eq. 1.

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> photo = white_noise(32, 32)
    >>> content = Content(photo, "block1_conv1", network=VGG(weights="random"))
    >>> round(content.report(photo)["content"]["loss"], 9)
    0.0
    """

    label = "content"
    placed = True
    compiled_in = ("layers", "reduction", "guided")

    def __init__(
        self,
        image,
        layers="block4_conv2",
        *,
        layer_weights=None,
        region=None,
        reduction="relative",
        network=None,
    ):
        check_choice("reduction", reduction, losses.REDUCTIONS)
        self.image, self.reduction = as_image(image), reduction
        self.region = _region(region, self.image)
        self.network = network or default_network()
        self.layers, self.layer_weights = weighted_layers(layers, layer_weights, self.network)

    @property
    def guided(self) -> bool:
        """Whether places count differently."""
        return self.region is not None

    def targets(self, height, width, scale):
        picture = at_size(self.image, height, width)
        features = self.network.features(to_tensor(picture), self.layers)  # it was checked above
        return self._held(features, self._places(height, width))

    def _places(self, height, width):
        """How much each position counts, layer by layer; None where all count alike."""
        if not self.guided:
            return None
        weights = carried(self.region.at(height, width), self.layers, self.network)
        if not all(weights[layer].any() for layer in self.layers):
            raise ValueError(
                f"nothing is left of the content's region at {width} x {height} pixels; "
                "expected a larger one"
            )
        return [guide(weights[layer], 0.5) for layer in self.layers]

    def _held(self, features, places):
        """The targets, from the picture's features."""
        found = {"weights": to_tensor(self.layer_weights)}
        if places:
            found["where"] = [to_tensor(each) for each in places]
        places = found.get("where", [None] * len(self.layers))
        found["features"] = [
            guided(features[layer], place) for layer, place in zip(self.layers, places, strict=True)
        ]
        return found

    def tile_targets(self, size, scale, cutter):
        places = self._places(*size)
        for tile, features in cutter.features(at_size(self.image, *size), self.layers):
            yield self._held(features, _cut(tile, self.layers, places))

    def sums(self, features, targets):
        places = targets.get("where", [None] * len(self.layers))
        found = []
        for layer, place, target in zip(self.layers, places, targets["features"], strict=True):
            difference = guided(features[layer], place) - target
            sums = [ops.sum(ops.square(each)) for each in (difference, target)]
            found.append((*sums, to_tensor(float(math.prod(target.shape)))))
        return found

    def loss_of(self, sums, targets):
        return sum(
            targets["weights"][i] * losses.content_loss_of_sums(*each, self.reduction)
            for i, each in enumerate(sums)
        )

    def loss(self, image, features, targets):
        places = targets.get("where", [None] * len(self.layers))
        return sum(
            targets["weights"][i]
            * losses.content_loss(
                guided(features[layer], places[i]), targets["features"][i], self.reduction
            )
            for i, layer in enumerate(self.layers)
        )

    def settings(self):
        return {
            "layers": list(self.layers),
            "layer_weights": list(self.layer_weights),
            **({"region": _share(self.region)} if self.guided else {}),
            "reduction": self.reduction,
        }


class Style(Term):
    """Look as if made by the hand of this painting: its Gram matrices, or another statistic.

    Parameters
    ----------
    images : array or sequence of arrays, shape (1, H, W, 3), RGB, range [0, 1]
        One painting or several, each of its own size.
    layers : str or sequence of str, default the first convolution of all five blocks
    layer_weights : sequence of float, optional
        One for each layer. Default: equal, sum 1. A layer of weight 0 is not computed.
    image_weights : sequence of float, optional
        How much of each painting; default equal. They are divided by their sum.
    statistic : str or Statistic, default "gram"
        What of the features counts as style; see :mod:`nsthelpers.statistics`.
    region : Mask or array, shape (H, W), range [0, 1], optional
        Where the picture shall look so: the statistic is that of this part alone, by guided Gram
        matrices. Take this to paint parts differently, and several terms for several parts. See
        :mod:`nsthelpers.masks`.
    source_region : Mask, array or sequence of these, optional
        Of which part of the painting; one for each of several paintings, or None for all of it.
    carry : {"average", "inside"}, default "average"
        How regions are carried down to a layer's positions. "average": each counts by the share of
        its own pixels that lies inside; what it sees besides reaches beyond the edge, and styles
        blend there. "inside": only those count that see nothing else; pixels outside stay entirely
        as they are. Layers in which none is left are not compared at that size.
    mask : Mask or array, shape (H, W), or an image, range [0, 1], optional
        Where the style may change the picture: 1 yes, 0 no. It is stretched to the image. The loss
        is that of the whole picture; only its gradient is multiplied by the mask ("gradient
        masking"), at the cost of a second pass through the network. Without another term, pixels
        where it is 0 stay exactly as they are. Content and smoothing may still move them (see the
        notes).
    reduction : {"relative", "mean", "gatys"}, default "relative"
        See :func:`nsthelpers.losses.style_loss`. "relative" is about 1 for a black image.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Raises
    ------
    ValueError
        For a bad image, an unknown layer, statistic or reduction, or weights that do not fit; for a
        region that is empty, of another aspect, or smaller than what any position of the layers
        sees; for a statistic that knows of no regions.

    Notes
    -----
    Several paintings are mixed by the weighted mean of their Gram matrices. With "mean" and
    "gatys", the sum of the single losses with these weights differs from that by a constant only:
    it has the same gradient, but costs more. With "relative", the mixture is the unit.

    A region's loss is a mean over its own places. So a small region is painted more strongly, pixel
    by pixel, than a large one of the same weight; ``mask.share`` times the usual weight paints each
    place as strongly as the whole picture would be painted. Regions may overlap (both styles act
    there) or leave gaps (none does, but for what reaches over the edges).

    With a mask the gradient is not quite the slope of the loss: pixels outside it that other terms
    move change the statistic too. Line searches cope with that as a rule; Adam does not mind.
    And other terms do move them. What the style paints changes deep features as far beyond the
    mask as these see, and content's gradient, small as it is, is all that acts there. L-BFGS and
    Adam do not step in proportion to gradients, which may be why pixels outside move as far as they
    do, and why a fringe can be seen at the edge. Where none may change, lay the photograph over the
    result: ``mask * image + (1 - mask) * photo``.

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576, eqs. 3 to 5; regions: Gatys et al. (2016), "Controlling
    Perceptual Factors in Neural Style Transfer", arXiv 1611.07865; masked gradients:
    Novak & Nikulin (2016), arXiv 1605.04603 (our reading of it).

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> painting, other_noise = white_noise(32, 32, seed=1), white_noise(32, 32, seed=2)
    >>> style = Style(painting, "block1_conv1", network=VGG(weights="random"))
    >>> style.report(other_noise)["style"]["loss"] < 0.01  # other pixels, the same style
    True
    """

    label = "style"
    compiled_in = ("statistic", "groups", "reduction", "masked", "guided")

    def __init__(
        self,
        images,
        layers=STYLE_LAYERS,
        *,
        layer_weights=None,
        image_weights=None,
        statistic="gram",
        region=None,
        source_region=None,
        carry="average",
        mask=None,
        reduction="relative",
        network=None,
    ):
        check_choice("reduction", reduction, losses.REDUCTIONS)
        self.statistic, self.reduction = as_statistic(statistic), reduction
        if reduction not in self.statistic.reductions:
            raise ValueError(
                f"reduction {reduction!r} is for Gram matrices, not for {self.statistic}; expected "
                f"one of {', '.join(map(repr, self.statistic.reductions))}"
            )
        self.images = as_paintings(images)
        self.image_weights = _image_weights(image_weights, len(self.images))
        check_choice("carry", carry, CARRIES)
        self.region, self.carry = _region(region), carry
        self.source_regions = _source_regions(source_region, self.images)
        if self.guided or any(self.source_regions):
            self._check_regional()
        self.mask = None if mask is None else as_image(mask)
        if mask is not None and not self.mask.any():
            raise ValueError("the mask is 0 everywhere; expected some place that may change")
        self.network = network or default_network()
        self.style_layers, self.layer_weights = weighted_layers(layers, layer_weights, self.network)
        self.groups, self.group_weights = zip(
            *self.statistic.groups(self.style_layers, self.layer_weights, self.network.name),
            strict=True,
        )
        self.layers = tuple(dict.fromkeys(layer for group in self.groups for layer in group))

    @property
    def image(self):
        """The first painting."""
        return self.images[0]

    @property
    def masked(self) -> bool:
        """Whether a mask confines the style."""
        return self.mask is not None

    @property
    def guided(self) -> bool:
        """Whether it looks at a region of the picture."""
        return self.region is not None

    @property
    def placed(self) -> bool:
        """Whether it asks for something at certain places."""
        return self.guided or self.masked

    def targets(self, height, width, scale):
        shrunk, theirs = self._sources(scale)
        paintings = [self.network.features(to_tensor(each), self.layers) for each in shrunk]
        ours = self._carried(self.region, height, width)
        found = {
            "groups": [
                self.statistic.target(
                    [_picked(group, each) for each in paintings],
                    self.image_weights,
                    **({"where": [_guides(group, each) for each in theirs]} if any(theirs) else {}),
                )
                for group in self.groups
            ],
            "weights": to_tensor(self._left(ours, theirs, (height, width))),
        }
        if self.guided:
            found["where"] = [_guides(group, ours) for group in self.groups]
        if self.masked:
            mask = resize(self.mask, size=(height, width))
            found["mask"] = to_tensor(mask.mean(axis=-1, keepdims=True))
        return found

    def loss(self, image, features, targets):
        if self.masked:
            fixed = ops.stop_gradient(image)
            features = self.network.features(fixed + targets["mask"] * (image - fixed), self.layers)
        return sum(
            targets["weights"][i]
            * self.statistic.loss(
                _picked(group, features),
                targets["groups"][i],
                self.reduction,
                **({"where": targets["where"][i]} if self.guided else {}),
            )
            for i, group in enumerate(self.groups)
        )

    def whole_only(self):
        if self.masked:
            return "a style with mask= looks at an image of its own; expected region= instead"
        if not (
            decides(type(self.statistic), "additive", "describe", "target", "loss")
            and self.statistic.additive
        ):
            return f"{self.statistic} is no mean over positions that know nothing of each other"
        return super().whole_only()

    def tile_targets(self, size, scale, cutter):
        shrunk, theirs = self._sources(scale)
        described = [self._described(*each, cutter) for each in zip(shrunk, theirs, strict=True)]
        groups = [
            self.statistic.target_of(list(each), self.image_weights)
            for each in zip(*described, strict=True)
        ]
        ours = self._carried(self.region, *size)
        found = {"groups": groups, "weights": to_tensor(self._left(ours, theirs, size))}
        for tile in cutter.tiles(size):
            yield {**found, "where": self._where(ours, tile)} if self.guided else found

    def _described(self, painting, region, cutter):
        """What a painting's features are in each group, looked at tile by tile."""
        found = (
            self._summed(features, self._where(region, tile))
            for tile, features in cutter.features(painting, self.layers)
        )
        return [_mean(*each) for each in functools.reduce(add_nests, found)]

    def _where(self, region, tile):
        """How much each of a tile's positions counts, group by group."""
        return [_cut(tile, group, _guides(group, region)) for group in self.groups]

    def sums(self, features, targets):
        return self._summed(features, targets.get("where", [None] * len(self.groups)))

    def _summed(self, features, where):
        """Each group's description, times the number of positions; and this number."""
        found = []
        for group, places in zip(self.groups, where, strict=True):
            count = min(math.prod(features[layer].shape[1:3]) for layer in group)
            confined = {} if places is None else {"where": places}
            parts = as_parts(self.statistic.describe(*_picked(group, features), **confined))
            found.append((tuple(count * part for part in parts), to_tensor(float(count))))
        return found

    def loss_of(self, sums, targets):
        return sum(
            targets["weights"][i]
            * self.statistic.compare(_mean(*each), targets["groups"][i], self.reduction)
            for i, each in enumerate(sums)
        )

    def _sources(self, scale):
        """The paintings at their size, and their regions at the positions of the layers."""
        shrunk = [at_scale(painting, scale) for painting in self.images]
        return shrunk, [
            self._carried(region, *each.shape[1:3])
            for region, each in zip(self.source_regions, shrunk, strict=True)
        ]

    def _check_regional(self):
        if not self.statistic.regional:
            raise ValueError(
                f"{self.statistic} cannot be confined to a region: its methods take no argument "
                "`where`; take another statistic such as 'gram', or mask="
            )

    def _carried(self, region, height, width):
        """A region at the positions of the layers; None for all of a picture."""
        if region is None:
            return None
        return carried(region.at(height, width), self.layers, self.network, self.carry)

    def _left(self, ours, theirs, size):
        """The groups' weights without those in which nothing is left of a region."""
        regions = [each for each in (ours, *theirs) if each is not None]
        left = [
            weight if all(region[layer].any() for region in regions for layer in group) else 0.0
            for group, weight in zip(self.groups, self.group_weights, strict=True)
        ]
        if not any(left):
            layer, field = narrowest_field(self.layers, self.network)
            raise ValueError(
                f"nothing is left of a region of the style at {size[1]} x {size[0]} pixels: "
                + (
                    f"already in {layer} a position sees {field} x {field} pixels, and carry="
                    "'inside' asks that all of them lie in it; expected a larger region, earlier "
                    "layers, or carry='average'"
                    if self.carry == "inside"
                    else "expected a larger one"
                )
            )
        louder = sum(self.group_weights) / sum(left)  # exactly 1 where none was left out
        return [weight * louder for weight in left]

    def settings(self):
        other = {} if self.statistic == Gram() else {"statistic": str(self.statistic)}
        if self.guided:
            other["region"] = _share(self.region)
        if any(self.source_regions):
            other["source_region"] = [each and _share(each) for each in self.source_regions]
        if self.guided or any(self.source_regions):
            other["carry"] = self.carry
        if self.masked:
            other["masked"] = round(float(self.mask.mean()), 4)  # the share that may change
        return {
            "layers": list(self.style_layers),
            "layer_weights": list(self.layer_weights),
            "image_weights": list(self.image_weights),
            **other,
            "reduction": self.reduction,
        }


class Laplacian(Term):
    """Keep the lines of this picture: where light and dark meet, coarsely seen.

    Content of a deep layer says what is where, but not how its outlines run; style bends them. The
    Laplacian of a pixel is 4 times its value minus its four neighbours': large at lines and edges.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
        Resized (antialiased) to the image that is being made; the aspect must agree.
    pool : int, default 4
        Both pictures are first averaged over squares of so many pixels, so that brush strokes do
        not count as lines.
    reduction : {"relative", "mean"}, default "relative"
        ``"mean"``: mean of (D - D')^2 for the sums D, D' of the three channels' Laplacians.
        ``"relative"``: that, divided by the mean of D'^2, so that it is 1 for a picture without any
        lines.

    Raises
    ------
    ValueError
        For a bad image or numbers out of range, a picture too small to be pooled, or, "relative",
        one without lines.

    Notes
    -----
    Li et al. take 100 times the "mean" of values in 0 to 255, beside 5 times the mean squared
    difference of VGG's features: for "astronaut" at 384 pixels that is as much as 0.95 times this
    "relative" term beside one ``Content(photo)``. 3 brings a face back that ``10 * Style`` bends.

    References
    ----------
    Li, Xu, Nie & Chua (2017), "Laplacian-Steered Neural Style Transfer", arXiv 1707.01253.

    Examples
    --------
    >>> import numpy as np
    >>> ramp, step = np.tile(np.linspace(0, 1, 32), (32, 1)), np.tile(np.arange(32) > 15, (32, 1))
    >>> [round(Laplacian(step).report(each)["laplacian"]["loss"], 3) for each in (step, ramp)]
    [0.0, 1.0]
    """

    label = "laplacian"
    placed = True
    compiled_in = ("pool", "reduction")

    def __init__(self, image, pool=4, *, reduction="relative"):
        check_whole("pool", pool, 1)
        check_choice("reduction", reduction, ("relative", "mean"))
        self.image, self.pool, self.reduction = as_image(image), int(pool), reduction

    def targets(self, height, width, scale):
        if min(height, width) < 3 * self.pool:
            raise ValueError(
                f"an image of {width} x {height} pixels is too small to be pooled by {self.pool} "
                f"and have lines; expected at least {3 * self.pool} on both sides, or less pooling"
            )
        lines = self._lines(to_tensor(at_size(self.image, height, width)))
        if self.reduction == "relative" and float(ops.mean(ops.square(lines))) < _NO_LINES:
            raise ValueError(
                f"the Laplacian's picture, pooled by {self.pool} at {width} x {height} pixels, "
                "has no lines to keep; leave the term out, or take reduction='mean'"
            )
        return {"lines": lines}

    def loss(self, image, features, targets):
        return losses.content_loss(self._lines(image), targets["lines"], self.reduction)

    def _lines(self, image):
        light = ops.sum(image, axis=-1, keepdims=True)
        pooled = ops.average_pool(light, self.pool, strides=self.pool, data_format="channels_last")
        down, across = pooled[:, :, 1:-1], pooled[:, 1:-1]
        return (
            4 * pooled[:, 1:-1, 1:-1]
            - (down[:, :-2] + down[:, 2:])
            - (across[:, :, :-2] + across[:, :, 2:])
        )

    def settings(self):
        return {"pool": self.pool, "reduction": self.reduction}


class TotalVariation(Term):
    """Be smooth: neighbouring pixels alike.

    Parameters
    ----------
    kind : {"l1", "squared", "exponent"}, default "l1"
    exponent : float, default 1.25
        For "exponent" only; finite and at least 0.5.
    reduction : {"mean", "sum"}, default "mean"
        All as in :func:`nsthelpers.losses.total_variation`.

    Raises
    ------
    ValueError
        For an unknown kind or reduction, or an exponent out of range.

    Examples
    --------
    >>> import numpy as np
    >>> checkerboard = np.indices((16, 16)).sum(0) % 2 == 1  # black and white
    >>> TotalVariation().report(checkerboard)["total_variation"]["loss"]
    2.0
    """

    label = "total_variation"
    compiled_in = ("kind", "exponent", "reduction")

    def __init__(self, kind="l1", *, exponent=1.25, reduction="mean"):
        check_choice("kind of total variation", kind, losses.TV_KINDS)
        check_choice("reduction", reduction, losses.TV_REDUCTIONS)
        losses.check_exponent(exponent)
        self.kind, self.exponent, self.reduction = kind, float(exponent), reduction

    def loss(self, image, features, targets):
        return losses.total_variation(image, self.kind, self.exponent, self.reduction)

    def settings(self):
        exponent = {"exponent": self.exponent} if self.kind == "exponent" else {}
        return {"kind": self.kind, **exponent, "reduction": self.reduction}


class Activation(Term):
    """Excite this filter: the mean activation of one channel of a layer shall be large.

    Parameters
    ----------
    layer : str
    channel : int
        From 0.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Raises
    ------
    ValueError
        For an unknown layer, or a channel that it does not have.

    Notes
    -----
    The loss is -log(1 + mean activation): doubling counts alike for quiet and for loud filters, and
    a smoothing beside it needs no other weight for each.

    What a filter looks for is best seen with ``image_as="waves"``, ``jitter=8``,
    ``optimizer=Adam(0.05)`` and 256 steps at 224 pixels, from faint noise around grey. Pixels need
    a smoothing, such as ``10 * TotalVariation("squared")`` with L-BFGS and 64 steps, which goes
    higher and sooner, in colours that no photograph has.

    References
    ----------
    Erhan, Bengio, Courville & Vincent (2009), "Visualizing Higher-Layer Features of a Deep
    Network"; Olah, Mordvintsev & Schubert (2017), "Feature Visualization", distill.pub/2017/
    feature-visualization.

    Examples
    --------
    >>> from nsthelpers import VGG, Adam, synthesize, white_noise
    >>> excited = synthesize(
    ...     Activation("conv1_1", 5, network=VGG(weights="random")), white_noise(32, 32),
    ...     image_as="waves", jitter=8, optimizer=Adam(0.05), steps=5, progress=False,
    ... )  # fmt: skip
    >>> excited.history[-1].loss < excited.history[0].loss
    True
    """

    label = "activation"
    compiled_in = ("layers",)

    def __init__(self, layer, channel, *, network=None):
        self.network = network or default_network()
        self.layers, self.channel = (layer_name(layer, self.network.name),), channel
        check_channel(channel, self.layers[0], self.network.name)

    def targets(self, height, width, scale):
        return {"channel": to_tensor(self.channel, "int32")}

    def loss(self, image, features, targets):
        means = ops.mean(features[self.layers[0]], axis=(0, 1, 2))
        return -ops.log(1 + ops.take(means, targets["channel"]))

    def tile_targets(self, size, scale, cutter):
        return (self.targets(*size, scale) for _ in cutter.tiles(size))

    def sums(self, features, targets):
        answers = ops.take(features[self.layers[0]], targets["channel"], axis=-1)
        return ops.sum(answers), to_tensor(float(math.prod(answers.shape)))

    def loss_of(self, sums, targets):
        total, count = sums
        return -ops.log(1 + total / count)

    def settings(self):
        return {"layer": self.layers[0], "channel": int(self.channel)}


def _mean(parts, count):
    return tuple(part / count for part in parts)


def _cut(tile, layers, arrays):
    """The part of each layer's array that belongs to a tile; None where there are none."""
    return arrays and tuple(tile.cut(*each) for each in zip(layers, arrays, strict=True))


def _picked(group, features):
    return tuple(features[layer] for layer in group)


def _guides(group, weights):
    """How much each position counts in each layer of a group; None for all alike."""
    return weights and tuple(to_tensor(guide(weights[layer])) for layer in group)


def _region(given, image=None):
    """A mask that is not empty and fits an image, or None."""
    if given is None:
        return None
    region = as_mask(given)
    if not region.array.any():
        raise ValueError("the region is empty: its mask is 0 everywhere; expected some place in it")
    if image is not None:
        region.at(*image.shape[1:3])  # an error where the aspects differ
    return region


def _source_regions(given, paintings):
    several = isinstance(given, (list, tuple))
    regions = list(given) if several else [given]
    if len(regions) != len(paintings) and given is not None:
        raise ValueError(
            f"{len(regions)} source regions for {len(paintings)} style images; expected one for "
            "each, or None for all of one"
        )
    regions = [None] * len(paintings) if given is None else regions
    return tuple(_region(*each) for each in zip(regions, paintings, strict=True))


def _share(mask):
    """How much of a picture a mask covers, for reports."""
    return round(mask.share, 4)


def _image_weights(weights, count):
    weights = [1.0] * count if weights is None else [checked_weight(weight) for weight in weights]
    if len(weights) != count:
        raise ValueError(
            f"{len(weights)} image weights for {count} style images; expected one for each"
        )
    if sum(weights) == 0:
        raise ValueError("every style image has weight 0; give at least one a positive weight")
    return tuple(weight / sum(weights) for weight in weights)
