"""What an image should be: terms that add up to an objective.

    objective = Content(photo) + 1e3 * Style(painting) + 1e-2 * TotalVariation()

reads like the papers' L = alpha L_content + beta L_style + gamma L_TV. A term knows its layers, how
to make its targets for one image size, and its loss (``terms.py`` holds them). The objective runs
the network once for all of its terms and adds their losses up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import images as image_files
from .backend import compile_value_and_gradient, ops, to_numpy, to_tensor
from .vgg import VGG

__all__ = ["BoundObjective", "Evaluation", "Objective", "Term", "checked_weight"]


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
    """

    loss: float
    terms: dict[str, float]
    gradient: object


class Objective:
    """A weighted sum of terms. It is made by adding and scaling terms, seldom by hand.

    Parameters
    ----------
    parts : iterable of (float, Term)
        Weights, finite and at least 0, and terms. A term of weight 0 costs nothing.

    Raises
    ------
    ValueError
        For a negative, infinite or NaN weight, or terms that read different networks.

    Examples
    --------
    >>> from nsthelpers import TotalVariation
    >>> objective = 2.0 * (TotalVariation() + 3.0 * TotalVariation("squared"))
    >>> objective.weights
    {'total_variation': 2.0, 'total_variation_2': 6.0}
    """

    def __init__(self, parts):
        self.parts = tuple((checked_weight(weight), term) for weight, term in parts)
        networks = {id(term.network): term.network for _, term in self.parts if term.layers}
        if len(networks) > 1:
            raise ValueError(
                "the terms read different networks; give all of them the same `network=`"
            )
        self.network = next(iter(networks.values()), None)

    @property
    def terms(self) -> dict[str, Term]:
        """The terms by label: "content", "style", ...; a second one of a kind gets "_2"."""
        return {label: term for label, (_, term) in self._labelled()}

    @property
    def weights(self) -> dict[str, float]:
        """The weights by label."""
        return {label: weight for label, (weight, _) in self._labelled()}

    def at(self, height, width, scale=1.0) -> BoundObjective:
        """Fix the size of the image, so that targets are computed once and used at every step.

        Parameters
        ----------
        height, width : int
            Of the image that is to be judged, in pixels.
        scale : float, default 1.0
            How large this image is beside the final one: paintings are shrunk by it, so that
            brush strokes keep their size relative to the picture.
        """
        return BoundObjective(self, height, width, scale)

    def report(self, image) -> dict[str, dict[str, float]]:
        """Every term's loss for an image: ``{label: {"loss", "weight", "weighted"}}``.

            Parameters
            ----------
            image : array, shape (1, H, W, 3), RGB, range [0, 1]

            Examples
            --------
            >>> from nsthelpers import TotalVariation
        >>> flat = np.zeros((1, 16, 16, 3), dtype="float32")
            >>> (3 * TotalVariation()).report(flat)
            {'total_variation': {'loss': 0.0, 'weight': 3.0, 'weighted': 0.0}}
        """
        image = image_files.as_image(image)
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

    def __add__(self, other):
        other = _objective(other)
        return NotImplemented if other is None else Objective(self.parts + other.parts)

    def __radd__(self, other):
        return self if other == 0 else NotImplemented  # what sum() starts from

    def __mul__(self, factor):
        if not isinstance(factor, (int, float, np.number)):
            return NotImplemented
        factor = checked_weight(factor)
        return Objective((factor * weight, term) for weight, term in self.parts)

    __rmul__ = __mul__

    def __repr__(self):
        return " + ".join(f"{weight:g} * {term!r}" for weight, term in self.parts)


class Term:
    """One addend of an objective.

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
    """

    label = "term"
    layers: tuple[str, ...] = ()
    network: VGG | None = None
    image: np.ndarray | None = None

    def targets(self, height, width, scale) -> dict:
        """Tensors that its loss compares with, for an image of this size."""
        return {}

    def loss(self, image, features, targets):
        """Its loss, a scalar tensor; ``features`` maps at least its layers to activations."""
        raise NotImplementedError

    def settings(self) -> dict:
        """Its arguments as plain data."""
        return {}

    def report(self, image) -> dict[str, dict[str, float]]:
        """As :meth:`Objective.report`, with weight 1."""
        return Objective([(1.0, self)]).report(image)

    def _key(self):
        """What the compiled graph depends on besides the shapes of the tensors."""
        return (type(self), *sorted((k, str(v)) for k, v in self.settings().items()))

    def __add__(self, other):
        return Objective([(1.0, self)]) + other

    __radd__ = __add__

    def __mul__(self, factor):
        return Objective([(1.0, self)]) * factor

    __rmul__ = __mul__

    def __repr__(self):
        given = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__name__}({given})"


class BoundObjective:
    """An objective for images of one size; see :meth:`Objective.at`."""

    def __init__(self, objective, height, width, scale):
        self.shape = (1, height, width, 3)
        active = [
            (label, weight, term) for label, (weight, term) in objective._labelled() if weight > 0
        ]
        if not active:
            raise ValueError("every term has weight 0; there is nothing to optimise")
        self._labels = [label for label, _, _ in active]
        self._weights = [weight for _, weight, _ in active]
        terms = tuple(term for _, _, term in active)
        self._parameters = {
            "weights": to_tensor(self._weights),
            "targets": [term.targets(height, width, scale) for term in terms],
        }
        self._function = _compiled(objective.network, terms)

    def evaluate(self, image) -> Evaluation:
        """Loss, single terms and gradient at an image of this size."""
        _, values, gradient = self._function(to_tensor(image), self._parameters)
        values = to_numpy(values).tolist()
        # Summed in float64: line searches look at small differences of this number.
        loss = math.fsum(w * value for w, value in zip(self._weights, values, strict=True))
        return Evaluation(loss, dict(zip(self._labels, values, strict=True)), gradient)


_functions: dict = {}


def _compiled(network, terms):
    """The compiled value and gradient of these terms, shared by all objectives of their kind.

    Targets and weights are its arguments, so a new painting or a moved slider costs nothing; a new
    image size is traced once and kept.
    """
    key = (id(network), tuple(term._key() for term in terms))
    if key not in _functions:
        layers = sorted({layer for term in terms for layer in term.layers})

        def total(image, parameters):
            features = network.features(image, layers) if layers else {}
            values = ops.stack(
                [
                    ops.cast(term.loss(image, features, targets), "float32")
                    for term, targets in zip(terms, parameters["targets"], strict=True)
                ]
            )
            return ops.sum(parameters["weights"] * values), values

        # The network is kept beside the function, so that its id cannot be given to another one.
        _functions[key] = compile_value_and_gradient(total), network
    return _functions[key][0]


def _objective(value):
    if isinstance(value, Objective):
        return value
    if isinstance(value, Term):
        return Objective([(1.0, value)])
    return Objective([]) if isinstance(value, (int, float)) and value == 0 else None


def checked_weight(weight) -> float:
    """A weight as a float, if it is finite and at least 0; else ValueError."""
    weight = float(weight)
    if not math.isfinite(weight) or weight < 0:
        raise ValueError(f"a weight is {weight}; expected a finite number of at least 0")
    return weight
