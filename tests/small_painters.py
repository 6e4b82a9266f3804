"""Painters for tests: tiny networks that have learnt nothing, but whose rows differ."""

from __future__ import annotations

import numpy as np

import nsthelpers as nst
from nsthelpers.backend import to_numpy
from nsthelpers.images.colours import palette
from nsthelpers.real_time import Architecture, Painter, StyleNetwork


def small_painter(*names, **options):
    """A painter of paintings with these names, each in colours of its own."""
    architecture = Architecture(paintings=len(names), channels=(4, 6, 8), blocks=1, **options)
    network = StyleNetwork(architecture)
    for name, variable in network.weights.items():
        if name.endswith(("scale", "shift")):
            noise = np.random.default_rng(len(name)).normal(0, 0.3, variable.shape)
            variable.assign(to_numpy(variable) + noise.astype("float32"))
    palettes = [palette(nst.white_noise(32, 32, seed=4 + row)) for row in range(len(names))]
    return Painter(network, names, palettes)
