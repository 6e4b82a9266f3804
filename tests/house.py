"""The house: which rooms the package has, and which of them import which.

``python tests/house.py`` writes the map in CONTRIBUTING.md anew; ``test_architecture.py`` holds it.
"""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nsthelpers"
FILES = sorted(PACKAGE.rglob("*.py"))
BEGIN, END = "<!-- house:begin -->\n", "<!-- house:end -->\n"


def name(path) -> str:
    """The dotted name of a file inside the package; a folder's own for its ``__init__.py``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name(path): path for path in FILES}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def imports(path):
    """What a file imports, at any place in it: (full dotted name, whether at its top level)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # Imports in try, if or with at module level happen on import as well.
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, _FUNCTIONS) for n in ast.walk(f)}
    here = ["nsthelpers", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for each in found:
            yield each, id(node) not in inside


def own(path):
    """The files of this package that a file imports, by their dotted names."""
    found = set()
    for each, _ in imports(path):
        if each.split(".")[0] == "nsthelpers":
            parts = each.split(".")[1:]  # the longest part of it that is a file
            ends = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
            found.add(next((end for end in ends if end in MODULES), ""))
    return found - {"", name(path)}


def room(module) -> str:
    """The folder that a file lies in, or the file itself where it lies in none."""
    return module.split(".")[0]


def rooms() -> dict[str, set[str]]:
    """Every room, and the rooms that it imports."""
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        if module:
            graph.setdefault(room(module), set()).update(map(room, own(path)))
    return {each: others - {each} for each, others in graph.items()}


def floors(graph) -> dict[str, int]:
    """How high each room stands: one floor above the highest that it imports."""
    found: dict[str, int] = {}
    for each in graphlib.TopologicalSorter(graph).static_order():
        found[each] = 1 + max((found[below] for below in graph[each]), default=-1)
    return found


def job(module) -> str:
    """The first sentence of a docstring."""
    text = ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def drawn(graph) -> str:
    """The map: a table from the roof down, and arrows without those that others imply."""
    heights = floors(graph)
    lines = ["| floor | room | files | what it is for |", "|--:|---|---|---|"]
    for each in sorted(graph, key=lambda r: (-heights[r], r)):
        files = [m.split(".", 1)[1] for m in MODULES if room(m) == each and "." in m]
        listed = " ".join(f"`{file}`" for file in files if "." not in file)
        shown = f"`{each}/`" if files else f"`{each}.py`"
        lines.append(f"| {heights[each]} | {shown} | {listed} | {job(each)} |")
    lines += ["", "```mermaid", "flowchart TD"]
    for each in sorted(graph, key=lambda r: (-heights[r], r)):
        implied = set().union(*(_below(graph, other) for other in graph[each]))
        lines += [f"  {each} --> {other}" for other in sorted(graph[each] - implied)]
    return "\n".join([*lines, "```", ""])


def _below(graph, each):
    return graph[each].union(*(_below(graph, other) for other in graph[each]))


def main():
    page = ROOT / "CONTRIBUTING.md"
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(f"(?<={BEGIN}).*?(?={END})", re.DOTALL)
    page.write_text(pattern.sub(lambda _: drawn(rooms()), text), encoding="utf-8")


if __name__ == "__main__":
    main()
