"""Files in a folder and in a store: the same methods, the same results."""

from pathlib import Path

import pytest

from bloodnets.errors import DataError
from bloodnets.storage.local import LocalStorage
from bloodnets.storage.location import RemotePath
from bloodnets.storage.remote import RemoteStorage, open_storage
from reports.ledger.remote_cache import RemoteCache
from tests.helpers.s3 import S3_BUCKET, S3Server


@pytest.fixture(params=["local", "remote", "cache"])
def files(
    request: pytest.FixtureRequest, running: S3Server, tmp_path: Path
) -> LocalStorage | RemoteStorage | RemoteCache:
    if request.param == "local":
        return LocalStorage(tmp_path)
    remote = RemoteStorage(RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}"))
    return remote if request.param == "remote" else RemoteCache(remote)


def test_storage_written_file_is_read_listed_and_removed(
    files: LocalStorage | RemoteStorage | RemoteCache,
) -> None:
    files.write("trials/a.json", b"one")
    files.write("trials/a.json", b"another")
    files.write("trials/.hidden", b"nobody's")
    assert files.read("trials/a.json") == b"another"
    assert files.read_prefix("trials/a.json", 3) == (b"ano", 7)
    assert files.exists("trials/a.json")
    assert not files.exists("trials/b.json")
    assert not files.exists("trials")
    assert files.list_files("trials") == {"trials/a.json"}
    files.remove("trials")
    files.remove("never/was")
    assert files.list_files("trials") == set()
    assert not files.exists("trials/a.json")
    for read in (files.read, lambda name: files.read_prefix(name, 1)):
        with pytest.raises(FileNotFoundError):
            read("epochs/none")


def test_list_files_nested_folders_names_all_files(
    files: LocalStorage | RemoteStorage | RemoteCache,
) -> None:
    files.write("checkpoints/a", b"")
    files.write("checkpoints/a-1/state", b"1")
    files.write("checkpoints-other/state", b"2")
    assert files.list_files("checkpoints") == {"checkpoints/a", "checkpoints/a-1/state"}


@pytest.mark.parametrize("kind", ["local", "remote"])
def test_list_folders_with_files_names_only_folders(
    kind: str, running: S3Server, tmp_path: Path
) -> None:
    files: LocalStorage | RemoteStorage = (
        LocalStorage(tmp_path)
        if kind == "local"
        else RemoteStorage(RemotePath(f"s3://{S3_BUCKET}/{tmp_path.name}"))
    )
    for name in ("a/study.json", "b-2/study.json", "file"):
        files.write(name, b"1")
    assert files.list_folders() == {"a", "b-2"}


def test_write_store_answers_500_raises_and_later_succeeds(running: S3Server) -> None:
    remote = RemoteStorage(RemotePath(f"s3://{S3_BUCKET}/failing"), retry_timeout_s=0)
    running.set_fault("500")
    try:
        # pyarrow gives the status only in its text; ours adds the address.
        with pytest.raises(OSError, match=r"^s3://cells/failing: .*500"):
            remote.write("a", b"1")
    finally:
        running.set_fault("")
    remote.write("a", b"2")
    assert remote.read("a") == b"2"


def test_write_missing_bucket_raises_without_a_retry(running: S3Server) -> None:
    with pytest.raises(OSError, match="NO_SUCH_BUCKET"):
        RemoteStorage(RemotePath("s3://no-such-bucket/x"), retry_timeout_s=3600).write("a", b"")


def test_remote_storage_unknown_scheme_raises() -> None:
    with pytest.raises(DataError) as caught:
        RemoteStorage(RemotePath("ftp://bucket/x"))
    assert caught.value.path == "ftp://bucket/x"


def test_open_storage_location_decides_the_class(running: S3Server, tmp_path: Path) -> None:
    address = RemotePath(f"s3://{S3_BUCKET}/x")
    assert isinstance(open_storage(tmp_path), LocalStorage)
    remote = open_storage(address, retry_timeout_s=0)
    assert isinstance(remote, RemoteStorage)
    assert (remote.location, remote.retry_timeout_s) == (address, 0)
