"""The download, against a real server on this machine that behaves well and badly."""

import hashlib
import io
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest
import requests

from bloodnets.data import download as module
from bloodnets.data.download import (
    BLOODMNIST_FILE,
    MAX_RETRIES,
    download_file,
    ensure_official_file,
)
from bloodnets.errors import ResourceError

CONTENT = bytes(range(256)) * 1000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
WAYS_ON = (
    "; use --data-file PATH (a copy of bloodmnist.npz), --data-root FOLDER (a folder that "
    "holds it), or --data synthetic (synthetic cells, no download)"
)

Answer = Callable[[BaseHTTPRequestHandler], None]


def send(handler: BaseHTTPRequestHandler, body: bytes, length: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)


def good(handler: BaseHTTPRequestHandler) -> None:
    send(handler, CONTENT, len(CONTENT))


def good_without_length(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(CONTENT)


def other(handler: BaseHTTPRequestHandler) -> None:
    send(handler, b"<html>Log in to the hospital's network</html>", 45)


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    send(handler, CONTENT[:9999], len(CONTENT))


def unavailable(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(503)


def missing(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(404)


def elsewhere(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/moved")
    handler.end_headers()


def silent(handler: BaseHTTPRequestHandler) -> None:
    wait(handler)


def stalled(handler: BaseHTTPRequestHandler) -> None:
    send(handler, CONTENT[:9999], len(CONTENT))
    wait(handler)


def wait(handler: BaseHTTPRequestHandler) -> None:
    """Until the client gives up."""
    handler.connection.settimeout(20)
    handler.rfile.read(1)


class Server:
    """Gives the answers in turn, the last one again and again, and counts the requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = [good]
        self.requests = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self.answers[min(self.requests, len(self.answers) - 1)]
        self.requests += 1
        answer(handler)


@contextmanager
def running() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        answers = Server(f"http://127.0.0.1:{http.server_port}/{BLOODMNIST_FILE}?download=1")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield answers
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as answers:
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
    return tmp_path / "new" / "folder" / BLOODMNIST_FILE


def refusal(path: Path, url: str, md5: str = MD5) -> str:
    """The cause that the user is told, after checking all that is always so."""
    with pytest.raises(ResourceError) as caught:
        download_file(path, url=url, md5=md5)
    message = str(caught.value)
    assert message.isprintable()
    before, cause, after = message.partition("(")[0], *message.partition("(")[2].split(")", 1)
    assert before == "BloodMNIST could not be downloaded "
    assert after == WAYS_ON
    if path.parent.is_dir():
        assert list(path.parent.iterdir()) == []
    return cause


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
    assert download_file(path, url=server.url, md5=MD5) == path
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [BLOODMNIST_FILE]  # nothing left over
    assert server.requests == tries
    assert capfd.readouterr() == ("", "")  # no bar where there is no terminal, no retry in sight


def test_download_file_failing_server_waits_longer_before_each_retry(
    server: Server, path: Path, pauses: list[float]
) -> None:
    server.answers = [unavailable]
    refusal(path, server.url)
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
        download_file(path, url=server.url, md5=MD5)
    else:
        refusal(path, server.url)
    seen = terminal.getvalue()
    assert BLOODMNIST_FILE in seen
    assert "\n" not in seen
    before, last = seen.removesuffix("\r").rsplit("\r", 1)
    assert last.isspace()
    assert len(last) >= len(before.rsplit("\r", 1)[-1])


def test_download_file_complete_is_readable_by_others(server: Server, path: Path) -> None:
    """A teacher downloads once for a class."""
    download_file(path, url=server.url, md5=MD5)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (other, "what arrived has the wrong MD5"),
        (unavailable, "the server answered 503"),
        (missing, "the server answered 404"),
        (cut_off, "the connection was cut off"),
        (silent, "no answer within 0.3 s"),
        (stalled, "no answer within 0.3 s"),
        (elsewhere, "Exceeded 30 redirects."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_download_file_server_always_fails_raises_with_the_cause(
    answer: Answer,
    cause: str,
    server: Server,
    path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.answers = [answer]
    assert refusal(path, server.url) == cause
    assert server.requests == (1 + MAX_RETRIES) * (31 if answer is elsewhere else 1)
    assert capfd.readouterr() == ("", "")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_download_file_closed_port_raises(path: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}/{BLOODMNIST_FILE}"
    assert refusal(path, url) == "no connection to the server"


def test_download_file_closed_proxy_raises(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    assert (
        refusal(path, f"http://nowhere.invalid/{BLOODMNIST_FILE}") == "no connection to the proxy"
    )


def test_download_file_invalid_proxy_raises(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://:port")
    cause = refusal(path, f"http://nowhere.invalid/{BLOODMNIST_FILE}")
    assert "MD5" not in cause
    assert "port" in cause


def test_download_file_without_a_certificate_raises(path: Path, server: Server) -> None:
    """It speaks plain HTTP, which is no better than a wrong certificate."""
    cause = refusal(path, server.url.replace("http:", "https:"))
    assert cause == "the server's certificate cannot be verified"


def test_download_file_folder_is_a_file_raises_and_keeps_it(server: Server, tmp_path: Path) -> None:
    (folder := tmp_path / "folder").write_text("mine")
    cause = refusal(folder / BLOODMNIST_FILE, server.url)
    assert cause == f"{folder} cannot be written: Not a directory"
    assert folder.read_text() == "mine"
    assert server.requests == 0


def test_download_file_folder_below_a_file_raises(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    folder = tmp_path / "file" / "folder"
    cause = refusal(folder / BLOODMNIST_FILE, server.url)
    assert cause == f"{folder} cannot be written: Not a directory"


@pytest.mark.parametrize("exists", [False, True])
def test_download_file_folder_without_permission_raises(
    exists: bool, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is planted: the superuser, as whom tests may run, may write everywhere."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    if exists:
        path.parent.mkdir(parents=True)
    monkeypatch.setattr("tempfile.NamedTemporaryFile" if exists else "os.makedirs", refuse)
    cause = refusal(path, server.url)
    assert cause == f"{path.parent} cannot be written: Permission denied"


def test_download_file_full_disk_raises(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_fetch_url", fill)
    cause = refusal(path, server.url)
    assert cause == f"{path.parent} cannot be written: No space left on device"


def test_download_file_interrupted_leaves_nothing(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(requests.Response, "iter_content", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download_file(path, url=server.url, md5=MD5)
    assert list(path.parent.iterdir()) == []


@pytest.fixture
def official(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, standing in for the one that medmnist names."""
    from medmnist import INFO

    monkeypatch.setitem(INFO["bloodmnist"], "url", server.url)
    monkeypatch.setitem(INFO["bloodmnist"], "MD5", MD5)
    return server


def test_ensure_official_file_twice_downloads_once(official: Server, tmp_path: Path) -> None:
    for _ in range(2):
        assert ensure_official_file(tmp_path / "root") == tmp_path / "root" / BLOODMNIST_FILE
    assert (tmp_path / "root" / BLOODMNIST_FILE).read_bytes() == CONTENT
    assert official.requests == 1


def test_ensure_official_file_without_a_root_uses_medmnists_folder(
    official: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ensure_official_file(None) == tmp_path / ".medmnist" / BLOODMNIST_FILE
    assert official.requests == 1


def test_ensure_official_file_existing_file_is_left_unchanged(
    official: Server, tmp_path: Path
) -> None:
    """Whatever it holds: `load_file` says what is wrong with it, nobody mends it."""
    path = tmp_path / BLOODMNIST_FILE
    path.write_bytes(b"half of a download, or my own cells")
    path.chmod(0o600)
    before = path.stat()
    assert ensure_official_file(tmp_path) == path
    assert path.read_bytes() == b"half of a download, or my own cells"
    assert (path.stat().st_mtime_ns, path.stat().st_mode) == (before.st_mtime_ns, before.st_mode)
    assert official.requests == 0


def test_ensure_official_file_unreadable_folder_raises(
    official: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is planted, as above."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refuse)
        patch.setattr(os, "makedirs", refuse)
        with pytest.raises(ResourceError, match="root cannot be written: Permission denied"):
            ensure_official_file(tmp_path / "root")
