"""A search's frames: values, rungs, effort, the expected best, the confirmation."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from reports.analysis import search_trials
from reports.ledger.loading import LoadedSearch, LoadedStudy, read_study_files
from reports.ledger.states import EndReason
from tests.helpers import search_builder
from tests.helpers.search_builder import SEARCH_RECORD

SMALL = replace(SEARCH_RECORD, n_trials=12, retrain_top=2, retrain_seeds=2)


def get_search(loaded_study: LoadedStudy) -> LoadedSearch:
    assert loaded_study.search is not None
    return loaded_study.search


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> LoadedStudy:
    """A search with a failed trial, a diverged one, and one that still runs."""
    folder = tmp_path_factory.mktemp("searches") / "s"
    options = {
        "failed_numbers": {5: "boom"},
        "diverged_numbers": [6],
        "running_numbers": [11],
        "ended_by": None,
    }
    return read_study_files(search_builder.build_search(folder, search=SMALL, **options))  # type: ignore[arg-type]


def test_search_trials_frame_has_a_row_per_proposal_with_its_state(
    broken: LoadedStudy,
) -> None:
    frame = search_trials.make_search_trials_frame(get_search(broken))
    assert list(frame["number"]) == list(range(12))
    assert frame.loc[[5, 6, 11], "state"].tolist() == ["failed", "diverged", "running"]
    assert set(frame["state"].drop([5, 6, 11])) == {"complete", "pruned"}
    assert frame.loc[frame["is_baseline"], "configuration"].tolist() == [
        "cnn-config-1",
        "cnn-config-2",
    ]


def test_search_trials_frame_value_is_the_best_epoch_and_missing_where_a_trial_broke(
    broken: LoadedStudy,
) -> None:
    search = get_search(broken)
    frame = search_trials.make_search_trials_frame(search)
    assert frame.loc[[5, 6, 11], "value"].isna().all()
    assert frame.loc[5, "error"] == "boom"
    for number in frame.index[frame["value"].notna()]:
        epochs = search.epochs[search.proposals[number].id]
        assert frame.loc[number, "value"] == max(epoch.val_macro_f1 for epoch in epochs)


def test_search_trials_frame_best_so_far_is_the_maximum_of_known_values(
    broken: LoadedStudy,
) -> None:
    frame = search_trials.make_search_trials_frame(get_search(broken))
    known = frame["value"].fillna(-1)
    assert frame["best_so_far"].tolist() == list(itertools.accumulate(known, max))


def test_search_trials_frame_with_broken_files_calls_the_trial_unreadable(
    tmp_path: Path,
) -> None:
    ledger = search_builder.build_search(tmp_path / "s", search=SMALL)
    first = ledger.read_proposals()[0]
    (ledger.folder / "epochs" / f"{first.id}.jsonl").write_text("{}\n")
    loaded_study = read_study_files(ledger)
    row = search_trials.make_search_trials_frame(
        get_search(loaded_study), loaded_study.problems
    ).iloc[0]
    assert row["state"] == "unreadable"
    assert math.isnan(row["value"])
    assert "epochs/" in row["error"]


def test_search_trials_frame_at_the_end_of_a_budget_calls_running_trials_cut_short(
    tmp_path: Path,
) -> None:
    ledger = search_builder.build_search(
        tmp_path / "s", search=SMALL, ended_by=EndReason.TIME_BUDGET, running_numbers=[10, 11]
    )
    frame = search_trials.make_search_trials_frame(get_search(read_study_files(ledger)))
    assert frame["state"].tolist()[10:] == ["cut short"] * 2
    assert frame["value"].notna().all()


def test_select_at_rung_has_the_trials_that_reached_it_with_their_best_until_then() -> None:
    frame = pd.DataFrame({"number": [0, 1, 2]})
    lines = pd.DataFrame(
        [(0, 1, 0.5), (0, 2, 0.4), (0, 3, 0.9), (1, 1, 0.3), (2, 1, 0.1), (2, 2, 0.2)],
        columns=["number", "epoch", "val_macro_f1"],
    )
    lines["best_so_far"] = lines.groupby("number")["val_macro_f1"].cummax()
    there = search_trials.select_at_rung(frame, lines, 2)
    assert there["number"].tolist() == [0, 2]
    assert there["value_at_rung"].tolist() == [0.5, 0.2]


def test_confirmation_frame_compares_the_search_with_new_seeds(tmp_path: Path) -> None:
    loaded_study = read_study_files(search_builder.build_search(tmp_path / "s", search=SMALL))
    frame = search_trials.make_confirmation_frame(loaded_study)
    end = get_search(loaded_study).confirmation
    assert end is not None
    assert frame["configuration"].tolist() == list(dict.fromkeys((*end.best, *end.baselines)))
    row = frame.iloc[0]
    again = [
        record.scores["val"]["macro_f1"]
        for record in loaded_study.records.values()
        if record.configuration == row["configuration"]
    ]
    assert len(again) == row["replicates"] == 2
    assert row["val_macro_f1"] == pytest.approx(np.mean(again))  # type: ignore[arg-type]
    assert row["val_macro_f1_sd"] == pytest.approx(np.std(again, ddof=1))  # type: ignore[arg-type]
    values = search_trials.make_search_trials_frame(get_search(loaded_study)).set_index(
        "configuration"
    )["value"]
    assert row["shrinkage"] == pytest.approx(values[row["configuration"]] - row["val_macro_f1"])
    assert 0 < row["shrinkage"] < 0.01
    expected = ttest_1samp(values[row["configuration"]] - np.array(again), 0).confidence_interval()
    assert (row["shrinkage_low"], row["shrinkage_high"]) == pytest.approx(tuple(expected))


def test_confirmation_frame_baseline_that_was_not_proposed_has_no_value(
    tmp_path: Path,
) -> None:
    narrow = replace(SMALL, learning_rate=(1e-5, 5e-4))
    loaded_study = read_study_files(
        search_builder.build_search(tmp_path / "s", search=narrow, with_published=False)
    )
    rows = search_trials.make_confirmation_frame(loaded_study).to_dict("records")
    assert [row["role"] for row in rows] == ["best", "best", "baseline", "baseline"]
    assert [row["configuration"] for row in rows[2:]] == ["cnn-config-1", "cnn-config-2"]
    assert all(row["is_baseline"] and row["replicates"] == 2 for row in rows[2:])
    assert all(math.isnan(row["value"]) for row in rows[2:])


@pytest.mark.parametrize("options", [{"ended_by": None}, {"search": replace(SMALL, retrain_top=0)}])
def test_confirmation_frame_without_a_confirmation_is_empty(
    tmp_path: Path, options: dict[str, object]
) -> None:
    loaded_study = read_study_files(
        search_builder.build_search(tmp_path / "s", **{"search": SMALL} | options)  # type: ignore[arg-type]
    )
    assert search_trials.make_confirmation_frame(loaded_study).empty
