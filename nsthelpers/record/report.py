"""The report: what five documents say, and what the record says to it, as one page of Markdown.

Nothing in it is written by hand: quotations, tests and reasons come from the files of the studies,
numbers and pictures from the record.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from html import escape
from pathlib import Path

from ..files import write_whole
from ..images import samples
from ..studies import study as studies
from ..studies.verdicts import MEASURES, best, measured, outcome
from ..sweeps.store import setting_as_data
from .making import contents
from .store import HOME, RecordStore

__all__ = ["stale", "text", "write"]

_WIDTH = 840  # pixels that a page on GitHub has for a row of pictures
_SOURCES = "pictures"  # beside the report: the photographs and paintings themselves

_HEAD = """\
<!-- Made by `make report`, from nsthelpers/studies, nsthelpers/record and nothing else. -->

# Five documents' experiments, run again

What a course report, a school report, a conference paper, a student paper and an online guide
say of the parameters of style transfer; the same experiments at a size at which they can be
judged; and what comes of it. The documents' pictures are not all free to be passed on: **others
stand in for them**, drawn ones and scikit-image's photographs, and are named wherever they are
shown. Where the document's picture decides, nothing can be told.

A verdict is one of *agrees*, *disagrees*, *cannot be told at this size*, *the document
contradicts itself*. It rests on a test of numbers, which this page repeats and the project's
tests hold to the written verdict, or on the eye, and then says what to look at. Two values
count as different from 5 % on, unless another tolerance is given.
"""

_MEASURES = """\
## What is measured

- *Loss*: the weighted sum, of the picture that is kept, which is the best of its run; *content
  loss* and *style loss* before their weights. They compare between pictures of the same
  formula, layers and size only.
- *Part of the first loss*: the loss at the end, divided by that at the start.
- *Likeness to the photograph* (*likeness* in the tables): structural similarity (SSIM), 1 for
  the photograph itself. It is no measure of beauty, and counts noise as unlike.
- *Distance to the painting's colours* (*colours*): how far red, green and blue have to move,
  wherever they stand, for the palette of the painting (mean Wasserstein distance, levels from 0
  to 1).
- *Grain*: how far single pixels stand out from the median of their 3 × 3 neighbours: dots, not
  edges.
- *Total variation*: mean absolute difference to the right and lower neighbours.
- *To the worst end*: evaluations, or seconds, until the loss is reached at which the worst of
  those compared ends.
- *Last third*: by which part the last third of the steps lowered the loss. A run that has
  settled has less than 1 %.
