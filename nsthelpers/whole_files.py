"""Files that are written whole or not at all, to places that are checked before the work."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

__all__ = ["check_destination", "write_whole"]


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
