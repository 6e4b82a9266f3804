"""The report is what the record and the studies' files say now; no text outlives its data."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import nsthelpers as nst
from nsthelpers.__main__ import main
from nsthelpers.images.files import save_image
from nsthelpers.record import making, report
from nsthelpers.record.store import HOME
from nsthelpers.studies import study as studies
from nsthelpers.studies.verdicts import Verdict

PAGE = Path(__file__).parents[1] / "studies" / "REPORT.md"
NAME = "lakic_content_style_ratio"


@pytest.fixture
def record(tmp_path):
    """Makes a record in which these points of one study have these pictures; none is computed."""

    def make(pictures, name=NAME):
        folder = tmp_path / "record"
        (folder / "pictures").mkdir(parents=True)
        known = json.loads((HOME / "table.json").read_text(encoding="utf-8"))
        row = known["points"][known["experiments"]["check"]["points"][0]["key"]]
        points = making.contents()[name].points
        listed, rows = [], {}
        for place, (label, image) in enumerate(pictures.items()):
            key = f"{place:024x}"
            settings = nst.sweeps.store.setting_as_data(points[label].settings)
            listed.append({"key": key, "label": label, "shown": {}, "settings": settings})
            rows[key] = {**row, "settings": settings}
            save_image(image, folder / "pictures" / f"{key}.webp", quality=95)
        table = {"experiments": {name: {"axes": {}, "points": listed}}, "points": rows}
        (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def faded():
    """The photograph, more and more of it lost in noise, at the study's points."""
    photograph = nst.samples.load("coffee", max_side=64)
    noise = np.random.default_rng(0).random(photograph.shape)
    labels = list(making.contents()[NAME].points)
    return {
        label: (1 - part) * photograph + part * noise
        for label, part in zip(labels, np.linspace(0, 1, len(labels)), strict=True)
    }


@pytest.fixture
def judged(monkeypatch):
    """The list of experiments with one study only, whose first claim has this verdict."""

    def judge(word, **entries):
        study = making.contents()[NAME]
        first = replace(study.verdicts[0], verdict=word, why="Because.", **entries)
        changed = replace(study, verdicts=[first, *study.verdicts[1:]])
        monkeypatch.setattr(report, "contents", lambda: {NAME: changed})

    return judge


# --- the page of the repository ---------------------------------------------------------------


def test_the_page_is_what_record_and_files_say_now():
    assert PAGE.read_text(encoding="utf-8") == report.text(PAGE), "run: make report"


def test_every_written_verdict_is_what_its_test_finds():
    assert report.stale() == []


def test_every_study_and_document_is_in_it():
    page = PAGE.read_text(encoding="utf-8")
    for name in studies.names():
        assert f'<a id="{name}"></a>' in page and f"](#{name})" in page
    for author, document in studies.documents().items():
        assert f"## {author}\n" in page and document["title"] in page
        assert all(place in page for place in document["against_itself"])


def test_its_pictures_are_there_and_described():
    page = PAGE.read_text(encoding="utf-8")
    links = re.findall(r'<img src="([^"]+)" width="\d+" alt="([^"]*)">', page)
    assert len(links) >= 12 and page.count("<img") == len(links)
    for link, alt in links:
        assert (PAGE.parent / link).is_file(), "run: make report"
        assert len(unescape(alt)) > 3


# --- what goes into it ------------------------------------------------------------------------


def test_a_record_without_points_says_so(tmp_path):
    page = report.text(tmp_path / "REPORT.md", tmp_path / "none")
    assert "Nothing of it is computed yet: `make record`" in page
    known = making.contents()
    assert page.count("<i>not computed yet</i>") == sum(
        len(known[name].points) for name in studies.names()
    )
    assert report.stale(tmp_path / "none") == []


def test_points_are_shown_with_numbers_and_tests(record, faded, tmp_path):
    del faded["α/β = 0.0001"]
    page = report.text(tmp_path / "REPORT.md", record(faded))
    section = page.partition(f'<a id="{NAME}"></a>')[2].partition("<a id=")[0]
    assert section.count("record/pictures/") == 2 * 4  # a picture, and the link to it
    assert "α/β = 0.0001<br><i>not computed yet</i>" in section
    loss = nst.record.load("check").results["L-BFGS"].history[-1].loss
    assert re.search(
        rf"\| α/β = 1 \| {loss:.3g} \|.*\| 0\.9\d* \|", section
    )  # its likeness, but for WebP
    assert "coffee, in place of tubingen" in section
    assert 'alt="coffee in the manner of swirling night; α/β = 1"' in section
    assert "falls from picture to picture. Not computed yet." in section
    assert "| `max_side` | 512 (*assumed*) | **256** |" in section


