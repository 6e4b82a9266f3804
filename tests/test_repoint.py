"""One address: a fork changes it by one command, everywhere, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
import repoint

import nsthelpers as nst

ROOT = repoint.ROOT
OLD = repoint.address()
NEW = ("octocat/style-course.2", "v2027.1rc1")


@pytest.fixture
def copy(tmp_path):
    """The files that know the address, as a fork has them."""
    names = ("README.md", "CONTRIBUTING.md", "CITATION.cff", "pyproject.toml")
    for name in (*names, "nsthelpers/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    return tmp_path


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_address_is_the_packages():
    assert OLD[1] == f"v{nst.__version__}"
    assert re.fullmatch(repoint.REPOSITORY, OLD[0])


def test_every_occurrence_is_changed_and_nothing_else(copy):
    before = contents(copy)
    changed = repoint.repoint(*NEW, root=copy)
    after = contents(copy)
    assert repoint.address(copy) == NEW
    notebooks = sorted(name for name in before if name.endswith(".ipynb"))
    assert {
        *notebooks,
        "README.md",
        "CITATION.cff",
        "pyproject.toml",
        "nsthelpers/__init__.py",
    } == set(changed)
    old, new = ([each.encode() for each in pair] for pair in (OLD, NEW))
    for name, text in before.items():
        # Version and repository by plain replacement, in the forms in which they are written.
        for form in (b"%s/blob/%s/", b"%s@%s"):
            text = text.replace(form % tuple(old), form % tuple(new))
        text = text.replace(b"github.com/" + old[0], b"github.com/" + new[0])
        if name == "nsthelpers/__init__.py":
            text = text.replace(b'"%s"' % old[1][1:], b'"%s"' % new[1][1:])
        assert after[name] == text, name
        assert old[0] + b"/" not in after[name], name
        assert old[0] + b"@" not in after[name], name
        assert (text != before[name]) == (name in changed), name
    for name in notebooks:
        text = after[name].decode()
        assert text.count(f"{NEW[0]}/blob/{NEW[1]}/notebooks/") == 1  # the badge
        assert text.count(f"{NEW[0]}@{NEW[1]}") == 1  # the set-up cell


def test_there_and_back_again_is_where_one_was(copy):
    before = contents(copy)
    repoint.repoint(*NEW, root=copy)
    assert repoint.repoint(*NEW, root=copy) == []
    repoint.repoint(*OLD, root=copy)
    assert contents(copy) == before


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_what_a_notebook_has_put_out_stays(copy, indent):
    """Also where the output shows the address, and however the notebook is laid out."""
    path = next((copy / "notebooks").glob("*.ipynb"))
    notebook = json.loads(path.read_text(encoding="utf-8"))
    address = f"from https://github.com/{OLD[0]}@{OLD[1]}\n"
    cell = notebook["cells"][1]
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [address]}]
    cell["source"] = "".join(cell["source"])  # one string is allowed as well
    path.write_text(json.dumps(notebook, indent=indent), encoding="utf-8")
    repoint.repoint(*NEW, root=copy)
    changed = json.loads(path.read_text(encoding="utf-8"))["cells"][1]
    assert changed["outputs"] == cell["outputs"]
    assert changed["source"] == cell["source"].replace("@".join(OLD), "@".join(NEW))


def test_line_endings_stay(copy):
    page = copy / "README.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    repoint.repoint(*NEW, root=copy)
    assert page.read_bytes().count(b"\r\n") == page.read_bytes().count(b"\n")


def test_another_repository_of_a_similar_name_is_left_alone(copy):
    page = copy / "README.md"
    others = f"github.com/{OLD[0]}-fork, github.com/{OLD[0]}.io, github.com/my{OLD[0]}"
    page.write_text(f"{others}, https://github.com/{OLD[0]}.", encoding="utf-8")
    repoint.repoint(*NEW, root=copy)
    assert page.read_text(encoding="utf-8") == f"{others}, https://github.com/{NEW[0]}."


@pytest.mark.parametrize(
    ("repository", "tag", "expected"),
    [
        ("", "v1.0", "REPO is ''; expected owner/name"),
        ("style-course", "v1.0", "expected owner/name"),
        ("https://github.com/octocat/x", "v1.0", "expected owner/name"),
        ("octocat/x.git", "v1.0", "expected owner/name"),
        ("octocat/x y", "v1.0", "expected owner/name"),
        ("-octocat/x", "v1.0", "expected owner/name"),
        ("octocat/x", "", "TAG is ''; expected v and a version"),
        ("octocat/x", "main", "expected v and a version, as in v1.2.0"),
        ("octocat/x", "1.0", "expected v and a version"),
        ("octocat/x", "v1.0-final", "expected v and a version"),
    ],
)
def test_a_bad_address_is_refused_in_one_line(copy, monkeypatch, repository, tag, expected):
    before = contents(copy)
    monkeypatch.setattr(sys, "argv", ["repoint.py", repository, tag])
    monkeypatch.setattr(repoint, "address", lambda root: pytest.fail("nothing is to be read"))
    with pytest.raises(SystemExit) as refused:
        repoint.main()
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
    assert contents(copy) == before


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_repoint(copy):
    shutil.copy(ROOT / "Makefile", copy)
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "repoint.py", copy / "tests")
    line = ["make", "repoint", f"REPO={NEW[0]}", f"TAG={NEW[1]}", f"PYTHON={sys.executable}"]
    done = subprocess.run(line, cwd=copy, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "README.md" in done.stdout
    assert repoint.address(copy) == NEW


def test_no_file_has_an_address_of_its_own():
    """Else a fork would lead back here. The changelog is history."""
    from test_architecture import project_files

    known = {"README.md", "CONTRIBUTING.md", "pyproject.toml"}
    found = {
        path.relative_to(ROOT).as_posix()
        for path in project_files()
        if f"github.com/{OLD[0]}" in path.read_text(encoding="utf-8", errors="replace")
    }
    notebooks = ("notebooks/", "book/drafts/")
    assert {name for name in found if not name.startswith(notebooks)} <= known
