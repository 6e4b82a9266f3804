"""Terms, a statistic and an optimizer that are made of a student's functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ... import losses
from ...arguments import check_choice
from ...backend import ops, to_numpy, to_tensor
from ...objectives.objective import Term
from ...objectives.terms import Content, Style, TotalVariation
from ...optimizers.base import Optimizer
from ...statistics.base import Statistic, four_axes, mixture
from ...statistics.transport import SlicedWasserstein, unit_directions
from .judging import OURS, Verdict, judge

__all__ = [
    "OwnContent", "OwnRegion", "OwnSlices", "OwnSmoothness", "OwnStatistic", "OwnStyle", "OwnSum",
    "OwnSteps", "described_by", "optimizer", "statistic",
]  # fmt: skip

_DESCRIPTIONS = ("adjacent_gram", "gram_matrix", "sorted_answers")
_SMALL = 1e-12  # as in the relative losses: a layer that is silent divides nothing by zero


class OwnContent(Content):
    """The content term with another loss: ``compare(features, target)``, a mean of squares.

    It is divided by the mean square of the target, a constant. So a weight means what it means for
    :class:`nsthelpers.Content`, in which that is called "relative".
    """

    def __init__(self, image, layers, compare, *, network=None):
        super().__init__(image, layers, network=network)
        self.compare = compare

    def loss(self, image, features, targets):
        return sum(
            targets["weights"][i]
            * self.compare(features[layer], target)
            / (ops.mean(ops.square(target)) + _SMALL)
            for i, (layer, target) in enumerate(zip(self.layers, targets["features"], strict=True))
        )

    def settings(self):
        return {**super().settings(), "written_by": "student"}


@dataclass(frozen=True)
class _OwnGram(Statistic):
    """A Gram matrix and its comparison, divided by the mean square of the true target's."""

    gram: Callable
    compare: Callable

    def describe(self, features):
        return self.gram(features)

    def target(self, paintings, shares):
        (found,) = mixture([self.gram(*features) for features in paintings], shares)
        (true,) = mixture([losses.gram_matrix(*features) for features in paintings], shares)
        return found, ops.mean(ops.square(true)) + _SMALL

    def loss(self, features, target, reduction="relative"):
        return self.compare(self.gram(*features), target[0]) / target[1]

    def __str__(self):
        return "Gram matrix and loss written by a student"


class _Judged:
    """Says whose function a statistic is made of."""

    def __str__(self):
        return self.verdict.name

    def __repr__(self):
        return f"{self.verdict!r} {self.verdict.replaced}".rstrip()

    def _repr_html_(self):
        return f"{self.verdict._repr_html_()}{self.verdict.replaced}"


@dataclass(frozen=True, repr=False)
class OwnStatistic(_Judged, Statistic):
    """A statistic that a student's function describes; :func:`statistic` makes one."""

    verdict: Verdict

    def describe(self, features):
        return self.verdict.function(features)


@dataclass(frozen=True, repr=False)
class OwnSlices(_Judged, SlicedWasserstein):
    """The sliced Wasserstein distance of a student's sorted answers, of all positions."""

    verdict: Verdict | None = None

    def describe(self, features):
        maps = four_axes(ops.convert_to_tensor(features))
        along = unit_directions(self.directions or maps.shape[-1], maps.shape[-1], self.seed)
        return self.verdict.function(maps, to_tensor(along.T, maps.dtype.name))


def described_by(verdict) -> Statistic:
    """The statistic whose description is a function that was judged."""
    return (OwnSlices if verdict.name == "sorted_answers" else OwnStatistic)(verdict=verdict)


def statistic(name, function) -> Statistic:
    """Make a style statistic of a student's description of features.

    Parameters
    ----------
    name : {"adjacent_gram", "gram_matrix", "sorted_answers"}
        The task.
    function : callable or None
        As in the task, written with ``keras.ops``; where it is unfilled or wrong the notebook's
        own is used, and said.

    Returns
    -------
    Statistic
        For ``nst.Style(painting, statistic=...)``.

    Raises
    ------
    ValueError
        For another task.

    Examples
    --------
    >>> statistic("adjacent_gram", lambda features: ...)
    adjacent_gram: not filled in yet, so the notebook's own is used.
    """
    check_choice("name", name, _DESCRIPTIONS)
    return described_by(judge(name, function))


