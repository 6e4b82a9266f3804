"""What an image should be: terms that add up to an objective.

    objective = Content(photo) + 10 * Style(painting) + 0.1 * TotalVariation()

reads like the papers' L = alpha L_content + beta L_style + gamma L_TV. A term knows its layers, how
to make its targets for one image size, and its loss (``terms.py`` holds them). The objective runs
the network once for all of its terms and adds their losses up.
"""

from __future__ import annotations

import copy
import functools
import math
import numbers
from dataclasses import dataclass

import numpy as np

from ..backend import compile_value_and_gradient, ops, to_numpy, to_tensor
from ..images.arrays import as_image
from ..network.vgg import VGG

__all__ = [
    "BoundObjective", "Evaluation", "Objective", "Term", "active_terms", "as_objective",
    "checked_weight", "decides",
]  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """What an objective says of one image.

    Attributes
    ----------
    loss : float
        The weighted sum.
    terms : dict of str to float
        Every term's loss before its weight.
    gradient : tensor, float32, shape (1, H, W, 3)
        Of the weighted sum by the image.
    exact : bool
        False where the network computed in bfloat16: small differences are then lost in rounding.
    """

    loss: float
    terms: dict[str, float]
    gradient: object
    exact: bool = True


class _Algebra:
    """What terms and objectives share: they add up and scale."""

    __array_ufunc__ = None  # NumPy numbers leave the multiplication to __rmul__

    def __add__(self, other) -> Objective:
        if isinstance(other, _Algebra):
            return Objective(as_objective(self).parts + as_objective(other).parts)
        return as_objective(self) if _is_zero(other) else NotImplemented

    def __radd__(self, other) -> Objective:
        return self + other  # sum() starts from 0

    def __mul__(self, factor) -> Objective:
        if not isinstance(factor, numbers.Real):
            return NotImplemented
        factor = checked_weight(factor)
        return Objective((factor * weight, term) for weight, term in as_objective(self).parts)

    __rmul__ = __mul__


class Objective(_Algebra):
    """A weighted sum of terms. It is made by adding and scaling terms, seldom by hand.

    Parameters
    ----------
    parts : iterable of (float, Term)
        Weights, finite and at least 0, and terms. A term of weight 0 costs nothing.

    Raises
    ------
    ValueError
        For a negative, infinite or NaN weight, terms that read different networks, or two that
        would have the same label.
    TypeError
        For what is not a weight and a term.

    Examples
    --------
    >>> from nsthelpers import TotalVariation
    >>> objective = 2.0 * (TotalVariation() + 3.0 * TotalVariation("squared"))
    >>> objective.weights
    {'total_variation': 2.0, 'total_variation_2': 6.0}
    """

    def __init__(self, parts):
        self.parts = tuple((checked_weight(weight), term) for weight, term in parts)
        for _, term in self.parts:
            if not isinstance(term, Term):
                raise TypeError(f"an objective adds up terms; got a {type(term).__name__}")
        networks = {id(term.network): term.network for _, term in self.parts if term.layers}
        if len(networks) > 1:
            raise ValueError(
                "the terms read different networks; give all of them the same `network=`"
            )
        self.network = next(iter(networks.values()), None)
        labels = [label for label, _ in self._labelled()]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(
                    f"two terms would be called {label!r}, since the second of a kind gets a "
                    "number; give the term of your own another label"
                )

    @property
    def terms(self) -> dict[str, Term]:
        """The terms by label: "content", "style", ...; a second one of a kind gets "_2"."""
        return {label: term for label, (_, term) in self._labelled()}

    @property
    def weights(self) -> dict[str, float]:
        """The weights by label."""
        return {label: weight for label, (weight, _) in self._labelled()}

    def at(self, height, width, scale=1.0, precision="float32") -> BoundObjective:
        """Fix the size of the image, so that targets are computed once and used at every step.

        Parameters
        ----------
        height, width : int
            Of the image that is to be judged, in pixels.
        scale : float, default 1.0
            How large this image is beside the final one: paintings are shrunk by it, so that
            brush strokes keep their size relative to the picture.
        precision : {"float32", "bfloat16"}, default "float32"
            What the network computes in; see :meth:`nsthelpers.VGG.in_precision`.

        Returns
        -------
        BoundObjective

        Raises
        ------
        ValueError
            If every weight is 0, or a term cannot be had at this size.
        """
        return BoundObjective(self, height, width, scale, precision)

    def report(self, image) -> dict[str, dict[str, float]]:
        """Every term's loss for an image: ``{label: {"loss", "weight", "weighted"}}``.

        Parameters
        ----------
        image : array, shape (1, H, W, 3), RGB, range [0, 1]

        Returns
        -------
        dict of str to dict
            Without the terms of weight 0, which are not computed.

        Examples
        --------
        >>> from nsthelpers import TotalVariation
        >>> flat = np.zeros((1, 16, 16, 3), dtype="float32")
        >>> (3 * TotalVariation()).report(flat)
        {'total_variation': {'loss': 0.0, 'weight': 3.0, 'weighted': 0.0}}
        """
        image = as_image(image)
        found = self.at(*image.shape[1:3]).evaluate(image).terms
        weights = self.weights
        return {
            label: {"loss": loss, "weight": weights[label], "weighted": weights[label] * loss}
            for label, loss in found.items()
        }

    def settings(self) -> dict:
        """The formula as plain data, for reports and for saving inside pictures."""
        described = {
            label: {"weight": weight, **term.settings()}
            for label, (weight, term) in self._labelled()
        }
        network = {"network": self.network.settings()} if self.network is not None else {}
        return {"terms": described, **network}

    def _labelled(self):
        counts: dict[str, int] = {}
        for weight, term in self.parts:
            counts[term.label] = counts.get(term.label, 0) + 1
            number = counts[term.label]
            yield (f"{term.label}_{number}" if number > 1 else term.label), (weight, term)

    def __repr__(self):
        return " + ".join(f"{weight:g} * {term!r}" for weight, term in self.parts)


