"""Experiments of other people, each in a file, to be run again by one call."""

from .study import JOBS, Study, documents, names, read

__all__ = ["JOBS", "Study", "documents", "names", "read"]
