"""Circles, triangles, chequers and lines at play on warm ground, as early abstract painters did."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from drawing.canvas import as_image, noise, palette_at, rgb

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Geometric Composition"
SIZE = (512, 400)
SCALE = 2

BLACK, WHITE, CREAM = "#17141c", "#fbf5e3", "#f3e3bd"
RED, CRIMSON, ORANGE, YELLOW, PINK = "#d63a26", "#98203c", "#ec7d24", "#f5bd27", "#eba39a"
BLUE, SKY, TEAL, VIOLET, OLIVE = "#213a96", "#6fb9d6", "#17808a", "#6a3b86", "#7b8a35"
# fmt: off
PATCHES = [  # soft colours of the ground: x, y, radius, colour, strength
    (60, 60, 120, TEAL, 0.45), (470, 340, 130, VIOLET, 0.45), (350, 60, 130, PINK, 0.6),
    (120, 350, 110, ORANGE, 0.5), (500, 40, 90, BLUE, 0.45), (20, 250, 80, CRIMSON, 0.4),
]
PANES = [  # thin shapes underneath: a disc (x, y, radius) or corners
    ((446, 326, 62), SKY), (((418, 196), (511, 398), (318, 372)), PINK), ((48, 336, 46), PINK),
    ((248, 70, 50), SKY), ((292, 40, 26), YELLOW),
    (((126, 372), (338, 292), (346, 312), (134, 392)), SKY),
    (((2, 66), (120, 4), (128, 20), (10, 82)), YELLOW),
    (((400, 330), (511, 340), (508, 364), (398, 354)), YELLOW),
]
BOWS = [  # x, y, radius, width, colour, from, to
    (20, 392, 150, 16, TEAL, -1.45, -0.16), (20, 392, 132, 9, ORANGE, -1.45, -0.16),
    (20, 392, 121, 5, BLACK, -1.45, -0.16), (20, 392, 112, 4, CRIMSON, -1.45, -0.16),
    (500, 20, 120, 13, BLUE, 1.65, 2.95), (500, 20, 104, 7, YELLOW, 1.65, 2.95),
    (500, 20, 94, 3, BLACK, 1.65, 2.95), (500, 20, 86, 8, RED, 1.65, 2.95),
    (420, 420, 150, 4, BLACK, -2.9, -1.2), (150, 520, 330, 2.2, BLACK, -1.75, -0.7),
]
# fmt: on
BRIGHT = [RED, YELLOW, BLUE, TEAL, ORANGE, VIOLET, BLACK, PINK, SKY, CRIMSON]


class Painting:
    """A canvas on which shapes are laid; a shape is its signed distance, negative inside."""

    def __init__(self, rng):
        self.rng = rng
        self.shape = (SIZE[1] * SCALE, SIZE[0] * SCALE)
        y, x = (np.mgrid[0 : self.shape[0], 0 : self.shape[1]] + 0.5) / SCALE
        self.x = x + 0.5 * noise(self.shape, 40 * SCALE, rng)  # a hand, not a compass
        self.y = y + 0.5 * noise(self.shape, 40 * SCALE, rng)
        self.cloud = noise(self.shape, 26 * SCALE, rng, octaves=4)
        self.grit = noise(self.shape, 1.3 * SCALE, rng)
        brush = ndimage.gaussian_filter(rng.standard_normal((2, *self.shape)), (0, 0.6, 14))
        brush[1] = ndimage.gaussian_filter(rng.standard_normal(self.shape), (14, 0.6))
        self.brush = brush / brush.std((1, 2), keepdims=True)
        self.pixels = self.ground()

    def ground(self):
        """Warm, cloudy ground, light in the middle, with soft patches of colour."""
        x, y = self.x, self.y
        tone = 0.56 + 0.13 * self.cloud - 0.0011 * (np.hypot(x - 230, (y - 190) * 1.2) - 130)
        pixels = palette_at(["#b97f45", "#dfb06a", "#efd49a", "#f6e6c0", "#fcf3dc"], tone)
        for cx, cy, radius, colour, strength in PATCHES:
            fade = strength * np.exp(-((np.hypot(x - cx, y - cy) / radius) ** 2))
            fade = np.clip(fade * (1 + 0.3 * self.cloud), 0, 1)[..., None]
            pixels = pixels * (1 - fade) + rgb(colour) * fade
        return pixels * (1 + 0.03 * self.brush[0] + 0.02 * self.grit)[..., None]

    def lay(self, distance, colour, strength=1.0, fade=None, second=None, dry=0.10):
        """Paint a shape. `fade` = (angle, from, to) thins it or turns it into `second`."""
        cover = np.clip(0.5 - distance * SCALE, 0, 1) * strength
        rows, columns = np.where(cover.any(1))[0], np.where(cover.any(0))[0]
        if not len(rows):
            return
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        cover, inside = cover[box], -distance[box]
        paint = np.broadcast_to(rgb(colour), (*cover.shape, 3))
        if fade is not None:
            angle, start, stop = fade
            along = self.x[box] * np.cos(angle) + self.y[box] * np.sin(angle)
            low, high = along[cover > 0].min(), along[cover > 0].max()
            turn = (along - low) / (high - low + 1e-6)
            turn = np.clip((turn - start) / (stop - start) + 0.07 * self.cloud[box], 0, 1)
            if second is None:
                cover = cover * (1 - 0.9 * turn)
            else:
                paint = paint * (1 - turn[..., None]) + rgb(second) * turn[..., None]
        brush = self.brush[self.rng.integers(2)][box]
        texture = 1 + dry * (0.5 * brush + 0.45 * self.cloud[box] + 0.35 * self.grit[box])
        pool = 1 - 0.16 * np.exp(-((inside - 1.0) ** 2) / 3)  # paint gathers along an edge
        cover = (cover * np.clip(1 - 0.6 * dry * (brush - 0.8), 0, 1))[..., None]
        paint = paint * (texture * pool)[..., None]
        self.pixels[box] = self.pixels[box] * (1 - cover) + paint * cover

    def glaze(self, distance, colour, strength=1.0, **options):
        """Paint a transparent shape: what lies under it shows through, darker."""
        before = self.pixels.copy()
        self.pixels = np.ones_like(before)
        self.lay(distance, colour, strength, **options)
        self.pixels = before * self.pixels

    def halo(self, distance, colour, width, strength):
        """A soft glow outside a shape."""
        glow = strength * np.exp(-np.clip(distance, 0, None) / width) * (1 + 0.25 * self.cloud)
        glow = np.clip(glow, 0, 1)[..., None]
        self.pixels = self.pixels * (1 - glow) + rgb(colour) * glow

    # Shapes, as signed distances in pixels of the finished picture.
    def disc(self, cx, cy, radius):
        return np.hypot(self.x - cx, self.y - cy) - radius

    def ring(self, cx, cy, radius, width):
        return np.abs(self.disc(cx, cy, radius)) - width / 2

    def polygon(self, *corners):
        """A convex polygon, corners in clockwise order as seen."""
        corners = np.array(corners, float)
        distance = np.full(self.shape, -np.inf)
        for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
            normal = np.array([b[1] - a[1], a[0] - b[0]]) / np.hypot(*(b - a))
            beyond = (self.x - a[0]) * normal[0] + (self.y - a[1]) * normal[1]
            distance = np.maximum(distance, beyond)
        return distance

    def sector(self, cx, cy, start, stop):
        """The wedge between two directions, less than half a turn apart."""
        dx, dy = self.x - cx, self.y - cy
        before = dx * np.sin(start) - dy * np.cos(start)
        return np.maximum(before, dy * np.cos(stop) - dx * np.sin(stop))

    def line(self, a, b, width, end=None):
        """A straight line from `a` to `b`; its width may change to `end`."""
        dx, dy = b[0] - a[0], b[1] - a[1]
        along = ((self.x - a[0]) * dx + (self.y - a[1]) * dy) / (dx * dx + dy * dy)
        t = np.clip(along, 0, 1)
        half = (width + ((end or width) - width) * t) / 2
        return np.hypot(self.x - a[0] - t * dx, self.y - a[1] - t * dy) - half

    def wave(self, a, b, height, length, width, phase=0.0):
        """A sine wave along the line from `a` to `b`, thicker in the middle."""
        reach = np.hypot(b[0] - a[0], b[1] - a[1])
        ux, uy = (b[0] - a[0]) / reach, (b[1] - a[1]) / reach
        s = (self.x - a[0]) * ux + (self.y - a[1]) * uy
        t = (self.y - a[1]) * ux - (self.x - a[0]) * uy
        angle = 2 * np.pi * s / length + phase
        slope = np.sqrt(1 + (2 * np.pi * height / length * np.cos(angle)) ** 2)
        half = width / 2 * (0.35 + 0.65 * np.sin(np.pi * np.clip(s / reach, 0, 1)))
        away = np.abs(t - height * np.sin(angle)) / slope - half
        return np.maximum(away, np.abs(s - reach / 2) - reach / 2)


def both(*shapes):
    """Where all shapes overlap."""
    return np.maximum.reduce(shapes)


def big_shapes(p):
    """The large circles and triangles, and the new colours where they cross."""
    moon = p.disc(352, 142, 84)
    p.halo(moon, "#f6d9a0", 16, 0.8)
    p.lay(moon, RED, 0.95, fade=(0.9, 0.1, 1.0), second=CRIMSON)
    for numbers, colour in PANES:
        shape = p.disc(*numbers) if np.isscalar(numbers[0]) else p.polygon(*numbers)
        paint = p.lay if colour == SKY else p.glaze
        paint(shape, colour, 0.9, fade=(p.rng.uniform(0, 6), 0.3, 1.4))
    p.lay(both(p.disc(248, 70, 50), moon), BLUE, 0.9, fade=(0.3, 0.0, 1.0), second=VIOLET)
    wedge = p.polygon((214, 26), (312, 352), (92, 318))
    p.lay(wedge, YELLOW, 0.9, fade=(1.2, 0.25, 1.2))
    p.lay(both(moon, wedge), ORANGE, 0.95)
    p.lay(both(p.disc(248, 70, 50), wedge), TEAL, 0.9, fade=(1.5, 0.0, 1.0), second=OLIVE)
    sea = p.disc(132, 172, 66)
    p.halo(sea, SKY, 12, 0.75)
    p.lay(sea, BLUE, 0.96, fade=(0.5, 0.0, 1.0), second=TEAL)
    p.lay(both(sea, wedge), OLIVE, 0.9, fade=(1.6, 0.2, 1.0), second=YELLOW)
    blade = p.polygon((196, 96), (506, 258), (486, 300))
    p.glaze(blade, SKY, 0.95)
    p.lay(both(moon, blade), VIOLET, 0.9)
    p.lay(both(wedge, blade, -moon), TEAL, 0.6)
    p.lay(p.ring(372, 128, 46, 22), BLACK, 0.93)
    p.lay(p.ring(372, 128, 30, 9), YELLOW, 0.93)
    p.lay(p.disc(372, 128, 18), SKY, 0.93)
    p.lay(p.disc(366, 124, 7), RED)
    p.lay(both(p.disc(112, 158, 38), -p.disc(128, 170, 38)), WHITE, 0.92)
    p.lay(both(sea, p.polygon((60, 196), (204, 150), (207, 160), (63, 206))), BLACK, 0.93)
    p.lay(both(sea, p.polygon((64, 212), (210, 166), (213, 187), (67, 233))), RED, 0.9)
    p.lay(both(sea, wedge, p.y - 0.35 * p.x - 100), PINK, 0.85)
    low = p.disc(250, 330, 52)
    p.glaze(low, PINK, 0.9)
    p.lay(both(low, wedge), RED, 0.8, fade=(0.0, 0.0, 1.0), second=ORANGE)
    p.lay(both(p.disc(262, 338, 27), p.y - 338), BLACK, 0.95)
    p.lay(both(p.disc(262, 338, 27), 338 - p.y), WHITE, 0.9)


def arcs(p):
    """Wide arcs, bows and half circles."""
    for cx, cy, radius, width, colour, start, stop in BOWS:
        bow = both(p.ring(cx, cy, radius, width), p.sector(cx, cy, start, stop))
        p.lay(bow, colour, 0.9, fade=(0.4, 0.2, 1.5) if cx == 500 else None)
    for k in range(7):
        cx, cy = 182 + 21 * k + k * k, 40 - 2 * k
        half = both(p.disc(cx, cy, 15 - 1.3 * k), (cy - p.y) * (-1) ** (k + 1))
        p.lay(half, BRIGHT[k], 0.95)


def chequers(p, origin, along, down, columns, rows, colours):
    """A chequerboard sheared along two arrows."""
    dx, dy = p.x - origin[0], p.y - origin[1]
    area = along[0] * down[1] - along[1] * down[0]
    u = (dx * down[1] - dy * down[0]) / area
    v = (dy * along[0] - dx * along[1]) / area
    size = np.sqrt(abs(area))
    for i in range(columns):
        for j in range(rows):
            cell = np.maximum(np.abs(u - i - 0.5), np.abs(v - j - 0.5)) - 0.48
            odd = (i * 3 + j * 5) % 7 == 0  # now and then another colour
            index = 2 + (i + j) % (len(colours) - 2) if odd else (i + j) % 2
            p.lay(cell * size, colours[index], 0.95)


def lines(p):
    """Bundles of straight lines, waves and ladders."""
    for k in range(9):
        ends = (26 + 3 * k, 300 - 4 * k), (300 + 22 * k, 8 + 5 * k)
        p.lay(p.line(*ends, 1.0 + 0.25 * (k % 3), 0.6), BLACK)
    p.lay(p.line((18, 40), (330, 386), 6, 1.2), BLACK)
    p.lay(p.line((500, 96), (276, 392), 1.4, 5), CRIMSON)
    p.lay(p.line((388, 6), (440, 396), 2.6, 1), BLACK)
    p.lay(p.line((4, 226), (508, 196), 1.2, 2.4), BLACK)
    for k, colour in enumerate([BLACK, BLUE, BLACK, RED, BLACK]):
        p.lay(p.wave((296, 236 + 9 * k), (502, 214 + 11 * k), 6, 58, 2.4, 0.5 * k), colour)
    for k, colour in enumerate([WHITE, BLACK, YELLOW, BLACK]):
        p.lay(p.wave((10, 100 - 8 * k), (150, 66 - 9 * k), 5, 40, 2.6, 0.8 * k), colour)
    p.lay(p.wave((30, 262), (210, 384), 13, 76, 5.5), BLUE)
    p.lay(p.wave((330, 388), (508, 316), 9, 50, 4.5, 1.0), ORANGE)
    for k in range(12):
        p.lay(p.line((60 + 6.5 * k, 232 + 1.5 * k), (54 + 6.5 * k, 256 + 2.0 * k), 1.6), BLACK)
    for side in (232, 256):
        p.lay(p.line((54, side - 1), (136, side + 17), 1.3), BLACK)
    for k in range(10):
        tip = 486 + 84 * np.cos(2.2 + 0.13 * k), 148 + 84 * np.sin(2.2 + 0.13 * k)
        p.lay(p.line((486, 148), tip, 0.7, 1.8), BLACK if k % 3 else RED)


def details(p):
    """Small discs, ringed discs, triangles, bars and crosses wherever there is room."""
    rng, placed = p.rng, []
    edges = ndimage.gaussian_gradient_magnitude(p.pixels.mean(-1), 2)
    busy = ndimage.gaussian_filter(edges, 8 * SCALE)
    limit = np.quantile(busy, 0.42)
    for _ in range(500):
        cx, cy, size = rng.uniform(6, 506), rng.uniform(6, 394), rng.choice([2.5, 4, 6, 9, 13])
        quiet = busy[int(cy * SCALE), int(cx * SCALE)] < limit
        if not quiet or any(np.hypot(cx - a, cy - b) < 1.25 * (size + c) + 5 for a, b, c in placed):
            continue
        placed.append((cx, cy, size))
        under = p.pixels[int(cy * SCALE), int(cx * SCALE)]
        far = [c for c in [*BRIGHT, WHITE] if np.abs(rgb(c) - under).sum() > 0.75]
        first, second = rng.choice(far), rng.choice([*BRIGHT, WHITE, BLACK])
        kind = rng.choice(["disc", "ringed", "triangle", "bars", "cross", "disc"])
        turn = rng.uniform(0, 6)
        if kind == "disc" or size < 4:
            p.lay(p.disc(cx, cy, size), first)
        elif kind == "ringed":
            p.halo(p.disc(cx, cy, size), second, 3, 0.5)
            p.lay(p.disc(cx, cy, size), first)
            p.lay(p.disc(cx + 0.1 * size, cy, 0.55 * size), second)
            p.lay(p.ring(cx, cy, size * 1.3, 0.9), BLACK)
        elif kind == "triangle":
            spin = turn + np.array([0, 2.1, 4.0])
            corners = [cx, cy] + 1.25 * size * np.stack([np.cos(spin), np.sin(spin)], 1)
            p.lay(p.polygon(*corners), first)
        else:
            count, shift, spin = (2, 0, np.pi / 2) if kind == "cross" else (4, size / 2, 0)
            for k in range(count):
                ahead = np.array([np.cos(turn + spin * k), np.sin(turn + spin * k)])
                middle = np.array([cx, cy]) + (k - 1.5) * shift * np.array([-ahead[1], ahead[0]])
                stroke = p.line(middle - size * ahead, middle + size * ahead, max(1.1, size * 0.2))
                p.lay(stroke, first)


def draw(seed: int = 0) -> Image.Image:
    """Return the picture; the same ``seed`` always gives the same pixels."""
    rng = np.random.default_rng(seed)
    p = Painting(rng)
    big_shapes(p)
    arcs(p)
    chequers(p, (396, 282), (15, 5), (-6, 14), 6, 4, [BLACK, WHITE, RED, YELLOW, BLUE])
    chequers(p, (18, 120), (9, -2.5), (3, 9), 4, 9, [BLACK, CREAM, RED, TEAL])
    chequers(p, (166, 286), (11, -3), (2, 11), 5, 3, [BLUE, WHITE, YELLOW, BLACK])
    lines(p)
    details(p)
    weave = 0.5 * np.sin(p.x * np.pi) * np.sin(p.y * np.pi) + 0.8 * p.grit + 0.5 * p.brush.sum(0)
    picture = p.pixels * (1 + 0.028 * weave + 0.02 * p.cloud)[..., None]
    return as_image(picture).resize(SIZE, Image.Resampling.LANCZOS)
