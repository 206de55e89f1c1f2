"""Which sections a report has, in which order, for every kind and state of a study."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.page.publish import publish_report
from reports.page.render import PageHeader
from reports.sections.elements import Section
from reports.sections.findings import analyze
from reports.sections.order import make_sections
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import (
    OFFICIAL,
    ReportedStudy,
    find_table,
    read_column,
    read_rows,
)
from tests.helpers.search_builder import SEARCH_RECORD

SMALL = replace(SEARCH_RECORD, n_trials=2, retrain_top=1, retrain_seeds=1)
CONFUSION_KEYS = ["per-class", "roc", "confusion", "confusion-differences"]
IMAGE_KEYS = ["misclassified", "calibration", "learning-curves"]


def list_keys(sections: list[Section]) -> list[str]:
    return [section.key for section in sections]


def test_make_sections_of_a_grid_has_all_of_a_grid(reported_grid: ReportedStudy) -> None:
    assert list_keys(reported_grid.sections) == [
        *("summary", "ranking", "unfinished", *CONFUSION_KEYS),
        *("pairwise", "votes", "effects", *IMAGE_KEYS),
        *(
            "cost",
            "equivalent-losses",
            "published",
            "claims",
            "limitations",
            "provenance",
            "methods",
        ),
    ]


def test_make_sections_of_synthetic_cells_has_nothing_published(
    reported_synthetic: ReportedStudy,
) -> None:
    # One model and its copy are no pair, so there is nothing about pairs.
    assert list_keys(reported_synthetic.sections) == [
        *(
            "summary",
            "ranking",
            "per-class",
            "roc",
            "confusion",
            "effects",
            *IMAGE_KEYS,
            "cost",
            "equivalent-losses",
        ),
        *("provenance", "methods"),
    ]


def test_make_sections_of_medmnist_has_its_benchmark_and_no_fact_of_bloodmnist(
    reported_medmnist: ReportedStudy,
) -> None:
    sections = {section.key: section for section in reported_medmnist.sections}
    assert "claims" not in sections
    assert "limitations" in sections
    assert find_table(sections["published"], "benchmark").values["source"].nunique() == 2
    assert {*find_table(sections["cost"], "cost").values["source"]} == {"study"}
    for section in sections.values():
        rows = [text for table in section.tables for row in table.rows for text in row]
        blocks = [block.text for block in section.code_blocks]
        for text in (*section.paragraphs, *section.notes, *section.bullets, *rows, *blocks):
            assert not any(name in text for name in ("BloodMNIST", "Acevedo", "blood ")), text


def test_make_sections_of_a_search_begins_with_the_search(reported_search: ReportedStudy) -> None:
    assert list_keys(reported_search.sections) == [
        *(
            "summary",
            "search-history",
            "pruning",
            "search-space",
            "importances",
            "confirmation",
            "search-trials",
        ),
        *("ranking", *CONFUSION_KEYS, "pairwise", "votes", *IMAGE_KEYS, "cost", "limitations"),
        "provenance",
        "methods",
    ]
    figures = {figure.name for section in reported_search.sections for figure in section.figures}
    assert figures >= {
        *("search-history", "expected-best", "search-curves", "search-space"),
        *("parallel-coordinates", "importances"),
    }


def test_make_sections_cost_has_published_rows_on_real_grids_only(
    reported_grid: ReportedStudy,
    reported_synthetic: ReportedStudy,
    reported_search: ReportedStudy,
) -> None:
    sources = []
    for reported in (reported_grid, reported_synthetic, reported_search):
        (section,) = (section for section in reported.sections if section.key == "cost")
        sources.append({*find_table(section, "cost").values["source"]})
    assert sources == [{"study", "paper", "benchmark"}, {"study"}, {"study"}]


def test_make_sections_every_table_and_figure_has_its_own_name(
    reported_grid: ReportedStudy, reported_search: ReportedStudy
) -> None:
    for sections in (reported_grid.sections, reported_search.sections):
        figures = [figure.name for section in sections for figure in section.figures]
        tables = [table.name for section in sections for table in section.tables]
        assert len(set(figures)) == len(figures)
        assert len(set(tables)) == len(tables)
        assert len(set(list_keys(sections))) == len(sections)


def test_make_sections_with_images_shows_them_once(
    reported_grid: ReportedStudy, reported_synthetic: ReportedStudy
) -> None:
    galleries, without_images = (
        {
            section.key: section.gallery.n_open
            for section in reported.sections
            if section.gallery is not None
        }
        for reported in (reported_grid, reported_synthetic)
    )
    assert galleries["misclassified"] == sum(galleries.values()) == 24
    assert sum(without_images.values()) == 0


def test_make_sections_of_an_unfinished_grid_has_no_figure(tmp_path: Path) -> None:
    names = ("cnn-config-1", "cnn-config-2")
    ledger = grid_builder.build_grid(
        tmp_path / "s",
        {name: [ASYMMETRIC] for name in names},
        failed_trials={(names[0], 0): "killed"},
        missing_trials=[(names[1], 0)],
    )
    sections = make_sections(analyze(ledger, None))
    assert list_keys(sections) == [
        *("summary", "ranking", "unfinished", "published", "claims"),
        *("limitations", "provenance", "methods"),
    ]
    assert not any(section.figures for section in sections)


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"search": replace(SMALL, n_trials=0), "ended_by": None}, []),
        ({"running_numbers": [0, 1], "ended_by": None}, ["search-history", "search-trials"]),
        (
            {"failed_numbers": {0: "a", 1: "b"}, "ended_by": None},
            ["search-history", "pruning", "search-trials"],
        ),
        (
            {"search": replace(SMALL, retrain_top=0, rungs=())},
            ["search-history", "pruning", "search-space", "search-trials"],
        ),
        (
            {"search": replace(SMALL, n_trials=1), "with_confirmation": False},
            [
                "search-history",
                "pruning",
                "confirmation",
                "search-trials",
                "ranking",
                "unfinished",
            ],
        ),
    ],
)
def test_make_sections_of_a_search_without_results_has_what_there_is(
    tmp_path: Path, options: dict[str, Any], keys: list[str]
) -> None:
    ledger = search_builder.build_search(tmp_path / "s", **{"search": SMALL} | options)
    assert list_keys(make_sections(analyze(ledger, None))) == [
        *("summary", *keys, "limitations", "provenance", "methods")
    ]


def test_make_sections_of_a_cross_validation_count_folds_as_replicates(
    reported_folds: ReportedStudy, tmp_path: Path
) -> None:
    sections = {section.key: section for section in reported_folds.sections}
    assert {"ranking", "cross-validation", "pairwise", "claims", "methods"} <= sections.keys()
    comparison = find_table(sections["ranking"], "comparison")
    assert read_column(comparison, "replicates_text") == ["3", "3"]
    (pair,) = read_rows(find_table(sections["pairwise"], "pairwise"))
    assert pair["replicates"] == "3"
    assert (find_table(sections["claims"], "claims").values["replicates"].dropna() == 3).all()
    header = PageHeader(title="t", study="s", data=OFFICIAL, banner=None)
    publish_report(tmp_path / "report", header, reported_folds.sections)
    csv = pd.read_csv(tmp_path / "report/tables/comparison.csv")
    assert csv["replicates"].tolist() == csv["replicates_planned"].tolist() == [3, 3]
