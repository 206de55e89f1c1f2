"""Trials of a plan and of a search, run by a real Ray Tune; the files that they pass through."""

import io
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ResourceError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR
from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.states import EndReason, StopReason, TrialState
from study.configs.study_config import GridConfig
from study.console.grid_progress import GridProgress
from study.console.search_progress import SearchProgress
from study.lifecycle.study_record import make_study_record
from study.runtime.watchdog import Heartbeat
from study.tuning import tuner
from study.tuning.search_run import SearchRun
from study.tuning.tuner import run_proposals, run_trials, write_probe_file
from tests.benchmarks import trace
from tests.helpers.call_recorder import PACKAGES, ROOT, Event, Recorder
from tests.helpers.immediate_writer import write_immediately
from tests.helpers.search_builder import SEARCH_RECORD, build_search
from tests.helpers.study_configs import make_grid_config, make_search_config
from tests.unit.study.tuning.test_ledger_callback import Recorder as ListenerRecorder

TEST_REASON = "chosen in advance"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRun:
    """A study that ran, and the first calls of our functions on the driver meanwhile."""

    ledger: Ledger
    events: list[Event]
    output: str


def record_calls(function: Callable[[], object], *, start: str, end: str) -> list[Event]:
    """Call a function; return the first calls in it, as `tests.benchmarks.trace` counts them."""
    recorder, previous = Recorder(ROOT, PACKAGES, start=start, end=end), sys.getprofile()
    with pytest.MonkeyPatch.context() as patch:
        write_immediately(patch)
        sys.setprofile(recorder)
        try:
            function()
        finally:
            sys.setprofile(previous)
    return [event for event in recorder.events if event.is_main]


def run_plan(config: GridConfig, cells: BloodCells, ledger: Ledger) -> list[str]:
    """Run the trials of a plan, and return the events of which its listener was notified."""
    listener = ListenerRecorder()
    run_trials(
        config,
        cells,
        ledger,
        ledger.study.trials,
        test_reason=TEST_REASON,
        listener=listener,
        heartbeat=Heartbeat(),
    )
    return listener.events


@pytest.fixture(scope="module")
def grid(
    ray_folder: Path, tmp_path_factory: pytest.TempPathFactory, cells: BloodCells
) -> TracedRun:
    """Run a grid of two configurations, an epoch each."""
    config = make_grid_config(
        tmp_path_factory.mktemp("grid"), configurations=("mlnn-config-2", "cnn-config-2")
    )
    ledger = create_study(config.location, make_study_record(config, cells, ("bloodstudy",)))
    trials, console = ledger.study.trials, Console(file=(output := io.StringIO()))

    def run() -> None:
        with GridProgress(trials, console) as progress:
            run_trials(
                config,
                cells,
                ledger,
                trials,
                test_reason=TEST_REASON,
                listener=progress,
                heartbeat=Heartbeat(),
            )

    events = record_calls(run, start=trace.TRIALS_START, end=trace.TRIAL_END)
    return TracedRun(ledger=Ledger(ledger.location), events=events, output=output.getvalue())


@pytest.fixture(scope="module")
def search(
    ray_folder: Path, tmp_path_factory: pytest.TempPathFactory, cells: BloodCells
) -> TracedRun:
    """Run a search of three trials, of at most two epochs."""
    record = replace(SEARCH_RECORD, n_trials=3, max_epochs=2, rungs=(1,), batch_size=16)
    config = make_search_config(tmp_path_factory.mktemp("search"), search=record)
    ledger = create_study(config.location, make_study_record(config, cells, ("bloodstudy",)))
    console = Console(file=(output := io.StringIO()))

    def run() -> None:
        search_run = SearchRun(ledger, record)
        with SearchProgress(record, console) as progress:
            assert (
                run_proposals(config, cells, search_run, listener=progress, heartbeat=Heartbeat())
                is EndReason.TRIALS
            )

    events = record_calls(run, start=trace.PROPOSAL_START, end=trace.PROPOSAL_END)
    return TracedRun(ledger=Ledger(ledger.location), events=events, output=output.getvalue())


def test_run_trials_enters_each_trial_of_the_plan_in_the_ledger(grid: TracedRun) -> None:
    records = grid.ledger.read_trials()
    assert [record.configuration for record in records] == ["mlnn-config-2", "cnn-config-2"]
    for record in records:
        assert (record.state, record.epochs, record.attempts) == (TrialState.COMPLETE, 1, 1)
        assert set(record.scores) == {"val", "test"}
        assert [epoch.epoch for epoch in grid.ledger.read_epochs(record.id)] == [1]
        assert f"{record.id}: complete" in grid.output


def test_run_trials_evaluates_test_once_per_trial_and_trains_cnns_first(grid: TracedRun) -> None:
    evaluations = grid.ledger.log.read_test_evaluations()
    mlnn, cnn = (trial.id for trial in grid.ledger.study.trials)
    assert [evaluation.trial_id for evaluation in evaluations] == [cnn, mlnn]
    assert {evaluation.reason for evaluation in evaluations} == {TEST_REASON}


def test_run_trials_leaves_no_checkpoint(grid: TracedRun) -> None:
    assert not (grid.ledger.folder / CHECKPOINT_DIR).exists()


