"""Arrays and their description in one file of safetensors: painters, and states of trainings."""

from __future__ import annotations

import json
from pathlib import Path

from ..files import check_destination, write_whole

__all__ = ["checked_name", "read", "write"]


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
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not {what}, or a damaged one ({error})") from None
    described = json.loads(metadata.get("nsthelpers", "{}"))
    if described.pop("kind", None) != what:
        raise ValueError(f"{path} is not {what}; give another file")
    return arrays, described
