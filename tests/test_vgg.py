"""VGG against hand-counted geometry and a float64 reference written in NumPy."""

from __future__ import annotations

import dataclasses
import gc
import inspect
import weakref

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

import nsthelpers as nst
from nsthelpers import backend
from nsthelpers.backend import compile_value_and_gradient, to_numpy, to_tensor
from nsthelpers.network import layers, vgg

CONVOLUTIONS = [name for name in layers.layer_names() if "conv" in name]


@pytest.fixture(scope="module")
def weights():
    """Random kernels, and random biases too, so that a forgotten bias shows."""
    rng = np.random.default_rng(3)
    plain = nst.load_weights("random")
    filled = {
        layer: (kernel, rng.normal(0.0, 5.0, bias.shape).astype("float32"))
        for layer, (kernel, bias) in plain.layers.items()
    }
    return dataclasses.replace(plain, layers=filled)


class TestLayerTable:
    def test_vgg19_by_hand(self):
        table = {layer.name: layer for layer in nst.layer_table()}
        kinds = [layer.kind for layer in table.values()]
        assert (kinds.count("convolution"), kinds.count("pooling")) == (16, 5)
        assert sum(layer.parameters for layer in table.values()) == 20_024_384
        assert table["block1_conv1"].parameters == 3 * 3 * 3 * 64 + 64
        assert table["block5_conv4"].parameters == 3 * 3 * 512 * 512 + 512
        assert table["block5_pool"].shape == (7, 7, 512)
        assert table["block4_conv2"].paper_name == "conv4_2"
        assert table["block3_pool"].paper_name == "pool3"

    def test_vgg16_by_hand(self):
        table = {layer.name: layer for layer in nst.layer_table(name="vgg16")}
        assert sum(layer.kind == "convolution" for layer in table.values()) == 13
        assert sum(layer.parameters for layer in table.values()) == 14_714_688

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            # A convolution adds 2 strides, a pooling 1; each pooling doubles the stride.
            ("vgg19", [3, 5, 6, 10, 14, 16, 24, 32, 40, 48, 52, 68, 84, 100, 116, 124, 156]),
            ("vgg16", [3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196]),
        ],
    )
    def test_receptive_fields_by_hand(self, name, expected):
        fields = [layer.receptive_field for layer in nst.layer_table(name=name)]
        assert fields[: len(expected)] == expected

    def test_strides_and_odd_sizes(self):
        table = nst.layer_table((45, 67))
        assert [layer.stride for layer in table if layer.kind == "pooling"] == [2, 4, 8, 16, 32]
        sizes = [layer.shape[:2] for layer in table if layer.kind == "pooling"]
        assert sizes == [(22, 33), (11, 16), (5, 8), (2, 4), (1, 2)]

    @pytest.mark.parametrize("layer", ["block1_conv2", "block1_pool", "block2_conv2"])
    def test_the_receptive_field_is_what_the_gradient_reaches(self, layer):
        row = next(each for each in nst.layer_table() if each.name == layer)
        network = nst.VGG(weights="random", pooling="avg")

        def one_position(image, _):
            answers = network.features(image, layer)[layer]
            return ops.sum(answers[:, answers.shape[1] // 2, answers.shape[2] // 2]), ()

        image = np.random.default_rng(0).uniform(size=(1, 40, 40, 3))
        gradient = compile_value_and_gradient(one_position, compiled=False)(to_tensor(image), ())[2]
        reached = np.abs(to_numpy(gradient)[0]).sum(-1) > 0
        assert np.ptp(np.nonzero(reached.any(0))[0]) + 1 == row.receptive_field
        assert np.ptp(np.nonzero(reached.any(1))[0]) + 1 == row.receptive_field

    def test_unknown_network(self):
        with pytest.raises(ValueError, match=r"(?i)unknown network 'vgg11'.*'vgg19' or 'vgg16'"):
            nst.layer_table(name="vgg11")


class TestLayerNames:
    @given(block=st.integers(1, 5), index=st.integers(1, 4))
    def test_the_papers_names_mean_the_same_layer(self, block, index):
        if index > 2 and block < 3:
            with pytest.raises(ValueError, match="has no layer"):
                layers.layer_name(f"conv{block}_{index}")
            return
        expected = f"block{block}_conv{index}"
        paper = f"{block}_{index}"
        for name in (expected, f"conv{paper}", f"relu{paper}", f" ReLU{paper} "):
            assert layers.layer_name(name) == expected

    def test_poolings(self):
        assert [layers.layer_name(name) for name in ("pool4", "pool_4")] == ["block4_pool"] * 2

    @pytest.mark.parametrize(
        ("wrong", "name", "hint"),
        [
            ("block4_conv22", "vgg19", "'block4_conv22'; did you mean block4_conv2"),
            ("blok1_conv1", "vgg19", "did you mean block1_conv1"),
            ("conv3_4", "vgg16", "vgg16 has no layer 'conv3_4'; did you mean block3_conv"),
            ("xyz", "vgg19", "no layer 'xyz'; expected one of block1_conv1"),
            (
                " ",
                "vgg16",
                "^an empty layer name .* of vgg16; .* such as block1_conv1",
            ),
            (None, "vgg19", "has no layer None"),
        ],
    )
    def test_a_wrong_name_gets_the_closest(self, wrong, name, hint):
        with pytest.raises(ValueError, match=hint):
            layers.layer_name(wrong, name)


class TestPreprocessing:
    def test_order_and_means(self):
        image = np.zeros((1, 1, 1, 3), "float32")
        image[..., 2] = 1.0  # blue comes first
        expected = [255 - 103.939, -116.779, -123.68]
        assert to_numpy(nst.preprocess(image)).ravel() == pytest.approx(expected, rel=1e-6)

    def test_same_as_keras(self, photo):
        from keras.applications.vgg19 import preprocess_input

        expected = preprocess_input(photo * 255)  # a product is a new array: Keras changes it
        assert to_numpy(nst.preprocess(photo)) == pytest.approx(expected, abs=1e-4)

    @given(hnp.arrays("float32", (1, 2, 3, 3), elements=st.floats(0, 1, width=32)))
    def test_round_trip_leaves_its_input_alone(self, image):
        before = image.copy()
        back = nst.deprocess(nst.preprocess(image))
        assert to_numpy(back) == pytest.approx(before, abs=1e-6)
        assert np.array_equal(image, before)


def reference(image, arrays, pooling):
    """Every layer in float64: sums over shifted images, written without any library's layers."""
    activation = (image[0, :, :, ::-1].astype("float64") * 255) - [103.939, 116.779, 123.68]
    found = {}
    for layer in layers.layer_names():
        height, width, channels = activation.shape
        if "conv" in layer:
            kernel, bias = (array.astype("float64") for array in arrays[layer])
            padded = np.pad(activation, ((1, 1), (1, 1), (0, 0)))
            total = sum(
                padded[y : y + height, x : x + width] @ kernel[y, x]
                for y in range(3)
                for x in range(3)
            )
            activation = np.maximum(total + bias, 0)
        else:
            cut = activation[: height // 2 * 2, : width // 2 * 2]
            blocks = cut.reshape(height // 2, 2, width // 2, 2, channels)
            activation = blocks.max((1, 3)) if pooling == "max" else blocks.mean((1, 3))
        found[layer] = activation
    return found


class TestFeatures:
    @pytest.mark.parametrize("pooling", ["max", "avg"])
    def test_every_layer_against_the_reference(self, weights, pooling):
        image = np.random.default_rng(1).uniform(size=(1, 33, 46, 3)).astype("float32")
        expected = reference(image, weights.layers, pooling)
        found = nst.VGG(weights=weights, pooling=pooling).features(image, expected)
        assert list(found) == list(expected)
        for layer, answers in expected.items():
            error = np.abs(to_numpy(found[layer])[0] - answers).max() / np.abs(answers).max()
            assert error < 1e-4, layer

    def test_names_and_order_are_kept(self, network, photo):
        asked = ["relu2_1", "block1_conv1", "pool1"]
        found = network.features(photo, asked)
        assert list(found) == asked
        assert [tuple(found[name].shape) for name in asked] == [
            (1, 16, 24, 128), (1, 32, 48, 64), (1, 16, 24, 64),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("asked", "convolutions", "poolings"),
        [(["conv1_1"], 1, 0), (["conv2_1", "conv1_2"], 3, 1), (["pool2"], 4, 2), ([], 0, 0)],
    )
    def test_nothing_beyond_the_deepest_layer_is_computed(
        self, network, photo, monkeypatch, asked, convolutions, poolings
    ):
        calls = []

        def counted(name):
            original = getattr(vgg.ops, name)
            return lambda *args, **kwargs: calls.append(name) or original(*args, **kwargs)

        for name in ("conv", "max_pool"):
            monkeypatch.setattr(vgg.ops, name, counted(name))
        network.features(photo, asked)
        assert (calls.count("conv"), calls.count("max_pool")) == (convolutions, poolings)

    def test_vgg16_has_its_own_depth(self, photo):
        small = nst.VGG("vgg16", weights="random")
        assert tuple(small.features(photo, "block5_conv3")["block5_conv3"].shape) == (1, 2, 3, 512)
        with pytest.raises(ValueError, match="vgg16 has no layer 'block5_conv4'"):
            small.features(photo, "block5_conv4")

    def test_arrays_are_converted_and_checked(self, network, photo):
        def answers(image):
            return to_numpy(network.features(image, "conv1_1")["conv1_1"])

        expected = pytest.approx(answers(photo), abs=1e-3)
        assert answers(photo[0]) == expected  # no batch axis
        assert answers(photo.astype("float64")) == expected
        levels = np.rint(photo * 255).astype("uint8")
        assert answers(levels) == pytest.approx(answers(levels / 255), abs=1e-3)
        with pytest.raises(ValueError, match="divide by 255"):
            network.features(photo * 255, "conv1_1")

    def test_too_small_an_image(self, network):
        tiny = np.zeros((1, 8, 20, 3), "float32")
        assert network.features(tiny, "conv4_1")["conv4_1"].shape[1] == 1
        with pytest.raises(ValueError, match="20 x 8 pixels is too small for block4_pool"):
            network.features(tiny, ["conv1_1", "conv5_1"])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"name": "vgg11"}, "(?i)unknown network 'vgg11'"),
            ({"pooling": "min"}, "unknown pooling 'min'; expected one of 'max', 'avg'"),
            ({"padding": "same"}, "unknown padding 'same'; expected one of 'zero', 'reflect', 'ci"),
            ({"name": "vgg16", "weights": None}, "the weights are vgg19's; expected .* vgg16"),
            ({"normalized": []}, "no images to normalise over"),
        ],
    )
    def test_errors_say_what_was_expected(self, weights, arguments, message):
        arguments = {"weights": "random"} | arguments
        if arguments["weights"] is None:
            arguments["weights"] = weights
        with pytest.raises(ValueError, match=message):
            nst.VGG(**arguments)

    def test_settings_are_the_arguments(self):
        network = nst.VGG(weights="random", pooling="avg")
        settings = network.settings()
        assert (settings["name"], settings["weights"], settings["pooling"]) == (
            "vgg19", "random", "avg",
        )  # fmt: skip
        assert "seed 0" in settings["provenance"] and settings["normalized"] is False
        assert repr(network) == "VGG('vgg19', weights='random', pooling='avg', normalized=False)"
        assert "padding" not in settings  # networks keep the names that they had
        network = nst.VGG(weights="random", padding="circular")
        assert network.settings()["padding"] == "circular"
        assert "pooling='max', padding='circular', normalized=False" in repr(network)
        asked = set(inspect.signature(nst.VGG).parameters)
        assert asked <= set(network.settings())

    def test_the_default_network_is_made_once(self, monkeypatch):
        made = []
        monkeypatch.setattr(vgg, "VGG", lambda *args, **kwargs: made.append(args) or object())
        vgg._network.cache_clear()
        try:
            first, again = vgg.default_network(), vgg.default_network()
            monkeypatch.setenv("NST_WEIGHTS", "elsewhere.npz")  # another source is another network
            other = vgg.default_network()
        finally:
            vgg._network.cache_clear()
        assert first is again and other is not first and len(made) == 2


