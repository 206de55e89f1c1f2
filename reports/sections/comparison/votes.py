"""Show what votes of trained models score, beside their members."""

from collections.abc import Iterator

from reports.analysis.votes import VoteComparison
from reports.format.columns import VOTE_ACCURACY_COLUMNS, VOTE_COLUMNS
from reports.format.model_labels import format_vote
from reports.format.table import make_table
from reports.sections.context import ReportContext
from reports.sections.elements import Section
from reports.sections.vote_text import describe_votes


def make_section(comparison: VoteComparison | None, *, context: ReportContext) -> Section | None:
    """Make a table of the votes and one of their accuracy; None without a vote.

    Args:
        comparison: Votes beside their members.
        context: Labels.
    """
    if comparison is None:
        return None
    frame = comparison.frame
    names = [format_vote(vote.configurations, context.copies) for vote in comparison.votes]
    labeled = frame.assign(vote=names)
    return Section(
        key="votes",
        title="Votes",
        paragraphs=(" ".join(describe_votes(comparison, names)),),
        notes=tuple(_explain_method(comparison, context)),
        tables=(
            make_table(
                "votes", "Votes and their members on test", VOTE_COLUMNS, labeled, values=frame
            ),
            make_table(
                "votes-accuracy",
                "Accuracy of votes and their members on test",
                VOTE_ACCURACY_COLUMNS,
                labeled,
                values=frame,
                folded=True,
            ),
        ),
    )


def _explain_method(comparison: VoteComparison, context: ReportContext) -> Iterator[str]:
    best_text = ", and “best on val” the member with the highest macro F1 on val"
    yield (
        "A vote has all replicates of one model, or of the models with the highest mean macro F1 "
        "on val. Test selects nothing. “Mean member” is the mean score of the members"
        f"{'' if comparison.has_folds else best_text}."
    )
    yield (
        "If several models vote, the difference between them is part of the gain over the mean "
        "member. A weaker model lowers the mean more than the vote."
    )
    replicates = "seeds" if context.folds is None else "seeds and folds"
    yield (
        "The intervals are from bootstrap samples of the test images, which a vote and its members "
        f"share. They do not include the variance between votes of other {replicates}, because "
        "each model has only one vote. The intervals are not corrected. Holm's correction covers "
        f"the {comparison.n_tests} gains in macro F1 of this table."
    )
    yield (
        "A vote costs as much as its members together: parameters and operations per image are "
        "sums. A multiply-add counts as two operations. The time of a prediction was not measured."
    )
