"""From a study's records to data frames. All arithmetic of the report is here; no formatting.

Scores are fractions, 0 to 1; the spread of a column `x` is `x_sd`, the standard deviation over
replicates (n - 1 in the denominator), NaN where fewer than two were measured. Only trials of
status `complete` are averaged. Rows follow the order of the study's plan.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bloodnets import metrics
from reports import published
from reports.ledger import Ledger
from reports.records import PlannedTrial, TrialRecord

TEST_SCORES = (
    "test_accuracy",
    "test_macro_f1",
    "test_weighted_f1",
    "test_macro_precision",
    "test_macro_recall",
    "test_auc",
)
EFFORT = ("best_epoch", "epochs", "duration_s")
CLASS_SCORES = ("precision", "recall", "f1")

LEAST_DIFFERENCE = 1.96 * np.sqrt(2)
"""Standard errors by which two accuracies, each with its own luck, must differ at 95 %: 2.8. Test
images are shared, which makes a difference surer than this; to err on that side is safe."""

MISSING = "missing"
"""Stands where a planned trial has no status, because the ledger does not hold it (yet)."""


def trials(ledger: Ledger) -> pd.DataFrame:
    """One row a planned trial: its settings, how it ended, its scores.

    Returns:
        Columns `id`, `configuration`, one for each key of the configuration, `status`
        (`missing` if the ledger lacks the trial), `stop_reason`, `error`, `attempts`, `epochs`,
        `best_epoch`, `duration_s`, `device`, `host`, `parameters`, `looks` (at test), and
        the scores of val and test.
    """
    records = {record.id: record for record in ledger.trials()}
    looks = [look.trial for look in ledger.looks()]
    rows = [
        _trial(planned, records.get(planned.id)) | {"looks": looks.count(planned.id)}
        for planned in ledger.study.trials
    ]
    frame = pd.DataFrame(rows)
    # A study without a finished trial, or without a score, has the same columns as any other.
    numbers = (*TEST_SCORES, *EFFORT, "parameters", "attempts")
    frame = frame.reindex(columns=frame.columns.union(list(numbers), sort=False))
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _trial(planned: PlannedTrial, record: TrialRecord | None) -> dict[str, Any]:
    row = {"id": planned.id, "configuration": planned.configuration, **planned.config}
    if record is None:
        return row | {"status": MISSING, "stop_reason": None, "error": None}
    scores = {
        f"{split}_{name}": value
        for split, values in record.scores.items()
        for name, value in values.items()
    }
    names = ("status", "stop_reason", "error", "attempts", *EFFORT, "device", "host", "parameters")
    return row | {name: getattr(record, name) for name in names} | scores


def comparison(ledger: Ledger) -> pd.DataFrame:
    """One row a configuration, also where none of its trials finished.

    Returns:
        Columns `configuration`; `family`, `loss`, `optimizer`, `learning_rate`, `momentum`,
        `dropout`; `seeds_planned`, `seeds` (complete and looked at on test), `failed`,
        `missing`; mean and `_sd` of the scores on test, of `best_epoch`, `epochs` and
        `duration_s`; `parameters`; `test_images`; `test_accuracy_se`, the standard error that
        the sampling of test images alone gives one trial; `test_accuracy_least`, what two
        trials must differ by to be told apart. Unless the data are rendered, also the
        `published_` scores: `weighted_f1` as listed, and `matrix_weighted_f1`, `accuracy`
        and `macro_f1` from the published matrix.
    """
    every = trials(ledger)
    images = sum(ledger.study.data.class_counts.get("test", ()))
    configs = {planned.configuration: planned.config for planned in ledger.study.trials}
    compared = ledger.study.data.kind != "rendered"
    rows = [
        {
            "configuration": name,
            **{key: config.get(key) for key in published.SETTINGS},
            **_replicates(every[every["configuration"] == name], images),
            **(_published(config) if compared else {}),
        }
        for name, config in configs.items()
    ]
    return pd.DataFrame(rows).astype({"momentum": "float64"})


def _replicates(trials_of_one: pd.DataFrame, images: int) -> dict[str, float]:
    """Counts, means and standard deviations of one configuration's trials."""
    status = trials_of_one["status"]
    complete = trials_of_one[status == "complete"]
    row: dict[str, float] = {
        "seeds_planned": len(trials_of_one),
        "seeds": int(complete["test_accuracy"].notna().sum()),
        "failed": int((status == "failed").sum()),
        "missing": int((status == MISSING).sum()),
    }
    for name in (*TEST_SCORES, *EFFORT):
        row[name] = complete[name].mean()
        row[f"{name}_sd"] = complete[name].std(ddof=1)
    row["parameters"] = trials_of_one["parameters"].max()
    row["test_images"] = images
    row["test_accuracy_se"] = sampling_error(row["test_accuracy"], images)
    row["test_accuracy_least"] = LEAST_DIFFERENCE * row["test_accuracy_se"]
    return row


def sampling_error(accuracy: float, images: int) -> float:
    """Standard error of an accuracy measured on `images` images: sqrt(p (1 - p) / n).

    Of a binomial share; .0037 at .95 and 3,421 images. NaN where there is no accuracy.
    """
    return float(np.sqrt(accuracy * (1 - accuracy) / images)) if images else float("nan")


