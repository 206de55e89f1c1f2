"""Show how well the predicted probabilities are calibrated."""

import re
from collections.abc import Iterator

import pandas as pd

from reports import figures
from reports.analysis.calibration import (
    EQUIVALENCE_MARGIN,
    N_BINS,
    Calibration,
    Tendency,
)
from reports.analysis.intervals import ALPHA
from reports.analysis.temperature import MAX_TEMPERATURE, MIN_IMAGES, MIN_TEMPERATURE
from reports.format.columns import PROBABILITY_COLUMNS, TEMPERATURE_COLUMNS
from reports.format.table import Column, Table, choose_column_decimals, make_table
from reports.format.text import DataLabel, label
from reports.format.units import format_count, format_number
from reports.sections.context import ReportContext
from reports.sections.elements import (
    ReportFigure,
    Section,
    make_figure,
    make_slug,
)

_ERROR_COLUMNS = (
    Column(key="configuration", heading=("Configuration",)),
    Column(key="replicates", heading=("Replicates",), unit="count"),
    Column(
        key="ece",
        heading=("ECE", "(%)"),
        unit="percent",
        is_lower_better=True,
        interval_key="gap",
    ),
    Column(
        key="expected_ece",
        heading=("Expected", "if calibrated", "(%)"),
        unit="percent",
        is_lower_better=True,
        interval_key="gap",
    ),
    Column(key="p_ece_holm", heading=("ECE, Holm-", "adjusted p"), unit="p"),
    Column(
        key="confidence", heading=("Mean", "probability", "(%)"), unit="percent", interval_key="gap"
    ),
    Column(key="accuracy", heading=("Accuracy", "(%)"), unit="percent", interval_key="gap"),
    Column(key="gap", heading=("Difference", "(points)"), unit="points"),
    Column(key="gap", heading=("95% confidence", "interval (points)"), unit="points_interval"),
    Column(key="tendency", heading=("Tendency",)),
)
_BIN_COLUMNS = (
    Column(key="configuration", heading=("Configuration",)),
    Column(key="lower_edge", heading=("From", "(%)"), unit="percent"),
    Column(key="upper_edge", heading=("To", "(%)"), unit="percent"),
    Column(key="images_text", heading=("Images", "per trial")),
    Column(
        key="confidence",
        heading=("Mean", "probability", "(%)"),
        unit="percent",
        interval_key="accuracy",
    ),
    Column(key="accuracy", heading=("Accuracy", "(%)"), unit="percent"),
    Column(key="accuracy", heading=("95% confidence", "interval (%)"), unit="interval"),
)
_TENDENCY_TEXTS = {
    Tendency.OVERCONFIDENT: "overconfident",
    Tendency.UNDERCONFIDENT: "underconfident",
    Tendency.MISCALIBRATED: "miscalibrated (some probabilities are too high and others too low)",
    Tendency.CALIBRATED: f"calibrated within {100 * EQUIVALENCE_MARGIN:g} point on average",
    Tendency.UNDECIDED: "undecided (more test images or replicates are needed)",
}


def make_section(
    calibration: Calibration,
    *,
    scaling: pd.DataFrame,
    comparison: pd.DataFrame,
    context: ReportContext,
) -> Section:
    """Show reliability diagrams by family, and the scores of the probabilities.

    Args:
        calibration: Reliability of the configurations.
        scaling: Frame from `temperature_scaling.compare_temperature_scaling`.
        comparison: Frame from `frames.make_comparison_frame`.
        context: Labels.
    """
    bins, errors = context.merge_copies(calibration.bins), context.merge_copies(calibration.errors)
    plotted_errors = context.select_displayed(calibration.errors)
    # The number of images in a bin is a mean over replicates.
    display_bins = bins.assign(
        images_text=[format_number(images, "seconds") for images in bins["images"]]
    )
    return Section(
        key="calibration",
        title="Calibration",
        paragraphs=(_describe_outcome(errors),),
        notes=(*_explain_method(), *_explain_temperatures(scaling)),
        figures=tuple(
            _make_report_figure(family, bins, plotted_errors, context.data)
            for family in _list_families(plotted_errors)
        ),
        tables=(
            make_table(
                "calibration",
                f"Expected calibration error (ECE, {N_BINS} bins) on test",
                _ERROR_COLUMNS,
                errors,
                values=calibration.errors.drop(columns=_list_columns(errors, "slope", "intercept")),
            ),
            _make_probability_table(calibration.errors, comparison, context),
            make_table(
                "temperature-scaling",
                "Calibration error, Brier score and log loss on test before and after temperature "
                "scaling",
                TEMPERATURE_COLUMNS,
                context.merge_copies(scaling),
                values=scaling,
            ),
            make_table(
                "calibration-bins",
                "Accuracy on test by predicted probability",
                _BIN_COLUMNS,
                display_bins,
                group="configuration",
                values=calibration.bins,
                folded=True,
            ),
        ),
    )


