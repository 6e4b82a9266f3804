"""Style as a distribution: the features of one layer at all positions are a cloud of points.

Each statistic here measures how far two such clouds are apart, with no regard to where in the
picture a point came from. The Gram matrix is one of them: see :class:`MMD`.

The formulas follow our reading of Li, Wang, Liu & Hou (2017), "Demystifying Neural Style Transfer",
arXiv 1701.01036, whose text could not be had when this was written; the mathematics of each is
standard, and the docstrings give a second source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .. import losses
from ..arguments import check_choice, check_whole
from ..backend import ops
from .base import Statistic, guided, mean_loss, mixture
from .gram import gram_matrix

__all__ = ["KERNELS", "MMD", "MeanVariance", "Wasserstein", "trace_of_root"]

#: The kernels that :class:`MMD` knows.
KERNELS = ("linear", "polynomial", "gaussian")


@dataclass(frozen=True)
class MMD(Statistic):
    """Maximum mean discrepancy: how far the mean embeddings of two clouds are apart.

    ``MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y)`` over all pairs of positions. A kernel
    is a scalar product of embeddings, k(x, y) = e(x) . e(y), so that this is the squared distance
    between ``mean e(x)`` and ``mean e(y)``, which takes M steps instead of M^2:

    ============  ==============================  ==========================================
    kernel        k(x, y)                         mean embedding
    ============  ==============================  ==========================================
    "linear"      x . y                           mean of each filter
    "polynomial"  (x . y)^2                       Gram matrix
    "gaussian"    exp(-\\|x - y\\|^2 / (2 s^2))     means of sqrt(2 / D) cos(w . x + b)
    ============  ==============================  ==========================================

    Parameters
    ----------
    kernel : {"linear", "polynomial", "gaussian"}, default "linear"
        The loss of "polynomial" (of degree 2) is that of the Gram matrix: MMD^2 is N^2 times its
        ``reduction="mean"``, 4 N^2 times its "gatys"; "relative" is the same.
    bandwidth : float, default 1.0
        For "gaussian" only: s^2 = bandwidth^2 times the mean of \\|y - y'\\|^2 over all pairs of
        positions in the painting.
    waves : int, default 256
        For "gaussian" only: D, the number of random directions w (normal with standard deviation
        1 / s) and phases b (uniform in 0 to 2 pi).
    seed : int, default 0
        For "gaussian" only: of the directions and phases.

    Raises
    ------
    ValueError
        For an unknown kernel or numbers out of range.

    Notes
    -----
    The paper samples pairs of positions for the Gaussian kernel. Random waves need no sampling,
    so that every position counts at every step, and memory is M x D; their error falls as
    1 / sqrt(D). Reductions: "mean" divides MMD^2 by the number of entries of the embedding (D / D
    for the Gaussian); "relative" by its value for features that are all 0.

    References
    ----------
    Li et al. (2017), arXiv 1701.01036, section 4; Gretton et al. (2012), "A Kernel Two-Sample
    Test", JMLR 13; waves: Rahimi & Recht (2007), "Random Features for Large-Scale Kernel Machines".

    Examples
    --------
    >>> features = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])  # 1 x 2 positions, 2 filters
    >>> MMD("linear").describe(features).numpy().tolist()
    [2.0, 3.0]
    >>> MMD("polynomial").describe(features).numpy().tolist()
    [[5.0, 7.0], [7.0, 10.0]]
    """

    kernel: str = "linear"
    bandwidth: float = 1.0
    waves: int = 256
    seed: int = 0

    def __post_init__(self):
        check_choice("kernel", self.kernel, KERNELS)
        if not (math.isfinite(self.bandwidth) and self.bandwidth > 0):
            raise ValueError(f"bandwidth is {self.bandwidth}; expected a positive number")
        check_whole("waves", self.waves, 1)
        check_whole("seed", self.seed, 0)

    def describe(self, features, waves=None, where=None):
        (place,) = where or (None,)
        rows = losses.as_rows(features)
        if self.kernel == "linear":
            return ops.mean(guided(rows, place, 2), axis=0)
        if self.kernel == "polynomial":
            return gram_matrix(guided(rows, place))
        # sqrt(2), not sqrt(2 / D): the mean over the D waves is then the sum that MMD^2 is.
        directions, phases = waves
        answers = ops.cos(ops.matmul(rows, directions) + phases) - ops.cos(phases)
        return math.sqrt(2) * ops.mean(guided(answers, place, 2), axis=0)

    @property
    def additive(self) -> bool:
        """Not with waves: their scale is that of the paintings' features, which are looked at."""
        return self.kernel != "gaussian"

    def target(self, paintings, shares, where=None):
        waves = self._waves(paintings, shares, where) if self.kernel == "gaussian" else ()
        return self.target_of(self._each(paintings, where, waves), shares, waves)

    def target_of(self, descriptions, shares, waves=()):
        return {"parts": mixture(descriptions, shares), "waves": waves}

    def loss(self, features, target, reduction="relative", where=None):
        description = self._described(features, where, target["waves"])
        return self.compare(description, target, reduction)

    def compare(self, description, target, reduction="relative"):
        return mean_loss(description, target["parts"], reduction)

    def _waves(self, paintings, shares, where):
        """Random directions and phases, in the scale of the paintings' features."""
        rows = [losses.as_rows(features) for (features,) in paintings]
        mean, squares = mixture(MeanVariance()._each(paintings, where), shares)
        power = ops.sum(squares)
        # Over all pairs the mean of |y - y'|^2 is twice the variance, summed over the filters.
        squared = 2 * (float(power) - float(ops.sum(ops.square(mean))))
        scale = self.bandwidth * math.sqrt(max(squared, 0.0)) or 1.0  # a flat painting has none
        rng, filters = np.random.default_rng(self.seed), rows[0].shape[-1]
        directions = rng.normal(size=(filters, self.waves)) / scale
        phases = rng.uniform(0, 2 * math.pi, self.waves)
        return tuple(ops.convert_to_tensor(each, rows[0].dtype) for each in (directions, phases))


