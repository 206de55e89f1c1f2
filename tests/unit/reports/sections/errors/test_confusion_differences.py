"""The section on the cells in which two configurations differ: heat maps, a figure, a table."""

from dataclasses import replace

import numpy as np
import pytest

from reports.analysis.confusion_differences import compare_confusions
from reports.sections.context import MAX_HEAT_MAP_CLASSES
from reports.sections.elements import Section
from reports.sections.errors import confusion_differences
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.report_frames import (
    CLASS_LABELS,
    MINUS,
    find_table,
    make_context,
    make_test_predictions,
    read_rows,
)

BETTER = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (0, 1, 1, 0)]
OTHER = worsen_matrix(ASYMMETRIC, n_moved=5)
POORER = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (20, 22, 22, 20)]
for matrix in POORER:
    matrix[1, [1, 4]] += (-10, 10)


@pytest.fixture(scope="module")
def section() -> Section:
    """An MLNN, a CNN and its twin, four seeds."""
    predictions = make_test_predictions(
        {"mlnn-config-1": POORER, "cnn-config-1": BETTER, "cnn-config-3": BETTER}
    )
    section = confusion_differences.make_section(
        compare_confusions(predictions), context=make_context()
    )
    assert section is not None
    return section


def test_differences_have_a_heat_map_a_pair_but_none_of_equal_models(section: Section) -> None:
    assert section.key == "confusion-differences"
    assert [heat_map.title for heat_map in section.heat_maps] == [
        "cnn-config-1 compared with mlnn-config-1"
    ]
    assert section.heat_maps[0].rows == section.heat_maps[0].columns == CLASS_LABELS
    figures = [(figure.name, figure.inline) for figure in section.figures]
    assert figures == [("confusion-difference", None)]
    assert len(section.paragraphs) == 1  # no pair is left out


def test_differences_heat_map_has_signed_means_faint_unless_significant(section: Section) -> None:
    # Of class 1, the MLNN takes 30 and 32 images for class 4; the CNN none, or one.
    cells = section.heat_maps[0].cells[1]
    assert [cell.text for cell in cells] == [
        *("0.0", "+30.5", "0.0", "0.0", f"{MINUS}30.5", "0.0", "0.0", "0.0")
    ]
    assert (cells[1].shade, cells[4].shade) == (5, 5)  # both are better
    assert [cell.faint for cell in cells] == [c not in {1, 4} for c in range(8)]


def test_differences_that_are_not_significant_have_no_shade_and_no_row() -> None:
    predictions = make_test_predictions({"mlnn-config-1": POORER, "cnn-config-1": BETTER})
    differences = compare_confusions(predictions)
    differences = replace(differences, cells=differences.cells.assign(significant=False))
    section = confusion_differences.make_section(differences, context=make_context())
    assert section is not None
    cells = [cell for row in section.heat_maps[0].cells for cell in row]
    assert all(cell.faint and cell.shade == 0 for cell in cells)
    assert section.heat_maps[0].table is None
    assert find_table(section, "confusion-differences").rows == ()


def test_differences_table_lists_significant_cells_and_its_file_all(section: Section) -> None:
    (heat_map,) = section.heat_maps
    table, all_pairs = heat_map.table, find_table(section, "confusion-differences")
    assert table is not None
    assert (table.on_page, all_pairs.on_page) == (True, False)
    assert table.files_name == all_pairs.name
    n_significant = sum(not cell.faint for row in heat_map.cells for cell in row)
    rows = read_rows(table)
    assert [row.items() & {*rows[i].items()} for i, row in enumerate(read_rows(all_pairs))] == [
        row.items() for row in rows
    ]
    assert len(rows) == n_significant > 0
    assert str(n_significant) in section.paragraphs[0]
    assert len(all_pairs.values) == 64
    sizes = [abs(float(row["difference"].replace(MINUS, "-").split()[0])) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]
    assert {(row["true_label"], row["predicted_label"]) for row in rows[:2]} == {
        (CLASS_LABELS[1], CLASS_LABELS[1]),
        (CLASS_LABELS[1], CLASS_LABELS[4]),
    }


def test_differences_name_the_copies_of_a_model() -> None:
    predictions = make_test_predictions({"mlnn-config-1": POORER[:1], "cnn-config-1": BETTER[:1]})
    section = confusion_differences.make_section(
        compare_confusions(predictions),
        context=make_context(copies={"cnn-config-1": ["cnn-config-3"]}),
    )
    assert section is not None
    assert section.heat_maps[0].title == "cnn-config-1 = 3 compared with mlnn-config-1"


def test_differences_have_a_table_for_each_pair() -> None:
    predictions = make_test_predictions(
        {"mlnn-config-1": POORER, "cnn-config-1": BETTER, "cnn-config-2": [OTHER] * 4}
    )
    section = confusion_differences.make_section(
        compare_confusions(predictions), context=make_context()
    )
    assert section is not None
    tables = [heat_map.table for heat_map in section.heat_maps]
    names = {table.name for table in tables if table is not None}
    assert len(tables) == 3
    assert len(names) > 1
    n_rows = sum(len(table.rows) for table in tables if table is not None)
    assert len(find_table(section, "confusion-differences").rows) == n_rows


def test_differences_of_one_seed_are_counts() -> None:
    predictions = make_test_predictions({"mlnn-config-1": POORER[:1], "cnn-config-1": BETTER[:1]})
    section = confusion_differences.make_section(
        compare_confusions(predictions), context=make_context()
    )
    assert section is not None
    assert section.heat_maps[0].cells[3][3].text == "+20"
    assert len(section.paragraphs) == 1


def test_differences_of_pairs_without_a_common_seed_are_counted() -> None:
    matrices = {"mlnn-config-1": POORER, "cnn-config-1": BETTER, "cnn-config-2": [OTHER, *BETTER]}
    predictions = make_test_predictions(matrices)
    is_kept = (predictions.trials["configuration"] != "cnn-config-2") | (
        predictions.trials["replicate"] == "s4"
    )
    section = confusion_differences.make_section(
        compare_confusions(
            replace(
                predictions,
                trials=predictions.trials[is_kept].reset_index(drop=True),
                probabilities=predictions.probabilities[is_kept],
            )
        ),
        context=make_context(),
    )
    assert section is not None
    assert len(section.heat_maps) == 1
    assert len(section.paragraphs) == 2
    assert "2" in section.paragraphs[-1]


@pytest.mark.parametrize("names", [("cnn-config-1",), ("cnn-config-1", "cnn-config-3")])
def test_differences_of_one_function_are_left_out(names: tuple[str, ...]) -> None:
    predictions = make_test_predictions(dict.fromkeys(names, BETTER[:1]))
    differences = compare_confusions(predictions)
    assert confusion_differences.make_section(differences, context=make_context()) is None


def test_differences_of_many_classes_are_a_table_on_the_page() -> None:
    n_classes = MAX_HEAT_MAP_CLASSES + 1
    good = 200 * np.eye(n_classes, dtype=np.int64)
    poor = good.copy()
    poor[2, [2, 7]] = 100, 100
    predictions = make_test_predictions({"cnn-config-1": [good] * 2, "mlnn-config-1": [poor] * 2})
    section = confusion_differences.make_section(
        compare_confusions(predictions),
        context=make_context(class_labels=tuple(map(str, range(n_classes)))),
    )
    assert section is not None
    assert section.heat_maps == ()
    table = find_table(section, "confusion-differences")
    assert table.on_page
    cells = [(row["true_label"], row["predicted_label"]) for row in read_rows(table)]
    assert sorted(cells) == [("2", "2"), ("2", "7")]
