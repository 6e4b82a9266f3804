"""Figures with axes: how losses fell, and how pictures divide into coarse and fine."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np

from .canvas import (
    FAINT,
    INK,
    PALETTE,
    WIDTH,
    add_title,
    in_words,
    listed,
    new_figure,
    one_text_each,
    style_axes,
    to_grey,
)

__all__ = ["draw_loss", "loss_curves", "spectrum"]


def loss_curves(results, x="step", *, terms=False, log=True, title=None, description=None):
    """How the loss fell.

    Parameters
    ----------
    results : Synthesis, or dict of str to Synthesis
        One run, or several under their labels.
    x : {"step", "evaluations", "seconds"}, default "step"
    terms : bool, default False
        Show the single terms too. Of one run, what each contributes to the sum (after its
        weight); of several, each term's own loss (before its weight), which compares.
    log : bool, default True
        Logarithmic axis for the loss.
    title : str, optional
    description : str, optional
        As for :func:`image_grid`. Default: where each curve ends.

    Returns
    -------
    matplotlib.figure.Figure
        Losses of different sizes do not compare: where a coarse-to-fine run changes its size, the
        line is interrupted and the place marked.

    Raises
    ------
    ValueError
        If `x` is unknown or there is no result.

    Examples
    --------
    >>> from nsthelpers import TotalVariation, synthesize
    >>> grey = np.random.default_rng(0).uniform(size=(1, 32, 32, 3))
    >>> run = synthesize(TotalVariation(), grey, steps=2, progress=False)
    >>> len(loss_curves({"one": run, "two": run}, x="evaluations").axes)
    1
    """
    if x not in ("step", "evaluations", "seconds"):
        raise ValueError(f"x is {x!r}; expected 'step', 'evaluations' or 'seconds'")
    single = not isinstance(results, Mapping)
    runs = {"total": results} if single else dict(results)
    if not runs:
        raise ValueError("there is no result to show; pass at least one")
    panels = [("loss", {label: _pieces(run.history, x) for label, run in runs.items()})]
    if terms and single:
        shares = {
            _label(term): _pieces(results.history, x, term, _weight(results, term))
            for term in results.history[0].terms
        }
        panels.append(("each term's share of the loss", shares))
    elif terms:
        labels = dict.fromkeys(term for run in runs.values() for term in run.history[0].terms)
        for term in labels:
            having = {k: run for k, run in runs.items() if term in run.history[0].terms}
            curves = {label: _pieces(run.history, x, term) for label, run in having.items()}
            panels.append((f"{_label(term)} (before its weight)", curves))

    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    width = WIDTH if columns > 1 else 5.5
    figure = new_figure(
        width,
        0.4 + 2.6 * rows,
        layout="constrained",
        description=description or _describe(title, x, panels, single),
    )
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, curves) in zip(places, panels, strict=False):
        _draw(axes, curves, log)
        style_axes(axes, x, name, log)
        if single:
            _mark_sizes(axes, next(iter(curves.values())))
        if len(curves) > 1 and (single or axes is places[0]):
            axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    add_title(figure, title)
    return figure


def draw_loss(axes, history):
    """Draw the loss of one history (a list of records, which may be empty) on matplotlib axes."""
    pieces = _pieces(history, "step")
    _draw(axes, {"loss": pieces}, log=True)
    style_axes(axes, "step", "loss", log=bool(history))
    _mark_sizes(axes, pieces)
    if not history:
        axes.set(xticks=[], yticks=[])
    elif history[-1].step < 2:
        axes.set_xlim(-0.1, 2.1)


def spectrum(images, captions, *, title=None, description=None):
    """How much of a picture is coarse and how much is fine: its power spectrum.

    Parameters
    ----------
    images : sequence
        As for :func:`image_grid`.
    captions : sequence of str
        For the legend.
    title, description : str, optional
        As for :func:`image_grid`.

    Returns
    -------
    matplotlib.figure.Figure
        Power of the luminance, averaged over all directions, by spatial frequency in cycles per
        pixel: on the right, 0.5, stands what changes from each pixel to the next.

    Raises
    ------
    ValueError
        If the captions do not match in number.

    Examples
    --------
    >>> noise = np.random.default_rng(0).uniform(size=(1, 64, 64, 3))
    >>> len(spectrum([noise], ["noise"]).axes[0].lines)
    1
    """
    images = list(images)
    labels = one_text_each("captions", captions, len(images), "images")
    described = description or in_words(
        title,
        "Curves of power against spatial frequency, from coarse to fine, on logarithmic axes: "
        f"{listed(labels)}",
    )
    figure = new_figure(5.5, 3.2, layout="constrained", description=described)
    axes = figure.subplots()
    for colour, image, label in zip(cycle(PALETTE), images, labels, strict=False):
        axes.plot(*_radial_power(to_grey(image)), color=colour, label=label, lw=1.6)
    style_axes(axes, "spatial frequency (cycles per pixel)", "power", log=True)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    add_title(figure, title)
    return figure


def _describe(title, x, panels, single):
    """The curves in words: of which loss, against what, and where each ends."""
    (_, losses), *others = panels
    # Losses of different sizes do not compare: the last piece alone is told.
    last = {label: pieces[-1][1] for label, pieces in losses.items() if pieces}
    if single:
        ends = "".join(f": it goes from {one[0]:.3g} to {one[-1]:.3g}" for one in last.values())
    else:
        ends = f": at the end {listed(f'{name} has {one[-1]:.3g}' for name, one in last.items())}"
    return in_words(
        title,
        f"{'curve' if len(losses) == 1 else 'curves'} of the loss against {x}{ends}",
        others and f"beside it: {'; '.join(name for name, _ in others)}",
    )


def _draw(axes, curves, log):
    for colour, (label, pieces) in zip(cycle(PALETTE), curves.items(), strict=False):
        for number, (steps, losses, _) in enumerate(pieces):
            shown = _without_zeros(losses) if log else losses
            dot = "." if len(steps) == 1 else None  # a line of one point would not be seen
            axes.plot(
                steps, shown, color=colour, label=None if number else label, lw=1.6, marker=dot
            )


def _pieces(history, x, term=None, weight=1.0):
    """The run in pieces of one size: places, losses, size."""
    pieces = []
    for record in history:
        if not pieces or record.size != pieces[-1][2]:
            pieces.append(([], [], record.size))
        places, losses, _ = pieces[-1]
        places.append(getattr(record, x))
        losses.append(record.loss if term is None else weight * record.terms.get(term, np.nan))
    return pieces


def _weight(run, term):
    return run.settings["objective"]["terms"][term]["weight"]


def _label(term):
    return term.replace("_", " ")


def _without_zeros(losses):
    """A start from the content has a content loss of zero, which would fill a logarithmic axis."""
    losses = np.asarray(losses)
    return np.where(losses > 1e-6 * np.nanmax(losses), losses, np.nan)


def _mark_sizes(axes, pieces):
    if len(pieces) < 2:
        return
    for places, _, size in pieces:
        axes.axvline(places[0], color=FAINT, lw=0.6, ls=":")
        axes.annotate(
            f" {max(size)} px",
            (places[0], 0.02),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            color=FAINT,
        )


def _radial_power(grey):
    height, width = grey.shape
    window = np.hanning(height)[:, None] * np.hanning(width)
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2 / (window**2).sum()
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    rings = min(height, width) // 2
    ring = np.rint(frequency * 2 * rings).astype(int)
    inside = (ring >= 1) & (ring <= rings)
    counts = np.bincount(ring[inside], minlength=rings + 1)[1:]
    sums = np.bincount(ring[inside], power[inside], minlength=rings + 1)[1:]
    return np.arange(1, rings + 1) / (2 * rings), sums / counts + 1e-12
