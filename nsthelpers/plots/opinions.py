"""What people say of pictures, as a figure."""

from __future__ import annotations

import numpy as np

from ..opinions import WORDS, opinion_table
from .canvas import FAINT, INK, PALETTE, add_title, in_words, listed, new_figure, style_axes

__all__ = ["opinion_scores"]


def opinion_scores(
    files, reference=None, *, reference_label="reference", title=None, description=None
):
    """Mean opinion scores with 95 % intervals, beside somebody else's.

    Parameters
    ----------
    files, reference
        As :func:`nsthelpers.opinions.opinion_table` takes them; no files show the reference alone.
    reference_label : str, default "reference"
        For the legend.
    title, description : str, optional
        As for :func:`image_grid`. Default description: the mean scores.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        As from :func:`nsthelpers.opinions.opinion_table`.

    Examples
    --------
    >>> len(opinion_scores([], {"A": 4.0, "B": 3.5}).axes[0].get_yticks())
    5
    """
    table = opinion_table(files, reference)
    figure = new_figure(
        max(4.0, 1.4 + 0.85 * len(table)),
        3.2,
        layout="constrained",
        description=description or _describe(title, table, reference_label),
    )
    axes = figure.subplots()
    places = np.arange(len(table))
    rated, known = table["raters"] > 0, table["reference"].notna()
    apart = 0.12 if rated.any() and known.any() else 0.0
    if rated.any():
        half = (table["high"] - table["mean"]).fillna(0.0)
        counts = table["raters"][rated]
        several = f"{counts.min()} to {counts.max()}" if counts.nunique() > 1 else counts.iloc[0]
        people = "rater" if counts.max() == 1 else "raters"
        axes.errorbar(
            places[rated] - apart, table["mean"][rated], half[rated],
            fmt="o", color=PALETTE[0], capsize=4, label=f"mean of {several} {people}, 95 %",
        )  # fmt: skip
    if known.any():
        axes.plot(
            places[known] + apart, table["reference"][known], "D",
            color=PALETTE[1], label=reference_label,
        )  # fmt: skip
        for place, value in zip(places[known] + apart, table["reference"][known], strict=True):
            axes.annotate(
                f"{value:g}", (place, value), (7, 0), textcoords="offset points",
                va="center", fontsize=8.5, color=FAINT,
            )  # fmt: skip
    style_axes(axes, "picture", "mean opinion score", log=False)
    axes.set(ylim=(0.8, 5.2), xlim=(-0.5, len(table) - 0.3))
    axes.set_yticks(range(1, 6), [f"{i} {word}" for i, word in enumerate(WORDS, 1)])
    axes.set_xticks(places, table.index)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower right")
    add_title(figure, title)
    return figure


def _describe(title, table, reference_label):
    """The scores in words."""
    columns = {"mean": "raters", "reference": reference_label}
    scores = [
        f"{name} {listed(f'{row[key]:.3g} ({label})' for key, label in known)}"
        for name, row in table.iterrows()
        if (known := [(key, label) for key, label in columns.items() if row[key] == row[key]])
    ]
    return in_words(title, f"mean opinion scores from 1 to 5: {'; '.join(scores)}")
