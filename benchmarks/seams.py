"""Are there seams where a picture was cut into tiles?

    python benchmarks/seams.py poster.png [--tiles 512] [--quick]

Of each line between two rows, or two columns, of pixels the energy is taken: the mean square
difference of the pixels on both sides, divided by the mean of the lines around. On the lines where
cores of tiles meet it would be above 1 with a seam, and below 1 where one was smoothed away. How
far from 1 is chance, other lines tell: as many, drawn from those that lie on the grid of the
deepest pooling as borders of tiles do, a thousand times. The place is the share of these draws that
have less; a seam is what lies outside of all but one in a hundred.

Tiles and layers are read from the settings inside the picture (of its last size); ``--tiles`` asks
how it would be with others, for example of a picture that was looked at as a whole.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass

import measure
import numpy as np

DRAWS = 1000
RARE = 0.01  # a share of the draws
AROUND = 3  # steps of the grid, on both sides


@dataclass(frozen=True)
class Seams:
    """What the borders of tiles have, beside other lines.

    Attributes
    ----------
    lines : int
        How many borders there are, down and across.
    ratio : float
        Their energy, each divided by that of the lines around, in the mean.
    place : float
        The share of draws of other lines with a lower ratio.
    usual : (float, float)
        Between which all but one in a hundred of these ratios lie.
    found : bool
        Whether the ratio is outside.
    """

    lines: int
    ratio: float
    place: float
    usual: tuple[float, float]
    found: bool


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("picture", help="a PNG, JPEG or WebP file that the package wrote")
    parser.add_argument("--tiles", type=int, help="side of a tile; default: as it was made")
    parser.add_argument("--quick", action="store_true", help="keep nothing in results/")
    given = parser.parse_args()
    import nsthelpers as nst

    picture, settings = opened(given.picture), nst.read_settings(given.picture)
    side = given.tiles or (settings.get("tiles") or [None])[-1]
    if side is None:
        sys.exit("its last size was looked at as a whole; --tiles asks how it would be with tiles")
    borders, grid = borders_of(picture.shape[:2], side, layers_of(settings))
    began, found = measure.facts(), seams(picture, borders, grid)
    height, width, _ = picture.shape
    print(f"{width} x {height} px, tiles of {side}: {told(found)}")
    data = {"size": [height, width], "tiles": side, **asdict(found)}
    measure.save("seams", data, began)


def opened(path):
    """Values in [0, 1], shape (H, W, 3), however large the picture is."""
    from PIL import Image

    import nsthelpers as nst

    with Image.open(path) as picture:
        long_side = max(picture.size)  # that a size is asked for lets larger ones in
    return nst.load_image(path, max_side=long_side)[0]


def layers_of(settings):
    """The layers that the terms of weight above 0 look at."""
    found = set()
    for term in settings["objective"]["terms"].values():
        if term["weight"]:
            found |= set(term.get("layers", ()))
    return sorted(found)


def borders_of(size, side, layers):
    """Rows and columns, 1 to H - 1 and W - 1, where cores meet; and the step of the grid."""
    import nsthelpers as nst
    from nsthelpers.network.layers import receptive_field
    from nsthelpers.tiling import Cutter

    tiles = Cutter(nst.VGG(weights="random"), layers, side).tiles(size)
    rows, columns = ({getattr(t, axis)[0] for t in tiles} - {0} for axis in ("rows", "columns"))
    return (sorted(rows), sorted(columns)), max(receptive_field(layer)[0] for layer in layers)


def seams(picture, borders, grid, draws=DRAWS, seed=0) -> Seams:
    """Compare the borders of tiles with other lines.

    Parameters
    ----------
    picture : array, shape (H, W, C)
    borders : (sequence of int, sequence of int)
        Rows and columns: a border is before each of them.
    grid : int
        Other lines are multiples of it.
    draws : int
        How often as many other lines are drawn.
    seed : int
        Of the draws.
    """
    energies = [beside(energy(each), grid) for each in (picture, picture.swapaxes(0, 1))]
    rng = np.random.default_rng(seed)
    others = [
        np.setdiff1d(np.arange(grid, len(of_axis) + 1, grid), lines)
        for of_axis, lines in zip(energies, borders, strict=True)
    ]

    def ratio(places):
        taken = [e[np.asarray(p, int) - 1] for e, p in zip(energies, places, strict=True)]
        return float(np.concatenate(taken).mean())

    counts = [len(lines) for lines in borders]
    if not sum(counts) or any(len(o) < 2 * n for o, n in zip(others, counts, strict=True)):
        raise ValueError(f"{counts} borders in {picture.shape[:2]}: too few, or too near together")
    null = [
        ratio([rng.choice(o, n, replace=False) for o, n in zip(others, counts, strict=True)])
        for _ in range(draws)
    ]
    low, high = map(float, np.quantile(null, (RARE / 2, 1 - RARE / 2)))
    found = ratio(borders)
    place = float(np.mean(np.array(null) < found))
    return Seams(sum(counts), found, place, (low, high), not low <= found <= high)


def energy(picture):
    """Of each line between two rows: the mean square difference across it."""
    below, above = picture[1:], picture[:-1]
    return np.array([np.mean(np.square(b - a)) for a, b in zip(above, below, strict=True)])


def beside(energies, grid):
    """Each energy divided by the mean of the lines around it; 1 where nothing changes at all."""
    reach = AROUND * grid
    padded = np.pad(energies, reach, mode="reflect" if reach < len(energies) else "edge")
    around = np.convolve(padded, np.ones(2 * reach + 1) / (2 * reach + 1), mode="valid")
    return np.divide(energies, around, out=np.ones_like(energies), where=around > 0)


def told(found):
    """In a sentence."""
    low, high = found.usual
    return (
        f"the energy on the {found.lines} borders is {found.ratio:.3f} times that around them, "
        f"more than {found.place:.0%} of {DRAWS} draws of other lines, which lie between {low:.3f} "
        f"and {high:.3f}: {'a seam' if found.found else 'no seam'}"
    )


if __name__ == "__main__":
    main()
