"""From a study's records to data frames: scores, confusion, curves. No formatting.

Scores are fractions, 0 to 1; the spread of a column `x` is `x_sd`, the standard deviation over
replicates (n - 1 in the denominator), NaN where fewer than two were measured. Only trials of
state `complete` are averaged. Rows follow the order of the study's plan.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from bloodnets import metrics
from bloodnets.constants import NUM_CLASSES
from reports.analysis.bootstrap import SCORES, BootstrapScores
from reports.analysis.intervals import estimate_contrast
from reports.ledger import published
from reports.ledger.loading import LoadedStudy, TestPredictions
from reports.ledger.planned_trial import NEUTRAL_SETTINGS, PlannedTrial
from reports.ledger.records import StudyRecord, TrialRecord
from reports.ledger.states import TrialState

TEST_SCORES = tuple(f"test_{name}" for name in SCORES)
TRAINING_FIELDS = ("best_epoch", "epochs", "duration_s", "images_per_s")
SIZE_FIELDS = ("parameters", "operations")
CLASS_SCORES = ("precision", "recall", "f1")

_CURVE_SETTINGS = ("family", "loss", "optimizer", "seed")
_CURVE_FIELDS = ("epoch", "train_loss", "val_loss", "val_accuracy", "val_macro_f1")


class PlannedTrialState(StrEnum):
    """How a planned trial ended: that of its record, or why there is none.

    Attributes:
        MISSING: The ledger does not hold it (yet).
        UNREADABLE: Its files cannot be relied on.
    """

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    MISSING = "missing"
    UNREADABLE = "unreadable"


NOT_COMPLETE = (
    PlannedTrialState.FAILED,
    PlannedTrialState.MISSING,
    PlannedTrialState.UNREADABLE,
)
"""States of the trials that a comparison of complete trials lacks."""


def make_trials_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """One row a planned trial: its settings, how it ended, its scores.

    Returns:
        Columns `id`, `configuration`, one for each key of the configuration, `state` (of the
        record; `missing` if there is none, `unreadable` if it had to be left out),
        `stop_reason`, `error`, `attempts`, `epochs`, `best_epoch`, `duration_s`, `device`,
        `host`, `parameters`, `operations` (of an image's way through the model), `images_per_s`
        (images of train trained on in a second, while val is waited for too), `test_evaluations`
        (how often it was looked at on test), and the scores of val and test.
    """
    reason_by_trial = {problem.trial_id: problem.reason for problem in loaded_study.problems}
    evaluation_counts = Counter(evaluation.trial_id for evaluation in loaded_study.test_evaluations)
    rows = [
        _make_trial_row(
            planned, loaded_study.records.get(planned.id), reason_by_trial.get(planned.id)
        )
        | {
            "test_evaluations": evaluation_counts[planned.id],
            "images_per_s": _compute_images_per_s(loaded_study, planned.id),
        }
        for planned in loaded_study.study.trials
    ]
    frame = pd.DataFrame(rows)
    # A study without a finished trial, or without a score, has the same columns as any other; and
    # so has a search before its confirmation, without a trial.
    numeric_columns = (*TEST_SCORES, *TRAINING_FIELDS, *SIZE_FIELDS, "attempts")
    required_columns = [
        "id",
        "configuration",
        "seed",
        "state",
        "stop_reason",
        "error",
        "test_evaluations",
        "device",
    ]
    required_columns += ["host", *numeric_columns]
    frame = frame.reindex(columns=frame.columns.union(required_columns, sort=False))
    return frame.astype(dict.fromkeys(numeric_columns, "float64"))


def _make_trial_row(
    planned: PlannedTrial, record: TrialRecord | None, problem: str | None
) -> dict[str, Any]:
    row = {"id": planned.id, "configuration": planned.configuration, **planned.config}
    if record is None:
        state = PlannedTrialState.UNREADABLE if problem else PlannedTrialState.MISSING
        return row | {"state": state, "stop_reason": None, "error": problem}
    scores = {
        f"{split}_{name}": value
        for split, values in record.scores.items()
        for name, value in values.items()
    }
    field_names = (
        "state",
        "stop_reason",
        "error",
        "attempts",
        *TRAINING_FIELDS[:3],
        "device",
        "host",
        *SIZE_FIELDS,
    )
    return row | {name: getattr(record, name) for name in field_names} | scores


def _compute_images_per_s(loaded_study: LoadedStudy, trial_id: str) -> float:
    """Images of train times epochs, over the time of the epochs; NaN of a trial without any."""
    n_images = sum(loaded_study.study.data.class_counts.get("train", ()))
    durations_s = [epoch.duration_s for epoch in loaded_study.epochs.get(trial_id, ())]
    return n_images * len(durations_s) / sum(durations_s) if sum(durations_s) > 0 else np.nan


def make_comparison_frame(
    loaded_study: LoadedStudy, bootstrap: BootstrapScores | None
) -> pd.DataFrame:
    """One row a configuration, also where none of its trials finished.

    Args:
        loaded_study: of the study.
        bootstrap: its trials' scores; None leaves the intervals out.

    Returns:
        Columns `configuration`; `family`, `loss`, `optimizer`, `learning_rate`, `momentum`,
        `dropout`; `seeds_planned`, `seeds` (complete and looked at on test), `failed`,
        `missing`, `unreadable`; mean and `_sd` of the scores on test, with the ends `_low` and
        `_high` of their 95 % intervals (clipped to 0 to 1); of `best_epoch`, `epochs`,
        `duration_s` and `images_per_s`; `parameters`; `operations`; `test_images`. Of a grid,
        unless the data are synthetic, also the `published_` scores: `weighted_f1` as listed, and
        `matrix_weighted_f1`, `accuracy` and `macro_f1` from the published matrix.
    """
    trial_frame, study = make_trials_frame(loaded_study), loaded_study.study
    n_images = sum(study.data.class_counts.get("test", ()))
    configs = {planned.configuration: planned.config for planned in study.trials}
    # A search trains as long as the user says, not as the paper.
    with_published = study.data.kind != "synthetic" and study.search is None

    def make_row(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "configuration": name,
            **{key: config.get(key) for key in published.PUBLISHED_SETTINGS},
            **_summarize_replicates(trial_frame[trial_frame["configuration"] == name]),
            "test_images": n_images,
            **(_get_published_scores(config) if with_published else {}),
        }

    rows = [make_row(name, config) for name, config in configs.items()]
    frame = pd.DataFrame(rows, columns=list(make_row("", {}))).astype({"momentum": "float64"})
    return frame.join(make_intervals_frame(bootstrap, list(configs))) if bootstrap else frame


def make_settings_frame(study: StudyRecord) -> pd.DataFrame:
    """One row a configuration: what it was trained with.

    Returns:
        Columns `configuration`, `published.PUBLISHED_SETTINGS`; of `NEUTRAL_SETTINGS`,
        precision apart, those that a configuration has otherwise than as given there; of
        `batch_size`, `max_epochs` and `patience` those that are not the same in all.
    """
    configs = {planned.configuration: planned.config for planned in study.trials}
    frame = pd.DataFrame(list(configs.values()))
    frame.insert(0, "configuration", list(configs))
    added = [
        name
        for name, default in NEUTRAL_SETTINGS.items()
        if name != "precision" and any(c[name] != default for c in configs.values())
    ]
    training_settings = ("batch_size", "max_epochs", "patience")
    varied = [name for name in training_settings if len({c[name] for c in configs.values()}) > 1]
    return frame.reindex(columns=["configuration", *published.PUBLISHED_SETTINGS, *added, *varied])


def _summarize_replicates(trial_frame: pd.DataFrame) -> dict[str, float]:
    """Counts, means and standard deviations of one configuration's trials."""
    states = trial_frame["state"]
    complete = trial_frame[states == PlannedTrialState.COMPLETE]
    row: dict[str, float] = {
        "seeds_planned": len(trial_frame),
        "seeds": int(complete["test_accuracy"].notna().sum()),
        **{name: int((states == name).sum()) for name in NOT_COMPLETE},
    }
    for name in (*TEST_SCORES, *TRAINING_FIELDS):
        row[name] = complete[name].mean()
        row[f"{name}_sd"] = complete[name].std(ddof=1)
    return row | {name: trial_frame[name].max() for name in SIZE_FIELDS}


def make_intervals_frame(bootstrap: BootstrapScores, names: Sequence[str]) -> pd.DataFrame:
    """The 95 % intervals of every score, clipped to 0 to 1; NaN without a trial.

    Args:
        bootstrap: from `bootstrap.bootstrap_scores`.
        names: of configurations.

    Returns:
        One row a name: `test_`, the score, `_low` and `_high`.
    """
    rows = []
    for name in names:
        row = {}
        for score in SCORES:
            estimate = estimate_contrast(bootstrap, score, {name: 1.0})
            low, high = (estimate.low, estimate.high) if estimate else (np.nan, np.nan)
            row[f"test_{score}_low"], row[f"test_{score}_high"] = np.clip([low, high], 0, 1)
        rows.append(row)
    return pd.DataFrame(rows)


def _get_published_scores(config: Mapping[str, Any]) -> dict[str, float]:
    row = published.find_published(config)
    scores = metrics.compute_scores(row.get_confusion_matrix()) if row else {}
    return {
        "published_weighted_f1": row.weighted_f1 if row else float("nan"),
        "published_matrix_weighted_f1": scores.get("weighted_f1", float("nan")),
        "published_accuracy": scores.get("accuracy", float("nan")),
        "published_macro_f1": scores.get("macro_f1", float("nan")),
    }


def make_confusion_frame(predictions: TestPredictions) -> pd.DataFrame:
    """Confusion on test of every trial that was looked at.

    Returns:
        One row a cell: `family`, `configuration`, `seed`, `true`, `predicted` (0 to 7), `count`.
    """
    blocks = [
        pd.DataFrame(
            {
                "family": str(trial.family),
                "configuration": trial.configuration,
                "seed": trial.seed,
                "true": np.repeat(np.arange(NUM_CLASSES), NUM_CLASSES),
                "predicted": np.tile(np.arange(NUM_CLASSES), NUM_CLASSES),
                "count": metrics.compute_confusion_matrix(predictions.labels, predicted).ravel(),
            }
        )
        for trial, predicted in zip(
            predictions.trials.itertuples(index=False), predictions.predicted_classes, strict=True
        )
    ]
    columns = ["family", "configuration", "seed", "true", "predicted", "count"]
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=columns)


