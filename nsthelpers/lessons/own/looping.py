"""A student's whole optimisation loop, run on a real objective and watched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...backend import quickest_precision, to_numpy
from ...images import samples
from ...images.arrays import as_image, resize
from ...objectives.objective import as_objective
from ...objectives.terms import Content, Style
from ...synthesis.starts import working_sizes
from ..checks import is_stub
from ..notes import note_html, picture_row, words_html

__all__ = ["LoopRun", "loop"]

_SIDE = 96
_RATE = 0.01


@dataclass(frozen=True, eq=False)
class LoopRun:
    """What a loop did.

    Attributes
    ----------
    passed, unfilled : bool
    message : str
    image : array, shape (1, H, W, 3)
        What was returned, at the size where something went wrong; of the notebook's own loop where
        the student's is not filled in or returned no image.
    losses : list of float
        At every call of ``loss_and_gradient``, in order.
    start : array, shape (1, H, W, 3)
    """

    passed: bool
    unfilled: bool
    message: str
    image: np.ndarray = field(repr=False)
    losses: list[float] = field(repr=False)
    start: np.ndarray = field(repr=False)

    def __repr__(self):
        return f"loop: {self.message}"

    def _repr_html_(self):
        kind = "right" if self.passed else "open" if self.unfilled else "wrong"
        made = "by the notebook's own loop" if self.unfilled else "by your loop"
        pictures = picture_row([("the start", self.start), (made, self.image)])
        return note_html(kind, f"<code>loop</code>: {words_html(self.message)}") + pictures


def loop(function, objective=None, *, start=None, steps=40, scales=None) -> LoopRun:
    """Run a student's optimisation loop on a real objective, and say what it did.

    Parameters
    ----------
    function : callable
        ``f(image, loss_and_gradient, steps)`` returns the final image. ``image`` is the start, an
        array of shape (1, H, W, 3); ``loss_and_gradient(image)`` gives a number and an array like
        the image. Loss and gradient are scaled by one constant, so that a typical entry of the
        gradient is 1 at the start: a rate of 0.01 then moves a pixel by about 0.01.
    objective : Objective or Term, optional
        Default: a small photograph in the manner of a small painting.
    start : array, shape (1, H, W, 3), optional
        Default: the objective's photograph.
    steps : int, default 40
        At each size.
    scales : int or sequence of int, optional
        Long sides in pixels, rising: the function is called once for each, with the enlarged result
        of the call before. Default: the size of the start alone.

    Returns
    -------
    LoopRun
        Where the function is not filled in, the notebook's own loop was run.

    Raises
    ------
    ValueError
        If neither ``start`` nor the objective has an image, or the scales make no sense.

    Examples
    --------
    >>> from nsthelpers import TotalVariation, white_noise
    >>> def descend(image, loss_and_gradient, steps):
    ...     for _ in range(steps):
    ...         loss, gradient = loss_and_gradient(image)
    ...         image = np.clip(image - 0.01 * gradient, 0, 1)
    ...     return image
    >>> loop(descend, TotalVariation(), start=white_noise(32, 32), steps=10)
    loop: Right. In 10 steps the loss fell to ...% of what it was.
    >>> loop(lambda image, loss_and_gradient, steps: ..., TotalVariation(),
    ...      start=white_noise(32, 32), steps=3)
    loop: Not filled in yet, so the notebook's own loop was run.
    """
    if objective is None:
        objective = _scene()
    if start is None:
        images = (term.image for term in as_objective(objective).terms.values())
        start = next((each for each in images if each is not None), None)
        if start is None:
            raise ValueError("no image to start from; pass start=")
    start = as_image(start)
    image, losses = start, []
    for size in working_sizes(start.shape[1:3], scales):
        watched = _Watched(objective, resize(image, size=size), size[1] / start.shape[2])
        made = _run(function, watched, steps)
        image, losses = made.image, losses + made.losses
        if not made.passed and not made.unfilled:
            break  # what is wrong at one size is so at the next
    return replace(made, losses=losses, start=start)


def _run(function, watched, steps):
    """At one size."""
    start = watched.start
    if not callable(function):
        text = f"Not yet: this is not a function ({type(function).__name__}). Pass its name alone."
        return _ours(watched, steps, text, unfilled=False)
    unfilled = "Not filled in yet, so the notebook's own loop was run."
    if is_stub(function):
        return _ours(watched, steps, unfilled, unfilled=True)
    given = start.copy()
    try:
        returned = function(given, watched, steps)
    except NotImplementedError:
        return _ours(watched, steps, unfilled, unfilled=True)
    except Exception as error:  # a student's function may do anything; the message carries it
        text = f"Not yet: the loop stopped with {type(error).__name__}: {error}."
        return LoopRun(False, False, text, watched.last, watched.losses, start)
    image = _image(returned, start)
    problem = _problem(returned, image, given, watched, start, steps)
    if problem:
        shown = watched.last if image is None else image
        return LoopRun(False, False, f"Not yet: {problem}", shown, watched.losses, start)
    share = watched.loss(image) / watched.losses[0]
    text = f"Right. In {steps} steps the loss fell to {share:.0%} of what it was."
    return LoopRun(True, False, text, image, watched.losses, start)


class _Watched:
    """Loss and gradient of an objective, remembering where it was asked."""

    def __init__(self, objective, start, scale):
        at = as_objective(objective).at
        self._evaluate = at(*start.shape[1:3], scale, quickest_precision()).evaluate
        self.start = start
        size = np.sqrt(np.mean(to_numpy(self._evaluate(start).gradient) ** 2))
        self._scale = 1 / float(size) if size > 0 else 1.0
        self._shape = start.shape
        self.images, self.gradients, self.losses = [start], [], []

    def __call__(self, image):
        image = np.array(image, dtype="float32")
        if image.shape != self._shape:
            raise ValueError(
                f"loss_and_gradient got an image of shape {image.shape}; expected {self._shape}"
            )
        found = self._evaluate(image)
        gradient = to_numpy(found.gradient) * self._scale
        if self.losses or not np.array_equal(image, self.images[0]):
            self.images.append(image)
        self.losses.append(found.loss * self._scale)
        self.gradients.append(gradient)
        return self.losses[-1], gradient.copy()

    @property
    def last(self):
        return self.images[-1]

    def loss(self, image):
        return self._evaluate(image).loss * self._scale

    def uphill(self) -> bool:
        """Whether the steps went, as a whole, with the gradient."""
        moves = zip(self.images, self.images[1:], self.gradients, strict=False)
        return sum(float(np.sum((after - before) * slope)) for before, after, slope in moves) > 0


def _image(returned, start):
    """What was returned as an image of the start's shape, or None."""
    try:
        image = np.asarray(returned, dtype="float32")
    except (TypeError, ValueError):
        return None
    return image if image.shape == start.shape else None


