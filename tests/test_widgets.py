"""The panels: a worker that starts, stops and fails in plain words, and controls that count."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
import sys
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import ipywidgets as ipw
import numpy as np
import pytest
from PIL import Image

import nsthelpers as nst
import nsthelpers.widgets as widgets
from nsthelpers.profiles import Profile
from nsthelpers.synthesis.results import Progress, Record, Synthesis
from nsthelpers.widgets import (
    front as front_module,
    run_panel as panels,
    stylize as studio_panel,
)

TINY = Profile("fast", 32, 32, 2, 2)
PATIENCE = 300  # seconds; only a failing test waits that long
KINDS = ("content", "style", "studio", "smoothing", "statistic", "front")


@pytest.fixture
def make(network):
    """Makes panels by name, and closes them when the test is over."""
    made = []

    def panel(name, *images, **options):
        makers = {
            "layers": widgets.layer_explorer,
            "content": widgets.content_panel,
            "style": widgets.style_panel,
            "studio": widgets.studio,
            "smoothing": widgets.smoothing_panel,
            "statistic": widgets.statistic_panel,
            "front": widgets.front_panel,
        }
        usual = {
            "style": ["mosaic_sunset"],
            "studio": [],
            "smoothing": ["chelsea", "mosaic_sunset"],
            "statistic": ["chelsea", "mosaic_sunset"],
            "front": ["coffee", "stained_glass"],
        }
        images = images or usual.get(name, ["chelsea"])
        made.append(makers[name](*images, profile=TINY, network=network, **options))
        return made[-1]

    yield panel
    for each in made:
        each.close()
    assert workers() == []


class Scripted(panels.RunPanel):
    """A panel whose run halts at its first step until the test lets it go on."""

    def __init__(self, steps=3, failure=None, callback=None):
        self.steps, self.failure, self.jobs = steps, failure, 0
        self.callback = callback or (lambda progress: None)
        self.reached, self.go_on = threading.Event(), threading.Event()
        noise = nst.white_noise(16, 24)
        super().__init__([], noise, noise, ("left", "right"))

    def job(self):
        self.jobs += 1

        def halt(progress):
            if progress.record.step == 1:
                self.reached.set()
                assert self.go_on.wait(PATIENCE)

        def work(callback):
            if self.failure:
                raise self.failure
            return nst.synthesize(
                nst.TotalVariation(), nst.white_noise(16, 24), steps=self.steps,
                callbacks=[halt, callback, self.callback], progress=False,
            )  # fmt: skip

        return work


@pytest.fixture
def scripted():
    made = []

    def panel(*arguments, **options):
        made.append(Scripted(*arguments, **options))
        return made[-1]

    yield panel
    for each in made:
        each.go_on.set()
        each.close()
    assert workers() == []


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "nsthelpers panel"]


def pixels(widget):
    return np.asarray(Image.open(io.BytesIO(widget.value)).convert("RGB"))


def said(panel):
    return re.sub("<[^>]*>", "", panel.status.value)


def finished(panel):
    """Run to the end; the panel's result."""
    panel.run()
    result = panel.wait(PATIENCE)
    assert panel.error is None, panel.error
    return result


