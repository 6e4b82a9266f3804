"""What a run is going to do, settled before any of it is done.

A plan serves the run itself and the estimate of how long it will take.
"""

from __future__ import annotations

import functools
import math
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from ..arguments import check_whole, is_whole
from ..backend import PRECISIONS, device, quickest_precision, versions
from ..images.sizes import check_size_options
from ..objectives.objective import Objective, as_objective
from ..optimizers import LBFGS, Adam, Optimizer
from ..tiling.evaluation import TiledObjective, obstacle
from .footprint import SMALLEST_TILE, fitted, lighter, tiled_work
from .parametrisations import Parametrisation, Pixels, Through, as_parametrisation
from .starts import start_image, step_counts, working_sizes

__all__ = ["Plan", "Stage", "make_plan"]


@dataclass(frozen=True)
class Stage:
    """One size of a run.

    Attributes
    ----------
    size : (int, int)
        Height and width in pixels.
    steps : int
    tiles : int or None
        Side of the tiles in which the objective is evaluated, in pixels; None: as a whole.
    optimizer : Optimizer or None
        Another than the plan's, which would not fit into the memory.
    """

    size: tuple[int, int]
    steps: int
    tiles: int | None = None
    optimizer: Optimizer | None = field(default=None, repr=False)

    @property
    def history(self) -> dict | None:
        """What an L-BFGS of its own remembers, as plain data."""
        if self.optimizer is None:
            return None
        return {"memory": self.optimizer.memory, "history": self.optimizer.history}


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that decides a run; :func:`make_plan` checks it.

    Attributes
    ----------
    objective : Objective
    image : array, float32, shape (1, H, W, 3), RGB, range [0, 1]
        The image to start from.
    start : str
        What it is: "content", "noise", ..., or "image".
    stages : tuple of Stage
        From coarse to fine.
    optimizer : Optimizer
    image_as : Parametrisation
    jitter : int
        In pixels.
    seed : int
    precision : {"float32", "bfloat16"}
        What the network computes in first.
    time_limit : float or None
        In seconds.
    """

    objective: Objective
    image: np.ndarray
    start: str
    stages: tuple[Stage, ...]
    optimizer: Optimizer
    image_as: Parametrisation
    jitter: int
    seed: int
    precision: str
    time_limit: float | None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the result, in pixels."""
        return self.stages[-1].size

    @property
    def steps(self) -> int:
        """Of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def share(self, step) -> float:
        """How much of the work is done after so many steps, from 0 to 1.

        The work of a step is taken to go with the pixels, and with what tiles take beyond them.
        """
        done = total = 0.0
        for stage, work in zip(self.stages, self._work, strict=True):
            done, total = done + work * min(step, stage.steps), total + work * stage.steps
            step -= min(step, stage.steps)
        return done / total if total else 1.0

    @functools.cached_property
    def _work(self):
        """Of one step at each size."""
        return [
            math.prod(stage.size) * tiled_work(self.objective, stage.size, stage.tiles)
            for stage in self.stages
        ]

    @property
    def way(self) -> Optimizer:
        """The optimizer as it works on images, however these are written down."""
        return self._through(self.optimizer)

    def way_at(self, size) -> Optimizer:
        """The same at one of the sizes, or a smaller one, where memory is short."""
        return self._through(self._stage_at(size).optimizer or self.optimizer)

    def _through(self, optimizer):
        return optimizer if isinstance(self.image_as, Pixels) else Through(optimizer, self.image_as)

    def _stage_at(self, size):
        return next(s for s in self.stages if math.prod(s.size) >= math.prod(size))

    def bind(self, size, precision):
        """The objective at one of the sizes, or a smaller one; paintings shrink as the image does.

        Returns
        -------
        BoundObjective or TiledObjective
        """
        scale, tiles = size[0] / self.size[0], self._stage_at(size).tiles
        if tiles is None:
            return self.objective.at(*size, scale, precision)
        return TiledObjective(self.objective, *size, scale, precision, tiles)

    def settings(self) -> dict:
        """Everything that decides the pixels, as plain data."""
        return {
            "objective": self.objective.settings(),
            "start": self.start,
            "optimizer": self.optimizer.settings(),
            "image_as": self.image_as.settings(),
            **({"jitter": self.jitter} if self.jitter else {}),
            "steps": [stage.steps for stage in self.stages],
            "sizes": [list(stage.size) for stage in self.stages],
            **({"tiles": tiles} if any(tiles := [s.tiles for s in self.stages]) else {}),
            **({"histories": kept} if any(kept := [s.history for s in self.stages]) else {}),
            "seed": self.seed,
            "precision": self.precision,
            "device": asdict(device()),
            "versions": versions(),
        }


def make_plan(
    objective,
    start="content",
    *,
    optimizer=None,
    image_as="pixels",
    jitter=0,
    steps=200,
    scales=None,
    seed=0,
    precision="auto",
    time_limit=None,
    tiles="auto",
    size=None,
    before=None,
) -> Plan:
    """Check what :func:`nsthelpers.synthesize` was given, and settle what it leaves open.

    Parameters
    ----------
    objective, start, optimizer, image_as, jitter, steps, scales, seed, precision, time_limit, tiles
        As :func:`nsthelpers.synthesize` takes them.
    size : (int, int), optional
        Height and width of the result, where these are not the start image's.
    before : dict, optional
        The :meth:`Plan.settings` of the same run when it began. What was chosen then for the memory
        that was free stays chosen.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense.

    Examples
    --------
    >>> from nsthelpers import TotalVariation, white_noise
    >>> plan = make_plan(TotalVariation(), white_noise(48, 64), scales=[32, 64], steps=[20, 10])
    >>> plan.stages
    (Stage(size=(24, 32), steps=20, tiles=None), Stage(size=(48, 64), steps=10, tiles=None))
    """
    objective = as_objective(objective)
    check_whole("jitter", jitter, 0)
    check_whole("seed", seed, 0)
    _check_tiles(tiles, objective)
    if optimizer is None:
        optimizer = Adam() if jitter else LBFGS()
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"the optimizer is {optimizer!r}; expected one such as nst.LBFGS()")
    if jitter and isinstance(optimizer, LBFGS):
        raise ValueError(
            f"jitter is {jitter}, and L-BFGS compares losses from step to step, which are those of "
            "another shift each; expected optimizer=nst.Adam(), or no jitter"
        )
    placed = [label for label, term in objective.terms.items() if term.placed]
    if jitter and placed:
        raise ValueError(
            f"jitter is {jitter}, but {placed[0]} is compared position by position; expected terms "
            "that ask for no place, such as a style, or no jitter"
        )
    image_as = as_parametrisation(image_as)
    image = start_image(objective, start, seed)
    sizes = working_sizes(size or image.shape[1:3], scales)
    for each in sizes:
        check_size_options(None, None, each)  # hours later it would be refused all the same
    counts = step_counts(steps, len(sizes))
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"the time limit is {time_limit} seconds; expected a positive number")
    if precision not in ("auto", *PRECISIONS):
        raise ValueError(f"unknown precision {precision!r}; expected auto, {', '.join(PRECISIONS)}")
    if objective.network is None:
        precision = "float32"  # the pixels are never rounded
    elif precision == "auto":
        precision = quickest_precision()
    stages = tuple(map(Stage, sizes, counts))
    if tiles == "auto" and before and before.get("sizes") == [list(size) for size in sizes]:
        stages = _as_before(stages, optimizer, before)
    else:
        stages = tuple(_fitted(s, tiles, objective, optimizer, precision) for s in stages)
    return Plan(
        objective,
        image,
        start if isinstance(start, str) else "image",
        stages,
        optimizer,
        image_as,
        int(jitter),
        int(seed),
        precision,
        time_limit,
    )


def _fitted(stage, tiles, objective, optimizer, precision):
    """A stage with tiles, and with less of a history where the default one does not fit."""
    others = lighter(optimizer, stage.steps) if optimizer == LBFGS() else ()
    tiles, chosen = fitted(tiles, objective, optimizer, precision, stage.size, others)
    return replace(stage, tiles=tiles, optimizer=None if chosen is optimizer else chosen)


def _as_before(stages, optimizer, before):
    """Stages with the tiles and histories of a run that goes on."""
    none = [None] * len(stages)
    tiles, histories = (before.get(name, none) for name in ("tiles", "histories"))
    return tuple(
        replace(stage, tiles=side, optimizer=kept and replace(optimizer, **kept))
        for stage, side, kept in zip(stages, tiles, histories, strict=True)
    )


def _check_tiles(tiles, objective):
    if tiles is None or (isinstance(tiles, str) and tiles == "auto"):
        return
    if not is_whole(tiles, SMALLEST_TILE):
        raise ValueError(
            f"tiles is {tiles!r}; expected 'auto', None or a whole number of at least "
            f"{SMALLEST_TILE}, the side of a tile in pixels"
        )
    reason = obstacle(objective)
    if reason:
        raise ValueError(
            f"tiles is {tiles}, but this cannot be evaluated tile by tile: {reason}; expected "
            "tiles=None"
        )
