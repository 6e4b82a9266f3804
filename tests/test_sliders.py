"""Pictures with sliders: what stands in the HTML. ``test_browser.py`` moves the sliders."""

from __future__ import annotations

import base64
import html.parser
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import nsthelpers as nst
from nsthelpers.plots import slider_figure

AXES = {"layer": ["conv1_2", "conv4_2"], "steps": [10, 100, 1000]}
SHAPES = [(64, 96), (96, 64), (50, 70), (33, 17), (96, 96), (16, 90)]


def smooth(number, shape):
    y, x = np.mgrid[0 : 1 : shape[0] * 1j, 0 : 1 : shape[1] * 1j]
    waves = [np.sin(3 * x + number), np.cos(4 * y - number), np.sin(5 * x * y + 2 * number)]
    return (0.5 + 0.5 * np.stack(waves, axis=-1))[None].astype("float32")


PICTURES = [smooth(number, shape) for number, shape in enumerate(SHAPES)]


def figure_of(pictures=PICTURES, axes=AXES, description="Six waves.", **options):
    return slider_figure(pictures, axes, description=description, **options)


class Reader(html.parser.HTMLParser):
    """Tags with their attributes, and the text outside of scripts."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.open, self.text, self.script = [], [], "", ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" in self.open:
            self.script += data
        else:
            self.text += data

    def attributes(self, tag):
        return [attributes for each, attributes in self.tags if each == tag]


def data_of(figure):
    """What the script is given."""
    script = Reader(figure.html).script
    return json.JSONDecoder().raw_decode(script, script.index('({"key"') + 1)[0]


def decoded(uri):
    kind, data = re.fullmatch("data:image/(webp|jpeg);base64,(.*)", uri).groups()
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.format.lower() == kind
    return np.asarray(image.convert("RGB")) / 255


def test_every_picture_lies_in_its_place_on_the_sheet():
    known = data_of(figure_of(quality=95))
    sheet = decoded(known["sheet"])
    assert known["size"] == [96, 96]
    for picture, (x, y, width, height) in zip(PICTURES, known["places"], strict=True):
        assert (height, width) == picture.shape[1:3]
        assert np.abs(sheet[y : y + height, x : x + width] - picture[0]).mean() < 0.02


def test_no_neighbour_shines_into_a_picture():
    checks = [np.full((1, 51, 37, 3), level) for level in (0.0, 1.0, 1.0, 0.0)]
    known = data_of(figure_of(checks, {"a": "bc", "d": "ef"}, quality=60))
    sheet = decoded(known["sheet"])
    for picture, (x, y, width, height) in zip(checks, known["places"], strict=True):
        assert np.abs(sheet[y : y + height, x : x + width] - picture[0]).max() < 0.01


def test_places_do_not_overlap_and_begin_on_blocks():
    places = data_of(figure_of())["places"]
    assert len({(x, y) for x, y, _, _ in places}) == 6
    assert all(x % 16 == y % 16 == 0 for x, y, _, _ in places)
    for number, (x, y, width, height) in enumerate(places):
        for left, top, wide, high in places[:number]:
            assert x >= left + wide or left >= x + width or y >= top + high or top >= y + height


def test_axes_captions_and_missing_pictures_are_handed_on():
    captions = [f"loss {number}" for number in range(6)]
    known = data_of(figure_of([*PICTURES[:4], None, PICTURES[5]], captions=captions))
    assert known["axes"] == [
        {"name": "layer", "labels": ["conv1_2", "conv4_2"]},
        {"name": "steps", "labels": ["10", "100", "1000"]},
    ]
    assert known["captions"] == captions
    assert [place is None for place in known["places"]] == [False] * 4 + [True, False]


def test_large_pictures_are_shrunk_to_the_side():
    known = data_of(figure_of([smooth(1, (120, 400)), smooth(2, (40, 30))], {"a": "bc"}, side=200))
    assert [place[2:] for place in known["places"]] == [[200, 60], [30, 40]]


def test_pictures_are_taken_as_image_grid_takes_them():
    run = nst.Synthesis(PICTURES[0], [], "steps", "", {}, 0, 0.0)
    known = data_of(figure_of([run, nst.to_pil(PICTURES[0])], {"kind": ["run", "pil"]}))
    assert known["places"][0][2:] == known["places"][1][2:] == [96, 64]


def test_many_values_of_one_setting_stand_in_rows():
    """In one row ten pictures would be too small to see, and their labels broken inside words."""
    greys = [np.full((1, 32, 32, 3), level) for level in np.linspace(0, 1, 10)]
    page = Reader(figure_of(greys, {"grey": range(10)}).html)
    height, width = decoded(page.attributes("img")[0]["src"]).shape[:2]
    assert height > 0.6 * width > 200


def test_without_a_script_there_is_one_still_picture_and_those_beside():
    figure = figure_of(title="Waves", beside={"photograph": PICTURES[0], "painting": PICTURES[1]})
    page = Reader(figure.html)
    still, *beside = page.attributes("img")
    assert still["alt"] == (
        "Six waves. All pictures side by side. layer: conv1_2, conv4_2; steps: 10, 100, 1000."
    )
    assert decoded(still["src"]).std() > 0.1
    assert [image["alt"] for image in beside] == ["photograph", "painting"]
    assert np.abs(decoded(beside[0]["src"]) - PICTURES[0][0]).mean() < 0.03
    assert page.text.split() == ["Waves", "photographpainting"]
    # What could be moved and would do nothing is made by the script alone.
    assert {tag for tag, _ in page.tags} == {
        "div", "p", "strong", "img", "figure", "figcaption", "script"
    }  # fmt: skip


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&<!--$x^$"


def test_hostile_text_stays_text():
    axes = {HOSTILE: [HOSTILE, "b"]}
    figure = figure_of(
        PICTURES[:2], axes, HOSTILE,
        captions=[HOSTILE, ""], title=HOSTILE, beside={HOSTILE: PICTURES[0]},
    )  # fmt: skip
    for markup in (figure.html, figure.page):
        page = Reader(markup)
        assert len(page.attributes("script")) == 1 and len(page.attributes("img")) == 2
        assert not any("onerror" in attributes for _, attributes in page.tags)
        assert not page.open
    known = data_of(figure)
    assert known["axes"] == [{"name": HOSTILE, "labels": [HOSTILE, "b"]}]
    assert known["captions"][0] == known["description"] == HOSTILE
    assert "<" not in figure.html.partition('({"key"')[2].partition("\n</script>")[0]


def test_the_same_input_gives_the_same_html_and_another_another_key():
    first, again, other = figure_of(), figure_of(), figure_of(captions=list("abcdef"))
    assert first.html == again.html and first.page == again.page
    assert len({data_of(figure)["key"] for figure in (first, again, other)}) == 2
    assert f'data-key="{data_of(first)["key"]}"' in first.html
    assert " id=" not in first.html and "for=" not in first.html.partition("<script>")[0]


def test_the_size_stays_within_the_kilobytes():
    noise = np.random.default_rng(0).uniform(size=(1, 256, 256, 3))
    axes = {"a": range(3)}
    large = len(figure_of([noise] * 3, axes, quality=90).html)
    small = figure_of([noise] * 3, axes, kilobytes=200)
    assert len(small.html) <= 200_000 < large
    with pytest.raises(ValueError, match=r"3 pictures of 256 pixels take \d+ kB at quality 40"):
        figure_of([noise] * 3, axes, kilobytes=50)
    with pytest.raises(ValueError, match="at quality 90, more than 200; pass a smaller side="):
        figure_of([noise] * 3, axes, kilobytes=200, quality=90)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pictures": PICTURES[:5]}, "5 pictures for 2 x 3 labels; expected 6, the last axis"),
        ({"axes": {}}, "0 axes; expected one to three"),
        ({"axes": dict.fromkeys("abcd", "xy")}, "4 axes; expected one to three"),
        ({"axes": {"a": ["x"]}}, "axis 'a' has 1 label; expected at least two"),
        ({"axes": {"a": []}}, "axis 'a' has 0 labels; expected at least two"),
        ({"pictures": [None] * 6}, "there is no picture to show"),
        ({"captions": ["one"]}, "1 captions for 6 pictures"),
        ({"description": " "}, "the description is empty"),
        ({"pictures": PICTURES[:1] * 401, "axes": {"a": range(401)}}, "401 pictures; expected 400"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(arguments, words):
    with pytest.raises(ValueError, match=words) as caught:
        figure_of(**arguments)
    assert "\n" not in str(caught.value)


def test_a_page_is_saved_whole(tmp_path):
    figure = figure_of()
    assert figure.save(tmp_path / "page.html") == tmp_path / "page.html"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page == figure.page and page.startswith("<!doctype html>")
    assert figure.html in page and figure._repr_html_() == figure.html
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
