"""What people say of pictures: files of ratings, their means, and how sure one can be of these.

A rater gives each picture 1 (bad) to 5 (excellent); the mean over the raters is the picture's mean
opinion score.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

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
    rows = {picture: (score, "") for picture, score in _own(path, rater).items()}
    rows |= {picture: (score, shown_as[picture]) for picture, score in scores.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for picture, (score, place) in rows.items():
        writer.writerow([rater, picture, score, WORDS[score - 1], place])
    write_whole(path, text.getvalue().encode())


def _own(path, rater):
    if not Path(path).is_file():
        return {}
    return {row["picture"]: row["score"] for row in read_ratings(path) if row["rater"] == rater}


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
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of ratings {path}; nst.widgets.rate writes one")
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        missing = [name for name in _HEADER[:3] if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"there is no column {missing[0]!r} in its first line")
        rows = []
        for row in reader:
            if row["score"] not in ("1", "2", "3", "4", "5"):
                raise ValueError(
                    f"line {reader.line_num}: the score is {row['score']!r}; expected 1 to 5"
                )
            rows.append({**{name: row[name] for name in _HEADER[:2]}, "score": int(row["score"])})
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path.name} is no file of ratings: {error}") from None
    return rows


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

    scores: dict[str, dict[str, int]] = {}
    for path in _listed(files):
        for row in read_ratings(path):
            given = scores.setdefault(row["picture"], {})
            rater = plain_name(row["rater"])
            if rater in given:
                raise ValueError(
                    f"{row['rater']} rates {row['picture']} twice (again in {Path(path).name}); "
                    "give each file once, and each rater a name of their own"
                )
            given[rater] = row["score"]
    known = _reference(reference, sorted(scores))
    rows = []
    for picture in [*known, *sorted(set(scores) - set(known))]:
        values = np.array(list(scores.get(picture, {}).values()), dtype=float)
        count = len(values)
        mean = values.mean() if count else math.nan
        half = math.nan
        if count > 1:
            error = values.std(ddof=1) / math.sqrt(count)
            half = stats.t.ppf((1 + confidence) / 2, count - 1) * error
        rows.append((count, mean, mean - half, mean + half, known.get(picture, math.nan)))
    if not rows:
        raise ValueError("there is nothing to show: no ratings, and no reference")
    index = pandas.Index([*known, *sorted(set(scores) - set(known))], name="picture")
    return pandas.DataFrame(
        rows, index=index, columns=["raters", "mean", "low", "high", "reference"]
    )


def _listed(files):
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
