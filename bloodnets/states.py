"""The file of a trial in the middle of its training, as far as it can be read without PyTorch."""

import json
from pathlib import Path
from typing import Any

from bloodnets.errors import ConflictError, DataError

STATE_FILE = "state.safetensors"

MAX_HEADER = 2**24
"""Bytes. A thousand epochs take .2 MB; ZIP files and pickles begin with a number beyond this."""

_KEYS = {"config", "study", "best_epoch", "best_macro_f1", "epochs", "duration_s"}
ANEW = "remove it to train the trial from its first epoch"


def epochs_of(folder: Path) -> list[dict[str, Any]]:
    """The epochs in a trial's `state.safetensors`, each as `EpochResult`'s fields; none without it.

    Raises:
        ConflictError: the file is cut off or cannot be read.
        DataError: it holds something else.
    """
    path = folder / STATE_FILE
    return list(read_state(path)[0]["epochs"]) if path.exists() else []


def read_state(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header and all bytes of a state, if the file is as long as it says.

    Returns:
        `config` (a `TrialConfig` as a dict), `study` (fingerprint of the trial's study),
        `best_epoch`, `best_macro_f1`, `epochs` (each as `EpochResult`'s fields) and `duration_s`;
        and the file in the safetensors format.

    Raises:
        ConflictError: it is cut off or cannot be read.
        DataError: it is something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConflictError(f"{path} cannot be read: {error.strerror}") from error
    # The format: the length of the JSON header in 8 bytes, the header, the tensors' bytes.
    size = int.from_bytes(content[:8], "little")
    if size > MAX_HEADER or content[8:9] not in (b"{", b""):
        raise DataError(f"{path} is not in the safetensors format; {ANEW}")
    whole = len(content) >= 8 + size > 8
    try:
        described = json.loads(content[8 : 8 + size]) if whole else {}
        tensors = [each for name, each in described.items() if name != "__metadata__"]
        length = max((int(each["data_offsets"][1]) for each in tensors), default=0)
        header = json.loads(described["__metadata__"]["state"]) if whole else {}
        wrong = whole and header.keys() != _KEYS
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        wrong = True
    if wrong:
        raise DataError(f"{path} is not the state of a trial; {ANEW}")
    if not whole or len(content) < 8 + size + length:
        raise ConflictError(f"{path} is cut off, at {len(content):,} bytes; {ANEW}")
    return header, content
