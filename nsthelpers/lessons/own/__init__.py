"""The student's own functions, handed to the engine: they paint the picture.

What is not filled in yet, or wrong, is replaced by the notebook's own function, and said.
"""

from .looping import LoopRun, loop
from .normalising import OwnPainter, painter
from .objective import OwnObjective, regions, terms
from .painting import Painted, paint
from .parts import optimizer, statistic

__all__ = [
    "LoopRun", "OwnObjective", "OwnPainter", "Painted", "loop", "optimizer", "paint", "painter",
    "regions", "statistic", "terms",
]  # fmt: skip
