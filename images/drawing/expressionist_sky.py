"""A burning sky in long waves over a dark fjord, crossed by the diagonal of a bridge."""

from __future__ import annotations

import numpy as np
from PIL import Image

from drawing.canvas import Canvas, as_pixels, follow, mix, noise, palette_at, rgb, scatter

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Expressionist Sky"
SIZE = (512, 384)

BOARD = "#a9814f"
SKY = ["#6e1414", "#a81f17", "#d23a16", "#ea5f14", "#f58a1c", "#f9b235", "#f8d774"]
WATER = ["#04070f", "#0a1226", "#10213f", "#1b3a5e", "#2d5c7a", "#5d8a8f"]
LAND = ["#05080a", "#0d1a1c", "#18302f", "#2a4a3a", "#56623a"]
WOOD = ["#1c0f0c", "#3b2018", "#6b3a22", "#98592f", "#c78a4c", "#e6bf80"]

HORIZON = 0.475
VANISHING = np.array([0.875, 0.470])
SUN = (0.30, 0.430)


def _along(stream) -> np.ndarray:
    """Direction of the lines on which ``stream`` is constant."""
    down, right = np.gradient(stream)
    return np.arctan2(-right, down)


def _tooth(shape, rng) -> np.ndarray:
    """Roughness of the board: where it is low, a dry crayon leaves no colour."""
    return noise(shape, 2.2, rng) + 0.6 * noise(shape, 8, rng)


def _field(canvas, area, stream, tone, colours, layers, rng) -> None:
    """Fill ``area`` with long strokes that follow ``stream`` in the colours of ``tone``."""
    direction = _along(stream)
    for spacing, width, steps, step, bristles, shake in layers:
        starts = scatter((canvas.width, canvas.height), spacing, rng)
        columns, rows = starts.astype(int).T
        starts = starts[area[rows, columns]]
        columns, rows = starts.astype(int).T
        position = tone[rows, columns] + rng.normal(0, shake, len(starts))
        inks = palette_at(colours, np.clip(position, 0, 1))
        canvas.strokes(follow(direction, starts, steps, step), width, inks, rng, bristles, 0.045)


def _crayon(canvas, area, stream, spacing, colours, rng, length=40, width=4.0) -> None:
    """Draw dry, broken lines over the paint: they catch only on the tooth of the board."""
    before = as_pixels(canvas.colour)
    starts = scatter((canvas.width, canvas.height), spacing, rng)
    columns, rows = starts.astype(int).T
    starts = starts[area[rows, columns]]
    inks = np.array([rgb(colour) for colour in colours])[
        rng.integers(len(colours), size=len(starts))
    ]
    canvas.strokes(follow(_along(stream), starts, length, 5.0), width, inks, rng, 3, 0.04)
    held = (_tooth(before.shape[:2], rng) > -0.35) & area
    canvas.set_pixels(np.where(held[..., None], as_pixels(canvas.colour), before))


def _paint_sky(canvas, u, v, rng) -> None:
    area = v < HORIZON + 0.02
    swell = 0.35 + 0.65 * np.clip(1 - v / HORIZON, 0, 1)
    stream = v + swell * (
        0.075 * np.sin(4.6 * u + 0.6 + 3.0 * v)
        + 0.040 * np.sin(8.3 * u - 7.0 * v + 1.7)
        + 0.016 * np.sin(17 * u + 9 * v)
    )
    near = np.hypot((u - SUN[0]) * 1.33, v - SUN[1])
    stream -= 0.10 * np.exp(-((near / 0.17) ** 2))
    bands = np.interp(stream, np.linspace(-0.3, 0.8, 40), rng.standard_normal(40))
    bands += 0.5 * np.interp(stream, np.linspace(-0.3, 0.8, 140), rng.standard_normal(140))
    tone = 0.44 + 0.23 * bands + 0.28 * (v / HORIZON - 0.5) + 0.5 * np.exp(-((near / 0.16) ** 2))
    layers = [(15, 22, 26, 9.0, 10, 0.05), (13, 12, 24, 8.0, 7, 0.08), (17, 7, 26, 7.0, 4, 0.14)]
    _field(canvas, area, stream, tone, SKY, layers, rng)
    # Cold streaks between the warm ones, where the bands are darkest.
    cold = area & (bands < -0.9) & (near > 0.16)
    _field(
        canvas,
        cold,
        stream,
        0.5 + 0.2 * bands,
        ["#20344f", "#4f7f86", "#a9b48a"],
        [(24, 10, 22, 7.0, 6, 0.25)],
        rng,
    )
    _crayon(canvas, area, stream, 30, ["#f9d673", "#f59a1f", "#7d1414", "#c42a14", "#e9601a"], rng)
    turn = rng.uniform(0, 2 * np.pi, 90)[:, None] + np.linspace(0, 1.2, 9)
    reach = np.sqrt(rng.random(90))[:, None] * 36
    paths = np.stack(
        [
            SUN[0] * canvas.width + reach * np.cos(turn),
            SUN[1] * canvas.height + reach * np.sin(turn),
        ],
        axis=-1,
    )
    inks = palette_at(
        ["#fff3bf", "#fbd45f", "#f8a52c"],
        np.clip(reach[:, 0] / 36 - 0.1 + rng.normal(0, 0.15, 90), 0, 1),
    )
    canvas.strokes(paths, 10, inks, rng, 6)


