"""The panels to play with: each notebook has one.

Each panel is an ipywidgets box: the last value of a cell shows it. Nothing is optimised until Run
is pressed. ``panel.run()``, ``panel.stop()`` and ``panel.wait()`` do the same from code,
``panel.result`` is the last Synthesis, ``panel.close()`` ends a panel and its work.
"""

from __future__ import annotations

import html

import ipywidgets as ipw
import numpy as np
from PIL import Image, ImageDraw

from . import notebook
from .blocks import Panel, caption, column, labelled, layout, picture, put, row, say_small
from .canvas import liveliest_channels
from .images import as_image, to_pil
from .losses import TV_KINDS
from .panels import OPTIMIZERS, SMOOTHING, RunPanel, run_settings, steps_slider
from .rating import rate
from .recipes import coarse_to_fine, open_image, reconstruct_content
from .starts import smallest_scale, white_noise
from .statistic_panel import StatisticPanel
from .studio_panel import Studio, uploaded
from .synthesis import synthesize
from .terms import Content, Style, TotalVariation
from .vgg import STYLE_LAYERS, VGG, default_network, layer_table

__all__ = [
    "content_panel", "layer_explorer", "rate", "smoothing_panel", "statistic_panel", "studio",
    "style_panel", "uploaded",
]  # fmt: skip


def layer_explorer(image, *, profile=None, network: VGG | None = None) -> ipw.VBox:
    """See what every channel of every layer answers to, and where it answers most.

    Parameters
    ----------
    image : anything :func:`nsthelpers.recipes.open_image` takes
    profile : Profile, optional
        Default: :func:`nsthelpers.notebook.profile`.
    network : VGG, optional
        Default: VGG19.

    Returns
    -------
    ipywidgets.VBox

    Examples
    --------
    >>> layer_explorer("chelsea", network=VGG(weights="random")).layer.value
    'block3_conv1'
    """
    profile = profile or notebook.profile()
    return _LayerExplorer(open_image(image, max_side=profile.side), network or default_network())


def content_panel(image, *, profile=None, network: VGG | None = None) -> RunPanel:
    """Rebuild a picture from what one layer knows of it; parameters as :func:`layer_explorer`.

    Examples
    --------
    >>> content_panel("chelsea", network=VGG(weights="random")).layer.value
    'block4_conv2'
    """
    return _ContentPanel(image, profile or notebook.profile(), network)


def style_panel(image, *, profile=None, network: VGG | None = None) -> RunPanel:
    """Make a texture from layers of your choice; parameters as :func:`layer_explorer`.

    Examples
    --------
    >>> len(style_panel("mosaic_sunset", network=VGG(weights="random")).ticks)
    5
    """
    return _StylePanel(image, profile or notebook.profile(), network)


def studio(
    content="chelsea", style="swirling_night", *, profile=None, network: VGG | None = None
) -> RunPanel:
    """Paint any photograph in the manner of any painting, and take the result home.

    Parameters
    ----------
    content, style : anything :func:`nsthelpers.recipes.open_image` takes
        What is chosen at first.
    profile, network
        As for :func:`layer_explorer`.

    Returns
    -------
    RunPanel

    Examples
    --------
    >>> panel = studio("coffee", network=VGG(weights="random"))
    >>> panel.style_weight.value, panel.running
    (10.0, False)
    """
    return Studio(content, style, profile or notebook.profile(), network)


def smoothing_panel(content, style, *, profile=None, network: VGG | None = None) -> RunPanel:
    """See what total variation does to a style transfer; parameters as :func:`studio`.

    Examples
    --------
    >>> smoothing_panel("chelsea", "mosaic_sunset", network=VGG(weights="random")).gamma.value
    0.1
    """
    return _SmoothingPanel(content, style, profile or notebook.profile(), network)


def statistic_panel(content, style, *, profile=None, network: VGG | None = None) -> RunPanel:
    """Choose what counts as style, compare with the run before; parameters as :func:`studio`.

    Examples
    --------
    >>> statistic_panel("chelsea", "mosaic_sunset", network=VGG(weights="random")).statistic.value
    'gram'
    """
    return StatisticPanel(content, style, profile or notebook.profile(), network)


