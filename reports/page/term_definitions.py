"""Define the statistical terms of a page."""

from dataclasses import dataclass

from reports.analysis.bootstrap import N_RESAMPLES
from reports.analysis.calibration import N_BINS
from reports.analysis.intervals import ALPHA


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
            "The unweighted mean of the F1 scores of the classes. The F1 score of a "
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
            "samples of the images) with the variance across replicates. With one replicate, it "
            "includes only the variance from the test images."
        ),
    ),
    Term(
        key="seed",
        name="Seed",
        pattern=r"\b[Ss]eeds?\b",
        definition=(
            "The seed determines the random choices of a trial, e.g. the initial weights. Every "
            "configuration of a study is trained with the same seeds."
        ),
    ),
    Term(
        key="replicate",
        name="Replicate",
        pattern=r"\b[Rr]eplicates?\b",
        definition=(
            "A trial of a configuration with another seed or, in a cross-validation, another fold. "
            "Replicates show how much a score varies from one training to the next."
        ),
    ),
    Term(
        key="paired-difference",
        name="Paired difference",
        pattern=r"\b[Pp]aired (?:differences?|tests?)\b|\btest is paired\b",
        definition=(
            "The difference between two configurations on the same test images and in the same "
            "replicates, in percentage points (“points”). Variation that both configurations share "
            "cancels out."
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
        key="roc-curve",
        name="ROC curve",
        pattern=r"\bROC curves?\b",
        definition=(
            "The share of the images of a class that exceed a threshold, by the share of the other "
            "images that do, for all thresholds. The curve of perfect scores is in the upper left "
            "corner; that of random scores is the diagonal."
        ),
    ),
    Term(
        key="precision-recall-curve",
        name="Precision-recall curve",
        pattern=r"\b[Pp]recision-recall curves?\b",
        definition=(
            "The precision by the recall, for all thresholds on the probability of a class. Its "
            "area is the average precision."
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
        key="precision-recall",
        name="Precision (PPV) and recall (sensitivity)",
        pattern=r"\bPPV\b|\b[Ss]ensitivity\b",
        definition=(
            "The precision, or positive predictive value (PPV), is the share of correct "
            "predictions among the images predicted as the class. The recall, or sensitivity, is "
            "the share among the images of the class."
        ),
    ),
    Term(
        key="specificity",
        name="Specificity and negative predictive value (NPV)",
        pattern=r"\b[Ss]pecificity\b|\bNPV\b",
        definition=(
            "The specificity is the share of images predicted as another class among the images of "
            "the other classes. The NPV is the share of images of the other classes among the "
            "images predicted as another class."
        ),
    ),
    Term(
        key="average-precision",
        name="Average precision",
        pattern=r"\b[Aa]verage precision\b",
        definition=(
            "The mean, over the images of a class, of the precision among all images with at least "
            "the same probability of the class. For random scores, it is the share of the class."
        ),
    ),
    Term(
        key="balanced-accuracy",
        name="Balanced accuracy",
        pattern=r"\b[Bb]alanced accuracy\b",
        definition=(
            "The mean recall of the classes that have test images. It equals the macro recall if "
            "every class has some."
        ),
    ),
    Term(
        key="mcc",
        name="Matthews correlation coefficient (MCC)",
        pattern=r"\bMCC\b",
        definition=(
            "The correlation between true and predicted classes, \N{MINUS SIGN}1 to 1 (Gorodkin, "
            "2004). 0 is the value of random predictions."
        ),
    ),
    Term(
        key="kappa",
        name="Cohen's kappa",
        pattern=r"\bCohen's kappa\b",
        definition=(
            "The accuracy in excess of that of random predictions with the same class totals, as a "
            "share of the largest possible excess; \N{MINUS SIGN}1 to 1."
        ),
    ),
    Term(
        key="brier-score",
        name="Brier score",
        pattern=r"\bBrier score\b",
        definition=(
            "The sum over the classes of the squared difference between the "
            "probability and 1 for the true class, 0 for any other, averaged over the images; 0 "
            "(perfect) to 2. Some software halves it."
        ),
    ),
    Term(
        key="log-loss",
        name="Log loss",
        pattern=r"\b[Ll]og loss\b",
        definition=(
            "The mean negative natural logarithm of the probability of the true class, in nats; 0 "
            "is perfect."
        ),
    ),
    Term(
        key="calibration-slope",
        name="Calibration slope and intercept",
        pattern=r"\b[Cc]alibration (?:slope|intercept)\b",
        definition=(
            "Coefficients of a logistic regression that predicts whether a prediction is correct "
            "from the log odds of its class; 1 and 0 if calibrated. The intercept is that for a "
            "slope of 1."
        ),
    ),
    Term(
        key="temperature-scaling",
        name="Temperature scaling",
        pattern=r"\b[Tt]emperature scaling\b",
        definition=(
            "Calibration of a trained model: its logits are divided by one temperature, which is "
            "fitted on val. The predicted classes do not change."
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
