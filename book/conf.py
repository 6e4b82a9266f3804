"""Sphinx' settings. Its sources are what ``assemble.py`` puts together."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

import nsthelpers  # noqa: E402

settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
repository = settings["project"]["urls"]["Repository"]

project = "nsthelpers"
author = "The nsthelpers authors"
copyright = f"{author}. Drawings CC0, code MIT"
version = release = nsthelpers.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "formulas",
]
nb_execution_mode = "off"  # the notebooks are shown as they were committed
nb_ipywidgets_js = {}  # a panel needs a kernel; its scripts come from elsewhere
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "attrs_inline", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = [
    "myst.header",  # notebooks may begin lower than at the first level
    "ref.python",  # an attribute's name in a docstring may be that of two classes
]

linkcheck_ignore = [  # published with the release that they name
    re.escape(repository) + ".*",
    r"https://colab\.research\.google\.com/github/.*",
]
linkcheck_anchors = False
linkcheck_timeout = 20

html_extra_path = ["build/source/extra"]
exclude_patterns = ["extra"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say types, shapes and ranges
autodoc_preserve_defaults = True  # as written, and not what they are on the machine that builds
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_math_renderer = "drawn"  # of formulas.py
html_theme = "sphinx_book_theme"
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["book.css"]
html_js_files = [("book.js", {"defer": "defer"})]
html_favicon = "static/favicon.svg"
html_context = {"default_mode": "auto"}  # light or dark: as the device is set
html_title = "Learn neural style transfer"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "repository_url": repository,
    "repository_branch": f"v{version}",
    "path_to_docs": "",
    "use_repository_button": True,
    "use_issues_button": True,
    "use_download_button": False,  # sources are not copied; a notebook has its repository and Colab
    "launch_buttons": {
        "notebook_interface": "jupyterlab",
        "colab_url": "https://colab.research.google.com",
    },
    "home_page_in_toc": True,
    "navbar_persistent": [],  # one search field is enough
    "show_navbar_depth": 1,
    "show_toc_level": 2,
}


def _not_ours(app, what, name, thing, skip, options):
    """Leave out what matplotlib lays into its subclasses: it needs extensions of its own."""
    module = getattr(thing, "__module__", None)
    return True if isinstance(module, str) and not module.startswith("nsthelpers") else None


def setup(app):
    app.connect("autodoc-skip-member", _not_ours)
