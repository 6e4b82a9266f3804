"""Verdicts: what a document claims, how the claim is tested, and what came of it here.

A test compares a measure of some points, or names what the eye has to look for. What is written in
a study's file and what its test finds are compared by the project's own tests, so that a sentence
cannot outlive its data.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field

import numpy as np

from ..arguments import did_you_mean
from ..images import samples

__all__ = ["MEASURES", "TESTS", "VERDICTS", "Verdict", "best", "measured", "outcome"]

#: The verdicts, each with the outcome that its test must have had: None where it may be any, which
#: then is written down.
VERDICTS = {
    "agrees": "holds",
    "disagrees": "fails",
    "cannot be told at this size": None,
    "the document contradicts itself": None,
}


@dataclass(frozen=True)
class Verdict:
    """One claim of a document, its test, and the judgement.

    Attributes
    ----------
    claim, against : str
        The document's own words; ``against``: what it says elsewhere, where it contradicts itself.
    test, measure : str
        Keys of :data:`TESTS` and :data:`MEASURES`; empty where only the eye can judge.
    eye : str
        What to look at, where the eye judges.
    points, at, than : list of str
        Labels of points: those that are compared, in order; see :data:`TESTS` for the others.
    tolerance : float, default 0.05
        Two values count as different if they differ by more than this part of the larger one.
    verdict : str
        A key of :data:`VERDICTS`; empty while nobody has judged.
    outcome : {"", "holds", "fails", "unclear"}
        What the test must find where the verdict alone does not say it.
    why : str
        The reasons, written after looking at the pictures.
    """

    claim: str
    against: str = ""
    test: str = ""
    measure: str = ""
    eye: str = ""
    points: list = field(default_factory=list)
    at: list = field(default_factory=list)
    than: list = field(default_factory=list)
    tolerance: float = 0.05
    verdict: str = ""
    outcome: str = ""
    why: str = ""

    @classmethod
    def read(cls, entry, labels) -> Verdict:
        """Make one of an entry of a file; ValueError says what is wrong with it.

        Parameters
        ----------
        entry : dict
        labels : list of str
            Of the study's points: ``points``, ``at`` and ``than`` name these.
        """
        known = {each.name for each in dataclasses.fields(cls)}
        for name in entry:
            if name not in known:
                raise ValueError(f"a verdict has no entry {name!r}; {did_you_mean(name, known)}")
        made = cls(**{"claim": "", **entry})
        if not made.claim:
            raise ValueError("a verdict has no claim; quote the document")
        if not made.test and not made.eye:
            raise ValueError(f"nothing tests {made.claim!r}; give it a test, or eye = what to see")
        for name, value, words in (
            ("test", made.test, TESTS),
            ("measure", made.measure, MEASURES),
            ("verdict", made.verdict, VERDICTS),
            ("outcome", made.outcome, ("holds", "fails", "unclear")),
        ):
            if value and value not in words:
                raise ValueError(f"{name} is {value!r}; {did_you_mean(value, words)}")
        if made.test and not made.points:
            made = dataclasses.replace(made, points=list(labels))
        if made.test not in ("", *_OF_PICTURES) and not made.measure:
            raise ValueError(f"the test {made.test!r} needs a measure: {', '.join(MEASURES)}")
        if made.test in ("lowest", "highest", "closer") and not made.at:
            raise ValueError(f"the test {made.test!r} needs at = the points that it is about")
        if made.test in ("more", "less", "no more", "closer") and not (
            made.than and len(made.than) == len(made.points)
        ):
            raise ValueError(f"the test {made.test!r} needs as many than as points")
        for label in (*made.points, *made.at, *made.than):
            if label not in labels:
                raise ValueError(f"no point is called {label!r}; {did_you_mean(label, labels)}")
        if made.verdict and not made.why:
            raise ValueError(f"the verdict on {made.claim!r} says no why")
        contradicts = made.verdict == "the document contradicts itself"
        if contradicts > bool(made.against) or bool(made.against) > (
            contradicts or not made.verdict
        ):
            raise ValueError(f"{made.claim!r}: `against` goes with {list(VERDICTS)[-1]!r}")
        free = bool(made.test) and made.verdict in VERDICTS and VERDICTS[made.verdict] is None
        if free != bool(made.outcome):
            raise ValueError(
                f"{made.claim!r}: outcome is to be written where a test stands beside a verdict "
                "that does not tell what it found, and only there"
            )
        return made

    @property
    def expected(self) -> str:
        """What its test must find for the written verdict to be true; empty: nothing is tested."""
        return (VERDICTS[self.verdict] or self.outcome) if self.test and self.verdict else ""


def outcome(verdict, points):
    """Do a verdict's test.

    Parameters
    ----------
    verdict : Verdict
        With a test.
    points : dict of str to Point
        By label.

    Returns
    -------
    {"holds", "fails", "unclear"} or None
        None while a point that it needs has no result.
    """
    needed = {*verdict.points, *verdict.at, *verdict.than}
    if any(points[label].result is None for label in needed):
        return None
    return TESTS[verdict.test](verdict, points)


def measured(verdict, points) -> dict:
    """The values that a verdict's test compares.

    Parameters
    ----------
    verdict : Verdict
        With a test.
    points : dict of str to Point
        By label; those that the test needs have results.

    Returns
    -------
    dict of str to float
        By label. Where pictures are compared: how far each is from the first, as the root of the
        mean square of the differences of their levels (0 to 1).
    """
    labels = list(dict.fromkeys((*verdict.points, *verdict.at, *verdict.than)))
    together = [points[label] for label in labels]
    if verdict.test in _OF_PICTURES:
        first, *others = (point.result.image for point in together)
        distances = (float(np.sqrt(np.mean(np.square(first - other)))) for other in others)
        return dict(zip(labels[1:], distances, strict=True))
    values = (MEASURES[verdict.measure](point, together) for point in together)
    return dict(zip(labels, map(float, values), strict=True))


# --- measures: functions of a point, and of all that it is compared with ------------------------


def _loss(point, others):
    return _best(point).loss


def _loss_of_start(point, others):
    return _best(point).loss / point.result.history[0].loss


def _term(name):
    return lambda point, others: _best(point).terms[name]


def _likeness(point, others):
    """Structural similarity to the photograph: 1 is the photograph itself."""
    from skimage.metrics import structural_similarity

    picture = point.result.image[0]
    photograph = _sample(point.settings["content"], picture.shape[:2])
    return float(
        structural_similarity(picture, photograph, channel_axis=-1, data_range=1.0, win_size=7)
    )


def _colours(point, others):
    """How far the colours are from the painting's, wherever they stand: 0 is the same palette.

    The mean over red, green and blue of the Wasserstein distance of their values.
    """
    picture = point.result.image[0]
    painting = _sample(point.settings["style"], None)
    levels = np.linspace(0, 1, 256)
    ours, theirs = (
        np.quantile(each.reshape(-1, 3), levels, axis=0) for each in (picture, painting)
    )
    return float(np.abs(ours - theirs).mean())


def _variation(point, others):
    """Total variation, absolute differences: what a smooth picture has little of."""
    picture = point.result.image[0]
    return float(np.abs(np.diff(picture, axis=0)).mean() + np.abs(np.diff(picture, axis=1)).mean())


def _grain(point, others):
    """How far pixels stand out from the median of 3 x 3 of them: dots, not edges."""
    from scipy.ndimage import median_filter

    picture = point.result.image[0]
    return float(np.abs(picture - median_filter(picture, size=(3, 3, 1))).mean())


def _until(unit):
    """How much it takes to the loss at which the worst of the points ends."""

    def measure(point, others):
        goal = max(min(record.loss for record in each.result.history) for each in others)
        history = point.result.history
        for before, record in zip([history[0], *history], history, strict=False):
            if record.loss <= goal * (1 + 1e-9):
                # On a straight line between two records; they are thinned.
                fell = before.loss - record.loss
                part = 1.0 if fell <= 0 else (before.loss - goal) / fell
                first, second = getattr(before, unit), getattr(record, unit)
                return first + min(max(part, 0.0), 1.0) * (second - first)
        return float("inf")

    return measure


#: Measures by name.
MEASURES = {
    "loss": _loss,
    "part of the first loss": _loss_of_start,
    "content loss": _term("content"),
    "style loss": _term("style"),
    "likeness to the photograph": _likeness,
    "distance to the painting's colours": _colours,
    "total variation": _variation,
    "grain": _grain,
    "evaluations": lambda point, others: point.result.evaluations,
    "seconds": lambda point, others: point.result.seconds,
    "evaluations to the worst end": _until("evaluations"),
    "seconds to the worst end": _until("seconds"),
}


def _best(point):
    """The record of the picture that is kept: the lowest loss, for Adam jumps about at the end.

    Of the lines that the record kept: they are thinned.
    """
    return best(point.result.history)


def best(history):
    """The record with the lowest loss; one that is not finite is none."""
    return min(history, key=lambda record: record.loss if record.loss == record.loss else np.inf)


@functools.lru_cache(maxsize=32)
def _sample(name, shape):
    """A picture by its name, at the size of another; the painting's colours need none."""
    return samples.load(name, size=shape)[0] if shape else samples.load(name, max_side=256)[0]


