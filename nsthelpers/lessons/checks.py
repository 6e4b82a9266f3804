"""Self-checks of the notebooks: is a student's function right, and if not, what is its mistake?

A task (``exercises`` holds them) has a right answer and the usual wrong ones, all as functions.
A student's function is called on small inputs and its results are compared with all of these: one
that agrees with a wrong answer everywhere has made just that mistake, and the message names it.
"""

from __future__ import annotations

import functools
import html
import inspect
import itertools
import re
import warnings
from dataclasses import dataclass, replace

import numpy as np

from ..arguments import did_you_mean
from .exercises import TASKS, Task
from .hints import Hints, hints_for
from .notes import note_html

__all__ = ["CheckResult", "check", "is_stub", "numpy_habit", "tasks"]

# What tensors do not have, and what does the same.
_IN_OPS = {
    "T": "ops.transpose(x)", "astype": 'ops.cast(x, "float32")', "clip": "ops.clip(x, 0, 1)",
    "dot": "ops.matmul(x, y)", "flatten": "ops.reshape(x, (-1,))", "max": "ops.max(x)",
    "mean": "ops.mean(x)", "min": "ops.min(x)", "ravel": "ops.reshape(x, (-1,))",
    "reshape": "ops.reshape(x, shape)", "size": "the product of x.shape", "std": "ops.std(x)",
    "sum": "ops.sum(x)", "swapaxes": "ops.swapaxes(x, 0, 1)", "transpose": "ops.transpose(x)",
    "var": "ops.var(x)",
}  # fmt: skip
_TOLERANCE = 1e-4  # float32 sums of some hundred values agree far better; mistakes differ far more


@dataclass(frozen=True, repr=False)
class CheckResult:
    """What a check found; a notebook shows it as a coloured line.

    Attributes
    ----------
    name : str
        The task.
    passed : bool
    unfilled : bool
        The function is still the empty stub.
    message : str
        What is right, wrong or to be done, as a sentence.
    hints : Hints, default none
        What helps; a notebook unfolds it step by step as long as the answer is not right.
    shown : int, default 0
        How many of the hints the text has.
    """

    name: str
    passed: bool
    unfilled: bool
    message: str
    hints: Hints = Hints()
    shown: int = 0

    def __repr__(self):
        more = "" if self.passed else self.hints.text(self.shown)
        return f"{self.name}: {self.message}" + (f"\n{more}" if more else "")

    def _repr_html_(self):
        kind = "right" if self.passed else "open" if self.unfilled else "wrong"
        return note_html(
            kind,
            f"<code>{html.escape(self.name)}</code>: {html.escape(self.message)}"
            f"{'' if self.passed else self.hints.html()}",
        )


def tasks(notebook=None) -> dict[str, Task]:
    """All tasks by name, or those of one notebook.

    Parameters
    ----------
    notebook : int, optional
        1 to 10.

    Returns
    -------
    dict of str to Task
        With ``signature`` and ``goal`` for the student; ``answer`` is a right function.

    Examples
    --------
    >>> list(tasks(1))
    ['convolve', 'preprocess', 'deprocess', 'parameters', 'receptive_field']
    """
    return {task.name: task for task in TASKS if notebook in (None, task.notebook)}


def check(name, function, hint=0) -> CheckResult:
    """Try a student's function on small inputs and name the mistake, if there is one.

    Parameters
    ----------
    name : str
        The task, one of :func:`tasks`.
    function : callable
        It gets NumPy arrays (float32) and numbers, and may return an array, a tensor, a list or a
        number. Whatever it does, this does not raise: the message carries its errors.
    hint : int, default 0
        So many hints are printed with the message, and the solution after the last of them. A
        notebook offers them to be unfolded, without this.

    Returns
    -------
    CheckResult

    Raises
    ------
    ValueError
        For a task that does not exist.

    Examples
    --------
    >>> check("style_loss", lambda gram, target: ((gram - target) ** 2).sum())
    style_loss: Not yet: the squared differences are added up, not averaged over the N x N entries.
    >>> check("style_loss", lambda gram, target: ...).unfilled
    True
    >>> check("style_loss", lambda gram, target: ..., hint=1)
    style_loss: Not filled in yet. Replace the ... and run this cell again.
    Hint 1 of 2: You have compared two arrays before: it is the content loss once more.
    """
    known = tasks()
    if name not in known:
        raise ValueError(f"there is no task {name!r}; {did_you_mean(name, known)}")
    return replace(_checked(known[name], function), hints=hints_for(name), shown=hint)


def _checked(task, function):
    if not callable(function):
        return _wrong(
            task, f"this is not a function ({type(function).__name__}). Pass {task.name} itself"
        )
    if is_stub(function):
        return _unfilled(task)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return _examine(task, function)
    except NotImplementedError:
        return _unfilled(task)


def _examine(task, function):
    found = []
    for arguments in task.cases():
        problem = _signature_error(function, arguments)
        if problem:
            return _wrong(task, f"{problem}. It is called as {task.signature}")
        given = _copy(arguments, "float32")
        try:
            value = function(*given)
        except NotImplementedError:
            raise
        except Exception as error:  # a student's function may do anything; the message carries it
            return _wrong(task, f"{_error_text(error)} (called with {_describe(arguments)})")
        if value is None or value is Ellipsis:
            return _wrong(task, "the function returns nothing. Is the `return` missing?")
        if not _equal(_copy(arguments, "float32"), given):
            return _wrong(
                task,
                "the function changes its input in place. Whoever passed the array still needs "
                "it: compute a new one (no `x += ...`, `x[...] = ...`)",
            )
        array = _as_array(value)
        if array is None:
            return _wrong(task, f"what it returned ({type(value).__name__}) is not made of numbers")
        found.append((arguments, array, _reference(task.answer, arguments)))
    if all(_agree(array, expected) for _, array, expected in found):
        return CheckResult(task.name, True, False, f"Right. {task.insight}")
    for mistake, wrong in task.mistakes.items():
        if all(_agree(array, _reference(wrong, arguments)) for arguments, array, _ in found):
            return _wrong(task, mistake)
    return _wrong(task, _difference(found))


