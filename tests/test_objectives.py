"""Sums of terms: their algebra, what is computed and what is not, gradients, retracing."""

from __future__ import annotations

import functools
import gc
import math
import weakref

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.backend import ops, to_numpy
from nsthelpers.network import vgg
from nsthelpers.objectives import objective as objectives


class Brightness(nst.objectives.Term):
    """A term of one's own: the mean should be this value."""

    label = "brightness"

    def __init__(self, value=0.5):
        self.value = value

    def loss(self, image, features, targets):
        return ops.square(ops.mean(image) - self.value)


@pytest.fixture
def content(network, photo):
    return nst.Content(photo, "block1_conv1", network=network)


@pytest.fixture
def style(network, painting):
    return nst.Style(painting, "block1_conv2", network=network)


def keep_graphs(monkeypatch, count=16):
    """Start without any compiled graph, and keep no more than so many."""
    cache = functools.lru_cache(maxsize=count)(objectives._compiled.__wrapped__)
    monkeypatch.setattr(objectives, "_compiled", cache)


@pytest.fixture
def traces(monkeypatch):
    """Counts how often a graph of an objective is traced; starts without any compiled graph."""
    keep_graphs(monkeypatch)
    counted = []
    original = nst.Content.loss

    def loss(self, image, features, targets):
        counted.append(tuple(image.shape))
        return original(self, image, features, targets)

    monkeypatch.setattr(nst.Content, "loss", loss)
    return counted


class TestAlgebra:
    def test_sums_and_products(self, content, style):
        objective = content + 10 * style + 0.5 * nst.TotalVariation()
        assert objective.weights == {"content": 1.0, "style": 10.0, "total_variation": 0.5}
        assert (2 * objective).weights == {"content": 2.0, "style": 20.0, "total_variation": 1.0}
        assert list((style + content).terms.items()) == [("style", style), ("content", content)]
        assert (objective * 3).weights == (3 * objective).weights
        assert objective.weights["content"] == 1.0  # the factors above left it alone

    def test_sum_of_a_list(self, content, style):
        assert sum([content, 2 * style]).weights == {"content": 1.0, "style": 2.0}
        assert sum([content]).terms == {"content": content}

    @pytest.mark.parametrize("number", [np.float64(3), np.float32(3), np.int64(3), 3])
    def test_numpy_numbers_are_weights(self, number):
        for product in (number * nst.TotalVariation(), nst.TotalVariation() * number):
            assert isinstance(product, nst.Objective)
            assert product.weights == {"total_variation": 3.0}

    def test_a_second_term_of_a_kind_gets_a_number(self, content, style):
        objective = style + content + style + 2 * style
        assert objective.weights == {"style": 1, "content": 1, "style_2": 1, "style_3": 2}

    def test_two_terms_of_one_label_are_refused(self, style):
        own = Brightness()
        own.label = "style_2"
        assert (style + own).weights == {"style": 1, "style_2": 1}
        with pytest.raises(ValueError, match="two terms would be called 'style_2'.*another label"):
            style + own + style

    @pytest.mark.parametrize("weight", [-1, -1e-9, math.nan, math.inf])
    def test_a_bad_weight(self, content, weight):
        for build in (
            lambda: weight * content,
            lambda: (content + content) * weight,
            lambda: nst.Objective([(weight, content)]),
        ):
            with pytest.raises(ValueError, match=f"a weight is {float(weight)}; expected a finite"):
                build()

    @pytest.mark.parametrize("other", [1, "style", None, [1, 2]])
    def test_what_is_no_term_cannot_be_added(self, content, other):
        with pytest.raises(TypeError, match="unsupported operand"):
            content + other
        with pytest.raises(TypeError, match="unsupported operand"):
            other + (content + content)
        with pytest.raises(TypeError, match="an objective adds up terms; got a"):
            nst.Objective([(1.0, other)])

    @pytest.mark.parametrize("factor", ["2", None, np.ones(2)])
    def test_what_is_no_number_cannot_be_a_weight(self, content, factor):
        with pytest.raises(TypeError):
            factor * content

    def test_different_networks_are_refused(self, network, photo, painting):
        other = nst.VGG(weights="random", pooling="avg")
        with pytest.raises(ValueError, match="different networks; give all of them the same"):
            nst.Content(photo, network=network) + nst.Style(painting, network=other)

    def test_repr_reads_like_the_formula(self):
        objective = 2 * nst.TotalVariation() + Brightness()
        text = "2 * TotalVariation(kind='l1', reduction='mean') + 1 * Brightness()"
        assert repr(objective) == text

    def test_settings_are_the_formula_as_data(self, content, style):
        settings = (content + 10 * style).settings()
        assert settings["terms"]["style"]["weight"] == 10.0
        assert settings["terms"]["style"]["layers"] == ["block1_conv2"]
        assert settings["network"]["weights"] == "random"
        assert "network" not in nst.TotalVariation().__mul__(1).settings()


