"""The panel that mixes paintings."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from small_painters import small_painter

import nsthelpers as nst
from nsthelpers.images.arrays import to_png_bytes


@pytest.fixture
def panel():
    made = nst.widgets.mixing_panel(small_painter("swirling_night", "other"), "coffee", side=48)
    yield made
    made.close()


def test_each_slider_counts(panel):
    assert panel.mix == {"swirling_night": 1.0, "other": 0.0}
    assert (
        panel.sliders["swirling_night"].description
        == nst.samples.credits("swirling_night")[0].title
    )
    assert panel.sliders["other"].description == "other"
    photo = nst.resize(panel.photo.image, max_side=48)
    before = panel.picture.value
    panel.sliders["other"].value = 0.5
    wanted = panel.painter(photo, [1, 0.5])
    np.testing.assert_allclose(panel.image, wanted, atol=1e-5)
    assert panel.picture.value != before and panel.picture.value[1:4] == b"PNG"


def test_nothing_to_mix_keeps_the_last_picture(panel):
    before = panel.image
    panel.sliders["swirling_night"].value = 0.0
    assert "Move at least one slider above 0" in panel.message.value
    assert panel.image is before
    panel.save()
    assert panel.download.value == ""
    panel.sliders["other"].value = 1.0
    assert panel.message.value == "" and panel.image is not before


@pytest.mark.parametrize("version", [7, 8])
def test_a_photograph_is_uploaded(panel, version):
    data = to_png_bytes(nst.white_noise(40, 40))
    entry = {"content": data, "name": "mine.png", "metadata": {"name": "mine.png"}}
    new = {"mine.png": entry} if version == 7 else (entry,)
    panel.photo._receive({"new": new})
    assert panel.image.shape == (1, 40, 40, 3)


def test_what_is_no_photograph_is_said_and_keeps_the_old(panel):
    before = panel.image
    panel.photo._receive({"new": ({"name": "bad.png", "content": b"words"},)})
    assert "bad.png" in panel.photo.message.value and panel.image is before


def test_it_is_saved_large_with_its_settings(panel, tmp_path):
    panel.sliders["other"].value = 0.25
    panel.save()
    height, width = panel.photo.image.shape[1:3]
    assert f"{width} × {height} pixels" in panel.download.value
    path = tmp_path / "mixed.png"
    path.write_bytes(base64.b64decode(re.search(r"base64,([^\"]+)", panel.download.value)[1]))
    assert nst.read_settings(path)["mix"] == {"swirling_night": 1.0, "other": 0.25}
    assert nst.load_image(path).shape == panel.photo.image.shape
    panel.sliders["other"].value = 0.5
    assert panel.download.value == ""  # it would be of the picture before


def test_a_painter_comes_by_name_or_by_file(tmp_path, monkeypatch):
    monkeypatch.setattr("nsthelpers.real_time.painter.SHIPPED", tmp_path)
    with pytest.raises(FileNotFoundError, match="no painter came with this installation"):
        nst.widgets.mixing_panel()
    small_painter("a", "b").save(tmp_path / "drawn.safetensors")
    assert nst.widgets.mixing_panel(side=32).mix == {"a": 1.0, "b": 0.0}
    assert nst.widgets.mixing_panel("b", side=32).mix == {"a": 0.0, "b": 1.0}
    path = tmp_path / "drawn.safetensors"
    assert nst.widgets.mixing_panel(path, side=32).mix == {"a": 1.0, "b": 0.0}
    with pytest.raises(FileNotFoundError, match="there is no painter"):
        nst.widgets.mixing_panel("c")


def test_without_a_kernel_a_sentence_stands_there(panel):
    assert "run this cell" in repr(panel)
