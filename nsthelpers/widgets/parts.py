"""What panels are built of: controls, pictures, rows and columns.

They look alike in ipywidgets 7 (Colab) and 8, and never show scroll bars of their own.
"""

from __future__ import annotations

import base64
import html
import math

import ipywidgets as ipw

from ..images.arrays import resize, to_png_bytes
from ..jobs import settings_of

__all__ = [
    "FINAL_SIDE", "Panel", "button", "caption", "caption_html", "column", "download_html",
    "labelled", "layout", "message_html", "picture", "row", "setting_control", "show_picture",
]  # fmt: skip

FINAL_SIDE = 640  # pixels of the long side of a finished picture that travel to the browser


class Panel(ipw.VBox):
    """A box as wide as a page, with a sentence for places that show no widgets."""

    def __init__(self, rows):
        super().__init__(rows, layout=layout(width="100%", max_width="920px"))

    def __repr__(self):
        return "An interactive panel: run this cell in JupyterLab, Jupyter or Colab to use it."


def picture(image):
    """A widget that shows an image as large as its place allows."""
    widget = ipw.Image(layout=layout(height="auto", max_width="100%"))
    show_picture(widget, image)
    return widget


def show_picture(widget, image, longest=FINAL_SIDE, *, wide=440, tall=360):
    """Show an image in a widget made by :func:`picture`, within so many pixels of the screen."""
    height, width = image.shape[1:3]
    fitting = f"{round(width * min(wide / width, tall / height))}px"
    if widget.layout.width != fitting:
        widget.layout.width = fitting
    widget.value = to_png_bytes(resize(image, max_side=longest))


def caption(text):
    """A small line of text over or under a picture."""
    return ipw.HTML(caption_html(text))


def caption_html(text):
    """The HTML of a caption."""
    return f'<div style="text-align:center;opacity:.75;line-height:1.3">{html.escape(text)}</div>'


def download_html(path, size):
    """The HTML of a link that saves a PNG file with settings inside, of this height and width."""
    data, (height, width) = base64.b64encode(path.read_bytes()).decode(), size
    return (
        f'<a download="{path.name}" href="data:image/png;base64,{data}" '
        f'style="text-decoration:underline">Download the picture '
        f"({width} × {height} pixels, settings inside)</a>"
    )


def message_html(text, bad=False):
    """The HTML of a message; one about trouble has a mark at its side."""
    mark = "border-left:4px solid #D55E00;padding-left:8px" if bad else ""
    return f'<div style="line-height:1.35;{mark}">{html.escape(str(text))}</div>'


def labelled(kind, description, **options):
    """A control with its label at the left, aligned with its siblings."""
    style = {"description_width": "104px"}
    return kind(description=description, style=style, layout=layout(width="98%"), **options)


def setting_control(name, label=None, *, job="stylize", kind=None, **options):
    """The control of a job's setting: its range, choices and default are those of the description.

    Parameters
    ----------
    name : str
    label : str, optional
        Default the setting's name.
    job : str, default "stylize"
        A key of :data:`nsthelpers.jobs.JOBS`.
    kind : class, optional
        Of the widget; default a slider for a number, a menu for a choice.
    **options
        Of the widget, where they differ from the description: ``value=``, ``options=``.

    Examples
    --------
    >>> control = setting_control("style_weight")
    >>> control.value, control.min, control.max
    (10.0, -1.0, 3.0)
    """
    setting = settings_of(job)[name]
    described, limits = setting.metadata["kind"], setting.metadata["kind"].slider
    usual = {"value": setting.default}
    if "options" in options or described.choices:
        kind = kind or ipw.Dropdown
        usual["options"] = described.choices
    elif limits and described.read is int:
        kind = kind or ipw.IntSlider
        usual |= {"min": limits[0], "max": limits[1]}
    elif limits:
        kind = kind or ipw.FloatLogSlider
        usual |= {"min": math.log10(limits[0]), "max": math.log10(limits[1]), "step": 0.1}
        usual["readout_format"] = ".3g"
    else:
        raise ValueError(f"{name} has neither a range nor choices; pass options=")
    return labelled(kind, label or name.replace("_", " "), **usual | options)


def row(*children, **options):
    """Widgets side by side; they wrap on a narrow page."""
    options = {"flex_flow": "row wrap", "justify_content": "space-between", **options}
    return ipw.HBox(list(children), layout=layout(**options))


def column(*children, width="100%", **options):
    """Widgets on top of each other."""
    return ipw.VBox(list(children), layout=layout(width=width, min_width="280px", **options))


def layout(**options):
    """A layout without scroll bars of its own."""
    return ipw.Layout(**{"overflow": "visible", **options})


def button(text, icon, **options):
    """A button with an icon, as wide as its siblings."""
    return ipw.Button(description=text, icon=icon, layout=layout(width="96px"), **options)
