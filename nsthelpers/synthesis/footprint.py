"""How much memory a run needs, counted beforehand, and whether that asks for tiles."""

from __future__ import annotations

import math
from dataclasses import replace

from ..backend import device, reusable_memory
from ..network.layers import layer_table
from ..objectives.terms import Content
from ..tiling.evaluation import cutter_of, obstacle
from .memory import held_and_free

__all__ = ["SMALLEST_TILE", "USABLE", "fitted", "lighter", "needed_bytes", "tiled_work"]

# Measured as the slope of peak memory over pixels, see benchmarks/estimate_check.py: activations
# are kept for the gradient, and a few of the largest are there twice.
_BYTES_PER_ACTIVATION = {"float32": 6.2, "bfloat16": 3.7}
# Beyond zeros, a padded copy of what goes into each convolution is kept, too.
_BYTES_PER_PADDED = {"float32": 4, "bfloat16": 2}
_IMAGE_BYTES = 3 * 4
# Image, gradient, trial points and their differences. Where the picture is looked at as a whole,
# they come and go in the memory that activations have left; of tiles these are few. Measured with
# tiles as the slope of the peak over pixels, see benchmarks/tiles.py.
_VECTORS, _VECTORS_WITH_TILES = 10, 20
#: Share of the free memory that a run may take.
USABLE = 0.9
#: Side of a tile's core in pixels: the stride of the deepest layers.
SMALLEST_TILE = 16
_SIDES = (1024, 512, 256, 128)  # of tiles, the quickest first
_FEWER_PAIRS = (10, 5)  # that L-BFGS remembers
# What needs less is begun without a look at the memory, which takes time on a GPU.
_LITTLE = 10**9


def needed_bytes(objective, optimizer, precision, size, tiles=None) -> float:
    """Memory that a run at one size takes beside what the process holds already.

    Parameters
    ----------
    objective : Objective
    optimizer : Optimizer
    precision : {"float32", "bfloat16"}
    size : (int, int)
        Height and width in pixels.
    tiles : int, optional
        Side of a tile's core; None: the picture as a whole.

    Returns
    -------
    float

    Examples
    --------
    >>> from nsthelpers import LBFGS, Adam, TotalVariation
    >>> smooth = 1 * TotalVariation()
    >>> needed_bytes(smooth, LBFGS(memory=3), "float32", (10, 10))  # 16 vectors of 300 numbers
    19200.0
    """
    # L-BFGS keeps two vectors for each step, which may be of half the size.
    halved = getattr(optimizer, "history", "float32") == "bfloat16"
    vectors = _VECTORS if tiles is None else _VECTORS_WITH_TILES
    vectors += 2 * getattr(optimizer, "memory", 2) * (0.5 if halved else 1)
    seen, held = math.prod(size), 0.0
    if tiles is not None:
        seen = math.prod(cutter_of(objective, tiles).window(size))
        held = math.prod(size) * _held_bytes(objective)
    activations = _activation_bytes(objective, precision)
    return float(seen * activations + held + math.prod(size) * vectors * _IMAGE_BYTES)


def tiled_work(objective, size, tiles) -> float:
    """How many times the work of the whole picture its tiles take: once more forwards, and halos.

    Returns
    -------
    float
        1.0 without tiles.
    """
    if tiles is None:
        return 1.0
    cutter = cutter_of(objective, tiles)
    windows = len(cutter.tiles(size)) * math.prod(cutter.window(size))
    return 1.5 * windows / math.prod(size)


def lighter(optimizer, steps) -> list:
    """L-BFGS with less and less of a history, the best first.

    Parameters
    ----------
    optimizer : LBFGS
    steps : int
        That will be made. No more pairs than these are remembered, which changes nothing.

    Returns
    -------
    list of LBFGS

    Examples
    --------
    >>> from nsthelpers import LBFGS
    >>> [(each.memory, each.history) for each in lighter(LBFGS(), 200)]
    [(20, 'float32'), (20, 'bfloat16'), (10, 'bfloat16'), (5, 'bfloat16')]
    >>> [(each.memory, each.history) for each in lighter(LBFGS(), 10)]
    [(10, 'float32'), (10, 'bfloat16'), (5, 'bfloat16')]
    """
    most = max(1, min(optimizer.memory, steps))
    fewer = [pairs for pairs in _FEWER_PAIRS if pairs < most]
    return [
        replace(optimizer, memory=most),
        *(replace(optimizer, memory=pairs, history="bfloat16") for pairs in (most, *fewer)),
    ]


def fitted(tiles, objective, optimizer, precision, size, others=()):
    """The side of tiles at one size, and the optimizer for it.

    Parameters
    ----------
    tiles : "auto", None or int
        As :func:`nsthelpers.synthesize` takes it; checked.
    objective, optimizer, precision, size
        As in :func:`needed_bytes`.
    others : sequence of Optimizer, optional
        That may stand in where tiles alone do not make it fit, the best first.

    Returns
    -------
    tiles : int or None
        None where the picture is looked at as a whole.
    optimizer : Optimizer
    """
    if tiles is None or (tiles != "auto" and max(size) <= tiles):
        return None, optimizer
    if tiles != "auto":
        return int(tiles), optimizer
    if needed_bytes(objective, optimizer, precision, size) < _LITTLE or obstacle(objective):
        return None, optimizer
    found = device()
    _, free = held_and_free(found.kind, found.index)
    if free is None:
        return None, optimizer
    usable = USABLE * (free + reusable_memory(found))
    if needed_bytes(objective, optimizer, precision, size) <= usable:
        return None, optimizer
    sides = [side for side in _SIDES if side < max(size)]
    if not sides:
        return None, optimizer
    choices = [(side, each) for each in (optimizer, *others) for side in sides]
    for side, each in choices:
        if needed_bytes(objective, each, precision, size, side) <= usable:
            return side, each
    return choices[-1]


def _activation_bytes(objective, precision):
    """For each pixel, of the activations that the gradient needs."""
    # A masked style looks at an image of its own: its activations are kept besides the others'.
    shared, passes = [], []
    for weight, term in objective.parts:
        if weight > 0 and getattr(term, "masked", False):
            passes.append(term.layers)
        elif weight > 0:
            shared += term.layers
    passes = [layers for layers in (shared, *passes) if layers]
    activations = sum(_activations(objective.network.name, layers) for layers in passes)
    each = _BYTES_PER_ACTIVATION[precision]
    if activations and objective.network.padding != "zero":
        each += _BYTES_PER_PADDED[precision]
    return activations * each


def _activations(network, layers):
    """How many numbers for each pixel of the image a pass down to the deepest layer makes."""
    side, total, missing = 256, 0.0, set(layers)  # any size that the poolings divide
    for layer in layer_table((side, side), network):
        total += math.prod(layer.shape) / side**2
        missing.discard(layer.name)
        if not missing:
            break
    return total


def _held_bytes(objective):
    """For each pixel, of the content's features, which all tiles together hold."""
    total = 0.0
    for weight, term in objective.parts:
        if weight > 0 and isinstance(term, Content):
            rows = layer_table(name=objective.network.name)
            total += sum(4 * r.shape[2] / r.stride**2 for r in rows if r.name in term.layers)
    return total