def sum_confusions(cells: pd.DataFrame) -> pd.DataFrame:
    """Confusion summed over replicates.

    Args:
        cells: from `make_confusion_frame`.

    Returns:
        One row a cell: `family`, `configuration`, `true`, `predicted`, `count`, `seeds` summed
        over, and `row_share`, the part of the true class that was predicted so (0 to 1).
    """
    keys = ["family", "configuration", "true", "predicted"]
    frame = cells.groupby(keys, sort=False).agg(count=("count", "sum"), seeds=("seed", "nunique"))
    frame = frame.reset_index()
    class_totals = frame.groupby(["configuration", "true"])["count"].transform("sum")
    frame["row_share"] = (
        (frame["count"] / class_totals.where(class_totals > 0)).fillna(0.0).astype(float)
    )
    return frame


def compute_class_scores(cells: pd.DataFrame) -> pd.DataFrame:
    """Scores of each class on test, mean and `_sd` over replicates.

    Args:
        cells: from `make_confusion_frame`.

    Returns:
        One row a configuration and class: `family`, `configuration`, `class` (0 to 7),
        `precision`, `recall`, `f1` with their `_sd`, and `support`, test images of the class.
    """
    blocks = []
    for (family, name, _), trial in cells.groupby(["family", "configuration", "seed"], sort=False):
        shape = (NUM_CLASSES, NUM_CLASSES)
        trial_scores = metrics.compute_class_scores(
            trial["count"].to_numpy(dtype=np.int64).reshape(shape)
        )
        keys = {"family": family, "configuration": name, "class": range(NUM_CLASSES)}
        blocks.append(pd.DataFrame(keys | trial_scores._asdict()))
    if not blocks:
        return pd.DataFrame(columns=["family", "configuration", "class", *CLASS_SCORES, "support"])
    groups = pd.concat(blocks).groupby(["family", "configuration", "class"], sort=False)
    mean, sd = groups.mean(), groups.std(ddof=1)[list(CLASS_SCORES)]
    return mean.join(sd.add_suffix("_sd")).astype({"support": int}).reset_index()


