"""Optimizers against SciPy, hand-written updates, optimality conditions and textbook recursions."""

from __future__ import annotations

import importlib.util
import json
import logging
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import nsthelpers as nst
from nsthelpers import files
from nsthelpers.backend import keras, ops, to_numpy, to_tensor
from nsthelpers.optimizers import lbfgs, rows, spectrum

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "optimizer_check.py"
SPECIFICATION = importlib.util.spec_from_file_location("optimizer_check", SCRIPT)
check = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(check)


class Problem:
    """A function of a NumPy array as an optimizer takes it; notes every point it is asked for."""

    def __init__(self, value, gradient):
        self.value, self.gradient, self.points = value, gradient, []

    def __call__(self, tensor):
        point = to_numpy(tensor)
        self.points.append(point)
        gradient = np.asarray(self.gradient(point.astype("float64")), point.dtype)
        return SimpleNamespace(
            loss=float(self.value(point.astype("float64"))), gradient=to_tensor(gradient, None)
        )


def bowl(centre, curvature=1.0):
    """Half of the sum of curvature (x - centre)^2, for any shape."""
    return Problem(
        lambda x: 0.5 * np.sum(curvature * (x - centre) ** 2), lambda x: curvature * (x - centre)
    )


def whole(table):
    """All that was remembered, as one array."""
    return np.concatenate([to_numpy(block).astype("float64") for block in table], axis=1)


def descend(optimizer, problem, start, steps=200):
    """The finished descent and the loss at the start and after each step."""
    descent = optimizer.start(problem, start)
    losses = [descent.evaluation.loss]
    for _ in range(steps):
        going = descent.step()
        losses.append(descent.evaluation.loss)
        if not going:
            break
    return descent, losses


class TestLBFGSReaches:
    @pytest.mark.parametrize(
        ("problem", "limit"),
        [
            (check.rosenbrock(2), 60),
            (check.rosenbrock(100), 150),
            *((check.quadratic(seed=seed), 70) for seed in range(3)),
        ],
    )
    def test_scipys_losses_in_as_many_evaluations(self, problem, limit):
        _, *both = problem
        theirs = check.scipy_losses(*both, limit)
        ours = check.our_losses(*both, math.ceil(1.2 * limit))
        for part in (1e-2, 1e-4, 1e-6):
            mark = theirs[-1] + part * (theirs[0] - theirs[-1])
            needed = np.argmax(theirs <= mark) + 1
            assert (ours[: math.ceil(1.2 * needed)] <= mark).any(), part

    def test_the_optimality_conditions_of_a_bounded_problem(self):
        _, value, gradient, start, bounds = check.quadratic(n=50, condition=1e3)
        problem = Problem(value, gradient)
        descent, _ = descend(nst.LBFGS(tolerance=0.0), problem, start, 500)
        x = to_numpy(descent.image)
        slope = gradient(x)
        assert x.min() >= 0 and x.max() <= 1
        at_low, at_high = x == 0, x == 1
        assert 0 < at_low.sum() + at_high.sum() < len(x)
        scale = np.abs(gradient(start)).max()
        assert (slope[at_low] > 0).all() and (slope[at_high] < 0).all()
        assert np.abs(slope[~at_low & ~at_high]).max() < 1e-6 * scale

    @pytest.mark.parametrize("first_step", [1e-6, 1e-3, 1.0, 1e3])
    def test_the_minimum_whatever_the_first_step(self, first_step):
        _, value, gradient, start, _ = check.rosenbrock(2)
        optimizer = nst.LBFGS(first_step=first_step, bounds=None, tolerance=0.0)
        descent, losses = descend(optimizer, Problem(value, gradient), start)
        assert losses[-1] < 1e-12
        assert to_numpy(descent.image) == pytest.approx([1.0, 1.0], abs=1e-5)

    def test_the_end_of_a_long_valley(self):
        """Curvature that changes its sign starves a method that only asks for descent of pairs."""

        def value(x):
            return np.sum(np.sin(3 * x) + 0.5 * x**2) + 50 * (x[0] - x[1] ** 2) ** 2

        def gradient(x):
            slope = 3 * np.cos(3 * x) + x
            fault = 100 * (x[0] - x[1] ** 2)
            return slope + np.array([fault, -2 * fault * x[1]])

        problem = Problem(value, gradient)
        optimizer = nst.LBFGS(bounds=None, tolerance=0.0)
        descent, _ = descend(optimizer, problem, np.array([3.0, -2.0]))
        assert np.abs(gradient(to_numpy(descent.image))).max() < 1e-5

    @pytest.mark.parametrize("unit", [1e-6, 1e12])
    def test_the_unit_of_the_loss_does_not_matter(self, unit):
        """A sum of squares of large features begins at 1e12: its curvature counts as well."""
        centre, curvature = np.linspace(0.1, 0.9, 12), np.geomspace(1, 1000, 12)
        losses = [
            descend(nst.LBFGS(bounds=None), bowl(centre, times * curvature), np.full(12, 0.5), 12)[
                1
            ]
            for times in (1.0, unit)
        ]
        assert losses[1][-1] / unit == pytest.approx(losses[0][-1], rel=1e-3, abs=1e-12)
        assert losses[0][-1] < 1e-3 * losses[0][0]

    def test_float32_images_as_far_as_float32_goes(self):
        target = np.random.default_rng(0).uniform(size=(1, 8, 9, 3)).astype("float32")
        problem = bowl(target, np.geomspace(1, 100, target.size).reshape(target.shape))
        descent, losses = descend(nst.LBFGS(), problem, np.full_like(target, 0.5), 80)
        assert descent.image.dtype == "float32" and descent.image.shape == target.shape
        assert losses[-1] < 1e-7 * losses[0]

    def test_a_cliff_of_nan_is_walked_along(self):
        def value(x):
            return np.sum(x**2) if np.all(x > 0.1) else math.nan

        problem = Problem(value, lambda x: 2 * x)
        _, losses = descend(nst.LBFGS(first_step=2.0), problem, np.full(4, 0.9))
        assert losses[-1] < 4 * 0.2**2


