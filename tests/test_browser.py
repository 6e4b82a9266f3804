"""What a student meets in a real browser, driven by playwright: studio, and sliders."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter
from nbformat.sign import NotebookNotary
from PIL import Image

from nsthelpers.plots import before_after, slider_figure

pytestmark = pytest.mark.browser

playwright = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "notebooks" / "04_transfer_style.ipynb"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PATIENCE = 180_000  # milliseconds; only a failing test waits that long


@pytest.fixture(scope="module")
def page():
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.fail(
            "there is no chromium; install it (Debian: apt-get install chromium) or leave these "
            'tests out with pytest -m "not browser"'
        )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 1500})
        page.set_default_timeout(PATIENCE)
        playwright.expect.set_options(timeout=PATIENCE)
        yield page
        browser.close()


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab server of its own; gives its folder and the address of a file in it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = tmp_path / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # All cells are in the page, not only those in view.
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    quiet = settings.parent / "apputils-extension"
    quiet.mkdir()
    (quiet / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    folder = tmp_path / "notebooks"
    folder.mkdir()
    private = (
        "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )  # fmt: skip
    environment = {
        **os.environ,
        **{name: str(tmp_path / name.lower()) for name in private},
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "NST_PROFILE": "fast",
        "PYTHONPATH": str(ROOT),
    }
    token = os.urandom(16).hex()
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ip=127.0.0.1", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    server = subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    log = []
    for line in server.stderr:
        log.append(line)
        if "/lab?token=" in line:
            break
    while not listening(port):  # a moment after that line
        if server.poll() is not None:
            pytest.fail("JupyterLab did not start:\n" + "".join(log[-20:]))
    drain = threading.Thread(target=server.stderr.read)  # a full pipe would stop the server
    drain.start()
    yield folder, lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}?token={token}"
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    drain.join()
    server.stderr.close()


def listening(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def open_and_run(page, address):
    """Open a notebook and run all of its cells."""
    page.goto(address)
    page.get_by_text("(ipykernel) | Idle").wait_for()  # cells run before that are dropped
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator('[data-command="runmenu:run-all"]').click()


def test_studio_runs_and_stops(page, lab, tmp_path):
    folder, address = lab
    lesson = json.loads(LESSON.read_text(encoding="utf-8"))
    # The other cells paint for minutes; that they run is shown elsewhere.
    needed = ("setup", "parameters", "play", "play-panel")
    lesson["cells"] = [cell for cell in lesson["cells"] if cell["id"] in needed]
    assert len(lesson["cells"]) == len(needed)
    (folder / LESSON.name).write_text(json.dumps(lesson), encoding="utf-8")
    screenshots = Path(os.environ.get("NST_SCREENSHOTS", tmp_path))
    screenshots.mkdir(parents=True, exist_ok=True)
    open_and_run(page, address(LESSON.name))
    panel = page.locator(".jp-OutputArea .widget-vbox", has_text="style weight").first
    panel.scroll_into_view_if_needed()
    page.screenshot(path=screenshots / "studio_before.png")

    steps = panel.locator(".widget-slider", has_text="steps")
    handle = steps.locator(".noUi-handle")
    handle.focus()
    handle.press("End")
    playwright.expect(steps.locator(".widget-readout")).to_have_text("500")

    picture = panel.locator("img.widget-image").last
    before = picture.get_attribute("src")
    run, stop = (panel.locator("button", has_text=text) for text in ("Run", "Stop"))
    run.click()
    playwright.expect(picture).not_to_have_attribute("src", before)
    panel.get_by_text(re.compile(r"Step [1-9]\d* of")).wait_for()
    page.screenshot(path=screenshots / "studio_running.png")

    stop.click()
    stopped = panel.get_by_text(re.compile(r"Stopped at step \d+"))
    stopped.wait_for()
    playwright.expect(run).to_be_enabled()
    playwright.expect(stop).to_be_disabled()
    panel.get_by_text("Download the picture").wait_for()
    page.screenshot(path=screenshots / "studio_stopped.png")
    assert int(re.search(r"step (\d+)", stopped.inner_text())[1]) < 500


AXES = {"layer": ["conv1_2", "conv3_2", "conv5_2"], "steps": ["10", "100"]}


def waves(number, height=48, width=72):
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    channels = [np.sin(3 * x + number), np.cos(4 * y - number), np.sin(5 * x * y + 2 * number)]
    return (0.5 + 0.5 * np.stack(channels, axis=-1))[None].astype("float32")


@pytest.fixture(scope="module")
def figures():
    """Two figures, the second of which lacks a picture; and their pictures."""
    pictures = [waves(number) for number in range(6)], [waves(10), None, waves(12)]
    captions = [f"loss {number}" + ", at last" * (number == 3) for number in range(6)]
    first = slider_figure(
        pictures[0], AXES, captions=captions, title="Waves", description="Six waves.",
        beside={"photograph": waves(20), "painting": waves(21, 60, 40)},
    )  # fmt: skip
    second = slider_figure(pictures[1], {"number": ["1", "2", "3"]}, description="Three waves.")
    return (first, second), pictures


def number_shown(root, pictures):
    """Which of the pictures the canvas shows, read from its pixels; None where it shows none."""
    uri = root.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))) / 255
    if shown[..., 3].max() == 0:
        return None
    apart = [
        np.inf if picture is None else np.abs(shown[..., :3] - picture[0]).mean()
        for picture in pictures
    ]
    assert sorted(apart)[0] < 0.03 < 0.1 < sorted(apart)[1]
    return int(np.argmin(apart))


def check_sliders(page, pictures):
    """The first figure, the second, and the first once more stand on the page, and all work."""
    roots = page.locator(".nst-sliders")
    playwright.expect(page.locator(".nst-sliders canvas")).to_have_count(3)
    first, second, again = (roots.nth(number) for number in range(3))
    for root in (first, second, again):
        playwright.expect(root.locator(".nst-still")).to_be_hidden()
    layer, steps = first.get_by_label("layer", exact=True), first.get_by_label("steps", exact=True)
    picture, caption = first.get_by_role("img", name="Six waves."), first.locator("p[aria-live]")
    assert number_shown(first, pictures[0]) == 0

    layer.focus()
    page.keyboard.press("ArrowRight")
    playwright.expect(picture).to_have_attribute(
        "aria-label", "Six waves. Shown: layer conv3_2, steps 10; loss 2"
    )
    assert number_shown(first, pictures[0]) == 2
    before = first.bounding_box()
    page.keyboard.press("Tab")
    if not steps.evaluate("element => element === document.activeElement"):
        page.keyboard.press("Tab")  # past the button that plays
    page.keyboard.press("End")
    playwright.expect(caption).to_have_text("loss 3, at last")
    playwright.expect(first.locator("output")).to_have_text(["conv3_2", "100"])
    assert steps.get_attribute("aria-valuetext") == "100"
    assert number_shown(first, pictures[0]) == 3
    assert first.bounding_box()["height"] == before["height"]

    number = second.get_by_label("number", exact=True)
    number.press("ArrowRight")
    playwright.expect(second.get_by_text("not computed")).to_be_visible()
    assert number_shown(second, pictures[1]) is None
    number.press("ArrowRight")
    playwright.expect(second.get_by_text("not computed")).to_be_hidden()
    assert number_shown(second, pictures[1]) == 2
    # The others have not moved along, not even the one that is the same.
    assert number_shown(first, pictures[0]) == 3
    assert number_shown(again, pictures[0]) == 0
    again.get_by_label("layer", exact=True).press("End")
    assert number_shown(again, pictures[0]) == 4
    assert number_shown(first, pictures[0]) == 3


def check_alternative_text(page):
    picture = page.get_by_role("img", name="Two pictures side by side: before; after.")
    playwright.expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 800


def saved(figures):
    """A notebook as a run leaves it: first, second and first figure, and one without sliders."""
    first, second = figures
    shown = first, second, first, before_after(waves(1), waves(2))
    notebook = nbformat.from_dict(notebook_of(*["figure"] * 4))
    for cell, figure in zip(notebook.cells, shown, strict=True):
        data = {"text/plain": repr(figure), "text/html": figure._repr_html_()}
        cell.outputs = [nbformat.v4.new_output("display_data", data)]
    return notebook


def test_sliders_work_on_a_plain_page(page, figures, tmp_path):
    (first, second), pictures = figures
    path = first.save(tmp_path / "page.html")
    together = f"{first.html}\n{second.html}\n{first.html}"
    path.write_text(first.page.replace(first.html, together), encoding="utf-8")
    errors = []
    page.once("pageerror", lambda error: errors.append(error))
    page.goto(path.as_uri())
    check_sliders(page, pictures)
    assert not errors


def test_sliders_work_where_a_page_runs_scripts_in_its_own_way(page, figures):
    """All figures are there before the first script runs, and none knows which one it is."""
    (first, second), pictures = figures
    page.goto("about:blank")
    page.evaluate(
        """markup => {
            document.body.innerHTML = markup;
            for (const script of document.querySelectorAll("script")) eval(script.textContent);
        }""",
        first.html + second.html + first.html,
    )
    check_sliders(page, pictures)


def test_sliders_work_on_a_page_made_by_nbconvert(page, figures, tmp_path):
    path = tmp_path / "lesson.html"
    made, _ = HTMLExporter().from_notebook_node(saved(figures[0]))
    path.write_text(made, encoding="utf-8")
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    check_sliders(page, figures[1])
    check_alternative_text(page)


@pytest.mark.parametrize("trusted", [True, False])
def test_sliders_in_a_notebook_without_a_kernel(page, lab, figures, tmp_path, trusted):
    folder, address = lab
    notebook = saved(figures[0])
    # JupyterLab asks for a kernel where it finds none of that name and language.
    notebook.metadata.kernelspec = {"name": "none", "display_name": "None", "language": "none"}
    notebook.metadata.language_info.name = "none"
    nbformat.write(notebook, folder / "lesson.ipynb")
    if trusted:
        with NotebookNotary(data_dir=str(tmp_path / "jupyter_data_dir")) as notary:
            notary.sign(notebook)
    page.goto(address("lesson.ipynb"))
    page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    playwright.expect(page.get_by_role("button", name="No Kernel", exact=True)).to_be_visible()
    check_alternative_text(page)
    if trusted:
        check_sliders(page, figures[1])
    else:
        playwright.expect(page.locator(".nst-still")).to_have_count(3)
        playwright.expect(page.locator(".nst-still").first).to_be_visible()
        assert page.locator(".nst-sliders canvas").count() == 0


def test_without_scripts_the_still_picture_stays(page, figures, tmp_path):
    path = figures[0][0].save(tmp_path / "page.html")
    plain = page.context.browser.new_context(java_script_enabled=False).new_page()
    plain.goto(path.as_uri())
    still = plain.get_by_role("img", name="Six waves. All pictures side by side.")
    playwright.expect(still).to_be_visible()
    assert still.bounding_box()["width"] > 100
    assert plain.get_by_role("img").count() == 3 and plain.get_by_role("slider").count() == 0
    plain.context.close()


def test_play_moves_one_slider_and_reduced_motion_takes_it_away(page, figures, tmp_path):
    page.goto(figures[0][0].save(tmp_path / "page.html").as_uri())
    play, steps = page.get_by_role("button", name="Play: steps"), page.locator("output").last
    play.click()
    for label in ("100", "10", "100"):
        playwright.expect(steps).to_have_text(label)
    page.get_by_label("layer", exact=True).press("End")  # whoever moves a slider wants to look
    playwright.expect(play).to_have_attribute("aria-pressed", "false")
    page.emulate_media(reduced_motion="reduce")
    playwright.expect(play).to_be_hidden()
    page.emulate_media(reduced_motion="no-preference")
    playwright.expect(play).to_be_visible()


def test_a_prediction_is_made_by_button_and_judged_by_a_later_cell(page, lab):
    folder, address = lab
    cells = [
        "import nsthelpers as nst",
        'nst.predict("doubled_features")',
        'nst.predict("doubled_features", actual=4.0)',
        'nst.check("gram_matrix", lambda features: ...)',
    ]
    (folder / LESSON.name).write_text(json.dumps(notebook_of(*cells)))
    open_and_run(page, address(LESSON.name))
    outputs = page.locator(".jp-OutputArea")
    outputs.get_by_text("You made no prediction. It came out as c) 4").wait_for()
    outputs.get_by_role("button", name="c", exact=True).click()
    outputs.get_by_text("Your prediction: c) 4. Now run on, and see.").wait_for()
    page.locator(".jp-CodeCell .cm-content").nth(2).click()
    page.keyboard.press("Control+Enter")
    outputs.get_by_text("You predicted it: c) 4 (measured: 4).").wait_for()

    hint = outputs.locator("summary", has_text="Hint 2")
    playwright.expect(hint).to_be_hidden()
    outputs.locator("summary", has_text="Hint 1").click()
    playwright.expect(hint).to_be_visible()


def test_the_mixing_panel_follows_its_sliders(page, lab):
    folder, address = lab
    cells = [
        "import sys\nsys.path.append(" + repr(str(ROOT / "tests")) + ")",
        "import nsthelpers as nst\nfrom small_painters import small_painter",
        'nst.widgets.mixing_panel(small_painter("night", "day"), side=64)',
    ]
    (folder / LESSON.name).write_text(json.dumps(notebook_of(*cells)))
    open_and_run(page, address(LESSON.name))
    panel = page.locator(".jp-OutputArea .widget-vbox", has_text="Upload your own").first
    picture, day = (
        panel.locator("img.widget-image").last,
        panel.locator(".widget-slider", has_text="day"),
    )
    before = picture.get_attribute("src")
    handle = day.locator(".noUi-handle")
    handle.focus()
    handle.press("End")
    playwright.expect(day.locator(".widget-readout")).to_have_text("1.00")
    playwright.expect(picture).not_to_have_attribute("src", before)
    panel.locator("button", has_text="Save").click()
    panel.get_by_text("Download the picture").wait_for()


def draw(page, canvas, *points):
    """Draw a stroke with the mouse, through points (down, across) in shares of the canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    places = [(box["x"] + a * box["width"], box["y"] + d * box["height"]) for d, a in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


FRONT = """\
import nsthelpers as nst

untrained = nst.VGG(weights="random")
panel = nst.widgets.front_panel("coffee", "stained_glass", network=untrained)
panel"""
TOLD = """\
height, width = panel.mask.array.shape
for side, strokes in panel.strokes.items():
    for points, brush in strokes:
        places = [panel.mask.array[int(d * height), int(a * width)] for d, a in points]
        ends = [[round(float(share), 1) for share in points[end]] for end in (0, -1)]
        print(side, len(points) > 8, brush, *ends, *sorted(set(map(float, places))))"""


def test_strokes_drawn_in_the_page_mark_what_is_in_front(page, lab, tmp_path):
    folder, address = lab
    (folder / LESSON.name).write_text(json.dumps(notebook_of(FRONT, TOLD)))
    screenshots = Path(os.environ.get("NST_SCREENSHOTS", tmp_path))
    screenshots.mkdir(parents=True, exist_ok=True)
    open_and_run(page, address(LESSON.name))
    panel = page.locator(".jp-OutputArea .widget-vbox", has_text="mark it by").first
    canvas, said = panel.locator(".nst-strokes canvas"), panel.locator(".nst-strokes p")
    playwright.expect(panel.get_by_text("pen, down")).to_be_hidden()  # sliders are not needed
    assert canvas.bounding_box()["width"] > 200

    draw(page, canvas, (0.3, 0.3), (0.7, 0.3), (0.7, 0.6))
    playwright.expect(said).to_have_text("1 stroke")  # Python is done with it
    panel.get_by_role("button", name="behind", exact=True).first.click()
    panel.get_by_label("brush").press("End")
    draw(page, canvas, (0.2, 0.8), (0.5, 0.9))
    playwright.expect(said).to_have_text("2 strokes")
    draw(page, canvas, (0.5, 0.5), (0.6, 0.6))
    playwright.expect(said).to_have_text("3 strokes")
    panel.get_by_role("button", name="undo", exact=True).first.click()
    playwright.expect(said).to_have_text("2 strokes")
    page.screenshot(path=screenshots / "strokes_light.png")

    page.locator(".jp-CodeCell .cm-content").nth(1).click()
    page.keyboard.press("Control+Enter")
    told = page.locator(".jp-OutputArea-output pre")
    expected = (
        "in front True 0.03 [0.3, 0.3] [0.7, 0.6] 1.0\nbehind True 0.12 [0.2, 0.8] [0.5, 0.9] 0.0"
    )
    playwright.expect(told.last).to_have_text(expected, use_inner_text=True)


# The canvas with a stand-in for the kernel, which answers when it is told to.
STAND_IN = """async ([code, css, picture]) => {
    const { default: widget } = await import(URL.createObjectURL(
        new Blob([code], { type: "text/javascript" })));
    document.body.innerHTML = `<style>${css}</style><div id="place"></div>`;
    const state = { strokes: [], taken: 0, shown: false,
        picture: new DataView(await (await fetch(picture)).arrayBuffer()) };
    const heard = {}, sent = [];
    const model = {
        get: (name) => state[name],
        set: (name, value) => { state[name] = value; },
        save_changes: () => sent.push(state.strokes),
        on: (event, answer) => { heard[event] = answer; },
        off: (event) => { delete heard[event]; },
    };
    window.python = { sent, state, heard,
        answer: () => {  // a real kernel sends the strokes back, before all else
            state.strokes = structuredClone(state.strokes);
            heard["change:strokes"]();
            heard["change:taken"]();
        },
        tell: (strokes) => { state.strokes = strokes; heard["change:strokes"](); },
    };
    window.remove = widget.render({ model, el: document.getElementById("place") });
}"""


@pytest.fixture
def canvas(page):
    from nsthelpers.images.html import data_uri
    from nsthelpers.widgets.strokes import StrokeCanvas

    stream = io.BytesIO()
    Image.fromarray((255 * waves(3, 240, 360)[0]).astype("uint8")).save(stream, "png")
    page.goto("about:blank")
    page.evaluate(
        STAND_IN, [StrokeCanvas._esm, StrokeCanvas._css, data_uri(stream.getvalue(), "png")]
    )
    page.wait_for_function("document.querySelector('canvas').width === 880")
    return page.locator("canvas")


def sent(page):
    return page.evaluate("python.sent.at(-1)")


def test_strokes_by_keys(page, canvas):
    assert page.evaluate("python.state.shown")
    canvas.focus()
    for key in ("Enter", "ArrowUp", "ArrowUp", "Enter", "Escape", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.evaluate("python.answer()")
    points = [[[0.5, 0.5], [0.46, 0.5]], [[0.46, 0.48]]]
    assert [each["points"] for each in sent(page)] == points
    page.keyboard.press("Shift+Tab")  # to "clear", the last of the buttons
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    page.evaluate("python.answer()")
    assert [each["points"] for each in sent(page)] == points[:1]
    page.get_by_role("button", name="clear").press("Enter")
    page.evaluate("python.answer()")
    assert sent(page) == [] and page.get_by_role("button", name="undo").is_disabled()


def test_a_finger_draws_and_a_second_one_does_not(page, canvas):
    page.evaluate(
        """() => {
            const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
            canvas.setPointerCapture = () => {};  // these pointers are made up
            const tell = (type, pointerId, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
                pointerId, pointerType: "touch", button: type === "pointermove" ? -1 : 0,
                clientX: box.left + x * box.width, clientY: box.top + y * box.height,
                bubbles: true, cancelable: true }));
            tell("pointerdown", 7, 0.1, 0.2);
            tell("pointerdown", 8, 0.9, 0.9);
            tell("pointermove", 8, 0.8, 0.9);
            tell("pointermove", 7, 0.1, 0.6);
            tell("pointermove", 7, 2.0, 0.6);  // beyond the border
            tell("pointerup", 8, 0.8, 0.9);
            tell("pointercancel", 7, 2.0, 0.6);
        }"""
    )
    (stroke,) = sent(page)
    assert stroke["points"] == [[0.2, 0.1], [0.6, 0.1], [0.6, 1]] and stroke["side"] == "in front"
    assert canvas.evaluate("canvas => getComputedStyle(canvas).touchAction") == "none"


def test_what_is_drawn_while_python_works_goes_together(page, canvas):
    before = page.evaluate("python.sent.length")
    for down in (0.2, 0.4, 0.6):
        draw(page, canvas, (down, 0.2), (down, 0.8))
    assert page.evaluate("python.sent.length") == before + 1 and len(sent(page)) == 1
    assert "3 strokes; looking" in page.locator("p").inner_text()
    page.evaluate("python.answer()")
    assert page.evaluate("python.sent.length") == before + 2 and len(sent(page)) == 3
    page.evaluate("python.answer()")
    assert page.evaluate("python.sent.length") == before + 2
    page.evaluate("python.tell([])")
    assert page.locator("p").inner_text() == "0 strokes"
    page.evaluate("remove()")
    assert page.evaluate("Object.keys(python.heard).length") == 0


def test_strokes_are_seen_where_they_lie(page, canvas):
    draw(page, canvas, (0.5, 0.2), (0.5, 0.4))
    colour = (
        "([x, y]) => [...document.querySelector('canvas').getContext('2d')"
        ".getImageData(x, y, 1, 1).data]"
    )
    red, green, blue, _ = page.evaluate(colour, [264, 293])
    plain = 255 * waves(3, 240, 360)[0, 120, 108]
    expected = 0.8 * np.array([0, 158, 115]) + 0.2 * plain
    assert np.abs([red, green, blue] - expected).max() < 8
    away = page.evaluate(colour, [264, 323])[:3]
    assert np.abs(away - 255 * waves(3, 240, 360)[0, 132, 108]).max() < 3


def notebook_of(*cells):
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell{number}",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
    }
