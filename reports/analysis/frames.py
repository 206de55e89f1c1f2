"""From a study's records to data frames: scores, confusion, curves. No formatting.

Scores are fractions, 0 to 1; the spread of a column `x` is `x_sd`, the standard deviation over
replicates (n - 1 in the denominator), NaN where fewer than two were measured. Only trials of
status `complete` are averaged. Rows follow the order of the study's plan.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bloodnets import metrics
from bloodnets.constants import NUM_CLASSES
from reports.analysis.bootstrap import SCORES, Sampled
from reports.analysis.intervals import contrast
from reports.ledger import published
from reports.ledger.loading import Evidence, Tested
from reports.ledger.records import OPTIONAL_SETTINGS, PlannedTrial, StudyRecord, TrialRecord

TEST_SCORES = tuple(f"test_{name}" for name in SCORES)
EFFORT = ("best_epoch", "epochs", "duration_s", "images_per_s")
SIZE = ("parameters", "operations")
CLASS_SCORES = ("precision", "recall", "f1")

MISSING = "missing"
"""Stands where a planned trial has no status, because the ledger does not hold it (yet)."""

UNREADABLE = "unreadable"
"""Stands where a trial's files cannot be relied on."""


def trials(evidence: Evidence) -> pd.DataFrame:
    """One row a planned trial: its settings, how it ended, its scores.

    Returns:
        Columns `id`, `configuration`, one for each key of the configuration, `status` (of the
        record; `missing` if there is none, `unreadable` if it had to be left out),
        `stop_reason`, `error`, `attempts`, `epochs`, `best_epoch`, `duration_s`, `device`,
        `host`, `parameters`, `operations` (of an image's way through the model), `images_per_s`
        (images of train trained on in a second, while val is waited for too), `looks` (at
        test), and the scores of val and test.
    """
    problems = {problem.trial: problem.reason for problem in evidence.problems}
    looks = Counter(look.trial for look in evidence.looks)
    rows = [
        _trial(planned, evidence.records.get(planned.id), problems.get(planned.id))
        | {"looks": looks[planned.id], "images_per_s": _images_per_s(evidence, planned.id)}
        for planned in evidence.study.trials
    ]
    frame = pd.DataFrame(rows)
    # A study without a finished trial, or without a score, has the same columns as any other; and
    # so has a search before its confirmation, without a trial.
    numbers = (*TEST_SCORES, *EFFORT, *SIZE, "attempts")
    every = ["id", "configuration", "seed", "status", "stop_reason", "error", "looks", "device"]
    every += ["host", *numbers]
    frame = frame.reindex(columns=frame.columns.union(every, sort=False))
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _trial(
    planned: PlannedTrial, record: TrialRecord | None, problem: str | None
) -> dict[str, Any]:
    row = {"id": planned.id, "configuration": planned.configuration, **planned.config}
    if record is None:
        status = UNREADABLE if problem else MISSING
        return row | {"status": status, "stop_reason": None, "error": problem}
    scores = {
        f"{split}_{name}": value
        for split, values in record.scores.items()
        for name, value in values.items()
    }
    names = ("status", "stop_reason", "error", "attempts", *EFFORT[:3], "device", "host", *SIZE)
    return row | {name: getattr(record, name) for name in names} | scores


def _images_per_s(evidence: Evidence, trial: str) -> float:
    """Images of train times epochs, over the time of the epochs; NaN of a trial without any."""
    images = sum(evidence.study.data.class_counts.get("train", ()))
    seconds = [epoch.duration_s for epoch in evidence.epochs.get(trial, ())]
    return images * len(seconds) / sum(seconds) if sum(seconds) > 0 else np.nan