class OwnStyle(Style):
    """The style term with another Gram matrix and another comparison of two of them."""

    def __init__(self, images, layers, gram, compare, *, network=None):
        statistic = _OwnGram(gram, compare)
        super().__init__(images, layers, statistic=statistic, network=network)


@dataclass(frozen=True)
class _OwnGuided(Statistic):
    """A guided Gram matrix, in the unit of the true one of the painting."""

    gram: Callable

    def describe(self, features, where=None):
        (guide,) = where or (ops.ones_like(features[..., :1]),)
        return self.gram(features, ops.cast(guide, features.dtype))

    def target(self, paintings, shares, where=None):
        (found,) = mixture(self._each(paintings, where), shares)
        true = mixture(_OwnGuided(OURS["guided_gram"])._each(paintings, where), shares)
        return found, ops.mean(ops.square(true[0])) + _SMALL

    def loss(self, features, target, reduction="relative", where=None):
        return losses.style_loss(self._described(features, where), target[0]) / target[1]

    def __str__(self):
        return "guided Gram matrix written by a student"


class OwnRegion(Style):
    """The style term of a region, with another guided Gram matrix."""

    def __init__(self, images, layers, gram, region, *, network=None):
        super().__init__(images, layers, statistic=_OwnGuided(gram), region=region, network=network)


class OwnSmoothness(TotalVariation):
    """The total variation term with another measure."""

    def __init__(self, measure):
        super().__init__()
        self.measure = measure

    def loss(self, image, features, targets):
        return self.measure(image)

    def settings(self):
        return {"written_by": "student"}


class OwnSum(Term):
    """Content, style and total variation, weighted and added up by a student's function."""

    label = "total_loss"

    def __init__(self, terms, weights, add):
        self.terms, self.weights, self.add = terms, weights, add
        self.layers = tuple(sorted({layer for term in terms for layer in term.layers}))
        self.network, self.image = terms[0].network, terms[0].image

    def targets(self, height, width, scale):
        return {str(i): t.targets(height, width, scale) for i, t in enumerate(self.terms)}

    def loss(self, image, features, targets):
        found = [t.loss(image, features, targets[str(i)]) for i, t in enumerate(self.terms)]
        return self.add(*found, *self.weights)


@dataclass(frozen=True)
class OwnSteps(Optimizer):
    """Gradient descent whose step is a student's function; :func:`optimizer` makes one.

    Parameters
    ----------
    verdict : Verdict
        Whose step it is.
    rate : float, default 0.01
    """

    verdict: Verdict
    rate: float = 0.01

    def start(self, evaluate, image):
        return _Descent(self.verdict.function, self.rate, evaluate, image)

    def settings(self):
        return {"name": "gradient_step", "by": self.verdict.state, "rate": self.rate}

    def __repr__(self):
        return f"{self.verdict!r} {self.verdict.replaced}".rstrip()

    def _repr_html_(self):
        return f"{self.verdict._repr_html_()}{self.verdict.replaced}"


class _Descent:
    def __init__(self, step, rate, evaluate, image):
        self._step, self._rate, self._evaluate = step, rate, evaluate
        self.image = to_tensor(np.clip(to_numpy(image), 0, 1))
        self.evaluation = evaluate(self.image)
        size = np.sqrt(np.mean(to_numpy(self.evaluation.gradient) ** 2))
        self._scale = 1 / size if size > 0 else 1.0

    def step(self) -> bool:
        gradient = to_numpy(self.evaluation.gradient) * self._scale
        moved = np.asarray(self._step(to_numpy(self.image), gradient, self._rate), "float32")
        self.image = to_tensor(moved)
        self.evaluation = self._evaluate(self.image)
        return True


def optimizer(gradient_step, rate=0.01) -> OwnSteps:
    """Make an optimizer of a student's gradient step.

    Parameters
    ----------
    gradient_step : callable
        As in the task of this name: image, gradient and rate to the next image. NumPy will do.
    rate : float, default 0.01
        Gradients are given in units of their typical size at the start, so a pixel moves by about
        this much in the first step.

    Returns
    -------
    OwnSteps
        For ``nst.synthesize(..., optimizer=...)``. It says whose step it takes: where the
        student's is not filled in or wrong, the notebook's own.

    Examples
    --------
    >>> optimizer(lambda image, gradient, rate: ...)
    gradient_step: not filled in yet, so the notebook's own is used.
    """
    return OwnSteps(judge("gradient_step", gradient_step), rate)
