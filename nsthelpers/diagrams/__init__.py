"""Drawings of ideas, made by code: a convolution, the network, a Gram matrix, the loop, the series.

Every function returns a :class:`Drawing`, which a notebook shows as SVG, in light and in dark mode.
"""

from .arithmetic import convolution, gram
from .maps import loop, network_map, painter, series_map
from .svg import Drawing

__all__ = ["Drawing", "convolution", "gram", "loop", "network_map", "painter", "series_map"]
