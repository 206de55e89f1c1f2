"""A store that speaks as S3 does (moto's server), and can be made to fail or to be slow.

    python -m tests.store ADDRESS PORT FOLDER

While `FOLDER/trouble` says `500`, each request is answered so; while `slow`, after a second.
`FOLDER/refused` holds a byte for each that was refused.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUCKET = "cells"
PORT = 5000

# What the AWS SDK in pyarrow reads; moto takes any key.
KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Store:
    """The store, from outside."""

    def __init__(self, address: str, port: int, folder: Path) -> None:
        self.environment = KEYS | {"AWS_ENDPOINT_URL": f"http://{address}:{port}"}
        self.folder = folder

    def trouble(self, kind: str) -> None:
        """From now on: `500`, `slow`, or none with an empty word."""
        (self.folder / "trouble").write_text(kind)

    def refused(self) -> int:
        """Requests answered with 500 so far."""
        path = self.folder / "refused"
        return len(path.read_bytes()) if path.exists() else 0


@contextmanager
def store(folder: Path) -> Iterator[Store]:
    """A store on loopback with one empty bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "tests.store", "127.0.0.1", str(port), str(folder)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Store("127.0.0.1", port, folder)
        finally:
            process.kill()


def _troubled(app: Callable[..., Iterable[bytes]], folder: Path) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        kind = (folder / "trouble").read_text()
        if kind == "500":
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"].read(length)
            with (folder / "refused").open("ab") as refused:
                refused.write(b".")
            start("500 Internal Server Error", [("Content-Length", "0")])
            return []
        if kind == "slow":
            time.sleep(1)
        return app(environ, start)

    return answer


def _serve(address: str, port: int, folder: Path) -> None:
    os.environ |= KEYS  # for the bucket, which is made through moto itself
    import boto3
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    (folder / "trouble").write_text("")
    app = _troubled(DomainDispatcherApplication(create_backend_app), folder)
    server = make_server(address, port, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    here = f"http://{address}:{port}"
    boto3.client("s3", endpoint_url=here).create_bucket(Bucket=BUCKET)
    print("ready", flush=True)  # noqa: T201 - to who began it
    serving.join()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
