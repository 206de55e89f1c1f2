"""Optuna's proposals, and its file as other programs see it."""

from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.samplers import CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from bloodnets.errors import ResourceError
from reports.ledger.records import TrialRecord
from reports.ledger.states import StopReason
from reports.ledger.states import TrialState as LedgerState
from study.configs.search_space import contains, make_baseline_configs
from study.tuning.optuna_study import OptunaStudy, RunningTrialsStorage, make_sampler
from tests.helpers.optuna_studies import load_optuna_study
from tests.helpers.search_builder import SEARCH_RECORD
from tests.unit.study.console.test_search_progress import ended, planned

BASELINES = make_baseline_configs(SEARCH_RECORD)
N_STARTUP = 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "optuna.journal"


def make_record(trial_id: str, state: LedgerState, reason: StopReason) -> TrialRecord:
    return replace(ended(planned(0), 1, reason, status=state), id=trial_id)


def test_optuna_study_metric_is_named_for_dashboards(path: Path) -> None:
    OptunaStudy(path, "s", SEARCH_RECORD)
    assert load_optuna_study(path, "s").metric_names == ["val_macro_f1"]


def test_optuna_study_of_an_earlier_run_is_replaced(path: Path) -> None:
    earlier = OptunaStudy(path, "s", SEARCH_RECORD)
    earlier.start(earlier.propose()[0], "a", "trial-0")
    earlier.close()
    assert len(load_optuna_study(path, "s").trials) == 1
    OptunaStudy(path, "s", SEARCH_RECORD)
    assert load_optuna_study(path, "s").trials == []


def test_optuna_study_unwritable_file_raises(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught:
        OptunaStudy(tmp_path / "missing" / "optuna.journal", "s", SEARCH_RECORD)
    assert isinstance(caught.value.__cause__, OSError)


def test_propose_enqueued_configurations_come_first(path: Path) -> None:
    study = OptunaStudy(path, "s", SEARCH_RECORD)
    for config in BASELINES.values():
        study.enqueue(config)
    assert [study.propose()[1] for _ in BASELINES] == [*BASELINES.values()]
    assert contains(study.propose()[1], SEARCH_RECORD)


def test_report_best_values_of_a_second_attempt_are_not_recorded_twice(path: Path) -> None:
    study = OptunaStudy(path, "s", SEARCH_RECORD)
    trial, _ = study.propose()
    study.start(trial, "a", "trial-0")
    assert len(study.running_trials) == 1
    for epoch, value in ((1, 0.5), (2, 0.6), (1, 0.1), (2, 0.2), (3, 0.7)):
        study.report("a", epoch, value)
    study.tell(make_record("a", LedgerState.PRUNED, StopReason.ASHA), 0.7)
    study.close()
    (found,) = load_optuna_study(path, "s").trials
    assert (found.state, found.intermediate_values) == (
        TrialState.PRUNED,
        {1: 0.5, 2: 0.6, 3: 0.7},
    )
    assert not study.running_trials


def test_add_ended_trial_equals_the_trial_told_when_it_ended(path: Path, tmp_path: Path) -> None:
    study = OptunaStudy(path, "s", SEARCH_RECORD)
    trial, config = study.propose()
    study.start(trial, "a", "trial-0")
    study.report("a", 1, 0.5)
    record = make_record("a", LedgerState.COMPLETE, StopReason.MAX_EPOCHS)
    study.tell(record, 0.5)
    again = OptunaStudy(other := tmp_path / "other.journal", "s", SEARCH_RECORD)
    again.add_ended_trial(record, config, [0.5])
    study.close()
    again.close()
    (told,), (added,) = load_optuna_study(path, "s").trials, load_optuna_study(other, "s").trials
    for name in ("state", "value", "params", "distributions", "user_attrs", "intermediate_values"):
        assert getattr(told, name) == getattr(added, name), name


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("tpe", TPESampler),
        ("random", RandomSampler),
        ("gp", GPSampler),
        ("cmaes", CmaEsSampler),
    ],
)
def test_make_sampler_name_gives_its_class(name: str, cls: type) -> None:
    assert type(make_sampler(name, 0)) is cls


def make_study(
    state: TrialState, *, n_epochs: int, storage_class: type[InMemoryStorage] = InMemoryStorage
) -> optuna.Study:
    """Return a study of random trials in a given state."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=storage_class(), direction="maximize", sampler=RandomSampler(seed=0)
    )
    for _ in range(2 * N_STARTUP):
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        for epoch in range(1, n_epochs + 1):
            trial.report(x * epoch / 10, epoch)
        if state is not TrialState.RUNNING:
            study.tell(trial, x if state is TrialState.COMPLETE else None, state)
    return study


def propose(study: optuna.Study, *, seed: int = 1) -> float:
    study.sampler = TPESampler(
        seed=seed, n_startup_trials=N_STARTUP, multivariate=True, constant_liar=True
    )
    return study.ask().suggest_float("x", 0, 1)


def test_running_trials_with_epochs_count_as_pruned() -> None:
    running = make_study(TrialState.RUNNING, n_epochs=3, storage_class=RunningTrialsStorage)
    proposal = propose(running)
    assert proposal == propose(make_study(TrialState.PRUNED, n_epochs=3))
    # Without the storage, too few trials have ended.
    assert proposal != propose(make_study(TrialState.RUNNING, n_epochs=3))


def test_running_trials_without_an_epoch_do_not_replace_startup_trials() -> None:
    study = make_study(TrialState.RUNNING, n_epochs=0, storage_class=RunningTrialsStorage)
    assert propose(study) == propose(make_study(TrialState.RUNNING, n_epochs=0))


@pytest.mark.parametrize("state", [TrialState.PRUNED, TrialState.COMPLETE])
def test_trials_that_ended_give_the_same_proposal_as_in_another_storage(state: TrialState) -> None:
    studies = [
        make_study(state, n_epochs=2, storage_class=storage_class)
        for storage_class in (RunningTrialsStorage, InMemoryStorage)
    ]
    assert propose(studies[0], seed=4) == propose(studies[1], seed=4)


def test_get_all_trials_lists_states_and_keeps_the_trials_as_they_are() -> None:
    storage = RunningTrialsStorage()
    study = optuna.create_study(storage=storage)
    running = study.ask()
    running.report(0.5, 1)
    study.ask()
    study.enqueue_trial({"x": 0.5})
    listed = study.get_trials(deepcopy=False)
    assert [trial.state for trial in listed] == [
        TrialState.PRUNED,
        TrialState.RUNNING,
        TrialState.WAITING,
    ]
    assert [trial.number for trial in listed] == [0, 1, 2]
    (pruned,) = study.get_trials(states=(TrialState.PRUNED,))
    assert pruned.intermediate_values == {1: 0.5}
    (waiting,) = study.get_trials(states=(TrialState.WAITING,))
    assert waiting.number == 2
    assert storage.get_trial(0).state is TrialState.RUNNING
