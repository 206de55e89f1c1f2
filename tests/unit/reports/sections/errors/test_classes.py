"""The section on classes: a table a family, configurations as groups."""

from dataclasses import replace

from reports.analysis.class_scores import MIN_CLASS_IMAGES
from reports.analysis.confusion import analyze_confusion
from reports.format.units import BLANK
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

TABLES = ("per-class", "per-class-more")
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
    assert section.key == "per-class"
    names = [f"{name}-{family}" for family in ("mlnn", "cnn") for name in TABLES]
    assert [table.name for table in section.tables] == names
    mlnn, more, cnn, _ = section.tables
    first = read_rows(mlnn)[0]
    assert [first["class_label"], first["support"]] == [CLASS_LABELS[0], "100"]
    # Of 100 images of class 0, 60 and 58 are right.
    assert first["recall"] == "59.0 ± 1.4"
    assert read_rows(cnn)[1] == {
        "configuration": "",
        "class_label": CLASS_LABELS[1],
        "precision": "71.4",
        "precision_interval": "[63.5, 78.3]",
        "recall": "100.0",
        "recall_interval": "[96.3, 100.0]",
        "f1": "83.3",
        "f1_interval": read_rows(cnn)[1]["f1_interval"],
        "support": "100",
        "note": "",
    }
    assert mlnn.folded
    assert more.folded
    assert {"specificity", "npv", "auc", "average_precision"} <= {*read_rows(more)[0]}
    assert {"recall_low", "recall_high", "recall_sd"} <= {*mlnn.values}
    assert {"auc_low", "auc_high", "auc_sd"} <= {*more.values}


def test_classes_heat_maps_have_a_row_for_each_class_and_a_column_for_each_model() -> None:
    context = make_context(
        "mlnn-config-1", "cnn-config-1", copies={"cnn-config-1": ["cnn-config-2"]}
    )
    section = classes.make_section(CONFUSION, context=context)
    assert section is not None
    f1, recall, precision, specificity = section.heat_maps
    assert len({heat_map.title for heat_map in section.heat_maps}) == 4
    for heat_map in section.heat_maps:
        assert heat_map.rows == CLASS_LABELS
        assert heat_map.columns == ("mlnn-config-1", "cnn-config-1 = 2")
        shades = [cell.shade for row in heat_map.cells for cell in row]
        assert (min(shades), max(shades)) == (-5, 0)
    assert [cell.text for cell in recall.cells[0]] == ["59.0", "60.0"]
    assert recall.cells[1][1].text == "100.0"
    assert recall.cells[1][1].detail == "[96.3, 100.0]"
    assert precision.cells[1][1].text == "71.4"
    assert f1.cells[1][1].text == "83.3"
    assert specificity.cells[0][0].text != BLANK


def test_classes_paragraph_names_the_weakest_class_of_the_best_model() -> None:
    section = classes.make_section(CONFUSION, context=make_context("cnn-config-1", "mlnn-config-1"))
    assert section is not None
    rows = CONFUSION.class_scores
    best = rows[rows["configuration"] == "cnn-config-1"]
    weakest = int(best.sort_values("f1")["class"].iloc[0])
    (text,) = section.paragraphs
    assert "cnn-config-1" in text
    assert CLASS_LABELS[weakest] in text
    assert f"{100 * best['f1'].min():.1f}%" in text


def test_classes_that_are_absent_have_blank_cells_without_a_shade() -> None:
    matrix = ASYMMETRIC.copy()
    matrix[3] = 0
    confusion = analyze_confusion(make_test_predictions({"cnn-config-1": [matrix]}))
    section = classes.make_section(confusion, context=make_context("cnn-config-1"))
    assert section is not None
    (cell,) = section.heat_maps[1].cells[3]
    assert cell.detail == ""
    assert CLASS_LABELS[3] not in section.paragraphs[0]


def test_classes_with_few_images_are_noted_beside_their_rows() -> None:
    section = classes.make_section(CONFUSION, context=make_context("cnn-config-1"))
    for name in TABLES:
        rows = read_rows(find_table(section, f"{name}-cnn"))
        assert [row["class_label"] for row in rows if row["note"]] == [
            CLASS_LABELS[c] for c in range(8) if ASYMMETRIC[c].sum() < MIN_CLASS_IMAGES
        ]


def test_classes_with_many_images_have_no_column_of_notes() -> None:
    many = analyze_confusion(make_test_predictions({"cnn-config-1": [4 * ASYMMETRIC]}))
    section = classes.make_section(many, context=make_context("cnn-config-1"))
    assert "note" not in read_rows(find_table(section, "per-class-cnn"))[0]


def test_classes_table_shows_displayed_configurations_and_its_file_all() -> None:
    table = find_table(
        classes.make_section(CONFUSION, context=make_context("cnn-config-2")), "per-class-cnn"
    )
    assert read_column(table, "configuration") == ["cnn-config-2", *[""] * 7]
    assert table.values["configuration"].unique().tolist() == ["cnn-config-1", "cnn-config-2"]


def test_classes_without_a_test_evaluation_are_left_out() -> None:
    nothing = replace(CONFUSION, class_scores=CONFUSION.class_scores.iloc[:0])
    assert classes.make_section(nothing, context=make_context()) is None
