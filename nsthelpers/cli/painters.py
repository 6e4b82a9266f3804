"""What ``nst train-painter`` and ``nst paint`` do: train a network for a painting, and use it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ..choices import VIDEO_NAMES
from ..images.files import check_image_name, existing_file, load_image, save_image
from ..images.samples import resolve
from .live import duration

__all__ = ["paint", "train_painter"]


def train_painter(arguments) -> int:
    """Train a network to paint in the manner of paintings, and save it."""
    from ..real_time.files import checked_name  # only now: it starts TensorFlow

    output = checked_name(arguments.output, "a painter")
    paintings = {_name(each): each for each in arguments.style}
    if len(paintings) < len(arguments.style):
        raise ValueError("two of the paintings have the same name; rename one of the files")
    from .. import real_time

    began = time.perf_counter()

    def tell(now):
        if not arguments.quiet:
            print(
                f"step {now.step} of {now.steps}: mean loss {now.mean_loss:.3f}, "
                f"after {duration(now.seconds)}",
                file=sys.stderr,
            )

    painter = real_time.train_painter(
        paintings,
        arguments.photographs,
        steps=arguments.steps,
        style_weight=arguments.style_weight,
        side=arguments.side,
        seed=arguments.seed,
        checkpoint=arguments.checkpoint,
        every=min(100, max(1, arguments.steps // 10)),
        time_limit=arguments.time_limit,
        callbacks=tell,
        progress=False,
    )
    made = painter.settings["steps_made"]
    if made == 0:
        raise KeyboardInterrupt  # nothing was learnt, so there is nothing to save
    painter.save(output)
    if not arguments.quiet:
        size = output.stat().st_size
        print(f"saved {output} ({size / 1e6:.1f} MB), after {made} of {arguments.steps} steps")
        print(f"time  {duration(time.perf_counter() - began)}")
    return 130 if painter.settings["stop_reason"] == "interrupted" else 0


def paint(arguments) -> int:
    """Paint a photograph or a clip at once, with a network that was trained before."""
    if not (arguments.painter or arguments.mix):
        raise ValueError("say in whose manner: --painter NAME or FILE, or --mix NAME=SHARE,…")
    if Path(arguments.output).suffix.lower() in VIDEO_NAMES:
        return _paint_clip(arguments)
    check_image_name(arguments.output)
    photo = load_image(resolve(arguments.photo), max_side=arguments.max_side)
    painter = _painter(arguments)
    began = time.perf_counter()
    painted = painter(photo)
    seconds = time.perf_counter() - began
    save_image(painted, arguments.output)
    if not arguments.quiet:
        height, width = painted.shape[1:3]
        print(
            f"saved {arguments.output} ({width} x {height} px), painted in {1000 * seconds:.0f} ms"
        )
    return 0


def _paint_clip(arguments):
    source = existing_file(Path(arguments.photo).expanduser())
    from ..real_time import paint_video  # only now: it starts TensorFlow
    from ..real_time.video import check_video_name

    check_video_name(arguments.output)
    painter, began = _painter(arguments), time.perf_counter()
    options = {"max_side": arguments.max_side, "progress": not arguments.quiet}
    clip = paint_video(painter, source, arguments.output, **options)
    if not arguments.quiet:
        print(
            f"saved {clip.path} ({clip.width} x {clip.height} px, {clip.frames} of "
            f"{clip.expected} frames, without sound)"
        )
        print(f"time  {duration(time.perf_counter() - began)}")
    return 0 if clip.frames == clip.expected else 130


def _painter(arguments):
    """The painter that is asked for, with its mix; the first painting's where none is named."""
    from ..real_time import load_painter  # only now: it starts TensorFlow

    painter = load_painter(arguments.painter or next(iter(arguments.mix)))
    if arguments.mix:
        painter.mix = painter.shares(arguments.mix)
    return painter


def _name(source):
    return Path(source).stem
