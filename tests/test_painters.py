"""What is around a painter: painters by name, a painting more, ONNX, and the command line."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from small_painters import small_painter

import nsthelpers as nst
from nsthelpers.__main__ import main
from nsthelpers.backend import to_numpy
from nsthelpers.objectives.objective import as_objective
from nsthelpers.real_time import Architecture, add_painting, load_painter, train_painter
from nsthelpers.real_time.network import is_row

NOISE = nst.white_noise(40, 52, seed=3)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """As if a network of three paintings had come with the installation."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr("nsthelpers.real_time.painter.SHIPPED", folder)
    names = "swirling_night", "woodblock_wave", "stained_glass"
    small_painter(*names).save(folder / "drawn.safetensors")
    return folder


@pytest.fixture
def none_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr("nsthelpers.real_time.painter.SHIPPED", tmp_path / "none")


def test_painters_go_by_the_names_of_their_paintings(shipped):
    assert nst.painters() == ["swirling_night", "woodblock_wave", "stained_glass"]
    whole = load_painter(shipped / "drawn.safetensors")
    for row, name in enumerate(nst.painters()):
        made = load_painter(name)
        assert made.names == whole.names and made.mix.tolist() == np.eye(3)[row].tolist()
        np.testing.assert_allclose(made(NOISE), whole(NOISE, name), atol=1e-6)
    assert whole.mix.tolist() == [1, 0, 0]


def test_the_drawn_paintings_came_along():
    """One file knows all eight; each is painted in its own manner, a strange photograph, too."""
    assert nst.painters() == [each.name for each in nst.samples.credits() if each.kind == "drawn"]
    painter = load_painter("mosaic_sunset")
    photo = nst.samples.load("chelsea", max_side=384)[:, 60:188, 80:208]
    pictures = {name: painter(photo, name) for name in painter.names}
    for name in painter.names:
        style = as_objective(nst.Style(nst.samples.load(name, max_side=512))).at(128, 128)
        losses = {each: style.evaluate(image).loss for each, image in pictures.items()}
        assert min(losses, key=losses.get) == name
        assert losses[name] < 0.75 * style.evaluate(photo).loss


def test_an_unknown_name_gets_the_closest(shipped):
    with pytest.raises(FileNotFoundError, match=r"'swirling_nite': did you mean swirling_night\?"):
        load_painter("swirling_nite")
    with pytest.raises(FileNotFoundError, match="no painter night.safetensors"):
        load_painter("night.safetensors")


def test_where_none_came_along(none_shipped):
    assert nst.painters() == []
    with pytest.raises(FileNotFoundError, match="none came with this installation; train one"):
        load_painter("swirling_night")


def test_a_damaged_file_that_came_along_is_named(shipped):
    path = shipped / "drawn.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="is not a painter, or a damaged one"):
        load_painter("swirling_night")
    own = small_painter("own").save(shipped.parent / "own.safetensors")
    assert load_painter(own).names == ("own",)  # which does not need the other


def test_a_file_of_another_shape_is_refused(tmp_path):
    """Weights of one architecture beside the description of another."""
    from nsthelpers.real_time import files

    path = small_painter("a").save(tmp_path / "a.safetensors")
    arrays, described = files.read(path, "a painter")
    described["architecture"]["channels"] = [4, 6, 10]
    files.write(path, "a painter", arrays, described)
    with pytest.raises(ValueError, match=r"down3/kernel is of shape .*; expected shape"):
        load_painter(path)


def test_the_smallest_photograph():
    made = small_painter("a")
    assert made(nst.white_noise(16, 16)).shape == (1, 16, 16, 3)
    with pytest.raises(ValueError, match="has 16 x 15 pixels; expected at least 16 x 16"):
        made(np.full((1, 15, 16, 3), 0.5, "float32"))


def test_a_size_that_comes_again_is_compiled_and_the_same():
    made, other = small_painter("a", "b"), nst.white_noise(24, 30)
    first, another = made(NOISE), made(other)
    for _ in range(2):
        np.testing.assert_allclose(made(NOISE), first, atol=1e-5)
        np.testing.assert_allclose(made(other), another, atol=1e-5)
    variable = made.network.weights["last/bias"]
    variable.assign(to_numpy(variable) + 1.0)  # as a training does that goes on
    assert np.abs(made(NOISE) - first).max() > 0.1


LITTLE = {
    "steps": 6, "side": 32, "crops": 3, "style_layers": ["block1_conv1", "block2_conv1"],
    "content_layers": "block2_conv1", "warm_up": 2, "progress": False, "precision": "float32",
    "every": 2,
}  # fmt: skip
PAINTING, PHOTOS = nst.white_noise(48, 48, seed=9), [nst.white_noise(50, 60, seed=8)]


def add(painter, **changes):
    options = {**LITTLE, "network": nst.VGG(weights="random"), "name": "ninth", **changes}
    return add_painting(painter, PAINTING, PHOTOS, **options)


def test_a_painting_more_leaves_the_others_as_they_are():
    painter = small_painter("a", "b")
    before = {name: to_numpy(each) for name, each in painter.network.weights.items()}
    made = add(painter)
    assert made.names == ("a", "b", "ninth") and made.mix.tolist() == [0, 0, 1]
    for name, variable in made.network.weights.items():
        values = to_numpy(variable)
        np.testing.assert_array_equal(before[name], to_numpy(painter.network.weights[name]))
        np.testing.assert_array_equal(values[:2] if is_row(name) else values, before[name])
        if is_row(name):
            assert (values[2] != before[name].mean(axis=0)).any(), "it has learnt nothing"
    np.testing.assert_allclose(made(NOISE, "b"), painter(NOISE, "b"), atol=1e-5)
    assert made.settings["added"][0]["steps_made"] == 6
    again = add(made, name="tenth")
    assert [each["steps"] for each in again.settings["added"]] == [6, 6]


