"""What users type, for a type checker: nothing here is run.

``test_types.py`` has mypy read it; each name must be found, as editors find it. A line with
``type: ignore`` is a mistake that it must find: mypy complains of those that it does not need.
"""

from typing import assert_type

import nsthelpers as nst


def typed() -> None:
    photo, painting = nst.samples.load("chelsea"), nst.samples.load("swirling_night")
    result = nst.stylize(photo, painting, steps=10)
    result.save("out.png")

    objective = nst.Content(photo) + 10 * nst.Style(painting) + 0.1 * nst.TotalVariation()
    assert_type(objective, nst.Objective)
    nst.estimate(objective, steps=200)
    nst.balance(objective, photo, ratios={"content": 1, "style": 10})
    made = nst.synthesize(objective, start=photo, optimizer=nst.LBFGS(), steps=60, seed=0)
    made.image, made.history  # noqa: B018
    assert_type(made, nst.Synthesis)

    nst.losses.gram_matrix(nst.VGG("vgg19").features(photo, ["block4_conv2"])["block4_conv2"])
    nst.layer_table()
    nst.reconstruct_content(photo, "block4_conv2")
    nst.reconstruct_style([painting], ["block1_conv1"])

    sky = nst.masks.half(photo, "top") & ~nst.masks.by_brightness(photo, below=0.4)
    assert_type(sky, nst.masks.Mask)
    nst.stylize(photo, painting, colours="luminance", stroke_size=0.5, regions=[(sky, painting)])
    nst.Content(photo, region=sky) + nst.Style(painting, region=~sky) + nst.Laplacian(photo)
    assert_type(nst.combine_styles(painting, photo), nst.Synthesis)

    nst.plots.image_grid([photo, painting])
    nst.widgets.studio()
    nst.studies.read("lakic_layer_subsets").run()
    nst.notebook.setup()
    nst.check("gram_matrix", nst.gram_matrix)
    assert nst.__version__ > "0"


def mistaken() -> None:
    photo = nst.samples.load("chelsea")
    nst.stylise  # type: ignore[attr-defined]  # noqa: B018
    nst.stylize(photo)  # type: ignore[call-arg]
    nst.stylize(photo, photo, style_wieght=3)  # type: ignore[call-arg]
    nst.stylize(photo, photo, steps="many")  # type: ignore[arg-type]
    nst.resize(photo, side=16)  # type: ignore[call-arg]
    nst.TotalVariation(knd="l1")  # type: ignore[call-arg]
