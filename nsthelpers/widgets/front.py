"""Mark what is in front of a photograph, see the mask at once, and paint front and back."""

from __future__ import annotations

import ipywidgets as ipw
import numpy as np

from ..images import samples
from ..images.arrays import resize, to_png_bytes
from ..masks.foreground import Stroke, front
from ..masks.mask import Mask
from ..masks.shapes import ellipse, rectangle
from ..network.vgg import VGG
from ..objectives.terms import Content, Style, TotalVariation
from ..profiles import profile as run_profile
from ..recipes import open_image
from ..synthesis.loop import synthesize
from .parts import button, labelled, message_html, row, setting_control, show_picture
from .run_panel import RunPanel, steps_slider

try:
    from .strokes import StrokeCanvas
except ImportError:  # without anywidget, strokes are drawn by sliders
    StrokeCanvas = None

__all__ = ["front_panel"]

_MARKS = {"in front": (0.0, 0.62, 0.45), "behind": (0.84, 0.37, 0.0)}  # colours of strokes
_EDGES = (("hard", 0.0), ("1 %", 0.01), ("2 %", 0.02), ("5 %", 0.05))  # of the long side
_BRUSH = 0.03  # width of a stroke drawn by sliders, as a share of the long side
_SHOWN = 440  # pixels of the long side of the photograph with its mask
_SMOOTHING = 0.1  # weight of total variation, as for stylize
_STAYS = "the photograph"


def front_panel(
    content,
    style,
    behind=None,
    *,
    box=(0.1, 0.2, 0.9, 0.8),
    profile=None,
    network: VGG | None = None,
) -> RunPanel:
    """Mark what is in front of a photograph, and paint it otherwise than what is behind.

    Parameters
    ----------
    content : anything :func:`nsthelpers.recipes.open_image` takes
        The photograph.
    style, behind : str or None
        Names of the paintings that are chosen at first, for front and back; None for the
        photograph as it is.
    box : (float, float, float, float), default (0.1, 0.2, 0.9, 0.8)
        Top, left, bottom, right of the box at first, in shares of the height and of the width.
    profile, network
        As for :func:`layer_explorer`.

    Returns
    -------
    RunPanel
        Its ``mask`` is what the picture shows: :class:`nsthelpers.masks.Mask`. ``strokes`` holds
        those that are drawn, ``{"in front": [...], "behind": [...]}``, as
        :func:`nsthelpers.masks.front` takes them. :meth:`draw` and :meth:`undo` do what the
        buttons do.

    Notes
    -----
    Strokes are drawn on the photograph by mouse, finger or pen, or by arrow keys and Enter. Where
    anywidget is not installed, or its script does not run in the page, two sliders move a cross,
    and two buttons join it to the last point of that side: that takes nothing but ipywidgets.

    Examples
    --------
    >>> panel = front_panel("coffee", "stained_glass", network=VGG(weights="random"))
    >>> panel.mask
    a mask of ... pixels that covers 48%
    """
    return FrontPanel(content, style, behind, box, profile or run_profile(), network)