def test_a_painting_more_is_learnt():
    """The objective falls, although only a row of scales and shifts can move."""
    painter, seen = small_painter("a", "b"), []
    add(painter, steps=40, learning_rate=0.02, callbacks=seen.append, crops=1, every=1)
    losses = [each.loss for each in seen]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_a_painting_more_goes_on_as_if_it_had_never_stopped(tmp_path):
    painter, path = small_painter("a", "b"), tmp_path / "state.safetensors"
    add(painter, checkpoint=path, callbacks=lambda now: now.step == 4)
    resumed, whole = add(painter, checkpoint=path), add(painter)
    for name, variable in whole.network.weights.items():
        values = to_numpy(resumed.network.weights[name])
        np.testing.assert_array_equal(values, to_numpy(variable))
    painter.network.weights["down1/kernel"].assign(
        0.5 * to_numpy(painter.network.weights["down1/kernel"])
    )
    with pytest.raises(ValueError, match="of another training: its convolutions differ"):
        add(painter, checkpoint=path)


@pytest.mark.parametrize(
    "painting, changes, message",
    [
        (PAINTING, {"name": "a"}, "the painter knows 'a' already"),
        ({"x": PAINTING, "y": PAINTING}, {}, "got 2 paintings; add them one by one"),
        (np.full((1, 40, 40, 3), 0.3), {}, "is of one colour; there is no manner"),
        (PAINTING, {"architecture": Architecture()}, "give an architecture, or convolutions"),
        ("swirling_nite", {}, "did you mean swirling_night"),
    ],
)
def test_a_painting_more_that_makes_no_sense_is_refused(painting, changes, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        add_painting(small_painter("a"), painting, PHOTOS, **changes)


def test_convolutions_serve_several_paintings_at_once():
    pictures = {"x": PAINTING, "y": 1 - PAINTING}
    painter = small_painter("a")
    options = {**LITTLE, "network": nst.VGG(weights="random"), "steps": 4}
    made = train_painter(pictures, PHOTOS, convolutions=painter, **options)
    kernel, scale = (made.network.weights[f"down1/{part}"] for part in ("kernel", "scale"))
    np.testing.assert_array_equal(
        to_numpy(kernel), to_numpy(painter.network.weights["down1/kernel"])
    )
    assert (to_numpy(scale)[0] != to_numpy(scale)[1]).any()


@pytest.mark.parametrize("options", [{}, {"first_kernel": 1, "residual": False}])
def test_onnx_paints_the_same(tmp_path, options):
    runtime = pytest.importorskip("onnxruntime")
    made = small_painter("a", "b", **options)
    path = made.export(tmp_path / "painter.onnx")
    session = runtime.InferenceSession(path)
    inputs = {each.name: each.shape for each in session.get_inputs()}
    assert inputs == {"image": [1, "height", "width", 3], "mix": [1, 2]}
    assert [each.name for each in session.get_outputs()] == ["painted"]
    mix = np.array([[0.3, 0.7]], "float32")
    for size in ((40, 52), (64, 36)):
        image = nst.white_noise(*size, seed=1)
        (painted,) = session.run(["painted"], {"image": image, "mix": mix})
        wanted = to_numpy(made.network.model([image, mix]))
        np.testing.assert_allclose(painted, wanted, atol=1e-3)
        np.testing.assert_allclose(painted, wanted, atol=2e-5)
    described = json.loads(session.get_modelmeta().custom_metadata_map["nsthelpers"])
    assert described["names"] == ["a", "b"]
    assert described["palettes"][1][0] == made.palettes[1][0].tolist()
    again = made.export(tmp_path / "again.onnx")
    assert again.read_bytes() == path.read_bytes()


def test_onnx_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    made = small_painter("a")
    with pytest.raises(ValueError, match="a.pb is no name for a network; expected one in .onnx"):
        made.export(tmp_path / "a.pb")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        made.export(tmp_path / "none" / "a.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "nsthelpers\[export\]"'):
        made.export(tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options, shares",
    [
        (["--painter", "woodblock_wave"], [0, 1, 0]),
        (["--mix", "swirling_night=3,woodblock_wave=1"], [0.75, 0.25, 0]),
        (["--painter", "stained_glass", "--mix", "stained_glass=1,swirling_night=1"], [1, 0, 1]),
    ],
)
def test_the_command_line_paints_by_name(shipped, tmp_path, capsys, options, shares):
    picture = tmp_path / "cat.png"
    line = ["paint", "chelsea", str(picture), "--max-side", "64", *options]
    assert main(line) == 0
    assert "64 x 43 px" in capsys.readouterr().out
    photo = nst.samples.load("chelsea", max_side=64)
    wanted = load_painter(shipped / "drawn.safetensors")(photo, shares)
    np.testing.assert_allclose(nst.load_image(picture), wanted, atol=1 / 254)


@pytest.mark.parametrize(
    "options, message",
    [
        ("", "say in whose manner: --painter NAME or FILE, or --mix"),
        ("--painter swirling_nite", "did you mean swirling_night?"),
        ("--mix swirling_night=1,wood_wave=1", "'wood_wave'; did you mean woodblock_wave?"),
        ("--mix swirling_night", "expected shares such as"),
        ("--mix swirling_night=0", "expected a number above 0, got '0'"),
    ],
)
def test_a_bad_line_gets_a_line(options, message, shipped, tmp_path, capsys):
    assert main(["paint", "chelsea", str(tmp_path / "cat.png"), *options.split()]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nst: error: ") and message in told and told.count("\n") == 1
