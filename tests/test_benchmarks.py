"""What the benchmarks compute with, without their clock: counts, turns, fits, formulas, tables."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nsthelpers as nst

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    """Let the scripts import each other, and write elsewhere."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import measure

    monkeypatch.setattr(measure, "RESULTS", tmp_path)


class TestFlops:
    def count(self, *arguments, **options):
        from flops import evaluation_flops

        return evaluation_flops(*arguments, **options)

    def test_one_convolution_by_hand(self):
        # 4 x 6 positions, 9 x 3 inputs, 64 filters, multiply and add, forward and backward
        assert self.count((4, 6), content=["conv1_1"]) == 4 * 6 * 27 * 64 * 2 * 2

    def test_a_gram_matrix_by_hand(self):
        without = self.count((4, 6), content=["block1_conv1"])
        with_gram = self.count((4, 6), content=[], style=["block1_conv1"])
        assert with_gram - without == 4 * 6 * 64 * 64 * 2 * 2

    def test_pooling_halves_both_sides(self):
        to_two = self.count((8, 8), content=["block2_conv1"])
        to_one = self.count((8, 8), content=["block1_conv2"])
        assert to_two - to_one == 4 * 4 * 9 * 64 * 128 * 2 * 2

    def test_the_network_is_cut_at_the_deepest_layer(self):
        shallow = self.count((32, 32), content=["block1_conv2"], style=["block1_conv1"])
        grams = 32 * 32 * 64**2 * 4
        assert shallow == self.count((32, 32), content=["block1_conv2"]) + grams

    def test_order_and_repetition_do_not_matter(self):
        layers = ["block3_conv1", "block1_conv1"]
        assert self.count((32, 32), content=layers) == self.count((32, 32), content=layers[::-1])
        assert self.count((32, 32), content=["conv3_1"] * 2) == self.count(
            (32, 32), content=["block3_conv1"]
        )

    def test_the_whole_objective(self):
        # Simonyan and Zisserman's network to conv5_1 at 256 px: sum over its 13 convolutions of
        # outputs * 9 * inputs, times 4, and the Gram matrices, which are small beside it.
        pixels = 256**2
        products = [3 * 64, 64 * 64, 64 * 128 / 4, 128 * 128 / 4, 128 * 256 / 16]
        products += [256 * 256 / 16] * 3 + [256 * 512 / 64] + [512 * 512 / 64] * 3
        products += [512 * 512 / 256]
        grams = 64**2 + 128**2 / 4 + 256**2 / 16 + 512**2 / 64 + 512**2 / 256
        expected = 4 * pixels * (9 * sum(products) + grams)
        assert self.count((256, 256), style=nst.vgg.STYLE_LAYERS) == expected


class TestTurns:
    def test_a_and_b_take_turns_and_swap_places(self):
        from measure import interleave

        order = []
        tasks = {name: lambda name=name: order.append(name) for name in "AB"}
        interleave(tasks, 3)
        assert "".join(order) == "ABBAAB"

    def test_a_turn_is_timed_unless_it_times_itself(self):
        from measure import interleave

        ticks = iter([10.0, 13.0, 20.0, 24.0])
        taken = interleave(
            {"timed": lambda: None, "own": lambda: 0.5}, 2, clock=lambda: next(ticks, 99.0)
        )
        assert taken["own"] == [0.5, 0.5]
        assert taken["timed"][0] == 3.0

    def test_ratios_are_of_the_same_round(self):
        from measure import paired_ratio

        # The machine became ten times slower; the ratio did not change.
        assert paired_ratio([1, 10, 100], [2, 20, 200]) == 0.5

    def test_a_process_of_its_own_answers_turn_by_turn(self, tmp_path):
        from measure import Worker

        script = tmp_path / "script.py"
        script.write_text(
            f"import sys; sys.path.insert(0, {str(FOLDER)!r})\n"
            "import measure\n"
            "count = [0]\n"
            "def turn():\n"
            "    count[0] += 1\n"
            "    print('noise that is no answer')\n"
            "    return {'count': count[0], 'words': measure.worker_words()}\n"
            "measure.serve(lambda: {'ready': measure.is_worker()}, turn)\n"
        )
        with Worker(script, "a", 3) as worker:
            assert worker.answer() == {"ready": True}
            assert [worker.ask()["count"], worker.ask()["count"]] == [1, 2]
            assert worker.ask()["words"] == ["a", "3"]
        assert worker._process.returncode == 0

    def test_a_process_that_dies_is_an_error(self, tmp_path):
        from measure import Worker

        script = tmp_path / "script.py"
        script.write_text("raise SystemExit(3)")
        with Worker(script) as worker, pytest.raises(RuntimeError, match="ended with 3"):
            worker.answer()


