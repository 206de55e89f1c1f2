"""Print the table of `bloodstudy ensemble`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from reports.analysis.votes import VoteComparison
from reports.format.model_labels import format_vote
from reports.format.table import choose_column_decimals
from reports.format.text import make_data_label
from reports.format.units import format_interval, format_number
from reports.ledger.data_record import DataRecord
from reports.sections.vote_text import describe_votes
from study.console.format import format_percent, make_output_console, make_plain_table

_MEMBERS = {"mean": "mean member", "best": "best on val"}


def print_votes(
    comparison: VoteComparison, data: DataRecord, copies: Mapping[str, Sequence[str]]
) -> None:
    """Print the result, the table of macro F1 and the table of accuracy to standard output.

    Args:
        comparison: Votes beside their members.
        data: Data of the study.
        copies: Names of the other configurations that train the same model, by name of the model.
    """
    console = make_output_console()
    names = [format_vote(vote.configurations, copies) for vote in comparison.votes]
    console.print(
        make_data_label(data).short, *describe_votes(comparison, names), sep="\n", markup=False
    )
    for score, heading in (("macro_f1", "macro F1 (%)"), ("accuracy", "accuracy (%)")):
        console.print()
        console.print(make_vote_table(comparison, names, score, heading))


def make_vote_table(
    comparison: VoteComparison, names: Sequence[str], score: str, heading: str
) -> Table:
    """Return a table with a score of each vote on test, in two rows: one per compared member.

    Args:
        comparison: Votes beside their members.
        names: Name of each vote.
        score: Name of the score, `macro_f1` or `accuracy`.
        heading: Heading of the score.
    """
    frame = comparison.frame
    table = make_plain_table()
    table.add_column("vote of", overflow="fold")
    for text in ("members", heading):
        table.add_column(text, justify="right", overflow="fold")
    table.add_column("gain over", overflow="fold")
    for text in ("points", "95% interval"):
        table.add_column(text, justify="right", overflow="fold")
    if score == "macro_f1":  # the score that is tested
        table.add_column("p (Holm)", justify="right", no_wrap=True)
    decimals = choose_column_decimals(frame, f"{score}_gain_mean")
    for name, row in zip(names, frame.to_dict("records"), strict=True):
        first = [name, str(row["members"]), format_percent(row[f"test_{score}"], decimals=decimals)]
        for member, text in _MEMBERS.items():
            if f"{score}_gain_{member}" in frame:
                gain = _format_gain(row, f"{score}_gain_{member}", decimals)
                p = [format_number(row[f"p_{member}_holm"], "p")] if score == "macro_f1" else []
                table.add_row(*first, text, *gain, *p)
                first = [""] * len(first)
    return table


def _format_gain(row: Mapping[Any, Any], key: str, decimals: int) -> list[str]:
    return [
        format_number(row[key], "points", decimals=decimals),
        format_interval(row[f"{key}_low"], row[f"{key}_high"], "points", decimals=decimals),
    ]