class TestEvaluation:
    def test_the_loss_is_the_weighted_sum_and_report_says_how(self, content, style, painting):
        image = nst.resize(painting, size=(32, 48))
        objective = 2 * content + 30 * style + 0.5 * nst.TotalVariation()
        evaluation = objective.at(32, 48).evaluate(image)
        report = objective.report(image)
        assert list(report) == list(evaluation.terms) == ["content", "style", "total_variation"]
        for label, row in report.items():
            assert row["weighted"] == row["weight"] * row["loss"] > 0
            assert row["weight"] == objective.weights[label]
            assert row["loss"] == pytest.approx(evaluation.terms[label], rel=1e-5)
        total = sum(row["weighted"] for row in report.values())
        assert evaluation.loss == pytest.approx(total, rel=1e-5)

    def test_a_term_alone_reports_with_weight_one(self, style, photo):
        alone, scaled = style.report(photo)["style"], (4 * style).report(photo)["style"]
        assert alone["weight"] == 1.0 and alone["weighted"] == alone["loss"]
        assert scaled["weighted"] == pytest.approx(4 * alone["weighted"], rel=1e-5)

    def test_the_gradient_against_differences_of_the_loss(self, content, style):
        """Over random halves of the pixels; float32 leaves about three digits of a difference."""
        objective = content + 10 * style + nst.TotalVariation("squared")
        bound = objective.at(32, 48)
        rng = np.random.default_rng(0)
        image = rng.uniform(0.2, 0.8, (1, 32, 48, 3)).astype("float32")
        gradient = to_numpy(bound.evaluate(image).gradient).astype("float64")
        assert gradient.shape == image.shape
        for _ in range(4):
            direction = gradient * rng.integers(0, 2, image.shape)
            step = (5e-3 / np.abs(direction).max() * direction).astype("float32")
            ahead, behind = bound.evaluate(image + step).loss, bound.evaluate(image - step).loss
            assert (ahead - behind) / 2 == pytest.approx(np.sum(gradient * step), rel=1e-2)

    def test_the_gradient_is_the_weighted_sum_of_the_terms_gradients(self, content, style, photo):
        def gradient(objective):
            return to_numpy((1 * objective).at(32, 48).evaluate(photo[:, ::-1]).gradient)

        both = gradient(3 * content + 7 * style)
        expected = 3 * gradient(content) + 7 * gradient(style)
        assert np.abs(both - expected).max() < 1e-5 * np.abs(expected).max()

    def test_xla_computes_the_same(self, content, style, painting, monkeypatch):
        objective, found = content + 10 * style + nst.TotalVariation("exponent"), []
        image = nst.resize(painting, size=(32, 48))
        for xla in (False, True):
            kind = functools.partial(nst.backend.compile_value_and_gradient, compiled=xla)
            monkeypatch.setattr(objectives, "compile_value_and_gradient", kind)
            keep_graphs(monkeypatch)
            found.append(objective.at(32, 48).evaluate(image))
        plain, compiled = found
        assert compiled.terms == pytest.approx(plain.terms, rel=1e-4)
        difference = np.abs(to_numpy(compiled.gradient) - to_numpy(plain.gradient)).max()
        assert difference < 1e-3 * np.abs(to_numpy(plain.gradient)).max()

    def test_a_term_of_ones_own(self, photo):
        dark = Brightness(0.0).report(photo)["brightness"]["loss"]
        assert dark == pytest.approx(float(photo.mean()) ** 2, rel=1e-5)
        # Same class, same settings, another value: it must not get the first one's graph.
        bright = Brightness(1.0).report(photo)["brightness"]["loss"]
        assert bright == pytest.approx((1 - float(photo.mean())) ** 2, rel=1e-5)

    def test_a_subclass_does_not_share_its_parents_graph(self, photo):
        class Doubled(nst.TotalVariation):
            factor = 2.0

            def loss(self, image, features, targets):
                return self.factor * super().loss(image, features, targets)

        tripled = Doubled()
        tripled.factor = 3.0
        losses = [
            term.report(photo)["total_variation"]["loss"]
            for term in (nst.TotalVariation(), Doubled(), tripled)
        ]
        assert losses == pytest.approx([losses[0], 2 * losses[0], 3 * losses[0]], rel=1e-5)

    def test_a_loss_that_ignores_the_image_has_gradient_zero(self, photo):
        class Constant(nst.objectives.Term):
            def loss(self, image, features, targets):
                return ops.convert_to_tensor(2.0)

        evaluation = (1 * Constant()).at(32, 48).evaluate(photo)
        gradient = to_numpy(evaluation.gradient)
        assert evaluation.loss == 2.0 and gradient.shape == photo.shape and not gradient.any()


