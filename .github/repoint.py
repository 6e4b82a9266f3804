"""Point every badge, set-up cell and link of this copy to another repository or release.

    make repoint REPO=owner/name TAG=v1.2.3

The address stands in two lines: the repository under ``[project.urls]`` in ``pyproject.toml``, the
version in ``nsthelpers/__init__.py``; a release's tag is "v" and that version. This script changes
both, and every address on GitHub or Colab that follows from them. Notebooks' outputs stay.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

PAGES = ("README.md", "CONTRIBUTING.md", "pyproject.toml")
VERSION = re.compile(r'(?<=^__version__ = ")[^"]+', re.MULTILINE)
REPOSITORY = re.compile(r'(?<=^Repository = "https://github\.com/)[^"]+', re.MULTILINE)


def address(root: Path) -> tuple[str, str]:
    """The repository (owner/name) and the tag that a copy of the project points to."""
    repository = REPOSITORY.search((root / "pyproject.toml").read_text(encoding="utf-8"))
    version = VERSION.search((root / "nsthelpers/__init__.py").read_text(encoding="utf-8"))
    return repository[0], f"v{version[0]}"


def repoint(root: Path, repository: str = "", tag: str = "") -> list[str]:
    """Write another address into a copy of the project; an empty argument keeps what is there.

    Returns
    -------
    list of str
        The files that were changed.

    Raises
    ------
    ValueError
        If it is no name of a repository or no tag of a release; nothing is changed then.
    """
    old_repository, old_tag = address(root)
    repository, tag = repository or old_repository, tag or old_tag
    owner_and_name = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[\w.-]*[\w-]"
    if not re.fullmatch(owner_and_name, repository, re.ASCII) or repository.endswith(".git"):
        raise ValueError(f"REPO is {repository!r}; expected owner/name, such as {old_repository}")
    if not re.fullmatch(r"v\d+(\.\d+)+((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?", tag, re.ASCII):
        raise ValueError(f"TAG is {tag!r}; expected v and a version, such as {old_tag}")

    link = re.compile(
        rf"(?P<site>github(?:\.com)?/){re.escape(old_repository)}(?![\w-]|\.\w)"
        rf"(?:(?P<at>@|/(?:blob|tree)/){re.escape(old_tag)}(?![\w-]|\.\w))?"
    )

    def moved(text: str) -> str:
        return link.sub(
            lambda m: f"{m['site']}{repository}" + (f"{m['at']}{tag}" if m["at"] else ""), text
        )

    def moved_in_sources(text: str) -> str:
        """A notebook's text; outside its cells' sources every byte stays."""
        pieces, end = [], 0
        for key in re.finditer(r'"source":\s*', text):  # inside a string it would read \"source\"
            _, stop = json.JSONDecoder().raw_decode(text, key.end())
            pieces += [text[end : key.end()], moved(text[key.end() : stop])]
            end = stop
        return "".join([*pieces, text[end:]])

    def released(text: str) -> str:
        return VERSION.sub(tag.removeprefix("v"), text)

    changes = {root / page: moved for page in PAGES}
    changes |= dict.fromkeys(sorted((root / "notebooks").glob("*.ipynb")), moved_in_sources)
    changes[root / "nsthelpers/__init__.py"] = released
    changed = []
    for path, change in changes.items():
        before = path.read_bytes().decode("utf-8")  # line ends stay what they are
        if (after := change(before)) != before:
            path.write_bytes(after.encode("utf-8"))
            changed.append(path.relative_to(root).as_posix())
    return changed


if __name__ == "__main__":
    try:
        files = repoint(Path(__file__).parents[1], *sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    print(f"Changed: {', '.join(files)}" if files else "Everything points there already.")
