"""Write the model card of an exported model: scores, training, data and limitations.

The card is Markdown with the front matter that Hugging Face reads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bloodnets.constants import CLASS_NAMES
from reports.analysis import frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.calibration import EQUIVALENCE_MARGIN, Tendency, compute_calibration
from reports.analysis.class_scores import compute_class_scores
from reports.analysis.temperature import (
    Temperature,
    TemperatureState,
    scale_probabilities,
)
from reports.format.columns import CLASS_COLUMNS, MORE_CLASS_COLUMNS
from reports.format.data_warnings import list_score_warnings
from reports.format.escape import escape_markdown
from reports.format.limitations import list_limitations
from reports.format.table import Column, Table, make_table
from reports.format.text import format_settings, label, make_class_label, make_data_label
from reports.format.units import Unit, choose_decimals, format_interval, format_number
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import get_replicate_name
from reports.ledger.records import StudyRecord, TrialRecord
from reports.ledger.test_predictions import TestPredictions, make_test_predictions
from reports.ledger.trial_predictions import read_predictions
from reports.page.render import make_environment
from reports.sections.errors.classes import add_note
from reports.sections.temperature_text import describe_temperature

_SCORES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
    "balanced_accuracy": "Balanced accuracy",
    "auc": "AUC",
}
_FURTHER_SCORES = {
    "mcc": "MCC (\N{MINUS SIGN}1 to 1)",
    "kappa": "Cohen's kappa (\N{MINUS SIGN}1 to 1)",
    "brier": "Brier score (0 to 2, lower is better)",
    "log_loss": "Log loss (nats, lower is better)",
}


def _list_score_columns(unit: Unit, interval_unit: Unit, unit_text: str) -> tuple[Column, ...]:
    return (
        Column(key="score", heading=("Score",)),
        *(
            column
            for split in ("val", "test")
            for column in (
                Column(key=split, heading=(f"{split}{unit_text}",), unit=unit),
                Column(key=split, heading=("95% confidence interval",), unit=interval_unit),
            )
        ),
    )


_TENDENCY_TEXTS = {
    Tendency.OVERCONFIDENT: "The model is overconfident",
    Tendency.UNDERCONFIDENT: "The model is underconfident",
    Tendency.MISCALIBRATED: "Some probabilities are too high and others too low",
    Tendency.CALIBRATED: f"The model is calibrated within {100 * EQUIVALENCE_MARGIN:g} point",
    Tendency.UNDECIDED: "The test images do not decide whether the model is calibrated",
}


def make_model_card(
    ledger: Ledger,
    records: Sequence[TrialRecord],
    *,
    name: str,
    reason: str,
    agreement: str,
    temperature: Temperature,
) -> str:
    """Return the text of the card.

    Args:
        ledger: Ledger of the study.
        records: Record of the complete trial that trained the model; for a vote, those of its
            members, which have the same configuration.
        name: Name of the trial or the vote.
        reason: Reason for choosing this model, a phrase.
        agreement: Agreement of the exported model with the trained one, a sentence.
        temperature: Temperature of the exported model.

    Raises:
        ConflictError: The predictions of the trial cannot be read.
    """
    study, config = ledger.study, records[0].config
    split = {
        split_name: _load_predictions(ledger, records, split_name, temperature.value)
        for split_name in _list_splits(records)
    }
    scores = pd.DataFrame({"score": {**_SCORES, **_FURTHER_SCORES}})
    for split_name, predictions in split.items():
        scores = scores.join(_make_score_frame(predictions, split_name))
    text = (
        make_environment(escape_markdown)
        .get_template("card.md")
        .render(
            name=name,
            study=study,
            records=records,
            training=_describe_training(records),
            reason=reason,
            settings=format_settings(config),
            loss=label(config["loss"]),
            data=make_data_label(study.data),
            shape=study.data.shape,
            has_bloodmnist_classes=study.data.class_names == CLASS_NAMES,
            file_name="bloodmnist.npz" if study.data.path is None else study.data.name,
            data_warnings=list_score_warnings(study.data),
            score_tables=_make_score_tables(scores),
            class_tables=_make_class_tables(study, split["test"]) if "test" in split else (),
            limitations=list_limitations(study.data, config.get("folds")),
            trust=_describe_calibration(split["test"]) if "test" in split else None,
            temperature=describe_temperature(temperature),
            has_orientations="orientations" in config,
            adds_orientations=temperature.state is TemperatureState.OTHER_VIEWS,
            checked=agreement,
        )
    )
    front_matter = yaml.safe_dump(
        _make_front_matter(study, name, scores), sort_keys=False, allow_unicode=True
    )
    return f"---\n{front_matter}---\n\n{text}"


def _list_splits(records: Sequence[TrialRecord]) -> list[str]:
    """Return the splits with scores; without val for a vote whose members held out folds."""
    has_other_val = len(records) > 1 and "fold" in records[0].config
    return [
        split
        for split in ("val", "test")
        if all(split in record.scores for record in records)
        and not (split == "val" and has_other_val)
    ]


def _describe_training(records: Sequence[TrialRecord]) -> str:
    """Describe the training settings, except network and optimizer."""
    config = records[0].config
    parts = [f"batch size {config['batch_size']}", f"at most {config['max_epochs']} epochs"]
    if config["schedule"] == "one_cycle":
        parts.append("one-cycle learning rate")
    else:
        parts.append(f"patience {config['patience']}")
    if len(records) > 1:
        names = ", ".join(get_replicate_name(record.config) for record in records)
        parts.append(f"replicates {names}")
    else:
        parts.append(f"seed {config['seed']}")
    if len(records) == 1 and "folds" in config:
        parts.append(
            f"fold {config['fold']} (of 0 to {config['folds'] - 1}) of train and val held out as "
            "val"
        )
    parts.append(f"{config['precision']} precision")
    if config["dihedral_augmentation"]:
        parts.append("random flips and rotations by 90° (eight orientations)")
    if config["max_shift"]:
        parts.append(f"random shifts by up to {config['max_shift']} pixels")
    return ", ".join(parts)


def _load_predictions(
    ledger: Ledger, records: Sequence[TrialRecord], split: str, temperature: float
) -> TestPredictions:
    """Load the calibrated mean predictions of the trials on a split, as those of one trial."""
    predictions = [read_predictions(ledger, record.id, split) for record in records]
    means = np.mean([each.probabilities for each in predictions], axis=0, dtype=np.float64)
    return make_test_predictions(
        ledger.study,
        records[:1],
        {records[0].id: scale_probabilities(np.asarray(means), temperature).astype(np.float32)},
        predictions[0].labels.astype(np.int64),
    )


def _make_score_frame(predictions: TestPredictions, split: str) -> pd.DataFrame:
    """Return each score with its confidence interval over the choice of images."""
    bootstrap = bootstrap_scores(predictions)
    interval_row = frames.make_intervals_frame(bootstrap, predictions.configurations).iloc[0]
    names = [*_SCORES, *_FURTHER_SCORES]
    columns = {
        split: [float(bootstrap.values[score][0]) for score in names],
        f"{split}_low": [interval_row[f"test_{score}_low"] for score in names],
        f"{split}_high": [interval_row[f"test_{score}_high"] for score in names],
    }
    return pd.DataFrame(columns, index=names)


def _make_score_tables(scores: pd.DataFrame) -> tuple[Table, Table]:
    """Make a table of percentages, and one of the scores with other ranges."""
    return (
        make_table(
            "scores",
            "Scores of this model",
            _list_score_columns("percent", "interval", " (%)"),
            scores.loc[[*_SCORES]],
        ),
        make_table(
            "further-scores",
            "Further scores of this model",
            _list_score_columns("score", "score_interval", ""),
            scores.loc[[*_FURTHER_SCORES]],
        ),
    )


def _make_class_tables(study: StudyRecord, predictions: TestPredictions) -> tuple[Table, Table]:
    frame = compute_class_scores(predictions).drop(columns="configuration")
    labels = [make_class_label(c, study.data.class_names[c]) for c in frame["class"]]
    frame = add_note(frame.assign(class_label=labels))
    return (
        make_table("classes", "Scores of each class on test", CLASS_COLUMNS, frame),
        make_table("classes-more", "Further scores of each class", MORE_CLASS_COLUMNS, frame),
    )


def _describe_calibration(predictions: TestPredictions) -> str:
    """Describe the calibration of the model on test."""
    errors: Mapping[Any, Any] = compute_calibration(predictions).errors.iloc[0].to_dict()
    bounds = errors["gap_low"], errors["gap_high"]
    decimals = choose_decimals(*([bound] for bound in bounds))
    gap = format_number(errors["gap"], "points", decimals=decimals)
    ece, expected_ece = (
        format_number(errors[key], "percent", decimals=decimals) for key in ("ece", "expected_ece")
    )
    return (
        f"{_TENDENCY_TEXTS[errors['tendency']]}: on test, the mean probability of the predicted "
        f"class minus the accuracy is {gap} points (95% confidence interval "
        f"{format_interval(*bounds, 'points', decimals=decimals)}). The expected calibration error "
        f"is {ece}%; a perfectly calibrated model would show {expected_ece}% on as many images. "
        f"{_describe_slope(errors)}"
    )


def _describe_slope(errors: Mapping[Any, Any]) -> str:
    if np.isnan([errors["slope"], errors["intercept"]]).any():
        return "The calibration slope and intercept cannot be estimated from these predictions."
    slope, intercept = (
        f"{format_number(errors[name], 'score')} "
        f"{format_interval(errors[f'{name}_low'], errors[f'{name}_high'], 'score')}"
        for name in ("slope", "intercept")
    )
    return (
        f"The calibration slope is {slope} and the calibration intercept {intercept}; a calibrated "
        "model has 1 and 0."
    )


def _make_front_matter(study: StudyRecord, name: str, scores: pd.DataFrame) -> dict[str, Any]:
    """Return the metadata for Hugging Face: tags, and the scores if the model has a test score."""
    front_matter: dict[str, Any] = {
        "library_name": "onnx",
        "pipeline_tag": "image-classification",
        "tags": ["onnx", "image-classification", "bloodstudy", "not-for-clinical-use"],
    }
    if "test" in scores:
        metric_types = {"Accuracy": "accuracy", "Macro F1": "f1"}
        values = scores.set_index("score")["test"]
        metrics = [
            {"type": metric_type, "name": score, "value": round(float(values[score]), 4)}
            for score, metric_type in metric_types.items()
        ]
        data = {"name": make_data_label(study.data).short, "type": study.data.name, "split": "test"}
        task = {"type": "image-classification"}
        results = [{"task": task, "dataset": data, "metrics": metrics}]
        front_matter["model-index"] = [{"name": f"{study.name}-{name}", "results": results}]
    return front_matter
