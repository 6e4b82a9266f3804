"""The one file that speaks to TensorFlow: gradients, compilation, devices.

Everything above is written with ``keras.ops``. Another framework joins by giving this file's
functions a second body.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from dataclasses import dataclass

import numpy as np

from .choices import PRECISIONS

# TensorFlow's start-up notes on stderr tell a student nothing. A choice made outside is respected.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@contextlib.contextmanager
def _quiet_stderr():
    """Hold back what compiled libraries write to file descriptor 2 before logging is set up."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no such descriptor, as under pythonw: nothing to hold back
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


with _quiet_stderr():
    import tensorflow as tf

    for _gpu in tf.config.list_physical_devices("GPU"):
        # Take a GPU's memory as it is needed, not all at once: to be said before the first tensor.
        with contextlib.suppress(RuntimeError):  # in use already: its memory policy is settled
            tf.config.experimental.set_memory_growth(_gpu, True)
        # On Ampere and newer GPUs TensorFlow rounds the factors of float32 products to 10 bits
        # (TF32). Gram matrices and the inner products of L-BFGS are small differences of large
        # numbers, so float32 means float32 here; who prefers speed sets NST_TF32=1.
        tf.config.experimental.enable_tensor_float_32_execution(os.environ.get("NST_TF32") == "1")
    tf.constant(0.0)  # the first tensor sets up the devices, which writes once more

import keras  # noqa: E402
from keras import ops  # noqa: E402

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"nsthelpers needs Keras on TensorFlow, but Keras runs on {keras.backend.backend()}; "
        "unset KERAS_BACKEND (or set it to tensorflow) and restart Python"
    )

__all__ = [
    "PRECISIONS",
    "Device",
    "add_nests",
    "compile_function",
    "compile_small_function",
    "compile_training_step",
    "compile_value_and_gradient",
    "device",
    "is_out_of_memory",
    "keras",
    "ops",
    "quickest_precision",
    "replace_rows",
    "reusable_memory",
    "to_numpy",
    "to_tensor",
    "versions",
]


_CPU_FACTS = "/proc/cpuinfo"


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
    index : int, default 0
        Of the GPU, among those that TensorFlow sees.
    """

    kind: str
    name: str
    cores: int
    index: int = 0


def device() -> Device:
    """Find the processor that the work runs on: where TensorFlow puts a tensor made here and now.

    That is the first GPU, or else the CPU, unless ``tensorflow.device`` says otherwise.

    Returns
    -------
    Device

    Examples
    --------
    >>> device().kind in ("cpu", "gpu")
    True
    """
    *_, kind, index = tf.zeros(()).device.split(":")  # ".../device:GPU:0"
    return _described(kind.lower(), int(index))


@functools.cache
def _described(kind, index):
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    if kind == "gpu":
        graphics = tf.config.list_physical_devices("GPU")[index]
        details = tf.config.experimental.get_device_details(graphics)
        return Device("gpu", details.get("device_name", graphics.name), cores, index)
    return Device("cpu", platform.processor() or platform.machine(), cores)


def reusable_memory(found) -> int:
    """Memory of a GPU that this process has taken before and does not use now, in bytes.

    TensorFlow gives none back, so the driver counts it as used.

    Parameters
    ----------
    found : Device

    Returns
    -------
    int
        At least this much; 0 on the CPU.
    """
    if found.kind != "gpu":
        return 0
    known = tf.config.experimental.get_memory_info(f"GPU:{found.index}")
    return known["peak"] - known["current"]


def quickest_precision() -> str:
    """Choose the number format in which this device computes a network's convolutions quickest.

    bfloat16 has the range of float32 and 8 of its 24 significant bits. Processors that multiply it
    in hardware (AVX-512 BF16, AMX) need little more than half the time for a convolution, and sums
    are still made in float32. Everywhere else it is slower. ``NST_PRECISION`` overrides the choice.

    Returns
    -------
    {"float32", "bfloat16"}

    Raises
    ------
    ValueError
        If ``NST_PRECISION`` is neither.

    Examples
    --------
    >>> quickest_precision() in ("float32", "bfloat16")
    True
    """
    chosen = os.environ.get("NST_PRECISION")
    if chosen:
        if chosen not in PRECISIONS:
            raise ValueError(f"NST_PRECISION is {chosen!r}; expected {' or '.join(PRECISIONS)}")
        return chosen
    if device().kind != "cpu":
        return "float32"
    try:
        with open(_CPU_FACTS, encoding="utf-8") as file:
            known = set(next((line for line in file if line.startswith("flags")), "").split())
    except OSError:  # not on macOS and Windows
        return "float32"
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & known else "float32"


def versions() -> dict[str, str]:
    """Versions of what decides the pixels, for reports.

    Returns
    -------
    dict of str to str

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
    """Put an array on the device.

    Parameters
    ----------
    array : array, number or tensor
        A tensor that has the dtype already stays what it is. A NumPy array becomes a tensor at
        once, also while a function is traced: never a constant of its graph.
    dtype : str or None, default "float32"
        ``None`` keeps the array's own.

    Returns
    -------
    tensor
    """
    if tf.is_tensor(array) and dtype in (None, array.dtype.name):
        return array
    # A tensor made from an array keeps a second copy as long as it lives; the same passed on, none.
    with tf.init_scope() if isinstance(array, np.ndarray) else contextlib.nullcontext():
        return tf.identity(tf.convert_to_tensor(array, dtype=dtype))


