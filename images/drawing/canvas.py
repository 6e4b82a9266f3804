"""Paper, brushes and noise that the drawing scripts share.

A picture is drawn at :data:`SUPERSAMPLING` times its size and reduced at the end, which smooths
every edge. Positions are ``(x, y)`` in pixels of the large canvas, from its top left corner.
Colours are RGB in [0, 1] or a text such as ``"#1f3a6d"``. All chance comes from the
``numpy.random.Generator`` that is passed in, so the same seed draws the same picture.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageColor, ImageDraw
from scipy import interpolate, ndimage

__all__ = [
    "SUPERSAMPLING",
    "Canvas",
    "as_image",
    "as_pixels",
    "curve",
    "follow",
    "mix",
    "noise",
    "palette_at",
    "polyline_mask",
    "rgb",
    "scatter",
    "vortex",
]

SUPERSAMPLING = 2


def rgb(colour) -> np.ndarray:
    """Give a colour as three floats in [0, 1]; text is read as Pillow reads it."""
    if isinstance(colour, str):
        return np.array(ImageColor.getrgb(colour)[:3], dtype=float) / 255
    return np.asarray(colour, dtype=float)


def mix(first, second, amount) -> np.ndarray:
    """Blend two colours; ``amount`` 0 gives the first, 1 the second; arrays broadcast."""
    amount = np.asarray(amount, dtype=float)[..., None]
    return (1 - amount) * rgb(first) + amount * rgb(second)


def palette_at(colours, position) -> np.ndarray:
    """Read a gradient through ``colours`` at ``position`` in [0, 1]: shape ``(..., 3)``."""
    table = np.array([rgb(colour) for colour in colours])
    stops = np.linspace(0, 1, len(table))
    return np.stack([np.interp(position, stops, table[:, c]) for c in range(3)], axis=-1)


def noise(shape, cell, rng, octaves: int = 1) -> np.ndarray:
    """Draw smooth noise of ``shape`` (height, width), mean about 0, standard deviation 1.

    ``cell`` is the size of a bump in pixels; every further octave halves it and its strength.
    """
    total = np.zeros(shape)
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        rows, columns = (int(np.ceil(side / size)) + 3 for side in shape)
        coarse = rng.standard_normal((rows, columns))
        grid = np.meshgrid(
            np.arange(shape[0]) / size + 1, np.arange(shape[1]) / size + 1, indexing="ij"
        )
        total += ndimage.map_coordinates(coarse, grid, order=3, mode="nearest") / 2**octave
    return (total - total.mean()) / total.std()


def vortex(x, y, centre, radius, turns: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Flow of a whirl at ``(x, y)``: strongest at ``radius`` from ``centre``, fading outside.

    The sign of ``turns`` is the sense of rotation, its size the strength.
    """
    dx, dy = x - centre[0], y - centre[1]
    distance = np.hypot(dx, dy) + 1e-6
    strength = turns * np.exp(-((distance / radius) ** 2) / 2) * np.sqrt(np.e)
    return -dy / distance * strength, dx / distance * strength


def scatter(size, spacing, rng) -> np.ndarray:
    """Scatter points ``(n, 2)`` evenly over ``size`` (width, height): a grid, shaken."""
    width, height = size
    x, y = np.meshgrid(np.arange(0, width, spacing), np.arange(0, height, spacing))
    points = np.stack([x.ravel(), y.ravel()], axis=-1) + rng.uniform(0, spacing, (x.size, 2))
    points = np.minimum(points, np.array(size) - 1)
    return points[rng.permutation(len(points))]


def curve(points, count: int = 200) -> np.ndarray:
    """Draw a smooth curve through ``points`` ``(n, 2)``: ``count`` points, evenly spaced."""
    points = np.asarray(points, dtype=float)
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    dense = interpolate.CubicSpline(along, points)(np.linspace(0, along[-1], 8 * count))
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(dense, axis=0).T))]
    even = np.linspace(0, along[-1], count)
    return np.stack([np.interp(even, along, dense[:, axis]) for axis in (0, 1)], axis=-1)


