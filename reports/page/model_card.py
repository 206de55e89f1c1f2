"""Write the model card of an exported model: scores, training, data and limitations.

The card is Markdown with the front matter that Hugging Face reads.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import yaml

from reports.analysis import confusion, frames
from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.calibration import EQUIVALENCE_MARGIN, Tendency, compute_calibration
from reports.format.data_warnings import list_score_warnings
from reports.format.escape import escape_markdown
from reports.format.table import Column, make_table
from reports.format.text import format_settings, label, make_class_label, make_data_label
from reports.format.units import format_interval, format_number
from reports.ledger.ledger import Ledger
from reports.ledger.loading import TestPredictions
from reports.ledger.records import StudyRecord, TrialRecord
from reports.page.render import make_environment

_SCORES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
    "auc": "AUC",
}
_SCORE_COLUMNS = (
    Column(key="score", heading=("Score",)),
    *(
        column
        for split in ("val", "test")
        for column in (
            Column(key=split, heading=(split, "(%)"), unit="percent"),
            Column(key=split, heading=("95% confidence interval",), unit="interval"),
        )
    ),
)
_CLASS_SCORE_COLUMNS = (
    Column(key="class_label", heading=("Class",)),
    Column(key="precision", heading=("Precision", "(%)"), unit="percent"),
    Column(key="recall", heading=("Recall", "(%)"), unit="percent"),
    Column(key="f1", heading=("F1", "(%)"), unit="percent"),
    Column(key="support", heading=("Test", "images"), unit="count"),
)
_TENDENCY_TEXTS = {
    Tendency.OVERCONFIDENT: "The model is overconfident",
    Tendency.UNDERCONFIDENT: "The model is underconfident",
    Tendency.MISCALIBRATED: "Some probabilities are too high and others too low",
    Tendency.CALIBRATED: f"The model is calibrated within {100 * EQUIVALENCE_MARGIN:g} point",
    Tendency.UNDECIDED: "The test images do not decide whether the model is calibrated",
}


def make_model_card(ledger: Ledger, record: TrialRecord, *, reason: str, agreement: str) -> str:
    """Return the text of the card.

    Args:
        ledger: Ledger of the study.
        record: Record of the complete trial that trained the model.
        reason: Reason for choosing this model, a phrase.
        agreement: Agreement of the exported model with the trained one, a sentence.

    Raises:
        ConflictError: The predictions of the trial cannot be read.
    """
    study, name = ledger.study, record.id.rpartition("-")[0]
    split_names = [split for split in ("val", "test") if split in record.scores]
    split = {
        split_name: _load_predictions(ledger, record, split_name) for split_name in split_names
    }
    scores = pd.DataFrame({"score": list(_SCORES.values())})
    for split_name, predictions in split.items():
        scores = scores.join(_make_score_frame(predictions, split_name))
    text = (
        make_environment(escape_markdown)
        .get_template("card.md")
        .render(
            name=name,
            study=study,
            record=record,
            training=_describe_training(record.config),
            reason=reason,
            settings=format_settings(record.config),
            loss=label(record.config["loss"]),
            data=make_data_label(study.data),
            data_warnings=list_score_warnings(study.data),
            scores=make_table("scores", "Scores of this model", _SCORE_COLUMNS, scores),
            classes=_make_class_table(study, split["test"]) if "test" in split else None,
            trust=_describe_calibration(split["test"]) if "test" in split else None,
            checked=agreement,
        )
    )
    front_matter = yaml.safe_dump(
        _make_front_matter(study, name, scores), sort_keys=False, allow_unicode=True
    )
    return f"---\n{front_matter}---\n\n{text}"


def _describe_training(config: Mapping[str, Any]) -> str:
    """Describe the training settings of a `TrialConfig`, except network and optimizer."""
    parts = [f"batch size {config['batch_size']}", f"at most {config['max_epochs']} epochs"]
    if config["schedule"] == "one_cycle":
        parts.append("one-cycle learning rate")
    else:
        parts.append(f"patience {config['patience']}")
    parts += [f"seed {config['seed']}", f"{config['precision']} precision"]
    if config["dihedral_augmentation"]:
        parts.append("random flips and rotations by 90° (eight orientations)")
    if config["max_shift"]:
        parts.append(f"random shifts by up to {config['max_shift']} pixels")
    return ", ".join(parts)


def _load_predictions(ledger: Ledger, record: TrialRecord, split: str) -> TestPredictions:
    """Load the predictions of one trial on a split."""
    probabilities, labels = ledger.read_predictions(record.id, split)
    settings_columns = {key: record.config[key] for key in ("family", "loss", "optimizer", "seed")}
    row = {"study": ledger.study.name, "id": record.id, "configuration": record.configuration}
    return TestPredictions(
        trials=pd.DataFrame([row | settings_columns]),
        labels=labels.astype(np.int64),
        probabilities=probabilities[None],
    )


def _make_score_frame(predictions: TestPredictions, split: str) -> pd.DataFrame:
    """Return each score with its confidence interval over the choice of images."""
    bootstrap = bootstrap_scores(predictions)
    interval_row = frames.make_intervals_frame(bootstrap, predictions.configurations).iloc[0]
    return pd.DataFrame(
        {
            split: [float(bootstrap.values[score][0]) for score in _SCORES],
            f"{split}_low": [interval_row[f"test_{score}_low"] for score in _SCORES],
            f"{split}_high": [interval_row[f"test_{score}_high"] for score in _SCORES],
        }
    )


def _make_class_table(study: StudyRecord, predictions: TestPredictions) -> Any:
    frame = confusion.analyze_confusion(predictions).class_scores
    class_names = study.data.class_names
    frame = frame.assign(
        class_label=[
            make_class_label(class_index, class_names[class_index])
            for class_index in frame["class"]
        ]
    )
    frame = frame.drop(columns=[f"{score}_sd" for score in confusion.CLASS_SCORES])
    return make_table("classes", "Scores of each class on test", _CLASS_SCORE_COLUMNS, frame)


def _describe_calibration(predictions: TestPredictions) -> str:
    """Describe the calibration of the model on test."""
    errors: Mapping[Any, Any] = compute_calibration(predictions).errors.iloc[0].to_dict()
    gap, bounds = format_number(errors["gap"], "points"), (errors["gap_low"], errors["gap_high"])
    return (
        f"{_TENDENCY_TEXTS[errors['tendency']]}: on test, the mean probability of the predicted "
        f"class minus the accuracy is {gap} points (95% confidence interval "
        f"{format_interval(*bounds, 'points')}). The expected calibration error is "
        f"{format_number(errors['ece'], 'percent')}%; a perfectly calibrated model would show "
        f"{format_number(errors['expected_ece'], 'percent')}% on as many images."
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
