"""The glossary: every word in few short sentences, no dead ends, and one page made of it."""

from __future__ import annotations

import re

import glossary as page_of_the_notebooks
import pytest

import nsthelpers as nst
from nsthelpers.lessons import glossary

ENTRIES = {entry.term: entry for entry in glossary.entries()}
WANTED = """
    tensor channel feature layer filter kernel convolution ReLU pooling|activation weights|parameter
    pixel loss gradient step optimizer Adam L-BFGS convergence baseline seed noise covariance mean
    variance trace statistic distribution Wasserstein norm l1 l2 regularisation prior PSNR SSIM
    bfloat16 epoch hyperparameter ablation interpolation aliasing MMD
""".replace("|", " ").split() + [
    "receptive field", "learning rate", "line search", "local minimum", "Gram matrix",
    "standard deviation", "total variation", "batch normalisation", "instance normalisation",
    "Wasserstein distance",
]  # fmt: skip


def sentences(text):
    return re.split(r"(?<=[.!?;]) +(?=[A-Z])", text)


@pytest.mark.parametrize("term", WANTED)
def test_the_words_of_the_lessons_are_explained(term):
    assert nst.explain(term).text


@pytest.mark.parametrize("term", ENTRIES)
def test_a_word_takes_three_short_sentences_at_most(term):
    found = sentences(ENTRIES[term].text)
    assert len(found) <= 3
    assert max(len(sentence.split()) for sentence in found) <= 40
    assert ENTRIES[term].text[-1] in ".!?"


@pytest.mark.parametrize("term", ENTRIES)
def test_what_one_is_sent_to_is_there_and_another_word(term):
    assert ENTRIES[term].see
    assert set(ENTRIES[term].see) <= set(ENTRIES) - {term}


def test_no_name_stands_for_two_words():
    names = [name.lower() for entry in ENTRIES.values() for name in (entry.term, *entry.also)]
    assert len(set(names)) == len(names)


def test_numbers_in_it_are_those_of_the_network():
    fields = {layer.paper_name: layer.receptive_field for layer in nst.layer_table()}
    text = nst.explain("receptive field").text
    assert f"{fields['conv1_1']} pixels" in text and f"{fields['conv5_1']} in conv5_1" in text


@pytest.mark.parametrize("asked", ["Gradient", "gradients", "  gradient ", "slope"])
def test_capitals_and_many_do_not_matter(asked):
    assert nst.explain(asked).term == "gradient"


def test_american_spelling_is_understood():
    assert nst.explain("regularization").term == "regularisation"
    assert nst.explain("instance normalization").term == "instance normalisation"


def test_an_unknown_word_gets_the_closest():
    with pytest.raises(ValueError, match="no word 'gradent' in the glossary; did you mean grad"):
        nst.explain("gradent")
    with pytest.raises(ValueError, match="glossary.md beside the notebooks has all words"):
        nst.explain("xyzzy")


def test_it_is_shown_as_text_and_as_html():
    entry = glossary.Entry("<b>", "1 < 2.", ("seed",))
    assert repr(entry) == "<b>: 1 < 2. See seed."
    assert "<b><b>" not in entry._repr_html_() and "1 &lt; 2." in entry._repr_html_()


def test_the_page_beside_the_notebooks_is_made_of_it():
    shown = page_of_the_notebooks.PAGE.read_text(encoding="utf-8")
    assert shown == glossary.page(), "run: make glossary"


def test_every_link_of_the_page_leads_to_a_heading():
    page = glossary.page()
    headings = {
        re.sub(r"[^\w-]", "", title.lower().replace(" ", "-"))
        for title in re.findall(r"(?m)^### (.+)$", page)
    }
    links = set(re.findall(r"\(#([^)]+)\)", page))
    assert links and links <= headings
