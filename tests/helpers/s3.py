"""Run an S3-compatible server (moto's) that can be made to fail or to be slow.

    python -m tests.helpers.s3 ADDRESS PORT FOLDER

While `FOLDER/trouble` contains `500`, each request is answered with this status. While it contains
`slow`, each answer is delayed by a second. `FOLDER/refused` contains a byte for each refused
request, and `FOLDER/delayed` a byte for each delayed one.
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

S3_BUCKET = "cells"
S3_PORT = 5000

# Variables that the AWS SDK in pyarrow reads; moto accepts any key.
S3_ENV = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class S3Server:
    """Running server, as seen by a test."""

    def __init__(self, address: str, port: int, folder: Path) -> None:
        self.environment = S3_ENV | {"AWS_ENDPOINT_URL": f"http://{address}:{port}"}
        self.folder = folder

    def set_fault(self, fault: str) -> None:
        """Set the fault of the next requests: `500`, `slow`, or an empty string for none."""
        (self.folder / "trouble").write_text(fault)

    def count_refused(self) -> int:
        """Return the number of requests answered with status 500 so far."""
        path = self.folder / "refused"
        return len(path.read_bytes()) if path.exists() else 0

    def count_delayed(self) -> int:
        """Return the number of requests delayed by a second so far."""
        path = self.folder / "delayed"
        return len(path.read_bytes()) if path.exists() else 0


@contextmanager
def run_s3_server(folder: Path) -> Iterator[S3Server]:
    """Run a server on the loopback interface with one empty bucket."""
    with socket.socket() as free_socket:
        free_socket.bind(("127.0.0.1", 0))
        port = free_socket.getsockname()[1]
    command = [sys.executable, "-m", "tests.helpers.s3", "127.0.0.1", str(port), str(folder)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield S3Server("127.0.0.1", port, folder)
        finally:
            process.kill()


def _inject_faults(
    app: Callable[..., Iterable[bytes]], folder: Path
) -> Callable[..., Iterable[bytes]]:
    def answer_request(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        fault = (folder / "trouble").read_text()
        if fault == "500":
            n_bytes = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"].read(n_bytes)
            with (folder / "refused").open("ab") as refused_file:
                refused_file.write(b".")
            start_response("500 Internal Server Error", [("Content-Length", "0")])
            return []
        if fault == "slow":
            time.sleep(1)
            with (folder / "delayed").open("ab") as delayed_file:
                delayed_file.write(b".")
        return app(environ, start_response)

    return answer_request


def _run_server(address: str, port: int, folder: Path) -> None:
    os.environ |= S3_ENV  # for boto3, which creates the bucket
    import boto3
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    (folder / "trouble").write_text("")
    app = _inject_faults(DomainDispatcherApplication(create_backend_app), folder)
    server = make_server(address, port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://{address}:{port}"
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket=S3_BUCKET)
    print("ready", flush=True)  # noqa: T201 - read by the parent process
    thread.join()


if __name__ == "__main__":
    _run_server(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
