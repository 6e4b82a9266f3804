"""Small tables for the notebooks."""

from __future__ import annotations

import html

import numpy as np

__all__ = ["Table", "layer_table"]


class Table:
    """A small table for a notebook: HTML there, aligned text elsewhere.

    Parameters
    ----------
    header : sequence of str or None
    rows : sequence of sequences
        Numbers are aligned to the right.

    Examples
    --------
    >>> Table(["layer", "channels"], [("block1_conv1", 64), ("block5_conv4", 512)])
    layer         channels
    block1_conv1        64
    block5_conv4       512
    """

    def __init__(self, header, rows):
        self.header = None if header is None else [str(cell) for cell in header]
        self.rows = [list(row) for row in rows]

    def __repr__(self):
        texts = [[_cell(cell) for cell in row] for row in self.rows]
        lines = ([self.header] if self.header else []) + texts
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        right = self._numeric()
        return "\n".join(
            "  ".join(
                text.rjust(width) if number else text.ljust(width)
                for text, width, number in zip(line, widths, right, strict=True)
            ).rstrip()
            for line in lines
        )

    def _repr_html_(self):
        right = self._numeric()
        head = "" if self.header is None else f"<thead>{_row('th', self.header, right)}</thead>"
        body = "".join(_row("td", map(_cell, row), right) for row in self.rows)
        return f"<table>{head}<tbody>{body}</tbody></table>"

    def _numeric(self):
        return [
            all(isinstance(cell, (int, float, np.number)) for cell in column)
            for column in zip(*self.rows, strict=True)
        ]


def layer_table(size=(224, 224), name="vgg19") -> Table:
    """The network's layers as a table; the columns of :func:`nsthelpers.vgg.layer_table`.

    Parameters
    ----------
    size : (int, int), default (224, 224)
        Height and width of the input image, in pixels.
    name : {"vgg19", "vgg16"}, default "vgg19"

    Returns
    -------
    Table

    Examples
    --------
    >>> str(layer_table()).splitlines()[1].split()[:2]
    ['block1_conv1', 'conv1_1']
    """
    from ..network.vgg import layer_table as layers

    header = ["layer", "in papers", "height × width × channels", "parameters", "stride"]
    header.append("receptive field")
    rows = [
        (
            layer.name,
            layer.paper_name,
            " × ".join(map(str, layer.shape)),
            layer.parameters,
            layer.stride,
            layer.receptive_field,
        )
        for layer in layers(size, name)
    ]
    return Table(header, rows)


def _cell(value):
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _row(tag, cells, right):
    made = (
        f'<{tag} style="text-align:{"right" if number else "left"}">{html.escape(cell)}</{tag}>'
        for cell, number in zip(cells, right, strict=True)
    )
    return f"<tr>{''.join(made)}</tr>"
