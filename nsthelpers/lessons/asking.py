"""Putting questions: guess first, then run; choose; sort pictures.

In a running notebook a question has buttons. The same output carries plain HTML to unfold, which
is what is seen where no kernel runs, and text. What was answered is kept as long as the kernel.
"""

from __future__ import annotations

import hashlib
import html
import sys

from .. import record
from ..images.arrays import as_image
from .notes import Note, folded_html, note_html, picture_row, words_html
from .questions import LETTERS, Question, question

__all__ = ["Asked", "predict", "quiz"]

_predicted: dict[str, str] = {}  # answers by the question's name


def predict(name, guess=None, *, actual=None):
    """Ask for a prediction, and tell later what came out.

    Parameters
    ----------
    name : str
        The question; see :func:`nsthelpers.lessons.questions.questions`.
    guess : str, optional
        A letter, to answer without buttons.
    actual : number or str, optional
        What was measured, or the letter of the option that came out: tells whether the prediction
        was right, and why.

    Returns
    -------
    Asked or Note
        The question, or what is to be said. Nothing is raised for a wrong guess.

    Raises
    ------
    ValueError
        For an unknown question or option, or a measured number outside of all options.

    Examples
    --------
    >>> predict("doubled_features", "b")
    Your prediction: b) 2. Now run on, and see.
    >>> print(predict("doubled_features", actual=4.0))
    You predicted b) 2. It came out as c) 4 (measured: 4).
    b) Every entry is a mean of *products* of two features, and both are doubled.
    c) Each entry is a mean of products; 2 times 2 is 4. And the squared difference of two Gram \
matrices grows by 16.
    """
    asked = question(name)
    if asked.kind != "predict":
        raise ValueError(f"{name!r} is no prediction; ask it with nst.quiz({name!r})")
    if actual is not None:
        return _revealed(asked, actual)
    if guess is not None:
        return _committed(asked, guess)
    _predicted.pop(name, None)  # a cell that is run again asks again
    return Asked(asked)


def quiz(name, answer=None, *, pictures=None):
    """Ask a question that has a right answer.

    Parameters
    ----------
    name : str
        The question; see :func:`nsthelpers.lessons.questions.questions`.
    answer : str, optional
        A letter, or the letters of all pictures in order, to answer without buttons.
    pictures : sequence of images, optional
        In place of the record's: where pictures are to be sorted, in the right order (they are
        shown in another one); else in the order of the options. A Synthesis counts as its image.

    Returns
    -------
    Asked or Note
        The question, or what is to be said of the answer.

    Raises
    ------
    ValueError
        For an unknown question or option, or a wrong number of pictures.

    Examples
    --------
    >>> quiz("what_training_changed", "b")
    Right. The network is a measuring instrument. Only the image changes.
    >>> quiz("what_training_changed", "a").kind
    'wrong'
    """
    asked = question(name)
    if asked.kind == "predict":
        raise ValueError(f"{name!r} is a prediction; ask it with nst.predict({name!r})")
    if answer is not None:
        return _judged(asked, answer)
    return Asked(asked, _pictures(asked, pictures))


class Asked:
    """A question in a notebook: buttons where a kernel runs, else HTML to unfold, else text.

    Attributes
    ----------
    question : Question
    pictures : list of array or None
        As they are shown; None for one that is not made yet.
    widget : ipywidgets.Widget or None
        None outside of a notebook.
    """

    def __init__(self, question: Question, pictures=()):
        self.question, self.pictures = question, list(pictures)
        self.widget = _widget(self) if _in_notebook() else None

    def __repr__(self):
        asked = self.question
        how = f"nst.{'predict' if asked.kind == 'predict' else 'quiz'}({asked.name!r}, "
        lines = [asked.text, *([asked.code] if asked.code else [])]
        lines += [f"  {letter}) {each.text}" for letter, each in _lettered(asked)]
        if asked.kind == "order":
            lines.append(f"Answer with the letters in order: {how}{self.letters!r})")
        else:
            lines.append(f"Answer with a letter: {how}'a')")
        return "\n".join(lines)

    @property
    def letters(self) -> str:
        """The letters of the pictures, as they are shown."""
        return LETTERS[: len(self.pictures)]

    def _repr_html_(self):
        return note_html("open", self.html() + _folded(self.question))

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if self.widget is not None:
            bundle["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.widget.model_id,
            }
        return bundle

    def html(self) -> str:
        """The question itself, without what is to be chosen."""
        code = f"<pre>{html.escape(self.question.code)}</pre>" if self.question.code else ""
        row = picture_row(zip(LETTERS, self.pictures, strict=False)) if self.pictures else ""
        text = f'<p style="line-height:1.4">{words_html(self.question.text)}</p>'
        return text + code + row


def _committed(asked, guess):
    option = asked.option(guess)
    _predicted[asked.name] = guess
    return Note("open", f"Your prediction: {guess}) {option.text}. Now run on, and see.")


