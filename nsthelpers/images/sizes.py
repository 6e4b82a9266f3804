"""How large an image becomes."""

from __future__ import annotations

import math

from PIL import Image

from ..arguments import check_whole

__all__ = ["MINIMUM_SIDE", "check_minimum", "check_size_options", "fit_size"]

MINIMUM_SIDE = 16  # VGG halves each side four times before block5: 16 px leave a single position


def fit_size(height, width, *, max_side=None, area=None):
    """Compute the size that an image shrinks to, aspect kept; it never grows.

    Parameters
    ----------
    height, width : int
        Present size in pixels.
    max_side : int, optional
        The long side becomes at most this many pixels.
    area : int, optional
        Height times width becomes at most this many pixels.

    Returns
    -------
    tuple of int
        (H, W), each side within one pixel of the exact aspect, at least 1.

    Raises
    ------
    ValueError
        If a number is no whole number of at least 1, or both limits are given.

    Examples
    --------
    >>> fit_size(600, 800, max_side=400)
    (300, 400)
    >>> fit_size(600, 800, area=120_000)
    (300, 400)
    """
    height, width = check_whole("height", height, 1), check_whole("width", width, 1)
    max_side, area, _ = check_size_options(max_side, area, None)
    short, long = sorted((height, width))
    if max_side is not None and max_side < long:
        short, long = max(1, round(short * max_side / long)), max_side
    elif area is not None and area < short * long:
        scale = math.sqrt(area / (short * long))
        exact_short, exact_long = short * scale, long * scale
        short, long = max(1, round(exact_short)), round(exact_long)
        if short * long > area:  # rounding up took too much: give it back where it shows least
            short = max(1, math.floor(exact_short))
        if short * long > area:
            long = min(math.floor(exact_long), area // short)
    return (short, long) if height <= width else (long, short)


def check_size_options(max_side, area, size):
    given = {"max_side": max_side, "area": area, "size": size}
    if sum(value is not None for value in given.values()) > 1:
        names = [name for name, value in given.items() if value is not None]
        raise ValueError(f"got {' and '.join(names)}: pass at most one of max_side, area, size")
    if size is not None:
        if not isinstance(size, (tuple, list)) or len(size) != 2:
            raise TypeError(f"size must be (height, width) in pixels, got {size!r}")
        size = check_whole("height", size[0], 1), check_whole("width", size[1], 1)
        if size[0] * size[1] > (Image.MAX_IMAGE_PIXELS or math.inf):
            raise ValueError(f"size {size} is more pixels than PIL.Image.MAX_IMAGE_PIXELS allows")
    max_side = None if max_side is None else check_whole("max_side", max_side, 1)
    return max_side, None if area is None else check_whole("area", area, 1), size


def check_minimum(height, width, label):
    if min(height, width) < MINIMUM_SIDE:
        raise ValueError(
            f"{label} is {height}x{width} pixels (height x width): each side must be at least "
            f"{MINIMUM_SIDE}, so pass a larger one"
        )
