"""A sun over a sea of fans, laid in rows of small stones as Roman and Byzantine mosaics are."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.draw import polygon
from skimage.measure import find_contours, label

from drawing.canvas import as_image, noise, rgb

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Mosaic Sunset"
SIZE = (512, 384)
SCALE = 3
SUN = (322.0, 138.0)
HORIZON = 214.0

DISC = ["#fff6cf", "#ffe48a", "#fccb45", "#f4ad22", "#e4861c"]
FLAME = ["#96281a", "#bf3f1c", "#e56a1c", "#f59a24", "#ffc845"]
# fmt: off
SKY = ["#fff0b8", "#fbdb80", "#f6bd4c", "#ee9a3c", "#dd7038", "#c4553f", "#d99a72", "#a9cdb4",
       "#5cbcb4", "#2f9fae", "#217d9e", "#1d5c8c", "#1a4274", "#142f5a", "#101f42"]
# fmt: on
CLOUD = ["#fffaf0", "#f8e6c4", "#eabf94", "#c98f74", "#4f8290"]
FAR = ["#0f3a5f", "#155a78", "#1b7f8e", "#2aa198", "#123a66"]
FAN = ["#f6f0dc", "#8fdccb", "#38bdb2", "#168f98", "#12698c", "#123f72", "#0e2549", "#0e2549"]
EYED = ["#f6f0dc", "#123f72", "#1c7fa0", "#38bdb2", "#a8e2cc", "#f0c14a", "#c4512a", "#7a2418"]
LIT = ["#fff6cf", "#fbcf55", "#f2a32b", "#dd6a22", "#b23c1e", "#7a2420", "#12385f", "#0e2549"]
SAIL = ["#6e1d14", "#a8321f", "#c9532c", "#f6e3b4"]
HULL = ["#2a1414", "#5a2a1c", "#8a4a28"]


class Wall:
    """The stones laid so far: a map of their numbers (0 is bare mortar) and their colours."""

    def __init__(self, rng):
        self.rng = rng
        self.stone = np.zeros((SIZE[1] * SCALE, SIZE[0] * SCALE), np.int32)
        self.colours = [np.zeros(3)]
        self.glints = [0.0]

    def set_stone(self, corners, allowed, colour, glint):
        """Lay one stone, trimmed to where it may lie; a splinter is not worth laying."""
        rows, columns = polygon(corners[:, 1] * SCALE, corners[:, 0] * SCALE, self.stone.shape)
        free = allowed[rows, columns] & (self.stone[rows, columns] == 0)
        if free.sum() > 0.4 * max(len(rows), 40):
            self.stone[rows[free], columns[free]] = len(self.colours)
            self.colours.append(colour)
            self.glints.append(glint)

    def lay(self, mask, height, size, colour_at, glint=0.0, gap=0.55):
        """Fill `mask` with rows of stones that follow the contours of `height` (in pixels)."""
        rng = self.rng
        allowed = mask.repeat(SCALE, 0).repeat(SCALE, 1)
        if not mask.any():
            return
        values = height[mask]
        for level in np.arange(np.floor(values.min() / size) + 0.5, values.max() / size + 0.5):
            for path in find_contours(height, level * size):
                path = path[:, ::-1]
                along = np.r_[0, np.cumsum(np.hypot(*np.diff(path, axis=0).T))]
                lengths = size * rng.uniform(0.8, 1.45, int(along[-1] / size) + 2)
                cuts = np.cumsum(lengths) - lengths[0] * rng.random()
                cuts = np.r_[0, cuts[(cuts > 0) & (cuts < along[-1])], along[-1]]
                point = np.stack([np.interp(cuts, along, path[:, c]) for c in (0, 1)], 1)
                tangent = np.gradient(point, axis=0) if len(point) > 1 else point * 0
                tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
                normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
                for a, b in zip(range(len(cuts) - 1), range(1, len(cuts)), strict=True):
                    middle = (point[a] + point[b]) / 2
                    column, row = np.clip(middle.astype(int), 0, np.array(SIZE) - 1)
                    near = mask[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
                    if not near.any():
                        continue
                    half = (size - gap) / 2
                    start, end = point[a] + tangent[a] * gap / 2, point[b] - tangent[b] * gap / 2
                    top, bottom = normal[a] * half, normal[b] * half
                    corners = np.array([start + top, end + bottom, end - bottom, start - top])
                    corners = corners + rng.normal(0, 0.28, (4, 2)) + 0.5
                    self.set_stone(corners, allowed, colour_at(row, column), glint)

    def fill_gaps(self):
        """Wedge chips of a neighbour's colour into holes between the rows."""
        depth, nearest = ndimage.distance_transform_edt(self.stone == 0, return_indices=True)
        row, column = np.indices(depth.shape) // (6 * SCALE)  # no chip is longer than a stone
        holes = label((depth > 0.5 * SCALE) * (row * 1000 + column + 1), connectivity=1)
        for number, where in enumerate(ndimage.find_objects(holes), 1):
            chip = holes[where] == number
            if chip.sum() > 9 * SCALE:
                row, column = np.argwhere(chip)[0] + [where[0].start, where[1].start]
                source = self.stone[nearest[0][row, column], nearest[1][row, column]]
                self.stone[where][chip] = len(self.colours)
                self.colours.append(self.colours[source])
                self.glints.append(self.glints[source])

    def light(self):
        """Colour the stones one by one, tilt them, round their edges and light the wall."""
        rng, shape = self.rng, self.stone.shape
        count = len(self.colours)
        glint = np.array(self.glints)
        colours = np.array(self.colours) * rng.normal(1, 0.05, (count, 3))
        colours = colours * rng.normal(1, 0.09 + 0.10 * glint)[:, None]
        flash = (rng.random(count) < 0.16 * glint)[:, None]
        colours = np.where(flash, colours * 0.45 + np.array([0.55, 0.52, 0.40]), colours)
        depth = ndimage.distance_transform_edt(self.stone > 0) / SCALE
        tilt = rng.normal(0, 0.05, (2, count))[:, self.stone]
        grit = noise(shape, 4, rng)
        relief = np.clip(depth / 1.1, 0, 1) ** 0.6 + 0.07 * noise(shape, 6, rng) + 0.02 * grit
        down, right = np.gradient(ndimage.gaussian_filter(relief, 1.2))
        shade = 1 + 1.5 * (down + right) + tilt.sum(0)
        shade += np.clip(depth / 3, 0, 1) * 0.12 - 0.06
        vein = 0.05 * noise(shape, 9, rng, octaves=3) + 0.015 * grit
        stones = colours[self.stone] * (shade + vein)[..., None]
        mortar = rgb("#4a4038") * (1 + 0.08 * grit + 0.10 * noise(shape, 40, rng))[..., None]
        mortar = mortar * (0.75 + 0.35 * ndimage.gaussian_filter(relief, 4).clip(0, 1))[..., None]
        return np.where((self.stone > 0)[..., None], stones, mortar)


