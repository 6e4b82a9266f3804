"""The reference: which names stand on which page."""

from __future__ import annotations

import inspect

import nsthelpers

#: Page, what it is for, and what stands there: public names, or rooms with all of theirs.
PAGES = {
    "recipes": ("A picture in one call", ["stylize", "reconstruct_content", "reconstruct_style",
                "combine_styles", "poster", "recipes.repeat", "recipes.coarse_to_fine"]),
    "terms": ("Terms and objectives", ["Content", "Style", "TotalVariation", "Laplacian",
              "Activation", "Objective", "objectives.Term", "objectives.Evaluation",
              "objectives.as_objective", "objectives.SelfSimilarity",
              "objectives.NearestNeighbours", "objectives.Palette"]),
    "losses": ("The formulas", ["losses"]),
    "statistics": ("What counts as style", ["statistics"]),
    "synthesis": ("The loop", ["synthesize", "Synthesis", "estimate", "balance", "white_noise",
                  "synthesis.Progress", "synthesis.Record", "synthesis.Parametrisation",
                  "synthesis.Pixels", "synthesis.Waves"]),
    "optimizers": ("Ways downhill", ["optimizers"]),
    "network": ("The network", ["VGG", "layer_table", "preprocess", "deprocess",
                "strongest_patches", "geometric_weights", "load_weights", "weights"]),
    "pictures": ("Pictures, samples, masks", ["load_image", "save_image", "read_settings",
                 "as_image", "resize", "to_pil", "match_colours", "images.luminance",
                 "images.with_luminance", "images.colour_difference", "samples", "masks"]),
    "real_time": ("Networks that paint", ["train_painter", "add_painting", "load_painter",
                  "painters", "Painter", "real_time.Architecture", "paint_video", "flicker"]),
    "experiments": ("Experiments", ["sweep", "studies", "record"]),
    "plots": ("Figures and drawings", ["plots", "diagrams"]),
    "lessons": ("For notebooks", ["check", "predict", "quiz", "explain", "own", "notebook",
                "widgets"]),
}  # fmt: skip


def pages() -> dict[str, str]:
    """Each page's text, by its name."""
    return {name: _page(title, names) for name, (title, names) in PAGES.items()}


def _page(title, names):
    parts = [f"# {title}\n"]
    for name in names:
        thing = _find(name)
        if inspect.ismodule(thing):
            said = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
            parts.append(f"## `nst.{name}`\n\n{said}\n")
            public = [each for each in thing.__all__ if not inspect.ismodule(getattr(thing, each))]
            parts += [_entry(f"{name}.{each}") for each in public]
        else:
            parts.append(_entry(name))
    return "\n".join(parts)


def _find(name):
    thing = nsthelpers
    for part in name.split("."):
        thing = getattr(thing, part)
    return thing


def _entry(name):
    thing = _find(name)
    if not callable(thing):
        listed = ", ".join(f"``{each}``" for each in thing)
        body = f".. py:data:: nsthelpers.{name}\n\n   {listed}"
    elif inspect.isclass(thing):
        body = f".. autoclass:: nsthelpers.{name}\n   :members:"
    else:
        body = f".. autofunction:: nsthelpers.{name}"
    return f"```{{eval-rst}}\n{body}\n```\n"
