"""The one optimisation loop of the project: an image is what minimises an objective.

``synthesize`` starts from an image, lets an optimizer improve it step by step, keeps the history
and the best image so far, and gives that image back, whatever ended the run.
"""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np

from ..backend import is_out_of_memory, ops
from ..images.arrays import resize
from .checkpoints import Checkpoints, identity, kept_settings
from .plan import make_plan
from .results import Synthesis, on_host
from .run import LIKELY_CAUSES, Run, Stopped

__all__ = ["synthesize"]


def synthesize(
    objective,
    start="content",
    *,
    optimizer=None,
    image_as="pixels",
    jitter=0,
    steps=200,
    scales=None,
    seed=0,
    precision="auto",
    time_limit=None,
    tiles="auto",
    callbacks=(),
    progress=True,
    checkpoint=None,
    checkpoint_seconds=60,
) -> Synthesis:
    """Find an image that minimises an objective.

    Parameters
    ----------
    objective : Objective or Term
        For example ``Content(photo) + 10 * Style(painting)``.
    start : {"content", "recoloured", "style", "noise"} or array, default "content"
        The image to start from: the content term's, the same in the paintings' colours (see
        :func:`nsthelpers.match_colours`), the first painting, white noise (see
        :func:`white_noise`) or any image. It fixes the size of the result; noise takes the content
        image's size, or the painting's where there is no content, and a painting is cut to the
        content's size where there is content.
    optimizer : Optimizer, default LBFGS(), or Adam() with jitter
    image_as : {"pixels", "waves", "laplacian"} or Parametrisation, default "pixels"
        How the image is written down while it is optimised, see
        :class:`nsthelpers.synthesis.Waves` and :class:`nsthelpers.synthesis.LaplacianPyramid`. The
        bounds of the optimizer are those of pixels.
    jitter : int, default 0
        Before every evaluation the image is shifted by up to so many pixels, down and across, at
        random; what leaves at one border comes in at the other. What a network likes at exact
        places only is then of no use. Losses of single steps are those of single shifts. Not for
        L-BFGS, which compares them, and not for a content.
    steps : int or sequence of int, default 200
        How many steps; with several scales, for each of them or one number for each.
    scales : int or sequence of int, optional
        Long sides in pixels, rising, to work through from coarse to fine: each size starts from the
        enlarged result of the one before. The last is the size of the result. Default: only the
        size of the start image.
    seed : int, default 0
        Of the noise, and of the shifts.
    precision : {"auto", "float32", "bfloat16"}, default "auto"
        What the network computes in, see :meth:`nsthelpers.VGG.in_precision`. "auto" takes bfloat16
        on processors that are quicker with it. Where that is too coarse for a further step down,
        the run goes on in float32.
    time_limit : float, optional
        In seconds; the run stops after the step that passes it.
    tiles : {"auto"}, int or None, default "auto"
        Whether the objective is evaluated tile by tile: the same picture, up to rounding, from
        little memory, in about twice the time (:class:`nsthelpers.tiling.TiledObjective`). A number
        is the side of a tile in pixels, at least 16; a picture no larger than that is looked at as
        a whole. "auto" cuts where the whole would not fit into the memory that is free, if all
        terms can be had so. Where that is not enough, an L-BFGS of default settings remembers no
        more pairs than it makes steps, then in bfloat16, then 10 pairs, then 5; ``settings`` says
        so as ``"histories"``, one for each size. None never does any of this.
    callbacks : callable or sequence of callables, default none
        Each gets a :class:`Progress` after every step (and once before the first). A callback that
        returns True stops the run.
    progress : bool, default True
        Show a progress bar (tqdm).
    checkpoint : str or Path, optional
        A folder in which the state of the run is kept on the way. After a crash the same call goes
        on from there, as if nothing had happened (see the notes). Default: nothing is kept.
    checkpoint_seconds : float, default 60
        Between two checkpoints; more where one takes long to write, 0: after every step.

    Returns
    -------
    Synthesis
        Always, also when the run was interrupted (Ctrl-C, the kernel's stop button) or the loss
        ceased to be a finite number; ``stop_reason`` and ``message`` say what happened.

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense, before any work is done; for a ``checkpoint`` of a run
        with other settings (the error names them), or with nothing that is whole.
    OSError
        If ``checkpoint`` cannot be written to, or another run is using it.
    MemoryError
        If there is not enough memory for any size. Where there is not for one, the run goes on from
        the image that it has, at half as many pixels, warns, and enlarges the result; ``message``
        and ``settings`` name the sizes that were really worked at.
    Exception
        Whatever a callback or a term of your own raises. The error then has the attribute
        ``synthesis``: the Synthesis up to that point, with the best image so far.

    Notes
    -----
    On the same processor, with the same versions, a run that goes on from a checkpoint ends with
    the same bits and the same history as one that was never interrupted (some graphics cards add up
    in another order each time). Another device and other versions are warned of. Seconds, and with
    them the time limit, count what was worked, not what lay between. What came after the last
    checkpoint is made again, also after Ctrl-C. A run that has ended comes back from its checkpoint
    without being computed; one that a callback has stopped goes on, and so does one that the time
    limit has, if it is higher now.

    ``progress``, ``callbacks``, ``checkpoint_seconds`` and ``time_limit`` may be others than they
    were, and the last size may have more steps. What else decides the picture may not, nor may
    pictures, masks and the network's weights. Of a term of your own count arrays, numbers, texts,
    lists, dicts and data classes that it holds, not its code. What "auto" chose for the memory that
    was free stays chosen. What is kept is the history of L-BFGS above all: two files of up to 500
    bytes for each pixel, half of that in bfloat16.

    References
    ----------
    Gatys, Ecker & Bethge (2015), arXiv 1508.06576; coarse to fine: Gatys et al. (2016),
    "Controlling Perceptual Factors in Neural Style Transfer", arXiv 1611.07865, section 6.

    Examples
    --------
    >>> from nsthelpers import TotalVariation, white_noise
    >>> noisy = white_noise(32, 32)
    >>> smooth = synthesize(1.0 * TotalVariation(), start=noisy, steps=5, progress=False)
    >>> smooth.history[-1].loss < smooth.history[0].loss, smooth.stop_reason
    (True, 'steps')
    """
    plan = make_plan(
        objective,
        start,
        optimizer=optimizer,
        image_as=image_as,
        jitter=jitter,
        steps=steps,
        scales=scales,
        seed=seed,
        precision=precision,
        time_limit=time_limit,
        tiles=tiles,
        before=None if checkpoint is None else kept_settings(checkpoint),
    )
    checkpoints = _checkpoints(checkpoint, checkpoint_seconds, plan)
    run = Run(plan, callbacks, progress, checkpoints)
    try:
        with run.bar, checkpoints or contextlib.nullcontext():
            run.restore()
            for stage in plan.stages[run.stage :]:
                _work_at(stage, plan, run)
                if run.too_large:
                    break  # nor would larger sizes fit
    except Stopped as stopped:
        run.end(*stopped.args)
    except KeyboardInterrupt:
        run.end("interrupted", "interrupted; this is the best image so far")
    except Exception as error:
        if isinstance(error, FloatingPointError) and error is not run.of_callback:
            run.end("not finite", f"{error}; {LIKELY_CAUSES}")
            return run.result()
        if run.history:
            run.end("error", f"{type(error).__name__}: {error}; this is the best image so far")
            with contextlib.suppress(AttributeError):  # an error that takes no attributes
                error.synthesis = run.result()
                error.add_note(
                    "The best image so far is not lost: this error's attribute `synthesis` is the "
                    "result up to here, with image, history and settings."
                )
        raise
    return run.result()


