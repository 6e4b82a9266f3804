"""VGG19 and VGG16 as feature extractors, and the preprocessing that only they know.

The networks are written out as what they are, a row of 3 x 3 convolutions, ReLUs and 2 x 2 poolings,
instead of being cut out of a classifier: nothing below the deepest wanted layer is computed, the
pooling can be exchanged, and the weights can be rescaled.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from dataclasses import dataclass

import numpy as np

from . import weights as weight_files
from .backend import ops

__all__ = [
    "MEANS_BGR",
    "STYLE_LAYERS",
    "VGG",
    "Layer",
    "default_network",
    "deprocess",
    "layer_name",
    "layer_table",
    "preprocess",
]

#: Mean blue, green and red of ImageNet's training images, in 0 to 255.
MEANS_BGR = (103.939, 116.779, 123.68)

#: The style layers of Gatys et al.: the first convolution of every block.
STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))

_CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Layer:
    """One row of :func:`layer_table`.

    Attributes
    ----------
    name, paper_name : str
        Keras' name and the papers', such as "block4_conv2" and "conv4_2".
    kind : {"convolution", "pooling"}
    shape : (int, int, int)
        Height, width, channels of the output.
    parameters : int
        Kernel entries and biases.
    stride : int
        How many input pixels lie between neighbouring outputs.
    receptive_field : int
        Side of the square of input pixels that one output sees.
    """

    name: str
    paper_name: str
    kind: str
    shape: tuple[int, int, int]
    parameters: int
    stride: int
    receptive_field: int


def layer_table(size=(224, 224), name="vgg19") -> list[Layer]:
    """Every convolution and pooling layer with its shape, parameters, stride, receptive field.

    Parameters
    ----------
    size : (int, int), default (224, 224)
        Height and width of the input image, in pixels.
    name : {"vgg19", "vgg16"}, default "vgg19"

    Returns
    -------
    list of Layer

    Raises
    ------
    ValueError
        For an unknown network.

    References
    ----------
    Simonyan & Zisserman (2014), arXiv 1409.1556, table 1 (columns D and E).

    Examples
    --------
    >>> table = layer_table()
    >>> table[0].name, table[0].shape, table[0].parameters, table[0].receptive_field
    ('block1_conv1', (224, 224, 64), 1792, 3)
    >>> sum(layer.parameters for layer in table)
    20024384
    """
    (height, width), rows = size, []
    channels, stride, field = 3, 1, 1
    for layer in _layer_names(name):
        block, kind, index = _parts(layer)
        if kind == "conv":
            outputs = _CHANNELS[block - 1]
            parameters = 9 * channels * outputs + outputs
            channels, field = outputs, field + 2 * stride
            row = (f"conv{block}_{index}", "convolution")
        else:
            height, width, parameters = height // 2, width // 2, 0
            field, stride = field + stride, 2 * stride
            row = (f"pool{block}", "pooling")
        rows.append(Layer(layer, *row, (height, width, channels), parameters, stride, field))
    return rows


def layer_name(layer: str, name="vgg19") -> str:
    """Keras' name of a layer: the papers' names are accepted and mean the same layer.

    Keras' convolution layers end in their ReLU, so "conv4_2" and "relu4_2" are both
    "block4_conv2".

    Raises
    ------
    ValueError
        For a name that the network does not have; the closest ones are named.

    Examples
    --------
    >>> layer_name("conv4_2"), layer_name("relu4_2"), layer_name("pool3")
    ('block4_conv2', 'block4_conv2', 'block3_pool')
    """
    known = _layer_names(name)
    text = str(layer).strip().lower()
    match = re.fullmatch(r"(?:conv|relu)_?(\d)_(\d)", text) or re.fullmatch(r"pool_?(\d)", text)
    if match:
        block, *rest = match.groups()
        text = f"block{block}_conv{rest[0]}" if rest else f"block{block}_pool"
    if text not in known:
        close = difflib.get_close_matches(text, known, n=3, cutoff=0.5) or known[:3]
        given = repr(layer) if str(layer).strip() else "an empty layer name"
        raise ValueError(f"{name} has no layer {given}; did you mean {' or '.join(close)}?")
    return text


def preprocess(image):
    """RGB in [0, 1] to what VGG was trained on: BGR in 0 to 255, minus ImageNet's means.

    Parameters
    ----------
    image : array or tensor, float, shape (..., 3), RGB, range [0, 1]
        It is not changed (``keras.applications.vgg19.preprocess_input`` changes NumPy input).

    Returns
    -------
    tensor, float, the same shape
        BGR, about -124 to 151.

    Examples
    --------
    >>> red = np.array([[[[1.0, 0.0, 0.0]]]], dtype="float32")
    >>> np.asarray(preprocess(red)).round(3).ravel().tolist()
    [-103.939, -116.779, 131.32]
    """
    image = ops.convert_to_tensor(image)
    return ops.flip(image, axis=-1) * 255.0 - ops.cast(ops.array(MEANS_BGR), image.dtype)


def deprocess(features):
    """The inverse of :func:`preprocess`; not clipped.

    Examples
    --------
    >>> image = np.full((1, 2, 2, 3), 0.25, dtype="float32")
    >>> bool(np.allclose(deprocess(preprocess(image)), image, atol=1e-6))
    True
    """
    features = ops.convert_to_tensor(features)
    means = ops.cast(ops.array(MEANS_BGR), features.dtype)
    return ops.flip(features + means, axis=-1) / 255.0


class VGG:
    """A VGG network up to its last pooling, with frozen weights.

    Parameters
    ----------
    name : {"vgg19", "vgg16"}, default "vgg19"
    weights : str, path or Weights, default "auto"
        As :func:`nsthelpers.weights.load_weights` takes it.
    pooling : {"max", "avg"}, default "max"
        Gatys et al. found average pooling slightly more appealing.
    normalized : bool or list of images, default False
        Rescale the weights so that each filter's mean activation over a set of images is 1.
        ``True`` takes the package's photographs as that set.

    Attributes
    ----------
    source, provenance : str
        Where the weights came from.

    Raises
    ------
    ValueError
        For unknown names. OSError if no weights can be had.

    References
    ----------
    Simonyan & Zisserman (2014), arXiv 1409.1556; normalisation: Gatys, Ecker & Bethge (2015),
    "Texture Synthesis Using Convolutional Neural Networks", arXiv 1505.07376, section 2.

    Examples
    --------
    >>> network = VGG(weights="random")
    >>> image = np.zeros((1, 32, 48, 3), dtype="float32")
    >>> network.features(image, ["block2_conv1"])["block2_conv1"].shape[1:]
    (16, 24, 128)
    """

    def __init__(self, name="vgg19", *, weights="auto", pooling="max", normalized=False):
        if name not in _CONVOLUTIONS:
            raise ValueError(f"unknown network {name!r}; expected 'vgg19' or 'vgg16'")
        if pooling not in ("max", "avg"):
            raise ValueError(f"unknown pooling {pooling!r}; expected 'max' or 'avg'")
        loaded = (
            weights
            if isinstance(weights, weight_files.Weights)
            else weight_files.load_weights(weights, name)
        )
        if loaded.name != name:
            raise ValueError(f"the weights are {loaded.name}'s; expected weights of {name}")
        self.name, self.pooling, self.normalized = name, pooling, normalized is not False
        self.source, self.provenance = loaded.source, loaded.provenance
        self._set_layers(loaded.layers)
        if self.normalized:
            self._set_layers(self._rescaled(_photographs() if normalized is True else normalized))

    def features(self, image, layers) -> dict:
        """Activations at any layers in one pass, computed no deeper than the deepest of them.

        Parameters
        ----------
        image : array or tensor, float32, shape (1, H, W, 3), RGB, range [0, 1]
        layers : iterable of str
            Names as Keras or as the papers write them.

        Returns
        -------
        dict of str to tensor, float32, shape (1, h, w, channels)
            Under the names as they were given, in the order in which they were given.
        """
        wanted = {layer: layer_name(layer, self.name) for layer in layers}
        activations = self._forward(preprocess(image), set(wanted.values()))
        return {layer: activations[known] for layer, known in wanted.items()}

    def settings(self) -> dict:
        """What was chosen, for reports."""
        return {
            "name": self.name,
            "weights": self.source,
            "provenance": self.provenance,
            "pooling": self.pooling,
            "normalized": self.normalized,
        }

    def __repr__(self):
        return (
            f"VGG({self.name!r}, weights={self.source!r}, pooling={self.pooling!r}, "
            f"normalized={self.normalized})"
        )

    def _forward(self, activation, wanted):
        found = {}
        for layer in _layer_names(self.name):
            if len(found) == len(wanted):
                break
            if layer in self._layers:
                kernel, bias = self._layers[layer]
                activation = ops.relu(ops.conv(activation, kernel, padding="same") + bias)
            elif self.pooling == "max":
                activation = ops.max_pool(activation, 2, strides=2)
            else:
                activation = ops.average_pool(activation, 2, strides=2)
            if layer in wanted:
                found[layer] = activation
        return found

    def _set_layers(self, arrays):
        self._layers = {
            layer: (ops.convert_to_tensor(kernel), ops.convert_to_tensor(bias))
            for layer, (kernel, bias) in arrays.items()
        }

    def _rescaled(self, images):
        """Kernels and biases after which every filter's mean activation over the images is 1.

        ReLU and both poolings commute with a positive factor, so dividing filter j's kernel and
        bias by its mean, and multiplying the next layer's input j by it, changes the scale of
        each feature map and nothing else.
        """
        images = list(images)
        if not images:
            raise ValueError("no images to normalise over; pass at least one")
        totals, positions = dict.fromkeys(self._layers, 0.0), dict.fromkeys(self._layers, 0)
        for image in images:
            for layer, activation in self.features(image, self._layers).items():
                values = np.asarray(activation, dtype="float64")
                totals[layer] = totals[layer] + values.sum((0, 1, 2))
                positions[layer] += values.shape[1] * values.shape[2]
        arrays, before = {}, np.ones(3)
        for layer, (kernel, bias) in self._layers.items():
            mean = totals[layer] / positions[layer]
            scale = np.where(mean > 0, mean, 1.0)  # a filter that never answers stays as it is
            scaled = np.asarray(kernel) * before[:, None] / scale
            arrays[layer] = scaled.astype("float32"), (np.asarray(bias) / scale).astype("float32")
            before = scale
        return arrays


@functools.cache
def _network(name, weights, environment):
    return VGG(name, weights=weights)


def default_network(name="vgg19", weights="auto") -> VGG:
    """The process's one copy of a network, made when it is first asked for."""
    return _network(name, weights, os.environ.get("NST_WEIGHTS"))


@functools.cache
def _layer_names(name) -> tuple[str, ...]:
    if name not in _CONVOLUTIONS:
        raise ValueError(f"unknown network {name!r}; expected 'vgg19' or 'vgg16'")
    names = []
    for block, count in enumerate(_CONVOLUTIONS[name], start=1):
        names += [f"block{block}_conv{index}" for index in range(1, count + 1)]
        names.append(f"block{block}_pool")
    return tuple(names)


def _parts(layer):
    match = re.fullmatch(r"block(\d)_(conv|pool)(\d?)", layer)
    return int(match[1]), match[2], match[3]


def _photographs():
    from . import samples  # only needed here, and it reads files

    return [
        samples.load(name, max_side=256)
        for name in samples.names("photograph")
        if samples.credits(name)[0].kind == "scikit-image"
    ]
