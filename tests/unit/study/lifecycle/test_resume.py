"""What a study that goes on is held against, and what is said of it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.checkpoint_header import get_checkpoint_name
from bloodnets.storage.location import RemotePath
from bloodnets.storage.remote import RemoteStorage
from bloodnets.training.checkpoint import serialize_checkpoint
from bloodnets.training.loop import EpochResult, TrainingState
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import StudyRecord, TrialRecord
from reports.ledger.serialization import to_json
from reports.page.render import make_banner
from reports.verification.verify import UnplannedTrialError
from study.configs.study_config import make_planned_trial
from study.lifecycle import status
from study.lifecycle.resume import (
    RESTORE_HINT,
    check_study_files,
    compute_elapsed_search_s,
    list_differences,
    open_study,
    require_same_study,
)
from study.lifecycle.status import format_status_lines
from study.runtime.lock import is_locked, lock_study
from tests.helpers import grid_builder
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.helpers.search_builder import SEARCH_RECORD, build_search

WAITS = ("cnn-config-1", 0)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two trials that ended, and one that did not."""
    matrices = {
        name: make_published_matrices()[name] for name in ("mlnn-config-1", "mlnn-config-2")
    }
    matrices["cnn-config-1"] = make_published_matrices()["cnn-config-1"]
    return build_grid(tmp_path / "s", matrices, missing_trials={WAITS})


def waiting(ledger: Ledger) -> PlannedTrial:
    (found,) = [
        planned for planned in ledger.list_planned_trials() if ledger.read_trial(planned) is None
    ]
    return found


def begin(ledger: Ledger, config: TrialConfig | None = None, epochs: int = 0) -> Path:
    """Give the trial that waits a state, of its own configuration or another, without training."""
    planned = waiting(ledger)
    config = config or TrialConfig.from_dict(planned.config)
    state = TrainingState.create(config, torch.device("cpu"))
    state.best_weights = {name: v.clone() for name, v in state.model.state_dict().items()}
    for parameter in state.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    state.optimizer.step()
    done = [
        EpochResult(
            epoch=n, train_loss=1, val_loss=1, val_accuracy=0.5, val_macro_f1=0.5, duration_s=1
        )
        for n in range(1, epochs + 1)
    ]
    study = ledger.study.fingerprint
    content = serialize_checkpoint(
        state, config, study_fingerprint=study, epochs=done, duration_s=epochs
    )
    ledger.storage.write(get_checkpoint_name(planned.id), content)
    return ledger.folder / get_checkpoint_name(planned.id)


def test_check_study_files_checkpoint_gives_the_epoch_to_resume_from(ledger: Ledger) -> None:
    assert check_study_files(ledger) == []
    begin(ledger, epochs=7)
    assert check_study_files(ledger) == [f"{waiting(ledger).id}: goes on after epoch 7"]


def test_check_study_files_missing_checkpoint_is_noted(ledger: Ledger) -> None:
    begin(ledger).unlink()
    (said,) = check_study_files(ledger)
    assert said.endswith("holds no state: it is trained from its first epoch")


def test_check_study_files_missing_record_is_noted(ledger: Ledger) -> None:
    lost = ledger.list_planned_trials()[0].id
    (ledger.folder / f"trials/{lost}.json").unlink()
    (said,) = check_study_files(ledger)
    assert said.startswith(f"{lost}: epochs/{lost}.jsonl is there without its record")


def test_check_study_files_checkpoint_of_another_trial_raises(ledger: Ledger) -> None:
    config = TrialConfig.from_dict(waiting(ledger).config)
    path = begin(ledger, replace(config, seed=9))
    with pytest.raises(DataError, match=rf"{path} is the state of another trial; remove it"):
        check_study_files(ledger)


def test_check_study_files_partial_files_and_old_checkpoints_are_removed(
    ledger: Ledger,
) -> None:
    half = ledger.folder / "models" / ".x.safetensors.123.part"
    half.write_bytes(b"half")
    ended = get_checkpoint_name(ledger.list_planned_trials()[0].id)
    ledger.storage.write(ended, b"state")
    check_study_files(ledger)
    assert not half.exists()
    assert not (ledger.folder / ended).parent.exists()


def test_check_study_files_checkpoint_of_no_trial_raises(ledger: Ledger) -> None:
    name = get_checkpoint_name("cnn-config-9-s0-12345678")
    ledger.storage.write(name, b"state")
    with pytest.raises(UnplannedTrialError) as caught:
        check_study_files(ledger)
    assert caught.value.path == str(ledger.folder / name)
    assert caught.value.remedy == RESTORE_HINT


def test_check_study_files_unplanned_trial_of_a_search_names_the_files_that_lack_it(
    tmp_path: Path,
) -> None:
    ledger = build_search(tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=6))
    ledger.storage.write("trials/trial-9-12345678.json", b"{}")
    with pytest.raises(UnplannedTrialError) as caught:
        check_study_files(ledger)
    assert caught.value.path == "trials/trial-9-12345678.json"
    assert caught.value.remedy == (f"proposals.jsonl or confirmation.json lacks it; {RESTORE_HINT}")


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
    assert caught.value.remedy.endswith("in trials/ to train it again")


def test_check_study_files_damaged_file_of_the_study_must_be_restored(ledger: Ledger) -> None:
    path = ledger.folder / "test_evaluations.jsonl"
    path.write_bytes(b"trials/\n")
    with pytest.raises(ConflictError) as caught:
        check_study_files(ledger)
    assert (caught.value.path, caught.value.remedy) == (str(path), RESTORE_HINT)


