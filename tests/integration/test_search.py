"""The whole search on real Ray, with real processes killed, on a handful of drawn cells."""

import json
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.messages import read_spec
from reports.ledger.ledger import Ledger
from reports.verification.verify import verify_study
from study.configs import study_config
from study.configs.presets import PUBLISHED
from study.tuning import search_run, tuner
from study.tuning.search_run import OPTUNA_FILE
from tests.helpers.cli_runs import RunHere
from tests.helpers.command import INSTALLED_COMMAND, Command, run_command
from tests.helpers.optuna_studies import load_optuna_study
from tests.integration.conftest import RunIn


def run_trial_or_fail(tune_config: Mapping[str, object], *, cells: Any) -> None:
    """Run a trial; `cnn-config-2` has no data."""
    from bloodnets.trainable import run_trial

    is_failing = read_spec(tune_config).configuration == "cnn-config-2"
    data: Any = None if is_failing else cells
    run_trial(tune_config, cells=data)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search")


@pytest.fixture(scope="session")
def data_file(folder: Path) -> Path:
    path = folder / "cells.npz"
    np.savez(path, allow_pickle=False, **generate_synthetic_arrays(scale=0.02))
    return path


@pytest.fixture(scope="session")
def whole(folder: Path, data_file: Path) -> tuple[subprocess.CompletedProcess[str], Ledger]:
    done = search(
        folder, data_file, "whole",
        "--trials", "8", "--max-epochs", "4", "--grace-period", "1", "--retrain-top", "2",
        "--retrain-seeds", "2",
    )  # fmt: skip
    return done, Ledger(folder / "whole")


def command(folder: Path, data_file: Path, name: str, *options: str) -> list[str]:
    return [
        "search", "--data-file", str(data_file), "--storage", str(folder), "--name", name, *options
    ]  # fmt: skip


def search(
    folder: Path, data_file: Path, name: str, *options: str
) -> subprocess.CompletedProcess[str]:
    return run_command(*command(folder, data_file, name, *options))


def states(ledger: Ledger) -> Counter[str]:
    """Of the trials in Optuna's file, as another program reads it."""
    study = load_optuna_study(ledger.folder / OPTUNA_FILE, ledger.study.name)
    return Counter(trial.state.name for trial in study.trials)


def statuses(ledger: Ledger) -> Counter[str]:
    records = [ledger.read_trial(planned) for planned in ledger.read_proposals()]
    return Counter(record.state for record in records if record is not None)


