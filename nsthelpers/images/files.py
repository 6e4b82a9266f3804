"""Image files in, image files out.

Reads what a photograph may come as, with an error that says what is wrong where it cannot, and
writes a file whole or not at all.
"""

from __future__ import annotations

import io
import json
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, UnidentifiedImageError

from ..arguments import check_whole, did_you_mean
from ..files import check_destination, write_whole
from .arrays import as_image, resize, to_pil
from .decoding import decode, parse_background
from .sizes import check_minimum, check_size_options

__all__ = ["check_image_name", "existing_file", "load_image", "read_settings", "save_image"]

_DOWNLOAD_LIMIT = 64 * 2**20  # bytes
_DOWNLOAD_TIMEOUT = 30  # seconds without an answer
_SETTINGS_KEY = "nsthelpers"
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def load_image(source, *, max_side=None, area=None, size=None, background="white"):
    """Read an image from almost anything.

    A photograph's EXIF orientation is applied, the colours of an embedded profile (Display P3,
    Adobe RGB, CMYK, ...) are converted to sRGB, transparency is laid over `background`, and of an
    animation the first frame is taken. A profile that cannot be read is ignored with a warning in
    the log. A JPEG of 8 megapixels and more may be decoded at a fraction of its size, at least
    three times the size asked for. Where a size is asked for, a picture may have twice as many
    pixels as ``PIL.Image.MAX_IMAGE_PIXELS``, about 179 million: it is reduced while it is read.

    Parameters
    ----------
    source : str, Path, bytes, binary file, PIL.Image.Image or array
        A path, an ``http(s)://`` address, the bytes of an image file, a file opened with
        ``"rb"``, a Pillow image, or an array that `as_image` accepts.
    max_side, area, size : optional
        The size to shrink or scale to, see `resize`; at most one of them. Default: as it is.
    background : str or tuple of int, default "white"
        What shows through transparent pixels: a colour name, ``"#rrggbb"``, or (R, G, B) with
        integers from 0 to 255.

    Returns
    -------
    numpy.ndarray
        float32, shape (1, H, W, 3), values in [0, 1].

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file (a similarly named one is pointed out), or it is a folder.
    ValueError
        If it is not an image, is cut short, has too many pixels, or a side is below
        `MINIMUM_SIDE`, the least that VGG's five blocks can take.
    OSError
        If an address cannot be fetched or a file cannot be read.
    TypeError
        If `source` is none of the kinds above.

    Examples
    --------
    >>> import numpy as np
    >>> from nsthelpers.images.arrays import to_png_bytes
    >>> png = to_png_bytes(np.full((40, 80, 3), 0.5))
    >>> load_image(png, max_side=40).shape
    (1, 20, 40, 3)
    """
    max_side, area, size = check_size_options(max_side, area, size)
    limits = {"max_side": max_side, "area": area, "size": size}
    options = {"background": parse_background(background), "minimum": True, **limits}
    if isinstance(source, Image.Image):
        return decode(source, **options)
    if hasattr(source, "__array__") or isinstance(source, (list, tuple)):
        image = as_image(source)
        check_minimum(*image.shape[1:3], "the image")
        image = resize(image, **limits)
        check_minimum(*image.shape[1:3], "the resized image")
        return image
    label, stream = _opened(source)
    reduced = any(limit is not None for limit in limits.values())
    with stream, _open(stream, label, reduced) as picture:
        return decode(picture, label=label, owned=True, **options)


def save_image(image, path, settings=None, quality=95):
    """Write an image file, whole or not at all.

    Parameters
    ----------
    image : array_like
        Anything that `as_image` accepts.
    path : str or Path
        Where to; ``.png`` (exact), ``.jpg``/``.jpeg`` or ``.webp`` decides the format. The folder
        must exist. A file of that name is replaced, but only once the new one is complete.
    settings : dict, optional
        Kept inside the file for `read_settings`; whatever JSON can hold, NumPy numbers included.
    quality : int, default 95
        1 to 100, for JPEG and WebP.

    Raises
    ------
    ValueError
        If the suffix or `quality` is another, or the image or settings do not fit the format.
    TypeError
        If `settings` is not a dict that JSON can hold.
    OSError
        If the folder does not exist (FileNotFoundError) or the file cannot be written.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "grey.png"
    >>> save_image(np.full((16, 16, 3), 0.5), path, settings={"steps": 200})
    >>> read_settings(path)
    {'steps': 200}
    """
    path = Path(path).expanduser()
    write_whole(path, _encode(image, path, settings, quality))


def check_image_name(path) -> Path:
    """Find out before the work whether `save_image` could write there; nothing is left behind.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the suffix is not one of those that `save_image` knows.
    OSError
        As from :func:`nsthelpers.files.check_destination`.

    Examples
    --------
    >>> check_image_name("result.png").suffix
    '.png'
    """
    path = Path(path).expanduser()
    _format_of(path)
    return check_destination(path)


