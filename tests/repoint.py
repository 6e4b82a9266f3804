"""The project's address: where it is read, and how a fork or a classroom copy changes it.

``python tests/repoint.py owner/name v1.2.0`` (or ``make repoint REPO=owner/name TAG=v1.2.0``)
rewrites the repository in pyproject.toml, the version in ``nsthelpers/__init__.py``, and every
badge, link and set-up cell made of the two. What notebooks have put out stays as it is.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A GitHub owner and a repository; a version as Python's packaging spells it, after a v.
REPOSITORY = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?/[A-Za-z0-9._-]+"
VERSION = r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?"
_VERSION_LINE = re.compile(rf'(?m)^__version__ = "({VERSION})"$')
_REPOSITORY_LINE = re.compile(rf'(?m)^Repository = "https://github\.com/({REPOSITORY})"$')


def address(root: Path = ROOT) -> tuple[str, str]:
    """The repository (owner/name) and the tag of a release (v and the version)."""
    repository = _REPOSITORY_LINE.search(_read(root / "pyproject.toml"))
    version = _VERSION_LINE.search(_read(root / "nsthelpers" / "__init__.py"))
    if repository is None or version is None:
        where = "pyproject.toml" if repository is None else "nsthelpers/__init__.py"
        raise SystemExit(f"repoint: {where} does not hold the address in its usual form")
    return repository[1], f"v{version[1]}"


def repoint(repository: str, tag: str, root: Path = ROOT) -> list[str]:
    """Write an address wherever it is used; the names of the files that changed.

    Raises
    ------
    ValueError
        If the repository is not ``owner/name``, or the tag not ``v`` and a version.
    """
    if not re.fullmatch(REPOSITORY, repository) or repository.endswith((".git", "/.", "/..")):
        raise ValueError(f"REPO is {repository!r}; expected owner/name, as in octocat/style-course")
    if not re.fullmatch(f"v{VERSION}", tag):
        raise ValueError(f"TAG is {tag!r}; expected v and a version, as in v1.2.0 or v2027.1")
    old = address(root)

    def readdressed(text: str) -> str:
        before, at = map(re.escape, old)
        # With the tag first: Colab's address, and pip's. Then what follows the newest state.
        text = re.sub(
            rf"(/github/){before}(/blob/){at}(?=/)", rf"\g<1>{repository}\g<2>{tag}", text
        )
        text = re.sub(rf"(//github\.com/){before}@{at}\b", rf"\g<1>{repository}@{tag}", text)
        return re.sub(rf"(//github\.com/){before}(?!\.?[\w@-])", rf"\g<1>{repository}", text)

    texts = {path: _read(path) for path in _addressed(root)}
    changed = []
    for path, text in texts.items():
        if path.suffix == ".ipynb":
            new = _in_sources(readdressed, text)
        elif path.name == "__init__.py":
            new = _VERSION_LINE.sub(f'__version__ = "{tag[1:]}"', text)
        else:
            new = readdressed(text)
        if new != text:
            path.write_text(new, encoding="utf-8", newline="")
            changed.append(path.relative_to(root).as_posix())
    return changed


def _in_sources(change, text: str) -> str:
    """A notebook's text with its cells' sources changed, and not one byte beside them."""
    pieces, end = [], 0
    for key in re.finditer(r'"source":\s*', text):  # inside a string it would read \"source\"
        _, stop = json.JSONDecoder().raw_decode(text, key.end())
        pieces += [text[end : key.end()], change(text[key.end() : stop])]
        end = stop
    return "".join([*pieces, text[end:]])


def _addressed(root: Path) -> list[Path]:
    names = ("README.md", "CONTRIBUTING.md", "CITATION.cff", "pyproject.toml")
    pages = [root / name for name in names]
    notebooks = [*(root / "notebooks").glob("*.ipynb"), *(root / "book/drafts").glob("*.ipynb")]
    return [*pages, *sorted(notebooks), root / "nsthelpers/__init__.py"]


def _read(path: Path) -> str:
    with open(path, encoding="utf-8", newline="") as file:  # line endings stay what they are
        return file.read()


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit("usage: make repoint REPO=owner/name TAG=v1.2.0")
    try:
        changed = repoint(*sys.argv[1:])
    except ValueError as error:
        raise SystemExit(f"repoint: {error}") from None
    print("\n".join(changed) if changed else "The address is this one already.")


if __name__ == "__main__":
    main()
