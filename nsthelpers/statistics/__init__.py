"""What a style can be taken to be: Gram matrices, what grew out of them, distributions."""

from .base import Statistic
from .by_name import STATISTICS, as_statistic
from .distributions import MMD, MeanVariance, Wasserstein
from .gram import Gram
from .gram_variants import ContentAwareGram, GramChain, GramCube
from .transport import Nearest, RelaxedEMD, SlicedWasserstein

__all__ = [
    "Statistic",
    "STATISTICS",
    "as_statistic",
    "MMD",
    "MeanVariance",
    "Nearest",
    "RelaxedEMD",
    "SlicedWasserstein",
    "Wasserstein",
    "Gram",
    "ContentAwareGram",
    "GramChain",
    "GramCube",
]