def to_numpy(tensor) -> np.ndarray:
    """Bring a tensor back from the device.

    Returns
    -------
    numpy.ndarray
        Of the same shape and dtype; a copy.
    """
    return np.array(tensor)


def add_nests(first, second):
    """Add up two nests of tensors of the same structure.

    Examples
    --------
    >>> one, two = to_tensor(1.0), to_tensor(2.0)
    >>> [float(each) for each in add_nests([one, two], [two, two])]
    [3.0, 4.0]
    """
    return keras.tree.map_structure(ops.add, first, second)


def replace_rows(tensor, rows, values):
    """Give back a tensor with some of its rows replaced, without copying the others where possible.

    Parameters
    ----------
    tensor : tensor, shape (n, ...)
        It must not be used any more: its memory may be that of the result.
    rows : sequence or tensor of int
    values : tensor, shape (len(rows), ...)

    Returns
    -------
    tensor, shape (n, ...)

    Examples
    --------
    >>> table = replace_rows(ops.zeros((3, 2)), [2, 0], to_tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> to_numpy(table).tolist()
    [[3.0, 4.0], [0.0, 0.0], [1.0, 2.0]]
    """
    return tf.raw_ops.InplaceUpdate(x=tensor, i=tf.cast(rows, tf.int32), v=values)


def compile_value_and_gradient(function, *, compiled: bool = False):
    """Turn ``function(image, parameters) -> (loss, extras)`` into one that has the gradient too.

    Parameters
    ----------
    function : callable
        Of the image, or a nest of tensors in its place, and any nest of tensors. Only the loss is
        differentiated, only by the first.
        The parameters are arguments of the compiled graph, not constants in it: a new target or a
        new weight of the same shape costs no new trace.
    compiled : bool, default False
        ``True``: XLA. ``False``: a plain ``tf.function``, which was quicker at every size and
        starts sooner (benchmarks/NOTES.md).

    Returns
    -------
    callable
        ``(image, parameters) -> (loss, extras, gradient)``, the gradient of the image's shape.

    Examples
    --------
    >>> energy = compile_value_and_gradient(lambda image, scale: (scale * ops.sum(image**2), ()))
    >>> loss, _, gradient = energy(to_tensor([1.0, 2.0]), to_tensor(3.0))
    >>> float(loss), to_numpy(gradient).tolist()
    (15.0, [6.0, 12.0])
    """

    def value_and_gradient(image, parameters):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss, extras = function(image, parameters)
        # Zeros, not None, where the loss does not depend on the image.
        return loss, extras, tape.gradient(loss, image, unconnected_gradients="zero")

    return compile_function(value_and_gradient, compiled=compiled)


