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


def test_the_first_page_shows_each_notebook(module):
    readme = (BOOK.parent / "README.md").read_text(encoding="utf-8")
    text = module("assemble").lessons(readme)
    shown = re.findall(r"(?m)^\*\*\[(\d)\. [^]]+\]\((notebooks/\S+\.ipynb)\)", text)
    paths = sorted((BOOK.parent / "notebooks").glob("*.ipynb"))
    numbers = [str(int(path.name[:2])) for path in paths]
    expected = [f"notebooks/{path.name}" for path in paths]
    assert shown == list(zip(numbers, expected, strict=True))
    assert all((BOOK.parent / path).is_file() for path in re.findall(r"!\[[^]]+\]\((\S+)\)", text))


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
    assert text.count('<script type="text/waiting">') == 1, "a figure begins when it comes near"
    assert module("lighten").lighten(tmp_path) == 0
    assert page.read_text(encoding="utf-8") == text


def test_icons_need_no_script(module, tmp_path):
    script = tmp_path / "_static" / "scripts" / "fontawesome.js"
    script.parent.mkdir(parents=True)
    script.touch()
    page = tmp_path / "a.html"
    page.write_text(
        '<script defer src="_static/scripts/fontawesome.js?d=1"></script><script src="b.js">'
    )
    module("lighten").lighten(tmp_path)
    assert page.read_text() == '<script src="b.js">' and not script.exists()


def test_links_from_the_source_and_controls_are_mended(module, tmp_path):
    for name in ("_modules", "reference", "_static"):
        (tmp_path / name).mkdir()
    (tmp_path / "_static" / "webpack-macros.html").touch()
    (tmp_path / "reference" / "a.html").write_text(
        '<p id="nsthelpers.images.luminance"></p><p id="nsthelpers.resize"></p>'
    )
    page = tmp_path / "_modules" / "a.html"
    page.write_text(
        '<a href="../reference/a.html#nsthelpers.luminance"></a>'
        '<a href="../reference/a.html#nsthelpers.resize"></a>'
        '<a href="../reference/a.html#nsthelpers.none"></a>'
        '<button class="btn search-button-field x" aria-label="Search" data-a="b">'
        '<summary><span class="toctree-toggle" role="presentation"></summary>'
        "<summary>Mine</summary>"
    )
    module("mend").mend(tmp_path)
    assert page.read_text() == (
        '<a href="../reference/a.html#nsthelpers.images.luminance"></a>'
        '<a href="../reference/a.html#nsthelpers.resize"></a>'
        '<a href="../reference/a.html#nsthelpers.none"></a>'
        '<button class="btn search-button-field x" data-a="b">'
        '<summary aria-label="Show what is in it"><span class="toctree-toggle" role="presentation">'
        "</summary><summary>Mine</summary>"
    )
    assert not list((tmp_path / "_static").iterdir())


def test_attachments_of_a_notebook_become_files(module, tmp_path):
    notebook = tmp_path / "a.ipynb"
    notebook.write_text(
        '{"metadata": {}, "cells": [{"cell_type": "markdown", "source": '
        '["![x](attachment:cat.jpg)"], "attachments": {"cat.jpg": {"image/jpeg": "MTIz"}}}]}'
    )
    module("assemble")._unpack(notebook)
    assert (tmp_path / "cat.jpg").read_bytes() == b"123"
    assert "attachment" not in notebook.read_text()


def test_a_lesson_asks_nobody_else_and_keeps_what_needs_no_kernel(module, tmp_path):
    notebook = tmp_path / "a.ipynb"
    badge = "[![Open in Colab](https://example.org/assets/colab-badge.svg)](https://example.org/a)"
    panel = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "a panel"}
    cells = [
        {"cell_type": "markdown", "source": [f"# A\n{badge}\n", "![ours](b.png)"]},
        {"cell_type": "code", "source": [], "outputs": [{"data": panel}, {"name": "stdout"}]},
    ]
    notebook.write_text(json.dumps({"metadata": {"widgets": {}}, "cells": cells}))
    module("assemble")._unpack(notebook)
    made = json.loads(notebook.read_text())
    assert made["metadata"] == {}
    assert (
        made["cells"][0]["source"] == "# A\n[Open in Colab](https://example.org/a)\n![ours](b.png)"
    )
    assert made["cells"][1]["outputs"] == [{"data": {"text/plain": "a panel"}}, {"name": "stdout"}]


