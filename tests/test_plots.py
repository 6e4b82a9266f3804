"""Figures: what is in them, where it stands, and that the numbers drawn are the right ones."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

import nsthelpers as nst
import nsthelpers.plots as plots
from nsthelpers.plots import canvas
from nsthelpers.synthesis.results import Record, Synthesis


def grey(height=24, width=36, level=0.5):
    return np.full((1, height, width, 3), level, "float32")


def run_of(losses, sizes=None, terms=("content", "style"), weights=(1.0, 10.0)):
    """A finished run whose losses are given; each term's loss is half of the whole."""
    sizes = sizes or [(32, 32)] * len(losses)
    history = [
        Record(step, 2 * step, 0.5 * step, loss, dict.fromkeys(terms, loss / 2), size)
        for step, (loss, size) in enumerate(zip(losses, sizes, strict=True))
    ]
    described = {term: {"weight": w} for term, w in zip(terms, weights, strict=True)}
    return Synthesis(
        grey(), history, "steps", "", {"objective": {"terms": described}}, len(losses), 1.0
    )


def drawn(figure):
    """The figure's pixels."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return np.asarray(Image.open(stream).convert("RGB"))


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_grid_shows_pictures_and_captions():
    figure = plots.image_grid([grey(level=0.2), grey(level=0.8)], ["dark", "light"], title="Two")
    assert len(figure.axes) == 2
    assert texts(figure) == ["Two", "dark", "light"]
    levels = set(drawn(figure)[:, :, 0].ravel().tolist())
    assert {51, 204, 255} <= levels


def test_grid_takes_arrays_syntheses_and_pil_images():
    figure = plots.image_grid([grey(), run_of([1.0]), nst.to_pil(grey())])
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert [picture.shape for picture in shown] == [(24, 36, 3)] * 3
    assert all(np.allclose(picture, 0.5, atol=0.01) for picture in shown)


def test_grid_leaves_a_place_empty_for_none():
    figure = plots.image_grid([grey(), None, grey(), grey()], columns=2)
    assert len(figure.axes) == 3


def test_grid_keeps_every_aspect():
    shapes = [(20, 60), (60, 20), (40, 40)]
    figure = plots.image_grid([grey(*shape) for shape in shapes])
    width, height = figure.get_size_inches()
    for axes, (rows, columns) in zip(figure.axes, shapes, strict=True):
        box = axes.get_position(original=True)
        # In its box a picture keeps its aspect by itself; the box must not be too small for it.
        assert box.width * width * rows <= box.height * height * columns * 1.001
        assert axes.get_aspect() == 1


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.integers(16, 80), st.integers(16, 80)), min_size=1, max_size=9),
    st.integers(1, 5),
)
def test_pictures_of_a_grid_stay_on_the_sheet_and_apart(shapes, columns):
    figure = plots.image_grid([grey(*shape) for shape in shapes], columns=columns)
    boxes = [axes.get_position(original=True) for axes in figure.axes]
    assert len(boxes) == len(shapes)
    for number, box in enumerate(boxes):
        assert -1e-9 <= box.x0 < box.x1 <= 1 + 1e-9 and -1e-9 <= box.y0 < box.y1 <= 1 + 1e-9
        for other in boxes[:number]:
            apart = max(box.x0 - other.x1, other.x0 - box.x1, box.y0 - other.y1, other.y0 - box.y1)
            assert apart >= -1e-9


def test_labels_stand_beside_rows_and_above_columns():
    figure = plots.image_grid([grey()] * 4, columns=2, row_labels=["r", "s"], column_labels="ab")
    assert sorted(texts(figure)) == ["a", "b", "r", "s"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"images": []}, "no image"),
        ({"images": [None]}, "no image"),
        ({"images": [grey()], "captions": ["a", "b"]}, "2 captions for 1 images"),
        ({"images": [grey()] * 4, "columns": 2, "row_labels": ["a"]}, "1 row_labels for 2 rows"),
        ({"images": [grey()], "column_labels": "ab"}, "2 column_labels for 1 columns"),
        ({"images": [grey()], "columns": 0}, "columns is 0"),
    ],
)
def test_grid_says_what_does_not_fit(arguments, words):
    with pytest.raises(ValueError, match=words):
        plots.image_grid(**arguments)


def test_long_captions_are_wrapped_not_cut():
    caption = "a caption of many words that cannot stand on a single line under its picture"
    figure = plots.image_grid([grey()] * 4, [caption, "", "", ""])
    shown = texts(figure)[0]
    assert "\n" in shown
    assert shown.replace("\n", " ") == caption


def test_before_after_names_both():
    assert texts(plots.before_after(grey(), grey())) == ["before", "after"]


def test_figures_do_not_pile_up():
    from matplotlib._pylab_helpers import Gcf

    figures = [plots.before_after(grey(), grey()) for _ in range(25)]
    assert len(figures) == 25
    assert Gcf.get_all_fig_managers() == []


@pytest.mark.parametrize(("x", "last"), [("step", 3), ("evaluations", 6), ("seconds", 1.5)])
def test_loss_curve_has_the_recorded_numbers(x, last):
    figure = plots.loss_curves(run_of([8.0, 4.0, 2.0, 1.0]), x=x)
    (line,) = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 4]
    assert line.get_xdata()[-1] == last
    assert list(line.get_ydata()) == [8.0, 4.0, 2.0, 1.0]
    assert figure.axes[0].get_xlabel() == x
    assert figure.axes[0].get_yscale() == "log"


def test_loss_curve_is_interrupted_where_the_size_changes():
    sizes = [(16, 24)] * 3 + [(32, 48)] * 2
    axes = plots.loss_curves(run_of([5.0, 4.0, 3.0, 6.0, 2.0], sizes)).axes[0]
    curves = [list(line.get_ydata()) for line in axes.lines if line.get_linestyle() == "-"]
    assert curves == [[5.0, 4.0, 3.0], [6.0, 2.0]]
    assert [text.get_text().strip() for text in axes.texts] == ["24 px", "48 px"]


def test_terms_of_one_run_add_up_to_its_loss():
    run = run_of([8.0, 4.0], weights=(1.0, 1.0))
    total, shares = plots.loss_curves(run, terms=True).axes
    content, style = (line.get_ydata() for line in shares.lines)
    assert np.allclose(content + style, total.lines[0].get_ydata())
    assert [text.get_text() for text in shares.get_legend().get_texts()] == ["content", "style"]


def test_weights_scale_the_shares():
    shares = plots.loss_curves(run_of([8.0, 4.0], weights=(1.0, 10.0)), terms=True).axes[1]
    assert list(shares.lines[1].get_ydata()) == [40.0, 20.0]


def test_several_runs_get_a_panel_for_each_term_and_one_legend():
    runs = {"A": run_of([8.0, 4.0]), "B": run_of([9.0, 3.0], terms=("style",), weights=(1.0,))}
    figure = plots.loss_curves(runs, terms=True)
    titles = [axes.get_title("left") for axes in figure.axes if axes.axison]
    assert titles == ["loss", "content (before its weight)", "style (before its weight)"]
    assert [len(axes.lines) for axes in figure.axes if axes.axison] == [2, 1, 2]
    assert [axes.get_legend() is not None for axes in figure.axes] == [True, False, False, False]


def test_a_loss_of_zero_does_not_stretch_the_logarithmic_axis():
    low, high = plots.loss_curves(run_of([0.0, 2.0, 1.0])).axes[0].get_ylim()
    assert 0.5 < low < 1 < 2 < high


@pytest.mark.parametrize(
    ("results", "x", "problem"),
    [
        ({}, "step", "no result to show; pass at least one"),
        (run_of([1.0]), "epoch", "x is 'epoch'; expected 'step'"),
    ],
)
def test_loss_curves_reject_what_they_cannot_draw(results, x, problem):
    with pytest.raises(ValueError, match=problem):
        plots.loss_curves(results, x)


def test_an_empty_history_gives_empty_axes():
    axes = canvas.new_figure(3, 2).subplots()
    nst.plots.curves.draw_loss(axes, [])
    assert not axes.lines and not axes.get_xticks().size


def test_feature_maps_choose_the_most_varied_channels():
    maps = np.zeros((1, 12, 12, 30), "float32")
    maps[0, 5, 5, [3, 17]] = 1.0
    maps[0, 0, :, 8] = 100.0  # only at the border: an answer to the padding
    figure = plots.feature_maps(maps, count=2)
    assert texts(figure) == ["channel 3", "channel 17"]
    assert len(figure.axes) == 2


def test_feature_maps_of_several_layers_stand_in_rows(network, photo):
    layers = ["block1_conv1", "block3_conv1"]
    figure = plots.feature_maps(network.features(photo, layers), count=3)
    assert len(figure.axes) == 6
    assert [text for text in texts(figure) if text in layers] == layers


@pytest.mark.parametrize("channels", [[4], [-1]])
def test_feature_maps_reject_missing_channels(channels):
    with pytest.raises(ValueError, match="0 to 3"):
        plots.feature_maps(np.zeros((1, 4, 4, 4)), channels)


def test_feature_maps_reject_other_shapes():
    with pytest.raises(ValueError, match="channels"):
        plots.feature_maps(np.zeros((4, 4, 4)))


def test_layer_table_has_every_layer():
    table = plots.layer_table()
    page, lines = table._repr_html_(), repr(table).splitlines()
    assert len(lines) == 1 + 21 and page.count("<tr>") == 22
    assert "<td" in page and "block5_pool" in page
    assert lines[1].split() == "block1_conv1 conv1_1 224 × 224 × 64 1,792 1 3".split()


def test_table_escapes_and_aligns():
    table = plots.Table(["name", "number"], [("<b>", 1), ("c", 1000)])
    assert "&lt;b&gt;" in table._repr_html_() and "<b>" not in table._repr_html_()
    assert repr(table).splitlines() == ["name  number", "<b>        1", "c      1,000"]


def test_spectrum_of_a_wave_peaks_at_its_frequency():
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * np.arange(64) / 8)
    image = np.broadcast_to(wave[None, None, :, None], (1, 64, 64, 3))
    line = plots.spectrum([image], ["wave"]).axes[0].lines[0]
    assert line.get_xdata()[np.argmax(line.get_ydata())] == pytest.approx(1 / 8, abs=1 / 64)


def test_spectrum_of_noise_is_flat_at_its_variance():
    noise = np.random.default_rng(0).uniform(size=(1, 128, 128, 1)).repeat(3, axis=-1)
    line = plots.spectrum([noise], ["noise"]).axes[0].lines[0]
    assert np.mean(line.get_ydata()[5:]) == pytest.approx(1 / 12, rel=0.1)


def test_edges_are_dark_where_the_step_is():
    image = grey(32, 32, 0.0)
    image[:, :, 16:] = 1.0
    picture, edge = plots.edges([image], ["step"]).axes
    strength = np.asarray(edge.images[0].get_array())[..., 0]
    assert strength[16, 15:17].max() == 0.0
    assert strength[16, :12].min() == strength[16, 20:].min() == 1.0
    assert np.array_equal(picture.images[0].get_array(), image[0])


def test_edges_of_flat_pictures_are_white():
    edge = plots.edges([grey()]).axes[1]
    assert np.asarray(edge.images[0].get_array()).min() == 1.0


def test_every_figure_is_more_than_a_white_sheet():
    noise = np.random.default_rng(0).uniform(size=(1, 24, 24, 3))
    figures = [
        plots.image_grid([noise]),
        plots.before_after(noise, noise),
        plots.loss_curves(run_of([2.0, 1.0])),
        plots.feature_maps(noise),
        plots.spectrum([noise], ["noise"]),
        plots.edges([noise]),
    ]
    assert all(drawn(figure).std() > 5 for figure in figures)


def test_long_labels_are_wrapped_to_their_pictures():
    columns = ["original", "second convolutions in the style", "all of blocks 4 and 5, together"]
    rows = ["the photograph as it was", "stained glass in front of it"]
    figure = plots.image_grid(
        [grey()] * 6, columns=3, column_labels=columns, row_labels=rows, width=4.5, title="changes"
    )
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [text.get_window_extent(renderer) for text in figure.texts]
    pictures = [axes.get_window_extent(renderer) for axes in figure.axes]
    assert sum("\n" in text.get_text() for text in figure.texts) >= 3
    for box in boxes:
        assert not any(box.overlaps(picture) for picture in pictures)
        assert not any(box.overlaps(other) for other in boxes if other is not box)
