"""What the paper claims, with what this study says about it."""

import pandas as pd

from reports.analysis.intervals import ALPHA
from reports.claims.all_claims import SIMILARITY_MARGIN, make_claims_frame
from reports.claims.claim import Claim
from reports.claims.confusion import MIN_SAME_CORRELATION
from reports.claims.convergence import CONVERGED_DROP
from reports.claims.judged_study import JudgedStudy
from reports.format.table import Column, make_table
from reports.format.units import format_count
from reports.ledger.states import DataKind
from reports.sections.context import ReportContext
from reports.sections.elements import Section, make_caption

_COLUMNS = (
    Column(key="claim", heading=("Claim",), unit="prose"),
    Column(key="verdict", heading=("Verdict",), unit="verdict"),
    Column(key="evidence", heading=("Evidence",), unit="prose"),
)


def make_section(judged: JudgedStudy, *, context: ReportContext) -> Section:
    """Show the eight claims as a table.

    Args:
        judged: Claims with their verdicts, and the trials that they rest on.
        context: Labels.
    """
    rows = [
        {
            "claim": f"{claim.statement.removesuffix('.')} ({_format_paper_section(claim)}).",
            "verdict": claim.verdict,
            "evidence": claim.evidence,
        }
        for claim in judged.claims
    ]
    return Section(
        key="claims",
        title="What the paper claims",
        paragraphs=_make_paragraphs(judged, context),
        tables=(
            make_table(
                "claims",
                make_caption(
                    "Claims of the paper, and what this study says about them", context.data
                ),
                _COLUMNS,
                pd.DataFrame(rows),
                values=make_claims_frame(judged.claims),
            ),
        ),
        facts=_DEFINITIONS,
    )


def _format_paper_section(claim: Claim) -> str:
    return f"section{'s' if ',' in claim.paper_sections else ''} {claim.paper_sections}"


def _make_paragraphs(judged: JudgedStudy, context: ReportContext) -> tuple[str, ...]:
    paragraphs = [
        "The paper draws its conclusions from one run of each configuration. Here each is held "
        f"against the {format_count(judged.n_trials, 'finished trial')} of this study. "
        "“Supported” and “contradicted” are said only where the luck of the seeds and, for scores, "
        "the choice of the test images cannot explain what was found. “Cannot tell” means that "
        "these trials do not decide, not that the claim is wrong."
    ]
    if context.data_kind == DataKind.FILE:
        paragraphs.append(
            "These data are not the file that the paper used: a verdict says whether the claim "
            "holds on these data."
        )
    if judged.missing_names and judged.n_trials:
        names_text = ", ".join(judged.missing_names)
        paragraphs.append(f"Without a finished trial, and so in no verdict: {names_text}.")
    return tuple(paragraphs)


_DEFINITIONS = (
    (
        "Separated",
        f"p < {ALPHA} after Holm's correction for the number of comparisons of the claim. "
        "Intervals are of 95 %, over seeds and test images; those of loss curves are over seeds "
        "alone.",
    ),
    (
        "Roughness of a loss curve",
        "The spread of the loss around the line through its neighbours, in parts of the loss "
        "(second differences of its logarithm). Two curves are compared from half of the lower of "
        "their first losses to the lowest loss that both reach, so that the speed of the fall "
        "does not count. They differ in the optimizer alone and share a seed; for a verdict every "
        "family has to agree with the mean of all.",
    ),
    (
        "Convergence",
        f"The first epoch at which the training loss has made {100 * CONVERGED_DROP:g} % of its "
        "drop from the first epoch to its lowest.",
    ),
    (
        "Similar F1",
        f"Within {SIMILARITY_MARGIN * 100:g} point of macro F1, with the whole interval. The "
        "margin is ours, as the paper gives none.",
    ),
    (
        "Share of the errors",
        "Those in which a class is the true or the predicted one, so shares of all classes add up "
        "to 200 %. A class is compared with the one that comes next to it.",
    ),
    (
        "Pattern of confusion",
        "The 56 cells off the diagonal, summed over seeds; r is Pearson's correlation of two such "
        f"patterns, and they count as the same from {MIN_SAME_CORRELATION}, a threshold of ours. "
        "Few errors lower r by chance alone.",
    ),
)
