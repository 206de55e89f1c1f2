"""Format predictions for people (a table and lines) and for programs (JSON and CSV)."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from bloodnets.constants import N_ORIENTATIONS
from reports.format.escape import escape_formula
from reports.format.text import make_class_label, make_data_label
from reports.format.units import format_count
from reports.ledger.states import DataKind
from reports.sections.temperature_text import describe_temperature
from study.console.format import make_plain_table, make_printable
from study.inference.model_description import ModelDescription
from study.inference.predict import Prediction

RESEARCH_ONLY_NOTICE = "For research only, not for diagnostic use."

MAX_LISTED_IMAGES = 20
"""Maximum number of images that are listed per note below the table."""

_FLAG = "!"
_ABSTAINED = "abstained"


def format_header_lines(model: ModelDescription) -> Iterator[str]:
    """Yield lines that name the model, its training data, its orientations and its temperature."""
    yield f"{model.name} of {model.study}: {model.reason}."
    yield f"Trained on: {make_data_label(model.data).short}"
    if model.orientations:
        yield "Probabilities are means over the eight orientations of each image."
    yield describe_temperature(model.temperature)


def format_warnings(predictions: Sequence[Prediction], model: ModelDescription) -> Iterator[str]:
    """Yield the reasons for which the predictions may be meaningless, to print before them."""
    if model.data.kind is DataKind.SYNTHETIC:
        yield (
            "the model was trained on synthetic cells; its predictions for photographs are "
            "meaningless"
        )
    if n_outliers := sum(prediction.color_outlier is not None for prediction in predictions):
        yield (
            f"{n_outliers:,} of {format_count(len(predictions), 'image')} "
            f"{'has' if n_outliers == 1 else 'have'} colors unlike those of the training images; "
            f"{'its prediction' if n_outliers == 1 else 'their predictions'} may be meaningless"
        )


def make_prediction_table(
    predictions: Sequence[Prediction], model: ModelDescription, *, width: int
) -> Table:
    """Return a table with one row per image: its two most probable classes and their % values.

    If the model abstains, the row has the highest probability, but no class.

    Args:
        predictions: Predictions, at least one.
        model: Description of the model, for the names of the classes.
        width: Width of the terminal in characters. Only the end of a longer file name is shown.
    """
    labels = [make_class_label(i, name) for i, name in enumerate(model.data.class_names)]
    rows = [_format_classes(prediction, labels) for prediction in predictions]
    has_flags = any(prediction.color_outlier or prediction.note for prediction in predictions)
    column_names = ("class", "%", "runner-up", "%")
    column_widths = [max(map(len, column)) for column in zip(column_names, *rows, strict=True)]
    max_name_width = max(
        12, width - sum(column_widths) - 2 * len(column_widths) - (3 if has_flags else 0)
    )
    rich_table = make_plain_table("")
    rich_table.title = None
    rich_table.add_column("file", no_wrap=True)
    for heading in column_names:
        rich_table.add_column(heading, no_wrap=True, justify="right" if heading == "%" else "left")
    for prediction, row in zip(predictions, rows, strict=True):
        name = make_printable(prediction.name)
        short_name = name if len(name) <= max_name_width else f"…{name[1 - max_name_width :]}"
        flag_cells = (
            [_FLAG if prediction.color_outlier or prediction.note else ""] if has_flags else []
        )
        rich_table.add_row(Text(short_name), *map(Text, row), *flag_cells)
    return rich_table


def _format_classes(prediction: Prediction, labels: Sequence[str]) -> list[str]:
    first, second = prediction.ranked_classes[:2]
    if prediction.abstains:
        return [_ABSTAINED, _format_probability(prediction, first), "", ""]
    return [
        text
        for class_index in (first, second)
        for text in (labels[class_index], _format_probability(prediction, class_index))
    ]


def format_footer_lines(predictions: Sequence[Prediction]) -> Iterator[str]:
    """Yield the notes below the table."""
    if n_abstained := sum(prediction.abstains for prediction in predictions):
        yield (
            f"The model abstained from {n_abstained:,} of "
            f"{format_count(len(predictions), 'image')}: no class has the minimum probability."
        )
    outliers = [prediction for prediction in predictions if prediction.color_outlier]
    if outliers:
        yield (
            f"{_FLAG} Colors unlike those of 99.9% of the training images; the prediction may be "
            f"meaningless:"
        )
        yield from _format_image_notes(
            [(prediction.name, prediction.color_outlier) for prediction in outliers]
        )
    annotated = [prediction for prediction in predictions if prediction.note]
    if annotated:
        yield f"{_FLAG} Not prepared like the training images:"
        yield from _format_image_notes(
            [(prediction.name, prediction.note) for prediction in annotated]
        )
    yield RESEARCH_ONLY_NOTICE


def format_json(predictions: Sequence[Prediction], model: ModelDescription) -> str:
    """Return all predictions as indented JSON; `class` is null if the model abstains."""
    class_names = model.data.class_names
    images = [
        {
            "file": prediction.name,
            "class": prediction.predicted_class,
            "class_name": _get_class_name(prediction, class_names),
            "probability": float(prediction.probabilities.max()),
            "probabilities": prediction.probabilities.tolist(),
            "color_outlier": prediction.color_outlier,
            "note": prediction.note,
        }
        for prediction in predictions
    ]
    document = {
        "study": model.study,
        "fingerprint": model.fingerprint,
        "trial": " ".join(model.trial_ids),
        "temperature": model.temperature.value,
        "temperature_state": model.temperature.state,
        "orientations": N_ORIENTATIONS if model.orientations else 1,
        "data": make_data_label(model.data).full,
        "class_names": list(class_names),
        "notice": RESEARCH_ONLY_NOTICE,
        "images": images,
    }
    return json.dumps(document, indent=2)


def format_csv(predictions: Sequence[Prediction], model: ModelDescription) -> str:
    """Return CSV with one row per image.

    `class` is empty if the model abstains, and `color_outlier` if the colors are normal.
    """
    class_names, buffer = model.data.class_names, io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    probability_columns = [f"probability_{class_index}" for class_index in range(len(class_names))]
    leading_columns = [
        "study",
        "trial",
        "temperature",
        "file",
        "class",
        "class_name",
        "probability",
    ]
    writer.writerow([*leading_columns, *probability_columns, "color_outlier", "note"])
    for prediction in predictions:
        probability_texts = [f"{value:.9g}" for value in prediction.probabilities]
        leading_cells = [
            model.study,
            " ".join(model.trial_ids),
            f"{model.temperature.value:.9g}",
            make_printable(prediction.name),
            prediction.predicted_class,
            _get_class_name(prediction, class_names),
        ]
        cells = [
            *leading_cells,
            probability_texts[prediction.ranked_classes[0]],
            *probability_texts,
            prediction.color_outlier,
            prediction.note,
        ]
        writer.writerow(map(escape_formula, cells))
    return buffer.getvalue().rstrip("\n")


def _get_class_name(prediction: Prediction, class_names: Sequence[str]) -> str | None:
    """Return the name of the predicted class; None if the model abstains."""
    predicted_class = prediction.predicted_class
    return None if predicted_class is None else class_names[predicted_class]


def _format_probability(prediction: Prediction, class_index: int) -> str:
    return f"{100 * prediction.probabilities[class_index]:.1f}"


def _format_image_notes(notes: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    for name, note in notes[:MAX_LISTED_IMAGES]:
        yield f"  {make_printable(name)}: {note}"
    if len(notes) > MAX_LISTED_IMAGES:
        others = format_count(len(notes) - MAX_LISTED_IMAGES, "other")
        yield f"  and {others} (--json and --csv list all)"
