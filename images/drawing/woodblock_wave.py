"""A curling wave before a small mountain, in the flat colours and outlines of a woodblock print."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from drawing.canvas import Canvas, as_pixels, curve, mix, noise, rgb

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Woodblock Wave"
SIZE = (384, 512)

LINE = "#0d1f3f"
PAPER = "#f1e6cb"
FOAM = "#f7f0dc"
SHADOW = "#a9c6cf"
BLUES = ["#16305c", "#2c5f95", "#16305c", "#7fabbf", "#1d4379", "#16305c", "#dbe3d4"]
RED = "#c8452f"

# Outline of the great wave in pixels of the finished picture: the back, then the hollow face;
# both end at the tip.
BACK = np.transpose(
    [[450, 412, 372, 322, 258, 192, 138, 112], [470, 330, 210, 122, 74, 64, 90, 140]]
)
FACE = np.transpose(
    [[-70, 40, 122, 188, 222, 222, 186, 112], [402, 404, 386, 340, 270, 200, 144, 140]]
)
# Crests of the two low waves in front.
LEFT_SWELL = np.transpose(
    [[-20, 40, 96, 150, 210, 280, 330, 400], [452, 424, 408, 436, 462, 446, 430, 452]]
)
RIGHT_SWELL = np.transpose(
    [[-20, 60, 140, 215, 262, 310, 400], [486, 492, 488, 462, 446, 470, 488]]
)


def _claw(base, angle, length, width, curl, rng, depth: int = 2) -> list[np.ndarray]:
    """Outlines of one hooked finger of foam and of the smaller fingers that grow from it."""
    part = np.linspace(0, 1, 18)
    turn = angle + curl * part**1.4
    steps = np.stack([np.cos(turn), np.sin(turn)], axis=-1) * length / (len(part) - 1)
    spine = np.asarray(base) + np.cumsum(steps, axis=0) - steps[0]
    side = np.stack([-np.sin(turn), np.cos(turn)], axis=-1)
    half = (width * (1 - part) ** 0.75 * (0.8 + 0.4 * np.sin(np.pi * part)))[:, None] / 2
    shapes = [np.concatenate([spine + side * half, (spine - side * half)[::-1]])]
    if depth > 0:
        for at in (0.22, 0.48, 0.7):
            i = int(at * len(part))
            lean = -np.sign(curl) * rng.uniform(0.35, 0.9)
            grown = length * rng.uniform(0.42, 0.62) * (1.05 - 0.5 * at)
            shapes += _claw(
                spine[i],
                turn[i] + lean,
                grown,
                width * 0.62,
                curl * rng.uniform(1.0, 1.5),
                rng,
                depth - 1,
            )
    return shapes


def _blob(centre, radius, rng) -> np.ndarray:
    """A lobed, cloud-like outline."""
    turn = np.linspace(0, 2 * np.pi, 40)
    wobble = 1 + 0.10 * np.sin(3 * turn + rng.uniform(0, 6)) + 0.07 * np.sin(5 * turn)
    return np.asarray(centre) + radius * np.stack(
        [np.cos(turn) * wobble, np.sin(turn) * wobble], axis=-1
    )


def _inked(canvas, shapes, fill, width=1.1) -> None:
    """Fill shapes as one: first all outlines, then all insides, so that no seam shows."""
    scale = canvas.scale
    for shape in shapes:
        canvas.polygon(shape * scale, LINE, LINE, 2 * width * scale)
    for shape in shapes:
        canvas.polygon(shape * scale, fill)


def _normals(path) -> np.ndarray:
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)


def _paint_sky(canvas) -> None:
    """Wipe the block by hand, as the printers did: dark above, a rosy glow at the horizon."""
    _, y = canvas.grid()
    v = y / canvas.height
    sky = mix("#e3d3ad", "#ecd9b0", v)
    dusk = np.exp(-(((v - 0.70) / 0.13) ** 2)) * 0.75
    sky = sky * (1 - dusk[..., None]) + rgb("#e9a27c") * dusk[..., None]
    for amount, colour in (
        (np.clip(1 - v / 0.40, 0, 1) ** 1.3 * 0.75, "#6f93a0"),
        (np.clip(1 - v / 0.15, 0, 1) ** 1.2, "#173560"),
    ):
        sky = sky * (1 - amount[..., None]) + rgb(colour) * amount[..., None]
    canvas.set_pixels(sky)


def _paint_distance(canvas, rng) -> None:
    scale = canvas.scale
    sun = np.array([74, 236])
    turn = np.linspace(0, 2 * np.pi, 120)
    canvas.polygon((sun + 31 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)) * scale, RED)
    for y, left, right in ((190, -20, 60), (276, -20, 60), (292, 96, 204), (284, 140, 222)):
        ends = [
            (left, y),
            (left + 9, y - 4),
            (right - 8, y - 3),
            (right, y),
            (right - 12, y + 4),
            (left + 6, y + 4),
        ]
        canvas.polygon(curve(ends + ends[:1], 60) * scale, "#f2dfb9")
    foot = 378
    left = curve([(10, foot), (50, 356), (76, 330), (88, 312)], 40)
    right = curve([(98, 312), (110, 331), (138, 357), (184, foot)], 40)
    mountain = np.concatenate([left, right])
    canvas.polygon(mountain * scale, "#3b628a", LINE, 1.6 * scale)
    cap = [
        (76, 330),
        (88, 312),
        (98, 312),
        (110, 331),
        (105, 328),
        (102, 339),
        (96, 329),
        (91, 343),
        (86, 330),
        (81, 337),
    ]
    canvas.polygon(np.array(cap) * scale, FOAM, LINE, 1.0 * scale)
    for x in np.arange(40, 150, 6.5):
        top = np.interp(x, mountain[:, 0], mountain[:, 1]) + 22
        if top < foot - 6:
            canvas.line(
                np.array([(x, top), (x + (x - 93) * 0.12, foot - 2)]) * scale, "#234870", scale
            )
    for i, y in enumerate(np.arange(374, 412, 5.5)):
        x = np.linspace(-5, 389, 90)
        top = y + 1.3 * np.sin(x / 9 + 2 * i)
        shape = np.concatenate([np.stack([x, top], -1), [(389, 520), (-5, 520)]])
        canvas.polygon(shape * scale, ["#9dbfc2", "#5d8fb0", "#c9d8cc"][i % 3], "#2c5f95", 1.2)


def _paint_wave(canvas, rng) -> None:
    scale = canvas.scale
    back, face = curve(BACK, 400), curve(FACE, 400)
    edges = np.r_[0, np.cumsum(np.tile([1.3, 0.8, 1.0, 0.45, 0.9, 1.0, 0.4], 3))]
    edges = (edges / edges[-1]) ** 0.9
    lanes = [back * (1 - t) + face * t for t in edges]
    for i, (first, second) in enumerate(zip(lanes[:-1], lanes[1:], strict=True)):
        shape = np.concatenate([first, second[::-1]])
        canvas.polygon(shape * scale, BLUES[i % len(BLUES)], LINE, 0.9 * scale)
        for part in (0.35, 0.7):
            # Fine cut lines inside a lane, broken as if the block had worn.
            hair = first * (1 - part) + second * part
            for begin in rng.integers(0, 330, 3):
                piece = hair[begin : begin + rng.integers(25, 70)]
                tone = mix(BLUES[i % len(BLUES)], FOAM, 0.35)
                canvas.line(piece * scale, tone, 0.7 * scale)
    canvas.line(back * scale, LINE, 2.2 * scale)
    canvas.line(face * scale, LINE, 2.0 * scale)
    _paint_foam(canvas, back, face, rng)


def _paint_foam(canvas, back, face, rng) -> None:
    """The white cap of the wave, torn into claws that reach over its hollow."""
    scale = canvas.scale
    begin, end = 150, 399
    part = np.clip((np.arange(400) - begin) / (end - begin), 0, 1)
    inward = face - back
    reach = (0.04 + 0.78 * part**0.85) * (1 + 0.12 * np.sin(part * 30))
    for tier in (1.0, 0.62, 0.28):
        for tone, further, size in ((SHADOW, 0.11, 1.2), (FOAM, 0.0, 1.0)):
            depth = np.minimum(tier * reach + further * np.sqrt(part), 1.0)
            hem = back + inward * depth[:, None]
            last = end if tier == 1 else end - 14
            shapes = [np.concatenate([back[begin:last:3], hem[begin:last:3][::-1]])]
            for i in range(begin, last, 6):
                radius = (2 + 5 * np.sqrt(part[i])) * rng.uniform(0.6, 1.1)
                shapes.append(_blob(hem[i], radius, rng))
                shapes.append(_blob(back[i] + rng.normal(0, 1, 2), radius * 0.9, rng))
            for i in range(begin + 6, last, 9):
                down = np.array([-0.45, 0.9]) * 25 + inward[i]
                angle = np.arctan2(down[1], down[0]) + rng.normal(0, 0.22) + 0.25
                length = size * (6 + 27 * np.sqrt(part[i])) * rng.uniform(0.8, 1.25)
                shapes += _claw(hem[i], angle, length, 4 + 5 * part[i], -1.3, rng)
            if tier == 1:
                for angle in np.linspace(1.5, 4.2, 9):
                    length, curl = size * rng.uniform(24, 40), -1.2 if angle < 3 else 1.2
                    shapes += _claw(back[-1] - [0, 4], angle, length, 9, curl, rng)
            _inked(canvas, shapes, tone, 1.0)
    # Folds inside the cap: broken bands that follow the crest, and rings of bubbles.
    for across in (0.14, 0.46, 0.82):
        fold = back + inward * (reach * across)[:, None]
        i = begin + 20
        while i < end - 12:
            piece = fold[i : min(i + int(rng.integers(10, 34)), end)]
            thick = rng.uniform(1.0, 2.8) * (0.4 + part[i])
            half = thick * np.sin(np.linspace(0, np.pi, len(piece)))[:, None] * _normals(piece)
            tone = [SHADOW, SHADOW, "#7ba6bd"][rng.integers(3)]
            canvas.polygon(np.concatenate([piece + half, (piece - half)[::-1]]) * scale, tone)
            i += len(piece) + int(rng.integers(4, 18))
    for _ in range(110):
        i = int(rng.integers(begin + 15, end - 2))
        where = back[i] + inward[i] * reach[i] * rng.uniform(0.08, 1.0) + rng.normal(0, 1.5, 2)
        turn = rng.uniform(0, 6) + np.linspace(0, rng.uniform(2, 5), 9)
        ring = where + rng.uniform(1.2, 3.6) * np.stack([np.cos(turn), np.sin(turn)], -1)
        canvas.line(ring * scale, "#4f82a6", 0.8 * scale)


def _paint_swell(canvas, crest, drop, shift, claws, rng) -> None:
    """A low wave in front: lanes that follow its crest, and foam on the crest's tops."""
    scale = canvas.scale
    crest = curve(crest, 300)
    levels = np.cumsum(np.r_[0, 4, 6, 3, 8, 5, 7, 3, 9, 6, 8, 4, 9, 6, 8, 4, 9])
    for i, level in enumerate(levels):
        flat = np.exp(-level / drop)
        lane = crest.copy()
        mean = crest[:, 1].mean()
        lane[:, 1] = mean + (crest[:, 1] - mean) * flat + level * 1.05
        lane[:, 1] += 2.2 * np.sin(lane[:, 0] / 21 + i * 1.3 + shift) * (1 - flat)
        shape = np.concatenate([lane, [(400, 530), (-16, 530)]])
        canvas.polygon(shape * scale, BLUES[(i + shift) % len(BLUES)], LINE, 0.9 * scale)
        for begin in rng.integers(0, 270, 4):
            piece = lane[begin : begin + rng.integers(14, 50)] + [0, 2.4]
            canvas.line(piece * scale, mix(BLUES[(i + shift) % len(BLUES)], FOAM, 0.4), scale)
    canvas.line(crest * scale, LINE, 2 * scale)
    steep = crest[:, 1] < np.quantile(crest[:, 1], 0.55)
    for layer, tone in enumerate((SHADOW, FOAM)):
        shapes = []
        for i in np.flatnonzero(steep)[:: 6 + 2 * layer]:
            if claws[0] < crest[i, 0] < claws[1]:
                base = crest[i] + [0, 5 * (1 - layer)]
                shapes.append(_blob(base, 4 + 3 * rng.random(), rng))
                lean = rng.choice([-1, 1], p=[0.7, 0.3])
                angle = np.pi / 2 + rng.normal(0, 0.3) + (0.5 if layer else 0.9)
                shapes += _claw(base, angle, rng.uniform(12, 20), 5.5, -1.6 * lean, rng, 1)
        if shapes:
            _inked(canvas, shapes, tone, 0.9)


