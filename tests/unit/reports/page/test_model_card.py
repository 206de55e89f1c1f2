"""The card of a model: scores as the report has them, the data by name, and what it is not."""

from dataclasses import replace
from pathlib import Path

import yaml

from reports.analysis import confusion, frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.format.escape import escape_markdown
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.states import DataKind
from reports.page.model_card import make_model_card
from study.configs.presets import RESNET
from tests.helpers import grid_builder
from tests.helpers.models import write_trial_record


def written(ledger: Ledger, index: int = 0) -> str:
    return make_model_card(
        ledger, ledger.read_trials()[index], reason="as asked for", agreement="It agrees."
    )


def study(folder: Path, kind: DataKind = DataKind.OFFICIAL, seeds: int = 1) -> Ledger:
    matrices = grid_builder.make_published_matrices()["cnn-config-1"]
    return grid_builder.build_grid(folder / kind, {"cnn-config-1": matrices * seeds}, kind=kind)


def test_scores_and_intervals_are_those_of_the_report_of_one_seed(tmp_path: Path) -> None:
    ledger = study(tmp_path)
    loaded_study = read_study_files(ledger)
    (row,) = frames.make_comparison_frame(
        loaded_study, bootstrap_scores(loaded_study.predictions)
    ).to_dict("records")
    text = written(ledger)
    for score, name in (("accuracy", "Accuracy"), ("macro_f1", "Macro F1")):
        value = 100 * row[f"test_{score}"]
        low, high = (100 * row[f"test_{score}_{end}"] for end in ("low", "high"))
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {name} "))
        assert line.endswith(f"| {value:.2f} | \\[{low:.2f}, {high:.2f}\\] |")
    classes = confusion.analyze_confusion(loaded_study.predictions).class_scores
    assert f"| {100 * classes['f1'][7]:.2f} | {classes['support'][7]} |" in text


def test_training_is_described_with_its_augmentation(tmp_path: Path) -> None:
    matrix = grid_builder.make_published_matrices()["cnn-config-1"]
    ledger = grid_builder.build_grid(
        tmp_path / "s",
        {"cnn-config-1": matrix, "resnet": matrix},
        record_overrides={"resnet": RESNET.to_dict()},
    )
    paper, resnet = (
        line
        for index in (0, 1)
        for line in written(ledger, index).splitlines()
        if line.startswith("- Training: ")
    )
    assert "at most 100 epochs, patience 10, seed 0, products in float32; weights of" in paper
    assert "one-cycle" in resnet
    assert "patience" not in resnet
    assert "any of the eight orientations" in resnet
    assert "moved by up to 2 pixels; weights of" in resnet


def test_another_seed_changes_no_interval(tmp_path: Path) -> None:
    """It is of the one model, whatever else the study trained."""
    one = written(study(tmp_path / "a")).split("## What it is")[0]
    (tmp_path / "b").mkdir()
    two = written(study(tmp_path / "b", seeds=2)).split("## What it is")[0]
    assert one == two


def test_official_data_are_named_with_their_licence_and_source(tmp_path: Path) -> None:
    text = written(study(tmp_path, DataKind.OFFICIAL))
    assert "bloodmnist.npz, MD5 7053d0359d879ad8a5505303e11de1dc" in text
    assert "official file of BloodMNIST, CC BY 4.0" in text
    assert "Acevedo" in text
    assert "no medical use, no diagnosis" in text


def test_of_another_file_nothing_is_claimed(tmp_path: Path) -> None:
    text = written(study(tmp_path, DataKind.FILE))
    assert f"MD5 {'e' * 32}" in text
    assert "not the official file of BloodMNIST, and what it holds is not known" in text
    assert "Acevedo" in text


def test_drawings_are_called_so_and_have_no_source(tmp_path: Path) -> None:
    text = written(study(tmp_path, DataKind.SYNTHETIC))
    assert "SYNTHETIC: stand-in cells, not photographs. The model knows nothing" in text
    assert "Acevedo" not in text
    assert "hospital" not in text
    assert "no medical use, no diagnosis" in text


def test_a_model_that_was_not_looked_at_has_scores_on_val_alone(tmp_path: Path) -> None:
    ledger = study(tmp_path)
    (record,) = ledger.read_trials()
    write_trial_record(ledger, replace(record, scores={"val": record.scores["val"]}))
    text = written(ledger)
    assert "It was not looked at on test." in text
    assert "| Accuracy | " in text
    assert "test (%)" not in text
    assert "model-index" not in yaml.safe_load(text.split("---\n")[1])


def test_how_far_probabilities_can_be_trusted_is_said(tmp_path: Path) -> None:
    text = written(study(tmp_path))
    assert "keeps more than it promises (underconfident)" in text
    assert "were not calibrated afterwards" in text


def test_names_from_the_study_are_text_in_the_card(tmp_path: Path) -> None:
    names = (*grid_builder.CLASS_NAMES[:7], "[x](http://a.b) <b>|`")
    matrices = grid_builder.make_published_matrices()["cnn-config-1"]
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": matrices}, class_names=names)
    text = written(ledger)
    assert " [x](http" not in text
    assert "<b>" not in text
    assert escape_markdown("[x](http://a.b) <b>|`") in text
