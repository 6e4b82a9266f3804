"""The loop: what it returns, what it counts, and that nothing that happens loses the image."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers.backend import ops
from nsthelpers.objectives import objective as objectives
from nsthelpers.optimizers.lbfgs import LBFGSDescent
from nsthelpers.synthesis import loop as synthesis, run as bookkeeping, starts

SIZE = (24, 32)


class Towards(objectives.Term):
    """Every pixel should have this value: a loss whose every step can be foreseen."""

    label = "towards"

    def __init__(self, value=0.25, image=None, label="towards"):
        self.value, self.image, self.label = value, image, label

    def loss(self, image, features, targets):
        return ops.mean(ops.square(image - self.value))


class Deviation(objectives.Term):
    """A formula that a beginner would write: it has no slope at a flat image."""

    label = "deviation"

    def loss(self, image, features, targets):
        return ops.sqrt(ops.mean(ops.square(image - 0.5)))


@pytest.fixture
def start():
    return nst.white_noise(*SIZE, seed=1)


@pytest.fixture
def run(start):
    """Run a short synthesis with quiet defaults."""

    def run(objective=None, first=start, steps=4, **options):
        options = {"progress": False, "optimizer": nst.SGD(50.0)} | options
        return nst.synthesize(objective or 1 * Towards(), first, steps=steps, **options)

    return run


@pytest.fixture
def evaluations(monkeypatch):
    """Let a function see, change or refuse every evaluation: it gets its number and the result."""

    def install(change):
        numbers, original = itertools.count(1), objectives.BoundObjective.evaluate

        def evaluate(self, image):
            number = next(numbers)
            found = original(self, image)
            changed = change(number, found)
            return found if changed is None else changed

        monkeypatch.setattr(objectives.BoundObjective, "evaluate", evaluate)

    return install


def raises_at(number, error):
    """A change for `evaluations`: fail at the evaluation of this number."""

    def change(each, found):
        if each == number:
            raise error

    return change


def fails_above(height):
    """A change for `evaluations`: no memory for images that are higher than this."""

    def change(each, found):
        if found.gradient.shape[1] > height:
            raise MemoryError

    return change


def nan_at(number, label="towards"):
    def change(each, found):
        if each == number:
            terms = found.terms | {label: math.nan}
            return objectives.Evaluation(math.nan, terms, found.gradient)

    return change


def loss_of(image, value=0.25):
    return float(np.mean((image.astype("float64") - value) ** 2))


class TestResult:
    def test_the_history_tells_of_every_step(self, run, evaluations):
        counted = []
        evaluations(lambda number, found: counted.append(found.loss))
        result = run(Towards() + 0.1 * nst.TotalVariation(), steps=5)
        assert [record.step for record in result.history] == [0, 1, 2, 3, 4, 5]
        assert [record.evaluations for record in result.history] == [1, 2, 3, 4, 5, 6]
        assert [record.loss for record in result.history] == counted
        assert {record.size for record in result.history} == {SIZE}
        assert set(result.history[0].terms) == {"towards", "total_variation"}
        seconds = [0, *(record.seconds for record in result.history), result.seconds]
        assert seconds == sorted(seconds)
        assert result.evaluations == 6
        assert (result.stop_reason, result.message) == ("steps", "all 5 steps at 32 x 24 pixels")

    def test_the_loss_falls_and_the_image_is_an_image(self, run):
        result = run()
        losses = [record.loss for record in result.history]
        assert losses == sorted(losses, reverse=True) and losses[-1] < 0.9 * losses[0]
        assert result.image.shape == (1, *SIZE, 3) and result.image.dtype == np.float32
        assert result.image.min() >= 0 and result.image.max() <= 1
        assert loss_of(result.image) == pytest.approx(losses[-1], rel=1e-5)

    def test_line_searches_count_every_evaluation(self, run, evaluations, network, photo):
        counted = []
        evaluations(lambda number, found: counted.append(number))
        content = nst.Content(photo, "block1_conv2", network=network)
        result = run(content, photo[:, ::-1], optimizer=nst.LBFGS(first_step=5.0), steps=3)
        assert result.evaluations == len(counted) == result.history[-1].evaluations > 4

    def test_the_image_is_that_of_the_lowest_loss_not_the_last(self, run):
        result = run(optimizer=nst.Adam(0.4), steps=12)
        losses = [record.loss for record in result.history]
        assert min(losses) < losses[-1]
        assert loss_of(result.image) == pytest.approx(min(losses), rel=1e-5)

    def test_a_term_alone_is_an_objective(self, run):
        assert run(Towards()).image == pytest.approx(run(1 * Towards()).image, abs=1e-6)

    def test_lbfgs_is_the_default_and_converges(self, run):
        result = run(optimizer=None, steps=100)
        assert result.settings["optimizer"]["name"] == "LBFGS"
        assert result.stop_reason == "converged"
        assert f"converged after {len(result.history) - 1} of 100 steps" in result.message
        assert result.image == pytest.approx(np.full((1, *SIZE, 3), 0.25), abs=1e-4)

    def test_a_start_that_is_the_answer(self, run):
        flat = np.full((1, *SIZE, 3), 0.5)
        result = run(nst.TotalVariation(), flat, optimizer=nst.LBFGS(), steps=50)
        assert result.stop_reason == "converged" and result.evaluations == 1
        assert np.array_equal(result.image, flat.astype("float32"))

    def test_an_image_that_left_the_range_comes_back_into_it(self, run):
        unbounded = nst.SGD(2000.0, bounds=None)
        result = run(Towards(1.5), optimizer=unbounded, steps=2, scales=[24, 32])
        assert result.stop_reason == "steps" and result.image.max() == 1.0

    def test_report_is_plain_data(self, run):
        optimizer = nst.Adam(np.float32(0.1))
        report = json.loads(json.dumps(run(seed=np.int64(3), optimizer=optimizer).report()))
        assert report["objective"]["terms"] == {"towards": {"weight": 1.0}}
        assert (report["stop_reason"], report["evaluations"], report["seed"]) == ("steps", 5, 3)
        assert (report["first"]["step"], report["last"]["step"]) == (0, 4)
        assert report["last"]["loss"] < report["first"]["loss"]
        assert report["versions"]["tensorflow"] and report["device"]["kind"] in ("cpu", "gpu")

    def test_the_settings_travel_in_the_picture(self, run, tmp_path, network, photo):
        content = nst.Content(photo, "conv1_1", network=network)
        result = run(content + 0.5 * nst.TotalVariation(), photo, steps=2, seed=7)
        path = tmp_path / "out.png"
        assert result.save(path) == path
        assert nst.read_settings(path) == json.loads(json.dumps(result.settings))
        assert nst.read_settings(path)["objective"]["network"]["weights"] == "random"
        assert np.abs(nst.load_image(path) - result.image).max() <= 0.5 / 255 + 1e-6

    def test_notebooks_show_the_picture(self, run):
        shown = run(steps=1)._repr_html_()
        assert shown.startswith('<img src="data:image/png;base64,iVBOR')
        assert "pixels; made in 1 step for these terms: " in shown.partition(" alt=")[2]


class TestRepeating:
    def test_the_same_seed_the_same_pixels(self, run, network, painting):
        style = nst.Style(painting, "block1_conv1", network=network)
        images = [run(style, "noise", seed=seed, optimizer=nst.LBFGS()).image for seed in (5, 5, 6)]
        assert np.array_equal(images[0], images[1])
        assert np.abs(images[0] - images[2]).mean() > 0.01

    def test_in_another_process_too(self, monkeypatch):
        monkeypatch.undo()  # with XLA, as everywhere outside these tests
        program = (
            "import hashlib, numpy as np, nsthelpers as nst\n"
            "result = nst.synthesize(nst.TotalVariation('exponent', exponent=1.5), "
            "nst.white_noise(24, 32, seed=9), steps=6, progress=False)\n"
            "print(hashlib.sha256(result.image.tobytes()).hexdigest())"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        objective = nst.TotalVariation("exponent", exponent=1.5)
        result = nst.synthesize(objective, nst.white_noise(24, 32, seed=9), steps=6, progress=False)
        assert (done.returncode, done.stderr) == (0, "")  # XLA of TensorFlow 2.20 likes to talk
        assert done.stdout.strip() == hashlib.sha256(result.image.tobytes()).hexdigest()

    def test_one_optimizer_object_serves_many_runs(self, run):
        optimizer = nst.Adam(0.05)
        first, _, again = (
            run(first=nst.white_noise(*size, seed=1), optimizer=optimizer)
            for size in (SIZE, (32, 16), SIZE)
        )
        assert np.array_equal(first.image, again.image)


class TestWhiteNoise:
    def test_distribution(self):
        noise = nst.white_noise(256, 200, seed=3)
        assert noise.shape == (1, 256, 200, 3) and noise.dtype == np.float32
        assert noise.mean() == pytest.approx(0.5, abs=2e-3)
        assert noise.std() == pytest.approx(0.15, abs=2e-3)
        assert noise.min() >= 0 and noise.max() <= 1
        flat = noise.ravel() - noise.mean()
        for lag in (1, 3, 600):  # neighbours in colour, in x, in y
            assert abs(np.mean(flat[lag:] * flat[:-lag])) < 5e-3 * flat.var() + 3e-4

    def test_seeds(self):
        assert np.array_equal(nst.white_noise(20, 20, 1), nst.white_noise(20, 20, 1))
        assert not np.array_equal(nst.white_noise(20, 20, 1), nst.white_noise(20, 20, 2))

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ((0, 20), "height is 0; expected a whole number of at least 1"),
            ((20, 2.5), "width is 2.5; expected a whole number of at least 1"),
            ((20, 20, -1), "seed is -1; expected a whole number of at least 0"),
            ((20, 20, None), "seed is None; expected a whole number of at least 0"),
        ],
    )
    def test_errors_of_noise(self, given, message):
        with pytest.raises(ValueError, match=message):
            nst.white_noise(*given)


class TestStart:
    @pytest.fixture
    def first(self, run):
        """The image that a run starts from."""

        def first(objective, start, **options):
            seen = []
            run(objective, start, steps=1, callbacks=lambda p: seen.append(p.image), **options)
            return seen[0]

        return first

    @pytest.fixture
    def both(self, photo, painting):
        return Towards(image=photo, label="content") + Towards(image=painting, label="style")

    def test_content_is_the_default(self, both, photo):
        seen = []
        nst.synthesize(both, steps=1, callbacks=lambda p: seen.append(p.image), progress=False)
        assert np.array_equal(seen[0], photo)

    def test_recoloured_is_the_content_in_the_colours_of_the_paintings(
        self, first, both, photo, painting, network
    ):
        assert np.array_equal(first(both, "recoloured"), nst.match_colours(photo, painting))
        paintings, shares = [painting, photo[:, ::-1]], [3, 1]
        content, style = (
            nst.Content(photo, "block1_conv1", network=network),
            nst.Style(paintings, "block1_conv1", image_weights=shares, network=network),
        )
        expected = nst.match_colours(photo, paintings, shares)
        assert np.abs(first(content + style, "recoloured") - expected).max() < 1e-6

    def test_recoloured_needs_both(self, run, photo, painting):
        for label, image in (("content", photo), ("style", painting)):
            with pytest.raises(ValueError, match="has no content and style term|no .* term"):
                run(Towards(image=image, label=label), "recoloured")

    def test_style_alone_keeps_its_size(self, first, painting):
        style = Towards(image=painting, label="style")
        assert np.array_equal(first(style, "style"), painting)

    def test_style_beside_content_is_cut_not_squashed(self, first, photo):
        y, x = np.mgrid[0:1:64j, 0:1:64j]
        square = np.stack([y, x, x], axis=-1)[None].astype("float32")
        both = Towards(image=photo, label="content") + Towards(image=square, label="style")
        found = first(both, "style")
        assert found.shape == photo.shape  # 32 x 48: all of the width, two thirds of the height
        assert np.ptp(found[..., 1]) == pytest.approx(1.0, abs=0.03)
        assert found[..., 0].min() == pytest.approx(1 / 6, abs=0.03)
        assert found[..., 0].max() == pytest.approx(5 / 6, abs=0.03)

    def test_noise_takes_the_size_of_content_then_of_style(self, first, both, painting):
        assert np.array_equal(first(both, "noise", seed=4), nst.white_noise(32, 48, 4))
        style = Towards(image=painting, label="style")
        assert first(style, "noise").shape == painting.shape

    def test_recolouring_needs_a_style_beside_the_content(self, first, photo):
        with pytest.raises(ValueError, match="start='recoloured', but the objective has no style"):
            first(Towards(image=photo, label="content"), "recoloured")

    def test_an_array_of_any_kind(self, first):
        levels = np.arange(20 * 16 * 3, dtype="uint8").reshape(20, 16, 3)
        assert first(Towards(), levels)[0] * 255 == pytest.approx(levels, abs=1e-3)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("photo.jpg", "unknown start 'photo.jpg'; expected 'content', 'recoloured', 'style'"),
            ("content", "start='content', but the objective has no content term"),
            ("recoloured", "the objective has no content and no style term; pass start='noise'"),
            ("noise", "nothing fixes the size of the noise; pass an image"),
            (np.zeros((1, 8, 40, 3)), "the start image is 40 x 8 pixels; expected at least 16"),
            (np.full((20, 20, 3), 9.0), "divide by 255"),
            (np.full((20, 20, 3), np.nan), "NaN or infinite"),
        ],
    )
    def test_errors_say_what_was_expected(self, run, given, message):
        with pytest.raises(ValueError, match=message):
            run(Towards(), given)


@pytest.mark.parametrize("seed", [-1, None, 1.5, True])
def test_a_seed_that_is_none(run, seed):
    with pytest.raises(ValueError, match=f"seed is {seed}; expected a whole number of at least 0"):
        run(seed=seed)


class TestPrecision:
    @pytest.fixture
    def asked(self, monkeypatch):
        """The number formats in which the objective was asked for."""
        formats, original = [], nst.Objective.at

        def at(self, height, width, scale=1.0, precision="float32"):
            formats.append(precision)
            return original(self, height, width, scale, precision)

        monkeypatch.setattr(nst.Objective, "at", at)
        return formats

    @pytest.fixture
    def content(self, start, network):
        return 1 * nst.Content(start, "block1_conv2", network=network)

    @pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
    def test_auto_takes_what_the_device_is_quick_with(self, run, content, monkeypatch, chosen):
        monkeypatch.setenv("NST_PRECISION", chosen)
        result = run(content, nst.white_noise(*SIZE, seed=2), steps=1)
        assert result.settings["precision"] == chosen

    def test_coarse_arithmetic_leads_to_the_same_picture(self, run, content):
        noise, results = nst.white_noise(*SIZE, seed=2), {}
        for precision in ("float32", "bfloat16"):
            results[precision] = run(
                content, noise, steps=8, optimizer=nst.LBFGS(), precision=precision
            )
        exact, coarse = (content.report(result.image)["content"]["loss"] for result in
                         results.values())  # fmt: skip
        assert results["bfloat16"].history[0].terms != results["float32"].history[0].terms
        assert exact < 0.2 * results["float32"].history[0].loss
        assert coarse == pytest.approx(exact, rel=0.05)

    def test_a_picture_has_no_content_loss_to_itself(self, run, content, start):
        result = run(content, start, steps=1, precision="bfloat16")
        assert result.history[0].terms == {"content": 0.0}

    def test_where_the_coarse_arithmetic_converged_the_exact_one_goes_on(
        self, run, content, asked, monkeypatch
    ):
        stubborn, original = itertools.count(1), LBFGSDescent.step
        monkeypatch.setattr(
            LBFGSDescent, "step", lambda self: original(self) and next(stubborn) != 3
        )
        noise = nst.white_noise(*SIZE, seed=2)
        options = {"optimizer": nst.LBFGS(), "steps": 6, "precision": "bfloat16"}
        result = run(content, noise, **options)
        assert asked == ["bfloat16", "float32"]
        assert (result.stop_reason, len(result.history)) == ("steps", 7)
        assert [record.step for record in result.history] == list(range(7))
        assert result.history[-1].loss < result.history[3].loss

    def test_one_failed_search_in_the_coarse_arithmetic_is_enough(
        self, run, content, asked, monkeypatch
    ):
        """There the loss cannot be lowered further, whatever the direction."""
        searches, original = [], LBFGSDescent._search

        def search(self, *arguments):
            if self.evaluation.exact:
                return original(self, *arguments)
            searches.append(len(searches))
            return original(self, *arguments) if len(searches) < 3 else None

        monkeypatch.setattr(LBFGSDescent, "_search", search)
        noise = nst.white_noise(*SIZE, seed=2)
        result = run(content, noise, optimizer=nst.LBFGS(), steps=6, precision="bfloat16")
        assert asked == ["bfloat16", "float32"] and len(searches) == 3
        assert [record.step for record in result.history] == list(range(7))
        assert result.history[-1].loss < 0.9 * result.history[3].loss

    def test_what_reads_no_network_is_exact(self, run, asked):
        result = run(Towards(), precision="bfloat16")
        assert asked == ["float32"] and result.settings["precision"] == "float32"

    def test_an_unknown_format(self, run):
        with pytest.raises(ValueError, match="'float16'; expected auto, float32, bfloat16"):
            run(precision="float16")


class TestScales:
    def test_from_coarse_to_fine(self, run, monkeypatch):
        bound = []
        original = nst.Objective.at

        def at(self, height, width, scale=1.0, *precision):
            bound.append((height, width, scale))
            return original(self, height, width, scale, *precision)

        monkeypatch.setattr(nst.Objective, "at", at)
        result = run(first=nst.white_noise(48, 64), scales=[32, 48, 64], steps=[1, 2, 3])
        assert bound == [(24, 32, 0.5), (36, 48, 0.75), (48, 64, 1.0)]
        assert [record.size for record in result.history] == (
            [(24, 32)] * 2 + [(36, 48)] * 3 + [(48, 64)] * 4
        )
        assert [record.step for record in result.history] == [0, 1, 1, 2, 3, 3, 4, 5, 6]
        assert result.settings["sizes"] == [[24, 32], [36, 48], [48, 64]]
        assert result.settings["steps"] == [1, 2, 3]
        assert result.image.shape == (1, 48, 64, 3)

    def test_each_scale_starts_from_the_one_before(self, run):
        result = run(scales=[24, 32], steps=4)
        ends = [record.loss for record in result.history if record.step in (0, 4)]
        assert ends[0] > ends[1] and ends[2] == pytest.approx(ends[1], rel=0.2)

    def test_a_scale_that_converges_leaves_out_the_rest_of_its_steps(self, run):
        result = run(optimizer=nst.LBFGS(), scales=[24, 32], steps=30)
        coarse = [record for record in result.history if record.size == (18, 24)]
        fine = [record for record in result.history if record.size == SIZE]
        assert coarse[-1].step == len(coarse) - 1 < 30 and fine[0].step == 30

    def test_one_number_is_a_size(self, run):
        result = run(scales=64, steps=1)
        assert result.image.shape == (1, 48, 64, 3) and len(result.history) == 2

    def test_a_scale_that_makes_a_long_picture_too_low_is_refused_before_any_work(self, run):
        long = np.full((1, 20, 200, 3), 0.5, "float32")
        with pytest.raises(ValueError, match="64 x 6; .* at least 16 .* possible scale is 155$"):
            run(first=long, scales=[64, 160])
        assert starts.working_sizes((20, 200), [155, 160]) == [(16, 155), (16, 160)]

    @given(height=st.integers(1, 300), width=st.integers(1, 300))
    def test_the_smallest_scale_will_do_and_the_next_smaller_will_not(self, height, width):
        scale = starts.smallest_scale((height, width))
        ((low, wide),) = starts.working_sizes((height, width), scale)
        assert min(low, wide) == 16 and max(low, wide) == scale
        with pytest.raises(ValueError, match=f"possible scale is {scale}$|at least 16, rising"):
            starts.working_sizes((height, width), scale - 1)

    @pytest.mark.parametrize(
        "scales", [[], [8, 32], [64, 32], [32, 32], [32.5], ["32"], "coarse to fine"]
    )
    def test_bad_scales(self, run, scales):
        with pytest.raises(ValueError, match="expected long sides in whole pixels, at least 16"):
            run(scales=scales)

    @pytest.mark.parametrize("steps", [0, -3, True, 2.0, math.nan, "5", None, [3, 0], [True, 2]])
    def test_bad_steps(self, run, steps):
        scales = [24, 32] if isinstance(steps, list) else None
        with pytest.raises(ValueError, match="expected a whole number of at least 1"):
            run(steps=steps, scales=scales)

    @pytest.mark.parametrize("steps", [[1, 2, 3], [1], ()])
    def test_steps_that_do_not_fit_the_scales(self, run, steps):
        with pytest.raises(ValueError, match=f"{len(steps)} step counts for 2 sizes"):
            run(steps=steps, scales=[24, 32])

    def test_steps_may_be_numpy_numbers(self, run):
        result = run(steps=np.array([1, 2]), scales=[24, 32])
        assert result.settings["steps"] == [1, 2]


class TestCallbacks:
    def test_they_see_every_step_and_the_image_as_it_was(self, run):
        seen = []
        result = run(callbacks=lambda progress: seen.append((progress.record, progress.image)))
        assert [record for record, _ in seen] == result.history
        assert [loss_of(image) for _, image in seen] == pytest.approx(
            [record.loss for record in result.history], rel=1e-5
        )

    def test_one_that_returns_true_stops_the_run(self, run):
        told = []
        first = lambda progress: progress.record.step >= 2  # noqa: E731
        result = run(callbacks=[first, told.append], steps=50)
        assert len(told) == len(result.history) == 3
        assert result.stop_reason == "callback" and "stopped by a callback" in result.message
        assert loss_of(result.image) == pytest.approx(result.history[-1].loss, rel=1e-5)

    def test_numpys_true_counts_and_other_answers_do_not(self, run):
        assert len(run(callbacks=lambda progress: np.bool_(True)).history) == 1
        for answer in (1, "stop", np.ones(3), [True], None, False, np.bool_(False)):
            assert len(run(callbacks=[lambda progress, answer=answer: answer]).history) == 5

    def test_a_stop_at_the_last_step_is_still_a_stop(self, run):
        result = run(callbacks=lambda progress: progress.record.step == 4)
        assert result.stop_reason == "callback" and "callback" in result.message

    def test_a_mistake_in_a_callback_is_shown(self, run):
        with pytest.raises(ZeroDivisionError):
            run(callbacks=lambda progress: 1 / 0)

    def test_a_mistake_in_a_callback_does_not_lose_the_image(self, run):
        def callback(progress):
            if progress.record.step == 3:
                raise KeyError("nothing of that name")

        with pytest.raises(KeyError) as caught:
            run(steps=50, callbacks=callback)
        kept = caught.value.synthesis
        assert (kept.stop_reason, len(kept.history)) == ("error", 4)
        assert "KeyError: 'nothing of that name'" in kept.message
        assert loss_of(kept.image) == pytest.approx(kept.history[-1].loss, rel=1e-5)
        assert kept.settings["steps"] == [3] and kept.settings["stop_reason"] == "error"
        assert kept.report()["last"]["step"] == 3
        assert "attribute `synthesis`" in caught.value.__notes__[0]

    @pytest.mark.parametrize("mistake", [MemoryError, FloatingPointError])
    def test_a_mistake_in_a_callback_is_not_taken_for_the_runs_own(self, run, mistake):
        def callback(progress):
            if progress.record.step == 2:
                raise mistake("in the callback")

        with pytest.raises(mistake, match="in the callback") as caught:
            run(steps=50, callbacks=callback)
        kept = caught.value.synthesis
        assert (kept.stop_reason, len(kept.history)) == ("error", 3)

    def test_a_mistake_before_the_first_evaluation_carries_nothing(self, run, evaluations):
        evaluations(raises_at(1, RuntimeError("a bug")))
        with pytest.raises(RuntimeError) as caught:
            run()
        assert not hasattr(caught.value, "synthesis")

    @pytest.mark.parametrize("callbacks", [[None], ["print"]])
    def test_what_cannot_be_called(self, run, callbacks):
        with pytest.raises(TypeError, match="a callback is .*; expected a function"):
            run(callbacks=callbacks)


class TestClock:
    @pytest.fixture
    def clock(self, monkeypatch):
        """A clock that only moves when a callback moves it."""
        now = SimpleNamespace(seconds=1000.0)
        fake = SimpleNamespace(perf_counter=lambda: now.seconds)
        monkeypatch.setattr(bookkeeping, "time", fake)

        def tick(progress):
            now.seconds += 10

        return tick

    def test_the_run_stops_after_the_step_that_passes_the_limit(self, run, clock):
        result = run(callbacks=clock, time_limit=25, steps=50)
        assert [record.seconds for record in result.history] == [0, 10, 20, 30]
        assert result.stop_reason == "time limit" and "25 s has passed" in result.message
        assert result.seconds == 40
        assert loss_of(result.image) == pytest.approx(result.history[-1].loss, rel=1e-5)

    def test_seconds_left(self, run, clock):
        left = []
        run(callbacks=[clock, lambda progress: left.append(progress.seconds_left)])
        assert math.isnan(left[0]) and left[1:] == [30, 20, 10, 0]

    @pytest.mark.parametrize("limit", [0, -1.0, math.nan])
    def test_a_bad_limit(self, run, limit):
        with pytest.raises(ValueError, match="the time limit is .*; expected a positive number"):
            run(time_limit=limit)


class TestTrouble:
    def test_interrupted_in_an_evaluation(self, run, evaluations):
        evaluations(raises_at(4, KeyboardInterrupt()))
        result = run(steps=50)
        assert (result.stop_reason, len(result.history)) == ("interrupted", 3)
        assert loss_of(result.image) == pytest.approx(result.history[-1].loss, rel=1e-5)
        assert result.message == "interrupted; this is the best image so far"

    def test_interrupted_in_a_callback(self, run):
        def callback(progress):
            if progress.record.step == 2:
                raise KeyboardInterrupt

        result = run(steps=50, callbacks=callback)
        assert (result.stop_reason, len(result.history)) == ("interrupted", 3)
        assert loss_of(result.image) == pytest.approx(result.history[-1].loss, rel=1e-5)

    def test_interrupted_before_the_first_evaluation(self, run, evaluations, start):
        evaluations(raises_at(1, KeyboardInterrupt()))
        result = run()
        assert np.array_equal(result.image, start) and result.history == []
        assert result.report()["first"] is None and result.report()["last"] is None

    def test_interrupted_at_a_coarse_scale_the_size_is_that_asked_for(self, run, evaluations):
        evaluations(raises_at(3, KeyboardInterrupt()))
        result = run(first=nst.white_noise(48, 64), scales=[24, 32, 64])
        assert result.stop_reason == "interrupted" and result.image.shape == (1, 48, 64, 3)
        assert {record.size for record in result.history} == {(18, 24)}

    def test_interrupted_between_two_sizes(self, run, monkeypatch):
        original = synthesis.resize

        def resize(image, size):
            if size == (24, 32) and image.shape[1:3] == (18, 24):
                monkeypatch.setattr(synthesis, "resize", original)
                raise KeyboardInterrupt
            return original(image, size=size)

        monkeypatch.setattr(synthesis, "resize", resize)
        result = run(scales=[24, 32], steps=2)
        assert result.stop_reason == "interrupted" and result.image.shape == (1, *SIZE, 3)
        assert {record.size for record in result.history} == {(18, 24)}

    @pytest.mark.parametrize("number", [3, 5])  # the last step is no exception
    def test_a_loss_that_is_not_finite(self, run, evaluations, caplog, number):
        evaluations(nan_at(number))
        with caplog.at_level(logging.WARNING, logger="nsthelpers"):
            result = run(Towards() + nst.TotalVariation())
        assert result.stop_reason == "not finite" and len(result.history) == number - 1
        assert result.message.startswith("the loss of towards is not a finite number")
        assert "learning rate" in result.message and result.message in caplog.text
        expected = result.history[-1].terms["towards"]
        assert loss_of(result.image) == pytest.approx(expected, rel=1e-5)

    def test_a_loss_that_is_not_finite_from_the_start(self, run, evaluations, start):
        evaluations(nan_at(1))
        result = run()
        assert result.stop_reason == "not finite" and np.array_equal(result.image, start)
        assert len(result.history) == 1 and math.isnan(result.history[0].loss)

    def test_a_learning_rate_far_too_large_for_an_unbounded_image(self, run):
        result = run(optimizer=nst.SGD(1e30, bounds=None), steps=20)
        assert result.stop_reason == "not finite" and "towards" in result.message
        assert np.isfinite(result.image).all()

    @pytest.mark.parametrize("optimizer", [nst.LBFGS(), nst.Adam()])
    def test_a_gradient_that_is_not_finite(self, run, optimizer):
        flat = np.full((1, *SIZE, 3), 0.5, "float32")
        result = run(Deviation(), flat, optimizer=optimizer)
        assert result.stop_reason == "not finite" and np.array_equal(result.image, flat)

    def test_memory_that_does_not_do_for_a_larger_scale(self, run, evaluations):
        evaluations(raises_at(6, MemoryError()))
        result = run(scales=[24, 32], steps=3)
        assert result.stop_reason == "out of memory"
        assert "not enough memory for 32 x 24 pixels" in result.message
        assert result.image.shape == (1, *SIZE, 3)
        assert len(result.history) == 5

    def test_memory_that_does_not_do_at_all(self, run, evaluations):
        evaluations(fails_above(1))
        with pytest.raises(MemoryError, match="23 x 17 pixels; choose a smaller size"):
            run()

    def test_one_size_down_where_the_memory_does_not_do(self, run, evaluations, start, caplog):
        evaluations(raises_at(1, MemoryError()))
        with caplog.at_level(logging.WARNING, logger="nsthelpers"):
            result = run(steps=4)
        text = "not enough memory for 32 x 24 pixels; going on at 23 x 17"
        assert caplog.messages == [text]
        assert result.stop_reason == "steps"
        assert result.message == (
            "all 4 steps at 23 x 17 pixels, enlarged: not enough memory for 32 x 24 pixels"
        )
        assert result.image.shape == start.shape
        assert {record.size for record in result.history} == {(17, 23)}
        assert result.settings["sizes"] == [[17, 23]] and result.settings["steps"] == [4]

    def test_it_goes_on_from_the_image_that_it_had(self, run, evaluations):
        evaluations(raises_at(4, MemoryError()))
        result = run(steps=6)
        before = [record for record in result.history if record.size == SIZE]
        after = [record for record in result.history if record.size != SIZE]
        assert [record.step for record in before] == [0, 1, 2]
        assert [record.step for record in after] == [2, 3, 4, 5, 6]  # no step is lost or made twice
        assert after[0].loss == pytest.approx(before[-1].loss, rel=0.3)
        assert after[0].loss < 0.5 * (before[0].loss + before[-1].loss)
        assert result.settings["sizes"] == [list(SIZE), [17, 23]]
        assert result.settings["steps"] == [2, 4]

    def test_it_steps_down_as_often_as_it_must(self, run, evaluations):
        first = nst.white_noise(96, 128)
        evaluations(fails_above(50))
        result = run(first=first, steps=3, scales=[32, 64, 128])
        sizes = list(dict.fromkeys(record.size for record in result.history))
        assert sizes == [(24, 32), (48, 64)] and result.stop_reason == "out of memory"

    def test_larger_sizes_are_left_out_then(self, run, evaluations):
        first = nst.white_noise(192, 256)
        evaluations(fails_above(70))
        result = run(first=first, steps=2, scales=[32, 128, 256])
        sizes = list(dict.fromkeys(record.size for record in result.history))
        assert sizes == [(24, 32), (68, 91)] and result.stop_reason == "steps"
        assert result.image.shape == (1, 192, 256, 3) and result.settings["steps"] == [2, 2]

    def test_tensorflows_memory_error_counts(self):
        from tensorflow.errors import ResourceExhaustedError

        assert nst.backend.is_out_of_memory(ResourceExhaustedError(None, None, "OOM"))

    def test_an_error_between_two_sizes_carries_the_image_at_the_size_asked_for(
        self, run, monkeypatch
    ):
        original = nst.Objective.at

        def at(self, height, *rest):
            if height == 24:
                raise RuntimeError("no targets at this size")
            return original(self, height, *rest)

        monkeypatch.setattr(nst.Objective, "at", at)
        with pytest.raises(RuntimeError) as caught:
            run(scales=[24, 32], steps=2)
        kept = caught.value.synthesis
        assert kept.image.shape == (1, *SIZE, 3) and len(kept.history) == 3

    def test_any_other_error_is_not_hidden(self, run, evaluations):
        evaluations(raises_at(3, RuntimeError("a bug")))
        with pytest.raises(RuntimeError, match="a bug"):
            run()


class TestArguments:
    @pytest.mark.parametrize("objective", ["content", 3, np.zeros((16, 16, 3))])
    def test_what_is_no_objective(self, start, objective):
        with pytest.raises(TypeError, match="the objective is a .*; expected a sum of terms"):
            nst.synthesize(objective, start)

    @pytest.mark.parametrize("optimizer", ["adam", nst.LBFGS, 0.02])
    def test_what_is_no_optimizer(self, run, optimizer):
        with pytest.raises(TypeError, match=r"the optimizer is .*; expected one such as nst.LBFGS"):
            run(optimizer=optimizer)

    def test_the_progress_bar_can_be_switched_off(self, run, capsys):
        run()
        assert capsys.readouterr() == ("", "")
        run(progress=True)
        shown = capsys.readouterr()
        assert "4/4" in shown.err and "loss=" in shown.err and shown.out == ""
