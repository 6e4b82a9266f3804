"""Image files in, image files out.

Everywhere in this package an image is a float32 RGB array of shape ``(1, H, W, 3)`` with values
in [0, 1]. This module makes one of whatever you have, and turns it back into a file.
"""

from __future__ import annotations

import difflib
import io
import json
import math
import operator
import os
import uuid
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageColor, ImageOps, PngImagePlugin, UnidentifiedImageError

__all__ = [
    "MINIMUM_SIDE",
    "as_image",
    "fit_size",
    "load_image",
    "read_settings",
    "resize",
    "save_image",
    "to_pil",
    "to_png_bytes",
    "to_uint8",
]

MINIMUM_SIDE = 16  # VGG halves each side four times before block5: 16 px leave a single position
_DOWNLOAD_LIMIT = 64 * 2**20  # bytes
_DOWNLOAD_TIMEOUT = 30  # seconds without an answer
_RANGE_TOLERANCE = 1e-3  # rounding of earlier steps; anything further out is another scale
_SETTINGS_KEY = "nsthelpers"
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def load_image(source, *, max_side=None, area=None, size=None, background="white"):
    """Read an image from almost anything.

    A photograph's EXIF orientation is applied, transparency is laid over `background`, and of an
    animation the first frame is taken.

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
    >>> png = to_png_bytes(np.full((40, 80, 3), 0.5))
    >>> load_image(png, max_side=40).shape
    (1, 20, 40, 3)
    """
    _check_options(max_side, area, size)
    image = _read(source, _parse_background(background))
    _check_minimum(image, "the image")
    image = resize(image, max_side=max_side, area=area, size=size)
    _check_minimum(image, "the resized image")
    return image


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
        return _decode(array, _parse_background("white"))
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
    height, width = _positive("height", height), _positive("width", width)
    max_side, area, _ = _check_options(max_side, area, None)
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
    max_side, area, size = _check_options(max_side, area, size)
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
    data = _encode(image, path, settings, quality)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot save {path.name}: there is no folder {path.parent}; create it first, with "
            "pathlib.Path(...).mkdir(parents=True)"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: add a file name, such as result.png")
    unfinished = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    except OSError as error:
        reason = (
            f"cannot write {path}: {error.strerror or error}; nothing was saved, choose another"
        )
        raise OSError(error.errno, f"{reason} folder or make room") from None
    finally:
        unfinished.unlink(missing_ok=True)


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
    path = _existing(Path(path).expanduser())
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


def _read(source, background):
    if isinstance(source, Image.Image):
        return _decode(source, background)
    label = "the image data"
    if isinstance(source, str) and source.lower().startswith(("http://", "https://")):
        label, stream = source, io.BytesIO(_fetch(source))
    elif isinstance(source, (str, os.PathLike)):
        path = _existing(Path(source).expanduser())
        label, stream = str(path), open(path, "rb")
    elif isinstance(source, (bytes, bytearray, memoryview)):
        stream = io.BytesIO(source)
    elif hasattr(source, "read"):
        data = source.read()
        if not isinstance(data, bytes):
            raise TypeError('the file was opened as text: open it with mode "rb"')
        stream = io.BytesIO(data)
    elif hasattr(source, "__array__") or isinstance(source, (list, tuple)):
        return as_image(source)
    else:
        raise TypeError(
            f"cannot read an image from {type(source).__name__}: expected a path, an http(s) "
            "address, bytes, a file opened with 'rb', a PIL image or an array"
        )
    with stream, _open(stream, label) as image:
        return _decode(image, background, label)


def _existing(path):
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: pass one of the image files in it")
    if path.exists():
        return path
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"no file {path}: there is no folder {path.parent} (looked from {Path.cwd()})"
        )
    names = {name.lower(): name for name in os.listdir(path.parent)}
    similar = difflib.get_close_matches(path.name.lower(), names, n=1)
    hint = f"did you mean {names[similar[0]]}?" if similar else "check the name"
    raise FileNotFoundError(f"no file {path.name} in {path.parent.absolute()}: {hint}")


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


def _open(stream, label):
    """Open with Pillow, its warning about huge images made an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(stream)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(
            f"{label} has more than {Image.MAX_IMAGE_PIXELS} pixels, which may be a decompression "
            "bomb: shrink it first, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it"
        ) from None
    except UnidentifiedImageError:
        raise ValueError(
            f"{label} is not an image that Pillow can read: expected PNG, JPEG, WebP, TIFF, ..."
        ) from None
    except Exception as error:  # as in _decode
        raise ValueError(f"{label} is damaged: {' '.join(str(error).split())}") from None


def _decode(image, background, label="the image"):
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


def _encode(image, path, settings, quality):
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"cannot save {path.name!r}: the name must end in .png, .jpg or .webp")
    if _positive("quality", quality) > 100:
        raise ValueError(f"quality must be from 1 to 100, got {quality}")
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
    return buffer.getvalue()


def _plain(value):
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} found among the values")


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


def _check_minimum(image, label):
    height, width = image.shape[1:3]
    if min(height, width) < MINIMUM_SIDE:
        raise ValueError(
            f"{label} is {height}x{width} pixels (height x width): each side must be at least "
            f"{MINIMUM_SIDE}, so pass a larger one"
        )


def _check_options(max_side, area, size):
    given = {"max_side": max_side, "area": area, "size": size}
    if sum(value is not None for value in given.values()) > 1:
        names = [name for name, value in given.items() if value is not None]
        raise ValueError(f"got {' and '.join(names)}: pass at most one of max_side, area, size")
    if size is not None:
        if not isinstance(size, (tuple, list)) or len(size) != 2:
            raise TypeError(f"size must be (height, width) in pixels, got {size!r}")
        size = tuple(_positive("size", side) for side in size)
        if size[0] * size[1] > (Image.MAX_IMAGE_PIXELS or math.inf):
            raise ValueError(f"size {size} is more pixels than PIL.Image.MAX_IMAGE_PIXELS allows")
    max_side = max_side if max_side is None else _positive("max_side", max_side)
    return max_side, area if area is None else _positive("area", area), size


def _positive(name, value):
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
    return number


def _parse_background(background):
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
