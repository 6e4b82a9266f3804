"""The notebooks as they are stored: one frame, run from top to bottom, with pictures.

Nothing is executed here except the solutions; ``pytest --nbval-lax notebooks`` runs the notebooks.
Each rule takes a notebook and returns what is wrong with it; at the end every rule is shown a
damaged notebook, to see that it can fail.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import nbformat
import nbformat.validator
import numpy as np
import pytest
import repoint
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import nsthelpers as nst
from nsthelpers.lessons import checks, questions

FOLDER = Path(__file__).parent.parent / "notebooks"
FILES = (
    "01_inspect_vgg19.ipynb",
    "02_reconstruct_content.ipynb",
    "03_reconstruct_style.ipynb",
    "04_transfer_style.ipynb",
    "05_smooth_with_total_variation.ipynb",
    "06_study_parameters.ipynb",
    "07_improve_the_algorithm.ipynb",
    "08_control.ipynb",
    "09_paint_in_real_time.ipynb",
)
REPOSITORY, TAG = repoint.address()
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    f"(https://colab.research.google.com/github/{REPOSITORY}/blob/{TAG}/notebooks/%s)"
)
SETUP = f"""# @title Set up
import importlib.util
import sys
from pathlib import Path

if Path("../nsthelpers/__init__.py").is_file():  # in a clone: its own package comes first
    sys.path.insert(0, str(Path("..").resolve()))
elif importlib.util.find_spec("nsthelpers") is None:  # on Colab: nothing else is changed there
    %pip install -q --no-deps "git+https://github.com/{REPOSITORY}@{TAG}"

import nsthelpers as nst

nst.notebook.setup()"""
LAST_SECTIONS = ["Play", "Check yourself", "On your own", "In practice", "Further reading"]
MEGABYTE = 1_000_000
WIDGET = "application/vnd.jupyter.widget-view+json"
UNFILLED = re.compile(r"@[A-Z][A-Z0-9_]*@|\b(?:TODO|FIXME|TBD|XXX)\b|(?i:lorem ipsum)")
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:home|mnt|opt|root|tmp|usr|var|work|Users)/[\w.]")


def tags(cell):
    return cell.metadata.get("tags", [])


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def sections(notebook):
    """Heading of each ``##`` section and its cells, in order."""
    found = []
    for cell in notebook.cells:
        heading = re.match(r"## (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading:
            found.append((heading[1].strip(), []))
        if found:
            found[-1][1].append(cell)
    return found


def pictures(cells):
    """Outputs with a picture; a figure with alternative text is HTML."""

    def shows(data):
        return any(kind.startswith("image/") for kind in data) or "<img " in data.get(
            "text/html", ""
        )

    return [
        output
        for cell in cells
        for output in cell.get("outputs", [])
        if shows(output.get("data", {}))
    ]


def texts(cell):
    """All text in the outputs of a code cell."""
    for output in cell.outputs:
        yield from (output.get("text", ""), output.get("evalue", ""))
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield value


def statements(cell):
    """The parsed lines of a code cell, IPython's % and ! lines left out."""
    plain = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)
    return ast.parse(plain).body


def solutions(notebook):
    """The Python code in the folded solutions."""
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    folded = re.findall(r"<details>(.*?)</details>", source, flags=re.DOTALL)
    return [
        block for text in folded for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ]


def checked_tasks(notebook):
    calls = (re.findall(r"nst\.check\(\s*\"(\w+)\"", cell.source) for cell in code_cells(notebook))
    return list(itertools.chain.from_iterable(calls))


def rule_format(notebook, file):
    if not nbformat.validator.isvalid(notebook):
        yield "this is not a valid notebook"
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield "the format is older than 4.5"
    if notebook.metadata.kernelspec.name != "python3":
        yield "the kernel is not python3"
    ids = [cell.id for cell in notebook.cells]
    if len(set(ids)) < len(ids):
        yield "a cell id is there twice"
    yield from (f"the id {id} is not a short name" for id in ids if not re.match(r"[a-z]", id))


def rule_size(notebook, file):
    size = len(nbformat.writes(notebook).encode())
    if size > 5 * MEGABYTE:
        yield f"{size / MEGABYTE:.1f} MB; 5 are allowed"


def rule_intro(notebook, file):
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not re.match(r"# \w+", first.source):
        yield "the first cell is no title"
    if BADGE % file not in first.source:
        yield f"the Colab badge does not lead to {file} at {TAG}"
    for wanted in ("What you will do", "What you will learn", "What you need"):
        if wanted not in first.source:
            yield f"the first cell has no '{wanted}'"
    if not re.search(r"\d+ minutes? on two CPU cores", first.source):
        yield "the minutes on two CPU cores are missing"
    if "estimated" not in first.source:
        yield "the minutes on a GPU are not marked as estimated"
    place = FILES.index(file)
    for neighbour in (*FILES[max(place - 1, 0) : place], *FILES[place + 1 : place + 2]):
        if f"]({neighbour})" not in first.source:
            yield f"no link to {neighbour}"


