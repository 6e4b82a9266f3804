"""Pictures: as arrays, as files, by name, and their colours."""

from . import samples
from .arrays import MINIMUM_SIDE, as_image, fit_size, resize, to_pil, to_png_bytes, to_uint8
from .colours import (
    colour_difference,
    luminance,
    match_colours,
    match_luminance,
    with_luminance,
)
from .files import check_image_name, load_image, read_settings, save_image

__all__ = [
    "samples",
    "MINIMUM_SIDE",
    "as_image",
    "fit_size",
    "resize",
    "to_pil",
    "to_png_bytes",
    "to_uint8",
    "colour_difference",
    "luminance",
    "match_colours",
    "match_luminance",
    "with_luminance",
    "check_image_name",
    "load_image",
    "read_settings",
    "save_image",
]
