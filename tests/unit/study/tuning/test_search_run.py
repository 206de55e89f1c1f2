"""What a search proposes and tells Optuna, live and from the ledger; Optuna's file."""

import warnings
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState

from bloodnets.errors import ResourceError
from bloodnets.messages import EpochReport
from bloodnets.training.epoch_result import EpochResult
from reports.ledger import states as ledger_states
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import EpochRecord, TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.ledger.states import StopReason
from study.tuning import search_run
from study.tuning.asha import make_tripling_rungs
from study.tuning.search_run import OPTUNA_FILE, SearchRun
from tests.helpers.ledger_entries import add_trial
from tests.helpers.optuna_studies import load_optuna_study
from tests.helpers.search_builder import SEARCH_RECORD, build_search

SMALL = replace(SEARCH_RECORD, n_trials=6, max_epochs=6, rungs=make_tripling_rungs(1, 6))


def build_empty(folder: Path, search: SearchRecord = SMALL) -> Ledger:
    return build_search(folder, search=replace(search, n_trials=0), ended_by=None)


def load_optuna_trials(ledger: Ledger) -> list[FrozenTrial]:
    """As another program sees the file."""
    return load_optuna_study(ledger.folder / OPTUNA_FILE, ledger.study.name).trials


def run(own: SearchRun, ledger: Ledger, values: list[float], reason: StopReason) -> PlannedTrial:
    """Propose a trial, let it have epochs, end it."""
    planned = own.propose(ledger.add_proposal)
    finish(own, ledger, planned, values, reason)
    return planned


def finish(
    own: SearchRun,
    ledger: Ledger,
    planned: PlannedTrial,
    values: list[float],
    reason: StopReason,
) -> None:
    own.record_start(planned.id)
    epochs = []
    for number, value in enumerate(values, start=1):
        epoch = EpochResult(
            epoch=number, train_loss=1, val_loss=1, val_accuracy=value, val_macro_f1=value,
            duration_s=1,
        )  # fmt: skip
        best_value = max(values[:number])
        report = EpochReport(result=epoch, best_val_macro_f1=best_value, restored=False)
        own.decide(planned.id, planned.configuration, report)
        own.record_epoch(planned.id, report)
        epochs.append(EpochRecord(**asdict(epoch)))
    states = {
        StopReason.MAX_EPOCHS: ledger_states.TrialState.COMPLETE,
        StopReason.ERROR: ledger_states.TrialState.FAILED,
    }
    record = TrialRecord(
        id=planned.id, configuration=planned.configuration, config=planned.config,
        fingerprint=ledger.study.fingerprint, software_sha256=ledger.study.software.sha256,
        operations=None, state=states.get(reason, ledger_states.TrialState.PRUNED),
        stop_reason=reason,
        error="RuntimeError: no" if reason in (StopReason.ERROR, StopReason.DIVERGED) else None,
        attempts=1, epochs=len(values), best_epoch=1 if values else None,
        started_at="2026-01-02T03:04:05Z", duration_s=1, device=None, host=None, versions=None,
        parameters=None,
        scores={}, files={},
    )  # fmt: skip
    own.record_end(add_trial(ledger, record, epochs=epochs, test_reason=None))


def seen(trial: FrozenTrial) -> tuple[Any, ...]:
    """What a sampler can see of a trial, but for the clock."""
    parts = (trial.number, trial.state, trial.values, trial.params, trial.distributions)
    return (*parts, trial.intermediate_values, trial.user_attrs)


