"""Files: written whole or not at all, hashed, downloaded, kept in a cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import tempfile
import uuid
from pathlib import Path

__all__ = [
    "array_parts",
    "cache_folder",
    "check_destination",
    "describe_arrays",
    "download",
    "finite",
    "hash_of",
    "pack_arrays",
    "read_arrays",
    "write_json",
    "write_whole",
]

_DTYPE_LETTERS = {"f": "F", "u": "U", "i": "I"}  # of safetensors, before the bits
_TIMEOUT = (5, 30)  # seconds: for the connection, and between two packets


def check_destination(path) -> Path:
    """Find out now whether a file can be written later.

    Parameters
    ----------
    path : str or Path
        Where a file is to be; ``~`` is the home folder. Nothing is left there.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    IsADirectoryError
        If it is a folder itself.
    OSError
        If it is no ordinary file, or its folder takes no new files.

    Examples
    --------
    >>> check_destination("result.png").name
    'result.png'
    """
    path = _checked(path)
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _refused(path, error) from None
    return path


def write_whole(path, data, *more):
    """Write a file; one of that name is replaced, but only once the new one is complete.

    Parameters
    ----------
    path : str or Path
        The folder must exist.
    data, *more : bytes or memoryview
        What is written, one after the other.

    Raises
    ------
    OSError
        As from :func:`check_destination`, or if the disk is full; what was there is still there.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_whole(folder / "note.txt", b"done")
    >>> os.listdir(folder)
    ['note.txt']
    """
    path = _checked(path)
    unfinished = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        unfinished.write_bytes(data)
        with open(unfinished, "ab") as file:
            file.writelines(more)
            file.flush()
            os.fsync(file.fileno())  # or a power cut could leave the name, and nothing in it
        os.replace(unfinished, path)
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        unfinished.unlink(missing_ok=True)


def write_json(path, value):
    """Write a value as JSON, whole or not at all; NaN and infinity, which JSON lacks, as null.

    Raises
    ------
    OSError
        As from :func:`write_whole`.
    TypeError
        If it holds what JSON cannot.

    Examples
    --------
    >>> path = Path(tempfile.mkdtemp()) / "loss.json"
    >>> write_json(path, {"loss": (0.5, math.inf)})
    >>> json.loads(path.read_text(encoding="utf-8"))
    {'loss': [0.5, None]}
    """
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, f"{text}\n".encode())


def finite(value):
    """Plain data with None in place of each number that is not finite, since JSON has none.

    Examples
    --------
    >>> finite({"loss": (0.5, math.nan)})
    {'loss': [0.5, None]}
    """
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def pack_arrays(what, arrays, described) -> bytes:
    """Put arrays by name, and what is said of them, into the bytes of a file of safetensors.

    Parameters
    ----------
    what : str
        What it is, such as "a painter".
    arrays : dict of str to array
    described : dict
        What JSON can hold, without the key "kind".

    Returns
    -------
    bytes
        The same for the same contents.

    Examples
    --------
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "one.safetensors"
    >>> write_whole(path, pack_arrays("a number", {"value": np.float32([7])}, {"unit": "px"}))
    >>> read_arrays(path, "a number")
    ({'value': array([7.], dtype=float32)}, {'unit': 'px'})
    """
    from safetensors.numpy import save

    # One entry: several are written in no fixed order, and a file should be the same again.
    return save(arrays, {"nsthelpers": json.dumps({"kind": what, **described})})


def array_parts(what, arrays, described) -> list:
    """The same file in parts, which do not copy the arrays: for those that fill half the memory.

    Parameters
    ----------
    what, arrays, described
        As :func:`pack_arrays` takes them.

    Returns
    -------
    list of bytes and memoryview
        For :func:`write_whole`; :func:`read_arrays` reads it.

    Examples
    --------
    >>> import numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "one.safetensors"
    >>> write_whole(path, *array_parts("a number", {"value": np.float32([7])}, {"unit": "px"}))
    >>> read_arrays(path, "a number")
    ({'value': array([7.], dtype=float32)}, {'unit': 'px'})
    """
    header, end = {"__metadata__": {"nsthelpers": json.dumps({"kind": what, **described})}}, 0
    named = sorted(arrays.items(), key=lambda each: (-each[1].itemsize, each[0]))  # aligned
    for name, array in named:
        begin, end = end, end + array.nbytes
        dtype = _DTYPE_LETTERS[array.dtype.kind] + str(8 * array.itemsize)
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    parts = (array.data if array.flags.c_contiguous else array.tobytes() for _, array in named)
    return [len(text).to_bytes(8, "little"), text, *parts]


def read_arrays(path, what) -> tuple[dict, dict]:
    """Read what :func:`pack_arrays` has packed.

    Parameters
    ----------
    path : str or Path
    what : str
        What the file has to hold.

    Returns
    -------
    (dict of str to array, dict)
        The arrays, and what is said of them.

    Raises
    ------
    ValueError
        For a damaged file, or one that holds something else.
    OSError
        If it cannot be read.
    """
    with _opened_arrays(path, what) as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, _said_of(file, path, what)


def describe_arrays(path, what) -> dict:
    """What is said of the arrays of such a file, which are not read; as :func:`read_arrays`."""
    with _opened_arrays(path, what) as file:
        return _said_of(file, path, what)


@contextlib.contextmanager
def _opened_arrays(path, what):
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            yield file
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not {what}, or a damaged one ({error})") from None


def _said_of(file, path, what):
    described = json.loads((file.metadata() or {}).get("nsthelpers", "{}"))
    if described.pop("kind", None) != what:
        raise ValueError(f"{path} is not {what}; give another file")
    return described


def cache_folder() -> Path:
    """Return the folder in which downloaded weights and pictures are kept; it need not exist yet.

    Returns
    -------
    pathlib.Path
        The environment variable ``NST_CACHE`` if it is set, otherwise ``nsthelpers`` inside
        the platform's folder for caches (``~/.cache`` on Linux).

    Examples
    --------
    >>> isinstance(cache_folder(), Path)
    True
    """
    if os.environ.get("NST_CACHE"):
        return Path(os.environ["NST_CACHE"]).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("nsthelpers", appauthor=False)


def download(url, path, known_hash) -> Path:
    """Fetch a file, unless it is there already; it appears whole and checked, or not at all.

    Parameters
    ----------
    url : str
    path : Path
        Its folder is made if need be.
    known_hash : str
        Such as ``"md5:253f8c…"``. A file at ``path`` with another hash is replaced.

    Returns
    -------
    Path

    Raises
    ------
    OSError
        If the server cannot be reached or refuses, nothing comes for half a minute, the file
        cannot be written, or its hash is another. The text says why.
    """
    import pooch  # only needed here, and it takes a tenth of a second

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # it would announce each download on stderr
    try:
        pooch.retrieve(
            url,
            known_hash,
            path.name,
            path.parent,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT),
        )
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        response = getattr(error, "response", None)
        if response is not None:
            response.close()
        # Where no connection comes about, requests wraps what urllib3 says in the whole story.
        reason = getattr(error.args[0] if error.args else None, "reason", None) or error
        raise OSError(" ".join(str(reason).split())) from None
    finally:
        logger.setLevel(level)
    return path


def hash_of(path, algorithm) -> str:
    """The hash of a file, such as ``"sha256"`` or ``"md5"``, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def _checked(path):
    path = Path(path).expanduser()
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot save {path.name}: there is no folder {path.parent}; create it first, with "
            "pathlib.Path(...).mkdir(parents=True)"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: add a file name, such as result.png")
    if path.exists() and not path.is_file():  # /dev/null would be replaced by a file
        raise OSError(f"{path} is no ordinary file: choose another name")
    return path


def _refused(path, error):
    reason = f"cannot write {path}: {error.strerror or error}"
    return OSError(error.errno, f"{reason}; nothing was saved, choose another folder or make room")
