"""Images on a page: inside its HTML, with their description in words."""

from __future__ import annotations

import base64
import html

__all__ = ["data_uri", "image_tag"]


def data_uri(data, kind) -> str:
    """The bytes of a picture's file as an address that holds them.

    Parameters
    ----------
    data : bytes
    kind : {"jpeg", "png", "webp", "svg+xml"}

    Examples
    --------
    >>> data_uri(b"123", "png")
    'data:image/png;base64,MTIz'
    """
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def image_tag(data, kind, description) -> str:
    """A picture as HTML.

    A notebook's output of a type such as ``image/png`` has no alternative text that readers meet:
    JupyterLab 4.6 and the page that nbconvert 7.17 makes by default do not look at the metadata
    ``alt``. HTML takes as many bytes and has one everywhere.

    Parameters
    ----------
    data, kind
        As for :func:`data_uri`.
    description : str
        The alternative text, for those who do not see the picture.

    Examples
    --------
    >>> image_tag(b"123", "png", "Two cats & a dog.")
    '<img src="data:image/png;base64,MTIz" alt="Two cats &amp; a dog.">'
    """
    return f'<img src="{data_uri(data, kind)}" alt="{html.escape(description)}">'
