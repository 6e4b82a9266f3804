"""Arguments: checks that several parts share, each with an error that says what was expected."""

from __future__ import annotations

import difflib
import numbers

__all__ = ["check_choice", "check_whole", "did_you_mean", "is_whole"]


def check_choice(what, value, choices):
    """Raise ValueError unless the value is one of the choices.

    Examples
    --------
    >>> check_choice("reduction", "max", ("relative", "mean", "gatys"))
    Traceback (most recent call last):
    ValueError: unknown reduction 'max'; expected one of 'relative', 'mean', 'gatys'
    """
    if value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"unknown {what} {value!r}; expected one of {known}")


def check_whole(name, value, least) -> int:
    """Return a whole number as Python's own; ValueError if it is none, or below ``least``.

    Examples
    --------
    >>> check_whole("blur", -1, 0)
    Traceback (most recent call last):
    ValueError: blur is -1; expected a whole number of at least 0
    """
    if not is_whole(value, least):
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}")
    return int(value)


def is_whole(value, least=None) -> bool:
    """Whether a value is a whole number, and at least ``least`` where that is given.

    True and False are none: who passes them meant something else.

    Examples
    --------
    >>> is_whole(3), is_whole(3.0), is_whole(True), is_whole(3, least=4)
    (True, False, False, False)
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and (least is None or value >= least)


def did_you_mean(name, known, otherwise=None) -> str:
    """The end of an error about an unknown name: the closest known ones, else all of them.

    Parameters
    ----------
    name : object
        What was asked for; capitals do not matter.
    known : iterable of str
    otherwise : str, optional
        What to say where nothing is close; default "expected one of", and the known names.

    Examples
    --------
    >>> did_you_mean("Chelsae", ["chelsea", "coffee"])
    'did you mean chelsea?'
    >>> did_you_mean("rocket", ["chelsea", "coffee"])
    'expected one of chelsea, coffee'
    """
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(str(name).lower(), by_lower, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(by_lower[each] for each in close)}?"
    return otherwise or f"expected one of {', '.join(by_lower.values())}"