class TestFits:
    def test_a_line(self):
        from measure import fit_line

        for relative in (False, True):
            fit = fit_line([1, 2, 5], [5, 7, 13], relative)
            assert (fit.intercept, fit.slope) == (pytest.approx(3), pytest.approx(2))
            assert fit.r_squared == pytest.approx(1) and fit.worst == pytest.approx(0, abs=1e-9)

    def test_a_power(self):
        from measure import fit_power

        x = np.array([1.0, 10.0, 100.0])
        fit = fit_power(x, 3 * x**1.5)
        assert np.exp(fit.intercept) == pytest.approx(3) and fit.slope == pytest.approx(1.5)
        assert fit.r_squared == pytest.approx(1)

    def test_the_worst_difference_is_named(self):
        from measure import fit_line

        fit = fit_line([0, 1, 2, 3], [1.0, 2.0, 3.0, 6.0])
        fitted = fit.intercept + fit.slope * np.arange(4)
        assert fit.worst == pytest.approx(np.max(np.abs(fitted / [1, 2, 3, 6] - 1)))
        assert 0 < fit.r_squared < 1


class TestTutorial:
    def test_our_terms_are_the_tutorials_formula(self):
        from time_to_loss import independent_loss, tutorial_objective

        rng = np.random.default_rng(3)
        photo, painting, image = rng.uniform(size=(3, 1, 32, 48, 3)).astype("float32")
        weights = nst.load_weights("random")
        objective = tutorial_objective(photo, painting, nst.VGG(weights=weights))
        found = sum(term["weighted"] for term in objective.report(image).values())
        expected = independent_loss(image, photo, painting, weights)
        assert found == pytest.approx(expected, rel=1e-4)

    def test_what_it_took_to_a_mark(self):
        from time_to_loss import reached, summary

        tutorial = [[2.0 * step, step + 1, 100.0 - step] for step in range(51)]
        quick = [[1.0, 1, 100.0], [2.0, 3, 85.0], [4.0, 6, 79.0]]
        assert reached(quick, 80.0) == (4.0, 6) and reached(quick, 70.0) is None
        losses, rows = summary({"TensorFlow tutorial": tutorial, "quick": quick}, (20, 50))
        assert losses == {20: 80.0, 50: 50.0}
        assert rows["quick"]["to"] == {
            "20": {"seconds": 4.0, "evaluations": 6, "times_faster": 10.0},
            "50": None,
        }
        assert rows["TensorFlow tutorial"]["to"]["50"]["times_faster"] == 1.0
        assert rows["quick"]["lowest"] == 79.0

    def test_the_clock_stands_still_between_turns(self, monkeypatch):
        import time_to_loss

        now, said = [0.0], []

        class Answers:
            def give(self, **values):
                said.append(values)

            def wait(self):
                now[0] += 1000.0  # others have their turn
                return "2"

        monkeypatch.setattr(time_to_loss.measure, "Answers", Answers)
        monkeypatch.setattr(time_to_loss.time, "perf_counter", lambda: now[0])
        relay = time_to_loss.Relay(3)
        relay.begin(ready=True)
        done = False
        while not done:
            now[0] += 1.0  # an evaluation

            def judge():
                now[0] += 50.0  # off the clock
                return 7.0

            done = relay.point(judge)
        relay.finish()
        assert said == [
            {"ready": True},
            {"points": [[1.0, 1, 7.0], [2.0, 2, 7.0]], "done": False},
            {"points": [[3.0, 3, 7.0]], "done": True},
        ]


