"""Moving pictures: a clip painted frame by frame, and how much the paint flickers."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ..arguments import check_choice, check_whole
from ..choices import VIDEO_NAMES
from ..files import check_destination
from ..images.arrays import as_image, resize, to_uint8
from ..images.colours import palette
from ..images.files import existing_file
from .painter import Painter

__all__ = ["Clip", "Flicker", "check_video_name", "flicker", "paint_video"]

_FITTED = 5  # every so many frames count for the colours, and every so many of their pixels
_QUALITY = {
    # Players want 4:2:0; strokes need a little more than the usual quality of 23.
    "h264": {"codec": "libx264", "quality": None, "output_params": ["-crf", "18"]},
    # A palette for each frame: one for all would hold all frames in memory.
    "gif": {
        "codec": "gif",
        "quality": None,
        "pix_fmt_out": "pal8",
        "output_params": [
            "-filter_complex",
            "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1",
        ],
    },
}


@dataclass(frozen=True)
class Clip:
    """What was painted.

    Attributes
    ----------
    path : Path
    frames : int
        That are in the file; fewer than ``expected`` after an interruption.
    expected : int
        That the source has.
    height, width : int
        In pixels.
    rate : float
        Frames in a second.
    """

    path: Path
    frames: int
    expected: int
    height: int
    width: int
    rate: float


@dataclass(frozen=True)
class Flicker:
    """How much frames differ that should be one the shifted other.

    Attributes
    ----------
    painted, unpainted : float
        Root of the mean squared difference, in the unit of the picture (1 is from black to white):
        of the painted frames, and of those that were painted.
    frames : int
    """

    painted: float
    unpainted: float
    frames: int


def check_video_name(path) -> Path:
    """Find out before the work whether a clip could be written there.

    Raises
    ------
    ValueError
        For another ending than .mp4, .mov and .gif.
    OSError
        As from :func:`nsthelpers.files.check_destination`.

    Examples
    --------
    >>> check_video_name("night.mp4").suffix
    '.mp4'
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in VIDEO_NAMES:
        names = ", ".join(VIDEO_NAMES)
        raise ValueError(f"cannot save a clip as {path.name!r}: the name must end in {names}")
    return check_destination(path)


def paint_video(painter, source, destination, *, mix=None, max_side=None, progress=True) -> Clip:
    """Paint a clip, one frame after the other.

    Parameters
    ----------
    painter : Painter
    source : str or Path
        A video, or an animated GIF.
    destination : str or Path
        Ends in ".mp4", ".mov" or ".gif". There is no sound in it.
    mix : str, dict of str to float, or sequence of float, optional
        As of :class:`Painter`.
    max_side : int, optional
        Frames are shrunk to this long side first.
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Clip
        Ctrl+C ends it early, after the frame in hand: what is painted is saved and can be played.

    Raises
    ------
    ValueError
        For what is no clip, frames that are too small, or a mix that makes no sense.
    OSError
        If a file is not there or cannot be written.
    ImportError
        Without the package imageio-ffmpeg: ``pip install "nsthelpers[video]"``.

    Notes
    -----
    The clip is read twice. First the mean and covariance of its colours are taken, so that all
    frames are moved to the painting's colours by one and the same map; fitted frame by frame,
    colours would pump. Then each frame is read, painted and written, so that memory does not grow
    with the clip. H.264 has even sides: an odd row or column at the edge is dropped.

    Examples
    --------
    >>> from nsthelpers.real_time import load_painter
    >>> paint_video(load_painter("night.safetensors"), "clip.mp4", "out.mp4")  # doctest: +SKIP
    Clip(path=PosixPath('out.mp4'), frames=120, expected=120, height=360, width=640, rate=25.0)
    """
    destination = check_video_name(destination)
    source = existing_file(Path(source).expanduser())
    if destination.exists() and destination.samefile(source):
        raise ValueError(f"the painted clip would replace {source}: choose another name")
    if max_side is not None:
        check_whole("max_side", max_side, 1)
    shares = painter.mix if mix is None else painter.shares(mix)
    ffmpeg = _ffmpeg()
    expected, colours = _colours_of(ffmpeg, source)
    written, size = 0, None
    bar = tqdm(total=expected, disable=not progress, desc="painting", unit="frame")
    unfinished = destination.with_name(f".{uuid.uuid4().hex}.part{destination.suffix}")
    try:
        with bar, _interruption() as interrupted, contextlib.ExitStack() as opened:
            rate, frames = opened.enter_context(_frames(ffmpeg, source))
            for frame in frames:
                photo = as_image(frame) if max_side is None else resize(frame, max_side=max_side)
                painted = to_uint8(painter(photo, shares, colours=colours))
                if destination.suffix.lower() != ".gif":
                    height, width = (side - side % 2 for side in painted.shape[:2])
                    painted = painted[:height, :width]
                with _written(destination):
                    if size is None:
                        size = painted.shape[:2]
                        writer = opened.enter_context(_writer(ffmpeg, unfinished, size, rate))
                    writer.send(np.ascontiguousarray(painted))
                written += 1
                bar.update()
                if interrupted.is_set():
                    break
        with _written(destination):
            os.replace(unfinished, destination)
    finally:
        unfinished.unlink(missing_ok=True)
    return Clip(destination, written, expected, *size, rate)


