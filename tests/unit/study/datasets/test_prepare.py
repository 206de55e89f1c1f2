"""A folder becomes a data file and a record, or nothing at all."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bloodnets.constants import SPLITS
from bloodnets.data.medmnist import load_file
from bloodnets.errors import ConflictError, DataError, ResourceError
from reports.ledger.data_record import GroupsRecord
from reports.ledger.serialization import from_json
from study.datasets.data_record import count_groups
from study.datasets.preparation import PrepareSettings
from study.datasets.preparation_record import PreparationRecord, SkipReason
from study.datasets.prepare import prepare_data_file
from tests.helpers.image_folders import write_classes, write_images


def prepare(folder: Path, name: str = "cells", **changes: Any) -> PreparationRecord:
    settings: dict[str, Any] = {
        "folder": folder / "cells",
        "output": folder / f"{name}.npz",
        "side": 8,
        "channels": 3,
        "crop": None,
        "groups_file": None,
        "seed": 0,
    }
    return prepare_data_file(PrepareSettings(**settings | changes), Console(quiet=True))


def list_new_files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"cells"}


def test_prepare_data_file_arrays_hold_the_recorded_images(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"b": 20, "a": 10})
    record = prepare(tmp_path)
    assert record.class_counts == {"train": (7, 14), "val": (1, 2), "test": (2, 4)}
    with np.load(tmp_path / "cells.npz") as arrays:
        assert arrays["class_names"].tolist() == ["a", "b"]
        for image in record.images:
            pixels = np.asarray(Image.open(tmp_path / "cells" / image.file))
            assert np.array_equal(arrays[f"{image.split}_images"][image.index], pixels)
            assert arrays[f"{image.split}_labels"][image.index] == image.label
            assert record.class_names[image.label] == image.file[0]
        assert len(record.images) == sum(len(arrays[f"{split}_labels"]) for split in SPLITS) == 30
    assert from_json(PreparationRecord, (tmp_path / "cells.json").read_bytes()) == record
    assert list_new_files(tmp_path) == {"cells.npz", "cells.json"}


def test_prepare_data_file_same_images_in_another_folder_give_the_same_bytes(
    tmp_path: Path,
) -> None:
    """The copy lists its files in another order."""
    write_classes(tmp_path / "one" / "cells", {"a": 9, "b": 9})
    files = sorted((tmp_path / "one" / "cells").glob("*/*"), reverse=True)
    for file in files:
        copy = tmp_path / "two" / file.relative_to(tmp_path / "one")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    records = [prepare(tmp_path / name) for name in ("one", "two")]
    assert records[0] == records[1]
    contents = [(tmp_path / name / "cells.npz").read_bytes() for name in ("one", "two")]
    assert contents[0] == contents[1]
    assert prepare(tmp_path / "one", "other", seed=1).sha256 != records[0].sha256


def test_prepare_data_file_of_groups_in_the_folder_is_not_left_out(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"a": 9, "b": 9})
    rows = [f"{name}/{i}.png,{i}" for name in "ab" for i in range(9)]
    groups_file = tmp_path / "cells" / "groups.csv"
    groups_file.write_text("\n".join(["file,group", *rows]))
    (tmp_path / "cells" / "notes.csv").touch()
    assert prepare(tmp_path, groups_file=groups_file).left_out == {".csv file": 1}


def test_prepare_data_file_given_splits_are_kept(tmp_path: Path) -> None:
    for split, n_images in (("train", 2), ("validation", 4), ("test", 3)):
        write_classes(tmp_path / "cells" / split, {"a": n_images, "b": 1})
    # Contradictory across splits, but a given test split is not changed.
    shutil.copy(tmp_path / "cells/train/b/0.png", tmp_path / "cells/test/a/0.png")
    record = prepare(tmp_path)
    assert record.seed is None
    assert record.class_counts == {"train": (2, 1), "val": (4, 1), "test": (3, 1)}
    assert not record.skipped
    names = ("test/a/0.png", "test/b/0.png", "train/b/0.png", "validation/b/0.png")
    assert record.contradictory == (names,)


def test_prepare_data_file_identical_images_share_a_split_or_are_skipped(tmp_path: Path) -> None:
    cells = tmp_path / "cells"
    write_classes(cells, {"a": 12, "b": 12})
    for index in range(12, 20):
        shutil.copy(cells / "a/0.png", cells / f"a/{index}.png")
    shutil.copy(cells / "a/1.png", cells / "b/1.png")
    record = prepare(tmp_path)
    split_by_file = {image.file: image.split for image in record.images}
    names = ("a/0.png", *(f"a/{index}.png" for index in range(12, 20)))
    assert record.duplicates == (names,)
    assert len({split_by_file[name] for name in names}) == 1
    assert record.contradictory == (("a/1.png", "b/1.png"),)
    skipped = [(file.file, file.reason) for file in record.skipped]
    assert skipped == [(name, SkipReason.CONTRADICTORY) for name in ("a/1.png", "b/1.png")]
    assert not {"a/1.png", "b/1.png"} & split_by_file.keys()


def test_prepare_data_file_groups_are_never_divided(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"a": 30, "b": 30})
    rows = [f"{c}/{index}.png,patient {index % 10}" for c in "ab" for index in range(30)]
    (tmp_path / "groups.csv").write_text("\n".join(["file,group", *rows]))
    record = prepare(tmp_path, groups_file=tmp_path / "groups.csv")
    splits_of_groups = {(image.group, image.split) for image in record.images}
    assert len(splits_of_groups) == 10
    assert record.class_counts == {"train": (21, 21), "val": (3, 3), "test": (6, 6)}
    assert record.groups_file == "groups.csv"
    cells = load_file(tmp_path / "cells.npz")
    numbers = {
        (image.group, int(getattr(cells, image.split).groups[image.index]))
        for image in record.images
    }
    assert len(numbers) == len({number for _, number in numbers}) == 10
    assert count_groups(cells) == GroupsRecord(count=10, across_splits=0, test_images=0)


def test_prepare_data_file_image_without_a_group_is_one_of_its_own(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"a": 5, "b": 5})
    (tmp_path / "groups.csv").write_text("file,group\na/0.png,p\nb/0.png,p\n")
    record = prepare(tmp_path, groups_file=tmp_path / "groups.csv")
    assert sum(image.group is None for image in record.images) == 8
    assert count_groups(load_file(tmp_path / "cells.npz")) == GroupsRecord(
        count=9, across_splits=0, test_images=0
    )
    prepare(tmp_path, "other")
    assert load_file(tmp_path / "other.npz").train.groups is None


def test_prepare_data_file_kinds_and_sizes_of_images_are_mixed(tmp_path: Path) -> None:
    cells = tmp_path / "cells"
    write_classes(cells, {"a": 3, "b": 3})
    write_images(cells, "a/large.png", side=40)
    Image.open(cells / "a/0.png").convert("L").resize((5, 6)).save(cells / "a/small.gif")
    (cells / "b/empty.png").touch()
    record = prepare(tmp_path, channels=1, side=16)
    with np.load(tmp_path / "cells.npz") as arrays:
        assert arrays["train_images"].shape[1:] == (16, 16)
    assert {image.file: image.crop_side for image in record.images if image.file[0] == "a"} == {
        "a/0.png": 8, "a/1.png": 8, "a/2.png": 8, "a/large.png": 40, "a/small.gif": 5
    }  # fmt: skip
    assert (record.widths.min, record.widths.median, record.widths.max) == (5, 8, 40)
    assert (record.heights.min, record.heights.max) == (6, 40)
    assert [(file.file, file.reason) for file in record.skipped] == [
        ("b/empty.png", SkipReason.UNREADABLE)
    ]
    assert Counter(image.split for image in record.images).keys() == set(SPLITS)


@pytest.mark.parametrize("n_images", [0, 2, 3])
def test_prepare_data_file_class_with_few_images_raises_data_error(
    tmp_path: Path, n_images: int
) -> None:
    """One of three is damaged."""
    write_classes(tmp_path / "cells", {"a": 5, "b": n_images})
    (tmp_path / "cells/b").mkdir(exist_ok=True)
    if n_images == 3:
        (tmp_path / "cells/b/1.png").write_bytes(b"damaged")
    with pytest.raises(DataError) as raised:
        prepare(tmp_path)
    assert raised.value.value == min(n_images, 2)
    assert list_new_files(tmp_path) == set()


@pytest.mark.parametrize("has_splits", [True, False])
def test_prepare_data_file_split_without_image_raises_data_error(
    tmp_path: Path, has_splits: bool
) -> None:
    """The folder of val is empty, or two patients are too few for three splits."""
    cells = tmp_path / "cells"
    for folder in (cells / "train", cells / "test") if has_splits else (cells,):
        write_classes(folder, {"a": 4, "b": 4})
    if has_splits:
        (cells / "val").mkdir()
    files = sorted(path.relative_to(cells).as_posix() for path in cells.rglob("*.png"))
    rows = [f"{file},patient {index % 2}" for index, file in enumerate(files)]
    (tmp_path / "groups.csv").write_text("\n".join(["file,group", *rows]))
    with pytest.raises(DataError) as raised:
        prepare(tmp_path, groups_file=None if has_splits else tmp_path / "groups.csv")
    assert raised.value.value == ["val"]
    assert list_new_files(tmp_path) == {"groups.csv"}


def test_prepare_data_file_existing_file_is_kept(tmp_path: Path) -> None:
    write_classes(tmp_path / "cells", {"a": 3, "b": 3})
    (tmp_path / "cells.npz").write_text("mine")
    with pytest.raises(ConflictError):
        prepare(tmp_path)
    assert list_new_files(tmp_path) == {"cells.npz"}
    assert (tmp_path / "cells.npz").read_text() == "mine"


@pytest.mark.parametrize(
    ("cause", "expected"),
    [(OSError(28, "full"), ResourceError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_prepare_data_file_failed_write_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cause: BaseException,
    expected: type[BaseException],
) -> None:
    """A full disk, or Ctrl-C, when the last file is synced."""

    def fail(fd: int) -> None:
        raise cause

    write_classes(tmp_path / "cells", {"a": 3, "b": 3})
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(expected):
        prepare(tmp_path)
    assert list_new_files(tmp_path) == set()
