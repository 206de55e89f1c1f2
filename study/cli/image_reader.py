"""Read the images that a command classifies, and print what it skips."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import DataError
from study.cli import options
from study.cli.notices import print_message, print_skipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reports.ledger.data_record import DataRecord
    from study.inference.input_images import InputImage


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """Options for reading images."""

    crop: options.CropOption = None
    split: Annotated[
        options.Split,
        typer.Option(help="Split to classify in npz files.", rich_help_panel=options.DATA_PANEL),
    ] = "test"


class ImageReader:
    """Reader of the images that prints what it skips.

    Attributes:
        has_skipped: Whether something was skipped so far.
        test_file: First file read so far that has the test images of the data; None without one.
    """

    def __init__(self, data: "DataRecord", options: ImageOptions) -> None:
        """Create a reader.

        Args:
            data: Data that the model was trained on.
            options: Options for reading images.
        """
        self.has_skipped = False
        self.test_file: Path | None = None
        self._data, self._options = data, options

    def read(self, paths: Sequence[Path]) -> "Iterator[InputImage]":
        """Return an iterator over the images of files, folders and npz files.

        Raises:
            DataError: There is no image.
        """
        from study.inference.input_images import read_input_images

        input_images = read_input_images(
            paths,
            self._data.shape,
            split=self._options.split,
            crop=self._options.crop,
            on_skip=self.skip,
            on_leave_out=lambda line: print_message("left out", line),
            on_split=self._note_split,
        )
        # An unreadable file should be reported before the slow import of PyTorch.
        first_image = next(input_images, None)
        if first_image is None:
            raise DataError("no image could be read", remedy="see the reasons above")
        return chain([first_image], input_images)

    def skip(self, line: str) -> None:
        """Print what is skipped, and why."""
        self.has_skipped = True
        print_skipped(line)

    def _note_split(self, path: Path, pixels: "NDArray[np.uint8]") -> None:
        from study.inference.test_evaluation import is_test_split

        if is_test_split(self._data, path, self._options.split, pixels):
            self.test_file = self.test_file or path
