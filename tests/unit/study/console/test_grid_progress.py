"""The live table and the plain lines, written to a console of known size."""

import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord
from study.console.grid_progress import GridProgress
from tests.helpers import grid_builder

TRIALS = tuple(
    PlannedTrial(
        id=f"cnn-config-{n}-s0-1a2b3c4d",
        configuration="c",
        config=grid_builder.make_config("c", max_epochs=10),
    )
    for n in (1, 2)
)
FIRST, SECOND = (trial.id for trial in TRIALS)
EPOCH = EpochRecord(
    epoch=4, train_loss=0.25, val_loss=0.3, val_accuracy=0.9, val_macro_f1=0.876, duration_s=2
)


def console(*, terminal: bool, width: int = 100) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None)


def text(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def test_grid_progress_without_a_terminal_prints_a_line_per_event() -> None:
    target = console(terminal=False)
    with GridProgress(TRIALS, target) as progress:
        progress.on_trial_start(FIRST)
        progress.on_epoch(FIRST, EPOCH, best_val_macro_f1=0.876, restored=False)
        progress.on_trial_retry(FIRST, "worker process died")
    assert text(target).splitlines() == [
        f"{FIRST}: started",
        f"{FIRST}: epoch 4/10, train loss 0.2500, val macro F1 87.60%",
        f"{FIRST}: failed, retrying (worker process died)",
    ]


def test_on_trial_end_ends_within_a_second_show_the_progress_at_first_and_at_last(
    tmp_path: Path,
) -> None:
    matrix = grid_builder.make_published_matrices()["cnn-config-1"][0]
    ledger = grid_builder.build_grid(tmp_path / "s", {"cnn-config-1": [matrix] * 4})
    target = console(terminal=False)
    with GridProgress(ledger.study.trials, target) as progress:
        for record in ledger.read_trials():
            progress.on_trial_end(record)
    lines = [line for line in text(target).splitlines() if "trials ended" in line]
    assert [line.partition(" trials")[0] for line in lines] == ["1 of 4", "4 of 4"]


def test_build_table_in_a_terminal_shows_each_trial_and_its_state() -> None:
    target = console(terminal=True)
    progress = GridProgress(TRIALS, target)
    progress.on_trial_start(FIRST)
    progress.on_epoch(FIRST, EPOCH, best_val_macro_f1=0.876, restored=False)
    target.print(progress.build_table())
    shown = text(target)
    assert "0 of 2 trials ended" in shown
    first, second = (line.split() for line in shown.splitlines()[-2:])
    assert first[:5] == ["cnn-config-1-s0", "running", "4/10", "0.2500", "87.60%"]
    assert second == ["cnn-config-2-s0", "waiting"]


def test_grid_progress_output_of_others_stays_out_of_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = console(terminal=True)
    with GridProgress(TRIALS, target):
        sys.stdout.write("noise\n")
    assert "noise" not in text(target)
    assert capsys.readouterr().out == "noise\n"


def test_build_table_narrow_terminal_shows_trial_and_state() -> None:
    target = console(terminal=True, width=44)
    target.print(GridProgress(TRIALS, target).build_table())
    lines = text(target).splitlines()
    assert all(len(line) <= 44 for line in lines)
    assert any("cnn-config-1-s0" in line and "waiting" in line for line in lines)


def test_build_table_long_names_drop_columns_and_cut_nothing() -> None:
    trial = replace(TRIALS[0], id="resnet-no-orientations-s0-1a2b3c4d")
    target = console(terminal=True, width=80)
    target.print(GridProgress([trial], target).build_table())
    shown = text(target)
    assert "resnet-no-orientations-s0" in shown
    assert "train loss" not in shown
    assert "elapsed" in shown
    assert "…" not in shown


def test_build_table_retried_trial_shows_no_old_epoch() -> None:
    progress = GridProgress(TRIALS, console(terminal=True))
    progress.on_trial_start(FIRST)
    progress.on_epoch(FIRST, EPOCH, best_val_macro_f1=0.876, restored=False)
    progress.on_trial_retry(FIRST, "x")
    progress.on_trial_start(FIRST)
    target = console(terminal=True)
    target.print(progress.build_table())
    assert "4/10" not in text(target)


def test_build_table_80_columns_show_every_heading() -> None:
    target = console(terminal=True, width=80)
    progress = GridProgress(TRIALS, target)
    progress.on_trial_start(FIRST)
    progress.on_epoch(FIRST, EPOCH, best_val_macro_f1=0.876, restored=False)
    target.print(progress.build_table())
    heading = next(line for line in text(target).splitlines() if "trial  " in line)
    assert heading.split("  ")[0] == "trial"
    for column in ("state", "epoch", "train loss", "val macro F1", "elapsed", "left"):
        assert column in heading


def test_build_table_more_trials_than_lines_shows_running_ones() -> None:
    many = tuple(
        PlannedTrial(
            id=f"cnn-config-1-s{n}-1a2b3c4d",
            configuration="c",
            config=grid_builder.make_config("c", max_epochs=9),
        )
        for n in range(40)
    )
    target = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    progress = GridProgress(many, target)
    progress.on_trial_start(many[30].id)
    target.print(progress.build_table())
    assert "0 of 40 trials ended" in text(target)
    assert [line.split()[0] for line in text(target).splitlines()[-1:]] == ["cnn-config-1-s30"]
    assert "waiting" not in text(target)


def test_build_table_shows_the_time_left_of_the_trial_and_of_the_study(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    target = console(terminal=True)
    progress = GridProgress(TRIALS, target)
    progress.on_trial_start(FIRST)
    for number in (1, 2):
        restored_epoch = replace(EPOCH, epoch=number, duration_s=10)
        progress.on_epoch(FIRST, restored_epoch, best_val_macro_f1=0.876, restored=True)
    target.print(progress.build_table())
    *title, first, _ = text(target).splitlines()
    assert first.split()[2] == "2/10"
    assert first.split()[-2:] == ["0:20", "1:20"]  # 8 epochs of 10 s are left
    # The second trial adds 10 epochs. A title that is wider than the table has several lines.
    assert "about 3 min 00 s left" in " ".join(" ".join(title).split())


def test_build_table_within_an_epoch_time_left_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[-1])
    progress = GridProgress(TRIALS[:1], console(terminal=True))
    progress.on_trial_start(FIRST)
    clock.append(1010.0)
    last_epoch = replace(EPOCH, epoch=1, duration_s=10)
    progress.on_epoch(FIRST, last_epoch, best_val_macro_f1=0.876, restored=False)
    titles = []
    for now in (1010.0, 1015.0, 1020.0, 1100.0):
        clock.append(now)
        titles.append(str(progress.build_table().title))
    assert [title.rpartition("about ")[2] for title in titles] == [
        "1 min 30 s left",
        "1 min 25 s left",
        "1 min 20 s left",
        "1 min 20 s left",
    ]
