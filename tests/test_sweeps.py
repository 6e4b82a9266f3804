"""Sweeps: tables, sheets, what is kept and what is done again, processes that die."""

from __future__ import annotations

import functools
import inspect
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest
import sweep_jobs
from sweep_jobs import deadly, made, marked, marks, on_a_gpu, plain, wait_until

import nsthelpers as nst
from nsthelpers.sweeps import devices as gpus_module, execution as sweeps, store as point_store
from nsthelpers.sweeps.grid import expanded
from nsthelpers.sweeps.store import point_key, setting_as_data

sweep = functools.partial(sweeps.sweep, progress=False)
VALUES = {"value": [1, 2, 3]}


def files(folder, pattern="*"):
    return sorted(path.name for path in Path(folder).glob(pattern))


# --- the table and the sheet ------------------------------------------------------------------


def test_one_row_for_each_point():
    swept = sweep(plain, {"value": [1, 2], "factor": [1, 3]})
    table = swept.table
    assert list(table.columns) == [
        "value", "factor", "loss", "content_loss", "seconds", "step_seconds", "evaluations",
        "stop_reason", "picture", "other_code", "error",
    ]  # fmt: skip
    assert table[["value", "factor"]].values.tolist() == [[1, 1], [1, 3], [2, 1], [2, 3]]
    assert table["loss"].tolist() == [8, 28, 18, 58]  # 10 value factor - 2, at the last step
    assert table["content_loss"].tolist() == [0.5, 1.5, 1.0, 3.0]
    assert table["seconds"].tolist() == [0.5] * 4 and table["step_seconds"].tolist() == [0.25] * 4
    assert table["evaluations"].tolist() == [3] * 4 and set(table["error"]) == {""}
    for path, value in zip(table["picture"], [1, 3, 2, 6], strict=True):
        assert nst.load_image(path).mean() == pytest.approx(value / 10, abs=1 / 255)


def test_fixed_settings_are_passed_on_but_not_in_the_table():
    swept = sweep(plain, VALUES, fixed={"factor": 2})
    assert swept.table["loss"].tolist() == [18, 38, 58] and "factor" not in swept.table
    assert swept.axes == {"value": ["1", "2", "3"]} and swept.finished


def test_points_can_be_listed_and_named():
    points = [{"label": "first", "value": 1}, {"value": 2, "factor": 2}]
    swept = sweep(plain, points, fixed={"factor": 1})  # a point may have its own
    assert list(swept.results) == ["first", "value = 2, factor = 2"]
    assert swept.table["label"].tolist() == ["first", "value = 2, factor = 2"]
    assert swept.table["loss"].tolist() == [8, 38] and math.isnan(swept.table["factor"][0])


def test_values_can_be_named():
    swept = sweep(plain, {"value": {"small": 1, "large": 3}})
    assert swept.table["value"].tolist() == [1, 3]
    assert list(swept.results) == ["value = small", "value = large"]
    points, axes = expanded({"layers": {"all": ["a", "b"]}}, {})
    assert axes == {"layers": ["all"]} and points[0].shown == {"layers": "all"}
    assert points[0].settings == {"layers": ["a", "b"]}


def test_labels_of_all_kinds_and_none_twice():
    points, _ = expanded({"x": [0.001, None, ("a", 2.5), np.zeros((2, 3)), "t"]}, {})
    assert [p.label for p in points] == [
        "x = 0.001", "x = none", "x = a, 2.5", "x = array 2 x 3", "x = t",
    ]  # fmt: skip
    points, _ = expanded({"x": [0.1, 0.1]}, {})
    assert [p.label for p in points] == ["x = 0.1", "x = 0.1 (2)"]


def texts(figure):
    return {text.get_text().replace("\n", " ") for text in figure.texts}


def test_the_sheet_has_labelled_axes():
    swept = sweep(plain, {"value": [1, 2], "factor": [1, 2, 3]})
    figure = swept.sheet(title="all of it")
    expected = {"value = 1", "value = 2", "factor = 1", "factor = 2", "factor = 3", "all of it"}
    assert len(figure.axes) == 6 and texts(figure) == expected
    three = sweep(plain, {"value": [1, 2], "factor": [1]}).sheet()
    assert {"value = 1", "value = 2", "factor = 1"} == texts(three)
    listed = sweep(plain, VALUES).sheet(columns=2)
    assert texts(listed) == {"value = 1", "value = 2", "value = 3"}


