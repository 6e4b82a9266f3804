"""An objective evaluated tile by tile, in constant memory, exactly."""

from .cutting import Cutter, Tile
from .evaluation import TiledObjective, obstacle

__all__ = ["Cutter", "Tile", "TiledObjective", "obstacle"]
