"""The record of images and their splits."""

from pathlib import Path

from study.datasets.class_folders import ClassFolders, ClassImage
from study.datasets.preparation import Preparation, PrepareSettings, make_preparation_record
from study.datasets.preparation_record import SkippedFile, SkipReason
from study.datasets.stored_images import IdenticalImages, StoredImage
from tests.helpers.preparations import make_skipped

SETTINGS = PrepareSettings(
    folder=Path("cells"),
    output=Path("out/cells.npz"),
    side=28,
    channels=3,
    crop=200,
    groups_file=Path("lists/groups.csv"),
    seed=5,
)


def make_stored(name: str, label: int, width: int) -> StoredImage:
    source = ClassImage(name, Path(name), label, None, group="p")
    return StoredImage(
        source=source, digest=b"", crop_side=9, width=width, height=9, has_unused_profile=False
    )


def make_preparation(*, has_splits: bool = False) -> Preparation:
    other = SkippedFile(file="a/10.heic", reason=SkipReason.OTHER_FORMAT, detail=None)
    return Preparation(
        folders=ClassFolders(
            class_names=("a", "b"),
            has_splits=has_splits,
            images=(),
            skipped=(other,),
            left_out={"hidden file": 1},
        ),
        source_sha256="def",
        images=[make_stored(f"a/{row}.png", row % 2, 10 * row) for row in range(6)],
        skipped=[make_skipped("a/9.png", SkipReason.UNREADABLE)],
        identical=IdenticalImages(duplicates=[[1, 3]], contradictory=[[0, 5]]),
        splits={1: "train", 2: "test", 3: "train", 4: "val"},
    )


def test_make_preparation_record_images_are_counted_by_split() -> None:
    record = make_preparation_record(SETTINGS, make_preparation(), "abc")
    assert [(image.file, image.split, image.index, image.label) for image in record.images] == [
        ("a/1.png", "train", 0, 1),
        ("a/2.png", "test", 0, 0),
        ("a/3.png", "train", 1, 1),
        ("a/4.png", "val", 0, 0),
    ]
    assert record.class_counts == {"train": (0, 2), "val": (1, 0), "test": (1, 0)}
    assert (record.widths.min, record.widths.median, record.widths.max) == (10, 25, 40)
    assert (record.data_file, record.groups_file) == ("cells.npz", "groups.csv")
    assert (record.sha256, record.source_sha256) == ("abc", "def")


def test_make_preparation_record_other_files_are_in_natural_order() -> None:
    record = make_preparation_record(SETTINGS, make_preparation(), "abc")
    assert [(file.file, file.reason) for file in record.skipped] == [
        ("a/0.png", SkipReason.CONTRADICTORY),
        ("a/5.png", SkipReason.CONTRADICTORY),
        ("a/9.png", SkipReason.UNREADABLE),
        ("a/10.heic", SkipReason.OTHER_FORMAT),
    ]
    assert record.duplicates == (("a/1.png", "a/3.png"),)
    assert record.contradictory == (("a/0.png", "a/5.png"),)


def test_make_preparation_record_given_splits_have_no_seed() -> None:
    assert make_preparation_record(SETTINGS, make_preparation(), "").seed == 5
    assert make_preparation_record(SETTINGS, make_preparation(has_splits=True), "").seed is None