# --- tests: each tells "holds", "fails" or "unclear" --------------------------------------------


def _change(first, second):
    """By which part of the larger one a value rises."""
    largest = max(abs(first), abs(second))
    if first == second:
        return 0.0
    return (second - first) / largest if np.isfinite(largest) else float(np.sign(second - first))


def _monotone(sign):
    def test(verdict, points):
        values = [sign * value for value in measured(verdict, points).values()]
        steps = [_change(*pair) for pair in zip(values, values[1:], strict=False)]
        if min(steps) < -verdict.tolerance:
            return "fails"
        return "holds" if _change(values[0], values[-1]) > verdict.tolerance else "unclear"

    return test


def _extreme(sign):
    def test(verdict, points):
        values = {name: sign * value for name, value in measured(verdict, points).items()}
        inside = max(value for name, value in values.items() if name in verdict.at)
        outside = max(value for name, value in values.items() if name not in verdict.at)
        return _told(_change(outside, inside), verdict.tolerance)

    return test


def _beside(sign):
    def test(verdict, points):
        values = measured(verdict, points)
        pairs = zip(verdict.points, verdict.than, strict=True)
        gains = [sign * _change(values[than], values[point]) for point, than in pairs]
        if min(gains) > verdict.tolerance:
            return "holds"
        return "fails" if min(gains) < -verdict.tolerance else "unclear"

    return test


