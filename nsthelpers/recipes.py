"""The three jobs of the papers in one call each, and the first at the size of a poster.

A recipe turns the settings of a job (``jobs.py`` describes them) into an objective, and the one
loop turns that into an image. Reading this page shows how to build others.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator

from .images.arrays import resize
from .images.colours import luminance, match_colours, match_luminance, with_luminance
from .images.files import load_image, read_settings
from .images.samples import resolve
from .jobs import (
    METHODS,
    Poster,
    ReconstructContent,
    ReconstructStyle,
    Stylize,
    from_data,
    settings_of,
)
from .masks.mask import Mask, as_mask, load as load_mask
from .masks.words import by_words, in_words
from .network.layers import STYLE_LAYERS
from .network.vgg import VGG, default_network
from .objectives.columns import NearestNeighbours, Palette, SelfSimilarity
from .objectives.objective import as_objective
from .objectives.terms import Content, Laplacian, Style, TotalVariation
from .optimizers import LBFGS, SGD, Adam
from .statistics import Gram
from .synthesis.balancing import balance
from .synthesis.estimates import estimate
from .synthesis.loop import synthesize
from .synthesis.starts import STARTS, smallest_scale

__all__ = [
    "coarse_to_fine", "combine_styles", "open_image", "poster", "poster_steps",
    "reconstruct_content", "reconstruct_style", "repeat", "run", "run_described", "stylize",
]  # fmt: skip

_COARSEST = 128  # pixels of the long side
_PALETTE = 0.5  # weight of the colours' distance beside the features'
_STROKES_MADE = 1024  # pixels of the long side from which strokes only become sharper
_POSTER_STEPS = (200, 20, 10)  # up to there, at the next size, and beyond
_OPTIMIZERS = {"lbfgs": LBFGS, "adam": Adam, "sgd": SGD}
_OBJECTIVES = {}  # of each kind of job, the function that builds its objective
_RUNNING = {  # how a job is carried out
    "callbacks": (),
    "progress": True,
    "dry_run": False,
    "checkpoint": None,
    "checkpoint_seconds": 60,
}


def _recipe(kind, **names):
    """Make a recipe of a function that builds an objective from a job and a network.

    Its signature and the list of its settings come from the description of the job; ``names`` are
    those of its first arguments, and the settings that they mean.
    """

    def decorate(build):
        _OBJECTIVES[kind] = build
        settings = settings_of(kind)
        shown = names | {name: name for name in settings if name not in names.values()}
        defaults = {name: settings[setting].default for name, setting in shown.items()}
        signature = inspect.Signature(
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD
                if name in names
                else inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if default is dataclasses.MISSING else default,
            )
            for name, default in (defaults | _RUNNING).items()
        )

        @functools.wraps(build)
        def recipe(*arguments, **options):
            given = signature.bind(*arguments, **options).arguments
            running = {name: given.pop(name) for name in _RUNNING if name in given}
            job = kind(**{names.get(name, name): value for name, value in given.items()})
            return run(job, **running)

        recipe.__signature__ = signature
        text = inspect.cleandoc(build.__doc__)  # as Python 3.13 has it already
        text = text.replace("{outcome}", _OUTCOME)
        recipe.__doc__ = text.replace("{settings}", _listed(shown, settings))
        return recipe

    return decorate


#: What every recipe gives back, and what can go wrong.
_OUTCOME = """\
Returns
-------
Synthesis
    Or, of a dry run, the :class:`nsthelpers.synthesis.Estimate`.

Raises
------
ValueError
    For settings that make no sense, and pictures that are none or too small.
TypeError
    For a setting that it does not have.
