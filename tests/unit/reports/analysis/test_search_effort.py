"""The effort of a search, and the best of trials picked at random."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from reports.analysis import search_effort
from reports.analysis.search_effort import ALL_ENDED, SearchEffort


def test_summarize_effort_leaves_out_running_trials() -> None:
    frame = pd.DataFrame(
        {"state": ["complete", "pruned", "failed", "running"], "epochs": [20, 2, 5, np.nan]}
    )
    assert search_effort.summarize_effort(frame, 20) == SearchEffort(
        trials=3, epochs=27, full_epochs=60, speedup=60 / 27
    )


def test_make_effort_frame_has_a_row_for_each_state_and_nan_for_running_trials() -> None:
    trials = pd.DataFrame(
        {
            "state": ["complete", "pruned", "complete", "running"],
            "epochs": [20, 2, 20, np.nan],
            "duration_s": [60.0, 30.0, 60.0, np.nan],
        }
    )
    frame = search_effort.make_effort_frame(trials, 20).set_index("state")
    assert frame.index.tolist() == [ALL_ENDED, "complete", "pruned", "running"]
    assert frame["trials"].tolist() == [3, 2, 1, 1]
    assert frame["epochs"].tolist()[:3] == [42, 40, 2]
    assert frame["full_epochs"].tolist()[:3] == [60, 40, 20]
    assert frame["duration_min"].tolist()[:3] == [2.5, 2.0, 0.5]
    assert frame.loc["running", ["epochs", "full_epochs", "speedup", "duration_min"]].isna().all()


@pytest.mark.parametrize("values", [[0.3, 0.9, 0.5, 0.5, 0.1, 0.7], [0.4], [0.2, 0.2]])
def test_compute_expected_best_is_that_of_every_choice_of_trials(values: list[float]) -> None:
    frame = search_effort.compute_expected_best(np.array(values))
    for n in range(1, len(values) + 1):
        best = sorted(max(chosen) for chosen in itertools.combinations(values, n))
        row = frame.iloc[n - 1]
        assert row["trials"] == n
        assert row["expected"] == pytest.approx(np.mean(best))
        for name, share in (("low", 0.05), ("high", 0.95)):
            assert row[name] == best[math.ceil(share * len(best)) - 1]
    assert frame["expected"].iloc[-1] == pytest.approx(max(values))


def test_compute_expected_best_of_a_thousand_trials_is_that_of_the_distribution() -> None:
    values = np.random.default_rng(0).uniform(size=1000)
    frame = search_effort.compute_expected_best(values)
    # Of a uniform distribution the best of n is n / (n + 1) on average.
    assert frame["expected"].iloc[9] == pytest.approx(10 / 11, abs=0.01)
    assert frame["low"].iloc[9] == pytest.approx(0.05 ** (1 / 10), abs=0.02)
    assert frame["high"].iloc[9] == pytest.approx(0.95 ** (1 / 10), abs=0.002)
    assert frame["expected"].iloc[-1] == pytest.approx(values.max())
    assert frame["expected"].is_monotonic_increasing