def test_a_sheet_leaves_the_place_of_a_failed_point_empty():
    swept = sweep(picky, {"value": [1, 2, 3], "wrong": [2]}, on_error="record")
    assert len(swept.sheet().axes) == 2
    with pytest.raises(ValueError, match="no image"):
        sweep(picky, {"value": [2], "wrong": [2]}, on_error="record").sheet()


def test_results_go_into_the_other_plots():
    swept = sweep(plain, VALUES)
    assert len(nst.plots.loss_curves(swept.results).axes) == 1
    page = swept._repr_html_()
    assert "<p>3 points</p>" in page and page.count("<tr") == 4


# --- what is kept -----------------------------------------------------------------------------


def test_a_finished_sweep_is_not_computed_again(tmp_path):
    folder, log = tmp_path / "points" / "deep", tmp_path
    fixed = {"folder": str(log)}
    first = sweep(marked, VALUES, fixed=fixed, folder=folder)
    again = sweep(marked, VALUES, fixed=fixed, folder=folder)
    assert [len(marks(log, "began", value)) for value in (1, 2, 3)] == [1, 1, 1]
    assert [point.reused for point in again.points] == [True] * 3
    assert again.message == "3 points, 3 of them kept from before"
    assert again.table.drop(columns="error").equals(first.table.drop(columns="error"))
    for old, new in zip(first.results.values(), again.results.values(), strict=True):
        assert np.abs(old.image - new.image).max() <= 0.5 / 255 + 1e-6
        assert old.history == new.history and old.report() == new.report()


def test_a_point_made_by_other_code_is_used_marked_and_renewed(tmp_path, monkeypatch):
    fixed, points = {"folder": str(tmp_path)}, tmp_path / "points"

    def began():
        return [len(marks(tmp_path, "began", value)) for value in (1, 2, 3)]

    older = {"version": "0.0.1", "code": "0123456789abcdef"}
    with monkeypatch.context() as patch:
        patch.setattr(point_store, "provenance", lambda: older)
        made_before = sweep(marked, {"value": [1, 2]}, fixed=fixed, folder=points)
    assert not made_before.table["other_code"].any()
    used = sweep(marked, VALUES, fixed=fixed, folder=points)
    assert began() == [1, 1, 1]
    assert used.table["other_code"].tolist() == [True, True, False]
    assert [point.other_code for point in used.points] == [True, True, False]
    assert used.message == (
        "3 points, 2 of them kept from before (2 made by other code; renew=True makes them anew)"
    )
    assert used.message in used._repr_html_()
    renewed = sweep(marked, VALUES, fixed=fixed, folder=points, renew=True)
    assert began() == [2, 2, 1]  # the third was made by this code
    assert renewed.table["other_code"].tolist() == [False] * 3
    assert renewed.message == "3 points, 1 of them kept from before"
    again = sweep(marked, VALUES, fixed=fixed, folder=points, renew=True)
    assert began() == [2, 2, 1] and again.message == "3 points, 3 of them kept from before"


