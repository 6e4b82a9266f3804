"""Images as arrays: the one convention, other sizes, other types.

Everywhere in this package an image is a float32 RGB array of shape ``(1, H, W, 3)`` with values
in [0, 1]. This module makes one of an array, resizes it, and turns it back; ``decoding.py`` makes
one of a Pillow image, and ``files.py`` reads and writes files.
"""

from __future__ import annotations

import io
import os

import numpy as np
from PIL import Image

from .decoding import check_range, decode, parse_background, resample
from .sizes import MINIMUM_SIDE, check_size_options, fit_size

__all__ = [
    "MINIMUM_SIDE",
    "as_image",
    "fit_size",
    "resize",
    "to_pil",
    "to_png_bytes",
    "to_uint8",
]

_STRIP = 2**20  # pixels that are copied as floating point at one time


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
    if array.dtype.kind in "iu" and array.dtype != np.uint8:
        raise ValueError(
            f"{array.dtype} leaves the range open: convert 0-255 values with "
            ".astype('uint8'), or divide by the largest possible value to reach [0, 1]"
        )
    image = np.array(np.broadcast_to(array, (*array.shape[:3], 3)), np.float32, order="C")
    if array.dtype == np.uint8:
        image /= np.float32(255)
    else:
        check_range(image)
        np.clip(image, 0, 1, out=image)
    return image


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
    return np.clip(resample(image[0], height, width), 0, 1)[None]


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
    if isinstance(image, np.ndarray) and image.ndim in (3, 4) and image.dtype.kind == "f":
        image = _with_batch_axis(image)[0]  # in strips: whole, a poster's copy has gigabytes
        levels = np.empty((*image.shape[:2], 3), np.uint8)
        rows = max(1, _STRIP // image.shape[1])
        for top in range(0, len(image), rows):
            levels[top : top + rows] = _levels(image[top : top + rows])
        return levels
    return _levels(image)


def _levels(image):
    image = as_image(image)[0]  # a copy, which is worked in
    image *= 255
    return np.rint(image, out=image).astype(np.uint8)


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
