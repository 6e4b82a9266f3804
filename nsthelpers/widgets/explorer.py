"""What every channel of every layer answers to."""

from __future__ import annotations

import html

import ipywidgets as ipw
import numpy as np
from PIL import Image, ImageDraw

from ..images.arrays import as_image, to_pil
from ..network.vgg import VGG, default_network, layer_table
from ..plots.canvas import most_varied_channels
from ..profiles import profile as run_profile
from ..recipes import open_image
from .parts import Panel, caption, column, labelled, picture, row, show_picture

__all__ = ["layer_explorer"]


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
    profile = profile or run_profile()
    return _LayerExplorer(open_image(image, max_side=profile.side), network or default_network())


class _LayerExplorer(Panel):
    def __init__(self, image, network):
        self._image, self._network, self._maps = image, network, {}
        table = layer_table(image.shape[1:3], network.name)
        self._rows = {each.name: each for each in table if min(each.shape) > 0}
        names = [(f"{each.name}  ({each.paper_name})", each.name) for each in self._rows.values()]
        self.layer = labelled(ipw.Dropdown, "layer", options=names, value="block3_conv1")
        self.channel = labelled(ipw.IntSlider, "channel", min=0, max=255, value=0)
        self.input, self.map, self.summary = picture(image), picture(image), ipw.HTML()
        self.layer.observe(self._choose_layer, "value")
        self.channel.observe(self._draw, "value")
        self._choose_layer()
        super().__init__(
            [
                row(column(self.layer, width="49%"), column(self.channel, width="49%")),
                row(
                    column(self.input, caption("the picture; in the frame: what the brightest "
                           "place of the map sees"), width="49%", align_items="center"),
                    column(self.map, caption("the channel's map: the brighter, the stronger its "
                           "answer"), width="49%", align_items="center"),
                ),
                self.summary,
            ]
        )  # fmt: skip

    def _choose_layer(self, _=None):
        name = self.layer.value
        if name not in self._maps:
            found = self._network.features(self._image, [name])[name]
            self._maps[name] = np.asarray(found, "float32")[0]
        maps = self._maps[name]
        self.channel.max = maps.shape[2] - 1
        (self.channel.value,) = most_varied_channels(maps, 1)
        self._draw()

    def _draw(self, _=None):
        chosen = self._rows[self.layer.value]
        answer = self._maps[chosen.name][:, :, self.channel.value]
        strongest = float(answer.max())
        place = np.unravel_index(answer.argmax(), answer.shape)
        show_picture(
            self.map, _enlarge(_magma(answer / (strongest or 1.0)), self._image.shape[1:3])
        )
        show_picture(
            self.input, _frame(self._image, chosen, place) if strongest > 0 else self._image
        )
        height, width, channels = chosen.shape
        number = f"{strongest:,.0f}" if strongest >= 100 else f"{strongest:.3g}"
        answers = f"strongest answer {number}" if strongest > 0 else "no answer anywhere"
        self.summary.value = html.escape(
            f"{chosen.name}: {height} × {width} places, {channels} channels; each place sees "
            f"{chosen.receptive_field} × {chosen.receptive_field} pixels. "
            f"Channel {self.channel.value}: {answers}."
        )


def _magma(values):
    import matplotlib

    return matplotlib.colormaps["magma"](values)[None, ..., :3]


def _enlarge(image, size, resample=Image.Resampling.NEAREST):
    """As large as a picture of this height and width is shown, without smoothing."""
    scale = 512 / max(size)
    height, width = (round(side * scale) for side in size)
    return as_image(to_pil(image).resize((width, height), resample))


def _frame(image, layer, place):
    """The picture with a frame around what one place of a layer sees."""
    large = _enlarge(image, image.shape[1:3], Image.Resampling.LANCZOS)
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
