"""The card of a model: scores as the report has them, the data by name, and what it is not."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bloodnets.constants import CLASS_NAMES
from reports.analysis import frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.calibration import compute_calibration
from reports.analysis.class_scores import MIN_CLASS_IMAGES, compute_class_scores
from reports.analysis.temperature import (
    Temperature,
    TemperatureState,
    read_temperature,
    scale_probabilities,
)
from reports.analysis.votes import compare_votes
from reports.format.data_warnings import list_score_warnings
from reports.format.escape import escape_markdown
from reports.format.limitations import describe_fold_variance, list_limitations
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, read_study_files
from reports.ledger.lookup import get_trial_name
from reports.ledger.states import DataKind
from reports.page.model_card import make_model_card
from reports.sections.temperature_text import describe_temperature
from study.configs.presets import RESNET
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC, worsen_matrix
from tests.helpers.models import write_trial_record


def make_card(ledger: Ledger, index: int = 0, *, temperature: Temperature | None = None) -> str:
    record = ledger.read_trials()[index]
    return make_model_card(
        ledger,
        [record],
        name=get_trial_name(record.id),
        reason="as asked for",
        agreement="It agrees.",
        temperature=temperature or read_temperature(ledger, [record]),
    )


def build_study(folder: Path, kind: DataKind = DataKind.OFFICIAL, seeds: int = 1) -> Ledger:
    return grid_builder.build_grid(folder, {"cnn-config-1": [ASYMMETRIC] * seeds}, kind=kind)


def read_front_matter(card: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return content


def list_table_rows(card: str) -> list[list[str]]:
    """Return the cells of all table rows of a card."""
    rows = [line for line in card.replace("\\", "").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return build_study(tmp_path_factory.mktemp("cards") / "s")


def load_calibrated_study(ledger: Ledger) -> LoadedStudy:
    """Return a study of one trial, with calibrated probabilities on test."""
    loaded_study = read_study_files(ledger)
    predictions = loaded_study.predictions
    temperature = read_temperature(ledger, ledger.read_trials())
    scaled = scale_probabilities(predictions.probabilities, temperature.value)
    calibrated = replace(predictions, probabilities=scaled.astype(np.float32))
    return replace(loaded_study, predictions=calibrated)


@pytest.fixture(scope="module")
def official_card(official: Ledger) -> str:
    return make_card(official)


def test_model_card_scores_are_those_of_calibrated_probabilities(
    official: Ledger, official_card: str
) -> None:
    loaded_study = load_calibrated_study(official)
    (row,) = frames.make_comparison_frame(
        loaded_study, bootstrap_scores(loaded_study.predictions)
    ).to_dict("records")
    rows = {cells[0]: cells for cells in list_table_rows(official_card)}
    for score, name in (("accuracy", "Accuracy"), ("macro_f1", "Macro F1")):
        value, low, high = (100 * row[f"test_{score}{end}"] for end in ("", "_low", "_high"))
        assert rows[name][-2:] == [f"{value:.1f}", f"[{low:.1f}, {high:.1f}]"]
    for score, name in (("mcc", "MCC"), ("brier", "Brier score"), ("log_loss", "Log loss")):
        (cells,) = (cells for label, cells in rows.items() if label.startswith(name))
        value, low, high = (row[f"test_{score}{end}"] for end in ("", "_low", "_high"))
        assert cells[-2:] == [f"{value:.4f}", f"[{low:.4f}, {high:.4f}]"]


def test_model_card_class_tables_are_those_of_calibrated_probabilities(
    official: Ledger, official_card: str
) -> None:
    classes = compute_class_scores(load_calibrated_study(official).predictions).iloc[7]
    tables = [cells for cells in list_table_rows(official_card) if cells[0] == "7 platelet"]
    note = f"fewer than {MIN_CLASS_IMAGES} images"
    for cells, name in zip(tables, ("f1", "average_precision"), strict=True):
        decimals, scale = (1, 100) if name == "f1" else (4, 1)
        value, low, high = (scale * classes[f"{name}{end}"] for end in ("", "_low", "_high"))
        expected = f"[{low:.{decimals}f}, {high:.{decimals}f}]"
        assert cells[-4:] == [f"{value:.{decimals}f}", expected, "10", note]


@pytest.mark.parametrize("kind", DataKind)
def test_model_card_lists_the_limitations_of_its_data(kind: DataKind, tmp_path: Path) -> None:
    ledger = build_study(tmp_path / "s", kind)
    card = make_card(ledger)
    for text in list_limitations(ledger.study.data, None):
        assert f"- {escape_markdown(text)}" in card


def test_model_card_of_medmnist_names_license_and_source_of_its_data_set(tmp_path: Path) -> None:
    ledger = build_study(tmp_path / "s", DataKind.MEDMNIST)
    card = make_card(ledger).replace("\\", "")
    assert "official file of TissueMNIST (64 x 64), CC BY 4.0" in card
    assert "MedMNIST v2" in card
    assert not any(name in card for name in ("BloodMNIST", "Acevedo", "cell."))


def test_model_card_front_matter_has_tags_and_scores(official_card: str) -> None:
    front_matter = read_front_matter(official_card)
    assert "not-for-clinical-use" in front_matter["tags"]
    ((model,),) = (front_matter["model-index"],)
    (result,) = model["results"]
    assert model["name"] == "s-cnn-config-1-s0"
    assert result["dataset"]["split"] == "test"
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert values["accuracy"] == round(320 / 360, 4)
    assert 0 < values["f1"] < 1


def test_model_card_names_trial_reason_and_agreement(official: Ledger, official_card: str) -> None:
    record = official.read_trials()[0]
    text = official_card.replace("\\", "")
    for part in (record.id, official.study.fingerprint, "as asked for", "It agrees.", "422,344"):
        assert part in text


def test_model_card_training_names_augmentation_and_schedule(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "s",
        {"cnn-config-1": [ASYMMETRIC], "resnet": [ASYMMETRIC]},
        record_overrides={"resnet": RESNET.to_dict()},
    )
    paper, resnet = (
        next(line for line in make_card(ledger, i).splitlines() if line.startswith("- Training: "))
        for i in (0, 1)
    )
    assert all(part in paper for part in ("100 epochs", "patience 10", "seed 0", "float32"))
    assert "one-cycle" not in paper
    assert "patience" not in resnet
    assert all(part in resnet for part in ("one-cycle", "eight orientations", "2 pixels"))


def test_model_card_does_not_depend_on_other_seeds(official_card: str, tmp_path: Path) -> None:
    other = make_card(build_study(tmp_path / "s", seeds=2))
    assert list_table_rows(other) == list_table_rows(official_card)


def test_model_card_of_official_data_names_license_and_source(
    official: Ledger, official_card: str
) -> None:
    assert str(official.study.data.md5) in official_card
    assert "CC BY 4.0" in official_card
    assert "Acevedo" in official_card


def test_model_card_of_another_file_names_the_file(official_card: str, tmp_path: Path) -> None:
    card = make_card(build_study(tmp_path / "s", DataKind.FILE))
    assert "e" * 32 in card
    assert "my\\_cells.npz" in card
    assert 'numpy.load("my_cells.npz")' in card
    assert "Acevedo" in card
    trained_on, official_trained_on = (
        next(line for line in text.splitlines() if "MD5" in line) for text in (card, official_card)
    )
    assert len(trained_on) > len(official_trained_on)  # what it holds is not known


def test_model_card_without_a_class_names_it(tmp_path: Path) -> None:
    matrix = grid_builder.remove_class(ASYMMETRIC, 3)
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [matrix]})
    card = make_card(ledger)
    for text in list_score_warnings(ledger.study.data):
        assert f"**{escape_markdown(text)}.**" in card


def test_model_card_of_synthetic_cells_says_so_and_has_no_source(tmp_path: Path) -> None:
    card = make_card(build_study(tmp_path / "s", DataKind.SYNTHETIC))
    assert "**SYNTHETIC" in card
    assert "Acevedo" not in card
    assert "hospital" not in card
    assert "not-for-clinical-use" in read_front_matter(card)["tags"]


def test_model_card_without_a_test_evaluation_has_scores_on_val(tmp_path: Path) -> None:
    ledger = build_study(tmp_path / "s")
    (record,) = ledger.read_trials()
    write_trial_record(ledger, replace(record, scores={"val": record.scores["val"]}))
    card = make_card(ledger)
    rows = {cells[0]: cells for cells in list_table_rows(card)}
    assert len(rows["Accuracy"]) == 3
    assert "7 platelet" not in rows
    assert "model-index" not in read_front_matter(card)


def test_model_card_calibration_is_that_of_calibrated_probabilities(
    official: Ledger, official_card: str
) -> None:
    # The stand-in predictions are right nine times in ten and give their class a third.
    stored, calibrated = (
        compute_calibration(study.predictions).errors["gap"].item()
        for study in (read_study_files(official), load_calibrated_study(official))
    )
    found = re.search(r"accuracy is (\N{MINUS SIGN}|\+)(\d+\.\d+) points", official_card)
    assert found is not None
    assert float(found[2]) == pytest.approx(100 * abs(calibrated), abs=0.06)
    assert abs(calibrated) < abs(stored) / 2


def test_model_card_states_the_temperature(official: Ledger, official_card: str) -> None:
    temperature = read_temperature(official, official.read_trials())
    assert describe_temperature(temperature) in official_card.replace("\\", "")


def test_model_card_names_from_the_study_stay_text(tmp_path: Path) -> None:
    name = "[x](http://a.b) <b>|`"
    ledger = grid_builder.build_grid(
        tmp_path / "s",
        {"cnn-config-1": [ASYMMETRIC]},
        class_names=(*CLASS_NAMES[:7], name),
    )
    card = make_card(ledger)
    assert " [x](http" not in card
    assert "<b>" not in card
    assert escape_markdown(name) in card


def test_model_card_of_a_fold_names_it_and_the_variance(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC] * 3}
    card = make_card(grid_builder.build_grid(tmp_path / "s", matrices, folds=3), 2)
    assert "fold 2 (of 0 to 2)" in card.replace("\\", "")
    for text in describe_fold_variance(3):
        assert escape_markdown(text) in card


def test_model_card_of_a_study_with_orientations_names_them(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC]}
    assert "eight orientations" not in make_card(grid_builder.build_grid(tmp_path / "s", matrices))
    ledger = grid_builder.build_grid(
        tmp_path / "averaged", matrices, config_overrides={"cnn-config-1": {"orientations": True}}
    )
    card = make_card(ledger)
    assert "means over the eight orientations" in card
    assert "one orientation" not in card


def test_model_card_with_added_orientations_says_what_its_scores_are(tmp_path: Path) -> None:
    ledger = build_study(tmp_path / "s")
    added = Temperature(1.0, TemperatureState.OTHER_VIEWS, 0)
    card = make_card(ledger, temperature=added)
    for text in ("means over the eight orientations", "in one orientation", "without calibration"):
        assert text in card
    assert describe_temperature(added) in card
    loaded_study = read_study_files(ledger)
    expected = frames.make_comparison_frame(
        loaded_study, bootstrap_scores(loaded_study.predictions)
    )["test_log_loss"].iloc[0]
    rows = {cells[0]: cells for cells in list_table_rows(card)}
    (row,) = (cells for name, cells in rows.items() if name.startswith("Log loss"))
    assert float(row[-2]) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("folds", [None, 2])
def test_model_card_of_a_vote_has_the_scores_of_the_mean_probabilities(
    tmp_path: Path, folds: int | None
) -> None:
    """In a cross-validation, the members have other images on val."""
    matrices = [worsen_matrix(ASYMMETRIC, n_moved=n) for n in (0, 9)]
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": matrices}, folds=folds)
    records = ledger.read_trials()
    card = make_model_card(
        ledger,
        records,
        name="cnn-config-1-vote",
        reason="x",
        agreement="y.",
        temperature=read_temperature(ledger, records),
    )
    loaded_study = read_study_files(ledger)
    comparison = compare_votes(loaded_study, bootstrap_scores(loaded_study.predictions))
    assert comparison is not None
    rows = {cells[0]: cells for cells in list_table_rows(card)}
    assert rows["Macro F1"][-2] == f"{100 * comparison.frame['test_macro_f1'].iloc[0]:.1f}"
    assert ("val" in rows["Score"]) == (folds is None)
    text = card.replace("\\", "")
    for part in (*(record.id for record in records), "844,688 parameters", "2 trained networks"):
        assert part in text
