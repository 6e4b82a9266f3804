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

from nsthelpers import record  # noqa: E402

LIVE = """
## Paint in this browser

<a href="live/index.html">The live page</a> runs the whole search here, with nothing installed:
choose a photograph and a painting, press *Run*, and watch the loss fall.
<a href="live/camera.html">The camera page</a> takes a painter that you have trained, and paints
what the camera sees. No picture leaves your device.
"""
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
    _add_live_page(folder)
    report = folder / "studies" / "REPORT.md"
    report.write_text(_with_targets(report.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "gallery.md").write_text(_gallery(), encoding="utf-8")
    for name, text in reference.pages().items():
        (folder / "reference" / f"{name}.md").write_text(text, encoding="utf-8")


def _add_live_page(folder):
    """The pages that paint in the browser, where ``make live`` has made it."""
    built = ROOT / "book" / "live" / "build"
    if (built / "index.html").is_file():
        shutil.copytree(built, folder / "extra" / "live")
        with open(folder / "index.md", "a", encoding="utf-8") as index:
            index.write(LIVE)


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
        '`nst.record.load("showpieces")`. The settings are all that it takes to make it again.\n',
    ]
    for name in (each for each in GALLERY if each in record.names()):
        for point in record.load(name).points:
            if point.result is None:
                continue
            settings = dict(point.settings)
            content, style = settings.pop("content"), settings.pop("style")
            given = "".join(f",\n    {key}={value!r}" for key, value in settings.items())
            parts.append(
                f"## {point.label[0].upper()}{point.label[1:]}\n\n"
                f"```{{image}} nsthelpers/record/pictures/{Path(point.picture).name}\n"
                f":alt: {point.label}\n```\n\n"
                f"```python\nnst.stylize(\n    {content!r}, {style!r}{given}\n)\n```\n"
            )
    return "\n".join(parts)


def _with_targets(text):
    """Anchors of HTML as targets of MyST, which it can check."""
    return re.sub(r'<a id="([^"]+)"></a>', r"(\1)=", text)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]))
