"""Draw the project's pictures: ``python images/draw.py [names ...] [--output folder]``."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

LARGEST_FILE = 250_000
HERE = Path(__file__).resolve().parent
NAMES = (
    "expressionist_sky",
    "geometric_composition",
    "ink_hatching",
    "mosaic_sunset",
    "pointillist_garden",
    "stained_glass",
    "swirling_night",
    "woodblock_wave",
)


def load(name: str):
    """Import the module that draws ``name``: it has ``TITLE``, ``SIZE`` and ``draw(seed)``."""
    if name not in NAMES:
        raise ValueError(f"no picture is called {name!r}; the pictures are {', '.join(NAMES)}")
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    return importlib.import_module(f"drawing.{name}")


def save(image, path: Path) -> None:
    """Save as JPEG without colour subsampling, so that fine strokes keep their colour."""
    for quality in range(93, 80, -1):
        image.save(path, quality=quality, subsampling=0)
        if path.stat().st_size < LARGEST_FILE:
            return


def main(arguments: list[str] | None = None) -> None:
    """Draw the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(description="Draw the project's pictures.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of: {', '.join(NAMES)}")
    parser.add_argument("--output", type=Path, default=HERE, help="folder (default: images/)")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no picture is called {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.names or NAMES:
        began = time.perf_counter()
        path = options.output / f"{name}.jpg"
        save(load(name).draw(), path)
        seconds, kilobytes = time.perf_counter() - began, path.stat().st_size / 1000
        print(f"{path}  {seconds:.1f} s  {kilobytes:.0f} KB")


if __name__ == "__main__":
    main()
