"""How far the probabilities can be trusted."""

import pandas as pd

from reports import figures
from reports.analysis.calibration import (
    N_BINS,
    OVERCONFIDENT,
    UNDECIDED,
    UNDERCONFIDENT,
    Calibration,
)
from reports.format.table import Column, make_table
from reports.format.text import DataLabel, label
from reports.format.units import format_number
from reports.sections.context import ReportContext
from reports.sections.elements import ReportFigure, Section, make_caption, make_figure, make_slug

_ERROR_COLUMNS = (
    Column(key="configuration", heading=("Configuration",)),
    Column(key="seeds", heading=("Seeds",), unit="count"),
    Column(key="ece", heading=("ECE", "%"), unit="percent"),
    Column(key="expected_ece", heading=("ECE by", "chance, %"), unit="percent"),
    Column(key="confidence", heading=("Mean", "probability, %"), unit="percent"),
    Column(key="accuracy", heading=("Right", "%"), unit="percent"),
    Column(key="gap", heading=("Difference", "points"), unit="points"),
    Column(key="gap", heading=("95 % interval", "points"), unit="points_interval"),
    Column(key="tendency", heading=("Tendency",)),
)
_BIN_COLUMNS = (
    Column(key="configuration", heading=("Configuration",)),
    Column(key="lower_edge", heading=("From", "%"), unit="percent"),
    Column(key="upper_edge", heading=("to", "%"), unit="percent"),
    Column(key="images_text", heading=("Images", "a trial")),
    Column(key="confidence", heading=("Mean", "probability, %"), unit="percent"),
    Column(key="accuracy", heading=("Right", "%"), unit="percent"),
    Column(key="accuracy", heading=("95 % interval", "%"), unit="interval"),
)
_TENDENCY_PHRASES = {
    OVERCONFIDENT: "promise more than they keep (overconfident)",
    UNDERCONFIDENT: "keep more than they promise (underconfident)",
    UNDECIDED: "show neither over- nor underconfidence beyond chance",
}


def make_section(calibration: Calibration, *, context: ReportContext) -> Section:
    """Show reliability diagrams by family, and the expected calibration errors.

    Args:
        calibration: Reliability of the configurations.
        context: Labels.
    """
    bins, errors = calibration.bins, calibration.errors
    plotted_errors = context.select_displayed(errors)
    # How many images are in a bin is a mean over seeds.
    display_bins = bins.assign(
        images_text=[format_number(images, "seconds") for images in bins["images"]]
    )
    return Section(
        key="calibration",
        title="How far the probabilities can be trusted",
        paragraphs=(_explain_method(), _describe_outcome(errors)),
        figures=tuple(
            _make_report_figure(family, bins, plotted_errors, context.data)
            for family in _list_families(plotted_errors)
        ),
        tables=(
            make_table(
                "calibration",
                make_caption(
                    f"Expected calibration error (ECE, {N_BINS} bins) on test", context.data
                ),
                _ERROR_COLUMNS,
                errors,
            ),
            make_table(
                "calibration-bins",
                make_caption("Right predictions on test, by their probability", context.data),
                _BIN_COLUMNS,
                display_bins,
                group="configuration",
                values=bins,
                folded=True,
            ),
        ),
    )


def _explain_method() -> str:
    return (
        "A classifier gives its prediction a probability. It can be trusted if, of the predictions "
        "made with 90 %, nine in ten are right: then the points lie on the dashed line, and below "
        "it the classifier promises too much. The expected calibration error (ECE) is the mean "
        f"distance from the line, in {N_BINS} bins of equal width, weighted by their images; “by "
        "chance” is what a perfectly calibrated classifier with these probabilities would show."
    )


def _describe_outcome(errors: pd.DataFrame) -> str:
    """Who promises too much, and how much."""
    sentences = []
    for tendency, meaning in _TENDENCY_PHRASES.items():
        rows = errors[errors["tendency"] == tendency]
        if rows.empty:
            continue
        low, high = (format_number(gap, "points") for gap in (rows["gap"].min(), rows["gap"].max()))
        gap_text = low if low == high else f"{low} to {high}"
        all_text = f"All {len(errors)} configurations" if len(rows) == len(errors) > 1 else None
        subject = all_text or ", ".join(str(name) for name in rows["configuration"])
        sentences.append(
            f"{subject} {meaning}: mean probability minus share of right predictions is {gap_text} "
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
        f"Right predictions by their probability, {label(family)}, on test. Whiskers: 95 % "
        "interval for the images of one trial; pale: fewer than ten images; bars: share of the "
        "images",
        figures.draw_reliability(
            bins[bins["configuration"].isin(family_errors["configuration"])],
            family_errors,
            data=data,
        ),
        data,
    )
