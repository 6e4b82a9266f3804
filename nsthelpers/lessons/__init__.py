"""What a notebook needs: its set-up, tasks, and the checks of their answers."""

from . import checks, notebook
from .checks import CheckResult, check, tasks
from .exercises import Task

__all__ = ["checks", "notebook", "CheckResult", "check", "tasks", "Task"]
