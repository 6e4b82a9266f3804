"""Embedded colour profiles (ICC): what a picture's numbers mean, converted to sRGB."""

from __future__ import annotations

import io
import logging

import numpy as np
from PIL import Image, ImageCms

__all__ = ["Profile"]

logger = logging.getLogger(__name__)


class Profile:
    """What the profile in a Pillow image does to its colours on their way to sRGB: often nothing.

    One that cannot be read, or that belongs to other colours than the picture has, is ignored.

    Parameters
    ----------
    picture : PIL.Image.Image
    label : str
        What the warning about a profile that cannot be read calls the picture.

    Attributes
    ----------
    mode : {None, "RGB", "CMYK", "L"}
        Which colours it is for; None where there is no profile, or one that changes nothing.
    """

    def __init__(self, picture, label):
        self.mode = self._transform = self._curve = None
        data = picture.info.get("icc_profile")
        if not data:
            return
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            mode = {"GRAY": "L"}.get(space := profile.profile.xcolor_space.strip(), space)
            grey = picture.mode in ("1", "L", "LA", "La", "F") or picture.mode.startswith("I")
            if mode not in ("L", "RGB", "CMYK") or (picture.mode == "CMYK") != (mode == "CMYK"):
                return  # left behind by a conversion
            if mode == "L" and not grey:
                return
            sources = {"RGB": ("RGB", "RGBA")}.get(mode, (mode,))
            self._transform = {source: _to_srgb(profile, source) for source in sources}
            if mode == "RGB" and _changes_nothing(self._transform["RGB"]):
                return
            if grey:
                ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None]).convert(mode)
                ramp = ImageCms.applyTransform(ramp, self._transform[mode])
                self._curve = np.asarray(ramp)[0, :, 1] / 255
        except (ImageCms.PyCMSError, ImportError, OSError, TypeError, ValueError) as error:
            logger.warning(
                "the colour profile of %s cannot be used (%s): its colours are taken for sRGB",
                label,
                " ".join(str(error).split()),
            )
        else:
            self.mode = mode

    def colours(self, band):
        """Convert a Pillow image, RGB, RGBA or of the profile's mode."""
        if self.mode in ("RGB", "CMYK"):
            return ImageCms.applyTransform(band, self._transform[band.mode])
        return band

    def grey(self, values):
        """Convert grey values in [0, 1], of any depth."""
        if self._curve is None:
            return values
        return np.interp(values, np.linspace(0, 1, len(self._curve)), self._curve)


def _to_srgb(profile, source):
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION  # black ink becomes black
    if source == "L":
        flags |= ImageCms.Flags.NOOPTIMIZE  # a coarse table would stand for the curve
    return ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        source,
        "RGBA" if source == "RGBA" else "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,  # a colour that sRGB has stays the same
        flags,
    )


def _changes_nothing(transform):
    """Whether colours all over the cube stay within a level: the profile is sRGB, by any name."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 9, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(cube), transform))
    return np.abs(moved.astype(int) - cube).max() <= 1
