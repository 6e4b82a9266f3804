"""Where to cut a picture into tiles, so that the network sees in each what it sees in the whole.

A tile has a core and a window. The cores cover the picture without overlap; the window holds all
pixels that the positions of its core look at. Position i of a layer with stride s belongs to the
core that holds pixel i * s. Windows begin on the grid of the deepest pooling, so that they are
pooled as the whole picture is, and all have one size, so that one compiled graph serves for all;
they end at the border of the picture at most, so that padding is where the whole picture has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..backend import ops, to_tensor
from ..network.layers import layer_table, receptive_field

__all__ = ["Cutter", "Tile"]


@dataclass(frozen=True)
class Tile:
    """A piece of a picture, made by a :class:`Cutter`.

    Attributes
    ----------
    top, left : int
        Where the window begins, in pixels.
    window : (int, int)
        Its height and width.
    rows, columns : (int, int)
        Of the core: the first, and the one after the last, in pixels of the picture.
    strides : dict of str to int
        Of all layers of the network.
    """

    top: int
    left: int
    window: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    strides: dict[str, int]

    @property
    def core(self) -> tuple[int, int]:
        """Height and width of the core, in pixels."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    def pixels(self, picture):
        """The window's part of an array or tensor of shape (1, H, W, C)."""
        height, width = self.window
        return picture[:, self.top : self.top + height, self.left : self.left + width]

    def cut(self, layer, array):
        """The core's part of an array that has a value for each position of a layer of the picture.

        Parameters
        ----------
        layer : str
        array : array or tensor, shape (1, h, w, ...)

        Returns
        -------
        array or tensor
        """
        (top, bottom), (left, right) = (
            [pixel // self.strides[layer] for pixel in span] for span in (self.rows, self.columns)
        )
        return array[:, top:bottom, left:right]

    @property
    def offset(self) -> tuple[int, int]:
        """Where the core begins in the window, in pixels."""
        return self.rows[0] - self.top, self.columns[0] - self.left


class Cutter:
    """Cuts pictures of any size into tiles, for the layers that are to be looked at.

    Parameters
    ----------
    network : VGG
    layers : sequence of str
        At least one; the deepest decides how far a window reaches beyond its core.
    side : int
        The largest side of a core in pixels. It is taken down to the grid of the deepest pooling,
        but not below one step of it, and cores are made alike in size.

    Examples
    --------
    >>> from nsthelpers import VGG
    >>> cutter = Cutter(VGG(weights="random"), ["block2_conv1"], 32)
    >>> [(tile.columns, tile.left, tile.window) for tile in cutter.tiles((20, 71))]
    [((0, 24), 0, (20, 33)), ((24, 48), 20, (20, 33)), ((48, 71), 38, (20, 33))]
    """

    def __init__(self, network, layers, side):
        self.network, self._side = network, side
        fields = [receptive_field(layer, network.name) for layer in layers]
        self._strides = {row.name: row.stride for row in layer_table(name=network.name)}
        self._grid = max(stride for stride, _, _ in fields)
        self._before = max(before for _, before, _ in fields)
        # Position i sees the pixels from i * stride - before on; the last of a core that ends at
        # pixel e, where i * stride = e - stride, sees so many from e on.
        self._after = max(field - before - stride for stride, before, field in fields)

    def window(self, size) -> tuple[int, int]:
        """Height and width of all windows of a picture of this size."""
        return tuple(self._along(length)[0] for length in size)

    def tiles(self, size) -> list[Tile]:
        """The tiles of a picture, row by row.

        Parameters
        ----------
        size : (int, int)
            Height and width in pixels.

        Returns
        -------
        list of Tile
        """
        (height, down), (width, across) = map(self._along, size)
        return [
            Tile(top, left, (height, width), rows, columns, self._strides)
            for top, rows in down
            for left, columns in across
        ]

    def features(self, picture, layers):
        """Go through a picture tile by tile.

        Parameters
        ----------
        picture : array, float32, shape (1, H, W, 3), RGB, range [0, 1]
        layers : sequence of str

        Yields
        ------
        tile : Tile
        features : dict of str to tensor
            At the positions of its core.
        """
        for tile in self.tiles(picture.shape[1:3]):
            found = self.network.features(to_tensor(tile.pixels(picture)), layers)
            yield tile, self.core(found, tile.offset, tile.core)

    def core(self, features, offset, size):
        """The core's part of features of a window.

        Parameters
        ----------
        features : dict of str to tensor, shape (1, h, w, N)
            At the positions of the window.
        offset : (int, int), or tensor of them
            Where the core begins in the window, in pixels.
        size : (int, int)
            The core's height and width in pixels.

        Returns
        -------
        dict of str to tensor
        """
        found = {}
        for layer, each in features.items():
            stride = self._strides[layer]
            (height, width), filters = size, each.shape[-1]
            found[layer] = ops.slice(
                each,
                [0, offset[0] // stride, offset[1] // stride, 0],
                [1, height // stride, width // stride, filters],
            )
        return found

    def _along(self, length):
        """Cut one axis: the length of all windows; where each begins, and its core."""
        grid = self._grid
        places, most = max(1, length // grid), max(1, self._side // grid)
        count = -(-places // most)
        step = grid * -(-places // count)
        firsts = list(range(0, places * grid, step))
        cores = list(zip(firsts, [*firsts[1:], length], strict=True))  # the last takes the rest
        begins = [max(0, first - -(-self._before // grid) * grid) for first, _ in cores]
        ends = [min(length, end + self._after) for _, end in cores]
        longest = max(end - begin for begin, end in zip(begins, ends, strict=True))
        # What the length has beyond the grid every window has, so that one at the far border
        # begins on the grid too.
        window = length - (length - longest) // grid * grid
        return window, [
            (min(begin, length - window), core) for begin, core in zip(begins, cores, strict=True)
        ]