class Term(_Algebra):
    """One addend of an objective; a term of your own is a subclass with a ``loss``.

    Attributes
    ----------
    label : str
        Its name in histories and reports.
    layers : tuple of str
        Layers whose activations it reads.
    network : VGG or None
        Where it reads them.
    image : array or None
        The picture that it holds, if it holds one.
    placed : bool
        Whether it asks for something at certain places, so that the image must not be shifted.
    compiled_in : tuple of str or None
        Names of all attributes that its ``loss`` reads, of the class that says so. Terms that
        agree in them share one compiled graph. ``None``: every object has a graph of its own.

    Examples
    --------
    >>> class Brightness(Term):
    ...     label = "brightness"
    ...
    ...     def loss(self, image, features, targets):
    ...         return ops.square(ops.mean(image) - 0.5)
    >>> Brightness().report(np.ones((1, 16, 16, 3)))["brightness"]["loss"]
    0.25
    """

    label = "term"
    layers: tuple[str, ...] = ()
    network: VGG | None = None
    image: np.ndarray | None = None
    placed: bool = False
    compiled_in: tuple[str, ...] | None = None
    _original: Term | None = None  # of a copy that reads another network

    def targets(self, height, width, scale) -> dict:
        """Tensors that its loss compares with, for an image of this size: all that may change."""
        return {}

    def loss(self, image, features, targets):
        """Its loss, a scalar tensor; ``features`` maps at least its layers to activations.

        It is compiled once. Numbers that it reads from elsewhere than its arguments stay what they
        were then.
        """
        raise NotImplementedError

    def whole_only(self) -> str:
        """Why it cannot be had tile by tile; "" if it can.

        A term that reads no layers is always looked at as a whole, which takes little memory. One
        that reads some can be had where its loss is a function of sums over positions: it then has
        :meth:`tile_targets`, :meth:`sums` and :meth:`loss_of`, beside a ``loss`` that agrees.
        """
        # A subclass with a loss of its own must say anew of what sums that loss is made.
        if self.layers and not decides(type(self), "sums", "loss", "targets"):
            return f"{type(self).__name__} has no method `sums` that belongs to its `loss`"
        return ""

    def tile_targets(self, size, scale, cutter):
        """What :meth:`targets` makes, for one tile of an image of this size after the other.

        Parameters
        ----------
        size : (int, int)
            Height and width.
        scale : float
        cutter : nsthelpers.tiling.Cutter
            Goes through pictures tile by tile.

        Yields
        ------
        nest of tensors
        """
        raise NotImplementedError

    def sums(self, features, targets):
        """Sums over the positions of a tile, of which those of all tiles add up: any nest."""
        raise NotImplementedError

    def loss_of(self, sums, targets):
        """The loss, from the sums over all positions and the targets of any tile."""
        raise NotImplementedError

    def settings(self) -> dict:
        """Its arguments as plain data."""
        return {}

    def report(self, image) -> dict[str, dict[str, float]]:
        """As :meth:`Objective.report`, with weight 1."""
        return as_objective(self).report(image)

    def graph_key(self):
        """What the compiled graph depends on besides the shapes of the tensors."""
        # Not inherited: the loss of a subclass may read more than its parent knows of.
        names = vars(type(self)).get("compiled_in")
        if names is None:
            return id(self._original or self)  # the graph's terms keep it alive
        return (type(self), *(getattr(self, name) for name in names))

    def __repr__(self):
        given = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__name__}({given})"


