"""The layers of VGG: their names, their sizes, and what each of them sees of the image."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import OrderedDict
from dataclasses import dataclass

from ..arguments import did_you_mean, is_whole

__all__ = [
    "COLUMN_LAYERS", "CONVOLUTIONS", "STYLE_LAYERS", "Layer", "check_channel", "geometric_weights",
    "layer_name", "layer_names", "layer_shapes", "layer_table", "receptive_field",
]  # fmt: skip

_CONVOLUTIONS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
_CHANNELS = (64, 128, 256, 512, 512)


def layer_shapes(name: str = "vgg19") -> OrderedDict[str, tuple[int, int, int, int]]:
    """Return the kernel shape of every convolution, from the first layer to the last.

    Parameters
    ----------
    name : str
        ``"vgg19"`` (16 convolutions) or ``"vgg16"`` (13).

    Returns
    -------
    OrderedDict of str to tuple
        Layer name to (3, 3, channels in, channels out).

    Raises
    ------
    ValueError
        If the network is unknown.

    References
    ----------
    Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
    Recognition", ICLR 2015, table 1, columns D and E.

    Examples
    --------
    >>> layer_shapes("vgg19")["block5_conv1"]
    (3, 3, 512, 512)
    """
    if name not in _CONVOLUTIONS:
        raise ValueError(f"Unknown network {name!r}: expected 'vgg19' or 'vgg16'.")
    shapes, channels_in = OrderedDict(), 3
    for block, (count, channels) in enumerate(zip(_CONVOLUTIONS[name], _CHANNELS, strict=True), 1):
        for index in range(1, count + 1):
            shapes[f"block{block}_conv{index}"] = (3, 3, channels_in, channels)
            channels_in = channels
    return shapes


#: The style layers of Gatys et al.: the first convolution of every block.
STYLE_LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))
#: All 16 convolutions of VGG19.
CONVOLUTIONS = tuple(layer_shapes("vgg19"))
#: What hypercolumns are made of: the layers of Neural Neighbor Style Transfer, of both networks.
COLUMN_LAYERS = (
    "block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2", "block3_conv1", "block3_conv2",
    "block3_conv3", "block4_conv1", "block4_conv2", "block4_conv3",
)  # fmt: skip


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
    (height, width), kernels, rows = size, layer_shapes(name), []
    channels, stride, field = 3, 1, 1
    for layer in layer_names(name):
        block, kind, index = re.fullmatch(r"block(\d)_(conv|pool)(\d?)", layer).groups()
        if kind == "conv":
            channels = kernels[layer][-1]
            parameters = math.prod(kernels[layer]) + channels
            field += 2 * stride  # one more position on either side
            row = (f"conv{block}_{index}", "convolution")
        else:
            height, width, parameters = height // 2, width // 2, 0
            field, stride = field + stride, 2 * stride
            row = (f"pool{block}", "pooling")
        rows.append(Layer(layer, *row, (height, width, channels), parameters, stride, field))
    return rows


def receptive_field(layer, name="vgg19") -> tuple[int, int, int]:
    """Where the inputs lie that one output of a layer sees, along one axis.

    Parameters
    ----------
    layer : str
    name : {"vgg19", "vgg16"}, default "vgg19"

    Returns
    -------
    stride, before, size : int
        Output i sees ``size`` pixels, from pixel ``i * stride - before`` on. Some of them may lie
        beyond the border.

    Examples
    --------
    >>> receptive_field("conv1_2"), receptive_field("pool1"), receptive_field("conv2_1")
    ((1, 2, 5), (2, 2, 6), (2, 4, 10))
    """
    wanted, before, stride = layer_name(layer, name), 0, 1
    for row in layer_table(name=name):
        before += stride if row.kind == "convolution" else 0  # it pads by one, a pooling does not
        stride = row.stride
        if row.name == wanted:
            break
    return stride, before, row.receptive_field


def layer_name(layer: str, name="vgg19") -> str:
    """Keras' name of a layer: the papers' names are accepted and mean the same layer.

    Keras' convolution layers end in their ReLU, so "conv4_2" and "relu4_2" are both
    "block4_conv2".

    Parameters
    ----------
    layer : str
    name : {"vgg19", "vgg16"}, default "vgg19"

    Returns
    -------
    str

    Raises
    ------
    ValueError
        For a name that the network does not have; similar ones are named.

    Examples
    --------
    >>> layer_name("conv4_2"), layer_name("relu4_2"), layer_name("pool3")
    ('block4_conv2', 'block4_conv2', 'block3_pool')
    """
    known = layer_names(name)
    text = str(layer).strip().lower()
    if not text:
        raise ValueError(
            f"an empty layer name is no layer of {name}; expected a name such as "
            f"{known[0]} or {known[-2]}"
        )
    match = re.fullmatch(r"(?:conv|relu)_?(\d)_(\d)", text) or re.fullmatch(r"pool_?(\d)", text)
    if match:
        block, *rest = match.groups()
        text = f"block{block}_conv{rest[0]}" if rest else f"block{block}_pool"
    if text not in known:
        raise ValueError(f"{name} has no layer {layer!r}; {did_you_mean(text, known)}")
    return text


def check_channel(channel, layer, name="vgg19"):
    """Raise ValueError unless a layer has this channel.

    Examples
    --------
    >>> check_channel(64, "conv1_1")
    Traceback (most recent call last):
    ValueError: channel is 64; expected a whole number from 0 to 63, of the 64 of conv1_1
    """
    rows = {row.name: row for row in layer_table(name=name)}
    count = rows[layer_name(layer, name)].shape[2]
    if not is_whole(channel, 0) or channel >= count:
        raise ValueError(
            f"channel is {channel!r}; expected a whole number from 0 to {count - 1}, of the "
            f"{count} of {layer}"
        )


def geometric_weights(count, ratio=0.5) -> tuple[float, ...]:
    """Layer weights that rise or fall by one factor from layer to layer, and sum to 1.

    Parameters
    ----------
    count : int
        How many layers, shallow ones first.
    ratio : float, default 0.5
        Each weight beside the one before: below 1 shallow layers count more, as Novak & Nikulin
        weigh style; above 1 deep ones do, as they weigh content (with 2).

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        For a count below 1 or a ratio that is no positive number.

    Notes
    -----
    By our reading of the paper, w_l = 2^(D - d(l)) for style and 2^d(l) for content, d(l) being the
    place of layer l among the D chosen ones; its text could not be had. There the weights are not
    divided by their sum. Dividing keeps the strength of the whole term.

    References
    ----------
    Novak & Nikulin (2016), arXiv 1605.04603, section 3.1.

    Examples
    --------
    >>> geometric_weights(2, 3.0), geometric_weights(3, 1.0)[0] == 1 / 3
    ((0.25, 0.75), True)
    """
    if count < 1:
        raise ValueError(f"{count} layers; expected at least one")
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f"the ratio is {ratio}; expected a positive number, such as 0.5")
    powers = [float(ratio) ** place for place in range(count)]
    return tuple(power / sum(powers) for power in powers)


@functools.cache
def layer_names(name="vgg19") -> tuple[str, ...]:
    """List the convolution and pooling layers in the order of computation.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        For an unknown network.

    Examples
    --------
    >>> layer_names()[:4]
    ('block1_conv1', 'block1_conv2', 'block1_pool', 'block2_conv1')
    """
    names = []
    for block, layers in itertools.groupby(layer_shapes(name), key=lambda layer: layer[:6]):
        names += [*layers, f"{block}_pool"]
    return tuple(names)
