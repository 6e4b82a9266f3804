"""Files of this room: painters, and states of trainings, both in safetensors."""

from __future__ import annotations

from pathlib import Path

from ..files import (
    check_destination,
    describe_arrays as describe,
    pack_arrays,
    read_arrays as read,
    write_whole,
)

__all__ = ["checked_name", "describe", "read", "write"]


def checked_name(path, what) -> Path:
    """A path that can be written to, ~ expanded; ValueError if it does not end in .safetensors.

    Examples
    --------
    >>> checked_name("night.safetensors", "a painter").name
    'night.safetensors'
    """
    if Path(path).suffix != ".safetensors":
        raise ValueError(f"{Path(path).name} is no name for {what}; expected one in .safetensors")
    return check_destination(path)


def write(path, what, arrays, described):
    """Write arrays by name, and what is said of them as plain data."""
    write_whole(path, pack_arrays(what, arrays, described))
