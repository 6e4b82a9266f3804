"""What values a setting may have: checked, read from a word, and told in words.

An error says what was expected in the same words as the command line's help.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass

from . import choices
from .arguments import is_whole

__all__ = [
    "LAYERS", "PICTURE", "PICTURES", "REGIONS", "SCALES", "SHARES", "STATISTIC", "TILES", "WEIGHT",
    "Kind", "choice", "number", "one_or_more", "whole",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """What values a setting may have.

    Attributes
    ----------
    expected : str
        In words, for errors: "a finite number of at least 0".
    checked : callable
        Of a value; returns it as it will be used, or None if it is no such value.
    read : callable
        Of a word of the command line; returns the value that it means, or raises ValueError.
    choices : tuple of str
        All possible values, or the names among them.
    several : bool
        Whether there may be more than one, in a list.
    slider : (float, float) or None
        The useful range of a number.
    metavar : str
        What stands for a value in the command line's help.
    """

    expected: str
    checked: Callable = lambda value: value
    read: Callable = str
    choices: tuple[str, ...] = ()
    several: bool = False
    slider: tuple[float, float] | None = None
    metavar: str = "NAME"


def number(*, least=None, above=None, slider=None) -> Kind:
    """A finite number, as a float.

    Parameters
    ----------
    least, above : float
        The limit; one of the two must be given.
    slider : (float, float), optional
        The useful range.

    Examples
    --------
    >>> number(least=0.5).checked(2), number(above=0).checked(0.0)
    (2.0, None)
    """
    limit = f"above {above:g}" if least is None else f"of at least {least:g}"

    def checked(value):
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            return None
        enough = value > above if least is None else value >= least
        return float(value) if enough and math.isfinite(value) else None

    return Kind(f"a finite number {limit}", checked, float, slider=slider, metavar="X")


def whole(least, slider=None) -> Kind:
    """A whole number of at least ``least``, as an int.

    Examples
    --------
    >>> whole(1).expected, whole(1).checked(3), whole(1).checked(0)
    ('a whole number of at least 1', 3, None)
    """

    def checked(value):
        return int(value) if is_whole(value, least) else None

    return Kind(f"a whole number of at least {least}", checked, int, slider=slider, metavar="N")


def choice(*names, or_object="", method=None) -> Kind:
    """One of some names, or an object that has a certain method.

    Parameters
    ----------
    *names : str
    or_object : str, default ""
        What else it may be, in words.
    method : str, optional
        The name of the method by which such an object is known.

    Examples
    --------
    >>> choice("max", "avg").checked("avg"), choice("max", "avg").checked("min")
    ('avg', None)
    """
    expected = f"one of {', '.join(names)}" + (f", or {or_object}" if or_object else "")

    def checked(value):
        named = isinstance(value, str) and value in names
        return value if named or (method and hasattr(value, method)) else None

    return Kind(expected, checked, choices=names)


def one_or_more(kind, each_for) -> Kind:
    """One value of a kind, or a list of them.

    Parameters
    ----------
    kind : Kind
    each_for : str
        What each of several belongs to, in words.

    Examples
    --------
    >>> steps = one_or_more(whole(1), "size")
    >>> steps.checked(9), steps.checked([9, 5]), steps.checked([9, 0])
    (9, [9, 5], None)
    """

    def checked(value):
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            return kind.checked(value)
        values = [kind.checked(each) for each in value]
        return None if not values or None in values else values

    expected = f"{kind.expected}, or one for each {each_for}"
    return Kind(
        expected, checked, kind.read, several=True, slider=kind.slider, metavar=kind.metavar
    )


def _no_picture(value):
    return isinstance(value, (bool, dict, numbers.Number))


def _pictures(value):
    several = value if isinstance(value, (list, tuple)) else [value]
    return None if not len(several) or any(map(_no_picture, several)) else value


def _layers(value):
    named = [value] if isinstance(value, str) else value
    listed = isinstance(named, (list, tuple)) and all(isinstance(each, str) for each in named)
    return value if listed and named else None


def _region(value):
    """A mask and the painting for it, of a pair or of the text "MASK=PAINTING"."""
    if isinstance(value, str):
        mask, _, painting = value.partition("=")
        return (mask, painting) if mask and painting else None
    pair = isinstance(value, (list, tuple)) and len(value) == 2
    return None if not pair or any(map(_no_picture, value)) else tuple(value)


def _regions(value):
    found = [_region(each) for each in (value if isinstance(value, (list, tuple)) else [value])]
    if not found or any(each is None for each in found):
        found = [_region(value)]  # not several: one pair
    return None if found[0] is None else found


def _scales(value):
    if isinstance(value, str):
        return value if value in _SCALE_WORDS else None
    listed = list(value) if hasattr(value, "__iter__") else [value]
    if listed == ["none"]:
        return "none"
    return value if all(map(is_whole, listed)) else None


def _tiles(value):
    if isinstance(value, str):
        return value if value in _TILE_WORDS else None
    return whole(16).checked(value)


_SCALE_WORDS = ("coarse to fine", "none")
_TILE_WORDS = ("auto", "none")
WEIGHT = number(least=0, slider=(0.1, 1000.0))
SHARES = one_or_more(number(least=0), "of them")
PICTURE = Kind(
    "a picture: a sample's name, a file, an address or an array",
    lambda value: None if _no_picture(value) else value,
    metavar="PICTURE",
)
PICTURES = Kind("one picture or several", _pictures, several=True, metavar="PICTURE")
LAYERS = Kind("a layer such as block4_conv2, or several", _layers, several=True, metavar="LAYER")
SCALES = Kind(
    "'none', 'coarse to fine' or numbers of pixels, not both",
    _scales,
    lambda text: text if text in _SCALE_WORDS else int(text),
    _SCALE_WORDS,
    several=True,
    metavar="N|none",
)
TILES = Kind(
    "'auto', 'none' or a whole number of at least 16",
    _tiles,
    lambda text: text if text in _TILE_WORDS else int(text),
    metavar="N|auto|none",
)
REGIONS = Kind(
    "pairs of a mask and the painting for it, or texts such as 'sky.png=swirling_night'",
    _regions,
    several=True,
    metavar="MASK=PAINTING",
)
STATISTIC = choice(*choices.STATISTICS, or_object="a Statistic", method="describe")