def comparison(evidence: Evidence, sampled: Sampled | None) -> pd.DataFrame:
    """One row a configuration, also where none of its trials finished.

    Args:
        evidence: of the study.
        sampled: its trials' scores; None leaves the intervals out.

    Returns:
        Columns `configuration`; `family`, `loss`, `optimizer`, `learning_rate`, `momentum`,
        `dropout`; `seeds_planned`, `seeds` (complete and looked at on test), `failed`,
        `missing`, `unreadable`; mean and `_sd` of the scores on test, with the ends `_low` and
        `_high` of their 95 % intervals (clipped to 0 to 1); of `best_epoch`, `epochs`,
        `duration_s` and `images_per_s`; `parameters`; `operations`; `test_images`. Of a grid,
        unless the data are rendered, also the `published_` scores: `weighted_f1` as listed, and
        `matrix_weighted_f1`, `accuracy` and `macro_f1` from the published matrix.
    """
    every, study = trials(evidence), evidence.study
    images = sum(study.data.class_counts.get("test", ()))
    configs = {planned.configuration: planned.config for planned in study.trials}
    # A search trains as long as the user says, not as the paper.
    compared = study.data.kind != "rendered" and study.search is None

    def row(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "configuration": name,
            **{key: config.get(key) for key in published.SETTINGS},
            **_replicates(every[every["configuration"] == name]),
            "test_images": images,
            **(_published(config) if compared else {}),
        }

    rows = [row(name, config) for name, config in configs.items()]
    frame = pd.DataFrame(rows, columns=list(row("", {}))).astype({"momentum": "float64"})
    return frame.join(intervals(sampled, list(configs))) if sampled else frame


def settings(study: StudyRecord) -> pd.DataFrame:
    """One row a configuration: what it was trained with.

    Returns:
        Columns `configuration`, `published.SETTINGS`; of `OPTIONAL_SETTINGS`, precision apart,
        those that a configuration has otherwise than as given there; of `batch_size`,
        `max_epochs` and `patience` those that are not the same in all.
    """
    configs = {planned.configuration: planned.config for planned in study.trials}
    frame = pd.DataFrame([{**OPTIONAL_SETTINGS, **config} for config in configs.values()])
    frame.insert(0, "configuration", list(configs))
    added = [
        name
        for name, usual in OPTIONAL_SETTINGS.items()
        if name != "precision" and any(c.get(name, usual) != usual for c in configs.values())
    ]
    trained = ("batch_size", "max_epochs", "patience")
    varied = [name for name in trained if len({c.get(name) for c in configs.values()}) > 1]
    return frame.reindex(columns=["configuration", *published.SETTINGS, *added, *varied])


def _replicates(trials_of_one: pd.DataFrame) -> dict[str, float]:
    """Counts, means and standard deviations of one configuration's trials."""
    status = trials_of_one["status"]
    complete = trials_of_one[status == "complete"]
    row: dict[str, float] = {
        "seeds_planned": len(trials_of_one),
        "seeds": int(complete["test_accuracy"].notna().sum()),
        **{name: int((status == name).sum()) for name in ("failed", MISSING, UNREADABLE)},
    }
    for name in (*TEST_SCORES, *EFFORT):
        row[name] = complete[name].mean()
        row[f"{name}_sd"] = complete[name].std(ddof=1)
    return row | {name: trials_of_one[name].max() for name in SIZE}


def intervals(sampled: Sampled, names: Sequence[str]) -> pd.DataFrame:
    """The 95 % intervals of every score, clipped to 0 to 1; NaN without a trial.

    Args:
        sampled: from `resampling.sample`.
        names: of configurations.

    Returns:
        One row a name: `test_`, the score, `_low` and `_high`.
    """
    rows = []
    for name in names:
        row = {}
        for score in SCORES:
            found = contrast(sampled, score, {name: 1.0})
            low, high = (found.low, found.high) if found else (np.nan, np.nan)
            row[f"test_{score}_low"], row[f"test_{score}_high"] = np.clip([low, high], 0, 1)
        rows.append(row)
    return pd.DataFrame(rows)


def _published(config: Mapping[str, Any]) -> dict[str, float]:
    row = published.find(config)
    scores = metrics.scores(row.matrix()) if row else {}
    return {
        "published_weighted_f1": row.weighted_f1 if row else float("nan"),
        "published_matrix_weighted_f1": scores.get("weighted_f1", float("nan")),
        "published_accuracy": scores.get("accuracy", float("nan")),
        "published_macro_f1": scores.get("macro_f1", float("nan")),
    }


def confusions(tested: Tested) -> pd.DataFrame:
    """Confusion on test of every trial that was looked at.

    Returns:
        One row a cell: `family`, `configuration`, `seed`, `true`, `predicted` (0 to 7), `count`.
    """
    blocks = [
        pd.DataFrame(
            {
                "family": str(trial.family),
                "configuration": trial.name,
                "seed": trial.seed,
                "true": np.repeat(np.arange(NUM_CLASSES), NUM_CLASSES),
                "predicted": np.tile(np.arange(NUM_CLASSES), NUM_CLASSES),
                "count": metrics.confusion_matrix(tested.labels, predicted).ravel(),
            }
        )
        for trial, predicted in zip(
            tested.trials.itertuples(index=False), tested.predicted, strict=True
        )
    ]
    columns = ["family", "configuration", "seed", "true", "predicted", "count"]
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=columns)


