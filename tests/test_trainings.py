"""Trainings as experiments: without colours first, judged by one ruler, kept in the record."""

from __future__ import annotations

import functools
import importlib.machinery

import numpy as np
import pytest
from small_painters import small_painter

import nsthelpers as nst
from nsthelpers.backend import to_numpy, to_tensor
from nsthelpers.images.colours import match_colours
from nsthelpers.real_time import Architecture, add_painting, load_painter, train_painter
from nsthelpers.real_time.crops import Crops, photograph
from nsthelpers.real_time.judging import train_and_judge
from nsthelpers.record import making, trainings
from nsthelpers.record.store import RecordStore

NOISE = nst.white_noise(40, 52, seed=3)
PAINTING, PHOTOS = nst.white_noise(48, 48, seed=9), [nst.white_noise(50, 60, seed=8)]
LITTLE = {
    "steps": 2, "side": 32, "crops": 2, "style_layers": ["block1_conv1"], "progress": False,
    "content_layers": "block2_conv1", "precision": "float32", "every": 1,
}  # fmt: skip
TINY = {
    "painting": "mosaic_sunset", "photographs": ["coffee"], "max_side": 48, "steps": 2, "every": 1,
    "side": 32, "crops": 2, "architecture": {"channels": [4, 4, 4], "blocks": 0},
    "weights": "random", "progress": False, "content_layers": "block1_conv2",
    "style_layers": ["block1_conv1"],
}  # fmt: skip


@functools.cache
def trained(**changes):
    """A painter that sees photographs in their own colours, and what was told on the way."""
    seen, architecture = [], Architecture(channels=(4, 6, 8), blocks=1)
    options = {**LITTLE, "network": random_network(), "colours_first": False, **changes}
    made = train_painter(
        {"noise": PAINTING}, PHOTOS, architecture=architecture, callbacks=seen.append, **options
    )
    return made, seen


@functools.cache
def random_network():
    return nst.VGG(weights="random")


def painted(made, image):
    """By the network alone."""
    return to_numpy(made.network(to_tensor(image), to_tensor(np.ones((1, 1), "float32"))))


# Colours not first


def test_without_colours_first_the_network_sees_the_photograph(tmp_path):
    made, seen = trained(learning_rate=1e-12)  # as it was before the first step
    assert made.palettes is None
    np.testing.assert_allclose(made(NOISE), painted(made, NOISE), atol=1e-5)
    read = load_painter(made.save(tmp_path / "own.safetensors"))
    assert read.palettes is None
    np.testing.assert_allclose(read(NOISE), made(NOISE), atol=2e-3)
    number = int(np.random.default_rng([0, 13, 0]).permutation(2)[0])
    piece = Crops(PHOTOS, 2, 32, 0)[number]
    content = nst.Content(piece, "block2_conv1", network=random_network())
    wanted = content.report(painted(made, piece))["content"]["loss"]
    assert seen[0].terms["content"] == pytest.approx(wanted, rel=1e-3)


def test_a_painting_more_is_learnt_as_the_others_were():
    painter, _ = trained(learning_rate=1e-12)
    options = {**LITTLE, "steps": 1, "network": random_network(), "name": "other"}
    more = add_painting(painter, 1 - PAINTING, PHOTOS, **options)
    assert more.palettes is None and more.names == ("noise", "other")
    with pytest.raises(ValueError, match="trained with colours_first=False; leave it out"):
        add_painting(painter, 1 - PAINTING, PHOTOS, colours_first=True, **options)


# Photographs of scikit-learn


def test_photographs_of_scikit_learn_are_found_where_it_is(tmp_path, monkeypatch):
    folder = tmp_path / "sklearn" / "datasets" / "images"
    folder.mkdir(parents=True)
    nst.save_image(nst.white_noise(20, 30), folder / "china.jpg")
    found = importlib.machinery.ModuleSpec(
        "sklearn", None, origin=str(tmp_path / "sklearn" / "__init__.py")
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found)
    assert photograph("china", 24).shape == (1, 16, 24, 3)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "nsthelpers\[training\]"'):
        photograph("flower", 24)
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError, match="no sample is called 'chinas'"):
        photograph("chinas", 24)


