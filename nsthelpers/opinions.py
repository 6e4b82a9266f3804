"""What people say of pictures: files of ratings, their means, and how sure one can be of these.

A rater gives each picture 1 (bad) to 5 (excellent); the mean over the raters is the picture's mean
opinion score.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .files import write_whole

__all__ = ["WORDS", "opinion_table", "ratings_file", "read_ratings"]

#: The five words of the scale, from 1 to 5 (ITU-R BT.500's, without its "quality").
WORDS = ("bad", "poor", "fair", "good", "excellent")
_HEADER = ("rater", "picture", "score", "word", "shown_as")


def ratings_file(folder, rater) -> Path:
    """Where a rater's scores are kept.

    Parameters
    ----------
    folder : str or Path
    rater : str
        A name; capitals and spaces around it make no difference.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the name is empty.

    Examples
    --------
    >>> ratings_file(".", " Ann ").name, ratings_file(".", "Ann B.").name
    ('ratings_ann.csv', 'ratings_ann-b-e55063.csv')
    """
    name = plain_name(rater)
    safe = re.sub(r"\W+", "-", name).strip("-")
    # What is lost on the way to a file name must not mix up two people.
    mark = "" if safe == name else f"-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    return Path(folder).expanduser() / f"ratings_{safe}{mark}.csv"


def plain_name(rater):
    """A name as it is compared; ValueError if there is none."""
    name = " ".join(str(rater).split()).casefold()
    if not name:
        raise ValueError("the rater has no name; any word will do, such as a number")
    return name


def write_ratings(path, rater, scores, shown_as):
    """Write all of a rater's scores, whole or not at all; those of other pictures stay."""
    import pandas

    kept = read_ratings(path) if Path(path).is_file() else []
    rows = {row["picture"]: (row["score"], "") for row in kept if row["rater"] == rater}
    rows |= {picture: (score, shown_as[picture]) for picture, score in scores.items()}
    lines = [
        (rater, picture, score, WORDS[score - 1], place) for picture, (score, place) in rows.items()
    ]
    text = pandas.DataFrame(lines, columns=_HEADER).to_csv(index=False, lineterminator="\n")
    write_whole(path, text.encode())


def read_ratings(path) -> list[dict]:
    """Read one file of ratings.

    Parameters
    ----------
    path : str or Path
        CSV with at least the columns rater, picture and score, as :func:`nsthelpers.widgets.rate`
        writes it.

    Returns
    -------
    list of dict
        With ``rater``, ``picture`` and ``score`` (1 to 5).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing or a score is no whole number from 1 to 5; the text says where.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "ratings.csv"
    >>> _ = path.write_text("rater,picture,score\\nann,A,4\\n")
    >>> read_ratings(path)
    [{'rater': 'ann', 'picture': 'A', 'score': 4}]
    """
    import pandas

    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of ratings {path}; nst.widgets.rate writes one")
    names = list(_HEADER[:3])
    try:
        # As texts and with its blank lines, so that an error can quote a score and name its line.
        read = pandas.read_csv(
            path, dtype=str, keep_default_na=False, skip_blank_lines=False,
            usecols=lambda name: name in names, encoding="utf-8-sig",
        )  # fmt: skip
        for name in names:
            if name not in read:
                raise ValueError(f"there is no column {name!r} in its first line")
        rows = read.loc[(read != "").any(axis=1), names]
        for row, score in rows["score"].items():
            if score not in ("1", "2", "3", "4", "5"):
                raise ValueError(f"line {row + 2}: the score is {score!r}; expected 1 to 5")
    except ValueError as error:  # also pandas' own, of what is no CSV
        raise ValueError(f"{path.name} is no file of ratings: {str(error).strip()}") from None
    return rows.astype({"score": int}).to_dict("records")


def opinion_table(files, reference=None, *, confidence=0.95):
    """Mean opinion score of every picture over all raters, with its interval.

    Parameters
    ----------
    files : path, sequence of paths, or folder
        Files of ratings, one or more for each rater; of a folder, all ``ratings_*.csv`` in it.
    reference : mapping of str to float, or sequence of float, optional
        Somebody else's scores by picture, or in the order of the pictures' names.
    confidence : float, default 0.95

    Returns
    -------
    pandas.DataFrame
        By picture, in the order of the reference, then of the names: ``raters``, ``mean``, ``low``
        and ``high`` (Student's t interval of the mean; NaN for a single rater) and ``reference``.

    Raises
    ------
    ValueError
        If somebody rates a picture twice, or there is neither a rating nor a reference.

    References
    ----------
    Student (1908), "The probable error of a mean", Biometrika 6; ITU-R BT.500, annex 1, for the
    interval of a mean opinion score.

    Examples
    --------
    >>> opinion_table([], {"A": 4.0})["reference"].tolist()
    [4.0]
    """
    import pandas
    from scipy import stats

    rows = [
        {**row, "name": plain_name(row["rater"]), "file": Path(path).name}
        for path in _paths(files)
        for row in read_ratings(path)
    ]
    ratings = pandas.DataFrame(rows, columns=["rater", "picture", "score", "name", "file"])
    for again in ratings[ratings.duplicated(["name", "picture"])].itertuples():
        raise ValueError(
            f"{again.rater} rates {again.picture} twice (again in {again.file}); give each file "
            "once, and each rater a name of their own"
        )
    scores = ratings.astype({"score": float}).groupby("picture")["score"]
    known = pandas.Series(_reference(reference, list(scores.groups)), dtype=float)
    pictures = [*known.index, *(name for name in scores.groups if name not in known)]
    if not pictures:
        raise ValueError("there is nothing to show: no ratings, and no reference")
    table = scores.agg(raters="count", mean="mean", error="sem").reindex(pictures)
    table["raters"] = table["raters"].fillna(0).astype(int)
    half = stats.t.ppf((1 + confidence) / 2, table["raters"] - 1) * table.pop("error")
    return table.assign(low=table["mean"] - half, high=table["mean"] + half, reference=known)


def _paths(files):
    if isinstance(files, (str, Path)):
        folder = Path(files).expanduser()
        return sorted(folder.glob("ratings_*.csv")) if folder.is_dir() else [folder]
    return list(files)


def _reference(given, pictures):
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return {str(picture): float(score) for picture, score in given.items()}
    if not isinstance(given, Sequence) or (pictures and len(given) != len(pictures)):
        raise ValueError(
            f"the reference has {len(given)} scores for {len(pictures)} pictures; expected one "
            "for each, or a dict by picture"
        )
    names = pictures or [str(number) for number in range(1, len(given) + 1)]
    return dict(zip(names, map(float, given), strict=True))
