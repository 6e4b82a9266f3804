"""The live page in a real browser: its numbers are the package's, its controls do as they say."""

from __future__ import annotations

import importlib
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

import nsthelpers as nst

pytestmark = pytest.mark.browser

playwright = pytest.importorskip("playwright.sync_api")

FOLDER = Path(__file__).parents[1] / "book" / "live"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PATIENCE = 120_000  # milliseconds; only a failing test waits that long
WEIGHTS = {"content": 1.0, "style": 10.0, "variation": 0.1}
# What the page's own modules make of a picture, step by step, in a worker or without one.
EVALUATE = """async ({ choice, photo, painting, image, weights }) => {
    const { Objective, loadRuntime } = await import("/src/engine.js");
    const { Weights, downTo } = await import("/src/vgg.js");
    const real = ({ data, ...size }) => ({ ...size, data: Float32Array.from(data) });
    window.ort ??= loadRuntime(new URL("/runtime/1.30.0/", location), "wasm");
    const layers = await new Weights(new URL("/weights/", location)).load(
        downTo([choice.content, ...choice.style]));
    const objective = await Objective.make(await window.ort, "wasm", layers, choice,
        { photo: real(photo), painting: real(painting) }, weights);
    const { losses, gradient } = await objective.evaluate(real(image));
    await objective.release();
    return { losses, gradient: Array.from(gradient) };
}"""
DESCEND = """async ({ choice, photo, painting, image, weights, steps }) => {
    const real = ({ data, ...size }) => ({ ...size, data: Float32Array.from(data) });
    const worker = new Worker("/src/worker.js", { type: "module" });
    const found = [];
    const done = new Promise((resolve, reject) => {
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.onmessage = ({ data }) => {
            if (data.error) reject(new Error(data.error));
            if (data.step) found.push(data.step);
            if (data.step?.number === steps) resolve();
        };
    });
    worker.postMessage({ run: { device: "wasm", choice, photo: real(photo),
        painting: real(painting), start: real(image).data, weights } });
    await done;
    worker.terminate();
    return found.map(({ losses, image }) => ({ losses, image: Array.from(image) }));
}"""


@pytest.fixture(scope="module")
def modules():
    """The page's Python files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        names = ("build_live", "eight_bits", "serve_live")
        yield {name: importlib.import_module(name) for name in names}


@pytest.fixture(scope="module")
def address(modules):
    """Where the page is served, built if need be."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm (Node.js), which brings the page's runtime")
    try:
        folder = modules["build_live"].build()
    except nst.weights.WeightsUnavailableError as error:
        pytest.skip(f"no trained weights: {error}")
    with modules["serve_live"].server(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.fail("there is no chromium; install it, or leave out the tests marked browser")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def blank(browser, address):
    """A page of the same origin that does nothing by itself."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/weights/index.json")
    yield page
    page.close()


@pytest.fixture(scope="module")
def network(modules, address):
    """The package's network with the weights that the page has."""
    folder = modules["build_live"].OUTPUT / "weights"
    return nst.VGG(weights=modules["eight_bits"].read(folder))


@pytest.fixture(scope="module")
def pictures():
    """A photograph, a painting of another size, and a picture between them with plain places."""
    photo = nst.samples.load("chelsea", size=(32, 48))
    painting = nst.samples.load("swirling_night", size=(64, 48))
    image = np.clip(photo + np.random.default_rng(0).normal(0, 0.1, photo.shape), 0, 1)
    image[:, 6:20, 8:32] = [1.0, 0.5, 0.0]  # all neighbours are equal: which one is the maximum?
    return {"photo": photo, "painting": painting, "image": image.astype("float32")}


def sent(picture):
    """As the page has it: red, green and blue one after the other."""
    height, width = picture.shape[1:3]
    return {"height": height, "width": width, "data": planar(picture).tolist()}


def planar(picture):
    return np.asarray(picture)[0].transpose(2, 0, 1).ravel()


def objective_of(content, style, pictures, network):
    return (
        WEIGHTS["content"] * nst.Content(pictures["photo"], content, network=network)
        + WEIGHTS["style"] * nst.Style(pictures["painting"], style, network=network)
        + WEIGHTS["variation"] * nst.TotalVariation()
    )


def choice_of(content, style, pictures):
    return {
        "choice": {"content": content, "style": style},
        "weights": WEIGHTS,
        **{name: sent(picture) for name, picture in pictures.items()},
    }


def first_of(blocks):
    return [f"block{block}_conv1" for block in range(1, blocks + 1)]


@pytest.mark.parametrize(
    ("content", "style"),
    [
        ("block3_conv1", first_of(3)),
        ("block4_conv2", first_of(4)),
        ("block1_conv2", first_of(5)),
    ],
)
def test_loss_and_gradient_are_those_of_the_package(blank, network, pictures, content, style):
    found = blank.evaluate(EVALUATE, choice_of(content, style, pictures))
    bound = objective_of(content, style, pictures, network).at(*pictures["photo"].shape[1:3])
    expected = bound.evaluate(pictures["image"])
    assert found["losses"] == pytest.approx(
        {
            "content": expected.terms["content"],
            "style": expected.terms["style"],
            "variation": expected.terms["total_variation"],
            "total": expected.loss,
        },
        rel=1e-4,
    )
    gradient = planar(expected.gradient)
    apart = np.linalg.norm(found["gradient"] - gradient) / np.linalg.norm(gradient)
    assert apart < 1e-3


def test_ten_steps_are_those_of_the_package(blank, network, pictures):
    content, style = "block3_conv1", first_of(3)
    found = blank.evaluate(DESCEND, {**choice_of(content, style, pictures), "steps": 10})
    result = nst.synthesize(
        objective_of(content, style, pictures, network),
        start=pictures["image"], optimizer=nst.Adam(), steps=10, progress=False,
    )  # fmt: skip
    ours = [step["losses"]["total"] for step in found]
    theirs = [record.loss for record in result.history]
    assert len(ours) == 11 and ours[-1] < ours[0] / 2
    assert ours == pytest.approx(theirs, rel=1e-3)
    assert np.abs(found[-1]["image"] - planar(result.image)).mean() < 1e-3
