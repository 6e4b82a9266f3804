"""Named images to try things with, each with its credits.

Three kinds: paintings drawn by this project's own script (they travel with the package),
photographs that scikit-image ships, and the images of the papers, downloaded on first use and
kept in the cache folder after that.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from ..arguments import did_you_mean
from ..files import cache_folder, download
from .files import existing_file, load_image

__all__ = ["Credit", "credits", "load", "names", "resolve"]

_FOLDER = Path(__file__).parent
_ROLES = ("photograph", "painting")


@dataclass(frozen=True)
class Credit:
    """Who made an image and what you may do with it.

    Attributes
    ----------
    name : str
        What `load` takes.
    title, author, year, licence : str
        To be shown with the image.
    source : str
        Where it comes from: an address, or a description.
    role : {"photograph", "painting"}
        What it is good for: a photograph gives content, a painting gives style.
    kind : {"drawn", "scikit-image", "download"}
        How it gets here: with this package, with scikit-image, or over the network.
    """

    name: str
    title: str
    author: str
    year: str
    licence: str
    source: str
    role: str
    kind: str

    def __str__(self):
        year = "" if self.year == "unknown" else f", {self.year}"
        return f"{self.title}, {self.author}{year} ({self.licence}), {self.source}"


def names(role=None):
    """List the names of the images.

    Parameters
    ----------
    role : {None, "photograph", "painting"}, optional
        Only those of this role; default all.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If `role` is another.

    Examples
    --------
    >>> "chelsea" in names("photograph")
    True
    """
    if role not in (None, *_ROLES):
        raise ValueError(f"no role {role!r}: expected 'photograph', 'painting' or None")
    return [name for name, entry in _catalog().items() if role in (None, entry["role"])]


def credits(name=None):
    """Say who made the images, where they come from and under which licence.

    Parameters
    ----------
    name : str, optional
        One image; default all.

    Returns
    -------
    list of Credit
        In the order of `names`.

    Raises
    ------
    ValueError
        If no image is called `name`; the closest names are listed.

    Examples
    --------
    >>> credits("coffee")[0].author
    'Rachel Michetti'
    """
    chosen = names() if name is None else [_entry(name)["name"]]
    fields = Credit.__dataclass_fields__
    return [Credit(**{field: _catalog()[each][field] for field in fields}) for each in chosen]


def load(name, *, max_side=None, area=None, size=None):
    """Load an image by its name.

    Parameters
    ----------
    name : str
        One of `names`.
    max_side, area, size : optional
        As in `nsthelpers.load_image`; at most one of them.

    Returns
    -------
    numpy.ndarray
        float32, shape (1, H, W, 3), values in [0, 1].

    Raises
    ------
    ValueError
        If no image is called `name`; the closest names are listed.
    OSError
        If a download fails, or the file did not come with the installation.

    Examples
    --------
    >>> load("chelsea", max_side=64).shape
    (1, 43, 64, 3)
    """
    return load_image(_path(_entry(name)), max_side=max_side, area=area, size=size)


def resolve(source):
    """Replace the name of a sample by the path of its file; leave everything else as it is.

    Parameters
    ----------
    source : object
        Whatever `nsthelpers.load_image` takes, or a sample's name. A name goes before a
        file of the same name: write ``./chelsea`` for the file.

    Returns
    -------
    Path or object
        The path of the sample (downloaded now if need be), or `source`.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If `source` is a string but neither a sample, nor a file, nor an address.
    OSError
        If a download fails.

    Examples
    --------
    >>> load_image(resolve("chelsea")).shape
    (1, 300, 451, 3)
    """
    if not isinstance(source, str):
        return source
    if source in _catalog():
        return _path(_catalog()[source])
    if not source.lower().startswith(("http://", "https://")):
        path = Path(source).expanduser()
        try:
            existing_file(path)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"no sample is called {source!r} ({_hint(path.stem)}), and {error}"
            ) from None
    return source


@functools.cache
def _catalog():
    entries = json.loads((_FOLDER / "catalog.json").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in entries}


def _entry(name):
    if not isinstance(name, str) or name not in _catalog():
        raise ValueError(f"no sample is called {name!r}: {_hint(name)}")
    return _catalog()[name]


def _hint(name):
    return did_you_mean(name, _catalog(), f"the samples are {', '.join(_catalog())}")


def _path(entry):
    if entry["kind"] == "download":
        return _download(entry)
    if entry["kind"] == "drawn":  # in an installed package, or in the project's own folder
        folders, origin = [_FOLDER / "drawn", _FOLDER.parents[1] / "images"], "nsthelpers"
    else:  # find_spec says where a package is without importing it
        package, origin = importlib.util.find_spec("skimage"), "scikit-image"
        folders = [Path(package.origin).parent / "data"] if package else []
    for folder in folders:
        if (folder / entry["file"]).is_file():
            return folder / entry["file"]
    raise FileNotFoundError(
        f"sample {entry['name']!r} is missing: its file {entry['file']} should have come with "
        f"{origin}; install that again with pip"
    )


def _download(entry):
    path = cache_folder() / "images" / entry["file"]
    try:
        return download(entry["source"], path, f"sha256:{entry['sha256']}")
    except OSError as error:
        local = [credit.name for credit in credits() if credit.kind != "download"]
        raise OSError(
            f"cannot download sample {entry['name']!r} from {entry['source']}: {error}; try "
            f"again, put the file at {path} yourself, or choose a sample that needs no download: "
            f"{', '.join(local)}"
        ) from None
