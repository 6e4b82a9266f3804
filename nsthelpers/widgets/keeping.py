"""What the studio keeps in a folder, so that a picture goes on after the kernel has died."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np

from ..files import write_json
from ..synthesis.checkpoints import Checkpoints, remove

__all__ = ["Kept"]

_STATE = "run-"  # what the folder of a run's checkpoints is called, before a part of a hash


class Kept:
    """The last run of a panel: what the controls said, and its checkpoints.

    A picture that was uploaded is not kept, only a hash that tells whether it is the same again.

    Parameters
    ----------
    folder : str or Path
        Made when something is kept.

    Examples
    --------
    >>> import tempfile
    >>> kept = Kept(tempfile.mkdtemp())
    >>> kept.controls()
    {}
    >>> state = kept.state({"steps": 60}, np.zeros((1, 2, 2, 3), "float32"))
    >>> kept.controls(), state == kept.state({"steps": 60}, np.zeros((1, 2, 2, 3), "float32"))
    ({'steps': 60}, True)
    """

    def __init__(self, folder):
        self.folder = Path(folder).expanduser()
        self._path = self.folder / "controls.json"

    def controls(self) -> dict:
        """What the controls said when the last run began; {} if nothing can be read."""
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return found
        return {}

    def state(self, controls, *pictures) -> Path:
        """The folder for the checkpoints of a run; those of any other run are removed.

        Parameters
        ----------
        controls : dict of str to (str or number)
            What they say now.
        *pictures : array
            What the run is of.

        Raises
        ------
        OSError
            If nothing can be written there, or it is a file.
        """
        text = json.dumps(controls, sort_keys=True)
        digest = hashlib.sha256(text.encode())
        for each in pictures:
            digest.update(f"{each.shape}".encode())
            digest.update(np.ascontiguousarray(each))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(f"{self.folder} is a file; name a folder") from None
        write_json(self._path, controls)
        state = self.folder / f"{_STATE}{digest.hexdigest()[:16]}"
        for other in self.folder.glob(f"{_STATE}*"):
            if other != state and other.is_dir():
                with contextlib.suppress(OSError):  # another panel is at work there: it stays
                    with Checkpoints(other, 0, {}):
                        pass
                    remove(other)
        return state