class TestLBFGSBehaves:
    @settings(max_examples=12)
    @given(
        seed=st.integers(0, 10**6),
        condition=st.floats(1, 1e6),
        low=st.floats(-1, 0.4, allow_subnormal=False),  # which TensorFlow takes for 0
    )
    def test_bounds_hold_and_losses_fall(self, seed, condition, low):
        rng = np.random.default_rng(seed)
        rotation, _ = np.linalg.qr(rng.normal(size=(6, 6)))
        matrix = rotation @ np.diag(np.geomspace(1, condition, 6)) @ rotation.T
        centre = rng.normal(0.5, 1.0, 6)
        problem = Problem(
            lambda x: 0.5 * (x - centre) @ matrix @ (x - centre), lambda x: matrix @ (x - centre)
        )
        start = rng.normal(0.5, 1.0, 6)  # it may lie outside
        _, losses = descend(nst.LBFGS(bounds=(low, 0.9)), problem, start, 15)
        assert np.min(problem.points) >= low and np.max(problem.points) <= 0.9
        assert all(later <= earlier for earlier, later in zip(losses, losses[1:], strict=False))

    def test_a_start_outside_is_moved_in(self):
        problem = bowl(np.full(3, 0.5))
        nst.LBFGS().start(problem, np.array([-3.0, 0.25, 7.0]))
        assert problem.points[0].tolist() == [0.0, 0.25, 1.0]

    def test_a_start_at_the_optimum_ends_at_once(self):
        problem = bowl(np.full(5, 0.5))
        descent = nst.LBFGS().start(problem, np.full(5, 0.5))
        assert descent.step() is False
        assert len(problem.points) == 1 and to_numpy(descent.image).tolist() == [0.5] * 5

    def test_a_start_in_the_corner_that_is_the_optimum_ends_at_once(self):
        problem = bowl(np.array([-1.0, 2.0]))
        descent = nst.LBFGS().start(problem, np.array([0.0, 1.0]))
        assert descent.step() is False and len(problem.points) == 1

    @pytest.mark.parametrize("memory", [1, 2, 5])
    def test_little_memory_is_enough_for_an_easy_problem(self, memory):
        problem = bowl(np.linspace(0.2, 0.8, 10), np.geomspace(1, 10, 10))
        descent, _ = descend(nst.LBFGS(memory=memory), problem, np.zeros(10))
        assert to_numpy(descent.image) == pytest.approx(np.linspace(0.2, 0.8, 10), abs=1e-4)

    def test_the_tolerance_decides_when_it_has_converged(self):
        def steps(tolerance):
            curvature = np.geomspace(1, 100, 30)
            problem = Problem(lambda x: 1 + 0.5 * curvature @ x**2, lambda x: curvature * x)
            optimizer = nst.LBFGS(tolerance=tolerance, bounds=None)
            return len(descend(optimizer, problem, np.ones(30))[1]) - 1

        assert 6 <= steps(1e-2) < steps(1e-9) < 200

    def test_a_step_stays_within_its_evaluations(self):
        _, value, gradient, start, _ = check.rosenbrock(2)
        problem = Problem(value, gradient)
        descent = nst.LBFGS(max_evaluations=3, bounds=None).start(problem, start)
        counts = [len(problem.points)]
        for _ in range(30):
            descent.step()
            counts.append(len(problem.points))
        assert max(np.diff(counts)) <= 2 * 3  # a second search, after forgetting the curvature

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_a_gradient_that_is_not_finite_is_an_error(self, bad):
        problem = Problem(lambda x: 1.0, lambda x: np.full_like(x, bad))
        with pytest.raises(FloatingPointError, match="the gradient holds NaN or infinite values"):
            nst.LBFGS().start(problem, np.full(3, 0.5)).step()

    def test_misleading_curvature_is_forgotten(self, monkeypatch):
        descent = nst.LBFGS().start(bowl(np.full(3, 0.5), np.array([1.0, 5.0, 9.0])), np.zeros(3))
        descent.step()
        before, original = descent.evaluation.loss, descent._search
        paths = []

        def search(path, *rest):
            paths.append(to_numpy(path))
            return None if len(paths) == 1 else original(path, *rest)  # nothing along the first

        monkeypatch.setattr(descent, "_search", search)
        slope = bowl(np.full(3, 0.5), np.array([1.0, 5.0, 9.0])).gradient(to_numpy(descent.image))
        assert descent.step() is True and descent.evaluation.loss < before
        assert len(paths) == 2
        angle = -paths[1] @ slope / np.linalg.norm(paths[1]) / np.linalg.norm(slope)
        assert angle == pytest.approx(1.0)  # the second is straight down

    def test_what_a_trial_point_left_does_not_come_back(self):
        """Numbers that are not finite stay such, whatever weight their row has."""
        descent = nst.LBFGS().start(bowl(np.full(3, 0.5), np.array([1.0, 5.0, 9.0])), np.zeros(3))
        descent.step()
        descent._compared(descent.image, descent.image, to_tensor(np.full(3, math.nan), None))
        assert np.isnan(whole(descent._history.changes)).any()
        descent._history.forget()
        while descent.step():
            pass
        assert to_numpy(descent.image) == pytest.approx(np.full(3, 0.5), abs=1e-5)

    def test_one_object_serves_runs_of_different_shapes(self):
        optimizer = nst.LBFGS()
        for shape in [(2, 3), (1, 4, 4, 3), (2, 3)]:
            descent, _ = descend(optimizer, bowl(np.full(shape, 0.25)), np.ones(shape))
            assert to_numpy(descent.image) == pytest.approx(np.full(shape, 0.25), abs=1e-5)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"memory": 0}, "memory is 0; expected a whole number of at least 1"),
            ({"memory": 2.5}, "memory is 2.5"),
            ({"max_evaluations": 1}, "max_evaluations is 1; expected .* at least 2"),
            ({"first_step": 0.0}, "first_step is 0.0; expected a positive number"),
            ({"first_step": math.nan}, "first_step is nan"),
            ({"tolerance": -1.0}, "tolerance is -1.0; expected a number of at least 0"),
            ({"history": "float16"}, "unknown history 'float16'; expected one of 'float32', 'bf"),
            ({"bounds": (1.0, 0.0)}, "low < high"),
            ({"bounds": (0.0, math.nan)}, "low < high"),
        ],
    )
    def test_errors_say_what_was_expected(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            nst.LBFGS(**arguments)


def textbook_two_loop(steps, changes, gradient):
    """Nocedal & Wright, algorithm 7.4, on whole vectors; oldest pair first."""
    q, alphas = gradient.copy(), []
    for s, y in zip(steps[::-1], changes[::-1], strict=True):
        alphas.append(s @ q / (s @ y))
        q -= alphas[-1] * y
    r = q * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for s, y, alpha in zip(steps, changes, alphas[::-1], strict=True):
        r += s * (alpha - y @ r / (s @ y))
    return r


class TestTwoLoop:
    @staticmethod
    def direction(steps, changes, gradient, free, order):
        """What the descent computes: the recursion on inner products, then the sum of vectors."""
        masked, masked_gradient = changes * free, gradient * free
        loops = lbfgs._Recursion.begun(
            steps @ masked.T,
            (masked * masked).sum(axis=1),
            steps @ masked_gradient,
            (steps**2 * free).sum(axis=1),
            order,
        )
        middle = loops.gamma * free * (gradient - loops.alpha @ changes)
        return free * (middle + (loops.weights - loops.back @ (changes @ middle)) @ steps)

    @pytest.fixture
    def pairs(self):
        """Four pairs with positive curvature on any subset of the variables, and a gradient."""
        rng = np.random.default_rng(5)
        steps = rng.normal(size=(4, 12))
        return steps, steps * rng.uniform(0.5, 50, 12), rng.normal(size=12)

    @pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 3, 0, 1], [3, 0], [1]])
    def test_equals_the_textbook(self, pairs, order):
        steps, changes, gradient = pairs
        found = self.direction(steps, changes, gradient, np.ones(12), order)
        assert found == pytest.approx(textbook_two_loop(steps[order], changes[order], gradient))

    def test_equals_the_textbook_on_the_free_variables(self, pairs):
        steps, changes, gradient = pairs
        free = np.arange(12) % 3 > 0
        found = self.direction(steps, changes, gradient, free.astype(float), [0, 1, 2, 3])
        expected = textbook_two_loop(steps[:, free], changes[:, free], gradient[free])
        assert found[free] == pytest.approx(expected)
        assert not found[~free].any()

    def test_a_pair_of_negative_curvature_is_left_out(self, pairs):
        steps, changes, gradient = pairs
        changes[2] *= -1
        found = self.direction(steps, changes, gradient, np.ones(12), [0, 1, 2, 3])
        kept = [0, 1, 3]
        assert found == pytest.approx(textbook_two_loop(steps[kept], changes[kept], gradient))

    def test_no_pair_of_use_is_none(self, pairs):
        steps, changes, gradient = pairs
        squares = ((each * each).sum(axis=1) for each in (changes, steps))
        products = -(steps @ changes.T), next(squares), steps @ gradient, next(squares)
        assert lbfgs._Recursion.begun(*products, [0, 1, 2, 3]) is None

    def test_on_the_device_too(self):
        """The path of a running descent, more steps than memory, is minus the textbook's."""
        problem = bowl(np.zeros(8), np.geomspace(1, 100, 8))
        optimizer = nst.LBFGS(memory=3, bounds=None, tolerance=0.0)
        descent = optimizer.start(problem, np.linspace(1.0, 2.0, 8))
        points = [to_numpy(descent.image)]
        for _ in range(5):
            descent.step()
            points.append(to_numpy(descent.image))
        gradients = [problem.gradient(point) for point in points]
        expected = textbook_two_loop(
            np.diff(points, axis=0)[-3:], np.diff(gradients, axis=0)[-3:], gradients[-1].copy()
        )
        path, end, slope = descent._direction()
        assert to_numpy(path) == pytest.approx(-expected)
        assert to_numpy(end) == pytest.approx(points[-1] - expected)
        assert slope == pytest.approx(-expected @ gradients[-1])
        assert self.room(descent, path) == math.inf

    @pytest.mark.parametrize("history", ["float32", "bfloat16"])
    def test_kept_products_are_those_of_the_vectors(self, history, monkeypatch):
        """Through many steps in which variables are held and freed, and rows overwritten."""
        monkeypatch.setattr(rows, "_BLOCK", 17)  # three, of which the last is shorter
        rng = np.random.default_rng(2)
        turn = np.linalg.qr(rng.normal(size=(40, 40)))[0]
        matrix = turn @ np.diag(np.geomspace(1, 300, 40)) @ turn.T
        centre = rng.uniform(-0.5, 1.5, 40)
        problem = Problem(
            lambda x: 0.5 * (x - centre) @ matrix @ (x - centre), lambda x: matrix @ (x - centre)
        )
        descent = nst.LBFGS(memory=4, tolerance=0.0, history=history).start(
            problem, rng.uniform(size=40)
        )
        masks = []
        for _ in range(12):
            descent.step()
            free, kept = to_numpy(descent._free), descent._history
            steps, changes = (whole(each)[kept.order] * free for each in (kept.steps, kept.changes))
            gradient = to_numpy(descent.evaluation.gradient)
            masks.append(tuple(free))
            found = kept._sy[np.ix_(kept.order, kept.order)]
            assert found == pytest.approx(steps @ changes.T, abs=1e-9)
            assert kept._yy[kept.order] == pytest.approx((changes**2).sum(axis=1), abs=1e-9)
            assert kept._sg[kept.order] == pytest.approx(steps @ gradient, abs=1e-9)
        assert len(set(masks)) > 4 and min(map(sum, masks)) < 40

    def test_many_sizes_make_no_warning(self, caplog):
        """Else TensorFlow complains that the optimizer's functions are traced again and again."""
        logger = logging.getLogger("tensorflow")
        logger.addHandler(caplog.handler)
        try:
            for size in range(20, 36):
                descent = nst.LBFGS(memory=3).start(bowl(np.full(size, 0.3)), np.full(size, 0.9))
                assert descent.step()
        finally:
            logger.removeHandler(caplog.handler)
        assert "retracing" not in caplog.text

    def test_the_path_ends_where_the_first_bound_is_met(self):
        """From 0.5 with slopes 1, 2, -4: the third reaches its bound first."""
        problem = Problem(lambda x: x @ [1, 2, -4], lambda x: np.array([1.0, 2.0, -4.0]))
        rms = math.sqrt(21 / 3)
        descent = nst.LBFGS(first_step=0.1 * rms).start(problem, np.full(3, 0.5))
        path, _, _ = descent._direction()
        assert to_numpy(path) == pytest.approx([-0.1, -0.2, 0.4])
        assert self.room(descent, path) == pytest.approx(0.5 / 0.4)
        descent = nst.LBFGS(first_step=0.2 * rms).start(problem, np.full(3, 0.5))
        path, end, _ = descent._direction()
        assert to_numpy(path) == pytest.approx([-0.2, -0.4, 0.5])
        assert to_numpy(end) == pytest.approx([0.3, 0.1, 1.0])
        assert self.room(descent, path) == 1.0

    @staticmethod
    def room(descent, path):
        return float(lbfgs._length_to_bounds(descent.image, path, descent._low, descent._high))