"""


def write(path, folder=HOME):
    """Write the report, and beside it small copies of the pictures that the experiments begin with.

    Parameters
    ----------
    path : str or Path
        The Markdown file. Its links to the record's pictures are relative.
    folder : str or Path, default the package's own
        The record's.

    Raises
    ------
    OSError
        If there is no such folder.
    """
    path = Path(path)
    page = text(path, folder)
    beside = path.parent / _SOURCES
    for name in sorted(_pictures_of_all()):
        if not (beside / f"{name}.webp").is_file():
            from ..images.files import save_image

            beside.mkdir(exist_ok=True)
            save_image(samples.load(name, max_side=256), beside / f"{name}.webp", quality=80)
    write_whole(path, page.encode())


def text(path, folder=HOME) -> str:
    """The report as it is now.

    Parameters
    ----------
    path : str or Path
        Where it is to stand; its links start there.
    folder : str or Path, default the package's own
        The record's.

    Returns
    -------
    str
        Markdown, with tables of pictures in HTML.
    """
    store = RecordStore(folder)
    known = contents()
    made = {name: _points(study, store) for name, study in known.items()}
    pictures = Path(os.path.relpath(store.folder / "pictures", Path(path).parent)).as_posix()
    mine = {name: study for name, study in known.items() if name in studies.names()}
    parts = [_HEAD, _overview(mine, made), _effort(store, made)]
    for author, document in studies.documents().items():
        parts.append(_document(author, document))
        for name, study in mine.items():
            if study.source.startswith(author):
                parts.append(_section(study, studies.read(name), made[name], pictures))
    others = {name: study for name, study in known.items() if name not in mine}
    return "\n".join([*parts, _MEASURES, _others(others, made)])


def stale(folder=HOME) -> list[str]:
    """The verdicts that their tests do not bear out: the data have changed, the text has not.

    Parameters
    ----------
    folder : str or Path, default the package's own
        The record's.

    Returns
    -------
    list of str
        A line for each; verdicts whose points are not made count as borne out.
    """
    store, found = RecordStore(folder), []
    for name, study in contents().items():
        points = _points(study, store)
        for verdict in study.verdicts:
            came = outcome(verdict, points) if verdict.test else None
            if verdict.expected and came not in (None, verdict.expected):
                found.append(f"{name}: {verdict.claim}: {verdict.verdict!r}, but the test {came}")
    return found


def _points(study, store):
    """The points by label, with what the record holds of them.

    They are found by their settings, not their keys: another machine may have VGG16, and would
    look for other keys.
    """
    kept = {}
    for each in store.table["experiments"].values():
        for point in each["points"]:
            kept[_named(point["settings"])] = point["key"]
    points = study.points
    for point in points.values():
        key = kept.get(_named(setting_as_data(point.settings)))
        point.result = store.load(key) if key else None
        point.picture = store.picture(key) if point.result else None
    return points


def _named(settings):
    return repr(sorted((n, v) for n, v in settings.items() if n != "network"))


def _pictures_of_all():
    mine = [study for name, study in contents().items() if name in studies.names()]
    return {
        picture
        for study in mine
        for point in study.points.values()
        for picture in _pictures(point.settings)
    }


def _pictures(settings):
    return [settings[role] for role in ("content", "style") if role in settings]


# --- the top ------------------------------------------------------------------------------------


def _overview(known, made):
    lines = ["| document | experiment | verdicts | computed |", "|---|---|---|--:|"]
    for author in studies.documents():
        for name, study in known.items():
            if study.source.startswith(author):
                counts = Counter(each.verdict or "not judged yet" for each in study.verdicts)
                told = "; ".join(f"{count} × {what}" for what, count in counts.items())
                done = sum(point.result is not None for point in made[name].values())
                linked = f"[{study.title}](#{name})"
                lines.append(f"| {author} | {linked} | {told} | {done} of {len(made[name])} |")
    return "\n".join([*lines, ""])


def _effort(store, made):
    rows = store.table["points"]
    used = {
        point.picture.stem for points in made.values() for point in points.values() if point.picture
    }
    if not used:
        return "Nothing of it is computed yet: `make record`.\n"
    machines = Counter(_machine(rows[key]["synthesis"]) for key in used)
    codes = sorted({f"`{rows[key]['package']['code']}`" for key in used})
    weights = {rows[key]["synthesis"]["objective"]["network"]["provenance"] for key in used}
    every = (point for points in made.values() for point in points.values())
    total = len({_named(setting_as_data(point.settings)) for point in every})
    listed = "; ".join(f"{name} ({count})" for name, count in sorted(machines.items()))
    lines = {
        "command": "`make record`; this page alone: `make report`",
        "computed": f"{len(used)} pictures of the record's {total} points, in "
        f"{_hours(rows, used):.1f} hours, while the machine did other things as well",
        "machine": listed,
        "code": f"{', '.join(codes)}: a hash of all that can decide a pixel",
        "weights": " ".join(sorted(weights)),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {a} | {b} |" for a, b in lines.items()), ""])


def _machine(synthesis):
    device, versions = synthesis["device"], synthesis["versions"]
    cores = f", {device['cores']} cores" if device.get("cores") else ""
    return f"{device['kind']} {device['name']}{cores}, TensorFlow {versions['tensorflow']}"


def _hours(rows, keys):
    """Moments of one run count once."""
    longest = {}
    for key in keys:
        row = rows[key]
        run = _named({name: v for name, v in row["settings"].items() if name != "steps"})
        longest[run] = max(longest.get(run, 0.0), row["seconds"])
    return sum(longest.values()) / 3600


def _others(known, made):
    lines = [
        "## The lessons' own experiments\n",
        "They are in the record, too: `nst.record.load(name)`.\n",
        "| name | what | computed |",
        "|---|---|--:|",
    ]
    for name, study in known.items():
        done = sum(point.result is not None for point in made[name].values())
        lines.append(f"| `{name}` | {study.title} | {done} of {len(made[name])} |")
    return "\n".join([*lines, ""])


# --- a document, and a study ----------------------------------------------------------------------


def _document(author, document):
    lines = [f"## {author}", "", f"*{document['title']}*. {document['what']}.", ""]
    if document["against_itself"]:
        lines += ["What it says against itself:", ""]
        lines += [f"- {each}" for each in document["against_itself"]]
        lines.append("")
    return "\n".join(lines)


def _section(study, asked, points, pictures):
    stated = asked.points
    parts = [
        f'<a id="{study.name}"></a>\n\n### {study.title}\n',
        f"{study.source}. `nst sweep {study.name}`, `nst.record.load({study.name!r})`\n",
        "**What they found**\n",
        "\n".join(f"- {each}" for each in study.found) + "\n",
        "**Setting**\n",
        " ".join(study.notes.split()) + "\n",
        _settings(study, asked, points, stated),
        "**Pictures**\n",
        _sources(points, stated),
        _sheet(study, points, stated, pictures),
        "**Numbers**\n",
        _numbers(study, points),
    ]
    if study.reference:
        theirs = ", ".join(f"{name} {value:g}" for name, value in study.reference.items())
        parts.append(f"Theirs: {theirs}.\n")
    parts += ["**Verdicts**\n", *(_verdict(each, points) for each in study.verdicts)]
    return "\n".join(parts)


def _settings(study, asked, points, stated):
    lines = ["| setting | in the document | here |", "|---|---|---|"]
    for name in dict.fromkeys(n for point in points.values() for n in point.settings):
        theirs = _value({label: point.settings.get(name) for label, point in stated.items()})
        ours = _value({label: point.settings.get(name) for label, point in points.items()})
        how = " (*assumed*)" if name in asked.assumed else ""
        same = "the same" if ours == theirs else f"**{ours}**"
        lines.append(f"| `{name}` | {theirs}{how} | {same} |")
    return "\n".join([*lines, ""])


def _value(by_label):
    """One value; or the usual one, and the points that have others."""
    shown: dict[str, list[str]] = {}
    for label, value in by_label.items():
        if value is not None:
            shown.setdefault(_plain(value), []).append(label)
    usual = max(shown, key=lambda text: len(shown[text]))
    if 2 * len(shown[usual]) <= len(by_label) and len(shown) > 1:
        return "; ".join(f"{text} in *{', '.join(labels)}*" for text, labels in shown.items())
    others = [f"{text} in *{', '.join(labels)}*" for text, labels in shown.items() if text != usual]
    return "; ".join([usual, *others])


def _plain(value):
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.7g}"
    if value in samples.names():
        return _words(value)
    return re.sub(r"block(\d)_conv(\d)", r"conv\1_\2", str(value))


def _words(name):
    return name.replace("_", " ")


def _sources(points, stated):
    """The photographs and paintings, each with the one whose place it takes."""
    shown = {}
    for label, point in points.items():
        for ours, theirs in zip(
            _pictures(point.settings), _pictures(stated[label].settings), strict=True
        ):
            place = "" if ours == theirs else f", in place of {_words(theirs)}"
            shown[ours] = f"{_words(ours)}{place}"
    cells = [
        _cell(f"{_SOURCES}/{name}.webp", caption, caption, 160) for name, caption in shown.items()
    ]
    return _table(cells, 5)


def _sheet(study, points, stated, pictures):
    axes = [] if isinstance(study.grid, list) else list(study.grid.values())
    columns = len(axes[-1]) if len(axes) > 1 else 2 if len(points) in (2, 4) else 3
    width = min(_WIDTH // columns, 384)
    cells = []
    for label, point in points.items():
        if point.result is None:
            cells.append(f'<td align="center">{escape(label)}<br><i>not computed yet</i></td>')
            continue
        caption = _caption(label, point, stated[label])
        alt = f"{_about(point.settings)}; {label}"
        cells.append(_cell(f"{pictures}/{point.picture.name}", caption, alt, width))
    return _table(cells, columns)


def _caption(label, point, stated):
    """A label that names a document's picture over a stand-in says so."""
    for role in ("content", "style"):
        ours, theirs = point.settings.get(role), stated.settings.get(role)
        if ours != theirs and _words(theirs).lower() in label.lower():
            return f"{label}: here {_words(ours)}"
    return label