def flicker(painter, photo, *, frames=8, step=(1, 2), mix=None, fitted="clip") -> Flicker:
    """Measure how much a painter's strokes jump where the picture only glides.

    A window glides over a photograph by whole pixels, so that it is known where every pixel of a
    frame was in the frame before. What is painted should glide along.

    Parameters
    ----------
    painter : Painter or callable
        A callable gets a frame and gives it back painted, of the same shape.
    photo : array, shape (1, H, W, 3), RGB, range [0, 1]
    frames : int, default 8
        At least 2.
    step : (int, int), default (1, 2)
        Pixels from frame to frame, down and to the right.
    mix : optional
        As of :class:`Painter`.
    fitted : {"clip", "frame"}, default "clip"
        Whether colours are moved by one map for all frames, as :func:`paint_video` does, or each
        frame by its own.

    Returns
    -------
    Flicker

    Raises
    ------
    ValueError
        For a photograph that leaves a window of less than 16 pixels, or numbers that make no sense.

    Notes
    -----
    The root of the mean over all pairs of neighbouring frames, and all pixels that both of them
    show, of the squared difference: the warping error of Lai et al. (2018) for a flow that is known
    exactly, without occlusions.

    References
    ----------
    Lai et al. (2018), "Learning Blind Video Temporal Consistency", arXiv 1808.00449, eq. 8.

    Examples
    --------
    >>> from nsthelpers import white_noise
    >>> flicker(lambda frame: frame, white_noise(40, 60))
    Flicker(painted=0.0, unpainted=0.0, frames=8)
    """
    photo = as_image(photo)
    check_whole("frames", frames, 2)
    down, right = step
    for name, value in (("step down", down), ("step to the right", right)):
        check_whole(name, value, 0)
    check_choice("fitted", fitted, ("clip", "frame"))
    height = photo.shape[1] - (frames - 1) * down
    width = photo.shape[2] - (frames - 1) * right
    if min(height, width) < 16:
        raise ValueError(
            f"{frames} frames leave a window of {width} x {height} pixels; expected at least "
            "16 x 16: give a larger photograph, or fewer frames"
        )
    paint = painter
    if isinstance(painter, Painter):
        colours = palette(photo) if fitted == "clip" else None

        def paint(frame):
            return painter(frame, mix, colours=colours)

    elif mix is not None:
        raise ValueError("mix is of a Painter; another callable has to know what it paints")
    errors, before = [], None
    for number in range(frames):
        top, left = number * down, number * right
        window = photo[:, top : top + height, left : left + width]
        now = window, np.asarray(paint(window))
        if before is not None:
            pairs = zip(before, now, strict=True)
            errors.append([_warped_error(*pair, down, right) for pair in pairs])
        before = now
    unpainted, painted = np.sqrt(np.mean(errors, axis=0))
    return Flicker(float(painted), float(unpainted), frames)


def _warped_error(before, after, down, right):
    """Mean squared difference of two frames, the first moved to where the second is."""
    height, width = after.shape[1] - down, after.shape[2] - right
    moved = before[:, down:, right:].astype("float64")
    return np.mean((moved - after[:, :height, :width]) ** 2)


@contextlib.contextmanager
def _interruption():
    """An event that Ctrl+C sets, in place of ending the work anywhere; the second Ctrl+C does.

    Between two frames a clip can be closed so that it plays; in the middle of one it cannot.
    """
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    # Ctrl+C never arrives in another thread, nor in a process that a shell put in the background.
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield interrupted
        return

    def note(number, frame):
        interrupted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _ffmpeg():
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ImportError(
            "clips need the package imageio-ffmpeg; install it with: "
            'pip install "nsthelpers[video]"'
        ) from None
    return imageio_ffmpeg


def _colours_of(ffmpeg, source):
    """How many frames there are, and the mean and covariance of their colours."""
    count, pixels, total, products = 0, 0, np.zeros(3), np.zeros((3, 3))
    with _frames(ffmpeg, source) as (_, frames):
        for frame in frames:
            if count % _FITTED == 0:
                colours = frame[::_FITTED, ::_FITTED].reshape(-1, 3) / 255.0
                pixels += len(colours)
                total += colours.sum(0)
                products += colours.T @ colours
            count += 1
    mean = total / pixels
    return count, (mean, products / pixels - np.outer(mean, mean))


@contextlib.contextmanager
def _frames(ffmpeg, source):
    """A clip's frames a second, and its frames: uint8, shape (H, W, 3)."""
    with contextlib.closing(ffmpeg.read_frames(str(source))) as reader:
        try:
            about = next(reader)
            first = next(reader)
        except (OSError, StopIteration, RuntimeError):
            raise ValueError(
                f"{source} is not a clip that ffmpeg can read: expected MP4, GIF, MOV, WebM, ..."
            ) from None
        width, height = about["size"]
        if not (math.isfinite(about["fps"]) and about["fps"] > 0):
            raise ValueError(f"{source} has no frame rate; it may be a still picture")

        def arrays():
            data = first
            while data is not None:
                yield np.frombuffer(data, "uint8").reshape(height, width, 3)
                data = next(reader, None)

        yield about["fps"], arrays()


@contextlib.contextmanager
def _written(path):
    """One line about what cannot be written; what ffmpeg says of it, in many, is its cause."""
    try:
        yield
    except OSError as error:
        reason = "the folder has gone, or there is no room"
        raise OSError(f"cannot write {path}: ffmpeg stopped; {reason}") from error


@contextlib.contextmanager
def _writer(ffmpeg, path, size, rate):
    kind = _QUALITY["gif" if path.suffix.lower() == ".gif" else "h264"]
    options = {"fps": rate, "macro_block_size": 1, "ffmpeg_log_level": "quiet", **kind}
    writer = ffmpeg.write_frames(str(path), size[::-1], **options)
    with contextlib.closing(writer):
        writer.send(None)  # it waits for the first frame
        yield writer
