"""A mask: a weight for each pixel of a picture, and the algebra of such weights."""

from __future__ import annotations

import math
import numbers

import numpy as np
from PIL import Image

from ..images.arrays import as_image, to_png_bytes
from ..images.files import load_image
from ..images.html import image_tag
from ..images.samples import resolve

__all__ = ["Mask", "as_mask", "load"]


class Mask:
    """A weight for each pixel of a picture: 1 inside, 0 outside, or something between.

    ``a & b`` is where both are (the smaller weight), ``a | b`` where one is (the larger), ``~a``
    the rest; the second takes the first one's size.

    Parameters
    ----------
    values : array, shape (H, W), bool or float in [0, 1], or an image, whose channels' mean counts

    Attributes
    ----------
    array : array, float32, shape (H, W), range [0, 1]

    Raises
    ------
    ValueError
        For values that are NaN or out of range, or another shape.

    Examples
    --------
    >>> left = Mask([[1, 1, 0, 0], [1, 1, 0, 0.0]])
    >>> top = Mask([[1, 1, 1, 1], [0, 0, 0, 0.0]])
    >>> (left & ~top).array.tolist(), left.share
    ([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]], 0.5)
    """

    def __init__(self, values):
        image = as_image(values)[0]
        grey = (image == image[..., :1]).all()  # then exactly what was given
        self.array = image[..., 0].copy() if grey else image.mean(axis=-1)

    @property
    def share(self) -> float:
        """How much of the picture it covers, from 0 to 1."""
        return float(self.array.mean(dtype="float64"))

    def at(self, height, width) -> np.ndarray:
        """The same mask for an image of another size.

        Parameters
        ----------
        height, width : int
            In pixels. The aspect must be the mask's, but for rounding.

        Returns
        -------
        array, float32, shape (height, width), range [0, 1]

        Raises
        ------
        ValueError
            For another aspect.
        """
        if self.array.shape == (height, width):
            return self.array
        rows, columns = self.array.shape
        close = 1.5 / min(height, width) + 1.5 / min(rows, columns) + 0.01
        if not math.isclose(columns / rows, width / height, rel_tol=close):
            raise ValueError(
                f"the mask is {columns} x {rows} pixels and the picture {width} x {height}: the "
                "aspects differ; make the mask of this picture, or crop it alike"
            )
        # Linear: a sharper filter overshoots, and places beside an edge would belong to it, too.
        picture = Image.fromarray(self.array).resize((width, height), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(picture), 0.0, 1.0)

    def inside(self, height, width) -> np.ndarray:
        """Which pixels of an image belong to it: those of at least half the largest weight.

        Returns
        -------
        array, bool, shape (height, width)
        """
        weights = self.at(height, width)
        return weights >= max(0.5 * weights.max(), 1e-6)

    def pixels(self, image) -> np.ndarray:
        """The pixels of an image that belong to it, in one row.

        Returns
        -------
        array, float32, shape (1, 1, K, 3)
        """
        image = as_image(image)
        return image[:, self.inside(*image.shape[1:3])][:, None]

    def feather(self, radius=0.02) -> Mask:
        """Soften the edges.

        Parameters
        ----------
        radius : float, default 0.02
            Standard deviation of a Gaussian blur, as a share of the long side.

        Returns
        -------
        Mask
        """
        from scipy.ndimage import gaussian_filter

        return Mask(
            np.clip(gaussian_filter(self.array, self._pixels(radius), mode="nearest"), 0, 1)
        )

    def grow(self, radius=0.02) -> Mask:
        """Move the edge outwards; it becomes hard, so feather afterwards.

        Parameters
        ----------
        radius : float, default 0.02
            How far, as a share of the long side.

        Returns
        -------
        Mask
        """
        from scipy.ndimage import distance_transform_edt

        inside = self.array >= 0.5
        if not inside.any():  # there is nothing to be near to
            return Mask(inside)
        return Mask(distance_transform_edt(~inside) <= self._pixels(radius))

    def shrink(self, radius=0.02) -> Mask:
        """Move the edge inwards, as :meth:`grow` moves it outwards."""
        return ~(~self).grow(radius)

    def _pixels(self, radius):
        if not (isinstance(radius, numbers.Real) and math.isfinite(radius) and radius >= 0):
            raise ValueError(
                f"the radius is {radius!r}; expected a share of the long side, such as 0.02"
            )
        return radius * max(self.array.shape)

    def __and__(self, other) -> Mask:
        return Mask(np.minimum(self.array, as_mask(other).at(*self.array.shape)))

    def __or__(self, other) -> Mask:
        return Mask(np.maximum(self.array, as_mask(other).at(*self.array.shape)))

    def __invert__(self) -> Mask:
        return Mask(1 - self.array)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype=dtype)

    def __eq__(self, other):
        return isinstance(other, Mask) and np.array_equal(self.array, other.array)

    __hash__ = None

    def __repr__(self):
        height, width = self.array.shape
        return f"a mask of {width} x {height} pixels that covers {self.share:.0%}"

    def _repr_html_(self):
        return image_tag(to_png_bytes(self.array), "png", f"{self!r}.".capitalize())


def as_mask(value) -> Mask:
    """A mask of an array or an image; a mask stays what it is.

    Examples
    --------
    >>> as_mask(np.eye(3)).share == 1 / 3
    True
    """
    return value if isinstance(value, Mask) else Mask(value)


def load(source) -> Mask:
    """A mask from a picture file: white is inside, black outside, grey between.

    Parameters
    ----------
    source : str, path, bytes, file, PIL image or array
        As :func:`nsthelpers.load_image` takes it, or a sample's name. What is transparent counts
        as outside.

    Returns
    -------
    Mask

    Raises
    ------
    OSError, ValueError
        As :func:`nsthelpers.load_image` does.

    Examples
    --------
    >>> load(to_png_bytes(np.eye(20))).share
    0.05
    """
    return Mask(load_image(resolve(source), background="black"))
