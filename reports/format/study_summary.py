"""Summarize a study in a few lines, as text and as HTML for notebooks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from reports.format.table import choose_column_decimals
from reports.format.text import DataLabel
from reports.format.units import format_count, format_interval, format_number

MAX_NAMES = 4
"""Maximum number of configurations named in the text."""

MAX_ROWS = 5
"""Maximum number of configurations in the HTML table."""

_CELL_STYLE = "padding: 0.15em 1em 0.15em 0; text-align: {}; border-bottom: 1px solid #8885"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySummary:
    """Facts about a study and its progress.

    Attributes:
        name: Name of the study.
        kind: Kind of the study, `grid` or `search`.
        data: Name of the data.
        search_states: Number of trials of the search by state; None for a grid.
        trial_states: Number of planned trials by state; for a search, the re-trained ones.
        configurations: Names of the compared configurations.
        n_problems: Number of trials left out because of missing or damaged files.
    """

    name: str
    kind: str
    data: DataLabel
    search_states: Mapping[str, int] | None
    trial_states: Mapping[str, int]
    configurations: tuple[str, ...]
    n_problems: int


def format_summary_text(summary: StudySummary) -> str:
    """Format the summary as a few lines of text."""
    lines = [f"Study {summary.name!r}: {summary.kind}, {summary.data.short}"]
    lines += [f"  {label}: {text}" for label, text in _list_facts(summary)]
    if names := summary.configurations:
        n_more = len(names) - MAX_NAMES
        more = f" and {n_more} more" if n_more > 0 else ""
        lines.append(f"  configurations: {', '.join(names[:MAX_NAMES])}{more}")
    return "\n".join(lines)


def format_summary_html(summary: StudySummary, comparison: pd.DataFrame) -> str:
    """Format the summary as HTML with a table of the best configurations.

    The colors are inherited from the surrounding page, light or dark.

    Args:
        summary: Summary of the study.
        comparison: Frame from `frames.make_comparison_frame`, with intervals.
    """
    heading = Markup("<strong>{}</strong> · {} · {}").format(
        summary.name, summary.kind, summary.data.short
    )
    facts = [Markup("<div>{}: {}</div>").format(*fact) for fact in _list_facts(summary)]
    table = _format_table(comparison)
    return str(
        Markup(
            '<div style="font-family: system-ui, sans-serif; line-height: 1.5">{}{}{}</div>'
        ).format(Markup("<div>{}</div>").format(heading), Markup("").join(facts), table)
    )


def _list_facts(summary: StudySummary) -> Iterator[tuple[str, str]]:
    if summary.search_states is not None:
        yield "search", _format_states(summary.search_states)
    if summary.trial_states or summary.search_states is None:
        is_grid = summary.search_states is None
        yield "trials" if is_grid else "re-trained", _format_states(summary.trial_states)
    if summary.n_problems:
        yield "left out", f"{format_count(summary.n_problems, 'trial')}; see `problems`"


def _format_states(counts: Mapping[str, int]) -> str:
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"{sum(counts.values())} ({states})" if states else "0"


def _format_table(comparison: pd.DataFrame) -> Markup:
    """Format the configurations with the highest macro F1; empty if none has a score."""
    scored = comparison[comparison["replicates"] > 0]
    best = scored.sort_values("test_macro_f1", ascending=False, kind="stable").head(MAX_ROWS)
    if best.empty:
        return Markup("")
    decimals = choose_column_decimals(scored, "test_macro_f1")
    rows = [
        (
            row["configuration"],
            f"{row['replicates']:.0f}",
            format_number(row["test_macro_f1"], "percent", decimals=decimals),
            format_interval(
                row["test_macro_f1_low"], row["test_macro_f1_high"], "percent", decimals=decimals
            ),
        )
        for row in best.to_dict("records")
    ]
    note = f"Best {MAX_ROWS} of {len(scored)} configurations." if len(scored) > MAX_ROWS else ""
    headings = (
        "configuration",
        "replicates",
        "macro F1 on test (%)",
        "95% confidence interval (%)",
    )
    header, body = _format_row("th", headings), Markup("").join(_format_row("td", r) for r in rows)
    return Markup(
        '<table style="border-collapse: collapse; margin: 0.5em 0; color: inherit">'
        "<thead>{}</thead><tbody>{}</tbody></table><div>{}</div>"
    ).format(header, body, note)


def _format_row(tag: str, cells: tuple[str, ...]) -> Markup:
    styles = [_CELL_STYLE.format("right" if i else "left") for i in range(len(cells))]
    template = Markup(f'<{tag} style="{{}}">{{}}</{tag}>')  # noqa: S704  the tag is ours
    formatted = [template.format(*pair) for pair in zip(styles, cells, strict=True)]
    return Markup('<tr style="background: none">{}</tr>').format(Markup("").join(formatted))
