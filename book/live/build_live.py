"""Build the live page and the camera's into ``book/live/build/``: ``make live``, or run this file.

npm brings the runtime, whose files are checked against ``runtime.json``; weights, pictures and
painters are those of the package. What is there and fits is not made again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import eight_bits

import nsthelpers as nst
from nsthelpers.real_time import painter

HERE = Path(__file__).resolve().parent
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
    package = HERE.parent / "node_modules" / "onnxruntime-web"
    pinned, wanted = _pinned(), missing(folder)
    if wanted and not _is_version(package, pinned["version"]):
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is missing; install Node.js 20.19 or newer: https://nodejs.org")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=HERE.parent, check=True)
    for name, path in wanted.items():
        data = (package / "dist" / name).read_bytes()
        found, digest = hashlib.sha256(data).hexdigest(), pinned["sha256"][name]
        if found != digest:
            raise SystemExit(f"{name} has sha256 {found}; runtime.json expects {digest}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        shutil.copy(HERE / "runtime_licence.txt", path.with_name("LICENSE"))


def missing(folder) -> dict:
    """Files of the runtime that are not in a folder yet: their paths there, by npm's names."""
    pinned = _pinned()
    names = {name: name + ".gz" * name.endswith(".wasm") for name in pinned["sha256"]}
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


def _pinned():
    return json.loads((HERE / "runtime.json").read_text(encoding="utf-8"))


def _is_version(package, version):
    described = package / "package.json"
    return described.is_file() and json.loads(described.read_text())["version"] == version


if __name__ == "__main__":
    made = build()
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    print(f"{made}: {size / 1e6:.0f} MB. See it with: python book/live/serve_live.py")
