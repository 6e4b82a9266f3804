"""Masks: where in a picture something shall happen.

    sky = nst.masks.by_brightness(photo, above=0.6) & nst.masks.half(photo, "top")
    objective = nst.Content(photo) + 5 * nst.Style(night, region=sky.feather())

A mask is a weight for each pixel. It is made for one picture and fits it at every size. Boxes and
strokes are given in shares of the height and of the width, so that they fit as well.
"""

from __future__ import annotations

import math
import numbers

import numpy as np
from PIL import Image

from .arguments import check_choice
from .images.arrays import as_image, resize, to_png_bytes
from .images.files import load_image
from .images.html import image_tag
from .images.samples import resolve

__all__ = [
    "Mask", "as_mask", "by_brightness", "by_colour", "ellipse", "everywhere", "front", "half",
    "load", "rectangle", "third",
]  # fmt: skip

_CENTRE = (0.2, 0.2, 0.8, 0.8)
_HALVES = {
    "top": (0, 0, 0.5, 1),
    "bottom": (0.5, 0, 1, 1),
    "left": (0, 0, 1, 0.5),
    "right": (0, 0.5, 1, 1),
}
_THIRDS = {
    "top": (0, 0, 1 / 3, 1),
    "middle": (1 / 3, 0, 2 / 3, 1),
    "bottom": (2 / 3, 0, 1, 1),
    "left": (0, 0, 1, 1 / 3),
    "centre": (0, 1 / 3, 1, 2 / 3),
    "right": (0, 2 / 3, 1, 1),
}


class Mask:
    """A weight for each pixel of a picture: 1 inside, 0 outside, or something between.

    ``a & b`` is where both are (the smaller weight), ``a | b`` where one is (the larger), ``~a``
    the rest; the second takes the first one's size.

    Parameters
    ----------
    values : array, shape (H, W), bool or float in [0, 1], or an image, whose channels' mean counts

    Attributes
    ----------
    array : array, float32, shape (H, W), range [0, 1]

    Raises
    ------
    ValueError
        For values that are NaN or out of range, or another shape.

    Examples
    --------
    >>> left = Mask([[1, 1, 0, 0], [1, 1, 0, 0.0]])
    >>> top = Mask([[1, 1, 1, 1], [0, 0, 0, 0.0]])
    >>> (left & ~top).array.tolist(), left.share
    ([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]], 0.5)
    """

    def __init__(self, values):
        image = as_image(values)[0]
        grey = (image == image[..., :1]).all()  # then exactly what was given
        self.array = image[..., 0].copy() if grey else image.mean(axis=-1)

    @property
    def share(self) -> float:
        """How much of the picture it covers, from 0 to 1."""
        return float(self.array.mean(dtype="float64"))

    def at(self, height, width) -> np.ndarray:
        """The same mask for an image of another size.

        Parameters
        ----------
        height, width : int
            In pixels. The aspect must be the mask's, but for rounding.

        Returns
        -------
        array, float32, shape (height, width), range [0, 1]

        Raises
        ------
        ValueError
            For another aspect.
        """
        if self.array.shape == (height, width):
            return self.array
        rows, columns = self.array.shape
        close = 1.5 / min(height, width) + 1.5 / min(rows, columns) + 0.01
        if not math.isclose(columns / rows, width / height, rel_tol=close):
            raise ValueError(
                f"the mask is {columns} x {rows} pixels and the picture {width} x {height}: the "
                "aspects differ; make the mask of this picture, or crop it alike"
            )
        # Linear: a sharper filter overshoots, and places beside an edge would belong to it, too.
        picture = Image.fromarray(self.array).resize((width, height), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(picture), 0.0, 1.0)

    def inside(self, height, width) -> np.ndarray:
        """Which pixels of an image belong to it: those of at least half the largest weight.

        Returns
        -------
        array, bool, shape (height, width)
        """
        weights = self.at(height, width)
        return weights >= max(0.5 * weights.max(), 1e-6)

    def pixels(self, image) -> np.ndarray:
        """The pixels of an image that belong to it, in one row.

        Returns
        -------
        array, float32, shape (1, 1, K, 3)
        """
        image = as_image(image)
        return image[:, self.inside(*image.shape[1:3])][:, None]

    def feather(self, radius=0.02) -> Mask:
        """Soften the edges.

        Parameters
        ----------
        radius : float, default 0.02
            Standard deviation of a Gaussian blur, as a share of the long side.

        Returns
        -------
        Mask
        """
        from scipy.ndimage import gaussian_filter

        return Mask(
            np.clip(gaussian_filter(self.array, self._pixels(radius), mode="nearest"), 0, 1)
        )

    def grow(self, radius=0.02) -> Mask:
        """Move the edge outwards; it becomes hard, so feather afterwards.

        Parameters
        ----------
        radius : float, default 0.02
            How far, as a share of the long side.

        Returns
        -------
        Mask
        """
        from scipy.ndimage import distance_transform_edt

        inside = self.array >= 0.5
        if not inside.any():  # there is nothing to be near to
            return Mask(inside)
        return Mask(distance_transform_edt(~inside) <= self._pixels(radius))

    def shrink(self, radius=0.02) -> Mask:
        """Move the edge inwards, as :meth:`grow` moves it outwards."""
        return ~(~self).grow(radius)

    def _pixels(self, radius):
        if not (isinstance(radius, numbers.Real) and math.isfinite(radius) and radius >= 0):
            raise ValueError(
                f"the radius is {radius!r}; expected a share of the long side, such as 0.02"
            )
        return radius * max(self.array.shape)

    def __and__(self, other) -> Mask:
        return Mask(np.minimum(self.array, as_mask(other).at(*self.array.shape)))

    def __or__(self, other) -> Mask:
        return Mask(np.maximum(self.array, as_mask(other).at(*self.array.shape)))

    def __invert__(self) -> Mask:
        return Mask(1 - self.array)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)

    def __eq__(self, other):
        return isinstance(other, Mask) and np.array_equal(self.array, other.array)

    __hash__ = None

    def __repr__(self):
        height, width = self.array.shape
        return f"a mask of {width} x {height} pixels that covers {self.share:.0%}"

    def _repr_html_(self):
        return image_tag(to_png_bytes(self.array), "png", f"{self!r}.".capitalize())


