"""Training: the objective of a style transfer, and in place of the image a network's output.

The optimisation of an image asks of each pixel which way it should go. Here the same gradient goes
one step further, into the weights of the network that painted the pixel. What it learns from some
photographs serves for all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ..arguments import check_choice, check_whole, is_whole
from ..backend import (
    compile_training_step,
    keras,
    quickest_precision,
    to_numpy,
    to_tensor,
)
from ..images import samples
from ..images.colours import palette
from ..images.files import load_image
from ..network.layers import STYLE_LAYERS
from ..network.vgg import default_network
from ..objectives.terms import Content, Style, TotalVariation
from . import files
from .crops import Crops, photograph
from .network import Architecture, StyleNetwork, is_row
from .painter import Painter

__all__ = ["PHOTOGRAPHS", "TrainingProgress", "add_painting", "train_painter"]

#: What painters are trained on unless other photographs are given: those of scikit-image.
PHOTOGRAPHS = ("astronaut", "coffee", "rocket")

_log = logging.getLogger("nsthelpers.training")
_PAINTING_SIDE = 512  # pixels, at most: strokes are learnt at one size
_REMEMBERED = 0.98  # of the running mean of the loss, a step
_KEPT_FEATURES = 2_000_000_000  # bytes: crops' features that are not computed again


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is, given to callbacks.

    Attributes
    ----------
    step, steps : int
    loss : float
        Of this step's pieces.
    terms : dict of str to float
        Each term's loss, before its weight.
    mean_loss : float
        A running mean, which says more: pieces differ.
    seconds : float
        Since this call began.
    painter : Painter
        As it is now; it goes on changing.
    """

    step: int
    steps: int
    loss: float
    terms: dict
    mean_loss: float
    seconds: float
    painter: Painter


