"""The statistical terms of a page: found in its sections, each linked once."""

import re

import pandas as pd
import pytest

from reports.format.table import Column, make_table
from reports.page.render import PageHeader, render_report
from reports.page.term_definitions import TERMS
from reports.page.terms import TermLinker, select_terms
from reports.sections.elements import Section
from tests.helpers.page_contents import DATA_LABEL

HEADER = PageHeader(title="t", study="s", data=DATA_LABEL, banner=None)


def list_keys(text: str) -> set[str]:
    return {term.key for term in select_terms([Section(key="k", title=text)])}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("The macro F1 on val", {"macro-f1"}),
        ("Weighted F1", {"weighted-f1"}),
        ("a 95% confidence interval", {"confidence-interval"}),
        ("with 3 seeds", {"seed"}),
        ("over replicates", {"replicate"}),
        ("their paired differences", {"paired-difference"}),
        ("not significantly different", {"significant"}),
        ("(Holm-adjusted p < 0.05)", {"holm-correction", "p-value"}),
        ("the second p-value", {"p-value"}),
        ("McNemar's exact test", {"mcnemar-test"}),
        ("Expected calibration error (ECE, 15 bins)", {"calibration-error"}),
        ("AUC", {"auc"}),
        ("Recall (sensitivity, %)", {"precision-recall"}),
        ("Specificity and NPV", {"specificity"}),
        ("Average precision", {"average-precision"}),
        ("Balanced accuracy (%)", {"balanced-accuracy"}),
        ("MCC", {"mcc"}),
        ("Cohen's kappa", {"kappa"}),
        ("Brier score and log loss", {"brier-score", "log-loss"}),
        ("the calibration intercept", {"calibration-slope"}),
        ("after temperature scaling", {"temperature-scaling"}),
        ("Epochs of the rungs", {"rung"}),
        ("stopped by ASHA", {"asha"}),
        ("a shrinkage of 1 point", {"shrinkage"}),
        ("(functional ANOVA)", {"fanova"}),
        ("proceeds with a top score", set()),
    ],
)
def test_select_terms_finds_the_terms_of_a_text(text: str, keys: set[str]) -> None:
    assert list_keys(text) == keys


def test_select_terms_reads_every_text_of_a_section() -> None:
    columns = [
        Column(key="auc", heading=("AUC",)),
        Column(key="evidence", heading=("Evidence",), unit="prose"),
        Column(key="name", heading=("Name",)),
    ]
    frame = pd.DataFrame({"auc": ["1"], "evidence": ["a rung"], "name": ["ASHA"]})
    section = Section(
        key="k",
        title="T",
        paragraphs=("macro F1",),
        bullets=("a seed",),
        tables=(make_table("t", "weighted F1", columns, frame),),
        facts=(("Test", "McNemar"),),
    )
    found = {term.key for term in select_terms([section])}
    # A name chosen by the user, here in the last column, is no text.
    assert found == {"macro-f1", "seed", "weighted-f1", "auc", "rung", "mcnemar-test"}


def test_terms_have_distinct_keys_and_no_groups() -> None:
    assert len({term.key for term in TERMS}) == len(TERMS)
    for term in TERMS:
        assert re.fullmatch(r"[a-z0-9-]+", term.key)
        assert re.compile(term.pattern).groups == 0


def test_term_linker_links_only_the_first_occurrence() -> None:
    linker = TermLinker(TERMS)
    first = linker.link("Macro F1 and macro F1, one seed")
    assert first == (
        '<a class="term" href="#term-macro-f1">Macro F1</a> and macro F1, one '
        '<a class="term" href="#term-seed">seed</a>'
    )
    assert linker.link("macro F1 of 2 seeds") == "macro F1 of 2 seeds"


def test_term_linker_escapes_the_text() -> None:
    text = "<b> & p < 0.05 in McNemar's test </b>"
    linked = TermLinker(TERMS).link(text)
    assert "<b>" not in linked
    assert linked.striptags() == text
    assert "&lt;b&gt; &amp; " in linked
    assert linked.count("<a ") == 2


def test_render_report_explains_the_terms_that_it_uses() -> None:
    section = Section(key="k", title="T", paragraphs=("macro F1, p < 0.05", "macro F1"))
    page, markdown = render_report(HEADER, [section])
    links = re.findall(r'<a class="term" href="#(.*?)">', page)
    assert links == ["term-macro-f1", "term-p-value"]
    assert re.findall(r'<div id="(term-.*?)">', page) == links
    assert '<section id="terms">' in page
    assert '<a href="#terms">' in page
    definitions = markdown.partition("## Statistical terms")[2]
    assert [line.partition(":")[0] for line in definitions.split("\n") if line] == [
        "- Macro F1",
        "- p-value",
    ]
    assert render_report(HEADER, [section]) == (page, markdown)


def test_render_report_without_a_term_has_no_section_of_terms() -> None:
    page, markdown = render_report(HEADER, [Section(key="k", title="T")])
    assert 'id="terms"' not in page
    assert "Statistical terms" not in markdown
