"""Pictures of what can go wrong, for the page on trouble.

``<!-- pictures: NAME -->`` stands for a row of them there. They are the record's, or made from its
pictures by the very slip that the page names. Nothing is optimised here.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import nsthelpers as nst

MARK = re.compile(r"<!-- pictures: ([a-z_]+) -->")
_SIDE = 256  # pixels


@dataclass(frozen=True)
class Shown:
    """One picture: what it is, in a word or two; what can be seen in it; and how to get it."""

    caption: str
    alt: str
    make: Callable[[], Path | np.ndarray]


@functools.cache
def _pictures(experiment):
    return {point.label: point.picture for point in nst.record.load(experiment).points}


def _recorded(experiment, label) -> Callable[[], Path]:
    def find():
        found = _pictures(experiment).get(label)
        if found is None:
            raise ValueError(f"the record has no picture {label!r} in {experiment!r}")
        return Path(found)

    return find


def _photograph(side=_SIDE):
    return nst.samples.load("coffee", max_side=side)


def _painted(experiment="showpieces", label="astronaut, expressionist sky"):
    with Image.open(_recorded(experiment, label)()) as picture:
        return nst.resize(nst.as_image(picture), max_side=_SIDE)


def _stepped_too_far(steps=6, rate=0.3):
    """Gradient descent on total variation alone; its gradient is a sum of four signs."""
    image = _photograph(_SIDE // 4)
    for _ in range(steps):
        around = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
        middle = around[:, 1:-1, 1:-1]
        others = (
            around[:, :-2, 1:-1],
            around[:, 2:, 1:-1],
            around[:, 1:-1, :-2],
            around[:, 1:-1, 2:],
        )
        gradient = sum(np.sign(middle - other) for other in others)
        image = np.clip(image - rate * gradient, 0, 1).astype("float32")
    return image.repeat(4, axis=1).repeat(4, axis=2)


def _in_a_square():
    return nst.resize(_painted(), size=(_SIDE // 2, _SIDE))


_KEPT = "astronaut, expressionist sky, the photograph's colours"
_WEIGHT = "style_weight = α/β = {}"
_WEIGHTED = _recorded("lakic_content_style_ratio", _WEIGHT.format("0.01"))
_SMOOTH = "tv_kind = l1, tv_weight = {}"
ROWS = {
    "too_weak": (
        Shown("the style too weak", "A cup of coffee like a photograph, with hardly a brush stroke",
              _recorded("lakic_content_style_ratio", _WEIGHT.format("1"))),
        Shown("a hundred times the weight", "The same cup in the blues and strokes of a night sky",
              _WEIGHTED),
    ),
    "too_few_steps": (
        Shown("3 steps", "A rocket at night in the colours of a sunset, without strokes",
              _recorded("start_by_step", "steps = 3, start = recoloured")),
        Shown("100 steps", "The same rocket under a sky of long orange and grey strokes",
              _recorded("start_by_step", "steps = 100, start = recoloured")),
    ),
    "too_strong": (
        Shown("the style too strong", "Blue strokes and yellow lights; the cup is a faint outline",
              _recorded("lakic_content_style_ratio", _WEIGHT.format("0.0001"))),
        Shown("a hundredth of the weight", "The cup, its saucer and spoon, in blue strokes",
              _WEIGHTED),
    ),
    "colours": (
        Shown("the painting’s colours", "An astronaut in orange and black strokes", _painted),
        Shown("the photograph’s", "The same strokes in the photograph’s softer colours",
              lambda: _painted("controls", _KEPT)),
    ),
    "grain": (
        Shown("10 steps from noise", "Reddish noise in which a rocket can just be made out",
              _recorded("start_by_step", "steps = 10, start = noise")),
        Shown("100 steps from the photograph", "Orange and grey strokes around a clear rocket",
              _recorded("start_by_step", "steps = 100, start = content")),
    ),
    "blurred": (
        Shown("far too smooth", "Flat blue areas with soft edges; cup and strokes have melted",
              _recorded("smoothness_by_kind", _SMOOTH.format("100"))),
        Shown("a thousandth of the weight", "The cup in clear strokes",
              _recorded("smoothness_by_kind", _SMOOTH.format("0.1"))),
    ),
    "blown_up": (
        Shown("a rate far too high", "Glaring dots of pure colours; nothing is left of the picture",
              _stepped_too_far),
    ),
    "black": (
        Shown("0 to 1, taken for 0 to 255", "A black rectangle", lambda: _photograph() / 255),
    ),
    "white": (
        Shown("0 to 255, taken for 0 to 1", "A white rectangle with a few black specks",
              lambda: np.clip(_photograph() * 255, 0, 1)),
    ),
    "blue_faces": (
        Shown("blue taken for red", "A painted astronaut with a blue face, in a blue suit",
              lambda: _painted()[..., ::-1]),
        Shown("as it was painted", "The astronaut with a warm face, in an orange suit", _painted),
    ),
    "stretched": (
        Shown("forced into another shape", "The astronaut, as broad as two", _in_a_square),
    ),
}  # fmt: skip


def with_pictures(text: str, folder: Path) -> str:
    """The page's text with each mark replaced by its row; the pictures go into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return MARK.sub(lambda mark: _row(mark[1], folder), text)


def _row(name, folder):
    parts = ["::::{container} symptoms"]
    for number, shown in enumerate(ROWS[name], 1):
        path = folder / f"{name}_{number}.webp"
        made = shown.make()
        if isinstance(made, Path):
            shutil.copy(made, path)
        else:
            nst.to_pil(made).save(path, quality=85)
        parts.append(
            f":::{{figure}} {folder.name}/{path.name}\n:alt: {shown.alt}\n\n{shown.caption}\n:::"
        )
    return "\n".join([*parts, "::::"])