def _about(settings):
    content, style = (settings.get(role) for role in ("content", "style"))
    if content and style:
        return f"{_words(content)} in the manner of {_words(style)}"
    return f"{_words(content or style)}, {'content' if content else 'style'} out of noise"


def _cell(link, caption, alt, width):
    picture = f'<img src="{link}" width="{width}" alt="{escape(alt)}">'
    return f'<td align="center"><a href="{link}">{picture}</a><br>{escape(caption)}</td>'


def _table(cells, columns):
    rows = ["\n".join(cells[at : at + columns]) for at in range(0, len(cells), columns)]
    return "<table>\n" + "\n".join(f"<tr>\n{row}\n</tr>" for row in rows) + "\n</table>\n"


def _numbers(study, points):
    made = {label: point for label, point in points.items() if point.result is not None}
    if not made:
        return "Not computed yet.\n"
    terms = list(dict.fromkeys(t for p in made.values() for t in best(p.result.history).terms))
    has = set.intersection(*(set(point.settings) for point in points.values()))
    measures = {"likeness": "likeness to the photograph"} if "content" in has else {}
    measures |= {"colours": "distance to the painting's colours"} if "style" in has else {}
    measures |= {"grain": "grain"}
    heads = ["loss", *(_words(term) for term in terms), *measures]
    heads += ["evaluations", "seconds", "seed", "last third"]
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'--:|' * len(heads)}"]
    for label, point in points.items():
        if point.result is None:
            lines.append(f"| {label} | not computed yet {'| ' * len(heads)}|")
            continue
        last = best(point.result.history)
        cells = [_number(last.loss), *(_number(last.terms.get(term)) for term in terms)]
        cells += [_number(MEASURES[name](point, [point])) for name in measures.values()]
        cells += [str(point.result.evaluations), f"{point.result.seconds:.0f}"]
        cells += [str(point.settings.get("seed", 0)), _last_third(point.result.history)]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _last_third(history):
    two_thirds = history[-1].step * 2 / 3
    earlier = best([record for record in history if record.step <= two_thirds])
    return f"{100 * (1 - best(history).loss / earlier.loss):.1f} %"