def _difference(found):
    """Describe results that are wrong in no known way."""
    for arguments, array, expected in found:
        if array.shape != expected.shape:
            return (
                f"the shape is {array.shape}, expected {expected.shape} "
                f"(called with {_describe(arguments)})"
            )
    if not all(np.isfinite(array).all() for _, array, _ in found):
        return "the result is not finite (NaN or infinity): is there a division by 0?"
    factors = [_factor(array, expected) for _, array, expected in found]
    if factors[0] and np.allclose(factors, factors[0], rtol=1e-3):
        return f"every value is {factors[0]:.4g} times the right one"
    arguments, array, expected = next(row for row in found if not _agree(row[1], row[2]))
    worst = np.unravel_index(np.argmax(np.abs(array - expected)), array.shape)
    where = f" at {tuple(int(i) for i in worst)}" if worst else ""
    return (
        f"called with {_describe(arguments)} it gives {array[worst]:.6g}{where}, "
        f"expected {expected[worst]:.6g}"
    )


def _factor(array, expected):
    """The one number that the right answer is multiplied by, or NaN."""
    size = np.sum(expected * expected)
    factor = np.sum(array * expected) / size if size else np.nan
    return float(factor) if _agree(array, factor * expected) else np.nan


def is_stub(function):
    """Whether the body does nothing: ``...``, ``pass``, a docstring, or returning None."""
    return _compiled(function) in _stubs()


def _compiled(function):
    """What a function does, apart from its name, its parameters and the text of its docstring."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    constants = list(code.co_consts)
    if function.__doc__ is not None and constants[:1] == [function.__doc__]:
        constants[0] = "docstring"
    return code.co_code, tuple(map(repr, constants))


@functools.cache
def _stubs():
    """Empty functions, compiled by the very Python that has compiled the student's."""
    ends = ["...", "pass", "return", "return None", "return ..."]
    made = {_compiled(lambda x: ...), _compiled(lambda x: None)}
    for lines in itertools.product(["", "'docstring'"], ["", "...", "pass"], ["", *ends]):
        for start, joint in ((" ", "; "), ("\n ", "\n ")):
            if body := joint.join(filter(None, lines)):
                names = {}
                exec(f"def stub(x):{start}{body}", names)
                made.add(_compiled(names["stub"]))
    return made


def _signature_error(function, arguments):
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        return f"the function cannot be called that way: {error}"
    except ValueError:  # some built-in functions have no signature
        return ""
    return ""


def _reference(answer, arguments):
    """A reference answer in float64; an empty array where it is not defined."""
    try:
        return np.asarray(answer(*_copy(arguments, "float64")), dtype="float64")
    except (ValueError, ZeroDivisionError, IndexError):
        return np.empty(0)


def _copy(value, dtype):
    if isinstance(value, np.ndarray):
        return value.astype(dtype)
    return type(value)(_copy(v, dtype) for v in value) if isinstance(value, list | tuple) else value


def _equal(before, after):
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_equal, before, after))
    return np.array_equal(before, after)


def _as_array(value):
    try:
        return np.asarray(value, dtype="float64")
    except (TypeError, ValueError):
        pass
    try:
        return np.asarray([np.asarray(part) for part in value], dtype="float64")
    except (TypeError, ValueError):
        return None


def _agree(array, expected):
    if array.shape != expected.shape:
        return False
    scale = np.max(np.abs(expected), initial=0.0)
    return bool(np.allclose(array, expected, rtol=_TOLERANCE, atol=_TOLERANCE * scale * 0.1))


def _describe(arguments):
    def one(value):
        if isinstance(value, np.ndarray):
            return f"an array of shape {value.shape}"
        if isinstance(value, list) and any(isinstance(v, np.ndarray) for v in value):
            return f"a list of {len(value)} arrays"
        return repr(value)

    return ", ".join(one(value) for value in arguments)


def _error_text(error):
    text = " ".join(str(error).split())
    text = text[:200] + " ..." if len(text) > 200 else text
    hint = ""
    if habit := numpy_habit(error):
        return f"the function mixes NumPy and keras.ops: {habit}"
    if "reshape" in text:
        hint = "; take all sizes from the input's shape, the channels too"
    elif isinstance(error, NameError):
        hint = "; has the cell that defines it been run?"
    return f"the function stopped with {type(error).__name__}: {text}{hint}"


def numpy_habit(error) -> str:
    """What of NumPy a tensor was asked for, and what to write instead; empty for other errors.

    Examples
    --------
    >>> numpy_habit(AttributeError("EagerTensor object has no attribute 'T'."))
    'a tensor has no .T, which is NumPy: write ops.transpose(x)'
    """
    missing = re.search(r"Tensor'? object has no attribute '(\w+)'", str(error))
    if not isinstance(error, AttributeError) or not missing:
        return ""
    instead = f": write {_IN_OPS[missing[1]]}" if missing[1] in _IN_OPS else ""
    return f"a tensor has no .{missing[1]}, which is NumPy{instead}"


def _wrong(task, message):
    end = "" if message.endswith("?") else "."
    return CheckResult(task.name, False, False, f"Not yet: {message}{end}")


def _unfilled(task):
    return CheckResult(
        task.name, False, True, "Not filled in yet. Replace the ... and run this cell again."
    )
