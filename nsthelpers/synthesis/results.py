"""What a run tells on the way, and what comes out of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from ..backend import to_numpy
from ..images.arrays import to_png_bytes
from ..images.files import save_image
from ..images.html import image_tag

__all__ = ["Progress", "Record", "Synthesis", "on_host"]


@dataclass(frozen=True)
class Record:
    """One line of the history.

    Attributes
    ----------
    step : int
        Counted over all scales; 0 is the start image. A scale that converges early leaves out the
        rest of its steps.
    evaluations : int
        Of the objective and its gradient, so far.
    seconds : float
        Since the start of the run.
    loss : float
        The weighted sum.
    terms : dict of str to float
        Each term's loss before its weight.
    size : (int, int)
        Height and width of the image at that step; losses of different sizes do not compare.
    """

    step: int
    evaluations: int
    seconds: float
    loss: float
    terms: dict[str, float]
    size: tuple[int, int]

    @classmethod
    def from_data(cls, data) -> Record:
        """The same record from what :func:`dataclasses.asdict` made of it, and JSON of that.

        Parameters
        ----------
        data : dict
            A loss of None is NaN, which JSON lacks.

        Returns
        -------
        Record

        Examples
        --------
        >>> record = Record(0, 1, 0.5, 2.0, {"content": 2.0}, (24, 32))
        >>> Record.from_data(asdict(record) | {"size": [24, 32]}) == record
        True
        """
        return cls(
            **{
                **data,
                "loss": _number(data["loss"]),
                "terms": {label: _number(loss) for label, loss in data["terms"].items()},
                "size": tuple(data["size"]),
            }
        )


class Progress:
    """What a callback is given after every step.

    Attributes
    ----------
    record : Record
        The newest line of the history.
    steps : int
        How many steps are planned in all.
    done : float
        How much of the work is done, from 0 to 1; large sizes and tiles count more. Given nothing
        else, the share of steps.
    """

    def __init__(self, record, steps, tensor, done=None):
        self.record, self.steps, self._tensor = record, steps, tensor
        self.done = record.step / steps if done is None else done

    @property
    def image(self) -> np.ndarray:
        """The current image, float32 (1, H, W, 3); copied from the device when asked for."""
        return on_host(self._tensor)

    @property
    def seconds_left(self) -> float:
        """What the steps so far make expect, if time goes with the work; NaN at step 0."""
        return self.record.seconds * (1 - self.done) / self.done if self.done else math.nan


@dataclass
class Synthesis:
    """What came out of :func:`nsthelpers.synthesize`.

    Attributes
    ----------
    image : array, float32, shape (1, H, W, 3), RGB, range [0, 1]
        The image of the lowest loss that was seen at the final size; with ``jitter``, where losses
        are those of another shift each, the last one. Where the run stopped before that size, the
        one of the last size, enlarged.
    history : list of Record
        Empty if the run was interrupted before the start image was evaluated.
    stop_reason : str
        "steps", "converged" or "time limit"; "callback" if one of them asked to stop, "interrupted"
        after Ctrl-C; "not finite" or "out of memory"; "error" where an exception carries it.
    message : str
        The same in a sentence, with the likely cause where something went wrong.
    settings : dict
        Everything that decided the pixels, as plain data.
    evaluations : int
    seconds : float
    """

    image: np.ndarray
    history: list[Record]
    stop_reason: str
    message: str
    settings: dict
    evaluations: int
    seconds: float

    def save(self, path, quality=95):
        """Write the picture as PNG, JPEG or WebP, with the settings inside.

        Parameters
        ----------
        path, quality
            As in :func:`nsthelpers.save_image`, which also says what is raised.

        Returns
        -------
        str or Path
            The path as it was given.
        """
        save_image(self.image, path, settings=self.settings, quality=quality)
        return path

    def report(self) -> dict:
        """Settings, counts, first and last record, stop reason: plain data for a JSON file.

        Returns
        -------
        dict
        """
        ends = self.history[:1] + self.history[-1:]
        first, last = map(asdict, ends) if ends else (None, None)
        return {
            **self.settings,
            "stop_reason": self.stop_reason,
            "message": self.message,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "first": first,
            "last": last,
        }

    @property
    def description(self) -> str:
        """The picture in words, which a notebook shows as its alternative text."""
        height, width = self.image.shape[1:3]
        parts = [f"A picture of {width} x {height} pixels"]
        if self.history:
            first, last = self.history[0], self.history[-1]
            terms = ", ".join(term.replace("_", " ") for term in last.terms)
            parts.append(
                f"made in {last.step} step{'s' * (last.step != 1)} for these terms: {terms}"
            )
            if first.size == last.size:  # losses of other sizes do not compare
                parts.append(f"the loss went from {first.loss:.3g} to {last.loss:.3g}")
        return "; ".join(parts) + "."

    def _repr_html_(self):
        return image_tag(to_png_bytes(self.image), "png", self.description)


def _number(value):
    return math.nan if value is None else value


def on_host(image) -> np.ndarray:
    """Bring the image that an optimizer works on back from the device.

    Parameters
    ----------
    image : tensor, shape (1, H, W, 3)
        An optimizer without bounds may have left [0, 1].

    Returns
    -------
    array, float32, the same shape, range [0, 1]

    Examples
    --------
    >>> on_host(np.array([[-0.5, 0.25, 2.0]], dtype="float32")).tolist()
    [[0.0, 0.25, 1.0]]
    """
    return np.clip(to_numpy(image), 0.0, 1.0)
