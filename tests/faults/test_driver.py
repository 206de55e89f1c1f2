"""Test a driver that is killed, interrupted, doubled or loses Ray: no finished trial is lost."""

import random
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, ResourceError
from reports.ledger.ledger import Ledger
from tests.faults import studies
from tests.faults.conftest import FaultRow
from tests.faults.studies import (
    GRID_OPTIONS,
    IS_FULL_RUN,
    StudyRunner,
    assert_same_results,
    choose_repeats,
    collect_results,
    list_children,
    wait_for_survivors,
)
from tests.helpers.command import Command, run_command

full_run = pytest.mark.skipif(not IS_FULL_RUN, reason="repeats of a fault: `make faults`")

# Detect a lost control service after a second instead of half a minute, and report each epoch by
# itself: in two seconds, a trial could end before the next fault.
FAST_PROGRAM = """
import study.runtime.watchdog
import study.tuning.tune_adapters
study.runtime.watchdog.CHECK_INTERVAL_S = 0.1
study.tuning.tune_adapters.MIN_REPORT_INTERVAL_S = 0
from study.cli.main import main
main()
"""

Strike = Callable[[StudyRunner, Command], str]


def interrupt(number: signal.Signals) -> Strike:
    def strike(study: StudyRunner, command: Command) -> str:
        processes, start_time = command.list_process_tree(), time.monotonic()
        command.send_signal(number)
        assert command.wait(60) == 128 + number
        duration_s = time.monotonic() - start_time
        assert str(study.folder) in study.stderr_text.splitlines()[-1]
        assert "Traceback" not in study.stderr_text
        assert wait_for_survivors(processes) == []
        return f"exit {128 + number} after {duration_s:.1f} s; no process left"

    return strike


def interrupt_twice(study: StudyRunner, command: Command) -> str:
    processes, start_time = command.list_process_tree(), time.monotonic()
    command.send_signal(signal.SIGINT)
    time.sleep(0.05)  # two simultaneous signals are delivered as one
    command.send_signal(signal.SIGINT)
    assert command.wait(30) in {130, -signal.SIGINT}  # a shell reports 130 in both cases
    duration_s = time.monotonic() - start_time
    assert wait_for_survivors(processes) == []
    return f"ended after {duration_s:.2f} s; no process left"


def kill_part_of_ray(part: str) -> Strike:
    def strike(study: StudyRunner, command: Command) -> str:
        processes, start_time = command.list_process_tree(), time.monotonic()
        (killed,) = list_children(command.pid, part)
        killed.kill()
        assert command.wait(120) == ResourceError.exit_code, study.stderr_text
        duration_s = time.monotonic() - start_time
        assert str(study.folder) in study.stderr_text.splitlines()[-1]
        assert wait_for_survivors(processes) == []
        return f"exit 3 after {duration_s:.0f} s"

    return strike


def start_second_driver(study: StudyRunner, command: Command) -> str:
    """Check that two more drivers are refused, then kill the first after a trial has ended."""
    before = study.folder.joinpath("study.json").read_bytes()
    for words in (["resume", str(study.folder)], [*study.arguments, "--resume"]):
        second = run_command(*words, timeout_s=60)
        assert second.returncode == ConflictError.exit_code
        assert str(study.folder) in second.stderr
        assert second.stderr.count("\n") == 1
    assert study.folder.joinpath("study.json").read_bytes() == before
    study.wait_for_output(": complete after", command)
    assert command.poll() is None
    command.kill()
    return "exit 4 in 2 cases, nothing changed; the first killed"


STRIKES = {
    "SIGINT": interrupt(signal.SIGINT),
    "SIGTERM": interrupt(signal.SIGTERM),
    "SIGHUP": interrupt(signal.SIGHUP),
    "SIGINT twice": interrupt_twice,
    "the raylet killed": kill_part_of_ray("raylet/raylet"),
    "the GCS killed": kill_part_of_ray("gcs_server"),
    "two drivers on one study, `kill -9`": start_second_driver,
}


