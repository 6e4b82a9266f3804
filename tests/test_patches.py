"""What excites a filter most: found where it was planted, as large as the filter sees."""

from __future__ import annotations

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.backend import compile_value_and_gradient, to_numpy, to_tensor
from nsthelpers.network import layers
from nsthelpers.network.patches import strongest_patches


@pytest.fixture(scope="module")
def noise():
    return 0.4 + 0.2 * nst.white_noise(96, 128, seed=3)


@pytest.mark.parametrize("layer", ["conv1_1", "conv1_2", "pool1", "conv2_2", "pool2", "conv3_1"])
@pytest.mark.parametrize("place", [3, 0])
def test_the_receptive_field_is_where_the_gradient_reaches(layer, place):
    network = nst.VGG(weights="random", pooling="avg")

    def one(image, _):
        answers = network.features(image, layer)[layer]
        return nst.backend.ops.sum(answers[:, place, place]), ()

    image = np.random.default_rng(0).uniform(size=(1, 64, 64, 3))
    gradient = compile_value_and_gradient(one)(to_tensor(image), ())[2]
    reached = np.flatnonzero(np.abs(to_numpy(gradient)[0]).sum((1, 2)))
    stride, before, size = layers.receptive_field(layer)
    first = place * stride - before
    assert (reached.min(), reached.max() + 1) == (max(0, first), first + size)


def planted(network, noise, layer, channel, places):
    """Noise with one pattern at some places: what a unit of this layer likes, found by ascent."""
    stride, before, size = layers.receptive_field(layer)
    small = 0.5 + 0.0 * noise[:, :64, :64]
    liked = nst.synthesize(
        nst.Activation(layer, channel, network=network), small, steps=15, progress=False
    ).image[:, 16 : 16 + size, 16 : 16 + size]
    image = noise.copy()
    for row, column in places:
        top, left = row * stride - before, column * stride - before
        image[:, top : top + size, left : left + size] = liked
    return image


@pytest.mark.parametrize("layer", ["conv2_1", "conv3_1"])
def test_a_planted_pattern_is_found_and_cut_out(network, noise, layer):
    stride, before, size = layers.receptive_field(layer)
    places = [(8, 9), (8, 9 + 2 * size // stride)]
    # A channel that answers to noise; some untrained ones never do.
    channel = int(to_numpy(network.features(noise, layer)[layer]).mean((0, 1, 2)).argmax())
    image = planted(network, noise, layer, channel, places)
    found = strongest_patches([noise, image], layer, channel, count=2, network=network)
    assert [patch.picture for patch in found] == [1, 1]
    for patch in found:
        top, left, bottom, right = patch.box
        assert (bottom - top, right - left) == (size, size)
        assert np.array_equal(patch.image, image[:, top:bottom, left:right])
        # The pattern is a texture: the very strongest unit may be one that sees most of it.
        assert min(abs(left + before - stride * column) for _, column in places) <= size // 2
        answers = to_numpy(network.features(image, layer)[layer])[0, :, :, channel]
        unit = answers[(top + before) // stride, (left + before) // stride]
        assert patch.activation == unit > to_numpy(
            network.features(noise, layer)[layer]
        )[0, :, :, channel].max()  # fmt: skip


def test_they_are_the_strongest_sorted_and_apart(network, noise):
    stride, before, size = layers.receptive_field("conv3_1")
    found = strongest_patches(noise, "conv3_1", 7, count=12, network=network)
    answers = [patch.activation for patch in found]
    assert answers == sorted(answers, reverse=True) and len(found) == 12
    everywhere = to_numpy(network.features(noise, "conv3_1")["conv3_1"])[0, :, :, 7]
    assert answers[0] == everywhere.max()
    # Where a box ends is known even where it is cut: at one of its two ends.
    for index, one in enumerate(found):
        for other in found[:index]:
            apart = [
                max(
                    abs(one.box[axis] - other.box[axis]),
                    abs(one.box[axis + 2] - other.box[axis + 2]),
                )
                for axis in (0, 1)
            ]
            assert max(apart) >= size / 2


def test_at_the_border_they_are_cut(network, noise):
    found = strongest_patches(noise, "conv5_1", 0, count=1, network=network)
    (top, left, bottom, right) = found[0].box
    assert (bottom - top, right - left) == found[0].image.shape[1:3]
    assert (
        0 <= top < bottom <= 96 and 0 <= left < right <= 128
    )  # its field is larger than the image


def test_a_silent_filter_has_none(noise):
    weights = nst.load_weights("random")
    kernel, bias = weights.layers["block1_conv1"]
    weights.layers["block1_conv1"] = kernel, bias - 1e9
    assert strongest_patches(noise, "conv1_1", 0, network=nst.VGG(weights=weights)) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"images": []}, "no pictures; give at least one"),
        ({"layer": "conv9_9"}, "has no layer 'conv9_9'"),
        ({"channel": 64}, "channel is 64; expected a whole number from 0 to 63"),
        ({"count": 0}, "count is 0; expected a whole number of at least 1"),
    ],
)
def test_errors_say_what_was_expected(network, noise, arguments, text):
    options = {"images": noise, "layer": "conv1_1", "channel": 0, "network": network}
    with pytest.raises(ValueError, match=text):
        strongest_patches(**options | arguments)
