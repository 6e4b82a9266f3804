"""Questions: guess and see, choose, sort; right, wrong, unanswered; with and without a kernel."""

from __future__ import annotations

import itertools
import math
import types
from html.parser import HTMLParser

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.lessons import asking, checks, questions
from nsthelpers.real_time.network import Architecture, StyleNetwork, is_row
from nsthelpers.record.making import contents
from nsthelpers.sweeps.grid import expanded

ALL = questions.questions()
PREDICTIONS = [name for name, each in ALL.items() if each.kind == "predict"]
CHOICES = [name for name, each in ALL.items() if each.kind not in ("predict", "order")]
ORDERS = [name for name, each in ALL.items() if each.kind == "order"]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """No answer from another test."""
    monkeypatch.setattr(asking, "_predicted", {})


def letters(name):
    return questions.LETTERS[: len(ALL[name].options)]


def gradients(count):
    """Pictures that can be told apart."""
    return [np.full((1, 16, 24, 3), (i + 1) / (count + 1), "float32") for i in range(count)]


# What is in the file


def test_there_are_enough_of_every_kind():
    counts = {kind: sum(each.kind == kind for each in ALL.values()) for kind in questions.KINDS}
    assert min(counts.values()) >= 3 and sum(counts.values()) >= 25
    asking_ones = {1, 2, 3, 4, 5, 7, 8, 9, 10}
    assert {each.notebook for each in ALL.values()} == asking_ones
    assert min(len(questions.questions(notebook)) for notebook in asking_ones) >= 4


@pytest.mark.parametrize("name", ALL)
def test_a_question_is_whole(name):
    asked = ALL[name]
    assert asked.kind in questions.KINDS
    assert asked.text[-1] in "?.)"
    if asked.kind == "order":
        assert asked.why and not asked.options and len(asked.pictures["labels"]) == 3
    else:
        assert 2 <= len(asked.options) <= 4
        assert asked.answer in letters(name)
        assert all(each.text and each.why.endswith((".", "?")) for each in asked.options)
        assert len({each.why for each in asked.options}) == len(asked.options)


def test_the_right_option_is_not_always_the_same():
    answers = [each.answer for each in ALL.values() if each.options]
    assert all(answers.count(letter) >= 4 for letter in "abc")


@pytest.mark.parametrize("name", PREDICTIONS)
def test_what_can_be_measured_is_covered_without_gaps_or_overlaps(name):
    ranges = sorted(each.range for each in ALL[name].options)
    assert all(low < high for low, high in ranges)
    assert all(first[1] == second[0] for first, second in itertools.pairwise(ranges))


@pytest.mark.parametrize("name", [name for name, each in ALL.items() if each.pictures])
def test_its_pictures_are_in_the_list_of_the_record(name):
    study = contents()[ALL[name].pictures["experiment"]]
    points, _ = expanded(study.grid, study.fixed)
    assert set(ALL[name].pictures["labels"]) <= {point.label for point in points}


# What it says is so


def test_the_answers_that_can_be_computed_are_right():
    table = {layer.paper_name: layer for layer in nst.layer_table((64, 64))}
    rng = np.random.default_rng(0)
    features = rng.uniform(size=(30, 4)).astype("float32")
    gram = np.asarray(nst.gram_matrix(features))
    shuffled = np.asarray(nst.gram_matrix(rng.permutation(features)))
    ramp = np.linspace(0, 1, 11)
    image = rng.uniform(size=(1, 8, 9, 3)).astype("float32")
    variation = nst.losses.total_variation
    maps, guide = features.reshape(1, 5, 6, 4), np.full((1, 5, 6, 1), 0.5, "float32")
    guided = checks.tasks()["guided_gram"].answer(maps, guide)
    painter = StyleNetwork(Architecture())
    sizes = {name: math.prod(each.shape) for name, each in painter.weights.items()}
    measured = {
        "rows_share": sum(size for n, size in sizes.items() if is_row(n)) / sum(sizes.values()),
        "half_guide": np.mean(guided / gram),
        "how_far_it_sees": table["conv5_1"].receptive_field,
        "more_numbers": math.prod(table["conv4_2"].shape) / (64 * 64 * 3),
        "shuffled_places": np.abs(shuffled - gram).max() / gram.max(),
        "doubled_features": np.mean(np.asarray(nst.gram_matrix(2 * features)) / gram),
        "half_contrast": float(variation(image / 2)) / float(variation(image)),
        "jump_or_ramp": 1 / np.abs(np.diff(ramp)).sum(),
    }
    for name, value in measured.items():
        assert ALL[name].measured(value) == ALL[name].answer, name