@pytest.fixture(scope="module", params=["max", "avg"])
def plain_and_normalised(request, weights, photo, painting):
    """Two networks from the same weights, one with a filter that never answers, and the images."""
    arrays = {layer: (kernel, bias.copy()) for layer, (kernel, bias) in weights.layers.items()}
    arrays["block2_conv1"][1][5] = -1e9
    changed = dataclasses.replace(weights, layers=arrays)
    plain = nst.VGG(weights=changed, pooling=request.param)
    images = [photo, painting]
    return plain, nst.VGG(weights=changed, pooling=request.param, normalized=images), images


def mean_answers(network, images):
    """The mean activation of every filter over all positions of all images, by layer."""
    found = [network.features(image, CONVOLUTIONS) for image in images]
    means = {}
    for layer in CONVOLUTIONS:
        rows = [to_numpy(each[layer]).reshape(-1, each[layer].shape[-1]) for each in found]
        means[layer] = np.concatenate(rows).astype("float64").mean(0)
    return means


def least(means):
    """Below this, a mean counts as this."""
    return 0.01 * np.median(means[means > 0])


def test_normalised_filters_answer_one_on_average(plain_and_normalised):
    plain, normalised, images = plain_and_normalised
    before, after = mean_answers(plain, images), mean_answers(normalised, images)
    for layer in CONVOLUTIONS:
        expected = np.minimum(before[layer] / least(before[layer]), 1.0)
        assert after[layer] == pytest.approx(expected, abs=2e-3), layer
    assert before["block2_conv1"][5] == after["block2_conv1"][5] == 0.0


