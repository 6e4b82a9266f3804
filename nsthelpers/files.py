"""Files: written whole or not at all, to places that are checked first; hashed; kept in a cache."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import uuid
from pathlib import Path

__all__ = ["cache_folder", "check_destination", "hash_of", "write_whole"]


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


def write_whole(path, data):
    """Write a file; one of that name is replaced, but only once the new one is complete.

    Parameters
    ----------
    path : str or Path
        The folder must exist.
    data : bytes

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
        os.replace(unfinished, path)
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        unfinished.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Return the folder in which downloaded weights are kept (it may not exist yet).

    Returns
    -------
    pathlib.Path
        The environment variable ``NST_CACHE`` if it is set, otherwise ``nsthelpers`` inside
        the platform's folder for caches (``~/.cache`` on Linux and macOS).

    Examples
    --------
    >>> isinstance(cache_folder(), Path)
    True
    """
    if os.environ.get("NST_CACHE"):
        return Path(os.environ["NST_CACHE"]).expanduser()
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    return Path(os.environ.get(variable) or Path("~/.cache").expanduser()) / "nsthelpers"


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