def _published(config: Mapping[str, Any]) -> dict[str, float]:
    row = published.find(config)
    scores = metrics.scores(row.matrix()) if row else {}
    return {
        "published_weighted_f1": row.weighted_f1 if row else float("nan"),
        "published_matrix_weighted_f1": scores.get("weighted_f1", float("nan")),
        "published_accuracy": scores.get("accuracy", float("nan")),
        "published_macro_f1": scores.get("macro_f1", float("nan")),
    }


def confusions(ledger: Ledger) -> pd.DataFrame:
    """Confusion on test of every trial that was looked at.

    Returns:
        One row a cell: `family`, `configuration`, `seed`, `true`, `predicted` (0 to 7), `count`.
    """
    blocks = [
        pd.DataFrame(
            {
                "family": str(record.config.get("family")),
                "configuration": record.configuration,
                "seed": record.config.get("seed"),
                "true": np.repeat(np.arange(metrics.N_CLASSES), metrics.N_CLASSES),
                "predicted": np.tile(np.arange(metrics.N_CLASSES), metrics.N_CLASSES),
                "count": metrics.confusion_matrix(*_test_predictions(ledger, record.id)).ravel(),
            }
        )
        for record in _looked_at(ledger)
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
        shape = (metrics.N_CLASSES, metrics.N_CLASSES)
        each = metrics.class_scores(trial["count"].to_numpy(dtype=np.int64).reshape(shape))
        keys = {"family": family, "configuration": name, "class": range(metrics.N_CLASSES)}
        blocks.append(pd.DataFrame(keys | each._asdict()))
    if not blocks:
        return pd.DataFrame(columns=["family", "configuration", "class", *CLASS_SCORES, "support"])
    groups = pd.concat(blocks).groupby(["family", "configuration", "class"], sort=False)
    mean, sd = groups.mean(), groups.std(ddof=1)[list(CLASS_SCORES)]
    return mean.join(sd.add_suffix("_sd")).astype({"support": int}).reset_index()


def curves(ledger: Ledger) -> pd.DataFrame:
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
        for record in ledger.trials()
        if record.status == "complete"
        for epoch in ledger.epochs(record.id)
    ]
    columns = ["family", "loss", "optimizer", "seed", "configuration", "epoch"]
    return pd.DataFrame(rows, columns=[*columns, "train_loss", "val_macro_f1", "best_epoch"])


def mean_curves(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean over replicates, up to the last epoch that all of them ran.

    Beyond it the mean would be of fewer and fewer trials, and jump as each one ends.

    Args:
        frame: from `curves`.

    Returns:
        Columns `configuration`, `epoch`, `train_loss`, `val_macro_f1`.
    """
    groups = frame.groupby(["configuration", "epoch"], sort=False)
    means = groups[["train_loss", "val_macro_f1"]].mean().assign(trials=groups.size()).reset_index()
    replicates = means["configuration"].map(frame.groupby("configuration")["seed"].nunique())
    return means[means["trials"] == replicates].drop(columns="trials")


def twins(ledger: Ledger) -> pd.DataFrame:
    """Compare configurations that differ in the loss alone, seed by seed.

    CrossEntropy on logits and NLLLoss on log-softmax are the same function, so trials with
    equal seeds should predict the same.

    Returns:
        One row a pair: `cross_entropy` and `nll` (names of the configurations), `seeds`
        compared, `predictions` compared, `differing` among them.
    """
    pairs: dict[str, dict[str, TrialRecord]] = {}
    for record in _looked_at(ledger):
        others = {key: value for key, value in record.config.items() if key != "loss"}
        pair = pairs.setdefault(json.dumps(others, sort_keys=True), {})
        pair[str(record.config.get("loss"))] = record
    rows = []
    for pair in pairs.values():
        if {"cross_entropy", "nll"} <= pair.keys():
            one, other = pair["cross_entropy"], pair["nll"]
            ours, theirs = (_test_predictions(ledger, record.id)[1] for record in (one, other))
            rows.append(
                {
                    "cross_entropy": one.configuration,
                    "nll": other.configuration,
                    "seeds": 1,
                    "predictions": ours.size,
                    "differing": int((ours != theirs).sum()),
                }
            )
    columns = ["cross_entropy", "nll", "seeds", "predictions", "differing"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.groupby(columns[:2], sort=False, as_index=False).sum()


def class_counts(ledger: Ledger) -> pd.DataFrame:
    """One row a class: `class`, `name` (in full), and its images in each split."""
    data = ledger.study.data
    names = {"class": range(len(data.class_names)), "name": list(data.class_names)}
    return pd.DataFrame(names | {split: list(n) for split, n in data.class_counts.items()})


def _looked_at(ledger: Ledger) -> list[TrialRecord]:
    return [r for r in ledger.trials() if r.status == "complete" and "test" in r.scores]


def _test_predictions(ledger: Ledger, trial_id: str) -> tuple[metrics.IntArray, metrics.IntArray]:
    """True and predicted classes of the test images, each int64 of shape (n,)."""
    probabilities, labels = ledger.predictions(trial_id, "test")
    return labels.astype(np.int64), probabilities.argmax(axis=1)
