"""The line search on functions of one variable whose every property is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, strategies as st

from nsthelpers.optimizers.line_search import search

DECREASE, CURVATURE = 1e-3, 0.9  # as SciPy's L-BFGS-B has them


class Watched:
    """A function of one variable that notes where it was evaluated."""

    def __init__(self, value, slope):
        self.value, self.slope, self.lengths = value, slope, []

    def __call__(self, length):
        self.lengths.append(length)
        return self.value(length), self.slope(length)

    def search(self, trial=1.0, **options):
        return search(self, self.value(0.0), self.slope(0.0), trial, **options)

    def decreases(self, length):
        return self.value(length) <= self.value(0.0) + DECREASE * length * self.slope(0.0)

    def flattens(self, length):
        return abs(self.slope(length)) <= CURVATURE * abs(self.slope(0.0))


def polynomial(*coefficients):
    values = np.polynomial.Polynomial(coefficients)
    slopes = values.deriv()
    return Watched(lambda t: float(values(t)), lambda t: float(slopes(t)))


def with_edge(edge, beyond):
    """A parabola with its minimum at 2 that ends at an edge."""

    def inside(function):
        return lambda t: function(t) if t < edge else beyond

    return Watched(inside(lambda t: (t - 2) ** 2), inside(lambda t: 2 * (t - 2)))


COEFFICIENT = st.floats(-10, 10)
# A positive leading coefficient: there is a lowest point. A negative slope at 0.
POLYNOMIAL = st.tuples(st.floats(-10, -0.1), COEFFICIENT, COEFFICIENT, st.floats(0.1, 10))


@given(coefficients=POLYNOMIAL, trial=st.floats(1e-3, 1e3))
@example(coefficients=(-1.0, 0.0, 0.0, 0.1), trial=1e3)
def test_both_wolfe_conditions_hold(coefficients, trial):
    function = polynomial(0.0, *coefficients)
    length = function.search(trial, max_evaluations=60)
    assert length in function.lengths
    assert function.decreases(length) and function.flattens(length)


@given(coefficients=POLYNOMIAL, trial=st.floats(1e-3, 1e3), limit=st.integers(1, 20))
def test_evaluations_are_bounded_and_never_wasted(coefficients, trial, limit):
    function = polynomial(0.0, *coefficients)
    length = function.search(trial, max_evaluations=limit)
    assert 1 <= len(function.lengths) <= limit
    good = [each for each in function.lengths if function.decreases(each)]
    assert length in good or not good
    if length is None:
        assert not good
    else:
        assert function.value(length) == min(function.value(each) for each in good)


@given(coefficients=POLYNOMIAL, trial=st.floats(1e-3, 1e3), longest=st.floats(1e-3, 10))
def test_no_length_beyond_the_longest(coefficients, trial, longest):
    trial = min(trial, longest)
    function = polynomial(0.0, *coefficients)
    length = function.search(trial, longest=lambda: longest, max_evaluations=60)
    assert max(function.lengths) <= longest
    assume(length is not None)
    assert function.decreases(length)
    assert function.flattens(length) or (length == longest and function.slope(length) < 0)


def test_a_good_trial_is_taken_at_once():
    function = polynomial(4.0, -4.0, 1.0)  # (t - 2)^2
    assert function.search(1.0) == 1.0
    assert function.lengths == [1.0]


@pytest.mark.parametrize("trial", [1e-4, 1e-2, 50.0, 1e4])
def test_a_poor_trial_costs_few_evaluations(trial):
    function = polynomial(4.0, -4.0, 1.0)
    assert function.flattens(function.search(trial))
    assert len(function.lengths) <= 10


def test_the_second_point_of_a_parabola_is_its_minimum():
    function = polynomial(4.0, -4.0, 1.0)
    assert function.search(3.95) == pytest.approx(2.0)
    assert len(function.lengths) == 2


@pytest.mark.parametrize("beyond", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("edge", [0.3, 1.0, 2.5])
def test_a_function_that_ends_somewhere(edge, beyond):
    function = with_edge(edge, beyond)
    length = function.search(8.0)
    assert 0 < length < edge
    assert function.decreases(length)


@pytest.mark.parametrize("slope", [-1.0, -1e6])
def test_no_descent_is_none(slope):
    assert search(lambda t: (t, 1.0), 0.0, slope, 1.0) is None
    assert search(lambda t: (math.nan, math.nan), 0.0, slope, 1.0) is None


def test_an_endless_slope_is_followed_to_the_longest():
    function = polynomial(0.0, -1.0)
    assert function.search(1.0, longest=lambda: 100.0) == 100.0
    assert len(function.lengths) <= 6


def test_a_value_that_never_falls_is_no_success():
    """Beside 1.0 the decrease that a tiny step promises rounds to nothing."""
    lengths = []

    def flat(length):
        lengths.append(length)
        return 1.0, -1e-3

    assert search(flat, value=1.0, slope=-1e-3, trial=1.0) is None
    assert len(lengths) < 20 and min(lengths) < 1e-8