def test_a_point_that_cannot_be_renewed_stays_in_the_folder(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(point_store, "provenance", lambda: {"version": "0", "code": "older"})
        sweep(picky, {"value": [1]}, fixed={"wrong": 2}, folder=tmp_path)
    monkeypatch.setitem(globals(), "made", lambda value: 1 / 0)
    failed = sweep(picky, {"value": [1]}, fixed={"wrong": 2}, folder=tmp_path, renew=True,
                   on_error="record")  # fmt: skip
    assert "ZeroDivisionError" in failed.table["error"][0] and not failed.points[0].other_code
    assert sweep(picky, {"value": [1]}, fixed={"wrong": 2}, folder=tmp_path).points[0].other_code


def test_a_wider_grid_computes_only_what_is_new(tmp_path):
    fixed = {"folder": str(tmp_path)}
    sweep(marked, VALUES, fixed=fixed, folder=tmp_path / "points")
    wider = sweep(marked, {"value": [0, 1, 2, 3, 4]}, fixed=fixed, folder=tmp_path / "points")
    assert [len(marks(tmp_path, "began", value)) for value in range(5)] == [1] * 5
    assert [point.reused for point in wider.points] == [False, True, True, True, False]


def test_a_changed_setting_is_computed_again(tmp_path):
    one = sweep(plain, VALUES, fixed={"factor": 1}, folder=tmp_path)
    two = sweep(plain, VALUES, fixed={"factor": 2}, folder=tmp_path)
    assert not any(point.reused for point in two.points)
    assert two.table["loss"].tolist() != one.table["loss"].tolist()
    assert len(files(tmp_path, "*.json")) == len(files(tmp_path, "*.png")) == 6


def test_without_a_folder_nothing_stays():
    swept = sweep(plain, VALUES)
    folder = swept.folder
    assert len(files(folder, "*.png")) == 3
    del swept
    assert not folder.exists()


@pytest.mark.parametrize("damage", ["no picture", "other picture", "half a file", "old format"])
def test_a_damaged_point_is_computed_again(tmp_path, damage):
    first = sweep(plain, VALUES, folder=tmp_path)
    picture = Path(first.table["picture"][1])
    notes = picture.with_suffix(".json")
    if damage == "no picture":
        picture.unlink()
    elif damage == "other picture":
        picture.write_bytes(Path(first.table["picture"][0]).read_bytes())
    elif damage == "half a file":
        notes.write_text(notes.read_text()[:99])
    else:
        notes.write_text(json.dumps({**json.loads(notes.read_text()), "format": 0}))
    again = sweep(plain, VALUES, folder=tmp_path)
    assert [point.reused for point in again.points] == [True, False, True]
    assert again.table["loss"].tolist() == [8, 18, 28] and again.finished


def test_a_loss_that_is_not_finite_comes_back_from_the_file(tmp_path):
    def diverging(value):
        result = made(value, "not finite")
        broken = result.history[-1]
        result.history[-1] = type(broken)(
            broken.step, 3, 0.5, math.inf, {"content": math.nan}, (16, 24)
        )
        return result

    sweep(diverging, {"value": [1]}, folder=tmp_path)
    again = sweep(diverging, {"value": [1]}, folder=tmp_path)
    assert again.points[0].reused and math.isnan(again.table["loss"][0])
    assert "NaN" not in next(tmp_path.glob("*.json")).read_text()


def test_equal_points_are_computed_once(tmp_path):
    swept = sweep(marked, {"value": [1, 1]}, fixed={"folder": str(tmp_path)})
    assert len(marks(tmp_path, "began", 1)) == 1
    assert swept.table["loss"].tolist() == [8, 8]


def test_the_picture_carries_its_settings(tmp_path):
    swept = sweep(plain, {"value": [2]}, folder=tmp_path)
    assert nst.read_settings(swept.table["picture"][0]) == {"value": 2}
    written = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert written["job"] == "sweep_jobs.plain" and written["settings"] == {"value": 2}
    assert written["package"] == {"name": "nsthelpers", **point_store.provenance()}


# --- the key ----------------------------------------------------------------------------------


def test_the_key_depends_on_job_and_settings():
    key = point_key(plain, {"value": 1})
    assert key == point_key(plain, {"value": 1.0}) and len(key) == 24
    assert key != point_key(plain, {"value": 2}) and key != point_key(marked, {"value": 1})
    assert key != point_key(functools.partial(plain, factor=2), {"value": 1})


def test_the_key_sees_a_changed_function(monkeypatch):
    before = point_key(plain, {"value": 1})
    monkeypatch.setattr(inspect, "getsource", lambda job: "def plain(value): return other(value)")
    assert point_key(plain, {"value": 1}) != before
    own = point_key(nst.stylize, {})  # the provenance beside a point tells of its changes
    monkeypatch.setattr(inspect, "getsource", lambda job: "something else")
    assert point_key(nst.stylize, {}) == own


@pytest.mark.parametrize("kind", [Path, str])
def test_the_key_sees_a_changed_file(tmp_path, kind):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"one")
    before = point_key(plain, {"value": kind(path)})
    path.write_bytes(b"two")
    assert point_key(plain, {"value": kind(path)}) != before
    assert setting_as_data(kind(tmp_path / "none.jpg")) == str(tmp_path / "none.jpg")


def test_a_samples_name_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chelsea").write_bytes(b"a file of that name")
    assert setting_as_data("chelsea") == "chelsea"
    assert setting_as_data("chelsea\0") == "chelsea\0" and setting_as_data("x" * 5000) == "x" * 5000


def test_the_key_tells_networks_apart_that_different_images_normalised(photo):
    networks = [
        nst.VGG(weights="random", normalized=normalized)
        for normalized in (False, [photo], [photo[:, ::-1]], [photo])
    ]
    keys = [point_key(plain, {"value": network}) for network in networks]
    assert keys[3] == keys[1] and len(set(keys)) == 3


