"""The words of the lessons, explained in few sentences for somebody who knows school mathematics.

``glossary.toml`` holds them; the page beside the notebooks is made of it.
"""

from __future__ import annotations

import functools
import html
import re
import tomllib
from dataclasses import dataclass
from importlib import resources

from ..arguments import did_you_mean
from .notes import note_html

__all__ = ["Entry", "entries", "explain", "page"]


@dataclass(frozen=True)
class Entry:
    """A word and what it means.

    Attributes
    ----------
    term, text : str
    see : tuple of str
        Terms that lead on.
    also : tuple of str
        Other names.
    """

    term: str
    text: str
    see: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def __repr__(self):
        return f"{self.term}: {self.text}" + (f" See {', '.join(self.see)}." if self.see else "")

    def _repr_html_(self):
        more = f' <span style="opacity:.7">See {", ".join(self.see)}.</span>' if self.see else ""
        return note_html("open", f"<b>{html.escape(self.term)}</b>: {html.escape(self.text)}{more}")


def explain(term) -> Entry:
    """Explain a word of the lessons.

    Parameters
    ----------
    term : str
        Capitals do not matter, nor whether it is one or many.

    Returns
    -------
    Entry
        A notebook shows it.

    Raises
    ------
    ValueError
        For a word that is not explained; it has the closest ones.

    Examples
    --------
    >>> explain("seed")
    seed: A number from which all random numbers of a run follow. The same seed gives the same \
noise; other seeds show what is chance in a result. See noise, baseline.
    """
    known = {name.lower(): entry for entry in entries() for name in (entry.term, *entry.also)}
    wanted = " ".join(str(term).lower().split())
    for form in (wanted, wanted.removesuffix("s"), wanted.replace("ization", "isation")):
        if form in known:
            return known[form]
    listed = "the page glossary.md beside the notebooks has all words"
    raise ValueError(f"no word {term!r} in the glossary; {did_you_mean(term, known, listed)}")


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All words, in alphabetical order.

    Returns
    -------
    tuple of Entry

    Examples
    --------
    >>> entries()[0].term
    'ablation'
    """
    source = resources.files(__package__) / "glossary.toml"
    listed = tomllib.loads(source.read_text(encoding="utf-8"))
    made = (
        Entry(term, each["text"], tuple(each.get("see", ())), tuple(each.get("also", ())))
        for term, each in listed.items()
    )
    return tuple(sorted(made, key=lambda entry: entry.term.lower()))


def page() -> str:
    """The glossary as Markdown.

    Returns
    -------
    str
    """
    lines = ["# Words of the lessons", ""]
    lines += ['In a notebook, `nst.explain("gradient")` shows one of them.', ""]
    for entry in entries():
        also = f" Also: {', '.join(entry.also)}." if entry.also else ""
        more = ", ".join(f"[{term}](#{_anchor(term)})" for term in entry.see)
        lines += [f"### {entry.term}", ""]
        lines += [f"{entry.text} See {more}.{also}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _anchor(term):
    """The name of a heading in a page, as GitHub and Jupyter make it of the heading."""
    return re.sub(r"[^\w-]", "", term.lower().replace(" ", "-"))
