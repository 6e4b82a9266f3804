"""What a notebook needs: its set-up, tasks and their checks, questions, and the words explained."""

from . import checks, notebook, own
from .asking import predict, quiz
from .checks import CheckResult, check, tasks
from .exercises import Task
from .glossary import explain

__all__ = [
    "checks", "notebook", "own", "predict", "quiz", "CheckResult", "check", "tasks", "Task",
    "explain",
]  # fmt: skip
