"""The points of a grid of settings: their values, their labels, and what cannot be one."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..arguments import did_you_mean

__all__ = ["RESULTS", "Point", "check_call", "expanded"]

#: Columns of a sweep's table that no setting can have the name of.
RESULTS = (
    "loss", "seconds", "step_seconds", "evaluations", "stop_reason", "picture", "other_code",
    "error",
)  # fmt: skip


@dataclass
class Point:
    """One point of a sweep.

    Attributes
    ----------
    label : str
        For captions and legends; each point of a sweep has its own.
    shown : dict of str to object
        The settings that differ between points, as the table shows them.
    settings : dict of str to object
        All keyword arguments of the job.
    result : Synthesis or None
    picture : Path or None
        The file of the result's picture.
    error : str
        What went wrong at this point, if something did.
    reused : bool
        Whether the result was found in the folder.
    other_code : bool
        Whether it was, and this package's code has changed since it was made.
    """

    label: str
    shown: dict
    settings: dict = field(repr=False)
    result: object = field(default=None, repr=False)
    picture: Path | None = None
    error: str = ""
    reused: bool = False
    other_code: bool = False

    @property
    def row(self) -> dict:
        """This point's row of the table."""
        row = {**dict.fromkeys(RESULTS), **self.shown}
        row |= {"other_code": self.other_code, "error": self.error}
        if self.result is None:
            return row | dict.fromkeys(("loss", "seconds", "step_seconds"), math.nan)
        row |= {
            "seconds": self.result.seconds,
            "step_seconds": _step_seconds(self.result.history),
            "evaluations": self.result.evaluations,
            "stop_reason": self.result.stop_reason,
            "picture": str(self.picture),
        }
        if not self.result.history:
            return row | {"loss": math.nan}
        last = self.result.history[-1]
        terms = {f"{term}_loss": loss for term, loss in last.terms.items()}
        return row | {"loss": last.loss, **terms}


def expanded(grid, fixed):
    """List the points of a grid.

    Parameters
    ----------
    grid : mapping or sequence of mappings
    fixed : dict
        Both as :func:`nsthelpers.sweep` takes them.

    Returns
    -------
    points : list of Point
    axes : dict of str to list of str
        Names of the settings and labels of their values; empty for a sequence.

    Raises
    ------
    ValueError, TypeError
        For a grid that makes no sense.

    Examples
    --------
    >>> points, axes = expanded({"steps": [10, 20], "layers": {"first": ["conv1_1"]}}, {"seed": 0})
    >>> points[0].label, points[0].settings
    ('steps = 10, layers = first', {'seed': 0, 'steps': 10, 'layers': ['conv1_1']})
    >>> axes
    {'steps': ['10', '20'], 'layers': ['first']}
    """
    if isinstance(grid, Mapping):
        axes = {str(name): _axis(name, values) for name, values in grid.items()}
        listed = [dict(zip(axes, each, strict=True)) for each in itertools.product(*axes.values())]
        labels = ["" for _ in listed]
    else:
        axes, listed, labels = {}, [], []
        for given in grid:
            if not isinstance(given, Mapping):
                raise TypeError(f"a point is a {type(given).__name__}; expected a dict of settings")
            listed.append({n: (_label(v), v) for n, v in given.items() if n != "label"})
            labels.append(str(given.get("label", "")))
    if not listed:
        raise ValueError("the grid has no points; give at least one")
    points = []
    for label, chosen in zip(labels, listed, strict=True):
        _check_names(chosen, fixed if axes else ())
        values = {name: value for name, (_, value) in chosen.items()}
        shown = {name: _cell(text, value) for name, (text, value) in chosen.items()}
        described = ", ".join(f"{name} = {text}" for name, (text, _) in chosen.items())
        points.append(Point(label or described or "one", shown, {**fixed, **values}))
    if any(labels):
        for point in points:
            point.shown = {"label": point.label, **point.shown}
    _make_unique(points)
    return points, {name: [text for text, _ in values] for name, values in axes.items()}


def _axis(name, values):
    if isinstance(values, Mapping):
        pairs = [(str(text), value) for text, value in values.items()]
    elif isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"the values of {name} are {values!r}; expected a list, such as [{values}]")
    else:
        pairs = [(_label(value), value) for value in values]
    if not pairs:
        raise ValueError(f"there are no values of {name}; give at least one, or leave it out")
    return pairs


def _check_names(chosen, fixed):
    both = sorted(set(chosen) & set(fixed))
    if both:
        raise ValueError(f"{both[0]} is in the grid and fixed; give it in one of them")
    for name in chosen:
        if name in (*RESULTS, "label") or name.endswith("_loss"):
            raise ValueError(f"no setting can be called {name}: a result's column has that name")


def _make_unique(points):
    seen: dict[str, int] = {}
    for point in points:
        seen[point.label] = seen.get(point.label, 0) + 1
        if seen[point.label] > 1:
            point.label = f"{point.label} ({seen[point.label]})"


def _label(value):
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_label, value))
    if isinstance(value, np.ndarray):
        return f"array {' x '.join(map(str, value.shape))}"
    return "none" if value is None else str(value)


def _cell(text, value):
    """A number stays one, so that the table can be sorted and drawn."""
    return value if isinstance(value, (int, float, np.number)) else text


def check_call(job, settings):
    """Raise TypeError unless the job can be called with these settings.

    Examples
    --------
    >>> check_call(lambda steps: None, {"stps": 10})
    Traceback (most recent call last):
    TypeError: the job <lambda> has no setting 'stps'; did you mean steps?
    """
    if not callable(job):
        raise TypeError(f"the job is a {type(job).__name__}; expected a function of settings")
    name = getattr(job, "__name__", type(job).__name__)
    try:
        known = inspect.signature(job).parameters
    except ValueError:  # some built-in functions have none
        return
    takes_all = any(each.kind is each.VAR_KEYWORD for each in known.values())
    for unknown in () if takes_all else settings.keys() - known.keys():
        free = known.keys() - settings.keys()
        hint = did_you_mean(unknown, free, f"it takes {', '.join(known)}")
        raise TypeError(f"the job {name} has no setting {unknown!r}; {hint}")
    try:
        inspect.signature(job).bind(**settings)
    except TypeError as error:
        raise TypeError(f"the job {name} is {error}; put it in the grid or in fixed=") from None


def _step_seconds(history):
    """The median, so that the first steps, which compile, do not count."""
    times = [record.seconds for record in history]
    return float(np.median(np.diff(times))) if len(times) > 1 else math.nan
