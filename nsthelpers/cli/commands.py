"""What the commands of the command line do; ``parser.py`` reads their arguments.

Everything that can be wrong with the input is found before the network is loaded, and whatever
ends a run, the best image so far is saved.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

from .. import __version__
from ..files import check_destination, write_json, write_whole
from ..images.files import check_image_name, load_image
from ..images.samples import credits, resolve
from ..network.layers import layer_table
from ..network.weights import describe_sources
from .live import Frames, ProgressBar, duration
from .parser import job_of

__all__ = [
    "content", "demo", "layers", "make_folder", "paint", "poster", "record", "report", "samples",
    "style", "sweep", "train_painter", "transfer", "weights",
]  # fmt: skip

_DONE = ("steps", "converged")  # why a run ends that will not go on
_CHECKED_SIDE = 4096  # pixels: a picture that is only looked at for errors need not be larger
_STATUS = {"interrupted": 130, "not finite": 1, "out of memory": 1}


def transfer(arguments) -> int:
    """Paint one picture in the manner of others."""
    return _make(arguments)


def content(arguments) -> int:
    """Show what a layer knows of a picture."""
    return _make(arguments)


def style(arguments) -> int:
    """Make a texture in the manner of pictures."""
    return _make(arguments)


def poster(arguments) -> int:
    """Paint one at the size of a poster; the state is kept on the way in any case."""
    job = _checked_job(arguments)
    if arguments.dry_run:
        return _carry_out(arguments, job)
    state = None
    if not arguments.checkpoint:
        output = Path(arguments.output).expanduser()
        arguments.checkpoint = state = output.with_name(f"{output.name}.state")
    if not arguments.quiet:
        _announce(job, arguments.checkpoint, state)
    return _carry_out(arguments, job, state)


def _announce(job, folder, state):
    """Say what the run will take, and where its state is kept."""
    from .. import recipes

    expected, until = recipes.run(job, dry_run=True), "; it is removed then" if state else ""
    print(f"nst: {expected}", file=sys.stderr)
    _, height, width, _ = load_image(resolve(job.content), max_side=job.max_side).shape
    if max(height, width) < job.max_side:
        print(
            f"nst: the photograph has {width} x {height} px and is enlarged; what it does not show "
            "is not in the poster either",
            file=sys.stderr,
        )
    print(
        f"nst: until the poster is written, the state is kept in {folder}{until}. After a crash "
        "the same command goes on",
        file=sys.stderr,
        flush=True,
    )


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


def make_folder(path) -> Path:
    """Make a folder if it is not there; OSError if that cannot be."""
    path = Path(path).expanduser()
    path.mkdir(exist_ok=True)
    return path


def sweep(arguments) -> int:
    """Run a study."""
    from . import sweep as study_command  # only now: it starts TensorFlow

    return study_command.sweep(arguments)


def train_painter(arguments) -> int:
    """Train a network that paints."""
    from . import painters

    return painters.train_painter(arguments)


def paint(arguments) -> int:
    """Paint with a network."""
    from . import painters

    return painters.paint(arguments)


def record(arguments) -> int:
    """Make the experiments of the record."""
    from . import record as record_command  # only now: it starts TensorFlow

    return record_command.record(arguments)


def report(arguments) -> int:
    """Write the report of the record."""
    from . import record as record_command

    return record_command.report(arguments)


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


def _make(arguments) -> int:
    """Carry out a job; all that could end it after minutes of work is found out before."""
    return _carry_out(arguments, _checked_job(arguments))


def _checked_job(arguments):
    job = job_of(arguments)
    _check_outputs(arguments, job)
    return job


def _carry_out(arguments, job, state=None) -> int:
    """Make and save a picture. The folder `state` is removed when the run is done with it."""
    began = time.perf_counter()
    progress = ProgressBar(None if arguments.quiet else sys.stderr)
    frames = Frames(arguments.frames, arguments.save_every)
    with progress, _muted("nsthelpers.synthesis"):
        progress.show("loading the network")
        from .. import recipes

        progress.show("measuring" if arguments.dry_run else "preparing the first step")
        result = recipes.run(
            job,
            callbacks=[progress, frames],
            progress=False,
            dry_run=arguments.dry_run,
            checkpoint=arguments.checkpoint,
        )
    if arguments.dry_run:
        print(result)
        return 1 if result.warning else 0
    if not result.history:
        raise KeyboardInterrupt  # before the first step: the start image is no result
    status = _finish(arguments, result, frames, time.perf_counter() - began)
    if state and status == 0 and result.stop_reason in _DONE:
        from ..synthesis.checkpoints import remove

        remove(state)
    elif state and not arguments.quiet:
        print(f"nst: the state is still in {state}; the same command goes on", file=sys.stderr)
    return status


def _check_outputs(arguments, job):
    output = check_image_name(arguments.output)
    if arguments.report and check_destination(arguments.report) == output:
        raise ValueError(f"--report and --output are both {output}: choose another name for one")
    if bool(arguments.save_every) != bool(arguments.frames):
        raise ValueError("--frames DIR and --save-every N go together: give both or neither")
    if arguments.frames and arguments.checkpoint:
        raise ValueError(
            "--frames and --checkpoint do not go together: frames of what was made before a crash "
            "cannot be told from those made again; give one of the two"
        )
    if arguments.frames:
        Frames.check(arguments.frames)
    job.check_pictures()
    for path in (resolve(each) for _, each in job.pictures()):
        # An error of a picture comes before the network is loaded.
        load_image(path, max_side=_CHECKED_SIDE)
        with contextlib.suppress(OSError):  # one of the two is no file
            if output.samefile(path):
                raise ValueError(f"--output would replace the picture {path}: choose another name")


@contextlib.contextmanager
def _muted(name):
    """The command line says itself why a run ended."""
    logger, nothing = logging.getLogger(name), lambda record: False
    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)


def _finish(arguments, result, frames, seconds):
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
            write_json(arguments.report, _report(arguments, result, path))
        except OSError as error:
            problems.append(_text(error))
    if not arguments.quiet:
        _print_summary(arguments, result, path, frames, seconds)
    status = _STATUS.get(result.stop_reason, 0)
    if status:
        print(f"nst: {result.message}; saved as {path}", file=sys.stderr)
    for problem in problems:
        print(f"nst: error: {problem}", file=sys.stderr)
    return 1 if problems and not status else status


def _report(arguments, result, path):
    return {
        "command": arguments.command,
        "output": str(path),
        "package": {"name": "nsthelpers", "version": __version__},
        **result.report(),
    }


def _print_summary(arguments, result, path, frames, seconds):
    last, (_, height, width, _) = result.history[-1], result.image.shape
    network = result.settings["objective"]["network"]
    terms = ", ".join(f"{name} {loss:.4g}" for name, loss in last.terms.items())
    rows = [
        ("saved", f"{path} ({width} x {height} px)"),
        ("weights", f"{network['weights']}: {network['provenance']}"),
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
