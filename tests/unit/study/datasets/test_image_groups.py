"""Groups from a CSV file, and images that must stay together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodnets.errors import DataError
from study.datasets.class_folders import ClassFolders, ClassImage
from study.datasets.image_groups import add_groups, find_groups_file, find_units, number_groups
from study.datasets.preparation_record import SkippedFile, SkipReason
from study.datasets.split_assignment import assign_splits


def make_folders(*names: str, split: str | None = None) -> ClassFolders:
    images = [ClassImage(name, Path(name), 0, split) for name in names]
    skipped = SkippedFile(file="a/3.heic", reason=SkipReason.OTHER_FORMAT, detail=None)
    return ClassFolders(
        class_names=("a", "b"),
        has_splits=split is not None,
        images=tuple(images),
        skipped=(skipped,),
        left_out={},
    )


def write(folder: Path, text: str) -> Path:
    path = folder / "groups.csv"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "file,group\na/ä.png,p 1\nb/2.png,p 2\n",
        "\ufefffile,group\r\n./a/ä.png,p 1\r\nb/2.png,p 2\r\n",
        "file;group\na/ä.png;p 1\nb/2.png;p 2\n",
        "file\tgroup\na\\ä.png\tp 1\nb\\2.png\tp 2\n",
        "file, group\na/ä.png, p 1\nb/2.png, p 2\n",
        'age,group,file\n7,p 1,"a/a\u0308.png"\n8,p 2,b/2.png\n9,p 3,a/3.heic\n',
    ],
)
def test_add_groups_gives_each_image_its_group(tmp_path: Path, text: str) -> None:
    folders = add_groups(make_folders("a/ä.png", "b/2.png"), write(tmp_path, text))
    assert [image.group for image in folders.images] == ["p 1", "p 2"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("file,group\na/3.heic,p\n", "a/1.png"),
        ("file,group\na/1.png,p\nb/2.png,p\nb/3.png,p\n", "b/3.png"),
        ("file,group\na/1.png,p\nb/2.png,\n", 3),
        ("file,group\na/1.png,p\nb/2.png\n", 3),
        ("file,group\na/1.png,p\na/1.png,q\nb/2.png,p\n", "a/1.png"),
        ("file|group\na/1.png|p\nb/2.png|p\n", ["file|group"]),
        ("", None),
    ],
)
def test_add_groups_unusable_rows_raise_data_error(
    tmp_path: Path, text: str, value: object
) -> None:
    with pytest.raises(DataError) as raised:
        add_groups(make_folders("a/1.png", "b/2.png"), write(tmp_path, text))
    assert raised.value.value == value
    assert raised.value.path == str(tmp_path / "groups.csv")


def test_add_groups_image_without_a_row_has_no_group(tmp_path: Path) -> None:
    path = write(tmp_path, "file,group\na/1.png,p\n")
    folders = add_groups(make_folders("a/1.png", "b/2.png"), path)
    assert [image.group for image in folders.images] == ["p", None]


def test_add_groups_images_without_groups_may_be_in_all_splits(tmp_path: Path) -> None:
    folders = make_folders("train/a/1.png", split="train")
    images = tuple(ClassImage(f"{split}/a/2.png", tmp_path, 0, split) for split in ("val", "test"))
    folders = replace(folders, images=(*folders.images, *images))
    groups = add_groups(folders, write(tmp_path, "file,group\ntrain/a/1.png,p\n")).images
    assert [image.group for image in groups] == ["p", None, None]


def test_number_groups_image_without_a_group_is_one_of_its_own() -> None:
    """The name of an image may be the name of a group."""
    groups = ["b", "a/1.png", None, None, "b"]
    images = [ClassImage(f"a/{i}.png", Path(), 0, None, group) for i, group in enumerate(groups)]
    images[2] = images[2]._replace(name="a/1.png")
    assert number_groups(images) == [0, 1, 2, 3, 0]


def test_find_groups_file_is_groups_csv_of_the_folder(tmp_path: Path) -> None:
    assert find_groups_file(tmp_path) is None
    path = write(tmp_path, "file,group\n")
    assert find_groups_file(tmp_path) == path


def test_add_groups_unreadable_file_raises_data_error(tmp_path: Path) -> None:
    folders = make_folders("a/1.png")
    (tmp_path / "latin.csv").write_bytes("file,group\na/1.png,Jürgen\n".encode("latin-1"))
    for path in (tmp_path, tmp_path / "missing.csv", tmp_path / "latin.csv"):
        with pytest.raises(DataError) as raised:
            add_groups(folders, path)
        assert raised.value.path == str(path)


def test_add_groups_group_in_two_given_splits_raises_data_error(tmp_path: Path) -> None:
    path = write(tmp_path, "file,group\ntrain/a/1.png,p\ntest/a/1.png,p\n")
    one, other = ClassImage("train/a/1.png", tmp_path, 0, "train"), "test/a/1.png"
    folders = make_folders(other, split="test")
    with pytest.raises(DataError) as raised:
        add_groups(
            ClassFolders(
                class_names=folders.class_names,
                has_splits=True,
                images=(one, *folders.images),
                skipped=(),
                left_out={},
            ),
            path,
        )
    assert raised.value.value == "p"


def test_find_units_identical_images_join_groups() -> None:
    units = find_units([b"1", b"2", b"3", b"2", b"4"], [0, 0, 1, 2, 3])
    assert units.tolist() == [0, 0, 1, 0, 2]


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 8), st.integers(0, 2)),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 5),
)
def test_assign_splits_no_group_and_no_pixels_are_in_two_splits(
    images: list[tuple[int, int, int]], seed: int
) -> None:
    digests = [bytes([digest]) for digest, _, _ in images]
    groups = number_groups(
        [
            ClassImage(str(i), Path(), 0, None, f"p {group}")
            for i, (_, group, _) in enumerate(images)
        ]
    )
    units = find_units(digests, groups)
    counts = np.zeros((units.max() + 1, 3), dtype=np.int64)
    np.add.at(counts, (units, np.array([label for _, _, label in images])), 1)
    splits = assign_splits(counts, [str(unit) for unit in range(len(counts))], seed=seed)[units]
    for keys in (digests, groups):
        places = set(zip(keys, splits.tolist(), strict=True))
        assert len(places) == len(set(keys))
