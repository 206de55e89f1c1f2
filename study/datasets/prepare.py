"""Make a data file in the MedMNIST format from a folder of images."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from bloodnets.constants import SPLITS
from bloodnets.data_shape import DataShape
from bloodnets.errors import DataError, ResourceError
from bloodnets.storage.local import write_atomic
from bloodnets.storage.temp_folder import open_temp_folder
from reports.format.units import format_count
from reports.ledger.serialization import to_json
from study.console.progress_bar import show_progress
from study.datasets.class_folders import ClassFolders, list_class_folders
from study.datasets.image_groups import add_groups, find_units, number_groups
from study.datasets.preparation import Preparation, PrepareSettings, make_preparation_record
from study.datasets.preparation_record import PreparationRecord, SkippedFile
from study.datasets.prepared_file import (
    check_file_size,
    get_record_path,
    publish_files,
    require_new_output,
    write_npz,
)
from study.datasets.source_hash import hash_sources
from study.datasets.split_assignment import assign_splits
from study.datasets.stored_images import (
    PixelStore,
    StoredImage,
    find_identical_images,
    store_images,
)


def prepare_data_file(settings: PrepareSettings, console: Console) -> PreparationRecord:
    """Write a data file and its record, and return the record.

    Args:
        settings: Folder, data file and options.
        console: Console that shows the progress.

    Raises:
        DataError: The folder or the file of groups cannot be used.
        ConflictError: The data file or its record exists.
        ResourceError: The data file cannot be written.
    """
    require_new_output(settings.output)
    return write_data_file(settings, list_images(settings), console)


def list_images(settings: PrepareSettings) -> ClassFolders:
    """Return the images of the folder, with their groups if there is a file of groups.

    Raises:
        DataError: The folder or the file of groups cannot be used.
    """
    folders = list_class_folders(settings.folder)
    _check_class_sizes([image.label for image in folders.images], folders, ())
    if settings.groups_file is not None:
        folders = add_groups(folders, settings.groups_file)
        if settings.groups_file.resolve().is_relative_to(settings.folder.resolve()):
            # The file of groups is in the folder, but not left out.
            kind = f"{settings.groups_file.suffix.lower()} file"
            left_out = Counter(folders.left_out) - Counter({kind: 1})
            folders = replace(folders, left_out=left_out)
    return folders


def write_data_file(
    settings: PrepareSettings, folders: ClassFolders, console: Console
) -> PreparationRecord:
    """Write a data file of listed images and its record, and return the record.

    Args:
        settings: Folder, data file and options.
        folders: Images from `list_images`.
        console: Console that shows the progress.

    Raises:
        DataError: A class or a split has too few images, or there are too many images.
        ConflictError: The data file or its record exists.
        ResourceError: The data file cannot be written.
    """
    shape = DataShape(
        n_classes=len(folders.class_names), channels=settings.channels, side=settings.side
    )
    check_file_size(len(folders.images), shape.image_shape)
    try:
        with open_temp_folder(settings.output.parent) as temp_folder:
            record = _write_files(temp_folder, settings, folders, shape, console)
            publish_files(temp_folder, settings.output)
    except OSError as error:
        raise ResourceError(
            f"cannot write {settings.output}: {error.strerror or error}", path=settings.output
        ) from error
    return record


def _write_files(
    temp_folder: Path,
    settings: PrepareSettings,
    folders: ClassFolders,
    shape: DataShape,
    console: Console,
) -> PreparationRecord:
    """Write the data file and its record into a temporary folder."""
    path = temp_folder / settings.output.name
    source_sha256 = hash_sources(folders.images, console)
    with (temp_folder / "pixels").open("w+b") as file:
        store = PixelStore(file, shape.image_shape)
        with show_progress(console, "reading images …", len(folders.images)) as advance:
            images, skipped = store_images(
                folders.images, store, crop=settings.crop, shape=shape, on_image=advance
            )
        identical = find_identical_images(images)
        # A model would learn from contradictory images that an image has two classes.
        left_out = {row for rows in identical.contradictory for row in rows}
        rows = [row for row in range(len(images)) if folders.has_splits or row not in left_out]
        _check_class_sizes([images[row].source.label for row in rows], folders, skipped)
        splits = _choose_splits(rows, images, folders, settings.seed)
        _check_splits(splits.values(), settings)
        with show_progress(console, f"writing {settings.output} …", len(splits)) as advance:
            write_npz(
                path,
                store,
                rows_by_split={
                    name: [row for row, split in splits.items() if split == name] for name in SPLITS
                },
                labels=[image.source.label for image in images],
                groups=(
                    number_groups([image.source for image in images])
                    if settings.groups_file is not None
                    else None
                ),
                class_names=folders.class_names,
                on_image=advance,
            )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    record = make_preparation_record(
        settings,
        Preparation(
            folders=folders,
            source_sha256=source_sha256,
            images=images,
            skipped=skipped,
            identical=identical,
            splits=splits,
        ),
        sha256,
    )
    write_atomic(get_record_path(path), to_json(record, indent=2))
    return record


def _check_class_sizes(
    labels: Sequence[int], folders: ClassFolders, skipped: Sequence[SkippedFile]
) -> None:
    """Check that each class has enough images for its splits.

    Args:
        labels: Classes of the images that can be used.
        folders: Names of the classes, and whether the splits are given.
        skipped: Files that could not be used so far, which a message mentions.

    Raises:
        DataError: A class has too few images.
    """
    needed = 1 if folders.has_splits else len(SPLITS)
    for label, name in enumerate(folders.class_names):
        if (count := labels.count(label)) < needed:
            remedy = "add images (links are not followed), or remove its folder"
            if skipped:
                first = f"{skipped[0].file} {skipped[0].detail}"
                remedy += f"; {len(skipped):,} could not be read, e.g. {first}"
            n_usable = format_count(count, "usable image") if count else "no usable image"
            raise DataError(
                f"the class {name!r} has {n_usable}",
                value=count,
                expected=f"at least {needed}" + ("" if needed == 1 else ", one for each split"),
                remedy=remedy,
            )


def _check_splits(splits: Collection[str], settings: PrepareSettings) -> None:
    """Check that each split has an image.

    Raises:
        DataError: A split has none.
    """
    if empty := [name for name in SPLITS if name not in splits]:
        raise DataError(
            f"{settings.folder} has no usable image for {' and '.join(empty)}",
            path=settings.folder,
            value=empty,
            expected="images in train, val and test",
            remedy="add images, or more groups" if settings.groups_file else "add images",
        )


def _choose_splits(
    rows: Sequence[int],
    images: Sequence[StoredImage],
    folders: ClassFolders,
    seed: int,
) -> dict[int, str]:
    """Return the split of each image by its position: the given one, or one by seed.

    Args:
        rows: Positions of the images that belong in the data file.
        images: Images.
        folders: Names of the classes, and whether the splits are given.
        seed: Seed of the splits.
    """
    if folders.has_splits:
        return {row: str(images[row].source.split) for row in rows}
    kept = [images[row] for row in rows]
    units = find_units(
        [image.digest for image in kept],
        number_groups([image.source for image in kept]),
    )
    unit_names: dict[int, str] = {}
    counts = np.zeros((units.max() + 1, len(folders.class_names)), dtype=np.int64)
    for unit, image in zip(units.tolist(), kept, strict=True):
        unit_names.setdefault(unit, image.source.name)
        counts[unit, image.source.label] += 1
    splits = assign_splits(counts, list(unit_names.values()), seed=seed)
    return {row: SPLITS[split] for row, split in zip(rows, splits[units].tolist(), strict=True)}