def _checkpoints(folder, seconds, plan):
    if folder is None:
        return None
    if not hasattr(plan.optimizer, "resume"):
        raise TypeError(
            f"{type(plan.optimizer).__name__} has no method resume, so that a checkpoint is of no "
            "use; expected an optimizer such as nst.LBFGS(), or no checkpoint"
        )
    return Checkpoints(folder, seconds, identity(plan))


def _work_at(stage, plan, run):
    """Make the steps of one stage; where memory runs out, at half as many pixels."""
    size, above = run.enter(stage)
    while True:
        try:
            # What has converged in a coarse arithmetic may not have in the exact one.
            for precision in run.precisions:
                more = _descend(plan, size, precision, run)
                if run.step == run.goal:
                    break
            run.conclude(stage.steps, size, more)
            return
        except Exception as error:
            if error is run.of_callback or not is_out_of_memory(error):
                raise
        size = run.smaller(size, above)


def _descend(plan, size, precision, run) -> bool:
    """The loop itself: go downhill at one size. Returns whether there is more to be won."""
    evaluate = run.counting(plan.bind(size, precision).evaluate)
    draws = np.random.default_rng(plan.seed)
    if plan.jitter:
        evaluate = _shifting(evaluate, plan.jitter, draws)
    if run.interrupted:
        descent, more = run.resume(evaluate, draws)
    else:
        start = resize(on_host(run.best), size=size)
        descent, more = plan.way_at(size).start(evaluate, start), True
        run.begin(descent, size, precision, draws)
    while more and run.step < run.goal:
        more = descent.step()
        run.record(descent, more)
    return more


def _shifting(evaluate, most, draws):
    """The same function of an image, shifted by another random way at each call."""

    def shifted(image):
        down, across = draws.integers(-most, most + 1, 2)
        found = evaluate(ops.roll(image, (down, across), (1, 2)))
        back = ops.roll(found.gradient, (-down, -across), (1, 2))
        return dataclasses.replace(found, gradient=back)

    return shifted
