"""A GPU for each process of a sweep, where there are several.

CUDA shows a process the GPUs that ``CUDA_VISIBLE_DEVICES`` names when TensorFlow is imported, and
the first of them does the work: left alone, all processes would share one. So each takes a place
in the row before it imports anything, by locking a file; the system frees the lock of a process
that ends, whatever ended it, and the next one takes that place.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

__all__ = ["take_one", "visible_gpus", "worker_options"]

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_locks = []  # held as long as this process lives


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them.

    Returns
    -------
    list of str
        Found without TensorFlow; empty where there are none.
    """
    if _VARIABLE in os.environ:
        names = (name.strip() for name in os.environ[_VARIABLE].split(","))
        # CUDA stops reading at the first name that is none.
        return list(itertools.takewhile(lambda name: name and name != "-1", names))
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    query = [program, "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.split()


def worker_options() -> dict:
    """What ``joblib.Parallel`` needs to give each of its processes a GPU of its own.

    Returns
    -------
    dict
        Empty where there is nothing to share out: no GPU or only one, or processes that are not
        joblib's own (those of a Dask cluster are given their GPUs when they are started).
    """
    import joblib

    backend, _ = joblib.parallel.get_active_backend()
    gpus = visible_gpus()
    if len(gpus) < 2 or not isinstance(backend, joblib.parallel.LokyBackend):
        return {}
    return {"initializer": take_one, "initargs": (tuple(gpus), _folder())}


def take_one(gpus, folder):
    """Let this process see one of the GPUs: that of the first place that nobody holds.

    Parameters
    ----------
    gpus : sequence of str
        Names for ``CUDA_VISIBLE_DEVICES``. The k-th process takes number k modulo their number.
    folder : str
        Where the locked files are.
    """
    import filelock

    for number in itertools.count():
        lock = filelock.FileLock(Path(folder) / str(number))
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            continue
        _locks.append(lock)
        os.environ[_VARIABLE] = gpus[number % len(gpus)]
        return


@functools.cache
def _folder():
    """One for all sweeps of this process: joblib keeps its processes from one to the next."""
    folder = tempfile.mkdtemp(prefix="nst-gpus-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
