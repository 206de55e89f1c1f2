"""The section on classes: a table a family, configurations as groups."""

from dataclasses import replace

from reports.analysis.confusion import analyze_confusion
from reports.sections.errors import classes
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.report_frames import (
    CLASS_LABELS,
    find_table,
    make_context,
    make_test_predictions,
    read_column,
    read_rows,
)

CONFUSION = analyze_confusion(
    make_test_predictions(
        {
            "mlnn-config-1": [ASYMMETRIC, worsen_matrix(ASYMMETRIC, n_moved=2)],
            "cnn-config-1": [ASYMMETRIC],
            "cnn-config-2": [ASYMMETRIC],
        }
    )
)


def test_classes_table_shows_scores_and_support_of_each_class() -> None:
    section = classes.make_section(CONFUSION, context=make_context("mlnn-config-1", "cnn-config-1"))
    assert section is not None
    assert section.key == "classes"
    assert [table.name for table in section.tables] == ["per-class-mlnn", "per-class-cnn"]
    mlnn, cnn = section.tables
    first = read_rows(mlnn)[0]
    assert [first["class_label"], first["support"]] == [CLASS_LABELS[0], "100"]
    # Of 100 images of class 0, 60 and 58 are right.
    assert first["recall"] == "59.00 ± 1.41"
    assert read_rows(cnn)[1] == {
        "configuration": "",
        "class_label": CLASS_LABELS[1],
        "precision": "71.43",
        "recall": "100.00",
        "f1": "83.33",
        "support": "100",
    }
    assert mlnn.folded


def test_classes_table_shows_displayed_configurations_and_its_file_all() -> None:
    table = find_table(
        classes.make_section(CONFUSION, context=make_context("cnn-config-2")), "per-class-cnn"
    )
    assert read_column(table, "configuration") == ["cnn-config-2", *[""] * 7]
    assert table.values["configuration"].unique().tolist() == ["cnn-config-1", "cnn-config-2"]


def test_classes_without_a_test_evaluation_are_left_out() -> None:
    nothing = replace(CONFUSION, class_scores=CONFUSION.class_scores.iloc[:0])
    assert classes.make_section(nothing, context=make_context()) is None
