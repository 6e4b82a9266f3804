"""nsthelpers: learn neural style transfer, one term at a time.

    import nsthelpers as nst

    photo, painting = nst.load_image("photo.jpg", max_side=512), nst.load_image("painting.jpg")
    objective = nst.Content(photo) + 10 * nst.Style(painting) + 0.1 * nst.TotalVariation()
    result = nst.synthesize(objective, start=photo, optimizer=nst.LBFGS(), steps=200, seed=0)
    result.save("out.png")

The public names stand in ``__init__.pyi``, where editors find them too. They are loaded when they
are first used, so that importing the package is quick.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
