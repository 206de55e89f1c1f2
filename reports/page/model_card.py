"""The card of an exported model: what it is, what it was trained on, how well, and what it is not.

Markdown with the front matter that Hugging Face reads.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import yaml

from reports.analysis import frames
from reports.analysis.bootstrap import sample
from reports.analysis.calibration import EITHER, OVER, UNDER, calibration
from reports.format.escape import markdown
from reports.format.table import Column, table
from reports.format.text import class_label, data_words, settings, word
from reports.format.units import interval, number
from reports.ledger.ledger import Ledger
from reports.ledger.loading import Tested
from reports.ledger.records import OPTIONAL_SETTINGS, StudyRecord, TrialRecord
from reports.page.render import environment

_SCORES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
    "auc": "AUC",
}
_COLUMNS = (
    Column(key="score", head=("Score",)),
    *(
        column
        for split in ("val", "test")
        for column in (
            Column(key=split, head=(split, "(%)"), unit="percent"),
            Column(key=split, head=("95 % interval",), unit="interval"),
        )
    ),
)
_CLASSES = (
    Column(key="label", head=("Class",)),
    Column(key="precision", head=("Precision", "(%)"), unit="percent"),
    Column(key="recall", head=("Recall", "(%)"), unit="percent"),
    Column(key="f1", head=("F1", "(%)"), unit="percent"),
    Column(key="support", head=("Test", "images"), unit="count"),
)
_TENDENCY = {
    OVER: "The model promises more than it keeps (overconfident)",
    UNDER: "The model keeps more than it promises (underconfident)",
    EITHER: "The model shows neither over- nor underconfidence beyond chance",
}


def card(ledger: Ledger, record: TrialRecord, *, reason: str, checked: str) -> str:
    """The text of the card.

    Args:
        ledger: of the study.
        record: of the trial whose model it is; complete.
        reason: why this one, in words that follow its name.
        checked: how far the exported model agrees with the trained one, a sentence.

    Raises:
        ConflictError: its predictions cannot be read.
    """
    study, name = ledger.study, record.id.rpartition("-")[0]
    looked = [split for split in ("val", "test") if split in record.scores]
    split = {each: _tested(ledger, record, each) for each in looked}
    scores = pd.DataFrame({"score": list(_SCORES.values())})
    for each, tested in split.items():
        scores = scores.join(_scored(tested, each))
    text = (
        environment(markdown)
        .get_template("card.md")
        .render(
            name=name,
            study=study,
            record=record,
            training=_training({**OPTIONAL_SETTINGS, **record.config}),
            reason=reason,
            settings=settings(record.config),
            loss=word(record.config["loss"]),
            data=data_words(study.data),
            scores=table("scores", "Scores of this one model", _COLUMNS, scores),
            classes=_classes(study, split["test"]) if "test" in split else None,
            trust=_trust(split["test"]) if "test" in split else None,
            checked=checked,
        )
    )
    front = yaml.safe_dump(_front(study, name, scores), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{text}"


def _training(config: Mapping[str, Any]) -> str:
    """How a model was trained, from a `TrialConfig` as a dict; of it all but network and update."""
    parts = [f"batch size {config['batch_size']}", f"at most {config['max_epochs']} epochs"]
    if config["schedule"] == "one_cycle":
        parts.append("one-cycle learning rate")
    else:
        parts.append(f"patience {config['patience']}")
    parts += [f"seed {config['seed']}", f"products in {config['precision']}"]
    if config["orientations"]:
        parts.append("images in any of the eight orientations of a square")
    if config["shift"]:
        parts.append(f"moved by up to {config['shift']} pixels")
    return ", ".join(parts)


def _tested(ledger: Ledger, record: TrialRecord, split: str) -> Tested:
    """The predictions of the one trial on a split, as the report knows those of many."""
    probabilities, labels = ledger.predictions(record.id, split)
    keys = {key: record.config.get(key) for key in ("family", "loss", "optimizer", "seed")}
    row = {"study": ledger.study.name, "id": record.id, "name": record.configuration}
    return Tested(
        trials=pd.DataFrame([row | keys]),
        labels=labels.astype(np.int64),
        probabilities=probabilities[None],
    )


def _scored(tested: Tested, split: str) -> pd.DataFrame:
    """Each score with the ends of its interval, which holds the luck of the images alone."""
    sampled = sample(tested)
    ends = frames.intervals(sampled, tested.names).iloc[0]
    return pd.DataFrame(
        {
            split: [float(sampled.values[score][0]) for score in _SCORES],
            f"{split}_low": [ends[f"test_{score}_low"] for score in _SCORES],
            f"{split}_high": [ends[f"test_{score}_high"] for score in _SCORES],
        }
    )


def _classes(study: StudyRecord, tested: Tested) -> Any:
    frame = frames.per_class(frames.confusions(tested))
    names = study.data.class_names
    frame = frame.assign(label=[class_label(each, names[each]) for each in frame["class"]])
    frame = frame.drop(columns=[f"{score}_sd" for score in frames.CLASS_SCORES])
    return table("classes", "Each class on test", _CLASSES, frame)


def _trust(tested: Tested) -> str:
    """How far its probabilities can be trusted, in a sentence or two."""
    found: Mapping[Any, Any] = calibration(tested).errors.iloc[0].to_dict()
    gap, ends = number(found["gap"], "points"), (found["gap_low"], found["gap_high"])
    return (
        f"{_TENDENCY[found['tendency']]}: mean probability of the most probable class minus share "
        f"of right predictions on test is {gap} points, 95 % interval {interval(*ends, 'points')}. "
        f"Expected calibration error {number(found['ece'], 'percent')} %; "
        f"{number(found['luck'], 'percent')} % would be chance alone."
    )


def _front(study: StudyRecord, name: str, scores: pd.DataFrame) -> dict[str, Any]:
    """What Hugging Face reads: tags, and the scores on test where it was looked at."""
    front: dict[str, Any] = {
        "library_name": "onnx",
        "pipeline_tag": "image-classification",
        "tags": ["onnx", "image-classification", "bloodstudy", "not-for-clinical-use"],
    }
    if "test" in scores:
        kinds = {"Accuracy": "accuracy", "Macro F1": "f1"}
        values = scores.set_index("score")["test"]
        metrics = [
            {"type": kind, "name": score, "value": round(float(values[score]), 4)}
            for score, kind in kinds.items()
        ]
        data = {"name": data_words(study.data).short, "type": study.data.name, "split": "test"}
        task = {"type": "image-classification"}
        results = [{"task": task, "dataset": data, "metrics": metrics}]
        front["model-index"] = [{"name": f"{study.name}-{name}", "results": results}]
    return front
