"""The section on confusion matrices: heat maps, and figure files and tables a family."""

from dataclasses import replace

import numpy as np

from reports.analysis.confusion import analyze_confusion
from reports.sections.context import MAX_HEAT_MAP_CLASSES
from reports.sections.errors import confusion
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.report_frames import (
    CLASS_LABELS,
    find_table,
    make_context,
    make_test_predictions,
    read_rows,
)

ONE_SEED = analyze_confusion(
    make_test_predictions({"cnn-config-1": [ASYMMETRIC], "cnn-config-2": [ASYMMETRIC]})
)


def test_confusion_table_counts_true_classes_down_and_predicted_across() -> None:
    two_seeds = analyze_confusion(make_test_predictions({"cnn-config-1": [ASYMMETRIC] * 2}))
    section = confusion.make_section(two_seeds, context=make_context("cnn-config-1"))
    table = find_table(section, "confusion-cnn")
    first, second, *_ = read_rows(table)
    labels = {"configuration": "cnn-config-1", "class_label": CLASS_LABELS[0]}
    counts = {"0": "120", "1": "80"} | {str(c): "0" for c in range(2, 8)}
    assert first == labels | counts
    assert [second["0"], second["1"]] == ["0", "200"]
    assert table.folded
    assert [column.heading[-1] for column in table.columns[2:]] == list(CLASS_LABELS)


def test_confusion_tables_of_shares_are_of_rows_and_of_columns() -> None:
    section = confusion.make_section(ONE_SEED, context=make_context("cnn-config-1"))
    rows, columns = (
        find_table(section, f"confusion-{margin}-cnn") for margin in ("rows", "columns")
    )
    # 40 of the 100 images of class 0 are among the 140 that are predicted as class 1.
    assert [read_rows(rows)[0][key] for key in ("0", "1")] == ["60.00", "40.00"]
    assert [read_rows(columns)[true]["1"] for true in (0, 1)] == ["28.57", "71.43"]
    assert rows.folded
    assert columns.folded


def test_confusion_heat_maps_have_counts_shares_and_shades_best_model_first() -> None:
    poorer = worsen_matrix(ASYMMETRIC, n_moved=5)
    analysis = analyze_confusion(
        make_test_predictions({"mlnn-config-1": [poorer] * 2, "cnn-config-1": [ASYMMETRIC] * 2})
    )
    context = make_context(
        "cnn-config-1", "mlnn-config-1", copies={"cnn-config-1": ["cnn-config-3"]}
    )
    section = confusion.make_section(analysis, context=context)
    assert section is not None
    first, second = section.heat_maps
    assert [first.title, second.title] == ["cnn-config-1 = 3", "mlnn-config-1"]
    assert [first.images_of, second.images_of] == [first.title, second.title]
    assert first.rows == first.columns == CLASS_LABELS
    cells = first.cells[0]
    assert [(cell.text, cell.detail, cell.shade) for cell in cells[:3]] == [
        ("120", "60.00", 4),  # 5 times the root of the share
        ("80", "40.00", 3),
        ("0", "", 0),
    ]
    assert [cell.faint for cell in cells[:3]] == [False, False, True]
    assert CLASS_LABELS[0] in section.paragraphs[0]
    assert CLASS_LABELS[1] in section.paragraphs[0]


def test_confusion_without_an_error_names_none() -> None:
    perfect = np.diag(ASYMMETRIC.sum(axis=1))
    analysis = analyze_confusion(make_test_predictions({"cnn-config-1": [perfect]}))
    section = confusion.make_section(analysis, context=make_context("cnn-config-1"))
    assert section is not None
    assert section.paragraphs == ()


def test_confusion_figure_is_a_file_and_the_tables_have_every_configuration() -> None:
    section = confusion.make_section(ONE_SEED, context=make_context("cnn-config-2"))
    assert section is not None
    assert section.key == "confusion"
    assert [(figure.name, figure.inline) for figure in section.figures] == [("confusion-cnn", None)]
    assert len(section.tables) == 3
    for table in section.tables:
        assert len(table.rows) == 8
        assert len(table.values) == 2 * 64


def test_confusion_without_a_test_evaluation_is_left_out() -> None:
    nothing = replace(ONE_SEED, matrices=ONE_SEED.matrices.iloc[:0])
    assert confusion.make_section(nothing, context=make_context()) is None


def test_confusion_of_many_classes_lists_the_most_frequent_errors() -> None:
    n_classes = MAX_HEAT_MAP_CLASSES + 1
    matrix = 5 * np.eye(n_classes, dtype=np.int64)
    matrix[2, 7], matrix[20, 0] = 3, 4
    analysis = analyze_confusion(make_test_predictions({"cnn-config-1": [matrix]}))
    context = make_context("cnn-config-1", class_labels=tuple(map(str, range(n_classes))))
    section = confusion.make_section(analysis, context=context)
    assert section is not None
    assert (section.heat_maps, section.notes) == ((), ())
    table = find_table(section, "confusion-cnn")
    assert [
        [row[key] for key in ("true_label", "predicted_label", "count", "row_share")]
        for row in read_rows(table)
    ] == [["20", "0", "4", "44.44"], ["2", "7", "3", "37.50"]]
    assert not table.folded
    assert len(table.values) == n_classes**2
