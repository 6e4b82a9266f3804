"""Networks that learnt to paint: trained once for a painting, they paint a photograph at once."""

from .network import Architecture as Architecture, StyleNetwork as StyleNetwork
from .painter import Painter as Painter, load_painter as load_painter, painters as painters
from .training import (
    TrainingProgress as TrainingProgress,
    add_painting as add_painting,
    train_painter as train_painter,
)
from .video import Clip as Clip, Flicker as Flicker, flicker as flicker, paint_video as paint_video
