"""What a style network is trained on: pieces of a few photographs, in the paintings' colours."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from ..images import samples
from ..images.arrays import as_image, resize
from ..images.colours import with_palette
from ..images.files import load_image

__all__ = ["Crops", "photograph"]

_BRIGHTER, _CONTRAST = 0.08, 0.15  # at most: the photographs of users are lit otherwise
_SMALLEST, _LARGEST = 1.0, 2.2  # a photograph's short side, in sides of a crop
# Both CC BY 2.0, by danielbuechele and vultilion of Flickr: read where they lie, not passed on.
_OF_SCIKIT_LEARN = ("china", "flower")


class Crops:
    """A pool of square pieces of photographs, each made from its number alone.

    Parameters
    ----------
    photographs : sequence of array, shape (1, H, W, 3), RGB, range [0, 1]
        Each at least 16 pixels high and wide.
    count : int
        Pieces in the pool; numbers beyond it begin again.
    side : int
        Of a piece, in pixels.
    seed : int

    Raises
    ------
    ValueError
        Without photographs, or for one that is too small.

    Notes
    -----
    A piece is cut at a random scale and place, perhaps mirrored, and a little brighter or darker,
    with more or less contrast.

    Examples
    --------
    >>> crops = Crops([np.random.default_rng(0).uniform(size=(1, 40, 60, 3))], 10, 32, seed=0)
    >>> crops[3].shape, bool((crops[3] == crops[13]).all()), bool((crops[3] == crops[4]).all())
    ((1, 32, 32, 3), True, False)
    """

    def __init__(self, photographs, count, side, seed):
        self.photographs = [as_image(each) for each in photographs]
        if not self.photographs:
            raise ValueError("there are no photographs to train on")
        for each in self.photographs:
            if min(each.shape[1:3]) < 16:
                height, width = each.shape[1:3]
                raise ValueError(
                    f"a photograph to train on has {width} x {height} pixels; expected at least "
                    "16 x 16"
                )
        self.count, self.side, self.seed = count, side, seed

    def __getitem__(self, number):
        number %= self.count
        generator = np.random.default_rng([self.seed, 11, number])
        photograph = self.photographs[number % len(self.photographs)]
        short = round(self.side * generator.uniform(_SMALLEST, _LARGEST))
        height, width = photograph.shape[1:3]
        factor = short / min(height, width)
        size = max(self.side, round(height * factor)), max(self.side, round(width * factor))
        shrunk = resize(photograph, size=size)
        top = generator.integers(size[0] - self.side + 1)
        left = generator.integers(size[1] - self.side + 1)
        piece = shrunk[:, top : top + self.side, left : left + self.side]
        if generator.random() < 0.5:
            piece = piece[:, :, ::-1]
        contrast = 1 + generator.uniform(-_CONTRAST, _CONTRAST)
        brighter = generator.uniform(-_BRIGHTER, _BRIGHTER)
        return np.clip((piece - 0.5) * contrast + 0.5 + brighter, 0, 1).astype("float32")

    def recoloured(self, number, palette):
        """A piece in a painting's colours: both what the network sees and what it has to keep."""
        return with_palette(self[number], *palette)


def photograph(given, max_side) -> np.ndarray:
    """A photograph to train on.

    Parameters
    ----------
    given : str or array, shape (1, H, W, 3), RGB, range [0, 1]
        A sample's name, a file, an address, "china" or "flower" of scikit-learn, or a picture,
        which stays as it is.
    max_side : int
        Long side in pixels of what is loaded by its name.

    Returns
    -------
    array, float32, shape (1, H, W, 3), range [0, 1]

    Raises
    ------
    ImportError
        If it comes with scikit-learn, which is not installed.
    FileNotFoundError
        For an unknown name or a file that is not there.
    ValueError
        For what is no picture.

    Examples
    --------
    >>> photograph("coffee", 60).shape
    (1, 40, 60, 3)
    """
    if not isinstance(given, str):
        return as_image(given)
    if given not in _OF_SCIKIT_LEARN:
        return load_image(samples.resolve(given), max_side=max_side)
    package = importlib.util.find_spec("sklearn")  # says where it is without importing it
    if package is None or package.origin is None:
        raise ImportError(
            f"the photograph {given!r} comes with the package scikit-learn; install it with: "
            'pip install "nsthelpers[training]"'
        )
    folder = Path(package.origin).parent / "datasets" / "images"
    return load_image(folder / f"{given}.jpg", max_side=max_side)
