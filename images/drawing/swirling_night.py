"""A night sky of whirls over a lakeside village, in thick, directed strokes of paint."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from drawing.canvas import Canvas, follow, mix, noise, palette_at, polyline_mask, scatter, vortex

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Swirling Night"
SIZE = (512, 400)

SKY = ["#08122e", "#0f2257", "#1b3f8c", "#2a62b4", "#4f92c6", "#93c1cf", "#d5e0c4"]
HALO = ["#3f80b4", "#8fbdb4", "#dfe0a6", "#fae27c", "#f8c53f", "#f3a52a"]
GLOW = ["#f2efd0", "#f9dc6b", "#f3ae2a", "#d8801f"]
HILLS = ["#071230", "#0e2b55", "#1a5170", "#2f8080", "#79b394", "#c5cf8e"]
TREES = ["#040a0c", "#0a1d1c", "#15352a", "#2f5a34", "#7d7a33"]
LAKE = ["#061230", "#0d2560", "#1e4b98", "#3a7abb"]

# (x, y, radius, turns) in parts of the canvas height.
WHIRLS = [(0.66, 0.30, 0.15, 2.4), (0.95, 0.46, 0.085, -2.2), (0.36, 0.52, 0.075, -1.6)]
MOON = (0.22, 0.20, 0.10)
STARS = [
    (0.45, 0.085, 0.030),
    (0.90, 0.12, 0.036),
    (1.18, 0.20, 0.026),
    (0.08, 0.47, 0.026),
    (0.50, 0.41, 0.020),
    (0.78, 0.53, 0.022),
    (1.20, 0.48, 0.030),
    (1.05, 0.31, 0.018),
    (0.66, 0.04, 0.016),
    (0.40, 0.30, 0.016),
]


def _sky_direction(x, y, height, rng) -> np.ndarray:
    """Direction of the wind: a wavy stream from the left, bent by whirls, moon and stars."""
    u, v = x / height, y / height
    flow_x = np.ones_like(u)
    flow_y = 0.55 * np.sin(4.2 * u + 2.5 * v) + 0.18 * noise(u.shape, height / 3, rng)
    lights = [(*MOON[:2], MOON[2] * 1.15, 2.2)]
    lights += [(sx, sy, r * 1.5, 2.0 - 4.0 * (i % 2)) for i, (sx, sy, r) in enumerate(STARS)]
    for cx, cy, radius, turns in WHIRLS + lights:
        whirl_x, whirl_y = vortex(u, v, (cx, cy), radius, turns * 1.6)
        fade = np.exp(-((((u - cx) ** 2 + (v - cy) ** 2) / (1.7 * radius) ** 2) ** 2))
        # Inside a whirl the stream stops; a little inward pull makes spirals out of rings.
        flow_x, flow_y = flow_x * (1 - fade), flow_y * (1 - fade)
        flow_x += whirl_x - 0.35 * (u - cx) / radius * fade
        flow_y += whirl_y - 0.35 * (v - cy) / radius * fade
    return np.arctan2(flow_y, flow_x)


def _streaks(direction, cell, length, rng) -> np.ndarray:
    """Smear noise along the flow, so that light and dark lie in long bands."""
    height, width = direction.shape
    step = 4
    y, x = np.mgrid[0:height:step, 0:width:step]
    starts = np.stack([x.ravel(), y.ravel()], axis=-1)
    walks = follow(direction, starts, length, 6.0)
    source = noise(direction.shape, cell, rng)
    columns = np.clip(walks[..., 0], 0, width - 1).astype(int)
    rows = np.clip(walks[..., 1], 0, height - 1).astype(int)
    bands = source[rows, columns].mean(axis=1).reshape(x.shape)
    bands = ndimage.zoom(bands, step, order=1)[:height, :width]
    return (bands - bands.mean()) / bands.std()


def _glow(u, v) -> np.ndarray:
    """Light of moon and stars: rings of decreasing brightness around each."""
    total = np.zeros_like(u)
    for cx, cy, radius in [MOON, *STARS]:
        distance = np.hypot(u - cx, v - cy) / radius
        rings = 0.5 + 0.5 * np.cos(distance * 6.6)
        total = np.maximum(total, np.exp(-((distance / 1.75) ** 2)) * (0.50 + 0.50 * rings))
    return total


def _paint_sky(canvas, rng) -> None:
    x, y = canvas.grid()
    height = canvas.height
    direction = _sky_direction(x, y, height, rng)
    bands = 0.75 * _streaks(direction, 34, 44, rng) + 0.45 * _streaks(direction, 13, 30, rng)
    glow = _glow(x / height, y / height)
    for cx, cy, radius, _ in WHIRLS:
        distance = np.hypot(x / height - cx, y / height - cy) / radius
        bands += 0.9 * np.exp(-(distance**2)) + 0.35 * np.exp(-(((distance - 1.25) / 0.3) ** 2))
    value = 0.38 + 0.19 * bands + 0.10 * (y / height - 0.3)
    layers = [(13, 17, 12, 9.0, 8), (8, 10, 11, 6.5, 6), (7, 6.5, 9, 5.0, 4)]
    for spacing, width, steps, step, bristles in layers:
        starts = scatter((canvas.width, height * 0.8), spacing, rng)
        rows, columns = starts[:, 1].astype(int), starts[:, 0].astype(int)
        near = glow[rows, columns]
        shrink = 1 - 0.45 * near
        paths = follow(direction, starts, steps, step * shrink)
        shake = rng.normal(0, 0.075, len(starts))
        colours = palette_at(SKY, np.clip(value[rows, columns] + shake, 0, 1))
        warm = palette_at(HALO, np.clip(near * 1.1 - 0.1 + rng.normal(0, 0.1, len(starts)), 0, 1))
        # A stroke is either sky or light, never a muddy blend of blue and yellow.
        chosen = near + rng.normal(0, 0.13, len(starts)) > 0.30
        colours = np.where(chosen[:, None], warm, colours)
        rare = rng.random(len(starts)) < 0.02
        colours[rare & (near < 0.2)] = palette_at(["#d9b24a", "#6aa79b"], rng.random())
        canvas.strokes(paths, width * shrink, colours, rng, bristles)


def _paint_lights(canvas, rng) -> None:
    """The bodies of the stars and a crescent moon, in rings of thick paint."""
    height = canvas.height
    for cx, cy, radius in STARS:
        for ring in np.linspace(0.75, 0.1, 4):
            turn = rng.uniform(0, 2 * np.pi, 7)[:, None] + np.linspace(0, 1.3, 8)
            r = radius * ring * height * 0.62
            paths = np.stack(
                [cx * height + r * np.cos(turn), cy * height + r * np.sin(turn)], axis=-1
            )
            position = np.clip(ring * 0.55 + rng.normal(0, 0.08, 7), 0, 1)
            canvas.strokes(paths, 7, palette_at(GLOW, position), rng, 4)
    cx, cy, radius = (part * height for part in MOON)
    outer = radius * 0.85
    for colours, centre, reach in (
        (["#f8c53f", "#f39a2a", "#e47a1c"], (cx, cy), outer),
        (["#8fbdb4", "#dfe0a6", "#f4ecc0"], (cx + 0.42 * outer, cy - 0.22 * outer), 0.72 * outer),
    ):
        for r in np.linspace(reach, 3, 16):
            turn = rng.uniform(0, 2 * np.pi, 12)[:, None] + np.linspace(0, min(1.0, 26 / r), 9)
            paths = np.stack([centre[0] + r * np.cos(turn), centre[1] + r * np.sin(turn)], axis=-1)
            position = np.clip(0.5 + rng.normal(0, 0.25, 12), 0, 1)
            canvas.strokes(paths, 8, palette_at(colours, position), rng, 5)


def _ridge(x, level, swing, phase):
    return level + swing * (np.sin(2.3 * x + phase) + 0.45 * np.sin(5.1 * x + 2.1 * phase))


def _paint_hills(canvas, rng) -> None:
    height, width = canvas.height, canvas.width
    x, y = canvas.grid()
    u, v = x / height, y / height
    ridges = [(0.63, 0.050, 0.4, 0.95), (0.69, 0.045, 2.6, 0.72), (0.755, 0.028, 4.4, 0.55)]
    for level, swing, phase, lightness in ridges:
        edge = _ridge(u, level, swing, phase)
        slope = np.gradient(edge[0] * height)
        depth = np.clip((v - edge) / 0.10, 0, 1)
        curl = 0.8 * np.sin(11 * u + 5 * depth + phase)
        direction = np.arctan(slope)[None, :] * (1 - 0.6 * depth) + curl * depth
        fill = np.where((v > edge)[..., None], mix(HILLS[0], HILLS[2], lightness), 0)
        pixels = np.asarray(canvas.colour, dtype=float) / 255
        canvas.set_pixels(np.where((v > edge)[..., None], fill, pixels))
        starts = scatter((width, height), 8, rng)
        rows, columns = starts[:, 1].astype(int), starts[:, 0].astype(int)
        inside = (v > edge + 0.004)[rows, columns] & (v[rows, columns] < level + 0.16)
        starts, rows, columns = starts[inside], rows[inside], columns[inside]
        near_edge = np.exp(-depth[rows, columns] * 3.5)
        position = lightness * (0.22 + 0.85 * near_edge) + rng.normal(0, 0.10, len(starts))
        colours = palette_at(HILLS, np.clip(position, 0, 1))
        bluish = rng.random(len(starts)) < 0.3
        colours[bluish] = palette_at(SKY[1:5], np.clip(position[bluish], 0, 1))
        canvas.strokes(follow(direction, starts, 8, 5.0), 8, colours, rng, 5)


def _paint_lake(canvas, rng, homes) -> None:
    height, width = canvas.height, canvas.width
    starts = scatter((width, height * 0.2), 7.5, rng) + [0, height * 0.835]
    direction = 0.10 * noise((height, width), 60, rng)
    shade = noise((height, width), 40, rng)
    rows = np.clip(starts[:, 1].astype(int), 0, height - 1)
    columns = starts[:, 0].astype(int)
    near = (rows / height - 0.83) / 0.17
    position = 0.62 - 0.4 * near + 0.16 * shade[rows, columns] + rng.normal(0, 0.1, len(starts))
    colours = palette_at(LAKE, np.clip(position, 0, 1))
    canvas.strokes(follow(direction, starts, 7, 6.0), 7, colours, rng, 5)
    for x, strength in homes:
        for _ in range(int(11 * strength)):
            fall = rng.random() ** 1.3
            here = [x + rng.normal(0, 5 + 9 * fall), height * (0.85 + 0.13 * fall)]
            path = follow(direction, np.array([here]), 5, 2.2 + 2.4 * fall)
            colour = palette_at(GLOW, np.clip(0.2 + 0.5 * fall + rng.normal(0, 0.15), 0, 1))
            canvas.strokes(path, 5, (colour * (1 - 0.3 * fall))[None], rng, 3)


def _paint_village(canvas, rng) -> list[tuple[float, float]]:
    """Small houses along the shore; gives where their windows are lit, and how much."""
    height, width = canvas.height, canvas.width
    homes = []
    for x in np.arange(0.05, 0.74, 0.052) * width + rng.normal(0, 7, 14):
        base = height * (0.838 - 0.022 * rng.random())
        wide, tall = rng.uniform(30, 46), rng.uniform(17, 28)
        left, right, eaves = x - wide / 2, x + wide / 2, base - tall
        peak = eaves - rng.uniform(13, 22)
        wall = mix("#1c3765", "#7f97a6", rng.random() * 0.7)
        roof = mix("#0a1230", "#7a3a22", rng.random() * 0.8)
        canvas.polygon([(left, base), (left, eaves), (right, eaves), (right, base)], wall)
        for part in np.linspace(0.1, 0.9, 5):
            row = eaves + part * tall
            path = np.stack([np.linspace(left, right, 6), row + rng.normal(0, 0.6, 6)], axis=-1)
            canvas.strokes(path[None], 5, (wall * rng.uniform(0.8, 1.2))[None], rng, 4)
        canvas.polygon([(left - 4, eaves), (x, peak), (right + 4, eaves)], roof, "#050a1c", 2)
        for side in (left, right):
            path = np.linspace([x, peak + 3], [side, eaves - 1], 6)
            canvas.strokes(path[None], 8, (roof * 1.25)[None], rng, 5)
        lit = 1.0 if rng.random() < 0.8 else 0.0
        for part in (0.28, 0.70):
            if lit:
                at = left + part * wide
                path = np.linspace([at, eaves + tall * 0.30], [at, eaves + tall * 0.72], 4)
                canvas.strokes(
                    path[None], 7, palette_at(GLOW, rng.uniform(0.15, 0.6))[None], rng, 4
                )
        homes.append((float(x), lit))
    return homes


def _paint_trees(canvas, rng) -> None:
    """Dark, flame-like trees: strokes that lick upwards inside a swaying outline."""
    height = canvas.height
    for foot, top, wide, lean in [(1.215, 0.36, 0.060, -0.01), (1.085, 0.06, 0.086, 0.03)]:
        rise = np.linspace(0, 1, 160)
        sway = foot + lean * rise + 0.022 * np.sin(8 * rise + foot * 9) * np.sqrt(rise)
        half = wide * (1 - rise) ** 0.62 * (0.55 + 0.45 * np.sin(np.pi * (rise * 0.75 + 0.22)))
        half *= (
            1 + 0.2 * np.sin(27 * rise + foot) * (1 - 0.6 * rise) + 0.05 * rng.standard_normal(160)
        )
        level = 1.02 - (1.02 - top) * rise
        outline = np.concatenate(
            [
                np.stack([sway - half, level], axis=-1),
                np.stack([sway + half, level], axis=-1)[::-1],
            ]
        )
        size = (canvas.width, canvas.height)
        mask = polyline_mask(size, outline * height)
        canvas.polygon(outline * height, TREES[0])
        starts = scatter(size, 6.5, rng)
        starts = starts[mask[starts[:, 1].astype(int), starts[:, 0].astype(int)]]
        starts = starts[np.argsort(starts[:, 1])]
        part = np.clip((1.02 - starts[:, 1] / height) / (1.02 - top), 0, 1)
        across = starts[:, 0] / height - np.interp(part, rise, sway)
        x, y = canvas.grid()
        fan = (x / height - foot - lean * (1.02 - y / height)) / wide
        direction = -np.pi / 2 + 0.35 * fan + 0.55 * np.sin(y / height * 26 + fan * 3 + foot)
        paths = follow(direction, starts, 9, 6.0 * (1 - 0.4 * part))
        position = 0.33 - 3.2 * across + rng.normal(0, 0.20, len(starts))
        canvas.strokes(paths, 7, palette_at(TREES, np.clip(position, 0, 1)), rng, 5, 0.03)


def draw(seed: int = 0) -> Image.Image:
    """Paint the picture; the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    canvas = Canvas(SIZE, SKY[1])
    _paint_sky(canvas, rng)
    _paint_lights(canvas, rng)
    _paint_hills(canvas, rng)
    homes = _paint_village(canvas, rng)
    _paint_lake(canvas, rng, homes)
    _paint_trees(canvas, rng)
    canvas.light(0.9)
    return canvas.finish()
