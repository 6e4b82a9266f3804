"""Terms that look at all layers at once, place by place: content by likeness, nearest neighbours.

What all layers say of a place is its hypercolumn (``statistics/columns.py``).
"""

from __future__ import annotations

import numpy as np

from ..arguments import check_whole
from ..backend import ops, to_tensor
from ..images.arrays import as_image
from ..network.layers import COLUMN_LAYERS
from ..network.vgg import default_network
from ..statistics.columns import columns, layer_scales, nearest, unit
from .objective import Term
from .pictures import as_paintings, at_scale, at_size, weighted_layers

__all__ = ["NearestNeighbours", "Palette", "SelfSimilarity"]

_APART = 4  # pixels between two columns whose neighbours are looked for


class SelfSimilarity(Term):
    """Show what this picture shows: places that are alike in it are alike in the image.

    With D the matrix of cosine distances between the columns of all places of the image and D' that
    of the picture's, the columns of both divided by their sums::

        loss = mean over places j of sum over i of |D_ij - D'_ij|

    How a place looks is free; the content is which places look alike, and how much.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
        Resized (antialiased) to the image that is being made; the aspect must agree.
    layers : str or sequence of str, default those of Neural Neighbor Style Transfer
        Keras' names or the papers'.
    places : int, default 1024
        How many there are, at most, on a regular grid; means over what lies between stand in them.
    fading : bool, default True
        Whether a picture of half the size counts twice as much, as from coarse to fine in the
        paper: large forms are the content's, fine ones the painting's.
    network : VGG, optional
        Default: VGG19 with maximum pooling.

    Raises
    ------
    ValueError
        For a bad image, a layer that is unknown or named twice, or numbers out of range.

    References
    ----------
    Kolkin, Salavon & Shakhnarovich (2019), arXiv 1904.12785. Compared by reading with
    github.com/nkolkin13/STROTSS, ``contextual_loss.py`` (``dp_loss``) and ``styleTransfer.py``: the
    mean of absolute differences times the number of places, as here; 1,024 places drawn anew at
    each step; weight 16 at 64 pixels, halved at each size, beside 1 for each term of style.

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> photo = white_noise(32, 32)
    >>> content = SelfSimilarity(photo, "block1_conv1", network=VGG(weights="random"))
    >>> content.report(photo)["content"]["loss"] < 1e-6
    True
    """

    label = "content"
    placed = True
    compiled_in = ("layers", "places")

    def __init__(self, image, layers=COLUMN_LAYERS, *, places=1024, fading=True, network=None):
        check_whole("places", places, 2)
        self.image, self.places, self.fading = as_image(image), int(places), bool(fading)
        self.network = network or default_network()
        self.layers, _ = weighted_layers(layers, None, self.network)

    def targets(self, height, width, scale):
        rows, channels = _columns_of(self, at_size(self.image, height, width), self.places)
        scales = layer_scales(rows, channels)
        return {
            "scales": scales,
            "likeness": _likeness(rows * scales),
            "weight": to_tensor(1 / scale if self.fading else 1.0),
        }

    def loss(self, image, features, targets):
        rows = columns([features[layer] for layer in self.layers], self.places)
        apart = ops.abs(_likeness(rows * targets["scales"]) - targets["likeness"])
        return targets["weight"] * ops.mean(ops.sum(apart, axis=0))

    def settings(self):
        return {"layers": list(self.layers), "places": self.places, "fading": self.fading}