def as_mask(value) -> Mask:
    """A mask of an array or an image; a mask stays what it is.

    Examples
    --------
    >>> as_mask(np.eye(3)).share == 1 / 3
    True
    """
    return value if isinstance(value, Mask) else Mask(value)


def load(source) -> Mask:
    """A mask from a picture file: white is inside, black outside, grey between.

    Parameters
    ----------
    source : str, path, bytes, file, PIL image or array
        As :func:`nsthelpers.load_image` takes it, or a sample's name. What is transparent counts
        as outside.

    Returns
    -------
    Mask

    Raises
    ------
    OSError, ValueError
        As :func:`nsthelpers.load_image` does.

    Examples
    --------
    >>> load(to_png_bytes(np.eye(20))).share
    0.05
    """
    return Mask(load_image(resolve(source), background="black"))


def everywhere(image) -> Mask:
    """All of a picture.

    Examples
    --------
    >>> everywhere(np.zeros((4, 6, 3))).share
    1.0
    """
    return Mask(np.ones(as_image(image).shape[1:3]))


def half(image, side="top") -> Mask:
    """One half of a picture.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    side : {"top", "bottom", "left", "right"}, default "top"

    Returns
    -------
    Mask

    Examples
    --------
    >>> half(np.zeros((2, 4, 3)), "left").array.tolist()
    [[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]
    """
    check_choice("side", side, tuple(_HALVES))
    return rectangle(image, _HALVES[side])


def third(image, place="top") -> Mask:
    """One third of a picture: a row of it, or a column.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    place : {"top", "middle", "bottom", "left", "centre", "right"}, default "top"

    Returns
    -------
    Mask

    Examples
    --------
    >>> third(np.zeros((2, 6, 3)), "centre").array.tolist()[0]
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    """
    check_choice("place", place, tuple(_THIRDS))
    return rectangle(image, _THIRDS[place])


def rectangle(image, box=_CENTRE) -> Mask:
    """A rectangle: the pixels whose middle lies in it.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    box : (float, float, float, float), default (0.2, 0.2, 0.8, 0.8)
        Top, left, bottom, right, in shares of the height and of the width.

    Returns
    -------
    Mask

    Raises
    ------
    ValueError
        For a box that is not inside the picture, or turned over.

    Examples
    --------
    >>> rectangle(np.zeros((4, 4, 3)), (0, 0, 0.5, 0.25)).share
    0.125
    """
    down, across = _inside(image, box)
    # A pixel in the very middle lies in one half, not in both.
    return Mask((down >= -1) & (down < 1) & (across >= -1) & (across < 1))


def ellipse(image, box=_CENTRE) -> Mask:
    """The ellipse that fits into a box.

    Parameters
    ----------
    image, box
        As for :func:`rectangle`.

    Returns
    -------
    Mask

    Examples
    --------
    >>> round(ellipse(np.zeros((100, 200, 3)), (0, 0, 1, 1)).share, 2)  # a quarter of pi
    0.79
    """
    down, across = _inside(image, box)
    return Mask(down**2 + across**2 <= 1)