def _paint_fjord(canvas, u, v, rng) -> None:
    area = v > HORIZON
    canvas.set_pixels(np.where(area[..., None], rgb(WATER[1]), as_pixels(canvas.colour)))
    depth = (v - HORIZON) / (1 - HORIZON)
    stream = v + (0.01 + 0.10 * depth) * np.sin(5.2 * u + 5 * v + 0.5)
    stream += 0.05 * depth * np.sin(10.5 * u - 9 * v)
    bands = np.interp(stream, np.linspace(0.2, 1.3, 64), rng.standard_normal(64))
    bands += 0.6 * np.interp(stream, np.linspace(0.2, 1.3, 150), rng.standard_normal(150))
    tone = 0.36 + 0.19 * bands - 0.10 * depth
    layers = [(14, 18, 20, 8.0, 9, 0.05), (12, 10, 20, 7.0, 6, 0.09), (18, 6, 24, 6.0, 4, 0.15)]
    _field(canvas, v > HORIZON + 0.008, stream, tone, WATER, layers, rng)
    mirror = area & (np.abs(u - SUN[0]) < 0.030 + 0.13 * depth)
    _field(
        canvas,
        mirror,
        stream,
        0.62 - 0.45 * depth + 0.1 * bands,
        SKY,
        [(22, 7, 9, 6.0, 4, 0.15)],
        rng,
    )
    _crayon(canvas, area, stream, 34, ["#6f9aa0", "#2f6a8a", "#b5552a", "#04060c"], rng)


def _paint_land(canvas, u, v, rng) -> None:
    """Dark shores on both sides, drawn in curves that answer those of the sky."""
    for centre, wide, tall, foot in (
        (0.98, 0.30, 0.155, HORIZON + 0.035),
        (-0.04, 0.17, 0.085, HORIZON + 0.015),
        (0.60, 0.13, 0.030, HORIZON + 0.008),
    ):
        hump = np.exp(-(((u - centre) / wide) ** 2) * 2.2)
        top = foot - tall * hump * (1 + 0.12 * np.sin(21 * u))
        area = (v > top) & (v < foot) & (hump > 0.06)
        canvas.set_pixels(np.where(area[..., None], rgb(LAND[1]), as_pixels(canvas.colour)))
        stream = (v - top) + 0.02 * np.sin(12 * u + 20 * v)
        tone = 0.55 - 3.4 * (v - top) / (tall + 0.03) * 0.2 + 0.13 * noise(u.shape, 26, rng)
        _field(canvas, area, stream, tone, LAND, [(9, 8, 9, 5.0, 5, 0.12)], rng)
        rim = area & (v < top + 0.014)
        _field(
            canvas,
            rim,
            stream,
            0.6 + 0 * u,
            ["#5a1a14", "#b5421c", "#e08a3a"],
            [(15, 5, 8, 5.0, 3, 0.25)],
            rng,
        )


def _toward(start, part) -> np.ndarray:
    """Points on the way from ``start`` to the vanishing point, at ``part`` of the way."""
    start, part = np.asarray(start, dtype=float), np.asarray(part, dtype=float)
    return start + (VANISHING - start) * part[..., None]


