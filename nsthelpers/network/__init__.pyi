from . import layers as layers, patches as patches, vgg as vgg, weights as weights
from .layers import (
    CONVOLUTIONS as CONVOLUTIONS,
    STYLE_LAYERS as STYLE_LAYERS,
    geometric_weights as geometric_weights,
    layer_name as layer_name,
    layer_table as layer_table,
)
from .patches import (
    Patch as Patch,
    strongest_patches as strongest_patches,
)
from .vgg import (
    VGG as VGG,
    default_network as default_network,
    deprocess as deprocess,
    preprocess as preprocess,
)
from .weights import (
    load_weights as load_weights,
)
