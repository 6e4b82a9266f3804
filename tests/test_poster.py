"""Posters: their steps and paintings, and the command that goes on after a crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from interrupted_runs import Crash
from PIL import Image

import nsthelpers as nst
from nsthelpers import jobs, recipes
from nsthelpers.__main__ import main
from nsthelpers.synthesis.checkpoints import Checkpoints

SHALLOW = {"content_layers": "block1_conv1", "style_layers": "block1_conv1"}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Strokes are made at 32 pixels, so that 64 are a poster; its state is kept at every step."""
    monkeypatch.setattr(recipes, "_COARSEST", 32)
    monkeypatch.setattr(recipes, "_STROKES_MADE", 32)
    monkeypatch.setattr(recipes, "_POSTER_STEPS", (4, 3, 2))
    monkeypatch.setattr(Checkpoints, "due", True)
    monkeypatch.chdir(tmp_path)


def poster(*options, output="poster.png"):
    line = ["poster", "--content", "chelsea", "--style", "stained_glass", "--output", output]
    layers = ["--content-layers", "block1_conv1", "--style-layers", "block1_conv1"]
    return main([*line, "--max-side", "64", "--weights", "random", *layers, *options])


def files():
    return sorted(path.name for path in Path().iterdir())


class TestRecipe:
    @pytest.fixture
    def asked(self, monkeypatch):
        class Asked(Exception):
            pass

        def synthesize(objective, **options):
            raise Asked(objective, options)

        monkeypatch.setattr(recipes, "synthesize", synthesize)

        def ask(content="chelsea", style="stained_glass", **options):
            with pytest.raises(Asked) as asked:
                nst.poster(content, style, **options)
            return asked.value.args

        return ask

    def test_few_steps_where_strokes_are_made_already(self, asked, network):
        _, options = asked(max_side=256, network=network)
        assert options["scales"] == [32, 64, 128, 256] and options["steps"] == [4, 3, 2, 2]

    def test_steps_of_ones_own(self, asked, network):
        assert asked(max_side=64, network=network, steps=7)[1]["steps"] == 7
        assert asked(max_side=64, network=network, steps=[3, 1])[1]["steps"] == [3, 1]

    @pytest.mark.parametrize(
        "sides, expected", [([32], [4]), ([16, 32], [4, 4]), ([90], [4]), ([48, 96], [4, 3])]
    )
    def test_the_first_size_has_all_steps(self, sides, expected):
        assert recipes.poster_steps(sides) == expected

    def test_strokes_keep_their_size_beside_the_picture(self, asked, network):
        photo, painting = np.zeros((60, 90, 3)), np.random.default_rng(0).random((40, 30, 3))
        objective, _ = asked(photo, painting, max_side=80, network=network)
        [shown] = objective.terms["style"].images
        assert shown.shape == (1, 80, 60, 3)
        np.testing.assert_array_equal(shown, nst.resize(painting, size=(80, 60)))
        objective, _ = asked(photo, painting, max_side=80, stroke_size=0.5, network=network)
        assert objective.terms["style"].images[0].shape == (1, 40, 30, 3)

    def test_a_small_photograph_grows_and_a_large_one_shrinks(self, asked, network):
        for size in ((40, 48), (100, 120)):
            photo = np.random.default_rng(0).random((*size, 3), dtype="float32")
            objective, options = asked(photo, max_side=96, start=photo, network=network)
            expected = nst.resize(photo, size=(80, 96))
            np.testing.assert_array_equal(objective.terms["content"].image, expected)
            np.testing.assert_array_equal(options["start"], expected)
            assert options["scales"] == [48, 96] and options["steps"] == [4, 3]

    def test_one_size_is_refused(self):
        with pytest.raises(ValueError, match="scales is 'none', but a poster grows from coarse"):
            nst.poster("chelsea", "stained_glass", scales=None)

    def test_a_saved_one_can_be_made_again(self, network):
        options = {"max_side": 48, "network": network, "progress": False, **SHALLOW}
        made = nst.poster("chelsea", "stained_glass", **options)
        assert made.settings["steps"] == [4] and made.settings["job"]["steps"] is None
        again = jobs.from_data(made.settings["job"], network=network)
        assert isinstance(again, jobs.Poster)
        np.testing.assert_array_equal(recipes.run(again, progress=False).image, made.image)


