"""Accuracy beside what it costs: our configurations, and the published rows whose cost is known."""

from collections.abc import Iterator

import pandas as pd

from bloodnets import metrics
from reports.ledger import published
from reports.ledger.published import Benchmark, PublishedRow

COLUMNS = ("source", "family", "name", "parameters", "operations", "accuracy", "low", "high")


def costs(comparison: pd.DataFrame, *, beside: bool) -> pd.DataFrame:
    """One row a configuration with a score, then, if `beside`, the published ones.

    Args:
        comparison: from `tables.comparison`, of one study.
        beside: whether anything published may stand beside it.

    Returns:
        Columns `source` (`study`, `paper`, or `benchmark`), `family` (None of the benchmark),
        `name`, `parameters`, `operations` (of one image's way through the network), `accuracy` on
        test with the ends `low` and `high` of its 95 % interval (NaN of what was published). Empty
        where no record of the study has its operations.
    """
    own = comparison[(comparison["seeds"] > 0) & comparison["operations"].notna()]
    names = {
        "configuration": "name",
        "test_accuracy": "accuracy",
        "test_accuracy_low": "low",
        "test_accuracy_high": "high",
    }
    frame = own.rename(columns=names).assign(source="study").reindex(columns=[*COLUMNS])
    if own.empty or not beside:
        return frame
    theirs = pd.DataFrame(list(_published())).reindex(columns=[*COLUMNS])
    return pd.concat([frame, theirs.astype({"low": float, "high": float})], ignore_index=True)


def _published() -> Iterator[dict[str, object]]:
    """The paper's rows, of which the accuracy is that of the matrix, and the benchmark's."""
    known = published.load()
    for row in known.rows:
        accuracy = metrics.scores(row.matrix())["accuracy"]
        named = {"source": "paper", "family": row.family, "name": row.configuration}
        yield named | _cost(row) | {"accuracy": accuracy}
    for method in known.benchmark:
        if method.parameters is not None:
            name = f"{method.method}, {method.resolution} pixels"
            named = {"source": "benchmark", "name": name}
            yield named | _cost(method) | {"accuracy": method.accuracy}


def _cost(row: PublishedRow | Benchmark) -> dict[str, object]:
    return {"parameters": row.parameters, "operations": row.operations}
