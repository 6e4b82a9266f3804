"""Checkpoints: a run that was killed goes on as if nothing had happened, bit for bit."""

from __future__ import annotations

import dataclasses
import errno
import functools
import hashlib
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import interrupted_runs
import numpy as np
import pytest
from interrupted_runs import Crash
from safetensors.numpy import save

import nsthelpers as nst
from nsthelpers import files
from nsthelpers.__main__ import main
from nsthelpers.backend import keras, ops
from nsthelpers.objectives import objective as objectives
from nsthelpers.synthesis import checkpoints


class Nearby(objectives.Term):
    """Near a picture, bent, so that a line search has something to do; no network is asked."""

    label = "nearby"
    compiled_in = ()

    def __init__(self, image):
        self.image = image

    def targets(self, height, width, scale):
        return {"image": nst.backend.to_tensor(nst.resize(self.image, size=(height, width)))}

    def loss(self, image, features, targets):
        away = image - targets["image"]
        return ops.mean(ops.sqrt(ops.square(away) + 0.01)) + ops.mean(ops.square(ops.sin(9 * away)))


@pytest.fixture
def run(photo, tmp_path):
    """A short run from coarse to fine, kept in a folder after every step."""

    def run(objective=None, start=None, folder=tmp_path / "state", **options):
        options = {"scales": [32, 48], "steps": 5, "progress": False} | options
        start = nst.white_noise(32, 48, seed=3) if start is None else start
        objective = 1 * Nearby(photo) if objective is None else objective
        return nst.synthesize(objective, start, checkpoint=folder, checkpoint_seconds=0, **options)

    return run


def crashing(meter, run, **options):
    """Run until it fails, at a later evaluation each time, and again, until it has ended."""
    for meter.fatal in range(3, 60):
        meter.count = 0
        try:
            return run(**options)
        except Crash:
            pass
    raise AssertionError("it never came to an end")