def pick(rng, colours, position, spread=0.04):
    """A colour of the row `colours` near `position` in [0, 1]: a stone, not a blend."""
    index = round((np.clip(position + rng.normal(0, spread), 0, 1)) * (len(colours) - 1))
    return rgb(colours[index])


def lay_sun(wall, x, y, free):
    """The disc in rings, and flames that lick around it."""
    rng, r = wall.rng, np.hypot(x - SUN[0], y - SUN[1])
    turn = np.arctan2(y - SUN[1], x - SUN[0]) / (2 * np.pi)
    disc = (r < 50) & free
    wall.lay(disc, r, 4.6, lambda i, j: pick(rng, DISC, r[i, j] / 50), glint=1.0)
    rim = (r >= 50) & (r < 55) & free
    wall.lay(rim, r - 50, 5, lambda i, j: rgb("#8f2a1c"))
    wave = np.abs((turn * 14 + 0.22 * np.sin((r - 55) / 9)) % 1 - 0.5) * 2
    tip = 55 + (30 + 18 * (np.floor(turn * 14 + 0.5) % 2)) * wave
    flame = (r >= 55) & (r < tip) & free
    inside = ndimage.distance_transform_edt(flame)
    wall.lay(flame, inside, 4.2, lambda i, j: pick(rng, FLAME, inside[i, j] / 11, 0.1), glint=0.5)
    return free & (r >= 55) & ~flame


def lay_clouds(wall, x, y, free):
    """Banks of round clouds, edged in light."""
    rng = wall.rng
    for puffs in (
        [(40, 66, 22), (70, 52, 27), (104, 62, 21), (128, 72, 13), (18, 78, 14)],
        [(432, 48, 18), (462, 36, 24), (496, 46, 22), (410, 56, 11)],
        [(168, 168, 13), (190, 160, 17), (214, 170, 13), (148, 174, 9)],
        [(455, 170, 14), (480, 160, 19), (507, 168, 15)],
        [(196, 22, 14), (220, 14, 18), (246, 22, 13)],
    ):
        base = max(py + 0.55 * pr for _, py, pr in puffs)
        shape = np.zeros_like(free)
        for px, py, pr in puffs:
            shape |= np.hypot(x - px, y - py) < pr
        shape &= (y < base) & free
        inside = ndimage.distance_transform_edt(shape)
        wall.lay(shape, inside, 4.6, lambda i, j, d=inside: pick(rng, CLOUD, d[i, j] / 24, 0.05))
        free = free & ~shape
    return free