def train_painter(
    paintings,
    photographs=None,
    *,
    steps=1000,
    content_weight=1.0,
    style_weight=20.0,
    tv_weight=0.1,
    content_layers="block4_conv2",
    style_layers=STYLE_LAYERS,
    style_layer_weights=None,
    network=None,
    side=256,
    crops=100,
    batch=1,
    learning_rate=2e-3,
    warm_up=20,
    architecture=None,
    convolutions=None,
    colours_first=True,
    seed=0,
    precision="auto",
    checkpoint=None,
    every=100,
    time_limit=None,
    callbacks=(),
    progress=True,
) -> Painter:
    """Train a network to paint in the manner of a painting, or of several.

    Parameters
    ----------
    paintings : str, array, or dict of str to (str or array)
        A sample's name, a file, an address or a picture of shape (1, H, W, 3), shrunk to 512 pixels
        on the long side; several with their names.
    photographs : sequence of str or array, optional
        To train on: samples' names, "china" and "flower" (which come with scikit-learn: ``pip
        install "nsthelpers[training]"``), files, addresses or pictures. Default: those of
        scikit-image.
    steps : int, default 1000
    content_weight, style_weight, tv_weight : float, defaults 1, 20, 0.1
        As of :func:`nsthelpers.stylize`, but for the style's, which is 10 there.
    content_layers, style_layers, style_layer_weights, network
        As of :class:`nsthelpers.Content` and :class:`nsthelpers.Style`.
    side : int, default 256
        Of the pieces of photographs, in pixels; a multiple of 4, at least 32.
    crops : int, default 100
        How many pieces there are; each comes again and again.
    batch : int, default 1
        Pieces in each step. A step takes so many times as long.
    learning_rate : float, default 0.002
        Of Adam, at its highest: after ``warm_up`` steps. From there it falls along a cosine, which
        would reach 0 one step after the last.
    warm_up : int, default 20
    architecture : Architecture, optional
        Default: as many rows as there are paintings, and its own defaults.
    convolutions : Painter, optional
        Whose kernels are taken, and stay as they are: only scales and shifts are learnt, beginning
        with the means of this painter's. Its architecture is taken as well. See
        :func:`add_painting`.
    colours_first : bool, default True
        Move every piece, and later every photograph, to the painting's colours before the network
        sees it. ``False``: the network has to learn the colours as well, and the content is
        compared with the piece as it is.
    seed : int, default 0
        Of the first weights and of the pieces and their order.
    precision : {"auto", "float32", "bfloat16"}, default "auto"
        Of VGG; the painting network itself is float32.
    checkpoint : str or Path, ending in ".safetensors", optional
        Where the state is kept every so many steps, so that the same call goes on from there, with
        the same result as if it had never stopped.
    every : int, default 100
        Steps between two checkpoints, and between two calls of the callbacks.
    time_limit : float, optional
        Seconds after which it stops with what it has.
    callbacks : callable or sequence of callable
        Each gets a :class:`nsthelpers.real_time.TrainingProgress` every ``every`` steps; True as
        its answer stops the training.
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Painter
        With the last weights, however it ended: Ctrl+C stops it as well. Its ``settings`` tell how
        many steps were made, as ``"steps_made"``, and as ``"stop_reason"`` why no more: "steps",
        "callback", "time limit" or "interrupted".

    Raises
    ------
    ValueError
        For arguments that make no sense, or a checkpoint of another training.
    TypeError
        For a callback that is no function.
    OSError
        If a picture is not there (FileNotFoundError), or no file can be made for the checkpoint.
    ImportError
        For photographs of scikit-learn without that package.
    FloatingPointError
        If the loss is no longer finite.

    Notes
    -----
    Every piece is moved to the painting's colours first (:func:`nsthelpers.match_colours`): that is
    what the network sees, and what its content is compared with. So it has strokes to learn, and no
    colours. What becomes of it without this is in the record, ``painter_recipe``.

    References
    ----------
    Johnson, Alahi & Fei-Fei (2016), "Perceptual Losses for Real-Time Style Transfer and
    Super-Resolution", arXiv 1603.08155.

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> painter = train_painter(
    ...     white_noise(48, 48), [white_noise(64, 80)], steps=2, side=32, crops=2,
    ...     style_layers=["block1_conv1"], content_layers="block1_conv2",
    ...     architecture=Architecture(channels=(4, 4, 4), blocks=1),
    ...     network=VGG(weights="random"), progress=False,
    ... )
    >>> painter(white_noise(40, 52)).shape
    (1, 40, 52, 3)
    """
    given = {
        "steps": steps, "content_weight": content_weight, "style_weight": style_weight,
        "tv_weight": tv_weight, "side": side, "crops": crops, "batch": batch,
        "learning_rate": learning_rate, "warm_up": warm_up, "seed": seed,
    }  # fmt: skip
    _check_numbers(**given, every=every, time_limit=time_limit)
    check_choice("precision", precision, ("auto", "float32", "bfloat16"))
    called = _functions(callbacks)

    named = _named(paintings)
    architecture = _architecture(architecture, convolutions, len(named))
    _check(named, architecture)
    reading = network or default_network()
    chosen = PHOTOGRAPHS if photographs is None else photographs
    pool = Crops([photograph(each, 512) for each in chosen], crops, side, seed)
    palettes = [palette(painting) for painting in named.values()] if colours_first else None

    precision = quickest_precision() if precision == "auto" else precision
    style_network = StyleNetwork(architecture, seed)
    learnt, taken = list(style_network.weights), {}
    if convolutions is not None:
        taken = {"convolutions": _begin_with(style_network, convolutions.network)}
        learnt = [name for name in learnt if is_row(name)]
    objectives = [
        content_weight * Content(_seen(pool, 0, palettes, row), content_layers, network=reading)
        + style_weight
        * Style(painting, style_layers, layer_weights=style_layer_weights, network=reading)
        + tv_weight * TotalVariation()
        for row, painting in enumerate(named.values())
    ]
    lesson = _Lesson(style_network, learnt, pool, palettes, objectives, batch, precision)
    settings = {
        **given,
        "colours_first": colours_first,
        "precision": precision,
        # A painter is passed on: the names of its files, not where they lie.
        "photographs": [Path(each).name if isinstance(each, str) else "given" for each in chosen],
        "network": reading.settings(),
        **taken,
        "objective": lesson.settings(),
    }
    # By its pixels, too: another painting may have the same name, and another picture none.
    decisive = settings | {
        "paintings": [[name, *_digest(painting)] for name, painting in named.items()],
        "photographs": list(map(_digest, pool.photographs)),
        "architecture": architecture.settings(),
    }
    state = _State(style_network, lesson.optimizer, checkpoint, decisive)
    painter = Painter(style_network, list(named), palettes, settings)

    pace = _Pace(steps, every, learning_rate, warm_up, time_limit)
    step, reason = _learn(lesson, state, painter, pace, called, progress)
    made = {"steps_made": step, "stop_reason": reason, "mean_loss": state.mean_loss}
    painter.settings = settings | made
    return painter


