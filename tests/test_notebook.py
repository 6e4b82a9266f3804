"""The set-up of the notebooks: profile, session, estimates, and what a kernel really shows."""

from __future__ import annotations

import warnings

import nbformat
import pytest
from nbclient import NotebookClient

from nsthelpers import profiles
from nsthelpers.backend import Device
from nsthelpers.lessons import notebook
from nsthelpers.synthesis.timing import Timing


@pytest.fixture
def quick_setup(monkeypatch, network):
    """``setup`` with an untrained network, and the warning filters put back afterwards."""
    monkeypatch.setattr(notebook, "default_network", lambda: network)
    with warnings.catch_warnings():
        yield


@pytest.mark.parametrize("name", ["fast", "cpu", "gpu"])
def test_profile_follows_the_environment(monkeypatch, name):
    monkeypatch.setenv("NST_PROFILE", f" {name.upper()} ")
    chosen = notebook.profile()
    assert chosen.name == name
    assert chosen.grid_side <= chosen.side and chosen.grid_steps <= chosen.steps


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
@pytest.mark.parametrize("unset", [None, ""])
def test_profile_follows_the_device_otherwise(monkeypatch, kind, unset):
    if unset is None:
        monkeypatch.delenv("NST_PROFILE", raising=False)
    else:
        monkeypatch.setenv("NST_PROFILE", unset)
    monkeypatch.setattr(profiles, "device", lambda: Device(kind, "some", 2))
    assert notebook.profile().name == kind


def test_unknown_profile_names_the_known_ones(monkeypatch):
    monkeypatch.setenv("NST_PROFILE", "quick")
    with pytest.raises(ValueError, match="'quick'; expected 'fast', 'cpu' or 'gpu'"):
        notebook.profile()


def test_setup_tells_where_it_runs(monkeypatch, quick_setup, network, capsys):
    monkeypatch.setenv("NST_PROFILE", "cpu")
    session = notebook.setup()
    for shown in (repr(session), session._repr_html_()):
        for part in ("CPU", "TensorFlow", "Keras", "VGG19", network.source, "cpu (256 px"):
            assert part in shown
    assert session.network is network
    assert "".join(capsys.readouterr()) == ""


def test_missing_weights_stop_the_setup(monkeypatch):
    def fail():
        raise OSError("no weights; ways out: ...")

    monkeypatch.setattr(notebook, "default_network", fail)
    with pytest.raises(OSError, match="ways out"):
        notebook.setup()


def test_fast_profile_makes_warnings_errors(monkeypatch, quick_setup):
    monkeypatch.setenv("NST_PROFILE", "fast")
    warnings.simplefilter("ignore")
    notebook.setup()
    with pytest.raises(UserWarning, match="ours"):
        warnings.warn("ours", stacklevel=1)
    for module in ("ipykernel.comm.comm", "traitlets.traitlets", "zmq"):
        warnings.warn_explicit("theirs", DeprecationWarning, "file.py", 1, module=module)
    with pytest.raises(DeprecationWarning, match="mine"):
        warnings.warn_explicit("mine", DeprecationWarning, "file.py", 1, module="commission")


def test_other_profiles_leave_warnings_alone(monkeypatch, quick_setup):
    monkeypatch.setenv("NST_PROFILE", "cpu")
    before = list(warnings.filters)
    notebook.setup()
    assert list(warnings.filters) == before


def test_minutes_are_evaluations_times_pixels_plus_compiling(monkeypatch):
    timing = Timing(compiling=3.0, preparing=0.0, fixed=0.0, per_pixel=1e-5)
    monkeypatch.setattr(notebook, "_timing", lambda network, side: timing)
    seconds = 60 * notebook.expected_minutes({300: 100}, network=object())
    assert seconds == pytest.approx(3 + 100 * 300 * 200 * 1e-5)
    pairs = [(300, 100), (150, 40), (300, 100)]
    seconds = 60 * notebook.expected_minutes(pairs, network=object())
    assert seconds == pytest.approx(6 + (200 * 300 * 200 + 40 * 150 * 100) * 1e-5)


@pytest.mark.parametrize("pair", [(0, 10), (64, 0), (-64, 10), (64, float("nan"))])
def test_minutes_need_positive_numbers(network, pair):
    with pytest.raises(ValueError, match="positive"):
        notebook.expected_minutes([pair], network=network)


def test_measurement_is_made_once_and_real(monkeypatch, network):
    monkeypatch.setenv("NST_PROFILE", "fast")
    first = notebook.expected_minutes({64: 10}, network=network)
    assert 0 < first == notebook.expected_minutes({64: 10}, network=network)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0.001, "about 1 second"),
        (0.1, "about 6 seconds"),
        (0.5, "about 30 seconds"),
        (1.2, "about 1 minute"),
        (4.4, "about 4 minutes"),
        (120, "about 2.0 hours"),
    ],
)
def test_the_expected_time_reads_like_a_sentence(monkeypatch, minutes, words):
    monkeypatch.setattr(notebook, "expected_minutes", lambda *_, **__: minutes)
    monkeypatch.setattr(notebook, "device", lambda: Device("cpu", "x86_64", 2))
    shown = notebook.expected_time({64: 10})
    assert repr(shown) == shown == f"{words} on this device (CPU, 2 cores)"
    assert shown._repr_html_() == f"<p>{shown}</p>"


def test_the_expected_time_names_the_gpu_escaped(monkeypatch):
    monkeypatch.setattr(notebook, "expected_minutes", lambda *_, **__: 3)
    monkeypatch.setattr(notebook, "device", lambda: Device("gpu", "Tesla <T4>", 2))
    shown = notebook.expected_time({64: 10})
    assert repr(shown) == "about 3 minutes on this device (GPU, Tesla <T4>)"
    assert "Tesla &lt;T4&gt;" in shown._repr_html_()


def test_a_kernel_shows_each_figure_once_as_jpeg():
    figure = "nst.plots.before_after(nst.white_noise(16, 16), nst.white_noise(16, 16))"
    cells = [
        f"import nsthelpers as nst\n{figure}",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        figure,
    ]
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(document, timeout=300, kernel_name="python3").execute()
    for cell in document.cells:
        (output,) = [each for each in cell.outputs if "data" in each]
        assert cell.outputs == [output]
        # A figure of ours has alternative text, for which it must be HTML.
        kinds = {kind for kind in output.data if kind != "text/plain"}
        assert kinds == ({"image/jpeg"} if "plt" in cell.source else {"text/html"})
        assert "image/jpeg" in kinds or "data:image/jpeg;" in output.data["text/html"]
