"""Masks: where in a picture something shall happen.

    sky = nst.masks.by_brightness(photo, above=0.6) & nst.masks.half(photo, "top")
    objective = nst.Content(photo) + 5 * nst.Style(night, region=sky.feather())

A mask is a weight for each pixel. It is made for one picture and fits it at every size. Boxes and
strokes are given in shares of the height and of the width, so that they fit as well.
"""

from .foreground import Stroke, front
from .mask import Mask, as_mask, load
from .shapes import by_brightness, by_colour, ellipse, everywhere, half, rectangle, third
from .words import by_words

__all__ = [
    "Mask", "Stroke", "as_mask", "by_brightness", "by_colour", "by_words", "ellipse", "everywhere",
    "front", "half", "load", "rectangle", "third",
]  # fmt: skip