def family(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from family(child)


def test_run_ends_with_result_picture_and_curve(scripted):
    panel = scripted()
    panel.go_on.set()
    blank = panel.curve.value
    result = finished(panel)
    assert result is panel.result and result.stop_reason == "steps"
    assert not panel.running and not panel._thread.is_alive()
    assert np.array_equal(pixels(panel.picture), nst.images.to_uint8(result.image))
    assert panel.curve.value != blank and pixels(panel.curve).std() > 5
    assert (panel.run_button.disabled, panel.stop_button.disabled) == (False, True)
    assert panel.bar.value == panel.bar.max == 3 and panel.bar.bar_style == "success"
    assert said(panel).startswith("Done: 3 steps. The loss went from")


def test_stop_ends_the_run_and_keeps_its_picture(scripted):
    panel = scripted(steps=500)
    panel.run()
    assert panel.reached.wait(PATIENCE) and panel.running
    assert (panel.run_button.disabled, panel.stop_button.disabled) == (True, False)
    panel.stop()
    panel.stop()  # twice does no harm
    assert said(panel) == "Stopping after this step …"
    panel.go_on.set()
    result = panel.wait(PATIENCE)
    assert result.stop_reason == "callback" and result.history[-1].step == 1
    assert said(panel).startswith("Stopped at step 1; the best picture so far is kept.")
    assert panel.error is None and not panel.run_button.disabled


def test_stop_without_a_run_says_so(scripted):
    panel = scripted()
    panel.stop()
    assert said(panel) == "Nothing is running."
    panel.go_on.set()
    assert finished(panel).stop_reason == "steps"  # an early Stop does not linger


def test_run_while_running_starts_nothing(scripted):
    panel = scripted(steps=500)
    panel.run()
    assert panel.reached.wait(PATIENCE)
    panel.run()
    assert "running already" in said(panel)
    assert panel.jobs == len(workers()) == 1


def test_run_works_again_and_again(scripted):
    panel = scripted()
    panel.go_on.set()
    first, second = finished(panel), finished(panel)
    assert first is not second and np.array_equal(first.image, second.image)


def test_buttons_do_what_the_methods_do(scripted):
    panel = scripted(steps=500)
    panel.run_button.click()
    assert panel.reached.wait(PATIENCE)
    panel.stop_button.click()
    panel.go_on.set()
    assert panel.wait(PATIENCE).stop_reason == "callback"


def test_an_exception_of_the_worker_is_reported_and_kept(scripted):
    panel = scripted(failure=OSError("no weights <here>; try again"))
    panel.run()
    assert panel.wait(PATIENCE) is None
    assert panel.error is panel.failure
    assert "That did not work: no weights &lt;here&gt;; try again" in said(panel)
    assert panel.bar.bar_style == "danger" and not panel.run_button.disabled
    panel.failure = None
    panel.go_on.set()
    assert finished(panel).stop_reason == "steps"


def test_a_run_that_leaves_its_thread_does_not_block_the_panel(scripted):
    panel = scripted(failure=SystemExit("over"))
    panel.run()
    panel.wait(PATIENCE)
    assert "That did not work: over" in said(panel) and not panel.running
    panel.failure = None
    panel.go_on.set()
    assert finished(panel).stop_reason == "steps"


def test_an_exception_without_text_is_named(scripted):
    panel = scripted(failure=AssertionError())
    panel.run()
    panel.wait(PATIENCE)
    assert "That did not work: AssertionError" in said(panel)


def test_a_loss_that_is_not_finite_is_reported(scripted, monkeypatch, caplog):
    def broken(*arguments, **options):
        result = nst.synthesis.synthesize(*arguments, **options)
        result.stop_reason, result.message = "not finite", "the loss is no longer a finite number"
        return result

    monkeypatch.setattr(nst, "synthesize", broken)
    panel = scripted()
    panel.go_on.set()
    finished(panel)
    assert "The loss is no longer a finite number" in said(panel)
    assert "border-left" in panel.status.value  # the mark of trouble
    assert panel.bar.bar_style == "warning"


def test_close_stops_and_joins(scripted):
    panel = scripted(steps=500)
    panel.run()
    assert panel.reached.wait(PATIENCE)
    thread = panel._thread
    panel.stop()  # what close() does first; here so that the halted worker may go on
    panel.go_on.set()
    panel.close()
    assert not thread.is_alive() and workers() == []
    panel.close()  # twice does no harm
    panel.run()
    assert panel.jobs == 1 and "This panel is closed" in said(panel)


@pytest.mark.parametrize("when", ["preview", "end"])
@pytest.mark.parametrize("part", ["picture", "curve"])
def test_a_picture_that_cannot_be_shown_loses_nothing(scripted, monkeypatch, part, when):
    panel, broken = scripted(), threading.Event()
    show, curve_png = panel.show, panels._curve_png

    def fails(what, final):
        if part == what and final == (when == "end"):
            broken.set()
            raise OSError(f"no <{what}> today")

    def showing(image, final=False):
        fails("picture", final)
        show(image, final)

    def drawing(history):
        fails("curve", len(history) == 4)
        return curve_png(history)

    panel.show = showing
    monkeypatch.setattr(panels, "_curve_png", drawing)
    monkeypatch.setattr(panels, "time", SimpleNamespace(monotonic=lambda: 100.0))
    panel.go_on.set()
    panel.run()
    result = panel.wait(PATIENCE)
    assert broken.is_set() and result.stop_reason == "steps" and result.history[-1].step == 3
    if (part, when) != ("picture", "end"):
        assert np.array_equal(pixels(panel.picture), nst.images.to_uint8(result.image))
    problem = {
        ("picture", "preview"): "A preview could not be shown",
        ("picture", "end"): "The picture could not be shown",
    }.get((part, when), "The loss curve could not be drawn")
    assert "Done: 3 steps." in said(panel)
    assert said(panel).endswith(f"({problem}: no &lt;{part}&gt; today)")
    assert isinstance(panel.error, OSError) and panel.bar.bar_style == "warning"
    assert not panel.run_button.disabled


def test_an_error_inside_a_run_keeps_the_best_picture(scripted):
    def halfway(progress):
        if progress.record.step == 2:
            raise ZeroDivisionError("a callback <of mine> failed")

    panel = scripted(callback=halfway)
    panel.go_on.set()
    panel.run()
    result = panel.wait(PATIENCE)
    assert isinstance(panel.error, ZeroDivisionError) and result is panel.error.synthesis
    assert result.stop_reason == "error" and result.history[-1].step == 2
    assert np.array_equal(pixels(panel.picture), nst.images.to_uint8(result.image))
    assert said(panel) == (
        "That did not work: a callback &lt;of mine&gt; failed. The best picture so far is kept."
    )
    assert panel.bar.bar_style == "danger" and not panel.run_button.disabled


def test_callbacks_from_many_threads_at_once_are_safe():
    """JupyterLab 4.4 and newer may run the buttons' callbacks beside a running cell."""
    at_work, most, failed = [], [], []

    class Quick(panels.RunPanel):
        def __init__(self):
            image = np.zeros((1, 16, 16, 3), "float32")
            super().__init__([], image, image, ("", ""))

        def job(self):
            image, history = np.ones((1, 16, 16, 3), "float32"), []

            def work(callback):
                at_work.append(self)
                most.append(len(at_work))
                for step in range(4):
                    history.append(Record(step, step, 0.0, 1.0, {}, (16, 16)))
                    if callback(Progress(history[-1], 4, image)):
                        break
                at_work.remove(self)
                return Synthesis(image, history, "callback", "", {}, step, 0.0)

            return work

    made = [Quick(), Quick()]
    together = threading.Barrier(8)

    def use(number):
        try:
            together.wait(PATIENCE)
            for turn in range(12):
                panel = made[(number + turn) % 2]
                (panel.run, panel.stop, panel.run, panel.wait)[(number + turn // 2) % 4]()
            together.wait(PATIENCE)
            made[number % 2].close()
            made[number % 2].run()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=use, args=(n,), daemon=True) for n in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    finally:
        sys.setswitchinterval(interval)
    assert failed == [] and not any(thread.is_alive() for thread in threads)
    assert max(most) == 1 and at_work == []  # never two runs at once
    assert workers() == [] and [panel.error for panel in made] == [None, None]
    for panel in made:
        assert (panel.run_button.disabled, panel.stop_button.disabled) == (False, True)
        assert not panel.running and "This panel is closed" in said(panel)


def test_a_second_panel_stops_the_first(scripted):
    first, second = scripted(steps=500), scripted()
    second.go_on.set()
    first.run()
    assert first.reached.wait(PATIENCE)
    second.run()
    assert second.running
    first.go_on.set()
    assert second.wait(PATIENCE).stop_reason == "steps"
    assert first.result.stop_reason == "callback" and not first.running


def test_previews_are_few_and_small(monkeypatch, scripted):
    monkeypatch.setattr(panels, "time", SimpleNamespace(monotonic=lambda: 100.0))
    panel = scripted(steps=20)
    panel.go_on.set()
    seen = []
    panel.picture.observe(lambda change: seen.append(change["new"]), "value")
    finished(panel)
    assert 1 <= len(seen) <= 2  # the first step and the end; the clock stands still between
    panel.show(np.zeros((1, 100, 2000, 3), "float32"))
    assert pixels(panel.picture).shape == (19, 384, 3)


@pytest.mark.parametrize("name", ["layers", *KINDS])
def test_panels_show_at_once_and_start_nothing(make, name):
    panel = make(name)
    assert isinstance(panel, ipw.VBox) and workers() == []
    images = [widget for widget in family(panel) if isinstance(widget, ipw.Image)]
    assert len(images) >= 2 and all(min(pixels(image).shape[:2]) >= 16 for image in images)


@pytest.mark.parametrize("name", ["layers", *KINDS])
def test_panels_use_only_what_every_front_end_shows(make, name):
    members = list(family(make(name)))
    assert not any(isinstance(each, (ipw.Output, ipw.Accordion, ipw.Tab)) for each in members)
    boxes = [each for each in members if isinstance(each, ipw.Box)]
    assert all(each.layout.overflow == "visible" for each in boxes)  # no scroll bars inside


@pytest.mark.parametrize("name", ["layers", *KINDS])
def test_where_no_widgets_are_shown_a_sentence_stands(make, name):
    assert repr(make(name)).startswith("An interactive panel: run this cell in")


@pytest.mark.parametrize("name", KINDS)
def test_every_panel_runs_to_the_end(make, name):
    panel = make(name)
    before = panel.picture.value
    result = finished(panel)
    assert result.image.shape[2] == 32 and result.history[-1].step == 2
    assert result.history[-1].loss < result.history[0].loss
    assert panel.picture.value != before


def test_panels_take_the_profile_of_the_environment(monkeypatch, network):
    monkeypatch.setenv("NST_PROFILE", "fast")
    panel = widgets.content_panel("chelsea", network=network)
    assert panel.steps.value == 3 and panel.beside.layout.width == "440px"
    panel.close()


def test_content_panel_uses_its_controls(make):
    panel = make("content")
    panel.layer.value, panel.optimizer.value, panel.steps.value = "block1_pool", "adam", 1
    settings = finished(panel).settings
    assert settings["objective"]["terms"]["content"]["layers"] == ["block1_pool"]
    assert settings["optimizer"]["name"] == "Adam" and settings["steps"] == [1]


def test_style_panel_shares_the_weights_among_the_ticked_layers(make):
    panel = make("style")
    for layer in ("block3_conv1", "block4_conv1"):
        panel.ticks[layer].value = False
    panel.weights["block5_conv1"].value = 0
    panel.weights["block2_conv1"].value = 0.25
    term = finished(panel).settings["objective"]["terms"]["style"]
    assert term["layers"] == ["block1_conv1", "block2_conv1"]
    assert term["layer_weights"] == pytest.approx([0.8, 0.2])


def test_style_panel_without_layers_says_what_to_do(make):
    panel = make("style")
    for tick in panel.ticks.values():
        tick.value = False
    panel.run()
    assert isinstance(panel.error, ValueError) and workers() == []
    assert "tick at least one" in said(panel)
    panel.ticks["block1_conv1"].value = True
    assert finished(panel).stop_reason == "steps"


def test_statistic_panel_balances_and_compares_with_the_run_before(make):
    panel = make("statistic")
    first = finished(panel)
    panel.statistic.value, panel.pull.value = "mean and variance", 40.0
    second = finished(panel)
    before, after = (run.settings["objective"]["terms"]["style"] for run in (first, second))
    assert "statistic" not in before and after["statistic"] == "MeanVariance()"
    assert before["weight"] > 0 and after["weight"] != before["weight"]
    assert np.array_equal(pixels(panel.beside), nst.images.to_uint8(first.image))
    assert "the run before: gram, style pulls 8 times" in panel.captions[0].value


def test_controls_start_where_the_description_of_a_job_does(make):
    studio, job = make("studio"), nst.jobs.settings_of("stylize")
    for control, name in (
        (studio.style_weight, "style_weight"),
        (studio.statistic, "statistic"),
        (studio.smoothing, "tv_weight"),
        (studio.start, "start"),
    ):
        assert control.value == job[name].default, name
    assert studio.statistic.options == job["statistic"].metadata["kind"].choices
    starts = {value for _, value in studio.start.options}
    assert starts == set(job["start"].metadata["kind"].choices)
    with pytest.raises(ValueError, match="time_limit has neither a range nor choices"):
        widgets.parts.setting_control("time_limit")


def test_panels_start_where_the_lessons_do(make):
    assert make("statistic").pull.value == 8
    assert make("smoothing").gamma.value == 1


def test_smoothing_panel_compares_with_the_run_before(make):
    panel = make("smoothing")
    panel.gamma.value = 0.0
    first = finished(panel)
    panel.gamma.value, panel.kind.value = 100.0, "squared"
    second = finished(panel)
    term = second.settings["objective"]["terms"]["total_variation"]
    assert (term["weight"], term["kind"]) == (100.0, "squared")
    assert np.array_equal(pixels(panel.beside), nst.images.to_uint8(first.image))
    assert "the run before: γ = 0, l1" in panel.captions[0].value
    assert "γ = 100, squared" in panel.captions[1].value


def test_front_panel_shows_the_mask_over_the_photograph(make):
    panel = make("front", "coffee", "stained_glass", box=(0, 0, 1, 0.5))
    assert panel.mask == nst.masks.half(panel._photo, "left")
    shown = pixels(panel.beside).astype(float)
    middle = shown.shape[1] // 2
    photo = 255 * nst.resize(panel._photo, size=shown.shape[:2])[0]
    assert np.abs(shown[:, : middle - 8] - photo[:, : middle - 8]).max() < 2
    assert shown[:, middle + 8 :].std(axis=-1).max() == 0  # grey
    assert "50%" in panel.note.value
    panel.across.value = (0.0, 1.0)
    assert panel.mask.share == 1 and "100%" in panel.note.value
    panel.shape.value = "an ellipse"
    assert panel.mask == nst.masks.ellipse(panel._photo, (0, 0, 1, 1))
    panel.edge.value = 0.05
    assert 0 < np.median(panel.mask.array[0]) < 1


def test_front_panel_says_what_is_missing_and_keeps_the_mask(make):
    panel = make("front", "coffee", "stained_glass", box=(0, 0, 1, 1))
    before = panel.mask
    panel.shape.value = "what is in front"  # a box around everything leaves nothing behind
    assert panel.mask is before and "Nothing says what is behind" in panel.note.value
    panel.down.value = (0.5, 0.5)
    panel.shape.value = "a box"
    assert panel.mask is before and "The box is" in panel.note.value


def test_front_panel_draws_lifts_and_takes_back(make):
    panel = make("front")
    for place in ((0.4, 0.4), (0.5, 0.6)):
        panel.pen_down.value, panel.pen_across.value = place
        panel.draw("in front")
    assert panel.shape.value == "what is in front"
    panel.lift()
    panel.draw("in front")
    panel.pen_down.value, panel.pen_across.value = 0.05, 0.05
    panel.draw_buttons["behind"].click()
    in_front, corner = [[(0.4, 0.4), (0.5, 0.6)], [(0.5, 0.6)]], [[(0.05, 0.05)]]
    as_drawn = list(map(nst.masks.Stroke, in_front)), list(map(nst.masks.Stroke, corner))
    assert tuple(panel.strokes.values()) == as_drawn
    wanted = nst.masks.front(panel._photo, panel.box, strokes=in_front, behind=corner,
                             network=panel._network)  # fmt: skip
    assert panel.mask == wanted
    green = (pixels(panel.beside) == (0, 158, 115)).all(axis=-1)
    assert green.sum() > 4
    for _ in range(5):
        panel.undo()
    assert panel.strokes == {"in front": [], "behind": []}


LINE = {"side": "in front", "width": 0.1, "points": [[0.2, 0.3], [0.8, 0.3]]}
DOT = {"side": "behind", "width": 0.06, "points": [[0.5, 0.9]]}


def test_front_panel_takes_strokes_from_the_page(make):
    panel = make("front")
    panel.canvas.strokes = [LINE, DOT]  # as a message sets it
    line, dot = (
        nst.masks.Stroke([(0.2, 0.3), (0.8, 0.3)], 0.1),
        nst.masks.Stroke([(0.5, 0.9)], 0.06),
    )
    assert panel.strokes == {"in front": [line], "behind": [dot]}
    assert panel.shape.value == "what is in front" and panel.canvas.taken == 1
    height, width = panel.mask.array.shape
    assert panel.mask.array[height // 2, int(0.3 * width)] == 1
    assert panel.mask.array[height // 2, int(0.9 * width)] == 0
    panel.draw("in front")  # strokes of both kinds are one list
    assert panel.canvas.strokes[:2] == [LINE, DOT] and len(panel.canvas.strokes) == 3
    assert panel.canvas.taken == 1
    panel.canvas.strokes = []
    assert panel.strokes == {"in front": [], "behind": []} and panel.canvas.taken == 2


def test_front_panel_goes_on_when_strokes_make_no_sense(make):
    panel = make("front")
    before = panel.mask
    panel.canvas.strokes = [LINE | {"points": [[0.2, 1.5]]}]
    assert panel.mask is before and panel.canvas.taken == 1
    assert "expected points (down, across) in shares" in panel.note.value


def test_front_panel_shows_one_way_to_draw(make):
    panel = make("front")
    sliders = [panel.beside, panel.pen_down, panel.pen_across]
    assert not panel.canvas.picture and all(each.layout.display is None for each in sliders)
    panel.canvas.shown = True  # its script runs in the page
    assert all(each.layout.display == "none" for each in sliders)
    before = panel.canvas.picture
    assert min(Image.open(io.BytesIO(before)).size) >= 16
    panel.across.value = (0.0, 0.4)
    assert panel.canvas.picture != before


def test_front_panel_works_without_anywidget(make, monkeypatch):
    monkeypatch.setattr(front_module, "StrokeCanvas", None)
    panel = make("front")
    panel.draw("in front")
    assert panel.canvas is None and len(panel.strokes["in front"]) == 1
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "anywidget", None)  # an import of it fails
    monkeypatch.delitem(sys.modules, "nsthelpers.widgets.strokes")
    name = "nsthelpers.widgets.front"
    again = importlib.util.module_from_spec(importlib.util.find_spec(name))
    again.__spec__.loader.exec_module(again)
    assert again.StrokeCanvas is None


def test_front_panel_paints_both_sides(make):
    panel = make("front")
    terms = finished(panel).settings["objective"]["terms"]
    assert terms["style"]["weight"] == pytest.approx(10 * panel.mask.share)
    assert "style_2" not in terms  # what is behind stays a photograph
    panel.behind.value = "swirling_night"
    terms = finished(panel).settings["objective"]["terms"]
    assert terms["style"]["weight"] + terms["style_2"]["weight"] == pytest.approx(10)
    panel.style.value = panel.behind.value = None
    panel.run()
    assert "choose a painting in front, or behind" in said(panel)


def test_front_panel_knows_its_paintings():
    with pytest.raises(ValueError, match="no painting 'coffee'; expected None or one of"):
        widgets.front_panel("coffee", "coffee", profile=TINY)


@pytest.mark.parametrize("end", ["min", "max"])
@pytest.mark.parametrize("start", ["content", "style", "noise"])
def test_studio_bears_extreme_sliders(make, end, start):
    panel = make("studio")
    panel.start.value = start
    panel.optimizer.value = "adam" if end == "max" else "lbfgs"
    panel.style_weight.value = 10 ** getattr(panel.style_weight, end)
    for slider in (panel.smoothing, panel.size):
        slider.value = slider.options[0 if end == "min" else -1]
    panel.steps.value = 1
    result = finished(panel)
    weights = {k: v["weight"] for k, v in result.settings["objective"]["terms"].items()}
    assert np.isfinite(result.image).all() and result.image.shape[2] == panel.size.value
    assert weights["style"] == pytest.approx(0.1 if end == "min" else 1000)
    assert weights["total_variation"] == (0 if end == "min" else 100)


def test_studios_slider_means_the_same_for_every_statistic(make):
    """What it hands over is what `nst.balance` finds at the photograph."""
    panel, weights = make("studio"), {}
    for name in ("gram", "wasserstein"):
        panel.statistic.value = name
        settings = finished(panel).settings["objective"]["terms"]["style"]
        assert ("Wasserstein" in settings.get("statistic", "")) == (name == "wasserstein")
        weights[name] = settings["weight"]
    photo, painting = (
        nst.resize(chooser.image, max_side=panel.size.value)
        for chooser in (panel.content, panel.style)
    )
    both = nst.Style(painting, network=panel._network) + nst.Style(
        painting, statistic="wasserstein", network=panel._network
    )
    balanced = nst.balance(10 * both, photo).weights
    assert weights["gram"] == pytest.approx(balanced["style"]) == 10
    assert weights["wasserstein"] == pytest.approx(balanced["style_2"], rel=1e-3)


@pytest.mark.parametrize("method", nst.jobs.METHODS)
def test_studio_paints_by_every_method(make, method):
    panel = make("studio")
    panel.statistic.value, panel.smoothing.value = "wasserstein", 3.0
    panel.method.value = "strotss"  # another first, whose settings must not stay
    panel.method.value = method
    usual = nst.jobs.Stylize(content="chelsea", style="stained_glass", method=method)
    assert panel.statistic.value == usual.statistic and panel.smoothing.value == usual.tv_weight
    assert panel.style_weight.value == pytest.approx(usual.style_weight)
    assert panel.statistic.disabled == (method != "gatys")
    panel.steps.value = 1
    assert finished(panel).settings["job"]["method"] == method


def test_studio_wipes_from_result_to_photograph(make):
    panel = make("studio")
    result = finished(panel)
    shown = nst.images.to_uint8(result.image)
    assert np.array_equal(pixels(panel.picture), shown)
    panel.compare.value = 1.0
    photo = nst.resize(panel.content.image, size=result.image.shape[1:3])
    assert np.abs(pixels(panel.picture) - 255.0 * photo[0]).max() < 8
    panel.compare.value = 0.5
    halves = pixels(panel.picture)
    assert np.array_equal(halves[:, 17:], shown[:, 17:])
    assert (halves[:, 15:17] == 255).all()


def test_studio_offers_the_picture_with_its_settings(make, tmp_path):
    panel = make("studio")
    assert panel.download.value == ""
    result = finished(panel)
    link = re.search(r'download="(.*?)" href="data:image/png;base64,(.*?)"', panel.download.value)
    path = tmp_path / link[1]
    path.write_bytes(base64.b64decode(link[2]))
    assert nst.read_settings(path)["steps"] == result.settings["steps"]
    assert np.array_equal(nst.to_pil(nst.load_image(path)), nst.to_pil(result.image))


@pytest.mark.parametrize("failing", ["picture", "callback"])
def test_studio_offers_the_picture_whatever_failed(make, monkeypatch, tmp_path, failing):
    panel = make("studio")

    def fail(*arguments, **options):
        raise ZeroDivisionError("it failed")

    def stylize_with_a_failing_callback(*arguments, callbacks, **options):
        def halfway(progress):
            return fail() if progress.record.step == 1 else None

        return nst.stylize(*arguments, callbacks=[callbacks, halfway], **options)

    if failing == "picture":
        monkeypatch.setattr(studio_panel, "show_picture", fail)
    else:
        monkeypatch.setattr(studio_panel, "stylize", stylize_with_a_failing_callback)
    panel.run()
    result = panel.wait(PATIENCE)
    monkeypatch.undo()
    assert isinstance(panel.error, ZeroDivisionError) and "it failed" in said(panel)
    assert result.history[-1].step == (2 if failing == "picture" else 1)
    data = re.search('data:image/png;base64,(.*?)"', panel.download.value)[1]
    path = tmp_path / "stylized.png"
    path.write_bytes(base64.b64decode(data))
    assert np.array_equal(nst.to_pil(nst.load_image(path)), nst.to_pil(result.image))


def test_studio_follows_a_new_photograph(make):
    panel = make("studio")
    finished(panel)
    panel.content.menu.value = "coffee"
    assert panel.download.value == ""  # the old result does not belong to it
    coffee = nst.samples.load("coffee", max_side=640)
    assert np.abs(pixels(panel.picture) - 255.0 * coffee[0]).max() < 2


@pytest.mark.parametrize("given", ["swirling_night", "array"])
def test_studio_takes_other_pictures_too(make, given, photo):
    panel = make("studio", photo if given == "array" else given)
    assert panel.content.menu.label == "your photograph"
    assert finished(panel).image.shape[2] == 32


def send(chooser, **contents):
    """Upload files as a browser does; ipywidgets 7 and 8 get them in different ways."""
    upload = chooser.upload
    if ipw.__version__.startswith("7"):
        upload.metadata = [{"name": name} for name in contents]
        upload.data = list(contents.values())
        upload._counter += 1
        return
    common = {"type": "image/png", "last_modified": datetime.now(UTC)}
    upload.value = tuple(
        {"name": name, "content": memoryview(data), "size": len(data), **common}
        for name, data in contents.items()
    )


def png(image):
    return nst.images.to_png_bytes(image)


def test_upload_is_chosen_and_used(make, painting):
    panel = make("studio")
    send(panel.style, mine=png(painting))
    assert panel.style.menu.label == "mine"
    assert np.abs(panel.style.image - painting).max() < 0.01
    panel.style.menu.value = "swirling_night"
    panel.style.menu.value = "uploaded mine"
    assert panel.style.image.shape == painting.shape
    assert finished(panel).stop_reason == "steps"


def test_upload_of_the_same_name_replaces_the_first(make, painting, photo):
    panel = make("studio")
    send(panel.style, mine=png(painting))
    count = len(panel.style.menu.options)
    send(panel.style, mine=png(photo))
    assert panel.style.image.shape == photo.shape
    assert len(panel.style.menu.options) == count


def stopped_after(panel, step):
    """Run a panel, and stop it after so many steps."""
    shown = panel._after_step

    def halfway(run, progress):
        shown(run, progress)
        return progress.record.step == step

    panel._after_step = halfway
    return finished(panel)


def test_studio_goes_on_where_the_kernel_died(make, tmp_path):
    whole = make("studio")
    whole.steps.value, whole.style_weight.value = 5, 20.0
    expected = finished(whole)

    first = make("studio", checkpoint=tmp_path / "kept")
    first.steps.value, first.style_weight.value = 5, 20.0
    assert stopped_after(first, 2).history[-1].step == 2
    first.close()

    again = make("studio", checkpoint=tmp_path / "kept")
    assert (again.steps.value, again.style_weight.value) == (5, 20.0)
    assert "The last run is kept" in said(again)
    result = finished(again)
    assert np.array_equal(result.image, expected.image)
    assert [record.loss for record in result.history] == [r.loss for r in expected.history]


def test_studio_keeps_one_run_only(make, tmp_path):
    panel = make("studio", checkpoint=tmp_path)
    for weight in (5.0, 50.0):
        panel.style_weight.value = weight
        assert finished(panel).stop_reason == "steps"
    assert len(list(tmp_path.glob("run-*"))) == 1
    assert make("studio", checkpoint=tmp_path).style_weight.value == 50.0


def test_studio_says_what_it_cannot_bring_back(make, painting, tmp_path):
    panel = make("studio", checkpoint=tmp_path)
    send(panel.style, mine=png(painting))
    expected = stopped_after(panel, 1)
    assert expected.history[-1].step == 1
    again = make("studio", checkpoint=tmp_path)
    assert "painting cannot be brought back" in said(again)
    send(again.style, mine=png(painting))
    assert finished(again).history[1].loss == expected.history[1].loss


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"steps": "many", "method": 7}', b"\xff"])
def test_studio_begins_anew_where_what_was_kept_is_damaged(make, tmp_path, damage):
    (tmp_path / "controls.json").write_bytes(damage)
    panel = make("studio", checkpoint=tmp_path)
    assert finished(panel).stop_reason == "steps"


def test_studio_says_that_nothing_can_be_kept_there(make, tmp_path):
    (tmp_path / "file").write_text("no folder")
    panel = make("studio", checkpoint=tmp_path / "file")
    panel.run()
    assert panel.wait(PATIENCE) is None
    assert "file" in said(panel) and not panel.running


@pytest.mark.parametrize("data", [b"", b"not <an> image", png(nst.white_noise(8, 8))])
def test_broken_upload_is_reported_and_changes_nothing(make, data):
    panel = make("studio")
    send(panel.content, broken=data)
    assert "broken: " in panel.content.message.value
    assert "<an>" not in panel.content.message.value
    assert panel.content.menu.value == "chelsea"
    panel.content.menu.value = "coffee"
    assert panel.content.message.value == ""
    assert finished(panel).stop_reason == "steps"


def test_failed_download_goes_back_to_the_last_choice(make, monkeypatch):
    panel = make("studio")

    def fail(*arguments, **options):
        raise OSError("cannot fetch it; try again")

    monkeypatch.setattr(studio_panel, "open_image", fail)
    panel.style.menu.value = "starry_night"
    monkeypatch.undo()
    assert panel.style.menu.value == "swirling_night"
    assert "cannot fetch it; try again" in panel.style.message.value
    assert finished(panel).stop_reason == "steps"


def test_layer_explorer_shows_the_chosen_map(make, network):
    panel = make("layers")
    panel.layer.value = "block1_conv1"
    assert panel.channel.max == 63
    panel.channel.value = 5
    image = nst.samples.load("chelsea", max_side=32)
    answer = np.asarray(network.features(image, ["block1_conv1"])["block1_conv1"])[0, :, :, 5]
    assert "Channel 5: strongest answer" in panel.summary.value
    assert answer.max() >= 100 and f"{answer.max():,.0f}" in panel.summary.value
    brightest = np.unravel_index(answer.argmax(), answer.shape)
    shown = pixels(panel.map).sum(axis=-1)
    row, column = np.unravel_index(shown.argmax(), shown.shape)
    scale = shown.shape[1] / 32
    assert (row // scale, column // scale) == brightest


def test_layer_explorer_frames_what_the_brightest_place_sees(make):
    panel = make("layers")
    panel.layer.value = "block5_conv4"  # it sees more than the whole picture
    framed = pixels(panel.input)
    assert (framed[1, 5:-5] == 255).all() and (framed[5:-5, 1] == 255).all()


@pytest.mark.parametrize("layer", [each.name for each in nst.layer_table()[:-1]])
def test_layer_explorer_opens_every_layer(make, layer):
    panel = make("layers")
    panel.layer.value = layer
    panel.channel.value = panel.channel.max
    assert layer in panel.summary.value and pixels(panel.map).shape[1] == 512


def test_layer_explorer_says_when_a_channel_is_silent(make):
    panel = make("layers")
    panel._maps["block1_conv1"] = np.zeros((21, 32, 64), "float32")
    panel.layer.value = "block1_conv1"
    assert "no answer anywhere" in panel.summary.value
    assert pixels(panel.map).max() < 5
