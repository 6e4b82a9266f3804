"""A castle above a river in pen and ink: tone is made by hatching that follows the form."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from drawing.canvas import as_image, rgb

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Castle above the River"
SIZE = (384, 512)
SCALE = 2  # drawn larger by this much; the lines are smooth by themselves
PAPER, INK = "#f3ead6", "#17141a"
SHORE = 396
# fmt: off
BANKS = [  # of cloud: x, y, half width, height
    (40, 262, 74, 30), (118, 286, 60, 22), (330, 288, 78, 34), (370, 250, 44, 24),
    (352, 124, 52, 22), (176, 172, 44, 18), (230, 60, 46, 14), (300, 206, 40, 12),
]
CRAG_X = [88, 130, 160, 200, 290, 320, 352, 384]
CRAG_Y = [400, 366, 318, 300, 298, 316, 350, 412]
# fmt: on


class Plate:
    """What the pen needs to know at every pixel: tone, two sets of lines, and outlines."""

    def __init__(self, rng):
        shape = (SIZE[1] * SCALE, SIZE[0] * SCALE)
        self.rng, self.shape = rng, shape
        self.y, self.x = (np.mgrid[0 : shape[0], 0 : shape[1]] + 0.5) / SCALE
        self.tone = np.zeros(shape)
        self.lines = [np.zeros(shape), np.zeros(shape)]  # line numbers, not yet whole
        self.pitch = [np.ones(shape), np.ones(shape)]  # pixels from line to line
        self.zone = np.zeros(shape, np.int32)
        self.fields = {}
        for cell in (3, 9, 24, 60):  # seamless, so that a field may be moved around
            coarse = rng.standard_normal([round(side / cell) for side in (SIZE[1], SIZE[0])])
            factors = np.array(shape) / coarse.shape
            fine = ndimage.zoom(coarse, factors, order=3, mode="grid-wrap", grid_mode=True)
            self.fields[cell] = (fine - fine.mean()) / fine.std()

    def noise(self, cell):
        """One of the prepared noise fields, moved to a new place."""
        return np.roll(self.fields[cell], self.rng.integers(0, 1000, 2), (0, 1))

    def put(self, mask, tone, first, second, spacing=3.3, outline=True):
        """Cover `mask` by a surface: darkness 0 to 1, and the heights its lines are drawn at."""
        rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
        if not len(rows):
            return
        box = np.s_[rows[0] : rows[-1] + 2, columns[0] : columns[-1] + 2]
        part = mask[box]
        self.tone[box][part] = np.broadcast_to(tone, self.shape)[box][part]
        for k, height in enumerate((first, second)):
            slope = np.hypot(*np.gradient(height[box])) * SCALE + 1e-3
            self.lines[k][box][part] = (height[box] / spacing)[part]
            self.pitch[k][box][part] = np.clip(spacing / slope, 1.2, 6)[part]
        self.zone[mask] = self.zone.max() + 1 if outline else self.zone[mask]

    def hatch(self, k, tone, pressure):
        """Ink of one set of lines; a line swells with the tone and lifts where it is light."""
        number = np.floor(self.lines[k])
        away = np.abs(self.lines[k] - number - 0.5) * self.pitch[k]
        lift = 0.05 * np.sin(number * 12.9898) + 0.05 * self.noise(9) + 0.03 * self.noise(24)
        width = self.pitch[k] * np.clip(tone + lift * pressure, 0, 0.86) / 2
        width = np.where(width > 0.16, np.clip(width, 0.30, 1.35), 0) + 0.05 * self.noise(3)
        return np.clip((width - away) * SCALE * 0.8 + 0.5, 0, 1) * (width > 0.2)

    def ink(self):
        """All lines together: one set in the lights, a second in the halftones, outlines."""
        tone = np.clip(self.tone, 0, 1)
        black = self.hatch(0, 0.62 * tone, 1)
        black = np.maximum(black, self.hatch(1, np.clip(1.0 * tone - 0.36, 0, 1), 1))
        diagonal = (self.x + self.y + 3 * self.noise(24)) / np.sqrt(2) / 2.9
        self.lines[0], self.pitch[0] = diagonal, np.full(self.shape, 2.9)
        black = np.maximum(black, self.hatch(0, np.clip(1.2 * tone - 0.76, 0, 1), 1))
        edge = ndimage.maximum_filter(self.zone, 2) != ndimage.minimum_filter(self.zone, 2)
        far = ndimage.distance_transform_edt(~edge) / SCALE
        width = 0.42 + 0.28 * tone + 0.16 * self.noise(9)
        black = np.maximum(black, np.clip((width - far) * SCALE * 0.8 + 0.5, 0, 1))
        return np.maximum(black, np.clip((tone - 0.95) * 150, 0, 1))


def lay_courses(plate, mask, level, along, joints=False):
    """Make single stones of a wall darker or lighter, and draw some joints."""
    course = np.floor(level / 5.5)
    place = along / 8 + 0.5 * (course % 2)
    chance = np.abs(np.sin(course * 78.2 + np.floor(place) * 37.7))
    plate.tone[mask & (chance > 0.82)] += 0.16
    plate.tone[mask & (chance < 0.2)] -= 0.12
    plate.tone[mask & (place % 1 < 0.07) & (chance > 0.5) & joints] = 1


def draw_sky(plate):
    """Wavering level lines, dark at the top, and banks of billowing cloud."""
    rng, x, y = plate.rng, plate.x, plate.y
    level = y + 3 * plate.noise(60) + 0.8 * plate.noise(24)
    tone = 0.66 - y / 700 + 0.06 * plate.noise(60)
    plate.put(y < 600, tone, level, x * 0.5 + y + 4 * plate.noise(60), 3.4)
    for bank_x, bank_y, wide, tall in BANKS:
        for turn in np.linspace(0, np.pi, 11)[rng.permutation(11)]:
            inward = rng.uniform(0.25, 1)
            cx = bank_x - wide * np.cos(turn) * inward
            cy = bank_y - tall * np.sin(turn) * inward
            radius = rng.uniform(0.26, 0.46) * (tall + 0.25 * wide)
            angle, r = np.arctan2(y - cy, x - cx), np.hypot(x - cx, y - cy)
            edge = radius * (1 + 0.06 * np.abs(np.sin(4 * angle + cx)) + 0.02 * plate.noise(9))
            light = ((x - cx) * 0.7 + (y - cy)) / radius
            tone = np.clip(0.46 * light + 0.006 * (y - bank_y) - 0.1, 0, 0.55)
            tone = tone + 0.05 * plate.noise(24)
            mask = (r < edge) & (y < bank_y + 0.25 * tall + 2 * plate.noise(24))
            curve = np.hypot(x - cx + 0.5 * radius, y - cy + 0.9 * radius)
            plate.put(mask, tone, curve + plate.noise(24), y + 0.5 * x, 3.0, outline=False)
            rim = mask & (r > edge - 0.8) & (light < 0.25 + 0.3 * plate.noise(24))
            plate.tone[rim] = 1


def draw_hills(plate):
    """Far hills, shaded down the slope, paler with distance."""
    x, y = plate.x, plate.y
    for base, size, phase, tone in [(330, 30, 0.4, 0.24), (362, 24, 2.6, 0.42)]:
        crest = base - size * (np.sin(x / 47 + phase) + 0.5 * np.sin(x / 19 + 2 * phase))
        crest = crest + 1.5 * plate.noise(24)
        fall = x * 0.6 + (y - crest) * 0.9 + 2 * plate.noise(24)
        shade = tone + 0.20 * np.cos(x / 47 + phase) + 0.06 * plate.noise(24)
        plate.put(y > crest, shade, fall, y - 0.4 * crest, 3.2)


def draw_rock(plate):
    """The crag under the castle: broken facets, light on the left."""
    x, y = plate.x, plate.y
    crag = 4 * plate.noise(9) + 5 * plate.noise(24)
    top = np.interp(x, CRAG_X, CRAG_Y)
    relief = plate.noise(24) + 0.7 * plate.noise(60) + 0.3 * plate.noise(9)
    facet = np.gradient(relief, axis=1) * SCALE * 6 + 0.5 * np.gradient(relief, axis=0) * SCALE * 6
    tone = 0.52 + 0.34 * np.tanh(3 * facet) + 0.24 * (x - 220) / 130 + 0.2 * (y - 350) / 60
    tone = np.clip(tone, 0.05, 0.86)
    mask = (y > top + crag * 0.6) & (y < SHORE + 40)
    plate.put(mask, tone, x + 0.45 * y + 4.5 * relief, y - 0.4 * x + 4 * relief, 3.0)


def draw_tower(plate, cx, half, top, bottom, roof, tone=0.0):
    """A round tower with battlements or a pointed roof of height `roof`, windows and stones."""
    x, y = plate.x, plate.y
    across = np.clip((x - cx) / half, -1, 1)
    bulge = np.sqrt(1 - across**2)
    shade = np.clip(0.08 + 0.5 * (across + 0.5), 0.03, 0.95) + 0.25 * np.clip(across, 0, 1) ** 2
    shade = shade - 0.22 * np.clip(across - 0.78, 0, 1) * 4 + tone + 0.05 * plate.noise(24)
    around = cx + half * np.arcsin(across)
    level = y - 0.16 * half * bulge * np.clip((y - 330) / 160, -1.5, 1)
    body = (np.abs(x - cx) < half) & (y > top) & (y < bottom + 6 * bulge)
    plate.put(body, shade, level, around, 2.9)
    lay_courses(plate, body, level, around, joints=True)
    ledge = (np.abs(x - cx) < half * 1.16) & (y > top - 7 + 3 * bulge) & (y < top + 3 * bulge)
    plate.put(ledge, shade + 0.05, level, around, 2.6)
    plate.tone[body & (y < top + 5 + 4 * bulge)] += 0.35
    if roof:
        flank = half * 1.25 * np.clip((y - (top - roof - 6)) / roof, 0, None) ** 1.12
        slope = np.clip((x - cx) / np.maximum(flank, 0.5), -1, 1)
        mask = (np.abs(x - cx) < flank) & (y < top - 6 + 4 * np.sqrt(1 - slope**2))
        dark = 0.52 + 0.40 * slope + 0.1 * plate.noise(9)
        plate.put(mask, dark, y - 5 * np.sqrt(1 - slope**2), slope * half * 1.1, 2.9)
        plate.tone[(np.abs(x - cx) < 0.6) & (y < top - roof) & (y > top - roof - 16)] = 1
    else:
        teeth = (np.abs(x - cx) < half * 1.16) & (y > top - 14) & (y <= top - 5 + 3 * bulge)
        teeth &= np.floor(np.arcsin(across) * 2.6 + 9) % 2 == 0
        plate.put(teeth, shade + 0.2, level, around, 2.6)
    for row in np.arange(top + 18, bottom - 14, 30):
        draw_window(plate, cx - half * 0.25 + 0.4 * half * np.sin(row), row, 2.3, 9)


def draw_window(plate, cx, cy, half, height):
    """A pointed window, black, with a pale sill."""
    x, y = plate.x, plate.y
    arch = np.abs(x - cx) < half * np.sqrt(np.clip((y - cy + height / 2) / (0.6 * height), 0, 1))
    plate.tone[arch & (y < cy + height / 2)] = 1
    plate.tone[(np.abs(x - cx) < half + 1.5) & (np.abs(y - cy - height / 2 - 1) < 1)] = 0


def draw_wall(plate, left, right, top, bottom, tone, roof=0.0):
    """A straight wall with courses of stone and battlements, or a tiled roof behind it."""
    x, y = plate.x, plate.y
    inside = (x > left) & (x < right)
    if roof:
        hip = (y - (top - roof)) * 0.55
        tiles = (x > left + roof * 0.55 - hip) & (x < right - roof * 0.55 + hip)
        tiles &= (y > top - roof) & (y < top + 2)
        dark = tone + 0.28 + 0.1 * plate.noise(9)
        plate.put(tiles, dark, y + 0.6 * np.sin(x * 1.3), x + 0.3 * y, 2.9)
    teeth = (y > top - 6) & (np.floor(x / 5.5) % 2 == 0) & (not roof)
    stone = inside & (y < bottom) & ((y > top) | teeth)
    shade = tone + 0.05 * plate.noise(24)
    plate.put(stone, shade, y + 0.3 * plate.noise(24), x + 0.12 * y, 2.9)
    lay_courses(plate, inside & (y > top) & (y < bottom), y, x)


def draw_bridge(plate):
    """Three round arches from the left bank to the rock."""
    x, y = plate.x, plate.y
    deck = 346 + 0.0011 * (x - 70) ** 2
    mask = (y > deck - 7) & (y < SHORE + 12) & (x < 150)
    for cx, radius in [(12, 24), (66, 25), (120, 22)]:
        r = np.hypot(x - cx, y - SHORE + 1)
        soffit = (r < radius) & (y < SHORE + 4)
        deep = soffit & (np.hypot(x - cx - 6, y - SHORE + 1) > radius) & (y < SHORE)
        plate.put(deep, 0.9, r, x + y, 2.8)
        mask &= ~soffit
    nearest = np.minimum.reduce([np.hypot(x - cx, y - SHORE + 1) for cx in (12, 66, 120)])
    ring = nearest < 30
    plate.put(mask, 0.26 + 0.05 * plate.noise(24), np.where(ring, nearest, y), x, 2.9)
    lay_courses(plate, mask, y, x)
    plate.put(mask & (y < deck), 0.08, y, x, 2.9)


def draw_water(plate):
    """Level lines that open towards us and carry the mirror image of the shore."""
    x, y = plate.x, plate.y
    depth = np.clip(y - SHORE, 0, None)
    sway = (1.5 + depth / 30) * np.sin(depth / 5 + 2 * plate.noise(60)) + plate.noise(9)
    rows = np.clip(((SHORE - depth * 1.25 - 1) * SCALE).astype(int), 0, plate.shape[0] - 1)
    columns = np.clip(((x + 2 * sway) * SCALE).astype(int), 0, plate.shape[1] - 1)
    mirror = plate.tone[rows, columns]
    ripple = np.sin(depth / (1.6 + depth / 45) + plate.noise(60) * 3 + x / 40)
    tone = 0.12 + 0.62 * mirror + 0.14 * ripple + 0.08 * plate.noise(24)
    level = 70 * np.log1p(depth / 55) + 0.5 * plate.noise(24) + 0.4 * np.sin(x / 9 + depth / 3)
    plate.put(y > SHORE + 1.5 * plate.noise(60), tone, level, level + 0.3 * x, 2.6)


def draw_boat(plate, cx, cy):
    """A rowing boat with its shadow on the water."""
    x, y = plate.x - cx, plate.y - cy
    rim = 0.006 * x**2
    plate.put((x / 31) ** 2 + ((y - 11) / 6) ** 2 < 1, 0.86, y, x, 2.4, outline=False)
    hull = (np.abs(x) < 34) & (y > -rim) & (y < 11 - 0.016 * x**2)
    plate.put(hull, 0.6 + 0.012 * x, y + rim, x, 2.4)
    plate.put((np.abs(x) < 30) & (y > -rim) & (y < 2.5 - rim), 0.05, y, x, 2.4)
    plate.put((np.hypot(x + 2, (y + 9) * 0.7) < 6) & (y < 0), 0.75, x, y, 2.4)
    plate.put(np.hypot(x + 2, y + 19) < 3.4, 0.1 + 0.1 * x, y, x, 2.4)
    plate.put((np.abs(x + 2) < 6.5) & (np.abs(y + 21.5 - 0.02 * x**2) < 1.2), 0.96, x, y, 2.4)
    plate.tone[(np.abs(y + 4 - 0.45 * (x - 6)) < 0.7) & (x > -4) & (x < 40)] = 1


def draw_tree(plate):
    """The oak on the near bank: a furrowed trunk, boughs, and clumps of leaves."""
    rng, x, y = plate.rng, plate.x, plate.y

    def bough(points, start, end):
        points = np.array(points, float)
        middle = np.interp(y, points[::-1, 1], points[::-1, 0])
        along = np.interp(y, points[::-1, 1], np.linspace(end, start, len(points)))
        across = (x - middle) / along
        mask = np.abs(across) < 1 + 0.06 * plate.noise(9)
        mask &= (y > points[-1, 1]) & (y < points[0, 1])
        bark = x - middle + 1.5 * plate.noise(9)
        plate.put(mask, 0.58 + 0.4 * across + 0.12 * plate.noise(9), bark, y + 5 * across**2, 2.9)

    bough([(40, 520), (36, 400), (46, 280), (34, 120)], 25, 8)
    bough([(40, 330), (70, 262), (110, 190), (126, 120)], 9, 3)
    bough([(40, 300), (10, 230), (-8, 170)], 8, 4)
    clumps = rng.uniform([-20, -15, 9], [185, 225, 26], (190, 3))  # x, y, radius
    low = 164 - 0.005 * (clumps[:, 0] - 40) ** 2 + 34 * np.sin(clumps[:, 0] / 17)
    clumps = clumps[clumps[:, 1] < low]
    order = np.argsort(clumps @ [0.3, -1, 1])  # dark ones below first, light ones on top
    for k, (cx, cy, radius) in enumerate(clumps[order]):
        angle, r = np.arctan2(y - cy, x - cx), np.hypot(x - cx, y - cy)
        edge = radius * (0.86 + 0.20 * np.abs(np.sin(5.5 * angle + k)) + 0.07 * plate.noise(3))
        light = ((x - cx) * 0.75 + (y - cy)) / radius
        tone = 0.44 + 0.42 * light + 0.12 * plate.noise(9) + 0.1 * (cx / 150 - 0.4)
        tone = np.minimum(tone, 0.93)
        curl = r + 2.4 * np.sin(6 * angle + k) + 1.6 * plate.noise(9)
        plate.put(r < edge, tone, curl, y + 0.7 * x + 3 * plate.noise(9), 3.0)


def draw_bank(plate):
    """The near bank, its blades of grass drawn one by one; returns their ink and their paper."""
    rng, x, y = plate.rng, plate.x, plate.y
    top = 470 + 34 * np.tanh((x - 150) / 90) + 3 * plate.noise(24)
    down = x * 0.9 - 0.5 * y + 5 * plate.noise(24)
    plate.put(y > top, 0.66 + 0.1 * plate.noise(24), down, y + 0.2 * x, 3.1)
    sheets = [Image.new("L", plate.shape[::-1]) for _ in range(2)]
    ink, clear = [ImageDraw.Draw(sheet) for sheet in sheets]
    for foot in np.sort(rng.uniform(0, 1, 760)):
        px = rng.uniform(-10, 394)
        py = 474 + 34 * np.tanh((px - 150) / 90) + foot * 85
        tall, lean = rng.uniform(12, 34) * (1.5 if rng.random() < 0.12 else 1), rng.normal(0, 9)
        t = np.linspace(0, 1, 9)
        blade = np.stack([px + lean * t**2, py - tall * t], 1) * SCALE
        for i in range(8):
            wide = SCALE * (1.5 - 0.8 * t[i])
            step = [*blade[i], *blade[i + 1]]
            ink.line(step, fill=255 if rng.random() < 0.985 else 0, width=round(wide))
            clear.line(step, fill=255, width=round(wide + SCALE))
        ink.line([tuple(point + [1.6 * SCALE, 0]) for point in blade[:6]], fill=0, width=1)
    return [np.asarray(sheet) / 255 for sheet in sheets]


def draw(seed: int = 0) -> Image.Image:
    """Return the picture; the same ``seed`` always gives the same pixels."""
    rng = np.random.default_rng(seed)
    plate = Plate(rng)
    draw_sky(plate)
    draw_hills(plate)
    draw_rock(plate)
    draw_tower(plate, 252, 15, 150, 300, 62, 0.06)
    draw_wall(plate, 168, 250, 232, 310, 0.16, roof=34)
    draw_tower(plate, 210, 21, 178, 312, 0)
    draw_wall(plate, 226, 318, 262, 322, 0.42)
    draw_tower(plate, 168, 15, 236, 326, 44)
    draw_tower(plate, 314, 18, 238, 336, 50, 0.1)
    for cx in (246, 262, 278, 292):
        draw_window(plate, cx, 284, 3, 15)
    draw_bridge(plate)
    draw_water(plate)
    draw_boat(plate, 276, 440)
    draw_tree(plate)
    blades, clear = draw_bank(plate)
    ink = np.maximum(plate.ink() * (1 - 0.9 * clear), blades)
    fibre = 1 + 0.012 * plate.noise(3) + 0.018 * plate.noise(60)
    depth = np.clip(0.93 + 0.05 * plate.noise(9), 0, 1) * ink
    picture = rgb(PAPER) * fibre[..., None] * (1 - depth[..., None]) + rgb(INK) * depth[..., None]
    return as_image(picture).resize(SIZE, Image.Resampling.LANCZOS)
