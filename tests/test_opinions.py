"""Mean opinion scores: closed-form means and intervals, and files that are no ratings."""

from __future__ import annotations

import math

import pytest

import nsthelpers as nst
from nsthelpers.opinions import opinion_table, ratings_file, read_ratings, write_ratings

DOCUMENT = {"A": 4.0, "B": 4.37, "C": 3.37}


@pytest.fixture
def raters(tmp_path):
    """Example ratings, made up for the test: one file for each of some invented raters."""

    def files(**scores):
        for rater, given in scores.items():
            write_ratings(ratings_file(tmp_path, rater), rater, given, dict.fromkeys(given, 1))
        return tmp_path

    return files


def test_means_and_t_intervals_in_closed_form(raters):
    # 3, 4, 5: mean 4, standard deviation 1, standard error 1/sqrt(3), t(0.975, 2) = 4.302653.
    table = opinion_table(raters(ann={"A": 3}, bob={"A": 4}, eve={"A": 5}))
    half = 4.302652729911275 / math.sqrt(3)
    assert table.loc["A"].tolist()[:4] == pytest.approx([3, 4, 4 - half, 4 + half])
    # Two raters, 2 and 4: mean 3, standard error 1, t(0.975, 1) = 12.7062.
    table = opinion_table(raters(kim={"B": 2}, lee={"B": 4}))
    assert table.loc["B", "high"] == pytest.approx(3 + 12.706204736432095)


def test_another_confidence(raters):
    table = opinion_table(raters(kim={"B": 2}, lee={"B": 4}), confidence=0.5)
    assert table.loc["B", "high"] == pytest.approx(3 + 1.0)  # t(0.75, 1) = 1


def test_all_agree_or_one_alone(raters):
    table = opinion_table(raters(ann={"A": 5, "B": 2}, bob={"A": 5}))
    assert table.loc["A"].tolist()[:4] == [2, 5, 5, 5]
    assert table.loc["B", ["raters", "mean"]].tolist() == [1, 2]
    assert math.isnan(table.loc["B", "low"])  # one opinion says nothing of the next


def test_beside_the_documents_own_table(raters):
    table = opinion_table(raters(ann={"C": 3, "X": 1}), DOCUMENT)
    assert table.index.tolist() == ["A", "B", "C", "X"]
    assert table["reference"].tolist()[:3] == list(DOCUMENT.values())
    assert table["raters"].tolist() == [0, 0, 1, 1] and math.isnan(table.loc["X", "reference"])
    in_order = opinion_table(raters(ann={"C": 3, "X": 1}), [4.0, 2.0])
    assert in_order["reference"].to_dict() == {"C": 4.0, "X": 2.0}


def test_files_may_be_listed(raters, tmp_path):
    raters(ann={"A": 3}, bob={"A": 5})
    paths = [ratings_file(tmp_path, "ann"), str(ratings_file(tmp_path, "bob"))]
    assert opinion_table(paths).loc["A", "mean"] == 4
    assert opinion_table(paths[0]).loc["A", "raters"] == 1


def test_the_figure_shows_means_intervals_and_reference(raters):
    folder = raters(ann={"A": 3}, bob={"A": 4}, eve={"A": 5})
    axes = nst.plots.opinion_scores(folder, DOCUMENT, reference_label="theirs").axes[0]
    labels = axes.get_legend_handles_labels()[1]
    assert set(labels) == {"mean of 3 raters, 95 %", "theirs"}
    assert [text.get_text() for text in axes.get_xticklabels()] == ["A", "B", "C"]
    assert [t.get_text() for t in axes.get_yticklabels()][::4] == ["1 bad", "5 excellent"]
    theirs = next(line for line in axes.lines if line.get_label() == "theirs")
    assert theirs.get_ydata().tolist() == list(DOCUMENT.values())
    [bars] = [each for each in axes.collections if hasattr(each, "get_segments")]
    ends = bars.get_segments()[0][:, 1]
    assert ends.tolist() == pytest.approx([4 - 2.484138, 4 + 2.484138], abs=1e-4)


def test_the_figure_of_the_reference_alone_and_of_different_counts(raters):
    axes = nst.plots.opinion_scores([], DOCUMENT, title="theirs").axes[0]
    assert axes.get_legend_handles_labels()[1] == ["reference"]
    folder = raters(ann={"A": 3, "B": 2}, bob={"A": 5})
    axes = nst.plots.opinion_scores(folder).axes[0]
    assert axes.get_legend_handles_labels()[1] == ["mean of 1 to 2 raters, 95 %"]


def test_written_files_are_read_again(tmp_path):
    path = tmp_path / "ratings_a.csv"
    write_ratings(path, "a", {"one, two": 5, 'say "x"': 1}, {"one, two": 2, 'say "x"': 1})
    assert [(row["picture"], row["score"]) for row in read_ratings(path)] == [
        ("one, two", 5),
        ('say "x"', 1),
    ]
    assert path.read_text().splitlines()[1] == 'a,"one, two",5,excellent,2'
    write_ratings(path, "a", {"three": 3}, {"three": 1})  # another set: nothing is lost
    assert len(read_ratings(path)) == 3


def test_a_spreadsheets_file_is_read(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes("\ufeffrater,picture,score,remark\r\nann,A,4,nice\r\n".encode())
    assert read_ratings(path) == [{"rater": "ann", "picture": "A", "score": 4}]
    path.write_text("score,rater,picture\n\n4,NA,007,more\n5,,null\n")
    assert read_ratings(path) == [
        {"rater": "NA", "picture": "007", "score": 4},
        {"rater": "", "picture": "null", "score": 5},
    ]


@pytest.mark.parametrize(
    "text, problem",
    [
        ("rater,picture\nann,A\n", "no column 'score'"),
        ("", "No columns"),
        ('rater,picture,score\nann,"A,4\n', "EOF inside string"),
        ("rater,picture,score\nann,A,6\n", "line 2: the score is '6'; expected 1 to 5"),
        ("rater,picture,score\nann,A,4\nann,B,4.5\n", "line 3: the score is '4.5'"),
        ("rater,picture,score\nann,A\n", "line 2: the score is ''; expected 1 to 5"),
        ("rater,picture,score\n\nann,A,4\n\nann,B,0\n", "line 5: the score is '0'"),
    ],
)
def test_what_is_no_file_of_ratings(tmp_path, text, problem):
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem) as raised:
        read_ratings(path)
    assert "\n" not in str(raised.value) and "r.csv" in str(raised.value)


def test_what_cannot_be_merged(raters, tmp_path):
    path = ratings_file(raters(ann={"A": 3}), "ann")
    with pytest.raises(ValueError, match="ann rates A twice"):
        opinion_table([path, path])
    with pytest.raises(ValueError, match="nothing to show"):
        opinion_table([])
    with pytest.raises(ValueError, match="2 scores for 1 pictures"):
        opinion_table(path, [1.0, 2.0])
    with pytest.raises(FileNotFoundError, match="no file of ratings"):
        opinion_table(tmp_path / "none.csv")


def test_two_raters_never_share_a_file():
    names = ["Ann B", "ann-b", "ann/b", "Ann B.", "Лена", "!!", "??"]
    paths = [ratings_file("x", name) for name in names]
    assert len(set(paths)) == len(names) and {path.parent.name for path in paths} == {"x"}
    assert ratings_file("x", " ANN  B ") == paths[0]
    with pytest.raises(ValueError, match="the rater has no name"):
        ratings_file("x", "  ")
