"""Tasks of notebook 8: colours, regions, and how masks become small."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays, positions

__all__ = ["TASKS"]

_LUMA = np.array([0.299, 0.587, 0.114])


def _colours(image):
    return image.reshape(-1, 3)


def _covariance(image):
    return np.cov(_colours(image), rowvar=False)


def _power(matrix, exponent):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def _cholesky(ours, theirs):
    return np.linalg.cholesky(theirs) @ np.linalg.inv(np.linalg.cholesky(ours))


def _monge(ours, theirs):
    root, inverse = _power(ours, 0.5), _power(ours, -0.5)
    return inverse @ _power(root @ theirs @ root, 0.5) @ inverse


def _each_channel(ours, theirs):
    return np.diag(np.sqrt(np.diag(theirs) / np.diag(ours)))


def _matched(image, reference, transport=_cholesky):
    """Colours with the reference's mean, and another covariance by a matrix of both."""
    matrix = transport(_covariance(image), _covariance(reference))
    mean, wanted = (_colours(each).mean(0) for each in (image, reference))
    return ((_colours(image) - mean) @ matrix.T + wanted).reshape(image.shape)


def _light(image, weights=_LUMA):
    return (image @ weights)[..., None]


def _relit(photo, painted, light=_light):
    return photo - light(photo) + light(painted)


def _guided(features, guide, by=lambda guide: np.sum(guide**2)):
    rows = (features * guide).reshape(-1, features.shape[-1])
    return rows.T @ rows / by(guide)


