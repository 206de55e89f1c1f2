"""What is entered of trials, as Tune calls the callback."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.tune.experiment import Trial

from bloodnets.errors import ResourceError
from bloodnets.messages import REPORT_KEY, SPEC_KEY, FailureKind, TrialFailure, TrialReport
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import StopReason, TrialState
from study.runtime.node_failures import NodeFailureError, NodeFailureKind
from study.runtime.out_of_memory import describe_failure
from study.runtime.watchdog import Heartbeat
from study.tuning.failures import MAX_NODE_FAILURES, FailureTracker
from study.tuning.ledger_callback import LedgerCallback
from study.tuning.ledger_writer import LedgerWriter
from study.tuning.search_run import SearchRun
from study.tuning.tune_adapters import SearchStopper, prepare_specs
from tests.helpers.immediate_writer import write_immediately
from tests.helpers.search_builder import SEARCH_RECORD
from tests.unit.study.tuning.test_search_run import build_empty, load_optuna_trials
from tests.unit.study.tuning.test_tune_adapters import make_epoch, make_result

MAX_RETRIES = 3


class Recorder:
    """Listener that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def on_proposal(self, planned: PlannedTrial) -> None:
        self.events.append("proposal")

    def on_trial_start(self, trial_id: str) -> None:
        self.events.append("start")

    def on_epoch(
        self, trial_id: str, epoch: EpochRecord, *, best_val_macro_f1: float, restored: bool
    ) -> None:
        self.events.append(f"epoch {epoch.epoch}")

    def on_trial_retry(self, trial_id: str, reason: str) -> None:
        self.events.append(f"retry: {reason}")

    def on_trial_stall(self, trial_id: str, reason: str) -> None:
        self.events.append(f"stall: {reason}")

    def on_trial_end(self, record: TrialRecord) -> None:
        self.events.append(f"end: {record.state}")


def make_callback(
    search_run: SearchRun,
    listener: Recorder | None = None,
    *,
    in_search: bool = True,
) -> LedgerCallback:
    """Return a callback of a search, or of a plan whose trials it also has."""
    return LedgerCallback(
        LedgerWriter(search_run.ledger),
        listener or Recorder(),
        software_sha256=search_run.ledger.current_software.sha256,
        heartbeat=Heartbeat(),
        failures=FailureTracker({"CPU": 1}),
        search_run=search_run if in_search else None,
    )


def propose(search_run: SearchRun, **changes: object) -> Trial:
    """Return the next proposal as a trial of Tune's, not started."""
    make_spec = prepare_specs(search_run.ledger, probe_file="", evaluate_test=False)
    spec = make_spec(search_run.propose(search_run.ledger.add_proposal))
    return Trial("stub", config={SPEC_KEY: replace(spec, **changes)}, stub=True)  # type: ignore[arg-type]


def read_records(ledger: Ledger) -> list[TrialRecord]:
    records = (ledger.read_trial(planned) for planned in ledger.read_proposals())
    return [record for record in records if record is not None]


@pytest.fixture(autouse=True)
def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    write_immediately(monkeypatch)


@pytest.fixture
def search_run(tmp_path: Path) -> SearchRun:
    return SearchRun(build_empty(tmp_path / "s"), SEARCH_RECORD)


def fail(kind: FailureKind) -> dict[str, object]:
    failure = TrialFailure(
        kind=kind, message="it broke", exception="OSError", path="a/b", remedy="mend it"
    )
    return {REPORT_KEY: TrialReport(end=failure)}


def give_up(trial: Trial) -> None:
    """Let a trial fail permanently, as Tune does after its last retry."""
    trial.run_metadata.num_failures = MAX_RETRIES + 1
    trial.set_status(Trial.ERROR)


def test_record_unfinished_waiting_trial_has_no_attempts(search_run: SearchRun) -> None:
    callback = make_callback(search_run)
    running, waiting = propose(search_run), propose(search_run)
    callback.on_trial_start(0, [], running)
    callback.on_experiment_end([running, waiting])
    callback.record_unfinished(StopReason.TIME_BUDGET)
    assert [
        (record.state, record.stop_reason, record.attempts, record.epochs)
        for record in read_records(search_run.ledger)
    ] == [
        (TrialState.PRUNED, StopReason.TIME_BUDGET, 1, 0),
        (TrialState.PRUNED, StopReason.TIME_BUDGET, 0, 0),
    ]
    search_run.close()
    assert [trial.state.name for trial in load_optuna_trials(search_run.ledger)] == ["PRUNED"] * 2


