"""Name checkpoints and read their headers, without PyTorch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bloodnets.errors import ConflictError, DataError

CHECKPOINT_DIR = "checkpoints"
"""Folder of the checkpoints of unfinished trials; its files are not part of the ledger."""

MAX_HEADER_BYTES = 2**22
"""Maximum size of a header in bytes. A thousand epochs take 0.2 MB. The first bytes of a ZIP file
or a pickle, read as a size, exceed this."""

RETRAIN_HINT = "remove the file to restart the trial from its first epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointHeader:
    """Header of a checkpoint: everything except tensors.

    Attributes:
        config: `TrialConfig` of the trial, as a dict.
        study_fingerprint: Fingerprint of the trial's study.
        best_epoch: Epoch with the best val macro F1 so far.
        best_macro_f1: Val macro F1 of the best epoch, 0 to 1.
        epochs: Fields of the `EpochResult` of each epoch so far.
        duration_s: Training time of these epochs in seconds.
    """

    config: Mapping[str, object]
    study_fingerprint: str
    best_epoch: int
    best_macro_f1: float
    epochs: Sequence[Mapping[str, Any]]
    duration_s: float


def get_checkpoint_name(trial_id: str) -> str:
    """Return the path of a trial's checkpoint in the study's folder."""
    return f"{CHECKPOINT_DIR}/{trial_id}/state.safetensors"


def read_checkpoint_header(content: bytes, file_bytes: int, name: str) -> CheckpointHeader:
    """Return the header of a checkpoint, after checking the size of the file.

    Args:
        content: Contents of the file, in the safetensors format. Its first bytes are sufficient if
            they include the header.
        file_bytes: Size of the file in bytes.
        name: File name, used in messages.

    Raises:
        ConflictError: The file is truncated.
        DataError: The file is not a checkpoint.
    """
    # Format: size of the JSON header (8 bytes, little-endian), JSON header, bytes of the tensors.
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
            f"{name} is not the checkpoint of a trial", path=name, remedy=RETRAIN_HINT
        ) from error
    if header is None or file_bytes < 8 + header_bytes + data_bytes:
        raise ConflictError(
            f"{name} is truncated at {file_bytes:,} bytes",
            path=name,
            value=file_bytes,
            remedy=RETRAIN_HINT,
        )
    return header
