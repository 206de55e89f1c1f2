"""The file of a trial in the middle of its training, as far as it can be read without PyTorch."""

import json
from typing import Any

from bloodnets.errors import ConflictError, DataError

STATES = "checkpoints"
"""The folder of the trials that have begun and not ended; nothing in it is the ledger's."""

MAX_HEADER = 2**22
"""Bytes. A thousand epochs take .2 MB; ZIP files and pickles begin with a number beyond this."""

_KEYS = {"config", "study", "best_epoch", "best_macro_f1", "epochs", "duration_s"}
ANEW = "remove it to train the trial from its first epoch"


def state_file(trial_id: str) -> str:
    """Where a trial keeps what it needs to go on, within its study's folder."""
    return f"{STATES}/{trial_id}/state.safetensors"


def read_header(content: bytes, size: int, name: str) -> dict[str, Any]:
    """The header of a state, if its file is as long as it says.

    Args:
        content: the file, in the safetensors format; its beginning is enough, if it holds the
            header.
        size: of the file, in bytes.
        name: of the file, for messages.

    Returns:
        `config` (a `TrialConfig` as a dict), `study` (fingerprint of the trial's study),
        `best_epoch`, `best_macro_f1`, `epochs` (each as `EpochResult`'s fields) and `duration_s`.

    Raises:
        ConflictError: it is cut off.
        DataError: it is something else.
    """
    # The format: the length of the JSON header in 8 bytes, the header, the tensors' bytes.
    length = int.from_bytes(content[:8], "little")
    if length > MAX_HEADER or content[8:9] not in (b"{", b""):
        raise DataError(f"{name} is not in the safetensors format; {ANEW}")
    whole = len(content) >= 8 + length > 8
    try:
        described = json.loads(content[8 : 8 + length]) if whole else {}
        tensors = [each for key, each in described.items() if key != "__metadata__"]
        end = max((int(each["data_offsets"][1]) for each in tensors), default=0)
        header: dict[str, Any] = json.loads(described["__metadata__"]["state"]) if whole else {}
        wrong = whole and header.keys() != _KEYS
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        wrong = True
    if wrong:
        raise DataError(f"{name} is not the state of a trial; {ANEW}")
    if not whole or size < 8 + length + end:
        raise ConflictError(f"{name} is cut off, at {size:,} bytes; {ANEW}")
    return header
