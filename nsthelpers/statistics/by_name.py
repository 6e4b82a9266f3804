"""The style statistics by name: what ``Style(..., statistic=)`` takes.

``gram.py`` and ``gram_variants.py`` hold those that grew out of the Gram matrix,
``distributions.py`` those that take style for a distribution of features, ``transport.py`` those
that carry one cloud of features over to the other.
"""

from __future__ import annotations

from ..arguments import check_choice
from .base import Statistic
from .distributions import MMD, MeanVariance, Wasserstein
from .gram import Gram
from .gram_variants import ContentAwareGram, GramChain, GramCube
from .transport import Nearest, RelaxedEMD, SlicedWasserstein

__all__ = [
    "MMD",
    "STATISTICS",
    "ContentAwareGram",
    "Gram",
    "GramChain",
    "GramCube",
    "MeanVariance",
    "Nearest",
    "RelaxedEMD",
    "SlicedWasserstein",
    "Statistic",
    "Wasserstein",
    "as_statistic",
]

#: Every statistic in its usual form, by name.
STATISTICS = {
    "gram": Gram(),
    "shifted": Gram(shift=-1.0),
    "amplified": Gram(power=1.5),
    "blurred": Gram(blur=1),
    "adjacent": Gram(offsets=((0, 1), (1, 0))),
    "chain": GramChain(),
    "content aware": ContentAwareGram(),
    "cube": GramCube(),
    "mean and variance": MeanVariance(),
    "mmd linear": MMD("linear"),
    "mmd polynomial": MMD("polynomial"),
    "mmd gaussian": MMD("gaussian"),
    "wasserstein": Wasserstein(),
    "sliced wasserstein": SlicedWasserstein(),
    "relaxed emd": RelaxedEMD(),
    "nearest": Nearest(),
}


def as_statistic(value) -> Statistic:
    """Get a statistic by its name; a statistic stays what it is.

    Parameters
    ----------
    value : str or Statistic
        A key of :data:`STATISTICS`, or an object such as ``Gram(shift=-1)``.

    Returns
    -------
    Statistic

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For anything else.

    Examples
    --------
    >>> as_statistic("shifted")
    Gram(shift=-1.0, power=1.0, blur=0, offsets=((0, 0),))
    """
    if isinstance(value, str):
        check_choice("statistic", value, tuple(STATISTICS))
        return STATISTICS[value]
    if not isinstance(value, Statistic):
        raise TypeError(
            f"the statistic is a {type(value).__name__}; expected a name such as 'wasserstein', or "
            "an object such as nst.statistics.Gram(shift=-1)"
        )
    return value
