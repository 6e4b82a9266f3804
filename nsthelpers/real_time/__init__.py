"""Networks that learnt to paint: trained once for a painting, they paint a photograph at once."""

from .network import Architecture as Architecture, StyleNetwork as StyleNetwork
from .painter import Painter as Painter, load_painter as load_painter
from .training import Progress as Progress, train_painter as train_painter