class _LayerExplorer(Panel):
    def __init__(self, image, network):
        self._image, self._network, self._maps = image, network, {}
        table = layer_table(image.shape[1:3], network.name)
        self._rows = {each.name: each for each in table if min(each.shape) > 0}
        names = [(f"{each.name}  ({each.paper_name})", each.name) for each in self._rows.values()]
        self.layer = labelled(ipw.Dropdown, "layer", options=names, value="block3_conv1")
        self.channel = labelled(ipw.IntSlider, "channel", min=0, max=255, value=0)
        self.input, self.map, self.words = picture(image), picture(image), ipw.HTML()
        self.layer.observe(self._new_layer, "value")
        self.channel.observe(self._draw, "value")
        self._new_layer()
        super().__init__(
            [
                row(column(self.layer, width="49%"), column(self.channel, width="49%")),
                row(
                    column(self.input, caption("the picture; in the frame: what the brightest "
                           "place of the map sees"), width="49%", align_items="center"),
                    column(self.map, caption("the channel's map: the brighter, the stronger its "
                           "answer"), width="49%", align_items="center"),
                ),
                self.words,
            ]
        )  # fmt: skip

    def _new_layer(self, _=None):
        name = self.layer.value
        if name not in self._maps:
            found = self._network.features(self._image, [name])[name]
            self._maps[name] = np.asarray(found, "float32")[0]
        maps = self._maps[name]
        self.channel.max = maps.shape[2] - 1
        (self.channel.value,) = liveliest_channels(maps, 1)
        self._draw()

    def _draw(self, _=None):
        chosen = self._rows[self.layer.value]
        answer = self._maps[chosen.name][:, :, self.channel.value]
        strongest = float(answer.max())
        place = np.unravel_index(answer.argmax(), answer.shape)
        put(self.map, _enlarged(_magma(answer / (strongest or 1.0)), self._image.shape[1:3]))
        put(self.input, _framed(self._image, chosen, place) if strongest > 0 else self._image)
        height, width, channels = chosen.shape
        number = f"{strongest:,.0f}" if strongest >= 100 else f"{strongest:.3g}"
        answers = f"strongest answer {number}" if strongest > 0 else "no answer anywhere"
        self.words.value = html.escape(
            f"{chosen.name}: {height} × {width} places, {channels} channels; each place sees "
            f"{chosen.receptive_field} × {chosen.receptive_field} pixels. "
            f"Channel {self.channel.value}: {answers}."
        )


class _ContentPanel(RunPanel):
    def __init__(self, image, profile, network):
        self._image, self._network = open_image(image, max_side=profile.side), network
        layers = [(f"{each.name}  ({each.paper_name})", each.name) for each in layer_table()]
        self.layer = labelled(ipw.Dropdown, "layer", options=layers, value="block4_conv2")
        self.steps = steps_slider(profile)
        self.optimizer = labelled(ipw.Dropdown, "optimizer", options=list(OPTIMIZERS))
        noise = white_noise(*self._image.shape[1:3])
        captions = "the photograph", "what is rebuilt from the layer; it starts from noise"
        super().__init__([self.layer, self.steps, self.optimizer], self._image, noise, captions)

    def job(self):
        layer, run = self.layer.value, run_settings(self)
        return lambda callback: reconstruct_content(
            self._image, layer, max_side=max(self._image.shape), network=self._network,
            callbacks=callback, progress=False, **run,
        )  # fmt: skip


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
        self.optimizer = labelled(ipw.Dropdown, "optimizer", options=list(OPTIMIZERS))
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
        return lambda callback: synthesize(
            Style(self._image, list(chosen), layer_weights=shares, network=self._network),
            "noise",
            callbacks=callback,
            progress=False,
            **run,
        )


class _SmoothingPanel(RunPanel):
    def __init__(self, content, style, profile, network):
        self._photo = open_image(content, max_side=profile.side)
        self._painting = open_image(style, max_side=profile.side)
        self._network, self._shown_as = network, ""
        self.gamma = labelled(ipw.SelectionSlider, "γ", options=SMOOTHING, value=0.1)
        self.kind = labelled(ipw.Dropdown, "kind", options=TV_KINDS)
        self.steps = steps_slider(profile)
        captions = "the photograph", "the photograph: nothing has run yet"
        controls = [self.gamma, self.kind, self.steps]
        super().__init__(controls, self._photo, self._photo, captions)

    def job(self):
        gamma, kind, steps = self.gamma.value, self.kind.value, self.steps.value
        if self.result is not None:
            put(self.beside, self.result.image)
            self.captions[0].value = say_small(f"the run before: {self._shown_as}")
        self._shown_as = f"γ = {gamma:g}, {kind}"
        self.captions[1].value = say_small(self._shown_as)

        def work(callback):
            objective = (
                Content(self._photo, network=self._network)
                + 10 * Style(self._painting, network=self._network)
                + gamma * TotalVariation(kind)
            )
            size = self._photo.shape[1:3]
            scales = coarse_to_fine(max(size), max(128, smallest_scale(size)))
            return synthesize(
                objective, scales=scales, steps=steps, callbacks=callback, progress=False
            )

        return work


def _magma(values):
    import matplotlib

    return matplotlib.colormaps["magma"](values)[None, ..., :3]


def _enlarged(image, size, resample=Image.Resampling.NEAREST):
    """As large as a picture of this height and width is shown, without smoothing."""
    scale = 512 / max(size)
    height, width = (round(side * scale) for side in size)
    return as_image(to_pil(image).resize((width, height), resample))


def _framed(image, layer, place):
    """The picture with a frame around what one place of a layer sees."""
    large = _enlarged(image, image.shape[1:3], Image.Resampling.LANCZOS)
    scale, half = large.shape[2] / image.shape[2], layer.receptive_field / 2
    middle = [(index + 0.5) * layer.stride for index in place]
    limits = [(side - 2) for side in large.shape[1:3]]
    top, left = (max(1, round((m - half) * scale)) for m in middle)
    bottom, right = (
        min(limit, round((m + half) * scale)) for m, limit in zip(middle, limits, strict=True)
    )
    drawn = to_pil(large)
    pencil = ImageDraw.Draw(drawn)
    pencil.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="black", width=4)
    pencil.rectangle((left, top, right, bottom), outline="white", width=2)
    return as_image(drawn)
