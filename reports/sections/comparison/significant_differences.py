"""Show which models differ, which are equivalent, and which are undecided: every pair, tested."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from reports.analysis.intervals import ALPHA
from reports.analysis.pair_decisions import POWER, Decision
from reports.analysis.pairwise import PairwiseComparison
from reports.format.columns import PAIR_COLUMNS, PREDICTION_PAIR_COLUMNS
from reports.format.model_labels import label_models
from reports.format.table import make_table
from reports.format.text import DataLabel
from reports.format.units import BLANK, choose_decimals, format_count, format_number
from reports.sections.elements import Section
from reports.sections.verdict_text import format_margin

TITLE = "Which configurations differ"
TABLE_CAPTION = "Pairs of models on test"
_PREDICTION_KEYS = [
    *("a", "b", "replicates", "only_a_correct", "only_b_correct", "n_differing"),
    *("p_mcnemar", "p_mcnemar_holm"),
]
_MAX_PAIRS = 66  # pairs of 12 configurations; longer tables are not readable
_MAX_OPEN_ROWS = 15  # pairs of 6 configurations


def make_section(
    pairwise: PairwiseComparison,
    *,
    key: str = "pairwise",
    title: str = TITLE,
    table_caption: str = TABLE_CAPTION,
    data: DataLabel | None = None,
) -> Section | None:
    """Make a table of the pairs, for one or several studies; None without a pair.

    Args:
        pairwise: Pairs of the models.
        key: Key of the section and name of its table.
        title: Heading of the section.
        table_caption: Caption of the table.
        data: Names of the data, if the page is about several.
    """
    pairs = pairwise.pairs
    if pairs.empty:
        return None
    margin_text = format_margin(pairwise.margin)
    display_frame = _select_display_rows(pairs, pairwise.ranked_names[0])
    labeled_frame = label_models(display_frame, pairwise.copies, ("a", "b"))
    return Section(
        key=key,
        title=title,
        paragraphs=tuple(_describe_outcome(pairs, margin_text, len(display_frame))),
        notes=tuple(_explain_method(pairs, margin_text)),
        tables=(
            make_table(
                key,
                table_caption,
                PAIR_COLUMNS,
                labeled_frame,
                values=pairs,
                data=data,
                folded=len(display_frame) > _MAX_OPEN_ROWS,
            ),
            make_table(
                f"{key}-predictions",
                "Test images that only one of two models classifies correctly",
                PREDICTION_PAIR_COLUMNS,
                labeled_frame,
                values=pairs[_PREDICTION_KEYS],
                data=data,
                folded=True,
            ),
        ),
    )


def join_letters(frame: pd.DataFrame, pairwise: PairwiseComparison) -> "pd.Series[str]":
    """Return the letters of both kinds of groups of each configuration, e.g. `ab, A`."""
    names = frame["configuration"]
    letters = (
        names.map(group_letters).fillna("")
        for group_letters in (pairwise.group_letters, pairwise.equivalence_letters)
    )
    tied, equivalent = letters
    return tied + (", " + equivalent).where(equivalent != "", "")


def _describe_outcome(pairs: pd.DataFrame, margin_text: str, n_rows: int) -> Iterator[str]:
    counts = pairs["decision"].value_counts()
    n_different, n_equivalent, n_undecided = (int(counts.get(key, 0)) for key in Decision)
    yield (
        f"Among {format_count(len(pairs), 'pair')}, {n_different} "
        f"{'differs' if n_different == 1 else 'differ'} significantly, {n_equivalent} "
        f"{'is' if n_equivalent == 1 else 'are'} equivalent within {margin_text}, and "
        f"{n_undecided} {'is' if n_undecided == 1 else 'are'} undecided. Not significantly "
        "different does not mean equal."
    )
    if n_undecided:
        yield _describe_power(pairs, margin_text)
    if pairs["replicates"].max() == 1:
        yield (
            "A significant pair is a difference between two trained models. To compare the "
            "configurations, use more seeds."
        )
    if n_rows < len(pairs):
        yield f"The table shows the pairs of the best model; the CSV file has all {len(pairs):,}."


def _explain_method(pairs: pd.DataFrame, margin_text: str) -> Iterator[str]:
    variance_sources = (
        "test images and replicates"
        if pairs["replicates"].max() != 1
        else "test images only, because one replicate gives no variance across replicates"
    )
    yield (
        f"Two models differ if the test of their difference in macro F1 gives p < {ALPHA:g}. They "
        f"are equivalent if two one-sided tests reject a difference of {margin_text} or more. "
        f"These tests include the variance over {variance_sources}. Holm's correction covers all "
        "pairs of this table. The intervals are not corrected."
    )
    yield (
        "McNemar's exact test asks whether the predictions of two trained models of the same "
        "replicate differ. With several replicates, its largest p-value is shown."
    )
    if (pairs["replicates"] == 0).any():
        yield (
            "Pairs with 0 replicates share no replicate. The means over all their replicates are "
            "compared."
        )


def _describe_power(pairs: pd.DataFrame, margin_text: str) -> str:
    """Say which difference could be detected, and what it takes to decide the undecided pairs."""
    undecided = pairs[pairs["decision"] == Decision.UNDECIDED]
    decimals = choose_decimals(pairs["low"], pairs["high"])
    low, high = (
        format_number(bound, "points", decimals=decimals).lstrip("+")
        for bound in (
            undecided["detectable_difference"].min(),
            undecided["detectable_difference"].max(),
        )
    )
    text = (
        "For the undecided pairs, this study detects a difference of "
        f"{low if low == high else f'{low} to {high}'} points with a probability of "
        f"{POWER:.0%}. To detect {margin_text}, a pair needs the replicates or the test images in "
        "the table."
    )
    if undecided[["replicates_needed", "images_needed"]].isna().any(axis=None):
        text += (
            f" {BLANK} means that no number suffices, or that it cannot be estimated from one "
            "replicate."
        )
    return text


def _select_display_rows(pairs: pd.DataFrame, best_name: str) -> pd.DataFrame:
    """Return the rows that the page shows, with the result as text."""
    if len(pairs) > _MAX_PAIRS:
        pairs = pairs[(pairs["a"] == best_name) | (pairs["b"] == best_name)]
    is_undecided = pairs["decision"] == Decision.UNDECIDED
    needed = {
        name: pairs[name].where(is_undecided) for name in ("replicates_needed", "images_needed")
    }
    return pairs.rename(columns={"low": "interval_low", "high": "interval_high"}).assign(
        result=[_describe_result(row) for row in pairs.to_dict("records")], **needed
    )


def _describe_result(row: dict[Any, Any]) -> str:
    if row["decision"] == Decision.DIFFERENT:
        return f"{row['a'] if row['difference'] > 0 else row['b']} is higher"
    return str(row["decision"])
