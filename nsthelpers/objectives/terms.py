"""The terms of an objective: content, style, total variation, a filter's activation.

Each pairs a picture (if it needs one) and the layers that it is looked at through with a loss of
``losses.py``. A new idea is a new term here, or a new argument of one.
"""

from __future__ import annotations

import math

from .. import losses
from ..arguments import check_choice
from ..backend import ops, to_tensor
from ..images.arrays import MINIMUM_SIDE, as_image, resize
from ..network.layers import check_channel
from ..network.vgg import STYLE_LAYERS, default_network, layer_name
from ..statistics.by_name import Gram, as_statistic
from .objective import Term, checked_weight

__all__ = ["Activation", "Content", "Style", "TotalVariation"]


class Content(Term):
    """Show what this picture shows: its features, position by position.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
        Resized (antialiased) to the image that is being made; the aspect must agree.
    layers : str or sequence of str, default "block4_conv2"
    layer_weights : sequence of float, optional
        One for each layer. Default: equal, sum 1. A layer of weight 0 is not computed.
    reduction : {"relative", "mean", "gatys"}, default "relative"
        See :func:`nsthelpers.losses.content_loss`. "relative" is about 1 for a black image.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Raises
    ------
    ValueError
        For a bad image, an unknown layer or reduction, or weights that do not fit the layers.

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
    compiled_in = ("layers", "reduction")

    def __init__(
        self,
        image,
        layers="block4_conv2",
        *,
        layer_weights=None,
        reduction="relative",
        network=None,
    ):
        check_choice("reduction", reduction, losses.REDUCTIONS)
        self.image, self.reduction = as_image(image), reduction
        self.network = network or default_network()
        self.layers, self.layer_weights = _weighted_layers(layers, layer_weights, self.network)

    def targets(self, height, width, scale):
        picture = self.image
        if picture.shape[1:3] != (height, width):
            aspect, wanted = picture.shape[2] / picture.shape[1], width / height
            if not math.isclose(aspect, wanted, rel_tol=1.5 / min(height, width) + 0.01):
                raise ValueError(
                    f"the content image is {picture.shape[2]} x {picture.shape[1]} pixels and the "
                    f"start image {width} x {height}: the aspects differ, and content is compared "
                    "position by position; crop one of them"
                )
            picture = resize(picture, size=(height, width))
        features = self.network.features(to_tensor(picture), self.layers)  # it was checked above
        return {
            "features": [features[layer] for layer in self.layers],
            "weights": to_tensor(self.layer_weights),
        }

    def loss(self, image, features, targets):
        return sum(
            targets["weights"][i]
            * losses.content_loss(features[layer], targets["features"][i], self.reduction)
            for i, layer in enumerate(self.layers)
        )

    def settings(self):
        return {
            "layers": list(self.layers),
            "layer_weights": list(self.layer_weights),
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
    mask : array, shape (H, W) or an image, range [0, 1], optional
        Where the style may change the picture: 1 yes, 0 no. It is stretched to the image. The loss
        is that of the whole picture; only its gradient is multiplied by the mask ("gradient
        masking"), at the cost of a second pass through the network.
    reduction : {"relative", "mean", "gatys"}, default "relative"
        See :func:`nsthelpers.losses.style_loss`. "relative" is about 1 for a black image.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Raises
    ------
    ValueError
        For a bad image, an unknown layer, statistic or reduction, or weights that do not fit.

    Notes
    -----
    Several paintings are mixed by the weighted mean of their Gram matrices. With "mean" and
    "gatys", the sum of the single losses with these weights differs from that by a constant only:
    it has the same gradient, but costs more. With "relative", the mixture is the unit.

    With a mask the gradient is not quite the slope of the loss: pixels outside it that other terms
    move change the statistic too. Line searches cope with that as a rule; Adam does not mind.

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576, eqs. 3 to 5; masked gradients: Novak & Nikulin (2016),
    arXiv 1605.04603 (our reading of it).

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> painting, other_noise = white_noise(32, 32, seed=1), white_noise(32, 32, seed=2)
    >>> style = Style(painting, "block1_conv1", network=VGG(weights="random"))
    >>> style.report(other_noise)["style"]["loss"] < 0.01  # other pixels, the same style
    True
    """

    label = "style"
    compiled_in = ("statistic", "groups", "reduction", "masked")

    def __init__(
        self,
        images,
        layers=STYLE_LAYERS,
        *,
        layer_weights=None,
        image_weights=None,
        statistic="gram",
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
        self.images = _paintings(images)
        self.image_weights = _image_weights(image_weights, len(self.images))
        self.mask = None if mask is None else as_image(mask)
        self.network = network or default_network()
        self.style_layers, self.layer_weights = _weighted_layers(
            layers, layer_weights, self.network
        )
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

    def targets(self, height, width, scale):
        paintings = [
            self.network.features(to_tensor(_shrunk(painting, scale)), self.layers)
            for painting in self.images
        ]
        found = {
            "groups": [
                self.statistic.target([_picked(group, p) for p in paintings], self.image_weights)
                for group in self.groups
            ],
            "weights": to_tensor(self.group_weights),
        }
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
            * self.statistic.loss(_picked(group, features), targets["groups"][i], self.reduction)
            for i, group in enumerate(self.groups)
        )

    def settings(self):
        other = {} if self.statistic == Gram() else {"statistic": str(self.statistic)}
        if self.masked:
            other["masked"] = round(float(self.mask.mean()), 4)  # the share that may change
        return {
            "layers": list(self.style_layers),
            "layer_weights": list(self.layer_weights),
            "image_weights": list(self.image_weights),
            **other,
            "reduction": self.reduction,
        }


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
        if not (math.isfinite(exponent) and exponent >= 0.5):
            raise ValueError(
                f"the exponent is {exponent}; expected a finite number of at least 0.5"
            )
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

    def settings(self):
        return {"layer": self.layers[0], "channel": int(self.channel)}


