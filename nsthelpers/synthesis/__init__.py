"""The one loop that makes an image, and what plans, starts, balances and estimates it."""

from .balancing import balance, gradient_norms
from .estimates import Estimate, estimate
from .loop import synthesize
from .parametrisations import LaplacianPyramid, Parametrisation, Pixels, Waves
from .results import Progress, Record, Synthesis
from .starts import white_noise

__all__ = [
    "balance",
    "gradient_norms",
    "Estimate",
    "estimate",
    "synthesize",
    "LaplacianPyramid",
    "Parametrisation",
    "Pixels",
    "Waves",
    "Progress",
    "Record",
    "Synthesis",
    "white_noise",
]