class TestCommand:
    def test_it_goes_on_after_a_crash_and_removes_its_state(self, meter, capsys):
        assert poster("--quiet", output="whole.png") == 0
        whole = meter.count
        assert files() == ["whole.png"]

        meter.count, meter.fatal = 0, whole - 2  # at the last size
        with pytest.raises(Crash):
            poster("--quiet")
        assert files() == ["poster.png.state", "whole.png"]

        meter.count, meter.fatal = 0, None
        assert poster("--quiet") == 0
        assert meter.count in (3, 4)  # the step that it was in is made again
        assert files() == ["poster.png", "whole.png"]
        np.testing.assert_array_equal(nst.load_image("poster.png"), nst.load_image("whole.png"))
        assert capsys.readouterr() == ("", "")

    def test_it_says_what_it_takes_and_where_its_state_is(self, capsys):
        assert poster() == 0
        printed, said = capsys.readouterr()
        expected, kept, *steps = said.splitlines()
        assert "of memory on this device" in expected and "4 steps at 32 x 22 px" in expected
        assert "kept in poster.png.state; it is removed then. After a crash" in kept
        assert "step 7 of 7" in steps[-1] and " left" in steps[-1]
        assert "64 x 43 px" in printed and files() == ["poster.png"]

    def test_a_dry_run_makes_nothing(self, capsys):
        assert poster("--dry-run") == 0
        assert "3 steps at 64 x 43 px" in capsys.readouterr().out and files() == []

    def test_a_small_photograph_is_told(self, capsys):
        Image.new("RGB", (48, 40), "teal").save("small.png")
        assert poster("--content", "small.png", "--steps", "1") == 0
        printed, said = capsys.readouterr()
        assert "the photograph has 48 x 40 px and is enlarged; what it does not" in said
        assert "64 x 53 px" in printed
        assert poster("--content", "small.png", "--steps", "1", "--max-side", "48") == 0
        assert "enlarged" not in capsys.readouterr().err

    def test_a_folder_of_ones_own_stays(self, capsys):
        assert poster("--quiet", "--checkpoint", "kept") == 0
        assert files() == ["kept", "poster.png"]

    def test_what_a_time_limit_ends_can_go_on(self, capsys):
        assert poster("--time-limit", "1e-9") == 0
        assert "the state is still in poster.png.state" in capsys.readouterr().err
        assert files() == ["poster.png", "poster.png.state"]
        assert poster("--quiet") == 0
        assert files() == ["poster.png"]

    def test_other_files_beside_its_state_stay(self, meter):
        meter.fatal = 3
        with pytest.raises(Crash):
            poster("--quiet")
        Path("poster.png.state/notes.txt").write_text("mine")
        meter.fatal = None
        assert poster("--quiet") == 0
        assert [path.name for path in Path("poster.png.state").iterdir()] == ["notes.txt"]

    @pytest.mark.parametrize(
        "options, text",
        [
            (["--scales", "none"], "a poster grows from coarse to fine"),
            (["--frames", "way", "--save-every", "1"], "unrecognized arguments: --frames"),
            (["--tiles", "8"], "expected 'auto', 'none' or a whole number of at least 16"),
            (["--output", "poster.tif"], "must end in .png, .jpg or .webp"),
            (["--style", "no_such_painting"], "style is 'no_such_painting'"),
        ],
    )
    def test_what_is_refused(self, options, text, capsys):
        assert poster(*options) == 2
        printed, said = capsys.readouterr()
        assert printed == "" and text in said and said.count("\n") == 1
        assert files() == []
