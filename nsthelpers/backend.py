"""The one file that speaks to TensorFlow: gradients, compilation, devices.

Everything above is written with ``keras.ops``. Another framework joins by giving this file's
functions a second body.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import platform
from dataclasses import dataclass

import numpy as np

# TensorFlow's start-up notes on stderr tell a student nothing. A choice made outside is respected.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@contextlib.contextmanager
def _quiet_stderr():
    """Hold back what compiled libraries write to file descriptor 2 before logging is set up."""
    saved, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


with _quiet_stderr():
    import tensorflow as tf

    tf.constant(0.0)  # the first tensor sets up the devices, which writes once more

import keras  # noqa: E402
from keras import ops  # noqa: E402

__all__ = [
    "Device",
    "compile_function",
    "compile_value_and_gradient",
    "device",
    "is_out_of_memory",
    "ops",
    "to_numpy",
    "to_tensor",
    "variable",
    "versions",
]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Device:
    """The processor that the work runs on.

    Attributes
    ----------
    kind : {"cpu", "gpu"}
    name : str
        As the driver or the operating system gives it.
    cores : int
        Processor cores that this process may use.
    """

    kind: str
    name: str
    cores: int


@functools.cache
def device() -> Device:
    """Find the device, and let TensorFlow take GPU memory as it needs it instead of all at once.

    Returns
    -------
    Device

    Examples
    --------
    >>> device().kind in ("cpu", "gpu")
    True
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    graphics = tf.config.list_physical_devices("GPU")
    for one in graphics:
        try:
            tf.config.experimental.set_memory_growth(one, True)
        except RuntimeError:  # the device is in use already: its memory policy is settled
            _log.debug("memory growth could not be set on %s", one.name)
    if graphics:
        details = tf.config.experimental.get_device_details(graphics[0])
        return Device("gpu", details.get("device_name", graphics[0].name), cores)
    return Device("cpu", platform.processor() or platform.machine(), cores)


def versions() -> dict[str, str]:
    """Versions of what decides the pixels, for reports.

    Examples
    --------
    >>> sorted(versions())
    ['keras', 'numpy', 'python', 'tensorflow']
    """
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def to_tensor(array, dtype="float32"):
    """Put an array on the device."""
    return tf.convert_to_tensor(array, dtype=dtype)


def to_numpy(tensor) -> np.ndarray:
    """Bring a tensor back as a NumPy array of its own."""
    return np.array(tensor)


def variable(array):
    """Memory on the device whose rows can be written in place: ``v[i].assign(row)``."""
    return tf.Variable(array, trainable=False)


def compile_value_and_gradient(function, *, compiled: bool | None = None):
    """Turn ``function(image, parameters) -> (loss, extras)`` into one that has the gradient too.

    Parameters
    ----------
    function : callable
        Of the image and any nest of tensors. Only the loss is differentiated, only by the image.
        The parameters are arguments of the compiled graph, not constants in it: a new target or a
        new weight of the same shape costs no new trace.
    compiled : bool, optional
        ``True``: XLA. ``False``: a plain ``tf.function``. Default: what the device is faster with.

    Returns
    -------
    callable
        ``(image, parameters) -> (loss, extras, gradient)``, the gradient of the image's shape.
    """

    def value_and_gradient(image, parameters):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss, extras = function(image, parameters)
        return loss, extras, tape.gradient(loss, image)

    return compile_function(value_and_gradient, compiled=compiled)


def compile_function(function, *, compiled: bool | None = None):
    """Compile a function of tensors; it is traced once for each set of shapes, at its first call.

    Also a decorator.
    """

    @functools.cache
    def traced():
        device()  # memory growth has to be set before the first operation on a GPU
        # TensorFlow counts traces per code object and would warn of many. Closures of one factory
        # share theirs, a partial object has none.
        return tf.function(
            functools.partial(function),
            jit_compile=_prefers_xla() if compiled is None else compiled,
        )

    @functools.wraps(function)
    def call(*arguments):
        return traced()(*arguments)

    return call


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the device's or the machine's memory did not do."""
    return isinstance(error, (tf.errors.ResourceExhaustedError, MemoryError))


def _prefers_xla() -> bool:
    # Measured, see benchmarks/: on the CPU XLA fuses bias, ReLU and their gradients around the
    # convolutions. On a GPU cuDNN is as fast without it and starts without minutes of compiling.
    return device().kind == "cpu"