class TestAdamAndSGD:
    CENTRE = np.array([0.2, 0.7, 0.4])
    CURVATURE = np.array([1.0, 3.0, 0.5])
    START = np.array([0.9, 0.1, 0.5])

    def run(self, optimizer, steps=3):
        descent = optimizer.start(bowl(self.CENTRE, self.CURVATURE), self.START)
        for _ in range(steps):
            assert descent.step() is True
        return to_numpy(descent.image)

    def slope(self, x):
        return self.CURVATURE * (x - self.CENTRE)

    def test_adam_by_hand(self):
        rate, beta_1, beta_2, epsilon = 0.05, 0.8, 0.95, 1e-3
        x, m, v = self.START.copy(), 0.0, 0.0
        for t in (1, 2, 3):
            g = self.slope(x)
            m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
            # Kingma & Ba, section 2: the efficient order, where epsilon is added to sqrt(v).
            x -= rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (np.sqrt(v) + epsilon)
        found = self.run(nst.Adam(rate, beta_1, beta_2, epsilon))
        assert found == pytest.approx(x, rel=1e-5)

    @pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
    def test_sgd_by_hand(self, momentum, nesterov):
        x, velocity = self.START.copy(), 0.0
        for _ in range(3):
            g = self.slope(x)
            velocity = momentum * velocity - 0.05 * g
            x += momentum * velocity - 0.05 * g if nesterov else velocity
        found = self.run(nst.SGD(0.05, momentum, nesterov))
        assert found == pytest.approx(x, rel=1e-5)

    def test_a_schedule_is_followed(self):
        rates = keras.optimizers.schedules.ExponentialDecay(0.2, decay_steps=1, decay_rate=0.5)
        x = self.START.copy()
        for rate in (0.2, 0.1, 0.05):
            x -= rate * self.slope(x)
        optimizer = nst.SGD(rates)
        assert self.run(optimizer) == pytest.approx(x, rel=1e-5)
        assert self.run(optimizer) == pytest.approx(x, rel=1e-5)  # it starts anew for each run
        described = optimizer.settings()["learning_rate"]
        assert described["schedule"] == "ExponentialDecay" and described["decay_rate"] == 0.5

    @pytest.mark.parametrize("optimizer", [nst.Adam(10.0), nst.SGD(10.0)])
    def test_the_image_is_clipped_after_every_step(self, optimizer):
        problem = bowl(self.CENTRE, self.CURVATURE)
        descend(optimizer, problem, np.array([-2.0, 0.5, 2.0]), 5)
        assert problem.points[0].tolist() == [0.0, 0.5, 1.0]
        assert np.min(problem.points) >= 0 and np.max(problem.points) <= 1

    def test_without_bounds_it_may_leave(self):
        assert self.run(nst.SGD(3.0, bounds=None)).max() > 1

    def test_an_earlier_image_stays_as_it_was(self):
        descent = nst.Adam(0.1).start(bowl(self.CENTRE), self.START)
        first, before = descent.image, to_numpy(descent.image)
        descent.step()
        descent.step()
        assert to_numpy(first).tolist() == before.tolist() != to_numpy(descent.image).tolist()

    @pytest.mark.parametrize("optimizer", [nst.Adam(0.1), nst.SGD(0.5, momentum=0.5)])
    def test_one_object_serves_runs_of_different_shapes(self, optimizer):
        for shape in [(2, 3), (1, 4, 4, 3), (2, 3)]:
            descent, losses = descend(optimizer, bowl(np.full(shape, 0.25)), np.ones(shape), 5)
            assert descent.image.shape == shape and losses[-1] < losses[0]

    @pytest.mark.parametrize("kind", [nst.Adam, nst.SGD])
    @pytest.mark.parametrize("rate", [0, -0.1, math.nan, math.inf, "fast", None])
    def test_a_bad_learning_rate(self, kind, rate):
        with pytest.raises(ValueError, match="the learning rate is .*; expected a positive number"):
            kind(learning_rate=rate)

    @pytest.mark.parametrize("kind", [nst.Adam, nst.SGD])
    def test_bad_bounds(self, kind):
        with pytest.raises(ValueError, match="low < high"):
            kind(0.1, bounds=(1, 1))