def test_check_study_files_missing_test_evaluation_raises(ledger: Ledger) -> None:
    path = ledger.folder / "test_evaluations.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(
        ConflictError, match=r"^test_evaluations\.jsonl says that .*; bring the file back"
    ):
        check_study_files(ledger)


def test_check_study_files_finished_search_without_a_trial_raises(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", search=replace(SEARCH_RECORD, n_trials=6))
    lost = ledger.read_proposals()[5].id
    (ledger.folder / f"trials/{lost}.json").unlink()
    with pytest.raises(ConflictError, match=rf"trials/{lost}\.json is missing, but the search is"):
        check_study_files(ledger)


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
    with pytest.raises(ConflictError, match="begun otherwise: max_epochs was 100, now 7; give"):
        require_same_study(ledger, changed(ledger.study, max_epochs=7))


def test_require_same_study_with_an_edited_record_says_so(ledger: Ledger) -> None:
    ledger.study = replace(ledger.study, fingerprint="another")
    with pytest.raises(ConflictError, match=r"begun otherwise: its study\.json was changed since"):
        require_same_study(ledger, ledger.study)


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
            r"the source code of bloodnets changed \(commit e{12} to f{12}\)",
        ),
    ],
)
def test_require_same_study_with_other_software_names_it_and_changes_nothing(
    ledger: Ledger, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConflictError, match=f"{words}; .*--allow-code-change"):
        require_same_study(ledger, with_software(ledger.study, **changes))
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
    checkpoint = get_checkpoint_name(waiting(ledger).id)
    ledger.storage.write(checkpoint, b"state")
    require_same_study(ledger, requested, allow_code_change=True)
    (change,) = ledger.read_software_changes()
    assert change.software == ledger.current_software == requested.software
    assert not ledger.storage.exists(checkpoint)
    require_same_study(ledger, requested)  # it is the study's software now
    with pytest.raises(ConflictError, match="the source code of bloodnets"):
        require_same_study(ledger, ledger.study)


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
    with pytest.raises(ConflictError, match="software that neither"):
        check_study_files(ledger)
    (problem,) = read_study_files(ledger).problems
    assert problem.trial_id == planned.id


def test_open_study_locks_the_study(ledger: Ledger) -> None:
    assert not is_locked(ledger.folder)
    with open_study(ledger.folder, ledger.study, resume=True):
        assert is_locked(ledger.folder)
        words = "another bloodstudy is at work on"
        with pytest.raises(ConflictError, match=words), lock_study(ledger.folder):
            pytest.fail("two hold it")
        assert "A bloodstudy is at work on it." in [*format_status_lines(ledger)]
    assert not is_locked(ledger.folder)
    assert not is_locked(ledger.folder.parent)  # where there is nothing to hold


def test_lock_study_of_a_killed_process_is_released(ledger: Ledger) -> None:
    code = (
        "import sys, time; from pathlib import Path; from study.runtime.lock import lock_study\n"
        "with lock_study(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(ledger.folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_locked(ledger.folder)
    holder.kill()
    holder.communicate()
    assert not is_locked(ledger.folder)


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


def test_format_resume_command_can_be_copied(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert status.format_resume_command(ledger, None) == f"bloodstudy resume {ledger.folder}"
    spaced = tmp_path / "my results"
    shutil.copytree(ledger.folder, spaced / "s")
    assert (
        status.format_resume_command(Ledger(spaced / "s"), None)
        == f"bloodstudy resume '{spaced}/s'"
    )
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ledger.folder, tmp_path / "results" / "s")
    own = Ledger(Path("results", "s"))
    assert (
        status.format_resume_command(own, "head:6379") == "bloodstudy resume s --address head:6379"
    )


def test_format_status_lines_grid_names_unfinished_trials(ledger: Ledger) -> None:
    begin(ledger, epochs=3)
    said = [*format_status_lines(ledger)]
    assert said[0].startswith("s: grid, begun ")
    assert said[2:] == [
        "trials: 2 of 3 ended (2 complete)",
        "left: cnn-config-1-s0 (after 3 epochs)",
        f"Go on with: bloodstudy resume {ledger.folder}",
    ]


def test_format_status_lines_search_counts_states_and_names_failures(tmp_path: Path) -> None:
    search = replace(SEARCH_RECORD, n_trials=6)
    begun = build_search(tmp_path / "begun", search=search, ended_by=None, running_numbers={4, 5})
    said = [*format_status_lines(begun)]
    assert said[2].startswith("search: 4 of 6 ended (")
    assert said[3] == "left: trial-4, trial-5, and new proposals"
    over = build_search(tmp_path / "over", search=search, failed_numbers={3: "OSError: broken"})
    said = [*format_status_lines(over)]
    assert "1 failed" in said[2]
    assert said[3].startswith("confirmation: ")
    assert said[4].startswith("failed: trial-3-")
    assert said[4].endswith(": OSError: broken")
    assert said[5].startswith("All is done but the report: bloodstudy resume")


def test_open_study_remote_study_is_read_after_it_is_locked(
    running: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a store, names are listed once: when nobody else can be at work any more."""
    matrices = {"cnn-config-1": make_published_matrices()["cnn-config-1"]}
    ledger = build_grid(
        RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}"), matrices, missing_trials={WAITS}
    )
    name = f"trials/{waiting(ledger).id}.json"

    @contextmanager
    def entered_first(location: RemotePath) -> Iterator[None]:
        RemoteStorage(location).write(name, b"{}")
        yield

    monkeypatch.setattr("study.lifecycle.resume.lock_study", entered_first)
    with open_study(ledger.location, ledger.study, resume=True) as found:
        assert found.storage.exists(name)