def _halved(mask, of=np.mean):
    height, width = (side // 2 for side in mask.shape)
    return of(mask.reshape(height, 2, width, 2), axis=(1, 3))


def _inside(height, width, distance=lambda y, x: y**2 + x**2, middle=0.5):
    """Where a distance from the middle is at most 1."""
    y = 2 * (np.arange(height)[:, None] + middle) / height - 1
    x = 2 * (np.arange(width) + middle) / width - 1
    return (distance(y, x) <= 1) * 1.0


def _palettes():
    """Pairs of pictures. Of as many pixels, so that it does not matter whether n or n - 1 divides.

    The colours of the second vary less, and not evenly.
    """
    images, references = arrays((1, 4, 6, 3), (1, 5, 8, 3))(), arrays((1, 6, 4, 3), (1, 8, 5, 3))()
    return [
        (image, (0.2 + 0.5 * reference[..., ::-1] ** 2).astype("float32"))
        for (image,), (reference,) in zip(images, references, strict=True)
    ]


def _guides():
    """Features, and a guide that is partly soft."""
    rng = np.random.default_rng(8)
    return [
        (
            rng.uniform(size=(1, *size, channels)).astype("float32"),
            np.round(4 * rng.uniform(size=(1, *size, 1))).astype("float32") / 4,
        )
        for size, channels in (((4, 6), 5), ((5, 3), 2))
    ]


TASKS = (
    Task(
        8,
        "match_colours(image, reference)",
        "The image in new colours: their mean and covariance are those of the reference, by the "
        "matrix L_B L_A^(-1) of the triangular roots (Cholesky) of both covariances.",
        _palettes,
        _matched,
        {
            "the mean is right, but the covariance is still the image's: only the mean was moved": (
                lambda x, y: x - _colours(x).mean(0) + _colours(y).mean(0)
            ),
            "each channel has the right spread, but the channels still vary together as they did: "
            "take the whole covariance matrix, not its diagonal": (
                lambda x, y: _matched(x, y, _each_channel)
            ),
            "mean and covariance are right, by another matrix: the symmetric one of the least "
            "move (Monge). Here L_B L_A^(-1) is wanted": lambda x, y: _matched(x, y, _monge),
            "mean and covariance are right, by another matrix: that of symmetric roots. Here "
            "L_B L_A^(-1) is wanted": (
                lambda x, y: _matched(x, y, lambda a, b: _power(b, 0.5) @ _power(a, -0.5))
            ),
            "the matrix is not transposed: a colour is a row here, so it is multiplied by T.T from "
            "the right": lambda x, y: _matched(x, y, lambda a, b: _cholesky(a, b).T),
            "the matrix leads the other way, from the reference to the image: L_B comes first, and "
            "L_A is inverted": lambda x, y: _matched(x, y, lambda a, b: _cholesky(b, a)),
            "the two factors are exchanged: first undo L_A, then apply L_B": (
                lambda x, y: _matched(
                    x, y, lambda a, b: np.linalg.inv(np.linalg.cholesky(a)) @ np.linalg.cholesky(b)
                )
            ),
            "the covariances themselves are multiplied; take their roots": (
                lambda x, y: _matched(x, y, lambda a, b: b @ np.linalg.inv(a))
            ),
            "the reference's mean is not added at the end": (
                lambda x, y: _matched(x, y) - _colours(y).mean(0)
            ),
            "the image's own mean is added at the end; add the reference's": (
                lambda x, y: _matched(x, y) - _colours(y).mean(0) + _colours(x).mean(0)
            ),
            "image and reference are exchanged": lambda x, y: _matched(y, x),
        },
        "Any matrix T with T A T^T = B would do; they differ in where a single colour goes.",
    ),
    Task(
        8,
        "swap_luminance(photo, painted)",
        "Each pixel of the photograph, with the same amount added to red, green and blue, so that "
        "its luminance 0.299 R + 0.587 G + 0.114 B is that of the painted picture. Nothing is "
        "clipped.",
        arrays((1, 4, 6, 3), (1, 5, 3, 3), copies=2),
        _relit,
        {
            "the channels count alike; green is the brightest to the eye: 0.299, 0.587, 0.114": (
                lambda x, y: _relit(x, y, lambda z: z.mean(-1, keepdims=True))
            ),
            "the weights are in the order blue, green, red": (
                lambda x, y: _relit(x, y, lambda z: _light(z, _LUMA[::-1]))
            ),
            "photograph and painted picture are exchanged": lambda x, y: _relit(y, x),
            "the photograph's own luminance has to be taken off first": (
                lambda x, y: x + _light(y)
            ),
            "this is grey: only the luminance is left, without the photograph's colours": (
                lambda x, y: np.repeat(_light(y), 3, -1)
            ),
            "the colours are multiplied, which changes their chroma; add the difference": (
                lambda x, y: x * _light(y) / _light(x)
            ),
            "the sign of the difference is wrong": lambda x, y: x + _light(x) - _light(y),
        },
        "What a colour differs from grey by is left alone: it is the chroma, I and Q of YIQ.",
    ),
    Task(
        8,
        "guided_gram(features, guide)",
        "Features (1, H, W, N) times a guide (1, H, W, 1), place by place; then the N x N sums of "
        "products over all places, divided by the sum of the guide's squares.",
        _guides,
        _guided,
        {
            "it is divided by the number of places; divide by the sum of the guide's squares": (
                lambda f, t: _guided(f, t, lambda t: t.size)
            ),
            "it is divided by the sum of the guide; divide by that of its squares": (
                lambda f, t: _guided(f, t, np.sum)
            ),
            "it is divided by the number of places where the guide is not 0; a place that counts "
            "half is one, too": lambda f, t: _guided(f, t, np.count_nonzero),
            "the products are added up, not averaged: divide by the sum of the guide's squares": (
                lambda f, t: _guided(f, t, lambda t: 1)
            ),
            "the guide counts once; both factors of a product are multiplied by it": (
                lambda f, t: _guided(f, np.sqrt(t), lambda root: np.sum(root**4))
            ),
            "the guide counts once; both factors of a product are multiplied by it, and the sum "
            "of squares goes with that": lambda f, t: _guided(f, np.sqrt(t)),
            "the guide is not used: this is the Gram matrix of all places": (
                lambda f, t: _guided(f, np.ones_like(t))
            ),
            "it is divided by positions and by the guide's squares": (
                lambda f, t: _guided(f, t) / positions(f)
            ),
            "this compares places with places; multiply the other way round, to compare channels": (
                lambda f, t: (
                    (f * t).reshape(-1, f.shape[-1])
                    @ (f * t).reshape(-1, f.shape[-1]).T
                    / np.sum(t**2)
                )
            ),
        },
        "With a guide of 1 everywhere it is the Gram matrix; with 0 and 1 it is that of a region.",
    ),
    Task(
        8,
        "halve_mask(mask)",
        "A mask (H, W) with even sides, at half of both sides: each entry is the mean of 2 x 2.",
        arrays((4, 6), (8, 2)),
        _halved,
        {
            "every second entry is taken; take the mean of each 2 x 2": lambda m: m[::2, ::2],
            "the largest of each 2 x 2 is taken, as features are pooled; take the mean": (
                lambda m: _halved(m, np.max)
            ),
            "the least of each 2 x 2 is taken: that is the other way, 'inside'. Take the mean": (
                lambda m: _halved(m, np.min)
            ),
            "each 2 x 2 is added up; divide by 4": lambda m: _halved(m, np.sum),
            "only the rows are halved": lambda m: (m[::2] + m[1::2]) / 2,
            "only the columns are halved": lambda m: (m[:, ::2] + m[:, 1::2]) / 2,
            "the result is rounded to 0 and 1; a place that lies half inside counts half": (
                lambda m: np.round(_halved(m))
            ),
            "the reshape mixes rows and columns: (H // 2, 2, W // 2, 2), and the mean over the "
            "second and the last axis": (
                lambda m: m.reshape(m.shape[0] // 2, m.shape[1] // 2, 2, 2).mean((2, 3))
            ),
        },
        "Four times this, and the mask is at conv5_1, where a place stands for 16 x 16 pixels.",
    ),
    Task(
        8,
        "ellipse_mask(height, width)",
        "1 for pixels whose middle lies in the ellipse that touches all four sides of the picture, "
        "else 0; the middle of the first pixel is at 0.5, and the ellipse is y^2 + x^2 <= 1 when y "
        "and x go from -1 to 1.",
        lambda: [(12, 19), (7, 5)],
        _inside,
        {
            "inside and outside are exchanged": lambda h, w: 1 - _inside(h, w),
            "the pixels' corners are taken, not their middles: add 0.5": (
                lambda h, w: _inside(h, w, middle=0)
            ),
            "height and width are exchanged": lambda h, w: _inside(w, h),
            "y and x go from 0 to 1, so that only a quarter of an ellipse is left, in a corner": (
                lambda h, w: _inside(h, w, lambda y, x: (y / 2 + 0.5) ** 2 + (x / 2 + 0.5) ** 2)
            ),
            "the squares are missing: this is a diamond": (
                lambda h, w: _inside(h, w, lambda y, x: abs(y) + abs(x))
            ),
            "this is a circle: y and x are divided by the same side": (
                lambda h, w: _inside(h, w, lambda y, x: y**2 + (x * w / h) ** 2)
            ),
        },
        "It is what nst.masks.ellipse(image, (0, 0, 1, 1)) gives; feather() makes its edge soft.",
    ),
)
