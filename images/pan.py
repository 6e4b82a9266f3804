"""A film: a window glides over a photograph, painted frame by frame, from one painting to the next.

    python images/pan.py [--output images/gallery/pan.webp]

Seconds on two cores: every frame is one pass through the painter that comes with the package.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nsthelpers as nst
from nsthelpers.images.colours import palette

PHOTOGRAPH, PAINTINGS = "rocket", ("swirling_night", "mosaic_sunset", "expressionist_sky")
WINDOW = 300, 400  # height and width in pixels
FRAMES, MILLISECONDS = 28, 120
SMALLER = 0.72


def frames():
    """Yield the painted frames: the window goes from the left end to the right one."""
    painter = nst.load_painter(PAINTINGS[0])
    photo = nst.samples.load(PHOTOGRAPH, max_side=640)
    colours = palette(photo)  # of the whole, so that they do not change on the way
    height, width = WINDOW
    way = photo.shape[2] - width
    bottom = photo.shape[1]
    for number in range(FRAMES):
        left = round(way * number / (FRAMES - 1))
        place = (len(PAINTINGS) - 1) * number / (FRAMES - 1)
        mix = {name: max(0.0, 1 - abs(place - index)) for index, name in enumerate(PAINTINGS)}
        window = photo[:, bottom - height : bottom, left : left + width]
        painted = painter(window, mix, colours=colours)
        yield nst.to_pil(nst.resize(painted, max_side=round(SMALLER * width)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    gallery = Path(__file__).parent / "gallery"
    parser.add_argument("--output", type=Path, default=gallery / "pan.webp")
    given = parser.parse_args()
    made = list(frames())
    there_and_back = made + made[-2:0:-1]
    made[0].save(
        given.output,
        save_all=True,
        append_images=there_and_back[1:],
        duration=MILLISECONDS,
        loop=0,
        quality=45,
        method=6,
    )
    print(f"{given.output}: {len(there_and_back)} frames, {given.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
