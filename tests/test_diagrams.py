"""Drawings: true numbers, valid SVG, words for who cannot see, and text inside of its box."""

from __future__ import annotations

import os
import shutil
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.diagrams import maps, svg

SVG = "{http://www.w3.org/2000/svg}"
DRAWINGS = {
    "convolution": nst.diagrams.convolution,
    "convolution, large": lambda: nst.diagrams.convolution(
        [[-9, 9, -9]] * 3, patch=np.arange(36).reshape(6, 6) % 2 * 99, at=(3, 3)
    ),
    "gram": nst.diagrams.gram,
    "gram, large": lambda: nst.diagrams.gram([[9, 9, 9, 9], [9, 9, 9, 9], [-9, 9, -9, 9]]),
    "network": nst.diagrams.network_map,
    "network, bare": lambda: nst.diagrams.network_map([1, 5], content=None, style=None),
    "network, all": lambda: nst.diagrams.network_map(style=nst.vgg.CONVOLUTIONS, content=None),
    "painter": nst.diagrams.painter,
    "loop": nst.diagrams.loop,
    **{f"loop, {part}": lambda part=part: nst.diagrams.loop(part) for part in maps.PARTS},
    **{
        f"series, {number}": lambda number=number: nst.diagrams.series_map(number)
        for number in (None, 1, 5, 10)
    },
}


def texts(drawing):
    """Every line of text, tspans joined."""
    root = ElementTree.fromstring(str(drawing))
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def numbers(drawing):
    return [text.replace("\N{MINUS SIGN}", "-") for text in texts(drawing)]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_svg_with_title_and_description(name):
    drawing = DRAWINGS[name]()
    root = ElementTree.fromstring(drawing._repr_svg_())
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert root[0].text == drawing.title and root[1].text == drawing.description
    assert len(drawing.description) > 60
    assert repr(drawing) == f"{drawing.title}: {drawing.description}"  # where no SVG is shown


@pytest.mark.parametrize("name", DRAWINGS)
def test_text_is_not_smaller_than_can_be_read_at_350_pixels(name):
    root = ElementTree.fromstring(str(DRAWINGS[name]()))
    sizes = [float(element.get("font-size")) for element in root.iter(f"{SVG}text")]
    assert min(sizes) * 350 / svg.WIDTH >= 8.75


def test_every_colour_has_a_dark_one_and_a_light_one_without_a_style_sheet():
    root = ElementTree.fromstring(str(nst.diagrams.network_map()))
    rules = root.find(f"{SVG}style").text
    for element in root.iter():
        for name in (element.get("class") or "").split():
            if name.startswith(("nst-fill-", "nst-stroke-")):
                assert f".{name}{{" in rules
                _, what, colour = name.split("-", 2)
                assert element.get(what) == svg.COLOURS[colour.replace("-", " ")][0]


