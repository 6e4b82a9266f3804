"""Where the record is kept: one table in JSON, a line for each point, and a WebP file each.

A sweep keeps its points here as it does in a folder of its own, so that the record resumes where it
was interrupted, whatever machine it was on.
"""

from __future__ import annotations

import functools
import json
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from ..files import finite, write_whole
from ..sweeps.store import job_name, provenance, setting_as_data

__all__ = ["HOME", "RecordStore"]

#: Where the record lies that comes with this package.
HOME = Path(__file__).parent

_QUALITY = 86  # chosen by eye: nothing is to be seen of it, and 256 pixels take about 25 KB
_RECORDS = 60  # lines of a history that are kept


class RecordStore:
    """A folder with the record's table and pictures.

    Parameters
    ----------
    folder : str or Path, default the package's own

    Attributes
    ----------
    folder : Path

    Raises
    ------
    ValueError
        If there is a table that cannot be read.
    """

    def __init__(self, folder=HOME):
        self.folder = Path(folder).expanduser()
        self._table = self.folder / "table.json"

    @functools.cached_property
    def table(self) -> dict:
        """``points``, by their keys, and ``experiments``, by their names, as plain data."""
        try:
            return json.loads(self._table.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"experiments": {}, "points": {}}
        except ValueError as error:
            raise ValueError(
                f"{self._table} cannot be read ({error}); restore it from the repository"
            ) from None

    @contextmanager
    def locked(self):
        """Inside, no other process makes the record in this folder; OSError where one does."""
        import filelock

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise OSError(f"another process makes the record in {self.folder}") from None
        try:
            self.__dict__.pop("table", None)  # what it has written before
            yield
        finally:
            lock.release()

    def picture(self, key) -> Path:
        """Where the picture of a point is, or will be."""
        return self.folder / "pictures" / f"{key}.webp"

    def save(self, key, job, settings, result):
        """Keep a finished point: first its picture, then its line of the table."""
        self.picture(key).parent.mkdir(parents=True, exist_ok=True)
        from ..images.files import save_image

        save_image(result.image, self.picture(key), quality=_QUALITY)
        self.table["points"][key] = {
            "package": dict(provenance()),
            "job": job_name(job),
            "settings": setting_as_data(settings),
            "synthesis": {n: value for n, value in result.settings.items() if n != "job"},
            "stop_reason": result.stop_reason,
            "message": result.message,
            "evaluations": result.evaluations,
            "seconds": _rounded(result.seconds),
            "history": [_row(record) for record in _thinned(result.history)],
        }
        self._write()

    def describe(self, name, description):
        """Keep what an experiment is: its texts, and which points belong to it."""
        if self.table["experiments"].get(name) != description:
            self.table["experiments"][name] = description
            self._write()

    def keep_only(self, names):
        """Drop every other experiment, and whatever belongs to none: rows and pictures.

        Returns
        -------
        list of str
            The keys of the points that were dropped.
        """
        experiments = self.table["experiments"]
        for name in set(experiments) - set(names):
            del experiments[name]
        used = {point["key"] for each in experiments.values() for point in each["points"]}
        dropped = sorted(set(self.table["points"]) - used)
        for key in dropped:
            del self.table["points"][key]
        for path in (self.folder / "pictures").glob("*.webp"):
            if path.stem not in used:
                path.unlink()
        self._write()
        return dropped

    def load(self, key):
        """A finished point as a Synthesis; None if it is not there whole.

        The picture comes from its WebP file, so its values are near those that were found, and the
        history is thinned.
        """
        row = self.table["points"].get(key)
        if row is None:
            return None
        from ..images.files import load_image
        from ..synthesis.results import Record, Synthesis

        with suppress(OSError, ValueError):  # missing, or damaged: to be made again
            return Synthesis(
                load_image(self.picture(key)),
                [Record.from_data(record) for record in row["history"]],
                row["stop_reason"],
                row["message"],
                row["synthesis"],
                row["evaluations"],
                row["seconds"],
            )
        return None

    def made_by_other_code(self, key) -> bool:
        """Whether the code of this package has changed since a point was made."""
        return self.table["points"][key]["package"]["code"] != provenance()["code"]

    def _write(self):
        experiments = dict(sorted(self.table["experiments"].items()))
        self.table["experiments"] = experiments
        # A line for each, so that a change shows what it changed.
        parts = ",\n".join(
            f'"{part}": {{\n'
            + ",\n".join(
                f"{json.dumps(name)}: {json.dumps(finite(value), ensure_ascii=False)}"
                for name, value in self.table[part].items()
            )
            + "\n}"
            for part in ("experiments", "points")
        )
        write_whole(self._table, f"{{\n{parts}\n}}\n".encode())


def _thinned(history):
    """At most so many lines: the ends, and what lies evenly between them on a logarithmic scale."""
    if len(history) <= _RECORDS:
        return history
    last = len(history) - 1
    places = {0, last, round(2 * last / 3)}  # the last: how much half as many steps again won
    ratio = last ** (1 / (_RECORDS - 1))
    places |= {min(last, round(ratio**power)) for power in range(_RECORDS)}
    return [history[place] for place in sorted(places)]


def _row(record):
    data = asdict(record)
    return data | {
        "seconds": _rounded(record.seconds),
        "loss": _rounded(record.loss),
        "terms": {name: _rounded(loss) for name, loss in record.terms.items()},
        "size": list(record.size),
    }


def _rounded(value):
    return float(f"{value:.7g}")
