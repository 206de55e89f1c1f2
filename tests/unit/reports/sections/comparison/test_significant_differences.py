"""The section on pairs: results, counts, the rows that are shown."""

import re

import pytest

from reports.sections.comparison import significant_differences
from reports.sections.elements import Section
from tests.helpers.report_frames import (
    OFFICIAL,
    find_table,
    make_comparison,
    make_pairs,
    make_pairwise,
    read_column,
    read_rows,
)

COMPARISON = make_comparison({"a": 0.94, "b": 0.94, "c": 0.88})
DIFFERENCES = {("a", "b"): 0.0, ("a", "c"): 0.06, ("c", "b"): -0.06}


def make_section(*, significant: bool = True, seeds: int = 2) -> Section:
    pairs = make_pairs(DIFFERENCES, significant=significant, seeds=seeds)
    section = significant_differences.make_section(
        make_pairwise(pairs, ["a", "b"], ["c"]), comparison=COMPARISON, data=OFFICIAL
    )
    assert section is not None
    return section


def test_pairs_table_shows_difference_tests_and_result() -> None:
    section = make_section()
    table = find_table(section, "pairs")
    rows = read_rows(table)
    assert {key: rows[1][key] for key in rows[1] if key != "result"} == {
        "a": "a",
        "b": "c",
        "seeds": "2",
        "difference": "+6.00",
        "interval": "[+5.50, +6.50]",
        "p_holm": "0.0020",
        "only_a_correct": "30",
        "only_b_correct": "8",
        "p_mcnemar_holm": "0.0300",
    }
    identical, first, second = read_column(table, "result")
    assert first.split()[0] == "a"
    assert second.split()[0] == "b"
    assert identical not in {first, second}
    assert table.folded
    assert table.values["difference"].tolist() == [0.0, 0.06, -0.06]
    assert [figure.name for figure in section.figures] == ["groups"]


@pytest.mark.parametrize(("significant", "n_significant"), [(True, "2"), (False, "0")])
def test_pairs_paragraph_counts_significant_and_identical_pairs(
    significant: bool, n_significant: str
) -> None:
    section = make_section(significant=significant)
    assert re.findall(r"\d+", section.paragraphs[0])[:2] == [n_significant, "3"]
    assert "1" in re.findall(r"\d+", section.paragraphs[0])
    results = read_column(find_table(section, "pairs"), "result")
    assert (results[1] == results[2]) != significant


def test_pairs_of_one_seed_have_a_caveat() -> None:
    assert len(make_section(seeds=1).paragraphs) == len(make_section().paragraphs) + 1


def test_pairs_of_many_configurations_show_those_of_the_best() -> None:
    names = [f"c{i}" for i in range(13)]
    differences = {(a, b): 0.01 for i, a in enumerate(names) for b in names[i + 1 :]}
    section = significant_differences.make_section(
        make_pairwise(make_pairs(differences), names[3:], names[:3]),
        comparison=make_comparison(dict.fromkeys(names, 0.9)),
        data=OFFICIAL,
        key="pairs-2",
        title="T",
    )
    assert section is not None
    table = find_table(section, "pairs-2")
    assert len(table.values) == len(differences) == 78
    assert len(table.rows) == 12
    assert all("c3" in row[:2] for row in table.rows)
    assert "78" in section.paragraphs[-1]
    assert [figure.name for figure in section.figures] == ["groups-pairs-2"]
    assert (section.key, section.title) == ("pairs-2", "T")


def test_pairs_without_a_pair_are_left_out() -> None:
    pairwise = make_pairwise(make_pairs(DIFFERENCES).iloc[:0])
    section = significant_differences.make_section(pairwise, comparison=COMPARISON, data=OFFICIAL)
    assert section is None