def _weighted_layers(layers, weights, network):
    """Layers by Keras' names and their weights, without those of weight 0."""
    given = [layers] if isinstance(layers, str) else list(layers)
    if not given:
        raise ValueError("no layers; name at least one, for example 'block4_conv2'")
    names = tuple(layer_name(layer, network.name) for layer in given)
    if len(set(names)) < len(names):
        raise ValueError(f"a layer is named twice in {given}; name each once")
    if weights is None:
        return names, (1.0 / len(names),) * len(names)
    weights = [checked_weight(weight) for weight in weights]
    if len(weights) != len(names):
        raise ValueError(
            f"{len(weights)} layer weights for {len(names)} layers ({', '.join(names)}); "
            "expected one for each"
        )
    kept = [(name, weight) for name, weight in zip(names, weights, strict=True) if weight > 0]
    if not kept:
        raise ValueError("every layer has weight 0; give at least one a positive weight")
    return tuple(zip(*kept, strict=True))


def _picked(group, features):
    return tuple(features[layer] for layer in group)


def _paintings(given):
    several = isinstance(given, (list, tuple))
    paintings = tuple(as_image(image) for image in (given if several else [given]))
    if not paintings:
        raise ValueError("no style image; give at least one")
    return paintings


def _image_weights(weights, count):
    weights = [1.0] * count if weights is None else [checked_weight(weight) for weight in weights]
    if len(weights) != count:
        raise ValueError(
            f"{len(weights)} image weights for {count} style images; expected one for each"
        )
    if sum(weights) == 0:
        raise ValueError("every style image has weight 0; give at least one a positive weight")
    return tuple(weight / sum(weights) for weight in weights)


def _shrunk(painting, scale):
    if scale == 1.0:
        return painting
    height, width = painting.shape[1:3]
    floor = MINIMUM_SIDE
    return resize(
        painting,
        size=(max(floor, round(height * scale)), max(floor, round(width * scale))),
    )
