"""HTTP server on this host with valid and faulty answers."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILE_NAME = "bloodmnist.npz"
CONTENT = bytes(range(256)) * 1000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
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
    """Wait until the client gives up."""
    handler.connection.settimeout(20)
    handler.rfile.read(1)


class Server:
    """Answers of the server, used in order with the last one repeated, and a count of requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[Answer] = [good]
        self.requests = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self.answers[min(self.requests, len(self.answers) - 1)]
        self.requests += 1
        answer(handler)


@contextmanager
def run_server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        answers = Server(f"http://127.0.0.1:{http.server_port}/{FILE_NAME}?download=1")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield answers
        finally:
            http.shutdown()
            thread.join()
