"""The panels to play with: each notebook has one.

Each panel is an ipywidgets box: the last value of a cell shows it. Nothing is optimised until Run
is pressed. ``panel.run()``, ``panel.stop()`` and ``panel.wait()`` do the same from code,
``panel.result`` is the last Synthesis, ``panel.close()`` ends a panel and its work. Only
:func:`live` is none: it shows a page that computes in the browser.
"""

from .content import content_panel
from .explorer import layer_explorer
from .front import front_panel
from .live_page import live
from .mixing import mixing_panel
from .rating import rate
from .smoothing import smoothing_panel
from .statistic import statistic_panel
from .style import style_panel
from .stylize import studio, uploaded

__all__ = [
    "content_panel",
    "front_panel",
    "layer_explorer",
    "live",
    "mixing_panel",
    "rate",
    "smoothing_panel",
    "statistic_panel",
    "style_panel",
    "studio",
    "uploaded",
]
