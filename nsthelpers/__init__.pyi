from . import (
    backend as backend,
    diagrams as diagrams,
    images as images,
    jobs as jobs,
    losses as losses,
    masks as masks,
    objectives as objectives,
    optimizers as optimizers,
    plots as plots,
    real_time as real_time,
    recipes as recipes,
    record as record,
    statistics as statistics,
    studies as studies,
    synthesis as synthesis,
    tiling as tiling,
    widgets as widgets,
)
from .images import samples as samples
from .images.arrays import as_image as as_image, resize as resize, to_pil as to_pil
from .images.colours import match_colours as match_colours
from .images.files import (
    load_image as load_image,
    read_settings as read_settings,
    save_image as save_image,
)
from .lessons import checks as checks, notebook as notebook, own as own
from .lessons.asking import predict as predict, quiz as quiz
from .lessons.checks import check as check
from .lessons.glossary import explain as explain
from .losses import gram_matrix as gram_matrix
from .network import vgg as vgg, weights as weights
from .network.layers import geometric_weights as geometric_weights, layer_table as layer_table
from .network.patches import strongest_patches as strongest_patches
from .network.vgg import VGG as VGG, deprocess as deprocess, preprocess as preprocess
from .network.weights import load_weights as load_weights
from .objectives import terms as terms
from .objectives.objective import Objective as Objective
from .objectives.terms import (
    Activation as Activation,
    Content as Content,
    Laplacian as Laplacian,
    Style as Style,
    TotalVariation as TotalVariation,
)
from .optimizers.first_order import SGD as SGD, Adam as Adam
from .optimizers.lbfgs import LBFGS as LBFGS
from .real_time.painter import (
    Painter as Painter,
    load_painter as load_painter,
    painters as painters,
)
from .real_time.training import add_painting as add_painting, train_painter as train_painter
from .real_time.video import flicker as flicker, paint_video as paint_video
from .recipes import (
    combine_styles as combine_styles,
    poster as poster,
    reconstruct_content as reconstruct_content,
    reconstruct_style as reconstruct_style,
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
