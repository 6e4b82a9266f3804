"""The loss functions of neural style transfer, as pure functions of features.

Nothing here knows of networks, images on disk or optimizers: arrays go in, one number comes out.
Every function is written with ``keras.ops`` and works on NumPy arrays and on tensors alike.

Notation: as in Gatys, Ecker & Bethge, a layer has N filters (channels) and answers at M positions
(height x width). Its features are a matrix F with M rows and N columns (the papers transpose it).

The functions default to plain means, which is what one writes down first and can check by hand. The
terms of an objective (``objectives/terms.py``) default to ``"relative"`` instead, with which one
weight serves for all layers, networks and sizes.
"""

from __future__ import annotations

import math

from .arguments import check_choice
from .backend import ops
from .choices import REDUCTIONS, TV_KINDS, TV_REDUCTIONS

__all__ = [
    "REDUCTIONS",
    "TV_KINDS",
    "TV_REDUCTIONS",
    "as_rows",
    "check_exponent",
    "content_loss",
    "content_loss_of_sums",
    "gram_matrix",
    "style_loss",
    "total_variation",
]


def gram_matrix(features):
    """How strongly each pair of filters answers together, averaged over all positions.

    ``G = F^T F / M``: entry (i, j) is the mean, over the M positions, of filter i times filter j.
    Where in the image that happened is averaged away; this is why a Gram matrix describes texture.

    Parameters
    ----------
    features : tensor, float, shape (1, H, W, N) or (H, W, N) or (M, N)
        Activations of one layer.

    Returns
    -------
    tensor, float, shape (N, N)
        Symmetric and positive semi-definite.

    Raises
    ------
    ValueError
        If ``features`` has another rank, or a batch of more than one image.

    Notes
    -----
    Gatys et al. (2015) sum over the positions, without 1 / M. Dividing makes the matrices of images
    of different sizes comparable, which a painting and a photograph usually need.

    References
    ----------
    Gatys, Ecker & Bethge (2015), "A Neural Algorithm of Artistic Style", arXiv 1508.06576, eq. 3.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[1.0, 2.0], [3.0, 4.0]])  # 2 positions, 2 filters
    >>> np.asarray(gram_matrix(features)).tolist()
    [[5.0, 7.0], [7.0, 10.0]]
    """
    matrix = as_rows(features, "gram_matrix")
    positions = ops.cast(ops.shape(matrix)[0], matrix.dtype)
    return ops.matmul(ops.transpose(matrix), matrix) / positions


def content_loss(features, target, reduction="mean"):
    """How far the features are from those of the content image, position by position.

    Parameters
    ----------
    features, target : tensor, float, the same shape
        Activations of one layer for the generated image (F) and the content image (P).
    reduction : {"relative", "mean", "gatys"}, default "mean"
        ``"mean"``: mean of (F - P)^2, the same number at every image size.
        ``"relative"``: that, divided by the mean of P^2: 0 for equal features, 1 for F = 0, so
        that layers, networks and pictures compare.
        ``"gatys"``: 1/2 sum of (F - P)^2, the paper's, which grows with the image.

    Returns
    -------
    scalar tensor, at least 0

    Raises
    ------
    ValueError
        If the shapes differ or the reduction is unknown.

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576, eq. 1 (``"gatys"``); Mahendran & Vedaldi (2015), arXiv
    1412.0035, section 3 (``"relative"``: their loss divided by the target's squared norm).

    Examples
    --------
    >>> import numpy as np
    >>> float(content_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    >>> float(content_loss(np.array([1.0, 3.0]), np.array([1.0, 5.0]), reduction="gatys"))
    2.0
    """
    check_choice("reduction", reduction, REDUCTIONS)
    _check_shapes("content_loss", features, target)
    squared = ops.square(features - target)
    if reduction == "gatys":
        return 0.5 * ops.sum(squared)
    return _relative(squared, target) if reduction == "relative" else ops.mean(squared)


def content_loss_of_sums(squared, squared_target, count, reduction="mean"):
    """The same loss, where only sums are at hand: those of all tiles of an image add up.

    Parameters
    ----------
    squared, squared_target : scalar tensor
        The sums of (F - P)^2 and of P^2.
    count : scalar tensor
        How many values each is the sum of.
    reduction : {"relative", "mean", "gatys"}, default "mean"
        As of :func:`content_loss`.

    Returns
    -------
    scalar tensor, at least 0

    Raises
    ------
    ValueError
        If the reduction is unknown.

    Examples
    --------
    >>> content_loss_of_sums(4.0, 17.0, 2)  # of [1, 2] and [1, 4]
    2.0
    """
    check_choice("reduction", reduction, REDUCTIONS)
    if reduction == "gatys":
        return 0.5 * squared
    mean = squared / count
    return _share(mean, squared_target / count) if reduction == "relative" else mean


def style_loss(gram, target_gram, reduction="mean"):
    """How far two Gram matrices are apart.

    Parameters
    ----------
    gram, target_gram : tensor, float, shape (N, N)
        Of the generated image (G) and of the painting (A), from :func:`gram_matrix`.
    reduction : {"relative", "mean", "gatys"}, default "mean"
        ``"mean"``: mean over the N^2 entries of (G - A)^2.
        ``"relative"``: that, divided by the mean of A^2.
        ``"gatys"``: 1/(4 N^2) sum of (G - A)^2, a quarter of ``"mean"``. For images of equal size
        it *is* the paper's 1/(4 N^2 M^2) sum, since G = F^T F / M has the 1 / M in it already.

    Returns
    -------
    scalar tensor, at least 0

    Raises
    ------
    ValueError
        If the shapes differ or the reduction is unknown.

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576, eq. 4 (this is ``reduction="gatys"``).

    Examples
    --------
    >>> import numpy as np
    >>> float(style_loss(np.zeros((2, 2)), np.full((2, 2), 2.0)))
    4.0
    >>> float(style_loss(np.zeros((2, 2)), np.full((2, 2), 2.0), reduction="gatys"))
    1.0
    """
    check_choice("reduction", reduction, REDUCTIONS)
    _check_shapes("style_loss", gram, target_gram)
    squared = ops.square(gram - target_gram)
    if reduction == "gatys":
        return 0.25 * ops.mean(squared)
    return _relative(squared, target_gram) if reduction == "relative" else ops.mean(squared)


