"""Formulas as drawings inside the pages; an extension of Sphinx.

MathJax sets them while the book is made, in Node.js. In the browser it would be two megabytes of
program before the first formula, and a page has a dozen of them. A formula that it does not
understand is a warning of Sphinx at its place.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import from_npm
from docutils import nodes
from sphinx.util import logging

HERE = Path(__file__).resolve().parent
PINNED = HERE / "formulas.json"
logger = logging.getLogger(__name__)


class FormulaError(ValueError):
    """MathJax does not understand a formula, and says why."""


class Typesetter:
    """MathJax in a process of its own, which begins with the first formula."""

    def __init__(self):
        self._process = None

    def __call__(self, tex: str, display: bool) -> str:
        """Give the HTML of a formula, without dollar signs; on a line of its own or in the text."""
        if self._process is None:
            self._process = self._started()
        print(json.dumps({"tex": tex, "display": display}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("Node.js ended before it had set the formula; its message is above")
        answer = json.loads(line)
        if "error" in answer:
            raise FormulaError(answer["error"])
        return answer["html"]

    def close(self):
        """End the process, if it has begun."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    @staticmethod
    def _started():
        pinned = from_npm.pinned(PINNED)
        for name in pinned["sha256"]:
            from_npm.read(pinned, name)
        node = shutil.which("node")
        if node is None:
            raise SystemExit("node is missing; install Node.js 20.19 or newer: https://nodejs.org")
        command = [node, str(HERE / "typeset.js")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen(command, **pipes, encoding="utf-8")


typeset = Typesetter()


def _inline(writer, node):
    _lay(writer, node, writer.starttag(node, "span", "", CLASS="math"), "</span>", display=False)


def _block(writer, node):
    _lay(writer, node, writer.starttag(node, "div", "", CLASS="math"), "</div>\n", display=True)


def _lay(writer, node, before, after, display):
    try:
        drawn = typeset(_several(node.astext()), display)
    except FormulaError as error:
        logger.warning("a formula cannot be set: %s", error, location=node)
        drawn = writer.encode(node.astext())
    writer.body.append(before + drawn + after)
    raise nodes.SkipNode


def _several(tex):
    """Lines of a formula need surroundings in which they are lines."""
    return rf"\begin{{split}}{tex}\end{{split}}" if r"\\" in tex and r"\begin" not in tex else tex


def setup(app):
    app.add_html_math_renderer("drawn", (_inline, None), (_block, None))
    app.connect("build-finished", lambda *_: typeset.close())
    return {"parallel_read_safe": True, "parallel_write_safe": False}
