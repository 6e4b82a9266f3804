"""How many floating-point operations an evaluation of an objective takes."""

from __future__ import annotations

import math

from nsthelpers.network.layers import layer_name, layer_table
from nsthelpers.network.weights import layer_shapes


def evaluation_flops(size, content=("block4_conv2",), style=(), network="vgg19") -> int:
    """Count one value-and-gradient; a multiplication and an addition are two operations.

    Parameters
    ----------
    size : (int, int)
        Height and width of the image, in pixels.
    content, style : sequences of str
        The layers that are compared; the network is cut at the deepest of them.
    network : {"vgg19", "vgg16"}

    Returns
    -------
    int

    Notes
    -----
    Counted: with h x w outputs, a convolution from C to N channels is 2 (9 C) N h w forward, and
    as much backward, from its outputs to its inputs, down to the image (there is no gradient by
    the weights); a Gram matrix of M = h w positions is 2 M N^2 forward, and as much backward.

    Left out: bias, ReLU, pooling, losses and total variation, which are together below 1 %; that
    positions at the edge have fewer neighbours; that a Gram matrix is symmetric, and half would do.

    Examples
    --------
    >>> evaluation_flops((2, 2), content=["block1_conv1"])  # 2 * (2 * 27 * 64 * 4)
    27648
    """
    content = {layer_name(layer, network) for layer in content}
    style = {layer_name(layer, network) for layer in style}
    kernels, left, total = layer_shapes(network), content | style, 0
    for layer in layer_table(size, network):
        if not left:
            break
        height, width, channels = layer.shape
        if layer.name in kernels:
            total += 2 * 2 * math.prod(kernels[layer.name]) * height * width
        if layer.name in style:
            total += 2 * 2 * height * width * channels**2
        left -= {layer.name}
    return total
