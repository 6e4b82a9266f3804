from . import (
    backend as backend,
)
from . import (
    images as images,
)
from . import (
    losses as losses,
)
from . import (
    objectives as objectives,
)
from . import (
    optimizers as optimizers,
)
from . import (
    plots as plots,
)
from . import (
    recipes as recipes,
)
from . import (
    statistics as statistics,
)
from . import (
    studies as studies,
)
from . import (
    synthesis as synthesis,
)
from . import (
    widgets as widgets,
)
from .images import samples as samples
from .images.arrays import as_image as as_image
from .images.arrays import resize as resize
from .images.arrays import to_pil as to_pil
from .images.colours import match_colours as match_colours
from .images.files import (
    load_image as load_image,
)
from .images.files import (
    read_settings as read_settings,
)
from .images.files import (
    save_image as save_image,
)
from .lessons import checks as checks
from .lessons import notebook as notebook
from .lessons.checks import check as check
from .losses import gram_matrix as gram_matrix
from .network import vgg as vgg
from .network import weights as weights
from .network.layers import geometric_weights as geometric_weights
from .network.layers import layer_table as layer_table
from .network.vgg import VGG as VGG
from .network.vgg import deprocess as deprocess
from .network.vgg import preprocess as preprocess
from .network.weights import load_weights as load_weights
from .objectives import terms as terms
from .objectives.objective import Objective as Objective
from .objectives.terms import Content as Content
from .objectives.terms import Style as Style
from .objectives.terms import TotalVariation as TotalVariation
from .optimizers.first_order import SGD as SGD
from .optimizers.first_order import Adam as Adam
from .optimizers.lbfgs import LBFGS as LBFGS
from .recipes import (
    reconstruct_content as reconstruct_content,
)
from .recipes import (
    reconstruct_style as reconstruct_style,
)
from .recipes import (
    stylize as stylize,
)
from .sweeps.execution import sweep as sweep
from .synthesis import balancing as balancing
from .synthesis.balancing import balance as balance
from .synthesis.estimates import estimate as estimate
from .synthesis.loop import synthesize as synthesize
from .synthesis.results import Synthesis as Synthesis
from .synthesis.starts import white_noise as white_noise

__version__: str
