"""The form for a mean-opinion-score test: blind, one picture at a time, one file for each rater."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import ipywidgets as ipw

from ..opinions import WORDS, plain_name, ratings_file, read_ratings, write_ratings
from ..recipes import open_image
from .parts import Panel, button, column, labelled, layout, message_html, picture, row, show_picture

__all__ = ["RatingForm", "rate"]


def rate(pictures, *, folder=".") -> RatingForm:
    """Let people rate pictures from 1 (bad) to 5 (excellent), without telling which is which.

    Parameters
    ----------
    pictures : Sweep, or mapping of str to anything :func:`nsthelpers.recipes.open_image` takes
        By the names under which the scores are kept; the rater does not see them. A Synthesis
        counts as its picture.
    folder : str or Path, default the current one
        Where each rater gets a file, ``ratings_<name>.csv``, written anew after every click.

    Returns
    -------
    RatingForm
        Every rater sees the pictures in an order of their own, always the same for one name; one
        who comes back goes on where they stopped.

    Raises
    ------
    ValueError
        If there is no picture.
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> form = rate({"A": "chelsea", "B": "coffee"}, folder=".")
    >>> form.order("Ann") == form.order("ann"), sorted(form.order("Ann"))
    (True, ['A', 'B'])
    """
    return RatingForm(pictures, folder)


class RatingForm(Panel):
    """The form that :func:`rate` makes.

    Attributes
    ----------
    rater : str
        Whose turn it is; empty before the first has begun.
    scores : dict of str to int
        What they have given so far.
    path : Path or None
        Their file.
    """

    def __init__(self, pictures, folder="."):
        pictures = getattr(pictures, "results", pictures)
        if not isinstance(pictures, Mapping):
            raise TypeError(
                f"the pictures are a {type(pictures).__name__}; expected a dict, such as "
                '{"first": picture, "second": picture}'
            )
        self._pictures = {
            str(name): open_image(getattr(each, "image", each)) for name, each in pictures.items()
        }
        if not self._pictures:
            raise ValueError("there is no picture to rate; pass at least one")
        self._folder = Path(folder).expanduser()
        if not self._folder.is_dir():
            raise FileNotFoundError(
                f"there is no folder {self._folder}; create it first, with "
                "pathlib.Path(...).mkdir(parents=True)"
            )
        self.rater, self.scores, self.path = "", {}, None
        self._order, self._place = [], 0
        self.name = labelled(ipw.Text, "your name", placeholder="any word, the same each time")
        self.begin_button = button("Begin", "play", button_style="primary")
        self.buttons = [
            ipw.Button(description=f"{score} {word}", disabled=True, layout=layout(width="104px"))
            for score, word in enumerate(WORDS, 1)
        ]
        self.back_button = button("Back", "arrow-left", disabled=True)
        self.bar = ipw.IntProgress(min=0, max=len(self._pictures), layout=layout(flex="1 1 80px"))
        self.picture = picture(next(iter(self._pictures.values())))
        self.picture.layout.visibility = "hidden"
        self.status = ipw.HTML()
        self._set_message("Write a name and press Begin. Rate what you see, not what you think "
                          "was wanted.")  # fmt: skip
        self.begin_button.on_click(lambda _: self.begin())
        self.back_button.on_click(lambda _: self.back())
        for score, each in enumerate(self.buttons, 1):
            each.on_click(lambda _, score=score: self.give(score))
        super().__init__(
            [
                row(column(self.name, width="60%"), self.begin_button, align_items="center"),
                column(self.picture, align_items="center"),
                row(*self.buttons, justify_content="center"),
                row(self.back_button, self.bar, align_items="center"),
                self.status,
            ]
        )

    def order(self, rater) -> list[str]:
        """The pictures' names as this rater sees them: shuffled, always the same way."""
        name = plain_name(rater)

        def place(picture):  # the order of hashes does not depend on a Python's random numbers
            return hashlib.sha256(f"{name}\n{picture}".encode()).hexdigest()

        return sorted(self._pictures, key=place)

    def begin(self):
        """Start or go on, as the rater whose name is in the field."""
        try:
            name = plain_name(self.name.value)
            path = ratings_file(self._folder, name)
            kept = read_ratings(path) if path.exists() else []
        except (ValueError, OSError) as error:
            self._set_message(error, bad=True)
            return
        self.rater, self.path, self._order = name, path, self.order(name)
        given = {each["picture"]: each["score"] for each in kept}
        self.scores = {picture: given[picture] for picture in self._order if picture in given}
        unrated = (i for i, picture in enumerate(self._order) if picture not in self.scores)
        self._place = next(unrated, len(self._order))
        self._show()

    def give(self, score):
        """Give the picture that is shown a score, 1 to 5, keep it, and show the next one."""
        if not self.rater or self._place >= len(self._order):
            self._set_message("Write a name and press Begin first." if not self.rater else _THANKS)
            return
        scores = {**self.scores, self._order[self._place]: int(score)}
        places = {picture: place for place, picture in enumerate(self._order, 1)}
        try:
            write_ratings(self.path, self.rater, scores, places)
        except (ValueError, OSError) as error:  # a full disk: the click is not counted
            self._set_message(error, bad=True)
            return
        self.scores = scores
        self._place += 1
        self._show()

    def back(self):
        """Show the picture before this one again, to change its score."""
        if self._place > 0:
            self._place -= 1
            self._show()

    def _show(self):
        over = self._place >= len(self._order)
        self.bar.value = self._place
        self.back_button.disabled = self._place == 0
        self.picture.layout.visibility = "hidden" if over else "visible"
        for each in self.buttons:
            each.disabled, each.button_style = over, ""
        if over:
            self._set_message(f"{_THANKS} The scores are in {self.path.name}.")
            return
        shown = self._order[self._place]
        show_picture(self.picture, self._pictures[shown])
        if shown in self.scores:
            self.buttons[self.scores[shown] - 1].button_style = "info"
        self._set_message(f"Picture {self._place + 1} of {len(self._order)}: how do you like it?")

    def _set_message(self, text, bad=False):
        self.status.value = message_html(text, bad)


_THANKS = "Thank you, that was all."
