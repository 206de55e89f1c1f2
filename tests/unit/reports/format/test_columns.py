"""The columns of the report's tables: none is lost, none is repeated."""

from collections import Counter

import pytest

from reports.format import columns
from reports.format.table import Column
from tests.helpers.report_frames import ReportedStudy, find_table

COLUMN_SETS: dict[str, tuple[Column, ...]] = {
    name: value for name, value in vars(columns).items() if isinstance(value, tuple)
}
GRID_TABLES = {
    ("ranking", "comparison"): columns.COMPARISON_COLUMNS,
    ("ranking", "intervals"): columns.INTERVAL_COLUMNS,
    ("ranking", "training"): columns.TRAINING_COLUMNS,
    ("unfinished", "unfinished"): tuple(
        column for column in columns.UNFINISHED_COLUMNS if column.key != "fold"
    ),
    ("pairwise", "pairwise"): columns.PAIR_COLUMNS,
    ("pairwise", "pairwise-predictions"): columns.PREDICTION_PAIR_COLUMNS,
    ("votes", "votes"): columns.VOTE_COLUMNS,
    ("votes", "votes-accuracy"): columns.VOTE_ACCURACY_COLUMNS,
    ("effects", "effects"): columns.EFFECT_COLUMNS,
    ("cost", "cost"): columns.COST_COLUMNS,
    ("equivalent-losses", "equivalent-losses"): columns.EQUIVALENT_LOSS_COLUMNS,
    ("equivalent-losses", "published-differences"): columns.REPLICATE_NOISE_COLUMNS,
    ("published", "published"): columns.REPRODUCTION_COLUMNS,
    ("published", "benchmark"): columns.BENCHMARK_COLUMNS,
    ("per-class", "per-class-cnn"): columns.CLASS_COLUMNS,
    ("per-class", "per-class-more-cnn"): columns.MORE_CLASS_COLUMNS,
    ("calibration", "probabilities"): columns.PROBABILITY_COLUMNS,
    ("provenance", "settings"): columns.SETTING_COLUMNS,
}
SEARCH_TABLES = {
    ("confirmation", "confirmation"): columns.CONFIRMATION_COLUMNS,
    ("search-history", "effort"): columns.SEARCH_EFFORT_COLUMNS,
    ("importances", "importances"): columns.IMPORTANCE_COLUMNS,
}


def assert_complete(
    reported: ReportedStudy, tables: dict[tuple[str, str], tuple[Column, ...]]
) -> None:
    sections = {section.key: section for section in reported.sections}
    for (key, name), expected in tables.items():
        assert find_table(sections[key], name).columns == expected, name


def test_columns_of_a_grid_are_all_in_its_tables(reported_grid: ReportedStudy) -> None:
    assert_complete(reported_grid, GRID_TABLES)


def test_columns_of_a_search_are_all_in_its_tables(reported_search: ReportedStudy) -> None:
    assert_complete(reported_search, SEARCH_TABLES)


@pytest.mark.parametrize("name", COLUMN_SETS)
def test_columns_of_a_table_are_distinct_and_have_headings(name: str) -> None:
    counts = Counter((column.key, column.unit) for column in COLUMN_SETS[name])
    assert set(counts.values()) == {1}
    assert all(line.strip() for column in COLUMN_SETS[name] for line in column.heading)
