"""What type checkers see of the package: ``mypy`` reads this file in ``make lint``, pytest runs it.

A line with ``type: ignore`` is a mistake that a type checker must find: mypy is set to complain of
those that it does not need.
"""

from __future__ import annotations

from typing import assert_type

import pytest

import nsthelpers as nst

PHOTO = nst.white_noise(32, 48, seed=1)
PAINTING = nst.white_noise(40, 36, seed=2)


def test_from_an_objective_to_an_image():
    network = nst.VGG(weights="random")
    content, style = nst.Content(PHOTO, network=network), nst.Style(PAINTING, network=network)
    objective = content + 10 * style + 0.1 * nst.TotalVariation()
    assert_type(objective, nst.Objective)
    assert_type(objective.report(PHOTO), dict[str, dict[str, float]])
    result = nst.synthesize(objective, start=PHOTO, optimizer=nst.LBFGS(), steps=1, seed=0)
    assert_type(result, nst.Synthesis)
    assert_type(result.evaluations, int)
    assert (type(objective), type(result)) == (nst.Objective, nst.Synthesis)
    assert type(result.evaluations) is int


def test_layers():
    assert_type(nst.geometric_weights(3), tuple[float, ...])
    assert_type(nst.layer_table()[0].name, str)
    assert nst.layer_table()[0].name == "block1_conv1"


def test_mistakes_that_a_type_checker_finds():
    with pytest.raises(AttributeError):
        nst.stylise  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(TypeError):
        nst.TotalVariation(knd="l1")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        nst.resize(PHOTO, side=16)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        nst.stylize(PHOTO)  # type: ignore[call-arg]