class TestReport:
    def test_numbers_are_put_between_the_marks_and_nothing_else_is_touched(self):
        from report import between

        text = "before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n"
        assert between(text, "new") == (
            "before\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nafter\n"
        )
        with pytest.raises(ValueError, match="bench:begin"):
            between("no marks", "new")

    def test_a_table_in_markdown(self):
        from report import table

        assert table(("a", "b"), [("x", 1)]) == "| a | b |\n|---|--:|\n| x | 1 |"

    def test_results_name_their_command_machine_and_date(self, monkeypatch, tmp_path):
        import measure

        monkeypatch.setattr(sys, "argv", ["benchmarks/growth.py", "--quick"])
        measure.save("growth", {"points": []}, measure.facts())
        record = json.loads((tmp_path / "growth.json").read_text())
        assert record["command"] == "python benchmarks/growth.py --quick"
        assert {"date", "machine", "versions", "points"} <= set(record)

    def test_a_shown_table_lines_up(self, monkeypatch):
        from measure import show

        monkeypatch.setattr(sys, "stdout", io.StringIO())
        show(("px", "s"), [("64 x 64", 0.5)])
        assert sys.stdout.getvalue() == "px         s\n64 x 64  0.5\n"


FACTS = {
    "command": "python benchmarks/x.py",
    "date": "2030-01-02 03:04 UTC",
    "machine": "a machine, 2 cores, 8 GiB",
    "versions": {"numpy": "9.9"},
}


def a_method(seconds, peak):
    return {"seconds": seconds, "to_pastiche": seconds / 2, "share_of_limit": 0.5, "peak": peak}


RECORDS = {
    "evaluation": FACTS
    | {
        "rows": [
            {
                "size": [384, 512],
                "precision": "bfloat16",
                "limits": {
                    "float32": {"by": "numpy", "flops_per_second": 2e11},
                    "bfloat16": {"by": "tensorflow", "flops_per_second": 4e11},
                },
                "methods": {
                    "ours": a_method(1.0, 3 << 30),
                    "float32": a_method(1.5, 3 << 30),
                    "pastiche": a_method(2.0, 2 << 30),
                },
            }
        ]
    },
    "six_pairs": FACTS
    | {
        "side": 192,
        "steps": [200],
        "rows": [
            {
                "pair": ["cup", "wave"],
                "tutorial": [20.0],
                "tutorial (noise, both)": [40.0],
                **dict.fromkeys(
                    ("content", "recoloured", "noise", "noise, both"),
                    [{"seconds": 8.0, "evaluations": 90}],
                ),
            }
        ],
    },
    "six_pairs_against": FACTS
    | {
        "side": 192,
        "steps": [200, 1000],
        "rows": [
            {
                "pair": ["cup", "wave"],
                "content": [{"seconds": 2.0, "evaluations": 20}, None],
                "before: content": [{"seconds": 5.0, "evaluations": 40}] * 2,
            },
        ],
    },
    "painter": FACTS | {"milliseconds": {"384": 61.4}},
    "time_to_loss": FACTS
    | {
        "side": 192,
        "marks": {"200": 18e6},
        "agreement": {"formula": 1e-7},
        "rows": {
            "ours, default": {
                "seconds_per_evaluation": 0.1,
                "to": {"200": {"seconds": 5.0, "evaluations": 50, "times_faster": 8.25}},
                "lowest": 8e6,
                "evaluations": 400,
            },
            "slow": {
                "seconds_per_evaluation": 0.2,
                "to": {"200": None},
                "lowest": 9e7,
                "evaluations": 250,
            },
        },
    },
}