def test_record_unfinished_trial_already_entered_is_not_entered_again(
    search_run: SearchRun,
) -> None:
    callback = make_callback(search_run)
    trial = propose(search_run)
    # Tune may call these without `on_trial_start`.
    callback.on_trial_result(0, [], trial, fail(FailureKind.ERROR))
    give_up(trial)
    callback.on_trial_error(0, [], trial)
    callback.on_experiment_end([trial])
    callback.record_unfinished(StopReason.TIME_BUDGET)
    assert [record.stop_reason for record in read_records(search_run.ledger)] == [StopReason.ERROR]


def test_on_trial_start_second_attempt_forgets_the_epochs_of_the_first(
    search_run: SearchRun,
) -> None:
    listener = Recorder()
    callback = make_callback(search_run, listener)
    trial = propose(search_run)
    for best_value in (0.9, 0.4):
        callback.on_trial_start(0, [], trial)
        epoch = make_epoch(1, best_value)
        search_run.decide(trial.config[SPEC_KEY].id, "trial-0", epoch)
        callback.on_trial_result(0, [], trial, make_result(epoch))
        if best_value == 0.9:
            callback.on_trial_result(0, [], trial, fail(FailureKind.ERROR))
            callback.on_trial_recover(0, [], trial)
    callback.record_unfinished(StopReason.TIME_BUDGET)
    assert [record.epochs for record in read_records(search_run.ledger)] == [1]
    assert list(search_run.best_values.values()) == [0.4]
    assert listener.events == [
        *("start", "epoch 1", "retry: OSError: it broke", "start", "epoch 1", "end: pruned")
    ]


def test_on_trial_error_trial_that_never_started_counts_each_failure(
    search_run: SearchRun,
) -> None:
    callback = make_callback(search_run)
    trial = propose(search_run)
    callback.on_trial_result(0, [], trial, fail(FailureKind.ERROR))
    give_up(trial)
    callback.on_trial_error(0, [], trial)
    (record,) = read_records(search_run.ledger)
    # `verify` and a resume refuse a failed trial without attempts.
    assert (record.state, record.attempts, record.epochs) == (TrialState.FAILED, MAX_RETRIES + 1, 0)


def test_on_trial_error_silent_attempt_does_not_repeat_the_earlier_reason(
    search_run: SearchRun, tmp_path: Path
) -> None:
    callback = make_callback(search_run)
    trial = propose(search_run)
    trial.storage = SimpleNamespace(trial_driver_staging_path=str(tmp_path))
    callback.on_trial_start(0, [], trial)
    callback.on_trial_result(0, [], trial, fail(FailureKind.ERROR))
    callback.on_trial_recover(0, [], trial)
    give_up(trial)
    callback.on_trial_error(0, [], trial)  # the process of the second attempt did not start
    (record,) = read_records(search_run.ledger)
    assert record.error != "OSError: it broke"
    assert record.attempts == MAX_RETRIES + 1


@pytest.mark.parametrize(("n_more_kills", "is_kernel"), [(0, False), (1, True)])
def test_on_trial_error_names_the_kernel_only_if_it_killed_since(
    search_run: SearchRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    n_more_kills: int,
    is_kernel: bool,
) -> None:
    kill_counts = iter([5, 5 + n_more_kills])
    monkeypatch.setattr("study.tuning.failures.count_kernel_kills", lambda: next(kill_counts))
    callback = make_callback(search_run)
    trial = propose(search_run)
    trial.storage = SimpleNamespace(trial_driver_staging_path=str(tmp_path))
    callback.on_trial_start(0, [], trial)
    give_up(trial)
    callback.on_trial_error(0, [], trial)
    (record,) = read_records(search_run.ledger)
    assert record.error == describe_failure(trial, killed_by_kernel=is_kernel)


@pytest.mark.parametrize("in_search", [True, False])
def test_on_trial_complete_diverged_trial_is_pruned_in_a_search_and_failed_in_a_plan(
    search_run: SearchRun, in_search: bool
) -> None:
    callback = make_callback(search_run, in_search=in_search)
    trial = propose(search_run)
    callback.on_trial_start(0, [], trial)
    callback.on_trial_result(0, [], trial, fail(FailureKind.NON_FINITE_LOSS))
    callback.on_trial_complete(0, [], trial)
    (record,) = read_records(search_run.ledger)
    assert (record.state, record.stop_reason) == (
        (TrialState.PRUNED, StopReason.DIVERGED)
        if in_search
        else (TrialState.FAILED, StopReason.ERROR)
    )
    assert record.error == "OSError: it broke"


def test_on_trial_complete_trial_stopped_from_outside_is_not_entered(
    search_run: SearchRun,
) -> None:
    callback = make_callback(search_run)
    trial = propose(search_run)
    callback.on_trial_start(0, [], trial)
    callback.on_trial_complete(0, [], trial)
    assert read_records(search_run.ledger) == []


