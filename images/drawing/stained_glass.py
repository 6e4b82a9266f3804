"""Draw a Gothic rose window over hills: leaded, jewel-coloured, lit from behind."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import label

from drawing.canvas import as_image

__all__ = ["SIZE", "TITLE", "draw"]

TITLE = "Rose Window over the Hills"
SIZE = (400, 512)
SCALE = 3  # drawn this many times larger, then averaged down

# fmt: off
GLASS = {
    "ruby": (0.80, 0.04, 0.07), "crimson": (0.58, 0.02, 0.10), "cobalt": (0.06, 0.16, 0.74),
    "navy": (0.05, 0.07, 0.42), "azure": (0.16, 0.46, 0.88), "gold": (1.00, 0.80, 0.20),
    "amber": (1.00, 0.50, 0.06), "emerald": (0.04, 0.52, 0.24), "olive": (0.44, 0.56, 0.10),
    "violet": (0.42, 0.10, 0.58), "teal": (0.04, 0.56, 0.60), "pearl": (0.96, 0.92, 0.74),
    "rose": (0.94, 0.38, 0.46),
}
(RUBY, CRIMSON, COBALT, NAVY, AZURE, GOLD, AMBER, EMERALD, OLIVE, VIOLET, TEAL, PEARL,
 ROSE) = range(13)
LILIES = [  # foot x, head x, head y, size, colour
    (-0.36, -0.40, 0.90, 0.085, ROSE), (-0.13, -0.17, 1.02, 0.07, PEARL),
    (0.12, 0.14, 1.00, 0.072, RUBY), (0.34, 0.39, 0.89, 0.088, PEARL),
]
# fmt: on


def noise(rng, shape, sigma):
    """Smooth noise with mean 0 and standard deviation 1; `sigma` may differ per axis."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap")
    return (field - field.mean()) / field.std()


class Panes:
    """Two maps: which piece a pixel belongs to, and the colour of that piece."""

    def __init__(self, shape):
        self.piece = np.zeros(shape, np.int64)
        self.colour = np.zeros(shape, np.int64)
        self.layer = np.zeros(shape, np.int64)

    def cut(self, mask, piece, colour):
        """Replace what lies under `mask` by new pieces."""
        shape = self.piece.shape
        self.layer[mask] = self.layer.max() + 1
        self.piece[mask] = np.broadcast_to(piece, shape)[mask]
        self.colour[mask] = np.broadcast_to(colour, shape)[mask]


def choose(options, index):
    """Colour number `index` (a map) of a repeating row of colours."""
    return np.array(options)[index % len(options)]


def cells(rng, x, y, count, stretch=1.0):
    """Nearest-seed map: irregular polygons, `stretch` times wider than tall."""
    low, high = (x.min(), y.min()), (x.max(), y.max())
    seeds = rng.uniform(low, high, (count, 2)) * [1 / stretch, 1]
    points = np.stack([x.ravel() / stretch, y.ravel()], 1)
    return cKDTree(seeds).query(points)[1].reshape(x.shape)


def cut_sky(panes, rng, r, turn, y):
    """Curved rays around the rose, broken at uneven radii, darker towards the corners."""
    ray = np.floor(turn * 32 + 1.4 * r).astype(int) % 32
    step = np.floor(r * 8.5 + rng.uniform(0, 1, 32)[ray]).astype(int)
    tone = rng.integers(0, 12, 4096)[ray * 16 + step]
    near = choose([AZURE, COBALT, TEAL, AZURE, VIOLET, COBALT], tone)
    far = choose([COBALT, NAVY, NAVY, VIOLET, COBALT, CRIMSON], tone)
    blues = np.where(r < 0.56, near, far)
    panes.cut(y < 9, ray * 16 + step, blues)


def cut_hills(panes, rng, x, y):
    """Hills and a river, each a band of stretched polygons."""
    bands = [
        (0.91 + 0.05 * np.sin(5 * x + 1.0), 160, 1.6, [EMERALD, OLIVE, EMERALD, TEAL]),
        (1.00 + 0.05 * np.sin(6 * x + 3.4), 120, 2.2, [AMBER, OLIVE, GOLD, AMBER, EMERALD]),
        (1.07 + 0.03 * np.sin(7 * x + 0.3), 130, 3.2, [AZURE, TEAL, PEARL, COBALT, AZURE]),
        (1.15 + 0.04 * np.sin(6 * x + 2.0), 120, 1.6, [EMERALD, TEAL, NAVY, EMERALD, VIOLET]),
    ]
    for top, count, stretch, colours in bands:
        piece = cells(rng, x, y, count, stretch)
        panes.cut(y > top, piece, choose(colours, rng.integers(0, 60, count)[piece]))


