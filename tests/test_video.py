"""Clips painted frame by frame, and how much they flicker."""

from __future__ import annotations

import signal
import sys

import numpy as np
import pytest
from small_painters import small_painter

import nsthelpers as nst
from nsthelpers.__main__ import main
from nsthelpers.images.colours import palette
from nsthelpers.real_time import Flicker, flicker, paint_video, video

ffmpeg = pytest.importorskip("imageio_ffmpeg")

# imageio-ffmpeg leaves the pipes of a clip that it has read to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
PHOTO = nst.samples.load("chelsea", max_side=96)


class Same:
    """A painter that changes nothing, and keeps what it was given."""

    mix = np.ones(1, "float32")

    def __init__(self):
        self.seen = []

    def __call__(self, photo, mix, *, colours):
        self.seen.append((photo, colours))
        return photo


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4")


def make_clip(path, frames=12, height=32, width=48, rate=10.0):
    """A window that glides over a photograph."""
    with video._writer(ffmpeg, path, (height, width), rate) as writer:
        for number in range(frames):
            frame = PHOTO[0, number : number + height, 2 * number : 2 * number + width]
            writer.send(np.ascontiguousarray(nst.images.to_uint8(frame)))
    return path


def frames_of(path):
    with video._frames(ffmpeg, path) as (rate, frames):
        return rate, [each.astype("float32") / 255 for each in frames]


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.gif"])
def test_every_frame_comes_through(clip, tmp_path, name):
    made = paint_video(Same(), clip, tmp_path / name, progress=False)
    assert (made.frames, made.expected, made.height, made.width) == (12, 12, 32, 48)
    rate, frames = frames_of(made.path)
    assert rate == made.rate == 10 and len(frames) == 12
    for before, after in zip(frames_of(clip)[1], frames, strict=True):
        assert np.sqrt(np.mean((before - after) ** 2)) < 0.05  # what compression changes
    assert {path.name for path in tmp_path.iterdir()} == {"clip.mp4", name}


def test_a_gif_becomes_a_gif(tmp_path):
    clip = make_clip(tmp_path / "clip.gif", height=31, width=47)
    made = paint_video(Same(), clip, tmp_path / "out.gif", progress=False)
    assert (made.frames, made.height, made.width) == (12, 31, 47)
    assert made.path.read_bytes()[:4] == b"GIF8" and len(frames_of(made.path)[1]) == 12


def test_an_odd_edge_is_dropped_where_it_has_to_be(tmp_path):
    clip = make_clip(tmp_path / "clip.gif", height=31, width=47)
    made = paint_video(Same(), clip, tmp_path / "out.mp4", progress=False)
    assert (made.height, made.width) == (30, 46)
    assert frames_of(made.path)[1][0].shape == (30, 46, 3)


def test_frames_shrink_first(clip, tmp_path):
    painter = Same()
    made = paint_video(painter, clip, tmp_path / "out.mp4", max_side=24, progress=False)
    assert (made.height, made.width) == (16, 24)
    assert painter.seen[0][0].shape == (1, 16, 24, 3)


def test_colours_are_fitted_once_for_the_clip(clip, tmp_path):
    painter = Same()
    paint_video(painter, clip, tmp_path / "out.mp4", progress=False)
    assert all(colours is painter.seen[0][1] for _, colours in painter.seen)
    every = np.concatenate([frame[::5, ::5].reshape(-1, 3) for frame in frames_of(clip)[1][::5]])
    mean, covariance = painter.seen[0][1]
    np.testing.assert_allclose(mean, every.mean(0), atol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(every, rowvar=False, bias=True), atol=1e-6)