def contrast(first, second):
    """The ratio of WCAG 2.2."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    "ink, paper",
    [
        *((ink, "paper") for ink in ("ink", "faint", "content", "style", "smooth")),
        *(("ink", paper) for paper in ("wash", "mark", "content wash", "style wash")),
        *(("faint", paper) for paper in ("mark", "wash")),
        *((role, f"{role} wash") for role in ("content", "style", "smooth")),
    ],
)
def test_text_stands_out_from_its_paper(ink, paper, scheme):
    assert contrast(svg.COLOURS[ink][scheme], svg.COLOURS[paper][scheme]) >= 4.5


def test_the_convolution_is_worked_out():
    patch = np.random.default_rng(3).integers(0, 100, (6, 6))
    kernel = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    drawing = nst.diagrams.convolution(kernel, patch=patch, at=(2, 1))
    window = patch[2:5, 1:4]
    shown = numbers(drawing)
    assert shown[-1] == str((window * kernel).sum())
    assert shown[-11:-2] == [str(value) for value in (window * kernel).ravel()]
    assert f"sum, {(window * kernel).sum()}," in drawing.description


def test_the_photograph_is_a_photograph():
    """Real brightnesses, with an edge in the window that the filter answers to."""
    window = numbers(nst.diagrams.convolution())
    assert "144" in window and window[-1] == "144"


def test_the_gram_matrix_is_the_packages():
    features = np.array([[1, 0, 2, 0], [2, 0, 1, 0], [0, 3, 0, 3]])
    expected = np.asarray(nst.gram_matrix(features.T.astype("float32")))
    shown = numbers(nst.diagrams.gram())
    assert shown[-12:-3] == [f"{value:g}" for value in expected.ravel()]
    assert "(1·2 + 0·0 + 2·1 + 0·0) / 4 = 1" in shown


def test_the_network_has_its_sizes_and_marks():
    shown = texts(nst.diagrams.network_map())
    assert shown.count("1") == 5 and shown.count("4") == 3
    assert {"64", "128", "256", "512", "224²", "112²", "56²", "28²", "14²"} <= set(shown)
    described = nst.diagrams.network_map(4, style=["conv1_1", "block3_conv1"]).description
    assert "Content is read from block4_conv2. Style is read from block1_conv1, block3" in described
    assert described.endswith("Block 4 stands out.")


def test_the_series_says_where_one_is():
    assert nst.diagrams.series_map(5).description.endswith("You are in notebook 5.")
    assert "04" in texts(nst.diagrams.series_map())
    assert len(maps.SERIES) == 10


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: nst.diagrams.convolution(patch=np.zeros((5, 6))), "expected .3, 3. and .6, 6."),
        (lambda: nst.diagrams.convolution([[1]]), "the filter is"),
        (lambda: nst.diagrams.convolution(at=(4, 0)), "0 to 3"),
        (lambda: nst.diagrams.gram([[1, 2]]), "expected .3, 4."),
        (lambda: nst.diagrams.network_map(6), "numbers of 1 to 5"),
        (lambda: nst.diagrams.network_map([]), "numbers of 1 to 5"),
        (lambda: nst.diagrams.network_map(content="conv9_9"), "conv9_9"),
        (lambda: nst.diagrams.loop("imag"), "imag"),
        (lambda: nst.diagrams.series_map(11), "no notebook 11"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_it_is_saved_as_it_is(tmp_path):
    path = nst.diagrams.loop().save(tmp_path / "loop.svg")
    assert path.read_text(encoding="utf-8") == str(nst.diagrams.loop())


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail('there is no chromium; leave these tests out with pytest -m "not browser"')
    # The broadest of the usual fonts, which comes with matplotlib: what fits in it fits in all, and
    # on every machine alike.
    folder = tmp_path_factory.mktemp("fonts")
    settings = folder / "fonts.conf"
    settings.write_text(
        f"<fontconfig><dir>{matplotlib.get_data_path()}/fonts/ttf</dir>"
        f"<cachedir>{folder}</cachedir></fontconfig>"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu"],
            env={**os.environ, "FONTCONFIG_FILE": str(settings)},
        )
        yield browser
        browser.close()


# Boxes of all texts beside those of what they lie in: their own box, or else the sheet.
MEASURE = """() => [...document.querySelectorAll('text')].map(text => {
  const inside = text.getBBox(), box = text.closest('.nst-box')?.querySelector('rect')
  const sheet = box ? box.getBBox() : text.ownerSVGElement.viewBox.baseVal
  const all = [...text.ownerSVGElement.querySelectorAll('text')].filter(other => other !== text)
  const covers = all.filter(other => {
    const b = other.getBBox()
    return inside.x < b.x + b.width && b.x < inside.x + inside.width
      && inside.y + 3 < b.y + b.height - 3 && b.y + 3 < inside.y + inside.height - 3
  })
  return [text.textContent, inside.x - sheet.x, sheet.x + sheet.width - inside.x - inside.width,
    inside.y - sheet.y, sheet.y + sheet.height - inside.y - inside.height,
    covers.map(other => other.textContent).join()]
})"""


@pytest.mark.browser
@pytest.mark.parametrize("name", DRAWINGS)
def test_text_stays_inside_and_covers_no_other(name, browser):
    page = browser.new_page()
    page.set_content(str(DRAWINGS[name]()))
    measured = page.evaluate(MEASURE)
    page.close()
    assert measured
    outside = [row for row in measured if min(row[1:5]) < 0 or row[5]]
    assert not outside


@pytest.mark.browser
@pytest.mark.parametrize("scheme, paper", [("light", "rgb(255, 255, 255)"), ("dark", "dark")])
def test_the_reader_chooses_light_or_dark(scheme, paper, browser):
    page = browser.new_page(color_scheme=scheme)
    page.set_content(str(nst.diagrams.loop()))
    found = page.evaluate("getComputedStyle(document.querySelector('rect')).fill")
    page.close()
    dark = svg.COLOURS["paper"][1]
    expected = f"rgb({int(dark[1:3], 16)}, {int(dark[3:5], 16)}, {int(dark[5:7], 16)})"
    assert found == (expected if paper == "dark" else paper)