def _revealed(asked, actual):
    """Whether the prediction was right, and why."""
    letter, guess = asked.measured(actual), _predicted.get(asked.name)
    number = "" if isinstance(actual, str) else f" (measured: {float(actual):.4g})"
    came = f"{letter}) {asked.option(letter).text}{number}."
    reasons = [f"{letter}) {asked.option(letter).why}"]
    if guess is None:
        start, kind = f"You made no prediction. It came out as {came}", "open"
    elif guess == letter:
        start, kind = f"You predicted it: {came}", "right"
    else:
        start = f"You predicted {guess}) {asked.option(guess).text}. It came out as {came}"
        reasons.insert(0, f"{guess}) {asked.option(guess).why}")
        kind = "wrong"
    if letter != asked.answer:
        usual = f"{asked.answer}) {asked.option(asked.answer).text}"
        start += f" Elsewhere it came out as {usual}; a small picture or few steps can do that."
        reasons = [f"{asked.answer}) {asked.option(asked.answer).why}"]
    return Note(kind, "\n".join([start, *reasons]))


def _judged(asked, answer):
    """What is to be said of an answer to a question that has a right one."""
    if asked.kind != "order":
        option = asked.option(answer)
        right = answer == asked.answer
        return Note("right" if right else "wrong", f"{'Right' if right else 'No'}. {option.why}")
    letters, right = str(answer).lower(), _right_order(asked)
    if sorted(letters) != sorted(right):
        raise ValueError(
            f"the answer is {answer!r}; expected each of the letters {', '.join(sorted(right))} "
            f"once, such as {''.join(sorted(right))!r}"
        )
    if letters == right:
        return Note("right", f"Right. {asked.why}")
    swapped = next(
        (first, second)
        for first, second in zip(letters, letters[1:], strict=False)
        if right.index(first) > right.index(second)
    )
    return Note(
        "wrong", f"Not yet. Look at {' and '.join(swapped)} again: {swapped[1]} comes before."
    )


def _shuffled(asked, count):
    """Places of the pictures as they are shown: never the right order, always the same."""

    def digest(place):
        return hashlib.sha256(f"{asked.name} {place}".encode()).hexdigest()

    places = list(range(count))
    shown = sorted(places, key=digest)
    return shown if shown != places else shown[::-1]


def _right_order(asked):
    shown = _shuffled(asked, len(asked.pictures["labels"]))
    return "".join(LETTERS[shown.index(place)] for place in range(len(shown)))


def _pictures(asked, given):
    """What is shown, in the order in which it is shown."""
    wanted = len(asked.pictures.get("labels", ()))
    if given is None:
        found = _of_the_record(**asked.pictures) if asked.pictures else []
    else:
        found = [as_image(getattr(each, "image", each)) for each in given]
        if wanted and len(found) != wanted:
            raise ValueError(f"{len(found)} pictures for {asked.name!r}; expected {wanted}")
    if asked.kind == "order":
        found = [found[place] for place in _shuffled(asked, len(found))]
    return found


def _of_the_record(experiment, labels):
    if experiment not in record.names():
        return [None] * len(labels)
    results = record.load(experiment).results
    return [results[label].image if label in results else None for label in labels]


def _lettered(asked):
    return zip(LETTERS, asked.options, strict=False)


def _folded(asked):
    """Every option with what is to be said of it, to be unfolded: for where no kernel runs."""
    if asked.kind == "order":
        inside = html.escape(f"{', '.join(_right_order(asked))}. {asked.why}")
        return folded_html("The order, and why", inside)
    if asked.kind == "predict":
        listed = "".join(f"<li>{words_html(each.text)}</li>" for each in asked.options)
        right = asked.option(asked.answer)
        inside = f"<b>{asked.answer}) {words_html(right.text)}</b>. {words_html(right.why)}"
        shown = f'<ol type="a">{listed}</ol>'
        return shown + folded_html("Made up your mind? What came out, and why", inside)
    return "".join(
        folded_html(
            f"{letter}) {words_html(each.text)}",
            f"<b>{'Right' if letter == asked.answer else 'No'}.</b> {words_html(each.why)}",
        )
        for letter, each in _lettered(asked)
    )


def _in_notebook():
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and hasattr(shell, "kernel")


def _widget(shown):
    """The question with buttons, and a place for what is to be said."""
    import ipywidgets as ipw

    asked, said = shown.question, ipw.HTML()
    letters = shown.letters if asked.kind == "order" else LETTERS[: len(asked.options)]
    buttons = {
        letter: ipw.Button(description=letter, layout=ipw.Layout(width="44px"))
        for letter in letters
    }
    chosen: list[str] = []

    def say(note):
        said.value = note._repr_html_()

    def click(letter):
        if asked.kind == "predict":  # who has said something stays with it
            say(_committed(asked, letter))
            for each in buttons.values():
                each.disabled = True
        elif asked.kind != "order":
            say(_judged(asked, letter))
        else:
            chosen.append(letter)
            buttons[letter].disabled = True
            say(Note("open", " ".join(chosen)))
            if len(chosen) == len(letters):
                say(_judged(asked, "".join(chosen)))
                chosen.clear()
                for each in buttons.values():
                    each.disabled = False

    for letter, each in buttons.items():
        each.on_click(lambda _, letter=letter: click(letter))
    if asked.kind == "order":
        rows = [ipw.HTML("First, second, ...:"), ipw.HBox(list(buttons.values()))]
    else:
        rows = [
            ipw.HBox([buttons[letter], ipw.HTML(words_html(each.text))])
            for letter, each in _lettered(asked)
        ]
    box = ipw.VBox([ipw.HTML(shown.html()), *rows, said])
    box.buttons, box.said = buttons, said
    return box
