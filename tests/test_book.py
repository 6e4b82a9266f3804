"""The book: what stands in it, and pages that are light."""

from __future__ import annotations

import base64
import importlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.lessons import questions

BOOK = Path(__file__).parents[1] / "book"


@pytest.fixture
def module(monkeypatch):
    """A file of the book, by name."""
    monkeypatch.syspath_prepend(str(BOOK))

    def found(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return found


def test_each_public_name_stands_on_one_page_of_the_reference(module):
    reference = module("reference")
    named = [name for _, names in reference.PAGES.values() for name in names]
    assert len(set(named)) == len(named)
    shown = {name.split(".")[0] for name in named}
    elsewhere = {  # shown by their parts, or of no use to who writes a notebook
        "backend", "jobs", "tiling", "images", "objectives", "synthesis", "real_time", "recipes",
        "terms", "balancing", "vgg", "checks", "gram_matrix", "Adam", "LBFGS", "SGD",
    }  # fmt: skip
    assert set(nst.__all__) - shown <= elsewhere


def test_pages_of_the_reference_name_what_there_is(module):
    for text in module("reference").pages().values():
        for name in re.findall(r"auto\w+:: nsthelpers\.([\w.]+)", text):
            thing = nst
            for part in name.split("."):
                thing = getattr(thing, part)
            assert thing.__doc__


def test_all_notebooks_and_pages_are_in_the_contents():
    index = (BOOK / "pages" / "index.md").read_text(encoding="utf-8")
    pages = {path.stem for path in (BOOK / "pages").glob("*.md")} - {"index"}
    notebooks = {f"notebooks/{path.stem}" for path in (BOOK.parent / "notebooks").glob("*.ipynb")}
    listed = set(re.findall(r"(?m)^[a-z_/A-Z0-9]+$", index))
    assert pages | notebooks <= listed
    made = {"gallery", "studies/REPORT", "notebooks/glossary", "reference/index"}
    assert listed <= pages | notebooks | made


def test_pictures_are_moved_out_of_pages_once_each(module, tmp_path):
    picture = base64.b64encode(b"not really a picture").decode()
    page = tmp_path / "deep" / "page.html"
    page.parent.mkdir()
    page.write_text(
        f'<img src="data:image/png;base64,{picture}" alt="a"><img loading="eager" src="b.png">\n'
        f'<script>{{"sheet": "data:image/webp;base64,{picture}"}}</script>\n'
        f'<code>src="data:image/png;base64,…"</code>',
        encoding="utf-8",
    )
    assert module("lighten").lighten(tmp_path) == 2
    text = page.read_text(encoding="utf-8")
    (png, webp) = re.findall(r'"\.\./(_static/figures/\w+\.\w+)"', text)
    assert (png[-3:], webp[-4:]) == ("png", "webp")
    assert {(tmp_path / each).read_bytes() for each in (png, webp)} == {b"not really a picture"}
    assert text.count("loading=") == 2 and '<img loading="lazy" src="../_static' in text
    assert '<code>src="data:image/png;base64,…"</code>' in text
    assert module("lighten").lighten(tmp_path) == 0


def test_attachments_of_a_notebook_become_files(module, tmp_path):
    notebook = tmp_path / "a.ipynb"
    notebook.write_text(
        '{"cells": [{"source": ["![x](attachment:cat.jpg)"], "attachments": {"cat.jpg": '
        '{"image/jpeg": "MTIz"}}}]}'
    )
    module("assemble")._unpack(notebook)
    assert (tmp_path / "cat.jpg").read_bytes() == b"123"
    assert "attachment" not in notebook.read_text()


@pytest.fixture
def lesson():
    path = BOOK.parent / "notebooks" / "03_reconstruct_style.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))


def test_students_get_no_solutions_and_no_outputs(module, lesson):
    made = module("instructor").for_students(lesson)
    assert len(made["cells"]) == len(lesson["cells"]) - 1
    assert "Solutions of all tasks" not in json.dumps(made)
    assert not any(cell.get("outputs") for cell in made["cells"])
    assert any(cell.get("outputs") for cell in lesson["cells"]), "the notebook itself keeps its own"


def test_answers_name_each_solution_and_each_right_option(module):
    text = module("instructor").answers()
    numbers = {int(path.name[:2]) for path in (BOOK.parent / "notebooks").glob("0*.ipynb")}
    for name, task in nst.checks.tasks().items():
        assert (f"### `{task.signature}`" in text) == (task.notebook in numbers), name
    asked = [each for each in questions.questions().values() if each.notebook in numbers]
    right = [each for each in asked if each.options]
    assert text.count("**right.**") == len(right) > 30


def test_slides_are_pictures_and_beginnings_without_code(module, lesson):
    made = module("instructor").slides(lesson)
    kinds = [cell["metadata"]["slideshow"]["slide_type"] for cell in made["cells"]]
    assert kinds[0] == "slide" and {"slide", "subslide", "notes"} == set(kinds)
    assert not any(cell["source"] for cell in made["cells"] if cell["cell_type"] == "code")
    sections = re.findall(
        r"(?m)^## .*$",
        "\n".join(
            "".join(cell["source"]) for cell in lesson["cells"] if cell["cell_type"] == "markdown"
        ),
    )
    shown = "\n".join(cell["source"] for cell in made["cells"] if cell["cell_type"] == "markdown")
    assert all(section in shown for section in sections)


def test_the_graders_tests_pass_with_the_solutions_and_with_nothing_else(module, lesson):
    made = module("instructor").for_grading(lesson, 3)
    texts = [cell["source"] for cell in made["cells"] if cell["cell_type"] == "code"]
    solutions, tests = (
        [each for each in texts if mark in each] for mark in ("# BEGIN SOLUTION", "assert answer")
    )
    assert len(solutions) == len(tests) == len(nst.checks.tasks(3))
    names = {"nst": nst, "np": np}
    for solution, test in zip(solutions, tests, strict=True):
        right, stub = dict(names), dict(names)
        exec(solution, right)
        exec(test, right)
        exec(re.search(r"(?m)^def .*: \.\.\.$", solution)[0], stub)
        with pytest.raises(AssertionError):
            exec(test, stub)
