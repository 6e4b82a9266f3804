"""Can the engine work with a student's function? Is it filled in, right, and has it a gradient?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ... import losses
from ...backend import compile_value_and_gradient, ops, to_numpy, to_tensor
from ...real_time.network import instance_normalisation
from ...statistics.base import products
from ..checks import check, numpy_habit, tasks
from ..notes import note_html, words_html

__all__ = ["OURS", "Verdict", "gradient_problem", "judge"]


def _step(image, gradient, rate):
    return np.clip(image - rate * gradient, 0, 1)


def _sum(content, style, variation, alpha, beta, gamma):
    return alpha * content + beta * style + gamma * variation


def _guided_gram(features, guide):
    weights = ops.square(guide)
    return losses.gram_matrix(features * guide) / ops.mean(weights)


def _adjacent_gram(features):
    return products(features[:, :, :-1], features[:, :, 1:])


def _sorted_answers(features, directions):
    rows = losses.as_rows(features)
    return ops.sort(ops.matmul(ops.transpose(directions), ops.transpose(rows)), axis=1)


#: What is used where the student's function cannot be.
OURS = {
    "content_loss": losses.content_loss,
    "gram_matrix": losses.gram_matrix,
    "style_loss": losses.style_loss,
    "total_variation": losses.total_variation,
    "total_loss": _sum,
    "gradient_step": _step,
    "guided_gram": _guided_gram,
    "adjacent_gram": _adjacent_gram,
    "instance_norm": instance_normalisation,
    "sorted_answers": _sorted_answers,
}
_NEEDS_NO_GRADIENT = {"gradient_step"}
_NUMPY = (
    "its numbers are right, but it is written in NumPy. NumPy turns a tensor into plain numbers "
    "that no longer know of the pixels they came from, so there is no gradient and the image would "
    "never move. Write it with keras.ops: ops.mean in place of np.mean, and so on"
)


@dataclass(frozen=True)
class Verdict:
    """What was found of a student's function.

    Attributes
    ----------
    name : str
        The task.
    function : callable
        What the engine uses: the student's, or ours.
    state : {"yours", "unfilled", "wrong"}
    message : str
    given : callable or None
        What the student wrote, used or not.
    """

    name: str
    function: Callable
    state: str
    message: str
    given: Callable | None = None

    @property
    def replaced(self) -> str:
        """A sentence on what is used in place of a wrong function; else nothing."""
        if self.state != "wrong":
            return ""
        return f"The notebook's own {self.name} is used in place of yours."

    def __repr__(self):
        return f"{self.name}: {self.message}"

    def _repr_html_(self):
        kind = {"yours": "right", "unfilled": "open", "wrong": "wrong"}[self.state]
        return note_html(kind, f"<code>{self.name}</code>: {words_html(self.message)}")


def judge(name, function) -> Verdict:
    """Decide whose function is used.

    Parameters
    ----------
    name : str
        One of :data:`OURS`.
    function : callable or None
        The student's.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        For a name that is none of these.

    Examples
    --------
    >>> judge("style_loss", lambda gram, target: ...)
    style_loss: not filled in yet, so the notebook's own is used.
    >>> judge("style_loss", lambda gram, target: ops.mean(ops.square(gram - target))).state
    'yours'
    """
    ours = OURS[name]
    if function is None:
        return Verdict(name, ours, "unfilled", "not given, so the notebook's own is used.")
    found = check(name, function)
    if found.unfilled:
        text = "not filled in yet, so the notebook's own is used."
        return Verdict(name, ours, "unfilled", text)
    problem = "" if found.passed else found.message.removeprefix("Not yet: ").rstrip(".")
    if found.passed and name not in _NEEDS_NO_GRADIENT:
        problem = gradient_problem(name, function)
    if problem:
        mark = "" if problem.endswith("?") else "."
        return Verdict(name, ours, "wrong", f"not yet: {problem}{mark}", function)
    return Verdict(name, function, "yours", "yours paints.", function)


def gradient_problem(name, function) -> str:
    """What is wrong with a function's gradient; empty where nothing is.

    Its values are right as far as one knows; now it is called with tensors, as the engine does.
    """
    arguments = [
        to_tensor(each) if isinstance(each, (np.ndarray, float)) else each
        for each in tasks()[name].cases()[0]
    ]
    try:
        found = _gradient(function, arguments)
    except Exception as error:  # whatever a student's function does with a tensor
        return _what_went_wrong(error)
    expected = _gradient(OURS[name], arguments)
    if not np.isfinite(found).all():
        return "its gradient is not finite: is there a root or a logarithm of 0?"
    if not np.any(found):
        return (
            "its gradient is 0 everywhere: somewhere the tensor becomes plain numbers, which no "
            "longer know of the pixels. Use keras.ops from the first line to the last"
        )
    if not np.allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max()):
        return (
            "its numbers are right, but its gradient is not: a part of it is hidden from the "
            "engine, as by NumPy, float(...) or ops.stop_gradient"
        )
    return ""


def _gradient(function, arguments):
    """By the first argument; of a matrix by way of one number that all of its entries decide."""

    def number(first, others):
        value = ops.convert_to_tensor(function(first, *others))
        turns = ops.cos(ops.cast(ops.arange(np.prod(value.shape, dtype=int)), "float32"))
        return ops.sum(ops.reshape(value, (-1,)) * turns), ()

    first, *others = arguments
    return to_numpy(compile_value_and_gradient(number)(first, others)[2])


def _what_went_wrong(error):
    """Name what NumPy habits do to tensors."""
    text = " ".join(str(error).split())
    if habit := numpy_habit(error):
        return f"its numbers are right, but {habit}. With NumPy there would be no gradient"
    if "len is not" in text or "has no len()" in text:
        return "its numbers are right, but a tensor has no len(); x.shape[0] says how many rows"
    if "numpy" in text.lower() or "symbolic" in text.lower() or "float()" in text:
        return _NUMPY
    return f"with tensors it stops with {type(error).__name__}: {text[:200]}"
