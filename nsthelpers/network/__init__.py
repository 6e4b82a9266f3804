"""VGG: its layers, its weights, and the features that it computes.

Names are loaded when they are first used: what knows only of layers or of weights' sources need not
start TensorFlow.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