@dataclass(frozen=True)
class MeanVariance(Statistic):
    """Each filter's mean and standard deviation, as batch normalisation keeps them.

    ``E = mean over filters of (mean_i - mean'_i)^2 + (sd_i - sd'_i)^2``. Which filters answer
    together is forgotten: N means and N standard deviations are all that is left of a layer.

    Notes
    -----
    Several paintings are mixed as clouds: the variance of the mixture holds the differences of
    their means too. A millionth of the painting's mean square is added to each variance before the
    root is taken, whose slope at 0 is infinite. "relative" divides by the mean of
    mean'^2 + sd'^2, the loss where nothing answers.

    References
    ----------
    Li et al. (2017), arXiv 1701.01036, section 4 ("BN statistics matching"); Huang & Belongie
    (2017), "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization",
    arXiv 1703.06868, eq. 13.

    Examples
    --------
    >>> first, second = np.array([[1.0], [3.0]]), np.array([[2.0], [8.0]])  # means 2, 5; sds 1, 3
    >>> statistic = MeanVariance()
    >>> target = statistic.target([(second,)], [1.0])
    >>> round(float(statistic.loss((first,), target, "mean")), 3)  # (2 - 5)^2 + (1 - 3)^2
    13.0
    """

    additive = True

    def describe(self, features, where=None):
        (place,) = where or (None,)
        rows = losses.as_rows(features)
        means = (guided(each, place, 2) for each in (rows, ops.square(rows)))
        return tuple(ops.mean(each, axis=0) for each in means)

    def compare(self, description, target, reduction="relative"):
        mean, square = description
        wanted_mean, wanted_square = target
        tiny = 1e-6 * ops.mean(wanted_square) + 1e-12

        def deviation(mean, square):
            return ops.sqrt(ops.maximum(square - ops.square(mean), 0.0) + tiny)

        difference = deviation(mean, square) - deviation(wanted_mean, wanted_square)
        found = ops.mean(ops.square(mean - wanted_mean) + ops.square(difference))
        return found / (ops.mean(wanted_square) + 1e-12) if reduction == "relative" else found


