"""Decide for each pair of models whether they differ, are equivalent, or remain undecided.

A difference that is not significant does not show that two models are equal. Equivalence within a
margin is shown by two one-sided tests (TOST: Schuirmann, Journal of Pharmacokinetics and
Biopharmaceutics, 1987). For pairs that neither test decides, this module estimates how many
replicates or test images would.
"""

from enum import StrEnum

import numpy as np
import pandas as pd

from bloodnets.metrics import FloatArray
from reports.analysis.intervals import ALPHA, Estimate, adjust_holm
from reports.analysis.uncertainty import MeanVariance, compute_half_width, compute_tail

DEFAULT_MARGIN = 0.01
"""Largest difference of macro F1 that is of no practical importance: one point."""

POWER = 0.8
"""Probability with which a difference of the detectable size becomes significant."""

_REPLICATE_COUNTS = np.unique(np.geomspace(2, 1000, 120).round())
"""Numbers of replicates that are tried; they grow by at most 6% from 18 on."""

_IMAGE_FACTORS = np.geomspace(1, 1000, 200)
"""Multiples of the test images that are tried."""


class Decision(StrEnum):
    """Result of the comparison of two models.

    Attributes:
        DIFFERENT: The difference is significant.
        EQUIVALENT: The difference is significantly smaller than the margin.
        UNDECIDED: Neither; more replicates or more test images could decide.
    """

    DIFFERENT = "different"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"


def decide_pairs(pairs: pd.DataFrame, n_images: int, margin: float) -> pd.DataFrame:
    """Return the decision about each pair, and what would be needed to decide it.

    Args:
        pairs: Frame with the column `difference`, the other fields of `intervals.Estimate`, and
            `own_image_variance`, the part of `image_variance` that falls with the number of
            replicates.
        n_images: Number of test images.
        margin: Largest difference that is of no practical importance, above 0.

    Returns:
        Frame with the index of `pairs`:

        - `p_holm` (float): `p`, adjusted by Holm's procedure over all pairs.
        - `p_equivalence`, `p_equivalence_holm` (float): Larger p-value of the two one-sided tests
          of a difference of at least `margin`, unadjusted and adjusted like `p`, 0 to 1.
        - `decision` (str): A `Decision`, from the two adjusted p-values at the level `ALPHA`.
        - `detectable_difference` (float): Smallest difference that becomes significant with a
          probability of `POWER`.
        - `replicates_needed` (float): Smallest number of replicates per configuration with which a
          difference of `margin` is detectable, with the same test images; NaN if 1,000 do not
          suffice, or if the replicate variance is unknown.
        - `images_needed` (float): The same number of test images with the same replicates; NaN if
          1,000 times as many do not suffice.
    """
    variance, moderated = (
        MeanVariance(*(pairs[name].to_numpy(np.float64) for name in ("image_variance", *names)))
        for names in (("replicate_variance", "dof"), ("moderated_variance", "moderated_dof"))
    )
    p_equivalence = _compute_equivalence_p(
        pairs["difference"].to_numpy(np.float64), variance, moderated, margin
    )
    p_holm = adjust_holm(pairs["p"].to_numpy(np.float64))
    p_equivalence_holm = adjust_holm(p_equivalence)
    level = ALPHA / max(1, len(pairs))  # the first step of Holm's procedure
    return pd.DataFrame(
        {
            "p_holm": p_holm,
            "p_equivalence": p_equivalence,
            "p_equivalence_holm": p_equivalence_holm,
            "decision": np.select(
                [p_holm < ALPHA, p_equivalence_holm < ALPHA],
                [Decision.DIFFERENT, Decision.EQUIVALENT],
                Decision.UNDECIDED,
            ),
            "detectable_difference": _compute_detectable(moderated, level),
            "replicates_needed": _find_replicates_needed(pairs, moderated, level, margin),
            "images_needed": n_images * _find_image_factors(moderated, level, margin),
        },
        index=pairs.index,
    )


def compute_equivalence_p(estimate: Estimate, margin: float) -> float:
    """Return the larger p-value of the two one-sided tests of a difference of at least a margin.

    Args:
        estimate: Estimated difference.
        margin: Largest difference that is of no practical importance, above 0.

    Returns:
        P-value, 0 to 1; NaN if the variance is unknown.
    """
    parts = (
        (estimate.image_variance, estimate.replicate_variance, estimate.dof),
        (estimate.image_variance, estimate.moderated_variance, estimate.moderated_dof),
    )
    variance, moderated = (MeanVariance(*(np.array([value]) for value in part)) for part in parts)
    return float(_compute_equivalence_p(np.array([estimate.mean]), variance, moderated, margin)[0])


def _compute_equivalence_p(
    difference: FloatArray, variance: MeanVariance, moderated: MeanVariance, margin: float
) -> FloatArray:
    # The test of the nearer margin has the larger p-value.
    distance = np.abs(difference)
    own_p, moderated_p = (
        np.where(distance < margin, tail, 1 - tail)
        for tail in (
            compute_tail(np.abs(margin - distance), part) for part in (variance, moderated)
        )
    )
    # As in `intervals.compute_guarded_p`.
    return np.where(own_p < ALPHA, moderated_p, np.maximum(own_p, moderated_p))


def _compute_detectable(variance: MeanVariance, level: float) -> FloatArray:
    """Return the smallest differences that are detectable at a level.

    A difference is significant if it exceeds the half-width of the interval at that level. The
    estimate exceeds the true difference minus a half-width with the probability `POWER`.
    """
    return compute_half_width(variance, level / 2) + compute_half_width(variance, 1 - POWER)


def _find_replicates_needed(
    pairs: pd.DataFrame, variance: MeanVariance, level: float, margin: float
) -> FloatArray:
    n_replicates = pairs["replicates"].to_numpy(np.float64)
    own = pairs["own_image_variance"].to_numpy(np.float64)
    has_replicates = (n_replicates > 1) & (variance.dof > 0)
    needed = np.full(len(pairs), np.nan)
    for count in _REPLICATE_COUNTS[::-1]:
        factor = np.divide(n_replicates, count)
        dof_factor = (count - 1) / np.maximum(1, n_replicates - 1)
        planned = MeanVariance(
            variance.images - own + own * factor,
            variance.replicates * factor,
            variance.dof * dof_factor,
        )
        is_enough = has_replicates & (_compute_detectable(planned, level) <= margin)
        needed = np.where(is_enough, count, needed)
    return needed


def _find_image_factors(variance: MeanVariance, level: float, margin: float) -> FloatArray:
    needed = np.full(variance.images.shape, np.nan)
    for factor in _IMAGE_FACTORS[::-1]:
        planned = variance._replace(images=variance.images / factor)
        needed = np.where(_compute_detectable(planned, level) <= margin, factor, needed)
    return needed