def rule_setup(notebook, file):
    cell = notebook.cells[1]
    if cell.source.strip() != SETUP:
        yield "the set-up cell is not the common one"
    if tags(cell) != ["setup"] or cell.metadata.get("cellView") != "form":
        yield "the set-up cell is not tagged and folded for Colab"
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        yield "the set-up cell is not folded for Jupyter"


def rule_parameters(notebook, file):
    tagged = [index for index, cell in enumerate(notebook.cells) if "parameters" in tags(cell)]
    if tagged != [2]:
        yield f"the cells {tagged} are tagged as parameters; it should be [2]"
    elif "profile = nst.notebook.profile()" not in notebook.cells[2].source:
        yield "the parameter cell does not read the profile"


def rule_sections(notebook, file):
    names = [name for name, _ in sections(notebook)]
    if names[-5:] != LAST_SECTIONS:
        yield f"the last sections are {names[-5:]}"
    if len(names) < 7:
        yield "the body has less than two sections"


def rule_pictures(notebook, file):
    for name, cells in sections(notebook):
        if name not in LAST_SECTIONS[1:] and not pictures(cells):
            yield f"no picture in '{name}'"


def rule_executed(notebook, file):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"not run from top to bottom: the counts are {counts}"


def rule_outputs(notebook, file):
    for cell in code_cells(notebook):
        last = statements(cell)[-1]
        speaks = isinstance(last, ast.Expr) and "assert" not in ast.unparse(last).split("(")[0]
        if speaks and not cell.outputs:
            yield f"{cell.id} shows something, but has no stored output"


def rule_clean(notebook, file):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{cell.id} ended with {output.ename}"
            if output.get("name") == "stderr":
                yield f"{cell.id} wrote to stderr: {output.text[:80]}"


def rule_paths(notebook, file):
    for cell in code_cells(notebook):
        for text in texts(cell):
            found = MACHINE_PATH.search(text)
            if found:
                yield f"{cell.id} shows a path of this machine: {text[found.start() :][:60]}"


def rule_compared(notebook, file):
    tagged = [cell for cell in code_cells(notebook) if "nbval-check-output" in tags(cell)]
    if len(tagged) < 2:
        yield f"{len(tagged)} cells have the tag nbval-check-output; at least 2 should"
    for cell in tagged:
        if not any(texts(cell)):
            yield f"{cell.id} is to be compared, but has no text"
        if pictures([cell]):
            yield f"{cell.id} is to be compared, but shows a picture, which nothing compares"


def rule_links(notebook, file):
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        source = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
        targets = re.findall(r"\]\(([^)\s]+)\)", source)
        targets += re.findall(r"<img[^>]*src=\"([^\"]+)\"", source)
        for target in targets:
            if target.startswith("https://"):
                continue
            if target.startswith("attachment:"):
                if target.removeprefix("attachment:") not in cell.get("attachments", {}):
                    yield f"{cell.id} has no {target}"
            elif not (FOLDER / target.split("#")[0]).is_file():
                yield f"{cell.id} links to {target}, which does not exist"


def rule_papers(notebook, file):
    reading = dict(sections(notebook)).get("Further reading", [])
    if not any(re.search(r"(?i)arxiv\S*[ /]\d{4}\.\d{4,5}", cell.source) for cell in reading):
        yield "no paper on arXiv to read on"


def rule_principles(notebook, file):
    source = "\n".join(cell.source for cell in code_cells(notebook))
    if not re.search(r"assert_allclose|allclose\(", source):
        yield "nothing that was built by hand is compared with the helper"


def rule_widget(notebook, file):
    play = [cell for cell in dict(sections(notebook)).get("Play", []) if cell.cell_type == "code"]
    shown = [
        cell for cell in play if cell.source.strip().splitlines()[-1].startswith(("nst.", ")"))
    ]
    if not any("nst.widgets." in cell.source for cell in shown):
        yield "no widget is the last expression of a cell in 'Play'"
    elif "nst.widgets." not in play[0].source and not pictures(play):
        yield "no picture tells the widget's story"