def _paint_spray(canvas, rng) -> None:
    scale = canvas.scale
    count = 230
    turn = rng.uniform(1.6, 4.9, count)
    away = 26 + 120 * rng.random(count) ** 1.3
    centres = (
        np.array([140, 108]) + np.stack([np.cos(turn) * 1.05, -np.sin(turn)], -1) * away[:, None]
    )
    along = curve(BACK, 400)[rng.integers(200, 390, 170)] + rng.normal(0, 13, (170, 2)) - [0, 16]
    centres = np.concatenate([centres, along])
    radii = rng.uniform(0.7, 2.3, len(centres)) * scale
    canvas.dots(centres * scale, radii + 0.7 * scale, np.tile(rgb("#5c86a0"), (len(centres), 1)))
    canvas.dots(centres * scale, radii, np.tile(rgb(FOAM), (len(centres), 1)))


def _print(canvas, rng) -> None:
    """Press it on paper: grain of the wood in the colour, fibres and specks of the paper."""
    pixels = as_pixels(canvas.colour)
    shape = pixels.shape[:2]
    wood = noise((shape[0], shape[1] // 16), 4.5, rng)
    wood = ndimage.zoom(wood, (1, 16), order=1)[:, : shape[1]]
    bend = 15 * noise(shape, 480, rng)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    wood = ndimage.map_coordinates(wood, [rows + bend, columns], order=1, mode="reflect")
    ink = 1 - pixels.min(axis=2)
    mottle = noise(shape, 3.8, rng) + 0.7 * noise(shape, 36, rng)
    gain = 1 + (0.035 * wood + 0.028 * mottle) * (0.5 + ink)
    lift = (0.035 * ink * np.clip(mottle + 0.6 * wood, 0, 3))[..., None]
    paper = rgb(PAPER)
    canvas.set_pixels((pixels * gain[..., None]) * (1 - lift) + paper * lift)


def draw(seed: int = 0) -> Image.Image:
    """Print the picture; the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    canvas = Canvas(SIZE, PAPER, scale=3)
    _paint_sky(canvas)
    _paint_distance(canvas, rng)
    _paint_wave(canvas, rng)
    _paint_spray(canvas, rng)
    _paint_swell(canvas, LEFT_SWELL, 45, 0, (20, 150), rng)
    _paint_swell(canvas, RIGHT_SWELL, 40, 3, (175, 330), rng)
    _print(canvas, rng)
    return canvas.finish()
