"""A texture from layers of one's choice."""

from __future__ import annotations

import ipywidgets as ipw

from ..network.vgg import STYLE_LAYERS, VGG
from ..profiles import profile as run_profile
from ..recipes import open_image, reconstruct_style
from ..synthesis.starts import white_noise
from .parts import layout, row
from .run_panel import RunPanel, optimizer_menu, run_settings, steps_slider

__all__ = ["style_panel"]


def style_panel(image, *, profile=None, network: VGG | None = None) -> RunPanel:
    """Make a texture from layers of your choice; parameters as :func:`layer_explorer`.

    Examples
    --------
    >>> len(style_panel("mosaic_sunset", network=VGG(weights="random")).ticks)
    5
    """
    return _StylePanel(image, profile or run_profile(), network)


class _StylePanel(RunPanel):
    def __init__(self, image, profile, network):
        self._image, self._network = open_image(image, max_side=profile.side), network
        self.ticks = {
            layer: ipw.Checkbox(True, description=layer, indent=False, layout=layout(width="116px"))
            for layer in STYLE_LAYERS
        }
        self.weights = {
            layer: ipw.FloatSlider(1, min=0, max=1, step=0.05, layout=layout(flex="1 1 120px"))
            for layer in STYLE_LAYERS
        }
        pairs = [
            row(self.ticks[each], self.weights[each], align_items="center") for each in STYLE_LAYERS
        ]
        self.steps = steps_slider(profile)
        self.optimizer = optimizer_menu()
        noise = white_noise(*self._image.shape[1:3])
        captions = "the painting", "a texture with its Gram matrices; it starts from noise"
        super().__init__([*pairs, self.steps, self.optimizer], self._image, noise, captions)

    def job(self):
        chosen = {
            layer: self.weights[layer].value
            for layer in STYLE_LAYERS
            if self.ticks[layer].value and self.weights[layer].value > 0
        }
        if not chosen:
            raise ValueError("no layer is left; tick at least one and give it a weight above 0")
        total, run = sum(chosen.values()), run_settings(self)
        shares = [weight / total for weight in chosen.values()]
        return lambda callback: reconstruct_style(
            self._image, list(chosen), style_layer_weights=shares, max_side=max(self._image.shape),
            network=self._network, callbacks=callback, progress=False, **run,
        )  # fmt: skip
