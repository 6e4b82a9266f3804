"""Jobs described once: what a setting may be, what goes with what, and all that is made from it."""

from __future__ import annotations

import dataclasses
import inspect
import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nsthelpers as nst
from nsthelpers import choices, jobs, losses, recipes, statistics
from nsthelpers.__main__ import main
from nsthelpers.synthesis import starts

PICTURES = {"content": "chelsea", "style": "stained_glass"}


def stylize(**settings):
    return jobs.Stylize(**PICTURES, **settings)


def random_settings(job):
    """Any valid settings of a job, as plain data."""
    numbers = st.floats(0.5, 1e6)
    listed = st.lists(numbers, min_size=1, max_size=3)
    made = {}
    for name, setting in jobs.settings_of(job).items():
        kind = setting.metadata["kind"]
        if name in ("method", "optimizer", "learning_rate", "momentum", "weights", "normalized"):
            continue  # what goes with what has tests of its own
        if name == "regions":
            pair = st.just(["mask.png", "mosaic_sunset"]) | st.just("mask.png=chelsea")
            made[name] = st.none() | pair | st.lists(pair, min_size=1, max_size=3)
        elif name in ("content", "style", "start"):
            made[name] = st.sampled_from(["chelsea", "mosaic_sunset"])
        elif name == "scales":
            listed_scales = st.lists(st.integers(16, 99), min_size=1)
            made[name] = listed_scales if job == "poster" else st.just("none") | listed_scales
        elif "layers" in name:
            layer = st.sampled_from(["conv1_1", "block4_conv2", "relu3_1"])
            made[name] = st.one_of(layer, st.lists(layer, min_size=1))
        elif name.endswith("_weights"):
            made[name] = st.one_of(st.none(), numbers, listed)
        elif name == "tiles":
            made[name] = st.sampled_from(["auto", "none", 16, 512])
        elif name == "time_limit":
            made[name] = st.one_of(st.none(), numbers)
        elif kind.choices:
            made[name] = st.sampled_from(kind.choices)
        elif kind.read is int:
            made[name] = st.integers(1, 10**6)
        else:
            made[name] = numbers
    return st.fixed_dictionaries({}, optional=made)