def test_record_end_each_state_is_told_to_optuna(
    tmp_path: Path,
) -> None:
    ledger = build_empty(tmp_path / "s")
    own = SearchRun(ledger, SMALL)
    run(own, ledger, [0.2, 0.6, 0.5, 0.5, 0.4, 0.3], StopReason.MAX_EPOCHS)
    run(own, ledger, [0.1], StopReason.ASHA)
    run(own, ledger, [0.3, 0.2], StopReason.ERROR)
    run(own, ledger, [], StopReason.DIVERGED)
    run(own, ledger, [0.3, 0.4], StopReason.TIME_BUDGET)
    own.close()
    complete, stopped, failed, diverged, ended = load_optuna_trials(ledger)
    assert (complete.state, complete.value) == (TrialState.COMPLETE, 0.6)  # the best, not the last
    assert complete.intermediate_values == {1: 0.2, 2: 0.6, 3: 0.6, 4: 0.6, 5: 0.6, 6: 0.6}
    assert (stopped.state, stopped.intermediate_values) == (TrialState.PRUNED, {1: 0.1})
    assert (failed.state, failed.values) == (TrialState.FAIL, None)
    assert failed.user_attrs["error"] == "RuntimeError: no"
    assert (diverged.state, diverged.intermediate_values) == (TrialState.PRUNED, {})
    assert (ended.state, ended.user_attrs["stop_reason"]) == (TrialState.PRUNED, "time_budget")


def test_propose_published_configurations_come_first(tmp_path: Path) -> None:
    ledger = build_empty(tmp_path / "s")
    own = SearchRun(ledger, SMALL)
    first, second, third = (own.propose(ledger.add_proposal) for _ in range(3))
    assert (first.configuration, second.configuration) == ("cnn-config-1", "cnn-config-2")
    assert (first.config["learning_rate"], second.config["learning_rate"]) == (0.01, 0.001)
    assert third.configuration == "trial-2"
    assert ledger.read_proposals() == [first, second, third]


def test_propose_published_configurations_outside_the_space_are_skipped(tmp_path: Path) -> None:
    search = replace(SMALL, optimizers=("adam",))
    ledger = build_empty(tmp_path / "s", search)
    own = SearchRun(ledger, search)
    assert [own.propose(ledger.add_proposal).configuration for _ in range(2)] == [
        "cnn-config-2",
        "trial-1",
    ]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_search_run_resumed_has_the_history_and_the_next_proposal(
    tmp_path: Path, sampler: str
) -> None:
    search = replace(SMALL, sampler=sampler)
    ledger = build_empty(tmp_path / "s", search)
    own = SearchRun(ledger, search)
    run(own, ledger, [0.2, 0.6, 0.5, 0.5, 0.4, 0.3], StopReason.MAX_EPOCHS)
    run(own, ledger, [0.1], StopReason.ASHA)
    run(own, ledger, [0.3, 0.2], StopReason.ERROR)
    run(own, ledger, [0.4, 0.1, 0.5], StopReason.ASHA)
    nxt, rungs = own.propose(ledger.add_proposal), own.rungs.values
    own.close()
    before = [seen(trial) for trial in load_optuna_trials(ledger)][:-1]
    ledger.folder.joinpath("proposals.jsonl").write_bytes(
        b"".join(ledger.files.read("proposals.jsonl").splitlines(keepends=True)[:-1])
    )
    again = SearchRun(ledger, search)
    again.close()
    assert [seen(trial) for trial in load_optuna_trials(ledger)] == before
    assert again.rungs.values == rungs
    assert SearchRun(ledger, search).propose(ledger.add_proposal) == nxt


def test_propose_cmaes_resumed_gives_the_proposals_of_an_uninterrupted_search(
    tmp_path: Path,
) -> None:
    """CMA-ES updates its distribution with the last trial: it has the values of six others."""
    search = replace(SMALL, sampler="cmaes", n_trials=9, learning_rate=(1e-4, 9e-4))
    reasons = {3: StopReason.ASHA, 4: StopReason.ERROR}

    def search_with(ledger: Ledger, resumed_number: int | None) -> list[PlannedTrial]:
        own = SearchRun(ledger, search)
        for number in range(search.n_trials):
            if number == resumed_number:
                own.propose(ledger.add_proposal)  # is left unfinished
                own.close()
                own = SearchRun(ledger, search)
            reason = reasons.get(number, StopReason.MAX_EPOCHS)
            run(own, ledger, [0.5 + 0.01 * (number * 7 % 11)], reason)
        return ledger.read_proposals()

    uninterrupted = search_with(build_empty(tmp_path / "a", search), None)
    assert search_with(build_empty(tmp_path / "b", search), 6) == uninterrupted