def _list_columns(frame: pd.DataFrame, *scores: str) -> list[str]:
    """Return the columns of scores, with their standard deviations and intervals."""
    return [c for c in frame.columns if re.sub("_(sd|low|high)$", "", c) in scores]


def _make_probability_table(
    errors: pd.DataFrame, comparison: pd.DataFrame, context: ReportContext
) -> Table:
    """Make the table of calibration slope and intercept, Brier score and log loss."""
    coefficients = errors[["configuration", *_list_columns(errors, "slope", "intercept")]]
    losses = comparison[
        ["configuration", *_list_columns(comparison, "test_brier", "test_log_loss")]
    ]
    values = coefficients.merge(losses, on="configuration")
    return make_table(
        "probabilities",
        "Calibration slope and intercept, Brier score and log loss on test",
        PROBABILITY_COLUMNS,
        context.merge_copies(values),
        values=values,
    )


def _explain_method() -> Iterator[str]:
    yield (
        "A classifier is calibrated if its probabilities match its accuracy: 90% of the "
        "predictions with a probability of 90% are correct. The points then lie on the dashed "
        "line. Below the line, the classifier is overconfident."
    )
    yield (
        "The expected calibration error (ECE) is the mean distance from "
        f"the line over {N_BINS} bins of equal width, weighted by the number of "
        "images. “Expected if calibrated” is the ECE that a perfectly calibrated classifier with "
        "the same probabilities would show on as many images."
    )
    yield (
        "Over- and underconfidence are tested by the difference between mean probability and "
        f"accuracy. Miscalibration is tested by the ECE (p < {ALPHA:g}, Holm-adjusted over the "
        "models)."
    )
    yield (
        "If the classifier is calibrated, the calibration slope is 1 and the calibration intercept "
        "is 0. A slope below 1 means that the probabilities are too extreme. An intercept below 0 "
        "means that they are too high on average. Brier score and log loss are 0 for perfect "
        "predictions."
    )


def _explain_temperatures(scaling: pd.DataFrame) -> Iterator[str]:
    yield (
        "Temperature scaling divides the logits of a model by one temperature, which has the "
        "lowest log loss on val. A temperature above 1 makes the probabilities less extreme. The "
        "predicted classes do not change. A change of log loss below 0 is an improvement. Only "
        "this table, `predict` and `export` use the scaled probabilities."
    )
    if n_unfitted := int((scaling["replicates"] - scaling["fitted"]).sum()):
        yield (
            f"{format_count(n_unfitted, 'trial')} {'has' if n_unfitted == 1 else 'have'} no fitted "
            f"temperature. It is 1 if val has fewer than {MIN_IMAGES} images, or if all of them "
            f"are classified correctly. Otherwise, it is a bound, {MIN_TEMPERATURE:g} or "
            f"{MAX_TEMPERATURE:g}."
        )


def _describe_outcome(errors: pd.DataFrame) -> str:
    """Say which configurations are over- or underconfident, and by how much."""
    sentences, decimals = [], choose_column_decimals(errors, "gap")
    for tendency, meaning in _TENDENCY_TEXTS.items():
        rows = errors[errors["tendency"] == tendency]
        if rows.empty:
            continue
        low, high = (
            format_number(gap, "points", decimals=decimals)
            for gap in (rows["gap"].min(), rows["gap"].max())
        )
        gap_text = low if low == high else f"{low} to {high}"
        count_text = "Both" if len(errors) == 2 else f"All {len(errors)}"
        all_text = f"{count_text} models" if len(rows) == len(errors) > 1 else None
        subject = all_text or ", ".join(str(name) for name in rows["configuration"])
        verb = "is" if len(rows) == 1 else "are"
        sentences.append(
            f"{subject} {verb} {meaning}: the mean probability minus the accuracy is {gap_text} "
            "points."
        )
    return " ".join(sentences)


def _list_families(errors: pd.DataFrame) -> list[str]:
    return [str(family) for family in errors["family"].unique()]


def _make_report_figure(
    family: str, bins: pd.DataFrame, errors: pd.DataFrame, data: DataLabel
) -> ReportFigure:
    family_errors = errors[errors["family"] == family]
    return make_figure(
        f"calibration-{make_slug(family)}",
        f"Accuracy on test by predicted probability, {label(family)}. Whiskers: 95% confidence "
        "intervals for the images of one trial. Pale: fewer than ten images. Bars: share of the "
        "images.",
        figures.draw_reliability(
            bins[bins["configuration"].isin(family_errors["configuration"])],
            family_errors,
            data=data,
        ),
    )
