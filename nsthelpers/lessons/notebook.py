"""What every notebook does first: find out where it runs, and how much it may ask of that place."""

from __future__ import annotations

import functools
import html
import math
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .. import plots
from ..backend import Device, device, quickest_precision, versions
from ..network.vgg import VGG, default_network
from ..objectives.terms import Content, Style
from ..profiles import Profile, profile
from ..synthesis.estimates import device_text, duration_text
from ..synthesis.timing import measure_timing

__all__ = [
    "Profile",
    "Session",
    "expected_minutes",
    "expected_time",
    "profile",
    "setup",
]


# A 3:2 photograph of long side s has s * s * 2/3 pixels.
_ASPECT = 1.5


@dataclass(frozen=True)
class Session:
    """Where this notebook runs; shown as a small table.

    Attributes
    ----------
    profile : Profile
    device : Device
    versions : dict of str to str
    network : VGG
        VGG19, ready to use.
    """

    profile: Profile
    device: Device
    versions: dict[str, str]
    network: VGG

    def _table(self):
        size = f"{self.profile.side} px, {self.profile.steps} steps"
        software = f"TensorFlow {self.versions['tensorflow']}, Keras {self.versions['keras']}"
        network = f"{self.network.name.upper()}, {self.network.pooling} pooling"
        provenance = self.network.provenance.split(" (")[0].rstrip(".")
        rows = [
            ("Device", device_text(self.device)),
            ("Software", f"{software}, Python {self.versions['python']}"),
            ("Network", network),
            ("Weights", f"{self.network.source}: {provenance}"),
            ("Profile", f"{self.profile.name} ({size})"),
        ]
        return plots.Table(None, rows)

    def __repr__(self):
        return repr(self._table())

    def _repr_html_(self):
        return self._table()._repr_html_()


class _Sentence(str):
    """A text that a notebook shows as a paragraph, without quotes."""

    __repr__ = str.__str__

    def _repr_html_(self):
        return f"<p>{html.escape(self)}</p>"


def setup() -> Session:
    """Prepare a notebook: find the device, load VGG19, choose the profile, set up the figures.

    With the profile "fast" every warning becomes an error, so that automatic tests see it.

    Returns
    -------
    Session

    Raises
    ------
    OSError
        If no weights can be had; the text lists the ways out.
    ValueError
        If ``NST_PROFILE`` is unknown.

    Examples
    --------
    >>> session = setup()  # doctest: +SKIP
    >>> session.network  # doctest: +SKIP
    VGG('vgg19', weights='keras cache', pooling='max', normalized=False)
    """
    chosen = profile()
    plots.show_in_notebook()
    session = Session(chosen, device(), versions(), default_network())
    if chosen.name == "fast":
        _warnings_as_errors()
    return session


def expected_minutes(evaluations, *, network=None) -> float:
    """Estimate how long optimisations will take, from a real evaluation timed on this device.

    Parameters
    ----------
    evaluations : dict of int to int, or sequence of (int, int)
        Long side of a 3:2 picture in pixels, and how many evaluations of loss and gradient are
        made at that size. An L-BFGS step makes about 1.1, an Adam step makes 1.
    network : VGG, optional
        Default: VGG19.

    Returns
    -------
    float
        Minutes, compiling for every size included.

    Raises
    ------
    ValueError
        If a side or a count is not a positive number.

    Examples
    --------
    >>> network = VGG(weights="random")
    >>> few = expected_minutes({64: 10}, network=network)
    >>> many = expected_minutes([(64, 10), (128, 100)], network=network)
    >>> 0 < few < many
    True
    """
    pairs = list(evaluations.items() if isinstance(evaluations, Mapping) else evaluations)
    for side, count in pairs:
        if not (side > 0 and count > 0 and math.isfinite(side * count)):
            raise ValueError(
                f"{count} evaluations at {side} px make no sense; expected positive numbers"
            )
    timing, counts = _timing(network or default_network(), profile().side), Counter()
    for side, count in pairs:
        counts[side] += count
    seconds = (timing.seconds(side * side / _ASPECT, count) for side, count in counts.items())
    return sum(seconds) / 60


def expected_time(evaluations, *, network=None) -> str:
    """The same as :func:`expected_minutes`, as a sentence for the notebook.

    Examples
    --------
    >>> expected_time({64: 10}, network=VGG(weights="random"))  # doctest: +ELLIPSIS
    about ... on this device (...)
    """
    minutes = expected_minutes(evaluations, network=network)
    return _Sentence(f"{duration_text(minutes)} on this device ({device_text(device())})")


@functools.cache
def _timing(network, side):
    """How the time of an evaluation grows with the pixels, up to a side."""
    image = np.full((1, round(side / _ASPECT), side, 3), 0.5, "float32")
    objective = Content(image, network=network) + Style(1 - image, network=network)
    return measure_timing(objective, image.shape[1:3], precision=quickest_precision())


def _warnings_as_errors():
    warnings.simplefilter("error")
    # What others' packages say to each other is not for the student, and cannot be changed here.
    warnings.filterwarnings(
        "ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning
    )
    others = r"(asyncio|comm|ipykernel|IPython|ipywidgets|jupyter_client|tornado|traitlets|zmq)\b"
    warnings.filterwarnings("ignore", module=others)
