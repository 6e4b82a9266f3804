"""Self-checks: right answers pass, usual mistakes are named, broken functions do not raise."""

from __future__ import annotations

import copy
import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st
from keras import ops

import nsthelpers as nst
from nsthelpers import losses
from nsthelpers.lessons import checks
from nsthelpers.lessons.hints import Hints
from nsthelpers.network import vgg
from nsthelpers.recipes import coarse_to_fine
from nsthelpers.statistics import columns
from nsthelpers.statistics.gram import Gram

ALL = checks.tasks()
NOTEBOOKS = sorted({task.notebook for task in ALL.values()})
MISTAKES = [(name, mistake) for name, task in ALL.items() for mistake in task.mistakes]


def test_public_name_is_the_function():
    assert nst.check is checks.check


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_notebook_has_three_to_five_tasks(notebook):
    assert 3 <= len(checks.tasks(notebook)) <= 5


def test_notebooks_together_have_all_tasks():
    together = [name for notebook in NOTEBOOKS for name in checks.tasks(notebook)]
    assert together == list(ALL)


@pytest.mark.parametrize("name", ALL)
def test_the_right_answer_passes(name):
    result = nst.check(name, ALL[name].answer)
    assert result.passed and not result.unfilled
    assert result.message == f"Right. {ALL[name].insight}"


@pytest.mark.parametrize(
    "name, function",
    [
        ("preprocess", vgg.preprocess),
        ("deprocess", vgg.deprocess),
        ("content_loss", losses.content_loss),
        ("gram_matrix", losses.gram_matrix),
        ("adjacent_gram", lambda f: Gram(offsets=[(0, 1)]).describe(f)[0]),
        ("nearest", lambda rows, others: columns.nearest(*map(columns.unit, (rows, others)))),
        ("style_loss", losses.style_loss),
        ("coarse_to_fine_sizes", coarse_to_fine),
        ("total_variation", losses.total_variation),
        ("total_variation_squared", functools.partial(losses.total_variation, kind="squared")),
        ("total_variation_exponent", lambda x, p: losses.total_variation(x, "exponent", p)),
    ],
)
def test_the_package_agrees_with_the_tasks(name, function):
    assert nst.check(name, function).passed


def test_the_package_counts_as_the_tasks_do():
    table = vgg.layer_table()
    kernels = [3 if layer.kind == "convolution" else 2 for layer in table]
    strides = [1 if layer.kind == "convolution" else 2 for layer in table]
    for depth, layer in enumerate(table, start=1):
        field = ALL["receptive_field"].answer(kernels[:depth], strides[:depth])
        assert field == layer.receptive_field
    widths = [3] + [layer.shape[2] for layer in table if layer.parameters]
    counted = [layer.parameters for layer in table if layer.parameters]
    assert [ALL["parameters"].answer(*pair) for pair in itertools.pairwise(widths)] == counted


@pytest.mark.parametrize("name, mistake", MISTAKES)
def test_each_mistake_is_recognised_by_name(name, mistake):
    result = nst.check(name, ALL[name].mistakes[mistake])
    assert not result.passed and not result.unfilled
    assert result.message.startswith(f"Not yet: {mistake}")


@pytest.mark.parametrize("name", ALL)
def test_inputs_are_not_all_square_nor_all_alike(name):
    cases = ALL[name].cases()
    assert len(cases) >= 2
    shapes = [a.shape for case in cases for a in case if isinstance(a, np.ndarray) and a.ndim == 4]
    assert all(height != width for _, height, width, _ in shapes)
    assert len({repr(case) for case in cases}) == len(cases)  # none twice


@pytest.mark.parametrize("name", ALL)
def test_inputs_are_fresh(name):
    first, second = ALL[name].cases(), ALL[name].cases()
    kept = copy.deepcopy(first)
    for argument in (argument for case in first for argument in case):
        if isinstance(argument, (np.ndarray, list)):  # a student's function may change these
            argument *= 0
    assert repr(second) == repr(kept) == repr(ALL[name].cases())


def _dots(features): ...


def _described(features):
    """The mean products of channels."""


def _not_implemented(features):
    raise NotImplementedError("write me")


def defined(body):
    """A student's function with this body, as a cell defines it."""
    names = {}
    exec(f"def gram_matrix(features):{body}", names)
    return names["gram_matrix"]