def test_search_ends_every_proposal_and_confirms_the_best(
    whole: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    done, ledger = whole
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(ledger.read_proposals()) == 8
    end = ledger.read_confirmation()
    assert end is not None
    assert (end.ended_by, len(end.best), len(end.baselines)) == ("trials", 2, 1)
    counts = statuses(ledger)
    assert counts["failed"] == 0
    assert counts["pruned"] > 0
    assert counts["complete"] + counts["pruned"] == 8
    again = [ledger.read_trial(planned) for planned in end.trials]
    assert len(again) in (4, 6)  # the best published one may be among the two best
    for record in again:
        assert record is not None
        assert (record.state, record.epochs) == ("complete", 4)
    assert (ledger.folder / "report" / "index.html").is_file()


def test_search_evaluates_only_confirmed_trials_on_test_and_once(
    whole: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    _, ledger = whole
    end = ledger.read_confirmation()
    assert end is not None
    assert sorted(
        evaluation.trial_id for evaluation in ledger.log.read_test_evaluations()
    ) == sorted(t.id for t in end.trials)
    for planned in ledger.read_proposals():
        record = ledger.read_trial(planned)
        assert record is not None
        assert set(record.scores) <= {"val"}


def test_search_prunes_trials_at_a_rung(
    whole: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    _, ledger = whole
    for planned in ledger.read_proposals():
        record = ledger.read_trial(planned)
        assert record is not None
        ended = (record.state, record.stop_reason)
        if planned.configuration.startswith("cnn-config"):
            assert ended == ("complete", "max_epochs")
        assert ended in {("pruned", "asha"), ("complete", "max_epochs")}
        assert record.epochs in ({1, 3} if record.state == "pruned" else {4})
        assert len(ledger.read_epochs(record.id)) == record.epochs


def test_search_storage_of_optuna_has_the_states_of_the_ledger(
    whole: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    _, ledger = whole
    counts = statuses(ledger)
    assert states(ledger) == {"COMPLETE": counts["complete"], "PRUNED": counts["pruned"]}


def test_optuna_dashboard_has_the_states_of_the_ledger(
    whole: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    _, ledger = whole
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            str(INSTALLED_COMMAND.with_name("optuna-dashboard")),
            str(ledger.folder / OPTUNA_FILE), "--port", str(port),
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        found = fetched(f"http://127.0.0.1:{port}/api/studies/0?after=0")
    finally:
        process.kill()
        process.wait()
    counts = statuses(ledger)
    shown = Counter(trial["state"] for trial in found["trials"])
    assert shown == {"Complete": counts["complete"], "Pruned": counts["pruned"]}


def fetched(address: str) -> Any:
    """What a server that is about to start answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return requests.get(address, timeout=10).json()
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_search_passes_verification(
    whole: tuple[subprocess.CompletedProcess[str], Ledger],
) -> None:
    _, ledger = whole
    lines = list(verify_study(ledger))
    assert any("test evaluation" in line for line in lines)


def test_replay_of_a_search_trial_is_equal_to_the_bit(
    whole: tuple[subprocess.CompletedProcess[str], Ledger], folder: Path, run_in: RunIn
) -> None:
    _, ledger = whole
    trial = next(p for p in ledger.read_proposals() if p.configuration == "trial-3")
    done = run_in(folder, "replay", "whole", "trial-3", "--storage", folder)
    assert done.code == 0, done.stderr
    record = ledger.read_trial(trial)
    assert record is not None
    assert f"{record.epochs} epoch" in done.stdout
    assert "deviation 0" in done.stdout


def test_search_with_a_diverging_and_a_failing_trial_continues(
    folder: Path, data_file: Path, train: RunHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first trial has a learning rate at which it diverges, and the second fails twice."""
    diverging = replace(PUBLISHED["cnn-config-1"], learning_rate=1e30)
    monkeypatch.setitem(PUBLISHED, "cnn-config-1", diverging)
    monkeypatch.setattr(search_run, "contains", lambda *_: True)
    monkeypatch.setattr(study_config, "validate", lambda _: None)
    monkeypatch.setattr(tuner, "run_trial", run_trial_or_fail)
    monkeypatch.setattr(tuner, "MAX_RETRIES", 1)
    words = command(
        folder, data_file, "odd", "--trials", "5", "--max-epochs", "2", "--grace-period", "1",
        "--learning-rate", "1e-4", "1e31", "--retrain-top", "1", "--retrain-seeds", "1",
        "--max-concurrent", "1",
    )  # fmt: skip
    done = train(*words, folder=folder)
    assert done.returncode == 1, done.stderr
    ledger = Ledger(folder / "odd")
    diverged, failed, *others = (ledger.read_trial(p) for p in ledger.read_proposals())
    assert diverged is not None
    assert (diverged.state, diverged.stop_reason, diverged.attempts) == ("pruned", "diverged", 1)
    assert diverged.error is not None
    assert "the training loss is" in diverged.error
    assert failed is not None
    assert (failed.configuration, failed.state, failed.attempts) == ("cnn-config-2", "failed", 2)
    assert failed.error is not None
    assert failed.error.startswith("AttributeError: ")
    assert len(others) == 3
    assert {record.state for record in others if record is not None} <= {"complete", "pruned"}
    assert states(ledger)["FAIL"] == 1
    end = ledger.read_confirmation()
    assert end is not None
    assert not {"cnn-config-1", "cnn-config-2"} & {*end.best, *end.baselines}


@pytest.mark.parametrize(
    ("options", "ended_by"),
    [
        (("--time-budget", "1s"), "time_budget"),  # the first trials have hardly started
        (("--target-macro-f1", ".02"), "target_macro_f1"),
    ],
)
def test_search_with_a_budget_or_target_ends_early(
    folder: Path, data_file: Path, options: tuple[str, ...], ended_by: str, train: RunHere
) -> None:
    name = f"{ended_by}-{options[1]}"
    words = command(
        folder, data_file, name,
        "--trials", "400", "--max-epochs", "300", "--grace-period", "300", "--retrain-top", "0",
        *options,
    )  # fmt: skip
    done = train(*words, folder=folder)
    ledger = Ledger(folder / name)
    has_value = any(record.best_epoch is not None for record in ledger.read_trials())
    assert done.returncode == (0 if has_value else 1), done.stderr
    end = ledger.read_confirmation()
    assert end is not None
    assert end.ended_by == ended_by
    assert end.trials == ()  # none is re-trained
    assert ledger.log.read_test_evaluations() == []
    records = [ledger.read_trial(planned) for planned in ledger.read_proposals()]
    assert 0 < len(records) < 400
    reasons = {(record.state, record.stop_reason) for record in records if record is not None}
    assert ("pruned", ended_by) in reasons
    assert None not in records
    assert states(ledger)["RUNNING"] == 0
    assert train("report", ledger.folder, "--verify", folder=folder).returncode == 0


def begun(
    folder: Path, data_file: Path, name: str, *, trials: int, number: signal.Signals
) -> tuple[int, str]:
    """A search that gets a signal when so many trials have ended: exit code and stderr."""
    options = ("--trials", "400", "--max-epochs", "30", "--grace-period", "1")
    log = folder / f"{name}.log"
    words = command(folder, data_file, name, *options)
    process = Command(*words, stdout_path=log, stderr_path=log)
    deadline = time.monotonic() + 120
    while len(list((folder / name / "trials").glob("*.json"))) < trials:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    return process.wait(60), log.read_text()


def test_search_killed_leaves_a_storage_that_optuna_reads(
    folder: Path, data_file: Path, run_in: RunIn
) -> None:
    begun(folder, data_file, "killed", trials=5, number=signal.SIGKILL)
    trials = folder / "killed" / "trials"
    ledger = Ledger(folder / "killed")
    counts, known = states(ledger), statuses(ledger)
    # Two threads write to the ledger and to Optuna's file.
    ended = sum(n for state, n in counts.items() if state not in ("RUNNING", "WAITING"))
    assert abs(sum(known.values()) - ended) <= 2
    assert json.loads(trials.joinpath(min(p.name for p in trials.glob("*.json"))).read_text())
    done = run_in(folder, "report", "killed", "--storage", folder)
    # A trial is left out if the kill struck between its worker's files and its record.
    left_out = done.stderr.splitlines()
    assert done.code == (1 if left_out else 0)
    assert all("is missing, but models/" in line for line in left_out), done.stderr


def test_search_interrupted_keeps_ended_trials(folder: Path, data_file: Path) -> None:
    code, errors = begun(folder, data_file, "interrupted", trials=3, number=signal.SIGINT)
    assert code == 130
    assert "of at most 400 trials have ended; resume with: bloodstudy resume " in errors
    assert "Traceback" not in errors
    ledger = Ledger(folder / "interrupted")
    assert ledger.read_confirmation() is None
    assert sum(statuses(ledger).values()) >= 3
