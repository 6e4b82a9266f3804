"""One value-and-gradient of the full objective, beside pastiche (PyTorch) and the machine's limit.

    python benchmarks/evaluation.py [--quick]

Content at block4_conv2, style at the first convolution of all five blocks, total variation: the
same layers and formulas for both, pastiche through its own network and loss code. All that is
compared takes turns, each in a process of its own, and so do matrix products of 4096 x 4096, which
are taken for the machine's limit: one in float32 (the quicker of TensorFlow's and NumPy's), and one
in bfloat16 where that is what the package computes in. "ours" is what the package does by itself,
in the number format that it chooses for this processor; "float32" is the same in float32, and "XLA"
that again, compiled by XLA (up to 512 px). A share is of the limit in the same number format.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
import time
from pathlib import Path

import measure
import numpy as np

SIZES = ((128, 128), (256, 256), (384, 512), (512, 512), (768, 768), (1024, 1024))
QUICK = ((192, 192),)
MATRIX = 4096
XLA_PIXELS = 512 * 512
SECONDS = 18  # of turns at one size, unless three rounds take longer


def pictures(height, width):
    import nsthelpers as nst

    photo = nst.resize(nst.samples.load("astronaut"), size=(height, width))
    painting = nst.resize(nst.samples.load("swirling_night"), size=(height, width))
    return photo, painting


def ours(variant, height, width):
    """Our evaluation; ``variant`` is "ours", "float32" or "XLA"."""
    import nsthelpers as nst
    from nsthelpers import backend

    photo, painting = pictures(height, width)
    if variant == "XLA":
        real = backend.tf.function
        backend.tf.function = lambda *each, **o: real(*each, **(o | {"jit_compile": True}))
    precision = backend.quickest_precision() if variant == "ours" else "float32"
    objective = nst.Content(photo) + 10 * nst.Style(painting) + 0.1 * nst.TotalVariation()
    objective.at(32, 32 * width // height, 0.1, precision)  # starts TensorFlow's kernels
    began = time.perf_counter()
    bound = objective.at(height, width, 1.0, precision)
    prepared = time.perf_counter()
    image = backend.to_tensor(photo)
    bound.evaluate(image)
    first = time.perf_counter() - prepared

    def answer():
        return {
            "targets": prepared - began,
            "first": first,
            "peak": measure.peak_bytes(),
            "precision": precision,
        }

    def turn():
        began = time.perf_counter()
        bound.evaluate(image)
        return {"seconds": time.perf_counter() - began, "peak": measure.peak_bytes()}

    measure.serve(answer, turn)


def pastiche(height, width):
    """Its own class: the loss and the gradient that its optimizer asks for at every step."""
    evaluate, prepared = pastiche_evaluation(*pictures(height, width))
    first = evaluate()
    measure.serve(
        lambda: {"targets": prepared, "first": first, "peak": measure.peak_bytes()},
        lambda: {"seconds": evaluate(), "peak": measure.peak_bytes()},
    )


def pastiche_evaluation(photo, painting):
    """A function that evaluates once and gives its seconds, and those that its targets took."""
    import nsthelpers.images.files as files

    size = photo.shape[1:3]
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{name}.png") for name in ("content", "style")]
        for image, path in zip((photo, painting), paths, strict=True):
            files.save_image(image, path)
        from pastiche.pastiche import PasticheArtist

        began = time.perf_counter()
        artist = PasticheArtist(paths[0], paths[1:], size=size, style_size=size, tv_weight=0.1)
        prepared = time.perf_counter() - began

    def evaluate():
        began = time.perf_counter()
        artist.optimizer.zero_grad()
        loss = artist._calc_loss()
        loss.backward()
        loss.item()
        return time.perf_counter() - began

    return evaluate, prepared


def limit(precision):
    """The machine's limit: how long one large matrix product takes, at best."""
    from nsthelpers.backend import tf

    values = np.random.default_rng(0).normal(size=(MATRIX, MATRIX)).astype("float32")
    tensor = tf.cast(tf.constant(values), precision)

    def tensorflow():
        tf.matmul(tensor, tensor)[0, 0].numpy()

    def numpy():
        values @ values

    candidates = (tensorflow, numpy) if precision == "float32" else (tensorflow,)
    took = {each.__name__: min(measure.interleave({"": each}, 4)[""]) for each in candidates}
    quicker = min(candidates, key=lambda each: took[each.__name__])

    def turn():
        return {"seconds": measure.interleave({"": quicker}, 1)[""][0]}

    measure.serve(lambda: {"by": quicker.__name__, **took}, turn)


def limit_flops():
    return 2 * MATRIX**3


