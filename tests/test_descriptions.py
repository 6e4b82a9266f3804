"""Alternative text: every figure is described, and notebooks show the description."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image
from test_plots import grey, run_of

import nsthelpers.plots as plots
from nsthelpers.plots import canvas
from nsthelpers.plots.described import PRINTING

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
#: Notebooks whose pictures must all be described, by the beginning of their names.
DESCRIBED: list[str] = ["01", "02", "03", "04", "05", "06", "08"]

PICTURE = np.random.default_rng(0).uniform(size=(1, 24, 24, 3))


class Images(HTMLParser):
    """The attributes of every image in some HTML."""

    def __init__(self, markup):
        super().__init__()
        self.found = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.found.append(dict(attributes))


def outputs_without_description(notebook):
    """Where a notebook's outputs show a picture without alternative text: (cell, output) numbers.

    A picture as HTML needs one in its tag. One of a type of its own is none that JupyterLab would
    describe, whatever its metadata say, unless HTML is there too: then that is what is shown.
    """
    missing = []
    for number, cell in enumerate(notebook.cells):
        for place, output in enumerate(cell.get("outputs", ())):
            data = output.get("data", {})
            if "text/html" in data:
                images = Images("".join(data["text/html"])).found
                described = all((image.get("alt") or "").strip() for image in images)
            else:
                described = not any(kind.startswith("image/") for kind in data)
            if not described:
                missing.append((number, place))
    return missing


def test_every_picture_of_a_notebook_is_described():
    for name in DESCRIBED:
        (path,) = NOTEBOOKS.glob(f"{name}*.ipynb")
        assert not outputs_without_description(nbformat.read(path, as_version=4)), name


def test_pictures_without_a_description_are_found():
    def cell_with(*datas):
        outputs = [nbformat.v4.new_output("display_data", data) for data in datas]
        return nbformat.v4.new_code_cell(outputs=outputs)

    cells = [
        nbformat.v4.new_markdown_cell("![](picture.png)"),
        cell_with({"image/png": "iVBO"}, {"text/plain": "1"}, {"image/svg+xml": "<svg/>"}),
        cell_with({"text/html": '<p><img src="a.png" alt="A cat."></p>', "image/png": "iVBO"}),
        cell_with({"text/html": '<img src="a.png" alt="A cat."><img src="b.png">'}),
        cell_with({"text/html": '<img src="a.png" alt=" "/>'}, {"text/html": "<p>1</p>"}),
        nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("stream", text="<img>")]),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert outputs_without_description(notebook) == [(1, 0), (1, 2), (3, 0), (4, 0)]


def test_a_notebook_and_its_page_show_the_description():
    cells = [
        "import numpy as np\nimport nsthelpers as nst\ngrey = np.full((1, 32, 48, 3), 0.5)",
        "nst.plots.before_after(grey, grey, title='Two <greys>')",
        "figure = nst.plots.image_grid([grey], description='Grey, \"nothing\" else.')\nfigure",
        "%config InlineBackend.figure_formats = ['png', 'svg']\ndisplay(figure)",
        "nst.Synthesis(grey, [], 'steps', '', {}, 0, 0.0)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    shown = [output for cell in notebook.cells for output in cell.outputs]
    assert [set(output.data) for output in shown] == [{"text/html", "text/plain"}] * 4
    assert not outputs_without_description(notebook)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    for markup in ("".join(output.data["text/html"] for output in shown), page):
        assert [image["alt"] for image in Images(markup).found] == [
            "Two <greys>. Two pictures side by side: before; after.",
            'Grey, "nothing" else.',
            'Grey, "nothing" else.',
            "A picture of 48 x 32 pixels.",
        ]


def test_what_is_shown_is_what_a_notebook_would_print():
    """The same bytes as those of any figure, at the quality that the notebooks ask for."""
    figure = plots.image_grid([PICTURE], ["noise"])
    data = re.fullmatch('<img src="data:image/jpeg;base64,(.*?)" alt=.*', figure._repr_html_())[1]
    assert base64.b64decode(data) == print_figure(figure, fmt="jpg", **PRINTING)
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert image.layer[0][1:3] == image.layer[1][1:3]  # colour at full resolution


def test_a_described_figure_is_a_figure(tmp_path):
    figure = canvas.new_figure(3, 2, description="Nothing yet.")
    figure.subplots().plot([1, 2])
    figure.savefig(tmp_path / "figure.png")
    assert isinstance(figure, Figure)
    with Image.open(tmp_path / "figure.png") as image:
        assert image.size == (330, 220)


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (plots.image_grid([PICTURE]), "One picture."),
        (
            plots.image_grid([PICTURE] * 6, "abcdef", title="Why?"),
            "Why? Six pictures in two rows: a; b; c; d; e; f.",
        ),
        (
            plots.image_grid([grey(), None] * 2, columns=2, row_labels="rs", column_labels="xy"),
            "Two pictures in two rows. Rows: r; s. Columns: x; y.",
        ),
        (
            plots.before_after(grey(), grey(), ("a\nline", "b")),
            "Two pictures side by side: a line; b.",
        ),
        (
            plots.edges([PICTURE], ["noise"]),
            "One picture, and below it the strength of its edges, dark where they are strong: "
            "noise.",
        ),
        (
            plots.feature_maps(PICTURE, [0, 2]),
            "Feature maps, bright where a channel answers: channels 0 and 2.",
        ),
        (
            plots.feature_maps({"one": PICTURE, "two": PICTURE}, [1]),
            "Feature maps, bright where a channel answers: one, channel 1; two, channel 1.",
        ),
        (
            plots.spectrum([PICTURE], ["noise"]),
            "Curves of power against spatial frequency, from coarse to fine, on logarithmic axes: "
            "noise.",
        ),
        (
            plots.loss_curves(run_of([8.0, 4.0, 0.5])),
            "Curve of the loss against step: it goes from 8 to 0.5.",
        ),
        (
            plots.loss_curves(run_of([8.0, 4.0, 0.5], [(8, 8), (16, 16), (16, 16)]), terms=True),
            "Curve of the loss against step: it goes from 4 to 0.5. "
            "Beside it: each term's share of the loss.",
        ),
        (
            plots.loss_curves(
                {"Adam": run_of([8.0, 0.12]), "L-BFGS": run_of([8.0, 0.05])}, "evaluations"
            ),
            "Curves of the loss against evaluations: at the end Adam has 0.12 and L-BFGS has 0.05.",
        ),
        (
            plots.opinion_scores([], {"A": 4.0, "B": 3.55}, reference_label="theirs"),
            "Mean opinion scores from 1 to 5: A 4 (theirs); B 3.55 (theirs).",
        ),
    ],
)
def test_every_figure_says_in_words_what_it_shows(figure, words):
    assert figure.description == words


def test_the_description_can_be_anothers():
    words = {"description": "My own words."}
    figures = [
        plots.image_grid([PICTURE], **words),
        plots.before_after(PICTURE, PICTURE, **words),
        plots.edges([PICTURE], **words),
        plots.feature_maps(PICTURE, **words),
        plots.feature_maps({"one": PICTURE}, **words),
        plots.spectrum([PICTURE], ["noise"], **words),
        plots.loss_curves(run_of([2.0, 1.0]), **words),
        plots.opinion_scores([], {"A": 4.0, "B": 3.5}, **words),
    ]
    assert {figure.description for figure in figures} == {"My own words."}


def test_a_result_says_in_words_what_it_is():
    assert run_of([8.0, 0.5, 0.25]).description == (
        "A picture of 36 x 24 pixels; made in 2 steps for these terms: content, style; "
        "the loss went from 8 to 0.25."
    )
    assert "loss" not in run_of([8.0, 0.5], [(8, 8), (16, 16)]).description
