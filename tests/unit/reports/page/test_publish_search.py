"""The page of a search: what it says, in every state that a search can be in."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.ledger.ledger import Ledger
from reports.page import publish
from reports.page.multi_study import write_multi_study_report
from tests.helpers import grid_builder, search_builder
from tests.helpers.search_builder import SEARCH_RECORD
from tests.unit.reports.page.test_publish import Page

SMALL = replace(SEARCH_RECORD, n_trials=12, retrain_top=2, retrain_seeds=2)
NARROW = replace(SMALL, learning_rate=(1e-5, 5e-4))


def summary(ledger: Ledger) -> list[str]:
    """The paragraphs of "In short"."""
    text = publish.write_report(ledger).with_name("report.md").read_text()
    paragraphs = text.partition("## In short")[2].partition("## ")[0].split("\n\n")
    return [paragraph.strip() for paragraph in paragraphs if paragraph.strip()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search-page") / "whole"
    search = replace(NARROW, n_trials=30)
    ledger = search_builder.build_search(
        folder, search=search, with_published=False, diverged_numbers=[3]
    )
    return publish.write_report(ledger).parent


def section(report: Path, title: str) -> str:
    text = (report / "report.md").read_text()
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows_of(report: Path, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader((report / "tables" / f"{table}.csv").read_text().splitlines()))


def test_it_has_every_part(whole: Path) -> None:
    titles = [
        line.removeprefix("## ")
        for line in (whole / "report.md").read_text().splitlines()
        if line.startswith("## ")
    ]
    assert titles[:8] == [
        "In short",
        "Confirmation",
        "The search, trial by trial",
        "Learning curves of the search",
        "Where good settings lie",
        "Which setting mattered",
        "All trials of the search",
        "Comparison of the configurations",
    ]
    assert {"Beside the published values", "What the paper claims"}.isdisjoint(titles)
    figures = {path.stem for path in (whole / "figures").glob("*.svg")}
    assert figures >= {
        "history", "expected-best", "search-curves", "space", "parallel", "importances"
    }  # fmt: skip


def test_the_verdict_holds_the_winner_against_the_published_one(whole: Path) -> None:
    words = section(whole, "In short")
    assert (
        "The highest macro F1 on val in this search is 92.93 %, of trial-25 (CNN, Adam, " in words
    )
    assert "Trained again in full with 2 other seeds, trial-" in words
    assert " on val, a shrinkage of 0." in words
    assert "cnn-config-2, the best published configuration, reaches" in words
    assert "beyond chance." in words  # the space had no good learning rate
    assert "Without a value: 1 diverged" in words


def test_the_confirmation_has_the_value_of_the_search_beside_its_own(whole: Path) -> None:
    rows = rows_of(whole, "confirmation")
    roles = [row["role"] for row in rows]
    assert roles == ["best", "best", "baseline", "baseline"]
    best = rows[0]
    shrinkage = float(best["value"]) - float(best["val_macro_f1"])
    assert float(best["shrinkage"]) == pytest.approx(shrinkage, abs=1e-8)
    table = Page(whole / "index.html").tables["table-confirmation"]
    assert table[1][2] == "found"
    assert table[3][2:4] == ["published", "–"]  # noqa: RUF001 - our own dash
    assert "Without a value in the search: cnn-config-1, cnn-config-2." in section(
        whole, "Confirmation"
    )


def test_every_trial_has_a_row_with_status_epochs_and_time(whole: Path) -> None:
    rows = rows_of(whole, "trials")
    assert len(rows) == 30
    values = [float(row["value"]) for row in rows if row["value"]]
    assert values == sorted(values, reverse=True)
    assert {row["state"] for row in rows} == {"complete", "pruned", "diverged"}
    assert all(row["epochs"] and row["duration_s"] for row in rows)
    broken = Page(whole / "index.html").tables["table-broken"]
    assert broken[1][:3] == ["3", "diverged", "1"]
    assert broken[1][3].startswith("NonFiniteLossError: the training loss is nan at epoch 2")


def test_the_map_is_of_the_last_rung_that_half_of_the_trials_came_to(whole: Path) -> None:
    epochs = [float(row["epochs"]) for row in rows_of(whole, "trials")]
    rungs = {level: sum(ran >= level for ran in epochs) for level in (1, 3, 9, 15)}
    half = [level for level, came in rungs.items() if came >= rungs[1] / 2]
    assert half == [1, 3]  # else this test shows nothing
    words = section(whole, "Where good settings lie")
    assert "Trials are compared after 3 epochs, the last rung that at least half" in words
    assert f"({rungs[3]} trials)" in words


def test_the_effort_is_that_of_the_trials(whole: Path) -> None:
    rows = rows_of(whole, "trials")
    effort = {row["state"]: row for row in rows_of(whole, "effort")}
    assert float(effort["all that ended"]["epochs"]) == sum(float(r["epochs"]) for r in rows)
    assert float(effort["all that ended"]["full_epochs"]) == 30 * 20
    pruned = [float(row["epochs"]) for row in rows if row["state"] == "pruned"]
    assert float(effort["pruned"]["speedup"]) == pytest.approx(20 * len(pruned) / sum(pruned))


def test_several_at_once_are_said_to_decide_the_order(whole: Path, tmp_path: Path) -> None:
    assert "2 trials ran at once: which of them ends first decides" in section(
        whole, "The search, trial by trial"
    )
    alone = search_builder.build_search(
        tmp_path / "s", search=replace(SMALL, n_trials=3), concurrency=1
    )
    report = publish.write_report(alone).parent
    assert "the same seed proposes the same trials" in section(report, "The search, trial by trial")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"ended_by": None, "running_numbers": [11]},
            "The search has not ended: 12 of 12 trials were",
        ),
        ({"search": replace(SMALL, n_trials=0), "ended_by": None}, "No trial of this search has a"),
        ({"search": replace(SMALL, n_trials=1)}, "the best of 1 trial."),
        (
            {"search": replace(SMALL, n_trials=1), "ended_by": None, "running_numbers": [0]},
            "has a value yet",
        ),
        ({"failed_numbers": dict.fromkeys(range(12), "x " * 300)}, "Without a value: 12 failed"),
        ({"diverged_numbers": range(12)}, "Without a value: 12 diverged"),
        (
            {"search": replace(SMALL, retrain_top=0)},
            "Nothing was confirmed, so the value is of one",
        ),
        ({"with_confirmation": False}, "None of the best has finished its confirmation"),
        ({"ended_by": "time_budget", "running_numbers": [11]}, "as its time was over"),
        (
            {"ended_by": "target_macro_f1", "running_numbers": [11]},
            "as a trial had reached the target",
        ),
        ({"kind": "synthetic"}, "The cells are drawings."),
        ({"search": replace(SMALL, rungs=())}, "12 trials took 240 epochs, all in full."),
        ({"search": replace(SMALL, retrain_seeds=1)}, "Trained again in full with 1 other seed"),
        ({"search": replace(SMALL, families=("mlnn", "cnn"))}, "the best of 12 trials."),
        ({"search": replace(SMALL, optimizers=("sgd",))}, "the search found none that is better"),
        (
            {
                "search": replace(SMALL, learning_rate=(1e-3, 1e-3), dropout=(0.2, 0.2)),
                "with_published": False,
            },
            "the best of 12 trials.",
        ),
    ],
)
def test_a_search_in_any_state_has_a_page(
    tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    ledger = search_builder.build_search(tmp_path / "s", **{"search": SMALL} | options)
    assert says in "\n".join(summary(ledger))


def test_a_baseline_that_finished_alone_is_not_taken_for_the_winner(tmp_path: Path) -> None:
    ledger = search_builder.build_search(tmp_path / "s", search=NARROW, with_published=False)
    end = ledger.read_confirmation()
    assert end is not None
    assert not {*end.best} & {*end.baselines}
    for planned in end.trials:
        if planned.configuration in end.best:
            for path in list(ledger.folder.glob(f"*/{planned.id}.*")):
                path.unlink()
    words = "\n".join(summary(ledger))
    assert "None of the best has finished its confirmation" in words
    assert "Trained again" not in words


def test_what_a_search_drew_from_is_among_what_was_run(whole: Path) -> None:
    words = section(whole, "What was run")
    for fact in (
        "Trials of the search: 30 of at most 30",
        "Learning rate: 1e-05 to 0.0005, log-uniform",
        "Sampler: tpe, seed 0",
        "Rungs: epochs 1, 3, 9, 15 of 20; 1 in 2 goes on",
        "Seeds: 0 in the search, 1, 2 in its confirmation",
    ):
        assert fact in words
    assert "Patience" not in words


@pytest.mark.parametrize(
    "options",
    [{"search": replace(SMALL, retrain_top=0)}, {"ended_by": None, "running_numbers": [11]}],
)
def test_without_a_confirmation_nothing_is_said_of_one(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    ledger = search_builder.build_search(tmp_path / "s", **{"search": SMALL} | options)
    report = publish.write_report(ledger).parent
    text = (report / "report.md").read_text()
    assert "Comparison of the configurations" not in text
    assert {"comparison.csv", "settings.csv"}.isdisjoint(
        path.name for path in (report / "tables").iterdir()
    )
    words = section(report, "What was run")
    for fact in ("Seeds: 0\n", "Batch size: 64\n", "Looks at test: 0\n"):
        assert f"- {fact}" in words


def test_the_same_search_gives_the_same_page(tmp_path: Path) -> None:
    ledger = search_builder.build_search(tmp_path / "s", search=SMALL)
    first = publish.write_report(ledger, folder=tmp_path / "one").read_bytes()
    assert publish.write_report(ledger, folder=tmp_path / "two").read_bytes() == first


def test_a_trial_of_the_search_that_cannot_be_read_is_counted_in_the_banner(
    tmp_path: Path,
) -> None:
    ledger = search_builder.build_search(tmp_path / "s", search=SMALL)
    trial = ledger.read_proposals()[4]
    (ledger.folder / "epochs" / f"{trial.id}.jsonl").unlink()
    text = publish.write_report(ledger).read_text()
    planned = len(ledger.list_planned_trials())
    assert f"1 of {planned} trials was left out of this report" in text


def test_a_search_is_compared_with_a_grid(tmp_path: Path) -> None:
    search = search_builder.build_search(tmp_path / "search", search=SMALL)
    matrices = grid_builder.make_published_matrices(2)
    grid = grid_builder.build_grid(tmp_path / "grid", {"cnn-config-1": matrices["cnn-config-1"]})
    index = write_multi_study_report([grid, search], folder=tmp_path / "both")
    assert "search: cnn-config-2" in index.with_name("report.md").read_text()
