"""How the package is built: imports run downwards, one door to TensorFlow, public names."""

from __future__ import annotations

import ast
import graphlib
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import house
import pytest

import nsthelpers as nst

ROOT = house.ROOT
PRINTING = {
    "__main__",
    "cli.commands",
    "cli.live",
    "cli.painters",
    "cli.record",
    "cli.sweep",
}  # the command line
# What users type: a name may be added, never lost.
PUBLIC = """
    Activation Adam add_painting as_image backend balance balancing check checks combine_styles
    Content deprocess diagrams estimate explain flicker geometric_weights gram_matrix images
    Laplacian layer_table LBFGS load_image load_painter load_weights losses masks match_colours
    notebook Objective objectives optimizers own paint_video Painter painters plots poster predict
    preprocess quiz read_settings recipes reconstruct_content reconstruct_style record resize
    samples save_image SGD statistics strongest_patches studies Style stylize sweep synthesis
    Synthesis synthesize terms to_pil TotalVariation train_painter VGG vgg weights white_noise
    widgets

    backend.keras balancing.gradient_norms checks.tasks diagrams.Drawing diagrams.convolution
    diagrams.gram diagrams.loop diagrams.network_map diagrams.painter diagrams.series_map
    images.colour_difference images.luminance images.to_png_bytes images.to_uint8
    images.with_luminance losses.content_loss losses.gram_matrix losses.style_loss
    losses.total_variation masks.by_brightness masks.by_colour masks.by_words masks.ellipse
    masks.everywhere masks.front masks.half masks.load masks.Mask masks.rectangle masks.Stroke
    masks.third notebook.expected_minutes notebook.expected_time notebook.profile notebook.setup
    objectives.as_objective objectives.Evaluation objectives.NearestNeighbours objectives.Palette
    objectives.SelfSimilarity objectives.Term own.loop own.optimizer own.paint own.painter
    own.regions own.statistic own.terms plots.before_after plots.DescribedFigure plots.edges
    plots.feature_maps plots.image_grid plots.layer_table plots.loss_curves plots.opinion_scores
    plots.PALETTE plots.slider_figure plots.SliderFigure plots.spectrum plots.Table
    real_time.TrainingProgress recipes.coarse_to_fine recipes.open_image record.load record.names
    samples.credits samples.load samples.names samples.resolve statistics.Gram statistics.MMD
    statistics.Nearest statistics.RelaxedEMD statistics.SlicedWasserstein statistics.Statistic
    statistics.STATISTICS statistics.Wasserstein studies.names studies.read
    synthesis.LaplacianPyramid synthesis.Parametrisation synthesis.Pixels synthesis.Progress
    synthesis.Record synthesis.Waves terms.Content vgg.CONVOLUTIONS vgg.default_network
    vgg.layer_name vgg.layer_table vgg.STYLE_LAYERS weights.describe_sources
    weights.WeightsUnavailableError widgets.content_panel widgets.front_panel widgets.layer_explorer
    widgets.live widgets.mixing_panel widgets.rate widgets.smoothing_panel widgets.statistic_panel
    widgets.studio widgets.style_panel widgets.uploaded
""".split()


def test_what_users_type_leads_somewhere():
    missing = []
    for name in PUBLIC:
        thing = nst
        for part in name.split("."):
            thing = getattr(thing, part, None)
        missing += [name] if thing is None else []
    assert not missing
    assert set(nst.__all__) >= {name for name in PUBLIC if "." not in name}
    assert set(nst.__all__) <= set(dir(nst))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="stylise"):
        nst.stylise  # noqa: B018


def test_imports_between_rooms_run_downwards_only():
    graph = house.rooms()
    assert list(graphlib.TopologicalSorter(graph).static_order())  # raises at circles
    assert len(graph) <= 30
    heights = house.floors(graph)
    ground = {room for room, height in heights.items() if height == 0}
    assert ground == {"arguments", "choices", "files"}


def test_imports_between_files_run_in_no_circle():
    graph = {module: house.own(path) for module, path in house.MODULES.items() if module}
    for module in [each for each in graph if house.MODULES[each].name == "__init__.py"]:
        graph[module] = set()  # a face hands names on, and is imported with every file of its room
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_a_room_reaches_into_its_own_files_not_through_its_face():
    """Else a file would wait for a face that waits for the file."""
    found = [
        module
        for module, path in house.MODULES.items()
        if "." in module and house.room(module) in house.own(path)
    ]
    assert not found


def test_the_map_in_contributing_is_the_house():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = page.partition(house.BEGIN)[2].partition(house.END)[0]
    assert shown == house.drawn(house.rooms()), "run: python tests/house.py"


def test_only_the_backend_speaks_to_tensorflow_or_starts_keras():
    """Keras on its own would start TensorFlow with all its notes on stderr."""
    found = {
        module
        for module, path in house.MODULES.items()
        for name, on_import in house.imports(path)
        if name.split(".")[0] == "tensorflow" or (name.split(".")[0] == "keras" and on_import)
    }
    assert found == {"backend"}


def test_a_new_import_upwards_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "nsthelpers").mkdir()
    path = tmp_path / "nsthelpers" / "losses.py"
    path.write_text("from .recipes import stylize\n")
    recipes = path.with_name("recipes.py")
    recipes.write_text("from . import losses\n")
    monkeypatch.setattr(house, "PACKAGE", path.parent)
    monkeypatch.setattr(house, "MODULES", {"losses": path, "recipes": recipes})
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(house.rooms()).static_order())


