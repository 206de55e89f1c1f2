"""Describe the result of votes, for the report and the terminal."""

from collections.abc import Iterator, Sequence

import pandas as pd

from reports.analysis.intervals import ALPHA
from reports.analysis.votes import VoteComparison
from reports.format.table import choose_column_decimals
from reports.format.units import format_count, format_interval, format_number


def describe_votes(comparison: VoteComparison, names: Sequence[str]) -> Iterator[str]:
    """Yield sentences on what a vote is, and on what the votes gain.

    Args:
        comparison: Votes beside their members.
        names: Name of each vote.
    """
    frame = comparison.frame
    yield (
        "A vote assigns each image to the class with the highest mean probability over its "
        "members, which are models of this study. No model was trained for it."
    )
    yield (
        f"{_count_better(frame, 'mean')} a significantly higher macro F1 on test than the mean of "
        f"the members (Holm-adjusted p < {ALPHA:g})."
    )
    if comparison.has_folds:
        yield "In a cross-validation, the members have other images on val, so no vote is selected."
        return
    yield f"{_count_better(frame, 'best')} a significantly higher one than the best member on val."
    best = int(frame["val_macro_f1"].argmax())
    row = frame.iloc[best]
    decimals = choose_column_decimals(frame, "macro_f1_gain_best")
    score = format_number(row["test_macro_f1"], "percent", decimals=decimals)
    gain = format_number(row["macro_f1_gain_best"], "points", decimals=decimals)
    ends = row["macro_f1_gain_best_low"], row["macro_f1_gain_best_high"]
    yield f"The vote with the highest macro F1 on val is “{names[best]}”."
    yield (
        f"On test, it has a macro F1 of {score}% and a gain of {gain} points over its best member "
        f"on val (95% confidence interval {format_interval(*ends, 'points', decimals=decimals)})."
    )


def _count_better(frame: pd.DataFrame, member: str) -> str:
    """Return how many votes have a significant gain over a member, `mean` or `best`."""
    is_significant = frame[f"p_{member}_holm"] < ALPHA
    n_better = int((is_significant & (frame[f"macro_f1_gain_{member}"] > 0)).sum())
    return f"{n_better} of {format_count(len(frame), 'vote')} {'has' if n_better == 1 else 'have'}"
