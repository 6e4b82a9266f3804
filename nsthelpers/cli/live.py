"""Callbacks of the command line: how a run is going, and pictures of the way."""

from __future__ import annotations

import math
from pathlib import Path

from ..files import check_destination
from ..images.arrays import resize
from ..images.files import load_image, save_image

__all__ = ["Frames", "ProgressBar", "duration"]


def duration(seconds) -> str:
    """Write a time as people say it.

    Examples
    --------
    >>> duration(8.2), duration(192), duration(math.nan)
    ('8 s', '3 min 12 s', 'unknown')
    """
    if not math.isfinite(seconds):
        return "unknown"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


class ProgressBar:
    """tqdm's bar on a terminal; elsewhere a line of text for every tenth of the work.

    Parameters
    ----------
    stream : text file or None
        Where to; None is silent.
    """

    def __init__(self, stream):
        from tqdm import tqdm

        self._lines = None if stream is None or stream.isatty() else stream
        shown = stream is not None and self._lines is None
        # Its own time left would be of equal steps, of which the large ones come last.
        shape = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
        self._bar = tqdm(file=stream, disable=not shown, unit="step", bar_format=shape)
        self._next = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._bar.close()

    def show(self, text):
        """Say what is done now."""
        self._bar.set_description_str(text)
        if self._lines:
            print(text, file=self._lines, flush=True)

    def __call__(self, progress):
        record = progress.record
        text = f"{record.size[1]} x {record.size[0]} px, loss {record.loss:.4g}"
        self._bar.total = progress.steps
        self._bar.set_description_str(text, refresh=False)
        left = f"{duration(progress.seconds_left)} left" if record.step else ""
        self._bar.set_postfix_str(left, refresh=False)
        self._bar.update(record.step - self._bar.n)
        tenth = int(10 * progress.done)
        if self._lines and tenth >= self._next:
            self._next = tenth + 1
            left = f", {left}" if left else ""
            self.show(f"step {record.step} of {progress.steps} ({text}){left}")


class Frames:
    """Saves frame_0000.png, frame_0001.png, … , all of the result's size at the end.

    Parameters
    ----------
    folder : str, Path or None
        Made when the first frame is; None saves nothing.
    every : int
        Steps between two frames.

    Attributes
    ----------
    count : int
        Frames saved so far.
    problem : str
        Why no more frames are saved, if so: a full disk must not end the run.
    """

    def __init__(self, folder, every):
        self._folder = Path(folder).expanduser() if folder else None
        self._every, self._next, self.count, self.problem = every, 0, 0, ""

    @staticmethod
    def check(folder):
        """Raise OSError if the folder cannot be used, before the work."""
        folder = Path(folder).expanduser()
        if not folder.exists():
            check_destination(folder)
        elif not folder.is_dir():
            raise NotADirectoryError(f"--frames {folder} is a file: name a folder")
        elif any(folder.glob("frame_*.png")):
            raise FileExistsError(f"--frames {folder} holds frames already: name an empty folder")
        else:
            check_destination(folder / "frame_0000.png")

    def __call__(self, progress):
        if self._folder and progress.record.step >= self._next:
            self._next = progress.record.step + self._every
            self._save(progress.image)

    def finish(self, image):
        """Add the result as the last frame; enlarge the frames of coarser scales to its size."""
        self._save(image)
        try:
            for number in range(self.count):
                frame = load_image(self._path(number))
                if frame.shape != image.shape:
                    save_image(resize(frame, size=image.shape[1:3]), self._path(number))
        except OSError as error:
            self.problem = error.strerror or str(error)

    def _save(self, image):
        if not self._folder or self.problem:
            return
        try:
            self._folder.mkdir(exist_ok=True)
            save_image(image, self._path(self.count))
            self.count += 1
        except OSError as error:
            self.problem = error.strerror or str(error)

    def _path(self, number):
        return self._folder / f"frame_{number:04d}.png"