@pytest.mark.parametrize("job", jobs.JOBS)
@given(data=st.data())
def test_a_job_goes_through_json_and_comes_back(job, data):
    needed = {k: v for k, v in PICTURES.items() if k in jobs.settings_of(job)}
    first = jobs.from_data({"job": job, **needed, **data.draw(random_settings(job))})
    described = first.as_data()
    again = jobs.from_data(json.loads(json.dumps(described)))
    assert again.as_data() == described and type(again) is type(first)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"style_weight": -1}, "style_weight is -1; expected a finite number of at least 0"),
        ({"style_weight": float("nan")}, "style_weight is nan; expected a finite number"),
        ({"style_weight": True}, "style_weight is True; expected"),
        ({"style_weight": "10"}, "style_weight is '10'; expected"),
        ({"style_weight": None}, "style_weight is None; expected"),
        ({"stroke_size": 0}, "stroke_size is 0; expected a finite number above 0"),
        ({"colours": "luma"}, "colours is 'luma'; did you mean luminance"),
        ({"regions": "sky.png"}, "regions is 'sky.png'; expected pairs of a mask and the painting"),
        ({"steps": 0}, "steps is 0; expected a whole number of at least 1, or one for each size"),
        ({"steps": [10, 0]}, r"steps is \[10, 0\]; expected"),
        ({"steps": []}, r"steps is \[\]; expected"),
        ({"max_side": 2.5}, "max_side is 2.5; expected a whole number of at least 1"),
        ({"seed": -1}, "seed is -1; expected a whole number of at least 0"),
        ({"tv_kind": "l2"}, "tv_kind is 'l2'; did you mean l1"),
        ({"optimizer": "newton"}, "optimizer is 'newton'; expected one of lbfgs, adam, sgd, or an"),
        ({"optimizer": 3}, "optimizer is 3; expected one of lbfgs, adam, sgd, or an optimizer"),
        ({"statistic": "wassertein"}, "statistic is 'wassertein'; did you mean wasserstein"),
        ({"network": "vgg18"}, "network is 'vgg18'; did you mean vgg1"),
        (
            {"scales": "fine to coarse"},
            "scales is 'fine to coarse'; expected 'none', 'coarse to fine'",
        ),
        ({"scales": ["none", 64]}, "expected 'none', 'coarse to fine' or numbers of pixels"),
        ({"scales": [True]}, r"scales is \[True\]; expected"),
        ({"content": 3}, "content is 3; expected a picture"),
        ({"style": []}, r"style is \[\]; expected one picture or several"),
        ({"content_layers": []}, r"content_layers is \[\]; expected a layer"),
        ({"style_layers": ["conv9_1"]}, "vgg19 has no layer 'conv9_1'; did you mean"),
        ({"content_layers": "conv4_4", "network": "vgg16"}, "vgg16 has no layer 'conv4_4'"),
        ({"learning_rate": 0.1}, "lbfgs has no learning rate; leave it out, or take adam or sgd"),
        ({"optimizer": "sgd"}, "sgd needs a learning_rate: it has no default that fits all"),
        ({"optimizer": "adam", "momentum": 0.9}, "adam has no momentum; leave it out, or take sgd"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_read(settings, text):
    with pytest.raises(ValueError, match=text):
        jobs.Stylize(**{**PICTURES, **settings})


def test_objects_stand_for_themselves(network, painting):
    statistic, optimizer = nst.statistics.Gram(shift=-1), nst.Adam(0.1)
    job = jobs.Stylize(
        content=painting, style=[painting, "chelsea"], network=network, optimizer=optimizer,
        statistic=statistic,
    )  # fmt: skip
    assert job.network is network and job.optimizer is optimizer and job.content is painting
    described = json.loads(json.dumps(job.as_data()))
    assert described["content"]["array"] == list(painting.shape)
    assert described["optimizer"]["learning_rate"] == 0.1
    assert (
        described["network"]["weights"] == "random" and "shift=-1" in described["statistic"]["text"]
    )
    objects = {"network": network, "optimizer": optimizer, "statistic": statistic}
    with pytest.raises(ValueError, match="content was an array, .* pass content="):
        jobs.from_data(described, **objects)
    again = jobs.from_data(described, content=painting, style="chelsea", **objects)
    assert again.style_weight == job.style_weight


def test_none_is_what_programs_say_for_the_usual_ones():
    job = stylize(network=None, optimizer=None, scales=None)
    assert (job.network, job.optimizer, job.scales) == ("vgg19", "lbfgs", "none")


@pytest.mark.parametrize(
    "settings", [{"pooling": "avg"}, {"weights": "pypi"}, {"normalized": True}]
)
def test_a_network_that_is_made_has_its_own_settings(network, settings):
    with pytest.raises(ValueError, match="but the network is made already; give"):
        stylize(network=network, **settings)


def test_an_optimizer_that_is_made_has_its_own_settings():
    with pytest.raises(ValueError, match="has settings of its own"):
        stylize(optimizer=nst.Adam(), learning_rate=0.1)


def test_unknown_settings_and_jobs():
    with pytest.raises(ValueError, match="stylize has no setting 'stps'; did you mean steps"):
        jobs.from_data({"job": "stylize", **PICTURES, "stps": 10})
    with pytest.raises(ValueError, match="unknown job 'paint'"):
        jobs.from_data({"job": "paint", **PICTURES})


def test_words_are_those_of_the_modules():
    assert tuple(statistics.STATISTICS) == choices.STATISTICS
    assert set(recipes._OPTIMIZERS) == set(choices.OPTIMIZERS)
    assert losses.REDUCTIONS is choices.REDUCTIONS and losses.TV_KINDS is choices.TV_KINDS
    assert starts.STARTS is choices.STARTS and nst.backend.PRECISIONS is choices.PRECISIONS


@pytest.mark.parametrize("name", jobs.JOBS)
def test_a_recipe_has_the_settings_of_its_job(name):
    recipe, settings = getattr(recipes, name), jobs.settings_of(name)
    parameters = inspect.signature(recipe).parameters
    aliases = {"image": "content", "layer": "content_layers", "images": "style",
               "layers": "style_layers"}  # fmt: skip
    for parameter in parameters.values():
        if parameter.name in recipes._RUNNING:
            continue
        setting = settings.pop(aliases.get(parameter.name, parameter.name))
        if setting.default is not dataclasses.MISSING:
            assert parameter.default == setting.default
        assert f"\n{parameter.name} : {setting.metadata['kind'].expected}" in recipe.__doc__
    assert not settings


@pytest.mark.parametrize(
    ("job", "picture", "start", "message"),
    [
        ("reconstruct_content", "content", "style", "has no style; expected 'content', 'noise' or"),
        ("reconstruct_content", "content", "recoloured", "has no style; expected 'content'"),
        ("reconstruct_style", "style", "content", "has no content; expected 'style', 'noise' or"),
        ("reconstruct_style", "style", "recoloured", "has no content; expected 'style'"),
    ],
)
def test_a_start_needs_the_pictures_that_it_is_made_of(job, picture, start, message):
    with pytest.raises(ValueError, match=f"start is '{start}', but {job} {message}"):
        jobs.from_data({"job": job, picture: "chelsea", "start": start})
    for possible in (picture, "noise", "chelsea", "half.png"):
        made = jobs.from_data({"job": job, picture: "chelsea", "start": possible})
        assert made.start == possible


METHODS = [name for name in choices.METHODS if name != "gatys"]


class TestMethods:
    def test_they_are_those_that_there_are(self):
        assert tuple(jobs.METHODS) == tuple(recipes._CONTENTS) == choices.METHODS
        fields = jobs.settings_of("stylize")
        assert all(set(each.settings) <= set(fields) for each in jobs.METHODS.values())

    def test_the_usual_one_sets_nothing(self):
        assert stylize().as_data() == stylize(method="gatys").as_data()
        usual = {name: each.default for name, each in jobs.settings_of("stylize").items()}
        assert stylize().as_data() == jobs._plain({"job": "stylize", **usual, **PICTURES})

    @pytest.mark.parametrize("method", METHODS)
    def test_what_is_said_wins_over_what_a_method_sets(self, method):
        usual = stylize(method=method)
        for name, value in jobs.METHODS[method].settings.items():
            assert getattr(usual, name) == value
        said = {"style_layers": ["conv1_1"], "style_weight": 7.0, "tv_weight": 0.25, "steps": 3}
        said |= {"start": "noise", "scales": [64], "pooling": "max", "padding": "zero"}
        said |= {"optimizer": "sgd", "learning_rate": 0.5, "image_as": "waves"}
        job = stylize(method=method, **said)
        assert {name: getattr(job, name) for name in said} == said
        assert stylize(method=method, optimizer="lbfgs").learning_rate is None

    @pytest.mark.parametrize("method", METHODS)
    def test_they_go_through_json(self, method):
        job = stylize(method=method, style_weight=7)
        described = json.loads(json.dumps(job.as_data()))
        assert jobs.from_data(described).as_data() == described == job.as_data()

    def test_another_method_takes_what_was_said_and_not_what_the_first_had_set(self):
        described = stylize(method="strotss", seed=3, tv_weight=0.5).as_data()
        for method in choices.METHODS:
            other = jobs.from_data(described, method=method)
            assert other.as_data() == stylize(method=method, seed=3, tv_weight=0.5).as_data()
        old = {"job": "stylize", **PICTURES, "seed": 3, "statistic": "gram", "tv_weight": 0.1}
        again = jobs.from_data(old, method="strotss")  # from before there were methods
        assert again.as_data() == stylize(method="strotss", seed=3).as_data()

    def test_a_network_that_is_made_pools_as_it_does(self, network):
        job = stylize(method="sliced_wasserstein", network=network)
        assert (job.pooling, job.padding) == ("max", "zero")
        assert stylize(method="sliced_wasserstein").padding == "reflect"

    def test_of_the_other_network_the_layers_that_it_has(self):
        for method in METHODS:
            layers = stylize(method=method, network="vgg16").style_layers
            assert len(layers) == 10 and "block3_conv4" not in layers

    @pytest.mark.parametrize(
        ("settings", "text"),
        [
            ({"method": "strots"}, "method is 'strots'; did you mean strotss"),
            ({"method": ["strotss"]}, r"method is \['strotss'\]; expected one of gatys, sliced_w"),
            (
                {"method": "strotss", "statistic": "gram"},
                "method is 'strotss', whose statistic is 'relaxed emd', and statistic is 'gram'; "
                "leave one of the two out",
            ),
            (
                {"method": "sliced_wasserstein", "regions": "sky.png=chelsea"},
                "regions are for method 'gatys', and method is 'sliced_wasserstein'; leave one",
            ),
            (
                {"method": "nearest_neighbours", "style_layer_weights": [1.0]},
                r"style_layer_weights is \[1.0\], but with method 'nearest_neighbours' all layers "
                "count alike; leave it out",
            ),
            (
                {"method": "strotss", "image_weights": [1, 0, 2]},
                r"image_weights is \[1.0, 0.0, 2.0\], but with method 'strotss' all paintings "
                "count alike; expected equal weights, or 0 for one that is left out",
            ),
        ],
    )
    def test_what_does_not_go_together(self, settings, text):
        with pytest.raises(ValueError, match=text) as caught:
            stylize(**settings)
        assert "\n" not in str(caught.value)

    def test_a_poster_has_none_of_them(self):
        with pytest.raises(ValueError, match="cannot be evaluated tile by tile, as a poster is"):
            jobs.Poster(**PICTURES, method="strotss")

    @pytest.mark.parametrize("method", METHODS)
    def test_the_command_line_makes_the_same_picture(self, method, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        line = "transfer --content chelsea --style stained_glass --output out.png --max-side 32 "
        line += f"--method {method} --scales none --steps 1 --weights random --quiet "
        line += "--style-layers conv1_1 conv2_1"
        if jobs.METHODS[method].columns:
            line += " --content-layers conv1_1 conv2_1"
        assert main(line.split()) == 0
        said = nst.read_settings("out.png")
        assert said["job"]["method"] == method
        terms = said["objective"]["terms"]
        assert {"content", "style"} <= set(terms) and ("palette" in terms) == (method == "strotss")
        assert terms["style"]["statistic"].startswith(
            type(statistics.STATISTICS[jobs.METHODS[method].settings["statistic"]]).__name__
        )
        again = recipes.repeat("out.png", progress=False)
        assert np.abs(again.image - nst.load_image("out.png")).max() <= 0.5 / 255 + 1e-6


def test_regions_are_pairs_however_they_are_written():
    pairs = [("sky.png", "wave.jpg"), ("sea.png", "night.jpg")]
    texts = ["sky.png=wave.jpg", "sea.png=night.jpg"]
    for written, expected in [
        (pairs, pairs),
        (texts, pairs),
        ([pairs[0], texts[1]], pairs),
        (pairs[0], pairs[:1]),
        (list(pairs[0]), pairs[:1]),
        (texts[0], pairs[:1]),
        (texts[:1], pairs[:1]),
    ]:
        assert stylize(regions=written).regions == expected
    assert list(stylize(regions=pairs).pictures())[2:] == [
        ("regions", each) for pair in pairs for each in pair
    ]


def test_a_mask_that_is_not_there():
    with pytest.raises(FileNotFoundError, match="regions is 'sky.png'; expected a mask and a pict"):
        stylize(regions="sky.png=mosaic_sunset").check_pictures()


def test_every_setting_reaches_the_run():
    result = recipes.stylize(
        "chelsea", "stained_glass", max_side=32, content_weight=2, style_weight=3,
        content_layers=["conv1_1", "conv1_2"], content_layer_weights=[1, 2],
        style_layers=["conv1_1", "conv1_2"], style_layer_weights=[3, 4], reduction="gatys",
        start="noise", scales=None, tv_weight=0.5, tv_kind="exponent", tv_exponent=1.5,
        tv_reduction="sum", steps=1, seed=5, optimizer="sgd", learning_rate=1e-9, momentum=0.5,
        weights="random", pooling="avg", precision="float32", progress=False,
    )  # fmt: skip
    said, terms = result.settings, result.settings["objective"]["terms"]
    assert terms["content"]["weight"] == 2 and terms["style"]["weight"] == 3
    assert terms["content"]["layer_weights"] == [1, 2] and terms["style"]["layer_weights"] == [3, 4]
    assert terms["content"]["reduction"] == terms["style"]["reduction"] == "gatys"
    assert terms["total_variation"] == {
        "weight": 0.5, "kind": "exponent", "exponent": 1.5, "reduction": "sum",
    }  # fmt: skip
    assert (said["start"], said["seed"], said["precision"]) == ("noise", 5, "float32")
    assert said["optimizer"]["name"] == "SGD" and said["optimizer"]["momentum"] == 0.5
    assert said["objective"]["network"]["pooling"] == "avg" and said["sizes"] == [[21, 32]]


def test_a_saved_picture_can_be_made_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = "transfer --content chelsea --style stained_glass --output out.png --max-side 32"
    line += " --scales none --steps 2 --style-weight 30 --tv-kind squared --weights random"
    line += " --content-layers conv1_2 --style-layers conv1_1 --statistic wasserstein --quiet"
    assert main(line.split()) == 0
    job = jobs.from_data(nst.read_settings("out.png")["job"])
    assert (job.style_weight, job.tv_kind, job.statistic) == (30, "squared", "wasserstein")
    again = recipes.repeat("out.png", progress=False)
    assert np.abs(again.image - nst.load_image("out.png")).max() <= 0.5 / 255 + 1e-6


def test_a_picture_that_no_recipe_made_cannot_be_repeated(tmp_path, photo):
    nst.save_image(photo, tmp_path / "out.png", settings={"steps": 3})
    with pytest.raises(ValueError, match="was not made by a recipe"):
        recipes.repeat(tmp_path / "out.png")


def test_a_mistake_in_a_callback_leaves_the_job_in_the_settings(network, photo):
    def callback(progress):
        raise KeyError("a mistake")

    with pytest.raises(KeyError) as caught:
        recipes.reconstruct_content(
            photo, "conv1_1", network=network, callbacks=callback, progress=False
        )
    assert caught.value.synthesis.settings["job"]["content_layers"] == "conv1_1"