def test_on_step_end_missing_resource_of_a_worker_raises(search_run: SearchRun) -> None:
    callback = make_callback(search_run)
    trial = propose(search_run)
    callback.on_trial_start(0, [], trial)
    callback.on_step_end(0, [])
    callback.on_trial_result(0, [], trial, fail(FailureKind.RESOURCE))
    with pytest.raises(ResourceError) as caught:
        callback.on_step_end(0, [])
    error = caught.value
    assert (error.problem, error.path, error.remedy) == ("it broke", "a/b", "mend it")


def test_on_trial_error_with_retries_left_is_not_entered(
    search_run: SearchRun, tmp_path: Path
) -> None:
    listener = Recorder()
    callback = make_callback(search_run, listener)
    trial = propose(search_run)
    trial.storage = SimpleNamespace(trial_driver_staging_path=str(tmp_path))
    trial.max_failures, trial.run_metadata.num_failures = MAX_RETRIES, 1
    trial.set_status(Trial.ERROR)
    callback.on_trial_error(0, [], trial)
    assert read_records(search_run.ledger) == []
    assert listener.events == ["retry: worker process died"]
    assert SearchStopper(search_run).stop_all()


@pytest.mark.parametrize("kind", [NodeFailureKind.DEATH, NodeFailureKind.REUSE])
def test_on_trial_recover_failure_of_a_node_costs_no_attempt_but_ends_after_ten(
    search_run: SearchRun, tmp_path: Path, kind: NodeFailureKind
) -> None:
    listener = Recorder()
    callback = make_callback(search_run, listener)
    trial = propose(search_run)
    trial.storage = SimpleNamespace(trial_driver_staging_path=str(tmp_path))
    error = NodeFailureError(kind=kind, reason="gone", node_id="1", address="10.0.0.1")
    for _ in range(MAX_NODE_FAILURES - 1):
        callback.on_trial_start(0, [], trial)
        trial.handle_error(error)
        callback.on_trial_recover(0, [], trial)
        callback.on_step_end(0, [])
    assert trial.num_failures == 0
    assert listener.events[-1] == f"retry: {error}"
    callback.on_trial_recover(0, [], trial)
    with pytest.raises(ResourceError) as caught:
        callback.on_step_end(0, [])
    assert caught.value.path == "10.0.0.1"


def test_on_trial_recover_failures_with_an_epoch_in_between_do_not_end_the_run(
    search_run: SearchRun, tmp_path: Path
) -> None:
    callback = make_callback(search_run)
    trial = propose(search_run)
    trial.storage = SimpleNamespace(trial_driver_staging_path=str(tmp_path))
    trial.handle_error(NodeFailureError(kind=NodeFailureKind.DEATH))
    for epoch in range(1, MAX_NODE_FAILURES + 1):
        callback.on_trial_start(0, [], trial)
        report = make_epoch(epoch, 0.5)
        search_run.decide(trial.config[SPEC_KEY].id, "trial-0", report)
        callback.on_trial_result(0, [], trial, make_result(report))
        callback.on_trial_recover(0, [], trial)
    callback.on_step_end(0, [])
    assert callback.error is None


def test_on_step_end_failed_write_raises(
    search_run: SearchRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_to_write(*args: object, **options: object) -> None:
        raise ResourceError("disk full")

    monkeypatch.setattr(search_run.ledger, "write_trial", fail_to_write)
    callback = make_callback(search_run)
    trial = propose(search_run)
    callback.on_trial_start(0, [], trial)
    callback.on_trial_result(0, [], trial, fail(FailureKind.NON_FINITE_LOSS))
    callback.on_trial_complete(0, [], trial)
    with pytest.raises(ResourceError, match="disk full"):
        callback.on_step_end(0, [])


def test_on_trial_result_epochs_reported_together_are_all_recorded(
    search_run: SearchRun,
) -> None:
    listener = Recorder()
    callback = make_callback(search_run, listener)
    trial = propose(search_run)
    callback.on_trial_start(0, [], trial)
    epochs = [make_epoch(1, 0.5), make_epoch(2, 0.7)]
    for epoch in epochs:
        search_run.decide(trial.config[SPEC_KEY].id, "trial-0", epoch)
    failure = TrialFailure(kind=FailureKind.NON_FINITE_LOSS, message="nan", exception="E")
    report = TrialReport(epochs=tuple(epochs), end=failure)
    callback.on_trial_result(0, [], trial, {REPORT_KEY: report})
    callback.on_trial_complete(0, [], trial)
    (record,) = read_records(search_run.ledger)
    assert [epoch.epoch for epoch in search_run.ledger.read_epochs(record.id)] == [1, 2]
    assert listener.events == ["start", "epoch 1", "epoch 2", "end: pruned"]