def add_painting(
    painter, painting, photographs=None, *, name=None, steps=300, **options
) -> Painter:
    """Teach a painter one painting more, and nothing else.

    The convolutions stay as they are: only the new painting's own row of scales and shifts is
    learnt (1,600 numbers of 418 thousand in the default architecture). So the paintings that the
    painter knows already look the same as before, to the bit.

    Parameters
    ----------
    painter : Painter
        Stays as it is. The more paintings it knows, the better its convolutions serve another.
    painting : str or array, shape (1, H, W, 3), RGB, range [0, 1]
        A sample's name or a picture.
    photographs : sequence of str or array, optional
        To train on. Default: those of scikit-image.
    name : str, optional
        Default: the sample's, or "painting".
    steps : int, default 300
    **options
        As of :func:`train_painter`; with ``checkpoint=`` the same call goes on after a stop, with
        the same result as if it had never stopped.

    Returns
    -------
    Painter
        With one row more; unless told otherwise it uses the new painting.

    Raises
    ------
    ValueError
        For a name that the painter knows already, and as of :func:`train_painter`.

    References
    ----------
    Dumoulin, Shlens & Kudlur (2017), "A Learned Representation for Artistic Style", section 3.3,
    arXiv 1610.07629.

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> few = {
    ...     "steps": 2, "side": 32, "crops": 2, "style_layers": ["block1_conv1"], "progress": False,
    ...     "content_layers": "block1_conv2", "network": VGG(weights="random"),
    ... }
    >>> noise, photos = white_noise(48, 48), [white_noise(64, 80)]
    >>> small = Architecture(channels=(4, 4, 4), blocks=1)
    >>> painter = train_painter({"noise": noise}, photos, architecture=small, **few)
    >>> add_painting(painter, 1 - noise, photos, name="negative", **few)
    Painter(noise, negative)
    """
    named = _named(painting if name is None else {name: painting})
    if len(named) != 1:
        raise ValueError(f"got {len(named)} paintings; add them one by one")
    (name,) = named
    if name in painter.names:
        raise ValueError(f"the painter knows {name!r} already; give another name with name=")
    colours_first = painter.palettes is not None
    if options.setdefault("colours_first", colours_first) != colours_first:
        raise ValueError(
            f"the painter was trained with colours_first={colours_first}; leave it out here"
        )
    row = train_painter(named, photographs, steps=steps, convolutions=painter, **options)
    old, new = painter.network, row.network
    rows = old.architecture.paintings + 1
    network = StyleNetwork(replace(old.architecture, paintings=rows))
    for key, variable in network.weights.items():
        values = to_numpy(old.weights[key])
        if is_row(key):
            values = np.concatenate([values, to_numpy(new.weights[key])])
        variable.assign(values)
    settings = {**painter.settings, "added": [*painter.settings.get("added", []), row.settings]}
    palettes = None if painter.palettes is None else [*painter.palettes, *row.palettes]
    return Painter(network, [*painter.names, name], palettes, settings, mix=name)


@dataclass(frozen=True)
class _Pace:
    """How long a training goes on, how fast it learns, and how often it stops to keep and tell."""

    steps: int
    every: int
    learning_rate: float
    warm_up: int
    time_limit: float | None

    def rate(self, step):
        return _rate(step, self.steps, self.learning_rate, self.warm_up)

    def is_late(self, seconds):
        return self.time_limit is not None and seconds > self.time_limit


def _learn(lesson, state, painter, pace, called, progress):
    """Make the steps that are left; return the last one, and why there are no more."""
    began, start = time.perf_counter(), state.load()
    bar = tqdm(total=pace.steps, initial=start, disable=not progress, desc="training", unit="step")
    try:
        for step in range(start + 1, pace.steps + 1):
            loss, terms = lesson.step(step, pace.rate(step))
            _check_finite(loss, step, pace.learning_rate)
            state.add(loss)
            bar.update()
            bar.set_postfix_str(f"loss {state.mean_loss:.3f}")
            late = pace.is_late(time.perf_counter() - began)
            if step % pace.every and step < pace.steps and not late:
                continue
            state.save(step)
            seconds = time.perf_counter() - began
            now = TrainingProgress(step, pace.steps, loss, terms, state.mean_loss, seconds, painter)
            answers = [callback(now) for callback in called]
            if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
                return step, "callback"
            if late and step < pace.steps:
                return step, "time limit"
        return pace.steps, "steps"
    except KeyboardInterrupt:
        # Adam counts the steps that are in the weights: the last may have been interrupted.
        step = int(lesson.optimizer.iterations)
        state.save(step)
        return step, "interrupted"
    except FloatingPointError:
        raise  # what has been learnt is of no use any more
    except Exception as error:
        error.painter = painter
        error.add_note("The painter as it was is this error's attribute `painter`.")
        raise
    finally:
        bar.close()


