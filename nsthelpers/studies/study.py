"""The studies: experiments of other people, each in a file, to be run again by one call.

A file says where an experiment was published, what its authors found, with which settings, which of
these they did not state, and which pictures can stand in for theirs where there is no network.
"""

from __future__ import annotations

import functools
import itertools
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..arguments import check_whole, did_you_mean
from ..jobs import JOBS, from_data, settings_of
from ..network.weights import describe_sources
from ..profiles import profile as run_profile
from ..recipes import run_described
from ..sweeps.execution import Sweep, sweep
from ..sweeps.grid import expanded
from ..sweeps.store import point_key
from .verdicts import Verdict

__all__ = ["JOBS", "Study", "documents", "names", "read"]

_TEXTS = ("title", "source", "job", "claim", "notes")
_TABLES = ("settings", "grid", "stand_ins", "reference")
_LISTS = ("assumed", "points", "found", "verdicts")
_KEYS = (*_TEXTS, *_LISTS, *_TABLES)


@dataclass(frozen=True)
class Study:
    """One experiment; :func:`read` makes it from a file.

    Attributes
    ----------
    name, title, source : str
        The file's name, what it is about, who published it and where.
    job : {"stylize", "reconstruct_content", "reconstruct_style"}
        A key of :data:`nsthelpers.jobs.JOBS`.
    grid : dict or list of dict
        As :func:`nsthelpers.sweep` takes it.
    settings : dict
        The same at every point that does not have its own.
    claim, notes : str
        What its authors found; what to know besides.
    found : list of str
        The same in their own words, each with its place in the document.
    assumed : list of str
        Settings that they do not state.
    stand_ins : dict of str to str
        For pictures that need a download, similar ones that need none.
    reference : dict of str to float
        Numbers that they measured, to put beside one's own.
    verdicts : list of nsthelpers.studies.verdicts.Verdict
        What they claim, how that is tested, and what came of it in the record.
    """

    name: str
    title: str
    source: str
    job: str
    grid: object
    settings: dict = field(default_factory=dict)
    claim: str = ""
    notes: str = ""
    found: list = field(default_factory=list)
    assumed: list = field(default_factory=list)
    stand_ins: dict = field(default_factory=dict)
    reference: dict = field(default_factory=dict)
    verdicts: list = field(default_factory=list)

    def adapted(self, profile=None, *, max_side=None, steps=None, stand_ins=False) -> Study:
        """Make the same study smaller or larger, or of other pictures.

        Parameters
        ----------
        profile : {"fast", "cpu", "gpu"} or Profile, optional
            Pictures no larger and runs no longer than a grid's in that profile; "fast" keeps only
            the first and last value of every axis too. Default: as the file says.
        max_side : int, optional
            Long side of the pictures in pixels, before what the profile says.
        steps : int, optional
            Steps of a point whose number of steps is the file's usual one; all others keep their
            ratio to it. Before what the profile says.
        stand_ins : bool, default False
            Put pictures that need no download in the places of those that do.

        Returns
        -------
        Study
            With the settings changed. VGG16 becomes VGG19 where its weights cannot be had.

        Raises
        ------
        ValueError
            For a profile that does not exist or a number that is not positive.
        """
        profile = run_profile(profile) if isinstance(profile, str) else profile
        for name, value in (("max_side", max_side), ("steps", steps)):
            if value is not None:
                check_whole(name, value, 1)
        changes = {}
        if profile or max_side:
            side = self.settings.get("max_side", settings_of(self.job)["max_side"].default)
            changes["max_side"] = max_side or min(side, profile.grid_side)
        usual = self.settings.get("steps", settings_of(self.job)["steps"].default)
        factor = 1.0
        if profile or steps:
            longest = max(usual) if isinstance(usual, (list, tuple)) else usual
            factor = (steps or min(longest, profile.grid_steps)) / longest
            changes["steps"] = _fewer("steps", usual, factor)
        if self.settings.get("network") == "vgg16" and not _trained("vgg16"):
            changes["network"] = "vgg19"
        swap = self.stand_ins if stand_ins else {}
        fast = profile is not None and profile.name == "fast"
        grid = _thinned(self.grid) if fast else self.grid
        return replace(
            self,
            settings={n: _swapped(v, swap) for n, v in {**self.settings, **changes}.items()},
            grid=_each_value(grid, lambda n, v: _swapped(_fewer(n, v, factor), swap)),
        )

    def run(
        self, *, folder=None, n_jobs=None, on_error="raise", renew=False, progress=True
    ) -> Sweep:
        """Do the job at every point; the arguments are those of :func:`nsthelpers.sweep`.

        Returns
        -------
        Sweep
        """
        return sweep(
            self.call,
            self.grid,
            fixed=self.fixed,
            folder=folder,
            n_jobs=n_jobs,
            on_error=on_error,
            renew=renew,
            progress=progress,
        )

    def check(self):
        """Raise now what would else be raised after minutes: unknown settings, pictures, layers.

        Raises
        ------
        ValueError, OSError
        """
        points, _ = expanded(self.grid, self.fixed)
        for point in points:
            for name in settings_of(self.job):
                if name in ("content", "style") and name not in point.settings:
                    raise ValueError(f"{self.job} needs {name} = a picture, in [settings]")
            job = from_data({"job": self.job, **point.settings})
            for name in ("content", "style"):
                for picture in _as_list(getattr(job, name, "")):
                    if not isinstance(picture, str):
                        raise ValueError(f"{name} is {picture!r}; expected its name or file")
            job.check_pictures()

    @property
    def points(self) -> dict:
        """The points, by the labels that captions and verdicts have for them.

        A value that the file names stands alone, any other behind its setting's name.
        """
        points, axes = expanded(self.grid, self.fixed)
        if not axes:
            return {point.label: point for point in points}
        named = {axis for axis in axes if isinstance(self.grid[axis], dict)}
        texts = itertools.product(
            *([t if axis in named else f"{axis} = {t}" for t in axes[axis]] for axis in axes)
        )
        return dict(zip((", ".join(each) for each in texts), points, strict=True))

    @property
    def call(self):
        """The function of a point's settings that a sweep calls."""
        return functools.partial(run_described, self.job)

    def key(self, settings) -> str:
        """What a sweep keeps the point of these settings under."""
        return point_key(self.call, settings)

    @property
    def fixed(self) -> dict:
        """The settings without those that are varied: `steps` may be both, to say what is usual."""
        varied = () if isinstance(self.grid, list) else self.grid
        return {name: value for name, value in self.settings.items() if name not in varied}