def test_importing_the_package_is_light():
    program = (
        "import sys, nsthelpers\n"
        "heavy = {'keras', 'tensorflow', 'scipy', 'skimage', 'matplotlib', 'numpy', 'PIL'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_another_keras_backend_is_refused_in_one_line():
    program = (
        "import sys, types\n"
        "fake = types.ModuleType('keras')\n"
        "fake.ops, fake.backend = None, types.SimpleNamespace(backend=lambda: 'torch')\n"
        "tensorflow = types.ModuleType('tensorflow')\n"
        "tensorflow.config = types.SimpleNamespace(list_physical_devices=lambda kind: [])\n"
        "tensorflow.constant = float\n"
        "sys.modules.update(keras=fake, tensorflow=tensorflow)\n"
        "import nsthelpers.backend"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    expected = "ImportError: nsthelpers needs Keras on TensorFlow, but Keras runs on torch"
    assert done.stderr.strip().splitlines()[-1].startswith(expected)


def test_a_gpus_memory_is_taken_as_needed_and_its_float32_is_exact():
    """Said before the first tensor: after it TensorFlow refuses."""
    program = (
        "import sys, types\n"
        "calls = []\n"
        "tensorflow, keras = types.ModuleType('tensorflow'), types.ModuleType('keras')\n"
        "tensorflow.config = types.SimpleNamespace(\n"
        "    list_physical_devices=lambda kind: ['gpu 0', 'gpu 1'],\n"
        "    experimental=types.SimpleNamespace(set_memory_growth=lambda *a: calls.append(a),\n"
        "        enable_tensor_float_32_execution=lambda on: calls.append(f'TF32 {on}')))\n"
        "tensorflow.constant = lambda value: calls.append('tensor')\n"
        "keras.ops, keras.backend = None, types.SimpleNamespace(backend=lambda: 'tensorflow')\n"
        "sys.modules.update(keras=keras, tensorflow=tensorflow)\n"
        "import nsthelpers.backend\n"
        "print(calls)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == (
        "[('gpu 0', True), 'TF32 False', ('gpu 1', True), 'TF32 False', 'tensor']"
    )


@pytest.mark.parametrize("closed", [True, False])
def test_without_stderr_the_backend_still_starts(closed):
    """As under pythonw on Windows, where descriptor 2 does not exist."""
    program = (
        "import os, sys, types\n"
        f"if {closed}:\n"
        "    os.close(2)\n"
        "    sys.stderr = None\n"
        "tensorflow, keras = types.ModuleType('tensorflow'), types.ModuleType('keras')\n"
        "tensorflow.config = types.SimpleNamespace(list_physical_devices=lambda kind: [])\n"
        "noise = lambda value: None if sys.stderr is None else os.write(2, b'noise')\n"
        "tensorflow.constant = noise\n"
        "keras.ops, keras.backend = None, types.SimpleNamespace(backend=lambda: 'tensorflow')\n"
        "sys.modules.update(keras=keras, tensorflow=tensorflow)\n"
        "import nsthelpers.backend\n"
        "print(nsthelpers.backend.keras.__name__)\n"
        "if sys.stderr: print('back', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "keras\n")
    assert done.stderr == ("" if closed else "back\n")


def public_things():
    """Every public function and class, with the file that defines it."""
    for module, path in house.MODULES.items():
        if path.name[:2] != "__":
            home = importlib.import_module(f"nsthelpers.{module}")
            assert home.__doc__, module
            assert len(set(home.__all__)) == len(home.__all__), module
            for name in home.__all__:
                yield module, name, getattr(home, name)  # AttributeError where it is not there


def test_what_people_call_is_documented():
    called = {name.split(".")[-1] for name in PUBLIC}
    sections = "Parameters|Attributes|Returns|Examples|What was tried"
    seen, poor = set(), []
    for module, name, thing in public_things():
        if house.room(module) != "cli" and module == getattr(thing, "__module__", "")[11:]:
            seen.add(name)
            text = inspect.getdoc(thing) or ""
            poor += [name] if name in called and not re.search(sections, text) else []
    assert not poor
    assert {"stylize", "gram_matrix", "image_grid", "studio"} <= seen


def test_library_code_does_not_print():
    found = [
        f"{module}:{node.lineno}"
        for module, path in house.MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
        if module not in PRINTING
    ]
    assert not found


def project_files():
    """Text that is part of the project, not of an environment or a cache."""
    endings = {".cfg", ".ipynb", ".json", ".md", ".py", ".toml", ".txt", ".yml", ""}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [n for n in folders if n[0] != "." or n in (".ci", ".github")]
        folders[:] = [n for n in folders if n not in NOT_THE_PROJECT]
        for name in names:
            if Path(name).suffix in endings and name[0] != ".":
                yield Path(folder) / name


# Tests have such paths as examples of what should not be there.
NOT_THE_PROJECT = {"__pycache__", "build", "dist", "node_modules", "output", "tests"}


def test_no_path_of_one_machine():
    found = []
    for path in project_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        for match in re.finditer(r"(?<![\w.~*-])/(work|root|home|tmp|Users)/[\w.]+", text):
            found.append((str(path.relative_to(ROOT)), match[0]))
    assert not found