def read_settings(path):
    """Read the settings that `save_image` stored in a file.

    Parameters
    ----------
    path : str or Path
        A PNG, JPEG or WebP file.

    Returns
    -------
    dict
        The settings, as JSON gives them back (a tuple comes back as a list).

    Raises
    ------
    ValueError
        If the file is not an image or holds no settings.
    FileNotFoundError, IsADirectoryError
        If there is no such file, or it is a folder.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "grey.jpg"
    >>> save_image(np.full((16, 16, 3), 0.5), path, settings={"seed": 0, "steps": 200})
    >>> read_settings(path)["steps"]
    200
    """
    path = existing_file(Path(path).expanduser())
    with open(path, "rb") as stream, _open(stream, str(path)) as image:
        text = image.info.get(_SETTINGS_KEY) or image.getexif().get(
            ExifTags.Base.ImageDescription, ""
        )
    try:
        return dict(json.loads(text)[_SETTINGS_KEY])
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            f"{path} holds no settings: expected a file written by save_image(..., settings=...) "
            "and not saved again by another program"
        ) from None


def existing_file(path):
    """Give the path back if a file is there; else an error that points out a similar name."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: pass one of the image files in it")
    if path.exists():
        return path
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"no file {path}: there is no folder {path.parent} (looked from {Path.cwd()})"
        )
    hint = did_you_mean(path.name, os.listdir(path.parent), "check the name")
    raise FileNotFoundError(f"no file {path.name} in {path.parent.absolute()}: {hint}")


def _opened(source):
    """What errors call a source, and the file that it is, opened."""
    if isinstance(source, str) and source.lower().startswith(("http://", "https://")):
        return source, io.BytesIO(_fetch(source))
    if isinstance(source, (str, os.PathLike)):
        path = existing_file(Path(source).expanduser())
        return str(path), open(path, "rb")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "the image data", io.BytesIO(source)
    if hasattr(source, "read"):
        data = source.read()
        if not isinstance(data, bytes):
            raise TypeError('the file was opened as text: open it with mode "rb"')
        return "the image data", io.BytesIO(data)
    raise TypeError(
        f"cannot read an image from {type(source).__name__}: expected a path, an http(s) "
        "address, bytes, a file opened with 'rb', a PIL image or an array"
    )


def _fetch(url):
    import http.client
    import urllib.error
    import urllib.request

    try:
        request = urllib.request.Request(url, headers={"User-Agent": "nsthelpers"})
        with urllib.request.urlopen(request, timeout=_DOWNLOAD_TIMEOUT) as response:
            data = response.read(_DOWNLOAD_LIMIT + 1)
            expected = int(response.headers.get("Content-Length") or len(data))
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the server's answer, too, with its socket
        raise OSError(
            f"cannot fetch {url}: {error}; check the address and the network, or download the "
            "file yourself and pass its path"
        ) from None
    if len(data) > _DOWNLOAD_LIMIT:
        raise OSError(f"{url} is larger than {_DOWNLOAD_LIMIT >> 20} MiB: pass a smaller image")
    if len(data) < expected:
        raise OSError(f"{url} broke off after {len(data)} of {expected} bytes: try again")
    return data


def _open(stream, label, reduced=False):
    """Open with Pillow, its warning about huge images made an error, or left out."""
    try:
        with warnings.catch_warnings():
            action = "ignore" if reduced else "error"
            warnings.simplefilter(action, Image.DecompressionBombWarning)
            return Image.open(stream)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        most = Image.MAX_IMAGE_PIXELS * (2 if reduced else 1)
        raise ValueError(
            f"{label} has more than {most} pixels, which may be a decompression bomb: shrink it "
            "first, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it"
        ) from None
    except UnidentifiedImageError:
        raise ValueError(
            f"{label} is not an image that Pillow can read: expected PNG, JPEG, WebP, TIFF, ..."
        ) from None
    except Exception as error:  # as in _decode
        raise ValueError(f"{label} is damaged: {' '.join(str(error).split())}") from None


def _format_of(path):
    if path.suffix.lower() not in _FORMATS:
        raise ValueError(f"cannot save {path.name!r}: the name must end in .png, .jpg or .webp")
    return _FORMATS[path.suffix.lower()]


def _encode(image, path, settings, quality):
    kind = _format_of(path)
    if check_whole("quality", quality, 1) > 100:
        raise ValueError(f"quality is {quality}; expected a whole number from 1 to 100")
    options = {} if kind == "PNG" else {"quality": quality}
    if kind == "JPEG":
        options["subsampling"] = 0  # full colour resolution: brush strokes are fine and colourful
    if settings is not None:
        if not isinstance(settings, dict):
            raise TypeError(f"settings must be a dict, got {type(settings).__name__}")
        try:
            text = json.dumps({_SETTINGS_KEY: settings}, default=_plain)
        except (TypeError, ValueError) as error:
            raise TypeError(f"settings must be what JSON can hold: {error}") from None
        if kind == "PNG":
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_itxt(_SETTINGS_KEY, text)
        else:
            options["exif"] = Image.Exif()
            options["exif"][ExifTags.Base.ImageDescription] = text
    buffer, picture = io.BytesIO(), to_pil(image)
    try:
        picture.save(buffer, kind, **options)
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot store this as {kind}: {error}; save as .png instead") from None
    return buffer.getbuffer()


def _plain(value):
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} found among the values")
