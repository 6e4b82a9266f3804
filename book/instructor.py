"""What an instructor needs, made from the notebooks: ``python book/instructor.py FOLDER``.

- ``students/``: notebooks without outputs and without the solutions;
- ``answers.md``: every task's solution and usual mistakes, every question's right answer and why;
- ``slides/``: of each notebook what a lecturer shows, its pictures and the beginning of each
  section, with "What to see" in the speaker's notes (``make instructor`` turns them into pages);
- ``grading/``: an assignment of each notebook's tasks for otter-grader, whose tests are the checks
  that students see (``otter assign`` makes the autograder from it).
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from nsthelpers.lessons import checks, hints, questions  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
_NOT_SHOWN = ("setup", "parameters", "play-panel")


def make(folder: Path) -> None:
    """Make all of it in a folder, whatever was in it before."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("students", "slides", "grading"):
        (folder / name).mkdir(parents=True)
    for path in NOTEBOOKS:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        _write(folder / "students" / path.name, for_students(notebook))
        _write(folder / "slides" / path.name, slides(notebook))
        assignment = for_grading(notebook, int(path.name[:2]))
        if assignment is not None:
            _write(folder / "grading" / path.name, assignment)
    (folder / "answers.md").write_text(answers(), encoding="utf-8")


def for_students(notebook) -> dict:
    """The notebook without what has come out, and without the cell of solutions."""
    made = copy.deepcopy(notebook)
    made["cells"] = [cell for cell in made["cells"] if cell["id"] != "solutions"]
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return made


def answers() -> str:
    """Solutions and right answers of all notebooks, as Markdown."""
    parts = ["# Answers\n"]
    for path in NOTEBOOKS:
        number = int(path.name[:2])
        parts.append(f"## Notebook {path.stem[:2]}\n")
        for name, task in checks.tasks(number).items():
            parts.append(f"### `{task.signature}`\n\n{task.goal}\n")
            parts.append(f"```python\n{hints.hints_for(name).solution.strip()}\n```\n")
            parts += [f"- A usual mistake: {each}" for each in task.mistakes] + [""]
        for question in questions.questions(number).values():
            code = f"\n```python\n{question.code.strip()}\n```\n" if question.code else ""
            parts.append(f"### {question.text}\n{code}")
            for letter, option in zip(questions.LETTERS, question.options, strict=False):
                right = "**right.** " if letter == question.answer else ""
                parts.append(f"- {letter}) {option.text}: {right}{option.why}")
            if question.why:
                labels = question.pictures.get("labels", ())
                parts.append("; ".join([*map(str, labels), question.why]))
            parts.append("")
    return "\n".join(parts)


def slides(notebook) -> dict:
    """A presentation: sections, their first words, and the pictures that came out."""
    cells = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if text.startswith("**What to see.**"):
                cells.append(_markdown(text, "notes"))
                text = text.partition("\n## ")[1].strip() + text.partition("\n## ")[2]
            for section in re.split(r"(?m)^(?=##? )", text):
                if section.startswith("#") and not section.startswith("###"):
                    cells.append(_markdown(_beginning(section), "slide", cell.get("attachments")))
        elif cell["id"] not in _NOT_SHOWN:
            shown = [each for each in cell["outputs"] if _is_picture(each)]
            if shown:
                kind = {"slideshow": {"slide_type": "subslide"}}
                cells.append({**cell, "outputs": shown, "metadata": kind, "source": []})
    return {**notebook, "cells": cells}


def for_grading(notebook, number) -> dict | None:
    """The tasks of a notebook as a source for ``otter assign``; None where there are none."""
    tasks = checks.tasks(number)
    if not tasks:
        return None
    title = "".join(notebook["cells"][0]["source"]).partition("\n")[0]
    setup = next(cell for cell in notebook["cells"] if cell["id"] == "setup")
    cells = [
        _raw(f"# ASSIGNMENT CONFIG\nname: notebook_{number:02}\ninit_cell: true\n"
             "export_cell: false\nrequirements: []\ngenerate: true\n"),
        _markdown(f"{title}\n\nWrite the functions. Each check names the mistake it sees.", None),
        {**setup, "outputs": [], "execution_count": None, "metadata": {}},
        _code("import numpy as np\nfrom keras import ops"),
    ]  # fmt: skip
    for name, task in tasks.items():
        solution = hints.hints_for(name).solution.strip()
        cells += [
            _raw(f"# BEGIN QUESTION\nname: {name}\npoints: 1"),
            _markdown(f"### `{task.signature}`\n\n{task.goal}", None),
            _raw("# BEGIN SOLUTION"),
            _code(f"# BEGIN SOLUTION NO PROMPT\n{solution}\n# END SOLUTION\n"
                  f'""" # BEGIN PROMPT\ndef {task.signature}: ...\n"""; # END PROMPT'),
            _raw("# END SOLUTION"),
            _raw("# BEGIN TESTS"),
            _code(f'answer = nst.check("{name}", {name})\nassert answer.passed, answer.message'),
            _raw("# END TESTS"),
            _raw("# END QUESTION"),
        ]  # fmt: skip
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    return {**notebook, "cells": cells}


def _beginning(section):
    """Heading and first paragraph, and a formula if one follows."""
    heading, *paragraphs = re.split(r"\n\s*\n", section.strip())
    paragraphs = [each for each in paragraphs if not each.startswith(("[![", "**What you", "-"))]
    kept = paragraphs[:1] + [each for each in paragraphs[1:] if each.startswith("$$")][:1]
    return "\n\n".join([heading, *kept])


def _is_picture(output):
    data = output.get("data", {})
    return any(
        re.search(r"<img|<canvas|<svg|nst-live", "".join(data.get(kind, [])))
        for kind in ("text/html", "image/svg+xml")
    )


def _markdown(text, slide, attachments=None):
    metadata = {"slideshow": {"slide_type": slide}} if slide else {}
    cell = {"cell_type": "markdown", "id": "", "metadata": metadata, "source": text}
    named = {name: data for name, data in (attachments or {}).items() if f":{name}" in text}
    return {**cell, "attachments": named} if named else cell


def _code(text):
    return {"cell_type": "code", "id": "", "metadata": {}, "source": text, "outputs": [],
            "execution_count": None}  # fmt: skip


def _raw(text):
    return {"cell_type": "raw", "id": "", "metadata": {}, "source": text}


def _write(path, notebook):
    for index, cell in enumerate(notebook["cells"]):
        cell["id"] = cell["id"] or f"cell-{index}"
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
