"""Estimates beforehand: exact laws under a fake clock, memory that does and does not do."""

from __future__ import annotations

import html
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.backend import Device, ops
from nsthelpers.synthesis import estimates, footprint, memory, timing

LAW = {"compiling": 2.0, "preparing": 4e-6, "fixed": 0.01, "per_pixel": 1e-5}


class Costly(nst.objectives.Term):
    """A term that wants every image darker, on a clock that runs only while it works."""

    label = "costly"
    compiled_in = ()

    def loss(self, image, features, targets):
        return ops.mean(ops.square(image))


@pytest.fixture
def clock(monkeypatch):
    """A machine whose costs are known exactly; the law should be found again."""
    now, traced = [0.0], set()
    real_at = nst.Objective.at

    def spend(seconds):
        now[0] += seconds

    def at(self, height, width, scale=1.0, precision="float32"):
        bound, pixels = real_at(self, height, width, scale, precision), height * width
        spend(LAW["preparing"] * pixels)

        def evaluate(tensor):
            if pixels not in traced:
                traced.add(pixels)
                spend(LAW["compiling"])
            spend(LAW["fixed"] + LAW["per_pixel"] * pixels)
            return bound.evaluate(tensor)

        return SimpleNamespace(evaluate=evaluate)

    monkeypatch.setattr(nst.Objective, "at", at)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def machine(monkeypatch):
    """Tell how much memory is held and free."""

    def say(held, free):
        monkeypatch.setattr(estimates, "held_and_free", lambda kind, index: (held, free))

    say(10**9, 10**11)
    return say


def start(height=400, width=600):
    return np.full((1, height, width, 3), 0.9, "float32")


class TestSeconds:
    def test_the_law_is_found_again(self, clock):
        objective = nst.objectives.as_objective(Costly())
        law = timing.measure_timing(objective, (400, 600), nst.Adam(1e-3))
        assert law == timing.Timing(**{k: pytest.approx(v) for k, v in LAW.items()})

    def test_seconds_are_those_of_the_run(self, clock, machine):
        """The same machine, then: what was said, and what the run really takes."""
        objective, optimizer = Costly(), nst.Adam(1e-3)
        said = nst.estimate(
            objective, [20, 30], start=start(), scales=[300, 600], optimizer=optimizer
        )
        began = clock[0]
        result = nst.synthesize(
            objective, start(), steps=[20, 30], scales=[300, 600], optimizer=optimizer,
            progress=False,
        )  # fmt: skip
        assert result.stop_reason == "steps"
        assert said.seconds == pytest.approx(clock[0] - began, rel=1e-6)
        assert said.sizes == [(200, 300), (400, 600)] and said.steps == [20, 30]
        assert said.minutes == said.seconds / 60

    def test_a_line_search_takes_more_than_one_evaluation(self, clock, machine):
        line_search = nst.estimate(Costly(), 100, start=start(), optimizer=nst.LBFGS())
        one_each = nst.estimate(Costly(), 100, start=start(), optimizer=nst.Adam())
        assert 1.01 < line_search.seconds / one_each.seconds < 1.25

    def test_a_small_picture_is_measured_itself(self, clock, machine):
        small = nst.estimate(Costly(), 10, start=start(32, 48), optimizer=nst.Adam())
        expected = LAW["compiling"] + 32 * 48 * LAW["preparing"]
        expected += 11 * (LAW["fixed"] + 32 * 48 * LAW["per_pixel"])
        assert small.seconds == pytest.approx(expected)

    def test_a_time_limit_holds(self, clock, machine):
        assert nst.estimate(Costly(), 10**6, start=start(), time_limit=30).seconds == 30

    def test_a_disturbed_measurement_still_grows_with_the_pixels(self, monkeypatch):
        """Where the larger size was not slower, the time is taken in proportion to the pixels."""
        found = iter([(1.0, 0.1, 0.5, False), (1.0, 0.1, 0.4, False)])
        monkeypatch.setattr(timing, "_measure", lambda *arguments: next(found))
        law = timing.measure_timing(nst.objectives.as_objective(Costly()), (400, 600))
        assert law.evaluation(400 * 600) > 2 > law.evaluation(1000) > 0

    def test_an_optimizer_that_is_done_at_once(self, machine):
        flat = np.zeros((1, 32, 48, 3), "float32")
        assert nst.estimate(Costly(), 10, start=flat).seconds > 0

    def test_a_size_stands_for_the_usual_objective(self, network, machine):
        by_side = nst.estimate(48, 5, network=network)
        by_pair = nst.estimate((32, 48), 5, network=network)
        assert by_side.sizes == by_pair.sizes == [(32, 48)]
        assert by_side.memory == by_pair.memory > 10**9

    def test_a_recipe_can_be_asked_first(self, network, machine):
        said = nst.stylize(
            "chelsea", "stained_glass", max_side=64, scales=[32, 64], steps=[3, 2], seed=1,
            network=network, progress=False, dry_run=True,
        )  # fmt: skip
        assert isinstance(said, estimates.Estimate)
        assert said.sizes == [(22, 32), (43, 64)] and said.steps == [3, 2]
        with pytest.raises(TypeError, match="speed"):
            nst.reconstruct_content("chelsea", max_side=32, network=network, dry_run=True, speed=1)


