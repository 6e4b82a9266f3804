"""The palette of one picture on another: a start that already has the painting's colours."""

from __future__ import annotations

import numpy as np

from .arrays import as_image

__all__ = ["match_colours"]


def match_colours(image, references, weights=None):
    """Move the colours of an image so that their mean and covariance are those of another.

    Of all linear maps that do so this is the one that moves the colours least (the optimal
    transport between two normal distributions), so skies stay lighter than trees.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    references : array or sequence of arrays, shape (1, H, W, 3), RGB, range [0, 1]
        One picture or several, each of its own size.
    weights : sequence of float, optional
        How much of each reference; default equal.

    Returns
    -------
    array, float32, the shape of ``image``, clipped to [0, 1]

    Raises
    ------
    ValueError
        For what is no image, or weights that do not fit.

    References
    ----------
    Pitié & Kokaram (2007), "The linear Monge-Kantorovitch linear colour mapping for example-based
    colour transfer", CVMP, eq. 21: T = A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2) for the
    covariances A of the image and B of the reference.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> dull, warm = (rng.normal(mean, 0.05, (1, 32, 32, 3)) for mean in (0.4, [0.7, 0.5, 0.2]))
    >>> [round(float(channel), 1) for channel in match_colours(dull, warm).mean((0, 1, 2))]
    [0.7, 0.5, 0.2]
    """
    picture = as_image(image)
    several = isinstance(references, (list, tuple))
    palettes = [_palette(as_image(each)) for each in (references if several else [references])]
    shares = np.ones(len(palettes)) if weights is None else np.asarray(weights, dtype="float64")
    if shares.shape != (len(palettes),) or not np.isfinite(shares).all() or not shares.sum() > 0:
        raise ValueError(f"weights are {weights}; expected one number for each of {len(palettes)}")
    shares = shares / shares.sum()
    mean, covariance = _palette(picture)
    wanted_mean = sum(share * palette[0] for share, palette in zip(shares, palettes, strict=True))
    wanted = sum(share * palette[1] for share, palette in zip(shares, palettes, strict=True))
    # A grey or flat image has no colours to spread: a little of every colour keeps it invertible.
    covariance = covariance + 1e-6 * np.eye(3)
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    transport = inverse @ _power(root @ wanted @ root, 0.5) @ inverse
    moved = (picture.astype("float64") - mean) @ transport + wanted_mean
    return np.clip(moved, 0.0, 1.0).astype("float32")


def _palette(image):
    """Mean (3,) and covariance (3, 3) of an image's colours."""
    colours = image.reshape(-1, 3).astype("float64")
    return colours.mean(0), np.cov(colours, rowvar=False)


def _power(matrix, exponent):
    """A power of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0.0) ** exponent) @ vectors.T