def _problem(returned, image, given, watched, start, steps):
    """The first thing that is wrong with a loop, or nothing."""
    count = len(watched.losses)
    if returned is None or returned is Ellipsis:
        return "it returns nothing. Is the `return` missing?"
    if isinstance(returned, tuple):
        return "it returns several things; only the final image is asked for."
    if image is None:
        shape = getattr(returned, "shape", type(returned).__name__)
        return f"it returns {shape}; expected an image of shape {start.shape}."
    if not count:
        return "it never calls loss_and_gradient, so it cannot know which way to go."
    if not np.array_equal(given, start):
        return (
            "it changes its start image in place, which others still need. Write "
            "image = image - ..., not image -= ..."
        )
    if count > 1 and all(np.array_equal(each, start) for each in watched.images):
        return (
            "it asks for the gradient at the same image again and again: give the new image to "
            "loss_and_gradient, and keep it under the same name."
        )
    if not np.isfinite(image).all() or not np.isfinite(watched.losses).all():
        return "pixels or losses are no longer finite: the rate is far too large."
    if np.array_equal(image, start):
        return "it returns the start image: return the last one."
    after = watched.loss(image)
    if after > watched.losses[0] or watched.losses[-1] > watched.losses[0]:
        if watched.uphill():
            return (
                "the loss grows, and the steps go with the gradient, which points uphill: take it "
                "off, do not add it."
            )
        return (
            "the loss grows though the steps go downhill: they are so long that they jump over the "
            "valley. Try a tenth of the rate."
        )
    if image.min() < 0 or image.max() > 1:
        return "pixels leave the range 0 to 1: clip after every step."
    if count < steps:
        return f"it makes {count} steps; {steps} were asked for."
    if after > 0.98 * watched.losses[0]:
        return "the loss hardly falls: try ten times the rate."
    return ""


def _descend(image, loss_and_gradient, steps):
    for _ in range(steps):
        _, gradient = loss_and_gradient(image)
        image = np.clip(image - _RATE * gradient, 0, 1)
    return image


def _ours(watched, steps, text, unfilled):
    image = _descend(watched.start, watched, steps)
    return LoopRun(False, unfilled, text, image, watched.losses, watched.start)


def _scene():
    photo = samples.load("chelsea", max_side=_SIDE)
    painting = samples.load("swirling_night", max_side=_SIDE)
    layers = ("block1_conv1", "block2_conv1", "block3_conv1")
    return Content(photo, "block3_conv2") + 10 * Style(painting, layers)