def test_a_points_provenance_is_that_of_the_code_that_decides_pixels(monkeypatch, tmp_path):
    package = Path(point_store.__file__).parents[1]
    copy = shutil.copytree(package, tmp_path / "nsthelpers")
    monkeypatch.setattr(point_store, "__file__", str(copy / "sweeps" / "store.py"))
    read = point_store.provenance.__wrapped__
    assert read() == point_store.provenance()
    for path, decides in (("plots/curves.py", False), ("losses.py", True)):
        before = read()
        with (copy / path).open("a", encoding="utf-8") as file:
            file.write("\n# another line\n")
        assert (read() != before) == decides


def test_the_key_sees_weights_of_ones_own_and_no_detail_of_speed(tmp_path, monkeypatch):
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    usual = point_key(plain, {"value": 1})
    for precision in ("float32", "bfloat16"):
        monkeypatch.setenv("NST_PRECISION", precision)
        assert point_key(plain, {"value": 1}) == usual
    path = tmp_path / "weights.npz"
    monkeypatch.setenv("NST_WEIGHTS", str(path))
    keys = [usual, point_key(plain, {"value": 1})]  # the file is missing
    for data in (b"one", b"three"):
        path.write_bytes(data)
        keys.append(point_key(plain, {"value": 1}))
        assert point_key(plain, {"value": 1}) == keys[-1]
    assert len(set(keys)) == 4
    # Keras' own file is what everybody else has.
    monkeypatch.setattr(point_store, "hash_of", lambda *_: point_store.KERAS_MD5["vgg19"])
    path.write_bytes(b"Keras' file")
    assert point_key(plain, {"value": 1}) == usual


def test_settings_as_data():
    image = np.zeros((1, 2, 2, 3), "float32")
    assert setting_as_data(image) == setting_as_data(image.copy())
    assert setting_as_data(image) != setting_as_data(image + 1)
    assert setting_as_data(nst.to_pil(image)) != setting_as_data(nst.to_pil(image + 1))
    assert setting_as_data({"a": (np.float32(0.5), True, None)}) == {"a": [0.5, True, None]}
    assert setting_as_data(nst.Adam(0.5))["Adam"]["learning_rate"] == 0.5
    with pytest.raises(TypeError, match="a setting is a TotalVariation, which cannot be compared"):
        setting_as_data(nst.TotalVariation())


def test_a_networks_choices_count(network):
    other = nst.VGG(weights="random", pooling="avg")
    assert setting_as_data(network) != setting_as_data(other)


# --- what can be wrong ------------------------------------------------------------------------


def picky(value, wrong=2):
    if value == wrong:
        raise ValueError(f"no {value},\nplease")
    return made(value)


def test_an_error_does_not_end_the_others(tmp_path):
    with pytest.raises(sweeps.SweepError) as raised:
        sweep(picky, VALUES, folder=tmp_path)
    assert str(raised.value).startswith(
        "1 of 3 points failed, first value = 2: ValueError: no 2, please; "
    )
    swept = raised.value.sweep
    assert swept.table["loss"].tolist()[::2] == [8, 28] and math.isnan(swept.table["loss"][1])
    assert swept.table["error"].tolist() == ["", "ValueError: no 2, please", ""]
    assert swept.table["picture"][1] is None or swept.table["picture"].isna()[1]
    assert list(swept.results) == ["value = 1", "value = 3"] and not swept.finished


def test_a_failed_point_is_tried_again(tmp_path):
    recorded = sweep(picky, VALUES, folder=tmp_path, on_error="record")
    assert recorded.message == "2 points, 1 failed"
    calls = []

    def report(done, points, point):
        calls.append((done, points, point.label, point.reused, point.error))

    again = sweep(picky, VALUES, folder=tmp_path, on_error="record", progress=report)
    assert [point.reused for point in again.points] == [True, False, True]
    assert calls == [
        (1, 3, "value = 1", True, ""),
        (2, 3, "value = 3", True, ""),
        (3, 3, "value = 2", False, "ValueError: no 2, please"),
    ]


def test_a_job_must_return_a_synthesis():
    swept = sweep(lambda value: value, VALUES, on_error="record")
    assert swept.table["error"][0] == "TypeError: the job returned a int; expected a Synthesis"


