"""What the paper claims, with what this study says about it."""

import pandas as pd

from reports.analysis.bootstrap import sample
from reports.analysis.intervals import LEVEL
from reports.claims.all_claims import MARGIN, claims, numbers, published_part
from reports.claims.claim import Claim
from reports.claims.confusion import ALIKE
from reports.claims.convergence import DROP
from reports.format.table import Column, table
from reports.format.units import plural
from reports.ledger.loading import Evidence
from reports.sections.elements import Section, caption
from reports.sections.findings import Findings

_COLUMNS = (
    Column(key="claim", head=("Claim",), unit="prose"),
    Column(key="verdict", head=("Verdict",), unit="verdict"),
    Column(key="evidence", head=("Evidence",), unit="prose"),
)


def section(found: Findings) -> Section | None:
    """The eight claims as a table; None for what the paper says nothing of.

    That is drawn cells, and configurations with other settings than the published ones.
    """
    if found.search is not None:  # of a search the best are trained again, and few others
        return None
    part = published_part(found.evidence)
    if not part.study.trials:
        return None
    whole = len(part.tested.trials) == len(found.evidence.tested.trials)
    judged = claims(part, found.sampled if whole else sample(part.tested))
    rows = [
        {
            "claim": f"{claim.statement.removesuffix('.')} ({_where(claim)}).",
            "verdict": claim.verdict,
            "evidence": claim.evidence,
        }
        for claim in judged
    ]
    return Section(
        key="claims",
        title="What the paper claims",
        words=_words(found, part),
        tables=(
            table(
                "claims",
                caption("Claims of the paper, and what this study says about them", found.data),
                _COLUMNS,
                pd.DataFrame(rows),
                values=numbers(judged),
            ),
        ),
        facts=_TERMS,
    )


def _where(claim: Claim) -> str:
    return f"section{'s' if ',' in claim.where else ''} {claim.where}"


def _words(found: Findings, part: Evidence) -> tuple[str, ...]:
    trials = part.tested.trials
    words = [
        "The paper draws its conclusions from one run of each configuration. Here each is held "
        f"against the {plural(len(trials), 'finished trial')} of this study. “Supported” and "
        "“contradicted” are said only where the luck of the seeds and, for scores, the choice of "
        "the test images cannot explain what was found. “Cannot tell” means that these trials do "
        "not decide, not that the claim is wrong."
    ]
    if found.evidence.study.data.kind == "file":
        words.append(
            "These data are not the file that the paper used: a verdict says whether the claim "
            "holds on these data."
        )
    planned = dict.fromkeys(trial.configuration for trial in part.study.trials)
    lacking = [name for name in planned if name not in set(trials["name"])]
    if lacking and len(trials):
        words.append(f"Without a finished trial, and so in no verdict: {', '.join(lacking)}.")
    return tuple(words)


_TERMS = (
    (
        "Separated",
        f"p < {LEVEL} after Holm's correction for the number of comparisons of the claim. "
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
        f"The first epoch at which the training loss has made {100 * DROP:g} % of its drop from "
        "the first epoch to its lowest.",
    ),
    (
        "Similar F1",
        f"Within {MARGIN * 100:g} point of macro F1, with the whole interval. The margin is ours, "
        "as the paper gives none.",
    ),
    (
        "Share of the errors",
        "Those in which a class is the true or the predicted one, so shares of all classes add up "
        "to 200 %. A class is compared with the one that comes next to it.",
    ),
    (
        "Pattern of confusion",
        "The 56 cells off the diagonal, summed over seeds; r is Pearson's correlation of two such "
        f"patterns, and they count as the same from {ALIKE}, a threshold of ours. Few errors "
        "lower r by chance alone.",
    ),
)
