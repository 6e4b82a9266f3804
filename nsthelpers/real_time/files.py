"""Arrays and their description in one file of safetensors: painters, and states of trainings."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from ..files import check_destination, write_whole

__all__ = ["checked_name", "describe", "read", "write"]


def checked_name(path, what) -> Path:
    """A path that can be written to; ValueError if it does not end in .safetensors.

    Examples
    --------
    >>> checked_name("night.safetensors", "a painter").name
    'night.safetensors'
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path.name} is no name for {what}; expected one in .safetensors")
    check_destination(path)
    return path


def write(path, what, arrays, described):
    """Write arrays by name, and what is said of them as plain data."""
    from safetensors.numpy import save

    # One entry: several are written in no fixed order, and a file should be the same again.
    write_whole(path, save(arrays, {"nsthelpers": json.dumps({"kind": what, **described})}))


def read(path, what) -> tuple[dict, dict]:
    """Read such a file.

    Parameters
    ----------
    path : str or Path
    what : str
        What it has to hold, as it was given to :func:`write`.

    Returns
    -------
    (dict of str to array, dict)
        The arrays, and what is said of them.

    Raises
    ------
    ValueError
        For a damaged file, or one that holds something else.
    """
    with _opened(path, what) as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return arrays, _described(file, path, what)


def describe(path, what) -> dict:
    """What is said of the arrays of such a file, which are not read; errors as of :func:`read`."""
    with _opened(path, what) as file:
        return _described(file, path, what)


@contextlib.contextmanager
def _opened(path, what):
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(f"{path} is not {what}, or a damaged one ({error})") from None


def _described(file, path, what):
    described = json.loads((file.metadata() or {}).get("nsthelpers", "{}"))
    if described.pop("kind", None) != what:
        raise ValueError(f"{path} is not {what}; give another file")
    return described
