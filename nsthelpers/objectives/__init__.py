"""What an image should be: terms, and the objective that adds them up."""

from .columns import NearestNeighbours, Palette, SelfSimilarity
from .objective import BoundObjective, Evaluation, Objective, Term, as_objective
from .terms import Activation, Content, Laplacian, Style, TotalVariation

__all__ = [
    "BoundObjective",
    "Evaluation",
    "Objective",
    "Term",
    "as_objective",
    "Activation",
    "Content",
    "Laplacian",
    "Style",
    "TotalVariation",
    "NearestNeighbours",
    "Palette",
    "SelfSimilarity",
]
