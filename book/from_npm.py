"""Files of npm's packages, each checked against a hash that is written down here.

``package-lock.json`` says which versions; a table such as ``live/runtime.json`` says which files of
one package are used, and their hashes. For a newer version change it in ``package.json``, run
``npm install``, and change version and hashes in the table; tests notice what was forgotten.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def pinned(table: Path) -> dict:
    """Read a table: ``package``, ``version``, ``sha256`` by the file's path in the package."""
    return json.loads(table.read_text(encoding="utf-8"))


def read(table: dict, name: str) -> bytes:
    """The file of that path, as npm gave it; npm is asked where the version is not there yet."""
    data = (_package(table) / name).read_bytes()
    found, expected = hashlib.sha256(data).hexdigest(), table["sha256"][name]
    if found != expected:
        raise SystemExit(
            f"{name} of {table['package']} {table['version']} has sha256 {found}; "
            f"expected {expected}"
        )
    return data


def _package(table):
    """The folder of a package, in the version that the table asks for."""
    folder = HERE / "node_modules" / table["package"]
    if not _is_version(folder, table["version"]):
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is missing; install Node.js 20.19 or newer: https://nodejs.org")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.DEVNULL)
        if not _is_version(folder, table["version"]):
            raise SystemExit(
                f"npm brought another {table['package']} than {table['version']}; "
                "package.json and the table of hashes must name the same"
            )
    return folder


def _is_version(folder, version):
    described = folder / "package.json"
    return described.is_file() and json.loads(described.read_text())["version"] == version