@dataclass(frozen=True)
class Wasserstein(Statistic):
    """The work of moving one cloud onto the other, if both were Gaussians.

    With means m, m' and covariances C, C'::

        W^2 = |m - m'|^2 + tr C + tr C' - 2 tr (C'^(1/2) C C'^(1/2))^(1/2)

    Parameters
    ----------
    iterations : int, default 20
        Of Newton and Schulz for the root, see :func:`trace_of_root`.
    ridge : float, default 0.03
        This times the mean variance of the painting's filters is added to every filter's variance,
        in both. It keeps directions in which the painting hardly varies from costing precision.

    Raises
    ------
    ValueError
        For numbers out of range.

    Notes
    -----
    Reductions: "mean" is W^2 / N; "relative" divides W^2 by \\|m'\\|^2 + tr C', the mean squared
    length of the painting's features, about 1 where nothing answers. Several paintings are mixed
    as clouds, by the moments of the mixture.

    References
    ----------
    Dowson & Landau (1982), "The Fréchet Distance between Multivariate Normal Distributions",
    J. Multivariate Anal. 12; as a texture loss: Vacher et al. (2020), "Texture Interpolation for
    Probing Visual Perception", arXiv 2006.03698.

    Examples
    --------
    >>> first, second = np.array([[1.0], [3.0]]), np.array([[2.0], [8.0]])  # means 2, 5; sds 1, 3
    >>> statistic = Wasserstein(ridge=0.0)
    >>> target = statistic.target([(second,)], [1.0])
    >>> round(float(statistic.loss((first,), target, "mean")), 3)  # (2 - 5)^2 + (1 - 3)^2
    13.0
    """

    iterations: int = 20
    ridge: float = 0.03

    additive = True

    def __post_init__(self):
        check_whole("iterations", self.iterations, 1)
        if not (math.isfinite(self.ridge) and self.ridge >= 0):
            raise ValueError(f"ridge is {self.ridge}; expected a finite number of at least 0")

    def describe(self, features, where=None):
        (place,) = where or (None,)
        rows = losses.as_rows(features)
        return ops.mean(guided(rows, place, 2), axis=0), gram_matrix(guided(rows, place))

    def target_of(self, descriptions, shares):
        mean, gram = super().target_of(descriptions, shares)
        covariance = gram - ops.outer(mean, mean)
        added = self.ridge * ops.trace(covariance) / covariance.shape[0] + 1e-12
        covariance = covariance + added * ops.eye(covariance.shape[0], dtype=covariance.dtype)
        # Once for each painting, so that this root may be the exact one.
        values, vectors = np.linalg.eigh(np.asarray(covariance, dtype="float64"))
        root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        return {
            "mean": mean,
            "root": ops.cast(ops.convert_to_tensor(root), mean.dtype),
            "spread": ops.trace(covariance),
            "added": added,
            "unit": ops.trace(gram),
        }

    def compare(self, description, target, reduction="relative"):
        mean, gram = description
        filters = gram.shape[0]
        covariance = gram - ops.outer(mean, mean)
        covariance = covariance + target["added"] * ops.eye(filters, dtype=gram.dtype)
        product = ops.matmul(ops.matmul(target["root"], covariance), target["root"])
        distance = (
            ops.sum(ops.square(mean - target["mean"]))
            + (ops.trace(covariance) + target["spread"])
            - 2 * trace_of_root(product, self.iterations)
        )
        # Rounding may leave a little less than nothing.
        distance = ops.maximum(distance, 0.0)
        return distance / (target["unit"] + 1e-12 if reduction == "relative" else filters)


def trace_of_root(matrix, iterations=20):
    """The trace of the square root of a matrix, without eigenvalues.

    The coupled iteration of Newton and Schulz, with A the matrix divided by its Frobenius norm,
    Y = A and Z = I at first::

        T = (3 I - Z Y) / 2,    Y <- Y T,    Z <- T Z

    brings Y to the root of A and Z to its inverse, with products of matrices alone. Each step
    multiplies a small eigenvalue of Y by 1.5, so those below 1.5^-iterations of the norm stay too
    small. The derivative of tr A^(1/2) is half of A^(-1/2), which is Z / 2: it is put in as it is,
    finite whatever the matrix, instead of being computed back through all the products.

    Parameters
    ----------
    matrix : tensor, float, shape (N, N)
        Symmetric and positive semi-definite.
    iterations : int, default 20

    Returns
    -------
    scalar tensor

    References
    ----------
    Higham (2008), "Functions of Matrices", section 6.7; Lin & Maji (2017), "Improved Bilinear
    Pooling with CNNs", arXiv 1707.06772.

    Examples
    --------
    >>> round(float(trace_of_root(np.diag([4.0, 9.0]))), 6)
    5.0
    """
    fixed = ops.stop_gradient(ops.convert_to_tensor(matrix))
    norm = ops.sqrt(ops.sum(ops.square(fixed))) + 1e-30
    identity = ops.eye(fixed.shape[0], dtype=fixed.dtype)
    root, inverse = (fixed + ops.transpose(fixed)) / (2 * norm), identity
    for _ in range(iterations):
        step = 1.5 * identity - 0.5 * ops.matmul(inverse, root)
        root, inverse = ops.matmul(root, step), ops.matmul(step, inverse)
    value, slope = ops.trace(root) * ops.sqrt(norm), 0.5 * inverse / ops.sqrt(norm)
    return value + ops.sum(ops.stop_gradient(slope) * (matrix - fixed))
