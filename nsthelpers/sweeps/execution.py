"""One job at every point of a grid of settings: a table, a sheet of pictures, nothing done twice.

A job is any function of keyword settings that returns a Synthesis. Finished points are kept in a
folder as they end, so that a sweep that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .devices import worker_options
from .grid import RESULTS, Point, check_call, expanded
from .store import PointStore, point_key

__all__ = ["Sweep", "SweepError", "sweep"]

_log = logging.getLogger(__name__)


@dataclass
class Sweep:
    """What came out of :func:`sweep`; a notebook shows it as its table.

    Attributes
    ----------
    points : list of Point
        In the order of the grid.
    axes : dict of str to list of str
        Names of the settings and labels of their values; empty for a list of points.
    folder : Path
    message : str
        How the sweep ended, in a sentence.
    """

    points: list[Point]
    axes: dict[str, list[str]]
    folder: Path
    message: str = ""

    @property
    def results(self) -> dict:
        """The results by label, without the points that failed or were not reached."""
        return {point.label: point.result for point in self.points if point.result is not None}

    @property
    def finished(self) -> bool:
        """Whether every point has a result."""
        return all(point.result is not None for point in self.points)

    @property
    def table(self):
        """One row for each point: settings, losses, times, picture, error.

        Returns
        -------
        pandas.DataFrame
            The settings under their names; ``loss`` (the weighted sum) and, for each term,
            ``<term>_loss`` (before its weight), both at the last step and only to be compared
            between points of the same size and formula; ``seconds``; ``step_seconds``, the median
            over the steps; ``evaluations``; ``stop_reason``; ``picture`` (a path); ``other_code``,
            whether the point was kept from before and this package's code has changed since;
            ``error``.
        """
        import pandas

        rows = [point.row for point in self.points]
        names = list(dict.fromkeys(name for row in rows for name in row))
        losses = [name for name in names if name.endswith("_loss")]
        settings = [name for name in names if name not in (*RESULTS, *losses)]
        columns = [*settings, "loss", *losses, *RESULTS[1:]]
        return pandas.DataFrame(rows, columns=columns)

    def sheet(self, *, columns=None, title=None, captions=None, width=8.0):
        """All pictures on one sheet, labelled with their settings.

        Parameters
        ----------
        columns : int, optional
            For a grid of one axis, and for a list of points. A grid of several axes has a column
            for each value of the last axis, and a row for all the others.
        title : str, optional
        captions : sequence of str, optional
            Below the pictures, in place of the labels.
        width : float, default 8
            In inches.

        Returns
        -------
        matplotlib.figure.Figure
            A point without a result leaves its place empty.

        Raises
        ------
        ValueError
            If no point has a result.
        """
        from ..plots.pictures import image_grid

        pictures = [point.result for point in self.points]
        if len(self.axes) < 2:
            captions = captions or [point.label for point in self.points]
            return image_grid(pictures, captions, columns=columns, title=title, width=width)
        *rows, (name, values) = self.axes.items()
        above = [f"{name} = {value}" for value in values]
        down = itertools.product(*([f"{row} = {each}" for each in texts] for row, texts in rows))
        beside = [", ".join(side) for side in down]
        # Where they would run into each other the values stand alone, and the title has the names.
        characters = 12 * width / len(values)
        if max(map(len, above)) > characters:
            above, title = list(values), f"{title or ''}   across: {name}".strip()
        if max(map(len, beside)) > 0.7 * characters:
            beside = [", ".join(side) for side in itertools.product(*(texts for _, texts in rows))]
            title = f"{title or ''}   down: {', '.join(row for row, _ in rows)}".strip()
        return image_grid(
            pictures,
            captions,
            columns=len(values),
            title=title,
            row_labels=beside,
            column_labels=above,
            width=width,
        )

    def _repr_html_(self):
        return f"<p>{self.message}</p>{self.table._repr_html_()}"


class SweepError(RuntimeError):
    """Some points of a sweep failed, all others are done.

    Attributes
    ----------
    sweep : Sweep
        With everything that was made, and ``error`` in the points that failed.
    """

    def __init__(self, message, swept):
        super().__init__(message)
        self.sweep = swept


def sweep(
    job,
    grid,
    *,
    fixed=None,
    folder=None,
    renew=False,
    n_jobs=None,
    on_error="raise",
    progress=True,
) -> Sweep:
    """Do a job at every point of a grid of settings, and put the results side by side.

    Parameters
    ----------
    job : callable
        A function of keyword settings that returns a Synthesis, such as ``nst.stylize``.
    grid : mapping or sequence of mappings
        A mapping from the names of settings to their values makes every combination; the values
        are a list, or a mapping from labels to values where these are long. A sequence of mappings
        lists the points one by one; ``label`` in one of them is its name, not a setting.
    fixed : mapping, optional
        Settings that are the same at every point; a point of a sequence may have its own.
    folder : str, Path or store, optional
        Where finished points are kept, each as a picture and a JSON file, as soon as they end. A
        point that is there already is not computed again, unless its job or a setting has changed
        (see :func:`nsthelpers.sweeps.store.point_key`). One that was made by other code of this
        package counts too; the table and the message say so. Default: nothing is kept for later.
    renew : bool, default False
        Compute again what was made by other code.
    n_jobs : int, optional
        How many processes share the work; default 1, this one. On a machine with several GPUs each
        process works on one of its own (of those that ``CUDA_VISIBLE_DEVICES`` names, if it is
        set), so take as many processes as GPUs. Inside ``joblib.parallel_config`` its back end is
        used: ``with joblib.parallel_config("dask"):`` spreads a sweep over the machines of a Dask
        cluster. Only this process writes to the folder.
    on_error : {"raise", "record"}, default "raise"
        An error at one point never ends the others. ``"raise"``: when all are done, a SweepError
        names the first and carries what was made. ``"record"``: it only stands in the table. A
        point that failed is tried again the next time.
    progress : bool or callable, default True
        Show a bar (tqdm), or call a function of (points done, points in all, Point) as each ends.

    Returns
    -------
    Sweep
        Also when it was interrupted (Ctrl-C, the kernel's stop button), with the points that were
        finished; ``message`` says so.

    Raises
    ------
    ValueError, TypeError
        For a grid that makes no sense or a setting that the job does not take, before any work.
    SweepError
        If points failed and ``on_error`` is "raise".
    RuntimeError
        If the processes that share the work have died. What was finished is kept.

    Examples
    --------
    >>> import nsthelpers as nst
    >>> def smooth(weight, steps):
    ...     noise = nst.white_noise(16, 24)
    ...     return nst.synthesize(weight * nst.TotalVariation(), noise, steps=steps, progress=False)
    >>> swept = sweep(smooth, {"weight": [1, 10]}, fixed={"steps": 2}, progress=False)
    >>> swept.table[["weight", "evaluations", "stop_reason"]]
       weight  evaluations stop_reason
    0       1            4       steps
    1      10            4       steps
    """
    if on_error not in ("raise", "record"):
        raise ValueError(f"on_error is {on_error!r}; expected 'raise' or 'record'")
    if n_jobs == 0:
        raise ValueError("n_jobs is 0; expected a number of processes, or -1 for one on each core")
    points, axes = expanded(grid, dict(fixed or {}))
    for point in points:
        check_call(job, point.settings)
    keys = [point_key(job, point.settings) for point in points]
    store = folder
    if not hasattr(store, "load"):
        store = PointStore(folder or tempfile.mkdtemp(prefix="nst-sweep-"))
    swept = Sweep(points, axes, store.folder)
    if not folder:
        weakref.finalize(swept, shutil.rmtree, store.folder, ignore_errors=True)
    waiting: dict[str, list[Point]] = {}
    with _reporting(progress, len(points)) as report:
        for key, point in zip(keys, points, strict=True):
            found = store.load(key)
            other_code = found is not None and store.made_by_other_code(key)
            if found is None or (other_code and renew):
                waiting.setdefault(key, []).append(point)  # equal points are computed once
                continue
            point.result, point.picture = found, store.picture(key)
            point.reused, point.other_code = True, other_code
            report(point)
        stopped = _compute(job, waiting, store, n_jobs, report)
    swept.message = _summary(points, stopped)
    failed = [point for point in points if point.error]
    if failed and on_error == "raise" and not stopped:
        first = failed[0]
        raise SweepError(
            f"{len(failed)} of {len(points)} points failed, first {first.label}: {first.error}; "
            "the others are in this error's .sweep, and on_error='record' returns it",
            swept,
        )
    return swept


def _compute(job, waiting, store, n_jobs, report) -> bool:
    """Compute what is waiting; whether it was interrupted."""
    try:
        with contextlib.closing(_outcomes(job, waiting, store, n_jobs)) as outcomes:
            for key, result, error in outcomes:
                if result is not None and result.stop_reason == "interrupted":
                    return True
                if result is not None:
                    store.save(key, job, waiting[key][0].settings, result)
                for point in waiting[key]:
                    point.result, point.error = result, error
                    point.picture = None if result is None else store.picture(key)
                    report(point)
    except KeyboardInterrupt:
        return True
    return False


def _outcomes(job, waiting, store, n_jobs):
    """What `_attempt` gives for every key that is waiting, in the order in which they end."""
    import joblib

    # Nothing is passed as an argument of its own: Dask would put a large one on a single worker,
    # and lose it with that worker.
    calls = [
        joblib.delayed(partial(_attempt, job, key, same[0].settings))()
        for key, same in waiting.items()
    ]
    workers = joblib.Parallel(
        n_jobs=n_jobs, batch_size=1, return_as="generator_unordered", **worker_options()
    )
    try:
        yield from workers(calls)
    except Exception as error:  # a point's own error never gets here
        raise RuntimeError(
            f"the processes that share the work gave up: {_one_line(error)}; the finished points "
            f"are in {store.folder}, call again to go on with the others"
        ) from error


def _attempt(job, key, settings):
    """Compute one point, wherever this runs: (key, result or None, error)."""
    from ..synthesis.results import Synthesis

    try:
        result = job(**settings)
        if not isinstance(result, Synthesis):
            raise TypeError(f"the job returned a {type(result).__name__}; expected a Synthesis")
    except Exception as error:  # whatever it is, the other points shall have their turn
        _log.debug("a point failed: %s", settings, exc_info=error)
        return key, None, _one_line(error)
    if result.stop_reason == "out of memory":  # not for ever: a larger machine may do it
        return key, None, f"MemoryError: {result.message}"
    return key, result, ""


def _summary(points, stopped):
    done = sum(point.result is not None for point in points)
    reused, failed = sum(point.reused for point in points), sum(bool(p.error) for p in points)
    other = sum(point.other_code for point in points)
    text = f"interrupted after {done} of {len(points)} points" if stopped else f"{done} points"
    text += f", {reused} of them kept from before" if reused else ""
    text += f" ({other} made by other code; renew=True makes them anew)" if other else ""
    return text + (f", {failed} failed" if failed else "")


@contextlib.contextmanager
def _reporting(progress, total):
    """A function to be called with each point that has ended."""
    if callable(progress):
        done = itertools.count(1)
        yield lambda point: progress(next(done), total, point)
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit="point", disable=not progress) as bar:

        def report(point):
            bar.set_postfix_str(point.label, refresh=False)
            bar.update()

        yield report


def _one_line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())