def cut_rose(panes, r, turn):
    """Rings of petals, lancets and roundels with the symmetry of a twelve-part wheel."""
    sector = np.floor(turn * 12).astype(int)
    across = (turn * 12 % 1 - 0.5) * 2  # -1 to 1 within a sector
    side = (across > 0).astype(int)
    half = across * r * np.pi / 12  # the same, as a length

    border = np.floor(turn * 60).astype(int)
    panes.cut(r < 0.445, border, choose([RUBY, GOLD, COBALT, GOLD], border))
    panes.cut(r < 0.412, sector * 2 + side, choose([COBALT, AZURE], sector * 2 + side))
    panes.cut((r < 0.412) & (np.abs(across) < 0.45), sector, VIOLET)
    from_roundel = np.hypot(half, r - 0.345)
    panes.cut(from_roundel < 0.067, sector, choose([GOLD, PEARL], sector))
    foil = np.floor(np.arctan2(half, r - 0.345) / np.pi * 2.5 + 9).astype(int)
    reds = choose([RUBY, ROSE, CRIMSON, RUBY, AMBER], foil)
    panes.cut(from_roundel < 0.052, sector * 32 + foil, reds)
    panes.cut(from_roundel < 0.021, sector, choose([GOLD, PEARL], sector))

    panes.cut(r < 0.285, sector, choose([EMERALD, TEAL], sector))
    arch = np.abs(half) < 0.064 * np.sqrt(np.clip((0.283 - r) / 0.11, 0, 1))
    panes.cut(arch & (r < 0.285), sector, choose([AMBER, GOLD], sector))
    inner = np.abs(half) < 0.049 * np.sqrt(np.clip((0.258 - r) / 0.10, 0, 1))
    part = np.floor(r * 24 + 0.4 * np.abs(across)).astype(int)
    flame = choose([RUBY, AMBER, GOLD, RUBY, CRIMSON], part)
    panes.cut(inner & (r < 0.285), sector * 64 + part * 2, flame)

    beads = np.floor(turn * 32).astype(int)
    panes.cut(r < 0.158, beads, choose([PEARL, GOLD, VIOLET], beads))
    petal = np.floor(turn * 8 + 0.5).astype(int) % 8
    wave = np.cos(turn * 2 * np.pi * 8)
    panes.cut(r < 0.138, np.floor(turn * 8).astype(int), COBALT)
    panes.cut(r < 0.100 + 0.036 * wave, petal * 2, choose([RUBY, ROSE], petal))
    panes.cut(r < 0.062 + 0.022 * wave, petal, choose([AMBER, GOLD], petal))
    panes.cut(r < 0.036, 0, PEARL)


def cut_lilies(panes, x, y):
    """Flowers on bent stems in front of the hills."""
    for k, (foot, head_x, head_y, size, colour) in enumerate(LILIES):
        along = np.clip((1.28 - y) / (1.28 - head_y), 0, 1)
        stem = foot + (head_x - foot) * along**2
        panes.cut((np.abs(x - stem) < 0.009) & (y > head_y), 0, EMERALD)
        for lean in (-1, 1):
            u, v = lean * (x - stem), y - (head_y + 0.24)
            leaf = (u > 0) & (np.hypot(u - 0.01, v) < 0.16) & (np.hypot(u - 0.17, v + 0.13) < 0.15)
            vein = (v < -0.78 * u + 0.02 * np.sin(20 * u)).astype(int)
            rib = np.floor((u - 0.6 * v) * 17 * (2 * vein - 1)).astype(int)
            greens = choose([OLIVE, EMERALD, TEAL, EMERALD], vein + k + lean)
            panes.cut(leaf, rib * 2 + vein, greens)
        for angle in (-1.1, 1.1, -0.55, 0.55, 0.0):
            u = (x - head_x) * np.cos(angle) + (y - head_y) * np.sin(angle)
            v = ((x - head_x) * np.sin(angle) - (y - head_y) * np.cos(angle)) / size
            width = 0.34 * size * np.sqrt(np.clip(v, 0, 1)) * np.clip(1.25 - v, 0, 1) ** 0.6
            inside = (v > 0) & (v < 1.22) & (np.abs(u) < width)
            panes.cut(inside, int(angle * 100), colour if abs(angle) != 0.55 else AMBER)
        panes.cut(np.hypot(x - head_x, y - head_y) < 0.2 * size, 0, GOLD)


def cut_border(panes, x, y):
    """A narrow row of oblongs all around."""
    inset = np.minimum(0.5 - np.abs(x), np.minimum(y, 1.28 - y))
    upright = np.floor(y * 24) * 2 + (x > 0)
    level = 500 + np.floor(x * 24 + 12) * 2 + (y > 1)
    place = np.where(0.5 - np.abs(x) <= inset, upright, level).astype(int)
    colours = [RUBY, RUBY, GOLD, GOLD, COBALT, COBALT, EMERALD, EMERALD]
    panes.cut(inset < 0.028, place, choose(colours, place))