class TestWeightZero:
    @pytest.fixture
    def calls(self, monkeypatch):
        counted = []
        original = vgg.ops.conv

        def conv(*args, **kwargs):
            counted.append(args[1].shape)
            return original(*args, **kwargs)

        monkeypatch.setattr(vgg.ops, "conv", conv)
        keep_graphs(monkeypatch)
        return counted

    def test_it_costs_nothing(self, network, photo, painting, calls):
        deep = nst.Content(photo, "block3_conv1", network=network)
        objective = 0 * deep + nst.Style(painting, "block1_conv2", network=network)
        bound = objective.at(32, 48)
        assert len(calls) == 2  # the painting's targets
        evaluation = bound.evaluate(photo)
        assert len(calls) == 4  # the traced graph ends at block1_conv2 as well
        assert list(evaluation.terms) == ["style"] == list(objective.report(photo))
        assert "content" in objective.terms  # it is still there as a start

    def test_nothing_but_zeros(self, content, photo):
        for objective in (0 * content, nst.Objective([])):
            with pytest.raises(ValueError, match="every term has weight 0"):
                objective.report(photo)


class TestRetracing:
    def test_new_weights_and_pictures_are_free_and_a_size_is_traced_once(
        self, traces, network, photo, painting
    ):
        def evaluate(picture, image, weight, layer_weights):
            layers = ["block1_conv1", "block1_conv2"]
            options = {"network": network, "layer_weights": layer_weights}
            objective = weight * nst.Content(picture, layers, **options)
            return objective.at(*image.shape[1:3]).evaluate(image).loss

        first = evaluate(photo, photo[:, ::-1], 1.0, [1, 1])
        assert len(traces) == 1
        assert evaluate(photo, photo[:, ::-1], 3.0, [1, 1]) == pytest.approx(3 * first, rel=1e-5)
        assert evaluate(photo, photo[:, ::-1], 1.0, [2, 2]) == pytest.approx(2 * first, rel=1e-5)
        assert evaluate(photo[:, ::-1], photo[:, ::-1], 1.0, [1, 1]) < 1e-6 * first
        assert len(traces) == 1
        for _ in range(2):
            evaluate(painting, painting, 1.0, [1, 1])
            assert traces == [(1, 32, 48, 3), (1, 40, 36, 3)]
        evaluate(photo, photo, 1.0, [1, 1])
        assert len(traces) == 2

    def test_another_structure_is_another_graph(self, traces, network, photo):
        for arguments in (
            {"layers": "block1_conv1"}, {"layers": "block1_conv2"}, {"reduction": "mean"},
        ):  # fmt: skip
            arguments = {"layers": "block1_conv1"} | arguments
            nst.Content(photo, network=network, **arguments).report(photo)
        assert len(traces) == objectives._compiled.cache_info().currsize == 3

    def test_a_term_of_ones_own_is_traced_once_in_any_precision(self, monkeypatch, network, photo):
        keep_graphs(monkeypatch)
        traced = []

        class Own(nst.objectives.Term):
            label, layers = "own", ("block1_conv2",)

            def loss(self, image, features, targets):
                traced.append(self.network.precision)
                return ops.mean(ops.square(features["block1_conv2"]))

        term = Own()
        term.network = network
        objective = 2 * term
        for precision in ("bfloat16", "float32", "bfloat16", "bfloat16"):
            objective.at(32, 48, 1.0, precision).evaluate(photo)
        assert traced == ["bfloat16", "float32"]

    def test_old_graphs_are_let_go(self, monkeypatch, photo):
        keep_graphs(monkeypatch, 2)
        terms = [Brightness(value) for value in (0.1, 0.2, 0.3)]
        losses = [term.report(photo)["brightness"]["loss"] for term in terms]
        assert objectives._compiled.cache_info().currsize == 2
        assert terms[0].report(photo)["brightness"]["loss"] == losses[0]  # compiled anew


