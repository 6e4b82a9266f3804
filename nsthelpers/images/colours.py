"""Whose colours a picture has: another's palette on it, its lightness alone, and how far it went.

A start in the painting's colours, a painting in the photograph's, or a transfer of light and dark
only, with the photograph's hues put back.
"""

from __future__ import annotations

import numpy as np

from ..arguments import check_choice
from ..choices import COLOUR_METHODS
from .arrays import as_image, resize

__all__ = [
    "colour_difference",
    "luminance",
    "match_colours",
    "match_luminance",
    "mean_palette",
    "palette",
    "with_luminance",
    "with_palette",
]

# Luma of YIQ, as television had it: what is left of a colour in black and white.
_LUMA = np.array([0.299, 0.587, 0.114])


def match_colours(image, references, weights=None, method="monge"):
    """Move the colours of an image so that their mean and covariance are those of another.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    references : array or sequence of arrays, shape (1, H, W, 3), RGB, range [0, 1]
        One picture or several, each of its own size.
    weights : sequence of float, optional
        How much of each reference; default equal.
    method : {"monge", "pca", "cholesky", "histogram"}, default "monge"
        With A and B the covariances of the image's and of the references' colours, a colour x at
        its distance from the mean becomes T x:

        ===========  ===========================================  ================================
        method       T                                            known for
        ===========  ===========================================  ================================
        "monge"      A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2)  the least move of all
        "pca"        B^(1/2) A^(-1/2), roots by principal axes    Image Analogies; Gatys et al.
        "cholesky"   L_B L_A^(-1), the triangular roots           the quickest; red decides first
        "histogram"  none: each channel takes the others' values  exact values, not covariances
        ===========  ===========================================  ================================

    Returns
    -------
    array, float32, the shape of ``image``, clipped to [0, 1]

    Raises
    ------
    ValueError
        For what is no image, an unknown method, or weights that do not fit.

    Notes
    -----
    "monge" is the optimal transport between two normal distributions, so skies stay lighter than
    trees. All linear maps give the same mean and covariance, but for what is clipped.

    References
    ----------
    "monge": Pitié & Kokaram (2007), "The linear Monge-Kantorovitch linear colour mapping for
    example-based colour transfer", CVMP, eq. 21. "pca" and "cholesky": Gatys et al. (2016),
    "Preserving Color in Neural Artistic Style Transfer", arXiv 1606.05897; Hertzmann et al. (2001),
    "Image Analogies". Their program calls it "pca" as well.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> dull, warm = (rng.normal(mean, 0.05, (1, 32, 32, 3)) for mean in (0.4, [0.7, 0.5, 0.2]))
    >>> [round(float(channel), 1) for channel in match_colours(dull, warm).mean((0, 1, 2))]
    [0.7, 0.5, 0.2]
    """
    check_choice("method", method, COLOUR_METHODS)
    picture = as_image(image)
    several = isinstance(references, (list, tuple))
    given = [as_image(each) for each in (references if several else [references])]
    shares = np.ones(len(given)) if weights is None else np.asarray(weights, dtype="float64")
    numbers = shares.shape == (len(given),) and np.isfinite(shares).all()
    if not numbers or (shares < 0).any() or not shares.sum() > 0:
        raise ValueError(
            f"weights are {weights}; expected one number for each of {len(given)}, at least 0 and "
            "not all 0"
        )
    shares = shares / shares.sum()
    if method == "histogram":
        return _with_histograms(picture, given, shares)
    return with_palette(picture, *mean_palette([palette(each) for each in given], shares), method)


def palette(image):
    """Mean and covariance of a picture's colours: what :func:`match_colours` goes by.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]

    Returns
    -------
    (array, float64, shape (3,), array, float64, shape (3, 3))

    Examples
    --------
    >>> mean, covariance = palette(np.full((1, 8, 8, 3), 0.25))
    >>> mean.tolist(), float(abs(covariance).max())
    ([0.25, 0.25, 0.25], 0.0)
    """
    colours = image.reshape(-1, 3).astype("float64")
    return colours.mean(0), np.cov(colours, rowvar=False) if len(colours) > 1 else np.zeros((3, 3))


