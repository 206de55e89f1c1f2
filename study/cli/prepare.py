"""`bloodstudy prepare`."""

from pathlib import Path
from typing import Annotated

import typer

from bloodnets.data_shape import MAX_SIDE, MIN_SIDE
from study.cli import options
from study.cli.predict import print_message, print_skipped
from study.runtime.signals import raise_interrupts


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
    size: Annotated[
        int,
        typer.Option(
            min=MIN_SIDE,
            max=MAX_SIDE,
            metavar="PIXELS",
            help="Height and width of the images in the data file; 28 in BloodMNIST.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            parser=options.parse_path,
            metavar="PATH",
            help="New data file, e.g. cells.npz; its record is written beside it, as cells.json.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ],
    gray: Annotated[
        bool,
        typer.Option(
            "--gray",
            help="Convert the images to gray, with one channel.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = False,
    crop: options.CropOption = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            parser=options.parse_path,
            metavar="PATH",
            show_default="none",
            help="CSV file with the columns file and group, e.g. a patient; no group is in two "
            "splits.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Seed of the splits; no effect if the folder has splits.",
            rich_help_panel=options.DATA_PANEL,
        ),
    ] = 0,
) -> None:
    """Make a data file from a folder of your own images.

    Without the folders train, val and test, 70%, 10% and 20% of the images of each
    class are assigned to these splits.

    Examples:
      bloodstudy prepare cells --size 64 --output cells.npz
      bloodstudy prepare cells --size 28 --output cells.npz --groups patients.csv
    """
    from rich.console import Console

    from study.console.format import make_output_console
    from study.datasets import preparation_output
    from study.datasets.preparation import PrepareSettings
    from study.datasets.prepare import prepare_data_file

    settings = PrepareSettings(
        folder=folder,
        output=output,
        side=size,
        channels=1 if gray else 3,
        crop=crop,
        groups_file=groups,
        seed=seed,
    )
    with raise_interrupts():
        record = prepare_data_file(settings, Console(stderr=True))
    if left_out := preparation_output.format_left_out(record):
        print_message("left out", left_out)
    for line in preparation_output.format_skipped_lines(record):
        print_skipped(line)
    for line in preparation_output.format_warnings(record):
        print_message("warning", line)
    console = make_output_console()
    console.print(preparation_output.make_class_table(record))
    summary_lines = preparation_output.format_summary_lines(record)
    console.print(*summary_lines, sep="\n", markup=False, soft_wrap=True)
    typer.echo(output)
    if record.skipped:
        raise typer.Exit(1)
