"""Which differences are real: every pair of configurations, tested."""

import pandas as pd

from reports import figures
from reports.analysis import pairwise
from reports.analysis.intervals import LEVEL
from reports.format.columns import PAIRS
from reports.format.table import table
from reports.format.text import DataWords
from reports.format.units import plural
from reports.sections.elements import Section, caption, picture
from reports.sections.findings import Findings

_TITLE = "Which differences are real"
_PAIRS_AT_MOST = 66  # of 12 configurations; more rows than that nobody reads


def section(found: Findings) -> Section | None:
    """A figure of the groups, and the pairs."""
    return compared("pairs", _TITLE, found.comparison, found.pairs, found.data)


def compared(
    key: str, title: str, comparison: pd.DataFrame, pairs: pd.DataFrame, data: DataWords
) -> Section | None:
    """A figure of the groups, and the pairs, of one study or of several on the same data.

    Args:
        key: of the section, the figure and the table.
        title: of the section.
        comparison: from `tables.comparison`, of every study.
        pairs: from `comparisons.pairs`, of their trials together.
        data: of all.
    """
    if pairs.empty:
        return None
    leading = pairwise.leading(comparison)
    own = comparison.set_index("configuration", drop=False).loc[leading]
    together = pairwise.groups(leading, pairs)
    shown = _shown(pairs, leading[0])
    text = (
        "Macro F1 on test with 95 % intervals, from the best to the worst; dots on one bar: "
        "configurations of which no two could be separated."
    )
    named = caption("Pairs of configurations on test", data)
    return Section(
        key=key,
        title=title,
        words=tuple(_words(pairs, len(shown))),
        pictures=(
            picture(
                "groups" if key == "pairs" else f"groups-{key}",
                text,
                figures.groups(own, together, data=data),
                data,
            ),
        ),
        tables=(table(key, named, PAIRS, shown, values=pairs, folded=True),),
    )


def _words(pairs: pd.DataFrame, shown: int) -> list[str]:
    seeds = pairs["seeds"].max()
    separated, equal = int(pairs["separated"].sum()), int((pairs["differing"] == 0).sum())
    verb = "differs" if separated == 1 else "differ"
    count = f"Of {plural(len(pairs), 'pair')}, {separated} {verb} beyond what chance explains"
    words = [
        f"{count}, at a level of {100 * LEVEL:g} % for all pairs together (Holm)."
        + (f" In {equal}, not one prediction differs." if equal else "")
        + " Not to be separated is not to be equal: it says that these images"
        + (" and seeds" if seeds > 1 else "")
        + " do not suffice."
    ]
    lucks = "test images and seeds" if seeds > 1 else "test images alone, as one seed has no spread"
    words.append(
        "Two configurations are compared on the same test images and the same seeds. The first p, "
        f"which decides, is of their difference in macro F1, over {lucks}. The second is McNemar's "
        "exact test, of the images that one of two trained models alone gets right; of several "
        "seeds, the least favourable."
    )
    if seeds == 1:
        words.append(
            "So a separated pair is two trained models that differ. Whether the configurations do "
            "takes more seeds."
        )
    if shown < len(pairs):
        words.append(
            f"The table shows the pairs of the highest configuration; all {len(pairs):,} are in "
            "its CSV file."
        )
    return words


def _shown(pairs: pd.DataFrame, best: str) -> pd.DataFrame:
    """The rows that the page shows, with the result in words."""
    if len(pairs) > _PAIRS_AT_MOST:
        pairs = pairs[(pairs["a"] == best) | (pairs["b"] == best)]
    names = {"low": "interval_low", "high": "interval_high"}
    return pairs.rename(columns=names).assign(
        result=[_result(row) for row in pairs.to_dict("records")]
    )


def _result(row: dict[object, object]) -> str:
    if row["differing"] == 0:
        return "identical"
    if not row["separated"]:
        return "not separated"
    return f"{row['a'] if row['difference'] > 0 else row['b']} is higher"  # type: ignore[operator]