def test_run_trials_with_all_trials_in_the_ledger_runs_none(
    grid: TracedRun, cells: BloodCells
) -> None:
    config = make_grid_config(grid.ledger.folder.parent)
    assert run_plan(config, cells, grid.ledger) == []


def test_run_trials_one_trial_passes_through_few_files(grid: TracedRun) -> None:
    path = trace.Trace(
        name="from the plan to the first trial in the ledger",
        calls=trace.select_path(grid.events, from_start=True, to_last_end=False),
        max_files=trace.MAX_TRIAL_FILES,
        max_hops=trace.MAX_TRIAL_HOPS,
    )
    assert path.is_met, trace.format_calls(path)


def test_run_proposals_enters_each_proposal_without_test(search: TracedRun) -> None:
    proposals = search.ledger.read_proposals()
    assert [planned.configuration for planned in proposals] == [
        "cnn-config-1",
        "cnn-config-2",
        "trial-2",
    ]
    for planned in proposals:
        record = search.ledger.read_trial(planned)
        assert record is not None
        assert (record.state, record.epochs) in {
            (TrialState.COMPLETE, 2),
            (TrialState.PRUNED, 1),
        }
        assert set(record.scores) <= {"val"}
        assert planned.id.rpartition("-")[0] in search.output
    assert search.ledger.log.read_test_evaluations() == []


def test_run_proposals_one_proposal_passes_through_few_files(search: TracedRun) -> None:
    path = trace.Trace(
        name="one proposal",
        calls=trace.select_path(search.events, from_start=True, to_last_end=False),
        max_files=trace.MAX_PROPOSAL_FILES,
        max_hops=trace.MAX_PROPOSAL_HOPS,
    )
    assert path.is_met, trace.format_calls(path)


def test_run_proposals_interrupted_at_its_end_enters_the_remaining_trials(
    tmp_path: Path, cells: BloodCells
) -> None:
    """No trial is run, so Ray need not run either."""
    record = replace(SEARCH_RECORD, n_trials=6, target_macro_f1=0.9)
    reason = EndReason.TARGET_MACRO_F1
    ledger = build_search(tmp_path / "s", search=record, ended_by=reason, running_numbers=(4, 5))
    lost = ledger.read_proposals()[5]
    for path in (ledger.folder / "confirmation.json", *ledger.folder.glob(f"*/{lost.id}.*")):
        path.unlink()
    config, listener = make_search_config(tmp_path, search=record), ListenerRecorder()
    search_run = SearchRun(Ledger(ledger.location), record)
    assert (
        run_proposals(config, cells, search_run, listener=listener, heartbeat=Heartbeat()) is reason
    )
    entered = Ledger(ledger.location).read_trial(lost)
    assert entered is not None
    assert (entered.state, entered.stop_reason, entered.attempts) == (
        TrialState.PRUNED,
        StopReason.TARGET_MACRO_F1,
        0,
    )
    assert listener.events == ["proposal", "end: pruned"]


def test_write_probe_file_in_a_study_is_seen_by_its_name(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=0), ended_by=None)
    assert ledger.files.exists(write_probe_file(ledger))


def test_write_probe_file_unwritable_folder_raises(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=0), ended_by=None)
    folder = ledger.folder / CHECKPOINT_DIR
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(ResourceError) as caught:
        write_probe_file(ledger)
    assert str(caught.value.path).startswith(str(ledger.folder))


class LossyLedger(Ledger):
    """Ledger that loses records at first, as if Tune had ended the trials without a callback."""

    n_to_lose = 0

    def write_trial(
        self, record: TrialRecord, *, epochs: Iterable[EpochRecord]
    ) -> tuple[TrialRecord, bytes]:
        if self.n_to_lose:
            self.n_to_lose -= 1
            return record, b""
        return super().write_trial(record, epochs=epochs)


def create_lossy_study(
    folder: Path, cells: BloodCells, *, n_to_lose: int
) -> tuple[GridConfig, LossyLedger]:
    """Create a study of one trial whose first records are lost."""
    config = make_grid_config(folder, configurations=("mlnn-config-2",))
    created = create_study(config.location, make_study_record(config, cells, ("bloodstudy",)))
    ledger = LossyLedger(created.location)
    ledger.n_to_lose = n_to_lose
    return config, ledger


@pytest.fixture
def max_runs(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let Tune be run at most twice, as each run starts a worker; return this number."""
    monkeypatch.setattr(tuner, "MAX_RUNS", 2)
    return tuner.MAX_RUNS


def test_run_trials_trial_without_a_record_is_run_again(
    ray_folder: Path, tmp_path: Path, cells: BloodCells, max_runs: int
) -> None:
    config, ledger = create_lossy_study(tmp_path, cells, n_to_lose=max_runs - 1)
    assert run_plan(config, cells, ledger) == ["start", "epoch 1", "end: complete"] * max_runs
    assert [record.state for record in ledger.read_trials()] == [TrialState.COMPLETE]


def test_run_trials_trial_that_never_gets_a_record_raises(
    ray_folder: Path, tmp_path: Path, cells: BloodCells, max_runs: int
) -> None:
    config, ledger = create_lossy_study(tmp_path, cells, n_to_lose=max_runs)
    with pytest.raises(ResourceError, match=f"without a result {max_runs} times in a row"):
        run_plan(config, cells, ledger)
    assert ledger.n_to_lose == 0
    assert ledger.read_trials() == []
