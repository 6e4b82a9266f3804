"""A panel to choose a style statistic and to see it beside the one before."""

from __future__ import annotations

from ..network.vgg import VGG
from ..objectives.terms import Content, Style, TotalVariation
from ..profiles import profile as run_profile
from ..recipes import open_image
from ..synthesis.balancing import balance
from ..synthesis.loop import synthesize
from .parts import caption_html, setting_control, show_picture
from .run_panel import RunPanel, steps_slider

__all__ = ["statistic_panel", "StatisticPanel"]

_FIRST_PULL = 8.0  # how hard style pulls beside content at first, as in the seventh notebook
_SMOOTHING = 0.02  # how hard total variation pulls, beside content


def statistic_panel(content, style, *, profile=None, network: VGG | None = None) -> RunPanel:
    """Choose what counts as style, compare with the run before; parameters as :func:`studio`.

    Examples
    --------
    >>> statistic_panel("chelsea", "mosaic_sunset", network=VGG(weights="random")).statistic.value
    'gram'
    """
    return StatisticPanel(content, style, profile or run_profile(), network)


class StatisticPanel(RunPanel):
    def __init__(self, content, style, profile, network):
        self._photo = open_image(content, max_side=profile.grid_side)
        self._painting = open_image(style, max_side=profile.grid_side)
        self._network, self._shown_as = network, ""
        self.statistic = setting_control("statistic")
        self.pull = setting_control("style_weight", "style pulls", value=_FIRST_PULL)
        self.steps = steps_slider(profile)
        captions = "the photograph", "the photograph: nothing has run yet"
        controls = [self.statistic, self.pull, self.steps]
        super().__init__(controls, self._photo, self._photo, captions)

    def job(self):
        name, pull, steps = self.statistic.value, self.pull.value, self.steps.value
        if self.result is not None:
            show_picture(self.beside, self.result.image)
            self.captions[0].value = caption_html(f"the run before: {self._shown_as}")
        self._shown_as = f"{name}, style pulls {pull:.3g} times as hard as content"
        self.captions[1].value = caption_html(self._shown_as)

        def work(callback):
            objective = balance(
                Content(self._photo, network=self._network)
                + Style(self._painting, statistic=name, network=self._network)
                + TotalVariation(),
                ratios={"content": 1, "style": pull, "total_variation": _SMOOTHING},
            )
            return synthesize(objective, steps=steps, callbacks=callback, progress=False)

        return work
