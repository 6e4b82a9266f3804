"""What a study can do at each of its points: the papers' three jobs, with settings as plain data.

A file can hold numbers, texts and lists, so pictures, layers, optimizer and network are named here;
``recipes.py`` has the same jobs for programs.
"""

from __future__ import annotations

import functools

from ..network.vgg import STYLE_LAYERS, VGG, default_network
from ..objectives.terms import Content, Style, TotalVariation
from ..optimizers import LBFGS, SGD, Adam
from ..recipes import open_image
from ..synthesis.loop import synthesize

__all__ = ["reconstruct_content", "reconstruct_style", "stylize"]


def stylize(
    *,
    content,
    style,
    max_side=512,
    content_weight=1.0,
    style_weight=10.0,
    content_layers="block4_conv2",
    content_layer_weights=None,
    style_layers=STYLE_LAYERS,
    style_layer_weights=None,
    reduction="relative",
    start="content",
    **others,
):
    """Paint a picture in the manner of others.

    Parameters
    ----------
    content, style : str or Path
        A sample's name, a file or an address; ``style`` may be a list of them.
    max_side : int, default 512
        Long side of the result, in pixels.
    content_weight, style_weight : float, defaults 1, 10
        α and β.
    content_layers, style_layers : str or list of str
    content_layer_weights, style_layer_weights : list of float, optional
        One for each layer; default equal, sum 1.
    reduction : {"relative", "mean", "gatys"}, default "relative"
        How both losses add up; "gatys" is the papers' formula.
    start : {"content", "recoloured", "style", "noise"}, default "content"
    **others
        ``tv_weight`` (γ, default 0), ``tv_kind``, ``tv_exponent``, ``tv_reduction``; ``steps``,
        ``scales``, ``seed``, ``time_limit``; ``optimizer`` ("lbfgs", "adam" or "sgd"),
        ``learning_rate``, ``momentum``; ``network`` ("vgg19" or "vgg16"), ``weights``,
        ``pooling``, ``normalized``.

    Returns
    -------
    Synthesis

    Examples
    --------
    >>> result = stylize(
    ...     content="chelsea", style="stained_glass", content_layers="conv1_1",
    ...     style_layers=["conv1_1"], max_side=32, steps=2, weights="random",
    ... )  # fmt: skip
    >>> result.image.shape
    (1, 21, 32, 3)
    """
    network, finish = _split(**others)
    photo = open_image(content, max_side=max_side)
    paintings = _open_all(style, max(photo.shape[1:3]))
    parts = content_weight * Content(
        photo,
        content_layers,
        layer_weights=content_layer_weights,
        reduction=reduction,
        network=network,
    ) + style_weight * Style(
        paintings,
        style_layers,
        layer_weights=style_layer_weights,
        reduction=reduction,
        network=network,
    )
    return finish(parts, start)


def reconstruct_content(
    *,
    content,
    max_side=256,
    content_layers="block4_conv2",
    content_layer_weights=None,
    reduction="relative",
    start="noise",
    **others,
):
    """Rebuild a picture from its features; settings as those of :func:`stylize`.

    Examples
    --------
    >>> result = reconstruct_content(
    ...     content="chelsea", content_layers="conv1_1", max_side=32, steps=2, weights="random"
    ... )
    >>> result.history[-1].loss < result.history[0].loss
    True
    """
    network, finish = _split(**others)
    photo = open_image(content, max_side=max_side)
    term = Content(
        photo,
        content_layers,
        layer_weights=content_layer_weights,
        reduction=reduction,
        network=network,
    )
    return finish(1.0 * term, start)


def reconstruct_style(
    *,
    style,
    max_side=256,
    style_layers=STYLE_LAYERS,
    style_layer_weights=None,
    reduction="relative",
    start="noise",
    **others,
):
    """Make a texture in the manner of paintings; settings as those of :func:`stylize`.

    Examples
    --------
    >>> result = reconstruct_style(
    ...     style="mosaic_sunset", style_layers="conv1_1", max_side=32, steps=2, weights="random"
    ... )
    >>> result.history[-1].loss < result.history[0].loss
    True
    """
    network, finish = _split(**others)
    term = Style(
        _open_all(style, max_side),
        style_layers,
        layer_weights=style_layer_weights,
        reduction=reduction,
        network=network,
    )
    return finish(1.0 * term, start)


def _split(
    *,
    tv_weight=0.0,
    tv_kind="l1",
    tv_exponent=1.25,
    tv_reduction="mean",
    steps=200,
    scales=None,
    seed=0,
    time_limit=None,
    optimizer="lbfgs",
    learning_rate=None,
    momentum=None,
    network="vgg19",
    weights="auto",
    pooling="max",
    normalized=False,
):
    """The network that is meant, and a function that runs an objective."""
    chosen = make_optimizer(optimizer, learning_rate, momentum)

    def finish(objective, start):
        smooth = TotalVariation(tv_kind, exponent=tv_exponent, reduction=tv_reduction)
        return synthesize(
            objective + tv_weight * smooth,
            start,
            optimizer=chosen,
            steps=steps,
            scales=scales,
            seed=seed,
            time_limit=time_limit,
            progress=False,
        )

    return _network(network, weights, pooling, normalized), finish


def make_optimizer(name, learning_rate=None, momentum=None):
    """Make an optimizer by its name; ValueError if the other settings do not go with it."""
    known = {"lbfgs": LBFGS, "adam": Adam, "sgd": SGD}
    if name not in known:
        raise ValueError(f"unknown optimizer {name!r}; expected one of {', '.join(known)}")
    if momentum is not None and name != "sgd":
        raise ValueError(f"{name} has no momentum; only sgd has")
    if learning_rate is not None and name == "lbfgs":
        raise ValueError("lbfgs has no learning rate; leave it out or choose adam or sgd")
    if learning_rate is None and name == "sgd":
        raise ValueError("sgd needs a learning_rate: it has no default that fits all")
    given = {"learning_rate": learning_rate, "momentum": momentum}
    return known[name](**{key: value for key, value in given.items() if value is not None})


@functools.cache
def _network(name, weights, pooling, normalized):
    if pooling == "max" and not normalized:
        return default_network(name, weights)
    return VGG(name, weights=weights, pooling=pooling, normalized=normalized)


def _open_all(sources, longest):
    several = sources if isinstance(sources, (list, tuple)) else [sources]
    return [open_image(source, max_side=longest) for source in several]