class TestTables:
    def made(self, name):
        from report import SECTIONS

        return SECTIONS[name](RECORDS[name])

    @pytest.mark.parametrize("name", RECORDS)
    def test_a_section_says_where_its_numbers_come_from(self, name):
        text = self.made(name)
        for part in ("python benchmarks/x.py", "2030-01-02", "a machine", "numpy 9.9"):
            assert part in text

    def test_every_method_has_a_line_wins_and_losses_alike(self):
        text = self.made("evaluation")
        assert "| 512 x 384 | ours (bfloat16) | 1.000 | 50% | 3072 | 0.50 | 1.50 |" in text
        assert "| 512 x 384 | pastiche | 2.000 | 50% | 2048 | 1.00 | 1.00 |" in text

    def test_what_was_not_reached_is_said(self):
        text = self.made("time_to_loss")
        assert "| ours, default | 100 | 5.0 | 50 | **8.2** | 8.00 M |" in text
        assert "| slow | 200 | not reached | stopped at 250 |" in text

    def test_the_readmes_block_is_short_and_whole(self):
        from report import short

        text = short(RECORDS)
        assert (
            "| ours, default | 8.2 x |" in text
            and "| slow | not reached, stopped at 250 evaluations |" in text
        )
        assert "| 512 x 384 | 1.00 s | 50% | 0.50 | 1.50 | 1.50 s |" in text
        assert "| from noise | **2.5** (2.5) |" in text
        assert "| from noise, and so does the tutorial's | **5.0** (5.0) |" in text
        assert "on 2030-01-02, a machine" in text and len(text.splitlines()) < 30

    def test_before_and_after_stand_in_one_table(self):
        text = self.made("six_pairs_against")
        assert "| content, 200 steps | 20 / 40 | 2.50 |" in text
        assert "| content, 1000 steps | not reached / 40 |  |" in text

    def test_a_painters_picture_takes_milliseconds(self):
        assert "| 384 x 256 | 61 |" in self.made("painter")

    def test_a_limit_for_each_number_format(self):
        assert "200 to 200 GFLOP/s in float32, 400 to 400 GFLOP/s in bfloat16" in self.made(
            "evaluation"
        )


def test_spread_by_hand():
    from statistic_weights import spread

    assert spread([2.0, 2.0, 2.0], 2.0) == 0.0
    assert spread([np.e, 1 / np.e], 1.0) == pytest.approx(1.0)
    assert spread([6.0, 3.0], 3.0) == pytest.approx(np.log(2) / np.sqrt(2))


def test_late_marks_are_evaluations_of_the_run(monkeypatch, network):
    """At the start's own loss after no step; below what can be had never."""
    import late_marks

    monkeypatch.setattr(late_marks, "LIMIT", 6)
    monkeypatch.setattr(
        late_marks,
        "tutorial_objective",
        lambda photo, painting: 1.0 * nst.Style(painting, "block1_conv1", network=network),
    )
    found = late_marks.evaluations_to([1e9, 0.0], "content", 0.0, 5, seed=0, side=32)
    assert found == [1, None]


def test_marks_of_an_earlier_run_need_no_tutorial(monkeypatch, tmp_path):
    import six_pairs

    def nobody(*words):
        raise AssertionError("the tutorial's program ran")

    monkeypatch.setattr(six_pairs, "tutorial", nobody)
    rows = [[1.0, 5, 30.0], [2.0, 10, 20.0], [3.0, 15, 10.0]]
    monkeypatch.setattr(six_pairs, "in_process", lambda *words: {"rows": rows})
    marks = {"marks": [20.0, 5.0], f"marks ({six_pairs.BOTH})": [10.0, 30.0]}
    earlier = marks | {"tutorial": [9.0, 99.0], "content": "of the earlier run"}
    found = six_pairs.pair_rows(0, 32, (1, 2), 3, {"": tmp_path}, tmp_path, earlier)
    assert found["pair"] == list(six_pairs.PAIRS[0])
    assert found["tutorial"] == [9.0, 99.0]
    assert found["content"] == [{"seconds": 2.0, "evaluations": 10}, None]
    assert found[six_pairs.BOTH][1] == {"seconds": 1.0, "evaluations": 5}