def test_the_gradient_where_content_is_equal_is_nothing(network, photo):
    content = nst.Content(photo, network=network)
    evaluation = nst.objectives.as_objective(content).at(32, 48).evaluate(photo)
    largest = np.abs(np.asarray(evaluation.gradient)).max()
    asked = ALL["gradient_where_equal"]
    assert asked.measured(largest) == asked.answer


def test_eight_times_all_weights_is_the_same_picture(network, photo, painting):
    def made(factor):
        objective = factor * (
            nst.Content(photo, network=network) + 10 * nst.Style(painting, network=network)
        )
        return nst.synthesize(objective, start=photo, steps=8, progress=False).image

    apart = float(np.sqrt(np.mean((made(8) - made(1)) ** 2)))
    assert ALL["eight_times"].measured(apart) == ALL["eight_times"].answer


def test_at_rest_the_ratio_of_the_gradients_is_beta(network, photo, painting):
    layers = ("block1_conv1", "block2_conv1")
    content = nst.Content(photo, "block2_conv2", network=network)
    style = nst.Style(painting, layers, network=network)
    made = nst.synthesize(
        content + 10 * style, start=photo, steps=60, precision="float32", progress=False
    ).image
    found = (content + style).at(32, 48).gradients(made)
    free = (made > 0.002) & (made < 0.998)
    first, second = (np.linalg.norm(np.asarray(found[k])[free]) for k in ("content", "style"))
    assert ALL["level_pull"].measured(first / second) == ALL["level_pull"].answer
    assert first / second == pytest.approx(10, rel=0.1)  # nearer with each step; after 5 it is 4


@pytest.mark.skipif("start_by_step" not in nst.record.names(), reason="not in the record yet")
def test_the_starts_meet_or_not_as_in_the_record():
    results = nst.record.load("start_by_step").results
    first, second = (results[f"steps = 300, start = {s}"].image for s in ("content", "noise"))
    apart = float(np.sqrt(np.mean((first - second) ** 2)))
    assert ALL["starts_meet"].measured(apart) == ALL["starts_meet"].answer


def test_one_photograph_or_five_is_as_in_the_record():
    name = "painter_photographs"
    if name not in nst.record.names() or not nst.record.load(name).finished:
        pytest.skip("not in the record yet")
    shares = {"1": [], "2": [], "5": []}
    for point in nst.record.load(name).points:
        first, last = (point.result.history[place].terms["style"] for place in (0, -1))
        shares[point.label.split("photographs = ")[-1]].append(last / first)
    ratio = np.mean(shares["5"]) / np.mean(shares["1"])
    assert ALL["five_photographs"].measured(ratio) == ALL["five_photographs"].answer


def test_with_one_image_in_the_batch_both_normalisations_are_one():
    tasks, rng = checks.tasks(9), np.random.default_rng(0)
    features, row = rng.uniform(size=(1, 4, 6, 3)), np.ones(3)
    instance, batch = (tasks[name].answer for name in ("instance_norm", "batch_norm"))
    np.testing.assert_allclose(instance(features, 2 * row, row), batch(features, 2 * row, row))


def test_greed_pays_more_than_the_cheapest_pairing():
    here, there = [0, 1, 2, 3, 4, 5], [2.5, -3, 6, 0.4, 3.1, 1.2]
    free, greedy = list(there), []
    for number in here:
        greedy.append(min(free, key=lambda other: abs(other - number)))
        free.remove(greedy[-1])
    costs = [np.sum((np.array(here) - order) ** 2) for order in itertools.permutations(there)]
    cheapest = np.sum((np.array(here) - np.sort(there)) ** 2)
    assert min(costs) == pytest.approx(cheapest) and greedy[-1] == -3
    paid = np.sum((np.array(here) - greedy) ** 2)
    assert ALL["best_pairing"].measured(paid / cheapest) == ALL["best_pairing"].answer


