"""Balance: gradients in the wanted ratio, terms that do not pull at the start, plain errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers.backend import ops, to_numpy
from nsthelpers.synthesis.balancing import balance, gradient_norms

LAYERS = ["block1_conv1", "block2_conv1"]


class Pull(nst.objectives.Term):
    """Half the squared distance to a grey, times a factor: the gradient is known."""

    label = "pull"

    def __init__(self, grey, factor=1.0):
        self.grey, self.factor = grey, factor

    def loss(self, image, features, targets):
        return 0.5 * self.factor * ops.sum(ops.square(image - self.grey))


GREY = np.full((16, 24, 3), 0.5, "float32")
LENGTH = np.sqrt(GREY.size)


@pytest.fixture(scope="module")
def transfer(network, photo, painting):
    return (
        nst.Content(photo, LAYERS, network=network)
        + 5 * nst.Style(painting, LAYERS, network=network)
        + nst.TotalVariation()
    )


def test_norms_of_known_gradients():
    objective = Pull(0.25) + 3 * Pull(1.0, 2.0) + 0 * Pull(0.0)
    norms = gradient_norms(objective, GREY)
    expected = {"pull": 0.25 * LENGTH, "pull_2": 3 * 2 * 0.5 * LENGTH, "pull_3": 0.0}
    assert norms == pytest.approx(expected)


def test_norms_add_up_as_vectors_to_the_objectives_gradient(transfer, painting):
    image = nst.resize(painting, size=(32, 48))
    norms = gradient_norms(transfer, image)
    whole = np.linalg.norm(to_numpy(transfer.at(32, 48).evaluate(image).gradient))
    longest = max(norms.values())
    assert 2 * longest - sum(norms.values()) - 1e-6 <= whole <= sum(norms.values()) + 1e-6


def test_the_terms_own_gradients_add_up_to_the_objectives(transfer, painting):
    bound = transfer.at(32, 48)
    image = nst.resize(painting, size=(32, 48))
    single = bound.gradients(image)
    assert list(single) == ["content", "style", "total_variation"]
    added = sum(transfer.weights[label] * to_numpy(each) for label, each in single.items())
    whole = to_numpy(bound.evaluate(image).gradient)
    assert np.abs(added - whole).max() < 1e-4 * np.abs(whole).max()


def test_a_known_balance():
    # Gradients of lengths 0.25 and 1: a ratio of 1 to 2 needs weights of 1 to 0.5.
    balanced = balance(Pull(0.25) + Pull(1.0, 2.0), GREY, {"pull": 1, "pull_2": 2})
    assert balanced.weights == pytest.approx({"pull": 1.0, "pull_2": 0.5})


@given(ratio=st.floats(0.01, 100), factor=st.floats(0.01, 100), weight=st.floats(0.01, 100))
def test_the_gradients_stand_in_the_wanted_ratio(ratio, factor, weight):
    balanced = balance(weight * Pull(0.25) + Pull(1.0, factor), GREY, {"pull_2": ratio, "pull": 1})
    norms = gradient_norms(balanced, GREY)
    assert norms["pull_2"] / norms["pull"] == pytest.approx(ratio, rel=1e-4)
    assert balanced.weights["pull"] == pytest.approx(weight)  # the first keeps its weight


def test_weights_are_the_ratios_of_what_is_not_named():
    balanced = balance(2 * Pull(0.25) + 6 * Pull(1.0) + 4 * Pull(0.0), GREY, {"pull_3": 8})
    norms = gradient_norms(balanced, GREY)
    assert norms["pull_2"] / norms["pull"] == pytest.approx(3)
    assert norms["pull_3"] / norms["pull"] == pytest.approx(4)


def test_the_losses_scale_no_longer_counts():
    first, second = (
        balance(Pull(0.25) + Pull(1.0, factor), GREY, {"pull": 1, "pull_2": 1})
        for factor in (1e-6, 1e6)
    )
    ours, theirs = (
        to_numpy(each.at(16, 24).evaluate(GREY[None]).gradient) for each in (first, second)
    )
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_a_ratio_of_zero_leaves_a_term_out():
    balanced = balance(Pull(0.25) + Pull(1.0) + Pull(0.0), GREY, {"pull": 0})
    assert balanced.weights == pytest.approx({"pull": 0.0, "pull_2": 1.0, "pull_3": 1.0})


def test_a_term_of_weight_zero_stays_out_unless_it_is_given_a_ratio():
    objective = Pull(0.25) + 0 * Pull(1.0)
    assert balance(objective, GREY).weights == {"pull": 1.0, "pull_2": 0.0}
    assert balance(objective, GREY, {"pull_2": 1}).weights["pull_2"] == pytest.approx(0.5)


def test_a_term_that_rests_at_the_start_is_measured_near_it():
    noise = nst.white_noise(16, 24, seed=3)
    resting = 0.2 * float(np.linalg.norm(noise - GREY))  # 0.8 of the start, 0.2 of the noise
    balanced = balance(Pull(0.5) + Pull(1.0), GREY, {}, disturbance=0.2, seed=3)
    assert balanced.weights["pull_2"] == pytest.approx(resting / (0.5 * LENGTH), rel=1e-4)


def test_content_rests_at_the_content_image(transfer, photo):
    assert gradient_norms(transfer, photo)["content"] < 1e-6
    balanced = balance(transfer, "content", {"style": 2, "content": 1})
    assert balanced.weights["content"] == 1.0 and np.isfinite(balanced.weights["style"])
    again = balance(transfer, photo, {"style": 4, "content": 1})
    assert again.weights["style"] == pytest.approx(2 * balanced.weights["style"], rel=1e-4)


def test_the_terms_stay_and_the_objective_is_a_new_one(transfer):
    before = dict(transfer.weights)
    balanced = balance(transfer, "noise")
    assert balanced is not transfer and transfer.weights == before
    assert list(balanced.terms.values()) == list(transfer.terms.values())


@pytest.mark.parametrize("statistic", ["gram", "mean and variance", "wasserstein"])
def test_every_statistic_pulls_alike(network, photo, painting, statistic):
    objective = nst.Content(photo, LAYERS, network=network) + nst.Style(
        painting, LAYERS, statistic=statistic, network=network
    )
    balanced = balance(objective, "content", {"content": 1, "style": 3})
    near = (0.9 * photo + 0.1 * nst.white_noise(32, 48)).astype("float32")
    content = gradient_norms(balanced, near)["content"]
    assert gradient_norms(balanced, photo)["style"] == pytest.approx(3 * content, rel=1e-3)


def test_a_term_that_pulls_nowhere_is_told():
    class Idle(Pull):
        label = "idle"

        def loss(self, image, features, targets):
            return 0.0 * ops.sum(image)

    with pytest.raises(ValueError, match="gradient of 'idle' is 0 at the start and near it"):
        balance(Pull(0.25) + Idle(0.0), GREY)
    assert balance(Pull(0.25) + Idle(0.0), GREY, {"idle": 0}).weights["idle"] == 0.0


@pytest.mark.parametrize(
    ("ratios", "options", "message"),
    [
        ({"styles": 1}, {}, "ratios name 'styles', but the terms are 'pull', 'pull_2'"),
        ({"pull": -1}, {}, "the ratio of 'pull' is -1; expected a finite number of at least 0"),
        ({"pull": np.nan}, {}, "the ratio of 'pull' is nan"),
        ({"pull": 0, "pull_2": 0}, {}, "every ratio is 0"),
        ({}, {"disturbance": 0}, "the disturbance is 0; expected more than 0, at most 1"),
        ({}, {"disturbance": 1.5}, "the disturbance is 1.5"),
    ],
)
def test_errors_say_what_was_expected(ratios, options, message):
    with pytest.raises(ValueError, match=message):
        balance(Pull(0.25) + Pull(1.0), GREY, ratios, **options)


def test_what_is_no_objective_is_refused():
    with pytest.raises(TypeError, match="expected a sum of terms"):
        balance(3.0)