def test_factors_of_pairs_by_hand():
    import six_pairs

    reached = {"seconds": 5.0, "evaluations": 50}
    rows = [
        {"tutorial": [20.0, 100.0], "content": [reached, reached]},
        {"tutorial": [10.0, 50.0], "content": [reached, None]},
    ]
    assert six_pairs.factors(rows, "content", 0) == [4.0, 2.0]
    assert six_pairs.factors(rows, "content", 1) == [20.0, 0.0]


class TestSeams:
    BORDERS = ([64, 128], [64, 128, 192])

    @pytest.fixture
    def picture(self):
        """Blurred noise with a faint pattern on every eighth line, as poolings leave one."""
        rng = np.random.default_rng(3)
        noise = rng.random((200, 264, 3))
        smooth = sum(np.roll(noise, (i, j), (0, 1)) for i in range(4) for j in range(4)) / 16
        smooth[::8] += 0.02
        smooth[:, ::8] += 0.02
        return smooth

    def judge(self, picture, borders=BORDERS):
        from seams import seams

        return seams(picture, borders, grid=8)

    def test_none_where_there_is_none(self, picture):
        found = self.judge(picture)
        assert not found.found and 0.01 < found.place < 0.99
        assert found.lines == 5 and found.usual[0] < found.ratio < found.usual[1]
        assert found.ratio > 1.05  # the pattern, which other lines of the grid have, too

    def test_a_planted_step(self, picture):
        for row in self.BORDERS[0]:
            picture[row:] += 0.02
        found = self.judge(picture)
        assert found.found and found.place == 1 and found.ratio > found.usual[1]

    def test_a_step_in_one_tile_only(self, picture):
        picture[64:128, 64:128] += 0.08
        assert self.judge(picture).found

    def test_borders_that_were_smoothed_away(self, picture):
        for column in self.BORDERS[1]:
            picture[:, column] = picture[:, column - 1]
        found = self.judge(picture)
        assert found.found and found.place == 0

    def test_the_energy_by_hand(self):
        from seams import energy

        assert energy(np.array([[[0.0], [1.0]], [[2.0], [1.0]], [[2.0], [0.0]]])).tolist() == [
            2.0, 0.5,
        ]  # fmt: skip

    def test_what_is_rough_in_all_its_neighbourhood_is_no_seam(self, picture):
        rough = np.random.default_rng(4).normal(0, 0.1, (24, 264, 3))
        picture[52:76] += rough  # around the border at row 64
        assert not self.judge(picture).found

    def test_a_picture_of_one_colour(self):
        found = self.judge(np.full((200, 264, 3), 0.5))
        assert found.ratio == 1 and not found.found

    def test_too_few_lines(self, picture):
        for borders in (([], []), ([8 * k for k in range(1, 20)], [])):
            with pytest.raises(ValueError, match="too few, or too near together"):
                self.judge(picture, borders)

    def test_where_the_cores_of_a_picture_meet(self):
        from seams import borders_of

        assert borders_of((200, 264), 64, ["block3_conv1", "block1_conv1"]) == (
            ([52, 104, 156], [56, 112, 168, 224]), 4,
        )  # fmt: skip

    def test_a_file_that_the_package_wrote(self, monkeypatch, tmp_path, capsys, network):
        import seams

        layers = {"content_layers": "block2_conv1", "style_layers": "block1_conv1"}
        made = nst.stylize(
            "chelsea", "mosaic_sunset", max_side=96, steps=2, scales=None, tiles=32,
            network=network, progress=False, **layers,
        )  # fmt: skip
        made.save(tmp_path / "tiled.png")
        monkeypatch.setattr(sys, "argv", ["seams.py", str(tmp_path / "tiled.png")])
        seams.main()
        assert "96 x 64 px, tiles of 32: the energy on the 3 borders is" in capsys.readouterr().out
        kept = json.loads((tmp_path / "seams.json").read_text(encoding="utf-8"))
        assert kept["lines"] == 3 and kept["found"] is False and kept["tiles"] == 32


