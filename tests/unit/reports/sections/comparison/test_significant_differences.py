"""The section on pairs: results, counts, the rows that are shown."""

import re

import pandas as pd
import pytest

from reports.analysis.pair_decisions import Decision
from reports.format.units import BLANK
from reports.sections.comparison import significant_differences
from reports.sections.elements import Section
from tests.helpers.report_frames import (
    find_table,
    make_pairs,
    make_pairwise,
    read_column,
    read_rows,
)

DIFFERENCES = {("a", "b"): 0.0, ("a", "c"): 0.06, ("c", "b"): -0.06}


def make_section(
    *, significant: bool = True, seeds: int = 2, margin: float = 0.01, **columns: float
) -> Section:
    pairs = make_pairs(DIFFERENCES, significant=significant, seeds=seeds).assign(**columns)
    section = significant_differences.make_section(
        make_pairwise(pairs, ["a", "b"], ["c"], equivalent_groups=[["a", "b"]], margin=margin),
    )
    assert section is not None
    return section


def test_pairs_table_shows_difference_tests_and_result() -> None:
    section = make_section()
    table = find_table(section, "pairwise")
    rows = read_rows(table)
    assert {key: rows[1][key] for key in rows[1] if key != "result"} == {
        "a": "a",
        "b": "c",
        "replicates": "2",
        "difference": "+6.00",
        "interval": "[+5.50, +6.50]",
        "p_holm": "0.0020",
        "p_equivalence_holm": "0.9000",
        "replicates_needed": BLANK,
        "images_needed": BLANK,
    }
    equivalent, first, second = read_column(table, "result")
    assert first.split()[0] == "a"
    assert second.split()[0] == "b"
    assert equivalent == Decision.EQUIVALENT
    assert not table.folded
    assert table.values["difference"].tolist() == [0.0, 0.06, -0.06]
    assert table.values["replicates_needed"].tolist() == [6, 6, 6]


def test_predictions_table_shows_images_and_mcnemars_test() -> None:
    table = find_table(make_section(), "pairwise-predictions")
    assert read_rows(table)[1] == {
        "a": "a",
        "b": "c",
        "replicates": "2",
        "only_a_correct": "30",
        "only_b_correct": "8",
        "p_mcnemar_holm": "0.0300",
    }
    assert table.folded
    assert {"n_differing", "p_mcnemar"} <= {*table.values}


@pytest.mark.parametrize(("significant", "counts"), [(True, "2 1 0"), (False, "0 1 2")])
def test_pairs_paragraph_counts_the_decisions(significant: bool, counts: str) -> None:
    section = make_section(significant=significant)
    n_pairs, n_different, n_equivalent, margin, n_undecided = re.findall(
        r"\d+", section.paragraphs[0]
    )
    assert (n_pairs, margin) == ("3", "1")
    assert f"{n_different} {n_equivalent} {n_undecided}" == counts
    results = read_column(find_table(section, "pairwise"), "result")
    assert results.count(Decision.UNDECIDED) == int(n_undecided)


def test_pairs_that_are_undecided_have_the_detectable_difference_and_what_they_need() -> None:
    decided, undecided = make_section(), make_section(significant=False)
    assert len(undecided.paragraphs) == len(decided.paragraphs) + 1
    assert "1.30" in undecided.paragraphs[1]
    assert "80%" in undecided.paragraphs[1]
    table = find_table(undecided, "pairwise")
    assert read_column(table, "replicates_needed") == [BLANK, "6", "6"]
    assert read_column(table, "images_needed") == [BLANK] * 3
    known = make_section(significant=False, images_needed=4000)
    assert read_column(find_table(known, "pairwise"), "images_needed") == [BLANK, "4,000", "4,000"]
    assert len(known.paragraphs[1]) < len(undecided.paragraphs[1])  # no blank to explain


def test_pairs_of_another_margin_name_it() -> None:
    usual, wide = make_section(), make_section(margin=0.025)
    assert "2.5" not in usual.paragraphs[0]
    assert "2.5" in wide.paragraphs[0]


def test_pairs_without_a_common_seed_have_a_caveat() -> None:
    assert len(make_section(seeds=0).notes) == len(make_section().notes) + 1


def test_join_letters_has_both_kinds_of_groups() -> None:
    pairwise = make_pairwise(
        make_pairs(DIFFERENCES), ["a", "b"], ["b", "c"], equivalence_letters={"a": "A", "b": ""}
    )
    frame = pd.DataFrame({"configuration": ["c", "b", "a", "without a trial"]})
    letters = significant_differences.join_letters(frame, pairwise)
    assert letters.tolist() == ["b", "ab", "a, A", ""]


def test_pairs_of_one_seed_have_a_caveat() -> None:
    assert len(make_section(seeds=1).paragraphs) == len(make_section().paragraphs) + 1


def test_pairs_of_many_configurations_show_those_of_the_best() -> None:
    names = [f"c{i}" for i in range(13)]
    differences = {(a, b): 0.01 for i, a in enumerate(names) for b in names[i + 1 :]}
    section = significant_differences.make_section(
        make_pairwise(make_pairs(differences), names[3:], names[:3]),
        key="pairs-2",
        title="T",
    )
    assert section is not None
    table = find_table(section, "pairs-2")
    assert len(table.values) == len(differences) == 78
    assert len(table.rows) == 12
    assert all("c3" in row[:2] for row in table.rows)
    assert "78" in section.paragraphs[-1]
    assert (section.key, section.title) == ("pairs-2", "T")


def test_pairs_of_copied_models_name_the_copies() -> None:
    copies = {"c": ["d"]}
    section = significant_differences.make_section(
        make_pairwise(make_pairs(DIFFERENCES), ["a", "b"], ["c"], copies=copies)
    )
    assert section is not None
    table = find_table(section, "pairwise")
    assert read_column(table, "b") == ["b", "c = d", "b"]
    assert table.values["b"].tolist() == ["b", "c", "b"]


def test_pairs_without_a_pair_are_left_out() -> None:
    pairwise = make_pairwise(make_pairs(DIFFERENCES).iloc[:0])
    section = significant_differences.make_section(pairwise)
    assert section is None