def test_propose_interrupted_trials_are_proposed_again(tmp_path: Path) -> None:
    ledger = build_empty(tmp_path / "s")
    own = SearchRun(ledger, SMALL)
    run(own, ledger, [0.5, 0.6], StopReason.ASHA)
    lost = [own.propose(ledger.add_proposal), own.propose(ledger.add_proposal)]
    own.close()
    again = SearchRun(ledger, SMALL)
    assert [again.propose(ledger.add_proposal), again.propose(ledger.add_proposal)] == lost
    assert len(ledger.read_proposals()) == 3
    finish(again, ledger, lost[1], [0.4], StopReason.ASHA)
    assert again.propose(ledger.add_proposal).configuration == "trial-3"
    again.close()
    assert [trial.state for trial in load_optuna_trials(ledger)] == [
        TrialState.PRUNED,
        TrialState.RUNNING,
        TrialState.PRUNED,
        TrialState.RUNNING,
    ]


def test_search_run_resumed_counts_interrupted_trials_as_remaining(tmp_path: Path) -> None:
    ledger = build_search(
        tmp_path / "s", search=replace(SMALL, n_trials=3), ended_by=None, running_numbers=(2,)
    )
    assert SearchRun(ledger, replace(SMALL, n_trials=5)).n_remaining == 3


def test_propose_sequential_trials_depend_only_on_the_seed(tmp_path: Path) -> None:
    def proposals(name: str, seed: int) -> list[dict[str, Any]]:
        search = replace(SMALL, seed=seed)
        ledger = build_empty(tmp_path / name, search)
        own = SearchRun(ledger, search)
        configs = [run(own, ledger, [0.1 * number], StopReason.ASHA).config for number in range(4)]
        return [{**config, "seed": 0} for config in configs]

    first = proposals("a", 1)
    assert first == proposals("b", 1)
    assert first != proposals("c", 2)


def test_search_run_optuna_file_has_the_states_of_the_ledger(tmp_path: Path) -> None:
    search = replace(SEARCH_RECORD, n_trials=12)
    ledger = build_search(
        tmp_path / "s",
        search=search,
        failed_numbers={4: "OSError: x"},
        diverged_numbers=[7],
        running_numbers=[9],
    )
    SearchRun(ledger, search).close()
    states = Counter(trial.state.name for trial in load_optuna_trials(ledger))
    statuses = Counter(
        record.state for record in ledger.read_trials() if "test" not in record.scores
    )
    assert states == {
        "COMPLETE": statuses[ledger_states.TrialState.COMPLETE],
        "PRUNED": statuses[ledger_states.TrialState.PRUNED],
        "FAIL": statuses[ledger_states.TrialState.FAILED],
        "WAITING": 1,
    }


@pytest.mark.parametrize("name", ["tpe", "random", "gp", "cmaes"])
def test_propose_every_sampler_gives_other_settings_each_time_and_no_warning(
    tmp_path: Path, name: str
) -> None:
    search = replace(SMALL, sampler=name, families=("mlnn", "cnn"))
    ledger = build_empty(tmp_path / "s", search)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own = SearchRun(ledger, search)
        for number in range(12):  # TPE and GP sample from a model after ten
            run(
                own,
                ledger,
                [0.05 * number],
                StopReason.MAX_EPOCHS if number % 2 else StopReason.ASHA,
            )
    configs = [planned.config for planned in ledger.read_proposals()]
    assert len({tuple(sorted(map(str, config.items()))) for config in configs}) == 12


def test_search_run_unwritable_optuna_file_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = build_empty(tmp_path / "s")
    monkeypatch.setattr(search_run, "OPTUNA_FILE", "no-such-folder/optuna.db")
    with pytest.raises(ResourceError) as caught:
        SearchRun(ledger, SMALL)
    assert isinstance(caught.value.__cause__, OSError)