def test_too_little_memory_is_an_error_that_is_tried_again(tmp_path):
    def large(value):
        return made(value, "out of memory", "not enough memory for 24 x 16 pixels")

    swept = sweep(large, {"value": [1]}, folder=tmp_path, on_error="record")
    assert swept.table["error"][0].startswith("MemoryError: not enough memory")
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "grid, fixed, error, text",
    [
        ({}, {}, TypeError, "is missing a required argument: 'value'"),
        ([], {}, ValueError, "the grid has no points"),
        ({"value": []}, {}, ValueError, "no values of value; give at least one"),
        ({"value": 3}, {}, TypeError, r"the values of value are 3; expected a list, such as \[3\]"),
        ({"value": "abc"}, {}, TypeError, "expected a list"),
        ([3], {}, TypeError, "a point is a int; expected a dict"),
        (VALUES, {"value": 2}, ValueError, "value is in the grid and fixed"),
        ({**VALUES, "seconds": [1]}, {}, ValueError, "no setting can be called seconds"),
        ({**VALUES, "other_code": [1]}, {}, ValueError, "no setting can be called other_code"),
        ({**VALUES, "style_loss": [1]}, {}, ValueError, "no setting can be called style_loss"),
        ({**VALUES, "fctor": [1]}, {}, TypeError, "has no setting 'fctor'; did you mean factor?"),
    ],
)
def test_a_bad_grid_is_refused_before_any_work(grid, fixed, error, text):
    with pytest.raises(error, match=text):
        sweep(plain, grid, fixed=fixed)


def test_other_bad_arguments():
    with pytest.raises(ValueError, match="on_error is 'ignore'"):
        sweep(plain, VALUES, on_error="ignore")
    with pytest.raises(ValueError, match="n_jobs is 0"):
        sweep(plain, VALUES, n_jobs=0)
    with pytest.raises(TypeError, match="the job is a int"):
        sweep(3, VALUES)
    with pytest.raises(TypeError, match="cannot be compared"):
        sweep(plain, {"value": [nst.TotalVariation()]})


def test_an_interrupted_run_ends_the_sweep_and_is_not_kept(tmp_path):
    def stopped(value):
        return made(value, *(("interrupted", "interrupted; ...") if value == 2 else ()))

    swept = sweep(stopped, VALUES, folder=tmp_path)
    assert swept.message == "interrupted after 1 of 3 points" and not swept.finished
    assert list(swept.results) == ["value = 1"] and len(files(tmp_path)) == 2


def test_ctrl_c_returns_what_is_done():
    def stopped(value):
        if value == 3:
            raise KeyboardInterrupt
        return made(value)

    swept = sweep(stopped, VALUES)
    assert list(swept.results) == ["value = 1", "value = 2"]


def test_a_run_that_its_own_callback_ends_is_finished(tmp_path):
    def early(weight):
        return nst.synthesize(
            weight * nst.TotalVariation(), nst.white_noise(16, 24), steps=9, progress=False,
            callbacks=lambda progress: progress.record.step == 1,
        )  # fmt: skip

    swept = sweep(early, {"weight": [1, 2]}, folder=tmp_path)
    assert swept.finished and swept.table["stop_reason"].tolist() == ["callback"] * 2
    assert all(point.reused for point in sweep(early, {"weight": [1, 2]}, folder=tmp_path).points)


