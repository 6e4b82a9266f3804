"""Masks by place and by colour: halves, thirds, boxes, ellipses, and what is bright."""

from __future__ import annotations

import math

import numpy as np

from ..arguments import check_choice
from ..images.arrays import as_image
from .mask import Mask

__all__ = ["by_brightness", "by_colour", "ellipse", "everywhere", "half", "rectangle", "third"]

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
