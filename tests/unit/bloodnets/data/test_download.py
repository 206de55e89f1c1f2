"""The download, against a real server on this machine that behaves well and badly."""

import io
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pooch
import pytest
import requests

from bloodnets import medmnist_sets
from bloodnets.data import download as module
from bloodnets.data.download import MAX_RETRIES, download_file, ensure_medmnist_file
from bloodnets.errors import DataError, ResourceError
from bloodnets.medmnist_sets import MedMnistFile, get_bloodmnist, load_sets
from tests.helpers.download_server import (
    CONTENT,
    FILE_NAME,
    MD5,
    Answer,
    Server,
    cut_off,
    elsewhere,
    good,
    good_without_length,
    missing,
    other,
    run_server,
    silent,
    stalled,
    unavailable,
)


@pytest.fixture
def server() -> Iterator[Server]:
    with run_server() as answers:
        yield answers


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, in seconds, which the tests do not wait for; short patience."""
    monkeypatch.setattr(module, "DOWNLOAD_TIMEOUT_S", 0.3)
    pauses: list[float] = []
    monkeypatch.setattr(pooch.core.time, "sleep", pauses.append)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return pauses


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "folder" / FILE_NAME


def refuse(path: Path, url: str) -> ResourceError:
    """Return the error of a failed download, which leaves nothing and names the ways on."""
    with pytest.raises(ResourceError) as caught:
        download_file(path, url=url, md5=MD5, title="BloodMNIST")
    error = caught.value
    assert str(error).isprintable()
    assert error.path == url
    for option in ("--data-file", "--data-root", "--data synthetic"):
        assert option in str(error.remedy)
    if path.parent.is_dir():
        assert list(path.parent.iterdir()) == []
    return error


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ([good], 1),
        ([good_without_length], 1),
        ([elsewhere, good], 2),
        ([unavailable, good], 2),
        ([cut_off, good], 2),
        ([other, good], 2),
        ([stalled, good], 2),
        ([unavailable, cut_off, other, good], 4),
    ],
    ids=lambda value: " ".join(a.__name__ for a in value) if isinstance(value, list) else "",
)
def test_download_file_server_fails_at_first_is_tried_again(
    answers: list[Answer],
    tries: int,
    server: Server,
    path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.answers = answers
    assert download_file(path, url=server.url, md5=MD5, title="BloodMNIST") == path
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [FILE_NAME]  # nothing left over
    assert server.requests == tries
    assert capfd.readouterr() == ("", "")  # no bar where there is no terminal, no retry in sight


def test_download_file_failing_server_waits_longer_before_each_retry(
    server: Server, path: Path, pauses: list[float]
) -> None:
    server.answers = [unavailable]
    refuse(path, server.url)
    assert pauses == [1, 2, 3]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", [good, cut_off, unavailable])
def test_download_file_in_a_terminal_clears_its_progress_bar(
    answer: Answer, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is said next stands alone on its line."""
    server.answers = [answer]
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    if answer is good:
        download_file(path, url=server.url, md5=MD5, title="BloodMNIST")
    else:
        refuse(path, server.url)
    seen = terminal.getvalue()
    assert FILE_NAME in seen
    assert "\n" not in seen
    before, last = seen.removesuffix("\r").rsplit("\r", 1)
    assert last.isspace()
    assert len(last) >= len(before.rsplit("\r", 1)[-1])


