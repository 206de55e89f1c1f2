"""Files of a study in a folder of this host."""

import os
from pathlib import Path

import pytest

from bloodnets.storage.local import LocalStorage, replace_folder, write_atomic


def test_write_missing_study_folder_raises_and_makes_none(tmp_path: Path) -> None:
    """A worker that does not see the driver's folder must not make one of its own."""
    with pytest.raises(FileNotFoundError):
        LocalStorage(tmp_path / "s").write("checkpoints/a/state", b"")
    assert not (tmp_path / "s").exists()


def test_write_atomic_failing_sync_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.json"
    write_atomic(path, b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_write_atomic_syncs_the_file_before_and_the_folder_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, contents, sync = tmp_path / "a.json", [], os.fsync

    def record(fd: int) -> None:
        contents.append(path.read_bytes() if path.exists() else None)
        sync(fd)

    monkeypatch.setattr(os, "fsync", record)
    write_atomic(path, b"new")
    assert contents == [None, b"new"]


def test_write_atomic_over_a_file_replaces_it_and_leaves_the_old_content(tmp_path: Path) -> None:
    """A reader that has the old file open reads all of it: a hard link still has it."""
    path, link = tmp_path / "a.json", tmp_path / "link"
    write_atomic(path, b"old")
    link.hardlink_to(path)
    write_atomic(path, b"new")
    assert (path.read_bytes(), link.read_bytes()) == (b"new", b"old")


def test_local_copy_and_upload_need_no_copy(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.write("report/index.html", b"page")
    assert storage.local_copy("report") == tmp_path / "report"
    storage.upload("report")
    assert storage.list_files("report") == {"report/index.html"}


def test_replace_folder_leaves_only_the_new_one(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / content).touch()
        replace_folder(tmp_path / "folder", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["second"]


def test_replace_folder_missing_new_one_keeps_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "folder", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
