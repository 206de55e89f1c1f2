"""The files of a study are checked before it is resumed."""

from dataclasses import replace
from pathlib import Path

import pytest

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR, RETRAIN_HINT, get_checkpoint_name
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.serialization import to_json
from reports.verification.entered_files import UnplannedTrialError
from study.lifecycle.file_check import RESTORE_HINT, check_study_files
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.ledger_entries import log_start
from tests.helpers.search_builder import SEARCH_RECORD, build_search
from tests.helpers.unfinished_trials import add_checkpoint, find_unfinished_trial


def test_check_study_files_checkpoint_gives_the_epoch_to_resume_from(ledger: Ledger) -> None:
    assert check_study_files(ledger) == []
    add_checkpoint(ledger, epochs=7)
    (note,) = check_study_files(ledger)
    assert note.startswith(f"{find_unfinished_trial(ledger).id}: ")
    assert note.endswith(" epoch 7")


def test_check_study_files_missing_checkpoint_is_noted(ledger: Ledger) -> None:
    add_checkpoint(ledger).unlink()
    (note,) = check_study_files(ledger)
    trial_id = find_unfinished_trial(ledger).id
    assert note.startswith(f"{trial_id}: ")
    assert f"{CHECKPOINT_DIR}/{trial_id}" in note


def test_check_study_files_missing_record_is_noted(ledger: Ledger) -> None:
    lost = ledger.list_planned_trials()[0].id
    (ledger.folder / f"trials/{lost}.json").unlink()
    notes = check_study_files(ledger)
    assert any(note.startswith(f"{lost}: ") and f"epochs/{lost}.jsonl" in note for note in notes)


def test_check_study_files_checkpoint_of_another_trial_raises(ledger: Ledger) -> None:
    config = TrialConfig.from_dict(find_unfinished_trial(ledger).config)
    path = add_checkpoint(ledger, replace(config, seed=9))
    with pytest.raises(DataError) as caught:
        check_study_files(ledger)
    assert (caught.value.path, caught.value.remedy) == (str(path), RETRAIN_HINT)


def test_check_study_files_partial_files_and_old_checkpoints_are_removed(
    ledger: Ledger,
) -> None:
    half = ledger.folder / "models" / ".x.safetensors.123.part"
    half.write_bytes(b"half")
    ended = get_checkpoint_name(ledger.list_planned_trials()[0].id)
    ledger.files.write(ended, b"state")
    check_study_files(ledger)
    assert not half.exists()
    assert not (ledger.folder / ended).parent.exists()


def test_check_study_files_checkpoint_of_no_trial_raises(ledger: Ledger) -> None:
    name = get_checkpoint_name("cnn-config-9-s0-12345678")
    ledger.files.write(name, b"state")
    with pytest.raises(UnplannedTrialError) as caught:
        check_study_files(ledger)
    assert caught.value.path == str(ledger.folder / name)
    assert caught.value.remedy == RESTORE_HINT


def test_check_study_files_unplanned_trial_of_a_search_names_the_files_that_lack_it(
    tmp_path: Path,
) -> None:
    ledger = build_search(tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=6))
    ledger.files.write("trials/trial-9-12345678.json", b"{}")
    with pytest.raises(UnplannedTrialError) as caught:
        check_study_files(ledger)
    assert caught.value.path == "trials/trial-9-12345678.json"
    assert caught.value.remedy == (
        f"proposals.jsonl or confirmation.json does not list it; {RESTORE_HINT}"
    )


@pytest.mark.parametrize("folder", ["trials", "epochs", "predictions", "models"])
def test_check_study_files_damaged_file_of_a_trial_can_be_trained_again(
    ledger: Ledger, folder: str
) -> None:
    path = min((ledger.folder / folder).iterdir())
    path.write_bytes(b"damaged")
    with pytest.raises(ConflictError) as caught:
        check_study_files(ledger)
    assert caught.value.path == str(path)
    assert caught.value.remedy is not None
    assert caught.value.remedy.endswith("in trials/ to re-train it, which is logged")


def test_check_study_files_damaged_file_of_the_study_must_be_restored(ledger: Ledger) -> None:
    path = ledger.folder / "events.jsonl"
    path.write_bytes(b"trials/\n")
    with pytest.raises(ConflictError) as caught:
        check_study_files(ledger)
    assert (caught.value.path, caught.value.remedy) == (str(path), RESTORE_HINT)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_check_study_files_missing_event_raises(ledger: Ledger, index: int) -> None:
    path = ledger.folder / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:index] + lines[index + 1 :]))
    with pytest.raises(ConflictError) as caught:
        check_study_files(ledger)
    assert "events.jsonl" in caught.value.problem
    assert str(caught.value.remedy).startswith(RESTORE_HINT)


def test_check_study_files_missing_log_raises(ledger: Ledger) -> None:
    (ledger.folder / "events.jsonl").unlink()
    with pytest.raises(ConflictError) as caught:
        check_study_files(ledger)
    assert caught.value.path == str(ledger.folder / "events.jsonl")


def test_check_study_files_study_without_log_and_trials_begins_the_log(tmp_path: Path) -> None:
    """In object storage, a driver can be killed between `study.json` and the log."""
    ledger = build_grid(
        tmp_path / "s",
        {"cnn-config-1": make_published_matrices()["cnn-config-1"]},
        missing_trials=[("cnn-config-1", 0)],
    )
    (ledger.folder / "events.jsonl").unlink()
    check_study_files(ledger)
    (event,) = ledger.log.read_events()
    assert (event.kind, event.sha256) == ("planned", ledger.study.fingerprint)


def test_check_study_files_removed_record_is_accepted_and_its_evaluation_stays(
    ledger: Ledger,
) -> None:
    lost = ledger.list_planned_trials()[0].id
    before = ledger.log.read_events()
    (ledger.folder / f"trials/{lost}.json").unlink()
    check_study_files(ledger)
    assert ledger.log.read_events() == before


def test_check_study_files_predictions_of_an_interrupted_attempt_are_entered_once(
    ledger: Ledger,
) -> None:
    """The worker evaluated on test, but the driver was killed before it heard of it."""
    trial_id = find_unfinished_trial(ledger).id
    ended_id = ledger.read_trials()[0].id
    ledger.files.write(
        f"predictions/{trial_id}.npz", ledger.files.read(f"predictions/{ended_id}.npz")
    )
    for n_starts in (1, 2):
        log_start(ledger, trial_id)
        check_study_files(ledger)
        events = [event for event in ledger.log.read_events() if event.trial_id == trial_id]
        evaluations = [event for event in events if event.kind == "tested"]
        assert (len(events), len(evaluations)) == (n_starts + 1, 1)
        assert evaluations[0].attempt == 1


def test_check_study_files_finished_search_without_a_trial_raises(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=6))
    lost = ledger.read_proposals()[5].id
    (ledger.folder / f"trials/{lost}.json").unlink()
    with pytest.raises(ConflictError) as caught:
        check_study_files(ledger)
    assert (caught.value.path, caught.value.remedy) == (f"trials/{lost}.json", RESTORE_HINT)


def test_check_study_files_trial_of_unknown_software_raises(ledger: Ledger) -> None:
    (planned, *_) = ledger.study.trials
    path = ledger.folder / "trials" / f"{planned.id}.json"
    record = ledger.read_trial(planned)
    assert record is not None
    path.write_bytes(to_json(replace(record, software_sha256="f" * 64), indent=2))
    with pytest.raises(ConflictError) as caught:
        check_study_files(ledger)
    assert planned.id in str(caught.value.path)
    (problem,) = read_study_files(ledger).problems
    assert problem.trial_id == planned.id
