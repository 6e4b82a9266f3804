"""How an image is written down while it is optimised: by its pixels, as waves, or as a pyramid.

An optimizer knows only a row of numbers. Which image they stand for decides which way is downhill:
the gradient of the same loss is another in other numbers, though the lowest image is the same. A
parametrisation turns numbers into an image and back; the rest is the chain rule.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arguments import check_whole, did_you_mean
from ..backend import compile_function, compile_value_and_gradient, ops, to_numpy, to_tensor
from ..choices import PARAMETRISATIONS
from ..images.pyramids import halved_sizes, linear_weights
from ..optimizers import Optimizer
from ..optimizers.spectrum import cosines

__all__ = [
    "LaplacianPyramid", "Parametrisation", "Pixels", "Through", "Waves", "as_parametrisation",
]  # fmt: skip

# How the colours of photographs go together: columns are brightness, blue to red, magenta to green,
# each as long as it varies; the root of ImageNet's covariance as Lucid gives it (optvis/param/
# color.py, color_correlation_svd_sqrt). Here the mean square change of a pixel by all three is 1.
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]])
_COLOURS *= math.sqrt(3) / np.linalg.norm(_COLOURS)
_STEEPNESS = 4.0  # of the sigmoid: at grey a parameter then moves the image as if there were none
_MARGIN = 1 / 1024  # of black and white, which lie at infinity; no saved picture shows it
_SMALL = 1e-4  # a change of parameters by which an image changes in proportion


class Parametrisation:
    """How an image is written in numbers. One of your own is a frozen dataclass with two methods.

    Examples
    --------
    An image by its square roots, which cannot be negative:

    >>> @dataclass(frozen=True)
    ... class Squares(Parametrisation):
    ...     def parameters(self, image):
    ...         return np.sqrt(image)
    ...
    ...     def image(self, parameters):
    ...         return ops.square(parameters)
    >>> from nsthelpers import TotalVariation, synthesize, white_noise
    >>> smoothed = synthesize(
    ...     TotalVariation(), white_noise(16, 16), image_as=Squares(), steps=3, progress=False
    ... )
    >>> smoothed.history[-1].loss < smoothed.history[0].loss
    True
    """

    def parameters(self, image):
        """The numbers that stand for an image.

        Parameters
        ----------
        image : array, float32 or float64, shape (1, H, W, 3), RGB, range [0, 1]

        Returns
        -------
        array, of the image's dtype, any shape
        """
        raise NotImplementedError

    def image(self, parameters):
        """The image that numbers stand for, written with ``keras.ops``: it is differentiated.

        Parameters
        ----------
        parameters : tensor
            Of the dtype and shape that :meth:`parameters` gives.

        Returns
        -------
        tensor, of the same dtype, shape (1, H, W, 3), RGB
        """
        raise NotImplementedError

    def settings(self) -> dict:
        """The choice as plain data, for reports.

        Returns
        -------
        dict
        """
        return {"name": type(self).__name__, **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Pixels(Parametrisation):
    """The image's own numbers. The optimizer keeps them in its bounds.

    Examples
    --------
    >>> Pixels().settings()
    {'name': 'Pixels'}
    """

    def parameters(self, image):
        return image

    def image(self, parameters):
        return parameters


@dataclass(frozen=True)
class Waves(Parametrisation):
    """How much of each wave and of each colour of photographs there is in the image.

    A step of the same length for all numbers changes an image by coarse waves more than by fine
    ones, as photographs are made, and by brightness more than by colour. In pixels, such a step is
    as strong in the finest waves, which no eye asks for and many filters answer to.

    Parameters
    ----------
    exponent : float, default 1.2
        A wave counts as this power of its length. 1.2 is how the waves of photographs fall; 0 makes
        all alike; more makes smoother images.

    Raises
    ------
    ValueError
        For an exponent that is no finite number of at least 0.

    Notes
    -----
    The waves are cosines, those of JPEG, over the whole image. Fourier's sines and cosines span the
    same images, with the same frequencies; but they go on from the right border at the left one,
    and a picture whose borders differ has a step there, which takes waves of all lengths. Cosines
    go on as in a mirror: no step. They are real numbers, as many as the image has, and their
    transform is a pair of matrix products.

    With numbers p, orthonormal cosine transforms C of columns and of rows, amplitudes a of the
    waves and M of the colours, the image is sigmoid(4 M C' (a p) C): between 0 and 1 whatever p.
    Numbers of mean square 1 move it around grey by as much. Of an image that is given, values
    nearer to 0 or 1 than 1/1024 are moved there first.

    It is for seeing what a network looks for (:class:`nsthelpers.Activation`). What is to agree
    pixel by pixel, as a content of a shallow layer, converges far sooner in pixels: L-BFGS has its
    own guess there of how a loss curves along waves (``by_octave``), and weak waves and colours
    take many steps here. Nor does a style's mask hold: a wave reaches everywhere.

    References
    ----------
    Olah, Mordvintsev & Schubert (2017), "Feature Visualization", distill.pub/2017/
    feature-visualization, "Preconditioning and Parameterization": with Fourier's waves and an
    exponent of 1; the colours are those of their program, Lucid. Tolhurst, Tadmor & Chao (1992),
    "Amplitude spectra of natural images", Ophthal. Physiol. Opt. 12: 1.2 in the mean, as measured
    here, too, over the photographs of the package.

    Examples
    --------
    >>> image, waves = np.full((1, 16, 24, 3), 0.25), Waves()
    >>> back = waves.image(to_tensor(waves.parameters(image), "float64"))
    >>> bool(np.allclose(back, image))
    True
    """

    exponent: float = 1.2

    def __post_init__(self):
        if not (math.isfinite(self.exponent) and self.exponent >= 0):
            raise ValueError(
                f"the exponent is {self.exponent}; expected a finite number of at least 0"
            )

    def parameters(self, image):
        basis = _basis(*image.shape[1:3], self.exponent)
        value = np.clip(np.asarray(image[0], "float64"), _MARGIN, 1 - _MARGIN)
        value = np.log(value / (1 - value)) / _STEEPNESS @ np.linalg.inv(_COLOURS).T
        planes = basis.rows @ np.moveaxis(value, -1, 0) @ basis.columns.T
        return (planes / basis.amplitudes).astype(image.dtype)

    def image(self, parameters):
        rows, columns, amplitudes = (
            to_tensor(each, parameters.dtype)
            for each in _basis(*parameters.shape[1:], self.exponent)
        )
        planes = ops.matmul(ops.transpose(rows), ops.matmul(amplitudes * parameters, columns))
        colours = to_tensor(_STEEPNESS * _COLOURS.T, parameters.dtype)
        return ops.sigmoid(ops.matmul(ops.transpose(planes, (1, 2, 0)), colours))[None]


class _Basis(NamedTuple):
    rows: np.ndarray  # (H, H), orthonormal cosines
    columns: np.ndarray  # (W, W)
    amplitudes: np.ndarray  # (H, W), mean square 1


@functools.lru_cache(maxsize=4)
def _basis(height, width, exponent):
    down, across = (np.arange(n) / (2 * n) for n in (height, width))  # periods in a pixel
    lowest = 1 / (2 * max(height, width))
    amplitudes = np.maximum(np.hypot(down[:, None], across), lowest) ** -exponent
    amplitudes /= np.sqrt(np.mean(amplitudes**2))
    basis = _Basis(cosines(height), cosines(width), amplitudes)
    for each in basis:
        each.setflags(write=False)  # every caller gets these
    return basis


@dataclass(frozen=True)
class LaplacianPyramid(Parametrisation):
    """The image as a small one, and what each doubling of its size adds to it.

    With D halving an image and U doubling it, both by linear interpolation, the levels of an image
    x_0 are L_k = x_k - U x_(k+1) with x_(k+1) = D x_k; the last is x_n itself. Back::

        x_k = L_k + U x_(k+1)

    A number of a coarse level moves a whole patch of pixels. So an optimizer whose steps have one
    length for all numbers, such as Adam, changes large forms as readily as fine ones.

    Parameters
    ----------
    levels : int, default 5
        How often the image is halved; less often where a side would become 0.

    Raises
    ------
    ValueError
        If that is no whole number of at least 0.

    Notes
    -----
    All levels lie in one array of shape (1, H + H // 2, W, 3), as mip maps do: the finest at the
    top, under it the others side by side. It can be looked at. Places that belong to no level stay
    as they are.

    There are a third more numbers than pixels, and many say the same image. What stands beyond
    [0, 1] is clipped when a size is done and not before: the sum is kept in no bounds, as in the
    programs that this was compared with. It has a unit of its own, too: the first step of L-BFGS is
    scaled to what pixels do, the rate of Adam is not, and with all levels moving alike a pixel
    moves up to ``levels + 1`` times as far.

    References
    ----------
    Burt & Adelson (1983), "The Laplacian Pyramid as a Compact Image Code". As a way to write a
    picture that is optimised: Kolkin, Salavon & Shakhnarovich (2019), "Style Transfer by Relaxed
    Optimal Transport and Self-Similarity", arXiv 1904.12785. Compared by reading with
    github.com/nkolkin13/STROTSS, ``pyr_lap.py`` (5 levels, bilinear, halves rounded down, no
    bounds, clipped when it is saved) and github.com/nkolkin13/NeuralNeighborStyleTransfer,
    ``utils/imagePyramid.py`` (the same with 8 levels). The first aligns the corners of the two
    sizes, as PyTorch did then; here and in the second, pixels are parts of equal size.

    Examples
    --------
    >>> image, pyramid = np.random.default_rng(0).uniform(size=(1, 25, 18, 3)), LaplacianPyramid()
    >>> levels = pyramid.parameters(image)
    >>> levels.shape
    (1, 37, 18, 3)
    >>> bool(np.allclose(pyramid.image(to_tensor(levels, "float64")), image))
    True
    """

    levels: int = 5

    def __post_init__(self):
        check_whole("levels", self.levels, 0)

    def parameters(self, image):
        _, height, width, _ = image.shape
        found = np.zeros((1, height + height // 2, width, 3), image.dtype)
        places, rest = _mip_map(height, width, self.levels), np.asarray(image[0], "float64")
        for place, smaller in itertools.pairwise(places):
            small = _resampled(rest, smaller.size)
            found[0, place.rows, place.columns] = rest - _resampled(small, place.size)
            rest = small
        found[0, places[-1].rows, places[-1].columns] = rest
        return found

    def image(self, parameters):
        _, rows, width, _ = parameters.shape
        *finer, coarsest = _mip_map((2 * rows + 2) // 3, width, self.levels)
        rest = parameters[0, coarsest.rows, coarsest.columns]
        for place in reversed(finer):
            rest = parameters[0, place.rows, place.columns] + _resampled(rest, place.size)
        return rest[None]


class _Place(NamedTuple):
    """Where a level lies in the array of all."""

    size: tuple[int, int]
    rows: slice
    columns: slice


def _mip_map(height, width, levels):
    """The finest level at the top, under it the others side by side."""
    places, left = [], 0
    for h, w in halved_sizes(height, width, levels):
        top, left = (height, left) if places else (0, 0)
        places.append(_Place((h, w), slice(top, top + h), slice(left, left + w)))
        left += w if top else 0
    return places


def _resampled(image, size):
    """An image of shape (H, W, 3) at another size, by linear interpolation: array or tensor."""
    down, across = (linear_weights(*sides) for sides in zip(image.shape[:2], size, strict=True))
    if isinstance(image, np.ndarray):
        return np.moveaxis(down @ np.moveaxis(image, -1, 0) @ across.T, 0, -1)
    down, across = (to_tensor(each, image.dtype.name) for each in (down, across))
    planes = ops.matmul(down, ops.matmul(ops.transpose(image, (2, 0, 1)), ops.transpose(across)))
    return ops.transpose(planes, (1, 2, 0))


_BY_NAME = {"pixels": Pixels, "waves": Waves, "laplacian": LaplacianPyramid}


def as_parametrisation(value) -> Parametrisation:
    """Look up a parametrisation by its name; one that is made already stays what it is.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, or what is none.

    Examples
    --------
    >>> as_parametrisation("waves")
    Waves(exponent=1.2)
    >>> as_parametrisation("pixel")
    Traceback (most recent call last):
    ValueError: unknown image_as 'pixel'; did you mean pixels?
    """
    if isinstance(value, Parametrisation):
        return value
    if not isinstance(value, str):
        raise TypeError(
            f"image_as is {value!r}; expected one of {', '.join(PARAMETRISATIONS)}, or a "
            "Parametrisation such as nst.synthesis.Waves(exponent=1.5)"
        )
    if value not in _BY_NAME:
        raise ValueError(f"unknown image_as {value!r}; {did_you_mean(value, PARAMETRISATIONS)}")
    return _BY_NAME[value]()


@dataclass(frozen=True)
class Through(Optimizer):
    """An optimizer that moves an image's parameters in place of its pixels.

    Parameters
    ----------
    optimizer : Optimizer
        Its bounds, and what L-BFGS assumes of pixels, are left out: the parameters are no pixels.
    parametrisation : Parametrisation

    Examples
    --------
    >>> from nsthelpers import LBFGS
    >>> Through(LBFGS(), Waves()).settings()["parametrisation"]
    {'exponent': 1.2}
    """

    optimizer: Optimizer
    parametrisation: Parametrisation

    def start(self, evaluate, image):
        return _Descent(self.parametrisation, evaluate).started(self.optimizer, image)

    def resume(self, evaluate, state, evaluation):
        descent = _Descent(self.parametrisation, evaluate)
        return descent.resumed(self.optimizer, state, evaluation)


class _Descent:
    """A descent among parameters, which shows images."""

    def __init__(self, parametrisation, evaluate):
        self._parametrisation, self._evaluate = parametrisation, evaluate
        self._drawn, self._pulled_back = _compiled(parametrisation)
        self._first_step = None  # in parameters; of an optimizer that has one

    def started(self, optimizer, image):
        parameters = self._parametrisation.parameters(np.asarray(image))
        known = [self._through(to_tensor(parameters, parameters.dtype.name))]
        if hasattr(optimizer, "first_step"):
            gain = self._gain(parameters, to_numpy(known[0].gradient))
            self._first_step = float(optimizer.first_step / gain)
        self._descent = self._plain(optimizer).start(
            lambda parameters: known.pop() if known else self._through(parameters), parameters
        )
        self.image = self._drawn(self._descent.image)
        return self

    def resumed(self, optimizer, state, evaluation):
        """The same descent as it was when it gave its :meth:`state`."""
        self._first_step = state["first_step"]
        self._descent = self._plain(optimizer).resume(self._through, state, evaluation)
        self.image = self._drawn(self._descent.image)
        return self

    def state(self) -> dict:
        """All that decides its further steps; its "image" are the parameters."""
        return {**self._descent.state(), "first_step": self._first_step}

    def _through(self, parameters):
        evaluation = self._evaluate(self._drawn(parameters))
        *_, gradient = self._pulled_back(parameters, evaluation.gradient)
        return dataclasses.replace(evaluation, gradient=gradient)

    def _plain(self, optimizer):
        """The optimizer without what it assumes of pixels."""
        plain = {"bounds": None, "by_octave": False, "first_step": self._first_step}
        plain = {name: value for name, value in plain.items() if hasattr(optimizer, name)}
        return dataclasses.replace(optimizer, **plain)

    def _gain(self, parameters, direction):
        """How far pixels move along a direction, beside the parameters: root mean squares."""
        length = np.sqrt(np.mean(direction.astype("float64") ** 2))
        if not (length > 0 and np.isfinite(length)):
            return 1.0
        moved = parameters + (_SMALL / length * direction).astype(parameters.dtype)
        here, there = (to_numpy(self._drawn(to_tensor(p, None))) for p in (parameters, moved))
        return max(np.sqrt(np.mean((there - here) ** 2)) / _SMALL, _SMALL)

    @property
    def evaluation(self):
        return self._descent.evaluation

    def step(self) -> bool:
        going = self._descent.step()
        self.image = self._drawn(self._descent.image)
        return going


@functools.lru_cache(maxsize=8)
def _compiled(parametrisation):
    """The image of parameters; and the gradient by these, from the one by the image."""

    def product(parameters, gradient):  # its slope is what the chain rule asks for
        return ops.sum(parametrisation.image(parameters) * gradient), ()

    return compile_function(parametrisation.image), compile_value_and_gradient(product)
