"""Make the standard streams usable, whatever the terminal and the caller are."""

import codecs
import os
import sys
from io import TextIOWrapper

_ERROR_HANDLER = "bloodstudy"

_ASCII_FORMS = {"…": "...", "±": "+/-", "≥": ">=", "“": '"', "”": '"'}
"""Replacements for characters of our messages that a terminal's encoding may lack."""


def prepare_streams() -> None:
    """Open closed standard streams, and let them replace characters that they cannot encode.

    A file opened later would otherwise get the number of a closed stream, and the output in it.
    """
    codecs.register_error(_ERROR_HANDLER, _replace)
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is `fd`
            os.set_inheritable(fd, True)
    # Python sets a stream to None if its number was closed.
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_ERROR_HANDLER)


def _replace(error: UnicodeError) -> tuple[bytes, int]:
    """Return the bytes for characters that cannot be encoded, as `codecs.register_error` needs."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    return b"".join(_encode(character) for character in characters), error.end


def _encode(character: str) -> bytes:
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is not valid UTF-8
        return character.encode("utf-8", "surrogateescape")
    return _ASCII_FORMS.get(character, character).encode("ascii", "backslashreplace")
