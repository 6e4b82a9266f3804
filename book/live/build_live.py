"""Build the live page and the camera's into ``book/live/build/``: ``make live``, or run this file.

npm brings the runtime, whose files are checked against ``runtime.json``; weights, pictures and
painters are those of the package. What is there and fits is not made again.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import eight_bits  # noqa: E402
import from_npm  # noqa: E402

import nsthelpers as nst  # noqa: E402
from nsthelpers.real_time import painter  # noqa: E402

RUNTIME = HERE / "runtime.json"
OUTPUT = HERE / "build"
PAGES = ("index.html", "camera.html", "style.css")
SIDE, THUMBNAIL = 512, 112  # pixels


def build(output=OUTPUT):
    """Make everything that the pages need in a folder, and return the folder."""
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        shutil.copy(HERE / name, output)
    shutil.copytree(HERE / "src", output / "src", dirs_exist_ok=True)
    vendor(output / "runtime")
    save_weights(output / "weights")
    save_pictures(output / "pictures")
    save_painters(output / "painters")
    return output


def vendor(folder):
    """Lay down the files of onnxruntime-web: as npm gave them, the large ones compressed."""
    for name, path in missing(folder).items():
        data = from_npm.read(from_npm.pinned(RUNTIME), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        shutil.copy(HERE / "runtime_licence.txt", path.with_name("LICENSE"))


def missing(folder) -> dict:
    """Files of the runtime that are not in a folder yet: their paths there, by npm's names."""
    pinned = from_npm.pinned(RUNTIME)
    names = {name: Path(name).name + ".gz" * name.endswith(".wasm") for name in pinned["sha256"]}
    paths = {name: Path(folder) / pinned["version"] / file for name, file in names.items()}
    return {name: path for name, path in paths.items() if not path.is_file()}


def save_weights(folder):
    """Write the weights, if there are none yet."""
    if not (folder / "index.json").is_file():  # it is written last
        eight_bits.write(nst.load_weights(), folder)


def save_pictures(folder):
    """Write the samples that are free, whole and as thumbnails, and who made them."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {"photograph": [], "painting": []}
    for credit in nst.samples.credits():
        photograph = credit.role == "photograph" and credit.kind == "scikit-image"
        if not (photograph or credit.kind == "drawn"):
            continue
        for side, end in ((SIDE, ".webp"), (THUMBNAIL, ".small.webp")):
            picture = nst.to_pil(nst.samples.load(credit.name, max_side=side))
            picture.save(folder / f"{credit.name}{end}", quality=88 if end == ".webp" else 75)
        by = f"{credit.author}, {credit.licence}"
        index[credit.role].append({"name": credit.name, "title": credit.title, "credit": by})
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def save_painters(folder, painters=painter.SHIPPED):
    """Copy the painters that come with the package, if there are any, and list them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = sorted(painters.glob("*.safetensors"))
    for path in files:
        shutil.copy(path, folder)
    index = [{"file": path.name} for path in files]
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    made = build()
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    print(f"{made}: {size / 1e6:.0f} MB. See it with: python book/live/serve_live.py")
