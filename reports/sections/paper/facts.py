"""Collect the facts of a study that the checklists and the paragraph on the methods state."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import BootstrapScores
from reports.analysis.epoch_limit import EpochLimit, count_limited_trials
from reports.analysis.frames import PlannedTrialState
from reports.analysis.search_trials import SearchAnalysis
from reports.format.table import choose_column_decimals
from reports.format.text import DataLabel
from reports.ledger.loading import Problem
from reports.ledger.planned_trial import Config, fill_settings
from reports.ledger.records import StudyRecord
from reports.ledger.states import DataKind
from reports.sections.findings import Analysis


class FrequentConfusion(NamedTuple):
    """The most frequent error of a configuration on test, summed over its replicates.

    Attributes:
        true: Index of the true class.
        predicted: Index of the predicted class.
        n_predictions: Number of these predictions, at least 1.
        n_true: Number of predictions for images of the true class.
    """

    true: int
    predicted: int
    n_predictions: int
    n_true: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenConfiguration:
    """The configuration with the highest mean macro F1 on val, and its score on test.

    Attributes:
        name: Name of the configuration.
        replicates: Number of its trials that were evaluated on test.
        val_macro_f1: Mean macro F1 on val, 0 to 1.
        test_macro_f1: Mean macro F1 on test, 0 to 1.
        low: Lower end of the 95% confidence interval; NaN if it is unknown.
        high: Upper end of the interval.
        decimals: Number of decimals of the score in percent.
        confusion: Most frequent error on test; None without an error.
    """

    name: str
    replicates: int
    val_macro_f1: float
    test_macro_f1: float
    low: float
    high: float
    decimals: int
    confusion: FrequentConfusion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFacts:
    """Facts of a study; for a search, those about trials and configurations are the re-trained.

    Attributes:
        study: Settings and plan; for a search, `trials` is the plan of the re-training.
        data: Names of the data.
        image_counts: Number of images by split.
        configs: Settings of each configuration, by name; its seed and fold are those of the last
            trial.
        seeds: Planned seeds, ascending.
        folds: Number of folds of the cross-validation; None without one.
        states: Number of planned trials by state.
        left_out: Trials that were left out because of their files.
        test_evaluations: Number of logged test evaluations.
        repeatedly_tested: Ids of the trials with more than one test evaluation.
        parameters: Numbers of trainable parameters by network family, ascending.
        has_replicates: Whether any configuration has at least two replicates that were evaluated
            on test.
        epoch_limit: Complete trials that ended at the epoch limit.
        n_pairs: Number of pairs of models that were compared.
        has_common_replicates: Whether two of these models have a replicate in common.
        is_moderated: Whether the variances across replicates were moderated for the tests.
        margin: Largest difference of macro F1 that counts as equivalent.
        chosen: Configuration that val selects; None without a test evaluation.
        search: Results of the search; None for a grid.
        has_importances: Whether the report estimates the importance of the searched settings.
    """

    study: StudyRecord
    data: DataLabel
    image_counts: Mapping[str, int]
    configs: Mapping[str, Config]
    seeds: tuple[int, ...]
    folds: int | None
    states: Mapping[str, int]
    left_out: tuple[Problem, ...]
    test_evaluations: int
    repeatedly_tested: tuple[str, ...]
    parameters: Mapping[str, tuple[int, ...]]
    has_replicates: bool
    epoch_limit: EpochLimit
    n_pairs: int
    has_common_replicates: bool
    is_moderated: bool
    margin: float
    chosen: ChosenConfiguration | None
    search: SearchAnalysis | None
    has_importances: bool

    @property
    def kind(self) -> DataKind:
        """Source of the images."""
        return self.study.data.kind

    @property
    def is_synthetic(self) -> bool:
        """Whether the images are synthetic, so that no person is involved."""
        return self.kind is DataKind.SYNTHETIC

    def list_values(self, setting: str) -> list[object]:
        """Return the distinct values of a setting, in the order of the configurations."""
        configs = map(fill_settings, self.configs.values())
        return list(dict.fromkeys(config[setting] for config in configs))


def collect_facts(analysis: Analysis) -> PaperFacts:
    """Return the facts of a study.

    Args:
        analysis: Results of the report.
    """
    loaded_study, trials = analysis.study.loaded_study, analysis.trials
    study = loaded_study.study
    evaluations = Counter(evaluation.trial_id for evaluation in loaded_study.test_evaluations)
    pairs = analysis.pairwise.pairs
    sizes = trials.dropna(subset=["parameters"]) if "family" in trials else trials.iloc[:0]
    return PaperFacts(
        study=study,
        data=analysis.context.data,
        image_counts={split: sum(counts) for split, counts in study.data.class_counts.items()},
        configs={trial.configuration: trial.config for trial in study.trials},
        seeds=tuple(sorted({trial.config["seed"] for trial in study.trials})),
        folds=analysis.context.folds,
        states=Counter(map(str, trials["state"])),
        left_out=loaded_study.problems,
        test_evaluations=evaluations.total(),
        repeatedly_tested=tuple(name for name, count in evaluations.items() if count > 1),
        parameters={
            str(family): tuple(sorted({int(n) for n in rows["parameters"]}))
            for family, rows in sizes.groupby("family", sort=False)
        }
        if not sizes.empty
        else {},
        has_replicates=bool(analysis.comparison["replicates"].max() > 1),
        epoch_limit=count_limited_trials(loaded_study),
        n_pairs=len(pairs),
        has_common_replicates=bool((pairs["replicates"] > 0).any()),
        is_moderated=_is_moderated(analysis.study.bootstrap),
        margin=analysis.pairwise.margin,
        chosen=_choose_configuration(analysis),
        search=analysis.search,
        has_importances=analysis.search is not None and _has_importances(analysis.search),
    )


def _is_moderated(bootstrap: BootstrapScores) -> bool:
    """Return whether `moderate_replicate_variances` had enough models to change a variance."""
    own, moderated = (
        variances["macro_f1"].dof
        for variances in (bootstrap.replicate_variances, bootstrap.moderated_variances)
    )
    return not np.array_equal(own, moderated)


def _has_importances(search: SearchAnalysis) -> bool:
    """Return whether enough trials reached a rung."""
    # This module imports scikit-learn, which a grid does not need.
    from reports.analysis.importance import MIN_TRIALS  # noqa: PLC0415

    n_trials = search.curves.groupby("epoch")["number"].nunique()
    return any(n_trials.get(rung, 0) >= MIN_TRIALS for rung in search.record.rungs)


def _choose_configuration(analysis: Analysis) -> ChosenConfiguration | None:
    """Return the configuration that val selects among those evaluated on test."""
    trials = analysis.trials
    tested = trials[
        (trials["state"] == PlannedTrialState.COMPLETE) & trials["test_macro_f1"].notna()
    ]
    if tested.empty:
        return None
    val_means = tested.groupby("configuration", sort=False)["val_macro_f1"].mean()
    name = str(val_means.idxmax())
    (row,) = analysis.comparison[analysis.comparison["configuration"] == name].to_dict("records")
    return ChosenConfiguration(
        name=name,
        replicates=int(row["replicates"]),
        val_macro_f1=float(val_means[name]),
        test_macro_f1=float(row["test_macro_f1"]),
        low=float(row["test_macro_f1_low"]),
        high=float(row["test_macro_f1_high"]),
        decimals=choose_column_decimals(analysis.comparison, "test_macro_f1"),
        confusion=_find_frequent_confusion(analysis.study.confusion(name)),
    )


def _find_frequent_confusion(matrix: pd.DataFrame) -> FrequentConfusion | None:
    counts = matrix.to_numpy()
    errors = counts - np.diag(np.diag(counts))
    true, predicted = np.unravel_index(int(errors.argmax()), errors.shape)
    if not errors[true, predicted] > 0:
        return None
    return FrequentConfusion(
        true=int(true),
        predicted=int(predicted),
        n_predictions=int(errors[true, predicted]),
        n_true=int(counts[true].sum()),
    )
