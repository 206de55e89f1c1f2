"""Images with their splits, before and after they are written, and the record about them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bloodnets.constants import SPLITS
from study.datasets.class_folders import ClassFolders, make_sort_key
from study.datasets.preparation_record import (
    PreparationRecord,
    PreparedImage,
    SizeRange,
    SkippedFile,
    SkipReason,
)
from study.datasets.stored_images import IdenticalImages, StoredImage


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareSettings:
    """Settings with which a data file is made.

    Attributes:
        folder: Folder of class folders.
        output: Path of the new data file, which ends in `.npz`.
        side: Height and width of the images in pixels.
        channels: Color channels: 1 (gray) or 3 (red, green, blue).
        crop: Side of the square to crop in pixels; None for the largest possible square.
        groups_file: CSV file with the group of each image; None for no groups.
        seed: Seed of the splits.
    """

    folder: Path
    output: Path
    side: int
    channels: int
    crop: int | None
    groups_file: Path | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Images of a folder and their splits.

    Attributes:
        folders: Files of the folder.
        source_sha256: SHA-256 of the image files, from `hash_sources`.
        images: Images that could be read, in the order of their names.
        skipped: Image files that could not be read.
        identical: Positions in `images` of identical images.
        splits: Split of each image in the data file, by its position in `images`.
    """

    folders: ClassFolders
    source_sha256: str
    images: Sequence[StoredImage]
    skipped: Sequence[SkippedFile]
    identical: IdenticalImages
    splits: Mapping[int, str]


def make_preparation_record(
    settings: PrepareSettings, preparation: Preparation, sha256: str
) -> PreparationRecord:
    """Return the record of a data file.

    Args:
        settings: Folder, data file and options.
        preparation: Images and their splits.
        sha256: SHA-256 of the data file.
    """
    folders, identical = preparation.folders, preparation.identical
    images = tuple(_list_prepared_images(preparation))
    counts = Counter((image.split, image.label) for image in images)
    stored = [preparation.images[row] for row in preparation.splits]
    return PreparationRecord(
        version=version("bloodstudy"),
        data_file=settings.output.name,
        sha256=sha256,
        source_sha256=preparation.source_sha256,
        side=settings.side,
        channels=settings.channels,
        crop=settings.crop,
        seed=None if folders.has_splits else settings.seed,
        groups_file=None if settings.groups_file is None else settings.groups_file.name,
        class_names=folders.class_names,
        class_counts={
            split: tuple(counts[split, label] for label in range(len(folders.class_names)))
            for split in SPLITS
        },
        images=images,
        skipped=_list_skipped_files(preparation),
        left_out=folders.left_out,
        duplicates=_name_images(preparation, identical.duplicates),
        contradictory=_name_images(preparation, identical.contradictory),
        widths=_make_size_range([image.width for image in stored]),
        heights=_make_size_range([image.height for image in stored]),
    )


def _list_prepared_images(preparation: Preparation) -> Iterator[PreparedImage]:
    n_by_split = dict.fromkeys(SPLITS, 0)
    for row, split in preparation.splits.items():
        image = preparation.images[row]
        yield PreparedImage(
            file=image.source.name,
            split=split,
            index=n_by_split[split],
            label=image.source.label,
            group=image.source.group,
            crop_side=image.crop_side,
            has_unused_profile=image.has_unused_profile,
        )
        n_by_split[split] += 1


def _list_skipped_files(preparation: Preparation) -> tuple[SkippedFile, ...]:
    contradictory = [
        SkippedFile(file=image.source.name, reason=SkipReason.CONTRADICTORY, detail=None)
        for row, image in enumerate(preparation.images)
        if row not in preparation.splits
    ]
    skipped = [*preparation.folders.skipped, *preparation.skipped, *contradictory]
    return tuple(sorted(skipped, key=lambda file: make_sort_key(file.file)))


def _name_images(
    preparation: Preparation, groups: Sequence[Sequence[int]]
) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(preparation.images[row].source.name for row in rows) for rows in groups)


def _make_size_range(lengths: Sequence[int]) -> SizeRange:
    return SizeRange(min=min(lengths), median=median(lengths), max=max(lengths))
