"""`bloodstudy predict`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bloodnets.errors import DataError, StudyError
from study.cli import options
from study.cli.arguments import open_ledger
from study.cli.image_reader import ImageOptions, ImageReader
from study.cli.notices import print_message
from study.runtime.signals import raise_interrupts

if TYPE_CHECKING:
    from reports.ledger.ledger import Ledger
    from reports.ledger.records import StudyRecord
    from study.inference.input_images import InputImage
    from study.inference.model_description import ModelDescription
    from study.inference.predict import Prediction, Predictor
    from study.inference.vote_selection import Selection

ValueT = TypeVar("ValueT")

_STATUS_STEP = 100
"""Number of predictions after which the status is updated."""

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


MinProbabilityOption = Annotated[
    float,
    typer.Option(
        metavar="P",
        help="Smallest calibrated probability, 0 to 1, with which a class is predicted; the "
        "model abstains from other images.",
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
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY",
            show_default=False,
            callback=options.require_text,
            help="Name of a study in --storage, or path to its folder; omitted with --pretrained.",
            autocompletion=options.complete_study_names,
        ),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IMAGE",
            parser=options.parse_path,
            show_default=False,
            help="Image files, folders of image files, or npz files in the MedMNIST format.",
        ),
    ] = None,
    *,
    image_options: ImageOptions,
    storage: options.StorageOption = options.DEFAULT_STORAGE,
    pretrained: Annotated[
        bool,
        typer.Option(
            "--pretrained",
            help="Use the trained model in this package instead of one of a study.",
            rich_help_panel=options.STUDY_PANEL,
        ),
    ] = False,
    trial: options.TrialOption = None,
    vote: options.VoteOption = None,
    orientations: options.OrientationsOption = False,
    explain: ExplainOption = None,
    min_probability: MinProbabilityOption = 0.0,
    output_format: FormatOptions,
) -> None:
    """Classify images with a study's best model. Not for diagnostic use.

    Predictions are printed as a table, or with --json or --csv as data. Their
    probabilities are calibrated on the validation split.

    Examples:
      bloodstudy predict STUDY cell.png
      bloodstudy predict STUDY photographs --crop 200 --csv
      bloodstudy predict --pretrained cell.png
    """
    if output_format.json and output_format.csv:
        raise DataError("--json cannot be combined with --csv", remedy="omit one of them")
    if not 0 <= min_probability <= 1:
        raise DataError.of_value("--min-probability", min_probability, "0 to 1")
    if pretrained:
        given = {"--trial": trial, "--vote": vote, "--orientations": orientations or None}
        _require_absent({**given, "--explain": explain}, "--pretrained")
        first_path = options.parse_path(_require(study, "IMAGE..."))
        paths = [first_path, *(images or ())]
        has_skipped = _predict_pretrained(paths, image_options, min_probability, output_format)
    else:
        study_name, paths = _require(study, "STUDY"), _require(images, "IMAGE...")
        if explain is not None:
            _check_explain(explain, vote, orientations=orientations)
        has_skipped = _predict_with_study(
            open_ledger(storage, study_name),
            paths,
            image_options,
            trial=trial,
            vote=vote,
            orientations=orientations,
            explain=explain,
            min_probability=min_probability,
            output_format=output_format,
        )
    if has_skipped:
        raise typer.Exit(1)


def _require(value: ValueT | None, name: str) -> ValueT:
    if not value:
        raise DataError(f"missing argument '{name}'", remedy="see 'bloodstudy predict --help'")
    return value


def _require_absent(given: Mapping[str, object], option: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise DataError(f"{name} cannot be combined with {option}", remedy="omit one of them")


def _check_explain(folder: Path, vote: str | None, *, orientations: bool) -> None:
    _require_absent({"--vote": vote, "--orientations": orientations or None}, "--explain")
    from study.inference.export_folder import require_new_folder

    require_new_folder(folder)


def _predict_pretrained(
    paths: Sequence[Path],
    image_options: ImageOptions,
    min_probability: float,
    output_format: FormatOptions,
) -> bool:
    """Classify images with the model in this package; return whether something was skipped."""
    from study.inference.pretrained import PretrainedModel

    model = PretrainedModel()
    reader = ImageReader(model.description.data, image_options)
    predictions = _classify_with_status(model, reader.read(paths), min_probability)
    _print_predictions(predictions, model.description, output_format)
    return reader.has_skipped


def _predict_with_study(
    ledger: "Ledger",
    paths: Sequence[Path],
    image_options: ImageOptions,
    *,
    trial: str | None,
    vote: str | None,
    orientations: bool,
    explain: Path | None,
    min_probability: float,
    output_format: FormatOptions,
) -> bool:
    """Classify images with a model of a study; return whether something was skipped."""
    from study.inference.input_images import list_explained_images
    from study.inference.vote_selection import check_selection, select

    check_selection(ledger, trial, vote)
    reader = ImageReader(ledger.study.data, image_options)
    input_images = reader.read(paths)
    explained_images = [] if explain is None else list_explained_images(input_images)
    selected = select(ledger, trial, vote, orientations=orientations)
    for problem in selected.problems:
        reader.skip(problem)
    if explain is not None:
        from study.inference.evidence_images import require_explainable

        require_explainable(selected)
    from study.inference.study_model import StudyModel

    model = StudyModel(ledger.study, selected)
    predictions = _classify_with_status(model, explained_images or input_images, min_probability)
    if reader.test_file is not None:
        _enter_test_evaluation(ledger, model.description, reader.test_file)
    _print_predictions(predictions, model.description, output_format)
    if explain is not None:
        _write_evidence(explain, selected, ledger.study, explained_images, predictions)
    return reader.has_skipped


def _enter_test_evaluation(ledger: "Ledger", model: "ModelDescription", file: Path) -> None:
    """Enter the evaluation in the log, and say that it was entered, or why it could not be."""
    from study.inference.test_evaluation import enter_test_evaluations

    text = f"{file} has the test images of {ledger.name}"
    try:
        enter_test_evaluations(ledger.location, model.trial_ids)
    except StudyError as error:
        print_message("warning", f"{text}; this test evaluation could not be logged: {error}")
    else:
        print_message("note", f"{text}; this test evaluation of {model.name} was logged")


def _classify_with_status(
    model: "Predictor", input_images: "Iterable[InputImage]", min_probability: float
) -> "list[Prediction]":
    """Return the predictions; their number is shown on a terminal in the meantime."""
    from rich.console import Console

    from study.inference.predict import classify_images

    predictions = []
    with Console(stderr=True).status("classifying …") as status:
        for prediction in classify_images(model, input_images, min_probability=min_probability):
            predictions.append(prediction)
            if len(predictions) % _STATUS_STEP == 0:
                status.update(f"classifying … {len(predictions):,} images")
    return predictions


def _print_predictions(
    predictions: "Sequence[Prediction]", model: "ModelDescription", output_format: FormatOptions
) -> None:
    """Print warnings to stderr, and the predictions in the chosen format."""
    from rich.console import Console

    from study.inference import prediction_output

    for line in prediction_output.format_warnings(predictions, model):
        print_message("warning", line)
    if output_format.json or output_format.csv:
        format_predictions = (
            prediction_output.format_json if output_format.json else prediction_output.format_csv
        )
        typer.echo(format_predictions(predictions, model))
        return
    console = Console(highlight=False)
    console.print(*prediction_output.format_header_lines(model), sep="\n", markup=False)
    console.print(prediction_output.make_prediction_table(predictions, model, width=console.width))
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
