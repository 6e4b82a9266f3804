"""VGG19's weights in 8 bits, one file a layer: what the live page downloads.

``python book/live/eight_bits.py FOLDER`` writes them. A file holds, in this order and
little-endian: a table of 256 numbers (float32), the bias (float32), and for each entry of the
kernel, in the order (out, in, height, width), its place in the table (uint8). ``index.json`` lists
the files. The first layer takes RGB here, not BGR.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import nsthelpers as nst

LICENCE = "VGG19 by the Visual Geometry Group, University of Oxford, CC BY 4.0"
CODES = 256
_ROUNDS = 20  # of Lloyd's algorithm; the error changes in its third digit after that


def quantised(kernel):
    """Replace each entry of an array by the nearest of 256 numbers.

    Parameters
    ----------
    kernel : array, float32, any shape

    Returns
    -------
    table : array, float32, shape (256,)
        Ascending. Where the array has no more than 256 different values, exactly these, and zeros
        behind them.
    codes : array, uint8, the array's shape
        Places in the table.

    References
    ----------
    Lloyd (1982), "Least Squares Quantization in PCM", IEEE Transactions on Information Theory 28;
    the start: Panter & Dite (1951), "Quantization Distortion in Pulse-Count Modulation with
    Nonuniform Spacing of Levels", Proceedings of the IRE 39.

    Examples
    --------
    >>> table, codes = quantised(np.array([0.5, -1.0, 0.5], "float32"))
    >>> codes.tolist(), table[:2].tolist()
    ([1, 0, 1], [-1.0, 0.5])
    """
    values, places = np.unique(kernel, return_inverse=True)
    if len(values) <= CODES:
        table = np.zeros(CODES, "float32")
        table[: len(values)] = values
        return table, places.reshape(kernel.shape).astype("uint8")
    # The best numbers lie as densely as the cube root of the entries' density, if both are smooth.
    ordered = np.sort(kernel, axis=None).astype("float64")
    counts, edges = np.histogram(ordered, 64)
    shares = np.append(0, np.cumsum(np.cbrt(counts)))
    table = np.interp((np.arange(CODES) + 0.5) / CODES * shares[-1], shares, edges)
    for _ in range(_ROUNDS):
        edges = np.searchsorted(ordered, (table[1:] + table[:-1]) / 2)
        sums = np.add.reduceat(np.append(ordered, 0.0), np.r_[0, edges])
        counts = np.diff(np.r_[0, edges, len(ordered)])
        table = np.where(counts > 0, sums / np.maximum(counts, 1), table)
    table = table.astype("float32")
    return table, np.searchsorted((table[1:] + table[:-1]) / 2, kernel).astype("uint8")


def write(weights, folder) -> dict:
    """Write a network's files and their index into a folder.

    Parameters
    ----------
    weights : nsthelpers.weights.Weights
        VGG19's.
    folder : path
        It is made if need be.

    Returns
    -------
    dict
        What index.json says: source, licence, and for each layer file, bytes, inputs, outputs.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = {"source": weights.provenance, "licence": LICENCE, "layers": {}}
    for name, (kernel, bias) in weights.layers.items():
        if name == "block1_conv1":
            kernel = kernel[:, :, ::-1]
        table, codes = quantised(np.transpose(kernel, (3, 2, 0, 1)))
        data = table.astype("<f4").tobytes() + bias.astype("<f4").tobytes() + codes.tobytes()
        file = f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
        (folder / file).write_bytes(data)
        outputs, inputs = codes.shape[:2]
        entry = {"file": file, "bytes": len(data), "inputs": inputs, "outputs": outputs}
        index["layers"][name] = entry
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return index


def read(folder) -> nst.weights.Weights:
    """Read the files again, as the page does, to compare the page with the package.

    Parameters
    ----------
    folder : path

    Returns
    -------
    nsthelpers.weights.Weights
        Keras' order of axes, and BGR.

    Raises
    ------
    OSError
        If the folder has no index, or a file is missing.
    """
    folder, layers = Path(folder), {}
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    for name, entry in index["layers"].items():
        data, outputs = (folder / entry["file"]).read_bytes(), entry["outputs"]
        table = np.frombuffer(data, "<f4", CODES)
        bias = np.frombuffer(data, "<f4", outputs, 4 * CODES)
        codes = np.frombuffer(data, "uint8", offset=4 * (CODES + outputs))
        kernel = np.transpose(table[codes.reshape(outputs, entry["inputs"], 3, 3)], (2, 3, 1, 0))
        layers[name] = (kernel[:, :, ::-1] if name == "block1_conv1" else kernel), bias
    return nst.weights.Weights("vgg19", layers, "file", f"{index['source']}, in 8 bits")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python book/live/eight_bits.py FOLDER")
    found = write(nst.load_weights(), sys.argv[1])["layers"].values()
    print(f"{len(found)} layers, {sum(each['bytes'] for each in found) / 1e6:.1f} MB")
