"""Files in a folder and in a store: the same methods, the same results."""

from pathlib import Path

import pytest

from bloodnets.errors import DataError
from bloodnets.storage.local import LocalStorage
from bloodnets.storage.location import RemotePath, parse_location
from bloodnets.storage.remote import RemoteStorage
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


def test_write_missing_study_folder_raises_and_makes_none(tmp_path: Path) -> None:
    """A worker that does not see the driver's folder must not make one of its own."""
    with pytest.raises(FileNotFoundError):
        LocalStorage(tmp_path / "s").write("checkpoints/a/state", b"")
    assert not (tmp_path / "s").exists()


def make_cache(name: str) -> tuple[RemoteStorage, RemoteCache]:
    address = RemotePath(f"s3://{S3_BUCKET}/{name}")
    remote = RemoteStorage(address)
    remote.write("trials/a.json", b"a")
    remote.write("trials/b.json", b"b")
    remote.write("models/a", b"weights")
    remote.write("models/b", b"weights")
    remote.write("checkpoints/c/state", b"1")
    return remote, RemoteCache(RemoteStorage(address))


def test_read_cached_files_but_no_checkpoint_are_kept(running: S3Server) -> None:
    remote, cache = make_cache("read")
    assert cache.read("trials/a.json") == b"a"
    assert cache.read("models/a") == b"weights"
    assert cache.read("checkpoints/c/state") == b"1"
    kept = {path.name for path in cache.folder.rglob("*") if path.is_file()}
    assert kept == {"a.json", "b.json", "a"}  # no model that nobody asked for
    remote.write("checkpoints/c/state", b"2")
    assert cache.read("checkpoints/c/state") == b"2"


def test_upload_local_report_replaces_the_remote_one(running: S3Server) -> None:
    remote, cache = make_cache("keep")
    remote.write("report/old.csv", b"old")
    cache = RemoteCache(remote)
    (cache.folder / "report" / "figures").mkdir(parents=True)
    (cache.folder / "report" / "index.html").write_bytes(b"page")
    (cache.folder / "report" / "figures" / "a.svg").write_bytes(b"figure")
    cache.upload("report")
    assert remote.list_files("report") == {"report/index.html", "report/figures/a.svg"}
    assert cache.list_files("report") == remote.list_files("report")
    assert remote.read("report/index.html") == b"page"
    cache.upload("optuna.db")  # which there is none of
    assert remote.list_files("trials") == {"trials/a.json", "trials/b.json"}


def test_remote_cache_deleted_removes_its_folder(running: S3Server) -> None:
    _, cache = make_cache("gone")
    cache.read("trials/a.json")
    folder = cache.folder
    assert folder.stat().st_mode & 0o077 == 0
    del cache
    assert not folder.exists()


def test_write_store_answers_500_raises_and_later_succeeds(running: S3Server) -> None:
    remote = RemoteStorage(RemotePath(f"s3://{S3_BUCKET}/failing"), retry_timeout_s=0)
    running.set_fault("500")
    try:
        with pytest.raises(OSError, match=r"^s3://cells/failing: .*500"):
            remote.write("a", b"1")
    finally:
        running.set_fault("")
    remote.write("a", b"2")
    assert remote.read("a") == b"2"


def test_write_missing_bucket_raises_without_a_retry(running: S3Server) -> None:
    with pytest.raises(OSError, match="NO_SUCH_BUCKET"):
        RemoteStorage(RemotePath("s3://no-such-bucket/x"), retry_timeout_s=3600).write("a", b"")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3://key:secret@bucket/x", "the address at bucket holds a name or a password"),
        ("s3://bucket/x?region=y", "wanted: a bucket and a folder, e.g. s3://bucket/studies"),
        ("s3://", "wanted: a bucket and a folder"),
        ("s3://[x/y", "is not an address"),
    ],
)
def test_parse_location_invalid_address_raises_without_its_password(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as raised:
        parse_location(text)
    assert "secret" not in str(raised.value)


def test_remote_storage_unknown_scheme_raises() -> None:
    with pytest.raises(DataError, match=r"^ftp://bucket/x cannot be used: Unrecognized filesystem"):
        RemoteStorage(RemotePath("ftp://bucket/x"))


def test_parse_location_path_or_address_returns_its_type() -> None:
    assert parse_location("results/a") == Path("results/a")
    found = parse_location("s3://bucket/studies/")
    assert found == RemotePath("s3://bucket/studies")
    assert (str(found / "a"), (found / "a").name, (found / "a").parent) == (
        "s3://bucket/studies/a",
        "a",
        found,
    )
