"""Editors and type checkers find what users type: the stubs name it, and only it.

``make lint`` compares the stubs with the code as well (mypy's stubtest).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_architecture import PUBLIC, ROOT

api = pytest.importorskip("mypy.api")
FACE = Path(__file__).parent / "typing" / "public_face.py"


def test_a_type_checker_finds_every_public_name_and_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    wrong = ["nst.stylise", "nst.samples.lode", "nst.losses.gram", "nst.widgets.studios"]
    lines = [f"nst.{name}" for name in PUBLIC] + wrong
    program = tmp_path / "names.py"
    program.write_text("\n".join(["import nsthelpers as nst", *lines]), encoding="utf-8")
    cache = f"--cache-dir={tmp_path / 'cache'}"
    shown, errors, _ = api.run(["--config-file=pyproject.toml", cache, str(FACE), str(program)])
    assert errors == ""
    places = [int(line) for line in re.findall(r"names\.py:(\d+): error", shown)]
    assert [lines[line - 2] for line in places] == wrong, shown
    assert "public_face.py" not in shown


def test_the_types_travel_with_the_package():
    assert (ROOT / "nsthelpers" / "py.typed").is_file()
