"""Explain the statistical terms of a page, and link the first occurrence of each."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from bloodnets.constants import NUM_CLASSES
from reports.analysis.bootstrap import N_RESAMPLES
from reports.analysis.calibration import N_BINS
from reports.analysis.intervals import ALPHA
from reports.sections.elements import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A statistical term with its definition.

    Attributes:
        key: Lowercase identifier; the anchor of the term is `term-` followed by the key.
        name: Name of the term.
        pattern: Regular expression of its occurrences in text, without groups.
        definition: Definition in one to three sentences.
    """

    key: str
    name: str
    pattern: str
    definition: str


TERMS = (
    Term(
        key="macro-f1",
        name="Macro F1",
        pattern=r"\b[Mm]acro F1\b",
        definition=(
            f"The unweighted mean of the F1 scores of the {NUM_CLASSES} classes. The F1 score of a "
            "class is the harmonic mean of its precision and recall. An absent class counts as 0."
        ),
    ),
    Term(
        key="weighted-f1",
        name="Weighted F1",
        pattern=r"\b[Ww]eighted F1\b",
        definition=(
            "The mean of the F1 scores of the classes, weighted by the number of test images of "
            "each class."
        ),
    ),
    Term(
        key="confidence-interval",
        name="95% confidence interval",
        pattern=r"\b(?:95% )?confidence intervals?\b",
        definition=(
            "A range that would contain the true value in about 95% of repeated studies. It "
            f"combines the variance from the choice of test images ({N_RESAMPLES:,} bootstrap "
            "samples of the images) with the variance across seeds. With one seed, it includes "
            "only the variance from the test images."
        ),
    ),
    Term(
        key="seed",
        name="Seed, replicate",
        pattern=r"\b(?:[Ss]eeds?|[Rr]eplicates?)\b",
        definition=(
            "The seed determines the random choices of a trial, e.g. the initial weights. Trials "
            "of one configuration that differ only in the seed are replicates. They show how much "
            "a score varies across seeds."
        ),
    ),
    Term(
        key="paired-difference",
        name="Paired difference",
        pattern=r"\b[Pp]aired (?:differences?|tests?)\b|\btest is paired\b",
        definition=(
            "The difference between two configurations on the same test images and the same seeds, "
            "in percentage points (“points”). Variation that both configurations share cancels out."
        ),
    ),
    Term(
        key="significant",
        name="Significant",
        pattern=r"\b[Ss]ignificant(?:ly)?\b",
        definition=(
            f"Holm-adjusted p < {ALPHA:g}. A difference that is not significant may still exist: "
            "the data are too few to detect it."
        ),
    ),
    Term(
        key="equivalent",
        name="Equivalent",
        pattern=r"\b[Ee]quivalent(?= within| to)|\bare equivalent\b|\bis equivalent\b",
        definition=(
            "Two one-sided tests reject a difference of the margin or more (Holm-adjusted p < "
            f"{ALPHA:g}). The margin is a difference of no practical importance."
        ),
    ),
    Term(
        key="holm-correction",
        name="Holm correction",
        pattern=r"\bHolm(?:-adjusted| correction)?\b",
        definition=(
            "An adjustment of the p-values of several tests. It keeps the probability of at least "
            f"one false positive among all of them at or below {100 * ALPHA:g}%."
        ),
    ),
    Term(
        key="p-value",
        name="p-value",
        pattern=r"\bp-values?\b|\bp(?= [<=≥>] \d)",
        definition=(
            "The probability of a difference at least as large as the observed one if there were "
            "no true difference."
        ),
    ),
    Term(
        key="mcnemar-test",
        name="McNemar's test",
        pattern=r"\bMcNemar(?:'s (?:exact )?test)?",
        definition=(
            "An exact test of whether two trained models have the same accuracy on the same test "
            "images. It uses only the images that exactly one of the two classifies correctly."
        ),
    ),
    Term(
        key="calibration-error",
        name="Expected calibration error (ECE)",
        pattern=r"\b[Ee]xpected calibration error(?: \(ECE\))?|\bECE\b",
        definition=(
            "The mean absolute difference between accuracy and mean predicted probability over "
            f"{N_BINS} bins of the probability, weighted by the number of images in each bin."
        ),
    ),
    Term(
        key="auc",
        name="AUC",
        pattern=r"\bAUC\b",
        definition=(
            "The area under the ROC curve of each class against all others, averaged over the "
            "classes. 0.5 is the value of random scores; 1 is perfect separation."
        ),
    ),
    Term(
        key="rung",
        name="Rung",
        pattern=r"\b[Rr]ungs?\b",
        definition="An epoch at which ASHA compares trials.",
    ),
    Term(
        key="asha",
        name="ASHA",
        pattern=r"\bASHA\b",
        definition=(
            "Asynchronous successive halving, which stops (prunes) weak trials early. After a "
            "rung, a trial continues only if it is among the best of the trials that reached it."
        ),
    ),
    Term(
        key="shrinkage",
        name="Shrinkage",
        pattern=r"\b[Ss]hrinkage\b",
        definition=(
            "The score of a configuration in the search minus its mean score after re-training "
            "with new seeds. It is usually positive, because the search selects the best of many "
            "trials."
        ),
    ),
    Term(
        key="fanova",
        name="Functional ANOVA (fANOVA)",
        pattern=r"\b[Ff]unctional ANOVA\b|\bfANOVA\b",
        definition=(
            "A decomposition of the variance of the score into the shares that the settings "
            "explain. It is computed from a random forest fitted to the trials."
        ),
    ),
)
"""Terms in the order in which the page explains them."""


def select_terms(sections: Sequence[Section]) -> tuple[Term, ...]:
    """Return the terms that occur in the text of any of the sections."""
    text = "\n".join(part for section in sections for part in _list_texts(section))
    return tuple(term for term in TERMS if re.search(term.pattern, text))


def _list_texts(section: Section) -> Iterator[str]:
    yield from (section.title, *section.paragraphs, *section.bullets)
    yield from (heat_map.caption for heat_map in section.heat_maps)
    yield from (figure.caption for figure in section.figures)
    for table in section.tables:
        yield table.caption
        yield from (" ".join(column.heading) for column in table.columns)
        yield from (
            cell
            for row in table.rows
            for column, cell in zip(table.columns, row, strict=True)
            if column.unit == "prose"
        )
    yield from (value for _, value in section.facts)


class TermLinker:
    """A template filter that links the first occurrence of each term on a page.

    A linker remembers which terms it has linked, so each page needs its own.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        """Start a page on which no term is linked yet.

        Args:
            terms: Terms that the page explains.
        """
        self._unlinked = list(terms)

    def link(self, text: str) -> Markup:
        """Return the text as HTML, with a link to the definition of each new term."""
        parts, position = [], 0
        while match := self._find_next(text, position):
            term, start, end = match
            parts.append(escape(text[position:start]))
            parts.append(
                Markup('<a class="term" href="#term-{}">{}</a>').format(term.key, text[start:end])
            )
            self._unlinked.remove(term)
            position = end
        return Markup("").join([*parts, escape(text[position:])])

    def _find_next(self, text: str, position: int) -> tuple[Term, int, int] | None:
        """Return the first term from `position` on that is not linked yet, with its place."""
        matches = (
            (match.start(), i, term, match.end())
            for i, term in enumerate(self._unlinked)
            if (match := re.compile(term.pattern).search(text, position))
        )
        first = min(matches, default=None, key=lambda item: item[:2])
        return None if first is None else (first[2], first[0], first[3])
