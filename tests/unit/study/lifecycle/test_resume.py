"""A study is created, or reopened only with the settings and the software that it has."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from bloodnets.errors import ConflictError
from bloodnets.storage.checkpoint_header import get_checkpoint_name
from bloodnets.storage.location import RemotePath
from bloodnets.storage.remote import RemoteStorage
from reports.ledger.creation import StudyExistsError
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.records import StudyRecord
from reports.ledger.serialization import to_json
from reports.page.render import make_banner
from study.lifecycle.resume import (
    open_study,
    require_same_study,
)
from study.lifecycle.study_differences import list_differences
from study.runtime.lock import is_locked, lock_study
from tests.helpers import grid_builder
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.helpers.unfinished_trials import find_unfinished_trial


def test_require_same_study_with_other_settings_names_them(ledger: Ledger) -> None:
    require_same_study(ledger, ledger.study)
    requested = replace(ledger.study, trials=ledger.study.trials[:2])
    with pytest.raises(ConflictError) as caught:
        require_same_study(ledger, requested)
    assert caught.value.path == str(ledger.location)
    (difference,) = list_differences(ledger.study, requested)
    assert difference in caught.value.problem
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