class TestMemory:
    def memory_of(self, objective, size=(400, 600), **options):
        found = nst.estimate(objective, 5, start=start(*size), **options)
        return found.memory - 10**9

    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch, machine):
        law = timing.Timing(1.0, 1e-6, 0.0, 1e-5)
        monkeypatch.setattr(estimates, "measure_timing", lambda *arguments: law)

    def test_it_grows_with_the_pixels(self, network):
        objective = nst.Content(start(), network=network)
        large = self.memory_of(objective, (400, 600))
        assert large == pytest.approx(4 * self.memory_of(objective, (200, 300)), abs=8)

    def test_deeper_layers_cost_more(self, network):
        shallow = self.memory_of(nst.Content(start(), "block1_conv1", network=network))
        deep = self.memory_of(nst.Content(start(), "block5_conv1", network=network))
        assert 0 < shallow < deep

    def test_the_activations_are_counted(self, network):
        """One convolution of 64 channels, whatever the rest of the run takes besides."""
        none = self.memory_of(nst.TotalVariation())
        one = self.memory_of(
            nst.Content(start(), "block1_conv1", network=network), precision="float32"
        )
        per_value = (one - none) / (400 * 600 * 64)
        assert per_value == pytest.approx(footprint._BYTES_PER_ACTIVATION["float32"], rel=0.01)

    def test_a_mask_costs_a_second_pass(self, network):
        def style(mask):
            return nst.Style(start(), "block2_conv1", mask=mask, network=network)

        content = nst.Content(start(), "block1_conv2", network=network)
        mask = np.ones((400, 600))
        none = self.memory_of(nst.TotalVariation())
        one, masked = (self.memory_of(style(each)) - none for each in (None, mask))
        assert masked == one  # the only pass is then the style's own
        alone = self.memory_of(content) - none
        both = self.memory_of(content + style(mask)) - none
        assert both == pytest.approx(alone + masked, abs=4)
        assert self.memory_of(content + style(None)) - none == pytest.approx(one, abs=4)

    def test_a_padding_other_than_zeros_keeps_a_copy_of_every_input(self, network):
        """Four bytes to the 6.2 of each activation: slopes of peak memory were 2136 and 3433."""
        mirrored = nst.VGG(weights="random", padding="reflect")
        none = self.memory_of(nst.TotalVariation())
        plain, padded = (
            self.memory_of(nst.Content(start(), "block5_conv1", network=each)) - none
            for each in (network, mirrored)
        )
        assert padded / plain == pytest.approx(3433 / 2136, rel=0.05)

    def test_memory_that_tensorflow_holds_and_does_not_use_counts_as_free(
        self, network, machine, monkeypatch
    ):
        machine(10**9, 10**6)
        assert nst.estimate(Costly(), 5, start=start()).largest is not None
        monkeypatch.setattr(estimates, "reusable_memory", lambda device: 5 * 10**8)
        found = nst.estimate(Costly(), 5, start=start())
        assert found.largest is None and found.available == 10**6 + 5 * 10**8
        assert found.memory < 10**9

    def test_terms_of_weight_zero_cost_nothing(self, network):
        objective = nst.TotalVariation() + 0 * nst.Content(start(), network=network)
        assert self.memory_of(objective) == self.memory_of(nst.TotalVariation())

    def test_lbfgs_keeps_two_vectors_for_each_step(self):
        few = self.memory_of(Costly(), optimizer=nst.LBFGS(memory=5))
        many = self.memory_of(Costly(), optimizer=nst.LBFGS(memory=15))
        assert many - few == 2 * 10 * 400 * 600 * 3 * 4

    def test_memory_that_does(self):
        found = nst.estimate(Costly(), 5, start=start())
        assert found.largest is None and found.warning == ""
        assert "more memory than is free" not in repr(found)

    def test_memory_that_does_not_do_names_the_largest_size_that_would(self, network, machine):
        objective = nst.Content(start(), network=network)
        machine(10**9, 10**8)
        found = nst.estimate(objective, 5, start=start())
        assert 16 <= found.largest < 600
        assert f"long side that fits is about {found.largest} px" in repr(found)
        assert "than is free (0.1 GB)" in repr(found)
        # and it is right: that size does, a tenth more does not
        side = found.largest
        assert nst.estimate(objective, 5, start=start(), scales=[side]).largest is None
        assert nst.estimate(objective, 5, start=start(), scales=[round(side * 1.1)]).largest

    def test_memory_that_is_not_known_is_no_warning(self, machine):
        machine(0, None)
        assert nst.estimate(Costly(), 5, start=start(4000, 6000)).largest is None


