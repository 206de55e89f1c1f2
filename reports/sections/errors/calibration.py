"""How far the probabilities can be trusted."""

import pandas as pd

from reports import figures
from reports.analysis.calibration import BINS, EITHER, OVER, UNDER, calibration
from reports.format.table import Column, table
from reports.format.text import word
from reports.format.units import number
from reports.sections.elements import Picture, Section, caption, picture, slug
from reports.sections.findings import Findings

_ERRORS = (
    Column(key="name", head=("Configuration",)),
    Column(key="seeds", head=("Seeds",), unit="count"),
    Column(key="ece", head=("ECE", "%"), unit="percent"),
    Column(key="luck", head=("ECE by", "chance, %"), unit="percent"),
    Column(key="confidence", head=("Mean", "probability, %"), unit="percent"),
    Column(key="accuracy", head=("Right", "%"), unit="percent"),
    Column(key="gap", head=("Difference", "points"), unit="points"),
    Column(key="gap", head=("95 % interval", "points"), unit="points_interval"),
    Column(key="tendency", head=("Tendency",)),
)
_BINS = (
    Column(key="name", head=("Configuration",)),
    Column(key="low", head=("From", "%"), unit="percent"),
    Column(key="high", head=("to", "%"), unit="percent"),
    Column(key="images_text", head=("Images", "a trial")),
    Column(key="confidence", head=("Mean", "probability, %"), unit="percent"),
    Column(key="accuracy", head=("Right", "%"), unit="percent"),
    Column(key="accuracy", head=("95 % interval", "%"), unit="interval"),
)
_MEANING = {
    OVER: "promise more than they keep (overconfident)",
    UNDER: "keep more than they promise (underconfident)",
    EITHER: "show neither over- nor underconfidence beyond chance",
}


def section(found: Findings) -> Section | None:
    """Reliability diagrams by family, and the expected calibration errors."""
    if not found.evidence.tested.names:
        return None
    bins, errors = calibration(found.evidence.tested)
    drawn = errors[errors["name"].isin(found.drawn)]
    # How many images are in a bin is a mean over seeds.
    printed = bins.assign(images_text=[number(images, "seconds") for images in bins["images"]])
    return Section(
        key="calibration",
        title="How far the probabilities can be trusted",
        words=(_how(), _outcome(errors)),
        pictures=tuple(_picture(family, bins, drawn, found) for family in _families(drawn)),
        tables=(
            table(
                "calibration",
                caption(f"Expected calibration error (ECE, {BINS} bins) on test", found.data),
                _ERRORS,
                errors,
            ),
            table(
                "calibration-bins",
                caption("Right predictions on test, by their probability", found.data),
                _BINS,
                printed,
                group="name",
                values=bins,
                folded=True,
            ),
        ),
    )


def _how() -> str:
    return (
        "A classifier gives its prediction a probability. It can be trusted if, of the predictions "
        "made with 90 %, nine in ten are right: then the points lie on the dashed line, and below "
        "it the classifier promises too much. The expected calibration error (ECE) is the mean "
        f"distance from the line, in {BINS} bins of equal width, weighted by their images; “by "
        "chance” is what a perfectly calibrated classifier with these probabilities would show."
    )


def _outcome(errors: pd.DataFrame) -> str:
    """Who promises too much, and how much."""
    sentences = []
    for tendency, meaning in _MEANING.items():
        own = errors[errors["tendency"] == tendency]
        if own.empty:
            continue
        low, high = (number(gap, "points") for gap in (own["gap"].min(), own["gap"].max()))
        by = low if low == high else f"{low} to {high}"
        everyone = f"All {len(errors)} configurations" if len(own) == len(errors) > 1 else None
        who = everyone or ", ".join(str(name) for name in own["name"])
        sentences.append(
            f"{who} {meaning}: mean probability minus share of right predictions is {by} points."
        )
    return " ".join(sentences)


def _families(errors: pd.DataFrame) -> list[str]:
    return [str(family) for family in errors["family"].unique()]


def _picture(family: str, bins: pd.DataFrame, errors: pd.DataFrame, found: Findings) -> Picture:
    own = errors[errors["family"] == family]
    return picture(
        f"calibration-{slug(family)}",
        f"Right predictions by their probability, {word(family)}, on test. Whiskers: 95 % interval "
        "for the images of one trial; pale: fewer than ten images; bars: share of the images",
        figures.reliability(bins[bins["name"].isin(own["name"])], own, data=found.data),
        found.data,
    )