def test_what_conv3_sees_of_a_small_and_of_a_large_picture():
    sees = {layer.paper_name: layer.receptive_field for layer in nst.layer_table()}["conv3_1"]
    assert (sees, 96 / sees, 384 / sees) == (24, 4, 16)
    assert "24 pixels: a quarter of a picture of 96" in ALL["small_first"].option("b").why


def test_a_huge_gamma_leaves_one_flat_colour(narrow, photo):
    network = nst.VGG(weights=narrow["vgg19"])
    objective = nst.Content(photo, network=network) + 1000 * nst.TotalVariation()
    made = nst.synthesize(objective, start="noise", steps=150, progress=False).image
    spread = float(made.std(axis=(0, 1, 2)).mean())
    assert ALL["huge_gamma"].measured(spread) == ALL["huge_gamma"].answer


def test_a_shallow_layer_brings_the_pixels_back(trained):
    cat = nst.samples.load("chelsea", max_side=64)

    def psnr(layer):
        content = nst.Content(cat, layer, network=trained)
        made = nst.synthesize(content, start="noise", steps=25, progress=False).image
        return -10 * math.log10(float(np.mean((made - cat) ** 2)))

    gained = psnr("conv1_1") - psnr("conv5_1")
    assert ALL["shallow_or_deep"].measured(gained) == ALL["shallow_or_deep"].answer


def test_hues_that_are_put_back_are_the_photographs():
    photo, night = (nst.samples.load(name, max_side=96) for name in ("coffee", "swirling_night"))
    night = nst.images.match_luminance(nst.resize(night, size=photo.shape[1:3]), photo)
    strokes = 0.7 * nst.images.luminance(photo) + 0.3 * night
    made = nst.images.with_luminance(photo, strokes)
    apart = nst.images.colour_difference(made, photo, lightness=False)
    assert ALL["kept_hues"].measured(apart) == ALL["kept_hues"].answer


def test_a_small_region_of_full_weight_is_pulled_harder(network, photo, painting):
    """Pixel by pixel: as much harder as it is smaller."""
    window = nst.masks.rectangle(photo, (0, 0, 0.25, 0.25))
    term = nst.Style(painting, "block1_conv1", region=window, network=network)
    every = nst.Style(painting, "block1_conv1", network=network)

    def pull(objective):
        gradient = np.asarray((1 * objective).at(32, 48).evaluate(photo).gradient)[0]
        return np.sqrt(np.mean(gradient[window.array > 0] ** 2))

    assert pull(term) > 4 * pull(every)
    assert ALL["small_region"].answer == "c"


def test_wrong_colours_on_the_trained_network(trained):
    cat = nst.samples.load("chelsea", max_side=96)

    def features(image):
        return np.asarray(trained.features(image, ["block1_conv1"])["block1_conv1"]).ravel()

    right, wrong = features(cat), features(cat[..., ::-1])
    alike = right @ wrong / np.linalg.norm(right) / np.linalg.norm(wrong)
    assert ALL["wrong_colours"].measured(alike) == ALL["wrong_colours"].answer


def test_what_the_gram_matrix_notices():
    maps = np.random.default_rng(1).uniform(size=(1, 6, 7, 4)).astype("float32")
    gram = np.asarray(nst.gram_matrix(maps))

    def change(other):
        return float(np.abs(np.asarray(nst.gram_matrix(other)) - gram).max())

    one = maps.copy()
    one[..., 0] = np.roll(maps[..., 0], 2, axis=2)
    together = np.roll(maps, 2, axis=2)
    assert change(together) < 1e-5 < 0.001 < change(one)
    assert ALL["what_gram_notices"].answer == "b"


def test_the_losses_that_went_up_are_told_apart_as_it_says():
    """On x²: uphill the loss grows with any rate; too long a step is mended by a shorter one."""

    def losses(rate, sign):
        x, found = 0.9, []
        for _ in range(5):
            found.append(x * x)
            x -= sign * rate * 2 * x
        return found

    for rate in (0.3, 0.03):
        assert losses(rate, -1) == sorted(losses(rate, -1))
    assert losses(1.5, 1) == sorted(losses(1.5, 1))
    assert losses(0.15, 1) == sorted(losses(0.15, 1), reverse=True)


# Guess first, then run


def middle(option):
    low, high = option.range
    return low + 1e-9 if math.isinf(high) else (low + high) / 2