def test_a_test_tells_its_values(record, faded, tmp_path):
    page = report.text(tmp_path / "REPORT.md", record(faded))
    assert re.search(
        r"likeness to the photograph falls [^:]+: α/β = 1 0\.9.*It \*\*holds\*\*", page
    )


@pytest.mark.parametrize(
    ("word", "entries", "borne_out"),
    [
        ("agrees", {}, True),
        ("disagrees", {}, False),
        ("cannot be told at this size", {"outcome": "unclear"}, False),
        ("the document contradicts itself", {"outcome": "holds", "against": "y"}, True),
    ],
)
def test_a_verdict_that_its_test_does_not_bear_out_is_found(
    record, faded, judged, capsys, tmp_path, word, entries, borne_out
):
    judged(word, **entries)
    folder = record(faded)
    assert (report.stale(folder) == []) == borne_out
    line = ["report", str(tmp_path / "REPORT.md"), "--folder", str(folder), "--quiet"]
    assert main(line) == (0 if borne_out else 1)
    output, error = capsys.readouterr()
    assert output == "" and (NAME in error) != borne_out
    assert f"**Verdict: {word}**, by the test and by eye. Because." in (
        tmp_path / "REPORT.md"
    ).read_text(encoding="utf-8")


def test_changed_data_make_a_text_stale(record, faded, judged):
    judged("agrees")
    turned = dict(zip(faded, reversed(faded.values()), strict=True))
    [line] = report.stale(record(turned))
    assert line.startswith(f"{NAME}: ") and line.endswith("'agrees', but the test fails")


def test_a_name_of_theirs_over_a_stand_in_says_what_stands_there(record, tmp_path):
    name = "lakic_style_of_paintings"
    picture = nst.samples.load("swirling_night", max_side=32)
    page = report.text(tmp_path / "REPORT.md", record({"Starry Night": picture}, name))
    assert "<br>Starry Night: here swirling night</td>" in page


def test_moments_of_one_run_are_counted_once(record, faded, tmp_path, monkeypatch):
    folder = record(faded)
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    for steps, row in enumerate(table["points"].values(), start=1):
        row["seconds"], row["settings"] = 3600.0 * steps, {"steps": steps}
    (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")
    assert "in 5.0 hours" in report.text(tmp_path / "REPORT.md", folder)


def test_it_finds_points_of_another_network(record, faded, tmp_path):
    """Where VGG16 is, keys are others; the report is the same."""
    folder = record(faded)
    text = (folder / "table.json").read_text(encoding="utf-8")
    assert '"network": "vgg19"' not in text
    changed = json.loads(text)
    for point in changed["experiments"][NAME]["points"]:
        point["settings"]["network"] = "vgg16"
    (folder / "table.json").write_text(json.dumps(changed), encoding="utf-8")
    assert "5 of 5" in report.text(tmp_path / "REPORT.md", folder)


# --- the command line -------------------------------------------------------------------------


def test_the_command_writes_page_and_pictures(record, faded, capsys, tmp_path):
    line = ["report", str(tmp_path / "REPORT.md"), "--folder", str(record(faded))]
    assert main(line) == 0
    assert "the report is" in capsys.readouterr().out
    page = (tmp_path / "REPORT.md").read_text(encoding="utf-8")
    for link in re.findall(r'<img src="([^"]+)"', page):
        assert (tmp_path / link).is_file()
    assert max(nst.load_image(tmp_path / "pictures" / "text.webp").shape) == 256


def test_the_record_writes_it_at_its_end(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(making, "contents", dict)
    folder, page = tmp_path / "record", tmp_path / "REPORT.md"
    line = ["record", "--folder", str(folder), "--report", str(page), "--quiet"]
    assert main(line) == 0
    assert page.read_text(encoding="utf-8").startswith("<!-- Made by")
    assert capsys.readouterr() == ("", "")


def test_a_folder_that_is_not_there_is_told_before_anything_is_made(tmp_path, capsys):
    for command in (["report"], ["record", "--folder", str(tmp_path), "--report"]):
        assert main([*command, str(tmp_path / "none" / "REPORT.md")]) == 2
        assert "nst: error" in capsys.readouterr().err
    assert not (tmp_path / "table.json").exists()


def test_claims_quote_or_are_marked_as_ours():
    """A claim has the document's words in quotation marks, or says where it has none."""
    for name in studies.names():
        for verdict in studies.read(name).verdicts:
            assert isinstance(verdict, Verdict)
            own = ("(figure", "(equation", "The same in")
            assert "“" in verdict.claim or any(each in verdict.claim for each in own), verdict.claim
