"""What can be made, described once: each setting with its default, its limits and a line of help.

The recipes, the command line, the study files, the panels and the settings inside saved pictures
are all made from these descriptions. Nothing here starts TensorFlow.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from dataclasses import MISSING, dataclass
from pathlib import Path

from . import choices
from .arguments import check_choice, did_you_mean
from .kinds import (
    LAYERS,
    PICTURE,
    PICTURES,
    REGIONS,
    SCALES,
    SHARES,
    STATISTIC,
    TILES,
    WEIGHT,
    Kind,
    choice,
    number,
    one_or_more,
    whole,
)
from .network.layers import (
    COLUMN_LAYERS,
    CONVOLUTIONS,
    STYLE_LAYERS,
    layer_name,
    layer_names,
)

__all__ = [
    "JOBS", "METHODS", "Job", "Method", "Poster", "ReconstructContent", "ReconstructStyle",
    "Stylize", "from_data", "settings_of",
]  # fmt: skip

_PICTURE_WORDS = {
    "content": "a picture",
    "style": "a picture",
    "regions": "a mask and a picture",
    "start": f"{', '.join(choices.STARTS)} or a picture",
}

_NONE = {
    "scales": "none",
    "tiles": "none",
    "network": "vgg19",
    "optimizer": "lbfgs",
}  # as programs say it


def _setting(default, kind, help, option=None):
    """A field of a job: its default (MISSING where it must be given), kind, one line of help.

    ``option`` is its name on the command line, where that is another.
    """
    description = {"kind": kind, "help": help, "option": option}
    return dataclasses.field(default=default, metadata=description)


def _redefined(name, default):
    """A setting that all jobs have, with a default of its own."""
    return dataclasses.field(default=default, metadata=Job.__dataclass_fields__[name].metadata)


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """The settings that all jobs share; a class for each job adds its own.

    Values are plain data, as files and the command line can hold them, or the objects that programs
    pass: arrays, a VGG, an optimizer, a statistic. All are checked when a job is made.

    Raises
    ------
    ValueError
        For a setting that makes no sense, alone or beside the others.
    TypeError
        For a setting that the job does not have.

    Examples
    --------
    >>> job = Stylize(content="chelsea", style="swirling_night", style_weight=30)
    >>> job.style_weight, job.start
    (30.0, 'recoloured')
    >>> Stylize(content="chelsea", style="swirling_night", style_weight=-1)
    Traceback (most recent call last):
    ValueError: style_weight is -1; expected a finite number of at least 0
    """

    max_side: int = _setting(
        512, whole(1, slider=(64, 1024)), "long side of the result in pixels; it never grows"
    )
    start: object = _setting(
        "noise",
        Kind(_PICTURE_WORDS["start"], PICTURE.checked, choices=choices.STARTS),
        "what to start from: content, recoloured (the content in the painting's colours), style, "
        "noise or a picture",
    )
    scales: object = _setting(
        "none",
        SCALES,
        "long sides to work through, rising; 'coarse to fine' doubles from 128 pixels",
    )
    steps: object = _setting(
        200, one_or_more(whole(1, slider=(1, 500)), "size"), "steps at each size"
    )
    seed: int = _setting(0, whole(0), "of the noise")
    tv_weight: float = _setting(0.0, WEIGHT, "γ, weight of total variation, which smooths")
    tv_kind: str = _setting("l1", choice(*choices.TV_KINDS), "kind of total variation")
    tv_exponent: float = _setting(1.25, number(least=0.5), "of the kind 'exponent'")
    tv_reduction: str = _setting("mean", choice(*choices.TV_REDUCTIONS), "how it adds up")
    reduction: str = _setting(
        "relative", choice(*choices.REDUCTIONS), "how content and style losses add up"
    )
    optimizer: object = _setting(
        "lbfgs",
        choice(*choices.OPTIMIZERS, or_object="an optimizer", method="start"),
        "way downhill",
    )
    image_as: object = _setting(
        "pixels",
        choice(*choices.PARAMETRISATIONS, or_object="a Parametrisation", method="parameters"),
        "how the image is written down while it is optimised",
    )
    learning_rate: object = _setting(None, number(above=0), "of adam and sgd")
    momentum: object = _setting(None, number(least=0), "of sgd")
    precision: str = _setting(
        "auto", choice("auto", *choices.PRECISIONS), "number format inside the network"
    )
    time_limit: object = _setting(None, number(above=0), "seconds after which to stop")
    tiles: object = _setting(
        "auto", TILES, "evaluate in tiles of so many pixels a side, which takes little memory"
    )
    network: object = _setting(
        "vgg19", choice(*choices.NETWORKS, or_object="a VGG", method="features"), "the network"
    )
    weights: object = _setting(
        "auto", Kind("a source of weights", choices=choices.WEIGHTS),
        "auto, imagenet, pypi, random, or an .h5 or .npz file",
    )  # fmt: skip
    pooling: str = _setting("max", choice(*choices.POOLINGS), "the network's pooling")
    padding: str = _setting(
        "zero", choice(*choices.PADDINGS), "what the network sees beyond the border"
    )
    normalized: object = _setting(
        False,
        Kind("true, false or images", lambda value: None if isinstance(value, str) else value),
        "rescale the network so that each filter's mean activation is 1",
    )

    def __post_init__(self):
        for each in dataclasses.fields(self):
            value, kind = getattr(self, each.name), each.metadata["kind"]
            if value is None and each.name in _NONE:
                value = _NONE[each.name]
            if value is None and each.default is None:
                continue
            checked = None if value is None else kind.checked(value)
            if checked is None:
                expected = f"expected {kind.expected}"
                if kind.choices and isinstance(value, str):
                    expected = did_you_mean(value, kind.choices, expected)
                raise ValueError(f"{each.name} is {_shown(value)}; {expected}")
            object.__setattr__(self, each.name, checked)
        self._check_start()
        self._check_network()
        self._check_optimizer()

    def _check_start(self):
        """A start that is made of pictures needs a job that has them."""

        def missing(start):
            return [name for name in choices.STARTS_FROM.get(start, ()) if not hasattr(self, name)]

        if isinstance(self.start, str) and missing(self.start):
            possible = ", ".join(repr(start) for start in choices.STARTS_FROM if not missing(start))
            raise ValueError(
                f"start is {self.start!r}, but {_name_of(type(self))} has no "
                f"{missing(self.start)[0]}; expected {possible} or a picture"
            )

    def _check_network(self):
        made = not isinstance(self.network, str)
        for name in ("weights", "pooling", "padding", "normalized") if made else ():
            if getattr(self, name) not in (None, Job.__dataclass_fields__[name].default):
                raise ValueError(
                    f"{name} is {_shown(getattr(self, name))}, but the network is made already; "
                    f"give {name} to it, or name the network: 'vgg19' or 'vgg16'"
                )
        known = self.network.name if made else self.network
        for each in dataclasses.fields(self):
            if each.metadata["kind"] is LAYERS:
                value = getattr(self, each.name)
                for layer in [value] if isinstance(value, str) else value:
                    layer_name(layer, known)

    def _check_optimizer(self):
        name, rate, momentum = self.optimizer, self.learning_rate, self.momentum
        if not isinstance(name, str) and not rate is momentum is None:
            raise ValueError(
                f"{name!r} has settings of its own; give learning_rate and momentum to it"
            )
        if momentum is not None and name != "sgd":
            raise ValueError(f"{name} has no momentum; leave it out, or take sgd")
        if rate is not None and name == "lbfgs":
            raise ValueError("lbfgs has no learning rate; leave it out, or take adam or sgd")
        if rate is None and name == "sgd":
            raise ValueError("sgd needs a learning_rate: it has no default that fits all")

    def check_pictures(self):
        """Find out whether the pictures are there, without reading or downloading them.

        Raises
        ------
        OSError
            If one is neither a sample, nor a file, nor an address.
        """
        from .images import samples
        from .masks.words import check_words, in_words

        for mask, _ in getattr(self, "regions", None) or ():
            if in_words(mask):
                check_words(mask)
        for name, each in self.pictures():
            known = isinstance(each, str) and each in samples.names()
            if known and samples.credits(each)[0].kind == "download":
                continue
            try:
                samples.resolve(each)
            except FileNotFoundError as error:
                raise FileNotFoundError(
                    f"{name} is {each!r}; expected {_PICTURE_WORDS[name]}, but {error}"
                ) from None

    def pictures(self):
        """All pictures that it reads: pairs of the setting and the picture as it was given.

        Examples
        --------
        >>> list(ReconstructStyle(style="mosaic_sunset", start="noise").pictures())
        [('style', 'mosaic_sunset')]
        """
        from .masks.words import in_words

        for name in ("content", "style"):
            value = getattr(self, name, None)
            for each in value if isinstance(value, (list, tuple)) else [value]:
                if each is not None:
                    yield name, each
        for pair in getattr(self, "regions", None) or ():
            yield from (("regions", each) for each in pair if not in_words(each))
        if not (isinstance(self.start, str) and self.start in choices.STARTS):
            yield "start", self.start

    def as_data(self) -> dict:
        """All settings as plain data, for files and reports.

        Returns
        -------
        dict
            With the name of the ``job``. An array is described by its shape and a digest, an object
            by its own settings; :func:`from_data` asks for these again.

        Examples
        --------
        >>> data = ReconstructStyle(style="mosaic_sunset", steps=10).as_data()
        >>> data["job"], data["steps"], from_data(data).as_data() == data
        ('reconstruct_style', 10, True)
        """
        values = {each.name: _plain(getattr(self, each.name)) for each in dataclasses.fields(self)}
        return {"job": _name_of(type(self)), **values}


@dataclass(frozen=True)
class Method:
    """A way to paint: what it sets where nothing else is said.

    Attributes
    ----------
    settings : dict
        Other defaults than those of :class:`Stylize`, which are the ones of "gatys".
    columns : bool
        Whether content is looked at in all layers at once, place by place.
    coarsest : int or None
        The first long side from coarse to fine, in pixels; None: the recipes' own.
    """

    settings: dict = dataclasses.field(default_factory=dict)
    columns: bool = False
    coarsest: int | None = None

    def filled(self, given) -> dict:
        """Settings, with those of the method where nothing is given."""
        given = {name: value for name, value in given.items() if (name, value) != _NO_CHOICE}
        usual, network = dict(self.settings), given.get("network")
        if not (network is None or isinstance(network, str)):
            network = getattr(network, "name", None)  # it pools and pads in its own way
            usual = {name: usual[name] for name in usual if name not in ("pooling", "padding")}
        if given.get("optimizer", usual.get("optimizer")) != usual.get("optimizer"):
            usual.pop("learning_rate", None)
        if network == "vgg16" and "style_layers" in usual:
            there = layer_names("vgg16")
            usual["style_layers"] = tuple(each for each in usual["style_layers"] if each in there)
        return usual | given


_NO_CHOICE = ("optimizer", None)

# Cosines say nothing of strength: L-BFGS makes coloured specks of that, which small steps do not.
_OF_COLUMNS = {
    "content_layers": COLUMN_LAYERS,
    "style_layers": COLUMN_LAYERS,
    "style_weight": 1.0,
    "tv_weight": 0.0,
    "optimizer": "adam",
    "learning_rate": 0.002,
    "image_as": "laplacian",
    "steps": 100,
}

#: The methods by name. Weights and steps are not the papers': they were chosen by looking at small
#: pictures, of 128 and 160 pixels.
METHODS = {
    "gatys": Method(),
    "sliced_wasserstein": Method(
        {
            "statistic": "sliced wasserstein",
            "style_layers": tuple(layer for layer in CONVOLUTIONS if layer < "block5"),
            "pooling": "avg",
            "padding": "reflect",
        }
    ),
    "strotss": Method(
        {"statistic": "relaxed emd", "content_weight": 2.0, **_OF_COLUMNS},
        columns=True,
        coarsest=64,
    ),
    "nearest_neighbours": Method(
        {"statistic": "nearest", "content_weight": 1.0, **_OF_COLUMNS},
        columns=True,
        coarsest=64,
    ),
}


def _filled_by_its_method(kind):
    """Let a job know what its method sets."""
    made = kind.__init__

    @functools.wraps(made)
    def __init__(self, **settings):
        method = settings.get("method", "gatys")
        known = isinstance(method, str) and method in METHODS  # else the check will say so
        made(self, **METHODS[method if known else "gatys"].filled(settings))

    kind.__init__ = __init__
    return kind


@_filled_by_its_method
@dataclass(frozen=True, kw_only=True, eq=False)
class Stylize(Job):
    """The settings of :func:`nsthelpers.stylize`: paint a picture in the manner of others."""

    content: object = _setting(MISSING, PICTURE, "the picture to paint")
    style: object = _setting(MISSING, PICTURES, "the painting, or several")
    method: str = _setting(
        "gatys",
        choice(*choices.METHODS),
        "what content and style are taken to be; what is not said is then set to go with it",
    )
    content_weight: float = _setting(1.0, WEIGHT, "α, weight of the content loss")
    style_weight: float = _setting(10.0, WEIGHT, "β, weight of the style loss; 1 to 100 is usual")
    content_layers: object = _setting("block4_conv2", LAYERS, "where content is compared")
    content_layer_weights: object = _setting(None, SHARES, "of each content layer; else equal")
    style_layers: object = _setting(STYLE_LAYERS, LAYERS, "where style is compared")
    style_layer_weights: object = _setting(None, SHARES, "of each style layer; else equal")
    image_weights: object = _setting(None, SHARES, "of each painting; else equal")
    statistic: object = _setting("gram", STATISTIC, "what of the features counts as style")
    stroke_size: float = _setting(
        1.0,
        number(above=0, slider=(0.25, 2.0)),
        "the painting's long side beside the result's; less: finer strokes",
    )
    colours: str = _setting(
        "painting",
        choice(*choices.COLOURS),
        "whose the result has: the painting's, the photograph's (the painting takes them on "
        "beforehand), or the photograph's exactly (only luminance is painted)",
    )
    line_weight: float = _setting(
        0.0,
        WEIGHT,
        "weight of a term that keeps the photograph's lines; 3 brings bent outlines back",
    )
    regions: object = _setting(
        None,
        REGIONS,
        "parts of the picture with paintings of their own: where the mask is white; the rest is "
        "the style's",
        "region",
    )
    start: object = _redefined("start", "recoloured")
    scales: object = _redefined("scales", "coarse to fine")
    tv_weight: float = _redefined("tv_weight", 0.1)

    def __post_init__(self):
        super().__post_init__()
        method = METHODS[self.method]
        usual = method.settings.get("statistic", self.statistic)
        if self.statistic != usual:
            raise ValueError(
                f"method is {self.method!r}, whose statistic is {usual!r}, and statistic is "
                f"{_shown(self.statistic)}; leave one of the two out"
            )
        if self.regions and self.method != "gatys":
            raise ValueError(
                f"regions are for method 'gatys', and method is {self.method!r}; leave one of the "
                "two out"
            )
        for name in ("content_layer_weights", "style_layer_weights") if method.columns else ():
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name} is {_shown(getattr(self, name))}, but with method {self.method!r} "
                    "all layers count alike; leave it out"
                )
        weights = self.image_weights if isinstance(self.image_weights, (list, tuple)) else ()
        if method.columns and len({weight for weight in weights if weight > 0}) > 1:
            raise ValueError(
                f"image_weights is {_shown(weights)}, but with method {self.method!r} all "
                "paintings count alike; expected equal weights, or 0 for one that is left out"
            )


@_filled_by_its_method
@dataclass(frozen=True, kw_only=True, eq=False)
class Poster(Stylize):
    """The settings of :func:`nsthelpers.poster`: those of :class:`Stylize`, for large sizes.

    Examples
    --------
    >>> job = Poster(content="chelsea", style="swirling_night")
    >>> job.max_side, job.steps
    (4096, None)
    """

    max_side: int = _redefined("max_side", 4096)
    steps: object = _setting(
        None,
        Job.__dataclass_fields__["steps"].metadata["kind"],
        "steps at each size; else 200 up to 1024 pixels, then 20, then 10",
    )

    def __post_init__(self):
        super().__post_init__()
        if self.method != "gatys":
            raise ValueError(
                f"method is {self.method!r}, which cannot be evaluated tile by tile, as a poster "
                "is; expected 'gatys', or take stylize"
            )
        if isinstance(self.scales, str) and self.scales == "none":
            raise ValueError(
                "scales is 'none', but a poster grows from coarse to fine; expected 'coarse to "
                "fine' or numbers of pixels, or take stylize"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class ReconstructContent(Job):
    """The settings of :func:`nsthelpers.reconstruct_content`: what does a layer know?"""

    content: object = _setting(MISSING, PICTURE, "the picture", "image")
    content_layers: object = _setting("block4_conv2", LAYERS, "the layer, or several", "layer")
    content_layer_weights: object = _setting(None, SHARES, "of each layer; else equal")
    max_side: int = _redefined("max_side", 256)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReconstructStyle(Job):
    """The settings of :func:`nsthelpers.reconstruct_style`: a texture in the manner of pictures."""

    style: object = _setting(MISSING, PICTURES, "the painting, or several", "image")
    style_layers: object = _setting(STYLE_LAYERS, LAYERS, "where style is compared", "layers")
    style_layer_weights: object = _setting(None, SHARES, "of each layer; else equal")
    image_weights: object = _setting(None, SHARES, "of each painting; else equal")
    statistic: object = _setting("gram", STATISTIC, "what of the features counts as style")
    max_side: int = _redefined("max_side", 256)


#: The jobs by the names of their recipes.
JOBS = {
    "stylize": Stylize,
    "poster": Poster,
    "reconstruct_content": ReconstructContent,
    "reconstruct_style": ReconstructStyle,
}


def settings_of(job) -> dict:
    """The fields of a job by name, its own first: each with ``default`` and ``metadata``.

    Parameters
    ----------
    job : str or class
        A key of :data:`JOBS`, or its class.

    Returns
    -------
    dict of str to dataclasses.Field

    Examples
    --------
    >>> list(settings_of("reconstruct_content"))[:3]
    ['content', 'content_layers', 'content_layer_weights']
    """
    found = {each.name: each for each in dataclasses.fields(JOBS.get(job, job))}
    shared = [name for name in found if name in Job.__dataclass_fields__]
    return {name: found[name] for name in [*(n for n in found if n not in shared), *shared]}


def from_data(data, **others) -> Job:
    """Make a job from what :meth:`Job.as_data` gave, or a file holds.

    Parameters
    ----------
    data : mapping
        ``job`` and its settings; those that are left out have their defaults.
    **others
        Settings to replace; needed for what was an array or an object when it was described.

    Returns
    -------
    Job

    Raises
    ------
    ValueError
        For an unknown job or setting, a value that makes no sense, or one that only describes an
        array or an object.
    """
    settings = {**_left_to(others.get("method"), data), **others}
    name = settings.pop("job", None)
    check_choice("job", name, tuple(JOBS))
    known = settings_of(name)
    for key, value in settings.items():
        if key not in known:
            raise ValueError(f"{name} has no setting {key!r}; {did_you_mean(key, known)}")
        if isinstance(value, dict):
            raise ValueError(
                f"{key} was {'an array' if 'array' in value else 'an object'}, which only its "
                f"description is left of; pass {key}="
            )
    return JOBS[name](**settings)


def _left_to(method, data):
    """Settings without those that another method than theirs has set: these are left to the new."""
    former = data.get("method", "gatys")
    if method in (None, former) or former not in METHODS:
        return data
    fields = {each.name: each.default for each in dataclasses.fields(Stylize)}
    usual = _plain(fields | METHODS[former].settings)
    return {name: value for name, value in data.items() if value != usual.get(name, MISSING)}


def _name_of(kind):
    return next(name for name, each in JOBS.items() if each is kind)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if hasattr(value, "settings"):  # a network, an optimizer
        return {"object": type(value).__name__, **value.settings()}
    if hasattr(value, "__array__"):  # a picture of Pillow's, too
        import numpy as np

        array = np.asarray(value)
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return {"array": list(array.shape), "dtype": str(array.dtype), "sha256": digest[:16]}
    return {"object": type(value).__name__, "text": str(value)}


def _shown(value):
    text = repr(value)
    return text if len(text) < 80 else f"a {type(value).__name__}"
