"""How long a painter takes for a picture: colours and network, an untrained one of default size.

    python benchmarks/painter.py [--quick]

What it has learnt does not count for the time. The first two pictures of a size are not counted:
the second one compiles the network. Sizes take turns.
"""

from __future__ import annotations

import statistics
import time

import measure

SIDES, TURNS = (256, 384, 512, 1024), 15  # long sides, of pictures as wide as 3 : 2
TARGET = {384: 100}  # milliseconds


def main():
    given, began = measure.arguments(__doc__), measure.facts()
    import nsthelpers as nst
    from nsthelpers.images.colours import palette
    from nsthelpers.real_time import Architecture, StyleNetwork

    colours = palette(nst.samples.load("swirling_night", max_side=256))
    painter = nst.Painter(StyleNetwork(Architecture()), ["untrained"], [colours])
    photo = nst.samples.load("chelsea")
    photos = {side: nst.resize(photo, size=(round(side / 1.5), side)) for side in SIDES}
    for each in photos.values():
        painter(each), painter(each)
    tasks = {side: lambda each=each: _seconds(painter, each) for side, each in photos.items()}
    seconds = measure.interleave(tasks, 3 if given.quick else TURNS)
    milliseconds = {side: 1000 * statistics.median(of) for side, of in seconds.items()}
    rows = [
        (f"{side} x {round(side / 1.5)}", f"{found:.0f}", TARGET.get(side, ""))
        for side, found in milliseconds.items()
    ]
    measure.show(("px", "ms", "target"), rows)
    measure.save("painter", {"milliseconds": milliseconds, "seconds": seconds}, began)


def _seconds(painter, photo):
    began = time.perf_counter()
    painter(photo)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
