"""The questions of the notebooks: what is asked, the options, and what is to be said of each.

``questions.toml`` holds them; ``asking.py`` puts them to the student.
"""

from __future__ import annotations

import functools
import math
import numbers
import tomllib
from dataclasses import dataclass, field
from importlib import resources

from ..arguments import did_you_mean

__all__ = ["KINDS", "LETTERS", "Option", "Question", "question", "questions"]

KINDS = ("predict", "choose", "bug", "ablation", "order")
LETTERS = "abcdefgh"


@dataclass(frozen=True)
class Option:
    """One of the answers that are offered.

    Attributes
    ----------
    text, why : str
        The answer, and why it is right or wrong.
    range : (float, float) or None
        Of a prediction: a measured number of at least the first and below the second is this one.
    """

    text: str
    why: str
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes
    ----------
    name : str
    notebook : int
    kind : {"predict", "choose", "bug", "ablation", "order"}
    text : str
    options : tuple of Option
        None where pictures are to be sorted.
    answer : str
        Letter of the right option. Of a prediction: of what came out where it was tried.
    why : str
        Of pictures to be sorted: why they come in this order.
    code : str
        What is shown with it.
    pictures : dict
        ``experiment`` of the record and ``labels`` of its points; where they are to be sorted, in
        the right order.
    """

    name: str
    notebook: int
    kind: str
    text: str
    options: tuple[Option, ...] = ()
    answer: str = ""
    why: str = ""
    code: str = ""
    pictures: dict = field(default_factory=dict)

    def option(self, letter) -> Option:
        """The option of a letter.

        Raises
        ------
        ValueError
            If there is none.
        """
        known = LETTERS[: len(self.options)]
        if not isinstance(letter, str) or len(letter) != 1 or letter not in known:
            raise ValueError(f"the answer is {letter!r}; expected one of {', '.join(known)}")
        return self.options[known.index(letter)]

    def measured(self, value) -> str:
        """The letter of the option that a measured value falls into.

        Parameters
        ----------
        value : number, or str
            A letter stands for itself.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            For NaN, or a number outside of all options.
        TypeError
            For what is no number.

        Examples
        --------
        >>> question("doubled_features").measured(4.0)
        'c'
        """
        if isinstance(value, str):
            self.option(value)
            return value
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TypeError(
                f"what was measured is a {type(value).__name__}; expected a number"
            ) from None
        for letter, option in zip(LETTERS, self.options, strict=False):
            if option.range and option.range[0] <= number < option.range[1]:
                return letter
        raise ValueError(f"{number:.4g} was measured, which is none of the options")


def question(name) -> Question:
    """A question by its name.

    Raises
    ------
    ValueError
        If there is none; it has the closest names.
    """
    known = questions()
    if name not in known:
        raise ValueError(f"there is no question {name!r}; {did_you_mean(name, known)}")
    return known[name]


def questions(notebook=None) -> dict[str, Question]:
    """All questions by name, or those of one notebook.

    Parameters
    ----------
    notebook : int, optional

    Returns
    -------
    dict of str to Question

    Examples
    --------
    >>> list(questions(5))[:2]
    ['half_contrast', 'jump_or_ramp']
    """
    return {name: each for name, each in _all().items() if notebook in (None, each.notebook)}


@functools.cache
def _all():
    source = resources.files(__package__) / "questions.toml"
    listed = tomllib.loads(source.read_text(encoding="utf-8"))
    return {name: _read(name, **values) for name, values in listed.items()}


def _read(name, options=(), code="", **values):
    made = (Option(**{**each, "range": _range(each.get("range"))}) for each in options)
    return Question(name, options=tuple(made), code=code.strip(), **values)


def _range(given):
    if given is None:
        return None
    low, high = given
    if not all(isinstance(end, numbers.Real) and not math.isnan(end) for end in given):
        raise ValueError(f"a range is {given}; expected two numbers")
    return low, high
