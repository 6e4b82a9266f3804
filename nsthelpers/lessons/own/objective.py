"""An objective made of a student's functions."""

from __future__ import annotations

from ...masks.mask import as_mask
from ...network.vgg import STYLE_LAYERS
from ...objectives.objective import Objective
from ...objectives.terms import Content
from .judging import OURS, judge
from .painting import paint_verdict
from .parts import OwnContent, OwnRegion, OwnSmoothness, OwnStyle, OwnSum

__all__ = ["OwnObjective", "regions", "terms"]


class OwnObjective(Objective):
    """An objective that says whose functions it is made of; :func:`terms` makes one.

    Attributes
    ----------
    verdicts : tuple of Verdict
        One for each function that the objective needs.
    mistakes : tuple of Painted
        The pictures that wrong functions make.
    """

    def __init__(self, parts, verdicts, mistakes=()):
        super().__init__(parts)
        self.verdicts, self.mistakes = tuple(verdicts), tuple(mistakes)

    def __repr__(self):
        return "\n".join([*map(repr, self._parts_shown()), *self._replaced()])

    def _repr_html_(self):
        shown = "".join(each._repr_html_() for each in self._parts_shown())
        return shown + "<br>".join(self._replaced())

    def _parts_shown(self):
        """A verdict for each function, or where it is wrong and was painted, the picture."""
        painted = {each.verdict.name: each for each in self.mistakes}
        return [painted.get(verdict.name, verdict) for verdict in self.verdicts]

    def _replaced(self):
        return [verdict.replaced for verdict in self.verdicts if verdict.replaced]


def terms(
    photo=None,
    painting=None,
    *,
    content_loss=None,
    gram_matrix=None,
    style_loss=None,
    total_variation=None,
    total_loss=None,
    alpha=1.0,
    beta=10.0,
    gamma=0.0,
    content_layers="block4_conv2",
    style_layers=STYLE_LAYERS,
    network=None,
    show_mistakes=True,
) -> OwnObjective:
    """Make an objective of a student's functions, ready for :func:`nsthelpers.synthesize`.

    Parameters
    ----------
    photo : array, shape (1, H, W, 3), RGB, range [0, 1], optional
        What the picture shows. Without it there is no content term.
    painting : array, shape (1, H, W, 3), optional
        How it is painted. Without it there is no style term.
    content_loss, gram_matrix, style_loss, total_variation : callable, optional
        As in the tasks of these names, written with ``keras.ops``. One that is not given, not
        filled in, wrong or without a gradient is replaced by the notebook's own, and the result
        says so.
    total_loss : callable, optional
        As in the task of this name. Where it is given, filled in or not, the three losses are
        added up by it, and are one term of the objective, "total_loss". It takes a photograph and
        a painting, and a run from the photograph needs ``start=photo``.
    alpha, beta, gamma : float, defaults 1, 10, 0
        Weights of content, style and total variation. They mean what they mean for
        :class:`nsthelpers.Content`, :class:`nsthelpers.Style` and
        :class:`nsthelpers.TotalVariation`: content and style losses are divided by the mean square
        of their targets, which are constants. With ``gamma=0`` there is no total variation.
    content_layers, style_layers, network
        As of these terms.
    show_mistakes : bool, default True
        Paint the small picture that each wrong function makes; some seconds for each.

    Returns
    -------
    OwnObjective

    Raises
    ------
    ValueError
        If no term is left, or a total loss has no photograph or no painting.

    Examples
    --------
    >>> from nsthelpers import VGG, white_noise
    >>> from nsthelpers.backend import ops
    >>> mine = lambda features, target: ops.mean(ops.square(features - target))
    >>> terms(white_noise(32, 32), content_loss=mine, network=VGG(weights="random"))
    content_loss: yours paints.
    """
    if total_loss is not None and (photo is None or painting is None):
        raise ValueError("total_loss adds up both losses; give a photo and a painting")
    parts, verdicts = [], []

    def judged(name, function):
        verdicts.append(judge(name, function))
        return verdicts[-1].function

    if photo is not None:
        compare = judged("content_loss", content_loss)
        parts.append((alpha, OwnContent(photo, content_layers, compare, network=network)))
    if painting is not None:
        gram, compare = judged("gram_matrix", gram_matrix), judged("style_loss", style_loss)
        parts.append((beta, OwnStyle(painting, style_layers, gram, compare, network=network)))
    if gamma:
        parts.append((gamma, OwnSmoothness(judged("total_variation", total_variation))))
    if total_loss is not None:
        if not gamma:  # a sum of three all the same
            parts.append((gamma, OwnSmoothness(OURS["total_variation"])))
        weights, summands = zip(*parts, strict=True)
        parts = [(1.0, OwnSum(summands, weights, judged("total_loss", total_loss)))]
    if not parts:
        raise ValueError("nothing to paint; give a photo, a painting, or a gamma above 0")
    return OwnObjective(parts, verdicts, _mistakes(verdicts, show_mistakes))


def regions(
    photo,
    parts,
    *,
    guided_gram=None,
    alpha=1.0,
    beta=10.0,
    content_layers="block4_conv2",
    style_layers=STYLE_LAYERS,
    network=None,
    show_mistakes=True,
) -> OwnObjective:
    """Make an objective that paints regions differently, by a student's guided Gram matrix.

    Parameters
    ----------
    photo : array, shape (1, H, W, 3), RGB, range [0, 1]
        What the picture shows.
    parts : sequence of (Mask or array, array of shape (1, H, W, 3))
        Regions, and the painting of each. What lies in none is asked for the content alone.
    guided_gram : callable, optional
        As in the task of this name, written with ``keras.ops``; replaced as in :func:`terms`.
    alpha, beta : float, defaults 1, 10
        Weights of content and style. Each region's is ``beta`` times its share of the picture, as
        for :func:`nsthelpers.stylize`.
    content_layers, style_layers, network, show_mistakes
        As in :func:`terms`.

    Returns
    -------
    OwnObjective

    Raises
    ------
    ValueError
        If there is no region, or one is empty or of another aspect.

    Examples
    --------
    >>> from nsthelpers import VGG, masks, white_noise
    >>> photo, painting = white_noise(32, 48), white_noise(32, 32, seed=1)
    >>> regions(photo, [(masks.half(photo), painting)], network=VGG(weights="random"))
    guided_gram: not given, so the notebook's own is used.
    """
    if not parts:
        raise ValueError("there is no region; give at least one pair of a mask and a painting")
    verdict = judge("guided_gram", guided_gram)
    found = [(alpha, Content(photo, content_layers, network=network))]
    for given, painting in parts:
        mask = as_mask(given)
        term = OwnRegion(painting, style_layers, verdict.function, mask, network=network)
        found.append((beta * mask.share, term))
    return OwnObjective(found, [verdict], _mistakes([verdict], show_mistakes))


def _mistakes(verdicts, shown):
    """The pictures of wrong functions."""
    wrong = [verdict for verdict in verdicts if verdict.state == "wrong"] if shown else []
    return map(paint_verdict, wrong)