@pytest.mark.timeout(900)  # eight runs in sequence
def test_study_struck_by_one_fault_after_another_equals_an_undisturbed_one(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow
) -> None:
    """Each fault strikes while a trial trains; no finished trial is re-trained."""
    study = StudyRunner(tmp_path, data_file, "s", *GRID_OPTIONS)
    command = study.start(program=FAST_PROGRAM)
    study.wait_for_output(r"epoch 2/", command)
    for fault, strike in STRIKES.items():
        reached = strike(study, command)
        ended = read_trial_files(study)
        n_bytes = len(study.stderr_text)
        command = study.resume(program=FAST_PROGRAM)
        study.wait_for_next_epoch(command)
        assert not [t for t in ended if f"{t}: started" in study.stderr_text[n_bytes:]]
        assert read_trial_files(study).items() >= ended.items()
        row(fault, "exit code and resume command; resume equal to the bit", reached)
    assert ended
    assert command.wait(250) == 0, study.stderr_text
    assert_same_results(study.ledger, undisturbed)
    n_trials = len(undisturbed.read_trials())
    assert study.stderr_text.count(": complete after") == n_trials
    assert len({entry.trial_id for entry in study.ledger.log.read_test_evaluations()}) == n_trials


def read_trial_files(study: StudyRunner) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in study.folder.glob("trials/*.json")}


@full_run
@pytest.mark.parametrize("fault", STRIKES)
def test_study_struck_by_a_fault_and_resumed_equals_an_undisturbed_one(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow, fault: str
) -> None:
    study = StudyRunner(tmp_path, data_file, "s", *GRID_OPTIONS)
    command = study.start()
    study.wait_for_output(r"epoch 2/", command)
    reached = STRIKES[fault](study, command)
    assert_same_results(study.resume_to_end(), undisturbed)
    row(fault, "exit code and resume command", f"{reached}; resume equal")


@full_run
def test_driver_killed_at_a_random_time_repeats_no_trial_that_ended(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow
) -> None:
    count, rng, n_again, repeated = 20, random.Random(5), 0, [0]
    for number in range(count):
        study = StudyRunner(tmp_path / str(number), data_file, "s", *GRID_OPTIONS)
        command = study.start()
        study.wait_for_output(r"epoch 1/", command)
        time.sleep(rng.uniform(0, 6))
        command.kill()
        heard = studies.parse_last_epochs(study.stderr_text)
        saved, ended = studies.get_checkpoint_epochs(study.ledger), read_trial_files(study)
        n_bytes = len(study.stderr_text)
        ledger = study.resume_to_end()
        n_again += sum(f"{trial}: started" in study.stderr_text[n_bytes:] for trial in ended)
        assert read_trial_files(study).items() >= ended.items()
        repeated += [epoch - saved.get(t, 0) for t, epoch in heard.items() if t not in ended]
        assert_same_results(ledger, undisturbed)
    assert n_again == 0
    row(
        "`kill -9` of the driver at a random time, seeded grid on the CPU",
        "resume ends with the planned trials; weights, records and tables to the bit",
        f"{count} of {count} equal; {n_again} finished trials run again; at most "
        f"{max(repeated)} epochs repeated, {sum(repeated) / len(repeated):.1f} on average",
    )


def test_killed_search_resumed_equals_an_undisturbed_one(
    tmp_path: Path, data_file: Path, row: FaultRow
) -> None:
    """With one trial at a time, the seed determines all proposals and values."""
    options = (
        "--trials", "6", "--max-epochs", "4", "--retrain-top", "1", "--retrain-seeds", "1",
        "--max-concurrent", "1", "--family", "mlnn",
    )  # fmt: skip
    expected = collect_results(
        StudyRunner(tmp_path / "whole", data_file, "s", *options, kind="search").run_to_end()
    )
    count, rng = choose_repeats(10, 1), random.Random(7)
    for number in range(count):
        study = StudyRunner(tmp_path / str(number), data_file, "s", *options, kind="search")
        command = study.start()
        n_ended = rng.randrange(1, 7)
        study.wait_for_output(r"(complete|pruned) after", command, count=n_ended)
        time.sleep(rng.uniform(0, 1))
        command.kill()
        results = collect_results(study.resume_to_end())
        assert remove_report(results) == remove_report(expected)
    row(
        "`kill -9` of the driver of a search, one trial at a time",
        "resume proposes and finds what an undisturbed search does",
        f"{count} of {count} equal to the bit",
    )


def remove_report(results: dict[str, object]) -> dict[str, object]:
    """Return the results of a search without its tables, which also contain durations."""
    return {key: value for key, value in results.items() if not re.match("report/", key)}