def test_a_full_disk_is_not_taken_for_something_else(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(point_store, "write_json", full)
    with pytest.raises(OSError, match="No space left"):
        sweep(plain, VALUES, folder=tmp_path)


# --- other processes --------------------------------------------------------------------------


def python(code):
    paths = [str(Path(sweep_jobs.__file__).parent), str(Path(nst.__file__).parents[1])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment)


def test_kill_9_loses_only_the_point_at_work(tmp_path):
    points = tmp_path / "points"
    code = (
        "from sweep_jobs import marked\n"
        "from nsthelpers.sweeps.execution import sweep\n"
        f"fixed = {{'folder': {str(tmp_path)!r}, 'waiting': [2]}}\n"
        f"sweep(marked, {{'value': [0, 1, 2, 3]}}, fixed=fixed, folder={str(points)!r})\n"
    )
    process = python(code)
    try:
        wait_until(lambda: marks(tmp_path, "began", 2) or process.poll() is not None)
    finally:
        process.kill()  # nothing is tidied up
    assert process.wait() != 0
    assert len(files(points, "*.json")) == 2
    (tmp_path / "go").touch()
    fixed = {"folder": str(tmp_path), "waiting": [2]}
    swept = sweep(marked, {"value": [0, 1, 2, 3]}, fixed=fixed, folder=points)
    assert [len(marks(tmp_path, "began", value)) for value in range(4)] == [1, 1, 2, 1]
    assert [point.reused for point in swept.points] == [True, True, False, False]
    assert swept.table["loss"].tolist() == [-2, 8, 18, 28]
    assert len(files(points)) == 8  # a picture and a JSON file each, and nothing unfinished


def test_several_processes_and_one_that_dies(tmp_path):
    fixed, folder = {"folder": str(tmp_path)}, tmp_path / "points"
    with pytest.raises(RuntimeError, match="processes that share the work gave up: Terminated"):
        sweep(deadly, VALUES, fixed=fixed, folder=folder, n_jobs=2)
    kept = len(files(folder, "*.json"))
    (tmp_path / "go").touch()
    swept = sweep(deadly, VALUES, fixed=fixed, folder=folder, n_jobs=2)
    assert swept.table["loss"].tolist() == [8, 18, 28]
    assert sum(point.reused for point in swept.points) == kept
    assert os.getpid() not in [
        each for value in (1, 2, 3) for each in marks(tmp_path, "began", value)
    ]


def test_each_process_has_a_gpu_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,GPU-7")

    def seen(folder, **options):
        folder.mkdir()
        fixed = {"folder": str(folder), "processes": 2, **options}
        swept = sweep(on_a_gpu, {"value": [1, 2]}, fixed=fixed, n_jobs=2)
        return sorted(point.result.message for point in swept.points)

    with pytest.raises(RuntimeError, match="gave up"):
        seen(tmp_path / "dying", dies=True)
    dying = {path.name.split("-")[0] for path in (tmp_path / "dying").iterdir()}
    assert dying == {"sees 0", "sees GPU"}
    assert seen(tmp_path / "again") == ["0", "GPU-7"]  # what the dead one had is free
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,GPU-7"


@pytest.mark.parametrize("gpus", [None, "", "-1", "3", "3,-1,4"])
def test_where_there_is_nothing_to_share_out_nothing_is_set(tmp_path, monkeypatch, gpus):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if gpus is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    assert gpus_module.worker_options() == {}


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for a program is a shell script")
def test_gpus_are_found_without_tensorflow(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho GPU-a\necho GPU-b\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus_module.visible_gpus() == ["GPU-a", "GPU-b"]
    assert gpus_module.worker_options()["initargs"][0] == ("GPU-a", "GPU-b")
    with joblib.parallel_config("threading"):
        assert gpus_module.worker_options() == {}
    program.write_text("#!/bin/sh\nexit 9\n")  # no driver
    assert gpus_module.visible_gpus() == []


def test_a_fourth_process_shares_and_a_freed_gpu_is_taken_again(tmp_path, monkeypatch):
    held = []
    monkeypatch.setattr(gpus_module, "_locks", held)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def taken():
        gpus_module.take_one(("a", "b", "c"), str(tmp_path))
        return os.environ["CUDA_VISIBLE_DEVICES"]

    assert [taken() for _ in range(4)] == ["a", "b", "c", "a"]
    held.pop(1).release()  # as the system does for a process that has ended
    assert [taken(), taken()] == ["b", "b"]
    for lock in held:
        lock.release()


def test_a_dask_cluster_of_which_a_worker_is_killed(tmp_path):
    distributed = pytest.importorskip("distributed")
    points, arrived = tmp_path / "points", []

    def on_end(done, total, point):
        arrived.append(point.settings["value"])
        if done == 2:  # 0 and 1 are safe here; every other point waits in a worker, or for one
            wait_until(lambda: any(marks(tmp_path, "began", value) for value in range(2, 6)))
            victim.extend(pid for value in range(2, 6) for pid in marks(tmp_path, "began", value))
            psutil.Process(victim[0]).kill()
            (tmp_path / "go").touch()

    victim, fixed = [], {"folder": str(tmp_path), "waiting": [2, 3, 4, 5]}
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address="127.0.0.1:0", silence_logs=50,
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):  # fmt: skip
        swept = sweep(
            marked, {"value": list(range(6))}, fixed=fixed, folder=points, progress=on_end
        )
    assert swept.finished and swept.table["loss"].tolist() == [-2, 8, 18, 28, 38, 48]
    assert sorted(arrived) == list(range(6))  # each has come to one result
    assert [len(marks(tmp_path, "ended", value)) for value in range(6)] == [1] * 6
    lost = [v for v in range(2, 6) if victim[0] in marks(tmp_path, "began", v)]
    assert lost and all(len(marks(tmp_path, "began", value)) == 2 for value in lost)
    assert len(files(points, "*.json")) == len(files(points, "*.png")) == 6
