"""What tiles save in memory and cost in time, beside pastiche (PyTorch).

    python benchmarks/tiles.py [--rows 1024 1024/512 "1024 pastiche"] [--again] [--quick]

A row is the side of a square picture and how it is looked at: as a whole, behind a slash in tiles
of that side, or by pastiche, through its own network and loss code. The objective is that of
``evaluation.py``, and each row is a process of its own. Ours takes ``--steps`` steps of L-BFGS,
which remembers all of them (in ``--history``), so that peak memory, the process's largest resident
size, is that of a run, TensorFlow (0.6 GB) and the history included; pastiche takes evaluations
only, as its optimizer keeps little. Of its seconds the first, which compile, are left out, and the
median of the others is shown. What would not fit into the memory that is free is left out, and why
is said.

Every row is kept in results/tiles.json when it is done, and what is there is not measured again: a
run that was stopped goes on. ``--again`` measures those rows anew during which other programs took
more than a tenth of the processor, or which were left out.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from importlib import util
from pathlib import Path

import measure

ROWS = (
    *("1024", "1024/512", "1024/256", "1024 pastiche"),
    *("2048", "2048/512", "2048/1024", "2048 pastiche"),
    *("4096", "4096/512", "4096/1024", "4096 pastiche"),
)
QUICK = ("256", "256/128", "256 pastiche", "512/256")
STEPS = 5
QUIET = 0.1  # share of the processor that other programs may take
SPARE = 1.1  # times what is needed, that has to be free
#: Bytes for each pixel and evaluation of pastiche: the slope of its peaks in evaluation.json.
PASTICHE_BYTES = 2000


def main():
    if measure.is_worker():
        return work(*measure.worker_words())
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="256 and 512 pixels, two minutes")
    parser.add_argument("--rows", nargs="+", metavar="N[/T]", help="default: all")
    parser.add_argument("--again", action="store_true", help="what was disturbed or left out")
    parser.add_argument("--steps", type=int, default=STEPS, metavar="N", help="default %(default)s")
    parser.add_argument("--history", default="bfloat16", help="default %(default)s")
    parser.add_argument("--precision", default="auto", help="default %(default)s")
    given = parser.parse_args()
    options = {name: getattr(given, name) for name in ("steps", "history", "precision")}
    record = kept(options)
    for row in given.rows or (QUICK if given.quick else ROWS):
        if stands(record["rows"].get(row), given.again):
            continue
        began = measure.facts()
        found = measured(row, options)
        record["rows"][row] = found | {"date": began["date"], "load_before": began["load_before"]}
        measure.save("tiles", record, began)
        print(f"{row:>14}: {told(found)}", flush=True)
    measure.show(HEADS, table(record["rows"]))


def kept(options):
    """What results/tiles.json holds already, if it was measured with the same options."""
    path = measure.RESULTS / "tiles.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    same = found.get("options") == options
    return {"options": options, "rows": found["rows"] if same else {}}


def stands(found, again):
    """Whether a row need not be measured."""
    if found is None:
        return False
    return not again or ("left_out" not in found and found["others"] <= QUIET)


def parsed(row):
    """Side of the picture, side of its tiles or None, and whether pastiche is meant."""
    size, _, peer = row.partition(" ")
    side, _, tile = size.partition("/")
    if peer not in ("", "pastiche") or (tile and peer):
        raise ValueError(f"a row is {row!r}; expected such as '1024', '1024/512', '1024 pastiche'")
    return int(side), int(tile) if tile else None, bool(peer)


def measured(row, options):
    """What a row's process says, how much the others took meanwhile; or why it was left out."""
    import psutil

    side, tile, peer = parsed(row)
    if peer and util.find_spec("pastiche") is None:
        return {"left_out": "pastiche is not installed"}
    needed, free = needs(side, tile, peer, options), psutil.virtual_memory().available
    if SPARE * needed > free:
        return {"left_out": f"needs about {needed / 1e9:.0f} GB; {free / 1e9:.0f} were free"}
    words = [sys.executable, __file__, "--worker", row, *map(str, options.values())]
    before, began = _busy(), time.perf_counter()
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    if done.returncode == -signal.SIGKILL:  # what Linux does where memory has run out
        return {"left_out": "its process was killed: not enough memory"}
    done.check_returncode()
    found = json.loads(done.stdout.splitlines()[-1])
    taken = (_busy() - before - found["processor"]) / (time.perf_counter() - began)
    return found | {"others": round(max(0.0, taken / measure.cores()), 3)}


