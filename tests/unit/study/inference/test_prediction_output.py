"""Predictions as table, lines, JSON and CSV."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from reports.analysis.temperature import TemperatureState
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind
from reports.sections.temperature_text import describe_temperature
from study.inference.model_selection import SelectedModel, select_model
from study.inference.predict import Prediction
from study.inference.prediction_output import (
    MAX_LISTED_IMAGES,
    RESEARCH_ONLY_NOTICE,
    format_csv,
    format_footer_lines,
    format_header_lines,
    format_json,
    format_warnings,
    make_prediction_table,
)
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.models import add_models

PROBABILITIES = np.array([0.1, 0.3, 0.05, 0.3, 0.05, 0.1, 0.05, 0.05])
PREDICTION = Prediction(
    name="a\n.png",
    probabilities=PROBABILITIES,
    abstains=False,
    color_outlier="red darker",
    note=None,
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyRecord, SelectedModel]:
    """Return a study and its best model."""
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = add_models(build_grid(tmp_path_factory.mktemp("output") / "s", matrices))
    return ledger.study, select_model(ledger, None)


def test_format_header_lines_name_trial_and_study(
    source: tuple[StudyRecord, SelectedModel],
) -> None:
    first, _, last = format_header_lines(*source)
    assert first.startswith("cnn-config-1-s0 of s: ")
    assert last == describe_temperature(source[1].temperature)


def test_make_prediction_table_shows_the_two_most_probable_classes(
    source: tuple[StudyRecord, SelectedModel],
) -> None:
    table = make_prediction_table([PREDICTION], source[0], width=80)
    console = Console(file=(file := io.StringIO()), width=80)
    console.print(table)
    _, row = file.getvalue().splitlines()
    assert row.split()[:4] == ["a?.png", "1", "eosinophil", "30.0"]
    assert row.rstrip().endswith("!")


def test_make_prediction_table_without_a_class_shows_the_highest_probability(
    source: tuple[StudyRecord, SelectedModel],
) -> None:
    abstained = replace(PREDICTION, abstains=True)
    table = make_prediction_table([abstained, PREDICTION], source[0], width=80)
    console = Console(file=(file := io.StringIO()), width=80)
    console.print(table)
    _, row, _ = file.getvalue().splitlines()
    assert row.split() == ["a?.png", "abstained", "30.0", "!"]


def test_format_footer_lines_count_abstentions() -> None:
    first, *_ = format_footer_lines([replace(PREDICTION, abstains=True), PREDICTION])
    assert "1 of 2 images" in first


def test_format_footer_lines_many_outliers_are_listed_up_to_a_limit() -> None:
    odd = [replace(PREDICTION, name=f"{index}.png") for index in range(MAX_LISTED_IMAGES + 3)]
    lines = list(format_footer_lines(odd))
    assert lines[-2] == "  and 3 others (--json and --csv list all)"
    assert len(lines) == MAX_LISTED_IMAGES + 3


def test_format_footer_lines_without_outliers_is_the_notice() -> None:
    plain = replace(PREDICTION, color_outlier=None)
    assert [*format_footer_lines([plain])] == [RESEARCH_ONLY_NOTICE]


def test_format_warnings_name_synthetic_training_and_outliers(
    source: tuple[StudyRecord, SelectedModel],
) -> None:
    study, plain = source[0], replace(PREDICTION, color_outlier=None)
    official = replace(study, data=replace(study.data, kind=DataKind.OFFICIAL))
    synthetic = replace(study, data=replace(study.data, kind=DataKind.SYNTHETIC))
    assert not list(format_warnings([plain], official))
    (line,) = format_warnings([plain], synthetic)
    assert "synthetic" in line
    (line,) = format_warnings([plain, PREDICTION, PREDICTION], official)
    assert line.startswith("2 of 3 images")
    assert len(list(format_warnings([PREDICTION], synthetic))) == 2


def test_format_json_has_a_row_for_each_image(source: tuple[StudyRecord, SelectedModel]) -> None:
    study, selected = source
    found = json.loads(format_json([PREDICTION], study, selected))
    assert (found["study"], found["trial"]) == ("s", selected.record.id)
    assert found["temperature"] == selected.temperature.value
    assert found["temperature_state"] == TemperatureState.FITTED
    (image,) = found["images"]
    assert (image["file"], image["class"]) == (PREDICTION.name, 1)
    assert image["probabilities"] == PROBABILITIES.tolist()
    assert (image["color_outlier"], image["note"]) == ("red darker", None)


def test_format_csv_has_a_row_for_each_image(source: tuple[StudyRecord, SelectedModel]) -> None:
    study, selected = source
    (row,) = csv.DictReader(io.StringIO(format_csv([PREDICTION], study, selected)))
    assert (row["study"], row["trial"], row["file"]) == ("s", selected.record.id, "a?.png")
    own = [float(row[f"probability_{index}"]) for index in range(8)]
    assert np.array_equal(own, PROBABILITIES)
    assert float(row["temperature"]) == pytest.approx(selected.temperature.value)
    assert (row["color_outlier"], row["note"]) == ("red darker", "")


def test_format_json_and_csv_without_a_class_keep_the_probabilities(
    source: tuple[StudyRecord, SelectedModel],
) -> None:
    study, selected = source
    abstained = [replace(PREDICTION, abstains=True)]
    (image,) = json.loads(format_json(abstained, study, selected))["images"]
    assert (image["class"], image["class_name"]) == (None, None)
    assert image["probability"] == 0.3
    (row,) = csv.DictReader(io.StringIO(format_csv(abstained, study, selected)))
    assert (row["class"], row["class_name"], row["probability"]) == ("", "", "0.3")


def test_format_csv_has_no_formula(source: tuple[StudyRecord, SelectedModel]) -> None:
    study, selected = source
    names = ("+a", "=cmd(1)", *study.data.class_names[2:])
    study = replace(study, data=replace(study.data, class_names=names))
    prediction = replace(PREDICTION, name="@b.png")
    (row,) = csv.DictReader(io.StringIO(format_csv([prediction], study, selected)))
    assert (row["file"], row["class_name"]) == ("'@b.png", "'=cmd(1)")