def lay_boat(wall, x, y, free):
    """A small boat with one red sail."""
    rng = wall.rng
    curve = (y - 108) * 0.42 + 5 * np.sin((y - 108) / 38)
    sail = (x > 96) & (y < 232) & (y > 108) & (x - 96 < curve) & free
    ridge = np.hypot(x - 40, y - 100)
    stripe = 0.9 * np.cos(ridge / 4.4)
    wall.lay(sail, ridge, 4.6, lambda i, j: pick(rng, SAIL, stripe[i, j], 0.2), glint=0.3)
    jib = (x < 92) & (y < 230) & (92 - x < (y - 130) * 0.34) & free
    wall.lay(jib, x + 0.3 * y, 4.6, lambda i, j: pick(rng, SAIL[1:], (x[i, j] - 58) / 34, 0.25))
    mast = (np.abs(x - 94) <= 2.4) & (y > 96) & (y < 236) & free & ~sail & ~jib
    wall.lay(mast, x - 94.5, 4.6, lambda i, j: rgb("#3a1c14"))
    keel = 258 - 0.0045 * (x - 98) ** 2
    hull = (y > 236 + 0.0016 * (x - 98) ** 2) & (y < keel) & (np.abs(x - 98) < 62) & free
    wall.lay(hull, keel - y, 4.6, lambda i, j: pick(rng, HULL, (keel - y)[i, j] / 22, 0.15))
    return free & ~(sail | jib | mast | hull)


def lay_sea(wall, x, y, free):
    """Straight rows far away; nearer, rows of fans that grow as they come."""
    rng = wall.rng
    glow = np.exp(-(((x - SUN[0]) / (26 + 0.5 * np.abs(y - HORIZON))) ** 2))
    fans, top = [], HORIZON + 34
    for k in range(7):
        if top > SIZE[1] + 8:
            break
        radius = 19 + 6.5 * k
        centres = np.arange(-2, 40) * 2 * radius * 0.86 - (k % 2) * radius * 0.86 + 7 * k
        away = np.full(x.shape, np.inf)
        for centre in centres:
            middle = top + radius + 6 * np.sin(centre / 70 + k)
            away = np.minimum(away, np.hypot(x - centre, (y - middle) * 1.08))
        fans.append((radius - away, radius, k))
        top += 0.66 * radius
    for height, radius, k in reversed(fans):
        mask = (height > 0) & free

        def colour(i, j, height=height, radius=radius, k_row=k):
            depth = height[i, j] / (0.95 * radius)
            if rng.random() < 1.15 * glow[i, j]:
                return pick(rng, LIT, depth, 0.05)
            return pick(rng, EYED if k_row % 2 else FAN, depth, 0.03)

        wall.lay(mask, height, 5.2, colour, glint=0.4)
        free = free & ~mask
    far = free & (y > HORIZON)

    def colour(i, j):
        if rng.random() < 0.85 * glow[i, j]:
            return pick(rng, LIT[:6], rng.random())
        return pick(rng, FAR, (0.5 + 0.5 * np.sin(y[i, j] * 0.55 + x[i, j] / 40)), 0.15)

    wall.lay(far, y + 1.5 * np.sin(x / 22), 5.2, colour, glint=0.4)
    return free & ~far


def draw(seed: int = 0) -> Image.Image:
    """Return the picture; the same ``seed`` always gives the same pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(float)
    wall = Wall(rng)
    free = lay_boat(wall, x, y, np.ones(x.shape, bool))
    above = y <= HORIZON
    lay_sea(wall, x, y, free & ~above)
    sky = lay_clouds(wall, x, y, lay_sun(wall, x, y, free & above))
    r = np.hypot(x - SUN[0], y - SUN[1]) + 3 * noise(x.shape, 60, rng)
    beam = np.sin(9 * np.arctan2(y - SUN[1], x - SUN[0]) + 0.012 * r)
    tone = (r - 55 + 14 * beam) / 310
    wall.lay(sky, r, 5.8, lambda i, j: pick(rng, SKY, tone[i, j], 0.035), glint=0.3)
    wall.fill_gaps()
    return as_image(wall.light()).resize(SIZE, Image.Resampling.LANCZOS)