@pytest.mark.parametrize("name", PREDICTIONS)
def test_a_right_prediction(name):
    right = ALL[name].option(ALL[name].answer)
    nst.predict(name, ALL[name].answer)
    note = nst.predict(name, actual=middle(right))
    assert note.kind == "right"
    assert note.message.startswith("You predicted it: ") and right.why in note.message


@pytest.mark.parametrize("name", PREDICTIONS)
def test_a_wrong_prediction_gets_both_reasons(name):
    right = ALL[name].option(ALL[name].answer)
    for letter in set(letters(name)) - {ALL[name].answer}:
        nst.predict(name, letter)
        note = nst.predict(name, actual=middle(right))
        assert note.kind == "wrong"
        assert f"You predicted {letter}) " in note.message
        assert right.why in note.message and ALL[name].option(letter).why in note.message


def test_no_prediction_is_said():
    note = nst.predict("doubled_features", actual=4)
    assert note.kind == "open" and note.message.startswith("You made no prediction. It came out")


def test_another_outcome_than_elsewhere_is_said_and_not_explained_away():
    nst.predict("doubled_features", "b")
    note = nst.predict("doubled_features", actual=2.0)
    assert note.kind == "right"
    assert "Elsewhere it came out as c) 4" in note.message
    assert ALL["doubled_features"].option("b").why not in note.message


def test_what_came_out_may_be_given_by_its_letter():
    nst.predict("huge_gamma", "a")
    note = nst.predict("huge_gamma", actual="a")
    assert note.kind == "right" and "measured" not in note.message