def test_normalising_changes_nothing_but_the_scale(plain_and_normalised):
    plain, normalised, images = plain_and_normalised
    means = mean_answers(plain, images)
    before = plain.features(images[0], CONVOLUTIONS)
    after = normalised.features(images[0], CONVOLUTIONS)
    for layer in CONVOLUTIONS:
        expected = to_numpy(before[layer])
        factors = np.maximum(means[layer], least(means[layer]))
        error = np.abs(to_numpy(after[layer]) * factors - expected).max()
        assert error < 1e-3 * expected.max(), layer


def test_a_filter_that_is_nearly_dead_is_not_made_loud(weights, painting):
    """On the images one dark pixel answers a little; elsewhere it must not drown the others."""
    kernel, bias = np.zeros_like(weights.layers["block1_conv1"][0]), np.zeros(64, "float32")
    kernel[1, 1] = np.abs(weights.layers["block1_conv1"][0][1, 1])
    kernel[1, 1, :, 7], bias[7] = -1.0, -340.0  # black alone is above 0: 344.4 - 340
    changed = dataclasses.replace(
        weights, layers={**weights.layers, "block1_conv1": (kernel, bias)}
    )
    image = np.clip(painting, 0.2, 1.0)
    image[0, 5, 5] = 0.0
    network = nst.VGG(weights=changed, normalized=[image])
    on_black = to_numpy(network.features(np.zeros_like(image), "conv1_1")["conv1_1"])
    means = to_numpy(network.features(image, "conv1_1")["conv1_1"]).mean((0, 1, 2))
    assert 0 < means[7] < 0.1 and np.delete(means, 7) == pytest.approx(1.0, abs=1e-3)
    assert on_black[..., 7].max() < 50  # it would be the number of pixels, 1440