def _check_finite(loss, step, learning_rate):
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss} at step {step}; take a smaller learning_rate than "
            f"{learning_rate:g} (the checkpoint of an earlier step, if there is one, is whole)"
        )


class _Lesson:
    """One step of training: which pieces, which targets, and what is done with the gradient."""

    def __init__(self, network, learnt, pool, palettes, objectives, batch, precision):
        self._pool, self._palettes, self._batch = pool, palettes, batch
        self._objectives = objectives
        self._bound = [each.at(pool.side, pool.side, 1.0, precision) for each in objectives]
        self._content = objectives[0].terms["content"]
        self._reading = objectives[0].network.in_precision(precision)
        self._labels = [label for label, weight in objectives[0].weights.items() if weight > 0]
        self._features: dict = {}
        self.optimizer = keras.optimizers.Adam()
        graph, model = self._bound[0].graph, network.model

        def judged(pieces, parameters):
            losses = []
            for (piece, mix), each in zip(pieces, parameters, strict=True):
                losses.append(graph.total(model([piece, mix], training=True), each))
            total = sum(loss for loss, _ in losses) / len(losses)
            return total, sum(terms for _, terms in losses) / len(losses)

        variables = [network.weights[name] for name in learnt]
        self._step = compile_training_step(judged, variables, self.optimizer)

    def step(self, number, rate):
        rows = len(self._bound)
        pieces, parameters = [], []
        for place in range(self._batch):
            index = (number - 1) * self._batch + place
            row = index % rows
            turn, rest = divmod(index // rows, self._pool.count)
            order = np.random.default_rng([self._pool.seed, 13, turn]).permutation(self._pool.count)
            piece, content = self._piece(int(order[rest]), row)
            targets = list(self._bound[row].parameters["targets"])
            targets[0] = content
            mix = np.eye(rows, dtype="float32")[row : row + 1]
            pieces.append((to_tensor(piece), to_tensor(mix)))
            parameters.append({**self._bound[row].parameters, "targets": targets})
        loss, terms = self._step(pieces, parameters, to_tensor(rate))
        found = to_numpy(terms).tolist()
        return float(loss), dict(zip(self._labels, found, strict=True))

    def settings(self):
        return self._objectives[0].settings()

    def _piece(self, number, row):
        key = number, row
        if key in self._features:
            return self._features[key]
        piece = _seen(self._pool, number, self._palettes, row)
        content = Content(
            piece,
            self._content.layers,
            layer_weights=self._content.layer_weights,
            network=self._reading,
        )
        targets = content.targets(self._pool.side, self._pool.side, 1.0)
        made = piece, targets
        size = sum(4 * int(np.prod(each.shape)) for each in _leaves(targets))
        if size * self._pool.count * len(self._bound) <= _KEPT_FEATURES:
            self._features[key] = made
        return made


def _seen(pool, number, palettes, row):
    """What the network sees of a piece, which is also what its content is compared with."""
    return pool[number] if palettes is None else pool.recoloured(number, palettes[row])


class _State:
    """All that a training needs to go on: weights, Adam's moments, the running mean, the step."""

    def __init__(self, network, optimizer, path, settings):
        self._network, self._optimizer = network, optimizer
        self._path = None if path is None else files.checked_name(path, "a checkpoint")
        self._settings = json.loads(json.dumps(settings))  # as it comes back from a file
        self.mean_loss = None

    def add(self, loss):
        old = loss if self.mean_loss is None else self.mean_loss
        self.mean_loss = _REMEMBERED * old + (1 - _REMEMBERED) * loss

    def save(self, step):
        if self._path is None:
            return
        arrays = {f"network/{name}": to_numpy(v) for name, v in self._network.weights.items()}
        arrays |= {
            f"adam/{place}": np.asarray(to_numpy(variable))
            for place, variable in enumerate(self._optimizer.variables)
        }
        described = {"settings": self._settings, "step": step, "mean_loss": self.mean_loss}
        try:
            files.write(self._path, "a checkpoint", arrays, described)
        except OSError as error:  # a training can do without
            _log.warning("%s; the training goes on, and will try again", error)

    def load(self) -> int:
        """Go on from a checkpoint; the step that it was made at, 0 where there is none."""
        if self._path is None or not self._path.is_file():
            return 0
        arrays, described = files.read(self._path, "a checkpoint")
        theirs = described["settings"]
        unlike = [
            name
            for name in sorted(self._settings.keys() | theirs.keys())
            if self._settings.get(name) != theirs.get(name)
        ]
        if unlike:
            raise ValueError(
                f"{self._path} is of another training: its {', '.join(unlike)} differ; give "
                "another name, or remove it"
            )
        for name, variable in self._network.weights.items():
            variable.assign(arrays[f"network/{name}"])
        for place, variable in enumerate(self._optimizer.variables):
            variable.assign(arrays[f"adam/{place}"])
        self.mean_loss = described["mean_loss"]
        return described["step"]


def _begin_with(network, other) -> str:
    """Take another network's kernels, and the means of its rows; return a hash of its weights."""
    digest = hashlib.sha256()
    for name, variable in network.weights.items():
        values = to_numpy(other.weights[name])
        digest.update(values.tobytes())
        if is_row(name):
            values = np.repeat(values.mean(axis=0, keepdims=True), variable.shape[0], axis=0)
        variable.assign(values)
    return digest.hexdigest()


def _digest(picture) -> list:
    """What tells a picture from others: its shape, and the start of a SHA-256 of its values."""
    return [list(picture.shape), hashlib.sha256(picture.tobytes()).hexdigest()[:16]]


def _rate(step, steps, highest, warm_up):
    """The learning rate: a straight rise, then half a cosine down to nearly 0."""
    if step <= warm_up:
        return highest * step / (warm_up + 1)
    # As if there were one step more: at the end of the cosine nothing would be learnt.
    done = (step - warm_up) / max(1, steps - warm_up + 1)
    return highest * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _functions(callbacks):
    called = [callbacks] if callable(callbacks) else list(callbacks)
    for each in called:
        if not callable(each):
            raise TypeError(f"a callback is {each!r}; expected a function of the progress")
    return called


def _architecture(given, convolutions, rows):
    """What the network is built of, which convolutions that are taken over decide."""
    if convolutions is None:
        return given or Architecture(paintings=rows)
    if given is not None:
        raise ValueError("give an architecture, or convolutions, which have one; not both")
    return replace(convolutions.network.architecture, paintings=rows)


def _named(paintings):
    if not isinstance(paintings, dict):
        name = Path(paintings).stem if isinstance(paintings, str) else "painting"
        paintings = {name: paintings}
    if not paintings:
        raise ValueError("there are no paintings to learn from")
    return {
        name: load_image(samples.resolve(each), max_side=_PAINTING_SIDE)
        for name, each in paintings.items()
    }


def _check(named, architecture):
    if architecture.paintings != len(named):
        raise ValueError(
            f"the architecture has {architecture.paintings} rows for {len(named)} paintings"
        )
    for name, painting in named.items():
        if float(np.ptp(painting, axis=(0, 1, 2)).max()) < 1 / 255:
            raise ValueError(
                f"the painting {name!r} is of one colour; there is no manner to be learnt from it"
            )


def _check_numbers(side, time_limit, tv_weight, **others):
    if not is_whole(side, 32) or side % 4:
        raise ValueError(f"side is {side!r}; expected a multiple of 4, at least 32")
    if time_limit is not None and not time_limit >= 0:
        raise ValueError(f"time_limit is {time_limit}; expected seconds, at least 0, or None")
    if not (math.isfinite(tv_weight) and tv_weight >= 0):
        raise ValueError(f"tv_weight is {tv_weight}; expected a finite number of at least 0")
    for name in ("content_weight", "style_weight", "learning_rate"):
        value = others.pop(name)
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value}; expected a finite number above 0")
    for name, value in others.items():
        check_whole(name, value, 0 if name in ("seed", "warm_up") else 1)


def _leaves(nest):
    if isinstance(nest, dict):
        return [leaf for each in nest.values() for leaf in _leaves(each)]
    if isinstance(nest, (list, tuple)):
        return [leaf for each in nest for leaf in _leaves(each)]
    return [nest]
