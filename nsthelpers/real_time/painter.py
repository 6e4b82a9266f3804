"""A network that has learnt to paint, with all that it takes to use it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..arguments import did_you_mean, is_whole
from ..backend import compile_function, to_numpy, to_tensor
from ..images.arrays import as_image, resize
from ..images.colours import mean_palette, with_palette
from . import files
from .export import export_network
from .network import Architecture, StyleNetwork

__all__ = ["Painter", "load_painter", "painters"]

#: Painters that come with the package: files of :meth:`Painter.save`.
SHIPPED = Path(__file__).parent / "painters"

_TILE = 768  # pixels: larger pictures are painted in pieces of this size
_SMALLEST = 16


class Painter:
    """Paints a photograph at once, in the manner of the paintings that it was trained on.

    Parameters
    ----------
    network : StyleNetwork
    names : sequence of str
        Of the paintings, one for each row of the network.
    palettes : sequence of (array, array), or None
        The paintings' colours; see :func:`nsthelpers.images.colours.palette`. None: it was trained
        with ``colours_first=False``, and gets photographs as they are.
    settings : dict, optional
        How it was trained.
    mix : str, dict of str to float, or sequence of float, optional
        The paintings that it uses unless told otherwise. Default: the first.

    Examples
    --------
    >>> network = StyleNetwork(Architecture(channels=(4, 4, 4), blocks=1))
    >>> grey = np.full((1, 30, 21, 3), 0.5, "float32")
    >>> painter = Painter(network, ["night"], [(np.full(3, 0.5), np.eye(3) * 0.01)])
    >>> painter(grey).shape, painter
    ((1, 30, 21, 3), Painter(night))
    """

    def __init__(self, network, names, palettes, settings=None, mix=None):
        self.network, self.names = network, tuple(names)
        self.palettes = None
        if palettes is not None:
            pairs = ((np.asarray(part, "float64") for part in each) for each in palettes)
            self.palettes = [tuple(each) for each in pairs]
        self.settings = dict(settings or {})
        rows = network.architecture.paintings
        given = rows if self.palettes is None else len(self.palettes)
        if len(self.names) != rows or given != rows:
            raise ValueError(
                f"the network has {rows} paintings; got {len(self.names)} names and "
                f"{given} palettes"
            )
        self.mix = self.shares(mix if mix is not None else self.names[0])
        self._compiled = compile_function(lambda *inputs: network(*inputs), any_shape=True)
        self._seen: set = set()

    def __call__(self, photo, mix=None, *, tile=_TILE, colours=None):
        """Paint a photograph.

        Parameters
        ----------
        photo : array, shape (1, H, W, 3), RGB, range [0, 1], at least 16 pixels high and wide
        mix : str, dict of str to float, or sequence of float, optional
            A painting's name, shares of several by name, or a share for each. Default: the
            painter's own.
        tile : int or None, default 768
            A picture with a longer side is painted in pieces of at most this size, all
            normalised by the statistics of a smaller copy of the whole, so that memory does not
            grow and no seams show. At least what the network needs around 4 pixels of the result,
            108 in the default architecture. None: all pictures in one piece.
        colours : (array, array), optional
            Mean and covariance of the colours to start from, as of
            :func:`nsthelpers.images.colours.palette`. Default: the photograph's. Those of a whole
            clip keep its frames from changing their colours one by one.

        Returns
        -------
        array, float32, the shape of ``photo``, range [0, 1]

        Raises
        ------
        ValueError
            For what is no picture, or too small a one; an unknown painting; shares that are
            negative or all 0; a tile that is no whole number, or too small.
        TypeError
            For what is no array.
        """
        self._check_tile(tile)
        photo = as_image(photo)
        height, width = photo.shape[1:3]
        if min(height, width) < _SMALLEST:
            raise ValueError(
                f"the photograph has {width} x {height} pixels; expected at least "
                f"{_SMALLEST} x {_SMALLEST}"
            )
        shares = self.mix if mix is None else self.shares(mix)
        recoloured = self.recoloured(photo, shares, colours=colours)
        mixture = to_tensor(shares[None])
        if tile is None or max(height, width) <= tile:
            return self._whole(recoloured, mixture)
        return self._in_tiles(recoloured, mixture, tile)

    def recoloured(self, photo, shares, *, colours=None) -> np.ndarray:
        """What the network sees: the photograph in the colours of the paintings, or as it is.

        Parameters
        ----------
        photo : array, shape (1, H, W, 3), RGB, range [0, 1]
        shares : array, shape (paintings,)
            As :meth:`shares` gives them.
        colours : (array, array), optional
            As for painting.

        Returns
        -------
        array, float32, the shape of ``photo``, range [0, 1]
        """
        if self.palettes is None:
            return photo
        return with_palette(photo, *mean_palette(self.palettes, shares), own=colours)

    def shares(self, mix) -> np.ndarray:
        """What each painting counts, from whatever says so.

        Parameters
        ----------
        mix : str, dict of str to float, or sequence of float
            As for painting.

        Returns
        -------
        array, float32, shape (paintings,), sum 1

        Raises
        ------
        ValueError
            For an unknown painting; more or fewer shares than paintings; shares that are no
            numbers, negative, not finite or all 0.
        """
        if isinstance(mix, str):
            mix = {mix: 1.0}
        if isinstance(mix, dict):
            for name in mix:
                if name not in self.names:
                    raise ValueError(f"unknown painting {name!r}; {did_you_mean(name, self.names)}")
            mix = [mix.get(name, 0.0) for name in self.names]
        try:
            shares = np.asarray(mix, "float64")
        except (TypeError, ValueError):
            raise ValueError(
                f"mix is {mix!r}; expected a painting's name, or shares as numbers"
            ) from None
        if shares.shape != (len(self.names),):
            raise ValueError(f"mix has {shares.size} shares; expected one for each of {self.names}")
        if not np.isfinite(shares).all() or shares.min() < 0 or shares.sum() <= 0:
            raise ValueError(f"mix is {mix}; expected shares of at least 0, and one above")
        return (shares / shares.sum()).astype("float32")

    def save(self, path) -> Path:
        """Write weights (float16), palettes and settings to one file of safetensors.

        Parameters
        ----------
        path : str or Path, ending in ".safetensors"

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            For another ending.
        OSError
            If the folder does not exist (FileNotFoundError) or the file cannot be written.
        """
        path = files.checked_name(path, "a painter")
        arrays = {
            name: to_numpy(value).astype("float16") for name, value in self.network.weights.items()
        }
        described = {
            "architecture": self.network.architecture.settings(),
            "names": list(self.names),
            "palettes": self._palettes_as_data(),
            "settings": self.settings,
        }
        files.write(path, "a painter", arrays, described)
        return path

    def export(self, path) -> Path:
        """Write the network as ONNX, for programs without Keras: phones, web pages, C++.

        Parameters
        ----------
        path : str or Path, ending in ".onnx"

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            For another ending.
        ImportError
            Without the package onnx: ``pip install "nsthelpers[export]"``.

        Notes
        -----
        Inputs: ``image``, float32, shape (1, height, width, 3), range [0, 1], any height and width
        that are multiples of 4; ``mix``, float32, shape (1, paintings), what each painting counts,
        summing to 1. Output: ``painted``, of the shape of ``image``. What this class does around
        the network is not in the graph: the photograph is moved to the paintings' colours first
        (:func:`nsthelpers.match_colours`), and sides are filled up to multiples of 4. Names and
        palettes travel as the model's metadata, in JSON.

        A web page that brings a runtime of its own reads the file of :meth:`save`, which holds
        the same weights by name in half the size.
        """
        described = {
            "names": list(self.names),
            "palettes": self._palettes_as_data(),
        }
        return export_network(self.network, path, described)

    def _check_tile(self, tile):
        least = 2 * self._halo() + 4
        if tile is not None and not is_whole(tile, least):
            raise ValueError(
                f"tile is {tile!r}; expected None or a whole number of at least {least}: this "
                f"network looks {self._halo()} pixels beyond the edges of what each piece adds"
            )

    def _halo(self):
        # Beyond its receptive field a pixel knows of the picture by the statistics only.
        return 4 * -(-self.network.receptive_field() // 8)

    def _palettes_as_data(self):
        if self.palettes is None:
            return None
        return [[part.tolist() for part in each] for each in self.palettes]

    def _whole(self, recoloured, mixture):
        height, width = recoloured.shape[1:3]
        # Compiling takes longer than painting once: the second picture of a size pays for it.
        paint = self._compiled if (height, width) in self._seen else self.network
        self._seen.add((height, width))
        painted = paint(to_tensor(_to_fours(recoloured)), mixture)
        return to_numpy(painted)[:, :height, :width]

    def _in_tiles(self, recoloured, mixture, tile):
        height, width = recoloured.shape[1:3]
        factor = tile / max(height, width)
        small = tuple(max(_SMALLEST, 4 * round(factor * side / 4)) for side in (height, width))
        statistics: dict = {}
        self.network(to_tensor(resize(recoloured, size=small)), mixture, statistics)
        halo = self._halo()
        core = 4 * ((tile - 2 * halo) // 4)
        whole = _to_fours(recoloured)
        painted = np.empty_like(whole)
        for top in range(0, whole.shape[1], core):
            for left in range(0, whole.shape[2], core):
                # At the picture's own borders nothing is added: there the network mirrors it.
                above, before = min(halo, top), min(halo, left)
                piece = whole[
                    :, top - above : top + core + halo, left - before : left + core + halo
                ]
                found = to_numpy(self.network(to_tensor(piece), mixture, statistics))
                painted[:, top : top + core, left : left + core] = found[
                    :, above : above + core, before : before + core
                ]
        return painted[:, :height, :width]

    def __repr__(self):
        return f"Painter({', '.join(self.names)})"


def load_painter(source) -> Painter:
    """Get a painter that comes with the package, or one that was saved.

    Parameters
    ----------
    source : str or Path
        One of the names that :func:`painters` lists: the painter uses that painting unless told
        otherwise, and knows all the others of its network. Else a file of :meth:`Painter.save`.
        A name goes before a file of the same name: write ``./swirling_night`` for the file.

    Returns
    -------
    Painter

    Raises
    ------
    FileNotFoundError
        If there is no painter of that name, and no such file.
    ValueError
        If it is no painter, or a damaged one.

    Examples
    --------
    >>> [load_painter(name)(np.zeros((1, 16, 16, 3))).shape for name in painters()[:1]]
    [...]
    """
    known = _shipped() if _is_name(source) else {}
    named = source in known
    path = known[source] if named else Path(source).expanduser()
    if not path.is_file():
        raise FileNotFoundError(_missing(source, known))
    arrays, described = files.read(path, "a painter")
    network = StyleNetwork(Architecture(**described["architecture"]))
    fill(network, arrays, path)
    names, palettes = described["names"], described["palettes"]
    mix = source if named else None
    return Painter(network, names, palettes, described["settings"], mix)


def painters() -> list[str]:
    """The names of the paintings whose painters come with the package.

    Returns
    -------
    list of str
        What :func:`load_painter` takes; empty where none came with this installation.

    Examples
    --------
    >>> all(isinstance(name, str) for name in painters())
    True
    """
    return list(_shipped())


def _shipped() -> dict[str, Path]:
    """The file of every painter that comes along, by the names of its paintings."""
    return {
        name: path
        for path in sorted(SHIPPED.glob("*.safetensors"))
        for name in files.describe(path, "a painter")["names"]
    }


def _is_name(source):
    return isinstance(source, str) and Path(source).name == source and not Path(source).suffix


def _missing(source, known):
    if not _is_name(source):
        return f"there is no painter {Path(source)}"
    if not known:
        return (
            f"there is no painter {source!r}: none came with this installation; train one with "
            "nst.train_painter, or give a file"
        )
    return f"there is no painter {source!r}: {did_you_mean(source, known)}"


def fill(network, arrays, path):
    """Give a network its weights; ValueError where one is missing, misshapen or not finite."""
    for name, variable in network.weights.items():
        values = arrays.get(name)
        if values is None or tuple(values.shape) != tuple(variable.shape):
            found = "not there" if values is None else f"of shape {tuple(values.shape)}"
            raise ValueError(f"{path}: {name} is {found}; expected shape {tuple(variable.shape)}")
        if not np.isfinite(values).all():
            raise ValueError(f"{path}: {name} holds values that are not finite")
        variable.assign(values.astype("float32"))


def _to_fours(picture):
    """Mirrored below and to the right, until height and width are multiples of 4."""
    down, right = (-side % 4 for side in picture.shape[1:3])
    return np.pad(picture, [(0, 0), (0, down), (0, right), (0, 0)], mode="symmetric")
