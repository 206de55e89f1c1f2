"""Show which differences between configurations are significant: every pair, tested."""

import pandas as pd

from reports import figures
from reports.analysis.intervals import ALPHA
from reports.analysis.pairwise import PairwiseComparison
from reports.format.columns import PAIR_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel
from reports.format.units import format_count
from reports.sections.elements import Section, make_caption, make_figure

TITLE = "Which differences are significant"
_MAX_PAIRS = 66  # pairs of 12 configurations; longer tables are not readable


def make_section(
    pairwise: PairwiseComparison,
    *,
    comparison: pd.DataFrame,
    data: DataLabel,
    key: str = "pairs",
    title: str = TITLE,
) -> Section | None:
    """Make a figure of the groups and a table of the pairs, for one or several studies.

    Args:
        pairwise: Pairs of the configurations, and their groups.
        comparison: Frame from `frames.make_comparison_frame`, of every study.
        data: Names of the data, the same for every study.
        key: Key of the section, of its figure and of its table.
        title: Heading of the section.
    """
    pairs = pairwise.pairs
    if pairs.empty:
        return None
    ranked_names = list(pairwise.ranked_names)
    ranked_rows = comparison.set_index("configuration", drop=False).loc[ranked_names]
    display_frame = _select_display_rows(pairs, ranked_names[0])
    caption_text = (
        "Macro F1 on test with 95% confidence intervals, best first. Dots on one bar: "
        "configurations that are not significantly different from each other."
    )
    table_caption = make_caption("Pairs of configurations on test", data)
    return Section(
        key=key,
        title=title,
        paragraphs=tuple(_make_paragraphs(pairs, len(display_frame))),
        figures=(
            make_figure(
                "groups" if key == "pairs" else f"groups-{key}",
                caption_text,
                figures.draw_groups(ranked_rows, pairwise.tied_groups, data=data),
                data,
            ),
        ),
        tables=(
            make_table(key, table_caption, PAIR_COLUMNS, display_frame, values=pairs, folded=True),
        ),
    )


def _make_paragraphs(pairs: pd.DataFrame, n_rows: int) -> list[str]:
    n_seeds = pairs["seeds"].max()
    n_significant, n_identical = (
        int(pairs["significant"].sum()),
        int((pairs["n_differing"] == 0).sum()),
    )
    verb = "differs" if n_significant == 1 else "differ"
    paragraphs = [
        f"{n_significant} of {format_count(len(pairs), 'pair')} {verb} significantly "
        f"(Holm-adjusted p < {ALPHA:g})."
        + (
            f" In {format_count(n_identical, 'pair')}, all predictions are identical."
            if n_identical
            else ""
        )
        + " Not significantly different does not mean equal: the test images"
        + (" and seeds" if n_seeds > 1 else "")
        + " may be too few to detect the difference."
    ]
    variance_sources = (
        "test images and seeds"
        if n_seeds > 1
        else "test images only, because one seed gives no variance across seeds"
    )
    paragraphs.append(
        "Two configurations are compared on the same test images and seeds. The first p-value "
        "decides; it tests their paired difference in macro F1 and includes the variance over "
        f"{variance_sources}. The second p-value is from McNemar's exact test, which counts the "
        "images that only one of two trained models classifies correctly. With several seeds, the "
        "largest p-value is shown."
    )
    if n_seeds == 1:
        paragraphs.append(
            "A significant pair is therefore a difference between two trained models. To compare "
            "the configurations, use more seeds."
        )
    if n_rows < len(pairs):
        paragraphs.append(
            f"The table shows the pairs of the best configuration; the CSV file has all "
            f"{len(pairs):,}."
        )
    return paragraphs


def _select_display_rows(pairs: pd.DataFrame, best_name: str) -> pd.DataFrame:
    """Return the rows that the page shows, with the result as text."""
    if len(pairs) > _MAX_PAIRS:
        pairs = pairs[(pairs["a"] == best_name) | (pairs["b"] == best_name)]
    new_names = {"low": "interval_low", "high": "interval_high"}
    return pairs.rename(columns=new_names).assign(
        result=[_describe_result(row) for row in pairs.to_dict("records")]
    )


def _describe_result(row: dict[object, object]) -> str:
    if row["n_differing"] == 0:
        return "identical"
    if not row["significant"]:
        return "not significantly different"
    return f"{row['a'] if row['difference'] > 0 else row['b']} is higher"  # type: ignore[operator]
