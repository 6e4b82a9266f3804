"""The studio: any photograph in the manner of any painting."""

from __future__ import annotations

import tempfile
from pathlib import Path

import ipywidgets as ipw
import numpy as np
from traitlets import TraitError

from ..images import samples
from ..images.arrays import resize
from ..jobs import METHODS, settings_of
from ..network.vgg import VGG
from ..profiles import profile as run_profile
from ..recipes import open_image, stylize
from .keeping import Kept
from .parts import (
    column,
    download_html,
    labelled,
    layout,
    message_html,
    row,
    setting_control,
    show_picture,
)
from .run_panel import SMOOTHING, RunPanel, optimizer_menu, run_settings, steps_slider

__all__ = ["Chooser", "studio", "Studio", "uploaded"]

_SIDES = {"fast": (32, 48, 64), "cpu": (128, 192, 256, 384), "gpu": (256, 384, 512, 768, 1024)}
_LARGEST = 1024  # pixels of the long side that are kept of a picture
_CHECKPOINT_SECONDS = 15  # a run of the studio takes a minute or two


def studio(
    content="chelsea",
    style="swirling_night",
    *,
    profile=None,
    network: VGG | None = None,
    checkpoint=None,
) -> RunPanel:
    """Paint any photograph in the manner of any painting, and take the result home.

    Parameters
    ----------
    content, style : anything :func:`nsthelpers.recipes.open_image` takes
        What is chosen at first.
    profile, network
        As for :func:`layer_explorer`.
    checkpoint : str or Path, optional
        A folder in which the last run is kept on the way: its state, up to 500 bytes for each
        pixel, and what the controls said. After Stop, or when the kernel has died, the controls
        come back with the cell, and Run goes on from there, with the same result as if nothing
        had happened. Uploaded pictures are not kept: upload them again first. On Colab, take a
        folder of a mounted Drive. Default: nothing is kept.

    Returns
    -------
    RunPanel

    Examples
    --------
    >>> panel = studio("coffee", network=VGG(weights="random"))
    >>> panel.style_weight.value, panel.running
    (10.0, False)
    """
    return Studio(content, style, profile or run_profile(), network, checkpoint)


class Studio(RunPanel):
    def __init__(self, content, style, profile, network, checkpoint=None):
        self._network, self._latest, self._photo = network, None, None
        self._kept = None if checkpoint is None else Kept(checkpoint)
        self.content = Chooser("photograph", content, self._new_photo)
        self.style = Chooser("painting", style, lambda: None)
        self.method = setting_control("method")
        self.style_weight = setting_control("style_weight")
        self.statistic = setting_control("statistic")
        self.smoothing = setting_control(
            "tv_weight", "smoothing", kind=ipw.SelectionSlider, options=SMOOTHING
        )
        self.size = labelled(
            ipw.SelectionSlider, "size (pixels)", options=_SIDES[profile.name], value=profile.side
        )
        self.steps = steps_slider(profile)
        starts = [
            ("the photograph, recoloured", "recoloured"), ("the photograph", "content"),
            ("the painting", "style"), ("noise", "noise"),
        ]  # fmt: skip
        self.start = setting_control("start", "start from", options=starts)
        self.optimizer = optimizer_menu()
        self.compare = ipw.FloatSlider(
            0, min=0, max=1, step=0.01, readout=False, layout=layout(flex="1 1 200px")
        )
        self.compare.observe(lambda _: self._draw(), "value")
        self.download = ipw.HTML()
        controls = [
            self.method, self.style_weight, self.statistic, self.smoothing, self.size, self.steps,
            self.start, self.optimizer,
        ]  # fmt: skip
        self.method.observe(self._take_over, "value")
        photo = self.content.image
        super().__init__(controls, photo, photo, ("", ""))
        self._new_photo()
        if self._kept is not None:
            self._bring_back(self._kept.controls())

    def arrange(self):
        choosers = row(self.content, self.style, align_items="flex-start")
        wipe = row(ipw.Label("result"), self.compare, ipw.Label("photograph"), width="90%")
        left = choosers, *self.controls, self.buttons(), self.status, self.curve
        right = self.picture, wipe, self.download
        return [
            row(
                column(*left, width="46%"),
                column(*right, width="53%", align_items="center"),
                align_items="flex-start",
            )
        ]

    def job(self):
        self._photo, self._latest, self.download.value = self.content.image, None, ""
        photo, painting = self._photo, self.style.image
        choices = {
            "max_side": self.size.value,
            "method": self.method.value,
            "style_weight": self.style_weight.value,
            "statistic": self.statistic.value,
            "tv_weight": self.smoothing.value,
            "start": self.start.value,
            "network": self._network,
            **run_settings(self),
        }
        if self._kept is not None:
            said = {name: control.value for name, control in self._named_controls().items()}
            choices["checkpoint"] = self._kept.state(said, photo, painting)
            choices["checkpoint_seconds"] = _CHECKPOINT_SECONDS
        return lambda callback: stylize(
            photo, painting, callbacks=callback, progress=False, **choices
        )

    def _named_controls(self):
        """What decides the picture, by name; the method first, for it sets others."""
        return {
            "method": self.method, "style_weight": self.style_weight,
            "statistic": self.statistic, "smoothing": self.smoothing, "size": self.size,
            "steps": self.steps, "start": self.start, "optimizer": self.optimizer,
            "photograph": self.content.menu, "painting": self.style.menu,
        }  # fmt: skip

    def _bring_back(self, said):
        """Set the controls to what they said in the run that was kept, as far as they can be."""
        lost = []
        for name, control in self._named_controls().items():
            if name in said:
                try:
                    control.value = said[name]
                except TraitError:  # an upload, which stayed in the old kernel; another profile
                    lost.append(name)
        if lost:
            self._set_message(
                f"Of the last run, {' and '.join(lost)} cannot be brought back. Set it as it was, "
                "and Run goes on; anything else begins anew."
            )
        elif said:
            self._set_message("The last run is kept: Run goes on with it.")

    def _take_over(self, change):
        """The controls show what a method sets; only "gatys" has a statistic to choose."""
        usual = {name: each.default for name, each in settings_of("stylize").items()}
        usual |= METHODS[change["new"]].settings
        for name, control in {
            "style_weight": self.style_weight, "statistic": self.statistic,
            "tv_weight": self.smoothing, "start": self.start, "optimizer": self.optimizer,
        }.items():  # fmt: skip
            control.value = usual[name]
        self.statistic.disabled = change["new"] != "gatys"

    def show(self, image, final=False):
        self._latest = image
        self._draw(final)

    def offer(self, result):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stylized.png"
            result.save(path)  # so that the settings are in the file
            self.download.value = download_html(path, result.image.shape[1:3])

    def _new_photo(self):
        if not self.running:
            self._photo, self._latest, self.download.value = self.content.image, None, ""
            self._draw()

    def _draw(self, final=True):
        longest = 640 if final else 384
        photo = resize(self._photo, max_side=longest)
        latest = self._latest  # a new run may take it away meanwhile
        if latest is not None:
            result = resize(latest, max_side=longest)
            photo = resize(photo, size=result.shape[1:3])
            photo = _cut(photo, result, self.compare.value)
        show_picture(self.picture, photo, wide=470, tall=470)


