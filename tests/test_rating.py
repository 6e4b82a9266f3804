"""The rating form: blind, shuffled for each rater, kept after every click. No browser is needed."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

import nsthelpers as nst
from nsthelpers.opinions import opinion_table, read_ratings
from nsthelpers.widgets import rating

NAMES = "ABCDEFG"
PICTURES = {
    name: np.full((1, 16, 24, 3), i / 10, "float32") for i, name in enumerate(NAMES, start=1)
}


@pytest.fixture
def form(tmp_path):
    made = nst.widgets.rate(PICTURES, folder=tmp_path)
    yield made
    made.close()


def begin(form, rater):
    form.name.value = rater
    form.begin_button.click()


def said(form):
    return re.sub("<[^>]*>", "", form.status.value)


def shown(form):
    """Which picture is on the screen, by its brightness."""
    grey = np.asarray(Image.open(io.BytesIO(form.picture.value)).convert("RGB")).mean() / 255
    return NAMES[round(grey * 10) - 1]


def texts(widget):
    for each in [widget, *getattr(widget, "children", ())]:
        yield from (str(getattr(each, name, "")) for name in ("value", "description", "tooltip"))
        yield from texts(each) if each is not widget else ()


def test_every_rater_has_an_order_of_their_own(form):
    orders = {rater: tuple(form.order(rater)) for rater in ("Ann", "Bob", "Eve", "7")}
    assert all(sorted(order) == list(NAMES) for order in orders.values())
    assert len(set(orders.values())) == 4 and tuple(NAMES) not in orders.values()
    assert form.order(" ann ") == list(orders["Ann"])
    # Fixed for ever: a rater who comes back with another version finds the same order.
    assert "".join(orders["Ann"]) == "BGCEDFA"


def test_no_place_is_favoured(form):
    """Over many raters every picture comes first about equally often."""
    firsts = [form.order(f"rater {number}")[0] for number in range(700)]
    counts = [firsts.count(name) for name in NAMES]
    assert min(counts) > 60 and max(counts) < 150  # 100 expected, standard deviation 9.3


def test_a_whole_session(form, tmp_path):
    begin(form, "Ann")
    order = form.order("ann")
    for place, name in enumerate(order, start=1):
        assert said(form) == f"Picture {place} of 7: how do you like it?"
        assert shown(form) == name and form.bar.value == place - 1
        form.buttons[place % 5].click()
        rows = read_ratings(tmp_path / "ratings_ann.csv")  # kept after every click
        assert [row["picture"] for row in rows] == order[:place]
    expected = {name: place % 5 + 1 for place, name in enumerate(order, start=1)}
    assert form.scores == expected and form.bar.value == 7
    assert said(form) == "Thank you, that was all. The scores are in ratings_ann.csv."
    assert all(each.disabled for each in form.buttons)
    assert form.picture.layout.visibility == "hidden"
    assert opinion_table(tmp_path)["mean"].to_dict() == expected
    lines = (tmp_path / "ratings_ann.csv").read_text().splitlines()
    assert lines[:2] == ["rater,picture,score,word,shown_as", f"ann,{order[0]},2,poor,1"]


def test_it_is_blind(tmp_path):
    named = {f"secret {name}": picture for name, picture in PICTURES.items()}
    form = nst.widgets.rate(named, folder=tmp_path)
    begin(form, "Ann")
    for score in (1, 2, 3, 4, 5, 4, 3):
        shown = list(texts(form))
        assert len(shown) > 20 and not any("secret" in each for each in shown)
        form.give(score)
    assert "secret" in form.path.read_text()
    form.close()


def test_back_changes_a_score(form, tmp_path):
    begin(form, "Ann")
    assert form.back_button.disabled
    form.give(5)
    form.back_button.click()
    assert shown(form) == form.order("ann")[0] and form.buttons[4].button_style == "info"
    form.give(1)
    assert form.buttons[4].button_style == ""
    [row] = read_ratings(form.path)
    assert row["score"] == 1


def test_who_comes_back_goes_on(form, tmp_path):
    begin(form, "Ann")
    form.give(3)
    form.give(4)
    again = nst.widgets.rate(PICTURES, folder=tmp_path)
    begin(again, "ANN ")
    assert said(again).startswith("Picture 3 of 7") and again.scores == form.scores
    begin(again, "Bob")
    assert said(again).startswith("Picture 1 of 7") and again.scores == {}
    again.give(2)
    assert len(read_ratings(tmp_path / "ratings_ann.csv")) == 2
    again.close()


def test_other_pictures_do_not_wipe_out_a_file(form, tmp_path):
    begin(form, "Ann")
    form.give(3)
    other = nst.widgets.rate({"X": PICTURES["A"]}, folder=tmp_path)
    begin(other, "Ann")
    assert said(other).startswith("Picture 1 of 1")
    other.give(5)
    assert [row["picture"] for row in read_ratings(other.path)] == [form.order("ann")[0], "X"]
    other.close()


def test_nothing_counts_before_begin_or_after_the_end(form):
    form.give(3)
    assert said(form) == "Write a name and press Begin first." and form.scores == {}
    begin(form, " ")
    assert "the rater has no name" in said(form) and form.rater == ""
    begin(form, "Ann")
    for _ in range(9):
        form.give(2)
    assert len(form.scores) == 7 and said(form) == "Thank you, that was all."


def test_a_score_that_cannot_be_kept_does_not_count(form, monkeypatch):
    begin(form, "Ann")

    def full(*arguments):
        raise OSError("cannot write ratings_ann.csv: no space left")

    monkeypatch.setattr(rating, "write_ratings", full)
    form.give(3)
    assert "no space left" in said(form) and form.scores == {}
    assert shown(form) == form.order("ann")[0]  # the same picture, to be tried again


def test_a_file_that_is_none_is_named(form, tmp_path):
    (tmp_path / "ratings_ann.csv").write_text("something else")
    begin(form, "Ann")
    assert "ratings_ann.csv is no file of ratings" in said(form) and form.rater == ""


def test_what_can_be_rated(tmp_path):
    swept = nst.sweep(
        lambda weight: nst.synthesize(
            weight * nst.TotalVariation(), nst.white_noise(16, 24), steps=1, progress=False
        ),
        {"weight": [1, 2]},
        progress=False,
    )
    assert sorted(nst.widgets.rate(swept).order("x")) == ["weight = 1", "weight = 2"]
    assert nst.widgets.rate({"cat": "chelsea"}).order("x") == ["cat"]
    with pytest.raises(ValueError, match="no picture to rate"):
        nst.widgets.rate({})
    with pytest.raises(TypeError, match="the pictures are a list; expected a dict"):
        nst.widgets.rate(["chelsea"])
    with pytest.raises(FileNotFoundError, match="no folder"):
        nst.widgets.rate(PICTURES, folder=tmp_path / "none")
    assert "interactive panel" in repr(nst.widgets.rate(PICTURES))