class NearestNeighbours(Term):
    """Be a mosaic of this painting that shows that picture, of columns that overlap.

    Each column of the picture is replaced by the painting's that makes the smallest angle with it,
    both less their means; the image shall have these columns::

        loss = mean over places of 1 - cos(column of the image, column that was found)

    What goes where is settled once for each size. :class:`nsthelpers.statistics.Nearest` beside it
    goes on from there and looks for neighbours anew, in each layer.

    Parameters
    ----------
    image : array, shape (1, H, W, 3), RGB, range [0, 1]
        What shall be shown. Resized (antialiased) to the image that is being made; the aspect must
        agree.
    paintings : array or sequence of arrays, shape (1, H, W, 3), RGB, range [0, 1]
        Where columns are taken from. With several, each place takes the best of all.
    layers, network
        As of :class:`SelfSimilarity`.
    places : int, default 4096
        The same; these lie 4 pixels apart or more.
    turned : bool, default True
        Whether columns are looked for in the painting turned by 90, 180 and 270 degrees, too: there
        are more to choose among, and the picture is shown better.

    Raises
    ------
    ValueError
        As :class:`SelfSimilarity` does.

    References
    ----------
    Kolkin, Kucera, Paris, Sykora, Shechtman & Shakhnarovich (2022), "Neural Neighbor Style
    Transfer", arXiv 2203.13215. Compared by reading with the authors' program,
    github.com/nkolkin13/NeuralNeighborStyleTransfer, ``utils/stylize.py`` and
    ``utils/featureExtract.py``: VGG16 with these layers, each divided by its number of channels and
    brought to a quarter of the size; sizes 64, 128, 256, 512; from the second on neighbours are
    looked for of 0.75 of the picture and 0.25 of the image that has been made so far ("alpha"),
    which is the picture alone here; Adam, 0.002, 200 steps a size and 200 for the last part, on a
    Laplacian pyramid. Layers count alike here, as they do there only for filters of equal strength.

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> photo = white_noise(32, 32)
    >>> term = NearestNeighbours(photo, photo, "block1_conv1", network=VGG(weights="random"))
    >>> term.report(photo)["content"]["loss"] < 1e-4  # among themselves they are themselves
    True
    """

    label = "content"
    placed = True
    compiled_in = ("layers", "places")

    def __init__(
        self, image, paintings, layers=COLUMN_LAYERS, *, places=4096, turned=True, network=None
    ):
        check_whole("places", places, 1)
        self.image, self.images = as_image(image), as_paintings(paintings)
        self.places, self.turned = int(places), bool(turned)
        self.network = network or default_network()
        self.layers, _ = weighted_layers(layers, None, self.network)

    def targets(self, height, width, scale):
        turns = range(4 if self.turned else 1)
        found = [
            self._columns(np.rot90(at_scale(painting, scale), turn, (1, 2)).copy())
            for painting in self.images
            for turn in turns
        ]
        theirs, channels = ops.concatenate([rows for rows, _ in found]), found[0][1]
        scales = layer_scales(theirs - ops.mean(theirs, axis=0), channels)
        theirs = theirs * scales
        ours = self._columns(at_size(self.image, height, width))[0] * scales
        chosen = nearest(*(unit(each - ops.mean(each, axis=0)) for each in (ours, theirs)))
        return {"scales": scales, "columns": unit(ops.take(theirs, chosen, axis=0))}

    def _columns(self, picture):
        return _columns_of(self, picture, self._places(*picture.shape[1:3]))

    def _places(self, height, width):
        return min(self.places, max(1, height // _APART) * max(1, width // _APART))

    def loss(self, image, features, targets):
        maps = [features[layer] for layer in self.layers]
        rows = columns(maps, self._places(*image.shape[1:3]))
        return 1 - ops.mean(ops.sum(unit(rows * targets["scales"]) * targets["columns"], axis=1))

    def settings(self):
        return {"layers": list(self.layers), "places": self.places, "turned": self.turned}


class Palette(Term):
    """Have the colours of this painting: their relaxed earth mover's distance.

    With d the distance of two colours, the larger of the two means of the nearest ones'
    (:class:`nsthelpers.statistics.RelaxedEMD`)::

        max(mean over i of min over j of d_ij, mean over j of min over i of d_ij)

    Parameters
    ----------
    paintings : array or sequence of arrays, shape (1, H, W, 3), RGB, range [0, 1]
    places : int, default 4096
        How many colours each picture has, at most: means of equal parts, on a regular grid.

    Raises
    ------
    ValueError
        For a bad image, or numbers out of range.

    Notes
    -----
    d is the Euclidean distance of the values of red, green and blue, 0 for the same colour and 1
    for opposite corners of the cube.

    References
    ----------
    Kolkin, Salavon & Shakhnarovich (2019), arXiv 1904.12785. In their program
    (github.com/nkolkin13/STROTSS, ``contextual_loss.py``) the colours are turned to one axis of
    brightness and two others, and d is the sum of the Euclidean distance and the cosine's; its
    weight is 1 / max(content weight, 1).

    Examples
    --------
    >>> painting = np.array([[0.0, 1.0] * 8] * 16)  # black and white stripes
    >>> report = Palette(painting).report(np.full((1, 16, 16, 3), 0.25))  # grey: from black 1/4
    >>> round(report["palette"]["loss"], 3)  # to the mean of black and white, (1/4 + 3/4) / 2
    0.5
    """

    label = "palette"
    compiled_in = ("places",)

    def __init__(self, paintings, *, places=4096):
        check_whole("places", places, 1)
        self.images, self.places = as_paintings(paintings), int(places)

    def targets(self, height, width, scale):
        found = [columns([at_scale(each, scale)], self.places) for each in self.images]
        return {"colours": to_tensor(ops.concatenate(found))}

    def loss(self, image, features, targets):
        ours, theirs = columns([image], self.places), targets["colours"]
        return ops.maximum(*(_colours_apart(*each) for each in ((ours, theirs), (theirs, ours))))

    def settings(self):
        return {"places": self.places}


def _columns_of(term, picture, places):
    """A picture's columns, and how many channels of them belong to each layer."""
    features = term.network.features(to_tensor(picture), term.layers)
    maps = [features[layer] for layer in term.layers]
    return columns(maps, places), [each.shape[-1] for each in maps]


def _likeness(rows):
    """How far all places are apart, each beside the others: matrix whose columns sum to 1."""
    rows = unit(rows)
    apart = 1 - ops.matmul(rows, ops.transpose(rows))
    return apart / (ops.sum(apart, axis=0) + 1e-6)


def _colours_apart(colours, others):
    """The mean distance of colours from the nearest of others, in parts of black from white."""
    # |a - b|^2 is least where a . b - |b|^2 / 2 is largest.
    lengths = ops.sum(ops.square(others), axis=1, keepdims=True)
    beside = [
        ops.concatenate([colours, ops.ones_like(colours[:, :1])], axis=1),
        ops.concatenate([others, -lengths / 2], axis=1),
    ]
    closest = ops.take(others, nearest(*beside), axis=0)
    squares = ops.mean(ops.square(colours - closest), axis=1)
    return ops.mean(ops.sqrt(squares + 1e-8) - 1e-4)