def test_the_last_guess_counts_and_asking_again_forgets_it():
    nst.predict("huge_gamma", "a")
    nst.predict("huge_gamma", "c")
    assert "You predicted c)" in nst.predict("huge_gamma", actual=0.0).message
    nst.predict("huge_gamma")
    assert "no prediction" in nst.predict("huge_gamma", actual=0.0).message


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: nst.predict("double_features"), ValueError, "did you mean doubled_features"),
        (lambda: nst.predict("blue_face"), ValueError, "is no prediction; ask it with nst.quiz"),
        (lambda: nst.quiz("huge_gamma"), ValueError, "ask it with nst.predict"),
        (lambda: nst.predict("huge_gamma", "d"), ValueError, "expected one of a, b, c"),
        (lambda: nst.predict("huge_gamma", ""), ValueError, "expected one of a, b, c"),
        (lambda: nst.quiz("blue_face", "ab"), ValueError, "expected one of a, b, c"),
        (lambda: nst.predict("huge_gamma", actual=-1.0), ValueError, "none of the options"),
        (lambda: nst.predict("huge_gamma", actual=math.nan), ValueError, "none of the options"),
        (lambda: nst.predict("huge_gamma", actual=[1, 2]), TypeError, "expected a number"),
        (lambda: nst.quiz("larger_beta", "ab"), ValueError, "each of the letters a, b, c once"),
        (lambda: nst.quiz("larger_beta", pictures=gradients(2)), ValueError, "expected 3"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Choose


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_answered_with_its_reason(name):
    for letter in letters(name):
        note = nst.quiz(name, letter)
        assert note.kind == ("right" if letter == ALL[name].answer else "wrong")
        assert note.message.endswith(ALL[name].option(letter).why)


# Sort


@pytest.mark.parametrize("name", ORDERS)
def test_only_the_right_order_is_right(name):
    kinds = {
        "".join(order): nst.quiz(name, "".join(order)).kind
        for order in itertools.permutations("abc")
    }
    assert list(kinds.values()).count("right") == 1
    assert kinds["abc"] == "wrong"  # they are not shown sorted


@pytest.mark.parametrize("name", ORDERS)
def test_pictures_are_given_sorted_and_shown_in_the_order_of_the_letters(name):
    given = gradients(3)
    shown = nst.quiz(name, pictures=given).pictures
    right = next(
        order
        for order in map("".join, itertools.permutations("abc"))
        if nst.quiz(name, order).kind == "right"
    )
    for letter, expected in zip(right, given, strict=True):
        np.testing.assert_array_equal(shown["abc".index(letter)], expected)


def test_a_wrong_order_names_two_that_are_the_wrong_way_round():
    name = ORDERS[0]
    right = next(
        order
        for order in map("".join, itertools.permutations("abc"))
        if nst.quiz(name, order).kind == "right"
    )
    note = nst.quiz(name, right[1] + right[0] + right[2])
    assert f"Look at {right[1]} and {right[0]} again: {right[0]} comes before." in note.message
    assert nst.quiz(name, right.upper()).kind == "right"


def test_pictures_come_from_the_record(monkeypatch):
    labels = ALL["which_start"].pictures["labels"]
    made = types.SimpleNamespace(
        results={label: nst.Synthesis(image, [], "steps", "", {}, 0, 0.0)
                 for label, image in zip(labels, gradients(2), strict=True)}
    )  # fmt: skip
    monkeypatch.setattr(asking.record, "names", lambda: ["start_by_step"])
    monkeypatch.setattr(asking.record, "load", lambda name: made)
    shown = nst.quiz("which_start").pictures
    assert [float(image.mean()) for image in shown] == pytest.approx([1 / 3, 2 / 3])


def test_what_the_record_does_not_have_yet_is_said(monkeypatch):
    monkeypatch.setattr(asking.record, "names", lambda: [])
    assert nst.quiz("which_start")._repr_html_().count("not made yet") == 2


# How it is shown


class Tags(HTMLParser):
    """Every tag that is opened is closed, and what the page says."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.folded = [], [], 0
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.folded += tag == "details"
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def ask(name, **options):
    asks = nst.predict if ALL[name].kind == "predict" else nst.quiz
    return asks(name, **options)


@pytest.mark.parametrize("name", ALL)
def test_without_a_kernel_everything_can_be_unfolded(name):
    count = len(ALL[name].pictures.get("labels", ()))
    asked = ask(name, pictures=gradients(count)) if count else ask(name)
    assert asked.widget is None
    bundle = asked._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    page = Tags(bundle["text/html"])
    expected = len(ALL[name].options) if name in CHOICES else 1
    assert page.folded == expected
    text = "".join(page.words)
    reasons = [each.why for each in ALL[name].options] if name in CHOICES else []
    for reason in reasons or [ALL[name].why or ALL[name].option(ALL[name].answer).why]:
        assert reason.replace("*", "") in text.replace("*", "")
    assert "<script" not in bundle["text/html"]


@pytest.mark.parametrize("name", ["huge_gamma", "blue_face", "larger_beta"])
def test_the_text_says_how_to_answer(name):
    text = repr(ask(name))
    asks = "predict" if name == "huge_gamma" else "quiz"
    how = "'abc'" if name == "larger_beta" else "'a'"
    assert text.splitlines()[-1].endswith(f"nst.{asks}({name!r}, {how})")
    assert ALL[name].text in text


@pytest.fixture
def kernel(monkeypatch):
    monkeypatch.setattr(asking, "_in_notebook", lambda: True)


def test_a_prediction_by_button_is_kept_and_binding(kernel):
    asked = nst.predict("huge_gamma")
    bundle = asked._repr_mimebundle_()
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == asked.widget.model_id and "text/html" in bundle
    asked.widget.buttons["a"].click()
    assert "Your prediction: a)" in asked.widget.said.value
    assert all(button.disabled for button in asked.widget.buttons.values())
    assert nst.predict("huge_gamma", actual=0.001).kind == "right"


def test_a_choice_by_button_may_be_made_again(kernel):
    asked = nst.quiz("blue_face")
    asked.widget.buttons["a"].click()
    assert "No. VGG19 expects" in asked.widget.said.value
    asked.widget.buttons["c"].click()
    assert "Right. The way out" in asked.widget.said.value


def test_pictures_are_sorted_by_button(kernel):
    name = "larger_beta"
    asked = nst.quiz(name, pictures=gradients(3))
    for letter in "abc":
        asked.widget.buttons[letter].click()
        shown = [b.disabled for b in asked.widget.buttons.values()]
    assert "Not yet. Look at" in asked.widget.said.value
    assert not any(shown)  # all may be pressed anew
    right = next(
        order
        for order in map("".join, itertools.permutations("abc"))
        if nst.quiz(name, order).kind == "right"
    )
    for letter in right:
        asked.widget.buttons[letter].click()
    assert f"Right. {ALL[name].why[:20]}" in asked.widget.said.value
