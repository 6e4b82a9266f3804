"""How strongly a loss curves along coarse and along fine waves of an image.

A loss of features answers to a fine wave quite otherwise than to a coarse one, and to a change of
brightness otherwise than to one of colour. L-BFGS takes one number for what its remembered steps do
not tell; here it is one for each octave of spatial frequency, down by across, and each of three
opponent colours, read off the last steps.
"""

from __future__ import annotations

import collections
import math
from typing import NamedTuple

import numpy as np

from ..backend import ops, to_numpy, to_tensor

__all__ = ["Spectrum", "cosines", "energies", "filtered"]

_REMEMBERED = 5  # steps: the curvature drifts while the image forms
_SPREAD = 1e3  # how far an octave's number may be from that of all
# Brightness, red against green, yellow against blue: orthonormal rows.
_OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])


class _Basis(NamedTuple):
    """Cosine transforms of rows and of columns, and where each frequency lies among the octaves."""

    rows: object  # (H, H), orthonormal
    columns: object  # (W, W)
    colours: object  # (3, 3)
    down: object  # (n, H): the share of each row's frequency in each octave; columns add up to 1
    across: object  # (n, W)


class Spectrum:
    """What the last steps and changes of the gradient tell of the curvature, octave by octave.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    basis : tuple of tensors
        As :func:`energies` and :func:`filtered` take it.

    References
    ----------
    Barzilai & Borwein (1988), "Two-point step size gradient methods", IMA J. Numer. Anal. 8: one
    number from a step and a change. Here the geometric mean of their two, for each octave.

    Examples
    --------
    >>> step = np.random.default_rng(0).normal(size=(1, 16 * 24 * 3))
    >>> spectrum, change = Spectrum(16, 24, "float64"), 4 * step  # curvature 4 everywhere
    >>> spectrum.add(energies(to_tensor(np.concatenate([step, change]), None), spectrum.basis))
    >>> gains = spectrum.guess(float(np.sum(step * change)))
    >>> found = filtered(to_tensor(step, None), gains, spectrum.basis)
    >>> bool(np.allclose(to_numpy(found), step / 4))
    True
    """

    def __init__(self, height, width, dtype):
        lowest = 1 / (2 * max(height, width))  # periods in a pixel
        down, across = (_shares(n, lowest) for n in (height, width))
        self.basis = _Basis(
            *(to_tensor(each, dtype) for each in (cosines(height), cosines(width), _OPPONENT)),
            *(to_tensor(each, dtype) for each in (down, across)),
        )
        self._energies = collections.deque(maxlen=_REMEMBERED)

    def add(self, found):
        """Take in the :func:`energies` of a step and of the change of the gradient."""
        found = to_numpy(found).astype("float64")
        if found[1].sum() > 0:  # a gradient that did not change tells of no curvature
            self._energies.append(found)

    def state(self) -> dict:
        """What it remembers, oldest first: an array with a row for each step, if there are any."""
        return {"energies": np.stack(self._energies)} if self._energies else {}

    def restore(self, state):
        """Remember what another gave as its :meth:`state`."""
        self._energies.clear()
        self._energies.extend(state.get("energies", ()))

    def guess(self, product):
        """The inverse of the curvature, as :func:`filtered` takes it.

        Parameters
        ----------
        product : float
            Of the newest step and change. The scale is chosen so that the guess fits these two, as
            in Nocedal & Wright (2006), equation 7.20.

        Returns
        -------
        array, shape (3, n, n)
            For each opponent colour and octave, down by across.
        """
        # Every step counts alike, however long it was.
        steps, changes = sum(each / each[1].sum() for each in self._energies)
        gains = np.sqrt(steps / np.maximum(changes, np.finfo("float32").tiny))
        usual = math.sqrt(steps.sum() / changes.sum())
        gains = np.clip(gains, usual / _SPREAD, usual * _SPREAD)  # an octave may have been at rest
        gains *= product / (gains * self._energies[-1][1]).sum()
        return gains


def cosines(size):
    """The orthonormal cosine transform of type II, as a matrix.

    Returns
    -------
    array, float64, shape (size, size)
        A row for each wave, of as many half periods as its number.

    Examples
    --------
    >>> waves = cosines(5)
    >>> bool(np.allclose(waves @ waves.T, np.eye(5)))
    True
    """
    place, wave = np.arange(size) + 0.5, np.arange(size)[:, None]
    matrix = np.sqrt(2 / size) * np.cos(np.pi * wave * place / size)
    matrix[0] /= math.sqrt(2)
    return matrix


def _shares(size, lowest):
    """How the frequencies of a cosine transform are shared out among octaves: (octaves, size)."""
    frequency = np.arange(size) / (2 * size)
    octave = np.log2(np.maximum(frequency, lowest / 2) / lowest) + 1  # 0: no wave at all
    number = np.arange(math.floor(math.log2(0.5 / lowest)) + 3)[:, None]
    return np.maximum(1 - np.abs(octave - number), 0)


def _transformed(vectors, basis):
    """(k, H W 3) pixels to (k, 3, H, W) waves."""
    height, width = ops.shape(basis.rows)[0], ops.shape(basis.columns)[0]
    waves = ops.transpose(ops.reshape(vectors, (-1, height * width, 3)), (0, 2, 1))
    # One name for all, so that where this is not compiled what is used up is given back. All rows
    # of all planes in one product: quicker than plane by plane.
    waves = ops.reshape(ops.matmul(basis.colours, waves), (-1, width))
    waves = ops.matmul(waves, ops.transpose(basis.columns))
    return ops.matmul(basis.rows, ops.reshape(waves, (-1, 3, height, width)))


def energies(vectors, basis):
    """How much of the squares of k vectors lies in each colour and octave: (k, 3, n, n)."""
    squares = ops.square(_transformed(vectors, basis))
    return ops.matmul(ops.matmul(basis.down, squares), ops.transpose(basis.across))


def filtered(vector, gains, basis):
    """A vector, shape (1, H W 3), each octave of each opponent colour times its gain."""
    gains = ops.matmul(ops.transpose(basis.down), ops.cast(gains, vector.dtype))
    waves = _transformed(vector, basis)[0] * ops.matmul(gains, basis.across)
    waves = ops.matmul(ops.matmul(ops.transpose(basis.rows), waves), basis.columns)
    waves = ops.matmul(ops.transpose(basis.colours), ops.reshape(waves, (3, -1)))
    return ops.reshape(ops.transpose(waves), (1, -1))
