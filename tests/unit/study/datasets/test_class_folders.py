"""Class folders with and without splits: names, order, and what is not used."""

import os
import unicodedata
from pathlib import Path

import pytest

from bloodnets.errors import DataError
from study.datasets.class_folders import list_class_folders, make_sort_key
from study.datasets.preparation_record import SkipReason


def make_files(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_make_sort_key_numbers_are_ordered_by_value() -> None:
    names = ["b", "10", "a10", "a2", "a02", "9", "a", "a2b"]
    assert sorted(names, key=make_sort_key) == ["9", "10", "a", "a02", "a2", "a2b", "a10", "b"]


def test_list_class_folders_images_belong_to_the_folder_at_any_depth(tmp_path: Path) -> None:
    make_files(tmp_path, "b/1.png", "a 10/x/y/3.jpg", "a 10/2.tif", "a 2/1.png")
    folders = list_class_folders(tmp_path)
    assert folders.class_names == ("a 2", "a 10", "b")
    assert not folders.has_splits
    assert [(image.name, image.label, image.split) for image in folders.images] == [
        ("a 2/1.png", 0, None),
        ("a 10/2.tif", 1, None),
        ("a 10/x/y/3.jpg", 1, None),
        ("b/1.png", 2, None),
    ]
    assert all(image.path == tmp_path / image.name for image in folders.images)


@pytest.mark.parametrize("val", ["val", "Valid", "validation"])
def test_list_class_folders_split_folders_give_the_splits(tmp_path: Path, val: str) -> None:
    make_files(tmp_path, "train/a/1.png", "TEST/b/x/1.png", f"{val}/b/1.png")
    folders = list_class_folders(tmp_path)
    assert folders.has_splits
    assert folders.class_names == ("a", "b")
    assert {(image.name, image.label, image.split) for image in folders.images} == {
        ("train/a/1.png", 0, "train"),
        (f"{val}/b/1.png", 1, "val"),
        ("TEST/b/x/1.png", 1, "test"),
    }


def test_list_class_folders_decomposed_umlauts_are_the_same_class(tmp_path: Path) -> None:
    """A folder that was copied from macOS; the file system does not change names."""
    name = "Blutplättchen"
    composed, decomposed = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    make_files(tmp_path, "train/a/1.png", "test/a/1.png", "val/a/1.png")
    make_files(tmp_path, f"train/{composed}/1.png", f"val/{decomposed}/ä.png")
    folders = list_class_folders(tmp_path)
    assert folders.class_names == (composed, "a")
    assert f"val/{composed}/ä.png" in [image.name for image in folders.images]


def test_list_class_folders_other_files_are_skipped_or_counted(tmp_path: Path) -> None:
    make_files(tmp_path, "a/1.png", "b/1.png", "b/2.heic", "beside.png", "notes.txt")
    make_files(tmp_path, "a/.hidden.png", ".cache/1.png", "@eaDir/1.png", "b/Thumbs.db")
    (tmp_path / "a/link.png").symlink_to(tmp_path / "a/1.png")
    (tmp_path / "c").symlink_to(tmp_path / "b")
    folders = list_class_folders(tmp_path)
    assert folders.class_names == ("a", "b")
    assert [image.name for image in folders.images] == ["a/1.png", "b/1.png"]
    assert [(file.file, file.reason) for file in folders.skipped] == [
        ("b/2.heic", SkipReason.OTHER_FORMAT),
        ("beside.png", SkipReason.NO_CLASS),
    ]
    assert folders.left_out == {
        ".txt file": 1, "hidden file": 1, "hidden folder": 1, "system folder": 1, "system file": 1,
        "linked file": 1, "linked folder": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [("results/s/study.json",), ("results/study.json",), ("results/c.npz", "results/c.json")],
)
def test_list_class_folders_folder_with_results_is_left_out(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    make_files(tmp_path, "a/1.png", "b/1.png", "results/s/report/1.png", *names)
    folders = list_class_folders(tmp_path)
    assert folders.class_names == ("a", "b")
    assert not folders.skipped
    assert folders.left_out == {"results folder": 1}


def test_list_class_folders_images_outside_given_splits_are_skipped(tmp_path: Path) -> None:
    make_files(
        tmp_path, *(f"{split}/{c}/1.png" for split in ("train", "val", "test") for c in "ab")
    )
    make_files(tmp_path, "other/a/1.png", "train/1.png")
    folders = list_class_folders(tmp_path)
    assert len(folders.images) == 6
    assert [(file.file, file.reason) for file in folders.skipped] == [
        ("other/a/1.png", SkipReason.NO_CLASS),
        ("train/1.png", SkipReason.NO_CLASS),
    ]


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("a/1.png",),
        ("1.png", "2.png"),
        tuple(f"{index}/1.png" for index in range(101)),
        ("train/a/1.png", "val/a/1.png"),
        ("train/a/1.png", "val/a/1.png", "valid/a/1.png", "test/b/1.png"),
        ("train/a/1.png", "val/a/1.png", "test/a/1.png"),
        ("a\nb/1.png", "c/1.png"),
        (" /1.png", "c/1.png"),
        (f"{'a' * 201}/1.png", "c/1.png"),
        ("Basophil/1.png", "basophil/1.png", "c/1.png"),
        ("train/GROSS/1.png", "val/Groß/1.png", "test/GROSS/1.png"),
        (os.fsdecode(b"a/\xff.png"), "b/1.png"),
        (os.fsdecode(b"\xff/1.png"), "b/1.png"),
    ],
)
def test_list_class_folders_unusable_folder_raises_data_error(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    make_files(tmp_path, *names)
    with pytest.raises(DataError) as raised:
        list_class_folders(tmp_path)
    assert raised.value.path is not None
    assert raised.value.expected or raised.value.remedy


@pytest.mark.parametrize("name", ["missing", "file"])
def test_list_class_folders_no_folder_raises_data_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError) as raised:
        list_class_folders(tmp_path / name)
    assert raised.value.path == str(tmp_path / name)
