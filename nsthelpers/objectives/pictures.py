"""What terms do with pictures before they look at them: which layers, which size."""

from __future__ import annotations

import math

from ..images.arrays import MINIMUM_SIDE, as_image, resize
from ..network.vgg import layer_name
from .objective import checked_weight

__all__ = ["as_paintings", "at_scale", "at_size", "weighted_layers"]


def weighted_layers(layers, weights, network):
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


def at_size(picture, height, width):
    """A picture that is compared position by position, at the size of the image."""
    if picture.shape[1:3] == (height, width):
        return picture
    aspect, wanted = picture.shape[2] / picture.shape[1], width / height
    if not math.isclose(aspect, wanted, rel_tol=1.5 / min(height, width) + 0.01):
        raise ValueError(
            f"the picture to compare with is {picture.shape[2]} x {picture.shape[1]} pixels and "
            f"the start image {width} x {height}: the aspects differ, and they are compared "
            "position by position; crop one of them"
        )
    return resize(picture, size=(height, width))


def as_paintings(given):
    """One painting or several, checked."""
    several = isinstance(given, (list, tuple))
    paintings = tuple(as_image(image) for image in (given if several else [given]))
    if not paintings:
        raise ValueError("no style image; give at least one")
    return paintings


def at_scale(painting, scale):
    """A painting as much smaller as the image is, so that strokes keep their size beside it."""
    if scale == 1.0:
        return painting
    height, width = painting.shape[1:3]
    floor = MINIMUM_SIDE
    return resize(
        painting,
        size=(max(floor, round(height * scale)), max(floor, round(width * scale))),
    )
