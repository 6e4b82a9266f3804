"""The studio as a student meets it: JupyterLab in a real browser, driven by playwright."""

from __future__ import annotations

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

import pytest

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
        "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR",
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
    if LESSON.exists():
        shutil.copy(LESSON, folder)
    else:
        (folder / LESSON.name).write_text(
            json.dumps(notebook_of("import nsthelpers as nst", "nst.widgets.studio()"))
        )
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
