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

from ..arguments import check_choice
from ..backend import PRECISIONS, ops, to_tensor
from ..choices import PADDINGS, POOLINGS
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
    padding : {"zero", "reflect", "circular"}, default "zero"
        What a convolution sees one pixel beyond the border: nothing, as when VGG was trained; the
        pixels inside, mirrored; or those at the other border, as if the picture were one tile of
        many. Zeros tell a filter where the border is. Layers have the same sizes with all three.
    normalized : bool or sequence of images, default False
        Rescale the weights so that each filter's mean activation over a set of images is 1.
        ``True`` takes scikit-image's photographs among the samples as that set. A filter that
        hardly ever answers there keeps a smaller mean: no mean is taken for less than 1 % of the
        layer's median, or a whisper, made as loud as the others, would drown them elsewhere.

    Attributes
    ----------
    name, pooling, padding : str
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
    section 2. Zeros as a trace of place: Islam, Jia & Bruce (2020), "How Much Position Information
    Do Convolutional Neural Networks Encode?", arXiv 2001.08248.

    Examples
    --------
    >>> network = VGG(weights="random")
    >>> image = np.zeros((1, 32, 48, 3), dtype="float32")
    >>> tuple(network.features(image, "block2_conv1")["block2_conv1"].shape)
    (1, 16, 24, 128)
    """

    def __init__(
        self, name="vgg19", *, weights="auto", pooling="max", padding="zero", normalized=False
    ):
        check_choice("pooling", pooling, POOLINGS)
        check_choice("padding", padding, PADDINGS)
        loaded = weights if isinstance(weights, Weights) else load_weights(weights, name)
        if loaded.name != name:
            raise ValueError(f"the weights are {loaded.name}'s; expected weights of {name}")
        self.name, self.pooling, self.padding = name, pooling, padding
        self.normalized = normalized is not False
        self._normalized_over = None
        self.source, self.provenance = loaded.source, loaded.provenance
        self.precision, self._exact = "float32", None
        self._twins = weakref.WeakValueDictionary()  # a twin refers to this network, not both
        self._kernels = _kernels_of(loaded, made_here=loaded is not weights)
        if normalized is not False:
            images = _photographs() if normalized is True else [as_image(i) for i in normalized]
            self._kernels = _Kernels(self._rescaled(images))
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
                exact._twins[precision] = twin
        return twin

    def settings(self) -> dict:
        """What was chosen, for reports.

        Returns
        -------
        dict
            ``normalized_over`` tells the images of a normalised network: "samples", or a digest.
            ``padding`` is left out where it is the usual one, so that networks are called what they
            were called before there was a choice.
        """
        over = {"normalized_over": self._normalized_over} if self.normalized else {}
        padding = {} if self.padding == "zero" else {"padding": self.padding}
        return {
            "name": self.name,
            "weights": self.source,
            "provenance": self.provenance,
            "pooling": self.pooling,
            **padding,
            "normalized": self.normalized,
            **over,
        }

    def digest(self, layers) -> str:
        """What tells the weights that decide these layers' features from others.

        Parameters
        ----------
        layers : iterable of str
            Names as Keras writes them.

        Returns
        -------
        str
            The start of a SHA-256, of every convolution down to the deepest of the layers.

        Examples
        --------
        >>> network = VGG(weights="random")
        >>> network.digest(["block1_conv1"]) == network.digest(["block1_conv2"])
        False
        """
        names, digest = layer_names(self.name), hashlib.sha256()
        deepest = max((names.index(layer) for layer in layers), default=-1)
        for name in names[: deepest + 1]:
            for array in self._kernels.layers.get(name, ()):
                digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()[:16]

    def __repr__(self):
        padding = "" if self.padding == "zero" else f"padding={self.padding!r}, "
        return (
            f"VGG({self.name!r}, weights={self.source!r}, pooling={self.pooling!r}, {padding}"
            f"normalized={self.normalized})"
        )

    def _forward(self, activation, wanted):
        image_size = activation.shape[1:3]
        pool = ops.max_pool if self.pooling == "max" else ops.average_pool
        found = {}
        for layer in layer_names(self.name):
            if len(found) == len(wanted):
                break
            if layer in self._kernels.layers:
                kernel, bias = self._kernels.tensors(layer, self.precision)
                activation, room = ops.cast(activation, kernel.dtype), "same"
                if self.padding != "zero":
                    activation, room = _padded(activation, self.padding), "valid"
                answers = ops.conv(activation, kernel, padding=room, data_format="channels_last")
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

    def _rescaled(self, images):
        """Kernels and biases with which filters' mean activation over the images is 1.

        ReLU and both poolings commute with a positive factor, so dividing filter j's kernel and
        bias by its mean, and multiplying the next layer's input j by it, changes the scale of
        each feature map and nothing else.
        """
        if not images:
            raise ValueError("no images to normalise over; pass at least one")
        layers = self._kernels.layers
        totals, positions = dict.fromkeys(layers, 0.0), dict.fromkeys(layers, 0)
        for image in images:
            for layer, activation in self.features(image, layers).items():
                values = np.asarray(activation, dtype="float64")
                totals[layer] = totals[layer] + values.sum((0, 1, 2))
                positions[layer] += values.shape[1] * values.shape[2]
        arrays, before = {}, np.ones(3)
        for layer, (kernel, bias) in layers.items():
            mean = totals[layer] / positions[layer]
            floor = _FAINTEST * np.median(mean[mean > 0]) if mean.any() else 1.0
            scale = np.maximum(mean, floor)
            scaled = np.asarray(kernel) * before[:, None] / scale
            arrays[layer] = scaled.astype("float32"), (np.asarray(bias) / scale).astype("float32")
            before = scale
        return arrays


class _Kernels:
    """The weights of networks that have the same ones: one copy on the device for all of them.

    Attributes
    ----------
    layers : mapping of str to (array, array)
        Kernel and bias.
    on_device : dict of str to dict
        By number format and layer.
    """

    def __init__(self, layers):
        self.layers, self.on_device = layers, {precision: {} for precision in PRECISIONS}

    def tensors(self, layer, precision):
        """Kernel and bias on the device, made when they are first needed."""
        made = self.on_device[precision]
        if layer not in made:
            # The first convolution looks at the pixels themselves and costs little: it stays exact.
            dtype = "float32" if layer == next(iter(self.layers)) else precision
            made[layer] = tuple(to_tensor(array, dtype) for array in self.layers[layer])
        return made[layer]


def _kernels_of(loaded, made_here):
    """Those of another network with the same weights, as long as there is one."""
    # Where we read them ourselves, their provenance says which they are; else the object itself.
    key = (loaded.name, loaded.provenance) if made_here else id(loaded.layers)
    with _lock:
        kernels = _shared.get(key)
        if kernels is None:
            kernels = _shared[key] = _Kernels(loaded.layers)
    return kernels


def _padded(activation, padding):
    """One more row and column on each side. A row that is alone is its own mirror image."""
    for axis in (1, 2):
        size = activation.shape[axis]
        first, last = (
            (size - 1, 0) if padding == "circular" else (min(1, size - 1), max(0, size - 2))
        )
        before, after = (ops.take(activation, [place], axis=axis) for place in (first, last))
        activation = ops.concatenate([before, activation, after], axis=axis)
    return activation


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
_shared = weakref.WeakValueDictionary()  # kernels in use


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
