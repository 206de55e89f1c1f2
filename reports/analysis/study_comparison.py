"""Compare every configuration of several studies, on the test images of each data set.

Studies of the same data are compared on the same test images. Studies of different data are not
ranked, because a higher score may come from an easier test split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bloodnets.errors import DataError
from reports.analysis import frames
from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.analysis.pair_decisions import DEFAULT_MARGIN, Decision
from reports.analysis.pairwise import PairwiseComparison, compare_configurations
from reports.ledger.data_record import DataRecord
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, read_study_files
from reports.ledger.test_predictions import join_predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetComparison:
    """The studies of one data set.

    Attributes:
        data: Data of the studies.
        loaded_studies: Files of the studies, by name.
        scores: One row for each configuration of each study, with the columns of
            `frames.make_comparison_frame`, `study`, `label` (the name without that of the study),
            `group` and `equivalence_group`.
        bootstrap: Scores of the trials.
        compared: Comparisons of all pairs.
    """

    data: DataRecord
    loaded_studies: Mapping[str, LoadedStudy]
    scores: pd.DataFrame
    bootstrap: BootstrapScores
    compared: PairwiseComparison


def compare_studies(
    ledgers: Sequence[Ledger], *, margin: float = DEFAULT_MARGIN
) -> list[DataSetComparison]:
    """Compare the configurations of several studies, separately for each data set.

    Args:
        ledgers: Ledgers of the studies, whose folders have different names.
        margin: Largest difference of macro F1 that counts as equivalent, above 0.

    Raises:
        DataError: Two folders have the same name.
        ConflictError: A study cannot be read.
    """
    names = [ledger.name for ledger in ledgers]
    if len(set(names)) < len(names):
        raise DataError(
            f"two studies are in folders of the same name: {', '.join(names)}",
            value=names,
            remedy="rename one of the folders",
        )
    studies_by_data: dict[str, dict[str, LoadedStudy]] = {}
    for name, ledger in zip(names, ledgers, strict=True):
        loaded_study = read_study_files(ledger)
        studies_by_data.setdefault(loaded_study.study.data.sha256, {})[name] = loaded_study
    return [_compare_one_data_set(group, margin) for group in studies_by_data.values()]


def _compare_one_data_set(
    loaded_studies: Mapping[str, LoadedStudy], margin: float
) -> DataSetComparison:
    predictions = join_predictions(
        {name: loaded_study.predictions for name, loaded_study in loaded_studies.items()}
    )
    bootstrap = bootstrap_scores(predictions)
    rows = []
    for study, loaded_study in loaded_studies.items():
        study_frame = frames.make_comparison_frame(loaded_study, None).rename(
            columns={"configuration": "label"}
        )
        full_names = [f"{study}: {name}" for name in study_frame["label"]]
        rows.append(study_frame.assign(study=study, configuration=full_names))
    scores = pd.concat(rows, ignore_index=True)
    scores = scores.join(frames.make_intervals_frame(bootstrap, list(scores["configuration"])))
    compared = compare_configurations(predictions, bootstrap, margin=margin)
    if not compared.pairs.empty:
        scores["group"] = scores["configuration"].map(compared.group_letters)
        scores["equivalence_group"] = scores["configuration"].map(compared.equivalence_letters)
    return DataSetComparison(
        data=next(iter(loaded_studies.values())).study.data,
        loaded_studies=loaded_studies,
        scores=scores,
        bootstrap=bootstrap,
        compared=compared,
    )


def compare_with_best(data_set: DataSetComparison) -> pd.DataFrame:
    """Compare every other model with the one that is best on val.

    Args:
        data_set: Studies of one data set.

    Returns:
        One row per model, the best on val first and the others by their macro F1 on test;
        configurations that train the same model have one row. The columns are those of `scores`
        and:

        - `copies` (object): Names of the other configurations that train the same model.
        - `difference` (float): Macro F1 of the row minus that of the first, -1 to 1.
        - `low`, `high` (float): 95% confidence interval of the difference.
        - `p_holm` (float): P-value of the difference, adjusted over all pairs of the data set.
        - `decision` (str): A `pair_decisions.Decision`.

        In the first row, the columns from `difference` on are NaN or None.
    """
    compared, scores = data_set.compared, data_set.scores
    copied_names = {name for names in compared.copies.values() for name in names}
    models = scores[(scores["replicates"] > 0) & ~scores["configuration"].isin(copied_names)]
    models = models.sort_values("test_macro_f1", ascending=False, kind="stable")
    if models.empty:
        return models
    best = str(models["configuration"].iloc[models["val_macro_f1"].argmax()])
    models = pd.concat(
        [models[models["configuration"] == best], models[models["configuration"] != best]]
    )
    pairs = {frozenset((pair["a"], pair["b"])): pair for pair in compared.pairs.to_dict("records")}
    rows = []
    for name in models["configuration"]:
        pair = pairs.get(frozenset((name, best)))
        if pair is None:
            rows.append({"copies": compared.copies.get(name, ())})
            continue
        is_first = pair["a"] == name
        low, high = (pair["low"], pair["high"]) if is_first else (-pair["high"], -pair["low"])
        rows.append(
            {
                "copies": compared.copies.get(name, ()),
                "difference": pair["difference"] if is_first else -pair["difference"],
                "low": low,
                "high": high,
                "p_holm": pair["p_holm"],
                "decision": Decision(pair["decision"]),
            }
        )
    return models.reset_index(drop=True).join(
        pd.DataFrame(rows, columns=["copies", "difference", "low", "high", "p_holm", "decision"])
    )