def mean_palette(palettes, shares):
    """The mean of several palettes, each with its share; the shares sum to 1.

    Examples
    --------
    >>> dark, light = palette(np.zeros((1, 4, 4, 3))), palette(np.ones((1, 4, 4, 3)))
    >>> mean_palette([dark, light], [0.25, 0.75])[0].tolist()
    [0.75, 0.75, 0.75]
    """
    pairs = list(zip(shares, palettes, strict=True))
    return tuple(sum(share * each[part] for share, each in pairs) for part in (0, 1))


def with_palette(image, mean, covariance, method="monge", *, own=None):
    """A picture with its colours moved to a mean and a covariance; see :func:`match_colours`.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
    mean, covariance : array, shapes (3,) and (3, 3)
    method : {"monge", "pca", "cholesky"}, default "monge"
    own : (array, array), optional
        Mean and covariance that are moved to these. Default: the picture's. Those of a whole clip
        give all of its frames one and the same map.

    Returns
    -------
    array, float32, the shape of ``image``, clipped to [0, 1]

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0.5, 0.05, (1, 32, 32, 3))
    >>> with_palette(noise, np.full(3, 0.75), np.zeros((3, 3))).mean().round(2).item()
    0.75
    """
    own_mean, spread = palette(image) if own is None else own
    # A grey or flat image has no colours to spread: a little of every colour keeps it invertible.
    transport = _TRANSPORTS[method](spread + 1e-6 * np.eye(3), covariance)
    moved = (image.astype("float64") - own_mean) @ transport.T + mean
    return np.clip(moved, 0.0, 1.0).astype("float32")


def luminance(image):
    """The picture in black and white: Y = 0.299 R + 0.587 G + 0.114 B in all three channels.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]

    Returns
    -------
    array, float32, the shape of ``image``

    Examples
    --------
    >>> grey = luminance([[[[1.0, 0.0, 0.0]]]])
    >>> [round(float(channel), 3) for channel in grey[0, 0, 0]]
    [0.299, 0.299, 0.299]
    """
    picture = as_image(image)
    return np.clip(np.repeat(_luma(picture), 3, axis=-1), 0.0, 1.0).astype("float32")


def match_luminance(image, reference):
    """The picture in black and white, as light and as rich in contrast as the reference.

    Parameters
    ----------
    image, reference : array, shape (1, H, W, 3), RGB, range [0, 1]
        Each of its own size.

    Returns
    -------
    array, float32, the shape of ``image``, clipped to [0, 1]
        Y' = (Y - mean) sd_reference / sd + mean_reference, in all three channels.

    References
    ----------
    Gatys et al. (2016), arXiv 1611.07865, section 5.1.

    Examples
    --------
    >>> ramp = np.tile(np.linspace(0, 1, 9), (9, 1))
    >>> round(float(match_luminance(ramp, 0.2 + 0.2 * ramp).mean()), 3)
    0.3
    """
    ours, theirs = _luma(as_image(image)), _luma(as_image(reference))
    spread = ours.std()
    stretched = (ours - ours.mean()) * (theirs.std() / spread if spread > 1e-6 else 1.0)
    matched = np.clip(stretched + theirs.mean(), 0.0, 1.0)
    return np.repeat(matched, 3, axis=-1).astype("float32")


