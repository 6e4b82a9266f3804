"""Put the book's sources together in one folder: ``python book/assemble.py FOLDER``.

Notebooks, the report and the pictures keep the places that they have to each other here, so that
links between them hold.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import reference  # noqa: E402
import symptoms  # noqa: E402

import nsthelpers as nst  # noqa: E402
from nsthelpers import record  # noqa: E402

LIVE = """\
:::{admonition} Paint in this browser
:class: tip

<a href="live/index.html">The live page</a> runs the whole search here, with nothing installed:
choose a photograph and a painting, press *Run*, and watch the loss fall.
<a href="live/camera.html">The camera page</a> takes a painter that you have trained, and paints
what the camera sees. No picture leaves your device.
:::"""
SUM = (  # of the first page: what goes in, and what comes out
    ("photograph", "A photograph of a cat", "the photograph"),
    ("painting", "A painting of a swirling night sky", "the painting"),
    ("result", "The cat in the strokes and colours of that sky", "the one, painted as the other"),
)
_LESSON = re.compile(
    r"(?m)^\| \*\*\[(?P<number>\d\d) (?P<title>[^]]+)\]\((?P<path>[^)]+)\)\*\*<br>(?P<text>[^|]+?) "
    r"\| !\[[^]]*\]\((?P<picture>[^)]+)\) \| (?P<minutes>\d+) · "
)
_BADGE = re.compile(r"!\[([^\]]*)\]\(https://[^)]*badge[^)]*\)")
_PANEL = "application/vnd.jupyter.widget-view+json"
GALLERY = ("showpieces", "controls")  # experiments of the record


def assemble(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "book" / "pages", folder)
    for page in folder.glob("*.md"):  # which stand two folders higher here
        page.write_text(
            page.read_text(encoding="utf-8").replace("](../../", "]("), encoding="utf-8"
        )
    trouble = folder / "troubleshooting.md"
    shown = symptoms.with_pictures(trouble.read_text(encoding="utf-8"), folder / "symptoms")
    trouble.write_text(shown, encoding="utf-8")
    shutil.copytree(
        ROOT / "notebooks",
        folder / "notebooks",
        ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
    )
    for path in (folder / "notebooks").glob("*.ipynb"):
        _unpack(path)
    shutil.copytree(ROOT / "studies", folder / "studies")
    shutil.copytree(ROOT / "images" / "gallery", folder / "images" / "gallery")
    # What HTML in a page shows, and Sphinx therefore does not see.
    shutil.copytree(ROOT / "studies" / "pictures", folder / "extra" / "studies" / "pictures")
    pictures = Path("nsthelpers", "record", "pictures")
    for place in (folder, folder / "extra"):
        shutil.copytree(ROOT / pictures, place / pictures)
    _complete_index(folder)
    report = folder / "studies" / "REPORT.md"
    report.write_text(_with_targets(report.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "gallery.md").write_text(_gallery(), encoding="utf-8")
    for name, text in reference.pages().items():
        (folder / "reference" / f"{name}.md").write_text(text, encoding="utf-8")


def _complete_index(folder):
    """The first page: what the method does, the pages that paint, and the lessons."""
    index = folder / "index.md"
    text = index.read_text(encoding="utf-8")
    for mark, part in (
        ("<!-- sum -->", _sum(folder / "images")),
        ("<!-- live -->", LIVE if _add_live_page(folder) else ""),
        ("<!-- lessons -->", lessons((ROOT / "README.md").read_text(encoding="utf-8"))),
    ):
        if text.count(mark) != 1:
            raise ValueError(f"{index.name} has {mark} {text.count(mark)} times; expected once")
        text = text.replace(mark, part)
    index.write_text(text, encoding="utf-8")


def _sum(folder):
    """Photograph, painting, and the record's picture of the one in the manner of the other."""
    (point,) = (
        each for each in record.load("showpieces").points if each.label == "chelsea, swirling night"
    )
    for name, sample in (("photograph", "chelsea"), ("painting", "swirling_night")):
        nst.to_pil(nst.samples.load(sample, max_side=480)).save(folder / f"{name}.webp", quality=85)
    shutil.copy(point.picture, folder / "result.webp")
    parts = ["::::{container} sum"]
    for name, alt, caption in SUM:
        parts.append(f":::{{figure}} {folder.name}/{name}.webp\n:alt: {alt}\n\n{caption}\n:::")
    return "\n".join([*parts, "::::"])


def lessons(readme: str) -> str:
    """The notebooks, each with a picture, out of the README's table."""
    parts = []
    for row in _LESSON.finditer(readme):
        number = int(row["number"])
        parts.append(
            f":::{{container}} lesson\n![A picture from notebook {number}]({row['picture']})\n\n"
            f"**[{number}. {row['title']}]({row['path']})**\\\n{row['text']} "
            f"*{row['minutes']} minutes.*\n:::"
        )
    return "\n\n".join(parts)


def _add_live_page(folder):
    """The pages that paint in the browser, where ``make live`` has made them; says whether."""
    built = ROOT / "book" / "live" / "build"
    if not (built / "index.html").is_file():
        return False
    shutil.copytree(built, folder / "extra" / "live")
    for page in (folder / "extra" / "live").glob("*.html"):  # which know no book otherwise
        text = page.read_text(encoding="utf-8")
        back = '<nav aria-label="Pages">\n      <a href="../index.html">The book</a>'
        page.write_text(text.replace('<nav aria-label="Pages">', back), encoding="utf-8")
    return True


def _unpack(path):
    """Make a notebook a page: nothing of it is elsewhere, and what needs a kernel is left out.

    Attachments become files beside it: Sphinx knows no attachments. Badges become words.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for name, bundle in cell.pop("attachments", {}).items():
            (data,) = bundle.values()
            path.with_name(name).write_bytes(base64.b64decode(data))
            cell["source"] = "".join(cell["source"]).replace(f"attachment:{name}", name)
        if cell["cell_type"] == "markdown":
            cell["source"] = _BADGE.sub(r"\1", "".join(cell["source"]))
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(_PANEL, None)
    path.write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")


def _gallery():
    """The record's showpieces, each with the settings that made it."""
    parts = [
        "# Gallery\n",
        "Every picture was painted by `nst.stylize` on two CPU cores, and comes with the package: "
        + " and ".join(f'`nst.record.load("{name}")`' for name in GALLERY)
        + ". The settings are all that it takes to make it again.\n",
    ]
    for name in (each for each in GALLERY if each in record.names()):
        for point in record.load(name).points:
            if point.result is None:
                continue
            settings = dict(point.settings)
            content, style = settings.pop("content"), settings.pop("style")
            given = "".join(f",\n    {key}={_code(value)}" for key, value in settings.items())
            parts.append(
                f"## {point.label[0].upper()}{point.label[1:]}\n\n"
                f"```{{image}} nsthelpers/record/pictures/{Path(point.picture).name}\n"
                f":alt: {point.label}\n```\n\n"
                f"```python\nnst.stylize(\n    {_code(content)}, {_code(style)}{given}\n)\n```\n"
            )
    return "\n".join(parts)


def _code(value):
    """As we write Python: with double quotes."""
    return repr(value) if '"' in repr(value) else repr(value).replace("'", '"')


def _with_targets(text):
    """Anchors of HTML as targets of MyST, which it can check."""
    return re.sub(r'<a id="([^"]+)"></a>', r"(\1)=", text)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
