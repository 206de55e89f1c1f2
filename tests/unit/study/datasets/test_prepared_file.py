"""The data file: its arrays, its bytes, its size and its place."""

import hashlib
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bloodnets.errors import ConflictError, DataError
from study.datasets.prepared_file import (
    check_file_size,
    publish_files,
    require_new_output,
    write_npz,
)
from study.datasets.stored_images import PixelStore

ROWS = {"train": [0, 2], "val": [1], "test": []}
PIXELS = (np.arange(576) % 251).astype(np.uint8).reshape(3, 8, 8, 3)


def write(path: Path, groups: list[int] | None = None) -> None:
    with (path.parent / "pixels").open("w+b") as file:
        store = PixelStore(file, (8, 8, 3))
        for pixels in PIXELS:
            store.append(pixels)
        write_npz(
            path,
            store,
            rows_by_split=ROWS,
            labels=[0, 1, 2],
            groups=groups,
            class_names=("a", "Blutplättchen", "c"),
            on_image=lambda: None,
        )


def test_write_npz_numpy_reads_the_arrays(tmp_path: Path) -> None:
    write(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        for split, rows in ROWS.items():
            images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
            assert np.array_equal(images, PIXELS[rows])
            assert images.shape == (len(rows), 8, 8, 3)
            assert labels.tolist() == [[row] for row in rows]
            assert labels.shape == (len(rows), 1)
            assert images.dtype == labels.dtype == np.uint8
        assert arrays["class_names"].tolist() == ["a", "Blutplättchen", "c"]
        assert arrays["class_names"].dtype.kind == "U"
        assert len(arrays.files) == 7


def test_write_npz_groups_are_one_integer_per_image(tmp_path: Path) -> None:
    write(tmp_path / "a.npz", groups=[4, 5, 6])
    with np.load(tmp_path / "a.npz") as arrays:
        for split, rows in ROWS.items():
            assert arrays[f"{split}_groups"].tolist() == [4 + row for row in rows]
            assert arrays[f"{split}_groups"].dtype == np.int64
        assert len(arrays.files) == 10


def test_write_npz_bytes_do_not_depend_on_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.npz")
    monkeypatch.setattr(time, "time", lambda: 2e9)
    write(tmp_path / "b.npz")
    first, second = ((tmp_path / name).read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    assert hashlib.sha256(first).hexdigest() == (
        "2f6df49afe1857b9e56c0a7b4d6f04ed77602f4e305528f7bf0f0477d3e74ee9"
    )


@pytest.mark.parametrize("name", ["a.npy", "a", "missing/a.npz"])
def test_require_new_output_unusable_path_raises_data_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        require_new_output(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npz", "a.json"])
def test_publish_files_existing_file_is_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / "temp").mkdir()
    for new in ("a.npz", "a.json"):
        (tmp_path / "temp" / new).write_text("new")
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConflictError) as before:
        require_new_output(tmp_path / "a.npz")
    with pytest.raises(ConflictError) as after:
        publish_files(tmp_path / "temp", tmp_path / "a.npz")
    assert before.value.path == after.value.path == str(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"temp", name}
    assert (tmp_path / name).read_text() == "mine"


def test_check_file_size_too_large_raises_data_error() -> None:
    check_file_size(50_000, (64, 64, 3))
    for n_images, shape in ((30_000, (256, 256, 3)), (1_000_001, (8, 8))):
        with pytest.raises(DataError):
            check_file_size(n_images, shape)
