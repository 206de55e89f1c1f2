"""Predictions as table, lines, JSON and CSV."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from reports.analysis.temperature import TemperatureState
from reports.ledger.states import DataKind
from reports.sections.temperature_text import describe_temperature
from study.inference.model_description import ModelDescription
from study.inference.model_selection import select_model
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
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelDescription:
    """Return the description of a study's best model."""
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = add_models(build_grid(tmp_path_factory.mktemp("output") / "s", matrices))
    return ModelDescription.of_selection(ledger.study, select_model(ledger, None))


def test_format_header_lines_name_trial_and_study(
    model: ModelDescription,
) -> None:
    first, _, last = format_header_lines(model)
    assert first.startswith("cnn-config-1-s0 of s: ")
    assert last == describe_temperature(model.temperature)


def test_make_prediction_table_shows_the_two_most_probable_classes(
    model: ModelDescription,
) -> None:
    table = make_prediction_table([PREDICTION], model, width=80)
    console = Console(file=(file := io.StringIO()), width=80)
    console.print(table)
    _, row = file.getvalue().splitlines()
    assert row.split()[:4] == ["a?.png", "1", "eosinophil", "30.0"]
    assert row.rstrip().endswith("!")


def test_make_prediction_table_without_a_class_shows_the_highest_probability(
    model: ModelDescription,
) -> None:
    abstained = replace(PREDICTION, abstains=True)
    table = make_prediction_table([abstained, PREDICTION], model, width=80)
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
    model: ModelDescription,
) -> None:
    plain = replace(PREDICTION, color_outlier=None)
    official = replace(model, data=replace(model.data, kind=DataKind.OFFICIAL))
    synthetic = replace(model, data=replace(model.data, kind=DataKind.SYNTHETIC))
    assert not list(format_warnings([plain], official))
    (line,) = format_warnings([plain], synthetic)
    assert "synthetic" in line
    (line,) = format_warnings([plain, PREDICTION, PREDICTION], official)
    assert line.startswith("2 of 3 images")
    assert len(list(format_warnings([PREDICTION], synthetic))) == 2


def test_format_json_has_a_row_for_each_image(model: ModelDescription) -> None:
    found = json.loads(format_json([PREDICTION], model))
    assert (found["study"], found["trial"]) == ("s", model.trial_ids[0])
    assert found["temperature"] == model.temperature.value
    assert found["temperature_state"] == TemperatureState.FITTED
    (image,) = found["images"]
    assert (image["file"], image["class"]) == (PREDICTION.name, 1)
    assert image["probabilities"] == PROBABILITIES.tolist()
    assert (image["color_outlier"], image["note"]) == ("red darker", None)


def test_format_csv_has_a_row_for_each_image(model: ModelDescription) -> None:
    (row,) = csv.DictReader(io.StringIO(format_csv([PREDICTION], model)))
    assert (row["study"], row["trial"], row["file"]) == ("s", model.trial_ids[0], "a?.png")
    own = [float(row[f"probability_{index}"]) for index in range(8)]
    assert np.array_equal(own, PROBABILITIES)
    assert float(row["temperature"]) == pytest.approx(model.temperature.value)
    assert (row["color_outlier"], row["note"]) == ("red darker", "")


def test_format_json_and_csv_without_a_class_keep_the_probabilities(
    model: ModelDescription,
) -> None:
    abstained = [replace(PREDICTION, abstains=True)]
    (image,) = json.loads(format_json(abstained, model))["images"]
    assert (image["class"], image["class_name"]) == (None, None)
    assert image["probability"] == 0.3
    (row,) = csv.DictReader(io.StringIO(format_csv(abstained, model)))
    assert (row["class"], row["class_name"], row["probability"]) == ("", "", "0.3")


def test_format_csv_has_no_formula(model: ModelDescription) -> None:
    names = ("+a", "=cmd(1)", *model.data.class_names[2:])
    model = replace(model, data=replace(model.data, class_names=names))
    prediction = replace(PREDICTION, name="@b.png")
    (row,) = csv.DictReader(io.StringIO(format_csv([prediction], model)))
    assert (row["file"], row["class_name"]) == ("'@b.png", "'=cmd(1)")
