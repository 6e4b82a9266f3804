"""The camera page in a real browser: it paints as the package does, also what a camera sees."""

from __future__ import annotations

import base64
import contextlib
import re

import live_pages
import numpy as np
import pytest
from live_pages import PATIENCE
from PIL import Image
from small_painters import small_painter

import nsthelpers as nst

pytestmark = pytest.mark.browser
live = pytest.mark.live  # what a visitor does: `make livecheck` has it, `make test` has not

playwright = pytest.importorskip("playwright.sync_api")

# What the page's own worker makes of a file and a picture.
PAINT = """async ({ file, picture, size, mix, mirrored }) => {
    const bytes = async (data) => (await fetch("data:;base64," + data)).arrayBuffer();
    const worker = new Worker("/src/camera_worker.js", { type: "module" });
    const answer = (wanted) => new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => {
            if (data.refused || data.failed) reject(new Error(data.refused ?? data.failed));
            if (data[wanted]) resolve(data[wanted]);
        };
    });
    const opened = answer("opened");
    worker.postMessage({ open: { name: "mine", file: await bytes(file) } });
    const { paintings } = await opened;
    const bitmap = await createImageBitmap(new Blob([await bytes(picture)], { type: "image/png" }));
    const painted = answer("painted");
    worker.postMessage({ paint: { bitmap, size, mix, mirrored, moving: false } });
    const { pixels } = await painted;
    worker.terminate();
    return { paintings, pixels: Array.from(pixels) };
}"""
PIXELS = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [...data];
}"""


@pytest.fixture(scope="module")
def browser():
    with live_pages.browser(*live_pages.CAMERA) as found:
        yield found


@pytest.fixture(scope="module")
def painters(tmp_path_factory):
    """The files of a painter of two paintings, in both formats."""
    folder = tmp_path_factory.mktemp("painters")
    saved = small_painter("night", "day").save(folder / "both.safetensors")
    pytest.importorskip("onnx")
    # Out of the file, whose numbers have 16 bits.
    return {"safetensors": saved, "onnx": nst.load_painter(saved).export(folder / "both.onnx")}


@pytest.mark.parametrize(("kind", "mirrored"), [("safetensors", True), ("onnx", False)])
def test_it_paints_what_the_package_paints(browser, address, painters, kind, mirrored):
    photo = nst.samples.load("coffee", size=(48, 64))
    mix = [0.75, 0.25]
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/pictures/index.json")
    found = page.evaluate(PAINT, {
        "file": base64_of(painters[kind].read_bytes()),
        "picture": base64_of(nst.images.to_png_bytes(photo)),
        "size": {"height": 48, "width": 64},
        "mix": mix,
        "mirrored": mirrored,
    })  # fmt: skip
    page.close()
    pixels = np.reshape(found["pixels"], (48, 64, 4))
    seen = nst.images.to_uint8(photo)[None].astype("float32") / 255
    seen = seen[:, :, ::-1] if mirrored else seen
    expected = 255 * nst.load_painter(painters["safetensors"])(seen, mix)[0]
    assert found["paintings"] == ["night", "day"]
    assert (pixels[..., 3] == 255).all()
    assert np.abs(pixels[..., :3] - expected).max() < 1  # both are rounded, and float32
    assert np.abs(expected / 255 - seen[0]).mean() > 0.02  # it was not merely handed through


def base64_of(data):
    return base64.b64encode(data).decode()


@pytest.fixture
def page(browser, address):
    """The camera page, as a visitor has it."""
    with visit(browser, address) as opened:
        yield opened


@contextlib.contextmanager
def visit(browser, address, script=""):
    context = browser.new_context(viewport={"width": 1280, "height": 1100}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    errors, asked = [], []
    page.on("pageerror", lambda error: errors.append(error))
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(script)
    page.goto(f"{address}/camera.html")
    page.get_by_role("radio", name="Coffee cup").wait_for()
    # Smaller than a visitor can choose: tests shall be quick.
    page.get_by_label("Long side").evaluate(
        "select => { select.add(new Option('64 pixels', '64')); select.value = '64'; }"
    )
    yield page
    assert not errors
    assert all(url.startswith((address, "blob:", "data:")) for url in asked)
    context.close()


def take(page, file):
    page.get_by_label("Painter’s file").set_input_files(file)
    playwright.expect(page.locator("#status")).to_have_text(f"{file.name} is ready")


def wait_for_painting(page, text=r"^64 × \d+ pixels · painted in \d+ ms$"):
    playwright.expect(page.locator("#counter")).to_have_text(re.compile(text))


def pixels(page):
    """What the canvas shows now, as a plain array."""
    return np.array(page.locator("#canvas").evaluate(PIXELS), "float32")


@live
def test_what_is_large_is_fetched_when_somebody_asks_for_it(browser, address):
    asked = []
    with visit(browser, address) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        status = page.locator("#status")
        playwright.expect(status).to_have_text(re.compile("Start the camera, or choose a picture"))
        assert not [url for url in asked if url.endswith((".safetensors", ".gz"))]
        page.locator("#photograph").get_by_role("radio").first.click()  # chosen already
        playwright.expect(page.locator("#canvas")).to_have_attribute(
            "aria-label", re.compile("chelsea, painted")
        )
    assert {url.rpartition(".")[2] for url in asked} >= {"safetensors", "gz"}


@live
def test_the_camera_is_painted_held_and_saved(page, painters):
    start, save = page.locator("#start"), page.locator("#save")
    playwright.expect(save).to_be_disabled()
    take(page, painters["safetensors"])
    start.click()
    wait_for_painting(page, r"^[\d.]+ frames per second · 64 × 48 pixels · painted")
    playwright.expect(page.locator("#status")).to_have_text("Painting what the camera sees")
    first = pixels(page)
    page.wait_for_function(  # Chromium's camera shows a clock: no picture is as the one before
        f"first => ({PIXELS})(document.getElementById('canvas')).some((v, i) => v !== first[i])",
        arg=first.tolist(),
    )
    start.click()
    playwright.expect(page.locator("#status")).to_have_text("The camera is off")
    wait_for_painting(page)
    playwright.expect(start).to_have_text("Start camera")
    assert page.locator("#video").evaluate("video => video.srcObject") is None
    # Its last picture stays, and can be painted otherwise.
    held = pixels(page)
    page.get_by_label("mirror").uncheck()
    page.wait_for_function(
        f"first => ({PIXELS})(document.getElementById('canvas')).some((v, i) => v !== first[i])",
        arg=held.tolist(),
    )
    with page.expect_download() as download:
        save.click()
    assert download.value.suggested_filename == "camera-night.png"
    with Image.open(download.value.path()) as saved:
        assert saved.size == (64, 48)


@live
def test_paintings_are_chosen_and_mixed(page, painters):
    take(page, painters["onnx"])
    wait_for_painting(page)
    painting = page.get_by_label("Painting", exact=True)
    night, day = (page.get_by_role("slider", name=name) for name in ("night", "day"))
    before = pixels(page)
    day.press("End")
    playwright.expect(painting).to_have_value("a mixture")
    playwright.expect(page.locator("output").nth(1)).to_have_text("50 %")
    painting.select_option("day")
    playwright.expect(night).to_have_value("0")
    canvas = page.locator("#canvas")
    playwright.expect(canvas).to_have_attribute(
        "aria-label", "chelsea, painted in the manner of day"
    )
    assert np.abs(pixels(page) - before).max() > 5
    day.press("Home")
    trouble = page.get_by_role("alert")
    playwright.expect(trouble).to_have_text(re.compile("move at least one slider above 0"))
    night.press("ArrowRight")
    playwright.expect(trouble).to_be_hidden()
    playwright.expect(painting).to_have_value("night")


@live
def test_what_is_no_painter_is_named_and_the_old_one_stays(page, painters, tmp_path):
    take(page, painters["safetensors"])
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(painters["safetensors"].read_bytes()[:-100])
    page.get_by_label("Painter’s file").set_input_files(cut)
    trouble = page.get_by_role("alert")
    playwright.expect(trouble).to_have_text(
        re.compile(r"Cut\.safetensors is no painter: it is cut short; .*painter\.save\(")
    )
    playwright.expect(page.get_by_label("Which one")).to_have_value("both.safetensors")
    page.get_by_role("radio", name="Coffee cup").check()
    playwright.expect(page.locator("#canvas")).to_have_attribute("aria-label", re.compile("coffee"))
    playwright.expect(trouble).to_be_hidden()


@live
def test_files_can_be_dropped(page, painters, tmp_path):
    Image.new("RGB", (80, 120), "orange").save(tmp_path / "mine.png")
    for path in (tmp_path / "mine.png", painters["safetensors"]):
        transfer = page.evaluate_handle(
            """async ([name, data]) => {
                const transfer = new DataTransfer();
                const file = await (await fetch("data:;base64," + data)).blob();
                transfer.items.add(new File([file], name));
                return transfer;
            }""",
            [path.name, base64_of(path.read_bytes())],
        )
        page.locator("main").dispatch_event("drop", {"dataTransfer": transfer})
    label = "mine, painted in the manner of night"
    playwright.expect(page.locator("#canvas")).to_have_attribute("aria-label", label)
    wait_for_painting(page, "^48 × 64 pixels")


REFUSE = """navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("no", "NotAllowedError");
};"""
HIDE = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"


@live
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (REFUSE, "The camera was not allowed. Allow it by the sign beside"),
        (REFUSE.replace("NotAllowed", "NotFound"), "There is no camera here. Connect one, and"),
        (REFUSE.replace("NotAllowed", "NotReadable"), "another program may have it. Close"),
        (REFUSE.replace("NotAllowed", "Abort"), r"The camera could not be started \(no\). Try"),
        (HIDE, "cameras only to addresses that begin with https"),
    ],
)
def test_without_a_camera_a_picture_is_painted_and_the_reason_said(
    browser, address, painters, script, reason
):
    with visit(browser, address, script) as page:
        take(page, painters["safetensors"])
        page.locator("#start").click()
        trouble = page.get_by_role("alert")
        playwright.expect(trouble).to_have_text(re.compile(f"{reason}.*choose a picture"))
        page.get_by_role("radio", name="Coffee cup").check()
        playwright.expect(trouble).to_be_hidden()
        canvas = page.locator("#canvas")
        playwright.expect(canvas).to_have_attribute("aria-label", re.compile("coffee, painted"))


@live
def test_it_fits_a_phone_and_leads_to_the_live_page(page, painters):
    take(page, painters["safetensors"])
    page.set_viewport_size({"width": 360, "height": 740})
    papers = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(250, 249, 246)", "rgb(22, 24, 28)"]
    page.get_by_role("link", name="Step by step").click()
    page.get_by_text("the first run downloads").wait_for()
    page.get_by_role("link", name="Through the camera").click()
    page.wait_for_url("**/camera.html")


@live
def test_painters_of_the_package_are_offered(modules, tmp_path, painters):
    folder = tmp_path / "painters"
    modules["build_live"].save_painters(folder, painters["safetensors"].parent)
    assert (folder / "index.json").read_text() == '[\n {\n  "file": "both.safetensors"\n }\n]\n'
    assert (folder / "both.safetensors").read_bytes() == painters["safetensors"].read_bytes()
