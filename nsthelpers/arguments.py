"""Arguments: checks that several parts share, each with an error that says what was expected."""

from __future__ import annotations

import numbers
import operator

__all__ = ["check_choice", "check_whole", "positive"]


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


def check_whole(name, value, least):
    """Raise ValueError unless a value is a whole number of at least ``least``.

    Examples
    --------
    >>> check_whole("blur", -1, 0)
    Traceback (most recent call last):
    ValueError: blur is -1; expected a whole number of at least 0
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} is {value!r}; expected a whole number of at least {least}")


def positive(name, value):
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
    return number