EMPTY = [
    " ...",
    " pass",
    " return",
    " return None",
    "\n    ...",
    "\n    pass",
    "\n    return None",
    "\n    return ...",
    "\n    # write me\n\n    ...",
    "\n    pass\n    return None",
    "\n    'The mean products of channels.'",
    "\n    'The mean products of channels.'\n    ...",
    "\n    'The mean products of channels.'\n\n    # write me\n    ...",
    "\n    'The mean products of channels.'\n    pass",
    "\n    'The mean products of channels.'\n    return None",
    "\n    'The mean products of channels.'\n    raise NotImplementedError('write me')",
    "\n    raise NotImplementedError",
]


@pytest.mark.parametrize(
    "stub",
    [_dots, _described, _not_implemented, lambda f: ..., lambda f: None, *map(defined, EMPTY)],
)
def test_a_stub_is_unfilled_and_not_right(stub):
    result = nst.check("gram_matrix", stub)
    assert result.unfilled and not result.passed
    assert result.message == "Not filled in yet. Replace the ... and run this cell again."


WRITTEN = [
    " return 0",
    " return ''",
    " return features",
    " return features.shape",
    "\n    'docstring'\n    return 'docstring'",
    "\n    'docstring'\n    return features",
    "\n    'docstring'\n    return 3.5",
    "\n    print\n    return None",
    "\n    features = None",
    "\n    yield",
    "\n    return [] or None",
]


@pytest.mark.parametrize("function", [lambda f: f, lambda f: 0, len, *map(defined, WRITTEN)])
def test_a_function_that_does_something_is_not_unfilled(function):
    result = nst.check("gram_matrix", function)
    assert not result.unfilled and not result.passed


def _forgot_return(features):
    matrix = features.reshape(-1, features.shape[-1])
    matrix.T @ matrix / len(matrix)  # noqa: B018


def _in_place(features):
    features *= 2.0
    return features


def _reshape(features):
    return np.reshape(features, (-1, 7))


def _unknown_name(features):
    return not_defined_anywhere  # noqa: F821


@pytest.mark.parametrize(
    "function, words",
    [
        (_forgot_return, "returns nothing. Is the `return` missing?"),
        (_in_place, "changes its input in place"),
        (_reshape, "stopped with ValueError: cannot reshape"),
        (_reshape, "take all sizes from the input's shape, the channels too"),
        (_unknown_name, "has the cell that defines it been run?"),
        (lambda: 1, "It is called as gram_matrix(features)"),
        (lambda features, more: 1, "missing a required argument: 'more'"),
        (lambda features: {"gram": 1}, "(dict) is not made of numbers"),
        (lambda features: "gram", "(str) is not made of numbers"),
        (lambda features: [[1.0], [1.0, 2.0]], "(list) is not made of numbers"),
        (lambda features: features, "the shape is (1, 4, 6, 5), expected (5, 5)"),
        (lambda features: 1 / 0, "stopped with ZeroDivisionError: division by zero"),
        (lambda features: [0.0] / 0, "stopped with TypeError"),
        (lambda features: np.full(2 * features.shape[-1:], np.nan), "is not finite"),
        (lambda features: 3 * losses.gram_matrix(features), "every value is 3 times the right one"),
        (lambda features: losses.gram_matrix(features) + 1, "expected 0."),
        (losses.gram_matrix(np.eye(2)), "this is not a function"),
        (None, "this is not a function (NoneType). Pass gram_matrix itself"),
    ],
)
def test_a_broken_function_gets_words_and_no_exception(function, words):
    result = nst.check("gram_matrix", function)
    assert not result.passed and not result.unfilled
    assert words in result.message


def test_keras_in_place_preprocessing_is_caught():
    from keras.applications.vgg19 import preprocess_input

    assert "in place" in nst.check("preprocess", preprocess_input).message


def test_a_list_that_is_changed_in_place_is_caught():
    def greedy(kernel_sizes, strides):
        field = 1
        while kernel_sizes:
            field += kernel_sizes.pop() - 1
        return field

    assert "in place" in nst.check("receptive_field", greedy).message


@pytest.mark.parametrize(
    "convert", [ops.convert_to_tensor, np.float32, lambda value: value.tolist()]
)
def test_tensors_arrays_and_lists_are_accepted(convert):
    right = ALL["gram_matrix"].answer
    assert nst.check("gram_matrix", lambda f: convert(right(f))).passed