def follow(angle, starts, steps: int, step) -> np.ndarray:
    """Walk along a field of directions from every start at once.

    ``angle`` is ``(height, width)`` in radians, ``starts`` ``(n, 2)``, ``step`` pixels or one
    number of pixels per start. Gives paths of shape ``(n, steps + 1, 2)`` centred on the starts.
    """
    height, width = angle.shape
    step = np.broadcast_to(np.asarray(step, dtype=float), len(starts))[:, None]
    halves = []
    for sign, count in ((-1, steps // 2), (1, steps - steps // 2)):
        here, walked = np.array(starts, dtype=float), []
        for _ in range(count):
            column = np.clip(here[:, 0], 0, width - 1).astype(int)
            row = np.clip(here[:, 1], 0, height - 1).astype(int)
            direction = angle[row, column]
            here = here + sign * step * np.stack([np.cos(direction), np.sin(direction)], axis=-1)
            walked.append(here)
        halves.append(walked)
    return np.stack(halves[0][::-1] + [np.asarray(starts, dtype=float)] + halves[1], axis=1)


def polyline_mask(size, points) -> np.ndarray:
    """Fill the polygon ``points`` on a canvas of ``size`` (width, height): booleans."""
    mask = Image.new("1", size)
    ImageDraw.Draw(mask).polygon([tuple(map(float, point)) for point in points], fill=1)
    return np.array(mask)


def as_pixels(image: Image.Image) -> np.ndarray:
    """Turn a Pillow image into floats in [0, 1] of shape ``(height, width, 3)``."""
    return np.asarray(image.convert("RGB"), dtype=float) / 255


def as_image(pixels) -> Image.Image:
    """Turn floats in [0, 1] of shape ``(height, width, 3)`` into a Pillow image."""
    return Image.fromarray(np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8))


class Canvas:
    """A large canvas that keeps, besides its colours, how thick the paint lies.

    Parameters
    ----------
    size
        (width, height) of the finished picture in pixels.
    ground
        Colour of the bare canvas.
    scale
        How many times larger the picture is drawn; see :data:`SUPERSAMPLING`.
    """

    def __init__(self, size, ground="#ffffff", scale: int = SUPERSAMPLING):
        self.size, self.scale = tuple(size), scale
        self.width, self.height = size[0] * scale, size[1] * scale
        self.colour = Image.new("RGB", (self.width, self.height), self._ink(rgb(ground)))
        self.relief = Image.new("L", (self.width, self.height), 0)
        self.pen = ImageDraw.Draw(self.colour)
        self.relief_pen = ImageDraw.Draw(self.relief)

    @staticmethod
    def _ink(colour) -> tuple[int, ...]:
        return tuple(int(c) for c in np.round(np.clip(colour, 0, 1) * 255))

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the x and the y of every pixel of the large canvas."""
        y, x = np.mgrid[0 : self.height, 0 : self.width]
        return x.astype(float), y.astype(float)

    def set_pixels(self, pixels) -> None:
        """Replace the colours by an array ``(height, width, 3)`` in [0, 1]."""
        self.colour.paste(as_image(pixels))

    def polygon(self, points, fill=None, outline=None, width: float = 0) -> None:
        """Fill a polygon ``(n, 2)`` and draw its outline with a round pen."""
        points = [tuple(map(float, point)) for point in points]
        if fill is not None:
            self.pen.polygon(points, fill=self._ink(rgb(fill)))
        if outline is not None and width > 0:
            self.line(points + points[:1], outline, width)

    def line(self, points, colour, width: float = 1) -> None:
        """Draw a line through ``points`` with round joints; ``width`` in large pixels."""
        points = [tuple(map(float, point)) for point in points]
        ink, radius = self._ink(rgb(colour)), width / 2
        self.pen.line(points, fill=ink, width=max(round(width), 1), joint="curve")
        if radius > 1:
            for x, y in (points[0], points[-1]):
                self.pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=ink)

    def dots(self, centres, radii, colours) -> None:
        """Set dots, in the order given; ``radii`` ``(n,)``, or ``(n, 2)`` for ovals."""
        radii = np.asarray(radii, dtype=float).reshape(len(centres), -1)
        inks = np.round(np.clip(colours, 0, 1) * 255).astype(int).tolist()
        boxes = np.hstack([centres - radii, centres + radii]).tolist()
        for box, ink in zip(boxes, inks, strict=True):
            self.pen.ellipse(box, fill=tuple(ink))

    def strokes(
        self, paths, widths, colours, rng, bristles: int = 6, variation: float = 0.05
    ) -> None:
        """Paint brush strokes, in the order given, and raise the relief where they lie.

        Each stroke is a bundle of ``bristles`` thin lines beside its path, of slightly varied
        colour and height, with ragged, tapered ends.

        Parameters
        ----------
        paths
            ``(n, points, 2)``.
        widths
            Pixels of the large canvas, one number or ``n``.
        colours
            ``(n, 3)`` in [0, 1].
        variation
            Standard deviation of lightness between the bristles of one stroke.
        """
        paths = np.asarray(paths, dtype=float)
        count, length = paths.shape[:2]
        widths = np.broadcast_to(np.asarray(widths, dtype=float), count)
        tangents = np.gradient(paths, axis=1)
        tangents /= np.linalg.norm(tangents, axis=-1, keepdims=True) + 1e-9
        normals = np.stack([-tangents[..., 1], tangents[..., 0]], axis=-1)
        across = np.linspace(-0.5, 0.5, bristles)
        taper = 1 - 0.6 * np.abs(np.linspace(-1, 1, length)) ** 3
        offsets = across[None, :, None] * widths[:, None, None] * taper
        lines = paths[:, None] + normals[:, None] * offsets[..., None]
        shifts = rng.normal(0, variation, (count, bristles, 1))
        inks = np.clip(np.asarray(colours)[:, None] * (1 + shifts) + shifts * 0.5, 0, 1)
        inks = np.round(inks * 255).astype(int).tolist()
        # Paint is pushed to the edges of a stroke and piles up in ridges between bristles.
        heights = 110 + 90 * np.abs(across) * 2 + rng.normal(0, 30, (count, bristles))
        heights = np.clip(heights, 0, 255).astype(int).tolist()
        pens = np.maximum(np.ceil(widths / bristles * 1.3), 1).astype(int).tolist()
        spare = max(length // 4, 0)
        cuts = rng.integers(0, spare + 1, (2, count, bristles)).tolist()
        lines = lines.tolist()
        draw, emboss = self.pen.line, self.relief_pen.line
        for s in range(count):
            for b in rng.permutation(bristles).tolist():
                path = lines[s][b][cuts[0][s][b] : length - cuts[1][s][b]]
                path = [tuple(point) for point in path]
                draw(path, fill=tuple(inks[s][b]), width=pens[s])
                emboss(path, fill=heights[s][b], width=pens[s])

    def light(self, strength: float = 0.5, softness: float = 0.8) -> None:
        """Light the relief from the upper left, so that thick paint shows its edges."""
        relief = ndimage.gaussian_filter(np.asarray(self.relief, dtype=float) / 255, softness)
        down, right = np.gradient(relief)
        shade = np.clip(strength * (down + right), -0.6, 0.6)[..., None]
        pixels = as_pixels(self.colour)
        lit = np.where(shade > 0, pixels + (1 - pixels) * shade, pixels * (1 + shade))
        self.set_pixels(lit)

    def finish(self) -> Image.Image:
        """Reduce to the size of the finished picture."""
        return self.colour.resize(self.size, Image.Resampling.LANCZOS)