class TestTiles:
    @pytest.fixture
    def tiles(self, monkeypatch):
        import tiles

        asked = []

        def measured(row, options):
            asked.append(row)
            if row == "4096":
                return {"left_out": "needs about 24 GB; 20 were free"}
            return {
                "peak": 2e9,
                "seconds": 3.0,
                "others": 0.4 if row == "1024" else 0.0,
                "tiles": 4,
            }

        monkeypatch.setattr(tiles, "measured", measured)

        def run(*words):
            asked.clear()
            monkeypatch.setattr(sys, "argv", ["tiles.py", *words])
            tiles.main()
            return list(asked)

        return run

    def test_it_goes_on_row_by_row(self, tiles, capsys):
        assert tiles("--rows", "1024") == ["1024"]
        assert tiles("--rows", "1024", "1024/512", "4096") == ["1024/512", "4096"]
        assert tiles("--rows", "1024", "1024/512", "4096") == []
        shown = capsys.readouterr().out
        assert "(3.00)" in shown and "needs about 24 GB; 20 were free" in shown

    def test_what_was_disturbed_is_measured_again_when_asked(self, tiles):
        rows = ["--rows", "1024", "1024/512", "4096"]
        assert len(tiles(*rows)) == 3
        assert tiles(*rows, "--again") == ["1024", "4096"]

    def test_other_options_are_another_table(self, tiles):
        tiles("--rows", "1024/512")
        assert tiles("--rows", "1024/512", "--steps", "7") == ["1024/512"]

    @pytest.mark.parametrize("row", ["1024 torch", "1024/512 pastiche"])
    def test_rows_that_make_no_sense(self, row):
        from tiles import parsed

        with pytest.raises(ValueError, match="expected such as"):
            parsed(row)

    def test_what_does_not_fit_is_not_begun(self, monkeypatch):
        import psutil
        import tiles

        options = {"steps": 5, "history": "bfloat16", "precision": "bfloat16"}
        whole, cut = (tiles.needs(4096, tile, False, options) for tile in (None, 512))
        assert 5e9 < cut < 0.4 * whole
        free = type("Memory", (), {"available": 4e9})
        monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
        assert "GB; 4 were free" in tiles.measured("4096", options)["left_out"]

    def test_a_row_in_a_process_of_its_own(self, monkeypatch):
        import tiles

        ended = subprocess.CompletedProcess([], 0, stdout='{"peak": 5, "processor": 0.0}\n')
        monkeypatch.setattr(tiles.subprocess, "run", lambda *words, **options: ended)
        monkeypatch.setattr(tiles, "needs", lambda *_: 0)
        found = tiles.measured("64", {})
        assert found["peak"] == 5 and found["others"] >= 0
        ended.returncode = -9
        assert "not enough memory" in tiles.measured("64", {})["left_out"]
        ended.returncode = 1
        with pytest.raises(subprocess.CalledProcessError):
            tiles.measured("64", {})

    def test_ours_as_a_whole_and_in_tiles(self, monkeypatch, network):
        import tiles

        monkeypatch.setattr(nst, "VGG", lambda: network)
        whole, cut = (tiles.ours(64, side, 2, "bfloat16", "float32") for side in (None, 32))
        assert (whole["tiles"], cut["tiles"]) == (1, 4)
        assert len(cut["all_seconds"]) >= 2 and cut["seconds"] > 0
