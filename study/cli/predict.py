"""`bloodstudy predict`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bloodnets.errors import DataError, StudyError
from study.cli import options
from study.cli.arguments import open_ledger
from study.cli.notices import print_message, print_skipped
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reports.ledger.ledger import Ledger
    from reports.ledger.records import StudyRecord
    from study.inference.input_images import InputImage
    from study.inference.predict import Prediction
    from study.inference.vote_selection import Selection

_STATUS_STEP = 100
"""Number of predictions after which the status is updated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """Options for reading images."""

    crop: options.CropOption = None
    split: Annotated[
        options.Split,
        typer.Option(help="Split to classify in npz files.", rich_help_panel=options.DATA_PANEL),
    ] = "test"


ExplainOption = Annotated[
    Path | None,
    typer.Option(
        parser=options.parse_path,
        metavar="FOLDER",
        show_default="no figures",
        help="New folder for a figure of each image, with the positions that contribute to the "
        "predicted class. It requires a ResNet and at most 100 images.",
        rich_help_panel=options.OUTPUT_PANEL,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatOptions:
    """Output formats other than a table."""

    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print JSON with the probabilities of all classes.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False
    csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="Print CSV with the probabilities of all classes.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = False


def predict(
    study: options.StudyArgument,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE",
            parser=options.parse_path,
            help="Image files, folders of image files, or npz files in the MedMNIST format.",
        ),
    ],
    *,
    image_options: ImageOptions,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    trial: options.TrialOption = None,
    vote: options.VoteOption = None,
    explain: ExplainOption = None,
    min_probability: Annotated[
        float,
        typer.Option(
            metavar="P",
            help="Smallest calibrated probability, 0 to 1, with which a class is predicted; the "
            "model abstains from other images.",
            rich_help_panel=options.OUTPUT_PANEL,
        ),
    ] = 0.0,
    output_format: FormatOptions,
) -> None:
    """Classify images with a study's best model. Not for diagnostic use.

    Predictions are printed as a table, or with --json or --csv as data. Their
    probabilities are calibrated on the validation split.

    Examples:
      bloodstudy predict STUDY cell.png
      bloodstudy predict STUDY photographs --crop 200 --csv
      bloodstudy predict STUDY cell.png --explain figures
    """
    if output_format.json and output_format.csv:
        raise DataError("--json cannot be combined with --csv", remedy="omit one of them")
    _check_explain(explain, vote)
    if not 0 <= min_probability <= 1:
        raise DataError.of_value("--min-probability", min_probability, "0 to 1")
    ledger = open_ledger(storage, study)
    from study.inference.input_images import list_explained_images
    from study.inference.vote_selection import check_selection, select

    check_selection(ledger, trial, vote)
    reader = _ImageReader(ledger.study, image_options)
    input_images = reader.read(images)
    explained_images = [] if explain is None else list_explained_images(input_images)
    selected = select(ledger, trial, vote)
    for problem in selected.problems:
        reader.skip(problem)
    if explain is not None:
        from study.inference.evidence_images import require_resnet

        require_resnet(selected)
    predictions = _classify_with_status(
        selected, ledger.study, explained_images or input_images, min_probability
    )
    from study.inference.prediction_output import format_warnings

    for line in format_warnings(predictions, ledger.study):
        print_message("warning", line)
    if reader.test_file is not None:
        _enter_test_evaluation(ledger, selected, reader.test_file)
    _print_predictions(predictions, ledger.study, selected, output_format)
    if explain is not None:
        _write_evidence(explain, selected, ledger.study, explained_images, predictions)
    if reader.has_skipped:
        raise typer.Exit(1)


def _check_explain(folder: Path | None, vote: str | None) -> None:
    if folder is None:
        return
    if vote is not None:
        raise DataError("--explain cannot be combined with --vote", remedy="omit one of them")
    from study.inference.export_folder import require_new_folder

    require_new_folder(folder)


class _ImageReader:
    """Reader of the images that prints what it skips.

    Attributes:
        has_skipped: Whether something was skipped so far.
        test_file: First file read so far that has the test images of the study; None without one.
    """

    def __init__(self, study: "StudyRecord", options: ImageOptions) -> None:
        self.has_skipped = False
        self.test_file: Path | None = None
        self._study, self._options = study, options

    def read(self, paths: Sequence[Path]) -> "Iterator[InputImage]":
        """Return an iterator over the images of files, folders and npz files.

        Raises:
            DataError: There is no image.
        """
        from study.inference.input_images import read_input_images

        input_images = read_input_images(
            paths,
            self._study.data.shape,
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

        if is_test_split(self._study.data, path, self._options.split, pixels):
            self.test_file = self.test_file or path


def _enter_test_evaluation(ledger: "Ledger", selected: "Selection", file: Path) -> None:
    """Enter the evaluation in the log, and say that it was entered, or why it could not be."""
    from study.inference.test_evaluation import enter_test_evaluations

    text = f"{file} has the test images of {ledger.name}"
    try:
        trial_ids = [member.record.id for member in selected.members]
        enter_test_evaluations(ledger.location, trial_ids)
    except StudyError as error:
        print_message("warning", f"{text}; this test evaluation could not be logged: {error}")
    else:
        print_message("note", f"{text}; this test evaluation of {selected.name} was logged")


def _classify_with_status(
    selected: "Selection",
    study: "StudyRecord",
    input_images: "Iterable[InputImage]",
    min_probability: float,
) -> "list[Prediction]":
    """Return the predictions; their number is shown on a terminal in the meantime."""
    from rich.console import Console

    from study.inference.predict import classify_images

    predictions = []
    with Console(stderr=True).status("classifying …") as status:
        for prediction in classify_images(
            selected, study.data, input_images, min_probability=min_probability
        ):
            predictions.append(prediction)
            if len(predictions) % _STATUS_STEP == 0:
                status.update(f"classifying … {len(predictions):,} images")
    return predictions


def _print_predictions(
    predictions: "Sequence[Prediction]",
    study: "StudyRecord",
    selected: "Selection",
    output_format: FormatOptions,
) -> None:
    from rich.console import Console

    from study.inference import prediction_output

    if output_format.json or output_format.csv:
        format_predictions = (
            prediction_output.format_json if output_format.json else prediction_output.format_csv
        )
        typer.echo(format_predictions(predictions, study, selected))
        return
    console = Console(highlight=False)
    header_lines = prediction_output.format_header_lines(study, selected)
    console.print(*header_lines, sep="\n", markup=False)
    console.print(prediction_output.make_prediction_table(predictions, study, width=console.width))
    console.print(*prediction_output.format_footer_lines(predictions), sep="\n", markup=False)


def _write_evidence(
    folder: Path,
    selected: "Selection",
    study: "StudyRecord",
    images: "Sequence[InputImage]",
    predictions: "Sequence[Prediction]",
) -> None:
    """Write a figure of each image, and print the folder to stderr, as stdout has the data."""
    from rich.console import Console

    from study.inference.evidence_images import write_evidence_images

    with raise_interrupts(), Console(stderr=True).status("drawing …"):
        write_evidence_images(folder, selected, study, images, predictions)
    print_message("note", f"{folder} has a figure of each image, with the evidence for its class")
