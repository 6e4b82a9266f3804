from . import layers as layers
from . import vgg as vgg
from . import weights as weights
from .layers import (
    CONVOLUTIONS as CONVOLUTIONS,
)
from .layers import (
    STYLE_LAYERS as STYLE_LAYERS,
)
from .layers import (
    geometric_weights as geometric_weights,
)
from .layers import (
    layer_name as layer_name,
)
from .layers import (
    layer_table as layer_table,
)
from .vgg import (
    VGG as VGG,
)
from .vgg import (
    default_network as default_network,
)
from .vgg import (
    deprocess as deprocess,
)
from .vgg import (
    preprocess as preprocess,
)
from .weights import (
    load_weights as load_weights,
)
