"""The record: every picture has its row, small points can be made anew, and it resumes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.cli.parser import parser
from nsthelpers.record import making
from nsthelpers.record.store import HOME, RecordStore
from nsthelpers.studies.study import Study

TABLE = RecordStore().table


def test_every_picture_has_its_row_and_the_reverse():
    pictures = {path.stem for path in (HOME / "pictures").iterdir()}
    named = {point["key"] for each in TABLE["experiments"].values() for point in each["points"]}
    assert pictures == set(TABLE["points"])
    assert pictures <= named


def test_the_list_names_experiments_that_are_there():
    own = {path.stem for path in (HOME / "experiments").glob("*.toml")}
    listed = set(making.contents())
    assert own <= listed <= own | set(nst.studies.names())
    assert set(TABLE["experiments"]) <= listed


def test_a_row_tells_what_made_it():
    for row in TABLE["points"].values():
        assert {"version", "code"} <= row["package"].keys()
        assert row["synthesis"]["versions"]["tensorflow"] and row["synthesis"]["device"]["kind"]
        assert row["synthesis"]["objective"]["network"]["provenance"]
        assert row["evaluations"] > 0 and row["seconds"] > 0 and row["history"]


def test_small_points_made_anew_have_the_same_loss(trained):
    """In float32, where other processors round almost alike.

    The first to its end, where its picture is; the others, which differ in pooling, optimizer and
    statistic, as far as these show.
    """
    first, *others = nst.record.load("check").points
    for point, steps in [(first, first.settings["steps"]), *((each, 6) for each in others)]:
        made = nst.recipes.run_described("stylize", **point.settings | {"steps": steps})
        then = point.result.history[steps]
        assert made.history[-1].step == then.step == steps
        assert made.history[-1].loss == pytest.approx(then.loss, rel=0.02)
        if point is first:  # WebP is coarse on noise
            assert np.abs(made.image - point.result.image).mean() < 0.04


def tiny(**changes):
    """An experiment of two moments of one run, and another run."""
    settings = {"content": "chelsea", "max_side": 32, "weights": "random", "precision": "float32"}
    grid = {"steps": [2, 4], "content_layers": ["block1_conv1"]}
    return Study(
        name="tiny",
        title="Tiny",
        source="",
        job="reconstruct_content",
        grid=grid,
        settings=settings | changes,
    )


@pytest.fixture
def listed(monkeypatch):
    monkeypatch.setattr(making, "contents", lambda: {"tiny": tiny()})


def test_what_is_made_is_read_back(listed, tmp_path):
    making.make(folder=tmp_path, progress=False)
    experiment = nst.record.load("tiny", tmp_path)
    assert nst.record.names(tmp_path) == ["tiny"]
    assert experiment.title == "Tiny" and experiment.finished
    assert experiment.axes == {"steps": ["2", "4"], "content_layers": ["block1_conv1"]}
    assert list(experiment.table["steps"]) == [2, 4]
    assert {point.result.image.shape for point in experiment.points} == {(1, 21, 32, 3)}


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_moment_of_a_longer_run_is_the_shorter_run(monkeypatch, tmp_path, optimizer):
    study = tiny(optimizer=optimizer)
    monkeypatch.setattr(making, "contents", lambda: {"tiny": study})
    making.make(folder=tmp_path / "record", progress=False)
    alone = study.run(folder=tmp_path / "sweep", progress=False)
    for moment, run in zip(
        nst.record.load("tiny", tmp_path / "record").points, alone.points, strict=True
    ):
        assert moment.result.history[-1].loss == pytest.approx(run.result.history[-1].loss)
        assert moment.result.settings["steps"] == run.result.settings["steps"]
        assert np.abs(moment.result.image - run.result.image).mean() < 0.1  # WebP, on noise


def test_it_resumes_and_keeps_what_is_there(listed, tmp_path):
    making.make(folder=tmp_path, progress=False)
    before = (tmp_path / "table.json").read_text()
    key = next(iter(json.loads(before)["points"]))
    (tmp_path / "pictures" / f"{key}.webp").unlink()
    seen = []
    making.make(folder=tmp_path, progress=lambda *each: seen.append(each[3].reused))
    assert sorted(seen) == [False, True]
    assert (tmp_path / "pictures" / f"{key}.webp").is_file()


def test_points_of_other_code_are_kept_until_asked(listed, tmp_path):
    store = making.make(folder=tmp_path, progress=False)
    for row in store.table["points"].values():
        row["package"]["code"] = "another"
    store._write()
    making.make(folder=tmp_path, progress=False)
    assert nst.record.load("tiny", tmp_path).table["other_code"].all()
    making.make(folder=tmp_path, renew=True, progress=False)
    assert not nst.record.load("tiny", tmp_path).table["other_code"].any()


def test_what_is_no_longer_listed_is_dropped(listed, monkeypatch, tmp_path):
    making.make(folder=tmp_path, progress=False)
    shorter = tiny()
    shorter.grid["steps"] = [2]
    monkeypatch.setattr(making, "contents", lambda: {"tiny": shorter})
    making.make(folder=tmp_path, progress=False)
    assert len(RecordStore(tmp_path).table["points"]) == 1
    assert len(list((tmp_path / "pictures").iterdir())) == 1


def test_a_second_process_is_refused(listed, tmp_path):
    with RecordStore(tmp_path).locked(), pytest.raises(OSError, match="another process"):
        making.make(folder=tmp_path, progress=False)


def test_unknown_names_say_what_there_is(tmp_path):
    with pytest.raises(ValueError, match="did you mean check"):
        nst.record.load("chek")
    with pytest.raises(ValueError, match="did you mean textures"):
        making.make(["texture"], folder=tmp_path)


def test_a_damaged_table_is_named(tmp_path):
    (tmp_path / "table.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read"):
        nst.record.names(tmp_path)


def test_a_long_history_is_thinned_to_its_ends_and_two_thirds(tmp_path):
    from nsthelpers.record import store

    history = [
        nst.synthesis.Record(step, step, 0.1 * step, 1 / (step + 1), {"content": 1.0}, (8, 8))
        for step in range(1001)
    ]
    steps = [record.step for record in store._thinned(history)]
    assert steps[0] == 0 and steps[-1] == 1000 and 667 in steps and len(steps) <= 63


def test_the_command_lists_how_much_is_made(capsys, monkeypatch, tmp_path):
    from nsthelpers.cli import commands

    monkeypatch.setattr(making, "contents", lambda: {"tiny": tiny()})
    assert commands.record(parser().parse_args(["record", "--folder", str(tmp_path)])) == 0
    assert "2 of 2" in capsys.readouterr().err
    arguments = parser().parse_args(["record", "--list", "--folder", str(tmp_path)])
    assert commands.record(arguments) == 0
    assert "tiny" in (shown := capsys.readouterr().out) and "2 of   2" in shown
