"""Convert a study's records to data frames: trials, comparison, settings.

Scores are fractions, 0 to 1. `x_sd` is the standard deviation of column `x` over replicates
(divisor n - 1), NaN for fewer than two. Only trials of state `complete` are averaged. Rows follow
the order of the study's plan.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd

from bloodnets import metrics
from reports.analysis.bootstrap import SCORES, BootstrapScores
from reports.analysis.border_intervals import Bounds, bound_scores
from reports.analysis.contrasts import estimate_contrasts
from reports.analysis.further_scores import FURTHER_SCORES
from reports.ledger import published
from reports.ledger.loading import LoadedStudy
from reports.ledger.planned_trial import NEUTRAL_SETTINGS, PlannedTrial, fill_settings
from reports.ledger.records import StudyRecord, TrialRecord

TEST_SCORES = tuple(f"test_{name}" for name in SCORES)
VAL_SCORES = tuple(f"val_{name}" for name in SCORES)
TRAINING_FIELDS = ("best_epoch", "epochs", "duration_s", "images_per_s")
SIZE_FIELDS = ("parameters", "operations")


class PlannedTrialState(StrEnum):
    """State of a planned trial: the state in its record, or the reason why there is none.

    Attributes:
        COMPLETE: It trained to its end.
        PRUNED: A search stopped it before its last epoch.
        FAILED: An error ended it.
        MISSING: It has not ended.
        UNREADABLE: Its files are missing, unreadable or changed.
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
"""States of the trials that a comparison of complete trials does not include."""


def make_trials_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """Return the planned trials with their settings, states and scores.

    Args:
        loaded_study: Files of the study.

    Returns:
        A row for each planned trial, in the order of the plan; a value that a trial does not have
        is NaN or None:

        - `id`, `configuration` (str): Identity of the trial and name of its configuration.
        - A column for each setting, named and typed as in `TrialConfig`, including `seed`;
          `folds` and `fold` (Int64) are <NA> without a cross-validation.
        - `state` (str): A `PlannedTrialState`.
        - `stop_reason` (str): The record's `StopReason`.
        - `error` (str): Error of a failed trial, or why a trial is unreadable.
        - `attempts` (float): Number of starts, at least 1.
        - `epochs`, `best_epoch` (float): Number of epochs, and the epoch with the highest val macro
          F1, from 1.
        - `duration_s` (float): Duration of the trial in seconds.
        - `device`, `host` (str): Device and host that the trial ran on.
        - `parameters` (float): Number of trainable parameters.
        - `operations` (float): Floating-point operations of the prediction for one image.
        - `images_per_s` (float): Training images per second over all epochs, including validation.
        - `test_evaluations` (int): Number of logged test evaluations.
        - `val_` and `test_`, each with `accuracy`, `macro_f1`, `weighted_f1`, `macro_precision`,
          `macro_recall`, `auc` (float): Scores, 0 to 1.
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
    # The columns do not depend on what has finished: neither on scores nor on a search's
    # confirmation.
    numeric_columns = (*VAL_SCORES, *TEST_SCORES, *TRAINING_FIELDS, *SIZE_FIELDS, "attempts")
    required_columns = [
        "id",
        "configuration",
        "seed",
        "folds",
        "fold",
        "state",
        "stop_reason",
        "error",
        "test_evaluations",
        "device",
    ]
    required_columns += ["host", *numeric_columns]
    frame = frame.reindex(columns=frame.columns.union(required_columns, sort=False))
    types = dict.fromkeys(numeric_columns, "float64") | {"folds": "Int64", "fold": "Int64"}
    return frame.astype(types)


def _make_trial_row(
    planned: PlannedTrial, record: TrialRecord | None, problem: str | None
) -> dict[str, Any]:
    row = {
        "id": planned.id,
        "configuration": planned.configuration,
        **fill_settings(planned.config),
    }
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
    """Return training images per second over all epochs; NaN without an epoch."""
    counts, grid = loaded_study.study.data.class_counts, loaded_study.study.grid
    n_images: float = sum(counts.get("train", ()))
    if grid is not None and grid.folds is not None:  # folds differ by a few images
        n_images = (n_images + sum(counts.get("val", ()))) * (1 - 1 / grid.folds)
    durations_s = [epoch.duration_s for epoch in loaded_study.epochs.get(trial_id, ())]
    return n_images * len(durations_s) / sum(durations_s) if sum(durations_s) > 0 else np.nan


def make_comparison_frame(
    loaded_study: LoadedStudy, bootstrap: BootstrapScores | None
) -> pd.DataFrame:
    """Return all configurations with their scores, including those without a finished trial.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials; None omits the intervals and `FURTHER_SCORES`.

    Returns:
        A row for each configuration, in the order of the plan:

        - `configuration` (str): Name of the configuration.
        - `family`, `loss`, `optimizer` (str), `learning_rate`, `momentum`, `dropout` (float):
          Settings; `momentum` is NaN for Adam.
        - `replicates_planned`, `replicates` (int): Planned trials, and those that are complete and
          evaluated on test.
        - `failed`, `missing`, `unreadable` (int): Planned trials in that state.
        - `val_` with each of `bootstrap.SCORES` (float): Mean over the complete trials, 0 to 1, at
          the epoch that was selected on val, with `_sd`.
        - `test_` with each of `bootstrap.SCORES` (float): Mean over the replicates, 0 to 1, with
          `_sd` and the ends `_low` and `_high` of the 95% confidence interval, clipped to the
          possible values.
        - `test_` with each of `FURTHER_SCORES` (float): Likewise; see
          `further_scores.compute_agreement_arrays` and `further_scores.compute_image_losses`.
        - `best_epoch`, `epochs` (float, from 1), `duration_s` (float, seconds), `images_per_s`
          (float): Means over the complete trials, with `_sd`.
        - `parameters`, `operations` (float): Size of the network, as in `make_trials_frame`.
        - `test_images` (int): Number of images in the test split.
        - `published_weighted_f1` (float, 0 to 1): Weighted F1 that the paper lists; NaN if the
          configuration was not published. A search, synthetic data and data without some class
          have no `published_` columns.
        - `published_matrix_weighted_f1`, `published_accuracy`, `published_macro_f1` (float, 0 to
          1): Scores of the published confusion matrix.
    """
    trial_frame, study = make_trials_frame(loaded_study), loaded_study.study
    n_images = sum(study.data.class_counts.get("test", ()))
    configs = {planned.configuration: planned.config for planned in study.trials}
    # A search does not train for the same number of epochs as the paper.
    with_published = published.may_show_published(study.data) and study.search is None

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
    """Return the settings that each configuration was trained with.

    Args:
        study: Study with the planned trials.

    Returns:
        A row for each configuration, in the order of the plan:

        - `configuration` (str): Name of the configuration.
        - `family`, `loss`, `optimizer` (str), `learning_rate`, `momentum`, `dropout` (float).
        - Each of `NEUTRAL_SETTINGS` except `precision`, if any configuration has another value.
        - `batch_size` (int), `max_epochs`, `patience` (int, epochs), if configurations differ.
    """
    configs = {planned.configuration: fill_settings(planned.config) for planned in study.trials}
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
    """Return the counts, means and standard deviations of one configuration's trials."""
    states = trial_frame["state"]
    complete = trial_frame[states == PlannedTrialState.COMPLETE]
    row: dict[str, float] = {
        "replicates_planned": len(trial_frame),
        "replicates": int(complete["test_accuracy"].notna().sum()),
        **{name: int((states == name).sum()) for name in NOT_COMPLETE},
    }
    values = complete[[*VAL_SCORES, *TEST_SCORES, *TRAINING_FIELDS]].astype(np.float64)
    means, sds = values.mean(), values.std(ddof=1)
    for name in map(str, values.columns):
        row |= {name: means[name], f"{name}_sd": sds[name]}
    return row | {name: trial_frame[name].max() for name in SIZE_FIELDS}


