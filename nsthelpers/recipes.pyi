# For editors and type checkers: at run time the signatures of the recipes are made from jobs.py,
# and "make lint" compares the two. What is not a picture yet is a name, a file, an address, bytes.
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, TypeAlias

import numpy as np

from .jobs import Job
from .network.vgg import VGG
from .optimizers.base import Optimizer
from .statistics.base import Statistic
from .synthesis.parametrisations import Parametrisation
from .synthesis.results import Progress, Synthesis

__all__ = [
    "coarse_to_fine", "combine_styles", "open_image", "reconstruct_content", "reconstruct_style",
    "repeat", "run", "run_described", "stylize",
]  # fmt: skip

Image: TypeAlias = Any
Callbacks: TypeAlias = Callable[[Progress], object] | Sequence[Callable[[Progress], object]]

# Each gives a Synthesis; with dry_run=True, an Estimate.
def stylize(
    content: Image,
    style: Image | Sequence[Image],
    *,
    content_weight: float = 1.0,
    style_weight: float = 10.0,
    content_layers: str | Sequence[str] = "block4_conv2",
    content_layer_weights: Sequence[float] | None = None,
    style_layers: str | Sequence[str] = ...,
    style_layer_weights: Sequence[float] | None = None,
    image_weights: Sequence[float] | None = None,
    statistic: str | Statistic = "gram",
    stroke_size: float = 1.0,
    colours: str = "painting",
    regions: Any = None,
    max_side: int = 512,
    start: Image = "recoloured",
    scales: str | Sequence[int] = "coarse to fine",
    steps: int | Sequence[int] = 200,
    seed: int = 0,
    tv_weight: float = 0.1,
    tv_kind: str = "l1",
    tv_exponent: float = 1.25,
    tv_reduction: str = "mean",
    reduction: str = "relative",
    optimizer: str | Optimizer = "lbfgs",
    image_as: str | Parametrisation = "pixels",
    learning_rate: float | None = None,
    momentum: float | None = None,
    precision: str = "auto",
    time_limit: float | None = None,
    tiles: str | int | None = "auto",
    network: str | VGG = "vgg19",
    weights: str | PathLike[str] = "auto",
    pooling: str = "max",
    padding: str = "zero",
    normalized: bool | Sequence[Any] = False,
    callbacks: Callbacks = (),
    progress: bool = True,
    dry_run: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_seconds: float = 60,
) -> Synthesis | Any: ...
def reconstruct_content(
    image: Image,
    layer: str | Sequence[str] = "block4_conv2",
    *,
    content_layer_weights: Sequence[float] | None = None,
    max_side: int = 256,
    start: Image = "noise",
    scales: str | Sequence[int] = "none",
    steps: int | Sequence[int] = 200,
    seed: int = 0,
    tv_weight: float = 0.0,
    tv_kind: str = "l1",
    tv_exponent: float = 1.25,
    tv_reduction: str = "mean",
    reduction: str = "relative",
    optimizer: str | Optimizer = "lbfgs",
    image_as: str | Parametrisation = "pixels",
    learning_rate: float | None = None,
    momentum: float | None = None,
    precision: str = "auto",
    time_limit: float | None = None,
    tiles: str | int | None = "auto",
    network: str | VGG = "vgg19",
    weights: str | PathLike[str] = "auto",
    pooling: str = "max",
    padding: str = "zero",
    normalized: bool | Sequence[Any] = False,
    callbacks: Callbacks = (),
    progress: bool = True,
    dry_run: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_seconds: float = 60,
) -> Synthesis | Any: ...
def reconstruct_style(
    images: Image | Sequence[Image],
    layers: str | Sequence[str] = ...,
    *,
    style_layer_weights: Sequence[float] | None = None,
    image_weights: Sequence[float] | None = None,
    statistic: str | Statistic = "gram",
    max_side: int = 256,
    start: Image = "noise",
    scales: str | Sequence[int] = "none",
    steps: int | Sequence[int] = 200,
    seed: int = 0,
    tv_weight: float = 0.0,
    tv_kind: str = "l1",
    tv_exponent: float = 1.25,
    tv_reduction: str = "mean",
    reduction: str = "relative",
    optimizer: str | Optimizer = "lbfgs",
    image_as: str | Parametrisation = "pixels",
    learning_rate: float | None = None,
    momentum: float | None = None,
    precision: str = "auto",
    time_limit: float | None = None,
    tiles: str | int | None = "auto",
    network: str | VGG = "vgg19",
    weights: str | PathLike[str] = "auto",
    pooling: str = "max",
    padding: str = "zero",
    normalized: bool | Sequence[Any] = False,
    callbacks: Callbacks = (),
    progress: bool = True,
    dry_run: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_seconds: float = 60,
) -> Synthesis | Any: ...
def combine_styles(
    fine: Image,
    coarse: Image,
    layers: str | Sequence[str] = ...,
    *,
    max_side: int = 512,
    steps: int = 200,
    weights: str | PathLike[str] = "auto",
    network: VGG | None = None,
    callbacks: Callbacks = (),
    progress: bool = True,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_seconds: float = 60,
) -> Synthesis: ...
def repeat(
    path: str | PathLike[str],
    *,
    callbacks: Callbacks = (),
    progress: bool = True,
    dry_run: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_seconds: float = 60,
    **others: Any,
) -> Synthesis | Any: ...
def run(
    job: Job,
    *,
    callbacks: Callbacks = (),
    progress: bool = True,
    dry_run: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_seconds: float = 60,
) -> Synthesis | Any: ...
def run_described(job: str, **settings: Any) -> Synthesis: ...
def open_image(source: Image, **size: Any) -> np.ndarray: ...
def coarse_to_fine(longest: int, coarsest: int = 128, factor: float = 2.0) -> list[int]: ...
