"""Short notes in a notebook: a coloured line at the left, and text."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass

from ..images.arrays import as_image, resize, to_pil

__all__ = ["COLOURS", "Note", "folded_html", "note_html", "picture_row", "words_html"]

_SIDE = 216  # pixels of the long side of a picture

COLOURS = {"right": "#2e9e5b", "wrong": "#d9822b", "open": "#8a8f98"}


@dataclass(frozen=True)
class Note:
    """A sentence or two, as a notebook shows them.

    Attributes
    ----------
    kind : {"right", "wrong", "open"}
    message : str
    """

    kind: str
    message: str

    def __repr__(self):
        return self.message

    def _repr_html_(self):
        return note_html(self.kind, words_html(self.message).replace("\n", "<br>"))


def note_html(kind, inside) -> str:
    """The HTML of a note; ``inside`` is HTML itself.

    Examples
    --------
    >>> note_html("right", "Yes.").count("#2e9e5b")
    1
    """
    return (
        f'<div style="border-left: 4px solid {COLOURS[kind]}; padding: 0.3em 0.8em; '
        f'margin: 0.3em 0">{inside}</div>'
    )


def words_html(text) -> str:
    """Plain text as HTML; what stands between two stars is stressed.

    Examples
    --------
    >>> words_html("1 < 2 is *always* so")
    '1 &lt; 2 is <em>always</em> so'
    """
    parts = html.escape(text).split("*")
    if len(parts) % 2 == 0:  # a star that stands for itself
        return html.escape(text)
    return "".join(f"<em>{part}</em>" if i % 2 else part for i, part in enumerate(parts))


def folded_html(summary, inside) -> str:
    """HTML to unfold, which needs no kernel; both arguments are HTML themselves.

    Examples
    --------
    >>> "<summary" in folded_html("Hint", "Think.")
    True
    """
    return (
        f'<details style="margin:0.2em 0"><summary style="cursor:pointer">{summary}</summary>'
        f'<div style="padding-left:1.2em">{inside}</div></details>'
    )


def picture_row(pictures) -> str:
    """Small pictures side by side, as HTML; on a narrow page below each other.

    Parameters
    ----------
    pictures : iterable of (str, array or None)
        Captions, and images of shape (1, H, W, 3), cut to the range [0, 1]; None for one that is
        not made yet.
    """
    shown = "".join(
        f'<figure style="margin:0">{_img(image, caption)}<figcaption style="text-align:center">'
        f"{html.escape(caption)}</figcaption></figure>"
        for caption, image in pictures
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin:0.5em 0">{shown}</div>'


def _img(image, caption):
    if image is None:
        return '<div style="padding:3em 1em;border:1px dashed">not made yet</div>'
    image = as_image(image.clip(0, 1))
    factor = _SIDE / max(image.shape[1:3])
    shown = image if factor > 1 else resize(image, max_side=_SIDE)
    height, width = (round(side * factor) for side in image.shape[1:3])
    file = io.BytesIO()
    to_pil(shown).save(file, "JPEG", quality=92, subsampling=0)  # a tenth of its size as PNG
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img alt="{html.escape(caption)}" width="{width}" height="{height}" '
        f'src="data:image/jpeg;base64,{data}">'
    )
