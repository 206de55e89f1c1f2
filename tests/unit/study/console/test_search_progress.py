"""What a search shows while it runs, written to a console of known size, and at its end."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import StopReason, TrialState
from study.console.search_progress import SearchProgress
from tests.helpers import grid_builder
from tests.helpers.search_builder import SEARCH_RECORD
from tests.unit.study.console.test_grid_progress import console, text


def planned(number: int, configuration: str | None = None) -> PlannedTrial:
    return PlannedTrial(
        id=f"trial-{number}-1a2b3c4d",
        configuration=configuration or f"trial-{number}",
        config=grid_builder.make_config(
            "x", optimizer="sgd", learning_rate=0.0123, momentum=0.9, dropout=0.25
        ),
    )


def epoch(number: int, value: float) -> EpochRecord:
    return EpochRecord(
        epoch=number, train_loss=1, val_loss=1, val_accuracy=value, val_macro_f1=value, duration_s=2
    )


def ended(
    trial: PlannedTrial,
    epochs: int,
    reason: StopReason,
    *,
    status: TrialState = TrialState.PRUNED,
    error: str | None = None,
) -> TrialRecord:
    return TrialRecord(
        id=trial.id,
        configuration=trial.configuration,
        config=trial.config,
        fingerprint="",
        state=status,
        stop_reason=reason,
        error=error,
        attempts=1,
        epochs=epochs,
        best_epoch=epochs or None,
        started_at="",
        duration_s=2,
        device=None,
        host=None,
        versions=None,
        parameters=None,
        scores={},
        files={},
        software_sha256="",
        operations=None,
    )


def shown(progress: SearchProgress, target: Console) -> list[str]:
    """Return the lines of the view, printed to the console that it was built for."""
    start = len(text(target))
    target.print(progress.build_view())
    return text(target)[start:].splitlines()


def run(progress: SearchProgress, trial: PlannedTrial, *values: float) -> None:
    progress.on_proposal(trial)
    progress.on_trial_start(trial.id)
    for number, value in enumerate(values, start=1):
        progress.on_epoch(
            trial.id,
            epoch(number, value),
            best_val_macro_f1=max(values[:number]),
            restored=False,
        )


def test_search_progress_without_a_terminal_prints_starts_and_ends() -> None:
    target = console(terminal=False)
    first, second = planned(0, "cnn-config-1"), planned(1)
    with SearchProgress(SEARCH_RECORD, target) as progress:
        run(progress, first, 0.5, 0.876, 0.8)
        progress.on_trial_retry(first.id, "worker process died")
        progress.on_trial_end(ended(first, 3, StopReason.ASHA))
        run(progress, second, 0.1)
        progress.on_trial_end(
            ended(second, 1, StopReason.DIVERGED, error="the training loss is nan")
        )
    words = "CNN, SGD, learning rate 0.012, momentum 0.9, dropout 0.25"
    lines = [line.partition(", about")[0] for line in text(target).splitlines()]
    assert lines == [
        f"trial-0: cnn-config-1: {words}",
        "trial-0: failed, retrying (worker process died)",
        "trial-0: pruned after 3 epochs, val macro F1 87.60%; best so far: 87.60%",
        f"trial-1: {words}",
        "trial-1: diverged after 1 epoch (the training loss is nan)",
    ]


def test_build_view_in_a_terminal_shows_counts_best_effort_and_running_trials() -> None:
    target = console(terminal=True, width=120)
    progress = SearchProgress(SEARCH_RECORD, target)
    first, second, third = planned(0, "cnn-config-1"), planned(1), planned(2)
    run(progress, first, 0.9, 0.85)
    progress.on_trial_end(ended(first, 2, StopReason.ASHA))
    run(progress, second, 0.95)
    progress.on_trial_end(
        ended(second, 1, StopReason.ERROR, status=TrialState.FAILED, error="boom")
    )
    run(progress, third, 0.1, 0.2, 0.3)
    lines = shown(progress, target)
    assert lines[0].startswith("2 of 50 trials ended after ")
    assert lines[0].endswith(": 1 pruned, 1 failed")
    # What a failed trial had reached is not the best.
    assert lines[1].startswith("Best so far: 90.00% val macro F1, trial-0, cnn-c")
    # Two trials of 20 epochs ended after three; three more are of the one that runs.
    assert lines[2].startswith("6 epochs trained, 37 saved, about ")
    assert lines[3] == "Last: trial-0: pruned after 2 epochs, val macro F1 90.00%"
    assert lines[5].split()[:4] == ["trial-2", "3/20", "9", "30.00%"]


def test_build_view_before_the_first_epoch_gives_no_time_left() -> None:
    target = console(terminal=True, width=120)
    progress = SearchProgress(SEARCH_RECORD, target)
    assert shown(progress, target)[1] == "Best so far: none yet"
    assert shown(progress, target)[2] == "0 epochs trained, 0 saved"
    run(progress, planned(0), 0.5)
    assert shown(progress, target)[2].startswith("1 epoch trained, 0 saved, about ")


def test_build_view_retraining_adds_to_the_time_left() -> None:
    target = console(terminal=True, width=120)
    search = replace(SEARCH_RECORD, n_trials=1, time_budget_s=0.0)
    progress = SearchProgress(search, target, n_slots=2, n_retrained=4)
    run(progress, planned(0), 0.5)
    # 4 trials of 20 epochs of 2 s, 2 at a time
    assert shown(progress, target)[2].endswith(", about 1 min 20 s left")


@pytest.mark.parametrize(("elapsed_s", "left"), [(60, "about 40 s left"), (120, "about 0 s left")])
def test_build_view_time_budget_bounds_the_time_left(elapsed_s: float, left: str) -> None:
    target = console(terminal=True, width=120)
    search = replace(SEARCH_RECORD, time_budget_s=100.0)
    progress = SearchProgress(search, target, elapsed_s=elapsed_s)
    trial = planned(0)
    run(progress, trial, 0.5)
    progress.on_trial_end(ended(trial, 1, StopReason.ASHA))
    assert left in shown(progress, target)[2]


def test_build_view_narrow_terminal_shows_trial_epoch_and_score() -> None:
    target = console(terminal=True, width=44)
    progress = SearchProgress(SEARCH_RECORD, target)
    run(progress, planned(0), 0.5)
    lines = shown(progress, target)
    assert all(len(line) <= 44 for line in lines)
    assert lines[-1].split() == ["trial-0", "1/20", "50.00%"]


@pytest.mark.parametrize("width", [80, 100])
def test_build_view_long_settings_are_cut(width: int) -> None:
    target = console(terminal=True, width=width)
    progress = SearchProgress(SEARCH_RECORD, target)
    progress.on_proposal(planned(49, "cnn-config-1"))
    progress.on_trial_start(planned(49).id)
    progress.on_epoch(planned(49).id, epoch(20, 0.5), best_val_macro_f1=0.5, restored=False)
    heading, row = shown(progress, target)[-2:]
    assert " ".join(heading.split()) == "running epoch next rung val macro F1 settings"
    assert row.split()[:3] == ["trial-49", "20/20", "end"]
    assert row.rstrip().endswith("…")
    assert len(row) <= width


def test_build_view_many_running_trials_fit_the_terminal() -> None:
    target = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    progress = SearchProgress(SEARCH_RECORD, target)
    for number in range(40):
        run(progress, planned(number), 0.5)
    assert len(shown(progress, target)) <= 24


def test_build_view_restored_epochs_are_not_counted_again() -> None:
    target = console(terminal=True, width=120)
    progress, trial = SearchProgress(SEARCH_RECORD, target), planned(0)
    run(progress, trial, 0.5, 0.6)
    progress.on_trial_retry(trial.id, "worker process died")
    progress.on_trial_start(trial.id)
    for number, value in ((1, 0.5), (2, 0.6)):
        progress.on_epoch(trial.id, epoch(number, value), best_val_macro_f1=value, restored=True)
    assert shown(progress, target)[2].startswith("2 epochs trained")
    progress.on_epoch(trial.id, epoch(3, 0.7), best_val_macro_f1=0.7, restored=False)
    assert shown(progress, target)[2].startswith("3 epochs trained")
