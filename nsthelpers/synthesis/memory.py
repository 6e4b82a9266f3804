"""How much memory this process holds and how much is free, on the machine or on its GPU."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["held_and_free"]


def held_and_free(kind, index=0) -> tuple[int, int | None]:
    """Look up memory, in bytes.

    Parameters
    ----------
    kind : {"cpu", "gpu"}
    index : int, default 0
        Of the GPU, among those that TensorFlow sees.

    Returns
    -------
    held : int
        By this process; on a GPU, by all processes. 0 where it is unknown.
    free : int or None
        What may be had beside it, of the machine's and of what the container is allowed; None
        where it is unknown.

    Examples
    --------
    >>> held, free = held_and_free("cpu")
    >>> held > 0 and free > 0
    True
    """
    if kind == "gpu":
        return _gpu_memory(index)
    import psutil

    free = min([psutil.virtual_memory().available, *_left_to_containers()])
    return psutil.Process().memory_info().rss, max(0, free)


def _left_to_containers(root="/"):
    """What each control group of Linux that holds this process has left, in bytes.

    A machine says nothing of these limits, which Docker, Kubernetes, Slurm and JupyterHub set.
    """
    root = Path(root)
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # another system, which has no such groups
        return
    for number, controllers, group in (line.split(":", 2) for line in lines):
        if number == "0":  # version 2
            mount, limit, used, cache = "", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, limit, used = "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        top = root / "sys/fs/cgroup" / mount
        folder = top / group.lstrip("/")
        # A group is bound by its parents' limits, too. Seen from inside a container, its own
        # group may be the top one, whatever it is called outside.
        for each in (folder, *folder.parents):
            try:
                facts = dict(
                    line.split()
                    for line in (each / "memory.stat").read_text(encoding="utf-8").splitlines()
                )
                taken = int((each / used).read_text(encoding="utf-8")) - int(facts.get(cache, 0))
                yield int((each / limit).read_text(encoding="utf-8")) - taken
            except (OSError, ValueError):  # no such file, or no limit: "max"
                pass
            if each == top:
                break


def _gpu_memory(index):
    program = shutil.which("nvidia-smi")
    if not program:
        return 0, None
    # TensorFlow counts the GPUs that it is shown.
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in shown.split(",")] if shown else []
    name = names[index] if index < len(names) else str(index)
    query = ["--query-gpu=memory.used,memory.free", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            [program, f"--id={name}", *query], capture_output=True, text=True, timeout=10
        )
        used, free = (int(number) * 2**20 for number in done.stdout.splitlines()[0].split(","))
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return 0, None
    return used, free
