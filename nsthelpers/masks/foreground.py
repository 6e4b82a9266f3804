"""What is in front of a picture, from a box or a few strokes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..images.arrays import as_image, resize
from .mask import Mask
from .shapes import ellipse, rectangle

__all__ = ["Stroke", "front"]

_WORKING_SIDE = 256  # pixels of the long side
_WALKER_BETA = 400  # how seldom a walker crosses an edge
_LAYERS = {"block2_conv2": 6, "block4_conv2": 12}  # and how many principal components of each
_EDGES = 9  # the colours' three and those of the first layer: deeper ones are too coarse


class Stroke(NamedTuple):
    """A line over a picture, as wide as a brush.

    Attributes
    ----------
    points : sequence of (float, float)
        Down and across, in shares of the height and of the width; one point is a dot.
    width : float, default 0.03
        As a share of the long side.

    Examples
    --------
    >>> Stroke([(0.2, 0.1), (0.2, 0.9)]).width
    0.03
    """

    points: object
    width: float = 0.03


def front(image, box=None, *, strokes=(), behind=(), network=None) -> Mask:
    """What is in front: the thing in a box, or under a few strokes.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    box : (float, float, float, float), optional
        Top, left, bottom, right of a box around the thing, in shares of the height and of the
        width. All outside of it is behind.
    strokes, behind : sequence of strokes, default none
        Lines over the thing, and over what is behind it: each a :class:`Stroke`, or its points
        alone, (down, across) in shares; one point is a dot. Where both lie it is in front. Without
        strokes, the middle of the box is in front.
    network : VGG, optional
        Default: VGG19.

    Returns
    -------
    Mask

    Raises
    ------
    ValueError
        Where nothing says what is in front, or nothing what is behind; for points or widths out of
        range.

    Notes
    -----
    A random walker starts from each pixel and crosses edges seldom: whom it meets first, strokes in
    front or behind, decides. Edges are those of the colours, of VGG's features in two layers (their
    first principal components), and of how much the pixel resembles the one or the other
    altogether; that is fitted by least squares, and once more to the first result. It works at 256
    pixels, in some seconds.

    A box is enough for a thing that differs from what surrounds it, such as the cup of "coffee".
    Where both share colours, such as the suit of "astronaut" and the flag, two strokes on each side
    find what a box does not. The soft outline of "chelsea", from fur to dark, is found by neither
    as a whole: join what was found and a shape, ``front(…) | ellipse(…)``.

    References
    ----------
    Grady (2006), "Random Walks for Image Segmentation", PAMI 28; ``skimage.segmentation``.

    Examples
    --------
    >>> from nsthelpers import VGG
    >>> night = np.zeros((48, 64, 3))
    >>> night[12:36, 20:44] = (1, 0.9, 0.6)
    >>> moon = front(night, (0.1, 0.2, 0.9, 0.8), network=VGG(weights="random"))
    >>> bool(moon.array[24, 32] == 1 and moon.array[2, 2] == 0)
    True
    """
    from skimage.segmentation import random_walker

    small = resize(image, max_side=_WORKING_SIDE)
    height, width = small.shape[1:3]
    seeds = np.zeros((height, width), int)  # 1 in front, 2 behind
    if box is not None:
        seeds[rectangle(small, box).array == 0] = 2
        if not len(strokes):
            seeds[ellipse(small, _middle(box)).array == 1] = 1
    seeds[_drawn(behind, height, width)] = 2
    seeds[_drawn(strokes, height, width)] = 1
    for number, what in ((1, "in front"), (2, "behind")):
        if not (seeds == number).any():
            raise ValueError(
                f"nothing says what is {what}; give a box around the thing, with room beside it, "
                "or strokes= in front and behind= of it"
            )
    described, likely = _described(small, network), seeds
    for _ in range(2):
        # As strong as all other edges together.
        resemblance = 3.0 * _resemblance(described, likely)[..., None]
        data = np.concatenate([described[..., :_EDGES], resemblance], axis=-1)
        data[0, 0, 0] += 1e-6  # a flat picture has no deviation to divide by
        # Solved directly: across sharp edges the system is too ill-conditioned to be iterated.
        likely = random_walker(data, seeds, beta=_WALKER_BETA, mode="bf", channel_axis=-1)
    return Mask(Mask(likely == 1).at(*as_image(image).shape[1:3]) > 0.5)


def _described(image, network):
    """Colours and features at each pixel, each channel of mean 0 and the same deviation."""
    from skimage.color import rgb2lab
    from skimage.transform import resize as stretched

    from ..network.vgg import default_network  # only now: it starts TensorFlow

    size = image.shape[1:3]
    features = (network or default_network()).features(image, list(_LAYERS))
    parts = [rgb2lab(image[0])]
    for layer, count in _LAYERS.items():
        maps = np.log1p(np.asarray(features[layer][0], dtype="float64"))
        rows = maps.reshape(-1, maps.shape[-1])
        rows = rows - rows.mean(0)
        _, vectors = np.linalg.eigh(rows.T @ rows)
        components = (rows @ vectors[:, : -count - 1 : -1]).reshape(*maps.shape[:2], count)
        parts.append(stretched(components, (*size, count), order=1, mode="edge"))
    found = []
    for part in parts:  # a part keeps the proportions of its channels
        centred = part - part.mean((0, 1))
        found.append(centred / max(centred.std(), 1e-6))
    return np.concatenate(found, axis=-1)


def _resemblance(described, likely):
    """How much each pixel resembles what is in front (1) or behind (-1)."""
    rows = described.reshape(-1, described.shape[-1])
    rows = np.concatenate([rows, rows**2, np.ones((len(rows), 1))], axis=1)
    front, behind = (likely.ravel() == number for number in (1, 2))
    # Both sides count alike, however many pixels they have.
    weights = np.sqrt(front / max(1, front.sum()) + behind / max(1, behind.sum()))
    wanted = front.astype(float) - behind
    known = weights > 0
    matrix = rows[known] * weights[known, None]
    ridge = 1e-3 * np.eye(rows.shape[1])
    fit = np.linalg.solve(matrix.T @ matrix + ridge, matrix.T @ (wanted * weights)[known])
    return np.clip(rows @ fit, -1, 1).reshape(likely.shape)


def _drawn(strokes, height, width):
    """Where strokes go over a picture: a boolean array."""
    from skimage.draw import disk, line

    found = np.zeros((height, width), bool)
    for stroke in strokes:
        points, wide = stroke if isinstance(stroke, Stroke) else Stroke(stroke)
        if not 0 < wide <= 1:
            raise ValueError(f"a stroke is {wide} wide; expected a share of the long side up to 1")
        radius = max(1.0, wide / 2 * max(height, width))
        points = np.asarray(points, dtype="float64")
        points = points[None] if points.ndim == 1 else points
        if (
            points.ndim != 2
            or points.shape[1:] != (2,)
            or not ((points >= 0) & (points <= 1)).all()
        ):
            raise ValueError(
                f"a stroke is {stroke!r}; expected points (down, across) in shares from 0 to 1"
            )
        places = np.minimum((points * (height, width)).astype(int), (height - 1, width - 1))
        for start, end in zip(places, [*places[1:], places[-1]], strict=True):
            for row, column in zip(*line(*start, *end), strict=True):
                found[disk((row, column), radius, shape=found.shape)] = True
    return found


def _middle(box):
    """A box of two fifths of the sides, in the middle of this one."""
    top, left, bottom, right = box
    down, across = (bottom - top) * 0.3, (right - left) * 0.3
    return top + down, left + across, bottom - down, right - across
