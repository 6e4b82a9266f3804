"""One address: one command points a copy of the project to another repository and release."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import repoint

ROOT = Path(__file__).parents[1]
REPOSITORY, TAG = repoint.address(ROOT)
OTHER, RELEASE = "a-school/style.course", "v0.2.1rc1"
LEFT_ALONE = (
    f"https://github.com/{REPOSITORY}-book",
    f"https://github.com/{REPOSITORY}.js",
    "https://github.com/someone/nsthelpers",
    f"https://example.org/{REPOSITORY}/blob/{TAG}/x.png",
    f"https://github.com/keras-team/keras/blob/{TAG}/README.md",
    f"since {TAG}",
)


@pytest.fixture
def copy(tmp_path):
    """What the address stands in, with addresses beside it that are none of ours."""
    for page in (*repoint.PAGES, "nsthelpers/__init__.py"):
        (tmp_path / page).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / page, tmp_path / page)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    with (tmp_path / "README.md").open("a", encoding="utf-8", newline="") as readme:
        readme.write("\r\n".join(LEFT_ALONE))
    first = min((tmp_path / "notebooks").iterdir())
    notebook = json.loads(first.read_text(encoding="utf-8"))
    shown = f"https://github.com/{REPOSITORY}/blob/{TAG}/README.md"
    notebook["cells"][2]["outputs"].append({"output_type": "stream", "text": [shown]})
    first.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return tmp_path


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def addresses(text):
    """Everything on GitHub or Colab under the name of this repository or of the other."""
    return re.findall(rf"github(?:\.com)?/((?:{REPOSITORY}|{OTHER})(?![\w.-]*\w)[^)\s\"\\]*)", text)


def sources(notebook):
    return "\n".join("".join(cell["source"]) for cell in json.loads(notebook)["cells"])


def test_every_address_is_changed_and_nothing_else(copy):
    before = contents(copy)
    changed = repoint.repoint(copy, OTHER, RELEASE)
    after = contents(copy)
    assert repoint.address(copy) == (OTHER, RELEASE)
    assert sorted(changed) == sorted(name for name in before if before[name] != after[name])
    assert {name for name in before if name.endswith(".ipynb")} < set(changed)

    for name in before:
        old, new = before[name].decode(), after[name].decode()
        if name.endswith(".ipynb"):
            assert len(addresses(sources(new))) >= 2  # the badge, the set-up cell
            for cell, same in zip(json.loads(old)["cells"], json.loads(new)["cells"], strict=True):
                assert same | {"source": cell["source"]} == cell
            old, new = sources(old), sources(new)
        for found in addresses(new):
            assert found.startswith(OTHER)
            assert TAG not in found
        back = new.replace(OTHER, REPOSITORY).replace(RELEASE, TAG)
        assert back.replace(RELEASE.removeprefix("v"), TAG.removeprefix("v")) == old


def test_the_bytes_of_a_notebook_differ_in_the_address_only(copy):
    path = copy / "notebooks/02_reconstruct_content.ipynb"
    before = path.read_bytes()
    repoint.repoint(copy, OTHER, RELEASE)
    expected = before.replace(REPOSITORY.encode(), OTHER.encode())
    assert path.read_bytes() == expected.replace(TAG.encode(), RELEASE.encode())


def test_a_second_time_changes_nothing_and_the_way_back_is_open(copy):
    before = contents(copy)
    repoint.repoint(copy, OTHER, RELEASE)
    assert repoint.repoint(copy, OTHER, RELEASE) == []
    repoint.repoint(copy, REPOSITORY, TAG)
    assert contents(copy) == before


def test_what_is_not_given_stays(copy):
    repoint.repoint(copy, repository=OTHER)
    assert repoint.address(copy) == (OTHER, TAG)
    repoint.repoint(copy, tag=RELEASE)
    assert repoint.address(copy) == (OTHER, RELEASE)


@pytest.mark.parametrize(
    "repository, tag, message",
    [
        ("nsthelpers", RELEASE, "REPO is 'nsthelpers'; expected owner/name, such as "),
        ("https://github.com/a/b", RELEASE, "REPO is 'https://github.com/a/b'; expected owner/"),
        ("a/b.git", RELEASE, "REPO is 'a/b.git'; expected owner/name, such as "),
        ("a/b\nc", RELEASE, r"REPO is 'a/b\nc'; expected owner/name, such as "),
        ("-a/b", RELEASE, "REPO is '-a/b'; expected owner/name, such as "),
        ('a/"b', RELEASE, "REPO is 'a/\"b'; expected owner/name, such as "),
        (OTHER, "0.2.0", f"TAG is '0.2.0'; expected v and a version, such as {TAG}"),
        (OTHER, "main", "TAG is 'main'; expected v and a version, such as "),
        (OTHER, "v1", "TAG is 'v1'; expected v and a version, such as "),
        (OTHER, "v1.2 ", "TAG is 'v1.2 '; expected v and a version, such as "),
    ],
)
def test_a_bad_address_is_refused_in_one_line_and_nothing_is_changed(
    copy, repository, tag, message
):
    before = contents(copy)
    (copy / ".github").mkdir()
    shutil.copy(repoint.__file__, copy / ".github")
    command = [sys.executable, str(copy / ".github/repoint.py"), repository, tag]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith(message)
    assert {name: contents(copy)[name] for name in before} == before


@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")
def test_make_repoint(copy):
    shutil.copy(ROOT / "Makefile", copy)
    shutil.copytree(ROOT / ".github", copy / ".github")
    command = ["make", "repoint", f"REPO={OTHER}", f"TAG={RELEASE}", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=copy, check=True)
    assert "README.md" in done.stdout
    assert repoint.address(copy) == (OTHER, RELEASE)
    assert not (copy / ".venv").exists()
