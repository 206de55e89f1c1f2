"""Render the page that shows a study while it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from bloodnets.errors import ConflictError
from reports.format.text import DataLabel
from reports.format.units import format_number
from reports.page.render import TEMPLATE_FOLDER, compute_csp_hash, make_environment

GENERATOR = '<meta name="generator" content="bloodstudy watch">'
"""Mark of a live page, near its beginning."""

CURVE_WIDTH, CURVE_HEIGHT = 120, 32
"""Size of a curve in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTrial:
    """Row of a trial on the live page.

    Attributes:
        name: Name of the trial.
        settings: Hyper-parameters of a trial of a search; empty for a grid.
        state: State of the trial.
        epoch: Last epoch and maximum number of epochs; empty before the first.
        last: Val macro F1 of the last epoch.
        best: Highest val macro F1.
        values: Val macro F1 of each epoch, 0 to 1.
        max_epochs: Maximum number of epochs.
        elapsed: Duration of a running or ended trial.
    """

    name: str
    settings: str
    state: str
    epoch: str
    last: str
    best: str
    values: Sequence[float]
    max_epochs: int
    elapsed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """Contents of the live page.

    Attributes:
        name: Name of the study.
        kind: Kind of the study.
        data: Names of the data.
        activity: Whether the study is running, and how to resume it otherwise.
        facts: Pairs of a label and a text.
        n_ended: Number of trials that have ended.
        n_planned: Number of trials of the whole study.
        progress: Trials that have ended, plus the trained share of the epochs of each other one.
        failures: Failed trials, each with its reason.
        trials: Rows, in order.
        read_at: Time at which the study was read, with a time zone.
        refresh_s: Seconds between two refreshes; None if the page is not refreshed any more.
        report: Path or address of the report, for a link; None without a report.
    """

    name: str
    kind: str
    data: DataLabel
    activity: str
    facts: Sequence[tuple[str, str]]
    n_ended: int
    n_planned: int
    progress: float
    failures: Sequence[str]
    trials: Sequence[LiveTrial]
    read_at: datetime
    refresh_s: int | None
    report: str | None


def require_live_page(path: Path) -> None:
    """Check that a file may be replaced: it does not exist, or it is a live page.

    Raises:
        ConflictError: There is another file or a folder.
    """
    try:
        with path.open("rb") as file:
            is_live_page = GENERATOR.encode() in file.read(1000)
    except FileNotFoundError:
        return
    except OSError:
        is_live_page = False
    if not is_live_page:
        raise ConflictError(
            f"{path} exists and is not a page of bloodstudy watch",
            path=str(path),
            remedy="choose another --output",
        )


def render_live_page(page: LivePage) -> str:
    """Return the page in HTML, which makes no request and follows the system's colors."""
    css, script = (
        "".join((TEMPLATE_FOLDER / name).read_text(encoding="utf-8") for name in names)
        for names in (("style.css", "live.css"), ("live.js",))
    )
    values = [value for trial in page.trials for value in trial.values]
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (
        make_environment(None)
        .get_template("live.html")
        .render(
            page=page,
            activity=page.activity,
            generator=Markup(GENERATOR),  # noqa: S704 - constant
            curves=[_make_curve(trial, low, high) for trial in page.trials],
            width=CURVE_WIDTH,
            height=CURVE_HEIGHT,
            low=format_number(low, "percent"),
            high=format_number(high, "percent"),
            css=Markup(css),  # noqa: S704 - files of this package
            css_hash=compute_csp_hash(css),
            script=Markup(script),  # noqa: S704 - file of this package
            script_hash=compute_csp_hash(script),
        )
    )


def _make_curve(trial: LiveTrial, low: float, high: float) -> str:
    """Return the points of a polyline: epochs from left to right, val macro F1 upward.

    Args:
        trial: Trial with its values.
        low: Value at the bottom of all curves.
        high: Value at their top.
    """
    margin, span = 2, max(high - low, 1e-9)
    step = (CURVE_WIDTH - 2 * margin) / max(1, trial.max_epochs - 1)
    return " ".join(
        f"{margin + i * step:.1f},"
        f"{CURVE_HEIGHT - margin - (CURVE_HEIGHT - 2 * margin) * (value - low) / span:.1f}"
        for i, value in enumerate(trial.values)
    )
