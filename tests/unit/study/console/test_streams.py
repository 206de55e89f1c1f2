"""Standard streams that are closed, or whose encoding lacks characters of the output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.console.streams import prepare_streams

PRINT = """
import os, sys
from study.console.streams import prepare_streams
prepare_streams()
file = open("file", "w")
print(sys.argv[1])
print(sys.argv[1], file=sys.stderr)
os.write(2, b"raw")
os.write(1, b"raw")
sys.stdin.read()
"""


def print_text(text: bytes, folder: Path, redirection: str, **environment: str) -> bytes:
    """Return what a process prints that prepares its streams, and check that no file gets it."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-c", PRINT, text],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path.cwd())} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "file").read_bytes() == b""
    return done.stdout


@pytest.mark.parametrize(
    ("redirection", "expected"),
    [(">&-", b""), ("2>&-", b"x\nraw"), ("<&-", b"x\nraw"), ("<&- >&- 2>&-", b"")],
)
def test_prepare_streams_closed_stream_discards_its_output(
    redirection: str, expected: bytes, tmp_path: Path
) -> None:
    assert print_text(b"x", tmp_path, redirection) == expected


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", b"read\xff... +/- \\xe9"),
        ("latin-1", b"read\xff... \xb1 \xe9"),
        ("utf-8", b"read\xff\xe2\x80\xa6 \xc2\xb1 \xc3\xa9"),
    ],
)
def test_prepare_streams_characters_that_an_encoding_lacks_are_replaced(
    encoding: str, expected: bytes, tmp_path: Path
) -> None:
    text = b"read\xff" + "… ± é".encode()
    printed = print_text(text, tmp_path, "", PYTHONIOENCODING=encoding, PYTHONUTF8="1")
    assert printed.removesuffix(b"raw") == expected + b"\n"


def test_prepare_streams_captured_output_stays_captured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare_streams()
    sys.stdout.write("…")
    assert capsys.readouterr().out == "…"
