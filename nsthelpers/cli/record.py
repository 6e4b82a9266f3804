"""What ``nst record`` and ``nst report`` do: make the experiments that come with this package, list
them, and write what they say to the documents.
"""

from __future__ import annotations

import sys
import time

from ..files import check_destination
from .live import duration

__all__ = ["record", "report"]


def record(arguments) -> int:
    """Make what is missing of the record, or list what there is."""
    from ..record import making
    from ..record.store import HOME

    folder = arguments.folder or HOME
    known = making.contents()
    if arguments.report:
        check_destination(arguments.report)
    if arguments.list:
        for name, study in known.items():
            made, points = making.progress_of(study, folder)
            print(f"{name:32}{made:4} of {points:3}  {study.title}")
        return 0
    began = time.perf_counter()

    def tell(name, done, points, point):
        state = (
            "kept from before" if point.reused else point.error or duration(point.result.seconds)
        )
        print(f"{name}, {done} of {points}: {point.label}: {state}", file=sys.stderr, flush=True)

    try:
        making.make(
            arguments.names or None,
            folder=folder,
            renew=arguments.all,
            progress=False if arguments.quiet else tell,
        )
    except KeyboardInterrupt:
        print("nst: interrupted; the same command goes on from there", file=sys.stderr)
        return 130
    if arguments.report:
        _write(arguments.report, folder, arguments.quiet)
    if not arguments.quiet:
        print(f"the record is complete, after {duration(time.perf_counter() - began)}")
    return 0


def report(arguments) -> int:
    """Write the report of what there is of the record."""
    from ..record.store import HOME

    check_destination(arguments.path)
    return _write(arguments.path, arguments.folder or HOME, arguments.quiet)


def _write(path, folder, quiet):
    """1 where a written verdict is not what its test finds."""
    from ..record import report

    report.write(path, folder)
    stale = report.stale(folder)
    for line in stale:
        print(f"nst: {line}", file=sys.stderr)
    if not quiet:
        print(f"the report is {path}")
    return 1 if stale else 0