def graphs():
    """How many traced graphs of TensorFlow are alive."""
    gc.collect()
    return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())


def test_many_sizes_do_not_fill_the_memory(monkeypatch, network, painting):
    keep_graphs(monkeypatch, 2)
    alive = []
    for side in (16, 18, 20, 22, 24, 26):
        style = nst.Style(painting, "block1_conv1", network=network)
        style.report(painting[:, :side, :side])
        alive.append(graphs())
    assert alive[1:] == [alive[1]] * 5


def test_a_size_that_is_used_again_stays(traces, monkeypatch, network, painting):
    keep_graphs(monkeypatch, 2)
    for side in (16, 18, 16, 20, 16):  # 18 is let go, not 16
        image = painting[:, :side, :side]
        nst.Content(image, "block1_conv1", network=network).report(image)
    assert [shape[1] for shape in traces] == [16, 18, 20]


def test_a_synthesis_leaves_nothing_behind(monkeypatch, network, photo):
    """Its targets and pictures go when it ends; the graph that all share stays, once."""
    keep_graphs(monkeypatch)
    seen, alive, made = [], [], objectives.BoundObjective.__init__

    def noted(bound, objective, *arguments):
        made(bound, objective, *arguments)
        seen.extend(map(weakref.ref, [bound, objective.terms["style"].image]))
        seen.extend(weakref.ref(each) for each in bound.parameters["targets"][0]["features"])

    monkeypatch.setattr(objectives.BoundObjective, "__init__", noted)
    for number in range(6):
        image = np.random.default_rng(number).uniform(size=photo.shape).astype("float32")
        content = nst.Content(image, "block1_conv1", network=network)
        objective = content + (1 + number) * nst.Style(image, "block1_conv1", network=network)
        nst.synthesize(objective, photo, steps=2, progress=False)
        del content, objective, image
        alive.append((graphs(), sum(each() is not None for each in seen)))
    assert len(seen) >= 18 and alive[1:] == [alive[1]] * 5


def test_a_bad_image_is_refused_before_anything_runs(content):
    with pytest.raises(ValueError, match="divide by 255"):
        content.report(np.full((1, 32, 48, 3), 255.0))


def test_what_is_no_objective():
    with pytest.raises(TypeError, match=r"the objective is a str; expected a sum of terms"):
        objectives.as_objective("content")