def make_curves_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """What every complete trial reported, one row an epoch.

    Returns:
        Columns `id`, `configuration`, `family`, `loss`, `optimizer`, `seed`, `epoch` (from 1),
        `train_loss` and `val_loss` (nats), `val_accuracy` and `val_macro_f1` (0 to 1),
        `best_epoch` of the trial.
    """
    rows = [
        {
            "id": record.id,
            "configuration": record.configuration,
            **{key: record.config[key] for key in _CURVE_SETTINGS},
            **{name: getattr(epoch, name) for name in _CURVE_FIELDS},
            "best_epoch": record.best_epoch,
        }
        for record in loaded_study.records.values()
        if record.state is TrialState.COMPLETE
        for epoch in loaded_study.epochs[record.id]
    ]
    columns = ["id", "configuration", *_CURVE_SETTINGS, *_CURVE_FIELDS, "best_epoch"]
    return pd.DataFrame(rows, columns=columns)


def average_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over replicates, up to the last epoch that all of them ran.

    Beyond it the mean would be of fewer and fewer trials, and jump as each one ends.

    Args:
        frame: from `make_curves_frame`.

    Returns:
        Columns `configuration`, `epoch`, `train_loss`, `val_macro_f1` and their `_sd`.
    """
    groups = frame.groupby(["configuration", "epoch"], sort=False)
    values = groups[["train_loss", "val_macro_f1"]]
    means = values.mean().join(values.std(ddof=1).add_suffix("_sd"))
    means = means.assign(trials=groups.size()).reset_index()
    replicates = means["configuration"].map(frame.groupby("configuration")["seed"].nunique())
    return means[means["trials"] == replicates].drop(columns="trials")


def make_class_counts_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """One row a class: `class`, `class_name` (in full), and its images in each split."""
    data = loaded_study.study.data
    names = {"class": range(len(data.class_names)), "class_name": list(data.class_names)}
    return pd.DataFrame(
        names | {split: list(counts) for split, counts in data.class_counts.items()}
    )