def rule_quiet_runs(notebook, file):
    for cell in code_cells(notebook):
        for node in itertools.chain.from_iterable(map(ast.walk, statements(cell))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            runs = ("nst.synthesize", "nst.stylize", "nst.reconstruct_")
            silent = any(
                word.arg is None or (word.arg == "progress" and ast.unparse(word.value) == "False")
                for word in node.keywords
            )
            if name.startswith(runs) and not silent:
                yield f"{cell.id} calls {name} without progress=False"


def rule_images(notebook, file):
    """Stored pictures come from drawn paintings and scikit-image's photographs only."""
    fetched = [n for n in nst.samples.names() if nst.samples.credits(n)[0].kind == "download"]
    for cell in code_cells(notebook):
        constants = {
            node.value
            for node in itertools.chain.from_iterable(map(ast.walk, statements(cell)))
            if isinstance(node, ast.Constant)
        }
        for name in sorted(constants.intersection(fetched)):
            yield f"{cell.id} uses {name}, which is downloaded"


def rule_tasks(notebook, file):
    known, asked = checks.tasks(int(file[:2])), checked_tasks(notebook)
    if not 3 <= len(asked) <= 5:
        yield f"{len(asked)} tasks; it should be three to five"
    yield from (f"{name} is no task of this notebook" for name in asked if name not in known)
    for cell in code_cells(notebook):
        asks = "nst.check(" in cell.source
        if asks and not all("Not filled in yet" in text for text in texts(cell) if text.strip()):
            yield f"{cell.id} is not stored with the task open"


def rule_questions(notebook, file):
    known = questions.questions(int(file[:2]))
    for cell in code_cells(notebook):
        for name in re.findall(r"nst\.(?:predict|quiz)\(\s*\"(\w+)\"", cell.source):
            if name not in known:
                yield f"{name} is no question of this notebook"
        for shown in cell.outputs:
            # A panel that is stored has no kernel; what can be unfolded is shown in its place.
            kinds = shown.get("data", {})
            if WIDGET in kinds and "text/html" in kinds:
                yield f"{cell.id} stores buttons that nothing answers to"


def rule_solutions(notebook, file):
    namespace = {"np": np, "nst": nst, "keras": keras, "ops": keras.ops}
    for block in solutions(notebook):
        exec(block, namespace)  # the project's own text
    for name in checked_tasks(notebook):
        if name not in namespace:
            yield f"no solution for {name}"
        elif not nst.check(name, namespace[name]).passed:
            yield f"the solution of {name} is wrong: {nst.check(name, namespace[name]).message}"


RULES = {name[5:]: rule for name, rule in list(globals().items()) if name.startswith("rule_")}


def problems(rule, notebook, file):
    return list(RULES[rule](notebook, file))


@pytest.fixture(scope="module")
def stored():
    return {
        file: nbformat.read(FOLDER / file, as_version=nbformat.NO_CONVERT)
        for file in FILES
        if (FOLDER / file).is_file()
    }


def test_the_notebooks_exist_and_no_others():
    assert sorted(path.name for path in FOLDER.glob("*.ipynb")) == list(FILES)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("file", FILES)
def test_notebook(stored, file, rule):
    assert file in stored, f"{file} does not exist"
    assert problems(rule, stored[file], file) == []


FAKE = """from types import SimpleNamespace
notebook = SimpleNamespace(setup=lambda: print("{}"))
"""


@pytest.mark.parametrize("clone", [True, False])
@pytest.mark.parametrize("installed", [True, False])
def test_the_set_up_cell_takes_the_clone_that_it_lies_in(tmp_path, clone, installed):
    """Before an installed package, and that before the network; without a word of its own."""
    for name, here in (("clone", clone), ("installed", installed), ("downloaded", True)):
        package = tmp_path / ("." if name == "clone" else name) / "nsthelpers"
        if here:
            package.mkdir(parents=True)
            (package / "__init__.py").write_text(FAKE.format(name))
    (tmp_path / "notebooks").mkdir()
    pip = re.compile(r"%pip install -q --no-deps .*")
    cell = pip.sub(f"sys.path.append({str(tmp_path / 'downloaded')!r})", SETUP)
    assert cell != SETUP
    # -S, -I: without this project's own environment.
    search = f"import sys\nsys.path.append({str(tmp_path / 'installed')!r})\n"
    line = [sys.executable, "-I", "-S", "-c", search + cell]
    done = subprocess.run(line, cwd=tmp_path / "notebooks", capture_output=True, text=True)
    wanted = "clone" if clone else "installed" if installed else "downloaded"
    assert (done.stdout, done.stderr) == (f"{wanted}\n", "")


def test_colab_has_every_dependency():
    """So that the set-up cell may install the package alone, and change nothing there."""
    root = FOLDER.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (root / ".github" / "colab-pins.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]
    pinned = {canonicalize_name(pin.name): pin.specifier for pin in pins}
    for wanted in map(Requirement, project["dependencies"]):
        pin = pinned.get(canonicalize_name(wanted.name))
        assert pin is not None, f"{wanted.name}: add Colab's version to .github/colab-pins.txt"
        newest = str(next(iter(pin)).version).replace("*", "999")
        assert wanted.specifier.contains(newest), f"{wanted} is newer than Colab's {pin}"


def output(kind="stream", **fields):
    return nbformat.v4.new_output(kind, **fields)


def first(notebook, **wanted):
    """The first code cell with a tag, an id or a text."""
    return next(
        cell
        for cell in code_cells(notebook)
        if wanted.get("tag", "") in [*tags(cell), ""] and wanted.get("text", "") in cell.source
    )


def break_format(notebook):
    notebook.cells[3].id = "3"


def break_size(notebook):
    notebook.cells[0].source += "a" * 5 * MEGABYTE


def break_intro(notebook):
    notebook.cells[0].source = notebook.cells[0].source.replace(f"blob/{TAG}/", "blob/main/")


def break_setup(notebook):
    notebook.cells[1].source = notebook.cells[1].source.replace(f"@{TAG}", "@main")


def break_parameters(notebook):
    notebook.cells[4].metadata["tags"] = ["parameters"]


def break_sections(notebook):
    notebook.cells = [cell for cell in notebook.cells if "## In practice" not in cell.source]


def break_pictures(notebook):
    for cell in code_cells(notebook):
        cell.outputs = [kept for kept in cell.outputs if not pictures([{"outputs": [kept]}])]


def break_executed(notebook):
    code_cells(notebook)[5].execution_count = None


def break_outputs(notebook):
    first(notebook, tag="parameters").outputs = []


def break_clean(notebook):
    code_cells(notebook)[3].outputs.append(output(name="stderr", text="careful"))


def break_paths(notebook):
    code_cells(notebook)[3].outputs.append(output(name="stdout", text="in '/home/me/x.py'"))


def break_compared(notebook):
    first(notebook, tag="nbval-check-output").outputs = []


def break_links(notebook):
    notebook.cells[0].source += "\n[on](99_nowhere.ipynb)"


def break_papers(notebook):
    for cell in notebook.cells:
        cell.source = re.sub("(?i)arxiv", "example", cell.source)


def break_principles(notebook):
    for cell in code_cells(notebook):
        cell.source = cell.source.replace("allclose", "any")


def break_widget(notebook):
    for cell in code_cells(notebook):
        cell.source = cell.source.replace("nst.widgets.", "nst.plots.")


def break_quiet_runs(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("nst.synthesize(objective, steps=3)"))


def break_images(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell('nst.stylize("chelsea", "starry_night")'))


def break_tasks(notebook):
    cell = first(notebook, text="nst.check(")
    cell.source = re.sub(r"nst\.check\(\"\w+\"", 'nst.check("another"', cell.source)


def break_questions(notebook):
    cell = first(notebook, text="nst.predict(")
    cell.source = re.sub(r"nst\.predict\(\"\w+\"", 'nst.predict("another"', cell.source)


def break_solutions(notebook):
    for cell in notebook.cells:
        cell.source = cell.source.replace("    return ", "    return 2 * ")


@pytest.mark.parametrize("rule", RULES)
def test_a_damaged_notebook_is_found(stored, rule):
    notebook = copy.deepcopy(stored[FILES[0]])
    globals()[f"break_{rule}"](notebook)
    assert problems(rule, notebook, FILES[0])


@pytest.mark.parametrize("file", FILES)
def test_the_readme_and_the_notebook_agree_on_the_minutes(stored, file):
    minutes = r"(\d+) minutes? on two CPU cores\D+(\d+)(?: minutes?)? on a Colab T4"
    said = re.search(minutes, stored[file].cells[0].source)
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if f"[{file[:2]} " in line and file in line)
    assert said is not None
    assert re.search(r"\| (\d+) · (\d+) \|", row).groups() == said.groups()


def test_all_notebooks_share_one_set_up_cell(stored):
    assert len({notebook.cells[1].source for notebook in stored.values()}) == 1


@pytest.mark.parametrize(
    "text, is_path",
    [
        ("read from /tmp/x.png", True),
        ("'/root/.keras/models'", True),
        ("https://example.org/tmp/x", False),
        ("images/tmp/x", False),
        ("mean and/or work/hour", False),
    ],
)
def test_machine_paths_are_recognised(text, is_path):
    assert bool(MACHINE_PATH.search(text)) is is_path


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_remark_is_left_to_be_filled_in(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    words = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    found = {cell.id: UNFILLED.findall(cell.source) for cell in words}
    assert {id: marks for id, marks in found.items() if marks} == {}


@pytest.mark.parametrize(
    "text, is_unfilled",
    [
        ("What to see: @FALL@", True),
        ("@LAYER_2@ is sharper.", True),
        ("TODO: look", True),
        ("XXX", True),
        ("Lorem ipsum dolor", True),
        ("write to me@example.org, or to you@example.org", False),
        ("the VGG's layers A @ B @ C", False),
    ],
)
def test_unfilled_marks_are_recognised(text, is_unfilled):
    assert bool(UNFILLED.search(text)) is is_unfilled