@pytest.mark.parametrize("optimizer", [nst.Adam(np.float32(0.5)), nst.SGD(1), nst.LBFGS(memory=3)])
def test_settings_are_plain_data(optimizer):
    described = json.loads(json.dumps(optimizer.settings()))
    assert described["name"] == type(optimizer).__name__
    assert described["bounds"] == [0.0, 1.0]
    assert set(described) == {"name", *optimizer.__dataclass_fields__}


class TestACoarseHistory:
    CENTRE, CURVATURE = np.linspace(0.1, 0.9, 12), np.geomspace(1, 1000, 12)

    def problem(self):
        return bowl(self.CENTRE, self.CURVATURE)

    def test_a_quadratic_is_solved_as_with_an_exact_one(self):
        start, options = np.full(12, 0.5), {"tolerance": 0.0, "bounds": None}
        exact, coarse = (
            descend(nst.LBFGS(history=each, **options), self.problem(), start, 60)
            for each in ("float32", "bfloat16")
        )
        assert exact[1][-1] < 1e-20 and coarse[1][-1] < 1e-20
        assert to_numpy(coarse[0].image) == pytest.approx(self.CENTRE, abs=1e-10)
        until = [sum(loss > 1e-10 for loss in losses) for _, losses in (exact, coarse)]
        assert until[1] <= until[0] + 5

    def test_it_takes_half_the_memory(self):
        table = rows.zeros(4, 10, "float32", "bfloat16")
        assert [to_numpy(block).nbytes for block in table] == [4 * 10 * 2]

    def test_an_image_in_blocks_goes_the_same_way(self, monkeypatch):
        """Octaves included, of which each vector is taken out of the blocks again."""
        target = np.random.default_rng(0).uniform(0.2, 0.8, (1, 8, 10, 3))
        problem = bowl(target, np.geomspace(1, 100, 240).reshape(target.shape))
        found = []
        for width in (2**18, 50):
            monkeypatch.setattr(rows, "_BLOCK", width)
            descent = nst.LBFGS(history="bfloat16").start(problem, np.full_like(target, 0.5))
            assert len(descent._history.steps) == {2**18: 1, 50: 5}[width]
            for _ in range(8):
                descent.step()
            found.append(descent)
        energies = [np.stack(each._spectrum._energies) for each in found]
        assert energies[1] == pytest.approx(energies[0], rel=1e-3, abs=1e-6 * energies[0].max())
        one, other = (to_numpy(each.image) for each in found)
        assert other == pytest.approx(one, abs=1e-4)

    @pytest.mark.parametrize("history", ["float32", "bfloat16"])
    def test_its_state_goes_on_bit_for_bit(self, history, monkeypatch, tmp_path):
        monkeypatch.setattr(rows, "_BLOCK", 5)
        optimizer = nst.LBFGS(memory=3, history=history, tolerance=0.0)
        start = np.full(12, 0.5, "float32")
        first, _ = descend(optimizer, self.problem(), start, 5)
        state, evaluation = first.state(), first.evaluation
        arrays = {name: each for name, each in state.items() if isinstance(each, np.ndarray)}
        files.write_whole(tmp_path / "state", files.pack_arrays("a state", arrays, {}))
        read, _ = files.read_arrays(tmp_path / "state", "a state")
        other = optimizer.resume(self.problem(), state | read, evaluation)
        for _ in range(5):
            assert first.step() == other.step()
            assert to_numpy(first.image).tobytes() == to_numpy(other.image).tobytes()


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 99))
def test_rows_are_those_of_one_array(count, size, seed):
    """Sums, products and corrections, in blocks, beside NumPy's."""
    rng = np.random.default_rng(seed)
    vectors, others = rng.integers(-8, 9, (2, count, size)).astype("float32")  # exact in halves
    tables = []
    for each in (vectors, others):
        table = [
            ops.zeros((count, min(7, size - first)), "bfloat16") for first in range(0, size, 7)
        ]
        tables.append(rows.replaced(table, range(count), to_tensor(each)))
    weights, freed = rng.integers(-3, 4, (2, count)), rng.integers(-1, 2, (1, size))
    found = to_numpy(rows.weighted(tables[0], to_tensor(weights)))
    assert found.tolist() == (weights @ vectors).tolist()
    three = others[:3] + 1
    assert to_numpy(rows.products(tables[0], to_tensor(three))).tolist() == (
        (three @ vectors.T).tolist()
    )
    found = to_numpy(rows.corrections(*tables, to_tensor(freed)))
    assert found[:-1].tolist() == ((vectors * freed) @ others.T).tolist()
    assert found[-1].tolist() == (others**2 @ freed[0]).tolist()


