"""Collect accuracy and cost of a study's configurations and of published methods."""

from collections.abc import Iterator

import pandas as pd

from bloodnets import metrics
from reports.ledger import published
from reports.ledger.published import BenchmarkMethod, PublishedRow

COST_FRAME_COLUMNS = (
    "source",
    "family",
    "name",
    "parameters",
    "operations",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
)


def collect_costs(comparison: pd.DataFrame, *, with_published: bool) -> pd.DataFrame:
    """Return accuracy and cost of the configurations with a score, then of published methods.

    Args:
        comparison: Frame from `frames.make_comparison_frame`, of one study.
        with_published: Whether published methods are included.

    Returns:
        A row for each configuration or method; empty if no record of the study has `operations`:

        - `source` (str): "study", "paper" or "benchmark".
        - `family` (str): Family of the network; NaN for the benchmark.
        - `name` (str): Name of the configuration or method.
        - `parameters` (float): Number of parameters of the network.
        - `operations` (float): Floating-point operations of the prediction for one image.
        - `accuracy` (float): Accuracy on test, 0 to 1.
        - `accuracy_low`, `accuracy_high` (float): Its 95% confidence interval; NaN for published
          values.
    """
    scored = comparison[(comparison["replicates"] > 0) & comparison["operations"].notna()]
    column_names = {
        "configuration": "name",
        "test_accuracy": "accuracy",
        "test_accuracy_low": "accuracy_low",
        "test_accuracy_high": "accuracy_high",
    }
    frame = (
        scored.rename(columns=column_names)
        .assign(source="study")
        .reindex(columns=[*COST_FRAME_COLUMNS])
    )
    if scored.empty or not with_published:
        return frame
    published_frame = pd.DataFrame(list(_iterate_published_rows())).reindex(
        columns=[*COST_FRAME_COLUMNS]
    )
    return pd.concat(
        [frame, published_frame.astype({"accuracy_low": float, "accuracy_high": float})],
        ignore_index=True,
    )


def _iterate_published_rows() -> Iterator[dict[str, object]]:
    """Yield the paper's rows, with the accuracy of their matrices, and the benchmark's methods."""
    published_study = published.load_published()
    for row in published_study.rows:
        accuracy = metrics.compute_scores(row.get_confusion_matrix())["accuracy"]
        identity = {"source": "paper", "family": row.family, "name": row.configuration}
        yield identity | _get_cost(row) | {"accuracy": accuracy}
    for method in published_study.benchmark["bloodmnist"]:
        if method.parameters is not None:
            name = f"{method.method}, {method.resolution} pixels"
            identity = {"source": "benchmark", "name": name}
            yield identity | _get_cost(method) | {"accuracy": method.accuracy}


def _get_cost(row: PublishedRow | BenchmarkMethod) -> dict[str, object]:
    return {"parameters": row.parameters, "operations": row.operations}
