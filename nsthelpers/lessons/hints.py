"""Hints for the tasks, in steps, and a solution after the last of them."""

from __future__ import annotations

import functools
import html
import tomllib
from dataclasses import dataclass
from importlib import resources

from .notes import folded_html

__all__ = ["Hints", "hints_for"]


@dataclass(frozen=True)
class Hints:
    """What helps with a task.

    Attributes
    ----------
    steps : tuple of str
        From a nudge to nearly everything.
    solution : str
        Python code; empty where there is none.
    """

    steps: tuple[str, ...] = ()
    solution: str = ""

    def text(self, count) -> str:
        """The first hints as text; one more than there are adds the solution.

        Examples
        --------
        >>> print(Hints(("Think.",), "x = 1").text(2))
        Hint 1 of 1: Think.
        Solution:
        <BLANKLINE>
        x = 1
        """
        lines = [
            f"Hint {number} of {len(self.steps)}: {step}"
            for number, step in enumerate(self.steps[:count], 1)
        ]
        if self.solution and count > len(self.steps):
            lines += ["Solution:", "", self.solution]
        return "\n".join(lines)

    def html(self) -> str:
        """Hints to unfold, each inside the one before, and the solution in the last.

        Nothing but HTML, so they unfold without a running kernel, too.
        """
        code = f'<pre style="margin:0.4em 0">{html.escape(self.solution)}</pre>'
        folded = folded_html("Solution", code) if self.solution else ""
        for number, step in reversed(list(enumerate(self.steps, 1))):
            folded = folded_html(f"Hint {number}", html.escape(step) + folded)
        return folded


def hints_for(name) -> Hints:
    """What there is for a task; nothing for some.

    Examples
    --------
    >>> hints_for("style_loss").steps[0]
    'You have compared two arrays before: it is the content loss once more.'
    """
    found = _all().get(name)
    if found is None:
        return Hints()
    return Hints(tuple(found["hints"]), found["solution"].strip())


@functools.cache
def _all():
    source = resources.files(__package__) / "hints.toml"
    return tomllib.loads(source.read_text(encoding="utf-8"))
