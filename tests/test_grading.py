"""The grader's own commands on what ``make instructor`` gives it, where otter-grader is installed.

``make bookcheck`` asks for this; ``make test`` leaves it out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nsthelpers.lessons import checks, hints

ROOT = Path(__file__).parents[1]
LESSON = "03_reconstruct_style.ipynb"
TASKS = sorted(checks.tasks(3))
FORGETFUL = """def gram_matrix(features):  # sums in place of means
    rows = ops.reshape(features, (-1, features.shape[-1]))
    return ops.matmul(ops.transpose(rows), rows)
"""
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        shutil.which("otter") is None, reason="otter-grader is missing: pip install otter-grader"
    ),
]


def otter(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        ["otter", *map(str, arguments)], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    """What ``otter assign`` makes of a lesson: the autograder, and the student's copy."""
    folder = tmp_path_factory.mktemp("grading")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "book"))
        patch.delitem(sys.modules, "instructor", raising=False)
        import instructor

        lesson = json.loads((ROOT / "notebooks" / LESSON).read_text(encoding="utf-8"))
        (folder / LESSON).write_text(json.dumps(instructor.for_grading(lesson, 3)))
    otter(folder, "assign", LESSON, "out")
    (autograder,) = (folder / "out" / "autograder").glob("*.zip")
    return autograder, folder / "out" / "student" / LESSON


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({name: hints.hints_for(name).solution for name in TASKS}, dict.fromkeys(TASKS, 1)),
        ({"gram_matrix": FORGETFUL}, dict.fromkeys(TASKS, 0)),
        ({}, dict.fromkeys(TASKS, 0)),
    ],
    ids=["right", "wrong", "empty"],
)
def test_a_submission_gets_a_point_for_each_right_task(assignment, tmp_path, written, expected):
    autograder, copy = assignment
    notebook = json.loads(copy.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        stub = re.match(r"def (\w+)\(.*\): \.\.\.$", "".join(cell["source"]))
        if stub and stub[1] in written:
            cell["source"] = written[stub[1]]
    (tmp_path / LESSON).write_text(json.dumps(notebook))
    otter(tmp_path, "run", "-a", autograder, LESSON)
    results = json.loads((tmp_path / "results.json").read_text())["tests"]
    assert {each["name"]: each["score"] for each in results if "score" in each} == expected
