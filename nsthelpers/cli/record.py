"""What ``nst record`` does: make the experiments that come with this package, and list them."""

from __future__ import annotations

import sys
import time

from .live import duration

__all__ = ["record"]


def record(arguments) -> int:
    """Make what is missing of the record, or list what there is."""
    from ..record import making
    from ..record.store import HOME

    folder = arguments.folder or HOME
    known = making.contents()
    if arguments.list:
        for name, study in known.items():
            made, points = making.progress_of(study, folder)
            print(f"{name:32}{made:4} of {points:3}  {study.title}")
        return 0
    began = time.perf_counter()

    def report(name, done, points, point):
        state = (
            "kept from before" if point.reused else point.error or duration(point.result.seconds)
        )
        print(f"{name}, {done} of {points}: {point.label}: {state}", file=sys.stderr, flush=True)

    try:
        making.make(
            arguments.names or None,
            folder=folder,
            renew=arguments.all,
            progress=False if arguments.quiet else report,
        )
    except KeyboardInterrupt:
        print("nst: interrupted; the same command goes on from there", file=sys.stderr)
        return 130
    if not arguments.quiet:
        print(f"the record is complete, after {duration(time.perf_counter() - began)}")
    return 0
