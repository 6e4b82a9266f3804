"""What ``nst sweep`` does: run a study's file, keep every point, write a table and a sheet."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from dataclasses import replace
from pathlib import Path

from ..files import check_destination, write_whole
from .live import ProgressBar, duration

__all__ = ["sweep"]


def sweep(arguments) -> int:
    """Do a job at every point of a study's grid."""
    line = ProgressBar(None if arguments.quiet else sys.stderr)
    began = time.perf_counter()
    with line:
        line.show("reading the study")
        from ..studies import study as studies

        study = studies.read(arguments.study).adapted(
            arguments.profile,
            max_side=arguments.max_side,
            steps=arguments.steps,
            stand_ins=arguments.stand_ins,
        )
        if arguments.weights:
            study = replace(study, settings={**study.settings, "weights": arguments.weights})
        folder = _make_folder(arguments.folder or Path("output") / study.name)
        table, sheet = folder / "table.csv", folder / "sheet.png"
        for path in (table, sheet):
            check_destination(path)

        def report(done, points, point):
            kept = "kept from before" if point.reused else point.error or "done"
            line.show(f"{done} of {points}: {point.label}: {kept}")

        line.show("preparing the first point")
        with _cluster(arguments.scheduler):
            swept = study.run(
                folder=folder,
                n_jobs=arguments.jobs,
                on_error="record",
                renew=arguments.renew,
                progress=report,
            )
    write_whole(table, swept.table.to_csv(index=False).encode())
    if swept.results:
        _save_sheet(swept, study, sheet)
    failed = [point for point in swept.points if point.error]
    if not arguments.quiet:
        _print_summary(study, swept, table, sheet, time.perf_counter() - began)
    for point in failed:
        print(f"nst: error: {point.label}: {point.error}", file=sys.stderr)
    if swept.message.startswith("interrupted"):
        print(f"nst: {swept.message}; the same command goes on from there", file=sys.stderr)
        return 130
    return 1 if failed else 0


def _make_folder(folder):
    folder = Path(folder).expanduser()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"--folder {folder} is a file: name a folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _cluster(scheduler):
    """Inside, a sweep is shared by the workers of a Dask cluster, if one is named."""
    if not scheduler:
        yield
        return
    try:
        from dask.distributed import Client
    except ImportError:
        raise ValueError(
            "--scheduler needs Dask; install it with: pip install 'nsthelpers[distributed]'"
        ) from None
    import joblib

    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise OSError(
            f"no Dask scheduler answers at {scheduler} ({type(error).__name__}); expected an "
            "address such as tcp://host:8786, as `dask scheduler` prints it"
        ) from None
    with client, joblib.parallel_config("dask"):
        yield


def _save_sheet(swept, study, path):
    buffer = io.BytesIO()
    title = f"{study.title} ({study.source})" if study.source else study.title
    figure = swept.sheet(title=title, width=max(8.0, 2.2 * _columns(swept)))
    figure.savefig(buffer, format="png", bbox_inches="tight")
    write_whole(path, buffer.getvalue())


def _columns(swept):
    return len(list(swept.axes.values())[-1]) if len(swept.axes) > 1 else 4


def _print_summary(study, swept, table, sheet, seconds):
    assumed = ", ".join(study.assumed) or "nothing"
    rows = [
        ("study", f"{study.title} ({study.source})"),
        ("they found", study.claim),
        ("assumed", f"{assumed}" + ("" if not study.assumed else ", which they do not state")),
        ("points", swept.message),
        ("time", duration(seconds)),
        ("table", table),
        ("sheet", sheet if swept.results else ""),
    ]
    for label, text in rows:
        if text:
            print(f"{label:14}{text}")
