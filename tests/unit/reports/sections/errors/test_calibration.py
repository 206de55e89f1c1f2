"""The section on calibration: errors by configuration, bins, and a diagram a family."""

import pandas as pd
import pytest

from reports.analysis.calibration import N_BINS, Calibration, Tendency
from reports.sections.elements import Section
from reports.sections.errors import calibration
from tests.helpers.report_frames import (
    MINUS,
    find_table,
    make_comparison,
    make_context,
    read_column,
    read_rows,
)


def make_scaling(*names: str, fitted: int) -> pd.DataFrame:
    """Return a frame like that of `compare_temperature_scaling`, of two replicates each."""
    values = {"ece": (0.031, 0.012), "brier": (0.2, 0.19), "log_loss": (0.4, 0.35)}
    return pd.DataFrame(
        {
            "configuration": name,
            "family": name.partition("-")[0],
            "replicates": 2,
            "fitted": fitted,
            "temperature": 1.25,
            "temperature_sd": 0.05,
            **{f"{key}_before": before for key, (before, _) in values.items()},
            **{f"{key}_after": after for key, (_, after) in values.items()},
            "log_loss_change": -0.05,
            "log_loss_change_low": -0.08,
            "log_loss_change_high": -0.02,
        }
        for name in names
    )


def make_section(tendencies: dict[str, tuple[str, float]], *, fitted: int = 2) -> Section:
    """Return the section for the tendency and the gap of each configuration."""
    errors = pd.DataFrame(
        [
            {
                "configuration": name,
                "family": name.partition("-")[0],
                "replicates": 2,
                "ece": 0.031,
                "ece_sd": 0.004,
                "expected_ece": 0.012,
                "p_ece_holm": 0.01,
                "confidence": 0.9 + gap,
                "accuracy": 0.9,
                "gap": gap,
                "gap_low": gap - 0.01,
                "gap_high": gap + 0.01,
                "tendency": tendency,
                **{
                    f"{name}{suffix}": value + shift
                    for name, value in (("slope", 0.8), ("intercept", -0.1))
                    for suffix, shift in (("", 0), ("_low", -0.05), ("_high", 0.05))
                },
            }
            for name, (tendency, gap) in tendencies.items()
        ]
    )
    bins = pd.DataFrame(
        [
            {
                "configuration": name,
                "family": name.partition("-")[0],
                "bin": number,
                "lower_edge": number / N_BINS,
                "upper_edge": (number + 1) / N_BINS,
                "images": images,
                "share": images / 200,
                "confidence": (number + 0.5) / N_BINS,
                "accuracy": 0.9,
                "accuracy_low": 0.8,
                "accuracy_high": 0.95,
            }
            for name in tendencies
            for number, images in ((8, 20.5), (14, 179.5))
        ]
    )
    return calibration.make_section(
        Calibration(bins=bins, errors=errors),
        scaling=make_scaling(*tendencies, fitted=fitted),
        comparison=make_comparison(dict.fromkeys(tendencies, 0.2)),
        context=make_context(*tendencies),
    )


def test_calibration_tables_show_errors_and_bins() -> None:
    section = make_section(
        {
            "mlnn-config-1": (Tendency.OVERCONFIDENT, 0.05),
            "cnn-config-1": (Tendency.UNDERCONFIDENT, -0.03),
        }
    )
    assert section.key == "calibration"
    errors, bins = find_table(section, "calibration"), find_table(section, "calibration-bins")
    first, second = read_rows(errors)
    assert [first["ece"], first["expected_ece"], first["replicates"]] == ["3.1 ± 0.4", "1.2", "2"]
    assert [first["gap"], first["gap_interval"]] == ["+5.0", "[+4.0, +6.0]"]
    assert second["gap"] == f"{MINUS}3.0"
    assert [first["tendency"], second["tendency"]] == [
        Tendency.OVERCONFIDENT,
        Tendency.UNDERCONFIDENT,
    ]
    assert bins.folded
    assert bins.rules == {2}
    assert read_column(bins, "configuration") == ["mlnn-config-1", "", "cnn-config-1", ""]
    assert read_column(bins, "images_text")[:2] == ["20.5", "179.5"]
    assert "images_text" not in bins.values
    names = [figure.name for figure in section.figures]
    assert names == ["calibration-mlnn", "calibration-cnn"]


def test_calibration_table_of_probabilities_shows_slope_and_losses() -> None:
    section = make_section(
        {"cnn-config-1": (Tendency.UNDECIDED, 0.0), "cnn-config-2": (Tendency.UNDECIDED, 0.0)}
    )
    table = find_table(section, "probabilities")
    first = read_rows(table)[0]
    assert [first["slope"], first["slope_interval"]] == ["0.8000", "[0.7500, 0.8500]"]
    for loss in ("test_brier", "test_log_loss"):
        assert [first[loss], first[f"{loss}_interval"]] == ["0.2000 ± 0.0020", "[0.1900, 0.2100]"]
    assert "slope" not in find_table(section, "calibration").values
    assert not table.folded


def test_calibration_table_of_temperatures_shows_scores_before_and_after() -> None:
    section = make_section({"cnn-config-1": (Tendency.UNDECIDED, 0.0)})
    table = find_table(section, "temperature-scaling")
    (row,) = read_rows(table)
    assert row["temperature"] == "1.2500 ± 0.0500"
    assert [row["ece_before"], row["ece_after"]] == ["3.10", "1.20"]
    assert [row["log_loss_before"], row["log_loss_after"]] == ["0.4000", "0.3500"]
    assert row["log_loss_change"] == f"{MINUS}0.0500"
    assert row["log_loss_change_interval"] == f"[{MINUS}0.0800, {MINUS}0.0200]"
    assert table.values["fitted"].tolist() == [2]


def test_calibration_notes_count_trials_without_a_fitted_temperature() -> None:
    tendencies = {"cnn-config-1": (str(Tendency.UNDECIDED), 0.0)}
    all_fitted, one_fitted = (make_section(tendencies, fitted=n).notes for n in (2, 1))
    assert one_fitted[:-1] == all_fitted
    assert one_fitted[-1].startswith("1 trial has")


@pytest.mark.parametrize("tendency", list(Tendency))
def test_calibration_outcome_of_equal_tendencies_gives_their_range(tendency: str) -> None:
    section = make_section({"cnn-config-1": (tendency, -0.03), "cnn-config-2": (tendency, 0.05)})
    outcome = section.paragraphs[0]
    assert all(gap in outcome for gap in (f"{MINUS}3.0", "+5.0"))
    assert "cnn-config" not in outcome


def test_calibration_outcome_of_different_tendencies_names_configurations_once() -> None:
    section = make_section(
        {"cnn-config-1": (Tendency.UNDECIDED, 0.0), "cnn-config-2": (Tendency.OVERCONFIDENT, 0.05)}
    )
    outcome = section.paragraphs[0]
    assert outcome.index("cnn-config-2") < outcome.index("+5.0") < outcome.index("cnn-config-1")
