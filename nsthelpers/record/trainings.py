"""Experiments of the record whose points are trainings of a painter, not searches for an image."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..real_time.judging import train_and_judge
from ..studies.study import Study
from ..sweeps.grid import check_call, expanded

__all__ = ["JOB", "Training", "is_one", "read"]

#: What the file of such an experiment has as its ``job``.
JOB = "train_painter"


@dataclass(frozen=True)
class Training(Study):
    """An experiment in which a painter is trained at every point, and judged.

    Its settings are those of :func:`nsthelpers.real_time.judging.train_and_judge`.
    """

    @property
    def call(self):
        """The function of a point's settings that a sweep calls."""
        return train_and_judge


def is_one(path) -> bool:
    """Whether a file of an experiment is of trainings."""
    return _data(path).get("job") == JOB


def read(path) -> Training:
    """Read such an experiment; its entries are those of a study.

    Parameters
    ----------
    path : str or Path
        A TOML file.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        For an entry or a setting that there is not, and for no points.

    Examples
    --------
    >>> list(read(Path(__file__).with_name("experiments") / "painter_recipe.toml").points)[:2]
    ['the recipe', 'painted from nothing']
    """
    path, data = Path(path), _data(path)
    if ("grid" in data) == ("points" in data):
        raise ValueError(f"{path.name}: expected either a [grid] or a list of [[points]]")
    grid = data.pop("grid", None) or data.pop("points", None)
    try:
        training = Training(name=path.stem, **{"source": "", **data}, grid=grid)
        points, _ = expanded(training.grid, training.fixed)
        for point in points:
            check_call(training.call, point.settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    return training


def _data(path):
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))
