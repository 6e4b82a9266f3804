"""What tiles save in memory and cost in time.

    python benchmarks/tiles.py [--rows 1024 2048/512] [--memory 5] [--history bfloat16]

A row is a size and, behind a slash, the side of its tiles: content, style and total variation as
``nst.stylize`` has them, on pictures of noise. Each row is a process of its own that takes one step
of L-BFGS with a history of ``--memory`` steps, kept in float32 or bfloat16: two evaluations at
least, of which the last is timed, by the clock and in seconds of the processor (which other
programs on the machine disturb less). Peak memory is the process's largest resident size, with
TensorFlow (about 0.6 GB) and the history.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

ROWS = ("1024", "1024/512", "1024/256", "2048/512")
_WORKER = "--in-this-process"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", nargs="+", default=ROWS, metavar="N[/T]")
    parser.add_argument("--memory", type=int, default=5, metavar="N", help="default %(default)s")
    parser.add_argument("--history", default="float32", help="default %(default)s")
    parser.add_argument("--precision", default="auto", help="default %(default)s")
    parser.add_argument(_WORKER, action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.in_this_process:
        options = given.memory, given.history, given.precision
        print(json.dumps(measured(*parsed(given.rows[0]), *options)))
        return
    import measure

    rows = []
    for row in given.rows:
        words = ["--rows", row, "--memory", str(given.memory), "--history", given.history]
        words += ["--precision", given.precision]
        done = subprocess.run(
            [sys.executable, __file__, _WORKER, *words], capture_output=True, text=True, check=True
        )
        found, (side, _) = json.loads(done.stdout.splitlines()[-1]), parsed(row)
        found["row"] = row
        rows.append(found)
        each = [f"{1e6 * found[name] / side**2:.2f}" for name in ("seconds", "processor")]
        print(f"{row:>10}: {found['peak'] / 1e9:.2f} GB, {each[0]} s and {each[1]} processor")
    heads = ("px / tile", "tiles", "peak GB", "s per million px", "processor s per million px")
    measure.show(heads, [shown(found) for found in rows])


def parsed(row):
    """The side of the picture and of its tiles, or None, from a text such as "2048/512"."""
    side, _, tile = row.partition("/")
    return int(side), int(tile) if tile else None


def shown(found):
    """A row of the table."""
    side, _ = parsed(found["row"])
    million = side**2 / 1e6
    return (
        found["row"],
        found["tiles"],
        f"{found['peak'] / 1e9:.2f}",
        f"{found['seconds'] / million:.2f}",
        f"{found['processor'] / million:.2f}",
    )


def measured(side, tile, memory, history, precision):
    """Peak bytes, seconds and seconds of the processor of one evaluation, and how many tiles."""
    import numpy as np

    import nsthelpers as nst
    from nsthelpers.backend import quickest_precision
    from nsthelpers.tiling import TiledObjective

    network = nst.VGG(weights="random")
    rng = np.random.default_rng(0)
    photo, painting, image = (rng.random((1, side, side, 3), dtype="float32") for _ in range(3))
    objective = (
        nst.Content(photo, network=network)
        + 10 * nst.Style(painting[:, :512, :512], network=network)
        + 0.1 * nst.TotalVariation()
    )
    precision = quickest_precision() if precision == "auto" else precision
    if tile is None:
        bound, tiles = objective.at(side, side, 1.0, precision), 1
    else:
        bound = TiledObjective(objective, side, side, 1.0, precision, tile)
        tiles = bound.tiles
    taken = []

    def evaluate(tensor):
        before = time.perf_counter(), time.process_time()
        found = bound.evaluate(tensor)
        taken.append((time.perf_counter() - before[0], time.process_time() - before[1]))
        return found

    optimizer = nst.LBFGS(memory=memory, history=history, max_evaluations=2)
    optimizer.start(evaluate, image).step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    seconds, processor = taken[-1]
    return {"peak": peak, "seconds": seconds, "processor": processor, "tiles": tiles}


if __name__ == "__main__":
    main()
