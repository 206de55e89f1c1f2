"""Optuna's file, as other programs see it."""

from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from bloodnets.errors import ResourceError
from study.tuning.optuna_file import OptunaFile
from tests.helpers.optuna_studies import load_optuna_study


def make_trial(state: TrialState, value: float = 0.5) -> FrozenTrial:
    return create_trial(
        state=state, params={"x": value}, distributions={"x": FloatDistribution(0, 1)}
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "optuna.journal"


def test_optuna_file_metric_is_named_for_dashboards(path: Path) -> None:
    OptunaFile(path, "s").close()
    assert load_optuna_study(path, "s").metric_names == ["val_macro_f1"]


@pytest.mark.parametrize("name", ["what?", "50%25", "a#b", "ü b"])
def test_optuna_file_in_a_folder_with_special_characters_is_written(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name / "optuna.journal"
    path.parent.mkdir()
    file = OptunaFile(path, name)
    file.add(make_trial(TrialState.RUNNING))
    file.close()
    assert len(load_optuna_study(path, name).trials) == 1


def test_optuna_file_trials_have_their_states_values_and_numbers(path: Path) -> None:
    file = OptunaFile(path, "s")
    for number, state in enumerate([TrialState.WAITING, TrialState.RUNNING, TrialState.RUNNING]):
        file.add(make_trial(state, number / 10))
    file.start(0, {"id": "a"})
    file.report(1, 1, 0.5)
    file.report(1, 2, 0.6)
    file.tell(1, TrialState.COMPLETE, 0.6, {"error": None})
    file.tell(2, TrialState.PRUNED, None, {"stop_reason": "asha"})
    file.close()
    waiting, complete, pruned = load_optuna_study(path, "s").trials
    assert (waiting.state, waiting.user_attrs) == (TrialState.RUNNING, {"id": "a"})
    assert (complete.state, complete.value) == (TrialState.COMPLETE, 0.6)
    assert complete.intermediate_values == {1: 0.5, 2: 0.6}
    assert (pruned.state, pruned.user_attrs) == (TrialState.PRUNED, {"stop_reason": "asha"})
    assert [trial.params["x"] for trial in (waiting, complete, pruned)] == [0.0, 0.1, 0.2]


def test_optuna_file_of_a_killed_process_is_replaced_without_waiting_for_its_lock(
    path: Path,
) -> None:
    path.write_text("damaged")
    Path(f"{path}.lock").touch()
    OptunaFile(path, "s").close()
    assert load_optuna_study(path, "s").trials == []
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_optuna_file_in_a_missing_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(ResourceError) as caught:
        OptunaFile(tmp_path / "missing" / "optuna.journal", "s")
    assert isinstance(caught.value.__cause__, OSError)


def test_close_change_that_could_not_be_written_raises(path: Path) -> None:
    file = OptunaFile(path, "s")
    path.unlink()
    path.mkdir()
    file.add(make_trial(TrialState.RUNNING))
    with pytest.raises(ResourceError) as caught:
        file.close()
    assert isinstance(caught.value.__cause__, OSError)
