"""Scores of a study beside those of the MedMNIST v2 benchmark."""

import pytest

from bloodnets.medmnist_sets import load_sets, parse_option
from reports.format.units import BLANK
from reports.ledger.published import load_published
from reports.sections.comparison import benchmark
from reports.sections.elements import Section
from tests.helpers.report_frames import find_table, make_comparison, make_context, read_rows


def make_section(option: str | None, *, seeds: int = 3) -> Section | None:
    return benchmark.make_section(
        comparison=make_comparison({"cnn-config-1": 0.88}, seeds=seeds),
        context=make_context(
            "cnn-config-1", medmnist_file=None if option is None else parse_option(option)
        ),
    )


def test_benchmark_table_shows_this_study_then_the_methods() -> None:
    section = make_section("pneumoniamnist:64")
    assert section is not None
    ours, *theirs = read_rows(find_table(section, "benchmark"))
    assert (ours["method"], ours["resolution"]) == ("cnn-config-1", "64")
    assert (ours["accuracy"], ours["accuracy_interval"]) == ("88.0", "[87.0, 89.0]")
    methods = load_published().benchmark["pneumoniamnist"]
    assert [row["method"] for row in theirs] == [method.method for method in methods]
    values = find_table(section, "benchmark").values
    assert values["accuracy"].tolist()[1:] == [method.accuracy for method in methods]
    assert values["auc"].tolist()[1:] == [method.auc for method in methods]
    assert {row["accuracy_interval"] for row in theirs} == {BLANK}


@pytest.mark.parametrize(("option", "seeds"), [(None, 3), ("dermamnist", 0)])
def test_benchmark_of_other_data_or_without_scores_is_left_out(
    option: str | None, seeds: int
) -> None:
    assert make_section(option, seeds=seeds) is None


@pytest.mark.parametrize("name", list(load_sets()))
def test_benchmark_of_each_data_set_has_distinct_methods_with_scores_in_range(name: str) -> None:
    methods = load_published().benchmark[name]
    assert len({(method.method, method.resolution) for method in methods}) == len(methods)
    n_classes = len(load_sets()[name].class_names)
    for method in methods:
        assert method.resolution in (28, 224)
        assert 1 / n_classes < method.accuracy < 1
        assert 0.5 < method.auc < 1