class TestText:
    FOUND = estimates.Estimate(
        130.0, 1_400_000_000, 8 * 10**9, [(128, 192), (256, 384)], [80, 60], None,
        Device("cpu", "x86_64", 2),
    )  # fmt: skip

    def test_it_reads_like_a_sentence(self):
        assert repr(self.FOUND) == (
            "about 2 minutes and 1.4 GB of memory on this device (CPU, 2 cores): "
            "80 steps at 192 x 128 px, 60 steps at 384 x 256 px"
        )

    def test_a_notebook_shows_the_same(self):
        assert self.FOUND._repr_html_() == f"<p>{html.escape(repr(self.FOUND))}</p>"


class TestArguments:
    @pytest.mark.parametrize("size", [0, 8, (64, 8), (64,), (64, 64, 3), "64", 64.5, [64, "64"]])
    def test_what_is_no_size(self, size):
        with pytest.raises((ValueError, TypeError), match="expected"):
            nst.estimate(size)

    @pytest.mark.parametrize(
        ("wrong", "text"),
        [
            ({"steps": 0}, "steps is 0"),
            ({"scales": [64, 32]}, "scales are"),
            ({"precision": "float8"}, "unknown precision 'float8'"),
            ({"start": "nowhere"}, "unknown start"),
        ],
    )
    def test_what_a_run_would_refuse(self, wrong, text):
        with pytest.raises(ValueError, match=text):
            nst.estimate(Costly(), **{"start": start(32, 48), **wrong})


class TestLookingUp:
    @pytest.fixture
    def files(self, tmp_path):
        """Stand-ins for /proc and /sys, given as path: text."""

        def write(**texts):
            for name, text in texts.items():
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(memory._left_to_containers(tmp_path))

        return lambda texts: write(**texts)

    def test_a_container_of_version_2(self, files):
        """Its own limit, its parents', and what the files' cache can give back."""
        left = files({
            "proc/self/cgroup": "0::/user/job\n",
            "sys/fs/cgroup/user/job/memory.max": "max\n",
            "sys/fs/cgroup/user/job/memory.current": "300\n",
            "sys/fs/cgroup/user/job/memory.stat": "anon 200\ninactive_file 100\n",
            "sys/fs/cgroup/user/memory.max": "1000\n",
            "sys/fs/cgroup/user/memory.current": "500\n",
            "sys/fs/cgroup/user/memory.stat": "anon 300\ninactive_file 150\n",
        })  # fmt: skip
        assert left == [1000 - (500 - 150)]

    @pytest.mark.parametrize("place", ["memory/docker/4f", "memory"])
    def test_a_container_of_version_1(self, files, place):
        left = files({
            "proc/self/cgroup": "5:cpu,cpuacct:/docker/4f\n3:memory:/docker/4f\n",
            f"sys/fs/cgroup/{place}/memory.limit_in_bytes": "1000\n",
            f"sys/fs/cgroup/{place}/memory.usage_in_bytes": "500\n",
            f"sys/fs/cgroup/{place}/memory.stat": "total_inactive_file 50\n",
        })  # fmt: skip
        assert left == [550]

    def test_no_container(self, files):
        assert files({}) == []
        assert files({"proc/self/cgroup": "0::/init.scope\n1:cpu:/\n"}) == []

    @pytest.mark.parametrize(("left", "free"), [([], 700), ([900, 500], 500), ([-3], 0)])
    def test_no_more_is_promised_than_the_container_has(self, monkeypatch, left, free):
        import psutil

        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=700))
        monkeypatch.setattr(memory, "_left_to_containers", lambda: left)
        held, found = memory.held_and_free("cpu")
        assert found == free and held == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)

    @pytest.mark.parametrize(
        ("printed", "expected"),
        [
            ("1000, 14000\n2, 3\n", (1000 * 2**20, 14000 * 2**20)),
            ("", (0, None)),
            ("No devices were found\n", (0, None)),
        ],
    )
    def test_a_gpu_through_its_driver(self, monkeypatch, printed, expected):
        monkeypatch.setattr(memory.shutil, "which", lambda program: f"/usr/bin/{program}")
        done = subprocess.CompletedProcess([], 0, stdout=printed)
        monkeypatch.setattr(memory.subprocess, "run", lambda *a, **o: done)
        assert memory.held_and_free("gpu") == expected

    @pytest.mark.parametrize(("shown", "asked"), [(None, "0"), ("3,1", "3"), ("GPU-7a", "GPU-7a")])
    def test_the_gpu_that_is_used(self, monkeypatch, shown, asked):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if shown:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
        commands = []
        monkeypatch.setattr(memory.shutil, "which", lambda program: program)
        done = subprocess.CompletedProcess([], 0, stdout="1, 2\n")
        monkeypatch.setattr(
            memory.subprocess, "run", lambda command, **_: commands.append(command) or done
        )
        assert memory.held_and_free("gpu") == (2**20, 2**21)
        assert f"--id={asked}" in commands[0]

    def test_a_gpu_without_its_drivers_program(self, monkeypatch):
        monkeypatch.setattr(memory.shutil, "which", lambda program: None)
        assert memory.held_and_free("gpu") == (0, None)