def with_luminance(image, light):
    """The colours of one picture, light and dark from another.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
        Whose chroma is kept: I and Q of YIQ. Resized to ``light``.
    light : array, shape (1, H, W, 3), RGB, range [0, 1]
        Whose luminance is taken, see :func:`luminance`.

    Returns
    -------
    array, float32, the shape of ``light``

    Notes
    -----
    In YIQ a colour is Y plus what it differs from grey, so that both parts are put together by one
    sum. There is no bright deep blue: where the sum would leave [0, 1], the colour is faded until
    it fits. Hue and luminance are then still exact; clipping would change both. This is why it is
    YIQ, as in the paper, and not CIELAB, where no such step is linear.

    References
    ----------
    Gatys et al. (2016), arXiv 1611.07865, section 5.1.

    Examples
    --------
    >>> reddish, light = np.full((1, 1, 1, 3), [0.6, 0.4, 0.4]), np.full((1, 1, 1, 3), 0.5)
    >>> [round(float(channel), 2) for channel in with_luminance(reddish, light)[0, 0, 0]]
    [0.64, 0.44, 0.44]
    """
    light = _luma(as_image(light))
    picture = resize(image, size=light.shape[1:3]).astype("float64")
    chroma = picture - _luma(picture)
    room = np.where(chroma > 0, 1.0 - light, light)
    share = np.min(room / np.maximum(np.abs(chroma), 1e-9), axis=-1, keepdims=True)
    return np.clip(light + np.minimum(share, 1.0) * chroma, 0.0, 1.0).astype("float32")


def colour_difference(image, reference, lightness=True) -> float:
    """How far the colours of two pictures are apart: the mean of CIEDE2000 over all places.

    Parameters
    ----------
    image, reference : array, shape (1, H, W, 3), RGB, range [0, 1]
        The reference is resized to the image.
    lightness : bool, default True
        False compares hue and chroma only: both get the reference's lightness first.

    Returns
    -------
    float
        1 is about what one can see side by side, 100 is black beside white.

    References
    ----------
    Sharma, Wu & Dalal (2005), "The CIEDE2000 color-difference formula", Color Res. Appl. 30.

    Examples
    --------
    >>> grey = np.full((1, 8, 8, 3), 0.5)
    >>> colour_difference(grey, grey), colour_difference(grey, 1.2 * grey, lightness=False) < 0.1
    (0.0, True)
    """
    from skimage.color import deltaE_ciede2000, rgb2lab

    first = as_image(image)
    second = resize(reference, size=first.shape[1:3])
    ours, theirs = (rgb2lab(each[0].astype("float64")) for each in (first, second))
    if not lightness:
        ours[..., 0] = theirs[..., 0]
    return float(deltaE_ciede2000(ours, theirs).mean())


def _luma(image):
    """Y of an image, shape (1, H, W, 1), in float64."""
    return image.astype("float64") @ _LUMA[:, None]


def _monge(covariance, wanted):
    root, inverse = _power(covariance, 0.5), _power(covariance, -0.5)
    return inverse @ _power(root @ wanted @ root, 0.5) @ inverse


def _principal(covariance, wanted):
    return _power(wanted, 0.5) @ _power(covariance, -0.5)


def _triangular(covariance, wanted):
    # A flat reference has no triangular root: a little of every colour, too little to be seen.
    roots = np.linalg.cholesky(wanted + 1e-12 * np.eye(3)), np.linalg.cholesky(covariance)
    return roots[0] @ np.linalg.inv(roots[1])


_TRANSPORTS = {"monge": _monge, "pca": _principal, "cholesky": _triangular}


def _power(matrix, exponent):
    """A power of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0.0) ** exponent) @ vectors.T


def _with_histograms(picture, references, shares):
    """Channel by channel the references' values; of each as many as its share."""
    from skimage.exposure import match_histograms

    most = max(each.shape[1] * each.shape[2] for each in references)
    drawn = []
    for each, share in zip(references, shares, strict=True):
        values = np.sort(each.reshape(-1, 3), axis=0)
        places = (np.arange(round(share * most)) + 0.5) / max(1, round(share * most)) * len(values)
        drawn.append(values[places.astype(int)])
    values = np.concatenate(drawn)[None]
    matched = match_histograms(picture[0], values, channel_axis=-1)
    return np.clip(matched, 0.0, 1.0).astype("float32")[None]