OSError
    If a picture is not there (FileNotFoundError), or no weights can be had."""


def _listed(shown, settings):
    """The settings of a job, as a docstring lists them."""
    lines = []
    for name, setting in shown.items():
        field = settings[setting]
        default = "" if field.default is dataclasses.MISSING else f", default {field.default!r}"
        lines += [f"{name} : {field.metadata['kind'].expected}{default}"]
        lines += [f"    {field.metadata['help']}."]
    return "\n".join(lines)


@_recipe(Stylize, content="content", style="style")
def stylize(job, network):
    """Paint ``content`` in the manner of ``style``.

    Parameters
    ----------
    {settings}
    callbacks, progress, checkpoint, checkpoint_seconds
        As in :func:`nsthelpers.synthesize`.
    dry_run : bool, default False
        Only say what the run would take.

    {outcome}

    Notes
    -----
    Both losses are measured relative to their targets, so the same weights serve for all pictures
    and sizes. ``style_weight`` is the weight of Gram matrices; any other statistic gets the weight
    with which it pulls as hard at the photograph (:func:`nsthelpers.balance`, at 128 px, so that it
    is the same for every size).

    ``method`` chooses what content and style are taken to be, and with that the other settings that
    go with it, unless they are given:

    ==================== ======================================= ==================================
    method               content                                 style
    ==================== ======================================= ==================================
    "gatys"              features (:class:`nsthelpers.Content`)  Gram matrices, or ``statistic``
    "sliced_wasserstein" the same                                all of the distribution, along
                                                                 directions
    "strotss"            which places look alike                 columns of all layers that can be
                         (``nst.objectives.SelfSimilarity``)     carried over to the painting's;
                                                                 its colours
    "nearest_neighbours" the painting's columns that are like    features that each layer of the
                         the photograph's                        painting has
                         (``nst.objectives.NearestNeighbours``)
    ==================== ======================================= ==================================

    With the last two, weights are those of losses as they are, of which "relative" and cosines have
    no unit. They work on whole pictures only: neither ``tiles`` nor ``regions``. Weights, steps and
    optimizers are not the papers' (STROTSS has RMSprop): they were chosen by looking at pictures of
    128 and 160 pixels, and how they do at larger sizes has not been seen. Cosines do not hold how
    strong a colour is, so after the last step the colours of a picture of "nearest_neighbours" are
    matched to the painting's (:func:`nsthelpers.match_colours`); its losses are those before that.
    One version of its authors' program ends with a step of that kind (``utils/colorization.py``,
    with the hues of the photograph's pixels; here they are the picture's own).

    The photograph's colours can be kept in two ways. ``colours="photograph"`` matches the
    paintings' to them before the transfer (:func:`nsthelpers.match_colours`): patterns of the
    painting's colours stay, in new ones. ``"luminance"`` paints in black and white, and the
    photograph's hues are put back in the end (:func:`nsthelpers.images.with_luminance`; on the way
    pictures are grey). Both start from the photograph as it is instead of "recoloured".

    Each region has a weight of ``style_weight`` times its share of the picture, so that every place
    is painted as strongly as without regions; masks come from :mod:`nsthelpers.masks`, from files,
    or in words, such as ``"half(top)=swirling_night"`` (:func:`nsthelpers.masks.by_words`).

    ``line_weight`` is that of :class:`nsthelpers.Laplacian`, which keeps outlines that the style
    would bend (Li et al. 2017).

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576; colours, regions, coarse to fine: Gatys et al. (2016),
    "Controlling Perceptual Factors in Neural Style Transfer", arXiv 1611.07865. The other methods:
    Heitz et al. (2021), arXiv 2006.07229; Kolkin et al. (2019), arXiv 1904.12785; Kolkin et al.
    (2022), arXiv 2203.13215.

    Examples
    --------
    >>> result = stylize(
    ...     "chelsea", "stained_glass", content_layers="block1_conv1", style_layers="block1_conv1",
    ...     max_side=32, steps=2, network=VGG(weights="random"), progress=False,
    ... )  # fmt: skip
    >>> result.image.shape
    (1, 21, 32, 3)
    """
    photo = open_image(job.content, max_side=job.max_side)
    side = _painting_side(job, photo)
    shown = luminance(photo) if job.colours == "luminance" else photo

    def style(sources, region=None, **options):
        # A region's painting takes on the colours of that part of the photograph.
        palette = photo if region is None else region.pixels(photo)
        paintings = _open_all(sources, max_side=side)
        if isinstance(job, Poster):
            paintings = [_enlarged(each, side) for each in paintings]
        paintings = [_in_colours_of(palette, each, job) for each in paintings]
        term = _style(job, paintings, network, region=region, **options)
        if METHODS[job.method].columns:
            # The other terms know no weights of paintings: one of weight 0 is left out of all.
            weighted = zip(term.images, term.image_weights, strict=True)
            kept = [painting for painting, weight in weighted if weight]
            term = _style(job, kept, network, region=region, image_weights=None)
            return term + _PALETTE * Palette(kept) if job.method == "strotss" else term
        if term.statistic != Gram() and job.style_weight:
            return _weight_like_gram(term, shown) * term
        return term

    styles = as_objective(_in_regions(style, job, photo.shape[1:3]))
    content = _CONTENTS[job.method](job, shown, network, styles.parts[0][1].images)
    objective = job.content_weight * content + job.style_weight * styles + _smoothness(job)
    return objective + job.line_weight * Laplacian(shown) if job.line_weight else objective


@_recipe(Poster, content="content", style="style")
def poster(job, network):
    """Paint ``content`` in the manner of ``style`` at the size of a poster, in little memory.

    What :func:`stylize` does with other defaults: strokes are made up to about 1024 pixels, in as
    many steps, and a few steps more at each larger size make them sharp.

    Parameters
    ----------
    {settings}
    callbacks, progress, dry_run, checkpoint, checkpoint_seconds
        As in :func:`stylize`. Such a run takes hours: give it a ``checkpoint``.

    {outcome}

    Notes
    -----
    A photograph and a painting with fewer pixels than the poster are enlarged. Strokes then have
    the same size beside the picture as from a larger painting, but how they look from near is not
    in it: eight times enlarged, they are smooth. A painting of half the poster's pixels, or a
    smaller ``stroke_size``, gives strokes that bear to be looked at. ``scales="none"`` is refused.

    Where memory is short, the large sizes are evaluated in tiles, and L-BFGS keeps less of a
    history: see ``tiles`` of :func:`nsthelpers.synthesize`. Memory still grows with the picture,
    by the image, its gradient and that history: 12 GB at 4096 x 2733 with all of it.

    Examples
    --------
    >>> result = poster(
    ...     "chelsea", "stained_glass", content_layers="block1_conv1", style_layers="block1_conv1",
    ...     max_side=64, scales=[32, 64], steps=[2, 1], network=VGG(weights="random"),
    ...     progress=False,
    ... )  # fmt: skip
    >>> result.image.shape
    (1, 43, 64, 3)
    """
    return _OBJECTIVES[Stylize](job, network)


def poster_steps(sides) -> list[int]:
    """How many steps a poster takes at each of some sizes.

    Parameters
    ----------
    sides : sequence of int
        Long sides in pixels, rising.

    Returns
    -------
    list of int

    Examples
    --------
    >>> poster_steps([128, 256, 512, 1024, 2048, 4096, 8192])
    [200, 200, 200, 200, 20, 10, 10]
    """
    full, next_one, beyond = _POSTER_STEPS
    made = max(1, sum(side <= _STROKES_MADE for side in sides))
    return ([full] * made + [next_one] + [beyond] * len(sides))[: len(sides)]


def _enlarged(picture, side):
    """A picture with a long side of at least so many pixels."""
    height, width = picture.shape[1:3]
    factor = side / max(height, width)
    if factor <= 1:
        return picture
    return resize(picture, size=(round(height * factor), round(width * factor)))


def _in_colours_of(palette, painting, job):
    """A painting as the setting of colours wants it."""
    if job.colours == "painting":
        return painting
    return (match_colours if job.colours == "photograph" else match_luminance)(painting, palette)


def _in_regions(style, job, size):
    """The style of the whole picture, or the sum of those of its regions and of the rest."""
    if not job.regions:
        return style(job.style)
    chosen = [(Mask(as_mask(mask).at(*size)), painting) for mask, painting in job.regions]
    rest = ~functools.reduce(operator.or_, (mask for mask, _ in chosen))
    terms = [mask.share * style([painting], mask, image_weights=None) for mask, painting in chosen]
    return sum(([rest.share * style(job.style, rest)] if rest.array.any() else []) + terms)


@_recipe(ReconstructContent, image="content", layer="content_layers")
def reconstruct_content(job, network):
    """Find an image with the same features as ``image`` in one layer: what does the layer know?

    Parameters
    ----------
    {settings}
    callbacks, progress, dry_run, checkpoint, checkpoint_seconds
        As in :func:`stylize`.

    {outcome}

    References
    ----------
    Mahendran & Vedaldi (2015), arXiv 1412.0035; Gatys et al. (2015), arXiv 1508.06576, figure 1.

    Examples
    --------
    >>> network = VGG(weights="random")
    >>> result = reconstruct_content(
    ...     "chelsea", "block1_conv1", max_side=32, steps=2, network=network, progress=False
    ... )
    >>> result.history[-1].loss < result.history[0].loss
    True
    """
    picture = open_image(job.content, max_side=job.max_side)
    return _content(job, picture, network) + _smoothness(job)


@_recipe(ReconstructStyle, images="style", layers="style_layers")
def reconstruct_style(job, network):
    """Find an image with the Gram matrices of ``images``: a texture in their manner.

    Parameters
    ----------
    {settings}
    callbacks, progress, dry_run, checkpoint, checkpoint_seconds
        As in :func:`stylize`.

    {outcome}

    References
    ----------
    Gatys, Ecker & Bethge (2015), "Texture Synthesis Using Convolutional Neural Networks",
    arXiv 1505.07376.

    Examples
    --------
    >>> network = VGG(weights="random")
    >>> result = reconstruct_style(
    ...     "stained_glass", "block1_conv1", max_side=32, steps=2, network=network, progress=False
    ... )
    >>> result.history[-1].loss < result.history[0].loss
    True
    """
    paintings = _open_all(job.style, max_side=job.max_side)
    return _style(job, paintings, network) + _smoothness(job)


def run(job, *, callbacks=(), progress=True, dry_run=False, checkpoint=None, checkpoint_seconds=60):
    """Carry out a job.

    Parameters
    ----------
    job : Job
        Such as :class:`nsthelpers.jobs.Stylize`.
    callbacks, progress, checkpoint, checkpoint_seconds
        As in :func:`nsthelpers.synthesize`.
    dry_run : bool, default False
        Only say what the run would take.

    Returns
    -------
    Synthesis
        Whose settings hold the job, so that :func:`nsthelpers.jobs.from_data` makes it again. Of a
        dry run the :class:`nsthelpers.synthesis.Estimate`.

    Raises
    ------
    ValueError
        For pictures that are none or too small, sizes that do not fit them, or a checkpoint of
        another run.
    OSError
        If a picture is not there (FileNotFoundError), no weights can be had, or the checkpoint
        cannot be written.
    MemoryError, Exception
        As of :func:`nsthelpers.synthesize`: what a callback raises has the attribute ``synthesis``.

    Examples
    --------
    >>> job = ReconstructStyle(style="mosaic_sunset", style_layers="conv1_1", max_side=32, steps=2,
    ...                        weights="random")  # fmt: skip
    >>> result = run(job, progress=False)
    >>> again = run(from_data(result.settings["job"]), progress=False)
    >>> bool((again.image == result.image).all())
    True
    """
    job, described = _opened(job), job.as_data()
    objective = _OBJECTIVES[type(job)](job, _network_of(job))
    size = objective.parts[0][1].image.shape[1:3]
    scales = _scales_of(job, size)
    options = {
        "start": _start_of(job),
        "optimizer": _optimizer_of(job),
        "image_as": job.image_as,
        "steps": poster_steps([scales] if isinstance(scales, int) else scales)
        if job.steps is None
        else job.steps,
        "scales": scales,
        "precision": job.precision,
        "time_limit": job.time_limit,
        "tiles": None if job.tiles == "none" else job.tiles,
    }
    if dry_run:
        return estimate(objective, **options)
    try:
        result = synthesize(
            objective,
            **options,
            seed=job.seed,
            callbacks=callbacks,
            progress=progress,
            checkpoint=checkpoint,
            checkpoint_seconds=checkpoint_seconds,
        )
    except Exception as error:
        if hasattr(error, "synthesis"):
            _finish(error.synthesis, job, described)
        raise
    _finish(result, job, described)
    return result


def combine_styles(
    fine,
    coarse,
    layers=STYLE_LAYERS[:2],
    *,
    max_side=512,
    steps=200,
    weights="auto",
    network=None,
    callbacks=(),
    progress=True,
    checkpoint=None,
    checkpoint_seconds=60,
):
    """A new painting: the fine strokes of one on the coarse forms of another.

    Parameters
    ----------
    fine, coarse : str, path, bytes, PIL image or array
        Paintings, as :func:`nsthelpers.recipes.open_image` takes them. The result has the size of
        ``coarse``; ``fine`` gets the same long side.
    layers : sequence of str, default the first two style layers
        What counts as fine: in these layers the result has the Gram matrices of ``fine``. Deeper
        ones take larger forms from it as well.
    max_side : int, default 512
        Long side in pixels; nothing grows.
    steps, callbacks, progress, checkpoint, checkpoint_seconds
        As in :func:`nsthelpers.synthesize`.
    weights : str or path, default "auto"
        Of the network, where none is given.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Returns
    -------
    Synthesis
        Its ``image`` is a style for :func:`stylize`.

    Raises
    ------
    ValueError
        As :class:`nsthelpers.Style` does, and what loading images raises.

    Notes
    -----
    It starts from the coarse painting and has no content loss: shallow layers see too little to
    change its forms. Both paintings' colours are those of ``fine``, which shallow layers know well;
    :func:`nsthelpers.match_colours` beforehand makes them others.

    References
    ----------
    Gatys et al. (2016), arXiv 1611.07865, section 6.

    Examples
    --------
    >>> result = combine_styles(
    ...     "ink_hatching", "swirling_night", ["conv1_1"], max_side=32, steps=2, weights="random",
    ...     progress=False,
    ... )  # fmt: skip
    >>> max(result.image.shape)
    32
    """
    coarse = open_image(coarse, max_side=max_side)
    fine = open_image(fine, max_side=max(coarse.shape[1:3]))
    style = Style(fine, layers, network=network or default_network(weights=weights))
    return synthesize(
        style,
        coarse,
        steps=steps,
        callbacks=callbacks,
        progress=progress,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
    )


def _start_of(job):
    """What the run starts from: one that keeps its colours is not recoloured."""
    kept = getattr(job, "colours", "painting") != "painting"
    recoloured = isinstance(job.start, str) and job.start == "recoloured"
    return "content" if kept and recoloured else job.start


def _finish(result, job, described):
    """What is to be done to a result after the loop."""
    colours = getattr(job, "colours", None)
    if colours == "luminance":
        result.image = with_luminance(job.content, result.image)
    elif getattr(job, "method", "gatys") == "nearest_neighbours":
        # Angles say nothing of strength: without this its pictures are paler than the painting.
        palette = (job.content,) if colours == "photograph" else (job.style, job.image_weights)
        result.image = match_colours(result.image, *palette)
    result.settings["job"] = described


def repeat(
    path,
    *,
    callbacks=(),
    progress=True,
    dry_run=False,
    checkpoint=None,
    checkpoint_seconds=60,
    **others,
):
    """Make a saved picture again, from the settings inside it.

    Parameters
    ----------
    path : str or Path
        A picture that came out of a recipe or the command line.
    callbacks, progress, dry_run, checkpoint, checkpoint_seconds
        As for :func:`run`.
    **others
        Settings to replace, such as ``max_side``; and whatever was an array or an object then.

    Returns
    -------
    Synthesis

    Raises
    ------
    ValueError
        If the picture holds no job, or a setting makes no sense.
    OSError
        If the file is not there (FileNotFoundError), and as of :func:`run`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "texture.png"
    >>> options = {"max_side": 32, "steps": 2, "weights": "random", "progress": False}
    >>> _ = reconstruct_style("mosaic_sunset", "conv1_1", **options).save(path)
    >>> repeat(path, max_side=48, progress=False).image.shape[2]
    48
    """
    settings = read_settings(path)
    if "job" not in settings:
        raise ValueError(
            f"{path} was not made by a recipe, so its settings name no job; expected a picture "
            "that nst.stylize, another recipe or the command line has saved"
        )
    job = from_data(settings["job"], **others)
    return run(
        job,
        callbacks=callbacks,
        progress=progress,
        dry_run=dry_run,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
    )


def run_described(job, **settings):
    """Carry out a job by its name, without a progress bar: what a sweep of a study does.

    Parameters
    ----------
    job : str
        A key of :data:`nsthelpers.jobs.JOBS`.
    **settings
        Of that job; those that are left out have their defaults.

    Returns
    -------
    Synthesis

    Raises
    ------
    ValueError
        For an unknown job or setting, and as of :func:`run`.
    TypeError
        If a picture that the job needs is left out.
    OSError, MemoryError
        As of :func:`run`.

    Examples
    --------
    >>> settings = {"style_layers": "conv1_1", "max_side": 32, "steps": 2, "weights": "random"}
    >>> run_described("reconstruct_style", style="mosaic_sunset", **settings).stop_reason
    'steps'
    """
    return run(from_data({"job": job, **settings}), progress=False)


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

    Raises
    ------
    FileNotFoundError
        For a text that is neither a sample, nor a file, nor an address.
    ValueError, TypeError, OSError
        As of :func:`nsthelpers.load_image`.

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


def _content(job, picture, network, paintings=None):
    return Content(
        picture,
        job.content_layers,
        layer_weights=job.content_layer_weights,
        reduction=job.reduction,
        network=network,
    )


def _likeness(job, picture, network, paintings):
    return SelfSimilarity(picture, job.content_layers, network=network)


def _neighbours(job, picture, network, paintings):
    return NearestNeighbours(picture, paintings, job.content_layers, network=network)


_CONTENTS = {  # of each method, what it takes content to be
    "gatys": _content,
    "sliced_wasserstein": _content,
    "strotss": _likeness,
    "nearest_neighbours": _neighbours,
}


def _style(job, paintings, network, **options):
    options = {"image_weights": job.image_weights, **options}
    return Style(
        paintings,
        job.style_layers,
        layer_weights=job.style_layer_weights,
        statistic=job.statistic,
        reduction=job.reduction,
        network=network,
        **options,
    )


def _smoothness(job):
    kind = TotalVariation(job.tv_kind, exponent=job.tv_exponent, reduction=job.tv_reduction)
    return job.tv_weight * kind


def _weight_like_gram(style, photo):
    """The weight with which a statistic pulls at the photograph as Gram matrices do with 1."""

    scale = min(1.0, _coarsest(photo.shape[1:3]) / max(photo.shape[1:3]))

    def small(image):
        size = image.shape[1:3]
        return resize(image, max_side=max(round(scale * max(size)), smallest_scale(size)))

    photo, *paintings = map(small, (photo, *style.images))
    gram, other = (
        Style(
            paintings,
            style.style_layers,
            layer_weights=style.layer_weights,
            image_weights=style.image_weights,
            statistic=each,
            reduction=style.reduction,
            network=style.network,
        )
        for each in ("gram", style.statistic)
    )
    return balance(gram + other, photo).weights["style_2"]


def _coarsest(size, first=None):
    """The first long side from coarse to fine: a panorama must not become too low."""
    return max(first or _COARSEST, smallest_scale(size))


def _painting_side(job, photo=None):
    """The most pixels of a long side that a job asks of its paintings."""
    if photo is None:
        return job.max_side
    return round(max(photo.shape[1:3]) * job.stroke_size)


def _opened(job):
    """The same job with its pictures read, before a network is loaded.

    Whether all are there is asked first: one may be a download. They are no larger than they are
    needed: a photograph of 100 megapixels takes 1.2 GB.
    """
    job.check_pictures()
    opened, photo = {}, None
    if getattr(job, "content", None) is not None:
        photo = opened["content"] = _sized(job, job.content)
    if getattr(job, "style", None) is not None:
        side = _painting_side(job, photo)
        several = isinstance(job.style, (list, tuple))
        read = _open_all(job.style, max_side=side)
        opened["style"] = read if several else read[0]
    if getattr(job, "regions", None):
        opened["regions"] = [
            (_opened_mask(mask, opened["content"]), open_image(painting, max_side=side))
            for mask, painting in job.regions
        ]
    named = isinstance(job.start, str)
    if job.start not in STARTS if named else isinstance(job, Poster):
        opened["start"] = _sized(job, job.start)
    return dataclasses.replace(job, **opened)


def _sized(job, picture):
    """A picture of the size that a job asks for; only for a poster does it grow."""
    picture = open_image(picture, max_side=job.max_side)
    return _enlarged(picture, job.max_side) if isinstance(job, Poster) else picture


def _opened_mask(source, photo):
    if in_words(source):
        return by_words(photo, source)
    return source if isinstance(source, Mask) else load_mask(source)


def _open_all(sources, **size):
    several = sources if isinstance(sources, (list, tuple)) else [sources]
    return [open_image(source, **size) for source in several]


def _optimizer_of(job):
    if not isinstance(job.optimizer, str):
        return job.optimizer
    given = {"learning_rate": job.learning_rate, "momentum": job.momentum}
    return _OPTIMIZERS[job.optimizer](**{n: v for n, v in given.items() if v is not None})


def _scales_of(job, size):
    if job.scales == "coarse to fine":
        first = METHODS[getattr(job, "method", "gatys")].coarsest
        return coarse_to_fine(max(size), _coarsest(size, first))
    return None if job.scales == "none" else job.scales


def _network_of(job):
    if not isinstance(job.network, str):
        return job.network
    if (job.pooling, job.padding, job.normalized) == ("max", "zero", False):
        return default_network(job.network, job.weights)
    options = {"weights": job.weights, "pooling": job.pooling, "padding": job.padding}
    if isinstance(job.normalized, bool):
        return _special_network(job.network, normalized=job.normalized, **options)
    return VGG(job.network, normalized=job.normalized, **options)


@functools.lru_cache(maxsize=2)  # a study asks for the same one at every point
def _special_network(name, **options):
    return VGG(name, **options)
