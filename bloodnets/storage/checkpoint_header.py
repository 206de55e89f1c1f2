"""The file of a trial in the middle of its training, as far as it can be read without PyTorch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bloodnets.errors import ConflictError, DataError

CHECKPOINT_DIR = "checkpoints"
"""The folder of the trials that have begun and not ended; nothing in it is the ledger's."""

MAX_HEADER_BYTES = 2**22
"""Bytes. A thousand epochs take .2 MB; ZIP files and pickles begin with a number beyond this."""

RETRAIN_HINT = "remove it to train the trial from its first epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointHeader:
    """What a checkpoint holds beside tensors.

    Attributes:
        config: `TrialConfig` of the trial, as a dict.
        study_fingerprint: Fingerprint of the trial's study.
        best_epoch: Epoch with the best val macro F1 so far.
        best_macro_f1: Its val macro F1, 0 to 1.
        epochs: Fields of the `EpochResult` of each epoch so far.
        duration_s: Training time so far in seconds.
    """

    config: Mapping[str, object]
    study_fingerprint: str
    best_epoch: int
    best_macro_f1: float
    epochs: Sequence[Mapping[str, Any]]
    duration_s: float


def get_checkpoint_name(trial_id: str) -> str:
    """Where a trial keeps what it needs to go on, within its study's folder."""
    return f"{CHECKPOINT_DIR}/{trial_id}/state.safetensors"


def read_checkpoint_header(content: bytes, file_bytes: int, name: str) -> CheckpointHeader:
    """Return the header of a checkpoint, if its file is as long as it says.

    Args:
        content: the file, in the safetensors format; its beginning is enough, if it holds the
            header.
        file_bytes: of the file, in bytes.
        name: of the file, for messages.

    Raises:
        ConflictError: it is cut off.
        DataError: it is something else.
    """
    # The format: the length of the JSON header in 8 bytes, the header, the tensors' bytes.
    header_bytes = int.from_bytes(content[:8], "little")
    if header_bytes > MAX_HEADER_BYTES or content[8:9] not in (b"{", b""):
        raise DataError(f"{name} is not in the safetensors format", path=name, remedy=RETRAIN_HINT)
    is_header_complete = len(content) >= 8 + header_bytes > 8
    try:
        safetensors_header = json.loads(content[8 : 8 + header_bytes]) if is_header_complete else {}
        tensor_infos = [
            tensor_info for key, tensor_info in safetensors_header.items() if key != "__metadata__"
        ]
        data_bytes = max(
            (int(tensor_info["data_offsets"][1]) for tensor_info in tensor_infos), default=0
        )
        header = (
            CheckpointHeader(**json.loads(safetensors_header["__metadata__"]["state"]))
            if is_header_complete
            else None
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise DataError(
            f"{name} is not the state of a trial", path=name, remedy=RETRAIN_HINT
        ) from error
    if header is None or file_bytes < 8 + header_bytes + data_bytes:
        raise ConflictError(
            f"{name} is cut off, at {file_bytes:,} bytes",
            path=name,
            value=file_bytes,
            remedy=RETRAIN_HINT,
        )
    return header