# Judged, and kept in the record


@pytest.fixture
def tiny(monkeypatch):
    """An experiment of one training, in the place of the record's list."""
    monkeypatch.setattr("nsthelpers.real_time.judging.VGG", lambda weights: random_network())
    points = [{"label": "three for the style", "style_weight": 3.0}]
    made = trainings.Training("tiny", "Tiny", "", trainings.JOB, points, TINY)
    monkeypatch.setattr(making, "contents", lambda: {"tiny": made})


def test_what_is_painted_is_judged_by_one_ruler_and_kept(tiny, tmp_path):
    making.make(folder=tmp_path, progress=False)
    (point,) = nst.record.load("tiny", tmp_path).points
    made = point.result
    photo = nst.samples.load("chelsea", max_side=48)
    painting, random = nst.samples.load("mosaic_sunset"), random_network()
    ruler = (
        nst.Content(match_colours(photo, painting), network=random)
        + 20 * nst.Style(painting, network=random)
        + 0.1 * nst.TotalVariation()
    ).at(*photo.shape[1:3])
    assert [line.step for line in made.history] == [0, 1, 2]
    # What was painted comes from a WebP file, and is mostly noise.
    for image, line, near in ((photo, made.history[0], 1e-3), (made.image, made.history[-1], 0.4)):
        found = ruler.evaluate(image)
        assert line.loss == pytest.approx(found.loss, rel=near)
        for label, loss in found.terms.items():
            assert line.terms[label] == pytest.approx(loss, rel=near)
    assert made.history[0].terms["content_own_colours"] == pytest.approx(0, abs=1e-6)
    assert made.history[-1].terms["content_own_colours"] > 0
    assert made.settings["painter"]["style_weight"] == 3.0
    assert made.settings["painter"]["architecture"]["blocks"] == 0
    (row,) = RecordStore(tmp_path).table["points"].values()
    assert row["synthesis"]["objective"]["network"]["provenance"] and row["evaluations"] == 2
    seen = []
    making.make(folder=tmp_path, progress=lambda *each: seen.append(each[3].reused))
    assert seen == [True]


def test_a_training_that_is_stopped_is_no_point(tiny, monkeypatch, tmp_path):
    def stopped(*arguments, **options):
        painter = small_painter("mosaic_sunset")
        painter.settings["steps_made"] = 1
        return painter

    monkeypatch.setattr("nsthelpers.real_time.judging.train_painter", stopped)
    with pytest.raises(KeyboardInterrupt):
        making.make(folder=tmp_path, progress=False)
    assert not nst.record.names(tmp_path)


def test_it_is_not_judged_on_what_it_has_seen():
    with pytest.raises(ValueError, match="'chelsea' is trained on; judge on a photograph"):
        train_and_judge("mosaic_sunset", ["coffee", "chelsea"])


def test_each_point_of_the_recipe_differs_in_one_thing():
    recipe = making.contents()["painter_recipe"]
    whole, *others = recipe.points.values()
    for point in others:
        unlike = {n for n, value in point.settings.items() if whole.settings.get(n) != value}
        assert len(unlike) == 1
    photographs = making.contents()["painter_photographs"]
    assert len(photographs.points) == 9
    for point in photographs.points.values():
        assert "chelsea" not in point.settings["photographs"]
        assert point.settings["steps"] == whole.settings["steps"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("[settings]\npaintings = 'x'\n[[points]]\nlabel = 'a'", "painting"),
        ("[[points]]\nlabel = 'a'\n[grid]\nseed = [0]", r"either a \[grid\] or a list"),
        ("colour = 'red'\n[[points]]\nlabel = 'a'", "colour"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(f"title = 'Mine'\njob = 'train_painter'\n{text}")
    assert trainings.is_one(path)
    with pytest.raises(ValueError, match=f"mine.toml: .*{message}"):
        trainings.read(path)
