"""The student's own functions paint: right, wrong in known ways, without a gradient, unfilled."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from keras import ops
from small_painters import small_painter

import nsthelpers as nst
from nsthelpers.lessons import checks
from nsthelpers.lessons.hints import hints_for
from nsthelpers.lessons.own import looping, painting
from nsthelpers.lessons.own.judging import OURS, gradient_problem, judge

TASKS = checks.tasks()
MISTAKES = [(name, mistake) for name in OURS for mistake in TASKS[name].mistakes]
STYLE = ("block1_conv1", "block2_conv1")


def solution(name):
    """What the last hint says, as a student would have typed it."""
    names = {"np": np}
    exec(hints_for(name).solution, names)
    return names[name]


def unfilled(*arguments): ...


# What the small scene keeps of one test for the others, beside what the true one keeps.
KEPT = {
    name: functools.cache(getattr(painting, name).__wrapped__)
    for name in ("_right", "_photo", "_painting")
}


@pytest.fixture
def small(monkeypatch, network):
    """The small scene with an untrained network, layers that are compiled sooner, and few steps."""
    monkeypatch.setattr(painting, "default_network", lambda: network)
    monkeypatch.setattr(painting, "_CONTENT", "block1_conv2")
    monkeypatch.setattr(painting, "_STYLE", ("block1_conv1", "block1_conv2"))
    monkeypatch.setattr(painting, "_SIDE", 32)
    monkeypatch.setattr(painting, "_STEPS", 3)
    for name, kept in KEPT.items():
        monkeypatch.setattr(painting, name, kept)


# Whose function is used


@pytest.mark.parametrize("name", OURS)
def test_the_solution_of_the_hints_paints(name):
    found = judge(name, solution(name))
    assert (found.state, found.message, found.replaced) == ("yours", "yours paints.", "")
    assert found.function is found.given


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("stub", [None, unfilled, lambda *arguments: None])
def test_an_unfilled_one_is_replaced_and_that_is_said(name, stub):
    found = judge(name, stub)
    assert found.state == "unfilled" and found.function is OURS[name]
    assert "the notebook's own is used" in repr(found)
    assert "the notebook&#x27;s own is used" in found._repr_html_()


@pytest.mark.parametrize("name, mistake", MISTAKES)
def test_a_wrong_one_is_named_and_replaced(name, mistake):
    found = judge(name, TASKS[name].mistakes[mistake])
    assert found.state == "wrong" and found.function is OURS[name]
    assert found.message.startswith(f"not yet: {mistake}")
    assert found.replaced == f"The notebook's own {name} is used in place of yours."


def in_numpy(features, target):
    return np.mean((features - target) ** 2)


def by_method(features, target):
    return ((features - target) ** 2).mean()


def to_a_float(features, target):
    return float(ops.mean(ops.square(features - target)))


def gram_by_method(features):
    matrix = ops.reshape(features, (-1, features.shape[-1]))
    return np.asarray(matrix).T @ np.asarray(matrix) / matrix.shape[0]


def gram_with_t(features):
    matrix = features.reshape(-1, features.shape[-1])
    return matrix.T @ matrix / len(matrix)


def gram_with_len(features):
    matrix = ops.reshape(features, (-1, features.shape[-1]))
    return ops.matmul(ops.transpose(matrix), matrix) / len(matrix)


def stopped(features, target):
    return ops.mean(ops.square(ops.stop_gradient(features) - target))


def half_stopped(features, target):
    difference = features - target
    return ops.mean(difference * ops.stop_gradient(difference))


def root_of_nothing(image):
    noughts = ops.sqrt(ops.relu(-ops.abs(image)))  # 0, with an infinite slope
    return nst.losses.total_variation(image) + ops.mean(noughts)


@pytest.mark.parametrize(
    "name, function, words",
    [
        ("content_loss", in_numpy, "it is written in NumPy"),
        ("content_loss", by_method, "a tensor has no .mean, which is NumPy: write ops.mean(x)"),
        ("content_loss", to_a_float, "it is written in NumPy"),
        ("content_loss", stopped, "its gradient is 0 everywhere"),
        ("content_loss", half_stopped, "its numbers are right, but its gradient is not"),
        ("gram_matrix", gram_by_method, "it is written in NumPy"),
        ("gram_matrix", gram_with_t, "a tensor has no .reshape, which is NumPy: write ops.reshape"),
        ("gram_matrix", gram_with_len, "a tensor has no len(); x.shape[0] says how many"),
        ("total_variation", root_of_nothing, "its gradient is not finite"),
    ],
)
def test_a_function_without_a_gradient_is_named_though_its_numbers_are_right(name, function, words):
    assert nst.check(name, function).passed
    found = judge(name, function)
    assert found.state == "wrong" and found.function is OURS[name]
    assert words in found.message


def test_numpy_between_keras_ops_is_named_by_the_check_too():
    def mixed(features):
        matrix = ops.reshape(features, (-1, features.shape[-1]))
        return matrix.T @ matrix

    message = nst.check("gram_matrix", mixed).message
    assert "mixes NumPy and keras.ops: a tensor has no .T, which is NumPy: write ops.tr" in message


def test_any_error_with_tensors_is_words():
    def odd(features, target):
        if not isinstance(features, np.ndarray):
            raise RuntimeError("odd")
        return np.mean((features - target) ** 2)

    assert gradient_problem("content_loss", odd) == "with tensors it stops with RuntimeError: odd"


# An objective of them


def test_right_functions_are_the_engines_objective(network, photo, painting):
    theirs = nst.own.terms(
        photo, painting, gamma=0.5, network=network, style_layers=STYLE,
        **{name: solution(name) for name in
           ("content_loss", "gram_matrix", "style_loss", "total_variation")},
    )  # fmt: skip
    ours = (
        nst.Content(photo, network=network)
        + 10 * nst.Style(painting, STYLE, network=network)
        + 0.5 * nst.TotalVariation()
    )
    image = nst.white_noise(32, 48, seed=3)
    found, expected = theirs.at(32, 48).evaluate(image), ours.at(32, 48).evaluate(image)
    assert found.terms == pytest.approx(expected.terms, rel=1e-5)
    np.testing.assert_allclose(found.gradient, expected.gradient, rtol=1e-3, atol=1e-8)
    assert [verdict.state for verdict in theirs.verdicts] == ["yours"] * 4
    assert theirs.weights == ours.weights
    assert repr(theirs).splitlines()[0] == "content_loss: yours paints."


def test_the_objective_paints_and_its_settings_are_plain(network, photo, painting, tmp_path):
    objective = nst.own.terms(
        photo, painting, network=network, style_layers=STYLE, content_loss=solution("content_loss")
    )
    result = nst.synthesize(objective, start=photo, steps=3, progress=False)
    assert result.history[-1].loss < result.history[0].loss
    result.save(tmp_path / "own.png")  # settings travel inside


def test_unfilled_functions_leave_the_notebooks_own(network, photo):
    objective = nst.own.terms(photo, content_loss=unfilled, network=network)
    assert repr(objective) == "content_loss: not filled in yet, so the notebook's own is used."
    assert objective.mistakes == ()
    expected = nst.Content(photo, network=network).report(1 - photo)["content"]["loss"]
    assert objective.report(1 - photo)["content"]["loss"] == pytest.approx(expected, rel=1e-5)


def test_a_wrong_function_is_replaced_and_its_picture_shown(network, photo, small):
    added_up = lambda features, target: ops.sum(ops.square(features - target))  # noqa: E731
    objective = nst.own.terms(photo, content_loss=added_up, network=network)
    expected = nst.Content(photo, network=network).report(1 - photo)["content"]["loss"]
    assert objective.report(1 - photo)["content"]["loss"] == pytest.approx(expected, rel=1e-5)
    assert [painted.verdict.name for painted in objective.mistakes] == ["content_loss"]
    assert "The notebook's own content_loss is used in place of yours." in repr(objective)
    assert "added up, not averaged" in repr(objective)
    assert objective._repr_html_().count("<img") == 2
    hidden = nst.own.terms(photo, content_loss=added_up, network=network, show_mistakes=False)
    assert hidden.mistakes == () and "<img" not in hidden._repr_html_()


def test_without_a_term_there_is_nothing_to_paint():
    with pytest.raises(ValueError, match="nothing to paint; give a photo, a painting, or a gamma"):
        nst.own.terms()


def test_an_objective_of_own_terms_adds_and_scales(network, photo):
    own = nst.own.terms(photo, network=network)
    assert (2 * own + nst.TotalVariation()).weights == {"content": 2.0, "total_variation": 1.0}


def test_their_guided_gram_matrix_paints_regions_as_the_engine_does(network, photo, painting):
    left = nst.masks.half(photo, "left").feather(0.05)
    parts = [(left, painting), (~left, 0.5 * painting[:, ::-1])]
    own = nst.own.regions(
        photo, parts, guided_gram=solution("guided_gram"), network=network, style_layers=STYLE
    )
    ours = nst.Content(photo, network=network)
    for mask, each in parts:
        ours += 10 * mask.share * nst.Style(each, STYLE, region=mask, network=network)
    image = nst.white_noise(32, 48, seed=3)
    found, expected = own.at(32, 48).evaluate(image), ours.at(32, 48).evaluate(image)
    assert found.terms == pytest.approx(expected.terms, rel=1e-5)
    np.testing.assert_allclose(found.gradient, expected.gradient, rtol=1e-3, atol=1e-8)
    assert repr(own) == "guided_gram: yours paints."
    assert own.weights == pytest.approx(ours.weights)


def test_a_wrong_guided_gram_matrix_is_replaced_and_its_picture_shown(
    network, photo, painting, small
):
    everywhere = lambda features, guide: nst.gram_matrix(features)  # noqa: E731
    left = nst.masks.half(photo, "left")
    own = nst.own.regions(photo, [(left, painting)], guided_gram=everywhere, network=network)
    assert "The notebook's own guided_gram is used in place of yours." in repr(own)
    assert "the guide is not used" in repr(own) and own._repr_html_().count("<img") == 2
    expected = nst.Style(painting, region=left, network=network).report(photo)["style"]["loss"]
    assert own.report(photo)["style"]["loss"] == pytest.approx(expected, rel=1e-5)


def test_regions_need_one():
    with pytest.raises(ValueError, match="there is no region; give at least one pair"):
        nst.own.regions(nst.white_noise(32, 32), [])


# What a function paints


def wrong_ones():
    """Mistakes in keras.ops, so that they can paint."""

    def square(x, y):
        return ops.square(x - y)

    def rows(features):
        return ops.reshape(features, (-1, features.shape[-1]))

    def columns(features):
        return ops.reshape(features, (features.shape[-1], -1))

    def variation(image, of=ops.abs, reduce=ops.mean):
        across, down = image[:, :, 1:] - image[:, :, :-1], image[:, 1:] - image[:, :-1]
        return reduce(of(across)) + reduce(of(down))

    def gram(features, by=1.0):
        return ops.matmul(ops.transpose(rows(features)), rows(features)) / by

    def size(features):
        return features.shape[1] * features.shape[2]

    return {
        "content_loss": [
            (lambda f, t: ops.sum(square(f, t)), "added up, not averaged"),
            (lambda f, t: ops.mean(square(f, t)) / 2, "half of the mean"),
            (lambda f, t: ops.mean(f - t), "are not squared"),
            (lambda f, t: -ops.mean(square(f, t)), "the sign is wrong"),
            (lambda f, t: square(f, t), "returned one by one"),
            (lambda f, t: ops.mean(square(f, t)) * np.nan, "NaN"),
        ],
        "gram_matrix": [
            (lambda f: gram(f), "added up, not averaged"),
            (lambda f: gram(f, size(f) * f.shape[-1]), "positions times channels"),
            (lambda f: gram(f, f.shape[-1]), "divided by the channels"),
            (
                lambda f: ops.matmul(rows(f), ops.transpose(rows(f))) / size(f),
                "compares positions with positions",
            ),
            (
                lambda f: ops.matmul(columns(f), ops.transpose(columns(f))) / size(f),
                "mixes positions and channels",
            ),
        ],
        "style_loss": [
            (lambda g, a: ops.sum(square(g, a)), "added up, not averaged"),
            (lambda g, a: ops.sum(square(g, a)) / g.shape[0], "there are N x N entries"),
            (lambda g, a: square(g, a), "returned one by one"),
            (lambda g, a: -ops.mean(square(g, a)), "the sign is wrong"),
        ],
        "total_variation": [
            (lambda x: variation(x, ops.square), "take absolute values"),
            (lambda x: variation(x, reduce=ops.sum), "added up, not averaged"),
            (lambda x: variation(x, lambda d: d), "cancel"),
            (lambda x: -variation(x), "the sign is wrong"),
        ],
        "total_loss": [
            (lambda c, s, v, a, b, g: b * c + a * s + g * v, "exchanged"),
            (lambda c, s, v, a, b, g: a * c + b * s, "total variation is missing"),
        ],
        "guided_gram": [
            (lambda f, t: gram(f, size(f)), "the guide is not used"),
            (lambda f, t: gram(f * t), "added up, not averaged"),
            (lambda f, t: gram(f * t, ops.sum(t)), "divided by the sum of the guide"),
            (lambda f, t: gram(f * t, ops.sum(t**2)) / size(f), "by positions and by the guide"),
        ],
        "adjacent_gram": [
            (lambda f: gram(f, size(f)), "this is the plain Gram matrix"),
            (lambda f: ops.transpose(solution("adjacent_gram")(f)), "this is the transpose"),
        ],
        "gradient_step": [
            (lambda x, g, r: np.clip(x + r * g, 0, 1), "uphill"),
            (lambda x, g, r: x - r * g, "leaves the range"),
            (lambda x, g, r: np.clip(x - g, 0, 1), "the rate is not used"),
        ],
    }  # fmt: skip


WRONG = [(name, *pair) for name, pairs in wrong_ones().items() for pair in pairs]


@pytest.mark.parametrize("name, function, words", WRONG, ids=[f"{n}, {w}" for n, _, w in WRONG])
def test_a_mistake_is_named_and_painted_or_said_to_paint_nothing(name, function, words, small):
    painted = nst.own.paint(name, function)
    assert painted.verdict.state == "wrong" and words in painted.verdict.message
    assert painted.right.shape == (1, 21, 32, 3)
    if painted.yours is None:
        assert painted.seen.startswith("No picture can be made with it: it stops with ")
    else:
        assert painted.yours.shape == painted.right.shape
    pictures = 1 if painted.yours is None else 2
    assert painted._repr_html_().count("<img") == pictures
    assert words in repr(painted)


@pytest.mark.parametrize("name", painting.PAINTABLE)
def test_a_right_function_paints_the_right_picture(name, small):
    painted = nst.own.paint(name, solution(name))
    assert painted.verdict.state == "yours"
    np.testing.assert_allclose(painted.yours, painted.right, atol=0.02)
    assert painted.seen == "The left picture was painted by your function."


def test_what_is_unfilled_sees_what_it_will_paint(small):
    painted = nst.own.paint("content_loss", unfilled)
    assert painted.yours is None and painted.seen == "This is what yours will paint."


@pytest.mark.parametrize("function", [in_numpy, by_method])
def test_without_a_gradient_the_photograph_stays(function, small):
    painted = nst.own.paint("content_loss", function)
    np.testing.assert_array_equal(painted.yours, painting._photo())
    assert "no pixel moves" in painted.seen


def test_what_paints_nothing_is_refused():
    with pytest.raises(ValueError, match="'psnr' paints nothing; expected one of content_loss"):
        nst.own.paint("psnr", unfilled)


def test_bugs_show_in_the_trained_picture(trained, monkeypatch):
    """With the true network: a sum keeps the photograph, a wrong sign destroys the picture."""
    monkeypatch.setattr(painting, "_SIDE", 64)  # a student's picture has 96 pixels
    for name, kept in KEPT.items():
        monkeypatch.setattr(painting, name, functools.cache(kept.__wrapped__))
    wrong = wrong_ones()
    added_up = nst.own.paint("content_loss", wrong["content_loss"][0][0])
    assert "it is still the photograph" in added_up.seen
    exchanged = nst.own.paint("total_loss", wrong["total_loss"][0][0])
    assert "it is still the photograph" in exchanged.seen
    flat = nst.own.paint("total_variation", wrong["total_variation"][1][0])
    smooth, right = map(nst.losses.total_variation, (flat.yours, flat.right))
    assert float(smooth) < 0.2 * float(right)
    uphill = nst.own.paint("gradient_step", wrong["gradient_step"][0][0])
    assert painting._apart(uphill.yours, uphill.right) > 0.1


# Steps


def test_their_step_is_gradient_descent(photo):
    objective = nst.TotalVariation()
    bound = nst.objectives.as_objective(objective).at(32, 48)
    size = float(np.sqrt(np.mean(np.square(bound.evaluate(photo).gradient))))
    own = nst.own.optimizer(solution("gradient_step"), rate=0.02)
    options = {"start": photo, "steps": 5, "progress": False}
    theirs = nst.synthesize(objective, optimizer=own, **options)
    ours = nst.synthesize(objective, optimizer=nst.SGD(0.02 / size), **options)
    np.testing.assert_allclose(theirs.image, ours.image, atol=1e-5)
    assert theirs.settings["optimizer"] == {"name": "gradient_step", "by": "yours", "rate": 0.02}


def test_a_step_that_is_not_theirs_says_so():
    assert "not filled in yet" in repr(nst.own.optimizer(unfilled))
    uphill = nst.own.optimizer(lambda image, gradient, rate: np.clip(image + rate * gradient, 0, 1))
    assert "uphill" in repr(uphill)
    assert "The notebook's own gradient_step is used" in repr(uphill)
    assert "The notebook's own gradient_step is used" in uphill._repr_html_()


# A whole loop


def descend(image, loss_and_gradient, steps):
    for _ in range(steps):
        _, gradient = loss_and_gradient(image)
        image = np.clip(image - 0.02 * gradient, 0, 1)
    return image


def run(function, **options):
    """On total variation from noise: quick, and every mistake shows."""
    start = nst.white_noise(24, 32, seed=1)
    return nst.own.loop(function, nst.TotalVariation(), start=start, steps=10, **options)


def test_a_right_loop_passes_and_its_picture_is_kept():
    made = run(descend)
    assert made.passed and not made.unfilled
    assert made.message.startswith("Right. In 10 steps the loss fell to ")
    assert len(made.losses) == 10 and made.losses[-1] < made.losses[0]
    assert (
        nst.TotalVariation().report(made.image)["total_variation"]["loss"]
        < (nst.TotalVariation().report(made.start)["total_variation"]["loss"])
    )
    assert made._repr_html_().count("<img") == 2


def test_loss_and_gradient_belong_together():
    """The gradient that a loop gets is the slope of the loss that it gets."""
    found = {}

    def probe(image, loss_and_gradient, steps):
        loss, gradient = loss_and_gradient(image)
        direction = gradient / np.abs(gradient).max()
        nearer, _ = loss_and_gradient(image - 1e-3 * direction)
        found["slope"] = (loss - nearer) / 1e-3 / float(np.sum(gradient * direction))
        found["size"] = float(np.sqrt(np.mean(gradient**2)))
        return descend(image, loss_and_gradient, steps)

    smooth = nst.TotalVariation("squared")
    nst.own.loop(probe, smooth, start=nst.white_noise(24, 32, seed=1), steps=10)
    assert found["slope"] == pytest.approx(1, rel=0.05)
    assert found["size"] == pytest.approx(1, rel=1e-4)


def raising(image, loss_and_gradient, steps):
    raise NotImplementedError


@pytest.mark.parametrize("function", [unfilled, lambda i, f, s: None, raising])
def test_an_unfilled_loop_runs_the_notebooks_own(function):
    made = run(function)
    assert made.unfilled and not made.passed
    assert made.message == "Not filled in yet, so the notebook's own loop was run."
    assert made.losses[-1] < made.losses[0]
    assert "by the notebook&#x27;s own loop" in made._repr_html_()


def uphill(image, loss_and_gradient, steps):
    for _ in range(steps):
        image = np.clip(image + 0.02 * loss_and_gradient(image)[1], 0, 1)
    return image


def too_far(image, loss_and_gradient, steps):
    for _ in range(steps):
        image = np.clip(image - 5 * loss_and_gradient(image)[1], 0, 1)
    return image


def unclipped(image, loss_and_gradient, steps):
    for _ in range(steps):
        image = image - 0.02 * loss_and_gradient(image)[1]
    image[0, 0, 0, 0] = 1.01
    return image


def too_short(image, loss_and_gradient, steps):
    for _ in range(steps):
        image = np.clip(image - 1e-6 * loss_and_gradient(image)[1], 0, 1)
    return image


def in_place(image, loss_and_gradient, steps):
    for _ in range(steps):
        image -= 0.02 * loss_and_gradient(image)[1]
        image[:] = np.clip(image, 0, 1)
    return image


def never_asks(image, loss_and_gradient, steps):
    for _ in range(steps):
        image = np.clip(image - 0.02, 0, 1)
    return image


def same_image(image, loss_and_gradient, steps):
    for _ in range(steps):
        result = np.clip(image - 0.02 * loss_and_gradient(image)[1], 0, 1)
    return result


def returns_the_start(image, loss_and_gradient, steps):
    descend(image, loss_and_gradient, steps)
    return image


def once(image, loss_and_gradient, steps):
    for _ in range(steps):
        image = np.clip(image - 0.02 * loss_and_gradient(image)[1], 0, 1)
        return image


def no_return(image, loss_and_gradient, steps):
    descend(image, loss_and_gradient, steps)


def two_things(image, loss_and_gradient, steps):
    return descend(image, loss_and_gradient, steps), 1.0


def a_number(image, loss_and_gradient, steps):
    return loss_and_gradient(image)[0]


def not_finite(image, loss_and_gradient, steps):
    return descend(image, loss_and_gradient, steps) * np.nan


def forgets_the_loss(image, loss_and_gradient, steps):
    return image - 0.02 * loss_and_gradient(image)


def odd_shape(image, loss_and_gradient, steps):
    return loss_and_gradient(image[0])


@pytest.mark.parametrize(
    "function, words",
    [
        (uphill, "the steps go with the gradient, which points uphill"),
        (too_far, "they jump over the valley. Try a tenth of the rate"),
        (unclipped, "pixels leave the range 0 to 1: clip after every step"),
        (too_short, "the loss hardly falls: try ten times the rate"),
        (in_place, "changes its start image in place"),
        (never_asks, "never calls loss_and_gradient"),
        (same_image, "at the same image again and again"),
        (returns_the_start, "it returns the start image"),
        (once, "it makes 1 steps; 10 were asked for"),
        (no_return, "it returns nothing. Is the `return` missing?"),
        (two_things, "it returns several things"),
        (a_number, "expected an image of shape (1, 24, 32, 3)"),
        (not_finite, "no longer finite"),
        (forgets_the_loss, "the loop stopped with TypeError"),
        (odd_shape, "loss_and_gradient got an image of shape (24, 32, 3)"),
        (lambda image: image, "the loop stopped with TypeError"),
        (None, "this is not a function (NoneType)"),
    ],
)
def test_what_is_wrong_with_a_loop_is_named(function, words):
    made = run(function)
    assert not made.passed and not made.unfilled
    assert made.message.startswith("Not yet: ") and words in made.message
    assert made.image.shape == (1, 24, 32, 3)


def test_by_default_a_cat_is_painted(monkeypatch, network):
    objective = nst.Content(nst.samples.load("chelsea", max_side=32), network=network)
    monkeypatch.setattr(looping, "_scene", lambda: objective + nst.TotalVariation())
    made = nst.own.loop(descend, steps=5)
    assert made.start.shape == (1, 21, 32, 3)  # the photograph


def test_a_loop_needs_an_image_to_start_from():
    with pytest.raises(ValueError, match="no image to start from; pass start="):
        nst.own.loop(descend, nst.TotalVariation())


def test_a_loop_is_called_once_for_each_size_with_what_it_made_before():
    starts = []

    def watched(image, loss_and_gradient, steps):
        starts.append(image)
        for _ in range(steps):  # small ones: what was enlarged is smooth already
            image = np.clip(image - 0.002 * loss_and_gradient(image)[1], 0, 1)
        return image

    start = nst.white_noise(48, 64, seed=1)
    smooth = nst.TotalVariation("squared")
    made = nst.own.loop(watched, smooth, start=start, steps=5, scales=[32, 64])
    assert [each.shape for each in starts] == [(1, 24, 32, 3), (1, 48, 64, 3)]
    assert made.passed and len(made.losses) == 10
    np.testing.assert_array_equal(made.start, start)
    alone = nst.own.loop(watched, smooth, start=nst.resize(start, size=(24, 32)), steps=5)
    np.testing.assert_array_equal(starts[1], nst.resize(alone.image, size=(48, 64)))


def test_paintings_shrink_with_the_size(network, photo, painting):
    seen = {}

    def watched(image, loss_and_gradient, steps):
        seen[image.shape[2]] = loss_and_gradient(image)[0]
        return descend(image, loss_and_gradient, steps)

    objective = nst.Style(painting, STYLE, network=network)
    nst.own.loop(watched, objective, start=photo, steps=2, scales=[32, 48])
    half = nst.objectives.as_objective(objective).at(21, 32, 32 / 48)
    evaluation = half.evaluate(nst.resize(photo, size=(21, 32)))
    size = float(np.sqrt(np.mean(np.asarray(evaluation.gradient) ** 2)))
    assert seen[32] == pytest.approx(evaluation.loss / size, rel=0.05)  # perhaps in bfloat16


def test_what_goes_wrong_at_one_size_ends_there():
    start = nst.white_noise(48, 64, seed=1)
    made = nst.own.loop(uphill, nst.TotalVariation(), start=start, steps=5, scales=[32, 64])
    assert "uphill" in made.message and made.image.shape == (1, 24, 32, 3)


def test_an_unfilled_loop_is_ours_at_every_size():
    start = nst.white_noise(48, 64, seed=1)
    made = nst.own.loop(unfilled, nst.TotalVariation(), start=start, steps=5, scales=[32, 64])
    assert made.unfilled and made.image.shape == start.shape and len(made.losses) == 10


# A total loss of their own


@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_their_total_loss_adds_up_their_terms(network, photo, painting, gamma):
    own = nst.own.terms(
        photo, painting, total_loss=solution("total_loss"), content_loss=solution("content_loss"),
        beta=7.0, gamma=gamma, network=network, style_layers=STYLE,
    )  # fmt: skip
    plain = (
        nst.Content(photo, network=network)
        + 7 * nst.Style(painting, STYLE, network=network)
        + gamma * nst.TotalVariation()
    )
    expected = sum(term["weighted"] for term in plain.report(1 - photo).values())
    report = own.report(1 - photo)
    assert list(report) == ["total_loss"]
    assert report["total_loss"]["weighted"] == pytest.approx(expected, rel=1e-4)
    assert "total_loss: yours paints." in repr(own)
    made = nst.own.loop(descend, own, start=photo, steps=3)
    assert made.losses[-1] < made.losses[0]


def test_a_total_loss_that_is_unfilled_or_wrong_is_replaced(network, photo, painting):
    options = {"network": network, "style_layers": STYLE, "show_mistakes": False}
    right = nst.own.terms(photo, painting, total_loss=solution("total_loss"), **options)
    exchanged = lambda c, s, v, a, b, g: b * c + a * s + g * v  # noqa: E731
    for given, words in ((unfilled, "not filled in yet"), (exchanged, "exchanged")):
        own = nst.own.terms(photo, painting, total_loss=given, **options)
        assert words in repr(own)
        assert own.report(1 - photo) == right.report(1 - photo)


@pytest.mark.parametrize("given", ["photo", "painting"])
def test_a_total_loss_takes_both_pictures(photo, given):
    with pytest.raises(ValueError, match="adds up both losses; give a photo and a painting"):
        nst.own.terms(**{given: photo}, total_loss=solution("total_loss"))


class TestStatistic:
    def test_their_adjacent_gram_is_the_packages_with_one_neighbour(self, network, photo, painting):
        theirs = nst.own.statistic("adjacent_gram", solution("adjacent_gram"))
        ours = nst.statistics.Gram(offsets=((0, 1),))
        losses = [
            nst.Style(painting, STYLE, statistic=each, network=network).report(photo)
            for each in (theirs, ours)
        ]
        assert losses[0]["style"]["loss"] == pytest.approx(losses[1]["style"]["loss"], rel=1e-5)
        assert losses[0]["style"]["loss"] > 0
        assert repr(theirs) == "adjacent_gram: yours paints."

    def test_numpy_is_named_and_replaced(self):
        made = nst.own.statistic("adjacent_gram", in_numpy)
        assert made.verdict.state == "wrong"
        assert "NumPy" in repr(made)
        assert "The notebook's own adjacent_gram is used in place of yours." in repr(made)

    def test_another_task_is_refused(self):
        with pytest.raises(ValueError, match="unknown name 'total_variation'"):
            nst.own.statistic("total_variation", None)


def in_numpy(features):
    rows = [np.asarray(each).reshape(-1, features.shape[-1]) for each in (
        features[:, :, :-1], features[:, :, 1:])]  # fmt: skip
    return rows[0].T @ rows[1] / len(rows[0])


# A painter


def test_a_painter_normalises_by_their_function(photo):
    ours = small_painter("a", "b")
    calls = []

    def counted(features, scale, shift):
        calls.append(tuple(scale.shape))
        return solution("instance_norm")(features, scale, shift)

    theirs = nst.own.painter(ours, counted)
    assert repr(theirs) == "instance_norm: yours paints." and theirs.mistake is None
    calls.clear()
    np.testing.assert_allclose(theirs(photo, "b"), ours(photo, "b"), atol=1e-5)
    normalised = [name for name in ours.network.weights if name.endswith("/scale")]
    assert len(calls) == len(normalised) and all(len(shape) == 1 for shape in calls)
    np.testing.assert_allclose(ours(photo), small_painter("a", "b")(photo), atol=1e-6)  # untouched


def test_a_wrong_normalisation_is_named_shown_and_replaced(photo):
    ours = small_painter("a")
    wrong = TASKS["instance_norm"].mistakes["the mean is not taken off"]
    theirs = nst.own.painter(
        ours, lambda *given: ops.convert_to_tensor(wrong(*map(np.asarray, given)))
    )
    assert "not yet: the mean is not taken off" in repr(theirs)
    assert np.abs(theirs.mistake.yours - theirs.mistake.right).max() > 0.01
    assert theirs._repr_html_().count("<img") == 2
    np.testing.assert_allclose(theirs(photo), ours(photo), atol=1e-5)
    broken = nst.own.painter(ours, lambda features, scale, shift: features[:, 0])
    assert broken.mistake.yours is None and "No picture can be made with it" in repr(broken)
    assert "not filled in yet" in repr(nst.own.painter(ours, unfilled))
