"""The three jobs of the papers in one call each.

Every function builds an objective and calls ``synthesize``; reading them shows how to build others.
"""

from __future__ import annotations

import math

from .images.arrays import resize
from .images.files import load_image
from .images.samples import resolve
from .network.vgg import STYLE_LAYERS
from .objectives.terms import Content, Style, TotalVariation
from .statistics.gram import Gram
from .synthesis.balancing import balance
from .synthesis.estimates import estimate
from .synthesis.loop import synthesize
from .synthesis.starts import smallest_scale

__all__ = ["coarse_to_fine", "open_image", "reconstruct_content", "reconstruct_style", "stylize"]

_COARSEST = 128  # pixels of the long side


def open_image(source, **size):
    """An image from anything: a sample's name, a path, a URL, bytes, a PIL image, an array.

    Parameters
    ----------
    source : str, path, bytes, file, PIL image or array
    **size
        ``max_side=``, ``area=`` or ``size=``, as :func:`nsthelpers.load_image` takes them.

    Returns
    -------
    array, float32, shape (1, H, W, 3), RGB, range [0, 1]

    Examples
    --------
    >>> open_image("chelsea", max_side=64).shape[2]
    64
    """
    return load_image(resolve(source), **size)


def coarse_to_fine(longest, coarsest=_COARSEST, factor=2.0) -> list[int]:
    """List long sides to work through, each ``factor`` times the one before.

    Parameters
    ----------
    longest : int
        The last one, in pixels.
    coarsest : int, default 128
        The first one is at least this, or ``longest``.
    factor : float, default 2.0

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        For a factor that is not larger than 1.

    Examples
    --------
    >>> coarse_to_fine(512), coarse_to_fine(384), coarse_to_fine(100)
    ([128, 256, 512], [192, 384], [100])
    """
    if not factor > 1:
        raise ValueError(f"the factor is {factor}; expected more than 1")
    scales = [longest]
    while scales[0] / factor >= coarsest:
        scales.insert(0, round(scales[0] / factor))
    return scales


def reconstruct_content(
    image, layer="block4_conv2", *, max_side=256, start="noise", tv_weight=0.0, network=None, **run
):
    """Find an image with the same features as ``image`` in one layer: what does the layer know?

    Parameters
    ----------
    image : anything :func:`open_image` takes
    layer : str or sequence of str, default "block4_conv2"
    max_side : int, default 256
        Long side of the result in pixels.
    start : default "noise"
    tv_weight : float, default 0.0
        Weight of total variation beside a content loss that is 1 where all features are 0.
    network : VGG, optional
    **run
        Further arguments of :func:`nsthelpers.synthesize`, such as ``steps`` and ``seed``; and
        ``dry_run=True``, to be told what the run would take instead of making it.

    Returns
    -------
    Synthesis
        Or, of a dry run, the :class:`nsthelpers.estimates.Estimate`.

    References
    ----------
    Mahendran & Vedaldi (2015), arXiv 1412.0035; Gatys et al. (2015), arXiv 1508.06576, figure 1.

    Examples
    --------
    >>> from nsthelpers import VGG
    >>> network = VGG(weights="random")
    >>> result = reconstruct_content(
    ...     "chelsea", "block1_conv1", max_side=32, steps=2, network=network, progress=False
    ... )
    >>> result.history[-1].loss < result.history[0].loss
    True
    """
    picture = open_image(image, max_side=max_side)
    objective = Content(picture, layer, network=network) + tv_weight * TotalVariation()
    return _carried_out(objective, start, **run)


def reconstruct_style(
    images, layers=STYLE_LAYERS, *, max_side=256, start="noise", tv_weight=0.0, network=None, **run
):
    """Find an image with the Gram matrices of ``images``: a texture in their manner.

    Parameters
    ----------
    images : anything :func:`open_image` takes, or a list of such
    layers : str or sequence of str, default the first convolution of all five blocks
    max_side : int, default 256
        Long side of the paintings and of the result, in pixels.
    start, tv_weight, network, **run
        As in :func:`reconstruct_content`.

    Returns
    -------
    Synthesis

    References
    ----------
    Gatys, Ecker & Bethge (2015), "Texture Synthesis Using Convolutional Neural Networks",
    arXiv 1505.07376.

    Examples
    --------
    >>> from nsthelpers import VGG
    >>> network = VGG(weights="random")
    >>> result = reconstruct_style(
    ...     "stained_glass", "block1_conv1", max_side=32, steps=2, network=network, progress=False
    ... )
    >>> result.history[-1].loss < result.history[0].loss
    True
    """
    objective = Style(_open_all(images, max_side=max_side), layers, network=network)
    return _carried_out(objective + tv_weight * TotalVariation(), start, **run)


