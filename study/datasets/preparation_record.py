"""Types of the record that `bloodstudy prepare` writes beside a data file."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic.dataclasses import dataclass

from reports.ledger.serialization import STRICT


class SkipReason(StrEnum):
    """Reason for which an image file is not in the data file."""

    UNREADABLE = "unreadable"
    OTHER_FORMAT = "other_format"
    NO_CLASS = "no_class"
    CONTRADICTORY = "contradictory"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SkippedFile:
    """Image file that is not in the data file.

    Attributes:
        file: Path relative to the folder, with `/`.
        reason: Reason: it cannot be read, has a format that is not read, is not in a class folder,
            or has the same pixels as a file of another class.
        detail: Message about an unreadable file; None for the other reasons.
    """

    file: str
    reason: SkipReason
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PreparedImage:
    """Image in the data file.

    Attributes:
        file: Path relative to the folder, with `/`.
        split: Split: `train`, `val` or `test`.
        index: Position in the arrays of the split, from 0.
        label: Class, from 0, as an index into `class_names`.
        group: Group in the file of groups, e.g. a patient; None if this file has no row for the
            image, or without such a file.
        crop_side: Side of the cropped square, in pixels of the image file. The image is enlarged
            if this is below `side`.
        has_unused_profile: Whether the image file has a color profile that cannot be used.
    """

    file: str
    split: str
    index: int
    label: int
    group: str | None
    crop_side: int
    has_unused_profile: bool


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SizeRange:
    """Widths or heights of the image files that are in the data file.

    Attributes:
        min: Smallest one in pixels.
        median: Median in pixels.
        max: Largest one in pixels.
    """

    min: int
    median: float
    max: int


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PreparationRecord:
    """Record of how `bloodstudy prepare` made a data file, written beside it.

    Attributes:
        version: Version of bloodstudy.
        data_file: Name of the data file.
        sha256: SHA-256 of the data file. A study that is trained on it has the same in its record
            of the data.
        source_sha256: SHA-256 of the names, groups and contents of the image files in class
            folders. It tells whether a folder has changed since it was prepared.
        side: Height and width of each image in pixels.
        channels: Color channels: 1 (gray) or 3 (red, green, blue).
        crop: Side of the square that was cropped, in pixels of the image files; None for the
            largest possible square.
        seed: Seed of the splits; None if the folder has splits.
        groups_file: Name of the file of groups; None without one.
        class_names: Names of the classes, in the order of the labels.
        class_counts: Numbers of images by split (`train`, `val`, `test`), one per class.
        images: Images in the data file, in the order of their names.
        skipped: Image files that are not in the data file, in the order of their names.
        left_out: Numbers of other files and folders, by kind, e.g. `.txt file`.
        duplicates: Files with identical pixels and one class; each item has at least two names.
        contradictory: Files with identical pixels and several classes; each item has at least two
            names. They are in the data file only if the folder has splits.
        widths: Widths of the image files.
        heights: Heights of the image files.
    """

    version: str
    data_file: str
    sha256: str
    source_sha256: str
    side: int
    channels: int
    crop: int | None
    seed: int | None
    groups_file: str | None
    class_names: tuple[str, ...]
    class_counts: Mapping[str, tuple[int, ...]]
    images: tuple[PreparedImage, ...]
    skipped: tuple[SkippedFile, ...]
    left_out: Mapping[str, int]
    duplicates: tuple[tuple[str, ...], ...]
    contradictory: tuple[tuple[str, ...], ...]
    widths: SizeRange
    heights: SizeRange
