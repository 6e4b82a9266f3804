"""A panel that mixes paintings: a slider for each, and the picture follows at once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import ipywidgets as ipw

from ..images import samples
from ..images.arrays import resize
from ..images.files import save_image
from ..real_time.painter import Painter, load_painter, painters
from .parts import (
    Panel,
    button,
    column,
    download_html,
    labelled,
    message_html,
    picture,
    row,
    show_picture,
)
from .stylize import Chooser

__all__ = ["MixingPanel", "mixing_panel"]


def mixing_panel(painter=None, photo="chelsea", *, side=256) -> ipw.VBox:
    """Mix the manners of several paintings by sliders; each move paints the photograph anew.

    Parameters
    ----------
    painter : Painter, str or Path, optional
        Or what :func:`nsthelpers.load_painter` takes. Default: the painter of the drawn paintings.
    photo : anything :func:`nsthelpers.recipes.open_image` takes
        What is chosen at first; others can be chosen and uploaded.
    side : int, default 256
        Long side of the picture that follows the sliders, in pixels. ``Save`` paints it as large
        as the photograph is, up to 1024.

    Returns
    -------
    ipywidgets.VBox
        Its ``sliders`` are the paintings' by name, ``image`` is what it shows, and :meth:`save`
        does what the button does.

    Raises
    ------
    FileNotFoundError
        If no painter is given, and none came with the installation.

    Examples
    --------
    >>> import numpy as np
    >>> from nsthelpers.real_time import Architecture, StyleNetwork
    >>> network = StyleNetwork(Architecture(2, channels=(4, 4, 4), blocks=1))
    >>> grey = np.full(3, 0.5), 0.01 * np.eye(3)
    >>> panel = mixing_panel(Painter(network, ["night", "day"], [grey, grey]), side=32)
    >>> panel.sliders["day"].value = 1.0
    >>> panel.image.shape, panel.mix
    ((1, 21, 32, 3), {'night': 1.0, 'day': 1.0})
    """
    if painter is None:
        painter = next(iter(painters()), None)
        if painter is None:
            raise FileNotFoundError(
                "no painter came with this installation: give one, such as that of "
                "nst.train_painter"
            )
    if not isinstance(painter, Painter):
        painter = load_painter(painter)
    return MixingPanel(painter, photo, side)


class MixingPanel(Panel):
    def __init__(self, painter, photo, side):
        self.painter, self.image, self._side = painter, None, side
        self.sliders = {
            name: labelled(
                ipw.FloatSlider, _title(name), value=float(share), min=0.0, max=1.0, step=0.05
            )
            for name, share in zip(painter.names, painter.mix, strict=True)
        }
        self.photo = Chooser("photograph", photo, self._new_photo)
        self.picture = picture(resize(self.photo.image, max_side=side))
        self.save_button = button("Save", "download")
        self.save_button.on_click(lambda _: self.save())
        self.message, self.download = ipw.HTML(), ipw.HTML()
        for each in self.sliders.values():
            each.observe(lambda _: self._paint(), "value")
        self._new_photo()
        controls = [self.photo, *self.sliders.values(), self.save_button, self.message]
        shown = column(self.picture, self.download, width="53%", align_items="center")
        super().__init__([row(column(*controls, width="46%"), shown, align_items="flex-start")])

    @property
    def mix(self) -> dict[str, float]:
        """What the sliders say, by painting."""
        return {name: each.value for name, each in self.sliders.items()}

    def save(self):
        """Paint the photograph large, and offer it for download."""
        try:
            painted = self.painter(self.photo.image, self.mix)
        except ValueError as error:
            self._tell(error)
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mixed.png"
            save_image(painted, path, settings={"mix": self.mix, **self.painter.settings})
            self.download.value = download_html(path, painted.shape[1:3])

    def _new_photo(self):
        self._small = resize(self.photo.image, max_side=self._side)
        self._paint()
        self._paint()  # compiles the network, so that the first slider answers as the others do

    def _paint(self):
        self.download.value = ""
        try:
            self.image = self.painter(self._small, self.mix)
        except ValueError as error:  # all sliders at 0, a tiny picture: the last one stays
            self._tell(error)
            return
        self.message.value = ""
        show_picture(self.picture, self.image, wide=470, tall=470)

    def _tell(self, error):
        text = str(error) if any(self.mix.values()) else "move at least one slider above 0"
        self.message.value = message_html(f"{text[:1].upper()}{text[1:]}.", bad=True)


def _title(name):
    """A painting's title where it has one, else the name itself."""
    return samples.credits(name)[0].title if name in samples.names("painting") else name