def by_colour(image, colour, within=25.0) -> Mask:
    """Where a picture has about this colour.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    colour : str or (float, float, float)
        A name or "#rrggbb", as Pillow knows them, or RGB in [0, 1].
    within : float, default 25.0
        The largest distance in CIELAB; 100 lies between black and white.

    Returns
    -------
    Mask

    Raises
    ------
    ValueError
        For what is no colour, or a distance that is no positive number.

    Examples
    --------
    >>> flag = np.repeat([[[1.0, 0, 0], [1, 1, 1], [0, 0, 1]]], 2, axis=0)
    >>> by_colour(flag, "red").array.tolist()[0]
    [1.0, 0.0, 0.0]
    """
    from skimage.color import rgb2lab

    if not within > 0:
        raise ValueError(f"within is {within}; expected a positive distance in CIELAB, such as 25")
    lab, wanted = rgb2lab(as_image(image)[0]), rgb2lab(_colour(colour))
    return Mask(np.linalg.norm(lab - wanted, axis=-1) <= within)


def by_brightness(image, above=0.5, below=1.0) -> Mask:
    """Where a picture is bright, or with ``above=0`` where it is dark.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    above, below : float, default 0.5 and 1.0
        The least and the largest lightness: L* of CIELAB divided by 100, so that 0.5 looks half as
        light as white.

    Returns
    -------
    Mask

    Examples
    --------
    >>> by_brightness([[[0.1], [0.6], [0.9]]], above=0.5).array.tolist()
    [[0.0, 1.0, 1.0]]
    """
    from skimage.color import rgb2lab

    if not 0 <= above < below <= 1:
        raise ValueError(f"above is {above} and below {below}; expected 0 <= above < below <= 1")
    # The lightness of white is 100 up to rounding.
    lightness = rgb2lab(as_image(image)[0])[..., 0] / 100
    return Mask((lightness >= above) & ((lightness <= below) | (below == 1)))


def front(image, box=None, *, strokes=(), behind=(), network=None) -> Mask:
    """What is in front: the thing in a box, or under a few strokes.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    box : (float, float, float, float), optional
        Top, left, bottom, right of a box around the thing, in shares of the height and of the
        width. All outside of it is behind.
    strokes, behind : sequence of strokes, default none
        Lines over the thing, and over what is behind it: each a sequence of points (down, across)
        in shares; one point is a dot. Without strokes, the middle of the box is in front.
    network : VGG, optional
        Default: VGG19.

    Returns
    -------
    Mask

    Raises
    ------
    ValueError
        Where nothing says what is in front, or nothing what is behind.

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


_WORKING_SIDE = 256  # pixels of the long side
_WALKER_BETA = 400  # how seldom a walker crosses an edge
_LAYERS = {"block2_conv2": 6, "block4_conv2": 12}  # and how many principal components of each
_EDGES = 9  # the colours' three and those of the first layer: deeper ones are too coarse
_STROKE = 0.015  # half the width of a stroke, beside the long side


def _described(image, network):
    """Colours and features at each pixel, each channel of mean 0 and the same deviation."""
    from skimage.color import rgb2lab
    from skimage.transform import resize as stretched

    from .network.vgg import default_network  # only now: it starts TensorFlow

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
    radius = max(1.0, _STROKE * max(height, width))
    for stroke in strokes:
        points = np.asarray(stroke, dtype="float64")
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


def _inside(image, box):
    """Where the pixels' middles lie in a box, down and across: -1 and 1 at its sides."""
    height, width = as_image(image).shape[1:3]
    try:
        top, left, bottom, right = map(float, box)
    except (TypeError, ValueError):
        top = left = bottom = right = math.nan
    if not (0 <= top < bottom <= 1 and 0 <= left < right <= 1):
        raise ValueError(
            f"the box is {box!r}; expected top, left, bottom, right as shares from 0 to 1, such as "
            f"{_CENTRE}"
        )
    rows, columns = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width) + 0.5) / width
    return (
        (2 * rows - top - bottom) / (bottom - top),
        (2 * columns - left - right) / (right - left),
    )


def _colour(colour):
    from PIL import ImageColor

    try:
        if isinstance(colour, str):
            return np.array(ImageColor.getrgb(colour)[:3]) / 255
        values = np.array([float(each) for each in colour])
        if values.shape == (3,) and 0 <= values.min() and values.max() <= 1:
            return values
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"the colour is {colour!r}; expected a name, '#rrggbb', or red, green and blue from 0 to 1"
    )
