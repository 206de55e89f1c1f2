"""Importances of planted settings, among trials of equal length, and what they are not shown of."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.analysis.importance import MIN_TRIALS, compute_importances
from tests.helpers.search_builder import SEARCH_RECORD

BOTH = replace(SEARCH_RECORD, families=("mlnn", "cnn"))


def trials(
    count: int, *, optimizers: tuple[str, ...] = ("sgd", "adam"), seed: int = 0
) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    optimizer = random.choice(optimizers, count)
    return pd.DataFrame(
        {
            "number": range(count),
            "family": "cnn",
            "optimizer": optimizer,
            "learning_rate": 10 ** random.uniform(-5, -1, count),
            "momentum": np.where(optimizer == "sgd", random.uniform(0, 0.99, count), np.nan),
            "dropout": random.uniform(0, 0.7, count),
        }
    )


def curves(frame: pd.DataFrame, value: pd.Series, *, epochs: int = 2) -> pd.DataFrame:
    """Every trial reaches `value` at once, and stays there."""
    rows = [
        (number, epoch, reached, reached)
        for number, reached in zip(frame["number"], value, strict=True)
        for epoch in range(1, epochs + 1)
    ]
    return pd.DataFrame(rows, columns=["number", "epoch", "val_macro_f1", "best_so_far"])


def shares(found: pd.DataFrame, column: str = "importance") -> dict[str, float]:
    """Of all trials together, by setting."""
    rows = found[found["optimizer"].isna() & found["family"].isna()].to_dict("records")
    return {str(row["setting"]): float(row[column]) for row in rows}


def test_the_setting_that_decides_has_all_the_importance() -> None:
    frame = trials(60)
    found = compute_importances(frame, curves(frame, frame["dropout"]), SEARCH_RECORD)
    assert shares(found)["dropout"] > 0.9
    assert shares(found, "importance_low")["dropout"] > 0.7
    assert sum(shares(found).values()) == pytest.approx(1)


def test_the_learning_rate_counts_by_its_logarithm() -> None:
    # Half of the decades are within a thousandth of the range, where nobody would look.
    frame = trials(60)
    value = (frame["learning_rate"] > 1e-3).astype(float) + 0.5 * frame["dropout"]
    found = compute_importances(frame, curves(frame, value), SEARCH_RECORD)
    assert shares(found)["learning_rate"] > 0.8


def test_momentum_counts_among_the_trials_that_have_one() -> None:
    frame = trials(60)
    value = frame["momentum"].fillna(0.5)
    found = compute_importances(frame, curves(frame, value), SEARCH_RECORD)
    groups = found.groupby("optimizer", dropna=False)["setting"].agg(list)
    assert groups["sgd"] == ["momentum", "learning_rate", "dropout"]
    own = found[found["optimizer"] == "sgd"].to_dict("records")
    assert own[0]["importance"] > 0.9
    assert shares(found).keys() == {"optimizer", "learning_rate", "dropout"}
    assert set(shares(found, "trials").values()) == {60}


def test_only_trials_that_came_to_the_rung_count_there() -> None:
    frame = trials(60, optimizers=("adam",))
    lines = pd.concat(
        [
            curves(frame[frame["number"] < 20], frame["dropout"][:20], epochs=3),
            curves(frame[frame["number"] >= 20], frame["dropout"][20:], epochs=1),
        ]
    )
    found = compute_importances(frame, lines, SEARCH_RECORD)
    assert found.groupby("rung")["trials"].first().to_dict() == {1: 60, 3: 20}


def test_of_fewer_trials_nothing_is_said() -> None:
    frame = trials(MIN_TRIALS - 1, optimizers=("adam",))
    assert compute_importances(frame, curves(frame, frame["dropout"]), SEARCH_RECORD).empty
    frame = trials(MIN_TRIALS, optimizers=("adam",))
    assert not compute_importances(frame, curves(frame, frame["dropout"]), SEARCH_RECORD).empty


def test_settings_that_were_fixed_have_no_importance() -> None:
    fixed = replace(SEARCH_RECORD, optimizers=("sgd",), momentum=(0.9, 0.9))
    frame = trials(20, optimizers=("sgd",)).assign(momentum=0.9)
    found = compute_importances(frame, curves(frame, frame["dropout"]), fixed)
    assert found["setting"].tolist() == ["learning_rate", "dropout"]
    alone = replace(fixed, dropout=(0.2, 0.2))
    frame = frame.assign(dropout=0.2)
    assert compute_importances(frame, curves(frame, frame["learning_rate"]), alone).empty


def test_trials_that_all_reached_the_same_say_nothing() -> None:
    frame = trials(20, optimizers=("adam",))
    assert compute_importances(frame, curves(frame, 0 * frame["dropout"]), SEARCH_RECORD).empty


def test_the_same_trials_give_the_same_importances() -> None:
    frame = trials(15)
    lines = curves(frame, frame["dropout"] - frame["learning_rate"])
    first, second = (compute_importances(frame, lines, SEARCH_RECORD) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_the_family_counts_where_both_are_searched() -> None:
    frame = trials(60, optimizers=("adam",))
    frame["family"] = np.where(frame["number"] % 2, "cnn", "mlnn")
    value = (frame["family"] == "cnn").astype(float) + 0.01 * frame["dropout"]
    found = compute_importances(frame, curves(frame, value), BOTH)
    assert shares(found)["family"] > 0.9
