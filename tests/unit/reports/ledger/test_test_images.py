"""Test images are read from the file that the study used, and from no other."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest

from bloodnets.constants import CLASS_NAMES
from bloodnets.errors import DataError
from reports.ledger.data_record import DataRecord
from reports.ledger.states import DataKind
from reports.ledger.test_images import MAX_FILE_BYTES, load_test_images
from tests.helpers.grid_builder import COLOR_STATS


def make_record(content: bytes) -> DataRecord:
    return DataRecord(
        kind=DataKind.FILE,
        name="cells.npz",
        md5="e" * 32,
        sha256=hashlib.sha256(content).hexdigest(),
        class_names=CLASS_NAMES,
        channels=3,
        side=28,
        class_counts={},
        path=None,
        color_stats=COLOR_STATS,
        dropped=None,
        duplicates=None,
        groups=None,
        test_sha256=None,
    )


def test_load_test_images_of_the_studys_file_returns_those_of_test(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(256, size=(5, 28, 28, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, train_images=images[:2], test_images=images)
    path = tmp_path / "renamed.npz"
    path.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(load_test_images(path, make_record(buffer.getvalue())), images)


def test_load_test_images_of_another_file_raises_with_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    path.write_bytes(b"no zip at all")
    record = make_record(b"something else")
    with pytest.raises(DataError) as caught:
        load_test_images(path, record)
    assert caught.value.path == str(path)
    assert caught.value.value == hashlib.sha256(b"no zip at all").hexdigest()
    assert record.sha256[:12] in (caught.value.expected or "")


def test_load_test_images_of_a_missing_file_raises_from_the_cause(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_test_images(tmp_path / "gone.npz", make_record(b""))
    assert caught.value.path == str(tmp_path / "gone.npz")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_load_test_images_of_a_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_test_images(tmp_path, make_record(b""))
    assert caught.value.path == str(tmp_path)
    assert caught.value.__cause__ is None  # it was not opened


def test_load_test_images_of_a_huge_file_raises_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.npz"
    with path.open("wb") as file:
        os.truncate(file.fileno(), MAX_FILE_BYTES + 1)  # sparse: it takes no room
    with pytest.raises(DataError) as caught:
        load_test_images(path, make_record(b""))
    assert caught.value.path == str(path)
    assert caught.value.value is None  # no hash was computed
