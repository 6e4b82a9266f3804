"""What the command line takes: the options of a job are made from its description in ``jobs.py``.

Nothing is imported here that takes time, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import math
import re

from .. import __version__
from ..choices import NETWORKS
from ..jobs import JOBS, settings_of
from ..kinds import REGIONS

__all__ = ["job_of", "parser"]

# What `demo` makes: chosen by looking at the pictures; two CPU cores need about a minute.
DEMO = "--content chelsea --style swirling_night --max-side 384 --scales 192 384 --steps 80 60"
COMMANDS = {
    "transfer": ("stylize", "Paint one picture in the manner of others"),
    "poster": ("poster", "Do so at the size of a poster, in hours, whatever comes between"),
    "content": ("reconstruct_content", "Show what a layer knows of a picture"),
    "style": ("reconstruct_style", "Make a texture in the manner of pictures"),
}


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``command`` is the name of the one that was given."""
    top = _Parser(
        prog="nst",
        description="Neural style transfer, one term at a time.",
        epilog="example: nst transfer --content chelsea --style swirling_night --output cat.png",
    )
    top.add_argument("--version", action="version", version=f"nsthelpers {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, text):
        return commands.add_parser(name, help=text, description=f"{text}.", allow_abbrev=False)

    demo = command("demo", "Turn a bundled photograph into a painting and show both side by side")
    demo.add_argument("--folder", default="output", help="where to (default %(default)s)")
    _add_weights(demo)
    _add_quiet(demo)
    for name, (job, text) in COMMANDS.items():
        _add_job(command(name, text), job, always_kept=name == "poster")
    _add_training(command("train-painter", "Train a network that paints in a manner at once"))
    _add_paint(command("paint", "Paint a photograph with a network that was trained before"))
    _add_sweep(command("sweep", "Run a study: one job at every point of a grid of settings"))
    _add_record(
        command("record", "Make the experiments that come with this package, point by point")
    )
    report = command("report", "Write what the record says to the documents, as Markdown")
    report.add_argument("path", metavar="FILE", help="such as studies/REPORT.md")
    _add_folder(report)
    _add_quiet(report)
    layers = command("layers", "List the network's layers and what each sees of the image")
    layers.add_argument(
        "--size", type=_size, default=(224, 224), metavar="N|HxW", help="of the image (default 224)"
    )
    _add_network(layers)
    samples = command("samples", "List the pictures that have a name here, with their credits")
    samples.add_argument("--role", choices=("photograph", "painting"), help="only those")
    _add_network(command("weights", "Show where the network's weights can come from here"))
    return top


def job_of(arguments):
    """The job that a command line describes; what it does not say is left at its default.

    Parameters
    ----------
    arguments : argparse.Namespace

    Returns
    -------
    Job

    Raises
    ------
    ValueError
        For settings that make no sense.
    """
    name = COMMANDS[arguments.command][0]
    given = {}
    for setting in settings_of(name):
        value = getattr(arguments, setting, None)
        if value is not None:
            given[setting] = value[0] if isinstance(value, list) and len(value) == 1 else value
    return JOBS[name](**given)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(f"{message}; see {self.prog} --help")


def _add_job(parser, job, always_kept=False):
    for name, setting in settings_of(job).items():
        _add_setting(parser, name, setting)
    add = parser.add_argument
    add("--output", required=True, metavar="O", help="where to: .png, .jpg or .webp")
    add("--dry-run", action="store_true", help="only say how long and how much memory it takes")
    add("--report", metavar="FILE.json", help="write settings, losses and versions there")
    text = "keep the state there, so that the same command goes on after a crash"
    if always_kept:  # frames do not go together with it
        text += " (default: in O.state, which is removed when the picture is written)"
        parser.set_defaults(frames=None, save_every=None)
    else:
        add("--frames", metavar="DIR", help="folder for pictures of the way, with --save-every")
        add("--save-every", type=_count, metavar="N", help="steps between two of them")
    add("--checkpoint", metavar="DIR", help=text)
    _add_quiet(parser)


def _add_setting(parser, name, setting):
    kind, text = setting.metadata["kind"], setting.metadata["help"]
    options = {"dest": name, "help": text}
    if setting.default is dataclasses.MISSING:
        options |= {"required": True, "metavar": kind.metavar}
        options["help"] += ": a file, an address, or a name from `nst samples`"
    elif isinstance(setting.default, bool):
        options["action"] = "store_true"
    else:
        options["help"] += f" (default {_shown(setting.default)})"
        options["type"] = _reader(kind)
        options["metavar"] = kind.metavar
        if kind.choices and kind.checked("no such word") is None and not kind.several:
            options["choices"] = kind.choices
            if len(kind.choices) <= 4:
                options["metavar"] = "|".join(kind.choices)
    if kind.several:
        options["nargs"] = "+"
    if "action" in options:
        options["default"] = None
    if kind is REGIONS:  # each may be said with an option of its own
        options["action"] = "extend"
    option = setting.metadata["option"] or name
    parser.add_argument(f"--{option.replace('_', '-')}", **options)


def _shown(default):
    if default is None:
        return "none"
    if isinstance(default, tuple):
        return " ".join(default)
    return f"{default:g}" if isinstance(default, float) else default


def _reader(kind):
    """Read one word; argparse shows the text of this error, and of no other."""

    def read(word):
        try:
            value = kind.read(word)
            if kind.checked(value) is not None:
                return value
        except ValueError:
            pass
        if kind.choices and not kind.several:
            return word  # argparse has the words for a wrong choice
        raise argparse.ArgumentTypeError(f"expected {kind.expected}, got {word!r}")

    return read


def _whole(text, least=0):
    if not re.fullmatch(r"\d+", text) or int(text) < least:
        raise argparse.ArgumentTypeError(
            f"expected a whole number of at least {least}, got {text!r}"
        )
    return int(text)


_count = functools.partial(_whole, least=1)


def _number(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def _mix(text):
    shares = {}
    for part in text.split(","):
        name, equals, share = part.rpartition("=")
        if not name.strip() or not equals:
            raise argparse.ArgumentTypeError(
                f"expected shares such as swirling_night=2,woodblock_wave=1, got {text!r}"
            )
        shares[name.strip()] = _number(share)
    return shares


def _size(text):
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    size = match and (int(match[1]), int(match[2] or match[1]))
    if not size or min(size) < 1:
        raise argparse.ArgumentTypeError(f"expected pixels, such as 224 or 240x320, got {text!r}")
    return size


def _add_training(parser):
    add, options = parser.add_argument, {"metavar": "N", "type": _count}
    text = "paintings to learn from: files, addresses, or names from `nst samples`"
    add("style", nargs="+", metavar="PAINTING", help=text)
    add("--output", required=True, metavar="O.safetensors", help="where to")
    add(
        "--photographs", nargs="+", metavar="P", help="to train on (default: those that come along)"
    )
    add("--steps", default=1000, **options, help="of training (default 1000)")
    add("--side", default=256, **options, help="of the pieces of photographs (default 256)")
    add("--style-weight", type=_number, default=20.0, metavar="W", help="(default 20)")
    add("--seed", type=_whole, default=0, metavar="N", help="of all that is random (default 0)")
    text = "keep the state there, so that the same command goes on after an interruption"
    add("--checkpoint", metavar="FILE.safetensors", help=text)
    add("--time-limit", type=_number, metavar="S", help="stop after so many seconds")
    _add_quiet(parser)


def _add_paint(parser):
    add = parser.add_argument
    text = "a file, an address, or a name from `nst samples`; or a clip, .mp4 or .gif for example"
    add("photo", metavar="PHOTO", help=text)
    text = "where to: .png, .jpg or .webp; for a clip .mp4, .mov or .gif, without its sound"
    add("output", metavar="OUTPUT", help=text)
    text = (
        "what `nst train-painter` has saved, or the name of a painting that the package can paint"
    )
    add("--painter", metavar="NAME|FILE", help=text)
    text = "shares of several paintings, such as swirling_night=2,woodblock_wave=1"
    add("--mix", type=_mix, metavar="NAME=SHARE,…", help=text)
    add("--max-side", type=_count, metavar="N", help="shrink it to this long side first")
    _add_quiet(parser)


def _add_sweep(parser):
    add = parser.add_argument
    add("study", metavar="STUDY", help="a TOML file, or the name of a study that comes along")
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
    add("--renew", action="store_true", help="make points anew that other code has made")
    add("--jobs", type=_count, metavar="N", help="processes that share the work (default 1)")
    text = "address of a Dask cluster that shares the work, such as tcp://host:8786"
    add("--scheduler", metavar="ADDRESS", help=text)
    _add_weights(parser)
    _add_quiet(parser)


def _add_record(parser):
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="only these experiments (default: all)")
    add("--list", action="store_true", help="list them, and how much of each is made")
    add("--all", action="store_true", help="make anew what other code of this package has made")
    add("--report", metavar="FILE", help="write the report there when all is made")
    _add_folder(parser)
    _add_quiet(parser)


def _add_folder(parser):
    text = "where the record's table.json and pictures/ are (default: inside the package)"
    parser.add_argument("--folder", metavar="DIR", help=text)


def _add_network(parser):
    parser.add_argument("--network", choices=NETWORKS, help=f"(default {NETWORKS[0]})")


def _add_weights(parser):
    setting = settings_of("stylize")["weights"]
    parser.add_argument("--weights", metavar="W", help=f"{setting.metadata['help']} (default auto)")


def _add_quiet(parser):
    parser.add_argument("--quiet", action="store_true", help="print errors only")
