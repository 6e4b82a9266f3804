"""How much memory this process holds and how much is free, on the machine or on its GPU."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["held_and_free"]


def held_and_free(kind) -> tuple[int, int | None]:
    """Look up memory, in bytes.

    Parameters
    ----------
    kind : {"cpu", "gpu"}

    Returns
    -------
    held : int
        By this process; on a GPU, by all processes. 0 where it is unknown.
    free : int or None
        What may be had beside it; None where it is unknown.

    Examples
    --------
    >>> held, free = held_and_free("cpu")
    >>> held >= 0
    True
    """
    return _gpu_memory() if kind == "gpu" else (_resident(), _available())


def _resident(path="/proc/self/statm"):
    try:
        import resource

        return int(Path(path).read_text().split()[1]) * resource.getpagesize()
    except (ImportError, OSError):  # not on macOS and Windows
        pass
    try:
        import psutil
    except ImportError:
        return 0
    return psutil.Process().memory_info().rss


def _available(path="/proc/meminfo"):
    try:
        lines = Path(path).read_text().splitlines()
        facts = {line.split(":")[0]: line.split()[1] for line in lines if ":" in line}
        return int(facts["MemAvailable"]) * 1024
    except (OSError, KeyError):
        pass
    try:
        import psutil
    except ImportError:
        return None
    return psutil.virtual_memory().available


def _gpu_memory():
    program = shutil.which("nvidia-smi")
    if not program:
        return 0, None
    query = ["--query-gpu=memory.used,memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run([program, *query], capture_output=True, text=True, timeout=10)
        used, free = (int(number) * 2**20 for number in done.stdout.splitlines()[0].split(","))
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return 0, None
    return used, free