def test_a_list_of_tensors_is_accepted():
    right = ALL["layer_weights"].answer
    weights = lambda count, ratio: [ops.convert_to_tensor(w) for w in right(count, ratio)]  # noqa: E731
    assert nst.check("layer_weights", weights).passed


def test_a_half_right_function_is_not_right():
    def only_for_wide_images(features):
        right = ALL["gram_matrix"].answer(features)
        return right if features.shape[2] == 6 else right * 2

    assert (
        "called with an array of shape (1, 3, 5, 2)"
        in nst.check("gram_matrix", only_for_wide_images).message
    )


def test_a_mistake_must_fit_all_inputs_to_be_named():
    def undecided(features):
        gram, channels = ALL["gram_matrix"].answer(features), features.shape[-1]
        return gram * features.size / channels if channels == 5 else gram * 1.5

    message = nst.check("gram_matrix", undecided).message
    assert not any(mistake in message for mistake in ALL["gram_matrix"].mistakes)


@given(st.floats(-5, 5).filter(lambda x: abs(x - 1) > 0.01 and abs(x) > 0.01))
def test_a_wrong_factor_is_never_right(factor):
    right = ALL["style_loss"].answer
    assert not nst.check("style_loss", lambda gram, target: factor * right(gram, target)).passed


def test_a_student_may_interrupt():
    def endless(features):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nst.check("gram_matrix", endless)


def test_nothing_is_printed(capsys):
    nst.check("gram_matrix", ALL["gram_matrix"].answer)
    nst.check("gram_matrix", _reshape)
    assert capsys.readouterr() == ("", "")


def test_an_unknown_task_gets_the_closest_names():
    with pytest.raises(ValueError, match="no task 'gramm_matrix'; did you mean gram_matrix"):
        nst.check("gramm_matrix", _dots)


def test_the_notebook_view_carries_the_message_escaped():
    result = nst.check("gram_matrix", lambda features: "<script>" + 1)
    assert repr(result) == f"gram_matrix: {result.message}"
    hostile = checks.CheckResult("<b>", False, False, "<script>alert(1)</script> & more")
    assert "<script>" not in hostile._repr_html_() and "&lt;script&gt;" in hostile._repr_html_()


def test_right_wrong_and_unfilled_look_different():
    looks = {
        checks.CheckResult("t", passed, unfilled, "m")._repr_html_()
        for passed, unfilled in ((True, False), (False, False), (False, True))
    }
    assert len(looks) == 3


# Hints


WITH_HINTS = [name for name, task in ALL.items() if task.notebook <= 6 or task.notebook == 8]


@pytest.mark.parametrize("name", WITH_HINTS)
def test_hints_lead_to_a_solution_that_is_right(name):
    hints = nst.check(name, _dots).hints
    assert len(hints.steps) >= 2
    names = {"np": np}
    exec(hints.solution, names)
    assert nst.check(name, names[name]).passed


@pytest.mark.parametrize("name", WITH_HINTS)
def test_no_hint_gives_the_solution_away(name):
    hints = nst.check(name, _dots).hints
    code = [line.strip() for line in hints.solution.splitlines() if "return" in line]
    assert not any(line.removeprefix("return ") in step for line in code for step in hints.steps)


def test_hints_come_in_steps_and_the_solution_last():
    texts = [repr(nst.check("style_loss", _dots, hint=count)) for count in range(4)]
    assert [text.count("Hint ") for text in texts] == [0, 1, 2, 2]
    assert ["def style_loss" in text for text in texts] == [False, False, False, True]


def test_a_notebook_unfolds_each_hint_inside_the_one_before():
    shown = nst.check("style_loss", _dots)._repr_html_()
    places = [shown.index(word) for word in ("Hint 1", "Hint 2", "Solution", "def style_loss")]
    assert places == sorted(places)
    assert shown.count("<details") == shown.count("</details>") == 3
    assert "</details>" not in shown[: places[-1]]


def test_who_is_right_needs_no_hints():
    result = nst.check("style_loss", ALL["style_loss"].answer, hint=3)
    assert "<details" not in result._repr_html_() and "Hint" not in repr(result)


def test_a_task_without_hints_shows_none(monkeypatch):
    monkeypatch.setattr(checks, "hints_for", lambda name: Hints())
    result = nst.check("style_loss", _dots, hint=9)
    assert "<details" not in result._repr_html_() and "\n" not in repr(result)