class FrontPanel(RunPanel):
    def __init__(self, content, style, behind, box, profile, network):
        self._photo = open_image(content, max_side=profile.side)
        self._side, self._network = profile.side, network
        self._drawn, self._lifted = [], True  # as the canvas has them; whether the pen is up
        self.shape = labelled(
            ipw.Dropdown, "mark it by", options=["a box", "an ellipse", "what is in front"]
        )
        top, left, bottom, right = box
        self.down = _range("from top", (top, bottom))
        self.across = _range("from left", (left, right))
        self.pen_down, self.pen_across = _pen("pen, down"), _pen("pen, across")
        self.draw_buttons = {
            "in front": button("in front", "pencil"), "behind": button("behind", "pencil"),
        }  # fmt: skip
        self.lift_button, self.undo_button = button("lift pen", "arrow-up"), button("undo", "undo")
        self.edge = labelled(ipw.SelectionSlider, "soft edge", options=_EDGES)
        self.style, self.behind = _painting("in front", style), _painting("behind", behind)
        self.style_weight = setting_control("style_weight")
        self.steps = steps_slider(profile)
        self.note = ipw.HTML()
        pen_buttons = row(*self.draw_buttons.values(), self.lift_button, self.undo_button)
        self._by_sliders = [self.pen_down, self.pen_across, pen_buttons]
        self.canvas = StrokeCanvas and StrokeCanvas()
        controls = [
            self.shape, self.down, self.across, *self._by_sliders, self.edge, self.note,
            self.style, self.behind, self.style_weight, self.steps,
        ]  # fmt: skip
        captions = "bright: in front", "the photograph: nothing has run yet"
        self.mask = rectangle(self._photo, box)
        super().__init__(controls, self._photo, self._photo, captions)
        for side, each in self.draw_buttons.items():
            each.on_click(lambda _, side=side: self.draw(side))
        self.lift_button.on_click(lambda _: self.lift())
        self.undo_button.on_click(lambda _: self.undo())
        for each in (self.shape, self.down, self.across, self.edge):
            each.observe(lambda _: self._mark(), "value")
        for each in (self.pen_down, self.pen_across):
            each.observe(lambda _: self._draw(), "value")
        if self.canvas:
            self.canvas.observe(self._receive, "strokes")
            self.canvas.observe(lambda _: self._draw(), "shown")
        self._mark()

    def arrange(self):
        pictures, others = super().arrange()
        if self.canvas:
            left = pictures.children[0]
            left.children = (self.canvas, *left.children)
        return [pictures, others]

    @property
    def strokes(self):
        """The strokes of both sides."""
        found = {side: [] for side in _MARKS}
        for each in self._drawn:
            points = [tuple(point) for point in each["points"]]
            found[each["side"]].append(Stroke(points, each["width"]))
        return found

    @property
    def box(self):
        """Top, left, bottom, right."""
        (top, bottom), (left, right) = self.down.value, self.across.value
        return top, left, bottom, right

    def draw(self, side):
        """Join the pen's place to the last stroke of a side; ``"in front"`` or ``"behind"``."""
        *others, last = self._drawn or [None]
        point = [self.pen_down.value, self.pen_across.value]
        if last and last["side"] == side and not self._lifted:
            drawn = [*others, {**last, "points": [*last["points"], point]}]
        else:
            drawn = [*self._drawn, {"side": side, "width": _BRUSH, "points": [point]}]
        self._lifted = False
        self._take(drawn)

    def lift(self):
        """Lift the pen: the next point begins a new stroke."""
        self._lifted = True

    def undo(self):
        """Take the last point away."""
        if self._drawn:
            *others, last = self._drawn
            points = last["points"][:-1]
            self._take([*others, {**last, "points": points}] if points else others)

    def _receive(self, change):
        """Strokes from the page."""
        if change["new"] != self._drawn:
            self._lifted = True
            try:
                self._take(change["new"])
            finally:  # else the page would wait for good
                self.canvas.taken += 1

    def _take(self, drawn):
        """These are the strokes now, and they mark what is in front."""
        self._drawn = drawn
        if self.canvas:
            self.canvas.strokes = drawn
        if drawn and self.shape.value != "what is in front":
            self.shape.value = "what is in front"  # which marks it
        else:
            self._mark()

    def job(self):
        mask, steps, weight = self.mask, self.steps.value, self.style_weight.value
        objective = Content(self._photo, network=self._network) + _SMOOTHING * TotalVariation()
        for region, name in ((mask, self.style.value), (~mask, self.behind.value)):
            if name is not None and region.array.any():
                painting = open_image(name, max_side=self._side)
                term = Style(painting, region=region, network=self._network)
                objective += weight * region.share * term
        if len(objective.parts) == 2:
            raise ValueError("nothing is to be painted; choose a painting in front, or behind")
        return lambda callback: synthesize(
            objective, self._photo, steps=steps, callbacks=callback, progress=False
        )

    def _mark(self):
        """Make the mask that the controls say, and show it."""
        try:
            self.mask = self._made().feather(self.edge.value)
            text, bad = f"In front: {self.mask.share:.0%} of the picture.", False
        except ValueError as error:  # the last mask stays
            text, bad = f"{str(error)[:1].upper()}{str(error)[1:]}.", True
        self.note.value = message_html(text, bad)
        self._draw()

    def _made(self) -> Mask:
        if self.shape.value == "a box":
            return rectangle(self._photo, self.box)
        if self.shape.value == "an ellipse":
            return ellipse(self._photo, self.box)
        return front(
            self._photo, self.box, strokes=self.strokes["in front"],
            behind=self.strokes["behind"], network=self._network,
        )  # fmt: skip

    def _draw(self):
        """The photograph, dark and grey behind, with the strokes and the pen."""
        photo = resize(self._photo, max_side=_SHOWN)
        height, width = photo.shape[1:3]
        weight = self.mask.at(height, width)[None, :, :, None]
        grey = 0.35 * photo.mean(axis=-1, keepdims=True)
        shown = weight * photo + (1 - weight) * grey
        by_hand = self.canvas is not None and self.canvas.shown
        for each in (self.beside, *self._by_sliders):
            each.layout.display = "none" if by_hand else None
        if by_hand:  # the canvas draws the strokes itself
            self.canvas.picture = to_png_bytes(shown)
            return
        for side, strokes in self.strokes.items():
            for stroke in strokes:
                _paint_line(shown, stroke, _MARKS[side])
        _paint_cross(shown, (self.pen_down.value, self.pen_across.value))
        show_picture(self.beside, shown)


