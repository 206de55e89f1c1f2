"""The local copy of a remote study's files."""

from bloodnets.storage.location import RemotePath
from bloodnets.storage.remote import RemoteStorage
from reports.ledger.remote_cache import RemoteCache
from tests.helpers.s3 import S3_BUCKET, S3Server


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


def test_remove_folder_is_gone_here_and_there(running: S3Server) -> None:
    remote, cache = make_cache("removed")
    assert cache.exists("checkpoints/c/state")
    cache.remove("checkpoints")
    assert not cache.exists("checkpoints/c/state")
    assert cache.list_files("checkpoints") == remote.list_files("checkpoints") == set()
    assert cache.exists("trials/a.json")
