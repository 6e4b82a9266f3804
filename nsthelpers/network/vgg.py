"""VGG19 and VGG16 as feature extractors, and the preprocessing that only they know.

The networks are written out as what they are, a row of 3 x 3 convolutions, ReLUs and 2 x 2
poolings, instead of being cut out of a classifier: nothing beyond the deepest wanted layer is
computed, the pooling can be exchanged, and the weights can be rescaled.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import os
import threading
import weakref

import numpy as np

from ..backend import PRECISIONS, ops, to_tensor
from ..images import samples
from ..images.arrays import as_image
from .layers import (
    CONVOLUTIONS,
    STYLE_LAYERS,
    Layer,
    layer_name,
    layer_names,
    layer_table,
)
from .weights import Weights, load_weights

__all__ = [
    "CONVOLUTIONS",
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
# Of the median of a layer's mean activations; trained filters reach 2 %, nearly dead ones 1e-9.
_FAINTEST = 0.01


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
    >>> [round(float(value), 3) for value in preprocess(red)[0, 0, 0]]
    [-103.939, -116.779, 131.32]
    """
    image = ops.convert_to_tensor(image)
    return ops.flip(image, axis=-1) * 255.0 - ops.cast(ops.array(MEANS_BGR), image.dtype)


def deprocess(features):
    """Undo :func:`preprocess`, without clipping.

    Parameters
    ----------
    features : array or tensor, float, shape (..., 3), BGR, about -124 to 151

    Returns
    -------
    tensor, float, the same shape
        RGB.

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
    normalized : bool or sequence of images, default False
        Rescale the weights so that each filter's mean activation over a set of images is 1.
        ``True`` takes scikit-image's photographs among the samples as that set. A filter that
        hardly ever answers there keeps a smaller mean: no mean is taken for less than 1 % of the
        layer's median, or a whisper, made as loud as the others, would drown them elsewhere.

    Attributes
    ----------
    name, pooling : str
    normalized : bool
    precision : {"float32", "bfloat16"}
        What it computes in: "float32", see :meth:`in_precision`.
    source, provenance : str
        Where the weights came from.

    Raises
    ------
    ValueError
        For unknown names, or weights of the other network.
    OSError
        If no weights can be had.

    References
    ----------
    Simonyan & Zisserman (2014), arXiv 1409.1556; average pooling and normalisation: Gatys, Ecker &
    Bethge (2015), "Texture Synthesis Using Convolutional Neural Networks", arXiv 1505.07376,
    section 2.

    Examples
    --------
    >>> network = VGG(weights="random")
    >>> image = np.zeros((1, 32, 48, 3), dtype="float32")
    >>> tuple(network.features(image, "block2_conv1")["block2_conv1"].shape)
    (1, 16, 24, 128)
    """

    def __init__(self, name="vgg19", *, weights="auto", pooling="max", normalized=False):
        if pooling not in ("max", "avg"):
            raise ValueError(f"unknown pooling {pooling!r}; expected 'max' or 'avg'")
        loaded = weights if isinstance(weights, Weights) else load_weights(weights, name)
        if loaded.name != name:
            raise ValueError(f"the weights are {loaded.name}'s; expected weights of {name}")
        self.name, self.pooling, self.normalized = name, pooling, normalized is not False
        self._normalized_over = None
        self.source, self.provenance = loaded.source, loaded.provenance
        self.precision, self._exact = "float32", None
        self._twins = weakref.WeakValueDictionary()  # a twin refers to this network, not both
        self._set_layers(loaded.layers)
        if normalized is not False:
            images = _photographs() if normalized is True else [as_image(i) for i in normalized]
            self._set_layers(self._rescaled(images))
            self._normalized_over = "samples" if normalized is True else _digest(images)

    def features(self, image, layers) -> dict:
        """Activations at any layers in one pass, computed no deeper than the deepest of them.

        Parameters
        ----------
        image : tensor, float32, shape (1, H, W, 3), RGB, range [0, 1], or array
            Arrays are checked and converted by :func:`nsthelpers.as_image`; tensors are taken as
            they are, so that gradients can flow through them.
        layers : str or iterable of str
            Names as Keras or as the papers write them.

        Returns
        -------
        dict of str to tensor, float32, shape (1, h, w, channels)
            Under the names as they were given, in the order in which they were given.

        Raises
        ------
        ValueError
            For an unknown layer, for what is no image, or one too small for the deepest layer.
        """
        given = [layers] if isinstance(layers, str) else layers
        wanted = {layer: layer_name(layer, self.name) for layer in given}
        image = image if ops.is_tensor(image) else as_image(image)
        activations = self._forward(preprocess(image), set(wanted.values()))
        return {layer: activations[known] for layer, known in wanted.items()}

    def in_precision(self, precision) -> VGG:
        """The same network computing in another number format.

        bfloat16 takes little more than half the time on processors that know it
        (:func:`nsthelpers.backend.quickest_precision`); activations agree within about 1 percent,
        and are given back as float32.

        Parameters
        ----------
        precision : {"float32", "bfloat16"}

        Returns
        -------
        VGG
            The same object as long as anything refers to it.

        Raises
        ------
        ValueError
            For any other format.

        Examples
        --------
        >>> network = VGG(weights="random")
        >>> network.in_precision("bfloat16").precision
        'bfloat16'
        """
        if precision not in PRECISIONS:
            raise ValueError(f"unknown precision {precision!r}; expected {' or '.join(PRECISIONS)}")
        exact = self._exact or self
        if precision == "float32":
            return exact
        with _lock:
            twin = exact._twins.get(precision)
            if twin is None:
                twin = copy.copy(exact)
                twin.precision, twin._exact = precision, exact
                twin._set_layers(exact._layers)
                exact._twins[precision] = twin
        return twin

    def settings(self) -> dict:
        """What was chosen, for reports.

        Returns
        -------
        dict
            ``normalized_over`` tells the images of a normalised network: "samples", or a digest.
        """
        over = {"normalized_over": self._normalized_over} if self.normalized else {}
        return {
            "name": self.name,
            "weights": self.source,
            "provenance": self.provenance,
            "pooling": self.pooling,
            "normalized": self.normalized,
            **over,
        }

    def __repr__(self):
        return (
            f"VGG({self.name!r}, weights={self.source!r}, pooling={self.pooling!r}, "
            f"normalized={self.normalized})"
        )

    def _forward(self, activation, wanted):
        image_size = activation.shape[1:3]
        pool = ops.max_pool if self.pooling == "max" else ops.average_pool
        found = {}
        for layer in layer_names(self.name):
            if len(found) == len(wanted):
                break
            if layer in self._layers:
                kernel, bias = self._tensors(layer)
                activation = ops.cast(activation, kernel.dtype)
                answers = ops.conv(activation, kernel, padding="same", data_format="channels_last")
                activation = ops.relu(answers + bias)
            elif min(activation.shape[1:3]) < 2:
                height, width = image_size
                raise ValueError(
                    f"an image of {width} x {height} pixels is too small for {layer}; make both "
                    "sides larger, or look at earlier layers only"
                )
            else:
                activation = pool(activation, 2, strides=2, data_format="channels_last")
            if layer in wanted:
                found[layer] = ops.cast(activation, "float32")
        return found

    def _set_layers(self, arrays):
        self._layers, self._on_device = arrays, {}

    def _tensors(self, layer):
        """Kernel and bias on the device, made when they are first needed."""
        if layer not in self._on_device:
            # The first convolution looks at the pixels themselves and costs little: it stays exact.
            dtype = "float32" if layer == next(iter(self._layers)) else self.precision
            self._on_device[layer] = tuple(to_tensor(array, dtype) for array in self._layers[layer])
        return self._on_device[layer]

    def _rescaled(self, images):
        """Kernels and biases with which filters' mean activation over the images is 1.

        ReLU and both poolings commute with a positive factor, so dividing filter j's kernel and
        bias by its mean, and multiplying the next layer's input j by it, changes the scale of
        each feature map and nothing else.
        """
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
            floor = _FAINTEST * np.median(mean[mean > 0]) if mean.any() else 1.0
            scale = np.maximum(mean, floor)
            scaled = np.asarray(kernel) * before[:, None] / scale
            arrays[layer] = scaled.astype("float32"), (np.asarray(bias) / scale).astype("float32")
            before = scale
        return arrays


def default_network(name="vgg19", weights="auto") -> VGG:
    """Get the process's one copy of a network, made when it is first asked for.

    Returns
    -------
    VGG
        With maximum pooling; the same object every time.
    """
    with _lock:  # two threads that ask at once get one network
        return _network(name, weights, os.environ.get("NST_WEIGHTS"))


_lock = threading.RLock()


@functools.cache
def _network(name, weights, environment):
    return VGG(name, weights=weights)


def _digest(images):
    """What tells one set of images from another."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(repr(image.shape).encode() + image.tobytes())
    return digest.hexdigest()[:16]


def _photographs():
    return [
        samples.load(name, max_side=256)
        for name in samples.names("photograph")
        if samples.credits(name)[0].kind == "scikit-image"
    ]