def compile_training_step(function, variables, optimizer):
    """Turn ``function(inputs, parameters) -> (loss, extras)`` into a step of training.

    Parameters
    ----------
    function : callable
        Of any two nests of tensors; the loss is differentiated by the variables.
    variables : list of keras.Variable
    optimizer : keras.optimizers.Optimizer
        Built here, so that its own variables are there before the first step.

    Returns
    -------
    callable
        ``(inputs, parameters, rate) -> (loss, extras)``, after which the variables have changed.

    Examples
    --------
    >>> weight = keras.Variable([3.0])
    >>> step = compile_training_step(
    ...     lambda scale, target: (ops.sum((scale * weight - target) ** 2), ()),
    ...     [weight], keras.optimizers.SGD(),
    ... )
    >>> loss, _ = step(to_tensor(1.0), to_tensor([1.0]), to_tensor(0.25))
    >>> float(loss), to_numpy(weight).tolist()
    (4.0, [2.0])
    """
    optimizer.build(variables)

    def step(inputs, parameters, rate):
        with tf.GradientTape() as tape:
            loss, extras = function(inputs, parameters)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.learning_rate.assign(rate)
        optimizer.apply(gradients, variables)
        return loss, extras

    return compile_function(step)


def compile_function(function, *, compiled: bool = False, any_shape: bool = False):
    """Compile a function of tensors; it is traced once for each set of shapes, at its first call.

    Also a decorator.

    Parameters
    ----------
    function : callable
        Of nests of tensors. Its ``if`` and ``for`` run while it is traced, not on tensors' values.
    compiled : bool, default False
        As in :func:`compile_value_and_gradient`.
    any_shape : bool, default False
        ``True``: the second set of shapes is traced for all that follow with as many axes; the
        function must then be one of tensors, without nests, and not ask for sizes while it is
        traced (``ops.shape`` in place of ``.shape``).

    Returns
    -------
    callable
        With the same arguments and results.

    Examples
    --------
    >>> double = compile_function(lambda values: 2 * values)
    >>> to_numpy(double(to_tensor([1.0, 2.0]))).tolist()
    [2.0, 4.0]
    """

    @functools.cache
    def traced(*axes):
        # TensorFlow counts traces per code object and would warn of many. Closures of one factory
        # share theirs, a partial object has none. Without AutoGraph, which nothing here needs,
        # errors keep their own one-line text.
        return tf.function(
            functools.partial(function),
            autograph=False,
            jit_compile=compiled,
            reduce_retracing=any_shape,
        )

    @functools.wraps(function)
    def call(*arguments):
        axes = [each.ndim for each in arguments] if any_shape else []
        return traced(*axes)(*arguments)

    return call


def compile_small_function(function):
    """Compile a function whose own work is no more than what it costs to call a compiled one.

    TensorFlow binds and compares the arguments of a ``tf.function`` in Python at every call, which
    takes 2 ms after an evaluation, when nothing of that is in the caches. Here one graph for all
    shapes is looked up by the number of axes and the dtypes. Also a decorator.

    Parameters
    ----------
    function : callable
        Of tensors, arrays, and lists or tuples of them. It must not ask for sizes while it is
        traced (``ops.shape`` in place of ``.shape``), nor change a variable.

    Returns
    -------
    callable
        With the same arguments and results.

    Examples
    --------
    >>> total = compile_small_function(lambda values, tables: ops.sum(values * tables[0]))
    >>> float(total(np.array([1.0, 2.0]), [to_tensor([3.0, 4.0], "float64")]))
    11.0
    """
    graphs = {}

    @functools.wraps(function)
    def call(*arguments):
        nests = tuple(len(each) if isinstance(each, (list, tuple)) else -1 for each in arguments)
        flat = [to_tensor(each, None) for each in keras.tree.flatten(arguments)]
        key = (nests, flat[0].device, *((each.ndim, each.dtype) for each in flat))
        if key not in graphs:
            like = keras.tree.map_structure(lambda _: 0, arguments)  # not the tensors themselves
            graphs[key] = tf.compat.v1.wrap_function(
                lambda *flat: function(*keras.tree.pack_sequence_as(like, flat)),
                [tf.TensorSpec([None] * each.ndim, each.dtype) for each in flat],
            )
        return graphs[key](*flat)

    return call


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that the device's or the machine's memory did not do.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError())
    (True, False)
    """
    return isinstance(error, (tf.errors.ResourceExhaustedError, MemoryError))
