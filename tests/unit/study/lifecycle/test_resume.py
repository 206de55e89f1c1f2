"""A study that is resumed: its files are checked, and its settings compared."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.checkpoint_header import CHECKPOINT_DIR, RETRAIN_HINT, get_checkpoint_name
from bloodnets.storage.location import RemotePath
from bloodnets.storage.remote import RemoteStorage
from reports.ledger.creation import StudyExistsError
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.records import StudyRecord, TrialRecord
from reports.ledger.serialization import to_json
from reports.page.render import make_banner
from reports.verification.entered_files import UnplannedTrialError
from study.configs.study_config import make_planned_trial
from study.lifecycle.resume import (
    RESTORE_HINT,
    check_study_files,
    compute_elapsed_search_s,
    list_differences,
    open_study,
    require_same_study,
)
from study.runtime.lock import is_locked, lock_study
from tests.helpers import grid_builder
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.s3 import S3_BUCKET, S3Server
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
        ledger.log.add_start(trial_id)
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


def changed(study: StudyRecord, **settings: object) -> StudyRecord:
    """The same plan, with other settings."""
    trials = []
    for planned in study.trials:
        config = TrialConfig.from_dict({**planned.config, **settings})
        trials.append(make_planned_trial(planned.configuration, config))
    return replace(study, trials=tuple(trials))


def test_list_differences_other_settings_are_described(ledger: Ledger, tmp_path: Path) -> None:
    study = ledger.study
    search = build_search(tmp_path / "search", search=replace(SEARCH_RECORD, n_trials=3)).study
    assert search.search is not None
    other = replace(study.data, name="other.npz", sha256="f" * 64)
    for begun, asked, words in (
        (study, study, []),
        (study, changed(study, max_epochs=7), ["max_epochs was 100, now 7"]),
        (
            study,
            replace(study, data=replace(study.data, dropped={"train": 1, "val": 0})),
            ["duplicates were kept, now dropped"],
        ),
        (study, changed(study, seed=5), ["the seeds were 0, now 5"]),
        (
            study,
            changed(study, precision="bfloat16"),
            ["precision was float32, now bfloat16"],
        ),
        (
            changed(study, precision="bfloat16"),
            study,
            ["precision was bfloat16, now float32"],
        ),
        (
            study,
            replace(study, trials=study.trials[:2]),
            [
                "the configurations were mlnn-config-1, mlnn-config-2, cnn-config-1, "
                "now mlnn-config-1, mlnn-config-2"
            ],
        ),
        (
            study,
            replace(study, data=other),
            [
                f"the data were {study.data.name} (SHA-256 {study.data.sha256[:12]}…), now "
                f"other.npz (SHA-256 ffffffffffff…)"
            ],
        ),
        (study, search, ["it is a grid, not a search"]),
        (
            search,
            replace(search, search=replace(search.search, dropout=(0.1, 0.2))),
            ["dropout was 0.0, 0.7, now 0.1, 0.2"],
        ),
        (
            search,
            replace(search, search=replace(search.search, precision="bfloat16")),
            ["precision was float32, now bfloat16"],
        ),
    ):
        assert list_differences(begun, asked) == words


def test_require_same_study_with_other_settings_names_them(ledger: Ledger) -> None:
    require_same_study(ledger, ledger.study)
    with pytest.raises(ConflictError) as caught:
        require_same_study(ledger, changed(ledger.study, max_epochs=7))
    assert caught.value.path == str(ledger.location)
    assert "max_epochs was 100, now 7" in caught.value.problem
    assert "--name" in str(caught.value.remedy)


def test_require_same_study_with_an_edited_record_says_so(ledger: Ledger) -> None:
    ledger.study = replace(ledger.study, fingerprint="another")
    with pytest.raises(ConflictError) as caught:
        require_same_study(ledger, ledger.study)
    assert "study.json" in caught.value.problem


def with_software(study: StudyRecord, **changes: Any) -> StudyRecord:
    return replace(study, software=replace(study.software, **changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"versions": {**grid_builder.SOFTWARE.versions} | {"torch": "9.9"}},
            "torch was 2.13.0, now 9.9",
        ),
        (
            {
                "sources": {**grid_builder.SOFTWARE.sources} | {"bloodnets": "f" * 64},
                "commit": "f" * 40,
            },
            f"the source code of bloodnets changed (commit {'e' * 12} to {'f' * 12})",
        ),
    ],
)
def test_require_same_study_with_other_software_names_it_and_changes_nothing(
    ledger: Ledger, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConflictError) as caught:
        require_same_study(ledger, with_software(ledger.study, **changes))
    assert words in caught.value.problem
    assert "--allow-code-change" in str(caught.value.remedy)
    assert not ledger.read_software_changes()


def test_require_same_study_with_another_patch_and_build_is_the_same(ledger: Ledger) -> None:
    versions = {**grid_builder.SOFTWARE.versions} | {"python": "3.11.99", "torch": "2.13.0+cu130"}
    assert versions.keys() == grid_builder.SOFTWARE.versions.keys()
    require_same_study(ledger, with_software(ledger.study, versions=versions))
    assert not ledger.read_software_changes()


def test_require_same_study_with_another_commit_of_the_same_code_is_the_same(
    ledger: Ledger,
) -> None:
    require_same_study(ledger, with_software(ledger.study, commit=None))
    assert not ledger.read_software_changes()


def test_require_same_study_allowed_code_change_is_recorded_once(
    ledger: Ledger,
) -> None:
    requested = with_software(ledger.study, sources={"bloodnets": "f" * 64})
    checkpoint = get_checkpoint_name(find_unfinished_trial(ledger).id)
    ledger.files.write(checkpoint, b"state")
    require_same_study(ledger, requested, allow_code_change=True)
    (change,) = ledger.read_software_changes()
    assert change.software == ledger.current_software == requested.software
    assert not ledger.files.exists(checkpoint)
    require_same_study(ledger, requested)  # it is the study's software now
    with pytest.raises(ConflictError) as caught:
        require_same_study(ledger, ledger.study)
    assert "bloodnets" in caught.value.problem


def test_require_same_study_with_other_software_lets_a_finished_study_pass(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = build_grid(tmp_path / "finished", matrices)
    require_same_study(ledger, with_software(ledger.study, sources={"bloodnets": "f" * 64}))
    assert not ledger.read_software_changes()


def test_make_banner_software_change_is_named_if_trials_were_trained_with_it(
    ledger: Ledger,
) -> None:
    software = replace(ledger.study.software, sources={"bloodnets": "f" * 64})
    require_same_study(ledger, replace(ledger.study, software=software), allow_code_change=True)
    assert make_banner([read_study_files(ledger)]) is None
    (planned, *_) = ledger.study.trials
    record = ledger.read_trial(planned)
    assert record is not None
    path = ledger.folder / "trials" / f"{planned.id}.json"
    path.write_bytes(to_json(replace(record, software_sha256=software.sha256), indent=2))
    banner = make_banner([read_study_files(ledger)])
    assert banner is not None
    assert banner.heading == "The software changed while this study was trained"
    (notice,) = banner.notices
    assert "the source code of bloodnets, reports and study changed; 1 of 2 trials" in notice


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


def test_open_study_locks_the_study(ledger: Ledger) -> None:
    assert not is_locked(ledger.folder)
    with open_study(ledger.folder, ledger.study, resume=True):
        assert is_locked(ledger.folder)
        with pytest.raises(ConflictError) as caught, lock_study(ledger.folder):
            pytest.fail("two processes hold the lock")
        assert caught.value.path == str(ledger.folder)
    assert not is_locked(ledger.folder)


def test_open_study_default_name_of_five_at_once_gets_a_number(
    ledger: Ledger, tmp_path: Path
) -> None:
    barrier = Barrier(5)

    def create(_: int) -> Ledger:
        barrier.wait()
        with open_study(
            tmp_path / "grid-1", ledger.study, resume=False, has_default_name=True
        ) as created:
            return created

    with ThreadPoolExecutor(5) as pool:
        names = sorted(created.study.name for created in pool.map(create, range(5)))
    assert names == ["grid-1", *(f"grid-1-{number}" for number in (2, 3, 4, 5))]
    assert sorted(folder.name for folder in tmp_path.glob("grid-1*")) == names


def test_open_study_given_name_that_exists_raises(ledger: Ledger) -> None:
    with (
        pytest.raises(StudyExistsError) as caught,
        open_study(ledger.folder, ledger.study, resume=False),
    ):
        pytest.fail("an existing study was opened")
    assert caught.value.path == str(ledger.folder)


def ran(started_at: str, duration_s: float, like: TrialRecord) -> TrialRecord:
    return replace(like, started_at=f"2026-11-25T{started_at}+00:00", duration_s=duration_s)


def test_compute_elapsed_search_s_excludes_breaks(ledger: Ledger) -> None:
    like = ledger.read_trials()[0]
    assert compute_elapsed_search_s([]) == 0
    records = [
        ran("10:00:00", 60, like),
        ran("10:00:30", 60, like),  # beside the first
        ran("10:00:40", 5, like),  # within both
        ran("12:00:00", 10, like),  # after a break
    ]
    assert compute_elapsed_search_s(records) == 90 + 10
    assert compute_elapsed_search_s(records[::-1]) == 100


def test_open_study_remote_study_is_read_after_it_is_locked(
    running: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a store, names are listed once: when nobody else can be at work any more."""
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = build_grid(
        RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}"),
        matrices,
        missing_trials={("cnn-config-1", 0)},
    )
    name = f"trials/{find_unfinished_trial(ledger).id}.json"

    @contextmanager
    def entered_first(location: RemotePath) -> Iterator[None]:
        RemoteStorage(location).write(name, b"{}")
        yield

    monkeypatch.setattr("study.lifecycle.resume.lock_study", entered_first)
    with open_study(ledger.location, ledger.study, resume=True) as found:
        assert found.files.exists(name)