def assert_same(one, other):
    np.testing.assert_array_equal(one.image, other.image)
    without_seconds = [
        [dataclasses.replace(record, seconds=0.0) for record in each.history]
        for each in (one, other)
    ]
    assert without_seconds[0] == without_seconds[1]
    for name in ("stop_reason", "message", "settings", "evaluations"):
        assert getattr(one, name) == getattr(other, name)
    seconds = [record.seconds for record in one.history]
    assert seconds == sorted(seconds) and seconds[-1] <= one.seconds


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == "cut off":
        data = data[: len(data) // 2]
    else:
        data[len(data) * 2 // 3] ^= 4
    path.write_bytes(data)


def newest_last(folder):
    return sorted(Path(folder).glob("checkpoint-*"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system knows no kill -9")
def test_killed_processes_lose_nothing(tmp_path, pytestconfig, meter):
    kills = pytestconfig.getoption("--kills")
    steps = max(5, 3 * kills // 2)
    whole = interrupted_runs.runs(None, steps)
    total, rng = meter.count, np.random.default_rng(kills)
    assert total == sum(result.evaluations for result in whole.values())
    # One late in each of as many equal parts of the way, so that both runs are hit.
    places = [int((part + rng.uniform(0.5, 1)) * total / kills) for part in range(kills)]
    for number, gap in enumerate(np.diff([0, *places])):
        script = Path(interrupted_runs.__file__)
        where = ["evaluating", "writing"][number % 2]
        ended = subprocess.run(
            [sys.executable, script, tmp_path, str(steps), str(1 + max(1, gap)), where],
            env=os.environ | {"PYTHONPATH": str(script.parents[1])},
        )
        assert ended.returncode == -signal.SIGKILL
    assert newest_last(tmp_path / "adam"), "the last one hit the second run"
    meter.count = 0
    resumed = interrupted_runs.runs(tmp_path, steps)
    for name, result in resumed.items():
        assert_same(result, whole[name])
    # What a killed process had not yet kept is made again: the evaluations of a step each time.
    made = len((tmp_path / "evaluations").read_text(encoding="utf-8").splitlines()) + meter.count
    longest = max(
        after.evaluations - before.evaluations
        for result in whole.values()
        for before, after in zip(result.history, result.history[1:], strict=False)
    )
    assert 0 < meter.count < total and total <= made <= total + kills * longest


WAYS = {
    "lbfgs": {"optimizer": nst.LBFGS(memory=3)},
    "lbfgs, coarse": {"optimizer": nst.LBFGS(memory=3, history="bfloat16")},
    "adam, its rate falling": {
        "optimizer": nst.Adam(keras.optimizers.schedules.CosineDecay(0.05, 10))
    },
    "sgd, with momentum": {"optimizer": nst.SGD(20.0, momentum=0.9)},
    "waves": {"image_as": "waves"},
    "pyramid, by adam": {"image_as": "laplacian", "optimizer": nst.Adam(0.05)},
    "waves, by adam": {"image_as": "waves", "optimizer": nst.Adam(0.05)},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_downhill_goes_on_bit_for_bit(way, run, meter):
    whole = run(folder=None, **WAYS[way])
    assert_same(crashing(meter, run, **WAYS[way]), whole)


def test_random_shifts_go_on_where_they_were(run, meter):
    options = {"objective": nst.TotalVariation("squared"), "jitter": 4}
    whole = run(folder=None, **options)
    assert_same(crashing(meter, run, **options), whole)


def test_from_the_coarse_arithmetic_to_the_exact_one(run, meter, photo, network):
    options = {
        "objective": 1 * nst.Content(photo, "block1_conv2", network=network), "steps": 9,
        "precision": "bfloat16", "scales": None, "optimizer": nst.LBFGS(tolerance=0.05),
    }  # fmt: skip
    whole = run(folder=None, **options)
    assert_same(crashing(meter, run, **options), whole)


def test_where_memory_runs_out_it_stays_at_the_smaller_size(run, meter, monkeypatch):
    evaluate = objectives.BoundObjective.evaluate

    def limited(self, image):
        if image.shape[1] > 28:
            raise MemoryError
        return evaluate(self, image)

    monkeypatch.setattr(objectives.BoundObjective, "evaluate", limited)
    whole = run(folder=None)
    assert "enlarged" in whole.message
    assert_same(crashing(meter, run), whole)
    assert_same(run(), whole)


class TestEnded:
    def test_what_has_ended_is_not_computed_again(self, run, meter, monkeypatch):
        first = run()
        meter.count = 0
        monkeypatch.setattr(nst.Objective, "at", None)
        again = run()
        assert_same(again, first)
        assert meter.count == 0 and again.seconds <= first.seconds

    def test_more_steps_at_the_last_size_are_added(self, run, meter):
        whole = run(folder=None, steps=[5, 9])
        run(steps=[5, 5])
        meter.count = 0
        assert_same(run(steps=[5, 9]), whole)
        assert 0 < meter.count < whole.evaluations / 2

    def test_what_a_callback_stopped_goes_on(self, run, meter):
        whole = run(folder=None)
        stopped = run(callbacks=lambda progress: progress.record.step == 7)
        assert stopped.stop_reason == "callback"
        meter.count = 0
        assert_same(run(), whole)
        assert meter.count == whole.evaluations - stopped.evaluations

    def test_a_failing_callback_loses_no_step(self, run):
        def fail(progress):
            if progress.record.step == 3:
                raise Crash

        with pytest.raises(Crash) as caught:
            run(callbacks=fail)
        assert caught.value.synthesis.history[-1].step == 3
        seen = []
        run(callbacks=lambda progress: seen.append(progress.record.step))
        assert seen[0] == 4

    def test_the_time_limit_counts_what_was_worked(self, run, meter):
        whole = run(folder=None)
        assert run(time_limit=1e-9).stop_reason == "time limit"
        meter.count = 0
        assert run(time_limit=1e-9).stop_reason == "time limit" and meter.count == 0
        assert_same(run(), whole)


class TestRefused:
    @pytest.fixture
    def begun(self, run):
        """Begin a run, and stop it before its first step."""
        return functools.partial(run, callbacks=lambda progress: True)

    @pytest.mark.parametrize(
        "change, said",
        [
            ({"seed": 8}, r"seed was 0 and is 8"),
            ({"optimizer": nst.LBFGS(memory=7)}, r"optimizer.memory was 20 and is 7"),
            ({"steps": [5, 4]}, r"steps was \[5, 5\] and is \[5, 4\]"),
            ({"steps": [6, 5]}, r"steps was \[5, 5\] and is \[6, 5\]"),
            ({"scales": [24, 48]}, r"sizes was .* and is \[\[16, 24\], \[32, 48\]\]"),
            ({"start": nst.white_noise(32, 48, seed=4)}, "start_image was .* and is"),
        ],
    )
    def test_other_settings(self, change, said, begun, run, meter):
        begun()
        meter.count = 0
        with pytest.raises(ValueError, match=rf"state holds a run with other settings: {said}"):
            run(**change)
        assert meter.count == 0

    def test_another_weight_or_picture(self, begun, run, photo):
        begun()
        with pytest.raises(ValueError, match=r"nearby.weight was 1.0 and is 2.0; give those again"):
            run(2 * Nearby(photo))
        other = photo.copy()
        other[0, 3, 4, 1] += 1e-6
        with pytest.raises(ValueError, match=r"nearby.image was 1 x 32 x 48 x 3 float32"):
            run(1 * Nearby(other))

    def test_other_weights_of_the_network(self, begun, run, photo):
        kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 64)).astype("float32")

        def content(factor):
            layers = {"block1_conv1": (factor * kernel, np.zeros(64, "float32"))}
            weights = nst.weights.Weights("vgg19", layers, "file", "of the same origin")
            return 1 * nst.Content(photo, "block1_conv1", network=nst.VGG(weights=weights))

        begun(content(1))
        with pytest.raises(ValueError, match="settings: network_weights was .* and is"):
            run(content(2))

    def test_a_second_run_in_the_same_folder(self, run):
        def second(progress):
            with pytest.raises(OSError, match="another run is using .*state; wait for its end"):
                run()
            return True

        assert run(callbacks=second).stop_reason == "callback"

    def test_a_second_process_and_one_that_was_killed(self, run, tmp_path, meter):
        (tmp_path / "state").mkdir()
        code = (
            "import filelock, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
            "print(flush=True); input()"
        )
        words = [sys.executable, "-c", code, tmp_path / "state" / ".lock"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            other.stdout.readline()  # it has the lock
            with pytest.raises(OSError, match="another run is using .*state; wait for its end"):
                run()
            assert meter.count == 0
            other.kill()
        assert run().stop_reason == "steps"

    def test_a_folder_that_cannot_be_written_to(self, run, meter, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(NotADirectoryError, match="file is a file; name a folder"):
            run(folder=tmp_path / "file")

        def refuse(dir):
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr("tempfile.TemporaryFile", refuse)
        with pytest.raises(OSError, match="cannot write .*: Permission denied"):
            run()
        assert meter.count == 0

    @pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "60", None])
    def test_seconds_that_make_no_sense(self, seconds, photo, tmp_path):
        with pytest.raises(ValueError, match="expected a number of at least 0"):
            nst.synthesize(
                Nearby(photo), photo, checkpoint=tmp_path, checkpoint_seconds=seconds,
                progress=False,
            )  # fmt: skip

    def test_an_optimizer_that_cannot_go_on(self, run):
        @dataclasses.dataclass(frozen=True)
        class Own(nst.optimizers.Optimizer):
            pass

        with pytest.raises(TypeError, match="Own has no method resume"):
            run(optimizer=Own())


class TestDamage:
    @pytest.fixture
    def half(self, run, tmp_path):
        """A run that was stopped half-way; its two checkpoints."""
        run(callbacks=lambda progress: progress.record.step == 6)
        paths = newest_last(tmp_path / "state")
        assert len(paths) == 2
        return paths

    @pytest.mark.parametrize("how", ["cut off", "one bit"])
    def test_the_one_before_is_taken(self, how, half, run, caplog):
        whole = run(folder=None)
        damage(half[1], how)
        assert_same(run(), whole)
        (record,) = caplog.records
        said = f"{half[1].name} is damaged; going on from the one before it"
        assert record.message == said and record.levelno == logging.WARNING

    def test_both(self, half, run):
        damage(half[0], "one bit")
        damage(half[1], "cut off")
        with pytest.raises(ValueError, match="is damaged, and no other .* remove the folder to be"):
            run()

    def test_no_changed_bit_passes(self, half):
        data, rng = half[1].read_bytes(), np.random.default_rng(0)
        for place, bit in rng.integers((len(data), 8), size=(200, 2)):
            changed = bytearray(data)
            changed[place] ^= 1 << int(bit)
            half[1].write_bytes(changed)
            with pytest.raises(ValueError, match="is damaged"):
                checkpoints._read(half[1])

    @pytest.mark.parametrize("text", ['{"kind": "a ch', "[", '{"kind": "a painter"}'])
    def test_a_damaged_description(self, text, half, run, caplog):
        data = save({"best": np.zeros(3)}, {"nsthelpers": text})
        checksum = hashlib.sha256(data).hexdigest()[:16]
        half[1].with_name(f"checkpoint-00000099-{checksum}.safetensors").write_bytes(data)
        assert run().stop_reason == "steps"
        assert "going on from the one before it" in caplog.text

    def test_a_damaged_one_does_not_push_out_a_whole_one(self, half, run, tmp_path):
        damage(half[1], "one bit")
        run(callbacks=lambda progress: True)
        left = newest_last(tmp_path / "state")
        assert half[1] not in left and half[0] in left and len(left) == 2

    def test_a_full_disk_ends_nothing_and_is_told_once(self, run, monkeypatch, caplog, tmp_path):
        whole, write = run(folder=None), Path.write_bytes

        def full(path, data):
            write(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            assert_same(run(), whole)
        (record,) = caplog.records
        assert "No space left on device" in record.message
        assert "the run goes on" in record.message
        assert os.listdir(tmp_path / "state") == [".lock"]
        assert_same(run(), whole)

    def test_what_a_killed_process_had_half_written_goes(self, run, tmp_path):
        (tmp_path / "state").mkdir()
        ours, theirs = f".{'0a' * 16}.part", "thesis.part"
        for name in (ours, theirs):
            (tmp_path / "state" / name).write_text("half", encoding="utf-8")
        run(callbacks=lambda progress: True)
        left = os.listdir(tmp_path / "state")
        assert theirs in left and ours not in left

    def test_another_version_is_warned_of(self, half, run, monkeypatch, caplog):
        whole = run(folder=None)
        monkeypatch.setattr(checkpoints, "__version__", "99.1")
        assert_same(run(), whole)
        (record,) = caplog.records
        assert "nsthelpers was" in record.message and "is 99.1; going on" in record.message

    def test_another_format_is_refused(self, half, run, monkeypatch):
        monkeypatch.setattr(checkpoints, "_FORMAT", 2)
        with pytest.raises(ValueError, match="written by another version of this package; remove"):
            run()


def test_when_it_is_time(tmp_path, monkeypatch):
    clock, write = SimpleNamespace(now=100.0, took=0), files.write_whole
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock.now)

    def slowly(path, *data):
        clock.now += clock.took
        write(path, *data)

    monkeypatch.setattr(checkpoints, "write_whole", slowly)
    with checkpoints.Checkpoints(tmp_path, 60, {}) as kept:
        for clock.took, pause in ((1, 60), (10, 200)):  # at most a twentieth of the time
            kept.save({"step": 1})
            clock.now += pause - 0.5
            assert not kept.due
            clock.now += 0.5
            assert kept.due


def test_the_command_line_writes_its_output_anew(tmp_path, monkeypatch, meter, capsys):
    monkeypatch.chdir(tmp_path)
    line = [
        "transfer", "--content", "chelsea", "--style", "stained_glass", "--output", "out.png",
        "--weights", "random", "--max-side", "32", "--steps", "2", "--checkpoint", "state",
        "--content-layers", "block1_conv1", "--style-layers", "block1_conv1", "--quiet",
    ]  # fmt: skip
    assert main(line) == 0
    first = Path("out.png").read_bytes()
    Path("out.png").unlink()
    meter.count = 0
    assert main(line) == 0
    assert Path("out.png").read_bytes() == first and meter.count == 0
    assert main([*line, "--style-weight", "3"]) == 2
    assert "style.weight was 10.0 and is 3.0" in capsys.readouterr().err
    assert main([*line, "--frames", "way", "--save-every", "1"]) == 2
    assert "--frames and --checkpoint do not go together" in capsys.readouterr().err
