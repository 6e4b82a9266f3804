"""The verdicts' measures and tests, against values that are known, and entries that are wrong."""

from __future__ import annotations

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.studies.verdicts import MEASURES, TESTS, VERDICTS, Verdict, measured, outcome
from nsthelpers.sweeps.grid import Point


def made(image, losses=(4.0, 1.0), evaluations=None, seconds=10.0, **settings):
    """A point with a picture and a history: a record for each loss, one evaluation apart."""
    evaluations = evaluations or range(1, len(losses) + 1)
    history = [
        nst.synthesis.Record(step, count, seconds * step, loss, {"style": loss}, (8, 8))
        for step, (count, loss) in enumerate(zip(evaluations, losses, strict=True))
    ]
    result = nst.Synthesis(
        np.asarray(image, "float32"), history, "steps", "", {}, history[-1].evaluations, seconds
    )
    return Point("", {}, settings, result)


def flat(level, size=8):
    return np.full((1, size, size, 3), level)


def of_losses(*ends):
    """Points a, b, c, … that end at these losses."""
    return {chr(97 + place): made(flat(0.5), (4.0, end)) for place, end in enumerate(ends)}


def found(test, points, /, **entries):
    entry = {"claim": "x", "test": test, "measure": "loss", **entries}
    return outcome(Verdict.read(entry, list(points)), points)


# --- tests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "ends", "expected"),
    [
        ("rises", (1.0, 1.5, 2.0), "holds"),
        ("rises", (1.0, 0.97, 2.0), "holds"),  # a step back within the tolerance
        ("rises", (1.0, 0.9, 2.0), "fails"),
        ("rises", (1.0, 1.01, 1.02), "unclear"),
        ("falls", (2.0, 1.5, 1.0), "holds"),
        ("falls", (1.0, 2.0, 0.5), "fails"),
        ("falls", (1.0, 1.0, 1.0), "unclear"),
        ("same", (1.0, 1.04, 0.99), "holds"),
        ("same", (1.0, 1.2, 1.0), "fails"),
    ],
)
def test_rows_of_values(test, ends, expected):
    assert found(test, of_losses(*ends)) == expected


@pytest.mark.parametrize(
    ("test", "ends", "expected"),
    [
        ("lowest", (2.0, 1.0, 3.0), "holds"),
        ("lowest", (0.5, 1.0, 3.0), "fails"),
        ("lowest", (1.02, 1.0, 3.0), "unclear"),
        ("highest", (2.0, 4.0, 3.0), "holds"),
        ("highest", (2.0, 1.0, 3.0), "fails"),
    ],
)
def test_extremes(test, ends, expected):
    assert found(test, of_losses(*ends), at=["b"]) == expected


@pytest.mark.parametrize(
    ("test", "ends", "expected"),
    [
        ("more", (2.0, 3.0, 1.0, 1.0), "holds"),
        ("more", (2.0, 1.0, 1.0, 3.0), "fails"),  # one pair of two is the other way round
        ("more", (2.0, 1.01, 1.0, 1.0), "unclear"),
        ("less", (1.0, 1.0, 2.0, 3.0), "holds"),
        ("less", (3.0, 1.0, 2.0, 3.0), "fails"),
        ("no more", (1.0, 1.04, 2.0, 1.0), "holds"),
        ("no more", (1.0, 1.5, 2.0, 1.0), "fails"),
    ],
)
def test_pairs(test, ends, expected):
    assert found(test, of_losses(*ends), points=["a", "b"], than=["c", "d"]) == expected


def test_pictures_are_compared_by_their_levels():
    points = {"a": made(flat(0.5)), "b": made(flat(0.52)), "c": made(flat(0.9))}
    verdict = Verdict.read({"claim": "x", "test": "alike", "points": ["a", "b", "c"]}, points)
    assert measured(verdict, points) == pytest.approx({"b": 0.02, "c": 0.4})
    assert found("alike", points, points=["a", "b"], tolerance=0.03) == "holds"
    assert found("alike", points, points=["a", "b", "c"], tolerance=0.03) == "fails"
    assert found("closer", points, points=["a"], at=["b"], than=["c"]) == "holds"
    assert found("closer", points, points=["a"], at=["c"], than=["b"]) == "fails"


def test_the_tolerance_is_the_verdicts():
    assert found("rises", of_losses(1.0, 1.1), tolerance=0.2) == "unclear"
    assert found("rises", of_losses(1.0, 1.01), tolerance=0.001) == "holds"


