"""What the commands of the command line do; ``__main__.py`` reads their arguments.

Everything that can be wrong with the input is found before the network is loaded, and whatever
ends a run, the best image so far is saved.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import os
import sys
import tempfile
import time
from pathlib import Path

from .. import __version__
from ..files import check_destination, write_whole
from ..images.files import check_image_name, load_image
from ..images.samples import credits, resolve
from ..network.layers import layer_name, layer_table
from ..network.weights import describe_sources
from ..synthesis.starts import STARTS
from .live import Frames, ProgressLine, duration

__all__ = [
    "content", "demo", "layers", "made_folder", "samples", "style", "sweep", "transfer",
    "weights",
]  # fmt: skip

_STATUS = {"interrupted": 130, "not finite": 1, "out of memory": 1}


def transfer(arguments) -> int:
    """Paint one picture in the manner of others."""
    sources = [arguments.content, *arguments.style]
    photo, *paintings = _pictures(arguments, sources, "content_layers", "style_layers")
    given = _given(
        arguments,
        *("max_side", "content_weight", "style_weight", "tv_weight", "scales"),
        *("content_layers", "style_layers", "statistic"),
    )
    if arguments.statistic:
        from ..statistics.by_name import as_statistic

        as_statistic(arguments.statistic)  # before the weights are fetched
    return _run(arguments, "stylize", photo, paintings, **given)


def content(arguments) -> int:
    """Show what a layer knows of a picture."""
    [image] = _pictures(arguments, [arguments.image], "layer")
    given = _given(arguments, "max_side", "tv_weight", "scales", "layer")
    return _run(arguments, "reconstruct_content", image, **given)


def style(arguments) -> int:
    """Make a texture in the manner of pictures."""
    paintings = _pictures(arguments, arguments.image, "layers")
    given = _given(arguments, "max_side", "tv_weight", "scales", "layers")
    return _run(arguments, "reconstruct_style", paintings, **given)


def demo(arguments, sheet) -> int:
    """Do what `transfer` does, and put content, style and result side by side."""
    check_image_name(sheet)
    status = transfer(arguments)
    if status == 0:
        from ..plots import image_grid

        pictures = {"content": arguments.content, "style": arguments.style[0]}
        captions = [f"{role}: {credits(name)[0].title}" for role, name in pictures.items()]
        images = [load_image(resolve(name)) for name in pictures.values()]
        images.append(load_image(arguments.output))
        figure, buffer = image_grid(images, [*captions, "result"], width=12), io.BytesIO()
        figure.savefig(buffer, format="png", dpi=140, bbox_inches="tight")
        write_whole(sheet, buffer.getvalue())
        if not arguments.quiet:
            print(f"{'side by side':14}{sheet}")
    return status


def made_folder(path) -> Path:
    """Make a folder if it is not there; OSError if that cannot be."""
    path = Path(path).expanduser()
    path.mkdir(exist_ok=True)
    return path


def sweep(arguments) -> int:
    """Run a study."""
    from . import sweep as study_command  # only now: it starts TensorFlow

    return study_command.sweep(arguments)


def layers(arguments) -> int:
    """List the network's layers."""
    heads = ("layer", "in the papers", "output", "parameters", "stride", "sees")
    rows = [
        (
            *(row.name, row.paper_name),
            " x ".join(map(str, row.shape)),
            f"{row.parameters:,}" if row.parameters else "",
            *(f"{row.stride} px", f"{row.receptive_field} px"),
        )
        for row in layer_table(arguments.size, arguments.network or "vgg19")
    ]
    _print_table([heads, *rows], right=(2, 3, 4, 5))
    return 0


def samples(arguments) -> int:
    """List the named pictures."""
    for role, use in (("photograph", "content"), ("painting", "style")):
        if arguments.role in (None, role):
            print(f"{role}s, for {use}")
            shown = [credit for credit in credits() if credit.role == role]
            remarks = {"download": " [downloaded on first use]"}
            _print_table([("", c.name, f"{c}{remarks.get(c.kind, '')}") for c in shown])
    return 0


def weights(arguments) -> int:
    """Show where weights can come from."""
    rows = describe_sources(arguments.network or "vgg19")
    _print_table([(source, "yes" if usable else "no", why) for source, usable, why in rows])
    usable = [source for source, works, _ in rows if works and source != "random"]
    if os.environ.get("NST_WEIGHTS") and "file" not in usable:
        taken = "none: NST_WEIGHTS names a file that is not there"
    else:
        taken = usable[0] if usable else "none: no source is within reach"
    print(f"--weights auto takes {taken}")
    return 0


