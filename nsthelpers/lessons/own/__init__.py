"""The student's own functions, handed to the engine: they paint the picture.

What is not filled in yet, or wrong, is replaced by the notebook's own function, and said.
"""

from .looping import LoopRun, loop
from .objective import OwnObjective, regions, terms
from .painting import Painted, paint
from .parts import optimizer, statistic

__all__ = [
    "LoopRun", "OwnObjective", "Painted", "loop", "optimizer", "paint", "regions", "statistic",
    "terms",
]  # fmt: skip
