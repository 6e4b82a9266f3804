"""How the package is built: floors, one door to TensorFlow, short silent documented modules."""

from __future__ import annotations

import ast
import graphlib
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nsthelpers as nst

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "nsthelpers"
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = [
    {"backend", "memory", "weight_downloads", "weight_files", "weights", "whole_files"},
    {"distributions", "gram_variants", "grams", "statistics"}
    | {
        "colours",
        "image_files",
        "images",
        "layers",
        "lbfgs",
        "linesearch",
        "losses",
        "optimizers",
        "samples",
    }
    | {"vgg"},
    {"objectives", "terms"},
    {"balancing", "estimates", "laws", "results", "starts", "synthesis"},
    {"recipes"},
]
TOP = len(FLOORS)  # everything else: notebooks, figures, panels, exercises, the command line
MAY_PRINT = {"__main__", "commands", "live", "study_command"}  # the command line
ONE_FILE = {"backend"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def unit(path):
    """The module, or the subpackage, that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor(name):
    return next((level for level, names in enumerate(FLOORS) if name in names), TOP)


def imports(path):
    """What a file imports, at any place in it: (name, whether at its top level)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # Imports in try, if or with at module level happen on import as well.
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, FUNCTIONS) for n in ast.walk(f)}
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            parts = [node.module] if node.module else [alias.name for alias in node.names]
            names = [f"nsthelpers.{part}" for part in parts]
        else:
            continue
        for name in names:
            yield name, id(node) not in inside


def siblings(path):
    """Other modules of this package that a file imports."""
    found = (name.split(".")[1] for name, _ in imports(path) if name.startswith("nsthelpers."))
    modules = {unit(each) for each in FILES} - {"__init__"}
    return {name for name in found if name in modules and name != unit(path)}


def test_every_floor_names_modules_that_exist():
    assert set().union(*FLOORS) <= {unit(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path):
    if path.name == "__init__.py" and path.parent == PACKAGE:
        assert not siblings(path)  # names are loaded when they are first used
        return
    upwards = {name for name in siblings(path) if floor(name) > floor(unit(path))}
    assert not upwards


def test_imports_run_in_no_circle():
    graph = {}
    for path in FILES:
        graph.setdefault(unit(path), set()).update(siblings(path))
    assert list(graphlib.TopologicalSorter(graph).static_order())  # it raises where there is one


def test_one_file_speaks_to_tensorflow():
    found = {
        unit(path)
        for path in FILES
        for name, _ in imports(path)
        if name.split(".")[0] == "tensorflow"
    }
    assert found == ONE_FILE


def test_keras_is_loaded_through_that_file():
    """Keras on its own would start TensorFlow with all its notes on stderr."""
    found = {
        unit(path)
        for path in FILES
        for name, on_import in imports(path)
        if name.split(".")[0] == "keras" and on_import
    }
    assert found == ONE_FILE


def test_importing_the_package_is_light():
    program = (
        "import sys, nsthelpers\n"
        "heavy = {'keras', 'tensorflow', 'scipy', 'skimage', 'matplotlib', 'numpy', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_another_keras_backend_is_refused_in_one_line():
    program = (
        "import sys, types\n"
        "fake = types.ModuleType('keras')\n"
        "fake.ops, fake.backend = None, types.SimpleNamespace(backend=lambda: 'torch')\n"
        "tensorflow = types.ModuleType('tensorflow')\n"
        "tensorflow.config = types.SimpleNamespace(list_physical_devices=lambda kind: [])\n"
        "tensorflow.constant = float\n"
        "sys.modules.update(keras=fake, tensorflow=tensorflow)\n"
        "import nsthelpers.backend"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    expected = "ImportError: nsthelpers needs Keras on TensorFlow, but Keras runs on torch"
    assert done.stderr.strip().splitlines()[-1].startswith(expected)


def test_a_gpus_memory_is_taken_as_needed():
    """Said before the first tensor: after it TensorFlow refuses."""
    program = (
        "import sys, types\n"
        "calls = []\n"
        "tensorflow, keras = types.ModuleType('tensorflow'), types.ModuleType('keras')\n"
        "tensorflow.config = types.SimpleNamespace(\n"
        "    list_physical_devices=lambda kind: ['gpu 0', 'gpu 1'],\n"
        "    experimental=types.SimpleNamespace(set_memory_growth=lambda *a: calls.append(a)))\n"
        "tensorflow.constant = lambda value: calls.append('tensor')\n"
        "keras.ops, keras.backend = None, types.SimpleNamespace(backend=lambda: 'tensorflow')\n"
        "sys.modules.update(keras=keras, tensorflow=tensorflow)\n"
        "import nsthelpers.backend\n"
        "print(calls)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[('gpu 0', True), ('gpu 1', True), 'tensor']"


MODULES = [unit(path) for path in FILES if path.parent == PACKAGE and path.name[:2] != "__"]


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_listed_and_exist(name):
    module = importlib.import_module(f"nsthelpers.{name}")
    assert all(hasattr(module, each) for each in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("name", nst.__all__)
def test_the_packages_names_lead_somewhere(name):
    assert getattr(nst, name) is not None
    assert name in dir(nst)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'stylise'"):
        nst.stylise  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
def test_what_people_call_is_documented(name):
    module = importlib.import_module(f"nsthelpers.{name}")
    assert module.__doc__
    for each in module.__all__:
        thing = getattr(module, each)
        if callable(thing) and getattr(thing, "__module__", None) == module.__name__:
            public = nst._HOMES.get(each) == name or name in READ_BY_PEOPLE
            assert not public or re.search(SECTIONS, thing.__doc__ or ""), each


SECTIONS = "Parameters|Attributes|Returns|Examples"
READ_BY_PEOPLE = {
    "backend", "balancing", "distributions", "estimates", "gram_variants", "grams", "laws",
    "layers", "lbfgs", "linesearch", "losses", "objectives", "optimizers", "recipes", "results",
    "samples", "starts", "statistics", "synthesis", "terms", "vgg", "weights",
}  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_short_and_silent(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 380
    printed = [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert not printed or unit(path) in MAY_PRINT


def project_files():
    """Text that is part of the project, not of an environment or a cache."""
    endings = {".cfg", ".ipynb", ".json", ".md", ".py", ".toml", ".txt", ".yml", ""}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [n for n in folders if n[0] != "." or n in (".ci", ".github")]
        folders[:] = [n for n in folders if n not in NOT_THE_PROJECT]
        for name in names:
            if Path(name).suffix in endings and name[0] != ".":
                yield Path(folder) / name


# Tests have such paths as examples of what should not be there.
NOT_THE_PROJECT = {"__pycache__", "build", "dist", "output", "tests"}


def test_no_path_of_one_machine():
    found = []
    for path in project_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        for match in re.finditer(r"(?<![\w.~*-])/(work|root|home|tmp|Users)/[\w.]+", text):
            found.append((str(path.relative_to(ROOT)), match[0]))
    assert not found