def stylize(
    content,
    style,
    *,
    max_side=512,
    content_weight=1.0,
    style_weight=10.0,
    tv_weight=0.1,
    content_layers="block4_conv2",
    style_layers=STYLE_LAYERS,
    statistic="gram",
    style_scale=1.0,
    start="recoloured",
    scales="coarse to fine",
    network=None,
    **run,
):
    """Paint ``content`` in the manner of ``style``.

    Parameters
    ----------
    content : anything :func:`open_image` takes
    style : anything :func:`open_image` takes, or a list of such
    max_side : int, default 512
        Long side of the result in pixels; a smaller photograph is not enlarged.
    content_weight, style_weight, tv_weight : float, defaults 1, 10, 0.1
        Both losses are measured relative to their targets, so the same weights serve for all
        pictures and sizes; 1 to 100 is the useful range of ``style_weight``, the weight of Gram
        matrices. Any other statistic gets the weight with which it pulls as hard at the photograph
        (:func:`nsthelpers.balance`, at 128 px, so that it is the same for every size).
    content_layers, style_layers : str or sequence of str
    statistic : str or Statistic, default "gram"
        What of the features counts as style; see :mod:`nsthelpers.statistics`.
    style_scale : float, default 1.0
        The painting's long side beside the result's; less gives smaller brush strokes.
    start : default "recoloured"
        As in :func:`nsthelpers.synthesize`: the content in the painting's colours, which is nearer
        to the goal than the content itself.
    scales : sequence of int, None or "coarse to fine", default "coarse to fine"
        See :func:`nsthelpers.synthesize`; "coarse to fine" doubles up from at least 128 px.
    network : VGG, optional
    **run
        Further arguments of :func:`nsthelpers.synthesize`: ``steps`` (for each scale), ``seed``,
        ``optimizer``, ``time_limit``, ``callbacks``, ``progress``; and ``dry_run``.

    Returns
    -------
    Synthesis
        Or, of a dry run, the :class:`nsthelpers.estimates.Estimate`.

    Raises
    ------
    ValueError
        For unknown names and numbers out of range; what loading images raises besides.

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576; coarse to fine: Gatys et al. (2016), arXiv 1611.07865.

    Examples
    --------
    >>> from nsthelpers import VGG
    >>> result = stylize(
    ...     "chelsea", "stained_glass", content_layers="block1_conv1", style_layers="block1_conv1",
    ...     max_side=32, steps=2, network=VGG(weights="random"), progress=False,
    ... )  # fmt: skip
    >>> result.image.shape
    (1, 21, 32, 3)
    """
    if not (style_scale > 0 and math.isfinite(style_scale)):
        raise ValueError(f"style_scale is {style_scale}; expected a positive number")
    photo = open_image(content, max_side=max_side)
    longest = max(photo.shape[1:3])
    paintings = _open_all(style, max_side=round(longest * style_scale))
    # A panorama must not become too low for the network.
    coarsest = max(_COARSEST, smallest_scale(photo.shape[1:3]))
    if isinstance(scales, str):
        if scales != "coarse to fine":
            raise ValueError(f"scales is {scales!r}; expected 'coarse to fine', None or numbers")
        scales = coarse_to_fine(longest, coarsest)
    painted = Style(paintings, style_layers, statistic=statistic, network=network)
    if painted.statistic != Gram() and style_weight:
        painted = _weight_like_gram(painted, photo, min(1.0, coarsest / longest)) * painted
    objective = (
        content_weight * Content(photo, content_layers, network=network)
        + style_weight * painted
        + tv_weight * TotalVariation()
    )
    return _carried_out(objective, start, scales=scales, **run)


def _weight_like_gram(style, photo, scale):
    """The weight with which a statistic pulls at the photograph as Gram matrices do with 1."""

    def small(image):
        size = image.shape[1:3]
        return resize(image, max_side=max(round(scale * max(size)), smallest_scale(size)))

    photo, *paintings = map(small, (photo, *style.images))
    gram, other = (
        Style(paintings, style.style_layers, statistic=each, network=style.network)
        for each in ("gram", style.statistic)
    )
    return balance(gram + other, photo).weights["style_2"]


def _open_all(sources, **size):
    several = sources if isinstance(sources, (list, tuple)) else [sources]
    return [open_image(source, **size) for source in several]


def _carried_out(objective, start, *, dry_run=False, **run):
    if not dry_run:
        return synthesize(objective, start, **run)
    for name in ("seed", "callbacks", "progress"):  # they cost nothing
        run.pop(name, None)
    return estimate(objective, start=start, **run)
