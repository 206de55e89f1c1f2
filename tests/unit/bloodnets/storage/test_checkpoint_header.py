"""The header of a checkpoint, read without PyTorch."""

import json

import pytest

from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.checkpoint_header import (
    CHECKPOINT_DIR,
    RETRAIN_HINT,
    get_checkpoint_name,
    read_checkpoint_header,
)

STATE = {
    "config": {"seed": 3},
    "study_fingerprint": "f",
    "best_epoch": 2,
    "best_macro_f1": 0.5,
    "epochs": [{"epoch": 1}, {"epoch": 2}],
    "duration_s": 1.5,
}


def make_content(n_data_bytes: int = 8) -> bytes:
    """Return a file in the safetensors format: the header's length, the header, the tensors."""
    header = {
        "__metadata__": {"state": json.dumps(STATE)},
        "weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, n_data_bytes]},
    }
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(n_data_bytes)


def test_get_checkpoint_name_is_in_a_folder_of_the_trial() -> None:
    folder, trial_id, _ = get_checkpoint_name("cnn-config-1-s0-1a2b3c4d").split("/")
    assert (folder, trial_id) == (CHECKPOINT_DIR, "cnn-config-1-s0-1a2b3c4d")


def test_read_checkpoint_header_without_the_tensors_returns_it() -> None:
    content = make_content()
    header = read_checkpoint_header(content[:-8], len(content), "s")
    assert {name: getattr(header, name) for name in STATE} == STATE


@pytest.mark.parametrize("n_missing", [1, 8, 9, 200])
def test_read_checkpoint_header_truncated_file_raises_conflict_error(n_missing: int) -> None:
    content = make_content()[:-n_missing]
    with pytest.raises(ConflictError) as caught:
        read_checkpoint_header(content, len(content), "s")
    error = caught.value
    assert (error.path, error.value, error.remedy) == ("s", len(content), RETRAIN_HINT)


@pytest.mark.parametrize(
    "content",
    [
        b"\x02\0\0\0\0\0\0\0{}",
        b"\x02\0\0\0\0\0\0\0[]",
        b"\x04\0\0\0\0\0\0\0{x:}",
        (10**6).to_bytes(8, "little") + b'{"a":' * 200_000,
        b"\x1f\0\0\0\0\0\0\0" + b'{"__metadata__":{"state":"[]"}}',
        b"PK\x03\x04" + bytes(100),
    ],
    ids=["empty", "a list", "no JSON", "deep", "another header", "a ZIP file"],
)
def test_read_checkpoint_header_other_content_raises(content: bytes) -> None:
    with pytest.raises(DataError) as caught:
        read_checkpoint_header(content, len(content), "s")
    assert (caught.value.path, caught.value.remedy) == ("s", RETRAIN_HINT)
