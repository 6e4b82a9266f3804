"""Figures for the notebooks: pictures side by side or with sliders, curves, feature maps, tables.

Every function returns a matplotlib ``Figure`` (or a :class:`SliderFigure` or :class:`Table`), which
a notebook shows once, as the value of a cell. Figures are made without ``pyplot``, so none stays
open in the background.
"""

from .canvas import PALETTE, show_in_notebook
from .curves import loss_curves, spectrum
from .described import DescribedFigure
from .opinions import opinion_scores
from .pictures import before_after, edges, feature_maps, image_grid
from .sliders import SliderFigure, slider_figure
from .tables import Table, layer_table

__all__ = [
    "PALETTE",
    "show_in_notebook",
    "loss_curves",
    "spectrum",
    "DescribedFigure",
    "opinion_scores",
    "before_after",
    "edges",
    "feature_maps",
    "image_grid",
    "SliderFigure",
    "slider_figure",
    "Table",
    "layer_table",
]