@pytest.mark.parametrize("width", [3, 5, 100])
def test_rows_are_restored_whatever_the_blocks(width, monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(4, 11)).astype("float32")
    tables = []
    for each in (5, width):
        monkeypatch.setattr(rows, "_BLOCK", each)
        tables.append(rows.zeros(4, 11, "float32", "bfloat16"))
    first = rows.replaced(tables[0], range(4), to_tensor(vectors))
    kept = rows.state(first, "steps", [2, 0])
    again = whole(rows.restored(tables[1], "steps", [2, 0], kept))
    assert again[[0, 2]].tolist() == whole(first)[[0, 2]].tolist()
    assert not again[[1, 3]].any()


def test_a_device_that_copies_what_it_updates(monkeypatch):
    """Where an update makes a new tensor, the history has to be that one."""
    monkeypatch.setattr(lbfgs, "_compared", lbfgs._compared.__wrapped__)  # not compiled before
    problem = bowl(np.linspace(0.1, 0.9, 12), np.geomspace(1, 1000, 12))
    again, expected = descend(nst.LBFGS(), problem, np.full(12, 0.5), 40)
    monkeypatch.setattr(rows, "replace_rows", copied := Copying())
    found, losses = descend(nst.LBFGS(), problem, np.full(12, 0.5), 40)
    assert copied.calls > 5
    assert losses == expected and to_numpy(found.image).tolist() == to_numpy(again.image).tolist()