def _paint_bridge(canvas, rng) -> None:
    size = np.array([canvas.width, canvas.height])
    left, right = np.array([-0.34, 0.94]), np.array([0.44, 1.20])
    end = np.array(0.955)
    deck = np.stack([left, right, _toward(right, end), _toward(left, end)]) * size
    canvas.polygon(deck, WOOD[1])
    planks = np.linspace(0, 1, 23)
    for first, second in zip(planks[:-1], planks[1:], strict=True):
        tone = 0.42 + rng.normal(0, 0.16)
        for _ in range(34):
            across = rng.uniform(first, second)
            begin = rng.uniform(0.0, 0.9)
            part = np.linspace(begin, min(begin + rng.uniform(0.05, 0.3) * (1.1 - begin), 0.955), 9)
            path = _toward(left + across * (right - left), part) * size
            path += rng.normal(0, 0.6, path.shape)
            warm = palette_at(WOOD, np.clip(tone + rng.normal(0, 0.13), 0, 1))
            if rng.random() < 0.12:
                warm = palette_at(["#2d4a66", "#7d1f16", "#d8702a"], rng.random())
            canvas.strokes(path[None], 2 + 13 * (1 - begin), warm[None], rng, 5)
        seam = _toward(left + first * (right - left), np.linspace(0, 0.955, 30)) * size
        for a in range(0, 28, 2):
            canvas.line(seam[a : a + 3], "#140a0a", 4.5 * (1 - a / 30) + 0.8)
    posts = 1 - 1 / (1 + 0.26 * np.arange(0.2, 40, 1.0))
    for foot, height in ((left, 0.36),):
        rise = np.array([0, -height])
        for level, thick in ((0.0, 20), (0.52, 15), (1.0, 26)):
            ends = np.linspace(0, 0.965, 40)
            rail = _toward(foot + rise * level, ends) * size
            _beam(canvas, rail, thick * (1 - ends) + 1.2, rng)
        for part in posts[posts < 0.96]:
            base = _toward(foot, part)
            top = _toward(foot + rise * 1.06, part)
            path = np.linspace(base, top, 10) * size
            _beam(canvas, path, np.full(10, 22 * (1 - part) + 1.0), rng)
    for part in (0.40, 0.66, 0.80):
        _paint_lamp(canvas, _toward(left, part) * size, (1 - part) * canvas.height, rng)


def _beam(canvas, path, widths, rng) -> None:
    """A wooden beam: a dark edge, several grainy strokes, a light upper edge."""
    side = np.gradient(path, axis=0)
    side = np.stack([-side[:, 1], side[:, 0]], axis=-1)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    half = widths[:, None] / 2
    outline = np.concatenate([path + side * half, (path - side * half)[::-1]])
    canvas.polygon(outline, WOOD[0], "#0b0707", 2)
    for across, tone in ((-0.6, 0.75), (-0.15, 0.5), (0.3, 0.33)):
        for begin in range(0, len(path) - 5, 4):
            piece = (path + side * half * across)[begin : begin + 7]
            ink = palette_at(WOOD, np.clip(tone + rng.normal(0, 0.10), 0, 1))
            canvas.strokes(piece[None], widths[begin] * 0.32, ink[None], rng, 3)


def _paint_lamp(canvas, foot, size, rng) -> None:
    """A street lamp on the rail with a halo of short strokes."""
    top = foot - [0, 0.90 * size]
    _beam(canvas, np.linspace(foot, top, 12), np.full(12, 0.026 * size + 1.5), rng)
    for count, near, far, colours in (
        (34, 0.05, 0.150, ["#c43a18", "#f0741c", "#f9b235"]),
        (26, 0.03, 0.095, ["#f59a2a", "#fbd060", "#fff3bf"]),
        (26, 0.00, 0.045, ["#fbe08a", "#fffbe0", "#fffbe0"]),
    ):
        turn = rng.uniform(0, 2 * np.pi, (count, 1)) + np.linspace(0, 0.5, 6)
        reach = size * rng.uniform(0.7, 1.0, (count, 1)) * np.linspace(near, far, 6)
        paths = top + np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=-1)
        canvas.strokes(paths, 2 + 0.024 * size, palette_at(colours, rng.random(count)), rng, 4)
    cap = np.array([(-0.05, -0.05), (0.05, -0.05), (0.018, -0.085), (-0.018, -0.085)]) * size
    canvas.polygon(top + cap, WOOD[0], "#0b0707", 2)


def draw(seed: int = 0) -> Image.Image:
    """Paint the picture; the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    canvas = Canvas(SIZE, BOARD)
    x, y = canvas.grid()
    u, v = x / canvas.width, y / canvas.height
    _paint_sky(canvas, u, v, rng)
    _paint_fjord(canvas, u, v, rng)
    _paint_land(canvas, u, v, rng)
    _paint_bridge(canvas, rng)
    canvas.light(0.55)
    # The bare board shows through where its grain is deepest.
    bare = np.clip((-_tooth(u.shape, rng) - 1.15) * 0.55, 0, 0.55)[..., None]
    canvas.set_pixels(as_pixels(canvas.colour) * (1 - bare) + mix(BOARD, "#5a3a22", 0.3) * bare)
    return canvas.finish()
