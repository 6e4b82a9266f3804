"""nsthelpers: learn neural style transfer, one term at a time.

    import nsthelpers as nst

    photo, painting = nst.load_image("photo.jpg", max_side=512), nst.load_image("painting.jpg")
    objective = nst.Content(photo) + 10 * nst.Style(painting) + 0.1 * nst.TotalVariation()
    result = nst.synthesize(objective, start=photo, optimizer=nst.LBFGS(), steps=200, seed=0)
    result.save("out.png")

Names are loaded when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# Public name -> module that defines it.
_HOMES = {
    "check": "checks",
    "as_image": "images",
    "load_image": "image_files",
    "read_settings": "image_files",
    "resize": "images",
    "save_image": "image_files",
    "to_pil": "images",
    "load_weights": "weights",
    "VGG": "vgg",
    "deprocess": "vgg",
    "geometric_weights": "layers",
    "layer_table": "layers",
    "preprocess": "vgg",
    "match_colours": "colours",
    "gram_matrix": "losses",
    "Objective": "objectives",
    "Content": "terms",
    "Style": "terms",
    "TotalVariation": "terms",
    "Adam": "optimizers",
    "LBFGS": "optimizers",
    "SGD": "optimizers",
    "Synthesis": "synthesis",
    "synthesize": "synthesis",
    "balance": "balancing",
    "estimate": "estimates",
    "white_noise": "starts",
    "reconstruct_content": "recipes",
    "reconstruct_style": "recipes",
    "stylize": "recipes",
    "sweep": "sweeps",
}
_MODULES = (
    "backend", "balancing", "checks", "images", "losses", "notebook", "objectives", "optimizers",
    "plots", "recipes", "samples", "statistics", "studies", "synthesis", "terms", "vgg", "weights",
    "widgets",
)  # fmt: skip

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
