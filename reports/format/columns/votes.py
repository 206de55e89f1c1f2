"""Columns of the tables about votes."""

from reports.format.columns.common import make_interval_column
from reports.format.table import Column

_VOTE_COLUMN = Column(key="vote", heading=("Vote of",))
_MEMBERS_COLUMN = Column(key="members", heading=("Members",), unit="count")


def _make_score_columns(score: str, name: str) -> tuple[Column, ...]:
    """Return the column of a score of the vote, and those of its gain over the members' mean."""
    return (
        Column(
            key=f"test_{score}",
            heading=(name, "(%)"),
            unit="percent",
            interval_key=f"{score}_gain_mean",
        ),
        Column(
            key=f"{score}_gain_mean", heading=("Gain over mean", "member (points)"), unit="points"
        ),
        make_interval_column(f"{score}_gain_mean", unit="points_interval"),
    )


def _make_best_gain_columns(score: str) -> tuple[Column, ...]:
    return (
        Column(
            key=f"{score}_gain_best",
            heading=("Gain over best", "on val (points)"),
            unit="points",
        ),
        make_interval_column(f"{score}_gain_best", unit="points_interval"),
    )


def _make_member_columns(score: str, name: str) -> tuple[Column, ...]:
    """Return the interval of a score of the vote, and the scores of the members."""
    interval = Column(key=f"test_{score}", heading=(f"{name},", "95% CI (%)"), unit="interval")
    return interval, *(
        Column(
            key=f"{member}_{score}",
            heading=(heading, "(%)"),
            unit="percent",
            interval_key=f"{score}_gain_mean",
        )
        for member, heading in (("mean", "Mean member"), ("best", "Best on val"))
    )


VOTE_COLUMNS = (
    _VOTE_COLUMN,
    # A phone shows the first three columns.
    *_make_score_columns("macro_f1", "Macro F1"),
    Column(key="p_mean_holm", heading=("Holm-adjusted", "p"), unit="p"),
    *_make_best_gain_columns("macro_f1"),
    Column(key="p_best_holm", heading=("Holm-adjusted", "p"), unit="p"),
    *_make_member_columns("macro_f1", "Macro F1"),
    Column(
        key="val_macro_f1",
        heading=("Macro F1", "on val (%)"),
        unit="percent",
        mark_highest=True,
        interval_key="macro_f1_gain_mean",
    ),
    _MEMBERS_COLUMN,
    Column(
        key="parameters",
        heading=("Parameters", "(millions)"),
        unit="millions",
        is_lower_better=True,
    ),
    Column(key="operations", heading=("MFLOP", "per image"), unit="millions", is_lower_better=True),
)
VOTE_ACCURACY_COLUMNS = (
    _VOTE_COLUMN,
    *_make_score_columns("accuracy", "Accuracy"),
    *_make_best_gain_columns("accuracy"),
    *_make_member_columns("accuracy", "Accuracy"),
    _MEMBERS_COLUMN,
)
