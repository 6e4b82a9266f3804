"""Poplars, a meadow in the sun and a river, in thousands of dots of unmixed colour."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from drawing.canvas import Canvas, mix, noise, palette_at, polyline_mask, rgb, scatter

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Pointillist Garden"
SIZE = (384, 512)

# Unmixed pigments: every dot has one of these colours, the eye mixes them.
PIGMENTS = [
    "#fffbe0",
    "#fff3a0",
    "#ffe02e",
    "#ffc21a",
    "#ff9a1f",
    "#f76b1c",
    "#ea3a23",
    "#c41f3a",
    "#ff9db0",
    "#f3659a",
    "#c93f9a",
    "#8a3fb0",
    "#5a35a8",
    "#3a2f94",
    "#2c49b4",
    "#3a78d0",
    "#6db4f0",
    "#b5dcf7",
    "#18a3b8",
    "#63d0c4",
    "#1a8a5c",
    "#48a84a",
    "#92c846",
    "#c9e265",
    "#1b36a6",
    "#4a98ec",
    "#93c6f6",
    "#1c6b3a",
    "#123f4a",
    "#1d1f5c",
    "#4a1a52",
    "#d9c4f0",
    "#ffd9b8",
]
CANVAS = "#efe2c4"
SHORE = 0.575


def _light(position, lit, shade) -> np.ndarray:
    return palette_at([*shade, *lit], np.clip(position, 0, 1))


def _scene(shape, rng) -> np.ndarray:
    """The picture as broad areas of light, before it is taken apart into dots."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / width, y / height
    clouds = noise(shape, width / 4, rng, 3)
    fine = noise(shape, width / 28, rng, 2)
    leaves = noise(shape, width / 16, rng, 2)

    scene = palette_at(["#1f55c0", "#3f8ae0", "#78b8f0", "#b5dcf7", "#f6dcc0", "#ffc79a"], v / 0.42)
    sun = np.exp(-(((u - 0.60) / 0.17) ** 2 + ((v - 0.33) / 0.10) ** 2))
    scene = scene + sun[..., None] * (rgb("#fff2a8") - scene) * 0.95
    puff = np.clip((clouds + 1.2 * np.sin(v * 34 + 3 * u + clouds)) * 0.5 - 0.25, 0, 1)
    puff *= np.exp(-(((v - 0.16) / 0.13) ** 2))
    cloud = mix("#fff6dc", "#f2a8c0", np.clip(0.5 - 0.5 * clouds, 0, 1))
    scene += puff[..., None] * (cloud - scene)

    def lay(mask, colour):
        colour = rgb(colour)
        scene[mask] = colour if colour.ndim == 1 else colour[mask]

    for level, swing, far in ((0.385, 0.020, "#8a9ee0"), (0.415, 0.014, "#5f78c8")):
        ridge = level + swing * np.sin(7 * u + 60 * level) + 0.006 * np.sin(23 * u)
        lay(v > ridge, mix(far, "#e8b0c8", np.clip(0.3 + 0.25 * leaves, 0, 1)))
    meadow = 0.435 + 0.006 * np.sin(9 * u)
    stripes = 0.55 + 0.22 * np.sin(v * 210 + 5 * np.sin(4 * u)) + 0.16 * fine
    lay(v > meadow, _light(stripes, ["#a8d845", "#ffe02e", "#ffd23a"], ["#17804e", "#3fae48"]))

    # Long violet-blue shadows of the trees reach to the left over the meadow.
    for foot_u, foot_v in ((0.13, 0.50), (0.27, 0.487), (0.385, 0.476), (0.47, 0.468)):
        away = foot_u + 0.02 - u
        fall = np.abs(v - foot_v - 0.36 * away) < 0.006 + 0.07 * away + 0.004 * fine
        lay(fall & (away > 0) & (away < 0.17) & (v > meadow), "#3446a8")

    # A house with a red roof.
    lay((np.abs(u - 0.665) < 0.055) & (v > 0.425) & (v < 0.466), "#fff0d0")
    lay((u > 0.69) & (u < 0.72) & (v > 0.425) & (v < 0.466), "#9aa8e0")
    lay((np.abs(u - 0.665) < 0.062 - 0.9 * (0.427 - v)) & (v > 0.393) & (v <= 0.427), "#e8402a")

    # The round trees at the right: an orange one before green ones.
    for cu, cv, ru, rv, lit, shade in (
        (0.87, 0.36, 0.19, 0.135, ["#37b34a", "#c9e265"], ["#1d1f5c", "#0f6a5a"]),
        (0.985, 0.27, 0.16, 0.17, ["#2fa050", "#a8d845"], ["#1d1f5c", "#1c4a5a"]),
        (0.80, 0.445, 0.105, 0.066, ["#ff9a1f", "#ffd83a"], ["#8a1f4a", "#e0481f"]),
    ):
        du, dv = (u - cu) / ru, (v - cv) / rv
        inside = du**2 + dv**2 + 0.24 * leaves < 1
        lay(inside, _light(0.52 - 0.28 * du - 0.34 * dv + 0.22 * leaves, lit, shade))
    lay((np.abs(u - 0.93) < 0.012) & (v > 0.47) & (v < 0.52), "#4a1a52")

    # Poplars, smaller with distance.
    for foot_u, foot_v, top, half in (
        (0.47, 0.470, 0.225, 0.030),
        (0.385, 0.478, 0.160, 0.040),
        (0.27, 0.490, 0.085, 0.052),
        (0.13, 0.505, 0.020, 0.066),
    ):
        rise = (foot_v - 0.016 - v) / (foot_v - top)
        bulge = half * np.sqrt(np.clip(np.sin(np.pi * np.clip(rise, 0, 1) ** 0.8), 0, 1))
        du = (u - foot_u) / half
        inside = (np.abs(u - foot_u) < bulge * (1 + 0.16 * leaves)) & (rise > 0) & (rise < 1)
        light = 0.44 + 0.34 * du + 0.17 * leaves + 0.12 * fine
        lay(
            inside,
            _light(light, ["#37b34a", "#8ccf3f", "#f0e44c"], ["#1d1f5c", "#123f5a", "#0f8050"]),
        )
        lay((np.abs(u - foot_u) < half * 0.13) & (v > foot_v - 0.03) & (v < foot_v), "#5a2a60")

    # The river mirrors what stands above the shore, broken by ripples.
    shore = SHORE + 0.012 * np.sin(5 * u + 1) + 0.004 * np.sin(17 * u)
    lay((v > shore - 0.014) & (v < shore), mix("#2f8a4a", "#4a2a70", np.clip(0.4 * fine, 0, 1)))
    depth = np.clip(v - shore, 0, None)
    ripple = noise((height // 3, 6), 2, rng)
    ripple = ndimage.zoom(ripple, (height / ripple.shape[0], width / 6), order=1)[:height, :width]
    shift = ripple * (2 + 55 * depth)
    rows = np.clip((shore - 0.095 - 1.05 * depth) * height - 3 * ripple, 0, height - 1)
    mirrored = np.stack(
        [
            ndimage.map_coordinates(scene[..., c], [rows, x + shift], order=1, mode="mirror")
            for c in range(3)
        ],
        axis=-1,
    )
    deep = np.clip(0.24 + 1.1 * depth, 0, 0.55)[..., None]
    water = mirrored * (1 - deep) + rgb("#1f4fc0") * deep
    glint = np.clip(ripple - 1.3, 0, 0.8)[..., None]
    water = water + glint * (rgb("#fff6c8") - water)
    lay(v > shore, water)

    # A white sail and its reflection.
    sail = polyline_mask(
        (width, height),
        np.array([(0.548, 0.662), (0.566, 0.520), (0.655, 0.652)]) * [width, height],
    )
    lay(sail, _light((u - 0.55) / 0.10, ["#fffbe0", "#ffe9a8"], ["#e8b0d0", "#fff3d8"]))
    lay((np.abs(u - 0.595) < 0.074 - 2.2 * (v - 0.666)) & (v > 0.664) & (v < 0.684), "#a8243a")
    down = (v - 0.688) / 0.13
    lay(
        (np.abs(u - 0.592 - 0.006 * ripple) < 0.042 * (1 - down))
        & (down > 0)
        & (down < 1)
        & (ripple > -0.5),
        "#ffeeb8",
    )

    # The near bank with its flowers.
    bank = 0.985 - 0.17 * np.exp(-((u / 0.42) ** 2)) - 0.10 * np.exp(-(((u - 1) / 0.26) ** 2))
    bank += 0.012 * np.sin(19 * u) + 0.007 * leaves
    grass = 0.42 + 0.25 * fine + 0.2 * leaves + 1.6 * (bank + 0.05 - v)
    lay(v > bank, _light(grass, ["#5cb83f", "#b8dc4a", "#f0ec6a"], ["#1d1f6c", "#1c6b3a"]))
    for _ in range(110):
        fu = rng.beta(0.6, 0.8)
        edge = np.interp(fu, u[0], bank[0])
        fv = edge + 0.01 + (1.0 - edge) * rng.random()
        colour = ["#ea3a23", "#ea3a23", "#f3659a", "#fffbe0", "#ffc21a", "#8a3fb0"][rng.integers(6)]
        size = rng.uniform(0.008, 0.017)
        lay((u - fu) ** 2 + ((v - fv) * height / width) ** 2 < size**2, colour)
    return scene


def _pigments(wanted, rng, freedom: float) -> np.ndarray:
    """Choose one pigment for every wanted colour: near ones are likely, far ones are not."""
    pigments = mix(np.array([rgb(colour) for colour in PIGMENTS]), CANVAS, 0.07)
    weights = np.array([0.8, 1.4, 1.0])
    gaps = (((wanted[:, None] - pigments) * weights) ** 2).sum(axis=-1)
    score = -gaps / (2 * freedom**2) + rng.gumbel(size=gaps.shape)
    return pigments[score.argmax(axis=1)]


def _vivid(colours, amount) -> np.ndarray:
    grey = colours @ np.array([0.30, 0.59, 0.11])
    return np.clip(grey[:, None] + amount * (colours - grey[:, None]), 0, 1)


def draw(seed: int = 0) -> Image.Image:
    """Paint the picture; the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    canvas = Canvas(SIZE, CANVAS)
    scene = _scene((canvas.height, canvas.width), rng)
    for spacing, radius, freedom, complements in (
        (8.5, 7.2, 0.11, 0.02),
        (8.0, 5.4, 0.14, 0.05),
        (8.0, 4.6, 0.18, 0.09),
    ):
        centres = scatter((canvas.width, canvas.height), spacing, rng)
        columns, rows = centres.astype(int).T
        wanted = _vivid(scene[rows, columns], 1.25)
        # Some dots take the opposite hue at like lightness: beside it every colour glows.
        opposite = rng.random(len(wanted)) < complements
        grey = wanted @ np.array([0.30, 0.59, 0.11])
        wanted[opposite] = np.clip(1.6 * grey[opposite, None] - 0.5 * wanted[opposite], 0, 1)
        inks = _pigments(wanted, rng, freedom) * (1 + rng.normal(0, 0.06, (len(wanted), 1)))
        size = radius * rng.uniform(0.75, 1.2, len(wanted))
        wet = (rows / canvas.height > SHORE + 0.01) & (rows / canvas.height < 0.84)
        oval = np.where(wet[:, None], [1.45, 0.72], [1.0, 1.0])
        canvas.dots(centres, size[:, None] * oval, inks)
    return canvas.finish()
