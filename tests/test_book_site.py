"""The book as it was built (``make book``): links, and its pages in a real browser.

``make bookcheck`` builds it and asks for these tests; ``make test`` leaves them out.
"""

from __future__ import annotations

import re
import sys
import urllib.parse
from pathlib import Path

import live_pages
import pytest
from book_site import SITE, Site, built, served, visit

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.live

NOTEBOOKS = [f"notebooks/{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
PAGES = ["index.html", "gallery.html", "troubleshooting.html", "studies/REPORT.html",
         "reference/terms.html", "reference/losses.html", "notebooks/glossary.html",
         "search.html"]  # fmt: skip
LIVE = ["live/index.html", "live/camera.html"]  # there if `make live` was run before `make book`
LARGEST = 3_000_000  # bytes before anybody scrolls, nothing compressed
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}

#: What axe finds that is not ours to mend: the rule, and why.
EXCEPTIONS: dict[str, str] = {}


@pytest.fixture(scope="module")
def site():
    return Site(built())


def test_links_within_the_site_lead_somewhere(site):
    assert len(site.pages) > 50
    assert sum(1 for _ in site.inside()) > 5_000
    assert sorted(site.broken()) == []


def test_links_to_elsewhere_are_well_formed_and_nothing_is_fetched_from_there(site):
    found = site.outside()
    for tag, address in sorted(found):
        parts = urllib.parse.urlsplit(address)
        assert tag in {"a", "link"} or parts.scheme == "mailto", f"{tag} fetches {address}"
        assert parts.scheme == "https", address
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), address
        assert not re.search(r"[\s<>{}\"]", address), address
    print(f"{len(found)} addresses elsewhere")


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a id="here" href="#here"></a><a href="b.html#there"></a><a href="b.html#nowhere"></a>'
        '<img src="none.png"><a href="https://example.org/x">x</a><a href="b.html?q=1"></a>'
    )
    (tmp_path / "b.html").write_text('<p id="there"></p><script src="//example.org/y.js"></script>')
    tried = Site(tmp_path)
    assert list(tried.broken()) == ["a.html: b.html#nowhere", "a.html: none.png"]
    assert set(tried.outside()) == {
        ("a", "https://example.org/x"), ("script", "//example.org/y.js"),
    }  # fmt: skip


def test_no_page_names_a_folder_of_the_machine_that_built_it(site):
    naming = [path.name for path in site.pages if str(ROOT) in path.read_text(encoding="utf-8")]
    assert naming == []


def test_every_picture_has_a_text_in_its_place(site):
    without = [
        f"{path.name}: {image.get('src')}"
        for path, page in site.pages.items()
        for image in page.reader.images
        if image.get("alt") is None
    ]
    assert without == []


@pytest.fixture(scope="module")
def browser():
    with live_pages.browser(*live_pages.CAMERA) as found:
        yield found


@pytest.fixture(scope="module")
def address():
    with served() as found:
        yield found


def there(name):
    if not (SITE / name).is_file():
        pytest.skip(f"{name} is not built; run: make live book")
    return name


@pytest.mark.browser
@pytest.mark.parametrize("name", [*PAGES, *NOTEBOOKS, *LIVE])
def test_a_page_is_light_complete_and_asks_nobody_else(browser, address, name, record_property):
    with visit(browser, address, there(name)) as met:
        sizes = met.sizes()
        total = sum(sizes.values())
        record_property("bytes", total)
        print(f"{name}: {total / 1e6:.2f} MB in {len(sizes)} files before scrolling")
        largest = sorted(sizes.items(), key=lambda each: -each[1])[:5]
        if name not in LIVE:  # whose pages say how much they are about to fetch
            assert total < LARGEST, largest
        met.scroll_through()
        formulas = met.page.locator(".math")
        drawn = met.page.locator(".math svg > g").evaluate_all(
            "all => all.filter((each) => each.getBoundingClientRect().width > 1).length"
        )
        assert drawn == formulas.count()
        assert (drawn > 0) == ('class="math"' in (SITE / name).read_text(encoding="utf-8"))
        assert "\\(" not in met.page.locator("body").inner_text()
        assert met.elsewhere == []
        assert met.complaints == []
        broken = met.page.locator("img").evaluate_all(
            "all => all.filter((each) => each.complete && !each.naturalWidth && each.src)"
            ".map((each) => each.src)"
        )
        assert broken == []


def test_lessons_have_formulas():
    assert sum("mjx-container" in (built() / name).read_text() for name in NOTEBOOKS) >= 8


@pytest.mark.browser
def test_a_slider_moves_its_picture(browser, address):
    with visit(browser, address, NOTEBOOKS[1]) as met:
        waiting = met.page.locator(".nst-sliders script[type='text/waiting']")
        assert waiting.count() > 0, "it begins only when it comes near"
        met.page.locator(".nst-sliders").first.scroll_into_view_if_needed()
        slider = met.page.locator(".nst-live input[type=range]").first
        canvas = met.page.locator(".nst-live canvas").first
        before = canvas.evaluate("each => each.toDataURL()")
        slider.press("End")
        assert canvas.evaluate("each => each.toDataURL()") != before
        assert met.complaints == []


@pytest.mark.browser
def test_the_search_finds_a_lesson(browser, address):
    with visit(browser, address, "index.html") as met:
        met.page.get_by_role("button", name="Search").first.click()
        field = met.page.locator("dialog input[type=search]")
        field.fill("Gram matrix")
        field.press("Enter")
        met.page.wait_for_url("**/search.html?q=*")
        met.page.locator("#search-results a", has_text="Reconstruct style").first.wait_for()
        assert met.complaints == []


@pytest.fixture(scope="module")
def axe():
    """The program of axe-core, which says what a visitor with other senses would miss."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "book"))
        patch.delitem(sys.modules, "from_npm", raising=False)
        import from_npm

        return from_npm.read(from_npm.pinned(ROOT / "book" / "axe.json"), "axe.min.js").decode()


@pytest.mark.browser
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    "name",
    ["index.html", NOTEBOOKS[1], NOTEBOOKS[3], "gallery.html", "studies/REPORT.html",
     "reference/terms.html", "troubleshooting.html", "notebooks/glossary.html", *LIVE],
)  # fmt: skip
def test_axe_finds_no_serious_fault(browser, address, axe, name, look):
    with visit(browser, address, there(name), **LOOKS[look]) as met:
        met.scroll_through()
        met.page.evaluate(axe)
        found = met.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        serious = [
            f"{fault['impact']} {fault['id']}: {each['html'][:200]} ({each['target']})"
            for fault in found["violations"]
            if fault["impact"] in {"serious", "critical"} and fault["id"] not in EXCEPTIONS
            for each in fault["nodes"]
        ]
        assert serious == []
        if look == "phone":
            wide = met.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{wide} pixels wide"
            hidden = met.page.locator("div.math").evaluate_all(
                "all => all.filter((each) => each.querySelector('svg').getBoundingClientRect().left"
                " < each.getBoundingClientRect().left - 1).length"
            )
            assert hidden == 0, "a long formula shows its beginning first"