def make_intervals_frame(bootstrap: BootstrapScores, names: Sequence[str]) -> pd.DataFrame:
    """Return the 95% confidence intervals of every score, and the means of `FURTHER_SCORES`.

    If nearly all or nearly no images are correct, they include those of `border_intervals`.

    Args:
        bootstrap: Scores of the trials on test.
        names: Names of configurations.

    Returns:
        A row for each name: `test_`, each score, and `_low` or `_high` (float, clipped to
        `BootstrapScores.ranges`; NaN without a trial). For `FURTHER_SCORES`, which no record has,
        also the mean over the replicates and `_sd`.
    """
    borders = [_bound_at_border(bootstrap, name) for name in names]
    unbounded = Bounds(np.nan, np.nan)
    columns: dict[str, metrics.FloatArray] = {}
    for score in (*SCORES, *FURTHER_SCORES):
        key = f"test_{score}"
        estimates = estimate_contrasts(bootstrap, score, [{name: 1.0} for name in names])
        if score in FURTHER_SCORES:
            columns[key], columns[f"{key}_sd"] = (estimates[c].to_numpy() for c in ("mean", "sd"))
        bounds = [border.get(score, unbounded) for border in borders]
        low = np.fmin(estimates["low"].to_numpy(), [bound.low for bound in bounds])
        high = np.fmax(estimates["high"].to_numpy(), [bound.high for bound in bounds])
        columns[f"{key}_low"] = low.clip(*bootstrap.ranges[score])
        columns[f"{key}_high"] = high.clip(*bootstrap.ranges[score])
    return pd.DataFrame(columns)


def _bound_at_border(bootstrap: BootstrapScores, name: str) -> dict[str, Bounds]:
    """Return `bound_scores` of a configuration; empty without a trial."""
    is_own = (bootstrap.trials["configuration"] == name).to_numpy()
    if not is_own.any():
        return {}
    confusion = bootstrap.confusions[is_own].mean(axis=0)
    return bound_scores(confusion, float(bootstrap.values["auc"][is_own].mean()))


def _get_published_scores(config: Mapping[str, Any]) -> dict[str, float]:
    row = published.find_published(config)
    scores = metrics.compute_scores(row.get_confusion_matrix()) if row else {}
    return {
        "published_weighted_f1": row.weighted_f1 if row else float("nan"),
        "published_matrix_weighted_f1": scores.get("weighted_f1", float("nan")),
        "published_accuracy": scores.get("accuracy", float("nan")),
        "published_macro_f1": scores.get("macro_f1", float("nan")),
    }


def make_class_counts_frame(loaded_study: LoadedStudy) -> pd.DataFrame:
    """Return the number of images of each class in each split.

    Args:
        loaded_study: Files of the study.

    Returns:
        A row for each class: `class` (int), `class_name` (str, in full), and for each split
        a column of its name (int, images).
    """
    data = loaded_study.study.data
    names = {"class": range(len(data.class_names)), "class_name": list(data.class_names)}
    return pd.DataFrame(
        names | {split: list(counts) for split, counts in data.class_counts.items()}
    )
