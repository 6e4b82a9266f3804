"""The Gram matrix: plain, shifted, amplified, blurred, of adjacent places.

The ideas are those of Novak & Nikulin (2016), "Improving the Neural Algorithm of Artistic Style",
arXiv 1605.04603. Their text could not be had when this was written: the formulas
follow our reading of their list of ideas, and each docstring says where there is a choice in that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import losses
from ..arguments import check_whole, is_whole
from ..backend import ops
from .base import Statistic, four_axes, guided, products

__all__ = ["Gram", "gram_matrix"]


@dataclass(frozen=True)
class Gram(Statistic):
    """How strongly filters answer together; by default the Gram matrix of Gatys et al.

    ``G_ij(d) = mean over positions p of H_i(p) * B[H_j](p + d) - shift^2`` with
    ``H = u * (F / u)^power + shift`` and u = 100. Where F is 0, G is 0.

    Parameters
    ----------
    shift : float, default 0.0
        Added to all activations before they are multiplied; Novak & Nikulin take -1. Multiplied
        out, ``G + shift (m_i + m_j)`` with the filters' means m: the shift adds these, which the
        matrix by itself does not show.
    power : float, default 1.0
        Activations are raised to it, so that strong answers count more; from 1 to 3.
    blur : int, default 0
        B is the mean over a square of (2 blur + 1) x (2 blur + 1) positions (fewer at the border):
        what filter j does near the place where filter i answers.
    offsets : sequence of (int, int), default ((0, 0),)
        The d = (rows, columns) at which filter j is looked at; one matrix for each. The means run
        over the positions where both are inside the picture.

    Raises
    ------
    ValueError
        For numbers out of range.

    Notes
    -----
    Shift: G = (F + s)(F + s)^T, "activation shift". How much -1 is depends on the network: VGG's
    activations reach hundreds and thousands, with ``normalized=True`` each filter's mean is 1.
    Power: "amplifying activations"; the paper may amplify otherwise. The unit u only keeps float32
    from overflowing; it cancels in the relative loss. Blur: "blurred correlations"; we blur one of
    the two factors, by a box, where the paper may blur both or by a Gaussian. Offsets: "adjacent
    activation correlations", with one matrix for each direction.

    References
    ----------
    Gatys et al. (2015), arXiv 1508.06576, eq. 3; Novak & Nikulin (2016), arXiv 1605.04603; offsets
    also in Berger & Memisevic (2016), "Incorporating long-range consistency in CNN-based texture
    generation", arXiv 1606.01286.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])  # 1 x 2 positions, 2 filters
    >>> Gram().describe(features).numpy().tolist()
    [[5.0, 7.0], [7.0, 10.0]]
    >>> Gram(shift=-1.0).describe(features)[0].numpy().tolist()
    [[1.0, 2.0], [2.0, 4.0]]
    >>> Gram(offsets=[(0, 1)]).describe(features)[0].numpy().tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """

    shift: float = 0.0
    power: float = 1.0
    blur: int = 0
    offsets: tuple[tuple[int, int], ...] = ((0, 0),)

    reductions = losses.REDUCTIONS

    @property
    def additive(self) -> bool:
        """Not where neighbours count: they may lie in another tile."""
        return self.blur == 0 and self.offsets == ((0, 0),)

    def __post_init__(self):
        if not math.isfinite(self.shift):
            raise ValueError(f"shift is {self.shift}; expected a finite number, such as -1")
        if not 1 <= self.power <= 3:
            raise ValueError(
                f"power is {self.power}; expected 1 to 3: below 1 the slope at 0 is infinite, "
                "above 3 float32 overflows"
            )
        check_whole("blur", self.blur, 0)
        offsets = tuple(tuple(offset) for offset in self.offsets)
        if not offsets or not all(
            len(offset) == 2 and all(map(is_whole, offset)) for offset in offsets
        ):
            raise ValueError(
                f"offsets are {self.offsets}; expected pairs of whole numbers (rows, columns), "
                "such as ((0, 1), (1, 0))"
            )
        object.__setattr__(self, "shift", float(self.shift))
        object.__setattr__(self, "power", float(self.power))
        object.__setattr__(self, "offsets", offsets)

    def describe(self, features, where=None):
        (place,) = where or (None,)
        if self == Gram():
            return gram_matrix(guided(features, place))
        maps = four_axes(features)
        answers = _amplified(maps, self.power) + self.shift
        nearby = guided(_box_blur(answers, self.blur), place)
        answers = guided(answers, place)
        found = []
        for offset in self.offsets:
            matrix = products(*_overlap(answers, nearby, offset))
            if place is not None and offset != (0, 0):  # pairs of places count by their product
                pairs = products(*_overlap(place, place, offset)) + 1e-12
                matrix = matrix / ops.cast(pairs, matrix.dtype)
            found.append(matrix - self.shift**2)
        return tuple(found)


def gram_matrix(features):
    """The same as :func:`nsthelpers.losses.gram_matrix`, with a quicker gradient.

    The gradient is F (D + D^T), D being that by the matrix. Automatic differentiation does not see
    that both factors of F^T F are the same: it makes two products and a transposed copy of F, a
    twentieth of a whole evaluation. Here one factor counts as constant, and the small matrix makes
    up for the other, so value and gradient are exact, a second derivative is not. (TensorFlow never
    lets go of a gradient written by hand, ``ops.custom_gradient``, and its graph: every image size
    would cost memory for good.)

    Parameters
    ----------
    features : tensor, float, shape (1, H, W, N) or (H, W, N) or (M, N)

    Returns
    -------
    tensor, float, shape (N, N)
    """
    matrix = losses.as_rows(features, "gram_matrix")
    product = ops.matmul(ops.transpose(ops.stop_gradient(matrix)), matrix)
    product = product + ops.transpose(product) - ops.stop_gradient(product)
    return product / ops.cast(ops.shape(matrix)[0], matrix.dtype)


def _amplified(maps, power):
    """Activations raised to a power, their signs kept; in units of 100, so that none overflows."""
    if power == 1:
        return maps
    return 100.0 * ops.sign(maps) * ops.power(ops.abs(maps) / 100.0, power)


def _overlap(first, second, offset):
    """The parts of two maps that lie over each other when the second is moved by -offset."""
    height, width = first.shape[1:3]
    down, right = offset
    if abs(down) >= height or abs(right) >= width:
        raise ValueError(
            f"an offset of {offset} does not fit into a layer of {height} x {width} positions; "
            "choose a smaller one, a larger image or earlier layers"
        )

    def cut(maps, down, right):
        rows = slice(max(0, down), height + min(0, down))
        return maps[:, rows, max(0, right) : width + min(0, right), :]

    return cut(first, -down, -right), cut(second, down, right)


def _box_blur(maps, radius):
    if radius == 0:
        return maps
    side = 2 * radius + 1
    return ops.average_pool(maps, side, strides=1, padding="same", data_format="channels_last")
