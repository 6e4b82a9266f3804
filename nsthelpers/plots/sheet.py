"""Pictures side by side on one sheet, drawn with Pillow alone."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from ..files import write_whole
from ..images.arrays import to_pil

__all__ = ["save_sheet"]

_MARGIN = 16  # px
_TEXT = 17  # px
_INK = "#333333"


def save_sheet(images, captions, path, height=320):
    """Write a PNG with the images in one row, all of one height, each above its caption.

    Parameters
    ----------
    images : sequence of arrays, shape (1, H, W, 3), RGB, range [0, 1]
    captions : sequence of str
        One for each.
    path : str or Path
    height : int, default 320
        Of every image on the sheet, in pixels.

    Raises
    ------
    OSError
        If it cannot be written.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sheet.png"
    >>> save_sheet([np.zeros((1, 20, 30, 3))] * 2, ["left", "right"], path, height=40)
    >>> with Image.open(path) as sheet:
    ...     sheet.size
    (168, 98)
    """
    pictures = [to_pil(image) for image in images]
    pictures = [
        picture.resize((round(picture.width * height / picture.height), height), Image.LANCZOS)
        for picture in pictures
    ]
    width = sum(picture.width + _MARGIN for picture in pictures) + _MARGIN
    sheet = Image.new("RGB", (width, height + 3 * _MARGIN + _TEXT - 7), "white")
    pen, font, left = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT), _MARGIN
    for picture, caption in zip(pictures, captions, strict=True):
        sheet.paste(picture, (left, _MARGIN))
        pen.text((left, height + 1.6 * _MARGIN), caption, _INK, font)
        left += picture.width + _MARGIN
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_whole(path, buffer.getvalue())
