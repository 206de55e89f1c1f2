"""Types of the data of a study."""

from collections.abc import Mapping

from pydantic.dataclasses import dataclass

from bloodnets.constants import CLASS_NAMES
from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.medmnist_sets import MedMnistFile, MedMnistSet, find_file
from reports.ledger.serialization import STRICT
from reports.ledger.states import DataKind


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ColorStats:
    """Color statistics of the training images, used to recognize images with other colors.

    A color image has six features: the means of red, green and blue, then their standard
    deviations, in gray levels, 0 to 255. A gray image has two: mean and standard deviation.

    Attributes:
        mean: Means of the features over the training images, in gray levels.
        covariance: Covariance matrix of the features, in gray levels squared.
        distance: Mahalanobis distance from `mean` that 99.9% of the training images do not
            exceed.
        low: Lower bound of each feature; at least 99.9% of the training images are not
            below it.
        high: Upper bound of each feature; at least 99.9% of the training images are not
            above it.
    """

    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    distance: float
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DuplicatesRecord:
    """Numbers of images with identical pixels in the data that a study was trained on.

    Attributes:
        groups: Groups of at least two identical images.
        across_splits: Groups with images in more than one split.
        contradictory: Groups whose images have different labels.
        test_images: Images of test in groups that are across splits or contradictory.
    """

    groups: int
    across_splits: int
    contradictory: int
    test_images: int


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GroupsRecord:
    """Numbers of groups, e.g. patients, in the data that a study was trained on.

    Attributes:
        count: Number of groups.
        across_splits: Groups with images in more than one split.
        test_images: Images of test whose group also has images in train or val.
    """

    count: int
    across_splits: int
    test_images: int


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DataRecord:
    """Data that a study was trained on.

    Attributes:
        kind: Source of the images.
        path: Absolute path of the file on the driver; None for synthetic cells.
        name: Name of the file; `synthetic` for synthetic cells.
        md5: MD5 of the file's bytes; None for synthetic cells.
        sha256: SHA-256 of the file's bytes, or of the synthetic arrays.
        class_names: Names of the classes, 2 to 100, in the order of the labels.
        channels: Color channels of the images: 1 (gray) or 3 (red, green, blue).
        side: Height and width of the images in pixels, 8 to 256.
        class_counts: Numbers of images by split (`train`, `val`, `test`), one per class, in the
            order of the labels.
        color_stats: Color statistics of the training images.
        dropped: Numbers of images that `--drop-duplicates` removed, by split (`train`, `val`);
            None without this option.
        duplicates: Identical images; None if version 3 of the format wrote the record. Like
            `class_counts` and `color_stats`, it describes the data without the removed images.
        groups: Groups of the images, without the removed images; None if the data have no groups,
            or if version 4 of the format or an older one wrote the record.
        test_sha256: SHA-256 of the test images, in any order and in any file: that of the sorted
            SHA-256 of their pixels. None if version 3 of the format wrote the record.
    """

    kind: DataKind
    path: str | None
    name: str
    md5: str | None
    sha256: str
    class_names: tuple[str, ...]
    channels: int
    side: int
    class_counts: Mapping[str, tuple[int, ...]]
    color_stats: ColorStats
    dropped: Mapping[str, int] | None
    duplicates: DuplicatesRecord | None
    groups: GroupsRecord | None
    test_sha256: str | None

    @property
    def shape(self) -> DataShape:
        """Number of classes, channels and side of the images."""
        return DataShape(n_classes=len(self.class_names), channels=self.channels, side=self.side)

    @property
    def has_published_classes(self) -> bool:
        """Whether classes, channels and side are those of the published study."""
        return self.shape == BLOODMNIST_SHAPE and self.class_names == CLASS_NAMES

    @property
    def image_bytes(self) -> int:
        """Size of the images of all splits in memory, in bytes."""
        n_images = sum(map(sum, self.class_counts.values()))
        return n_images * self.side**2 * self.channels

    @property
    def medmnist_file(self) -> MedMnistFile | None:
        """File of MedMNIST with the same MD5; None for other data."""
        return find_file(self.md5)

    @property
    def is_bloodmnist(self) -> bool:
        """Whether the images are those of BloodMNIST, of any side."""
        return self.medmnist_file is not None and self.other_set is None

    @property
    def other_set(self) -> MedMnistSet | None:
        """Data set of MedMNIST; None for BloodMNIST and for data that are not of MedMNIST."""
        data_set = None if self.medmnist_file is None else self.medmnist_file.data_set
        return None if data_set is None or data_set.name == "bloodmnist" else data_set

    @property
    def absent_classes(self) -> dict[str, tuple[int, ...]]:
        """Classes without an image, by split; splits with all classes are omitted."""
        absent_by_split = {
            split: tuple(index for index, count in enumerate(counts) if count == 0)
            for split, counts in self.class_counts.items()
        }
        return {split: classes for split, classes in absent_by_split.items() if classes}
