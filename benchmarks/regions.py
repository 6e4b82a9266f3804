"""What regions cost: one value and gradient with none, one, two and five of them.

    python benchmarks/regions.py [--quick]

Content at block4_conv2, style at the first convolution of all five blocks, total variation: the
default layers. Regions are columns of equal width, each with a painting of its own; with none, one
painting is compared with the whole picture. Every number of regions runs in a process of its own,
whose peak memory is shown, and all of one size take turns. Processor seconds are beside those of
the clock, because other programs on a machine disturb them less.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from pathlib import Path

import measure
import numpy as np

SIZES = ((256, 384), (426, 640))
QUICK = ((128, 192),)
COUNTS = (0, 1, 2, 5)
ROUNDS = 7
HEADS = ("px", "regions", "s", "x none", "processor s", "x none", "peak MiB", "MiB more")


def objective(count, height, width):
    import nsthelpers as nst

    photo = nst.resize(nst.samples.load("astronaut"), size=(height, width))
    named = [each.name for each in nst.samples.credits() if each.kind == "drawn"]
    paintings = [
        nst.resize(nst.samples.load(name), size=(height, width)) for name in named[: max(1, count)]
    ]
    columns = np.arange(width) * count // width
    regions = [np.tile(columns == each, (height, 1)).astype("float32") for each in range(count)]
    styles = [
        (10 / len(paintings)) * nst.Style(painting, region=region)
        for painting, region in zip(paintings, regions or [None], strict=True)
    ]
    return nst.Content(photo) + sum(styles) + 0.1 * nst.TotalVariation(), photo


def work(count, height, width):
    from nsthelpers import backend

    made, photo = objective(count, height, width)
    bound = made.at(height, width, 1.0, backend.quickest_precision())
    image = backend.to_tensor(photo)
    bound.evaluate(image)

    def turn():
        began, busy = time.perf_counter(), time.process_time()
        bound.evaluate(image)
        return {
            "seconds": time.perf_counter() - began,
            "processor": time.process_time() - busy,
            "peak": measure.peak_bytes(),
        }

    measure.serve(lambda: {"terms": len(made.parts)}, turn)


def one_size(size):
    script, processor, peaks = Path(__file__), {count: [] for count in COUNTS}, {}
    with contextlib.ExitStack() as stack:
        workers = {}
        for count in COUNTS:
            workers[count] = stack.enter_context(measure.Worker(script, count, *size))
            workers[count].answer()

        def turn(count):
            answer = workers[count].ask()
            processor[count].append(answer["processor"])
            peaks[count] = answer["peak"]
            return answer["seconds"]

        taken = measure.interleave({n: lambda n=n: turn(n) for n in COUNTS}, ROUNDS)
    return [
        {
            "size": size,
            "regions": count,
            "seconds": statistics.median(taken[count]),
            "to_none": measure.paired_ratio(taken[count], taken[0]),
            "processor": statistics.median(processor[count]),
            "processor_to_none": measure.paired_ratio(processor[count], processor[0]),
            "peak": peaks[count],
            "more": peaks[count] - peaks[0],
        }
        for count in COUNTS
    ]


def lines(row):
    """One row of the table."""
    height, width = row["size"]
    return (
        f"{width} x {height}",
        row["regions"],
        f"{row['seconds']:.3f}",
        f"{row['to_none']:.2f}",
        f"{row['processor']:.2f}",
        f"{row['processor_to_none']:.2f}",
        row["peak"] >> 20,
        row["more"] >> 20,
    )


def main():
    given, began = measure.arguments(__doc__), measure.facts()
    rows = [row for size in (QUICK if given.quick else SIZES) for row in one_size(size)]
    measure.show(HEADS, [lines(row) for row in rows])
    measure.save("regions", {"rows": rows}, began)


if __name__ == "__main__":
    if measure.is_worker():
        work(*map(int, measure.worker_words()))
    else:
        main()
