"""Options of the data to train on, declared as a group; see `option_groups`."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import ConflictError, DataError
from bloodnets.medmnist_sets import MedMnistFile, get_bloodmnist
from bloodnets.storage.location import RemotePath, parse_location
from study.cli import options
from study.cli.data_source import FolderSource, parse_data_source
from study.cli.notices import print_message, print_unused_files
from study.cli.option_groups import RunOptions
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells
    from study.datasets.prepared_folder import PreparedFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Options that select the images of a study."""

    data: options.DataOption = None
    data_file: options.DataFileOption = None
    data_root: options.DataRootOption = None
    drop_duplicates: Annotated[
        bool,
        typer.Option(
            "--drop-duplicates",
            help="Remove images from train that are also in val or test or have two labels in "
            "train, and images from val that are also in test.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = False

    @property
    def names_data(self) -> bool:
        """Whether an option names the data, so that they are not those of another study."""
        return self.data is not None or self.data_file is not None

    def load(
        self, reading: AbstractContextManager[None], *, storage: str, run: RunOptions
    ) -> "BloodCells":
        """Load the data; a missing file is downloaded, or made from a folder.

        Args:
            reading: Context that shows that data are being read.
            storage: Folder or address that holds the studies. The data file of a folder of images
                is in this folder or, for an address, in the current folder.
            run: Options that control how the study runs. A dry run does not keep a new data file.

        Raises:
            DataError: The options contradict each other, or the data cannot be used.
            ConflictError: The folder of images differs from that from which its file was made.
            ResourceError: The data cannot be downloaded, or the data file cannot be written.
        """
        source = get_bloodmnist() if self.data is None else parse_data_source(self.data)
        self._require_one_source(source)
        if self.data_file is not None:
            with reading:
                cells = _load_file(self.data_file)
        elif isinstance(source, FolderSource):
            cells = _load_folder(source, reading, storage, run)
        elif source is None:
            with reading:
                from bloodnets.data.medmnist import load_synthetic

                cells = load_synthetic()
        else:
            cells = _load_medmnist(source, self.data_root, reading)
        if not self.drop_duplicates:
            return cells
        from study.datasets.duplicates import drop_duplicates

        return drop_duplicates(cells)

    def _require_one_source(self, source: MedMnistFile | FolderSource | None) -> None:
        """Check that no other option contradicts `--data`."""
        option = "--data-file" if self.data_file else "--data-root"
        has_no_download = not isinstance(source, MedMnistFile)
        if (self.data and self.data_file) or (has_no_download and self.data_root):
            raise DataError(
                f"--data {self.data} cannot be combined with {option}", remedy=f"omit {option}"
            )


def _load_file(path: Path) -> "BloodCells":
    from bloodnets.data.medmnist import load_file

    return load_file(path)


def _load_folder(
    source: FolderSource, reading: AbstractContextManager[None], storage: str, run: RunOptions
) -> "BloodCells":
    """Load the data file of a folder of images, after printing where it is and what it lacks."""
    from rich.console import Console

    from study.datasets.prepared_folder import make_folder_settings, open_prepared_folder

    root = parse_location(storage)
    settings = make_folder_settings(
        source.folder, source.side, Path() if isinstance(root, RemotePath) else root
    )
    console = Console(stderr=True, quiet=run.quiet)
    with (
        raise_interrupts(),
        open_prepared_folder(settings, console, keep=not run.dry_run) as prepared,
    ):
        if not run.quiet:
            _print_data_file(prepared, is_kept=prepared.path == settings.output)
        with reading:
            cells = _load_file(prepared.path)
    if cells.sha256 != prepared.record.sha256:
        raise ConflictError(
            f"{prepared.path} has changed since it was made from {source.folder}",
            path=prepared.path,
            value=cells.sha256,
            expected=f"SHA-256 {prepared.record.sha256}",
            remedy="pass it with --data-file, or choose another --storage",
        )
    return cells


def _print_data_file(prepared: "PreparedFolder", *, is_kept: bool) -> None:
    """Print to stderr where the data file of a folder is, and what it lacks."""
    from study.datasets.preparation_output import format_group_warning

    print_unused_files(prepared.record)
    if warning := format_group_warning(prepared.record):
        print_message("warning", warning)
    if is_kept:
        suffix = "" if prepared.is_new else ", made before from the same images"
        print_message("data file", f"{prepared.path}{suffix}")


def _load_medmnist(
    file: MedMnistFile, data_root: Path | None, reading: AbstractContextManager[None]
) -> "BloodCells":
    """Load a file of MedMNIST, which is downloaded if it is missing."""
    from bloodnets.data.download import ensure_medmnist_file

    with raise_interrupts():  # a download
        path = ensure_medmnist_file(file, data_root)
    with reading:
        try:
            cells = _load_file(path)
            _require_data_set(cells, file)
        except DataError as error:
            raise error.with_remedy("remove the file to download it again") from error
    return cells


def _require_data_set(cells: "BloodCells", file: MedMnistFile) -> None:
    """Check that a file with the name of a data set of MedMNIST has its contents.

    A file named `bloodmnist.npz` may hold other cells.

    Raises:
        DataError: The MD5 is another one.
    """
    if file != get_bloodmnist() and cells.md5 != file.md5:
        raise DataError(
            f"{cells.path} is not {file.title}: its MD5 is {cells.md5}",
            path=cells.path,
            value=cells.md5,
            expected=file.md5,
        )