class Copying:
    calls = 0

    def __call__(self, tensor, rows, values):
        self.calls += 1
        changed = to_numpy(tensor)
        changed[list(rows)] = to_numpy(values)
        return to_tensor(changed, dtype=None)


def add(kept, pair):
    """Let a spectrum take in a step and a change."""
    kept.add(spectrum.energies(to_tensor(pair, "float64"), kept.basis))


class TestSpectrum:
    """One number for each octave and opponent colour, instead of one in all."""

    @staticmethod
    def image(seed, height=12, width=20):
        return np.random.default_rng(seed).normal(size=(1, height, width, 3))

    def test_the_waves_are_orthonormal(self):
        image = self.image(0)
        basis = spectrum.Spectrum(12, 20, "float64").basis
        waves = to_numpy(spectrum._transformed(to_tensor(image.reshape(1, -1), "float64"), basis))
        assert waves.shape == (1, 3, 12, 20)
        assert (waves**2).sum() == pytest.approx((image**2).sum())
        grey = np.full((1, 12 * 20 * 3), 2.0)
        waves = to_numpy(spectrum._transformed(to_tensor(grey, "float64"), basis))
        assert waves[0, 0, 0, 0] == pytest.approx(2 * math.sqrt(3 * 12 * 20))
        waves[0, 0, 0, 0] = 0  # of an even grey nothing else is left
        assert np.abs(waves).max() < 1e-12

    def test_energies_add_up(self):
        pair = np.stack([self.image(0).ravel(), self.image(1).ravel()])
        kept = spectrum.Spectrum(12, 20, "float64")
        add(kept, pair)
        assert kept._energies[0].sum(axis=(1, 2, 3)) == pytest.approx((pair**2).sum(axis=1))

    def test_a_step_without_a_change_is_left_out(self):
        pair = np.stack([self.image(0).ravel(), self.image(1).ravel()])
        kept, other = (spectrum.Spectrum(12, 20, "float64") for _ in range(2))
        for each in (kept, other):
            add(each, pair)
        add(kept, np.stack([pair[0], 0 * pair[1]]))
        assert np.array_equal(kept.guess(1.0), other.guess(1.0))

    def test_the_newest_pair_fits(self):
        """Along its change, the guess has the curvature of the pair: equation 7.20."""
        kept = spectrum.Spectrum(12, 20, "float64")
        for seed in range(8):
            pair = np.stack([self.image(seed).ravel(), self.image(seed + 9).ravel()])
            pair[1] += 3 * pair[0]
            add(kept, pair)
        product = pair[0] @ pair[1]
        change = to_tensor(pair[1:], "float64")
        found = to_numpy(spectrum.filtered(change, kept.guess(product), kept.basis))[0]
        assert pair[1] @ found == pytest.approx(product)

    def test_it_is_symmetric_and_positive(self):
        kept = spectrum.Spectrum(6, 5, "float64")
        pair = np.stack([self.image(3, 6, 5).ravel(), 2 * self.image(4, 6, 5).ravel()])
        add(kept, pair)
        gains = kept.guess(1.0)
        columns = [
            to_numpy(spectrum.filtered(to_tensor(one[None], "float64"), gains, kept.basis))[0]
            for one in np.eye(6 * 5 * 3)
        ]
        matrix = np.stack(columns)
        assert np.allclose(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > 0

    def test_it_learns_what_each_octave_is_like(self):
        """A bowl that is a hundred times steeper for fine waves than for coarse ones."""
        size = (24, 24)
        cosines = spectrum.cosines(24)
        frequency = np.hypot(*np.meshgrid(np.arange(24), np.arange(24), indexing="ij"))
        curvature = 1 + 100 * (frequency / frequency.max()) ** 2

        def waves(x):
            return np.einsum("ih,bhwc,jw->bijc", cosines, x, cosines)

        def back(x):
            return np.einsum("ih,bijc,jw->bhwc", cosines, x, cosines)

        target = self.image(7, *size)
        problem = Problem(
            lambda x: 0.5 * (curvature[..., None] * waves(x - target) ** 2).sum(),
            lambda x: back(curvature[..., None] * waves(x - target)),
        )
        options = {"bounds": None, "tolerance": 0.0, "memory": 5}
        start = np.zeros_like(target)
        alike, by_octave = (
            descend(nst.LBFGS(by_octave=each, **options), problem, start, 25)[1]
            for each in (False, True)
        )
        assert by_octave[-1] < 0.01 * alike[-1]

    def test_only_images_of_three_colours_have_one(self):
        for shape in ((5,), (1, 4, 4, 1), (2, 4, 4, 3)):
            descent = nst.LBFGS().start(bowl(np.full(shape, 0.3)), np.full(shape, 0.9))
            assert descent._spectrum is None and descent.step()
