"""Where a sweep keeps its finished points: a picture and a JSON file each, found again by a key."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import numbers
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import __version__
from ..files import hash_of, write_json
from ..images import samples
from ..masks.mask import Mask
from ..network.weight_downloads import KERAS_MD5

__all__ = ["PointStore", "point_key", "provenance", "setting_as_data"]

_FORMAT = 1


def point_key(job, settings) -> str:
    """Name a point by what decides its result.

    Parameters
    ----------
    job : callable
        A function, or a ``functools.partial`` of one.
    settings : dict
        The keyword arguments that it is called with.

    Returns
    -------
    str
        24 hexadecimal digits: the start of a SHA-256 over the job's name, its source text (of a
        function that is not this package's) and the settings (see :func:`setting_as_data`).

    Raises
    ------
    TypeError
        If a setting is nothing that can be compared from one run to the next.

    Notes
    -----
    The version and the code of this package are not part of the key. They are kept beside a point
    (:func:`provenance`), so that what another version made is used, marked, and can be made anew.

    What the job calls or reads besides its settings is not seen: after changing a helper function
    of your own, take another folder. One exception: a file that ``NST_WEIGHTS`` names counts by its
    bytes, for it may hold any network, even an untrained one. All else that ``weights="auto"``
    finds is the same trained network, in 32 or in 8 bits. That is a detail, as the number format
    is in which a device is quickest: points of a laptop can be gone on with on Colab's GPU.

    Examples
    --------
    >>> point_key(dict, {"steps": 10}) == point_key(dict, {"steps": 10.0})
    True
    >>> point_key(dict, {"steps": 10}) == point_key(dict, {"steps": 20})
    False
    """
    bound = []
    while isinstance(job, functools.partial):
        bound.append([setting_as_data(list(job.args)), setting_as_data(job.keywords)])
        job = job.func
    described = {
        "job": job_name(job),
        "source": _source(job),
        "bound": bound,
        "settings": setting_as_data(settings),
        **_own_weights(os.environ.get("NST_WEIGHTS")),
    }
    text = json.dumps(described, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def setting_as_data(value):
    """Turn a setting into plain data that is equal whenever the setting is.

    Parameters
    ----------
    value : object
        Numbers, texts, None, arrays, masks and pictures (which count by their values), optimizers,
        networks, and lists and dicts of all these. A path counts by the bytes of its file, and so
        does a text that is one, unless a sample has that name.

    Returns
    -------
    object
        What JSON can hold.

    Raises
    ------
    TypeError
        For anything else, such as a term: it does not tell its picture.

    Examples
    --------
    >>> setting_as_data({"layers": ("conv1_1", "conv2_1"), "weight": np.float32(2)})
    {'layers': ['conv1_1', 'conv2_1'], 'weight': 2}
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (numbers.Integral, np.bool_)):
        return int(value)
    if isinstance(value, numbers.Real):
        value = float(value)
        return int(value) if value.is_integer() else value
    if isinstance(value, (str, Path)):
        path = None if value in samples.names() else _existing(value)
        return str(value) if path is None else {"file": hash_of(path, "sha256")}
    if isinstance(value, (list, tuple, range)):
        return [setting_as_data(each) for each in value]
    if isinstance(value, dict):
        return {str(name): setting_as_data(each) for name, each in value.items()}
    if hasattr(value, "getexif") or isinstance(value, Mask):  # a Pillow image
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        return {"array": [list(value.shape), str(value.dtype), _digest(value.tobytes())]}
    from ..network.vgg import VGG
    from ..optimizers import Optimizer  # only now: they start TensorFlow
    from ..synthesis.parametrisations import Parametrisation

    if isinstance(value, (Optimizer, Parametrisation, VGG)):
        return {type(value).__name__: setting_as_data(value.settings())}
    raise TypeError(
        f"a setting is a {type(value).__name__}, which cannot be compared from one run to the "
        "next; expected numbers, texts, paths, arrays, an optimizer, a network, a "
        "parametrisation, or lists or dicts of these"
    )


