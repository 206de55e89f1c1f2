"""The context of a report: which configurations are displayed, and beside what they stand."""

from dataclasses import replace

import pandas as pd
import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.medmnist_sets import MedMnistFile
from reports.format.text import DataLabel
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind
from reports.sections.context import MAX_PANELS, ReportContext, make_report_context
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.search_builder import SEARCH_RECORD

CONTEXT = ReportContext(
    data=DataLabel(warning="", short="short", full="full"),
    data_kind=DataKind.OFFICIAL,
    medmnist_file=None,
    shows_published=True,
    class_labels=tuple(str(c) for c in range(8)),
    copies={},
    displayed_names=("a", "c"),
    is_search=False,
    folds=None,
)
NO_COMPARISON = pd.DataFrame(columns=["configuration", "family", "test_macro_f1", "val_macro_f1"])


def make_study(kind: DataKind) -> StudyRecord:
    return grid_builder.make_grid_record("s", kind, CLASS_NAMES, ASYMMETRIC, [])


@pytest.mark.parametrize(
    ("kind", "is_search", "expected"),
    [
        (DataKind.OFFICIAL, False, True),
        (DataKind.FILE, False, True),
        (DataKind.SYNTHETIC, False, False),
        (DataKind.OFFICIAL, True, False),
    ],
)
def test_shows_published_only_for_a_grid_on_real_cells(
    kind: DataKind, is_search: bool, expected: bool
) -> None:
    study = replace(make_study(kind), search=SEARCH_RECORD if is_search else None)
    context = make_report_context(study, NO_COMPARISON, {})
    assert context.shows_published is expected
    assert bool(context.cite_paper_figure("cnn", "scores")) is expected


def test_cite_paper_figure_names_the_figure_of_family_and_quantity() -> None:
    assert "Fig. 4" in CONTEXT.cite_paper_figure("mlnn", "confusion")
    assert "Fig. 5" in CONTEXT.cite_paper_figure("cnn", "scores")
    assert not CONTEXT.cite_paper_figure("cnn", "val_macro_f1")
    assert not CONTEXT.cite_paper_figure("resnet", "scores")


def test_select_displayed_keeps_the_rows_and_their_order() -> None:
    frame = pd.DataFrame({"configuration": ["c", "b", "a", "c"], "x": range(4)})
    assert CONTEXT.select_displayed(frame)["x"].tolist() == [0, 2, 3]


def test_rank_models_keeps_the_models_of_a_frame_best_on_val_first() -> None:
    context = replace(CONTEXT, displayed_names=("c", "b", "a"), copies={"a": ["d"]})
    frame = context.select_displayed(pd.DataFrame({"configuration": ["a", "d", "c", "a"]}))
    assert context.rank_models(frame) == ["c", "a = d"]


def test_label_configuration_names_the_model_with_its_copies() -> None:
    context = replace(CONTEXT, copies={"m-1": ["m-2"]})
    labels = [context.label_configuration(name) for name in ("m-1", "m-2", "z")]
    assert labels == ["m-1 = 2", "m-1 = 2", "z"]


def test_merge_copies_keeps_one_labeled_row_for_each_model() -> None:
    context = replace(CONTEXT, copies={"m-1": ["m-2"]})
    frame = pd.DataFrame({"configuration": ["m-1", "m-2", "z"], "x": range(3)})
    merged = context.merge_copies(frame)
    assert merged["configuration"].tolist() == ["m-1 = 2", "z"]
    assert merged["x"].tolist() == [0, 2]


def test_make_report_context_displays_no_copies() -> None:
    comparison = pd.DataFrame(
        {"configuration": ["m-1", "m-2"], "family": ["m", "m"], "test_macro_f1": [0.5, 0.5]}
    ).assign(val_macro_f1=0.5)
    context = make_report_context(make_study(DataKind.FILE), comparison, {"m-1": ["m-2"]})
    assert context.displayed_names == ("m-1",)
    assert context.select_displayed(comparison)["configuration"].tolist() == ["m-1 = 2"]


def test_make_report_context_displays_the_best_of_each_family_and_those_without_score() -> None:
    scores = [i / 100 for i in range(MAX_PANELS + 2)]
    comparison = pd.DataFrame(
        {
            "configuration": [f"cnn-{i}" for i in range(len(scores))] + ["mlnn", "unscored"],
            "family": ["cnn"] * len(scores) + ["mlnn", "cnn"],
            "test_macro_f1": [*scores, 0.0, float("nan")],
            "val_macro_f1": [*scores, 0.99, float("nan")],
        }
    )
    context = make_report_context(make_study(DataKind.FILE), comparison, {})
    best = [f"cnn-{i}" for i in range(2, len(scores))]
    assert context.displayed_names == ("mlnn", *reversed(best), "unscored")
    assert context.data_kind is DataKind.FILE
    assert len(context.class_labels) == 8
    assert not context.is_search


def test_make_report_context_of_a_search_says_so() -> None:
    study = replace(make_study(DataKind.OFFICIAL), search=SEARCH_RECORD)
    assert make_report_context(study, NO_COMPARISON, {}).is_search


def test_make_report_context_benchmark_is_shown_for_grids_on_other_files_of_medmnist_only() -> None:
    def find_file(study: StudyRecord) -> MedMnistFile | None:
        return make_report_context(study, NO_COMPARISON, {}).medmnist_file

    study = make_study(DataKind.MEDMNIST)
    assert find_file(study) == grid_builder.MEDMNIST_FILE
    assert find_file(replace(study, search=SEARCH_RECORD)) is None
    counts = {**study.data.class_counts, "test": (0, *study.data.class_counts["test"][1:])}
    assert find_file(replace(study, data=replace(study.data, class_counts=counts))) is None
    for kind in (DataKind.OFFICIAL, DataKind.FILE, DataKind.SYNTHETIC):
        assert find_file(make_study(kind)) is None
