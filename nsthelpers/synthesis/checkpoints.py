"""Checkpoints: the whole state of a run in a folder, so that the same call goes on after a crash.

A checkpoint is written whole or not at all and bears its checksum in its name. The last two are
kept: should one be damaged, there is the one before. A lock of the operating system, which ends
with the process that holds it, keeps a second process out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import math
import numbers
import re
import textwrap
import time
from pathlib import Path

import numpy as np

from .. import __version__
from ..backend import ops, to_numpy
from ..files import (
    array_parts,
    check_destination,
    describe_arrays,
    hash_of,
    read_arrays,
    write_whole,
)
from ..masks.mask import Mask
from ..network.vgg import VGG

__all__ = ["Checkpoints", "identity", "kept_settings", "remove"]

# Not the loop's own logger, which the command line silences: it says itself why a run ended.
_log = logging.getLogger("nsthelpers.checkpoints")

_KIND, _FORMAT = "a checkpoint of a run", 1
_NAME = re.compile(r"checkpoint-(\d{8})-([0-9a-f]{16})\.safetensors")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.part")
_KEPT = 2
_PAUSE = 20  # times as long as the last one took to write: a twentieth of the time, at most
_SHOWN = 3  # differences that an error names


class Checkpoints:
    """The checkpoints of one run; a context, inside which no other process uses the folder.

    Parameters
    ----------
    folder : str or Path
        Made, with its parents, when the context is entered.
    seconds : float
        How long to wait between two; 0: none.
    identity : dict
        What decides the pixels, see :func:`identity`.

    Raises
    ------
    ValueError
        For seconds that are no number of at least 0.

    Examples
    --------
    >>> import tempfile
    >>> known = {"settings": {"seed": 0}, "made_by": {}}
    >>> with Checkpoints(tempfile.mkdtemp(), 60, known) as checkpoints:
    ...     checkpoints.save({"image": np.zeros(3, "float32"), "step": 7})
    ...     checkpoints.latest()["step"]
    7
    """

    def __init__(self, folder, seconds, identity):
        if not (isinstance(seconds, numbers.Real) and 0 <= seconds < math.inf):
            raise ValueError(f"checkpoint_seconds is {seconds!r}; expected a number of at least 0")
        self.folder, self._seconds = Path(folder).expanduser(), seconds
        self._identity = _from_json(identity)
        self._whole: list[Path] = []  # those that were written or read here, the newest last
        self._next = time.monotonic() + seconds
        self._failed = False

    def __enter__(self):
        """Lock the folder. OSError if it cannot be written to, or another run is using it."""
        import filelock  # only needed here, and it starts asyncio

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(f"{self.folder} is a file; name a folder") from None
        check_destination(self.folder / "checkpoint")
        self._lock = filelock.FileLock(self.folder / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise OSError(
                f"another run is using {self.folder}; wait for its end, or name another folder"
            ) from None
        for path in self.folder.iterdir():
            if _UNFINISHED.fullmatch(path.name):  # of a process that was killed while it wrote
                path.unlink(missing_ok=True)
        return self

    def __exit__(self, *error):
        self._lock.release()

    @property
    def due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() >= self._next

    def save(self, state):
        """Write a checkpoint, and remove those before the last two.

        A run can do without: where there is no room, it is warned once.

        Parameters
        ----------
        state : dict
            Of arrays and of what JSON can hold.
        """
        began = time.monotonic()
        try:
            self._write(state)
        except (OSError, MemoryError) as error:
            if not self._failed:
                text = " ".join(str(error).split()) or "not enough memory for a checkpoint"
                _log.warning("%s; the run goes on, and will try again", text)
            self._failed = True
        now = time.monotonic()
        # Of a very large picture the history of L-BFGS takes long to write.
        self._next = now + (max(self._seconds, _PAUSE * (now - began)) if self._seconds else 0)

    def _write(self, state):
        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        plain = {name: value for name, value in state.items() if name not in arrays}
        described = {"format": _FORMAT, "identity": self._identity, "state": plain}
        parts = array_parts(_KIND, arrays, described)
        number = max(map(_number, _checkpoints_in(self.folder)), default=0) + 1
        checksum = hashlib.sha256()
        for part in parts:
            checksum.update(part)
        path = self.folder / f"checkpoint-{number:08d}-{checksum.hexdigest()[:16]}.safetensors"
        write_whole(path, *parts)
        self._whole = [*self._whole, path][-_KEPT:]
        for other in set(_checkpoints_in(self.folder)) - set(self._whole):
            with contextlib.suppress(OSError):
                other.unlink()

    def latest(self) -> dict | None:
        """The newest state that is whole; None where there is no checkpoint yet.

        Returns
        -------
        dict or None
            As it was given to :meth:`save`, tuples as lists; besides, ``"made_by"``: device and
            versions.

        Raises
        ------
        ValueError
            If none is whole, or they are of a run with other settings.
        """
        damaged = []
        for path in reversed(_checkpoints_in(self.folder)):
            try:
                arrays, described = _read(path)
                break
            except (OSError, ValueError) as error:
                damaged.append(str(error))
        else:
            if damaged:
                raise ValueError(
                    f"{damaged[0]}, and no other in {self.folder} is whole; remove the folder to "
                    "begin anew"
                )
            return None
        self._compare(described)
        if damaged:
            _log.warning("%s; going on from the one before it", damaged[0])
        self._whole = [path]
        made_by = described["identity"]["made_by"]
        return {**described["state"], **arrays, "made_by": made_by}

    def _compare(self, described):
        if described["format"] != _FORMAT:
            raise ValueError(
                f"the checkpoints in {self.folder} were written by another version of this "
                "package; remove the folder to begin anew"
            )
        before, now = described["identity"], self._identity
        steps = [each.get("settings", {}).get("steps") for each in (before, now)]
        if all(steps) and steps[0][:-1] == steps[1][:-1] and steps[0][-1] < steps[1][-1]:
            before = {**before, "settings": {**before["settings"], "steps": steps[1]}}
        others = [
            difference
            for part in {**before, **now}
            if part != "made_by"
            for difference in _differences(before.get(part), now.get(part))
        ]
        if others:
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            raise ValueError(
                f"{self.folder} holds a run with other settings: {'; '.join(others[:_SHOWN])}"
                f"{more}; give those again, or another folder"
            )
        others = _differences(before["made_by"], now["made_by"])
        if others:
            _log.warning(
                "the checkpoint was made elsewhere: %s; going on, but not bit for bit as there",
                "; ".join(others[:_SHOWN]),
            )


def identity(plan) -> dict:
    """What decides the pixels of a run: plain data by which to know it again.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    dict
        ``"settings"`` and ``"contents"``, which must agree: the latter tell of what terms hold
        (arrays by a hash), of the start image and of the network's weights. ``"made_by"``, versions
        and device, may differ: hours of work shall not be lost by an update, but only the same ones
        promise the same bits.
    """
    settings = plan.settings()
    made_by = {"nsthelpers": __version__, **settings.pop("versions")}
    made_by |= {"device": settings.pop("device")}
    terms = plan.objective.terms
    contents = {
        "start_image": _told(plan.image),
        **{label: _told(vars(term)) for label, term in terms.items()},
    }
    network = plan.objective.network
    if network is not None:
        layers = {layer for term in terms.values() for layer in term.layers}
        contents["network_weights"] = network.digest(layers)
    return {"settings": settings, "contents": contents, "made_by": made_by}


def kept_settings(folder) -> dict:
    """The settings of the run whose checkpoints a folder holds; {} where there are none.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    dict
        As :meth:`nsthelpers.synthesis.plan.Plan.settings` gave them, tuples as lists.

    Examples
    --------
    >>> kept_settings("no such folder")
    {}
    """
    for path in reversed(_checkpoints_in(Path(folder).expanduser())):
        with contextlib.suppress(OSError, ValueError, KeyError):  # latest() has the words for it
            return describe_arrays(path, _KIND)["identity"]["settings"]
    return {}


def remove(folder):
    """Remove the checkpoints of a run that is not needed any more, and the folder if it is empty.

    Parameters
    ----------
    folder : str or Path

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "state"
    >>> with Checkpoints(folder, 60, {}) as checkpoints:
    ...     checkpoints.save({"step": 7})
    >>> remove(folder)
    >>> folder.exists()
    False
    """
    folder = Path(folder).expanduser()
    for path in [*_checkpoints_in(folder), folder / ".lock"]:
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # something else is in it
        folder.rmdir()


def _checkpoints_in(folder):
    """Their paths, the newest last."""
    if not folder.is_dir():
        return []
    return sorted(filter(lambda p: _NAME.fullmatch(p.name), folder.iterdir()), key=_number)


def _told(value):
    """Plain data that differs where a value does, as far as that can be told."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mask):
        value = value.array
    if ops.is_tensor(value):
        value = to_numpy(value)
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value)).hexdigest()[:16]
        return f"{' x '.join(map(str, value.shape))} {value.dtype} {digest}"
    if isinstance(value, dict):
        return {str(name): _told(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_told(each) for each in value]
    kind = getattr(value, "__qualname__", type(value).__qualname__)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"kind": kind, **_told(_fields(value))}
    return "network" if isinstance(value, VGG) else kind


def _fields(value):
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _differences(before, now, where=""):
    """Where two pieces of plain data differ, each in words."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            difference
            for name in {**before, **now}
            for difference in _differences(
                before.get(name), now.get(name), f"{where}.{name}" if where else name
            )
        ]
    if before == now:
        return []
    was, became = (textwrap.shorten(str(each), 60, placeholder="…") for each in (before, now))
    return [f"{where} was {was} and is {became}"]


def _read(path):
    """Arrays and description of a checkpoint; ValueError if a single bit of it has changed."""
    if hash_of(path, "sha256")[:16] != _NAME.fullmatch(path.name)[2]:
        raise ValueError(f"{path.name} is damaged")
    return read_arrays(path, _KIND)


def _number(path):
    return int(_NAME.fullmatch(path.name)[1])


def _from_json(value):
    """As it comes back from a file."""
    return json.loads(json.dumps(value, default=str))
