"""Reading the record: the names of its experiments, and each with its table and pictures."""

from __future__ import annotations

from dataclasses import dataclass

from ..arguments import did_you_mean
from ..sweeps.execution import Sweep
from ..sweeps.grid import Point
from .store import HOME, RecordStore

__all__ = ["Experiment", "load", "names"]


@dataclass
class Experiment(Sweep):
    """An experiment of the record: a sweep that was made before, and what it is about.

    Attributes
    ----------
    points, axes, folder, message
        As of :class:`nsthelpers.sweeps.execution.Sweep`, which also has ``table``, ``results`` and
        ``sheet()``. A picture comes from a WebP file; the history of a result is thinned.
    name, title, source, claim, notes : str
        As of :class:`nsthelpers.studies.Study`.
    """

    name: str = ""
    title: str = ""
    source: str = ""
    claim: str = ""
    notes: str = ""


def names(folder=HOME) -> list[str]:
    """The experiments of which the record holds points.

    Parameters
    ----------
    folder : str or Path, default the package's own

    Returns
    -------
    list of str

    Examples
    --------
    >>> "check" in names()
    True
    """
    table = RecordStore(folder).table
    return [
        name
        for name, each in table["experiments"].items()
        if any(point["key"] in table["points"] for point in each["points"])
    ]


def load(name, folder=HOME) -> Experiment:
    """Get an experiment of the record: nothing is computed, nothing downloaded.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    folder : str or Path, default the package's own

    Returns
    -------
    Experiment
        A point that is not made yet has no result.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> experiment = load("check")
    >>> experiment.finished, experiment.results["L-BFGS"].image.shape[2]
    (True, 128)
    """
    store = RecordStore(folder)
    known = store.table["experiments"]
    if name not in known:
        raise ValueError(f"the record has no experiment {name!r}; {did_you_mean(name, known)}")
    described = dict(known[name])
    points = []
    for each in described.pop("points"):
        key = each["key"]
        result = store.load(key)
        points.append(
            Point(
                each["label"],
                each["shown"],
                each["settings"],
                result,
                None if result is None else store.picture(key),
                reused=True,
                other_code=result is not None and store.made_by_other_code(key),
            )
        )
    made = sum(point.result is not None for point in points)
    message = f"{made} of {len(points)} points" if made < len(points) else f"{made} points"
    return Experiment(points, described.pop("axes"), store.folder, message, name, **described)
