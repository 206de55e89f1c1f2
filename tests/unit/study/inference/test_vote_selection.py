"""The models of a vote: all complete trials of a configuration, with checked files."""

from pathlib import Path

import pytest

from bloodnets.errors import ConflictError, DataError
from reports.analysis.temperature import TemperatureState, read_temperature
from reports.ledger.ledger import Ledger
from study.inference.vote_selection import SelectedVote, check_selection, select
from tests.helpers.grid_builder import ASYMMETRIC, build_grid
from tests.helpers.models import add_models
from tests.helpers.search_builder import build_search


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A grid with two complete trials of one configuration, and one of another."""
    matrices = {"cnn-config-1": [ASYMMETRIC] * 3, "mlnn-config-1": [ASYMMETRIC] * 2}
    return add_models(
        build_grid(
            tmp_path / "s",
            matrices,
            failed_trials={("cnn-config-1", 1): "out of memory"},
            missing_trials=[("mlnn-config-1", 0)],
        )
    )


def test_select_vote_has_all_complete_trials_of_the_configuration(ledger: Ledger) -> None:
    selected = select(ledger, None, "cnn-config-1")
    assert isinstance(selected, SelectedVote)
    assert [member.record.config["seed"] for member in selected.members] == [0, 2]
    assert selected.name == "cnn-config-1-vote"
    assert selected.problems == ()
    records = [member.record for member in selected.members]
    assert selected.temperature == read_temperature(ledger, records)


def test_select_without_vote_is_one_model(ledger: Ledger) -> None:
    selected = select(ledger, "cnn-config-1-s2", None)
    assert [member.name for member in selected.members] == ["cnn-config-1-s2"]


@pytest.mark.parametrize("vote", [None, "cnn-config-1"])
def test_select_with_orientations_has_no_temperature_of_other_views(
    ledger: Ledger, vote: str | None
) -> None:
    plain = select(ledger, None, vote)
    selected = select(ledger, None, vote, orientations=True)
    assert [member.config.orientations for member in plain.members] == [False] * len(plain.members)
    assert all(member.config.orientations for member in selected.members)
    assert selected.temperature == (1.0, TemperatureState.OTHER_VIEWS, 0)
    assert plain.temperature.state is TemperatureState.FITTED
    assert (selected.name, selected.reason) == (plain.name, plain.reason)


@pytest.mark.parametrize("vote", [None, "cnn-config-1"])
def test_select_with_orientations_of_a_study_with_them_keeps_its_temperature(
    tmp_path: Path, vote: str | None
) -> None:
    ledger = add_models(
        build_grid(
            tmp_path / "averaged",
            {"cnn-config-1": [ASYMMETRIC] * 2},
            config_overrides={"cnn-config-1": {"orientations": True}},
        )
    )
    plain, same = (select(ledger, None, vote, orientations=added) for added in (False, True))
    assert plain.temperature == same.temperature
    assert same.temperature.state is TemperatureState.FITTED
    assert all(member.config.orientations for member in plain.members)


@pytest.mark.parametrize("vote", ["mlnn-config-1", "nope", "cnn-config-1-s0"])
def test_check_selection_unknown_vote_or_one_trial_is_refused(ledger: Ledger, vote: str) -> None:
    with pytest.raises(DataError) as caught:
        check_selection(ledger, None, vote)
    assert caught.value.value == vote
    assert caught.value.remedy


def test_check_selection_trial_and_vote_are_refused(ledger: Ledger) -> None:
    with pytest.raises(DataError):
        check_selection(ledger, "cnn-config-1-s0", "cnn-config-1")


def test_select_vote_with_a_changed_member_is_refused(ledger: Ledger) -> None:
    record = ledger.read_trials()[-2]
    path = ledger.folder / "models" / f"{record.id}.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConflictError) as caught:
        select(ledger, None, record.configuration)
    assert caught.value.path is not None
    assert record.id in caught.value.path


def test_select_vote_of_a_search_has_the_re_trained_trials(tmp_path: Path) -> None:
    ledger = add_models(build_search(tmp_path / "s"))
    confirmation = ledger.read_confirmation()
    assert confirmation is not None
    name = confirmation.trials[0].configuration
    expected = [trial.id for trial in confirmation.trials if trial.configuration == name]
    selected = select(ledger, None, name)
    assert [member.record.id for member in selected.members] == expected
    assert len(expected) > 1