@pytest.mark.parametrize("normalized", [True, False])
def test_true_normalises_over_the_photographs(monkeypatch, weights, photo, normalized):
    monkeypatch.setattr(vgg, "_photographs", lambda: [photo])
    network = nst.VGG(weights=weights, normalized=normalized)
    answers = to_numpy(network.features(photo, "conv1_1")["conv1_1"])
    assert (answers.mean() < 1.001) == normalized
    assert network.settings()["normalized"] is normalized


def test_trained_weights_see_what_they_always_saw(trained):
    """Mean activations of one photograph, measured once; 8-bit weights move them by about 1 %."""
    image = nst.samples.load("chelsea", max_side=64)
    found = trained.features(image, vgg.STYLE_LAYERS)
    means = [float(ops.mean(answers)) for answers in found.values()]
    assert means == pytest.approx([19.09, 127.3, 136.6, 630.1, 83.59], rel=0.05)


class TestPadding:
    """What a network sees beyond the border of the image, and of every layer's input."""

    @staticmethod
    def answers(padding, image, layers, **options):
        found = nst.VGG(padding=padding, **options).features(image.astype("float32"), layers)
        return {layer: to_numpy(found[layer]) for layer in layers}

    @pytest.mark.parametrize("pooling", ["max", "avg"])
    def test_circular_answers_move_with_the_image(self, weights, pooling):
        image = np.random.default_rng(5).uniform(size=(1, 32, 48, 3))
        options = {"weights": weights, "pooling": pooling}
        here = self.answers("circular", image, CONVOLUTIONS, **options)
        moved = np.roll(image, (16, -32), (1, 2))
        there = self.answers("circular", moved, CONVOLUTIONS, **options)
        strides = {row.name: row.stride for row in nst.layer_table()}
        for layer in CONVOLUTIONS:
            expected = np.roll(here[layer], (16 // strides[layer], -32 // strides[layer]), (1, 2))
            np.testing.assert_allclose(there[layer], expected, atol=1e-5 * expected.max())
        for padding in ("zero", "reflect"):  # these know where the border is
            here, there = (
                self.answers(padding, each, ["conv2_1"], **options)["conv2_1"]
                for each in (image, moved)
            )
            assert np.abs(there - np.roll(here, (8, -16), (1, 2))).max() > 0.01 * here.max()

    @pytest.mark.parametrize(("padding", "flat"), [("reflect", True), ("circular", True),
                                                   ("zero", False)])  # fmt: skip
    def test_a_flat_image_has_a_border_only_for_zeros(self, weights, padding, flat):
        image = np.full((1, 40, 56, 3), (0.2, 0.7, 0.5))
        for layer, found in self.answers(padding, image, CONVOLUTIONS, weights=weights).items():
            spread = np.ptp(found, axis=(1, 2)).max() / found.max()
            assert (spread < 1e-4) if flat else (spread > 0.1), layer

    @pytest.mark.parametrize(("padding", "mode"), [("reflect", "reflect"), ("circular", "wrap")])
    def test_one_convolution_against_numpys_borders(self, weights, padding, mode):
        image = np.random.default_rng(2).uniform(size=(1, 9, 7, 3))
        kernel, bias = weights.layers["block1_conv1"]
        padded = np.pad(image[0, :, :, ::-1] * 255 - vgg.MEANS_BGR, [(1, 1), (1, 1), (0, 0)], mode)
        expected = sum(
            padded[row : row + 9, column : column + 7] @ kernel[row, column]
            for row in range(3)
            for column in range(3)
        )
        found = self.answers(padding, image, ["conv1_1"], weights=weights)["conv1_1"][0]
        np.testing.assert_allclose(found, np.maximum(expected + bias, 0), rtol=1e-4, atol=1e-2)

    @pytest.mark.parametrize("padding", ["reflect", "circular"])
    def test_a_row_that_is_alone_is_its_own_neighbour(self, weights, padding):
        image = np.full((1, 8, 20, 3), 0.4)
        found = self.answers(padding, image, ["conv4_1"], weights=weights)["conv4_1"]
        assert found.shape == (1, 1, 2, 512) and np.isfinite(found).all()

    def test_the_default_is_what_it_was(self, network, photo):
        explicit = nst.VGG(weights="random", padding="zero")
        for layer in ("conv1_2", "conv3_1"):
            expected = to_numpy(network.features(photo, layer)[layer])
            assert np.array_equal(to_numpy(explicit.features(photo, layer)[layer]), expected)

    def test_networks_with_the_same_weights_hold_one_copy(self, network, weights, photo):
        other = nst.VGG(weights="random", padding="circular", pooling="avg")
        assert other._kernels is network._kernels
        coarse = other.in_precision("bfloat16")
        assert (coarse.padding, coarse._kernels) == ("circular", network._kernels)
        of_another, again = nst.VGG(weights=weights), nst.VGG(weights=weights, padding="reflect")
        assert of_another._kernels is again._kernels is not network._kernels
        normalised = nst.VGG(weights="random", normalized=[photo])
        assert normalised._kernels is not network._kernels

    def test_jobs_take_it_and_keep_it(self, photo):
        made = nst.reconstruct_style(
            photo, "conv1_1", padding="circular", weights="random", steps=1, progress=False
        )
        assert made.settings["objective"]["network"]["padding"] == "circular"
        assert made.settings["job"]["padding"] == "circular"
        with pytest.raises(ValueError, match="padding is 'mirror'; expected one of zero, reflect"):
            nst.reconstruct_style(photo, padding="mirror")
        with pytest.raises(ValueError, match="padding is 'reflect', but the network is made"):
            nst.reconstruct_style(photo, padding="reflect", network=nst.VGG(weights="random"))


class TestPrecision:
    def test_the_coarse_answers_are_close_and_come_as_float32(self, network, photo):
        exact = network.features(photo, CONVOLUTIONS)
        coarse = network.in_precision("bfloat16").features(photo, CONVOLUTIONS)
        for layer in CONVOLUTIONS:
            expected, found = to_numpy(exact[layer]), to_numpy(coarse[layer])
            error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
            assert found.dtype == "float32" and error < 0.02, layer
            # The first one looks at the pixels themselves.
            assert (error < 1e-6) == (layer == "block1_conv1"), layer

    def test_each_format_is_one_object(self, network):
        coarse = network.in_precision("bfloat16")
        assert network.in_precision("bfloat16") is coarse
        assert coarse.in_precision("float32") is network.in_precision("float32") is network
        assert (network.precision, coarse.precision) == ("float32", "bfloat16")

    def test_no_kernel_is_made_that_is_not_needed(self, weights, photo):
        network = nst.VGG(weights=weights)
        coarse = network.in_precision("bfloat16")
        coarse.features(photo, "block2_conv1")
        made = network._kernels.on_device
        assert list(made["bfloat16"]) == ["block1_conv1", "block1_conv2", "block2_conv1"]
        assert not made["float32"]

    def test_kernels_made_while_a_function_is_traced_serve_afterwards(self, weights, photo):
        network = nst.VGG(weights=weights)

        def energy(image, parameters):
            features = network.features(image, "block2_conv1")["block2_conv1"]
            return ops.sum(ops.square(features)), ()

        traced, _, _ = compile_value_and_gradient(energy)(to_tensor(photo), ())
        plain, _ = energy(to_tensor(photo), ())
        assert float(traced) == pytest.approx(float(plain), rel=1e-5)

    def test_an_unknown_format(self, network):
        with pytest.raises(ValueError, match="'float16'; expected float32 or bfloat16"):
            network.in_precision("float16")

    @pytest.mark.parametrize(
        "kind, flags, expected",
        [
            ("cpu", "fpu avx512f avx512_bf16", "bfloat16"),
            ("cpu", "fpu amx_bf16 amx_tile", "bfloat16"),
            ("cpu", "fpu avx2", "float32"),
            ("gpu", "fpu avx512_bf16", "float32"),
            ("cpu", None, "float32"),
        ],
    )
    def test_the_processor_decides(self, monkeypatch, tmp_path, kind, flags, expected):
        monkeypatch.delenv("NST_PRECISION")
        monkeypatch.setattr(backend, "device", lambda: backend.Device(kind, "a processor", 2))
        monkeypatch.setattr(backend, "_CPU_FACTS", tmp_path / "cpuinfo")
        if flags is not None:
            (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n\n" * 2)
        assert backend.quickest_precision() == expected

    def test_the_environment_decides_first(self, monkeypatch):
        for chosen in ("bfloat16", "float32"):
            monkeypatch.setenv("NST_PRECISION", chosen)
            assert backend.quickest_precision() == chosen
        monkeypatch.setenv("NST_PRECISION", "float8")
        with pytest.raises(ValueError, match="'float8'; expected float32 or bfloat16"):
            backend.quickest_precision()


def test_a_network_goes_when_nobody_refers_to_it(photo):
    """Not at the next garbage collection: it may hold most of a GPU's memory."""
    gc.disable()
    try:
        network = nst.VGG(weights="random")
        twin = network.in_precision("bfloat16")
        twin.features(photo, "block1_conv2")
        assert twin.in_precision("float32") is network
        assert network.in_precision("bfloat16") is twin.in_precision("bfloat16") is twin
        alive = [weakref.ref(network), weakref.ref(twin)]
        del network
        assert all(each() is not None for each in alive)  # the twin is read from its weights
        del twin
        assert [each() for each in alive] == [None, None]
    finally:
        gc.enable()


def test_the_images_that_normalise_are_told(photo):
    def over(*images):
        return nst.VGG(weights="random", normalized=images).settings()["normalized_over"]

    assert over(photo) == over(photo.copy()) != over(photo[:, ::-1]) != over(photo, photo)
    assert "normalized_over" not in nst.VGG(weights="random").settings()
