"""The page for contributors: its code runs as it stands there, and does what the page says."""

from __future__ import annotations

import re
import runpy

import numpy as np
import pytest
from house import ROOT

import nsthelpers as nst

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?s)```python\n(.*?)```", PAGE)


@pytest.fixture
def page(tmp_path, monkeypatch, network, photo, painting):
    """What the page's code defines, on small pictures and an untrained network."""
    pictures = {"chelsea": photo, "swirling_night": painting}
    monkeypatch.setattr(nst.samples, "load", pictures.__getitem__)
    monkeypatch.setattr(nst.objectives.terms, "default_network", lambda: network)
    program = tmp_path / "page.py"
    program.write_text("\n\n".join(BLOCKS), encoding="utf-8")
    return runpy.run_path(str(program))


def test_a_statistic_of_ones_own_is_short():
    [lines] = [block.splitlines() for block in BLOCKS if "(nst.statistics.Statistic)" in block]
    assert len(lines) < 30
    assert sum(line.startswith("    def ") for line in lines) == 1


def test_the_statistic_is_a_statistic(page, painting):
    """At its painting 0, where nothing answers 1, and blind to where things stand."""
    statistic, style = page["Strengths"](), page["style"]
    assert style.report(painting)["style"]["loss"] == pytest.approx(0, abs=1e-9)
    features = np.abs(np.random.default_rng(0).normal(size=(1, 6, 5, 4)))
    target = statistic.target([(features,)], [1.0])
    assert float(statistic.loss((0 * features,), target)) == pytest.approx(1)
    turned = np.ascontiguousarray(features[:, ::-1, ::-1])
    assert float(statistic.loss((turned,), target)) == pytest.approx(0, abs=1e-9)
    assert statistic == page["Strengths"](2.0) != page["Strengths"](3.0)


def test_the_term_is_the_distance_of_the_mean_colour(page):
    grey = np.full((1, 16, 16, 3), 0.5, "float32")
    found = page["MeanColour"]((0.2, 0.3, 0.6)).report(grey)["mean_colour"]["loss"]
    assert found == pytest.approx((0.3**2 + 0.2**2 + 0.1**2) / 3, rel=1e-5)


def test_a_colour_that_is_changed_later_counts(page):
    """The loss is compiled by then; what it compares with is not."""
    grey, term = np.full((1, 16, 16, 3), 0.5, "float32"), page["MeanColour"]((0.5, 0.5, 0.5))
    assert term.report(grey)["mean_colour"]["loss"] == pytest.approx(0)
    term.colour = (0.5, 0.5, 0.8)
    assert term.report(grey)["mean_colour"]["loss"] == pytest.approx(0.3**2 / 3, rel=1e-5)


def test_the_objective_of_both_goes_downhill(page, photo):
    objective = page["objective"]
    assert objective.weights == {"content": 1.0, "style": 10.0, "mean_colour": 5.0}
    result = nst.synthesize(objective, start=photo, steps=3, progress=False)
    losses = [
        sum(each["weighted"] for each in objective.report(image).values())
        for image in (photo, result.image)
    ]
    assert losses[1] < losses[0]