def light(rng, panes, x, y):
    """Shine light through the pieces and set them in lead."""
    shape = x.shape
    piece = label(panes.layer * 1_000_000 + panes.piece + 1000, background=-1, connectivity=1)
    count = piece.max() + 1
    first = np.unique(piece, return_index=True)[1]
    colours = np.zeros((count, 3))
    colours[piece.ravel()[first]] = np.array(list(GLASS.values()))[panes.colour.ravel()[first]]
    colours *= rng.normal(1, 0.13, (count, 1)) * rng.normal(1, 0.07, (count, 3))

    edge = ndimage.maximum_filter(piece, 2) != ndimage.minimum_filter(piece, 2)
    distance = ndimage.distance_transform_edt(~edge) / SCALE  # final pixels from the lead's middle

    # Each sheet was blown and drawn in its own direction: streaks, reams and seeds.
    streaks = np.stack([noise(rng, shape, s) for s in [(2, 26), (26, 2), (5, 14), (9, 9)]])
    which = rng.integers(0, 4, count)[piece]
    streak = np.take_along_axis(streaks, which[None], 0)[0]
    hammered = noise(rng, shape, 2.2)
    angle = rng.uniform(0, 2 * np.pi, count)
    slope = np.cos(angle)[piece] * noise(rng, shape, 60)
    slope += np.sin(angle)[piece] * noise(rng, shape, 60)
    depth = ndimage.maximum(distance, piece, np.arange(count))[piece]
    reach = np.clip(0.45 * depth, 1.0, 5.5)  # light fades towards the lead
    glow = 1 - np.exp(-np.clip(distance - 1.1, 0, None) / reach)
    shine = 0.34 + 1.0 * glow + 0.13 * streak + 0.07 * hammered + 0.12 * slope
    centre = np.exp(-((x / 0.42) ** 2 + ((y - 0.46) / 0.5) ** 2))
    shine = np.clip(shine * (0.55 + 1.25 * centre), 0.05, None)
    glass = 1 - np.exp(-1.9 * np.clip(colours, 0.01, 1.2)[piece] ** 1.15 * shine[..., None] * 1.25)
    seeds = ndimage.gaussian_filter((rng.random(shape) > 0.9985).astype(float), 1.4) * 8
    core = np.clip(glow * shine - 0.62, 0, 1)[..., None]
    sparkle = 0.4 * np.clip(seeds, 0, 1)[..., None] * shine[..., None]
    glass = glass + (1 - glass) * (0.5 * core + sparkle)

    # Glass paint: an inner line beside the lead, and fine hatching on some pieces.
    wobble = 0.35 * noise(rng, shape, 10)
    line = np.abs(distance + wobble - 4.4) < 0.45
    painted = rng.random(count)[piece]
    hatch = (np.abs(((x + y) * 400 + wobble) % 4 - 2) < 0.5) & (distance > 5.4)
    glass[(line & (painted < 0.45) & (depth > 7.5)) | (hatch & (painted < 0.13))] *= 0.35

    outer = ndimage.maximum_filter(panes.layer, 2) != ndimage.minimum_filter(panes.layer, 2)
    far = ndimage.distance_transform_edt(~outer) / SCALE
    swell = 1 + 0.13 * noise(rng, shape, 7)
    solid = np.maximum(1.05 * swell - distance, 1.6 * swell - far)
    lead = np.clip(solid * 2.2 + 0.5, 0, 1)[..., None]
    ridge = np.exp(-((distance - 0.35) ** 2) / 0.25) * (0.6 + 0.4 * noise(rng, shape, 3))
    metal = 0.045 + 0.10 * np.clip(ridge, 0, 2)[..., None] * np.array([0.9, 0.95, 1.1])
    picture = glass * (1 - lead) + metal * lead
    bloom = ndimage.gaussian_filter(picture**2, (6 * SCALE, 6 * SCALE, 0))
    return 1 - (1 - np.clip(picture, 0, 1)) * (1 - 0.5 * np.clip(bloom, 0, 1))


def draw(seed: int = 0) -> Image.Image:
    """Return the picture; the same `seed` always gives the same pixels."""
    rng = np.random.default_rng(seed)
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    y, x = np.mgrid[0:height, 0:width] / width
    x = x - 0.5
    bend_x = x + 0.0035 * noise(rng, x.shape, 50)  # no hand cuts a perfect circle
    bend_y = y + 0.0035 * noise(rng, x.shape, 50)
    r = np.hypot(bend_x, bend_y - 0.46)
    turn = np.arctan2(bend_x, -(bend_y - 0.46)) / (2 * np.pi) % 1
    panes = Panes(x.shape)
    cut_sky(panes, rng, r, turn, bend_y)
    cut_hills(panes, rng, bend_x, bend_y)
    cut_rose(panes, r, turn)
    cut_lilies(panes, bend_x, bend_y)
    cut_border(panes, bend_x, bend_y)
    picture = light(rng, panes, x, y)
    return as_image(picture).resize(SIZE, Image.Resampling.LANCZOS)
