"""Masks by words, for the command line and for files of experiments: "half(top)"."""

from __future__ import annotations

import re

from ..arguments import did_you_mean
from .foreground import front
from .mask import Mask
from .shapes import ellipse, half, rectangle, third

__all__ = ["by_words", "check_words", "in_words"]

_BY_PLACE = {"half": half, "third": third}
_BY_BOX = {"rectangle": rectangle, "ellipse": ellipse, "front": front}
_PATTERN = re.compile(r"(?P<rest>~?)(?P<name>\w+)\((?P<arguments>[^()]*)\)")


def in_words(source) -> bool:
    """Whether it is a mask in words, not a file or an array.

    Examples
    --------
    >>> in_words("half(top)"), in_words("half.png")
    (True, False)
    """
    return isinstance(source, str) and _PATTERN.fullmatch(source.strip()) is not None


def by_words(image, text) -> Mask:
    """A mask of a picture in words: as in Python, without the picture.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    text : str
        ``half(SIDE)`` or ``third(PLACE)``; ``rectangle(TOP, LEFT, BOTTOM, RIGHT)``, ``ellipse(…)``
        or ``front(…)`` of such a box, in shares of the height and of the width. ``~`` before it:
        the rest.

    Returns
    -------
    Mask

    Raises
    ------
    ValueError
        For other words, and what these functions raise.

    Examples
    --------
    >>> import numpy as np
    >>> by_words(np.zeros((4, 4, 3)), "~rectangle(0, 0, 0.5, 0.25)").share
    0.875
    """
    function, argument, rest = _parsed(text)
    mask = function(image, argument)
    return ~mask if rest else mask


def check_words(text):
    """Raise ValueError now for what :func:`by_words` could not read later."""
    _parsed(text)


def _parsed(text):
    """A function of this room, what it takes besides the picture, and whether the rest is meant."""
    found = _PATTERN.fullmatch(text.strip())
    known = {**_BY_PLACE, **_BY_BOX}
    if found is None or found["name"] not in known:
        hint = did_you_mean(found["name"], known) if found else "expected one like half(top)"
        raise ValueError(f"unknown mask {text!r}; {hint}")
    name, rest = found["name"], bool(found["rest"])
    if name in _BY_PLACE:
        return _BY_PLACE[name], found["arguments"].strip(), rest
    try:
        box = tuple(float(number) for number in found["arguments"].split(","))
    except ValueError:
        box = ()
    if len(box) != 4:
        raise ValueError(
            f"the mask {text!r} has no box; expected top, left, bottom and right in shares, as in "
            f"{name}(0.2, 0.2, 0.8, 0.8)"
        )
    return _BY_BOX[name], box, rest