class BoundObjective:
    """An objective for images of one size, with its targets; made by :meth:`Objective.at`.

    Attributes
    ----------
    shape : tuple of int
        (1, H, W, 3), of the images that it judges.
    graph
        ``graph.total(image, parameters)``: the weighted sum and each term's loss, as tensors, for
        who wants to differentiate them by something else than the image.
    parameters : dict
        ``"weights"``, a tensor, and ``"targets"``, a dict of tensors for each term.
    """

    def __init__(self, objective, height, width, scale, precision):
        self.shape = (1, height, width, 3)
        network, active = active_terms(objective, precision)
        self._labels, self._weights, terms = zip(*active, strict=True)
        self._exact = network is None or precision == "float32"
        self.parameters = {
            "weights": to_tensor(self._weights),
            "targets": [term.targets(height, width, scale) for term in terms],
        }
        self.graph = _Graph(network, terms, self.shape)
        self._function = _compiled(self.graph)

    def evaluate(self, image) -> Evaluation:
        """Judge an image.

        Parameters
        ----------
        image : array or tensor, float32, of ``shape``, RGB, range [0, 1]
            Not checked: an optimizer without bounds may leave the range.

        Returns
        -------
        Evaluation
        """
        _, values, gradient = self._function(to_tensor(image), self.parameters)
        values = to_numpy(values).tolist()
        # Summed in float64: line searches look at small differences of this number.
        loss = math.fsum(w * value for w, value in zip(self._weights, values, strict=True))
        terms = dict(zip(self._labels, values, strict=True))
        return Evaluation(loss, terms, gradient, self._exact)

    def gradients(self, image) -> dict[str, object]:
        """Each term's own gradient by the image, before its weight: tensors by label."""
        image, found = to_tensor(image), {}
        for label in self._labels:
            alone = to_tensor([float(label == each) for each in self._labels])
            found[label] = self._function(image, {**self.parameters, "weights": alone})[2]
        return found


def active_terms(objective, precision):
    """The terms that count, and their network in a precision.

    Returns
    -------
    network : VGG or None
    active : list of (str, float, Term)
        Labels, weights above 0, and terms that read this network.

    Raises
    ------
    ValueError
        If every weight is 0.
    """
    active = [(label, weight, term) for label, (weight, term) in objective._labelled() if weight]
    if not active:
        raise ValueError("every term has weight 0; there is nothing to optimise")
    network = objective.network
    if network is not None and network.precision != precision:
        network = network.in_precision(precision)
        active = [
            (label, weight, _through(network, term) if term.layers else term)
            for label, weight, term in active
        ]
    return network, active


def decides(kind, name, *others) -> bool:
    """Whether the nearest class that has one of these methods to itself has the first of them.

    Examples
    --------
    >>> decides(Term, "sums", "loss")
    True
    >>> decides(type("Other", (Term,), {"loss": None}), "sums", "loss")
    False
    """
    return name in next(vars(c) for c in kind.__mro__ if {name, *others} & set(vars(c)))


def _through(network, term):
    """The same term, looking through another network."""
    reading = copy.copy(term)
    reading.network, reading._original = network, term._original or term
    return reading


class _Graph:
    """What value and gradient of some terms are compiled from; equal where the graphs are."""

    def __init__(self, network, terms, shape):
        self.network, self.terms = network, terms
        self._key = (network, shape, *(term.graph_key() for term in terms))

    def __eq__(self, other):
        return self._key == other._key

    def __hash__(self):
        return hash(self._key)

    def total(self, image, parameters):
        """The weighted sum of the terms' losses, and each of them."""
        layers = sorted({layer for term in self.terms for layer in term.layers})
        features = self.network.features(image, layers) if layers else {}
        losses = [
            ops.cast(term.loss(image, features, targets), "float32")
            for term, targets in zip(self.terms, parameters["targets"], strict=True)
        ]
        return ops.sum(parameters["weights"] * ops.stack(losses)), ops.stack(losses)


# The cache is safe under threads: two that miss at once compile twice, and one function is kept.
@functools.lru_cache(maxsize=16)
def _compiled(graph):
    """The compiled value and gradient, shared by all objectives of one kind and size.

    Targets and weights are its arguments, so a new painting or a moved slider costs nothing.
    """
    return compile_value_and_gradient(graph.total)


def as_objective(value) -> Objective:
    """Make an objective of a term; an objective stays what it is.

    Returns
    -------
    Objective

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(value, Objective):
        return value
    if isinstance(value, Term):
        return Objective([(1.0, value)])
    raise TypeError(
        f"the objective is a {type(value).__name__}; expected a sum of terms such as "
        "Content(photo) + 10 * Style(painting)"
    )


def checked_weight(weight) -> float:
    """Turn a weight into a float.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not a finite number of at least 0.
    """
    weight = float(weight)
    if not math.isfinite(weight) or weight < 0:
        raise ValueError(f"a weight is {weight}; expected a finite number of at least 0")
    return weight


def _is_zero(value):
    return isinstance(value, numbers.Real) and value == 0