def _no_more(verdict, points):
    values = measured(verdict, points)
    pairs = zip(verdict.points, verdict.than, strict=True)
    worst = max(_change(values[than], values[point]) for point, than in pairs)
    return "holds" if worst <= verdict.tolerance else "fails"


def _same(verdict, points):
    values = list(measured(verdict, points).values())
    return "holds" if _change(min(values), max(values)) <= verdict.tolerance else "fails"


def _alike(verdict, points):
    return "holds" if max(measured(verdict, points).values()) <= verdict.tolerance else "fails"


def _closer(verdict, points):
    near, far = measured(verdict, points).values()
    return _told(_change(near, far), verdict.tolerance)


def _told(gain, tolerance):
    return "unclear" if abs(gain) <= tolerance else "holds" if gain > 0 else "fails"


_OF_PICTURES = ("alike", "closer")

#: Tests by name.
TESTS = {
    "rises": _monotone(1),  # from point to point, in the order of `points`
    "falls": _monotone(-1),
    "highest": _extreme(1),  # among `points`, at one of those in `at`
    "lowest": _extreme(-1),
    "more": _beside(1),  # each of `points` than its partner in `than`
    "less": _beside(-1),
    "no more": _no_more,  # as `less`, or equal
    "same": _same,  # all of `points`
    "alike": _alike,  # their pictures: the tolerance is a distance in levels from 0 to 1
    "closer": _closer,  # the picture of `points` is closer to that in `at` than to that in `than`
}