def job_name(job) -> str:
    """The function's module and name."""
    while isinstance(job, functools.partial):
        job = job.func
    kind = job if hasattr(job, "__qualname__") else type(job)
    return f"{kind.__module__}.{kind.__qualname__}"


@functools.cache
def provenance() -> dict:
    """The code that makes points now, to be kept beside them.

    Returns
    -------
    dict of str to str
        ``version`` of this package, and ``code``: the start of a SHA-256 over those of its source
        files that can decide a pixel. Figures, panels, lessons and the command line do not.

    Examples
    --------
    >>> sorted(provenance())
    ['code', 'version']
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if inside.parts[0] not in _NO_PIXELS:
            digest.update(inside.as_posix().encode() + path.read_bytes())
    return {"version": __version__, "code": digest.hexdigest()[:16]}


_NO_PIXELS = ("cli", "lessons", "plots", "record", "studies", "sweeps", "widgets", "opinions.py")


class PointStore:
    """A folder of finished points.

    Parameters
    ----------
    folder : str or Path
        Made, with its parents, if it is not there.

    Raises
    ------
    OSError
        If it cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> PointStore(tempfile.mkdtemp()).load("0123456789abcdef") is None
    True
    """

    def __init__(self, folder):
        self.folder = Path(folder).expanduser()
        self.folder.mkdir(parents=True, exist_ok=True)

    def picture(self, key) -> Path:
        """Where the picture of a point is, or will be."""
        return self.folder / f"{key}.png"

    def save(self, key, job, settings, result):
        """Keep a finished point: first its picture, then the JSON file that makes it count."""
        result.save(self.picture(key))
        written = {
            "format": _FORMAT,
            "package": {"name": "nsthelpers", **provenance()},
            "job": job_name(job),
            "settings": setting_as_data(settings),
            "picture": self.picture(key).name,
            "sha256": _digest(self.picture(key).read_bytes()),
            "synthesis": result.settings,
            "stop_reason": result.stop_reason,
            "message": result.message,
            "evaluations": result.evaluations,
            "seconds": result.seconds,
            "history": [asdict(record) for record in result.history],
        }
        write_json(self.folder / f"{key}.json", written)

    def load(self, key):
        """Get a finished point back as a Synthesis; None if it is not there whole.

        The picture comes from its PNG file, so its values are rounded to 1/255.
        """
        try:
            read = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            if (
                read["format"] != _FORMAT
                or _digest(self.picture(key).read_bytes()) != (read["sha256"])
            ):
                return None
            return self._synthesis(key, read)
        except (OSError, ValueError, KeyError, TypeError):  # missing, or damaged by something else
            return None

    def made_by_other_code(self, key) -> bool:
        """Whether the code of this package has changed since a point was made."""
        read = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
        return read["package"].get("code") != provenance()["code"]

    def _synthesis(self, key, read):
        from ..images.files import load_image
        from ..synthesis.results import Record, Synthesis

        return Synthesis(
            load_image(self.picture(key)),
            [Record.from_data(record) for record in read["history"]],
            read["stop_reason"],
            read["message"],
            read["synthesis"],
            read["evaluations"],
            read["seconds"],
        )


def _existing(path):
    """The file of that name, if there is one."""
    try:
        path = Path(path).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such home folder, a zero byte
        return None


def _source(job):
    """The text of a function that is not this package's: its version does not tell of a change."""
    if job_name(job).startswith("nsthelpers."):
        return None
    try:
        return inspect.getsource(job)
    except (OSError, TypeError):  # typed at a prompt, built in, a callable object
        return None


def _own_weights(path):
    """What tells of the weights that stand in for the trained ones, if there are any."""
    if not path:
        return {}
    path = Path(path).expanduser()
    try:
        facts = path.stat()
        digest = _md5(path, facts.st_mtime_ns, facts.st_size)
    except OSError:
        digest = None  # the points will say that it is missing
    return {} if digest in KERAS_MD5.values() else {"weights": digest}


@functools.lru_cache(maxsize=4)
def _md5(path, changed, size):
    return hash_of(path, "md5")


def _digest(data):
    return hashlib.sha256(data).hexdigest()
