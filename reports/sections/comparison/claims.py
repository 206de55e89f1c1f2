"""Show the claims of the paper with the verdicts of this study."""

from collections.abc import Sequence

import pandas as pd

from reports.analysis.intervals import ALPHA
from reports.analysis.loss_curves import CONVERGED_DROP
from reports.analysis.pattern_correlation import MIN_SAME_CORRELATION
from reports.claims.all_claims import SIMILARITY_MARGIN, make_claims_frame
from reports.claims.claim import Claim
from reports.claims.judged_study import JudgedStudy
from reports.format.table import Column, make_table
from reports.format.units import format_count
from reports.ledger.states import DataKind
from reports.sections.context import ReportContext
from reports.sections.elements import Section

_COLUMNS = (
    Column(key="claim", heading=("Claim",), unit="prose"),
    Column(key="verdict", heading=("Verdict",), unit="verdict"),
    Column(key="evidence", heading=("Evidence",), unit="prose"),
)


def make_section(
    judged: JudgedStudy, *, class_warnings: Sequence[str] = (), context: ReportContext
) -> Section:
    """Show the eight claims as a table.

    Args:
        judged: Claims with their verdicts, and the trials they are based on.
        class_warnings: Warnings from `data_warnings.list_small_classes`.
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
        title="Claims of the paper",
        paragraphs=(*_make_paragraphs(judged, context), *class_warnings),
        tables=(
            make_table(
                "claims",
                "Claims of the paper with the verdicts of this study",
                _COLUMNS,
                pd.DataFrame(rows),
                values=make_claims_frame(judged.claims),
            ),
        ),
        notes=tuple(f"{term}: {definition}" for term, definition in _DEFINITIONS),
    )


def _format_paper_section(claim: Claim) -> str:
    return f"section{'s' if ',' in claim.paper_sections else ''} {claim.paper_sections}"


def _make_paragraphs(judged: JudgedStudy, context: ReportContext) -> tuple[str, ...]:
    paragraphs = [
        "The paper draws its conclusions from one run of each configuration. Here, each claim is "
        f"tested on the {format_count(judged.n_trials, 'complete trial')} of this study. A claim "
        "is “supported” or “contradicted” only if the variance across replicates and test images "
        "cannot explain the result. “Inconclusive” means that these trials do not decide."
    ]
    if context.data_kind == DataKind.FILE:
        paragraphs.append(
            "These data are not the file that the paper used. A verdict says whether the claim "
            "holds on these data."
        )
    if judged.missing_names and judged.n_trials:
        names_text = ", ".join(judged.missing_names)
        paragraphs.append(
            f"Configurations without a complete trial, not used in any verdict: {names_text}."
        )
    return tuple(paragraphs)


_DEFINITIONS = (
    (
        "Significant",
        f"Holm-adjusted p < {ALPHA:g}, corrected for the number of comparisons of the claim. "
        "The 95% confidence intervals are over replicates and test images; those of loss curves "
        "are over replicates only.",
    ),
    (
        "Roughness of a loss curve",
        "The relative deviation of the loss from the line through its neighbors (second "
        "differences of its logarithm). The two trials are the same replicate and differ only in "
        "the optimizer. In one definition, their curves are compared over the same losses, from "
        "half of the lower first loss to the lowest loss that both reach. The speed of convergence "
        "then has no effect. The paper gives no definition, and the results depend on it. A "
        "verdict requires that all three definitions agree, and that every family agrees with the "
        "mean.",
    ),
    (
        "Convergence",
        f"The first epoch at which the training loss has fallen by {100 * CONVERGED_DROP:g}% of "
        "the difference between its first value and its minimum. Epochs are whole numbers, so the "
        "interval is at least one epoch wide.",
    ),
    (
        "Similar F1",
        "The whole confidence interval of the difference lies within "
        f"{SIMILARITY_MARGIN * 100:g} point of macro F1. We chose this margin; the paper gives "
        "none.",
    ),
    (
        "Share of the errors",
        "The share of errors in which a class is the true or the predicted one. The shares of all "
        "classes sum to 200%. A class is compared with the class that has the next largest share.",
    ),
    (
        "Pattern of confusion",
        "The 56 off-diagonal cells of the confusion matrix, summed over replicates. r is Pearson's "
        "correlation of two such patterns. Random variation of images and replicates lowers the "
        "correlation of counts, so r is corrected for it (Spearman, 1904). Patterns count as the "
        f"same if r is at least {MIN_SAME_CORRELATION}, a threshold that we chose.",
    ),
)
