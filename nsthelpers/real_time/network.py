"""A network that paints: a picture goes in, the same picture in a painting's manner comes out.

Johnson et al. (2016) with the changes that later papers brought: instance in place of batch
normalisation, enlarging and then convolving in place of transposed convolutions, which leave
checkerboards, and borders that mirror the picture. One network holds several paintings: each is a
row of scales and shifts, one pair for every channel that is normalised, and nothing else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ..backend import keras, ops

__all__ = ["Architecture", "StyleNetwork", "instance_normalisation", "is_row", "moments"]

EPSILON = 1e-5
MARGIN = 0.02  # black and white have no finite logit


@dataclass(frozen=True)
class Architecture:
    """What a style network is built of.

    Parameters
    ----------
    paintings : int, default 1
        How many rows of scales and shifts there are.
    channels : (int, int, int), default (16, 32, 64)
        At full, at half and at a quarter of the size. Johnson et al. take twice as many, which is
        four times the arithmetic.
    blocks : int, default 5
        Residual blocks at a quarter of the size.
    first_kernel, last_kernel : int, odd, defaults 5 and 3
        Sides of the first and the last kernel. Johnson et al. have 9 and 9.
    residual : bool, default True
        The network says what is to be changed of the picture, so that it begins with the picture
        itself. ``False``: it paints from nothing.

    Raises
    ------
    ValueError
        For numbers that are no network.

    Examples
    --------
    >>> Architecture(paintings=8).channels
    (16, 32, 64)
    """

    paintings: int = 1
    channels: tuple[int, int, int] = (16, 32, 64)
    blocks: int = 5
    first_kernel: int = 5
    last_kernel: int = 3
    residual: bool = True

    def __post_init__(self):
        object.__setattr__(self, "channels", tuple(int(each) for each in self.channels))
        if len(self.channels) != 3 or min(self.channels) < 1:
            raise ValueError(f"channels are {self.channels}; expected three numbers of at least 1")
        for name, least in (("paintings", 1), ("blocks", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {least}")
        for name in ("first_kernel", "last_kernel"):
            if getattr(self, name) < 1 or getattr(self, name) % 2 == 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected an odd number")

    def settings(self) -> dict:
        """The arguments as plain data."""
        return {**asdict(self), "channels": list(self.channels)}


@dataclass(frozen=True)
class _Step:
    """A convolution of the network, by name, with what comes before and after it."""

    name: str
    filters: int
    kernel: int = 3
    stride: int = 1
    enlarged: bool = False
    normalised: bool = True


class StyleNetwork:
    """The network, with its weights.

    Parameters
    ----------
    architecture : Architecture
    seed : int, default 0
        Of the weights that it begins with.

    Attributes
    ----------
    model : keras.Model
        ``model([image, mix])``: image of shape (1, H, W, 3) in [0, 1], H and W multiples of 4;
        mix of shape (1, paintings), what each painting's row counts, summing to 1.
    weights : dict of str to keras.Variable
        Kernels (height, width, from, to), and for every normalised step scales and shifts
        (paintings, channels).
    down, blocks, up, last
        The convolutions in their order, each by name, with what comes before and after it.
    normalise : callable
        :func:`instance_normalisation`, or another function of features, scale and shift in its
        place. A picture in pieces is painted without it, for it goes by means that are given.

    Notes
    -----
    Instance normalisation: Ulyanov et al. (2016), arXiv 1607.08022. A row for each painting:
    Dumoulin et al. (2017), arXiv 1610.07629. The output is ``sigmoid(2 f(x) + logit(x))``, so that
    it stays in range and begins as the picture.

    Examples
    --------
    >>> network = StyleNetwork(Architecture(channels=(4, 4, 4), blocks=1))
    >>> grey = np.full((1, 8, 12, 3), 0.5, "float32")
    >>> tuple(network.model([grey, np.ones((1, 1), "float32")]).shape)
    (1, 8, 12, 3)
    """

    def __init__(self, architecture, seed=0):
        self.architecture = architecture
        self.normalise = instance_normalisation
        self.weights = {}
        first, half, quarter = architecture.channels
        blocks = [
            [_Step(f"block{number}_conv1", quarter), _Step(f"block{number}_conv2", quarter)]
            for number in range(1, architecture.blocks + 1)
        ]
        self.down = [
            _Step("down1", first, architecture.first_kernel),
            _Step("down2", half, stride=2),
            _Step("down3", quarter, stride=2),
        ]
        self.blocks = blocks
        self.up = [_Step("up1", half, enlarged=True), _Step("up2", first, enlarged=True)]
        self.last = _Step("last", 3, architecture.last_kernel, normalised=False)
        self._make_weights(np.random.default_rng([seed, 7]))
        image = keras.Input((None, None, 3), batch_size=1, name="image")
        mix = keras.Input((architecture.paintings,), batch_size=1, name="mix")
        self.model = keras.Model([image, mix], _Painted(self)([image, mix]))

    def __call__(self, image, mix, statistics=None):
        """Paint: the formula of the network, in ``keras.ops``.

        Parameters
        ----------
        image : tensor, shape (1, H, W, 3)
        mix : tensor, shape (1, paintings)
        statistics : dict, optional
            Means and deviations to normalise with, by step. An empty dict is filled with the
            image's own, so that pieces of a picture can be painted as parts of the whole.

        Returns
        -------
        tensor, shape (1, H, W, 3), range [0, 1]
        """
        found = 2.0 * image - 1.0
        for step in self.down:
            found = ops.relu(self._do(step, found, mix, statistics))
        for first, second in self.blocks:
            inner = ops.relu(self._do(first, found, mix, statistics))
            found = found + self._do(second, inner, mix, statistics)
        for step in self.up:
            found = ops.relu(self._do(step, found, mix, statistics))
        found = self._do(self.last, found, mix, statistics)
        if self.architecture.residual:
            inside = MARGIN + (1 - 2 * MARGIN) * image
            found = found + 0.5 * (ops.log(inside) - ops.log(1.0 - inside))
        return ops.sigmoid(2.0 * found)

    def receptive_field(self) -> int:
        """How many pixels across decide one pixel of the result, besides the normalisation."""
        field, jump = 1, 1
        for step in [*self.down, *(each for block in self.blocks for each in block)]:
            field += (step.kernel - 1) * jump
            jump *= step.stride
        for step in [*self.up, self.last]:
            jump //= 2 if step.enlarged else 1
            field += (step.kernel - 1) * jump
        return field

    def _do(self, step, found, mix, statistics):
        if step.enlarged:
            found = ops.repeat(ops.repeat(found, 2, axis=1), 2, axis=2)
        border = step.kernel // 2
        if border:
            around = [[0, 0], [border, border], [border, border], [0, 0]]
            found = ops.pad(found, around, mode="reflect")
        found = ops.conv(found, self.weights[f"{step.name}/kernel"], strides=step.stride)
        if not step.normalised:
            return found + self.weights[f"{step.name}/bias"]
        scale, shift = (
            ops.matmul(mix, self.weights[f"{step.name}/{part}"])[:, None, None]
            for part in ("scale", "shift")
        )
        if statistics is None:
            return self.normalise(found, scale, shift)
        if step.name not in statistics:
            statistics[step.name] = moments(found)
        return instance_normalisation(found, scale, shift, statistics[step.name])

    def _make_weights(self, generator):
        channels, rows = 3, self.architecture.paintings
        for step in self._steps():
            shape = (step.kernel, step.kernel, channels, step.filters)
            # He et al. (2015), but for the last: it begins with hardly any change.
            spread = np.sqrt(2 / np.prod(shape[:3])) if step.normalised else 0.05
            self._add(f"{step.name}/kernel", generator.normal(0, spread, shape))
            if step.normalised:
                self._add(f"{step.name}/scale", np.ones((rows, step.filters)))
                self._add(f"{step.name}/shift", np.zeros((rows, step.filters)))
            else:
                self._add(f"{step.name}/bias", np.zeros(step.filters))
            channels = step.filters

    def _steps(self):
        return [*self.down, *(each for pair in self.blocks for each in pair), *self.up,
                self.last]  # fmt: skip

    def _add(self, name, values):
        self.weights[name] = keras.Variable(values.astype("float32"), name=name.replace("/", "_"))


def moments(features):
    """Mean and variance of every channel over the positions of each image.

    Parameters
    ----------
    features : tensor, shape (B, H, W, N)

    Returns
    -------
    (tensor, tensor), both of shape (B, 1, 1, N)

    Examples
    --------
    >>> mean, variance = moments(np.array([1.0, 3.0], "float32").reshape(1, 1, 2, 1))
    >>> float(mean[0, 0, 0, 0]), float(variance[0, 0, 0, 0])
    (2.0, 1.0)
    """
    return ops.moments(features, axes=(1, 2), keepdims=True)


def instance_normalisation(features, scale, shift, known=None):
    """Move every channel of every image to another mean and deviation.

    Parameters
    ----------
    features : tensor, shape (B, H, W, N)
    scale, shift : tensor, shape (N,) or (1, 1, 1, N)
        The deviations and means that the channels get.
    known : (tensor, tensor), optional
        Means and variances to go by. Default: the image's own, of :func:`moments`. Those of a whole
        picture make its pieces parts of it; those of other pictures, remembered from a training,
        would make this batch normalisation.

    Returns
    -------
    tensor, shape (B, H, W, N)

    References
    ----------
    Ulyanov, Vedaldi & Lempitsky (2016), "Instance Normalization: The Missing Ingredient for Fast
    Stylization", arXiv 1607.08022.

    Examples
    --------
    >>> features = np.array([1.0, 3.0], "float32").reshape(1, 1, 2, 1)
    >>> [round(float(each), 3) for each in instance_normalisation(features, 10.0, 5.0)[0, 0, :, 0]]
    [-5.0, 15.0]
    """
    mean, variance = known or moments(features)
    return scale * (features - mean) / ops.sqrt(variance + EPSILON) + shift


def is_row(name) -> bool:
    """Whether a weight of this name holds a row for each painting, not one value for all.

    Examples
    --------
    >>> is_row("down1/scale"), is_row("down1/kernel")
    (True, False)
    """
    return name.endswith(("/scale", "/shift"))


def _layer():
    class Painted(keras.layers.Layer):
        """The network as a layer of Keras, which knows its variables by their names."""

        def __init__(self, network):
            super().__init__(name="painted")
            self._network = network
            self.kept = list(network.weights.values())

        def call(self, inputs):
            return self._network(*inputs)

    return Painted


_Painted = _layer()