def summed(cells: pd.DataFrame) -> pd.DataFrame:
    """Confusion summed over replicates.

    Args:
        cells: from `confusions`.

    Returns:
        One row a cell: `family`, `configuration`, `true`, `predicted`, `count`, `seeds` summed
        over, and `row_share`, the part of the true class that was predicted so (0 to 1).
    """
    keys = ["family", "configuration", "true", "predicted"]
    frame = cells.groupby(keys, sort=False).agg(count=("count", "sum"), seeds=("seed", "nunique"))
    frame = frame.reset_index()
    of_class = frame.groupby(["configuration", "true"])["count"].transform("sum")
    frame["row_share"] = (frame["count"] / of_class.where(of_class > 0)).fillna(0.0).astype(float)
    return frame


def per_class(cells: pd.DataFrame) -> pd.DataFrame:
    """Scores of each class on test, mean and `_sd` over replicates.

    Args:
        cells: from `confusions`.

    Returns:
        One row a configuration and class: `family`, `configuration`, `class` (0 to 7),
        `precision`, `recall`, `f1` with their `_sd`, and `support`, test images of the class.
    """
    blocks = []
    for (family, name, _), trial in cells.groupby(["family", "configuration", "seed"], sort=False):
        shape = (NUM_CLASSES, NUM_CLASSES)
        each = metrics.class_scores(trial["count"].to_numpy(dtype=np.int64).reshape(shape))
        keys = {"family": family, "configuration": name, "class": range(NUM_CLASSES)}
        blocks.append(pd.DataFrame(keys | each._asdict()))
    if not blocks:
        return pd.DataFrame(columns=["family", "configuration", "class", *CLASS_SCORES, "support"])
    groups = pd.concat(blocks).groupby(["family", "configuration", "class"], sort=False)
    mean, sd = groups.mean(), groups.std(ddof=1)[list(CLASS_SCORES)]
    return mean.join(sd.add_suffix("_sd")).astype({"support": int}).reset_index()


def curves(evidence: Evidence) -> pd.DataFrame:
    """What every complete trial reported, one row an epoch.

    Returns:
        Columns `family`, `loss`, `optimizer`, `configuration`, `seed`, `epoch` (from 1),
        `train_loss` (nats), `val_macro_f1` (0 to 1), `best_epoch` (the trial's).
    """
    rows = [
        {
            **{key: record.config.get(key) for key in ("family", "loss", "optimizer", "seed")},
            "configuration": record.configuration,
            "epoch": epoch.epoch,
            "train_loss": epoch.train_loss,
            "val_macro_f1": epoch.val_macro_f1,
            "best_epoch": record.best_epoch,
        }
        for record in evidence.records.values()
        if record.status == "complete"
        for epoch in evidence.epochs[record.id]
    ]
    columns = ["family", "loss", "optimizer", "seed", "configuration", "epoch"]
    return pd.DataFrame(rows, columns=[*columns, "train_loss", "val_macro_f1", "best_epoch"])


def mean_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over replicates, up to the last epoch that all of them ran.

    Beyond it the mean would be of fewer and fewer trials, and jump as each one ends.

    Args:
        frame: from `curves`.

    Returns:
        Columns `configuration`, `epoch`, `train_loss`, `val_macro_f1` and their `_sd`.
    """
    groups = frame.groupby(["configuration", "epoch"], sort=False)
    values = groups[["train_loss", "val_macro_f1"]]
    means = values.mean().join(values.std(ddof=1).add_suffix("_sd"))
    means = means.assign(trials=groups.size()).reset_index()
    replicates = means["configuration"].map(frame.groupby("configuration")["seed"].nunique())
    return means[means["trials"] == replicates].drop(columns="trials")


def class_counts(evidence: Evidence) -> pd.DataFrame:
    """One row a class: `class`, `name` (in full), and its images in each split."""
    data = evidence.study.data
    names = {"class": range(len(data.class_names)), "name": list(data.class_names)}
    return pd.DataFrame(names | {split: list(n) for split, n in data.class_counts.items()})