def _range(description, value):
    return labelled(
        ipw.FloatRangeSlider, description, value=value, min=0.0, max=1.0, step=0.01,
        continuous_update=False, readout_format=".2f",
    )  # fmt: skip


def _pen(description):
    return labelled(ipw.FloatSlider, description, value=0.5, min=0.0, max=1.0, step=0.01)


def _painting(description, chosen):
    paintings = [each for each in samples.credits() if each.role == "painting"]
    options = [(_STAYS, None), *((each.title, each.name) for each in paintings)]
    if chosen not in [name for _, name in options]:
        names = ", ".join(repr(name) for _, name in options[1:])
        raise ValueError(f"no painting {chosen!r}; expected None or one of {names}")
    return labelled(ipw.Dropdown, description, options=options, value=chosen)


def _paint_line(shown, stroke, colour):
    """Colour the pixels under a stroke, in place."""
    from skimage.draw import disk, line

    height, width = shown.shape[1:3]
    places = [_pixel(point, height, width) for point in stroke.points]
    radius = max(1.0, stroke.width / 2 * max(height, width))
    for start, end in zip(places, [*places[1:], places[-1]], strict=True):
        for where in zip(*line(*start, *end), strict=True):
            shown[0][disk(where, radius, shape=(height, width))] = colour


def _paint_cross(shown, point):
    """A white cross with a dark rim, in place."""
    height, width = shown.shape[1:3]
    row_, column = _pixel(point, height, width)
    arm = max(2, max(height, width) // 40)
    for wide, colour in ((2, 0.0), (1, 1.0)):
        for tall, across in ((arm, wide), (wide, arm)):
            rows = slice(max(0, row_ - tall + 1), row_ + tall)
            columns = slice(max(0, column - across + 1), column + across)
            shown[0, rows, columns] = colour


def _pixel(point, height, width):
    """The pixel of a point that is given in shares."""
    places = np.minimum((np.asarray(point) * (height, width)).astype(int), (height - 1, width - 1))
    return tuple(int(each) for each in places)