def test_a_painter_paints_what_it_paints_of_a_photograph(clip, tmp_path):
    """The colours of the clip count, and the mix."""
    painter, seen = small_painter("a", "b"), []
    colours = palette(PHOTO)
    one = painter(PHOTO, "b", colours=colours)
    np.testing.assert_allclose(one, painter(PHOTO, "b"), atol=1e-6)
    darker = painter(0.5 * PHOTO, "b", colours=colours)
    assert np.abs(darker - painter(0.5 * PHOTO, "b")).mean() > 1e-3

    class Watched(type(painter)):
        def __call__(self, photo, mix=None, **options):
            seen.append(mix)
            return super().__call__(photo, mix, **options)

    watched = Watched(painter.network, painter.names, painter.palettes)
    made = paint_video(watched, clip, tmp_path / "out.mp4", mix={"b": 2}, progress=False)
    assert made.frames == 12 and all(each.tolist() == [0, 1] for each in seen)


@pytest.fixture
def keyboard():
    """Ctrl+C as in a terminal, whoever started the tests: a background process ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_leaves_a_clip_that_plays(clip, tmp_path, capsys, keyboard):
    class Interrupted(Same):
        def __call__(self, photo, mix, *, colours):
            if len(self.seen) == 4:
                signal.raise_signal(signal.SIGINT)
            return super().__call__(photo, mix, colours=colours)

    handler = signal.getsignal(signal.SIGINT)
    made = paint_video(Interrupted(), clip, tmp_path / "out.mp4", progress=False)
    assert (made.frames, made.expected) == (5, 12)
    assert len(frames_of(made.path)[1]) == 5
    assert signal.getsignal(signal.SIGINT) is handler


def test_where_ctrl_c_is_ignored_it_stays_so(clip, tmp_path, keyboard):
    class Interrupted(Same):
        def __call__(self, photo, mix, *, colours):
            signal.raise_signal(signal.SIGINT)
            return super().__call__(photo, mix, colours=colours)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    made = paint_video(Interrupted(), clip, tmp_path / "out.mp4", progress=False)
    assert made.frames == made.expected == 12


def test_the_second_ctrl_c_ends_it_at_once(clip, tmp_path, keyboard):
    class Impatient(Same):
        def __call__(self, photo, mix, *, colours):
            for _ in range(2):  # one after the other: what comes at once counts once
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        paint_video(Impatient(), clip, tmp_path / "out.mp4", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_failure_leaves_no_half_file(clip, tmp_path):
    class Broken(Same):
        def __call__(self, photo, mix, *, colours):
            if self.seen:
                raise ValueError("out of paint")
            return super().__call__(photo, mix, colours=colours)

    with pytest.raises(ValueError, match="out of paint"):
        paint_video(Broken(), clip, tmp_path / "out.mp4", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_another_mistake_is_not_taken_for_one_of_writing(clip, tmp_path):
    class Unreadable(Same):
        def __call__(self, photo, mix, *, colours):
            raise OSError("the painting is on a disk that has gone")

    with pytest.raises(OSError, match="the painting is on a disk that has gone"):
        paint_video(Unreadable(), clip, tmp_path / "out.mp4", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_where_nothing_can_be_written_one_line_says_so(clip, tmp_path, monkeypatch):
    options = {**video._QUALITY["h264"], "codec": "none_such"}
    monkeypatch.setitem(video._QUALITY, "h264", options)
    with pytest.raises(OSError, match="cannot write .*out.mp4: ffmpeg stopped") as caught:
        paint_video(Same(), clip, tmp_path / "out.mp4", progress=False)
    assert isinstance(caught.value.__cause__, OSError)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    "source, destination, message",
    [
        ("text.mp4", "out.mp4", "text.mp4 is not a clip that ffmpeg can read"),
        ("none.mp4", "out.mp4", "no file none.mp4"),
        ("text.mp4", "out.avi", "the name must end in .mp4, .mov, .gif"),
        ("text.mp4", "no/out.mp4", "there is no folder"),
        ("text.mp4", "text.mp4", "would replace"),
    ],
)
def test_bad_files_are_one_line_each(tmp_path, source, destination, message, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.mp4").write_text("no clip, only words\n" * 100)
    with pytest.raises((ValueError, OSError), match=message):
        paint_video(Same(), source, destination, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]


def test_frames_that_are_too_small_are_refused(clip, tmp_path):
    with pytest.raises(ValueError, match="has 15 x 10 pixels; expected at least 16 x 16"):
        paint_video(small_painter("a"), clip, tmp_path / "out.mp4", max_side=15, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_the_command_line_paints_clips(clip, tmp_path, capsys):
    painter = small_painter("a").save(tmp_path / "a.safetensors")
    line = ["paint", str(clip), str(tmp_path / "out.mp4"), "--painter", str(painter)]
    assert main([*line, "--max-side", "32"]) == 0
    told = capsys.readouterr()
    assert "out.mp4 (32 x 20 px, 12 of 12 frames, without sound)" in told.out
    assert "12/12" in told.err
    assert main([*line, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    (tmp_path / "text.mp4").write_text("words")
    line[1] = str(tmp_path / "text.mp4")
    assert main([*line, "--quiet"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nst: error: ") and "is not a clip" in told and told.count("\n") == 1


def test_without_the_package_one_line_says_how_to_get_it(clip, tmp_path, capsys, monkeypatch):
    painter = small_painter("a").save(tmp_path / "a.safetensors")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    line = ["paint", str(clip), str(tmp_path / "out.mp4"), "--painter", str(painter)]
    assert main(line) == 2
    told = capsys.readouterr().err
    assert 'pip install "nsthelpers[video]"' in told and told.count("\n") == 1


def test_a_painter_that_changes_nothing_does_not_flicker():
    assert flicker(lambda frame: frame, PHOTO) == Flicker(0.0, 0.0, 8)


@pytest.mark.parametrize("step", [(0, 3), (2, 0), (2, 3)])
def test_the_flicker_of_a_ramp_that_stays_on_the_screen_is_its_slope_times_the_step(step):
    photo = 0.25 * nst.white_noise(48, 64)

    def paint(frame):
        y, x = np.mgrid[: frame.shape[1], : frame.shape[2]]
        return frame + (0.004 * x + 0.007 * y)[None, :, :, None]

    found = flicker(paint, photo, frames=4, step=step)
    assert found.painted == pytest.approx(0.007 * step[0] + 0.004 * step[1], rel=1e-5)
    assert found.unpainted == 0


def test_paint_that_glides_along_does_not_flicker_and_new_paint_does():
    def squared(frame):
        return frame**2

    generator = np.random.default_rng(0)

    def noisy(frame):
        return frame + generator.normal(0, 0.1, frame.shape)

    assert flicker(squared, PHOTO).painted == 0
    assert flicker(noisy, PHOTO).painted == pytest.approx(0.1 * np.sqrt(2), rel=0.02)


def test_colours_fitted_frame_by_frame_flicker_more():
    """A step from dark to light enters the window; the map for all is one and the same."""
    photo = 0.1 + 0.1 * nst.white_noise(32, 96)
    photo[:, :, 48:] += 0.6
    painter = small_painter("a", residual=True)
    painter.network.weights["last/kernel"].assign(
        np.zeros(painter.network.weights["last/kernel"].shape, "float32")
    )  # so that only the colours are changed
    once, each = (
        flicker(painter, photo, frames=4, step=(0, 16), fitted=way) for way in ("clip", "frame")
    )
    assert once.painted < 1e-5 < 0.02 < each.painted


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"frames": 1}, "frames is 1"),
        ({"step": (-1, 0)}, "step down is -1"),
        ({"frames": 60}, "leave a window of"),
        ({"fitted": "never"}, "unknown fitted 'never'"),
        ({"mix": "a"}, "mix is of a Painter"),
    ],
)
def test_a_flicker_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        flicker(lambda frame: frame, PHOTO, **changes)