def _pictures(arguments, sources, *layer_options):
    """Open the pictures; all that could end the run after minutes of work is raised here."""
    output = check_image_name(arguments.output)
    if arguments.report and check_destination(arguments.report) == output:
        raise ValueError(f"--report and --output are both {output}: choose another name for one")
    if bool(arguments.save_every) != bool(arguments.frames):
        raise ValueError("--frames DIR and --save-every N go together: give both or neither")
    if arguments.frames:
        Frames.check(arguments.frames)
    if arguments.optimizer == "sgd" and not arguments.learning_rate:
        raise ValueError("--optimizer sgd needs a --learning-rate: it has no default that fits all")
    if arguments.learning_rate and arguments.optimizer in (None, "lbfgs"):
        raise ValueError("lbfgs has no learning rate: drop --learning-rate or choose another")
    if arguments.scales and None in arguments.scales:
        if len(arguments.scales) > 1:
            raise ValueError("--scales takes either none or numbers, not both")
    for option in layer_options:
        for name in getattr(arguments, option) or ():
            layer_name(name, arguments.network or "vgg19")
    paths = [resolve(source) for source in sources]
    for path in paths:
        with contextlib.suppress(OSError):  # one of the two is no file
            if output.samefile(path):
                raise ValueError(f"--output would replace the picture {path}: choose another name")
    return [load_image(path) for path in paths]


def _given(arguments, *names):
    """Only what was said on the command line: all else is left to the recipe."""
    given = {name: getattr(arguments, name) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    if given.get("scales") == [None]:
        given["scales"] = None
    return given


def _start(arguments):
    start = arguments.start
    if start is None or start in STARTS:
        return _given(arguments, "start")
    try:
        return {"start": load_image(resolve(start), **_given(arguments, "max_side"))}
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"--start {start}: expected content, style, noise or a picture, but {error}"
        ) from None


def _run(arguments, recipe, *pictures, **options):
    options |= _start(arguments) | _given(arguments, "seed")
    if arguments.steps:
        options["steps"] = arguments.steps if len(arguments.steps) > 1 else arguments.steps[0]
    line = ProgressLine(None if arguments.quiet else sys.stderr)
    frames = Frames(arguments.frames, arguments.save_every)
    began = time.perf_counter()
    with line, _muted("nsthelpers.synthesis"):
        line.show("loading the network")
        from .. import recipes
        from ..network.vgg import VGG
        from ..optimizers import first_order as optimizers

        if arguments.optimizer:
            kinds = {"lbfgs": "LBFGS", "adam": "Adam", "sgd": "SGD"}
            kind = getattr(optimizers, kinds[arguments.optimizer])
            options["optimizer"] = kind(**_given(arguments, "learning_rate"))
        network = {"name": arguments.network} if arguments.network else {}
        network = VGG(**network, **_given(arguments, "weights", "pooling"))
        line.show("measuring" if arguments.dry_run else "preparing the first step")
        options |= {"dry_run": True} if arguments.dry_run else {}
        result = getattr(recipes, recipe)(
            *pictures, **options, network=network, callbacks=[line, frames], progress=False
        )
    if arguments.dry_run:
        print(result)
        return 1 if result.warning else 0
    if not result.history:
        raise KeyboardInterrupt  # before the first step: the start image is no result
    return _finish(arguments, result, network, frames, time.perf_counter() - began)


@contextlib.contextmanager
def _muted(name):
    """The command line says itself why a run ended."""
    logger, nothing = logging.getLogger(name), lambda record: False
    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)


def _finish(arguments, result, network, frames, seconds):
    problems, path = [], Path(arguments.output).expanduser()
    try:
        result.save(path)
    except (OSError, ValueError) as error:  # the folder has gone, the disk is full
        path = Path(tempfile.mkdtemp(prefix="nst-")) / f"{path.stem}.png"
        result.save(path)
        problems.append(f"{_text(error)}; so the picture was saved as {path}")
    frames.finish(result.image)
    problems += [frames.problem] if frames.problem else []
    if arguments.report:
        try:
            write_whole(arguments.report, _report(arguments, result, path))
        except OSError as error:
            problems.append(_text(error))
    if not arguments.quiet:
        _print_summary(arguments, result, path, network, frames, seconds)
    status = _STATUS.get(result.stop_reason, 0)
    if status:
        print(f"nst: {result.message}; saved as {path}", file=sys.stderr)
    for problem in problems:
        print(f"nst: error: {problem}", file=sys.stderr)
    return 1 if problems and not status else status


def _report(arguments, result, path):
    sources = {
        name: getattr(arguments, name)
        for name in ("content", "style", "image")
        if hasattr(arguments, name)
    }
    report = {
        "command": arguments.command,
        "pictures": sources,
        "output": str(path),
        "package": {"name": "nsthelpers", "version": __version__},
        **result.report(),
    }
    if arguments.start:
        report["start"] = arguments.start
    text = json.dumps(_finite(report), indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def _finite(value):
    """JSON knows neither NaN nor infinity: null stands for them."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_summary(arguments, result, path, network, frames, seconds):
    last, (_, height, width, _) = result.history[-1], result.image.shape
    terms = ", ".join(f"{name} {loss:.4g}" for name, loss in last.terms.items())
    rows = [
        ("saved", f"{path} ({width} x {height} px)"),
        ("weights", f"{network.source}: {network.provenance}"),
        ("loss", f"{last.loss:.4g} ({terms})"),
        ("ended", result.message),
        ("time", f"{duration(seconds)}, {result.evaluations} evaluations"),
    ]
    rows += [("report", arguments.report)] if arguments.report else []
    rows += [("frames", f"{frames.count} in {arguments.frames}")] if frames.count else []
    for label, text in rows:
        print(f"{label:14}{text}")


def _print_table(rows, right=()):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def _text(error):
    return getattr(error, "strerror", None) or str(error)
