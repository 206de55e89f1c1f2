"""The section on ROC curves: the best model on val by class, and the models in weak classes."""

import numpy as np
import pandas as pd
import pytest

from reports import figures
from reports.analysis.class_scores import compute_class_scores
from reports.analysis.roc_curves import compute_roc_curves
from reports.figures import MarkedFigure
from reports.format.text import DataLabel
from reports.format.units import BLANK
from reports.sections.elements import Section
from reports.sections.errors import roc
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.report_frames import (
    CLASS_LABELS,
    find_table,
    make_comparison,
    make_context,
    make_test_predictions,
    read_rows,
)

PREDICTIONS = make_test_predictions(
    {
        "mlnn-config-1": [ASYMMETRIC, worsen_matrix(ASYMMETRIC, n_moved=2)],
        "cnn-config-1": [worsen_matrix(ASYMMETRIC, n_moved=1)],
        "cnn-config-2": [worsen_matrix(ASYMMETRIC, n_moved=1)],
    }
)
CURVES, SCORES = compute_roc_curves(PREDICTIONS), compute_class_scores(PREDICTIONS)
NAMES = ("cnn-config-1", "mlnn-config-1")  # best on val first


def make_section(curves: pd.DataFrame = CURVES, *, seeds: int = 1) -> Section | None:
    scores = {"mlnn-config-1": 0.7, "cnn-config-1": 0.8, "cnn-config-2": 0.8}
    return roc.make_section(
        curves,
        SCORES,
        comparison=make_comparison(scores, seeds=seeds),
        context=make_context(*NAMES, copies={"cnn-config-1": ["cnn-config-2"]}),
    )


def test_roc_section_is_about_the_best_model_on_val() -> None:
    section = make_section()
    assert section is not None
    assert section.key == "roc"
    assert [figure.name for figure in section.figures] == ["roc", "roc-models"]
    best = SCORES[SCORES["configuration"] == "cnn-config-1"]
    (text,) = section.paragraphs
    for expected in (
        "cnn-config-1 = 2",
        CLASS_LABELS[best["auc"].argmin()],
        CLASS_LABELS[best["average_precision"].argmin()],
        f"{best['auc'].min():.4f}",
    ):
        assert expected in text


def test_roc_table_has_points_of_each_model_and_its_file_has_all() -> None:
    table = find_table(make_section(), "roc")
    assert table.folded
    rows = read_rows(table)
    assert len(rows) == len(NAMES) * len(CLASS_LABELS)
    pd.testing.assert_frame_equal(table.values, CURVES)
    is_point = (
        (CURVES["configuration"] == "cnn-config-1")
        & (CURVES["class"] == 1)
        & (CURVES["curve"] == "roc")
    )
    points = CURVES[is_point].set_index("x")
    row = rows[len(CLASS_LABELS) + 1]
    assert row["class_label"] == CLASS_LABELS[1]
    assert row["y0"] == f"{100 * points['y'][0.01]:.1f}"
    # One of 100 other images exceeds the threshold, which is too few for an interval.
    assert row["y0_interval"] == BLANK


def test_roc_section_of_one_model_has_one_figure() -> None:
    section = make_section(CURVES[CURVES["family"] == "cnn"])
    assert section is not None
    assert [figure.name for figure in section.figures] == ["roc"]


@pytest.mark.parametrize(("seeds", "n_bands"), [(1, 1), (2, 0), (3, 1)])
def test_roc_figure_has_a_band_unless_there_are_two_seeds(
    monkeypatch: pytest.MonkeyPatch, seeds: int, n_bands: int
) -> None:
    areas: list[pd.DataFrame] = []
    draw = figures.draw_class_curves

    def keep(
        curves: pd.DataFrame, rows: pd.DataFrame, *, data: DataLabel, narrow: bool = False
    ) -> MarkedFigure:
        areas.append(rows)
        return draw(curves, rows, data=data, narrow=narrow)

    monkeypatch.setattr(figures, "draw_class_curves", keep)
    make_section(seeds=seeds)
    assert areas[0]["has_band"].sum() == n_bands
    assert list(areas[0]["auc"]) == sorted(areas[0]["auc"])


def test_roc_section_without_a_curve_is_left_out() -> None:
    assert make_section(CURVES.iloc[:0]) is None


def test_roc_figure_of_many_classes_shows_the_weakest() -> None:
    n_classes = 40
    areas = pd.DataFrame(
        {"class": range(n_classes), "auc": np.linspace(0.99, 0.9, n_classes), "configuration": "c"}
    ).assign(average_precision=0.9, auc_low=0.8, auc_high=1.0)
    areas = areas.assign(average_precision_low=0.8, average_precision_high=1.0)
    curves = pd.concat(
        [CURVES[CURVES["class"] == 0].assign(**{"class": c}) for c in range(n_classes)]
    )
    curves = curves[curves["configuration"] == "cnn-config-1"].assign(configuration="c")
    context = make_context("c", class_labels=tuple(map(str, range(n_classes))))
    comparison = make_comparison({"cnn-config-1": 0.8}).assign(configuration="c")
    section = roc.make_section(curves, areas, comparison=comparison, context=context)
    assert section is not None
    assert str(n_classes) in section.figures[0].caption
    assert len(find_table(section, "roc").rows) == n_classes
