"""The tasks of the notebooks' *Check yourself*: right answers, usual mistakes, small inputs.

Everything is plain NumPy in float64, written a second time and apart from ``losses.py``, so that a
check does not compare the package with itself. One module for each notebook.
"""

from __future__ import annotations

from . import (
    content,
    control,
    network,
    real_time,
    smoothness,
    statistics,
    studies,
    style,
    transfer,
    transport,
)
from .task import Task

__all__ = ["TASKS", "Task"]

#: All tasks, in the order of the notebooks.
TASKS = (
    *network.TASKS, *content.TASKS, *style.TASKS, *transfer.TASKS, *smoothness.TASKS,
    *studies.TASKS, *statistics.TASKS, *control.TASKS,
    *real_time.TASKS, *transport.TASKS,
)  # fmt: skip