def total_variation(image, kind="l1", exponent=1.25, reduction="mean"):
    """How much neighbouring pixels differ: small for smooth images, large for noise.

    With dx and dy the differences to the right-hand and lower neighbour:

    ============  ================================  ==================================
    kind          sum over pixels and channels of   known as
    ============  ================================  ==================================
    "l1"          \\|dx\\| + \\|dy\\|                   anisotropic total variation
    "squared"     dx^2 + dy^2                       the smooth kind; blurs edges
    "exponent"    (dx^2 + dy^2)^exponent            1.25 in many Keras programs
    ============  ================================  ==================================

    Parameters
    ----------
    image : tensor, float, shape (1, H, W, C), range [0, 1]
        At least 2 x 2 pixels.
    kind : {"l1", "squared", "exponent"}, default "l1"
    exponent : float, default 1.25
        For ``kind="exponent"`` only; finite and at least 0.5.
    reduction : {"mean", "sum"}, default "mean"
        ``"mean"`` takes the mean of the horizontal and of the vertical differences and adds the
        two, so that weights carry over between sizes; ``"sum"`` is the formula as printed.

    Returns
    -------
    scalar tensor, at least 0

    Raises
    ------
    ValueError
        If the image is too small, of another rank or a batch of several, a name is unknown, or the
        exponent is out of range.

    Notes
    -----
    ``"exponent"`` needs dx and dy at the same pixel, so it leaves out the last row and column.
    Most programs have values of 0 to 255; a factor s in the values is a factor s^(2 exponent) in
    this kind, s^2 in "squared" and s in "l1".

    References
    ----------
    Rudin, Osher & Fatemi (1992), "Nonlinear total variation based noise removal algorithms",
    Physica D 60 (there with the length of (dx, dy), which is ``"exponent"`` with 0.5); Mahendran &
    Vedaldi (2015), arXiv 1412.0035, section 3 (``"exponent"``, with beta = 2 exponent).

    Examples
    --------
    >>> import numpy as np
    >>> checkerboard = (np.indices((4, 4)).sum(0) % 2)[None, :, :, None].astype("float32")
    >>> float(total_variation(checkerboard))  # every neighbour differs by 1, both ways
    2.0
    """
    check_choice("kind of total variation", kind, TV_KINDS)
    check_choice("reduction", reduction, TV_REDUCTIONS)
    check_exponent(exponent)
    shape = tuple(image.shape)
    if len(shape) != 4 or shape[0] not in (1, None) or min(shape[1:3]) < 2:
        raise ValueError(
            f"total_variation got an image of shape {shape}; expected (1, H, W, C) with H and W "
            "of at least 2: pass one image at a time"
        )
    reduce = ops.mean if reduction == "mean" else ops.sum
    across = image[:, :, 1:, :] - image[:, :, :-1, :]
    down = image[:, 1:, :, :] - image[:, :-1, :, :]
    if kind == "l1":
        return reduce(ops.abs(across)) + reduce(ops.abs(down))
    if kind == "squared":
        return reduce(ops.square(across)) + reduce(ops.square(down))
    energy = ops.square(across[:, :-1, :, :]) + ops.square(down[:, :, :-1, :])
    # The gradient of energy^p at 0 is infinite for p < 1; with this floor it is 0.
    return reduce(ops.power(ops.maximum(energy, 1e-12), exponent))


def check_exponent(exponent):
    """Raise ValueError unless a number can be the exponent of total variation.

    Examples
    --------
    >>> check_exponent(0.4)
    Traceback (most recent call last):
    ValueError: the exponent is 0.4; expected a finite number of at least 0.5
    """
    if not (math.isfinite(exponent) and exponent >= 0.5):
        raise ValueError(f"the exponent is {exponent}; expected a finite number of at least 0.5")


def as_rows(features, name="the statistic"):
    """One image's features as a matrix: M rows (positions), N columns (filters).

    Examples
    --------
    >>> import numpy as np
    >>> tuple(as_rows(np.zeros((1, 4, 6, 8))).shape)
    (24, 8)
    """
    shape = tuple(features.shape)
    if len(shape) not in (2, 3, 4) or (len(shape) == 4 and shape[0] not in (1, None)):
        raise ValueError(
            f"{name} got features of shape {shape}; expected (1, H, W, N), (H, W, N) or "
            "(M, N): pass one image's features at a time"
        )
    return ops.reshape(features, (-1, shape[-1]))


def _relative(squared, target):
    return _share(ops.mean(squared), ops.mean(ops.square(target)))


def _share(mean, of_target):
    # The small number only prevents NaN where a target is all zeros, as a dead layer's is; whatever
    # differs from such a target is then enormous.
    return mean / (of_target + 1e-12)


def _check_shapes(name, value, target):
    if tuple(value.shape) != tuple(target.shape):
        raise ValueError(
            f"{name} got shapes {tuple(value.shape)} and {tuple(target.shape)}; both must be equal:"
            " resize the images to one size, or compare Gram matrices instead of features"
        )
