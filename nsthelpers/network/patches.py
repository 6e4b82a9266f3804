"""The pieces of pictures that a filter answers to most strongly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arguments import check_whole
from ..backend import to_numpy
from ..images.arrays import as_image
from .layers import check_channel, layer_name, receptive_field
from .vgg import VGG, default_network

__all__ = ["Patch", "strongest_patches"]


@dataclass(frozen=True, eq=False)
class Patch:
    """A piece of a picture, and what a filter answers to it.

    Attributes
    ----------
    image : array, float32, shape (1, h, w, 3), RGB, range [0, 1]
        What the filter sees there.
    activation : float
    picture : int
        Which of the pictures it is cut from, from 0.
    box : (int, int, int, int)
        Its first row and column, and those after its last.
    """

    image: np.ndarray
    activation: float
    picture: int
    box: tuple[int, int, int, int]


def strongest_patches(
    images, layer, channel, count=9, *, network: VGG | None = None
) -> list[Patch]:
    """Cut from pictures what excites a filter most.

    Parameters
    ----------
    images : array or sequence of arrays, shape (1, H, W, 3), RGB, range [0, 1]
        Each of its own size.
    layer : str
    channel : int
        From 0.
    count : int, default 9
        How many patches, at most.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Returns
    -------
    list of Patch
        Strongest first. Each is as large as the layer's receptive field (see
        :func:`nsthelpers.layer_table`), or what of it lies within the picture. Two of one picture
        are at least half a receptive field apart, down or across. There are fewer where the filter
        is silent elsewhere.

    Raises
    ------
    ValueError
        For an unknown layer, a channel that it does not have, no pictures, or a count below 1.

    Notes
    -----
    Some filters answer to the border, beyond which VGG sees zeros, more than to any picture. With
    ``network=nst.VGG(padding="reflect")`` there is none.

    References
    ----------
    Zeiler & Fergus (2014), "Visualizing and Understanding Convolutional Networks", arXiv 1311.2901,
    figure 2, show such patches beside their reconstructions.

    Examples
    --------
    >>> from nsthelpers import white_noise
    >>> first, *_ = strongest_patches(
    ...     white_noise(64, 64), "conv2_1", 3, network=VGG(weights="random")
    ... )
    >>> first.image.shape, first.activation > 0
    ((1, 10, 10, 3), True)
    """
    network = network or default_network()
    layer = layer_name(layer, network.name)
    check_channel(channel, layer, network.name)
    count = check_whole("count", count, 1)
    pictures = [as_image(each) for each in (images if _several(images) else [images])]
    if not pictures:
        raise ValueError("no pictures; give at least one")
    stride, before, field = receptive_field(layer, network.name)
    found = []
    for number, picture in enumerate(pictures):
        answers = to_numpy(network.features(picture, layer)[layer])[0, :, :, channel]
        for row, column in _peaks(answers, count, apart=field / (2 * stride)):
            box = _box(row * stride - before, column * stride - before, field, picture)
            top, left, bottom, right = box
            piece = picture[:, top:bottom, left:right]
            found.append(Patch(piece, float(answers[row, column]), number, box))
    return sorted(found, key=lambda patch: -patch.activation)[:count]


def _several(images):
    return isinstance(images, (list, tuple))


def _peaks(answers, count, apart):
    """Places of the strongest answers, none nearer to another than so far down and across."""
    left = answers.copy()
    rows, columns = (np.arange(size) for size in left.shape)
    for _ in range(count):
        row, column = np.unravel_index(left.argmax(), left.shape)
        if not left[row, column] > 0:
            return
        yield int(row), int(column)
        near = np.abs(rows - row)[:, None] < apart, np.abs(columns - column) < apart
        left[near[0] & near[1]] = 0


def _box(top, left, field, picture):
    height, width = picture.shape[1:3]
    return max(0, top), max(0, left), min(height, top + field), min(width, left + field)
