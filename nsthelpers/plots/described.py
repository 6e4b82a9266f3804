"""The kind of figure that all functions return."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

from ..images.html import image_tag

__all__ = ["PRINTING", "DescribedFigure"]

#: How a notebook prints figures, as arguments of ``savefig``.
PRINTING = {"bbox_inches": "tight", "pil_kwargs": {"quality": 90, "subsampling": 0}}


class DescribedFigure(Figure):
    """A matplotlib figure that a notebook shows with alternative text.

    Parameters
    ----------
    description : str
        What the figure shows, for those who do not see it.
    *args, **options
        As for matplotlib's ``Figure``.

    Examples
    --------
    >>> figure = DescribedFigure(figsize=(4, 2), description="A line that falls.")
    >>> lines = figure.add_subplot().plot([3, 2, 1])
    >>> 'alt="A line that falls."' in figure._repr_html_()
    True
    """

    def __init__(self, *args, description="", **options):
        super().__init__(*args, **options)
        self.description = description

    def _repr_html_(self):
        stream = io.BytesIO()
        self.savefig(stream, format="jpeg", **PRINTING)
        return image_tag(stream.getvalue(), "jpeg", self.description)
