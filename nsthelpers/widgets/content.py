"""A picture rebuilt from what one layer knows of it."""

from __future__ import annotations

from ..network.vgg import VGG, layer_table
from ..profiles import profile as run_profile
from ..recipes import open_image, reconstruct_content
from ..synthesis.starts import white_noise
from .parts import setting_control
from .run_panel import RunPanel, optimizer_menu, run_settings, steps_slider

__all__ = ["content_panel"]


def content_panel(image, *, profile=None, network: VGG | None = None) -> RunPanel:
    """Rebuild a picture from what one layer knows of it; parameters as :func:`layer_explorer`.

    Examples
    --------
    >>> content_panel("chelsea", network=VGG(weights="random")).layer.value
    'block4_conv2'
    """
    return _ContentPanel(image, profile or run_profile(), network)


class _ContentPanel(RunPanel):
    def __init__(self, image, profile, network):
        self._image, self._network = open_image(image, max_side=profile.side), network
        layers = [(f"{each.name}  ({each.paper_name})", each.name) for each in layer_table()]
        self.layer = setting_control(
            "content_layers", "layer", job="reconstruct_content", options=layers
        )
        self.steps = steps_slider(profile)
        self.optimizer = optimizer_menu()
        noise = white_noise(*self._image.shape[1:3])
        captions = "the photograph", "what is rebuilt from the layer; it starts from noise"
        super().__init__([self.layer, self.steps, self.optimizer], self._image, noise, captions)

    def job(self):
        layer, run = self.layer.value, run_settings(self)
        return lambda callback: reconstruct_content(
            self._image, layer, max_side=max(self._image.shape), network=self._network,
            callbacks=callback, progress=False, **run,
        )  # fmt: skip
