"""The Makefile: what it says where there is no Python that would do."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib

import pytest
from house import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize("target", ["demo", "repoint"])
@pytest.mark.parametrize("python", ["./missing", "./too-old"])
def test_without_a_python_that_does_one_line_says_so(tmp_path, python, target):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "too-old"  # as any Python before 3.11 answers to the question
    old.write_text('#!/bin/sh\n[ "$1" = -c ] || touch used\necho a traceback >&2\nexit 1\n')
    old.chmod(0o755)
    line = ["make", target, f"PYTHON={python}"]
    # Not as a part of the make that runs the tests: that says which folder it enters.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(line, cwd=tmp_path, env=outer, capture_output=True, text=True)
    said, of_make = done.stderr.strip().splitlines()
    assert done.returncode == 2 and done.stdout == "" and of_make.startswith("make: ***")
    assert said == (
        f"{python} is not there or too old: Python 3.11 or newer is needed. Say which one it is: "
        f"make {target} PYTHON=python3.12"
    )
    assert not (tmp_path / ".venv").exists() and not (tmp_path / "used").exists()


def test_the_oldest_python_is_that_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in MAKEFILE
    assert f"Python {oldest} or newer" in MAKEFILE
    assert f"Programming Language :: Python :: {oldest}" in project["classifiers"]