def needs(side, tile, peer, options):
    """Bytes that a row will take, about: what the package's own estimate says."""
    if peer:
        return 0.6e9 + PASTICHE_BYTES * side**2
    import numpy as np

    import nsthelpers as nst
    from nsthelpers.synthesis.footprint import needed_bytes

    small = np.zeros((1, 32, 32, 3), "float32")
    objective = _objective(nst, nst.VGG(weights="random"), small, small)
    optimizer = nst.LBFGS(memory=options["steps"], history=options["history"])
    precision = _precision(options["precision"])
    return 0.6e9 + needed_bytes(objective, optimizer, precision, (side, side), tile)


def work(row, steps, history, precision):
    """A row's own process."""
    side, tile, peer = parsed(row)
    answers = measure.Answers()
    find = of_pastiche if peer else ours
    found = find(side, tile, int(steps), history, precision)
    answers.give(**found, peak=measure.peak_bytes(), processor=sum(_own_times()))


def ours(side, tile, steps, history, precision):
    """Seconds of one evaluation, as a whole or in tiles, amid the steps of an optimizer."""
    import nsthelpers as nst
    from nsthelpers.tiling import TiledObjective

    photo, painting = pictures(side)
    precision = _precision(precision)
    objective = _objective(nst, nst.VGG(), photo, painting)
    size = side, side, 1.0, precision
    bound = objective.at(*size) if tile is None else TiledObjective(objective, *size, tile)
    taken = []

    def evaluate(image):
        began = time.perf_counter()
        found = bound.evaluate(image)
        taken.append(time.perf_counter() - began)
        return found

    descent = nst.LBFGS(memory=steps, history=history).start(evaluate, photo)
    for _ in range(steps):
        descent.step()
    return _summary(taken) | {"tiles": getattr(bound, "tiles", 1), "precision": precision}


def of_pastiche(side, tile, steps, history, precision):
    """Its own class: the loss and the gradient that its optimizer asks for at every step."""
    from evaluation import pastiche_evaluation

    evaluate, _ = pastiche_evaluation(*pictures(side))
    return _summary([evaluate() for _ in range(1 + steps)]) | {"tiles": 1, "precision": "float32"}


def pictures(side):
    """A photograph and a painting of that size."""
    import nsthelpers as nst

    names = ("astronaut", "swirling_night")
    return [nst.resize(nst.samples.load(name), size=(side, side)) for name in names]


def _objective(nst, network, photo, painting):
    options = {"network": network}
    style = 10 * nst.Style(painting, **options)
    return nst.Content(photo, **options) + style + 0.1 * nst.TotalVariation()


def _precision(given):
    from nsthelpers.backend import quickest_precision

    return quickest_precision() if given == "auto" else given


def _summary(taken):
    later = taken[1:]
    return {"seconds": statistics.median(later), "all_seconds": [round(each, 4) for each in later]}


def _own_times():
    import psutil

    return psutil.Process().cpu_times()[:2]


def _busy():
    """Seconds that all processors have worked so far, whoever asked."""
    import psutil

    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


HEADS = ("px", "looked at", "tiles", "peak GB", "s", "s per million px", "others' share")


def told(found):
    if "left_out" in found:
        return f"left out: {found['left_out']}"
    return f"{found['peak'] / 1e9:.2f} GB, {found['seconds']:.2f} s, others {found['others']:.0%}"


def table(rows):
    """The lines of the table, seconds of disturbed rows in brackets."""
    lines = []
    for row, found in rows.items():
        side, tile, peer = parsed(row)
        way = "pastiche" if peer else f"in tiles of {tile}" if tile else "as a whole"
        if "left_out" in found:
            lines.append((side, way, "", found["left_out"], "", "", ""))
            continue
        seconds = found["seconds"]
        texts = [f"{seconds:.2f}", f"{1e6 * seconds / side**2:.2f}"]
        if found["others"] > QUIET:
            texts = [f"({text})" for text in texts]
        peak = f"{found['peak'] / 1e9:.2f}"
        lines.append((side, way, found["tiles"], peak, *texts, f"{found['others']:.0%}"))
    return lines


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
