"""The drawn pictures: they exist, the scripts still draw them, and they differ in style."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "images"
SPECIFICATION = importlib.util.spec_from_file_location("draw_pictures", FOLDER / "draw.py")
draw = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(draw)


@pytest.fixture(autouse=True)
def _drawing_folder(monkeypatch):
    """Let ``drawing`` be imported, and leave the search path as it was."""
    monkeypatch.syspath_prepend(str(FOLDER))


def pixels(image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), dtype=float) / 255


def committed(name) -> np.ndarray:
    with Image.open(FOLDER / f"{name}.jpg") as image:
        return pixels(image)


def blurred(picture, factor) -> np.ndarray:
    """Average over squares of ``factor`` pixels."""
    height, width = (side // factor for side in picture.shape[:2])
    squares = picture[: height * factor, : width * factor]
    return squares.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))


def style(picture) -> np.ndarray:
    """Palette and texture in 12 numbers: mean and spread of RGB, contrast at three scales."""
    contrast = []
    for factor in (1, 4, 16):
        small = blurred(picture, factor)
        contrast += [np.abs(np.diff(small, axis=axis)).mean() * 2 for axis in (0, 1)]
    return np.concatenate([picture.mean(axis=(0, 1)), picture.std(axis=(0, 1)), contrast])


@pytest.mark.parametrize("name", draw.NAMES)
def test_committed_picture_has_its_declared_size_and_stays_small(name):
    module = draw.load(name)
    path = FOLDER / f"{name}.jpg"
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", module.SIZE)
    assert max(module.SIZE) == 512
    assert path.stat().st_size < draw.LARGEST_FILE
    assert module.TITLE in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", draw.NAMES)
def test_picture_uses_the_whole_range_of_values(name):
    grey = committed(name).mean(axis=2)
    dark, light = np.quantile(grey, [0.02, 0.98])
    assert dark < 0.3
    assert light > 0.65


def test_every_script_is_listed():
    scripts = {path.stem for path in (FOLDER / "drawing").glob("*.py")} - {"canvas", "__init__"}
    assert scripts == set(draw.NAMES)


def test_same_seed_draws_the_same_picture_and_the_committed_one():
    module = draw.load("pointillist_garden")
    first = module.draw()
    assert first.tobytes() == module.draw(seed=0).tobytes()
    # JPEG moves a pixel of these sharp dots by about 0.02; another seed moves it by 0.19.
    assert np.abs(pixels(first) - committed("pointillist_garden")).mean() < 0.04


def test_committed_wave_is_what_its_script_draws():
    redrawn = pixels(draw.load("woodblock_wave").draw())
    assert np.abs(redrawn - committed("woodblock_wave")).mean() < 0.03


def test_styles_differ_pairwise():
    styles = {name: style(committed(name)) for name in draw.NAMES}
    for first, second in itertools.combinations(draw.NAMES, 2):
        assert np.linalg.norm(styles[first] - styles[second]) > 0.15, (first, second)


def test_another_seed_draws_another_picture():
    from drawing import canvas

    shape = (40, 60)
    first = canvas.noise(shape, 8, np.random.default_rng(0))
    second = canvas.noise(shape, 8, np.random.default_rng(1))
    assert np.abs(first - second).mean() > 0.1


def test_follow_walks_along_the_field():
    from drawing import canvas

    slope = np.arctan2(3.0, 4.0)
    paths = canvas.follow(np.full((50, 50), slope), np.array([[20.0, 20.0]]), 4, 5.0)
    steps = np.diff(paths[0], axis=0)
    np.testing.assert_allclose(steps, np.tile([4.0, 3.0], (4, 1)), atol=1e-12)
    assert paths.shape == (1, 5, 2)
    np.testing.assert_allclose(paths[0, 2], [20.0, 20.0])


def test_curve_passes_evenly_through_a_straight_line():
    from drawing import canvas

    line = canvas.curve([(0, 0), (1, 2), (4, 8)], 9)
    np.testing.assert_allclose(line, np.linspace([0, 0], [4, 8], 9), atol=1e-9)
    assert line.shape == (9, 2)


def test_strokes_paint_colour_and_raise_relief():
    from drawing import canvas

    board = canvas.Canvas((20, 10), "#ffffff")
    path = np.stack([np.linspace(8, 32, 9), np.full(9, 10.0)], axis=-1)
    board.strokes(path[None], 8, np.array([[1.0, 0, 0]]), np.random.default_rng(0), variation=0)
    middle = board.colour.getpixel((20, 10))
    assert middle == (255, 0, 0)
    assert board.relief.getpixel((20, 10)) > 0
    assert board.relief.getpixel((20, 1)) == 0
    assert board.finish().size == (20, 10)


def test_unknown_picture_is_refused_with_the_names():
    with pytest.raises(ValueError, match="woodblock_wave"):
        draw.load("mona_lisa")


def test_command_line_draws_into_a_folder(tmp_path, monkeypatch, capsys):
    class Small:
        @staticmethod
        def draw():
            return Image.new("RGB", (8, 6), (200, 30, 30))

    monkeypatch.setattr(draw, "load", lambda name: Small)
    draw.main(["stained_glass", "--output", str(tmp_path / "new")])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["stained_glass.jpg"]
    assert "stained_glass.jpg" in capsys.readouterr().out


def test_command_line_refuses_an_unknown_name(tmp_path, capsys):
    with pytest.raises(SystemExit):
        draw.main(["mona_lisa", "--output", str(tmp_path)])
    assert "mona_lisa" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_save_lowers_the_quality_until_the_file_is_small(tmp_path):
    speckle = np.random.default_rng(0).integers(0, 256, (320, 320, 3), dtype=np.uint8)
    draw.save(Image.fromarray(speckle), tmp_path / "speckle.jpg")
    assert (tmp_path / "speckle.jpg").stat().st_size < draw.LARGEST_FILE
