"""Regions: masks carried down through the network, so that terms look at a part of a picture."""

from __future__ import annotations

import numpy as np

from ..network.layers import layer_names, layer_table

__all__ = ["carried", "guide", "narrowest_field"]


def carried(values, layers, network, carry="average") -> dict[str, np.ndarray]:
    """What a mask is at the positions of deeper layers.

    Parameters
    ----------
    values : array, float32, shape (H, W), range [0, 1]
        The mask at the size of the image.
    layers : sequence of str
    network : VGG
    carry : {"average", "inside"}, default "average"
        ``"average"``: each pooling of the network takes means of 2 x 2, so that a position counts
        by the share of its own pixels that lies in the region. ``"inside"``: a position counts only
        if all that it sees lies in the region (beyond the border of the picture nothing is seen):
        each convolution takes the least of 3 x 3, each pooling the least of 2 x 2.

    Returns
    -------
    dict of str to array, float32, shape (h, w)

    Examples
    --------
    >>> from nsthelpers import VGG
    >>> network, left = VGG(weights="random"), np.repeat([[1, 1, 1, 0.0, 0, 0]], 4, axis=0)
    >>> carried(left, ["block1_pool"], network)["block1_pool"].tolist()[0]
    [1.0, 0.5, 0.0]
    >>> carried(left, ["block1_conv1"], network, "inside")["block1_conv1"].tolist()[0]
    [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    """
    from scipy.ndimage import minimum_filter

    border = "wrap" if network.padding == "circular" else "nearest"
    found = {}
    for layer in layer_names(network.name):
        if len(found) == len(set(layers)):
            break
        if layer.endswith("_pool"):
            values = _halved(values, np.mean if carry == "average" else np.min)
        elif carry == "inside":
            values = minimum_filter(values, 3, mode=border)
        if layer in layers:
            found[layer] = values.astype("float32")
    return found


def guide(weights, power=1) -> np.ndarray:
    """How much each position counts: T with a mean square of 1, so that means become weighted ones.

    Parameters
    ----------
    weights : array, shape (h, w), at least 0
    power : {1, 0.5}, default 1
        Of the weights: with 1 they count by their squares, as in guided Gram matrices; with 0.5 as
        they are.

    Returns
    -------
    array, float32, shape (1, h, w, 1)
        All 1 where all weights are 0, so that numbers stay finite.

    Examples
    --------
    >>> guide(np.array([[3.0, 0.0, 0.0, 0.0]])).ravel().tolist()
    [2.0, 0.0, 0.0, 0.0]
    """
    weights = (weights if weights.any() else np.ones_like(weights)).astype("float64") ** power
    return (weights / np.sqrt(np.mean(weights**2))).astype("float32")[None, ..., None]


def narrowest_field(layers, network) -> tuple[str, int]:
    """The layer of these whose positions see the smallest part of a picture, and its side."""
    rows = [row for row in layer_table(name=network.name) if row.name in layers]
    row = min(rows, key=lambda row: row.receptive_field)
    return row.name, row.receptive_field


def _halved(values, taken):
    """Blocks of 2 x 2 positions become one; what is left over at the far border is dropped."""
    height, width = (side // 2 for side in values.shape)
    blocks = values[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return taken(blocks, axis=(1, 3))
