"""A style network as ONNX, the format that other runtimes read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .. import __version__
from ..backend import to_numpy
from ..files import check_destination, write_whole
from .network import EPSILON, MARGIN

__all__ = ["export_network"]

_OPSET = 17  # of 2022: newer runtimes read it as well
_IR = 8


def export_network(network, path, described=None) -> Path:
    """Write a network as ONNX; see :meth:`nsthelpers.real_time.Painter.export`.

    Parameters
    ----------
    network : StyleNetwork
    path : str or Path, ending in ".onnx"
    described : dict, optional
        Kept as the model's metadata, under the key ``nsthelpers``, as JSON.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        For another ending.
    ImportError
        Without the package onnx.

    Notes
    -----
    Keras' own exporter goes by tf2onnx, which turns every convolution's axes to and fro, names the
    output ``Identity:0``, and has to be patched for NumPy 2. The network is short, so its graph is
    written down here, node by node; axes are (batch, channel, height, width) inside.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise ValueError(f"{path.name} is no name for a network; expected one in .onnx")
    path = check_destination(path)
    try:
        import onnx
    except ImportError:
        raise ImportError(
            'ONNX needs the package onnx; install it with: pip install "nsthelpers[export]"'
        ) from None
    graph = _Graph(onnx.helper, onnx.numpy_helper)
    _write_down(network, graph)
    size = [1, "height", "width", 3]
    rows = network.architecture.paintings
    value = onnx.helper.make_tensor_value_info
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "painter",
            [value("image", 1, size), value("mix", 1, [1, rows])],  # 1: float32
            [value("painted", 1, size)],
            list(graph.constants.values()),
        ),
        producer_name="nsthelpers",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
    )
    onnx.helper.set_model_props(model, {"nsthelpers": json.dumps(described or {})})
    onnx.checker.check_model(model)
    write_whole(path, model.SerializeToString(deterministic=True))
    return path


class _Graph:
    """Nodes and constants, in the order in which they are added."""

    def __init__(self, helper, numpy_helper):
        self._helper, self._numpy_helper = helper, numpy_helper
        self.nodes, self.constants = [], {}

    def add(self, kind, *inputs, name=None, **attributes):
        """Add a node; its output's name, with which others refer to it."""
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        node = self._helper.make_node(kind, list(inputs), [name], name, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, name, values, dtype="float32"):
        array = np.asarray(values, dtype)
        self.constants[name] = self._numpy_helper.from_array(array, name)
        return name


def _write_down(network, graph):
    """The formula of :meth:`StyleNetwork.__call__`, as nodes."""
    add, constant = graph.add, graph.constant
    one, two = constant("one", 1.0), constant("two", 2.0)
    image = add("Transpose", "image", perm=[0, 3, 1, 2])
    found = add("Sub", add("Mul", image, two), one)
    for step in network.down:
        found = add("Relu", _do(step, found, network, graph))
    for first, second in network.blocks:
        inner = add("Relu", _do(first, found, network, graph))
        found = add("Add", found, _do(second, inner, network, graph))
    for step in network.up:
        found = add("Relu", _do(step, found, network, graph))
    found = add("Mul", _do(network.last, found, network, graph), two)
    if network.architecture.residual:
        inside = add("Mul", image, constant("inside", 1 - 2 * MARGIN))
        inside = add("Add", inside, constant("margin", MARGIN))
        logit = add("Sub", add("Log", inside), add("Log", add("Sub", one, inside)))
        found = add("Add", found, logit)
    add("Transpose", add("Sigmoid", found), name="painted", perm=[0, 2, 3, 1])


def _do(step, found, network, graph):
    """One step: enlarge, mirror the border, convolve, normalise."""
    add, constant = graph.add, graph.constant

    def weight(part):
        return to_numpy(network.weights[f"{step.name}/{part}"])

    if step.enlarged:
        twice = constant("twice", [1, 1, 2, 2])
        rule = {"mode": "nearest", "nearest_mode": "floor"}
        found = add("Resize", found, "", twice, coordinate_transformation_mode="asymmetric", **rule)
    border = step.kernel // 2
    if border:
        around = constant(f"border_{border}", [0, 0, border, border] * 2, "int64")
        found = add("Pad", found, around, mode="reflect")
    kernel = constant(f"{step.name}/kernel", weight("kernel").transpose(3, 2, 0, 1))
    inputs = [found, kernel]
    if not step.normalised:
        inputs.append(constant(f"{step.name}/bias", weight("bias")))
    found = add("Conv", *inputs, name=step.name, strides=[step.stride] * 2)
    if not step.normalised:
        return found
    flat = constant("flat", [-1], "int64")
    scale, shift = (
        add("Reshape", add("MatMul", "mix", constant(f"{step.name}/{part}", weight(part))), flat)
        for part in ("scale", "shift")
    )
    return add("InstanceNormalization", found, scale, shift, epsilon=EPSILON)
