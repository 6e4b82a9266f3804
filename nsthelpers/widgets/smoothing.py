"""What total variation does to a style transfer."""

from __future__ import annotations

import ipywidgets as ipw

from ..network.vgg import VGG
from ..profiles import profile as run_profile
from ..recipes import open_image, stylize
from .parts import caption_html, setting_control, show_picture
from .run_panel import SMOOTHING, RunPanel, steps_slider

__all__ = ["smoothing_panel"]

_FIRST_GAMMA = 1.0  # with the default, 0.1, there is hardly anything to see


def smoothing_panel(content, style, *, profile=None, network: VGG | None = None) -> RunPanel:
    """See what total variation does to a style transfer; parameters as :func:`studio`.

    Examples
    --------
    >>> smoothing_panel("chelsea", "mosaic_sunset", network=VGG(weights="random")).gamma.value
    1.0
    """
    return _SmoothingPanel(content, style, profile or run_profile(), network)


class _SmoothingPanel(RunPanel):
    def __init__(self, content, style, profile, network):
        self._photo = open_image(content, max_side=profile.side)
        self._painting = open_image(style, max_side=profile.side)
        self._network, self._shown_as = network, ""
        self.gamma = setting_control(
            "tv_weight", "γ", kind=ipw.SelectionSlider, options=SMOOTHING, value=_FIRST_GAMMA
        )
        self.kind = setting_control("tv_kind", "kind")
        self.steps = steps_slider(profile)
        captions = "the photograph", "the photograph: nothing has run yet"
        controls = [self.gamma, self.kind, self.steps]
        super().__init__(controls, self._photo, self._photo, captions)

    def job(self):
        gamma, kind, steps = self.gamma.value, self.kind.value, self.steps.value
        if self.result is not None:
            show_picture(self.beside, self.result.image)
            self.captions[0].value = caption_html(f"the run before: {self._shown_as}")
        self._shown_as = f"γ = {gamma:g}, {kind}"
        self.captions[1].value = caption_html(self._shown_as)

        return lambda callback: stylize(
            self._photo, self._painting, max_side=max(self._photo.shape), start="content",
            tv_weight=gamma, tv_kind=kind, steps=steps, network=self._network, callbacks=callback,
            progress=False,
        )  # fmt: skip