def names() -> list[str]:
    """The studies that come with this package.

    Returns
    -------
    list of str

    Examples
    --------
    >>> "lakic_content_style_ratio" in names()
    True
    """
    return sorted(path.stem for path in _folder().glob("*.toml"))


def documents() -> dict:
    """The documents whose experiments the studies are.

    Returns
    -------
    dict of str to dict
        By the authors with which a study's ``source`` begins: ``title``, ``what``, and
        ``against_itself``, a list of places where the document contradicts itself.

    Examples
    --------
    >>> list(documents())[0], documents()["Guide"]["what"]
    ('Ferdous', 'online guide')
    """
    return tomllib.loads(_folder().with_name("documents.toml").read_text(encoding="utf-8"))


def read(source) -> Study:
    """Read a study.

    Parameters
    ----------
    source : str or Path
        The name of one that comes with this package, or a TOML file.

    Returns
    -------
    Study

    Raises
    ------
    FileNotFoundError
        If there is neither.
    ValueError
        If the file is no study; the text says which line or entry, and what was expected.

    Examples
    --------
    >>> study = read("lakic_content_style_ratio")
    >>> study.job, study.settings["pooling"]
    ('stylize', 'avg')
    """
    path = _folder() / f"{source}.toml"
    if not path.is_file():
        path = Path(source).expanduser()
    try:
        text = path.read_bytes().decode("utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise FileNotFoundError(
            f"no study {str(source)!r}, neither a file nor one that comes along: "
            f"{did_you_mean(path.stem, names())}"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is no text; expected a study in TOML, as UTF-8") from None
    try:
        study = _study(path.stem, tomllib.loads(text))
        study.check()
        labels = list(study.points)
        verdicts = [Verdict.read(each, labels) for each in study.verdicts]
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is not valid TOML: {error}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    return replace(study, verdicts=verdicts)


def _study(name, read):
    for key in read:
        if key not in _KEYS:
            raise ValueError(f"unknown entry {key!r}; {did_you_mean(key, _KEYS)}")
    for key, kinds, expected in (
        *((key, str, "a text") for key in _TEXTS),
        *((key, dict, f"a table: [{key}]") for key in _TABLES),
        *((key, list, "a list") for key in _LISTS),
    ):
        if key in read and not isinstance(read[key], kinds):
            raise ValueError(f"{key} is {read[key]!r}; expected {expected}")
    missing = [key for key in ("title", "job") if not read.get(key)]
    if missing:
        raise ValueError(f"{missing[0]} is missing; put it at the top, before the first [table]")
    if read["job"] not in JOBS:
        raise ValueError(f"unknown job {read['job']!r}; expected one of {', '.join(JOBS)}")
    if ("grid" in read) == ("points" in read):
        raise ValueError("expected either a [grid] of values or a list of [[points]], and not both")
    known = settings_of(read["job"])
    for setting in read.get("assumed", ()):
        if setting not in known:
            raise ValueError(
                f"assumed names {setting!r}, which is no setting; {did_you_mean(setting, known)}"
            )
    grid = read.pop("grid", None) or read.pop("points", None)
    if not grid:
        raise ValueError("the grid has no points; give at least one setting some values")
    return Study(name=name, **{"source": "", **read}, grid=grid)


def _folder():
    """Where the files lie."""
    return Path(__file__).with_name("experiments")


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _trained(network):
    return any(usable for source, usable, _ in describe_sources(network) if source != "random")


def _thinned(grid):
    if isinstance(grid, list):
        return [grid[0], grid[-1]] if len(grid) > 2 else grid
    return {
        name: dict(_ends(list(values.items()))) if isinstance(values, dict) else _ends(values)
        for name, values in grid.items()
    }


def _ends(values):
    return [values[0], values[-1]] if len(values) > 2 else values


def _each_value(grid, change):
    if isinstance(grid, list):
        return [{name: change(name, value) for name, value in point.items()} for point in grid]
    return {
        name: {label: change(name, value) for label, value in values.items()}
        if isinstance(values, dict)
        else [change(name, value) for value in values]
        for name, values in grid.items()
    }


def _fewer(name, value, factor):
    if name != "steps":
        return value
    if isinstance(value, (list, tuple)):  # one number for each size
        return [_fewer(name, each, factor) for each in value]
    return max(1, round(value * factor))


def _swapped(value, swap):
    if isinstance(value, list):
        return [_swapped(each, swap) for each in value]
    return swap.get(value, value) if isinstance(value, str) else value