class Chooser(ipw.VBox):
    """A thumbnail, a list of samples, a button to upload: one picture."""

    def __init__(self, role, source, changed):
        self.image, self._images, self._changed = None, {}, lambda: None
        self.message = ipw.HTML()
        options = [(_title(each), each.name) for each in samples.credits() if each.role == role]
        if not isinstance(source, str) or source not in dict(map(reversed, options)):
            self._images["given"] = open_image(source, max_side=_LARGEST)
            options.insert(0, (f"your {role}", "given"))
            source = "given"
        self.menu = ipw.Dropdown(options=options, value=source, layout=layout(width="98%"))
        self.upload = ipw.FileUpload(
            description="Upload your own", accept="image/*", layout=layout(width="98%")
        )
        self.thumbnail = ipw.Image(layout=layout(max_width="98%"))
        self._choose()
        self._changed = changed
        self.menu.observe(self._choose, "value")
        self.upload.observe(self._receive, "value")
        children = [self.thumbnail, self.menu, self.upload, self.message]
        super().__init__(children, layout=layout(width="49%", align_items="center"))

    def _choose(self, change=None):
        name = self.menu.value
        try:
            if name not in self._images:
                self._images[name] = open_image(name, max_side=_LARGEST)
        except (OSError, ValueError) as error:  # a download that fails
            if change is None:
                raise
            self.menu.value = change["old"]
            self.message.value = message_html(error, bad=True)
            return
        self.image = self._images[name]
        show_picture(self.thumbnail, self.image, 256, wide=160, tall=96)
        self.message.value = ""
        self._changed()

    def _receive(self, change):
        for name, data in uploaded(change["new"]):
            try:
                image = open_image(data, max_side=_LARGEST)
            except (OSError, ValueError) as error:
                self.message.value = message_html(f"{name}: {error}", bad=True)
                continue
            key = f"uploaded {name}"  # a file may be called like a sample
            self._images[key] = image
            others = [pair for pair in self.menu.options if pair[1] != key]
            self.menu.options = [(name, key), *others]
            self.menu.value = key
            self._choose()  # also when it has the name of the one before


def uploaded(value) -> list[tuple[str, bytes]]:
    """Read what was chosen in an ``ipywidgets.FileUpload``, under ipywidgets 7 (Colab) and 8.

    Parameters
    ----------
    value : dict, tuple or list of dict
        The ``value`` of the FileUpload. ipywidgets 7 gives a dict of files by name, 8 a tuple.

    Returns
    -------
    list of (str, bytes)
        Name and content of every file; :func:`nsthelpers.load_image` takes such bytes. Empty
        where nothing was chosen.

    Examples
    --------
    >>> uploaded({"a.png": {"metadata": {"name": "a.png"}, "content": b"data"}})
    [('a.png', b'data')]
    >>> uploaded(({"name": "a.png", "content": memoryview(b"data")},))
    [('a.png', b'data')]
    """
    if isinstance(value, dict):
        return [(name, bytes(entry["content"])) for name, entry in value.items()]
    return [(entry["name"], bytes(entry["content"])) for entry in value]


def _title(credit):
    return f"{credit.title}{' (download)' if credit.kind == 'download' else ''}"


def _cut(photo, result, share):
    """The photograph at the left up to a share of the width, the result at the right."""
    place = round(share * photo.shape[2])
    joined = np.concatenate([photo[:, :, :place], result[:, :, place:]], axis=2)
    if 0 < place < photo.shape[2]:
        joined[:, :, place - 1 : place + 1] = 1.0
    return joined