def one_size(height, width, seconds=SECONDS):
    from flops import evaluation_flops

    from nsthelpers.network.layers import STYLE_LAYERS

    flops = evaluation_flops((height, width), style=STYLE_LAYERS)
    with contextlib.ExitStack() as stack:

        def start(*words):
            worker = stack.enter_context(measure.Worker(__file__, *words))
            return worker, worker.answer()

        workers, firsts = {}, {}
        workers["limit float32"], firsts["limit float32"] = start("limit", "float32")
        workers["ours"], firsts["ours"] = start("ours", "ours", height, width)
        precision = firsts["ours"]["precision"]
        if precision != "float32":
            limit_name = f"limit {precision}"
            workers[limit_name], firsts[limit_name] = start("limit", precision)
            workers["float32"], firsts["float32"] = start("ours", "float32", height, width)
        if height * width <= XLA_PIXELS:
            workers["XLA"], firsts["XLA"] = start("ours", "XLA", height, width)
        workers["pastiche"], firsts["pastiche"] = start("pastiche", height, width)
        peaks = {}

        def turn(name):
            answer = workers[name].ask()
            peaks[name] = answer.get("peak")
            return answer["seconds"]

        tasks = {name: lambda name=name: turn(name) for name in workers}
        once = sum(measure.interleave(tasks, 1)[name][0] for name in tasks)  # everything is warm
        rounds = max(3, min(11, math.ceil(seconds / once)))
        taken = measure.interleave(tasks, rounds)
    medians = {name: statistics.median(values) for name, values in taken.items()}
    limits = {
        name.removeprefix("limit "): {
            "by": firsts[name]["by"],
            "flops_per_second": limit_flops() / medians[name],
        }
        for name in workers
        if name.startswith("limit ")
    }

    def share(name):
        found = limits[precision if name == "ours" else "float32"]
        return flops / medians[name] / found["flops_per_second"]

    methods = {
        name: {
            "seconds": medians[name],
            "to_pastiche": measure.paired_ratio(taken[name], taken["pastiche"]),
            "share_of_limit": share(name),
            "peak": peaks[name],
            "targets": firsts[name]["targets"],
            "first": firsts[name]["first"],
        }
        for name in workers
        if not name.startswith("limit ")
    }
    return {
        "size": [height, width],
        "rounds": rounds,
        "flops": flops,
        "limits": limits,
        "precision": precision,
        "seconds": taken,
        "methods": methods,
    }


HEADS = ("px", "who", "seconds", "of limit", "peak MiB", "time / pastiche's", "memory / pastiche's")


def lines(row):
    """One line for each that was measured at this size."""
    peer, size = row["methods"]["pastiche"], f"{row['size'][1]} x {row['size'][0]}"
    for name, of in row["methods"].items():
        label = f"ours ({row['precision']})" if name == "ours" else name
        label = f"ours, {name}" if name in ("float32", "XLA") else label
        yield (
            *(size, label, f"{of['seconds']:.3f}", f"{of['share_of_limit']:.0%}"),
            *(of["peak"] >> 20, f"{of['to_pastiche']:.2f}", f"{of['peak'] / peer['peak']:.2f}"),
        )


def draw(rows):
    drawn, axes = measure.figure()
    for name, style in (("ours", "o-"), ("float32", "o--"), ("XLA", "o:"), ("pastiche", "s-")):
        shown = [row for row in rows if name in row["methods"]]
        shares = [100 * row["methods"][name]["share_of_limit"] for row in shown]
        label = f"ours ({rows[0]['precision']})" if name == "ours" else name
        label = f"ours, {name}" if name in ("float32", "XLA") else label
        axes.plot([math.prod(row["size"]) for row in shown], shares, style, label=label)
    axes.set_xscale("log")
    axes.set_xticks(
        [math.prod(row["size"]) for row in rows],
        [f"{width} x {height}" for height, width in (row["size"] for row in rows)],
        rotation=30,
    )
    axes.minorticks_off()
    axes.axhline(100, color="grey", linewidth=0.7)
    axes.set(ylim=(0, None), xlabel="pixels", ylabel="speed, % of a matrix product's")
    axes.set_title("One value and gradient of the full objective")
    axes.legend()
    measure.save_figure(drawn, "evaluation")


def main():
    given, began, rows = measure.arguments(__doc__), measure.facts(), []
    for height, width in QUICK if given.quick else SIZES:
        rows.append(one_size(height, width, 4 if given.quick else SECONDS))
        if len(rows) == 1:
            for precision, found in rows[0]["limits"].items():
                speed = f"{found['flops_per_second'] / 1e9:.0f} GFLOP/s"
                print(f"limit in {precision}: {speed} ({found['by']})")
        measure.show(HEADS, list(lines(rows[-1])))
        print()
    measure.save("evaluation", {"rows": rows}, began)
    draw(rows)


if __name__ == "__main__":
    if measure.is_worker():
        kind, *words = measure.worker_words()
        jobs = {"ours": ours, "pastiche": pastiche, "limit": limit}
        jobs[kind](*(int(word) if word.isdigit() else word for word in words))
    else:
        main()
