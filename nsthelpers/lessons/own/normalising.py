"""A painter that normalises by a student's function."""

from __future__ import annotations

import copy

from ...backend import ops
from ...images import samples
from ...real_time.painter import Painter
from .judging import judge
from .painting import Painted, what_went_wrong

__all__ = ["OwnPainter", "painter"]

_SIDE = 160  # of the picture that shows what a mistake paints


class OwnPainter(Painter):
    """A painter that says whose normalisation it uses; :func:`painter` makes one.

    Attributes
    ----------
    verdict : Verdict
    mistake : Painted or None
        The picture that a wrong function makes.
    """

    def __init__(self, of, verdict):
        network = _with(of.network, verdict.function)
        super().__init__(network, of.names, of.palettes, of.settings, of.mix)
        self.verdict, self.mistake = verdict, None
        if verdict.state == "wrong":
            self.mistake = _mistaken(of, verdict)

    def __repr__(self):
        return f"{self.mistake or self.verdict!r} {self.verdict.replaced}".rstrip()

    def _repr_html_(self):
        return f"{(self.mistake or self.verdict)._repr_html_()}{self.verdict.replaced}"


def painter(painter, instance_norm=None) -> OwnPainter:
    """Let a painter normalise by a student's function.

    Parameters
    ----------
    painter : Painter
        Stays as it is; its weights serve both.
    instance_norm : callable or None
        As in the task of this name, written with ``keras.ops``. One that is not given, not filled
        in, wrong or without a gradient is replaced by the notebook's own, and the result says so
        and shows what the mistake paints.

    Returns
    -------
    OwnPainter
        Paints as any painter does. Pictures that it has to paint in pieces, with a side above 768,
        are painted with the notebook's own.

    Examples
    --------
    >>> import numpy as np
    >>> from nsthelpers.real_time import Architecture, StyleNetwork
    >>> network = StyleNetwork(Architecture(channels=(4, 4, 4), blocks=1))
    >>> grey = np.full(3, 0.5), 0.01 * np.eye(3)
    >>> painter(Painter(network, ["night"], [grey]), lambda features, scale, shift: ...)
    instance_norm: not filled in yet, so the notebook's own is used.
    """
    return OwnPainter(painter, judge("instance_norm", instance_norm))


def _with(network, function):
    """The same network, with the same weights, that normalises otherwise."""

    def normalise(features, scale, shift):
        return function(features, ops.reshape(scale, (-1,)), ops.reshape(shift, (-1,)))

    other = copy.copy(network)
    other.normalise = normalise
    return other


def _mistaken(of, verdict):
    photo = samples.load("chelsea", max_side=_SIDE)
    right = of(photo)
    try:
        network = _with(of.network, verdict.given)
        yours = Painter(network, of.names, of.palettes, of.settings, of.mix)(photo)
    except Exception as error:  # a student's function may do anything
        return Painted(verdict, None, right, what_went_wrong(error))
    return Painted(verdict, yours, right, "")
