"""Which differences are real: every pair of configurations, tested."""

import pandas as pd

from reports import figures
from reports.analysis.intervals import ALPHA
from reports.analysis.pairwise import PairwiseComparison
from reports.format.columns import PAIR_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel
from reports.format.units import format_count
from reports.sections.elements import Section, make_caption, make_figure

_TITLE = "Which differences are real"
_MAX_PAIRS = 66  # of 12 configurations; more rows than that nobody reads


def make_section(
    pairwise: PairwiseComparison,
    *,
    comparison: pd.DataFrame,
    data: DataLabel,
    key: str = "pairs",
    title: str = _TITLE,
) -> Section | None:
    """Make a figure of the groups and a table of the pairs, of one study or of several.

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
        "Macro F1 on test with 95 % intervals, from the best to the worst; dots on one bar: "
        "configurations of which no two could be separated."
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
    n_separated, n_identical = (
        int(pairs["significant"].sum()),
        int((pairs["n_differing"] == 0).sum()),
    )
    verb = "differs" if n_separated == 1 else "differ"
    count_text = (
        f"Of {format_count(len(pairs), 'pair')}, {n_separated} {verb} beyond what chance explains"
    )
    paragraphs = [
        f"{count_text}, at a level of {100 * ALPHA:g} % for all pairs together (Holm)."
        + (f" In {n_identical}, not one prediction differs." if n_identical else "")
        + " Not to be separated is not to be equal: it says that these images"
        + (" and seeds" if n_seeds > 1 else "")
        + " do not suffice."
    ]
    variance_sources = (
        "test images and seeds" if n_seeds > 1 else "test images alone, as one seed has no spread"
    )
    paragraphs.append(
        "Two configurations are compared on the same test images and the same seeds. The first p, "
        f"which decides, is of their difference in macro F1, over {variance_sources}. The second "
        "is McNemar's exact test, of the images that one of two trained models alone gets right; "
        "of several seeds, the least favourable."
    )
    if n_seeds == 1:
        paragraphs.append(
            "So a separated pair is two trained models that differ. Whether the configurations do "
            "takes more seeds."
        )
    if n_rows < len(pairs):
        paragraphs.append(
            f"The table shows the pairs of the highest configuration; all {len(pairs):,} are in "
            "its CSV file."
        )
    return paragraphs


def _select_display_rows(pairs: pd.DataFrame, best_name: str) -> pd.DataFrame:
    """The rows that the page shows, with the result in words."""
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
        return "not separated"
    return f"{row['a'] if row['difference'] > 0 else row['b']} is higher"  # type: ignore[operator]
