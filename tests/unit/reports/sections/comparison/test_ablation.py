"""The section on ablations: names of the ingredients, results, a table and a figure a base."""

from typing import Any

import pandas as pd

from reports.analysis.ablations import Ablations
from reports.format.units import BLANK
from reports.sections.comparison import ablation
from reports.sections.elements import Section
from tests.helpers.report_frames import MINUS, OFFICIAL, make_comparison, read_column, read_rows

Row = tuple[str, Any, Any, float, float]  # setting, value, value without, difference, p_holm


def make_section(
    rows_by_base: dict[str, list[Row]], *, seeds: int = 3, skipped_names: tuple[str, ...] = ()
) -> Section | None:
    keys = ["setting", "value", "value_without", "difference", "p_holm"]
    frame = pd.DataFrame(
        [
            dict(zip(keys, row, strict=True)) | {"base": base, "configuration": f"{base}-no-{i}"}
            for base, rows in rows_by_base.items()
            for i, row in enumerate(rows)
        ],
        columns=["base", "configuration", *keys],
    )
    frame = frame.assign(replicates=seeds, sd=0.001, p=frame["p_holm"] / 4)
    frame = frame.assign(low=frame["difference"] - 0.01, high=frame["difference"] + 0.01)
    scores = dict.fromkeys(rows_by_base, 0.9)
    scores |= {row["configuration"]: 0.9 - row["difference"] for row in frame.to_dict("records")}
    return ablation.make_section(
        Ablations(differences=frame, skipped_names=skipped_names),
        comparison=make_comparison(scores, seeds=seeds),
        data=OFFICIAL,
    )


def test_ablation_significant_and_other_ingredients_are_told_apart() -> None:
    rows = [
        ("dihedral_augmentation", True, False, 0.18, 0.0001),
        ("max_shift", 2, 0, 0.004, 0.4),
        ("dropout", 0.1, 0.0, -0.03, 0.01),
        ("width", 64, 32, -0.05, 0.05),
    ]
    section = make_section({"resnet": rows})
    assert section is not None
    (table,) = section.tables
    assert read_column(table, "difference") == ["+18.0", "+0.4", f"{MINUS}3.0", f"{MINUS}5.0"]
    assert read_column(table, "score_without")[0] == "72.0 ± 0.2"
    higher, first_undecided, lower, second_undecided = read_column(table, "result")
    assert "higher" in higher
    assert "lower" in lower
    assert first_undecided not in {higher, lower}
    assert second_undecided == first_undecided
    assert "+18.0" in section.paragraphs[0]
    assert "+0.4" not in section.paragraphs[0]


def test_ablation_changed_settings_show_both_values() -> None:
    rows: list[Row] = [
        ("label_smoothing", 0.1, 0, 0.01, 0.5),
        ("weight_decay", 0.05, 0, 0.01, 0.5),
        ("weight_decay", 0.05, 0.01, 0.01, 0.5),
        ("schedule", "one_cycle", "constant", 0.01, 0.5),
        ("optimizer", "adamw", "sgd", 0.01, 0.5),
        ("momentum", None, 0.9, 0.01, 0.5),
        ("class_weights", "balanced", "none", 0.01, 0.5),
        ("orientations", True, False, 0.01, 0.5),
    ]
    section = make_section({"resnet": rows})
    assert section is not None
    names = read_column(section.tables[0], "ingredient")
    shown_values = [
        ("label smoothing", "0.1"),
        ("weight decay", "0.05"),
        ("weight decay", "0.05", "0.01"),
        ("one-cycle",),
        ("optimizer", "AdamW", "SGD"),
        ("momentum", BLANK, "0.9"),
        ("balanced class weights",),
        ("eight orientations", "val and test"),
    ]
    for name, values in zip(names, shown_values, strict=True):
        assert all(value in name for value in values)
    assert len(set(names)) == len(rows)


def test_ablation_several_bases_have_a_table_and_a_figure_each() -> None:
    one: list[Row] = [("max_shift", 2, 0, 0.1, 0.001)]
    two: list[Row] = [("dropout", 0.3, 0.0, 0.1, 0.001), ("weight_decay", 0.05, 0.0, 0.0, 1.0)]
    section = make_section({"a": one, "B & c": two})
    assert section is not None
    assert section.key == "ablation"
    assert [(table.name, len(table.rows)) for table in section.tables] == [
        ("ablation-a", 1),
        ("ablation-b-c", 2),
    ]
    assert [figure.name for figure in section.figures] == ["ablation-a", "ablation-b-c"]
    assert section.tables[1].values["base"].tolist() == ["B & c", "B & c"]


def test_ablation_one_seed_shows_no_spread_and_a_caveat() -> None:
    rows: list[Row] = [("max_shift", 2, 0, 0.1, 0.001)]
    one, several = (make_section({"resnet": rows}, seeds=seeds) for seeds in (1, 3))
    assert one is not None
    assert several is not None
    assert len(one.paragraphs) == len(several.paragraphs) + 1
    assert read_rows(one.tables[0])[0]["score_without"] == "80.0"


def test_ablation_skipped_configurations_are_named() -> None:
    rows: list[Row] = [("max_shift", 2, 0, 0.1, 0.001)]
    section = make_section({"resnet": rows}, skipped_names=("resnet-no-x", "resnet-no-y"))
    assert section is not None
    assert "resnet-no-x, resnet-no-y" in section.paragraphs[-1]


def test_ablation_without_ingredients_is_left_out() -> None:
    assert make_section({}) is None
