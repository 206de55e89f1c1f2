"""`bloodstudy prepare`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.data_shape import MAX_SIDE, MIN_SIDE
from study.cli import options
from study.cli.notices import print_message, print_unused_files
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from study.datasets.preparation_record import PreparationRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """Options that determine the images of a data file and their splits."""

    size: Annotated[
        int,
        typer.Option(
            min=MIN_SIDE,
            max=MAX_SIDE,
            metavar="PIXELS",
            help="Height and width of the images in the data file; 28 in BloodMNIST.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ]
    gray: Annotated[
        bool,
        typer.Option(
            "--gray",
            help="Convert the images to gray, with one channel.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = False
    crop: options.CropOption = None
    groups: Annotated[
        Path | None,
        typer.Option(
            parser=options.parse_path,
            metavar="PATH",
            show_default="groups.csv in the folder, if it exists",
            help="CSV file with the columns file and group, e.g. a patient; no group is in two "
            "splits.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = None
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Seed of the splits; no effect if the folder has splits.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = 0


def prepare(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            parser=options.parse_path,
            help="Folder with one subfolder of image files per class, or with the subfolders "
            "train, val and test that contain these.",
        ),
    ],
    *,
    images: ImageOptions,
    output: Annotated[
        Path,
        typer.Option(
            parser=options.parse_path,
            metavar="PATH",
            help="New data file, e.g. cells.npz; its record is written beside it, as cells.json.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ],
) -> None:
    """Make a data file from a folder of your own images.

    Without the folders train, val and test, 70%, 10% and 20% of the images of each
    class are assigned to these splits.

    Examples:
      bloodstudy prepare cells --size 64 --output cells.npz
      bloodstudy prepare cells --size 28 --output cells.npz --groups patients.csv
    """
    from rich.console import Console

    from study.datasets.image_groups import find_groups_file
    from study.datasets.preparation import PrepareSettings
    from study.datasets.prepare import prepare_data_file

    settings = PrepareSettings(
        folder=folder,
        output=output,
        side=images.size,
        channels=1 if images.gray else 3,
        crop=images.crop,
        groups_file=images.groups or find_groups_file(folder),
        seed=images.seed,
    )
    with raise_interrupts():
        record = prepare_data_file(settings, Console(stderr=True))
    _print_record(record)
    typer.echo(output)
    if record.skipped:
        raise typer.Exit(1)


def _print_record(record: "PreparationRecord") -> None:
    """Print what is not in the data file and warnings to stderr, and a summary to stdout."""
    from study.console.format import make_output_console
    from study.datasets import preparation_output

    print_unused_files(record)
    for line in preparation_output.format_warnings(record):
        print_message("warning", line)
    console = make_output_console()
    console.print(preparation_output.make_class_table(record))
    summary_lines = preparation_output.format_summary_lines(record)
    console.print(*summary_lines, sep="\n", markup=False, soft_wrap=True)
