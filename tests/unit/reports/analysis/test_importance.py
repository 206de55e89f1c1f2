"""Importances of planted settings, among trials of equal length, and what has none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.analysis import importance
from reports.analysis.importance import MIN_TRIALS, REST, compute_importances
from tests.helpers.search_builder import SEARCH_RECORD

ADAM_ONLY = replace(SEARCH_RECORD, optimizers=("adam",))


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the intervals to the tests that are about them: they take nearly all the time."""
    monkeypatch.setattr(importance, "N_RESAMPLES", 2)
    monkeypatch.setattr(importance, "N_PERMUTATIONS", 1)


def make_trials(count: int, *, optimizers: tuple[str, ...] = ("adam",)) -> pd.DataFrame:
    random = np.random.default_rng(0)
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


def make_curves(trials: pd.DataFrame, values: pd.Series, *, epochs: int = 1) -> pd.DataFrame:
    """Return curves on which every trial reaches its value at once, and stays there."""
    rows = [
        (number, epoch, value, value)
        for number, value in zip(trials["number"], values, strict=True)
        for epoch in range(1, epochs + 1)
    ]
    return pd.DataFrame(rows, columns=["number", "epoch", "val_macro_f1", "best_so_far"])


def get_shares(frame: pd.DataFrame, column: str = "importance") -> dict[str, float]:
    """Return a column by setting, of the first group: that of all trials."""
    rows = frame.drop_duplicates("setting").to_dict("records")
    return {str(row["setting"]): float(row[column]) for row in rows}


def test_compute_importances_of_the_setting_that_decides_is_nearly_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importance, "N_RESAMPLES", 20)
    monkeypatch.setattr(importance, "N_PERMUTATIONS", 19)
    trials = make_trials(40)
    frame = compute_importances(trials, make_curves(trials, trials["dropout"]), ADAM_ONLY)
    null = get_shares(frame, "importance_null")
    assert get_shares(frame)["dropout"] > null["dropout"]
    assert get_shares(frame)["learning_rate"] < null["learning_rate"]
    assert get_shares(frame)["dropout"] > 0.9
    assert get_shares(frame, "importance_low")["dropout"] > 0.7
    assert (frame["importance_low"] < frame["importance_high"]).all()
    assert frame["importance"].sum() == pytest.approx(1)


def test_compute_importances_of_noise_are_not_significant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "N_PERMUTATIONS", 19)
    trials = make_trials(20)
    noise = pd.Series(np.random.default_rng(1).normal(size=20))
    frame = compute_importances(trials, make_curves(trials, noise), ADAM_ONLY)
    settings = frame[frame["setting"] != REST]
    assert (settings["importance"] < settings["importance_null"]).all()
    (rest,) = frame[frame["setting"] == REST].to_dict("records")
    assert rest["importance"] == pytest.approx(1 - settings["importance"].sum())
    assert np.isnan(rest["importance_null"])


def test_compute_importances_takes_the_learning_rate_by_its_logarithm() -> None:
    # Half of the decades are within a thousandth of the range, where nobody would look.
    trials = make_trials(40)
    values = (trials["learning_rate"] > 1e-3).astype(float) + 0.5 * trials["dropout"]
    frame = compute_importances(trials, make_curves(trials, values), ADAM_ONLY)
    assert get_shares(frame)["learning_rate"] > 0.8


def test_compute_importances_has_momentum_among_the_trials_that_have_one() -> None:
    trials = make_trials(50, optimizers=("sgd", "adam"))
    values = trials["momentum"].fillna(0.5)
    frame = compute_importances(trials, make_curves(trials, values), SEARCH_RECORD)
    settings = frame.groupby("optimizer", dropna=False)["setting"].agg(list)
    assert settings["sgd"] == ["momentum", "learning_rate", "dropout", REST]
    assert frame[frame["optimizer"] == "sgd"]["importance"].iloc[0] > 0.9
    of_all = frame[frame["optimizer"].isna() & frame["family"].isna()]
    assert set(of_all["setting"]) == {"optimizer", "learning_rate", "dropout", REST}
    assert set(of_all["trials"]) == {50}


def test_compute_importances_at_a_rung_is_of_the_trials_that_reached_it() -> None:
    trials = make_trials(30)
    is_long = trials["number"] < 12
    curves = pd.concat(
        [
            make_curves(trials[is_long], trials["dropout"][is_long], epochs=3),
            make_curves(trials[~is_long], trials["dropout"][~is_long]),
        ]
    )
    frame = compute_importances(trials, curves, ADAM_ONLY)
    assert frame.groupby("rung")["trials"].first().to_dict() == {1: 30, 3: 12}


@pytest.mark.parametrize(("count", "is_empty"), [(MIN_TRIALS - 1, True), (MIN_TRIALS, False)])
def test_compute_importances_of_too_few_trials_is_empty(count: int, is_empty: bool) -> None:
    trials = make_trials(count)
    frame = compute_importances(trials, make_curves(trials, trials["dropout"]), ADAM_ONLY)
    assert frame.empty == is_empty


def test_compute_importances_leaves_out_fixed_settings() -> None:
    search = replace(SEARCH_RECORD, optimizers=("sgd",), momentum=(0.9, 0.9))
    trials = make_trials(20, optimizers=("sgd",)).assign(momentum=0.9)
    frame = compute_importances(trials, make_curves(trials, trials["dropout"]), search)
    assert frame["setting"].tolist() == ["learning_rate", "dropout", REST]


def test_compute_importances_of_one_free_setting_is_empty() -> None:
    search = replace(ADAM_ONLY, momentum=(0.9, 0.9), dropout=(0.2, 0.2))
    trials = make_trials(20).assign(dropout=0.2)
    curves = make_curves(trials, trials["learning_rate"])
    assert compute_importances(trials, curves, search).empty


def test_compute_importances_of_equal_values_is_empty() -> None:
    trials = make_trials(20)
    curves = make_curves(trials, 0 * trials["dropout"])
    assert compute_importances(trials, curves, ADAM_ONLY).empty


def test_compute_importances_of_the_same_trials_are_the_same() -> None:
    trials = make_trials(15)
    curves = make_curves(trials, trials["dropout"] - trials["learning_rate"])
    first, second = (compute_importances(trials, curves, ADAM_ONLY) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_compute_importances_includes_the_family_where_several_are_searched() -> None:
    trials = make_trials(40)
    trials["family"] = np.where(trials["number"] % 2, "cnn", "mlnn")
    values = (trials["family"] == "cnn").astype(float) + 0.01 * trials["dropout"]
    search = replace(ADAM_ONLY, families=("mlnn", "cnn"))
    frame = compute_importances(trials, make_curves(trials, values), search)
    assert get_shares(frame)["family"] > 0.9
