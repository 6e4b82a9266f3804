"""The picture that a function paints, right or wrong, beside the one that it should."""

from __future__ import annotations

import functools
import html
from dataclasses import dataclass

import numpy as np

from ...arguments import did_you_mean
from ...images import samples
from ...masks.shapes import half
from ...network.vgg import default_network
from ...objectives.objective import Objective
from ...objectives.terms import Style
from ...optimizers.lbfgs import LBFGS
from ...synthesis.loop import synthesize
from ...synthesis.starts import white_noise
from ..notes import picture_row
from .judging import OURS, Verdict, judge
from .parts import (
    OwnContent,
    OwnRegion,
    OwnSmoothness,
    OwnSteps,
    OwnStyle,
    OwnSum,
    described_by,
)

__all__ = ["PAINTABLE", "Painted", "paint", "paint_verdict", "what_went_wrong"]

#: Tasks whose functions paint. (A painter's normalisation needs one: :func:`own.painter`.)
PAINTABLE = tuple(name for name in OURS if name != "instance_norm")

_SIDE, _STEPS = 96, 25
_CONTENT, _STYLE = "block3_conv2", ("block1_conv1", "block2_conv1", "block3_conv1")
_WEIGHTS = (1.0, 30.0, 0.3)  # alpha, beta, gamma
_SMOOTH = (1.0, 10.0, 10.0)  # the same where total variation is what is to be seen
_SAME = 0.03  # pictures whose pixels differ by less, root mean square, look alike


@dataclass(frozen=True, eq=False)
class Painted:
    """A small picture painted by a student's function, and the one that it should be.

    Attributes
    ----------
    verdict : Verdict
    yours : array, shape (1, H, W, 3), or None
        None where the function cannot paint at all.
    right : array, shape (1, H, W, 3)
    seen : str
        What there is to see.
    """

    verdict: Verdict
    yours: np.ndarray | None
    right: np.ndarray
    seen: str

    def __repr__(self):
        return f"{self.verdict!r}\n{self.seen}".rstrip()

    def _repr_html_(self):
        pictures = [("as it should be", self.right)]
        if self.yours is not None:
            by = "yours" if self.verdict.state == "yours" else "what this mistake paints"
            pictures.insert(0, (by, self.yours))
        return f"{self.verdict._repr_html_()}{picture_row(pictures)}<p>{html.escape(self.seen)}</p>"


def paint(name, function) -> Painted:
    """Let a student's function paint a small picture, even a wrong one.

    Parameters
    ----------
    name : {"content_loss", "gram_matrix", "style_loss", "total_variation", "total_loss", \
"gradient_step", "guided_gram", "adjacent_gram", "sorted_answers"}
        The task.
    function : callable
        Written with ``keras.ops``, so that there is a gradient; a ``gradient_step`` may be NumPy.

    Returns
    -------
    Painted
        What the check says, and the picture of 96 pixels that this function makes beside the right
        one. It takes some seconds, and raises nothing for whatever the function does.

    Raises
    ------
    ValueError
        For a task whose function paints nothing.

    Examples
    --------
    >>> print(paint("style_loss", lambda gram, target: ...))  # doctest: +SKIP
    style_loss: not filled in yet, so the notebook's own is used.
    This is what yours will paint.
    """
    if name not in PAINTABLE:
        raise ValueError(f"the task {name!r} paints nothing; {did_you_mean(name, PAINTABLE)}")
    return paint_verdict(judge(name, function))


def paint_verdict(verdict) -> Painted:
    """The same for a function that was judged already."""
    right = _right(verdict.name)
    if verdict.state == "unfilled":
        return Painted(verdict, None, right, "This is what yours will paint.")
    try:
        yours = _painted(verdict.name, verdict.given)
    except Exception as error:  # a student's function may do anything
        if "symbolic" in str(error).lower() or "numpy" in str(error).lower():
            seen = "Without a gradient no pixel moves: this mistake leaves the photograph as it is."
            return Painted(verdict, _photo(), right, seen)
        return Painted(verdict, None, right, what_went_wrong(error))
    return Painted(verdict, yours, right, _what_is_seen(verdict, yours, right))


def what_went_wrong(error) -> str:
    """Why there is no picture.

    Examples
    --------
    >>> what_went_wrong(ValueError("no"))
    'No picture can be made with it: it stops with ValueError: no'
    """
    text = " ".join(str(error).split())[:150]
    return f"No picture can be made with it: it stops with {type(error).__name__}: {text}"


def _what_is_seen(verdict, yours, right):
    if verdict.state == "yours":
        return "The left picture was painted by your function."
    if not np.isfinite(yours).all():
        return "The pixels are no longer numbers."
    if _apart(yours, _photo()) < _SAME:
        return "With this mistake hardly anything moves: it is still the photograph."
    if _apart(yours, right) < _SAME:
        return "This mistake hardly shows in the picture: the numbers differ, the balance does not."
    outside = np.mean((yours < 0) | (yours > 1))
    if outside > 0:
        return f"{outside:.0%} of the values are outside of 0 to 1, where no screen can show them."
    return ""


def _apart(first, second):
    return float(np.sqrt(np.mean((first - second) ** 2)))


@functools.cache
def _right(name):
    return _painted(name, OURS[name])


def _painted(name, function):
    """The small scene: a photograph and a painting, everything ours but one function."""
    functions = {**OURS, name: function}
    photo, painting, network = _photo(), _painting(), default_network()
    content = OwnContent(photo, _CONTENT, functions["content_loss"], network=network)
    style = OwnStyle(
        painting, _STYLE, functions["gram_matrix"], functions["style_loss"], network=network
    )
    smooth = OwnSmoothness(functions["total_variation"])
    if name == "guided_gram":  # the left half alone is painted
        left = half(photo, "left")
        style = OwnRegion(painting, _STYLE, function, left, network=network)
        objective = Objective([(_WEIGHTS[0], content), (_WEIGHTS[1] * left.share, style)])
    elif name in ("adjacent_gram", "sorted_answers"):
        statistic = described_by(Verdict(name, function, "yours", ""))
        style = Style(painting, _STYLE, statistic=statistic, network=network)
        objective = Objective(zip(_WEIGHTS, (content, style, smooth), strict=True))
    elif name == "total_loss":
        objective = Objective([(1.0, OwnSum((content, style, smooth), _WEIGHTS, function))])
    else:
        weights = _SMOOTH if name == "total_variation" else _WEIGHTS
        objective = Objective(zip(weights, (content, style, smooth), strict=True))
    way, steps = LBFGS(), _STEPS
    if name == "gradient_step":
        verdict = Verdict(name, function, "yours", "")
        way, steps = OwnSteps(verdict, 0.01), 2 * _STEPS
        # A descent that goes astray is shown where it ends, not where it was best.
        return _last(objective, photo, way, steps)
    # Total variation shows where there is grain to be taken away.
    start = _grainy(photo) if name == "total_variation" else photo
    return synthesize(objective, start=start, optimizer=way, steps=steps, progress=False).image


def _last(objective, photo, way, steps):
    descent = way.start(objective.at(*photo.shape[1:3]).evaluate, photo)
    for _ in range(steps):
        descent.step()
    return np.asarray(descent.image)


@functools.cache
def _photo():
    return samples.load("chelsea", max_side=_SIDE)


def _grainy(photo):
    return (photo + white_noise(*photo.shape[1:3])) / 2


@functools.cache
def _painting():
    return samples.load("swirling_night", max_side=_SIDE)
