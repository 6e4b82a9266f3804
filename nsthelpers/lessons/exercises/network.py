"""Tasks of notebook 1: a convolution, what goes into VGG19, and how large it is."""

from __future__ import annotations

import numpy as np

from .task import Task, arrays

__all__ = ["TASKS"]

_MEANS = np.array([103.939, 116.779, 123.68])  # blue, green, red
_IMAGES = arrays((1, 4, 6, 3), (1, 5, 3, 3))


def _preprocess(image, means=_MEANS):
    return image[..., ::-1] * 255 - means


def _deprocess(features, means=_MEANS):
    return (features + means)[..., ::-1] / 255


def _field(kernels, strides, start=1, late=False, single=False):
    field, step = start, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        step = step * stride if late else step
        field += (kernel - 1) * (1 if single else step)
        step = step if late else step * stride
    return field


def _pictures_and_filters():
    rng = np.random.default_rng(7)
    return [
        tuple(rng.uniform(-1, 1, shape).astype("float32") for shape in (size, (3, 3)))
        for size in ((5, 7), (6, 4))
    ]


def _convolve(picture, weights, padding=1, border="constant"):
    padded = np.pad(picture, padding, mode=border)
    return _windows(padded, weights).sum(axis=(2, 3))


def _windows(padded, weights):
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3)) * weights


TASKS = (
    Task(
        1,
        "convolve(picture, weights)",
        "A convolution of one channel, shape (H, W), with one filter, shape (3, 3). Beyond the "
        "border there are zeros, so that the result has the shape (H, W), too.",
        _pictures_and_filters,
        _convolve,
        {
            "the result is two rows and two columns too small: put a border of one zero around "
            "the picture first": lambda x, w: _convolve(x, w, padding=0),
            "the filter is turned upside down and left to right, as mathematicians do it; a "
            "network lays it on as it is": lambda x, w: _convolve(x, w[::-1, ::-1]),
            "rows and columns of the filter are exchanged: the first index of both is the row": (
                lambda x, w: _convolve(x, w.T)
            ),
            "the border repeats the picture's edge; VGG sees zeros there": (
                lambda x, w: _convolve(x, w, border="edge")
            ),
            "the products are averaged; add them up": lambda x, w: _convolve(x, w) / 9,
            "the window begins at its pixel; the pixel is its middle: the border goes before the "
            "picture, too": lambda x, w: _convolve(x, w, padding=((0, 2), (0, 2))),
            "numbers below 0 are gone: that is the work of the ReLU, which comes after": (
                lambda x, w: np.maximum(_convolve(x, w), 0)
            ),
        },
        "One filter, laid on every place. A layer does this for each of its channels in and out.",
    ),
    Task(
        1,
        "preprocess(image)",
        "RGB in 0 to 1, shape (1, H, W, 3), to blue, green, red in 0 to 255 minus the means "
        "103.939, 116.779, 123.68.",
        _IMAGES,
        _preprocess,
        {
            "the channels are still red, green, blue, and the means are taken off in the order "
            "blue, green, red: reverse the last axis first": lambda x: x * 255 - _MEANS,
            "the means are right, but the channels are still red, green, blue: reverse the last "
            "axis": lambda x: x * 255 - _MEANS[::-1],
            "the channels are reversed, but the means are taken off in the order red, green, blue: "
            "the first is 103.939, for blue": lambda x: _preprocess(x, _MEANS[::-1]),
            "the image is in 0 to 1, the means in 0 to 255: multiply the image by 255 first": (
                lambda x: x[..., ::-1] - _MEANS
            ),
            "the means are not taken off": lambda x: _preprocess(x, 0.0),
            "the means are added; they are to be taken off": lambda x: _preprocess(x, -_MEANS),
            "the result is divided by 255; VGG was trained on 0 to 255": (
                lambda x: _preprocess(x) / 255
            ),
            "the image is turned upside down: only the last axis, the colours, is reversed": (
                lambda x: x[:, ::-1] * 255 - _MEANS
            ),
        },
        "VGG was trained on exactly these numbers, so it must be given them.",
    ),
    Task(
        1,
        "deprocess(numbers)",
        "The way back: what preprocess made, to RGB in 0 to 1.",
        arrays((1, 4, 6, 3), (1, 5, 3, 3), low=-100.0, high=100.0),
        _deprocess,
        {
            "the channels are still blue, green, red: reverse the last axis": (
                lambda x: (x + _MEANS) / 255
            ),
            "the channels are reversed before the means are added, so blue's mean goes to red: "
            "undo the steps in reverse order": lambda x: (x[..., ::-1] + _MEANS) / 255,
            "the result is in 0 to 255: divide by 255": lambda x: (x + _MEANS)[..., ::-1],
            "the means are taken off once more; add them": lambda x: _deprocess(x, -_MEANS),
            "the means are not added": lambda x: _deprocess(x, 0.0),
            "the division by 255 comes before the means are added: add them first": (
                lambda x: (x / 255 + _MEANS)[..., ::-1]
            ),
        },
        "Undo the steps in reverse order, and the round trip gives the image back.",
    ),
    Task(
        1,
        "parameters(inputs, outputs)",
        "How many numbers a 3 x 3 convolution learns, from its channels in and out.",
        lambda: [(3, 64), (64, 128), (512, 512)],
        lambda inputs, outputs: 9 * inputs * outputs + outputs,
        {
            "the biases are missing: one for each output channel": lambda i, o: 9 * i * o,
            "there is one bias for each output channel, not one in all": lambda i, o: 9 * i * o + 1,
            "there is one bias for each output channel, not for each input channel": (
                lambda i, o: 9 * i * o + i
            ),
            "a 3 x 3 window has 9 weights, not 3": lambda i, o: 3 * i * o + o,
            "every output channel looks at all input channels: 9 weights for each of them": (
                lambda i, o: 9 * o + o
            ),
            "every output channel needs weights of its own": lambda i, o: 9 * i + o,
        },
        "9 weights for each pair of channels and one bias for each output: "
        "VGG19's 16 convolutions have 20,024,384 in all.",
    ),
    Task(
        1,
        "receptive_field(kernel_sizes, strides)",
        "The side of the square of input pixels that one output sees, through a stack of layers "
        "that are given by two lists.",
        lambda: [
            ([3], [1]),
            ([3, 3, 3], [1, 1, 1]),
            ([3, 3, 2, 3], [1, 1, 2, 1]),
            ([3, 3, 2, 3, 3, 2, 3], [1, 1, 2, 1, 1, 2, 1]),
        ],
        _field,
        {
            "the kernel sizes are added up, but the windows of neighbouring outputs overlap: a "
            "kernel of size k adds k - 1": lambda k, s: sum(k),
            "it starts from 0, but with no layer at all one output sees one pixel": (
                lambda k, s: _field(k, s, start=0)
            ),
            "the strides are left out: after a pooling of stride 2, a step to the next position is "
            "two input pixels": lambda k, s: _field(k, s, single=True),
            "a layer's own stride is counted for itself; it counts for the layers after it": (
                lambda k, s: _field(k, s, late=True)
            ),
            "the kernel sizes are multiplied; they add up": lambda k, s: np.prod(k),
        },
        "Three 3 x 3 layers see 7 x 7 pixels, with 27 weights for each pair of channels instead of "
        "49.",
    ),
)
