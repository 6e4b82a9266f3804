"""An objective evaluated tile by tile, exactly, in the memory of one tile's activations."""

from .cutting import Cutter, Tile
from .evaluation import TiledObjective, obstacle

__all__ = ["Cutter", "Tile", "TiledObjective", "obstacle"]
