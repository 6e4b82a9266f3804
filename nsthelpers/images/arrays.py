"""Images as arrays: the one convention, other sizes, other types.

Everywhere in this package an image is a float32 RGB array of shape ``(1, H, W, 3)`` with values
in [0, 1]. This module makes one of an array or a Pillow image, and turns it back; files are the
matter of ``files.py``.
"""

from __future__ import annotations

import io
import math
import operator
import os

import numpy as np
from PIL import Image, ImageColor, ImageOps

from ..arguments import positive

__all__ = [
    "MINIMUM_SIDE",
    "as_image",
    "fit_size",
    "resize",
    "to_pil",
    "to_png_bytes",
    "to_uint8",
]

MINIMUM_SIDE = 16  # VGG halves each side four times before block5: 16 px leave a single position
_RANGE_TOLERANCE = 1e-3  # rounding of earlier steps; anything further out is another scale


def as_image(array):
    """Check an array and convert it to the image convention.

    Parameters
    ----------
    array : array_like or tensor
        Shape (H, W, 3), (1, H, W, 3), or grey as (H, W), (H, W, 1) or (1, H, W, 1); uint8, bool,
        or floating point with values in [0, 1] (1e-3 beyond is taken for rounding and clipped).

    Returns
    -------
    numpy.ndarray
        float32, shape (1, H, W, 3), values in [0, 1]; always a new array, never a view.

    Raises
    ------
    ValueError
        If the shape, the range or the integer type is another, or a value is NaN or infinite.
    TypeError
        If `array` does not hold numbers.

    Examples
    --------
    >>> import numpy as np
    >>> as_image(np.full((2, 2), 255, "uint8")).shape
    (1, 2, 2, 3)
    """
    if isinstance(array, Image.Image):
        return decode(array, parse_background("white"))
    if isinstance(array, (str, bytes, os.PathLike)):
        raise TypeError(f"expected an array, got {type(array).__name__}: use load_image for files")
    try:
        array = np.asarray(array)
    except ValueError as error:
        raise ValueError(f"cannot make an array of this {type(array).__name__}: {error}") from None
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise TypeError(f"expected an array of numbers, got dtype {array.dtype}")
    array = _with_batch_axis(array)
    if array.dtype == np.uint8:
        image = array.astype(np.float32) / np.float32(255)
    elif array.dtype.kind in "iu":
        raise ValueError(
            f"{array.dtype} leaves the range open: convert 0-255 values with "
            ".astype('uint8'), or divide by the largest possible value to reach [0, 1]"
        )
    else:
        image = array.astype(np.float32)
    lowest, highest = float(image.min()), float(image.max())
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        raise ValueError("the image holds NaN or infinite values: expected numbers in [0, 1]")
    if highest > 1 + _RANGE_TOLERANCE:
        raise ValueError(
            f"values reach {highest:.4g}: expected [0, 1]; divide by 255 or pass uint8"
        )
    if lowest < -_RANGE_TOLERANCE:
        raise ValueError(
            f"values fall to {lowest:.4g}: expected [0, 1]; for [-1, 1] take (image + 1) / 2, "
            "and undo a network's preprocessing first"
        )
    if image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    return np.clip(np.ascontiguousarray(image), 0, 1)


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
    ValueError, TypeError
        If a number is not a positive integer, or both limits are given.

    Examples
    --------
    >>> fit_size(600, 800, max_side=400)
    (300, 400)
    >>> fit_size(600, 800, area=120_000)
    (300, 400)
    """
    height, width = positive("height", height), positive("width", width)
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


def resize(image, *, max_side=None, area=None, size=None):
    """Resize with an antialiased Lanczos filter, in floating point.

    Parameters
    ----------
    image : array_like
        Anything that `as_image` accepts.
    max_side, area : int, optional
        Shrink, aspect kept, to a long side or a number of pixels at most this; see `fit_size`.
    size : tuple of int, optional
        Exactly (H, W), larger or smaller, whatever becomes of the aspect.

    Returns
    -------
    numpy.ndarray
        float32, shape (1, H, W, 3), clipped to [0, 1]; a copy where the size is right already.

    Raises
    ------
    ValueError, TypeError
        If more than one option is given, one is not positive integers, or `image` is no image.

    Examples
    --------
    >>> import numpy as np
    >>> resize(np.zeros((64, 32, 3)), size=(48, 48)).shape
    (1, 48, 48, 3)
    """
    max_side, area, size = check_size_options(max_side, area, size)
    image = as_image(image)
    height, width = size or fit_size(*image.shape[1:3], max_side=max_side, area=area)
    if (height, width) == image.shape[1:3]:
        return image
    channels = [
        Image.fromarray(image[0, :, :, channel]).resize((width, height), Image.Resampling.LANCZOS)
        for channel in range(3)  # one by one, for Pillow's floating-point mode has one channel
    ]
    return np.clip(np.stack([np.asarray(channel) for channel in channels], axis=-1)[None], 0, 1)


def to_uint8(image):
    """Convert to 8 bits, rounding to the nearest level.

    Parameters
    ----------
    image : array_like
        Anything that `as_image` accepts; raises what that raises.

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W, 3), values from 0 to 255.

    Examples
    --------
    >>> import numpy as np
    >>> int(to_uint8(np.full((1, 1, 3), 0.999)).max())
    255
    """
    return np.rint(as_image(image)[0] * 255).astype(np.uint8)


def to_pil(image):
    """Convert to a Pillow image.

    Parameters
    ----------
    image : array_like
        Anything that `as_image` accepts; raises what that raises.

    Returns
    -------
    PIL.Image.Image
        Mode RGB; its size is (width, height).

    Examples
    --------
    >>> import numpy as np
    >>> to_pil(np.zeros((20, 30, 3))).size
    (30, 20)
    """
    return Image.fromarray(to_uint8(image))


def to_png_bytes(image):
    """Encode as a PNG file in memory, for example to show it in a notebook.

    Parameters
    ----------
    image : array_like
        Anything that `as_image` accepts; raises what that raises.

    Returns
    -------
    bytes
        A whole PNG file.

    Examples
    --------
    >>> import numpy as np
    >>> to_png_bytes(np.zeros((16, 16, 3)))[1:4]
    b'PNG'
    """
    buffer = io.BytesIO()
    to_pil(image).save(buffer, "PNG")
    return buffer.getvalue()


def decode(image, background, label="the image"):
    """Convert a Pillow image of any mode to the image convention."""
    if 0 in image.size:
        raise ValueError(f"{label} has no pixels: its size is {image.height}x{image.width}")
    try:
        image = ImageOps.exif_transpose(image)  # decodes as well
        if image.mode == "F":
            values = np.asarray(image)
        elif image.mode.startswith("I"):  # "I;16" and, for 16-bit values kept in 32 bits, "I"
            values = np.asarray(image) / 65535
        elif image.has_transparency_data:
            values = np.asarray(image.convert("RGBA"), np.float32) / 255
            opacity = values[..., 3:]
            values = values[..., :3] * opacity + background * (1 - opacity)
        else:
            values = np.asarray(image.convert("RGB"))
    except Exception as error:  # decoders raise whatever they stumble over: OSError, SyntaxError, …
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{label} is damaged or cut short ({reason}): fetch it again, or save it as PNG"
        ) from None
    return as_image(values)


def _with_batch_axis(array):
    shape = array.shape
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4:
        raise ValueError(f"shape {shape} is no image: expected (H, W, 3) or (1, H, W, 3)")
    batch, height, width, channels = array.shape
    if channels not in (1, 3) and height in (1, 3):
        raise ValueError(
            f"shape {shape} looks channels-first; transpose to (H, W, 3), for example with "
            "numpy.moveaxis(array, -3, -1)"
        )
    if channels == 4:
        raise ValueError(
            f"shape {shape} has 4 channels: drop the opacity with array[..., :3], or pass the "
            "image file to load_image, which lays it over a background"
        )
    if channels not in (1, 3):
        raise ValueError(f"shape {shape} has {channels} channels: expected 3, as (H, W, 3)")
    if batch != 1:
        raise ValueError(f"shape {shape} holds {batch} images: expected one; pass array[i]")
    if 0 in shape:
        raise ValueError(f"shape {shape} has no pixels: expected height and width above 0")
    return array


def check_size_options(max_side, area, size):
    given = {"max_side": max_side, "area": area, "size": size}
    if sum(value is not None for value in given.values()) > 1:
        names = [name for name, value in given.items() if value is not None]
        raise ValueError(f"got {' and '.join(names)}: pass at most one of max_side, area, size")
    if size is not None:
        if not isinstance(size, (tuple, list)) or len(size) != 2:
            raise TypeError(f"size must be (height, width) in pixels, got {size!r}")
        size = tuple(positive("size", side) for side in size)
        if size[0] * size[1] > (Image.MAX_IMAGE_PIXELS or math.inf):
            raise ValueError(f"size {size} is more pixels than PIL.Image.MAX_IMAGE_PIXELS allows")
    max_side = max_side if max_side is None else positive("max_side", max_side)
    return max_side, area if area is None else positive("area", area), size


def parse_background(background):
    try:
        colour = ImageColor.getrgb(background) if isinstance(background, str) else background
        colour = np.array([operator.index(level) for level in colour[:3]], np.float32) / 255
        if colour.shape != (3,) or colour.min() < 0 or colour.max() > 1:
            raise ValueError
    except (ValueError, TypeError):
        raise ValueError(
            f"background {background!r} is no colour: expected a name, '#rrggbb', or three "
            "integers from 0 to 255"
        ) from None
    return colour
