"""Weights chosen by how hard the terms pull, not by how large their losses are.

A loss's number says nothing of how strongly it changes the picture: that is its gradient. Weights
that bring the gradients into a wanted ratio make terms comparable whose losses have other units.
"""

from __future__ import annotations

import math

import numpy as np

from ..backend import to_numpy
from ..objectives.objective import Objective, as_objective
from .starts import start_image, white_noise

__all__ = ["balance", "gradient_norms"]

_RESTING = 0.01  # a pull below this share of the one after a small disturbance counts as none


def balance(objective, start="content", ratios=None, *, disturbance=0.1, seed=0) -> Objective:
    """Weights with which the terms' first gradients stand in a wanted ratio.

    Parameters
    ----------
    objective : Objective or Term
        Such as ``Content(photo) + Style(painting) + TotalVariation()``.
    start : {"content", "recoloured", "style", "noise"} or array, default "content"
        What the run will start from, as for :func:`nsthelpers.synthesize`. The gradients are
        measured there.
    ratios : dict of str to float, optional
        How hard each term shall pull, by label ("content", "style", "style_2", ...). A term that is
        not named has its weight in ``objective`` as its ratio; without ``ratios`` all have.
    disturbance : float, default 0.1
        Some terms do not pull at all where the run starts: content, from the content image. Such a
        term is measured at an image a little way off, this part of which is white noise and the
        rest the start. "Does not pull" means: less than a hundredth of what it does there.
    seed : int, default 0
        Of the noise.

    Returns
    -------
    Objective
        The same terms. The first term (of those with a positive ratio) keeps its weight; the
        others' weights follow from the ratios. A ratio of 0 gives a weight of 0.

    Raises
    ------
    ValueError
        For an unknown label, ratios or a disturbance out of range, if no ratio is positive, or if a
        term with a positive ratio pulls neither at the start nor near it.
    TypeError
        For what is no objective.

    Notes
    -----
    The norm is the square root of the sum of squares over all pixels and channels. With
    ``ratios={"content": 1, "style": 2}`` style pulls twice as hard as content will after a small
    step away from the photograph.

    Balance makes different statistics, reductions and networks comparable at one size;
    :func:`nsthelpers.stylize` and the studio give a statistic its weight so. It is no
    way to carry a setting to another size or painting: what is reached in the end changes far less
    than the first gradients do, so the fixed weights of relative losses carry over better (measured
    at 64 to 384 px and with five paintings, after 40 steps). The place of the measurement is not to
    blame, nor the norm. Gradients at the recoloured photograph, at the painting, between the two,
    or after some steps of style alone carry over no better; nor do sums of absolute values, the
    largest value, or the decrease that the curvature promises.

    References
    ----------
    Chen et al. (2018), "GradNorm", arXiv 1711.02257, balances gradients of several losses all
    through a training; here it is done once, before the first step.

    Examples
    --------
    >>> from nsthelpers import TotalVariation
    >>> ramp = np.tile(np.linspace(0, 1, 32), (16, 1))
    >>> objective = TotalVariation() + TotalVariation("squared")
    >>> both = balance(objective, ramp, {"total_variation_2": 3.0})
    >>> norms = gradient_norms(both, ramp)
    >>> round(norms["total_variation_2"] / norms["total_variation"], 3)
    3.0
    """
    objective = as_objective(objective)
    if not 0 < disturbance <= 1:
        raise ValueError(f"the disturbance is {disturbance}; expected more than 0, at most 1")
    wanted = _wanted(objective, ratios or {})
    image = start_image(objective, start, seed)
    noise = white_noise(*image.shape[1:3], seed=seed)
    near = ((1 - disturbance) * image + disturbance * noise).astype("float32")
    pulling = [(label, term) for label, term in objective.terms.items() if wanted[label] > 0]
    alone = Objective((1.0, term) for _, term in pulling)
    labels = [label for label, _ in pulling]
    bound = alone.at(*image.shape[1:3])
    here, there = (
        dict(zip(labels, _lengths(bound, place), strict=True)) for place in (image, near)
    )
    norms = {
        label: there[label] if here[label] < _RESTING * there[label] else here[label]
        for label in labels
    }
    for label, norm in norms.items():
        if not (math.isfinite(norm) and norm > 0):
            raise ValueError(
                f"the gradient of {label!r} is {norm:g} at the start and near it, so no weight "
                "makes it pull; start elsewhere, or leave it out with a ratio of 0"
            )
    weights = {label: wanted[label] / norms[label] for label in labels}
    anchor = objective.weights[labels[0]] or 1.0
    unit = anchor / weights[labels[0]]
    return Objective(
        (weights.get(label, 0.0) * unit, term) for label, term in objective.terms.items()
    )


def gradient_norms(objective, image) -> dict[str, float]:
    """How hard each term pulls at an image: the length of its weighted gradient.

    Parameters
    ----------
    objective : Objective or Term
    image : array, shape (1, H, W, 3), RGB, range [0, 1]

    Returns
    -------
    dict of str to float
        By label; the root of the sum of squares over all pixels and channels. 0 for a term of
        weight 0.

    Examples
    --------
    >>> from nsthelpers import TotalVariation
    >>> flat = np.full((16, 16, 3), 0.5)
    >>> gradient_norms(5 * TotalVariation("squared"), flat)
    {'total_variation': 0.0}
    """
    objective = as_objective(objective)
    image = start_image(objective, image, 0)
    pulling = [label for label, weight in objective.weights.items() if weight > 0]
    lengths = dict(zip(pulling, _lengths(objective.at(*image.shape[1:3]), image), strict=True))
    return {label: weight * lengths.get(label, 0.0) for label, weight in objective.weights.items()}


def _lengths(bound, image):
    """The lengths of the terms' own gradients, in their order."""
    return [
        float(np.linalg.norm(to_numpy(gradient).astype("float64")))
        for gradient in bound.gradients(image).values()
    ]


def _wanted(objective, ratios):
    """Each term's ratio: what was said, or else its weight."""
    weights = objective.weights
    for label, ratio in ratios.items():
        if label not in weights:
            raise ValueError(
                f"ratios name {label!r}, but the terms are {', '.join(map(repr, weights))}"
            )
        if not (math.isfinite(ratio) and ratio >= 0):
            raise ValueError(
                f"the ratio of {label!r} is {ratio}; expected a finite number of at least 0"
            )
    wanted = {label: float(ratios.get(label, weight)) for label, weight in weights.items()}
    if not any(wanted.values()):
        raise ValueError("every ratio is 0; give at least one term a positive one")
    return wanted