def test_download_file_complete_is_readable_by_others(server: Server, path: Path) -> None:
    """A teacher downloads once for a class."""
    download_file(path, url=server.url, md5=MD5, title="BloodMNIST")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("answer", "cause", "word"),
    [
        (other, ValueError, "MD5"),
        (unavailable, requests.HTTPError, "503"),
        (missing, requests.HTTPError, "404"),
        (cut_off, requests.exceptions.ChunkedEncodingError, "cut off"),
        (silent, requests.Timeout, "0.3 s"),
        (stalled, requests.ConnectionError, "0.3 s"),
        (elsewhere, requests.TooManyRedirects, "30 redirects"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_download_file_server_always_fails_raises_with_the_cause(  # noqa: PLR0917 - fixtures
    answer: Answer,
    cause: type[Exception],
    word: str,
    server: Server,
    path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.answers = [answer]
    error = refuse(path, server.url)
    assert isinstance(error.__cause__, cause)
    assert word in error.problem
    assert server.requests == (1 + MAX_RETRIES) * (31 if answer is elsewhere else 1)
    assert capfd.readouterr() == ("", "")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_download_file_closed_port_raises(path: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}/{FILE_NAME}"
    error = refuse(path, url)
    assert isinstance(error.__cause__, requests.ConnectionError)
    assert "server" in error.problem


def test_download_file_closed_proxy_raises(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    error = refuse(path, f"http://nowhere.invalid/{FILE_NAME}")
    assert isinstance(error.__cause__, requests.exceptions.ProxyError)
    assert "proxy" in error.problem


def test_download_file_invalid_proxy_raises(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://:port")
    error = refuse(path, f"http://nowhere.invalid/{FILE_NAME}")
    assert isinstance(error.__cause__, requests.RequestException)
    assert "port" in error.problem


def test_download_file_without_a_certificate_raises(path: Path, server: Server) -> None:
    """It speaks plain HTTP, which is no better than a wrong certificate."""
    error = refuse(path, server.url.replace("http:", "https:"))
    assert isinstance(error.__cause__, requests.exceptions.SSLError)
    assert "certificate" in error.problem


def assert_names_folder(error: ResourceError, folder: Path, reason: str) -> None:
    """Check that an error names a folder and the system's reason."""
    assert str(folder) in error.problem
    assert reason in error.problem


def test_download_file_folder_is_a_file_raises_and_keeps_it(server: Server, tmp_path: Path) -> None:
    (folder := tmp_path / "folder").write_text("mine")
    assert_names_folder(refuse(folder / FILE_NAME, server.url), folder, "Not a directory")
    assert folder.read_text() == "mine"
    assert server.requests == 0


def test_download_file_folder_below_a_file_raises(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    folder = tmp_path / "file" / "folder"
    assert_names_folder(refuse(folder / FILE_NAME, server.url), folder, "Not a directory")


@pytest.mark.parametrize("exists", [False, True])
def test_download_file_folder_without_permission_raises(
    exists: bool, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is planted: the superuser, as whom tests may run, may write everywhere."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    if exists:
        path.parent.mkdir(parents=True)
    monkeypatch.setattr("tempfile.NamedTemporaryFile" if exists else "os.makedirs", deny)
    assert_names_folder(refuse(path, server.url), path.parent, "Permission denied")


def test_download_file_full_disk_raises(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(requests.Response, "iter_content", fill)
    assert_names_folder(refuse(path, server.url), path.parent, "No space left on device")


def test_download_file_interrupted_leaves_nothing(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(requests.Response, "iter_content", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download_file(path, url=server.url, md5=MD5, title="BloodMNIST")
    assert list(path.parent.iterdir()) == []


@pytest.fixture
def file(server: Server, monkeypatch: pytest.MonkeyPatch) -> MedMnistFile:
    """A file of MedMNIST that the server has."""
    url = server.url.replace(FILE_NAME, "{file_name}")
    monkeypatch.setattr(medmnist_sets, "FILE_URL", url)
    return MedMnistFile(replace(load_sets()["dermamnist"], md5={64: MD5}), 64)


def test_ensure_medmnist_file_twice_downloads_once(
    file: MedMnistFile, server: Server, tmp_path: Path
) -> None:
    for _ in range(2):
        path = ensure_medmnist_file(file, tmp_path / "root")
        assert path == tmp_path / "root" / "dermamnist_64.npz"
    assert path.read_bytes() == CONTENT
    assert server.requests == 1


def test_ensure_medmnist_file_without_a_root_uses_medmnists_folder(
    file: MedMnistFile, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ensure_medmnist_file(file, None) == tmp_path / ".medmnist" / "dermamnist_64.npz"
    assert server.requests == 1


def test_ensure_medmnist_file_wrong_md5_raises_and_names_the_set(
    file: MedMnistFile, server: Server, tmp_path: Path
) -> None:
    server.answers = [other]
    with pytest.raises(ResourceError) as caught:
        ensure_medmnist_file(file, tmp_path)
    assert file.title in caught.value.problem
    assert file.file_name in str(caught.value.remedy)
    assert "Blood" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "side"), [("octmnist", 224), ("pathmnist", 128), ("tissuemnist", 224)]
)
def test_ensure_medmnist_file_too_large_for_memory_raises_before_the_download(
    name: str, side: int, file: MedMnistFile, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        ensure_medmnist_file(MedMnistFile(load_sets()[name], side), tmp_path)
    assert caught.value.remedy is not None
    assert server.requests == 0


def test_ensure_medmnist_file_existing_file_is_left_unchanged(
    file: MedMnistFile, server: Server, tmp_path: Path
) -> None:
    """Whatever it holds: `load_file` says what is wrong with it, nobody mends it."""
    path = tmp_path / file.file_name
    path.write_bytes(b"half of a download, or my own cells")
    path.chmod(0o600)
    before = path.stat()
    assert ensure_medmnist_file(file, tmp_path) == path
    assert path.read_bytes() == b"half of a download, or my own cells"
    assert (path.stat().st_mtime_ns, path.stat().st_mode) == (before.st_mtime_ns, before.st_mode)
    assert server.requests == 0


def test_ensure_medmnist_file_unreadable_folder_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is planted, as above."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", deny)
        patch.setattr(os, "makedirs", deny)
        with pytest.raises(ResourceError) as caught:
            ensure_medmnist_file(get_bloodmnist(), tmp_path / "root")
    assert_names_folder(caught.value, tmp_path / "root", "Permission denied")
