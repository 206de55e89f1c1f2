"""Options of the data to train on, declared as a group; see `option_groups`."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import DataError
from bloodnets.medmnist_sets import MedMnistFile, get_bloodmnist, parse_option
from study.cli import options
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from bloodnets.data.medmnist import BloodCells


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

    def load(self, reading: AbstractContextManager[None]) -> "BloodCells":
        """Load the data; a missing file of MedMNIST is downloaded.

        Args:
            reading: Context that shows that data are being read.

        Raises:
            DataError: The options contradict each other, or the file is not a data file.
            ResourceError: The data cannot be downloaded.
        """
        self._require_one_source()
        file, medmnist_file = self.data_file, None
        if file is None and self.data != options.SYNTHETIC:
            from bloodnets.data.download import ensure_medmnist_file

            medmnist_file = get_bloodmnist() if self.data is None else parse_option(self.data)
            with raise_interrupts():  # a download
                file = ensure_medmnist_file(medmnist_file, self.data_root)
        with reading:
            from bloodnets.data.medmnist import load_file, load_synthetic

            try:
                cells = load_synthetic() if file is None else load_file(file)
                _require_data_set(cells, medmnist_file)
            except DataError as error:
                if self.data_file is not None:
                    raise
                raise error.with_remedy("remove the file to download it again") from error
            if not self.drop_duplicates:
                return cells
            from study.datasets.duplicates import drop_duplicates

            return drop_duplicates(cells)

    def _require_one_source(self) -> None:
        """Check that no other option contradicts `--data`."""
        option = "--data-file" if self.data_file else "--data-root"
        is_synthetic = self.data == options.SYNTHETIC
        if (self.data and self.data_file) or (is_synthetic and self.data_root):
            raise DataError(
                f"--data {self.data} cannot be combined with {option}", remedy=f"omit {option}"
            )


def _require_data_set(cells: "BloodCells", file: MedMnistFile | None) -> None:
    """Check that a file with the name of a data set of MedMNIST has its contents.

    A file named `bloodmnist.npz` may hold other cells.

    Raises:
        DataError: The MD5 is another one.
    """
    if file is not None and file != get_bloodmnist() and cells.md5 != file.md5:
        raise DataError(
            f"{cells.path} is not {file.title}: its MD5 is {cells.md5}",
            path=cells.path,
            value=cells.md5,
            expected=file.md5,
        )
