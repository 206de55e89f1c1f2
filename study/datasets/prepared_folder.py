"""Prepare a folder of images for a study, or use the data file that was prepared from it before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from bloodnets.errors import ConflictError, ResourceError
from bloodnets.storage.temp_folder import open_temp_folder
from reports.ledger.serialization import from_json
from study.datasets.class_folders import ClassFolders
from study.datasets.image_groups import find_groups_file
from study.datasets.preparation import PrepareSettings
from study.datasets.preparation_record import PreparationRecord
from study.datasets.prepare import list_images, write_data_file
from study.datasets.prepared_file import get_record_path
from study.datasets.source_hash import hash_sources

_REMEDY = (
    "choose another --storage, or make another data file with bloodstudy prepare and pass it with "
    "--data-file"
)


class PreparedFolder(NamedTuple):
    """Data file of a folder of images.

    Attributes:
        path: Data file.
        record: Record beside the data file.
        is_new: Whether the data file was made now.
    """

    path: Path
    record: PreparationRecord
    is_new: bool


def make_folder_settings(folder: Path, side: int, output_folder: Path) -> PrepareSettings:
    """Return the settings with which a study prepares a folder of images.

    Args:
        folder: Folder of class folders, or of splits.
        side: Height and width of the images in pixels.
        output_folder: Folder of the data file `<name>-<side>.npz`.
    """
    name = os.path.basename(os.path.abspath(folder))
    return PrepareSettings(
        folder=folder,
        output=output_folder / f"{name}-{side}.npz",
        side=side,
        channels=3,
        crop=None,
        groups_file=find_groups_file(folder),
        seed=0,
    )


@contextmanager
def open_prepared_folder(
    settings: PrepareSettings, console: Console, *, keep: bool
) -> Iterator[PreparedFolder]:
    """Yield the data file of a folder, which is made if it does not exist.

    Args:
        settings: Folder, data file and options.
        console: Console that shows the progress.
        keep: Whether a new data file is kept. Otherwise, it is made in a temporary folder, which is
            removed at the end of the context.

    Raises:
        StudyError: See `prepare_folder`.
        OSError: The temporary folder cannot be created.
    """
    if keep or _exists(settings.output):
        yield prepare_folder(settings, console)
        return
    with open_temp_folder() as temp_folder:
        output = temp_folder / settings.output.name
        yield prepare_folder(replace(settings, output=output), console)


def prepare_folder(settings: PrepareSettings, console: Console) -> PreparedFolder:
    """Return the data file of a folder, which is made if it does not exist.

    Args:
        settings: Folder, data file and options. The folder of the data file is created.
        console: Console that shows the progress.

    Raises:
        DataError: The folder or its file of groups cannot be used.
        ConflictError: The data file exists, but was made from other images or with other options.
        ResourceError: The data file cannot be written.
    """
    folders = list_images(settings)
    if not _exists(settings.output):
        _create_folder(settings.output.parent)
        with suppress(ConflictError):  # another command may have made the file in the meantime
            record = write_data_file(settings, folders, console)
            return PreparedFolder(settings.output, record, is_new=True)
    record = _read_record(settings.output)
    _require_same_preparation(record, settings, folders, console)
    return PreparedFolder(settings.output, record, is_new=False)


def _exists(output: Path) -> bool:
    return any(os.path.lexists(path) for path in (output, get_record_path(output)))


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"cannot create {folder}: {error.strerror or error}",
            path=folder,
            remedy="choose another --storage",
        ) from error


def _read_record(output: Path) -> PreparationRecord:
    """Return the record beside a data file.

    Raises:
        ConflictError: The record is missing or damaged.
    """
    path = get_record_path(output)
    try:
        return from_json(PreparationRecord, path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConflictError(
            f"{output} exists, but {path} is not its record",
            path=path,
            expected="the record that bloodstudy prepare wrote beside the data file",
            remedy=_REMEDY,
        ) from error


def _require_same_preparation(
    record: PreparationRecord, settings: PrepareSettings, folders: ClassFolders, console: Console
) -> None:
    """Check that a data file was made from the same images with the same options.

    Raises:
        ConflictError: An option or an image differs.
    """
    expected = {
        "side": settings.side,
        "channels": settings.channels,
        "crop": settings.crop,
        "seed": None if folders.has_splits else settings.seed,
    }
    for name, value in expected.items():
        if (recorded := getattr(record, name)) != value:
            raise ConflictError(
                f"{settings.output} was made with {name} {recorded}",
                path=settings.output,
                value=recorded,
                expected=f"{value}",
                remedy=_REMEDY,
            )
    if hash_sources(folders.images, console) != record.source_sha256:
        raise ConflictError(
            f"{settings.output} was made from other images than those now in {settings.folder}",
            path=settings.output,
            remedy=_REMEDY,
        )