def test_each_symptom_has_pictures_and_each_picture_a_text(module, tmp_path):
    symptoms = module("symptoms")
    page = (BOOK / "pages" / "troubleshooting.md").read_text(encoding="utf-8")
    assert sorted(symptoms.MARK.findall(page)) == sorted(symptoms.ROWS)
    text = symptoms.with_pictures(page, tmp_path / "symptoms")
    assert not symptoms.MARK.search(text)
    paths = re.findall(r"(?m)^:::\{figure\} (\S+)$", text)
    assert len(paths) == len(re.findall(r"(?m)^:alt: \w.{10,}$", text)) > 15
    shown = [nst.load_image(tmp_path / path) for path in paths]
    assert all(max(image.shape[1:3]) <= 256 for image in shown)
    means = {Path(path).stem: image.mean() for path, image in zip(paths, shown, strict=True)}
    assert means["black_1"] < 0.01 and means["white_1"] > 0.9
    blue, warm = (image for path, image in zip(paths, shown, strict=True) if "blue_faces" in path)
    assert blue[..., 2].mean() > blue[..., 0].mean() and warm[..., 0].mean() > warm[..., 2].mean()


def test_a_file_of_npm_is_checked(module, tmp_path, monkeypatch):
    npm = module("from_npm")
    monkeypatch.setattr(npm, "HERE", tmp_path)
    package = tmp_path / "node_modules" / "thing"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "1.0.0"}')
    (package / "a.js").write_bytes(b"abc")
    right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    table = {"package": "thing", "version": "1.0.0", "sha256": {"a.js": right}}
    assert npm.read(table, "a.js") == b"abc"
    with pytest.raises(SystemExit, match="a.js of thing 1.0.0 has sha256 ba78.*expected 00"):
        npm.read({**table, "sha256": {"a.js": "00"}}, "a.js")
    monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="npm is missing; install Node.js"):
        npm.read({**table, "version": "1.0.1"}, "a.js")


@pytest.mark.parametrize("name", ["live/runtime.json", "formulas.json", "axe.json"])
def test_versions_of_npm_are_the_same_everywhere(name):
    table, package = (json.loads((BOOK / file).read_text()) for file in (name, "package.json"))
    asked = {**package["dependencies"], **package["devDependencies"]}
    lock = json.loads((BOOK / "package-lock.json").read_text())["packages"]
    locked = lock[f"node_modules/{table['package']}"]
    assert table["version"] == asked[table["package"]] == locked["version"]
    assert locked["integrity"].startswith("sha512-")


@pytest.mark.skipif(
    not (BOOK / "node_modules" / "mathjax").is_dir(), reason="npm has not brought MathJax yet"
)
def test_formulas_are_drawn_or_their_fault_is_named(module):
    pytest.importorskip("sphinx")
    formulas = module("formulas")
    typeset = formulas.Typesetter()
    try:
        inline, display = (typeset(r"F^\top F / M", display) for display in (False, True))
        assert "<svg" in inline and "<math" in inline and 'display="true"' not in inline
        assert 'display="true"' in display
        for wrong, fault in ((r"\undefined x", "Undefined control sequence"), ("{", "close brace")):
            with pytest.raises(formulas.FormulaError, match=fault):
                typeset(wrong, False)
        assert "<svg" in typeset("x", False), "it goes on after a fault"
    finally:
        typeset.close()


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


@pytest.mark.parametrize("path", sorted((BOOK.parent / "notebooks").glob("0*.ipynb")))
def test_slides_and_students_copies_have_the_pictures_that_they_name(module, path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    instructor = module("instructor")
    for made in (instructor.slides(notebook), instructor.for_students(notebook)):
        for cell in made["cells"]:
            named = re.findall(r"\(attachment:([^)\s]+)", "".join(cell["source"]))
            assert set(named) <= set(cell.get("attachments", ())), cell["source"]


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
