"""Make frames and labels with a few known values, for tests of the code that uses them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from reports.analysis.bootstrap import SCORES
from reports.analysis.further_scores import FURTHER_SCORES
from reports.analysis.pair_decisions import DEFAULT_MARGIN, Decision
from reports.analysis.pairwise import PairwiseComparison
from reports.format.table import Table
from reports.format.text import DataLabel
from reports.ledger.states import DataKind
from reports.ledger.test_predictions import TestPredictions
from reports.sections.context import ReportContext
from reports.sections.elements import Section
from reports.sections.findings import Analysis
from reports.sections.order import make_sections
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ConfusionMatrix
from tests.helpers.quick_figures import write_texts_of_figures
from tests.helpers.trial_results import make_predictions

OFFICIAL = DataLabel(warning="", short="official BloodMNIST", full="official BloodMNIST (MD5 0)")
SYNTHETIC = DataLabel(warning="SYNTHETIC", short="SYNTHETIC: cells", full="SYNTHETIC: cells (0)")
MINUS = "\N{MINUS SIGN}"
CLASS_LABELS = tuple(f"{c} $c_{c}$" for c in range(8))


@dataclass(frozen=True)  # not with slots, which have no place for cached properties
class ReportedStudy:
    """Analysis of a study with the sections of its report.

    Attributes:
        analysis: Analysis of the study.
    """

    analysis: Analysis

    @cached_property
    def sections(self) -> list[Section]:
        """Sections of the report, with texts instead of figures, which take seconds."""
        with write_texts_of_figures():
            return make_sections(self.analysis)


def make_context(*names: str, **changes: Any) -> ReportContext:
    """Return the context of a grid on the official data with these displayed configurations."""
    context = ReportContext(
        data=OFFICIAL,
        data_kind=DataKind.OFFICIAL,
        medmnist_file=None,
        shows_published=True,
        class_labels=CLASS_LABELS,
        copies={},
        displayed_names=names,
        is_search=False,
        folds=None,
    )
    return replace(context, **changes)


def make_comparison(scores: Mapping[str, float], *, seeds: int = 2, **changes: Any) -> pd.DataFrame:
    """Return a frame like that of `frames.make_comparison_frame`, with all scores equal.

    Args:
        scores: Score of each configuration, 0 to 1, by name; intervals reach 0.01 to each side.
        seeds: Number of seeds of each configuration, planned and complete.
        changes: Columns that replace or join the others.
    """
    configs = [grid_builder.make_config(name) for name in scores]
    costs = [grid_builder.FAMILY_COSTS[config["family"]] for config in configs]
    values, sd = np.array(list(scores.values())), 0.002 if seeds > 1 else np.nan
    columns: dict[str, Any] = {
        "configuration": list(scores),
        **{key: [config[key] for config in configs] for key in ("family", "loss", "optimizer")},
        "replicates_planned": seeds,
        "replicates": seeds,
        "failed": 0,
        "missing": 0,
        "unreadable": 0,
    }
    for score in SCORES:
        columns |= {f"val_{score}": values, f"val_{score}_sd": sd}
    for score in (*SCORES, *FURTHER_SCORES):
        columns |= {f"test_{score}": values, f"test_{score}_sd": sd}
        columns |= {f"test_{score}_low": values - 0.01, f"test_{score}_high": values + 0.01}
    training = {"best_epoch": 20, "epochs": 30, "duration_s": 82.5, "images_per_s": 4783.6}
    for name, value in training.items():
        columns |= {name: float(value), f"{name}_sd": 0.5 if seeds > 1 else np.nan}
    columns |= {"parameters": [float(parameters) for parameters, _ in costs]}
    columns |= {"operations": [float(operations) for _, operations in costs]}
    return pd.DataFrame(columns).assign(**changes)


def make_pairs(
    differences: Mapping[tuple[str, str], float], *, significant: bool = True, seeds: int = 2
) -> pd.DataFrame:
    """Return a frame like `PairwiseComparison.pairs`; pairs with a difference of 0 are equivalent.

    Args:
        differences: Macro F1 of the first minus that of the second, -1 to 1, by pair.
        significant: Whether differences other than 0 are significant; otherwise they are undecided.
        seeds: Number of common seeds of each pair.
    """
    decision = Decision.DIFFERENT if significant else Decision.UNDECIDED
    rows = [
        {
            "a": a,
            "b": b,
            "replicates": seeds,
            "difference": difference,
            "sd": 0.001 if seeds > 1 else np.nan,
            "low": difference - 0.005,
            "high": difference + 0.005,
            "p": 0.001 if significant and difference else 0.5,
            "p_holm": 0.002 if significant and difference else 1.0,
            "p_equivalence": 0.6 if difference else 0.005,
            "p_equivalence_holm": 0.9 if difference else 0.01,
            "decision": decision if difference else Decision.EQUIVALENT,
            "detectable_difference": 0.013,
            "replicates_needed": 6.0,
            "images_needed": np.nan,
            "only_a_correct": 30.0,
            "only_b_correct": 7.5,
            "n_differing": 40.0,
            "p_mcnemar": 0.01,
            "p_mcnemar_holm": 0.03,
            "significant": bool(significant and difference),
            "margin": DEFAULT_MARGIN,
        }
        for (a, b), difference in differences.items()
    ]
    return pd.DataFrame(rows)


def make_pairwise(
    pairs: pd.DataFrame, *tied_groups: Sequence[str], **changes: Any
) -> PairwiseComparison:
    """Return pairs with groups, from the best model to the worst.

    Args:
        pairs: Frame from `make_pairs`.
        tied_groups: Groups of models that do not differ significantly; they give the ranking.
        changes: Fields that replace the others: no copies, seed variances or equivalent groups.
    """
    ranked_names = list(dict.fromkeys(name for group in tied_groups for name in group))
    letters = {
        name: "".join("abc"[i] for i, group in enumerate(tied_groups) if name in group)
        for name in ranked_names
    }
    pairwise = PairwiseComparison(
        pairs=pairs,
        margin=DEFAULT_MARGIN,
        copies={},
        replicate_sds={},
        homogeneity_p=float("nan"),
        ranked_names=ranked_names,
        tied_groups=tied_groups,
        equivalent_groups=(),
        group_letters=letters,
        equivalence_letters=dict.fromkeys(ranked_names, ""),
    )
    return replace(pairwise, **changes)


def make_effects(**changes: Any) -> pd.DataFrame:
    """Return a frame like that of `effects.estimate_effects`, in which the family matters.

    The optimizer is not significant after Holm correction; the losses are the same function.
    """
    columns = ["factor", "from_value", "to_value", "scope", "difference", "low", "high", "p"]
    rows = [
        ("family", "mlnn", "cnn", "all", 0.0612, 0.05, 0.07, 0.0001),
        ("optimizer", "sgd", "adam", "all", -0.0043, -0.008, -0.001, 0.04),
        ("loss", "cross_entropy", "nll", "cnn", 0.0, 0.0, 0.0, np.nan),
    ]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        p_holm=[0.0003, 0.08, np.nan], pairs=[4, 2, 1], replicates=3, sd=0.001, **changes
    )


def make_test_predictions(matrices: Mapping[str, Sequence[ConfusionMatrix]]) -> TestPredictions:
    """Return the predictions of a trial for each matrix; matrices are by configuration and seed."""
    rows, probabilities = [], []
    labels = np.empty(0, dtype=np.uint8)
    for name, replicates in matrices.items():
        config = grid_builder.make_config(name)
        settings = {key: config[key] for key in ("family", "loss", "optimizer")}
        for seed, matrix in enumerate(replicates):
            predictions = make_predictions(matrix, seed)
            labels = predictions.labels
            probabilities.append(predictions.probabilities)
            identity = {"study": "s", "id": f"{name}-s{seed}", "configuration": name}
            rows.append(identity | settings | {"replicate": f"s{seed}"})
    return TestPredictions(
        trials=pd.DataFrame(rows),
        labels=labels.astype(np.int64),
        probabilities=np.stack(probabilities),
    )


def find_table(section: Section | None, name: str) -> Table:
    """Return the table of a section by its name."""
    assert section is not None
    (table,) = (table for table in section.tables if table.name == name)
    return table


def read_rows(table: Table) -> list[dict[str, str]]:
    """Return the rows of a table as shown, by column; `x_interval` is the interval beside `x`."""
    keys: list[str] = []
    for column in table.columns:
        keys.append(f"{column.key}_interval" if column.key in keys else column.key)
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def read_column(table: Table, key: str) -> list[str]:
    """Return a column of a table as shown; see `read_rows`."""
    return [row[key] for row in read_rows(table)]
