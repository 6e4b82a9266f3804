"""A training as an experiment: what it came to on a photograph that it has never seen."""

from __future__ import annotations

import time
from dataclasses import asdict

from ..backend import device, versions
from ..images import samples
from ..images.colours import match_colours
from ..network.vgg import VGG
from ..objectives.objective import Objective, as_objective
from ..objectives.terms import Content, Style, TotalVariation
from ..synthesis.results import Record, Synthesis
from .network import Architecture
from .training import PHOTOGRAPHS, train_painter

__all__ = ["train_and_judge"]

_WEIGHTS = (1.0, 20.0, 0.1)  # of content, style and total variation: those of the training


def train_and_judge(
    painting,
    photographs=PHOTOGRAPHS,
    *,
    photo="chelsea",
    max_side=256,
    steps=400,
    every=50,
    architecture=None,
    weights="auto",
    **options,
) -> Synthesis:
    """Train a painter, and judge what it paints of another photograph, always by one ruler.

    Parameters
    ----------
    painting : str
        A sample's name.
    photographs : sequence of str, default those of scikit-image
        To train on; ``photo`` must not be one of them.
    photo : str, default "chelsea"
        What is painted, and judged.
    max_side : int, default 256
        Its long side in pixels.
    steps, every : int, defaults 400 and 50
        Steps of the training, and how many lie between two judgements.
    architecture : dict, optional
        Arguments of :class:`nsthelpers.real_time.Architecture` that are not its defaults.
    weights : str, default "auto"
        Of VGG19, as :class:`nsthelpers.VGG` takes them.
    **options
        As of :func:`nsthelpers.train_painter`.

    Returns
    -------
    Synthesis
        ``image`` is what the painter makes of the photograph in the end. Each line of ``history``
        judges what it makes of it then; line 0 judges the photograph itself, unpainted. The terms
        are ``content``, against the photograph in the painting's colours, ``style`` and
        ``total_variation``; ``loss`` is their sum with the usual weights of a training. Whatever a
        training was asked for, these are the same. ``content_own_colours``, against the photograph
        as it is, is not in the sum.

    Raises
    ------
    ValueError
        If it is judged on a photograph that it is trained on; and as of ``train_painter``.

    Examples
    --------
    >>> made = train_and_judge("swirling_night", architecture={"residual": False})  # doctest: +SKIP
    >>> [line.step for line in made.history]  # doctest: +SKIP
    [0, 50, 100, 150, 200, 250, 300, 350, 400]
    """
    if photo in photographs:
        raise ValueError(f"{photo!r} is trained on; judge on a photograph that is not")
    network = VGG(weights=weights)
    photograph = samples.load(photo, max_side=max_side)
    model = samples.load(painting, max_side=512)
    parts = (
        Content(match_colours(photograph, model), network=network),
        Style(model, network=network),
        TotalVariation(),
    )
    ruler = Objective(zip(_WEIGHTS, parts, strict=True))
    size = photograph.shape[1:3]
    measure = ruler.at(*size).evaluate
    own = as_objective(Content(photograph, network=network)).at(*size)

    def judged(image, step, seconds):
        found = measure(image)
        terms = {**found.terms, "content_own_colours": own.evaluate(image).loss}
        return Record(step, step, seconds, found.loss, terms, size)

    history, judging = [judged(photograph, 0, 0.0)], 0.0

    def note(now):
        nonlocal judging
        began = time.perf_counter()
        history.append(judged(now.painter(photograph), now.step, now.seconds - judging))
        judging += time.perf_counter() - began

    painter = train_painter(
        painting,
        photographs,
        steps=steps,
        every=every,
        callbacks=note,
        network=network,
        architecture=Architecture(**(architecture or {})),
        **options,
    )
    made = painter.settings["steps_made"]
    return Synthesis(
        painter(photograph),
        history,
        "steps" if made == steps else "interrupted",
        f"painted after {made} steps of training",
        {
            "painter": {
                **painter.settings,
                "architecture": painter.network.architecture.settings(),
            },
            "objective": ruler.settings(),
            "device": asdict(device()),
            "versions": versions(),
        },
        made,
        history[-1].seconds,
    )
