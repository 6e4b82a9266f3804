"""Tasks of notebook 9: two normalisations, how far a painter sees, how checkerboards begin."""

from __future__ import annotations

import numpy as np

from .task import Task

__all__ = ["TASKS"]

_EPSILON = 1e-5
_INSTANCE, _BATCH = (1, 2), (0, 1, 2)  # axes over which the mean is taken


def _normalised(features, scale, shift, axes, spread=np.sqrt):
    mean = features.mean(axes, keepdims=True)
    variance = features.var(axes, keepdims=True)
    return scale * (features - mean) / spread(variance + _EPSILON) + shift


def _batches():
    """Two pictures of unlike contrast, with a scale and a shift for each channel."""
    rng = np.random.default_rng(9)
    cases = []
    for height, width, channels in ((4, 6, 5), (5, 3, 2)):
        features = rng.uniform(0, 3, (2, height, width, channels)).astype("float32")
        features[1] = 0.4 * features[1] + 1
        rows = (rng.uniform(0.5, 2, channels), rng.uniform(-1, 1, channels))
        cases.append((features, *(row.astype("float32") for row in rows)))
    return cases


def _field(kernels, scales, start=1, order="right", enlarging=True):
    """The pixels across that decide one pixel, counted back from the picture to the result."""
    field, jump = start, 1.0
    for kernel, scale in zip(kernels, scales, strict=True):
        before = scale < 1 if order == "right" else scale > 1
        scale = scale if enlarging or scale > 1 else 1
        jump *= scale if before else 1
        field += (kernel - 1) * jump
        jump *= 1 if before else scale
    return field


def _written(length, kernel, stride, size=None):
    """How often each place is written to."""
    counts = np.zeros(stride * (length - 1) + kernel if size is None else size)
    for place in range(length):
        counts[stride * place : stride * place + kernel] += 1
    return counts


def _mistakes(axes, other, says):
    """What both normalisations have in common of what can go wrong."""
    positions = "over height and width" if axes == _INSTANCE else "over images, height and width"
    return {
        says: lambda f, s, t: _normalised(f, s, t, other),
        "all channels are averaged together; each has a mean and a variance of its own": (
            lambda f, s, t: _normalised(f, s, t, (1, 2, 3) if axes == _INSTANCE else (0, 1, 2, 3))
        ),
        f"it is averaged over the channels at every position; average each channel {positions}": (
            lambda f, s, t: _normalised(f, s, t, (3,))
        ),
        "it is divided by the variance; divide by its root": (
            lambda f, s, t: _normalised(f, s, t, axes, spread=lambda v: v)
        ),
        "the mean is not taken off": (
            lambda f, s, t: s * f / np.sqrt(f.var(axes, keepdims=True) + _EPSILON) + t
        ),
        "the mean is taken off, but nothing is divided by the deviation": (
            lambda f, s, t: s * (f - f.mean(axes, keepdims=True)) + t
        ),
        "scale and shift are not used": (
            lambda f, s, t: _normalised(f, 1.0, 0.0, axes)
        ),
        "the shift is not added": lambda f, s, t: _normalised(f, s, 0.0, axes),
        "the scale is not used": lambda f, s, t: _normalised(f, 1.0, t, axes),
        "scale and shift are exchanged": lambda f, s, t: _normalised(f, t, s, axes),
        "the shift comes before the scale; scale first, then add it": (
            lambda f, s, t: s * (_normalised(f, 1.0, 0.0, axes) + t)
        ),
    }  # fmt: skip


TASKS = (
    Task(
        9,
        "instance_norm(features, scale, shift)",
        "Features (B, H, W, N): each channel of each image is moved to the mean shift and the "
        "deviation scale, both (N,). Divide by the root of variance + 0.00001.",
        _batches,
        lambda f, s, t: _normalised(f, s, t, _INSTANCE),
        _mistakes(
            _INSTANCE, _BATCH,
            "this is batch normalisation: the images of a batch have a common mean; each needs its "
            "own",
        ),
        "Whatever contrast and brightness a photograph brings along, they are gone after this.",
    ),
    Task(
        9,
        "batch_norm(features, scale, shift)",
        "The same, but mean and variance of a channel are taken over all images of the batch at "
        "once.",
        _batches,
        lambda f, s, t: _normalised(f, s, t, _BATCH),
        _mistakes(
            _BATCH, _INSTANCE,
            "this is instance normalisation: each image has its own mean; the batch needs a common "
            "one",
        ),
        "One dark image among bright ones stays dark after this: the network has to cope with it.",
    ),
    Task(
        9,
        "painter_field(kernel_sizes, scales)",
        "How many pixels across decide one pixel of the result, through convolutions given by two "
        "lists. A scale of 2 is a stride of 2; 0.5 means that the image is enlarged by 2 before "
        "the convolution; 1 is neither.",
        lambda: [
            ([3], [1]),
            ([5, 3, 3], [1, 2, 2]),
            ([5, 3, 3, 3, 3, 3], [1, 2, 1, 1, 0.5, 1]),
            ([9, 3, 3, 3, 3, 3, 9], [1, 2, 2, 1, 0.5, 0.5, 1]),
        ],
        _field,
        {
            "the enlarging is left out: after it a step is half as many pixels of the photograph": (
                lambda k, s: _field(k, s, enlarging=False)
            ),
            "the order is wrong: an enlarging counts for its own convolution, a stride only for "
            "those after it": lambda k, s: _field(k, s, order="wrong"),
            "it starts from 0, but with no layer at all one pixel sees one pixel": (
                lambda k, s: _field(k, s, start=0)
            ),
            "the strides are left out: after a stride of 2 a step is two pixels of the input": (
                lambda k, s: 1 + sum(each - 1 for each in k)
            ),
            "the kernel sizes are added up, but windows overlap: a kernel of size k adds k - 1": (
                lambda k, s: sum(k)
            ),
        },
        "Most of it comes from the blocks at a quarter of the size, where a step is four pixels.",
    ),
    Task(
        9,
        "written_to(length, kernel, stride)",
        "A transposed convolution of one row: input i adds a kernel's width of numbers to the "
        "output, from place stride * i on. How often is each place of the output written to?",
        lambda: [(4, 3, 2), (5, 4, 2), (3, 5, 3), (4, 2, 3)],
        _written,
        {
            "this is a convolution, not a transposed one: every input is moved by the stride, so "
            "that the output is longer than the input": (
                lambda n, k, s: _written(n, k, 1, n + k - 1)
            ),
            "the output is cut too short: the last input still writes a kernel's width": (
                lambda n, k, s: _written(n, k, s)[: s * n]
                if k > s else _written(n, k, s)[:-1]
            ),
            "each place counts once at most; add up how often it is written to": (
                lambda n, k, s: np.minimum(_written(n, k, s), 1)
            ),
            "kernel and stride are exchanged": lambda n, k, s: _written(n, s, k),
        },
        "3 and 2 give 1, 1, 2, 1, 2, ...: a pattern before anything was learnt. 4 and 2 are even.",
    ),
)  # fmt: skip
