"""Pillow images to arrays: one trip from what a file holds to the image convention.

Orientation, colour profile, opacity, depth and size are all settled here. The work is done in
bands of rows, so that a large photograph is never in memory as floating point before it shrinks.
"""

from __future__ import annotations

import contextlib
import math
import operator

import numpy as np
from PIL import ExifTags, Image, ImageColor

from .colour_profiles import Profile
from .sizes import check_minimum, fit_size

__all__ = ["check_range", "decode", "parse_background", "resample"]

_RANGE_TOLERANCE = 1e-3  # rounding of earlier steps; anything further out is another scale
_BAND = 2**20  # pixels that are floating point at one time
_JPEG = ("JPEG", "MPO")
_LARGE = 2**23  # pixels from which a JPEG may be decoded at a fraction of its size
_SPARE = 3  # times the final size that such a fraction has at least


def decode(picture, background, label="the image", *, minimum=False, owned=False, **limits):
    """Convert a Pillow image of any mode to the image convention.

    Parameters
    ----------
    picture : PIL.Image.Image
    background : array of 3 numbers in [0, 1]
        What shows through transparent pixels.
    label : str
        What errors call it.
    minimum : bool
        Whether to refuse what is too small for VGG, before and after resizing.
    owned : bool
        Whether the image was opened for this call. A large JPEG may then be decoded at a half, a
        quarter or an eighth of its size, which changes the Pillow image itself.
    max_side, area, size : optional
        As in `nsthelpers.resize`.

    Returns
    -------
    numpy.ndarray
        float32, shape (1, H, W, 3), values in [0, 1].
    """
    if 0 in picture.size:
        raise ValueError(f"{label} has no pixels: its size is {picture.height}x{picture.width}")
    with _damage_reported(label):
        if picture.format not in _JPEG:
            picture.load()  # a TIFF turns itself here
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    sideways = orientation in (5, 6, 7, 8)  # the small result is turned, not the large picture
    size = picture.size
    height, width = size if sideways else size[::-1]
    final = limits.pop("size", None) or fit_size(height, width, **limits)
    if minimum:
        check_minimum(height, width, "the image")
        check_minimum(*final, "the resized image")
    final = final if sideways else final[::-1]  # as Pillow has it: width, height
    with _damage_reported(label):
        box = _load(picture, final if owned else None)
        profile = Profile(picture, label)
    values = _resized(picture, final, box, lambda band: _pixels(band, profile, background, label))
    values = _turned(np.clip(values, 0, 1, out=values), orientation)
    return np.ascontiguousarray(values if values.shape[2] == 3 else values.repeat(3, 2))[None]


def resample(values, height, width, box=None):
    """Resize float32 values of shape (H, W, C) with Lanczos, antialiased; they may overshoot.

    ``box`` is the part that is resized: left, top, right and bottom, in pixels; default all.
    """
    channels = [
        Image.fromarray(channel).resize((width, height), Image.Resampling.LANCZOS, box)
        for channel in np.moveaxis(values, -1, 0)  # Pillow's floating-point mode has one channel
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def check_range(values):
    """Raise ValueError unless all values are in [0, 1], but for rounding."""
    lowest, highest = float(values.min()), float(values.max())
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


@contextlib.contextmanager
def _damage_reported(label):
    try:
        yield
    except Exception as error:  # decoders raise whatever they stumble over: OSError, SyntaxError, …
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{label} is damaged or cut short ({reason}): fetch it again, or save it as PNG"
        ) from None


def _load(picture, final):
    """Decode; if it is to become ``final`` (width, height), perhaps at a fraction of its size.

    Returns the corners of the whole picture on the pixels that came of it.
    """
    box = (0, 0, *picture.size)
    if final and picture.format in _JPEG and math.prod(picture.size) >= _LARGE:
        drafted = picture.draft(None, tuple(_SPARE * side for side in final))
        box = drafted[1] if drafted else box
    picture.load()
    return box


def _resized(picture, final, box, pixels):
    """Values of shape (H, W, C), rows and then columns resized: a band of rows at a time."""
    width, height = final
    rows = max(1, _BAND // picture.width)
    if rows >= picture.height:  # small enough for one
        values = pixels(picture)
    else:
        values = None
        for top in range(0, picture.height, rows):
            bottom = min(top + rows, picture.height)
            band = pixels(picture.crop((0, top, picture.width, bottom)))
            if box[2] != width:
                band = resample(band, bottom - top, width, (0, 0, box[2], bottom - top))
            if values is None:
                values = np.empty((picture.height, *band.shape[1:]), np.float32)
            values[top:bottom] = band
        box = (0, 0, width, box[3])
    return values if box == (0, 0, *final) else resample(values, height, width, box)


def _pixels(band, profile, background, label):
    """The values of a Pillow image, float32, in [0, 1] and sRGB: (H, W, 3), or (H, W, 1) if grey.

    A Pillow image of 16 or 32 bits a channel is always grey.
    """
    if band.mode == "F" or band.mode.startswith("I"):  # such as "I;16", or "I" with 16-bit values
        values = np.asarray(band)[..., None] / (1 if band.mode == "F" else 65535)
        check_range(values)
        return profile.grey(values).astype(np.float32)
    with _damage_reported(label):
        opaque = profile.mode == "CMYK" or not band.has_transparency_data
        if profile.mode != "CMYK":
            band = band.convert("RGB" if opaque else "RGBA")
        values = np.asarray(profile.colours(band), np.float32) / 255
    if profile.mode == "L":
        values[..., :3] = profile.grey(values[..., :3])
    if opaque:
        return values
    opacity = values[..., 3:]
    return values[..., :3] * opacity + background * (1 - opacity)


def _turned(values, orientation):
    """What EXIF asks for, done to an array of shape (H, W, C)."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values