def test_a_point_that_is_not_made_leaves_it_open():
    points = of_losses(1.0, 2.0, 3.0)
    points["c"].result = None
    assert found("rises", points) is None
    assert found("rises", points, points=["a", "b"]) == "holds"


# --- measures ---------------------------------------------------------------------------------


def value(name, point, *others):
    return MEASURES[name](point, [point, *others])


def test_losses_and_terms():
    point = made(flat(0.5), (8.0, 2.0))
    assert value("loss", point) == 2.0 and value("style loss", point) == 2.0
    assert value("part of the first loss", point) == 0.25


def test_a_photograph_is_like_itself_and_noise_is_not():
    photograph = nst.samples.load("chelsea", max_side=64)
    noise = np.random.default_rng(0).random(photograph.shape)
    itself = value("likeness to the photograph", made(photograph, content="chelsea"))
    assert itself == pytest.approx(1)
    assert value("likeness to the photograph", made(noise, content="chelsea")) < 0.1


def test_colours_count_wherever_they_stand():
    painting = nst.samples.load("mosaic_sunset", max_side=256)
    turned = made(painting[:, ::-1, ::-1], style="mosaic_sunset")
    assert value("distance to the painting's colours", turned) == pytest.approx(0, abs=1e-6)
    grey = made(flat(0.5), style="mosaic_sunset")
    assert value("distance to the painting's colours", grey) > 0.1


def test_grain_counts_dots_and_not_edges():
    edge = flat(0.0, 16)
    edge[:, :, 8:] = 1.0
    dots = flat(0.0, 16)
    dots[:, 2::4, 2::4] = 1.0
    assert value("grain", made(edge)) == 0
    assert value("grain", made(dots)) == pytest.approx(1 / 16)
    assert value("total variation", made(edge)) == pytest.approx(1 / 15)


def test_how_long_to_the_worst_end():
    quick = made(flat(0.5), (10.0, 4.0, 1.0), evaluations=(1, 11, 21))
    slow = made(flat(0.5), (10.0, 7.0, 4.0), evaluations=(1, 11, 21))
    assert value("evaluations to the worst end", quick, slow) == pytest.approx(11)
    assert value("evaluations to the worst end", slow, quick) == pytest.approx(21)
    between = made(flat(0.5), (10.0, 2.0), evaluations=(1, 9))  # 4 is three quarters of the way
    assert value("evaluations to the worst end", between, slow) == pytest.approx(7)
    assert value("seconds to the worst end", between, slow) == pytest.approx(7.5)


# --- entries of files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"claim": ""}, "no claim"),
        ({"clam": "x"}, "no entry 'clam'; did you mean claim"),
        ({"claim": "x", "test": ""}, "nothing tests 'x'"),
        ({"test": "raises"}, "test is 'raises'; did you mean rises"),
        ({"measure": "los"}, "measure is 'los'; did you mean loss"),
        ({"measure": ""}, "needs a measure"),
        ({"points": ["a", "d"]}, "no point is called 'd'"),
        ({"verdict": "agree", "why": "y"}, "did you mean agrees"),
        ({"verdict": "agrees"}, "says no why"),
        ({"verdict": "the document contradicts itself", "why": "y"}, "`against` goes with"),
        ({"verdict": "agrees", "why": "y", "against": "z"}, "`against` goes with"),
        ({"verdict": "cannot be told at this size", "why": "y"}, "outcome is to be written"),
        ({"verdict": "agrees", "why": "y", "outcome": "holds"}, "outcome is to be written"),
        ({"test": "lowest"}, "'lowest' needs at"),
        ({"test": "more", "points": ["a"]}, "'more' needs as many than as points"),
    ],
)
def test_a_wrong_entry_says_what_is_wrong(entry, text):
    with pytest.raises(ValueError, match=text):
        Verdict.read({"claim": "x", "test": "rises", "measure": "loss", **entry}, ["a", "b", "c"])


def test_what_a_verdict_expects_of_its_test():
    common = {"claim": "x", "test": "rises", "measure": "loss", "why": "y"}
    expected = {
        name: Verdict.read({**common, **more, "verdict": name}, ["a", "b"]).expected
        for name, more in zip(
            VERDICTS,
            ({}, {}, {"outcome": "unclear"}, {"outcome": "fails", "against": "z"}),
            strict=True,
        )
    }
    assert list(expected.values()) == ["holds", "fails", "unclear", "fails"]
    assert Verdict.read({"claim": "x", "eye": "y"}, []).expected == ""
    assert {"rises", "falls", "lowest", "closer"} <= TESTS.keys()
