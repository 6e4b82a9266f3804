"""Pictures that answer to sliders on a page without a kernel."""

from __future__ import annotations

import hashlib
import html
import io
import itertools
import json
import math
from importlib import resources

import numpy as np

from ..files import write_whole
from ..images.arrays import as_image, resize, to_pil
from ..images.html import data_uri
from .canvas import WIDTH, one_text_each
from .pictures import image_grid

__all__ = ["SliderFigure", "slider_figure"]

_COLUMNS = 4  # of the still picture, where there is one setting
_MOST_PICTURES = 400
_QUALITIES = (90, 85, 80, 75, 70, 65, 60, 55, 50, 45, 40)
_BLOCK = 16  # pixels; encoders work in blocks of at most this side


class SliderFigure:
    """Pictures with sliders; made by :func:`slider_figure`. A notebook shows it as HTML.

    Attributes
    ----------
    html : str
        What a notebook shows: pictures, style and script inside, nothing loaded from elsewhere.
    page : str
        The same as a complete page.
    description : str
    """

    def __init__(self, html, title, description):
        self.html, self.description, self._title = html, description, title

    def __repr__(self):
        return f"SliderFigure: {self.description}"

    def _repr_html_(self):
        return self.html

    @property
    def page(self) -> str:
        return (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>{html.escape(self._title or self.description)}</title>\n"
            "<style>body { margin: 16px; font-family: system-ui, sans-serif; }</style>\n"
            f"<main>\n{self.html}\n</main>\n</html>\n"
        )

    def save(self, path):
        """Write :attr:`page` to a file, which a browser shows without a server.

        Parameters
        ----------
        path : str or Path
            The folder must exist.

        Returns
        -------
        str or Path
            The path as it was given.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        write_whole(path, self.page.encode())
        return path


def slider_figure(
    pictures,
    axes,
    *,
    captions=None,
    title=None,
    description,
    beside=None,
    width=640,
    side=256,
    quality=None,
    kilobytes=600,
):
    """Pictures of a grid of settings, one at a time, chosen by a slider for each setting.

    It works wherever its script runs, without a kernel: in JupyterLab, Colab, nbviewer, and on a
    page that nbconvert or :meth:`SliderFigure.save` made. Where none runs, as on GitHub and in a
    notebook that is not trusted, all pictures stand side by side, small.

    Parameters
    ----------
    pictures : sequence
        One for each combination of labels, the last axis fastest: arrays of shape (1, H, W, 3) in
        [0, 1], Synthesis results or PIL images, which may differ in shape; ``None`` is shown as
        "not computed". 400 at most.
    axes : dict of str to sequence
        One to three settings, each with the labels of its values in order; at least two.
    captions : sequence of str, optional
        One for each picture, below it.
    title : str, optional
    description : str
        What the figure shows, in a sentence, for those who do not see it. The settings and the
        caption of the picture that is shown follow it.
    beside : dict of str to picture, optional
        Pictures that stay, with their labels, such as the photograph and the painting.
    width : int, default 640
        Of the whole figure at most, in CSS pixels; it becomes narrower with the page.
    side : int, default 256
        Longer side of each picture in pixels, as it is kept; larger ones are shrunk to it.
    quality : int, optional
        Of the pictures, 1 to 100. Default: the best from 90 down to 40 that `kilobytes` allows.
    kilobytes : int, default 600
        What the whole figure may take in a notebook, in units of 1000 bytes.

    Returns
    -------
    SliderFigure

    Raises
    ------
    ValueError
        If pictures, labels or captions do not match in number, or it takes too many kilobytes.

    Examples
    --------
    >>> greys = [np.full((1, 32, 48, 3), level) for level in (0.2, 0.4, 0.6, 0.8)]
    >>> slider_figure(
    ...     greys, {"steps": [10, 30, 100, 300]}, description="A picture becomes brighter."
    ... )
    SliderFigure: A picture becomes brighter.
    """
    axes = _checked_axes(axes)
    pictures = list(pictures)
    shape = [len(labels) for labels in axes.values()]
    if len(pictures) != math.prod(shape):
        grid = " x ".join(map(str, shape))
        raise ValueError(
            f"{len(pictures)} pictures for {grid} labels; expected {math.prod(shape)}, the last "
            "axis fastest, None where there is none"
        )
    if len(pictures) > _MOST_PICTURES:
        raise ValueError(
            f"{len(pictures)} pictures; expected {_MOST_PICTURES} at most: leave out labels"
        )
    if all(picture is None for picture in pictures):
        raise ValueError("there is no picture to show; pass at least one that is not None")
    if not description.strip():
        raise ValueError("the description is empty; say in a sentence what the figure shows")
    captions = one_text_each("captions", captions, len(pictures), "pictures")

    pictures = [None if picture is None else _shrunk(picture, side) for picture in pictures]
    beside = {label: _shrunk(picture, side) for label, picture in (beside or {}).items()}
    sheet, places = _laid_out(pictures)
    known = {
        "description": description,
        "axes": [{"name": name, "labels": labels} for name, labels in axes.items()],
        "size": [max(place[axis] for place in places if place) for axis in (2, 3)],
        "places": places,
        "captions": captions,
    }
    still = _contact_sheet(pictures, axes)
    for attempt in _QUALITIES if quality is None else (quality,):
        made = _markup(known, sheet, still, beside, title, width, attempt)
        if len(made) <= 1000 * kilobytes:
            return SliderFigure(made, title, description)
    raise ValueError(
        f"{len(pictures)} pictures of {side} pixels take {len(made) // 1000} kB at quality "
        f"{attempt}, more than {kilobytes}; pass a smaller side= or more kilobytes="
    )


def _checked_axes(axes):
    axes = {str(name): [str(label) for label in labels] for name, labels in axes.items()}
    if not 1 <= len(axes) <= 3:
        raise ValueError(f"{len(axes)} axes; expected one to three settings with their labels")
    for name, labels in axes.items():
        if len(labels) < 2:
            raise ValueError(
                f"axis {name!r} has {len(labels)} label{'s' * (not labels)}; expected at least "
                "two, or there is nothing to choose"
            )
    return axes


def _shrunk(picture, side):
    return resize(as_image(getattr(picture, "image", picture)), max_side=side)[0]


def _laid_out(pictures):
    """One sheet with all pictures, and where each lies on it: (x, y, width, height) or None."""
    shown = [picture for picture in pictures if picture is not None]
    # Whole blocks for each, filled up with its own border, or neighbours would shine through.
    high, wide = (
        _BLOCK * math.ceil(max(picture.shape[axis] for picture in shown) / _BLOCK)
        for axis in (0, 1)
    )
    columns = math.ceil(math.sqrt(len(shown) * high / wide))
    sheet = np.zeros((high * math.ceil(len(shown) / columns), wide * columns, 3), np.float32)
    places, number = [], 0
    for picture in pictures:
        if picture is None:
            places.append(None)
            continue
        y, x = high * (number // columns), wide * (number % columns)
        height, width = picture.shape[:2]
        rest = ((0, high - height), (0, wide - width), (0, 0))
        sheet[y : y + high, x : x + wide] = np.pad(picture, rest, mode="edge")
        places.append((x, y, width, height))
        number += 1
    return sheet, places


def _contact_sheet(pictures, axes):
    """All pictures side by side as a small JPEG, a row for each value of the axes but the last."""
    # In matplotlib's text a dollar sign begins a formula.
    axes = {_plain(name): [_plain(label) for label in axes[name]] for name in axes}
    *above, last = axes
    labels = axes[last]
    if above:
        rows = [", ".join(of) for of in itertools.product(*(axes[name] for name in above))]
        figure = image_grid(
            pictures,
            columns=len(labels),
            column_labels=labels,
            row_labels=rows,
            width=min(WIDTH, 0.3 + 1.4 * len(labels)),
            title=f"{', '.join(above)} (rows) and {last} (columns)",
        )
    else:  # one setting: as many rows as legible pictures need
        columns = math.ceil(len(labels) / math.ceil(len(labels) / _COLUMNS))
        width = min(WIDTH, 2.2 * columns)
        figure = image_grid(pictures, labels, columns=columns, width=width, title=last)
    stream = io.BytesIO()
    figure.savefig(stream, format="jpeg", dpi=80, bbox_inches="tight", pil_kwargs={"quality": 70})
    return data_uri(stream.getvalue(), "jpeg")


def _plain(text):
    return text.replace("$", r"\$")


def _markup(known, sheet, still, beside, title, width, quality):
    text = html.escape
    known = {**known, "sheet": _encoded(sheet, quality)}
    key = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]
    # No text can end the script early.
    data, style = (
        json.dumps(each, ensure_ascii=False).replace("<", "\\u003c")
        for each in ({"key": key, **known}, _source("sliders.css"))
    )
    settings = "; ".join(f"{axis['name']}: {', '.join(axis['labels'])}" for axis in known["axes"])
    unmoved = f"{known['description']} All pictures side by side. {settings}."
    kept = "".join(
        f'<figure><img src="{_encoded(picture, quality)}" width="160" alt="{text(str(label))}">'
        f"<figcaption>{text(str(label))}</figcaption></figure>"
        for label, picture in beside.items()
    )
    return "\n".join(
        [
            # The classes keep MathJax from captions.
            f'<div class="nst-sliders tex2jax_ignore mathjax_ignore" data-key="{key}" '
            f'style="max-width: {width}px">',
            *([f'<p class="nst-title"><strong>{text(title)}</strong></p>'] if title else []),
            f'<img class="nst-still" src="{still}" alt="{text(unmoved)}">',
            *([f'<div class="nst-beside">{kept}</div>'] if kept else []),
            f"<script>\n{_source('sliders.js').rstrip().removesuffix(';')}({data}, {style});",
            "</script>",
            "</div>",
        ]
    )


def _encoded(picture, quality):
    """A data URI of WebP, or of JPEG where that is smaller."""
    made = {}
    for kind in ("webp", "jpeg"):
        stream = io.BytesIO()
        to_pil(picture).save(stream, kind, quality=quality)
        made[kind] = stream.getvalue()
    smaller = min(made, key=lambda kind: len(made[kind]))
    return data_uri(made[smaller], smaller)


def _source(name):
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
