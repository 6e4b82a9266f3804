"""Images written in other numbers than pixels: the same images, the same loss, another way down."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers import choices
from nsthelpers.backend import ops, to_numpy, to_tensor
from nsthelpers.images import pyramids
from nsthelpers.images.pyramids import halved_sizes, linear_weights
from nsthelpers.objectives.objective import BoundObjective, Evaluation
from nsthelpers.optimizers import spectrum
from nsthelpers.statistics import transport
from nsthelpers.synthesis import loop, parametrisations
from nsthelpers.synthesis.parametrisations import (
    LaplacianPyramid,
    Pixels,
    Through,
    Waves,
    as_parametrisation,
)

SIZE = (24, 32)
MARGIN = 1 / 1024


@pytest.fixture
def start():
    return 0.1 + 0.8 * nst.white_noise(*SIZE, seed=1)


def image_of(parametrisation, parameters):
    return to_numpy(parametrisation.image(to_tensor(parameters, parameters.dtype.name)))


def by_parameters(parametrisation, image, weights):
    """The gradient of the weighted sum of the image by its parameters, through a descent."""
    seen = []

    class Still(nst.optimizers.Optimizer):
        def start(self, evaluate, parameters):
            seen.append((parameters, evaluate(to_tensor(parameters, "float64"))))

            class Descent:
                image, evaluation = to_tensor(parameters, "float64"), seen[0][1]

            return Descent()

    still = parametrisations.dataclass(frozen=True)(Still)()

    def evaluate(drawn):
        return Evaluation(float(ops.sum(drawn * weights)), {}, to_tensor(weights, "float64"))

    Through(still, parametrisation).start(evaluate, image)
    parameters, evaluation = seen[0]
    return parameters, to_numpy(evaluation.gradient)


class TestWaves:
    @given(
        height=st.integers(1, 20),
        width=st.integers(1, 20),
        exponent=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    )
    def test_there_and_back_is_the_same_image(self, height, width, exponent):
        waves = Waves(exponent)
        image = np.random.default_rng(height).uniform(MARGIN, 1 - MARGIN, (1, height, width, 3))
        parameters = waves.parameters(image)
        assert parameters.dtype == "float64" and parameters.size == image.size
        assert image_of(waves, parameters) == pytest.approx(image, abs=1e-12)

    def test_back_and_there_is_the_same_parameters(self):
        parameters = 0.05 * np.random.default_rng(0).normal(size=(3, *SIZE))
        again = Waves().parameters(image_of(Waves(), parameters))
        assert again == pytest.approx(parameters, abs=1e-8)

    def test_black_and_white_are_not_moved_visibly(self):
        image = np.zeros((1, *SIZE, 3), "float32")
        image[:, 8:] = 1
        back = image_of(Waves(), Waves().parameters(image))
        assert back.dtype == "float32"
        assert np.array_equal(nst.images.to_uint8(back), nst.images.to_uint8(image))

    @given(scale=st.floats(0, 1e4), seed=st.integers(0, 9))
    def test_whatever_the_numbers_the_image_is_in_range(self, scale, seed):
        parameters = scale * np.random.default_rng(seed).normal(size=(3, 8, 9)).astype("float32")
        image = image_of(Waves(), parameters)
        assert image.min() >= 0 and image.max() <= 1

    def test_the_first_number_is_the_brightness_of_all(self):
        parameters = np.zeros((3, *SIZE))
        parameters[0, 0, 0] = 0.1
        image = image_of(Waves(), parameters)
        assert np.ptp(image, axis=(0, 1, 2)) == pytest.approx(np.zeros(3), abs=1e-12)
        assert (image > 0.5).all() and np.ptp(image[0, 0, 0]) < 0.1 * (image.max() - 0.5)

    @pytest.mark.parametrize("exponent", [0.0, 1.0, 1.5])
    def test_a_waves_amplitude_falls_with_its_frequency(self, exponent):
        def strength(wave):
            parameters = np.zeros((3, 32, 32))
            parameters[0, 0, wave] = 1e-3
            return np.linalg.norm(image_of(Waves(exponent), parameters) - 0.5)

        assert strength(2) / strength(8) == pytest.approx(4**exponent, rel=1e-3)
        assert strength(0) == pytest.approx(strength(1), rel=1e-3)  # the lowest is the bound

    def test_the_usual_amplitudes_are_those_of_photographs(self):
        found = []
        for name in ("astronaut", "chelsea", "coffee", "rocket"):
            grey = nst.samples.load(name, max_side=256)[0].mean(-1)
            height, width = grey.shape
            waves = spectrum.cosines(height) @ grey @ spectrum.cosines(width).T
            down, across = np.arange(height) / (2 * height), np.arange(width) / (2 * width)
            frequency = np.hypot(down[:, None], across)
            bands = np.geomspace(1 / 128, 0.35, 16)
            energy, number = (
                np.histogram(frequency, bands, weights=each)[0] for each in (waves**2, None)
            )
            middles = np.log(bands[1:] * bands[:-1]) / 2
            found.append(-np.polyfit(middles, np.log(energy / number) / 2, 1)[0])
        assert np.mean(found) == pytest.approx(Waves().exponent, abs=0.05)

    @pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
    def test_numbers_of_mean_square_1_move_pixels_around_grey_as_much(self, exponent):
        moved = 0.0
        for place in np.ndindex(3, 6, 8):  # independent numbers: their mean squares add up
            parameters = np.zeros((3, 6, 8))
            parameters[place] = 1e-4
            moved += np.mean((image_of(Waves(exponent), parameters) - 0.5) ** 2)
        assert np.sqrt(moved) == pytest.approx(1e-4, rel=1e-4)

    def test_the_gradient_is_that_of_central_differences(self):
        rng = np.random.default_rng(3)
        image, weights = rng.uniform(0.1, 0.9, (1, 5, 7, 3)), rng.normal(size=(1, 5, 7, 3))
        parameters, gradient = by_parameters(Waves(), image, weights)
        assert gradient.dtype == "float64"
        for place in np.ndindex(parameters.shape):
            nudge = np.zeros_like(parameters)
            nudge[place] = 1e-5
            up, down = (image_of(Waves(), parameters + s * nudge) for s in (1, -1))
            slope = np.sum((up - down) * weights) / 2e-5
            assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-8)

    @pytest.mark.parametrize("exponent", [-1.0, np.inf, np.nan])
    def test_an_exponent_out_of_range_is_refused(self, exponent):
        with pytest.raises(ValueError, match="the exponent is"):
            Waves(exponent)


class TestLaplacianPyramid:
    @given(height=st.integers(1, 40), width=st.integers(1, 40), levels=st.integers(0, 7))
    def test_there_and_back_is_the_same_image(self, height, width, levels):
        pyramid = LaplacianPyramid(levels)
        image = np.random.default_rng(height).uniform(size=(1, height, width, 3))
        parameters = pyramid.parameters(image)
        assert parameters.dtype == "float64"
        assert parameters.shape == (1, height + height // 2, width, 3)
        assert image_of(pyramid, parameters) == pytest.approx(image, abs=1e-12)

    @given(height=st.integers(1, 40), width=st.integers(1, 40), levels=st.integers(0, 7))
    def test_levels_lie_apart_and_each_of_their_numbers_counts(self, height, width, levels):
        sizes = halved_sizes(height, width, levels)
        used = np.zeros((height + height // 2, width), int)
        for place in parametrisations._mip_map(height, width, levels):
            used[place.rows, place.columns] += 1
        assert used.max() == 1 and used.sum() == sum(h * w for h, w in sizes)
        ones = np.ones((1, *used.shape, 3))
        drawn = image_of(LaplacianPyramid(levels), ones)
        assert drawn == pytest.approx(np.full_like(drawn, len(sizes)))  # U keeps what is even

    def test_an_even_image_is_in_the_coarsest_level_alone(self):
        parameters = LaplacianPyramid(2).parameters(np.full((1, 16, 16, 3), 0.25))
        coarsest = parametrisations._mip_map(16, 16, 2)[-1]
        assert parameters[0, coarsest.rows, coarsest.columns] == pytest.approx(0.25)
        assert np.sum(parameters) == pytest.approx(0.25 * 4 * 4 * 3)

    def test_half_of_an_image_is_the_means_of_its_squares(self):
        """Of one level: the first is the image without them, enlarged by linear interpolation."""
        image = np.random.default_rng(1).uniform(size=(1, 6, 8, 3))
        means = image.reshape(1, 3, 2, 4, 2, 3).mean((2, 4))
        parameters = LaplacianPyramid(1).parameters(image)
        assert parameters[:, 6:, :4] == pytest.approx(means)
        middle = 9 * means[0, 1, 1] + 3 * (means[0, 0, 1] + means[0, 1, 0]) + means[0, 0, 0]
        assert parameters[0, 2, 2] == pytest.approx(image[0, 2, 2] - middle / 16)

    @given(before=st.integers(1, 30), after=st.integers(1, 60))
    def test_interpolation_is_numpys(self, before, after):
        places = (np.arange(after) + 0.5) * before / after - 0.5
        row = np.random.default_rng(before).normal(size=before)
        expected = np.interp(places, np.arange(before), row)
        assert linear_weights(before, after) @ row == pytest.approx(expected, abs=1e-12)

    def test_the_gradient_is_that_of_central_differences(self):
        rng, pyramid = np.random.default_rng(3), LaplacianPyramid(2)
        image, weights = rng.uniform(size=(1, 7, 6, 3)), rng.normal(size=(1, 7, 6, 3))
        parameters, gradient = by_parameters(pyramid, image, weights)
        assert gradient.dtype == "float64"
        for place in np.ndindex(parameters.shape):
            nudge = np.zeros_like(parameters)
            nudge[place] = 1e-3
            up, down = (image_of(pyramid, parameters + s * nudge) for s in (1, -1))
            slope = np.sum((up - down) * weights) / 2e-3
            assert gradient[place] == pytest.approx(slope, rel=1e-9, abs=1e-9)

    def test_a_picture_that_left_the_range_comes_back_clipped(self):
        bright = np.full((1, *SIZE, 3), 0.9, "float32")

        class Brighter(nst.objectives.Term):
            label = "brighter"

            def loss(self, image, features, targets):
                return ops.mean(ops.square(image - 1.5))

        progress = []
        result = nst.synthesize(
            Brighter(), bright, image_as="laplacian", optimizer=nst.Adam(0.05), steps=5,
            callbacks=lambda each: progress.append(each.record.loss), progress=False,
        )  # fmt: skip
        assert progress[-1] < 0.25  # it was beyond 1 on the way
        assert np.array_equal(result.image, np.ones_like(bright))

    @pytest.mark.parametrize("levels", [-1, 2.5, True])
    def test_levels_that_are_no_number_are_refused(self, levels):
        with pytest.raises(ValueError, match="levels is .*; expected a whole number of at least 0"):
            LaplacianPyramid(levels)


class TestSynthesis:
    @pytest.mark.parametrize("optimizer", [nst.LBFGS(), nst.Adam(0.003), nst.SGD(1e-3)])
    def test_all_start_at_the_same_image_and_lower_the_loss(self, start, network, optimizer):
        first, results = {}, {}
        texture = nst.Style(nst.white_noise(32, 32, seed=5), "conv1_1", network=network)
        for kind in choices.PARAMETRISATIONS:
            results[kind] = nst.synthesize(
                texture + 0.1 * nst.TotalVariation(), start, image_as=kind, optimizer=optimizer,
                steps=6, progress=False, callbacks=lambda p, kind=kind: first.setdefault(kind, p),
            )  # fmt: skip
        assert first["waves"].image == pytest.approx(start, abs=1e-5)
        losses = {kind: result.history[0].loss for kind, result in results.items()}
        assert losses["waves"] == pytest.approx(losses["pixels"], rel=1e-4)
        for result in results.values():
            assert result.history[-1].loss < result.history[0].loss
            assert result.image.shape == (1, *SIZE, 3)

    def test_a_long_reconstruction_reaches_the_same_picture(self, photo, network):
        """The lowest loss is that of the picture itself, 0, whatever the way."""
        content = nst.Content(photo, "conv1_1", network=network)
        for kind in choices.PARAMETRISATIONS:
            grey = np.full_like(photo, 0.5)
            result = nst.synthesize(content, grey, image_as=kind, steps=400, progress=False)
            assert result.history[-1].loss < 1e-4 * result.history[0].loss
            assert result.image == pytest.approx(photo, abs=0.05)

    def test_pixels_take_the_way_that_they_took(self, start):
        """The choice costs nothing where it is not made."""
        plan = loop.make_plan(nst.TotalVariation(), start)
        assert plan.image_as == Pixels() and plan.way is plan.optimizer

    def test_lbfgs_takes_parameters_for_no_pixels(self, start, monkeypatch):
        made, begin = [], nst.LBFGS.start
        monkeypatch.setattr(
            nst.LBFGS, "start", lambda self, *given: (made.append(self), begin(self, *given))[1]
        )
        nst.synthesize(nst.TotalVariation(), start, image_as="waves", steps=1, progress=False)
        (made,) = made
        assert made.bounds is None and not made.by_octave and made.memory == nst.LBFGS().memory

    @pytest.mark.parametrize("kind", choices.PARAMETRISATIONS)
    def test_the_first_trial_step_is_one_of_pixels_in_any_numbers(self, kind, monkeypatch):
        """The gradient of brightness lies in one number, whose wave is a large one."""
        grey, seen = np.full((1, *SIZE, 3), 0.4, "float32"), []

        class Brighter(nst.objectives.Term):
            label = "brighter"

            def loss(self, image, features, targets):
                return -ops.mean(image)

        original = BoundObjective.evaluate
        monkeypatch.setattr(
            BoundObjective, "evaluate",
            lambda self, image: (seen.append(to_numpy(image)), original(self, image))[1],
        )  # fmt: skip
        nst.synthesize(Brighter(), grey, image_as=kind, steps=1, progress=False)
        assert seen[0] == pytest.approx(grey, abs=1e-6)
        assert np.sqrt(np.mean((seen[1] - seen[0]) ** 2)) == pytest.approx(0.05, rel=0.05)

    def test_from_coarse_to_fine_the_image_goes_on(self, start):
        progress = []
        result = nst.synthesize(
            nst.TotalVariation(), start, image_as="waves", scales=[24, 32], steps=[3, 2],
            callbacks=progress.append, progress=False,
        )  # fmt: skip
        assert [each.record.size for each in progress] == [(18, 24)] * 4 + [(24, 32)] * 3
        assert all(each.image.shape == (1, *each.record.size, 3) for each in progress)
        coarse, fine = progress[3].image, progress[4].image
        assert fine == pytest.approx(nst.resize(coarse, size=SIZE), abs=2e-3)
        assert result.image.shape == (1, *SIZE, 3)

    def test_the_settings_tell(self, start, tmp_path):
        result = nst.synthesize(
            nst.TotalVariation(), start, image_as=Waves(1.5), steps=1, progress=False
        )
        said = nst.read_settings(result.save(tmp_path / "waves.png"))
        assert said["image_as"] == {"name": "Waves", "exponent": 1.5}
        assert said["optimizer"]["name"] == "LBFGS"

    def test_an_estimate_measures_the_chosen_way(self, start, monkeypatch):
        asked = []
        timing = nst.synthesis.estimates.measure_timing

        def noting(objective, size, optimizer, *others):
            asked.append(optimizer)
            return timing(objective, size, optimizer, *others)

        monkeypatch.setattr("nsthelpers.synthesis.estimates.measure_timing", noting)
        found = nst.estimate(1 * nst.TotalVariation(), steps=3, start=start, image_as="waves")
        assert asked == [Through(nst.LBFGS(), Waves())]
        assert found.sizes == [SIZE] and found.steps == [3] and found.seconds > 0
        plain = nst.estimate(1 * nst.TotalVariation(), steps=3, start=start)
        assert found.memory == pytest.approx(plain.memory, rel=0.05)  # both: what is held so far

    def test_the_choices_are_those_there_are(self):
        for name in choices.PARAMETRISATIONS:
            assert as_parametrisation(name).settings()["name"].lower().startswith(name)

    @pytest.mark.parametrize(
        ("value", "error", "text"),
        [
            ("wave", ValueError, "unknown image_as 'wave'; did you mean waves?"),
            ("xyz", ValueError, "unknown image_as 'xyz'; expected one of pixels, waves, laplacian"),
            (3, TypeError, "image_as is 3; expected one of pixels, waves, laplacian, or"),
        ],
    )
    def test_what_is_no_parametrisation_is_refused(self, start, value, error, text):
        with pytest.raises(error) as caught:
            nst.synthesize(nst.TotalVariation(), start, image_as=value, progress=False)
        assert str(caught.value).startswith(text)


class TestJitter:
    @staticmethod
    def run(start, **options):
        options = {"jitter": 3, "steps": 4, "progress": False} | options
        return nst.synthesize(nst.TotalVariation("squared"), start, **options)

    def test_what_asks_for_no_place_is_lowered_as_without(self, start, network):
        """Features of a flat image do not move with it, and the gradient is moved back."""
        ramp = np.zeros((1, 32, 32, 3), "float32")
        ramp[:, :16] = 0.6

        class Dark(nst.objectives.Term):
            label = "dark"

            def loss(self, image, features, targets):
                return ops.sum(ops.square(image))

        still, shaken = (
            nst.synthesize(Dark(), ramp, optimizer=nst.Adam(), jitter=j, steps=5, progress=False)
            for j in (0, 7)
        )
        assert np.array_equal(still.image, shaken.image)

    def test_the_last_image_is_kept_not_that_of_the_luckiest_shift(self, start):
        class Corner(nst.objectives.Term):
            label = "corner"

            def loss(self, image, features, targets):
                return ops.mean(ops.square(image[:, :4, :4] - 0.25))

        seen = []
        result = nst.synthesize(
            Corner(), start, optimizer=nst.Adam(), jitter=9, steps=12, progress=False,
            callbacks=lambda progress: seen.append((progress.record.loss, progress.image)),
        )  # fmt: skip
        losses, images = zip(*seen, strict=True)
        assert min(losses) < losses[-1]
        assert np.array_equal(result.image, images[-1])

    def test_the_same_seed_gives_the_same_image(self, start):
        first, second, other = (self.run(start, seed=seed).image for seed in (1, 1, 2))
        assert np.array_equal(first, second) and not np.array_equal(first, other)

    def test_adam_is_the_way_down_and_the_settings_tell(self, start):
        said = self.run(start).settings
        assert (said["optimizer"]["name"], said["jitter"]) == ("Adam", 3)
        assert "jitter" not in self.run(start, jitter=0).settings

    def test_shifts_stay_within_the_limit_and_reach_it(self):
        image, seen = to_tensor(np.arange(15.0).reshape(1, 3, 5, 1)), set()

        def evaluate(shifted):
            (place,) = np.argwhere(to_numpy(shifted)[0, :, :, 0] == 0)
            seen.add((int(place[0] + 1) % 3 - 1, int(place[1] + 2) % 5 - 2))
            return Evaluation(0.0, {}, shifted)

        shifting = loop._shifting(evaluate, 1, np.random.default_rng(0))
        for _ in range(100):
            back = shifting(image).gradient
            assert np.array_equal(to_numpy(back), to_numpy(image))
        assert seen == {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)}

    def test_lbfgs_and_content_refuse_it(self, start, photo, network):
        with pytest.raises(ValueError, match=r"jitter is 3, and L-BFGS compares .*=nst\.Adam\("):
            self.run(start, optimizer=nst.LBFGS())
        content = nst.Content(photo, "conv1_1", network=network)
        with pytest.raises(ValueError, match="jitter is 2, but content is compared position"):
            nst.synthesize(content, jitter=2, progress=False)
        with pytest.raises(ValueError, match="jitter is -1; expected a whole number of at least 0"):
            self.run(start, jitter=-1)


@pytest.mark.parametrize(
    "array",
    [
        pyramids.linear_weights(4, 2),
        pyramids.average_weights(4, 2),
        *parametrisations._basis(4, 6, 1.2),
        transport._looked_at(2, 4, 6, 12, 0),
    ],
)
def test_what_all_callers_share_cannot_be_changed(array):
    with pytest.raises(ValueError, match="read-only"):
        array += 1


def test_jobs_pass_it_on_and_files_keep_it(tmp_path):
    options = {"max_side": 32, "steps": 2, "weights": "random", "progress": False}
    made = nst.reconstruct_style("mosaic_sunset", "conv1_1", image_as="waves", **options)
    assert made.settings["image_as"] == {"name": "Waves", "exponent": 1.2}
    assert made.settings["job"]["image_as"] == "waves"
    again = nst.recipes.repeat(made.save(tmp_path / "texture.png"), progress=False)
    assert again.settings["image_as"] == made.settings["image_as"]
    assert np.array_equal(again.image, made.image)
    with pytest.raises(ValueError, match="image_as is 'waive'; did you mean waves?"):
        nst.reconstruct_style("mosaic_sunset", image_as="waive")
    object_given = nst.jobs.ReconstructStyle(style="mosaic_sunset", image_as=Waves(1.5))
    assert json.loads(json.dumps(object_given.as_data()))["image_as"]["exponent"] == 1.5
