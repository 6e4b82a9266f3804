"""Making the record: the list of its experiments, run point by point.

``contents.toml`` is the list. An experiment is a file of the folder ``experiments``, in the format
of the studies, or one of the studies themselves, at the size that the list says. Some train a
painter at every point: ``trainings.py``.
"""

from __future__ import annotations

import functools
import json
import math
import tomllib
from dataclasses import replace

from ..arguments import did_you_mean
from ..jobs import from_data
from ..recipes import run
from ..studies import study as studies
from ..sweeps.grid import expanded
from ..sweeps.store import provenance, setting_as_data
from . import trainings
from .store import HOME, RecordStore

__all__ = ["contents", "make", "progress_of"]


def contents() -> dict:
    """The experiments of the record, in the order in which they are made.

    Returns
    -------
    dict of str to Study

    Examples
    --------
    >>> contents()["check"].settings["max_side"]
    128
    """
    listed = tomllib.loads((HOME / "contents.toml").read_text(encoding="utf-8"))["experiments"]
    return {each["name"]: _study(**each) for each in listed}


def progress_of(study, folder=HOME) -> tuple[int, int]:
    """How many points of an experiment are made, and how many it has."""
    points, _ = expanded(study.grid, study.fixed)
    made = RecordStore(folder).table["points"]
    return sum(study.key(point.settings) in made for point in points), len(points)


def _study(name, max_side=None, steps=None):
    own = HOME / "experiments" / f"{name}.toml"
    if own.is_file() and trainings.is_one(own):
        return trainings.read(own)
    study = studies.read(own if own.is_file() else name)
    # No network: where a study's pictures need one, the drawn ones take their places.
    return study.adapted(max_side=max_side, steps=steps, stand_ins=True)


def make(names=None, *, folder=HOME, renew=False, progress=True) -> RecordStore:
    """Make what of the record is not made yet.

    Parameters
    ----------
    names : sequence of str, optional
        Only these experiments. Default: all, and whatever the list does not name any more is
        dropped.
    folder : str or Path, default the package's own
    renew : bool, default False
        Make anew what was made by other code of this package.
    progress : bool or callable, default True
        Show a bar, or call a function of (experiment, points done, points in all, Point).

    Returns
    -------
    RecordStore

    Raises
    ------
    ValueError
        For a name that is not in the list.
    SweepError
        If points failed; all others of that experiment are made.
    OSError
        If another process makes the record in this folder.
    KeyboardInterrupt
        After Ctrl-C; the points that were finished are kept.
    """
    known = contents()
    for name in names or ():
        if name not in known:
            raise ValueError(f"no experiment {name!r}; {did_you_mean(name, known)}")
    store = RecordStore(folder)
    provenance()  # of the code that is loaded now, whatever becomes of its files meanwhile
    with store.locked():
        _make(names or known, known, store, renew, progress)
        if not names:
            store.keep_only(known)
    return store


def _make(names, known, store, renew, progress):
    for name in names:
        study = known[name]
        _describe(study, store, name)
        if not renew:
            _make_moments(study, store)
        report = functools.partial(progress, name) if callable(progress) else progress
        swept = study.run(folder=store, renew=renew, progress=report)
        if not swept.finished:
            raise KeyboardInterrupt


def _describe(study, store, name):
    points, axes = expanded(study.grid, study.fixed)
    store.describe(
        name,
        {
            "title": study.title,
            "source": study.source,
            "claim": study.claim,
            "notes": study.notes,
            "axes": axes,
            "points": [
                {
                    "key": study.key(point.settings),
                    "label": point.label,
                    "shown": point.shown,
                    "settings": setting_as_data(point.settings),
                }
                for point in points
            ],
        },
    )


def _make_moments(study, store):
    """Make points that differ in their number of steps in one run: the shorter are its moments."""
    points, _ = expanded(study.grid, study.fixed)
    alike = {}
    for point in points:
        if not isinstance(point.settings.get("steps"), int):
            continue  # the default, or a number for each size: no moment of another run
        others = {name: value for name, value in point.settings.items() if name != "steps"}
        alike.setdefault(json.dumps(setting_as_data(others)), []).append(point.settings)
    for same in alike.values():
        missing = [each for each in same if store.load(study.key(each)) is None]
        longest = max(missing, key=lambda each: each["steps"], default=None)
        if len(missing) < 2 or from_data({"job": study.job, **longest}).scales != "none":
            continue
        moments = _Moments([each["steps"] for each in missing])
        result = run(from_data({"job": study.job, **longest}), callbacks=moments, progress=False)
        if result.stop_reason not in ("steps", "converged"):
            raise KeyboardInterrupt
        for each in missing:
            store.save(study.key(each), study.call, each, moments.result(result, each["steps"]))


class _Moments:
    """A callback that keeps the best image so far at some numbers of steps."""

    def __init__(self, steps):
        self._steps, self._kept = set(steps), {}
        self._lowest, self._best, self._lines = math.inf, None, 0

    def __call__(self, progress):
        record = progress.record
        self._lines += 1
        if record.loss < self._lowest:
            self._lowest, self._best = record.loss, progress.image
        if record.step in self._steps:
            self._kept[record.step] = self._best, self._lines, record

    def result(self, longest, steps):
        """What a run of so many steps would have been; all of it, where it converged sooner."""
        if steps not in self._kept or steps == longest.history[-1].step:
            return longest
        image, lines, record = self._kept[steps]
        return replace(
            longest,
            image=image,
            history=longest.history[:lines],
            stop_reason="steps",
            message=f"the first {steps} steps of a longer run",
            settings=longest.settings | {"steps": [steps]},
            evaluations=record.evaluations,
            seconds=record.seconds,
        )