def _number(value):
    if value is None:
        return ""
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.2e}"


_SENTENCES = {
    "rises": "{measure} rises from picture to picture",
    "falls": "{measure} falls from picture to picture",
    "highest": "{measure} is highest at {at}",
    "lowest": "{measure} is lowest at {at}",
    "more": "{measure} is more than the other's",
    "less": "{measure} is less than the other's",
    "no more": "{measure} is no more than the other's",
    "same": "{measure} is the same",
    "alike": "the pictures are alike: none is further from the first than {tolerance:g} levels",
    "closer": "the picture of {points} is closer to that of {at} than to that of {than}",
}


def _verdict(verdict, points):
    lines = [f"- {verdict.claim}"]
    if verdict.against:
        lines.append(f"  Against it: {verdict.against}")
    if verdict.test:
        lines.append(f"  *Test*: {_tested(verdict, points)}")
    if verdict.eye:
        lines.append(f"  *By eye*: {verdict.eye}.")
    basis = " and ".join(["by the test"] * bool(verdict.test) + ["by eye"] * bool(verdict.eye))
    judged = f"**Verdict: {verdict.verdict}**, {basis}. {' '.join(verdict.why.split())}"
    lines.append(f"  {judged if verdict.verdict else '*Not judged yet.*'}")
    return "<br>\n".join(lines) + "\n"


def _tested(verdict, points):
    listed = {name: ", ".join(getattr(verdict, name)) for name in ("points", "at", "than")}
    sentence = _SENTENCES[verdict.test].format(
        measure=verdict.measure, tolerance=verdict.tolerance, **listed
    )
    came = outcome(verdict, points)
    if came is None:
        return f"{sentence}. Not computed yet."
    values = measured(verdict, points)
    if verdict.test in ("more", "less", "no more"):
        pairs = zip(verdict.points, verdict.than, strict=True)
        told = [
            f"{label} {_number(values[label])}, {than} {_number(values[than])}"
            for label, than in pairs
        ]
    else:
        told = [f"{label} {_number(value)}" for label, value in values.items()]
    tolerance = "" if verdict.tolerance == 0.05 else f", tolerance {verdict.tolerance:g}"
    return f"{sentence}: {'; '.join(told)}{tolerance}. It **{_CAME[came]}**."


_CAME = {"holds": "holds", "fails": "does not hold", "unclear": "cannot be told: too close"}
