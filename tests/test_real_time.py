"""Networks that learnt to paint: the architecture, the training and its resumption, the files."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.__main__ import main
from nsthelpers.backend import to_numpy, to_tensor
from nsthelpers.images.colours import match_colours, palette
from nsthelpers.real_time import Architecture, Painter, StyleNetwork, load_painter, train_painter
from nsthelpers.real_time.crops import Crops
from nsthelpers.real_time.training import _rate

SMALL = Architecture(channels=(4, 6, 8), blocks=1)
NOISE = nst.white_noise(40, 52, seed=3)
PALETTE = palette(nst.white_noise(32, 32, seed=4))


def network(seed=0, **changes):
    return StyleNetwork(Architecture(**{"channels": (4, 6, 8), "blocks": 1, **changes}), seed)


def painter(rows=1, **options):
    made = network(paintings=rows)
    for name, variable in made.weights.items():
        if name.endswith(("scale", "shift")):
            noise = np.random.default_rng(len(name)).normal(0, 0.3, variable.shape)
            variable.assign(to_numpy(variable) + noise.astype("float32"))
    return Painter(made, [f"painting {row}" for row in range(rows)], [PALETTE] * rows, **options)


def paint(made, image, mix=((1.0,),), statistics=None):
    return to_numpy(made(to_tensor(image), to_tensor(np.array(mix, "float32")), statistics))


def test_it_begins_as_the_picture():
    made = network()
    made.weights["last/kernel"].assign(np.zeros(made.weights["last/kernel"].shape, "float32"))
    np.testing.assert_allclose(paint(made, NOISE), 0.02 + 0.96 * NOISE, atol=1e-6)
    bare = network(residual=False)
    bare.weights["last/kernel"].assign(np.zeros(bare.weights["last/kernel"].shape, "float32"))
    np.testing.assert_allclose(paint(bare, NOISE), 0.5, atol=1e-6)


def test_the_model_is_the_formula_and_has_all_weights():
    made = network()
    ones = np.ones((1, 1), "float32")
    np.testing.assert_allclose(
        to_numpy(made.model([to_tensor(NOISE), to_tensor(ones)])), paint(made, NOISE), atol=1e-6
    )
    assert len(made.model.trainable_variables) == len(made.weights)


@pytest.mark.parametrize("channels, blocks, count", [((16, 32, 64), 5, 417_955)])
def test_the_default_has_as_many_weights_as_it_should(channels, blocks, count):
    sizes = {name: int(np.prod(each.shape)) for name, each in StyleNetwork(
        Architecture(channels=channels, blocks=blocks)).weights.items()}  # fmt: skip
    kernels = 5 * 5 * 3 * 16 + 9 * (16 * 32 + 32 * 64 + 10 * 64 * 64 + 64 * 32 + 32 * 16 + 16 * 3)
    rows = 2 * (16 + 32 + 64 + 10 * 64 + 32 + 16)
    assert sum(sizes.values()) == kernels + rows + 3
    assert abs(sum(sizes.values()) - count) < 1000


def test_instance_normalisation_by_hand():
    made, statistics = network(), {}
    paint(made, NOISE, statistics=statistics)
    around = np.pad(2 * NOISE - 1, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around[0], (5, 5), axis=(0, 1))
    answers = np.einsum("hwcij,ijco->hwo", windows, to_numpy(made.weights["down1/kernel"]))
    mean, variance = (to_numpy(each)[0, 0, 0] for each in statistics["down1"])
    np.testing.assert_allclose(mean, answers.mean((0, 1)), atol=1e-5)
    np.testing.assert_allclose(variance, answers.var((0, 1)), rtol=1e-4)


def test_a_mixture_is_the_mixture_of_the_rows():
    two, one = painter(2), network()
    for name, variable in one.weights.items():
        values = to_numpy(two.network.weights[name])
        row = name.endswith(("scale", "shift"))
        variable.assign(0.25 * values[:1] + 0.75 * values[1:] if row else values)
    np.testing.assert_allclose(
        paint(two.network, NOISE, [[0.25, 0.75]]), paint(one, NOISE), atol=1e-5
    )
    assert np.abs(paint(two.network, NOISE, [[1, 0]]) - paint(one, NOISE)).max() > 1e-3


@pytest.mark.parametrize("first, last, blocks", [(5, 3, 1), (9, 9, 0), (3, 3, 2)])
def test_nothing_outside_the_receptive_field_counts(first, last, blocks):
    made = network(first_kernel=first, last_kernel=last, blocks=blocks, residual=False)
    image, statistics = nst.white_noise(160, 160, seed=1), {}
    before = paint(made, image, statistics=statistics)
    field, changed = made.receptive_field(), image.copy()
    changed[:, 80, 80] = 1 - changed[:, 80, 80]
    rows = np.flatnonzero((paint(made, changed, statistics=statistics) != before).any((0, 2, 3)))
    # A pixel lies at one of four places of the coarsest grid: the reach differs by up to three.
    assert field - 8 <= rows.max() - rows.min() + 1 <= field + 3


def test_any_size_and_the_same_size():
    made = painter()
    for height, width in ((16, 16), (17, 30), (63, 41)):
        found = made(nst.white_noise(height, width))
        assert found.shape == (1, height, width, 3) and found.dtype == np.float32
        assert 0 <= found.min() and found.max() <= 1
    large = made(nst.white_noise(50, 130), tile=64)
    assert large.shape == (1, 50, 130, 3)


def test_tiles_are_the_whole_where_the_statistics_are(monkeypatch):
    made, image = painter(), nst.white_noise(96, 132, seed=2)
    monkeypatch.setattr("nsthelpers.real_time.painter.resize", lambda image, size: image)
    whole, tiled = made(image), made(image, tile=88)
    np.testing.assert_allclose(tiled, whole, atol=2e-5)


def test_tiles_have_no_seams():
    """Statistics of a smaller copy: as smooth across the seams as elsewhere."""
    made = painter()
    photo = nst.samples.load("coffee", max_side=200)
    tiled = made(photo, tile=120)
    steps = np.abs(np.diff(tiled, axis=2)).mean((0, 1, 3))
    halo = 4 * -(-made.network.receptive_field() // 8)
    core = 4 * ((120 - 2 * halo) // 4)
    seams = np.arange(core, tiled.shape[2] - 1, core) - 1
    assert len(seams) >= 1
    assert steps[seams].mean() < 1.5 * np.median(steps)


def test_without_a_tile_it_is_one_piece(monkeypatch):
    made, image = painter(), nst.white_noise(40, 52, seed=2)
    recoloured = made.recoloured(image, made.mix)
    monkeypatch.setattr(made, "_in_tiles", None)  # an error where it is called
    np.testing.assert_allclose(made(image, tile=None), paint(made.network, recoloured), atol=1e-5)


def test_the_smallest_tile_is_what_the_network_needs_around_four_pixels():
    made, image = painter(), nst.white_noise(20, 60, seed=2)
    assert made.network.receptive_field() == 35  # so 20 pixels on either side, in fours
    assert made(image, tile=44).shape == image.shape
    for tile in (43, 0, 64.0, True, "auto"):
        with pytest.raises(ValueError, match="tile is .*; expected None or a whole number"):
            made(NOISE, tile=tile)
    default = Painter(StyleNetwork(Architecture()), ["a"], [PALETTE])
    with pytest.raises(ValueError, match="of at least 108: this network looks 52 pixels beyond"):
        default(NOISE, tile=64)


def test_it_sees_the_photograph_in_the_paintings_colours():
    made = painter()
    painting = nst.white_noise(32, 32, seed=4)
    np.testing.assert_allclose(
        made(NOISE), paint(made.network, match_colours(NOISE, painting)), atol=1e-5
    )


@pytest.mark.parametrize(
    "mix, shares",
    [
        ("painting 1", [0, 1]),
        ({"painting 0": 1, "painting 1": 3}, [0.25, 0.75]),
        ([2, 2], [0.5, 0.5]),
    ],
)
def test_a_mix_is_a_name_or_shares(mix, shares):
    assert painter(2).shares(mix).tolist() == shares
    assert painter(2, mix=mix).mix.tolist() == shares


@pytest.mark.parametrize(
    "mix, message",
    [
        ("painting 2", "unknown painting 'painting 2'"),
        ([1, 0, 0], "3 shares; expected one for each of"),
        ([0, 0], "shares of at least 0, and one above"),
        ([-1, 2], "shares of at least 0, and one above"),
        ([np.nan, 1], "shares of at least 0, and one above"),
        (["much", 1], "expected a painting's name, or shares as numbers"),
        ({"painting 0": "much"}, "expected a painting's name, or shares as numbers"),
    ],
)
def test_a_mix_that_makes_no_sense_is_refused(mix, message):
    with pytest.raises(ValueError, match=message):
        painter(2)(NOISE, mix)


def test_the_home_folder_is_where_it_is_read_from_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert painter().save("~/one.safetensors") == tmp_path / "one.safetensors"
    assert load_painter("~/one.safetensors").names == ("painting 0",)
    train(steps=8, checkpoint="~/state.safetensors", callbacks=lambda now: True)
    seen = []
    train(steps=8, checkpoint="~/state.safetensors", every=1, callbacks=seen.append)
    assert [each.step for each in seen] == [5, 6, 7, 8]


def test_a_painter_is_saved_and_read(tmp_path):
    made = painter(2, settings={"steps": 3})
    path = made.save(tmp_path / "two.safetensors")
    read = load_painter(path)
    assert read.names == made.names and read.settings == {"steps": 3}
    np.testing.assert_allclose(read(NOISE, [1, 2]), made(NOISE, [1, 2]), atol=2e-3)
    again = read.save(tmp_path / "again.safetensors")
    assert again.read_bytes() == path.read_bytes()


def test_damaged_files_are_named(tmp_path):
    from safetensors.numpy import save_file

    path = painter().save(tmp_path / "one.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no painter"):
        load_painter(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="is no name for a painter"):
        painter().save(tmp_path / "one.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is not a painter, or a damaged one"):
        load_painter(path)
    save_file({"a": np.zeros(2, "float32")}, path)
    with pytest.raises(ValueError, match="is not a painter; give another file"):
        load_painter(path)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda arrays: arrays.pop("last/bias"), "last/bias is not there"),
        (lambda arrays: arrays.update({"last/bias": np.zeros(4)}), r"of shape \(4,\)"),
        (lambda arrays: arrays.update({"last/bias": np.full(3, np.nan)}), "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_named(spoil, message):
    from nsthelpers.real_time.painter import fill

    made = network()
    arrays = {name: to_numpy(each) for name, each in made.weights.items()}
    spoil(arrays)
    with pytest.raises(ValueError, match=message):
        fill(made, arrays, "file")


def test_pieces_are_made_from_their_numbers():
    photos = [nst.white_noise(40, 70, seed=seed) for seed in (0, 1)]
    crops, again = (Crops(photos, 6, 32, seed=0) for _ in range(2))
    other = Crops(photos, 6, 32, seed=1)
    for number in range(6):
        piece = crops[number]
        assert piece.shape == (1, 32, 32, 3) and 0 <= piece.min() and piece.max() <= 1
        assert (piece == again[number]).all() and (piece != other[number]).any()
    wanted = crops.recoloured(2, PALETTE)
    np.testing.assert_allclose(wanted.mean((0, 1, 2)), PALETTE[0], atol=0.02)


def train(painting=None, photographs=None, **changes):
    settings = {
        "steps": 12, "side": 32, "crops": 3, "style_layers": ["block1_conv1", "block2_conv1"],
        "content_layers": "block2_conv1", "architecture": SMALL, "warm_up": 2,
        "network": nst.VGG(weights="random"), "progress": False, "precision": "float32",
        "every": 4, **changes,
    }  # fmt: skip
    painting = nst.white_noise(48, 48, seed=9) if painting is None else painting
    return train_painter(
        painting if isinstance(painting, dict) else {"noise": painting},
        photographs or [nst.white_noise(50, 60, seed=8)],
        **settings,
    )


@functools.cache
def whole():
    """The weights after an uninterrupted training."""
    return weights_of(train())


def weights_of(made):
    return {name: to_numpy(each) for name, each in made.network.weights.items()}


def test_training_lowers_the_objective():
    seen = []
    made = train(steps=40, callbacks=seen.append)
    assert [each.step for each in seen] == [*range(4, 41, 4)]
    assert made.settings["steps_made"] == 40
    assert set(seen[0].terms) == {"content", "style", "total_variation"}
    photo, painting = nst.white_noise(32, 32, seed=5), nst.white_noise(48, 48, seed=9)
    untrained = Painter(StyleNetwork(SMALL, 0), made.names, made.palettes)
    recoloured = match_colours(photo, painting)
    random = nst.VGG(weights="random")
    objective = nst.Content(recoloured, "block2_conv1", network=random) + 20 * nst.Style(
        painting, ["block1_conv1", "block2_conv1"], network=random
    )
    losses = [
        sum(term["weighted"] for term in objective.report(each(photo)).values())
        for each in (untrained, made)
    ]
    assert losses[1] < 0.9 * losses[0]


def test_the_loss_is_that_of_the_objective():
    """The first step's loss is the objective's of what the network paints before it."""
    seen = []
    train(steps=1, callbacks=seen.append)
    painting, random = nst.white_noise(48, 48, seed=9), nst.VGG(weights="random")
    crops = Crops([nst.white_noise(50, 60, seed=8)], 3, 32, 0)
    number = int(np.random.default_rng([0, 13, 0]).permutation(3)[0])
    piece = crops.recoloured(number, palette(painting))
    objective = (
        nst.Content(piece, "block2_conv1", network=random)
        + 20 * nst.Style(painting, ["block1_conv1", "block2_conv1"], network=random)
        + 0.1 * nst.TotalVariation()
    )
    report = objective.report(paint(StyleNetwork(SMALL, 0), piece))
    assert seen[0].loss == pytest.approx(sum(t["weighted"] for t in report.values()), rel=1e-4)
    assert seen[0].terms["style"] == pytest.approx(report["style"]["loss"], rel=1e-4)


def test_one_seed_gives_one_painter_and_another_another():
    first, second, other = whole(), weights_of(train()), weights_of(train(seed=1))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert any((first[name] != other[name]).any() for name in first)


def test_a_training_goes_on_as_if_it_had_never_stopped(tmp_path):
    path = tmp_path / "state.safetensors"
    part = train(checkpoint=path, callbacks=lambda now: now.step == 8)
    assert part.settings["steps_made"] == 8 and path.is_file()
    resumed = weights_of(train(checkpoint=path))
    for name, values in whole().items():
        np.testing.assert_array_equal(values, resumed[name])


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no kill -9")
def test_a_killed_training_loses_nothing_but_the_steps_since_its_checkpoint(tmp_path):
    path = tmp_path / "state.safetensors"
    script = Path(__file__).with_name("interrupted_training.py")
    killed = subprocess.run(
        [sys.executable, script, path, "8"], env=os.environ | {"PYTHONPATH": str(script.parents[1])}
    )
    assert killed.returncode == -signal.SIGKILL
    seen = []
    resumed = train(checkpoint=path, callbacks=lambda now: seen.append(now.step))
    assert seen == [8, 12], "it goes on after step 4, the last whose checkpoint is whole"
    for name, values in whole().items():
        np.testing.assert_array_equal(values, weights_of(resumed)[name])


def test_an_interrupted_training_keeps_what_it_has(tmp_path):
    def stop(now):
        if now.step == 8:
            raise KeyboardInterrupt

    path = tmp_path / "state.safetensors"
    part = train(checkpoint=path, callbacks=stop)
    assert part.settings["steps_made"] == 8
    resumed = weights_of(train(checkpoint=path))
    for name, values in whole().items():
        np.testing.assert_array_equal(values, resumed[name])


def test_an_error_on_the_way_gives_the_painter_back():
    def fail(now):
        if now.step == 8:
            raise KeyError("a mistake")

    with pytest.raises(KeyError) as caught:
        train(callbacks=fail)
    learnt = weights_of(caught.value.painter)
    assert any((values != learnt[name]).any() for name, values in whole().items())
    with pytest.raises(TypeError, match="a callback is 3; expected a function"):
        train(callbacks=[3])


def test_a_full_disk_does_not_end_a_training(tmp_path, monkeypatch, caplog):
    from nsthelpers.real_time import training

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training.files, "write", full)
    made = train(checkpoint=tmp_path / "state.safetensors")
    assert made.settings["stop_reason"] == "steps" and "the training goes on" in caplog.text
    for name, values in whole().items():
        np.testing.assert_array_equal(values, weights_of(made)[name])


def test_a_painting_is_shrunk_to_the_size_at_which_strokes_are_learnt(tmp_path):
    from nsthelpers.real_time.training import _named

    large = nst.white_noise(40, 1024)
    nst.save_image(large, tmp_path / "large.png")
    for given in (large, str(tmp_path / "large.png")):
        (painting,) = _named(given).values()
        assert painting.shape == (1, 20, 512, 3)
    made = train(photographs=[str(tmp_path / "large.png"), large], steps=1)
    assert made.settings["photographs"] == ["large.png", "given"]


def test_several_paintings_take_turns_and_batches_are_means():
    pictures = {"a": nst.white_noise(48, 48, seed=1), "b": nst.white_noise(48, 48, seed=2)}
    common = {
        "steps": 4, "side": 32, "crops": 2, "style_layers": ["block1_conv1"], "progress": False,
        "content_layers": "block1_conv2", "network": nst.VGG(weights="random"), "batch": 2,
    }  # fmt: skip
    made = train_painter(
        pictures,
        [nst.white_noise(40, 40)],
        architecture=Architecture(paintings=2, channels=(4, 4, 4), blocks=0),
        **common,
    )
    scale = to_numpy(made.network.weights["down1/scale"])
    assert made.names == ("a", "b") and (scale[0] != scale[1]).any()
    assert np.abs(made(NOISE, "a") - made(NOISE, "b")).max() > 1e-4


def test_time_is_up():
    said = train(time_limit=0.0).settings
    assert (said["steps_made"], said["stop_reason"]) == (1, "time limit")
    assert train(steps=1, time_limit=0.0).settings["stop_reason"] == "steps"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"side": 30}, "side is 30; expected a multiple of 4"),
        ({"side": 64.0}, "side is 64.0; expected a multiple of 4"),
        ({"crops": 0}, "crops is 0; expected a whole number of at least 1"),
        ({"steps": 0}, "steps is 0; expected a whole number of at least 1"),
        ({"steps": 2.5}, "steps is 2.5; expected a whole number of at least 1"),
        ({"batch": True}, "batch is True; expected a whole number of at least 1"),
        ({"every": 0}, "every is 0; expected a whole number of at least 1"),
        ({"warm_up": -1}, "warm_up is -1; expected a whole number of at least 0"),
        ({"seed": None}, "seed is None; expected a whole number of at least 0"),
        ({"learning_rate": 0}, "learning_rate is 0; expected a finite number above 0"),
        ({"learning_rate": np.inf}, "learning_rate is inf; expected a finite number above 0"),
        ({"style_weight": 0}, "style_weight is 0; expected a finite number above 0"),
        ({"content_weight": np.inf}, "content_weight is inf; expected a finite number above 0"),
        ({"tv_weight": np.nan}, "tv_weight is nan; expected a finite number of at least 0"),
        ({"time_limit": np.nan}, "time_limit is nan; expected seconds, at least 0"),
        ({"time_limit": -1}, "time_limit is -1; expected seconds, at least 0"),
        ({"precision": "float16"}, "float16"),
        ({"architecture": Architecture(paintings=2)}, "2 rows for 1 paintings"),
        ({"checkpoint": "state.npz"}, "is no name for a checkpoint"),
    ],
)
def test_a_training_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        train(**changes)


def test_bad_pictures_are_named():
    one_colour = np.full((1, 40, 40, 3), 0.3, "float32")
    tiny = nst.white_noise(12, 40)
    with pytest.raises(ValueError, match="is of one colour; there is no manner"):
        train_painter(one_colour, [NOISE])
    with pytest.raises(ValueError, match="has 40 x 12 pixels; expected at least 16 x 16"):
        train_painter(NOISE, [tiny], network=nst.VGG(weights="random"))
    with pytest.raises(ValueError, match="no photographs to train on"):
        train_painter(NOISE, [], network=nst.VGG(weights="random"))
    with pytest.raises(ValueError, match="has 40 x 12 pixels; expected at least"):
        painter()(tiny)
    with pytest.raises(ValueError, match="no paintings to learn from"):
        train_painter({}, [NOISE])


def test_checkpoints_of_others_are_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    train(steps=5, checkpoint=path)
    with pytest.raises(ValueError, match="of another training: its steps differ"):
        train(checkpoint=path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is not a checkpoint, or a damaged one"):
        train(checkpoint=path)
    painter().save(path)
    with pytest.raises(ValueError, match="is not a checkpoint; give another file"):
        train(checkpoint=path)


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"painting": nst.white_noise(48, 48, seed=1)}, "paintings"),
        ({"painting": {"other": nst.white_noise(48, 48, seed=9)}}, "paintings"),
        ({"photographs": [nst.white_noise(50, 60, seed=1)]}, "photographs"),
        ({"architecture": Architecture(channels=(4, 6, 8), blocks=2)}, "architecture"),
    ],
)
def test_a_checkpoint_knows_its_pictures_and_its_architecture(tmp_path, changes, named):
    path = tmp_path / "state.safetensors"
    train(steps=1, checkpoint=path)
    with pytest.raises(ValueError, match=f"of another training: its {named} differ"):
        train(steps=1, checkpoint=path, **changes)


def test_a_checkpoint_that_does_not_tell_its_pictures_is_refused(tmp_path):
    from nsthelpers.real_time import files

    path = tmp_path / "state.safetensors"
    train(steps=1, checkpoint=path)
    arrays, described = files.read(path, "a checkpoint")
    del described["settings"]["paintings"]
    described["settings"]["no longer"] = 1
    files.write(path, "a checkpoint", arrays, described)
    with pytest.raises(ValueError, match="training: its no longer, paintings differ"):
        train(steps=1, checkpoint=path)


def test_a_loss_that_is_not_finite_ends_it():
    with pytest.raises(FloatingPointError, match="take a smaller learning_rate than 1e"):
        train(learning_rate=1e30)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"channels": (4, 4)}, "expected three numbers"),
        ({"blocks": -1}, "blocks is -1"),
        ({"first_kernel": 4}, "first_kernel is 4; expected an odd number"),
        ({"paintings": 0}, "paintings is 0"),
    ],
)
def test_an_architecture_that_is_none_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Architecture(**changes)


def test_the_rate_rises_then_falls_to_nearly_nothing():
    rates = [_rate(step, 100, 1.0, 10) for step in range(1, 101)]
    assert np.argmax(rates) in (9, 10, 11) and 0 < rates[-1] < 1e-3
    assert (np.diff(rates[:10]) > 0).all() and (np.diff(rates[11:]) < 0).all()
    assert min(_rate(step, 3, 1.0, warm_up) for step in (1, 2, 3) for warm_up in range(5)) > 0.1


@pytest.fixture
def untrained_vgg(monkeypatch):
    monkeypatch.setattr(
        "nsthelpers.real_time.training.default_network", lambda: nst.VGG(weights="random")
    )


def test_the_command_line_trains_and_paints(tmp_path, capsys, untrained_vgg):
    painter_file, picture = tmp_path / "night.safetensors", tmp_path / "cat.png"
    line = ["train-painter", "swirling_night", "--output", str(painter_file), "--steps", "2"]
    assert main([*line, "--side", "32", "--photographs", "coffee"]) == 0
    assert "after 2 of 2 steps" in capsys.readouterr().out
    made = load_painter(painter_file)
    assert made.names == ("swirling_night",) and made.settings["photographs"] == ["coffee"]
    line = ["paint", "chelsea", str(picture), "--painter", str(painter_file)]
    assert main([*line, "--max-side", "64"]) == 0
    assert "64 x 43 px" in capsys.readouterr().out
    assert nst.load_image(picture).shape == (1, 43, 64, 3)


@pytest.mark.parametrize("options", [[], ["--time-limit", "1000"]])
def test_an_interrupted_command_keeps_what_was_learnt(
    tmp_path, capsys, monkeypatch, untrained_vgg, options
):
    from nsthelpers.real_time import training

    whole_step = training._Lesson.step

    def step(self, number, rate):
        if number == 3:
            raise KeyboardInterrupt
        return whole_step(self, number, rate)

    monkeypatch.setattr(training._Lesson, "step", step)
    path = tmp_path / "night.safetensors"
    line = ["train-painter", "swirling_night", "--output", str(path), "--side", "32"]
    assert main([*line, "--steps", "5", *options]) == 130
    assert "after 2 of 5 steps" in capsys.readouterr().out
    assert load_painter(path).settings["steps_made"] == 2


@pytest.mark.parametrize(
    "line, message",
    [
        ("train-painter swirling_night --output a.npz", "a.npz is no name for a painter"),
        ("train-painter swirling_nite --output a.safetensors", "swirling_night"),
        ("train-painter coffee --output no/a.safetensors", "no"),
        ("train-painter coffee --output a.safetensors --steps 0", "at least 1, got '0'"),
        ("train-painter coffee --output a.safetensors --seed -1", "expected"),
        ("train-painter coffee --output a.safetensors --style-weight 0", "a number above 0"),
        ("train-painter coffee coffee --output a.safetensors", "the same name"),
        ("paint coffee a.txt --painter b.safetensors", "a.txt"),
        ("paint coffee a.png --painter b.safetensors", "there is no painter b.safetensors"),
    ],
)
def test_a_bad_line_gets_a_line(line, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith("nst: error: ") and message in told and told.count("\n") == 1
