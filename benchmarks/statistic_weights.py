"""Does one style weight mean the same for every statistic, fixed or balanced against Gram matrices?

    python benchmarks/statistic_weights.py [--quick]

Each statistic paints two pairs of pictures at 128 px, with the weight 10 and with the one that
``stylize`` gives it. What is compared is how much of the content is lost in the end, beside what
Gram matrices lose: the spread is the root mean square of the ratios' logarithms, 0 if all lose the
same. Five minutes.
"""

from __future__ import annotations

import math

import measure

PAIRS = (("chelsea", "swirling_night"), ("rocket", "mosaic_sunset"))
SIDE, STEPS = 128, 50


def lost(photo, painting, statistic):
    """The content loss with the fixed weight and with the balanced one; the balanced weight."""
    import nsthelpers as nst

    photo, painting = (nst.samples.load(name, max_side=SIDE) for name in (photo, painting))
    content, run = nst.Content(photo), {"steps": STEPS, "progress": False}
    objective = content + 10 * nst.Style(painting, statistic=statistic) + 0.1 * nst.TotalVariation()
    fixed = nst.synthesize(objective, "recoloured", **run)
    balanced = nst.stylize(photo, painting, statistic=statistic, scales=None, **run)
    losses = [content.report(each.image)["content"]["loss"] for each in (fixed, balanced)]
    return *losses, balanced.settings["objective"]["terms"]["style"]["weight"]


def spread(losses, reference):
    """Root mean square of the logarithms of losses over a reference."""
    return math.sqrt(sum(math.log(loss / reference) ** 2 for loss in losses) / len(losses))


def main():
    from nsthelpers.statistics.by_name import STATISTICS

    given = measure.arguments(__doc__)
    for pair in PAIRS[:1] if given.quick else PAIRS:
        found = {name: lost(*pair, name) for name in STATISTICS}
        measure.show(
            (" x ".join(pair), "content, weight 10", "content, balanced", "balanced weight"),
            [(name, f"{a:.3f}", f"{b:.3f}", f"{w:.3g}") for name, (a, b, w) in found.items()],
        )
        fixed, balanced, _ = zip(*found.values(), strict=True)
        reference = found["gram"][0]
        print(f"spread {spread(fixed, reference):.3f} fixed, {spread(balanced, reference):.3f} "
              "balanced\n", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
