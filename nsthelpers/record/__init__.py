"""The record: experiments at a size at which they can be judged, with their pictures and numbers.

It travels with the package. Reading it computes nothing and needs no network.

>>> from nsthelpers import record
>>> "check" in record.names()
True
"""

from .reading import Experiment, load, names

__all__ = ["Experiment", "load", "names"]
