"""Answer the items about evaluation, results and limitations."""

import math
from collections.abc import Iterator

from reports.analysis.bootstrap import N_RESAMPLES
from reports.analysis.calibration import N_BINS
from reports.analysis.intervals import ALPHA
from reports.format.limitations import IGNORED_ORDER, describe_fold_variance
from reports.format.text import make_class_label
from reports.format.units import format_count, format_interval, format_number
from reports.sections.paper.answer import Answer, join_words
from reports.sections.paper.data_answers import describe_split_level
from reports.sections.paper.facts import ChosenConfiguration, PaperFacts

_NOT_TESTED = "no trial has been evaluated on test yet"

_FEW_PIXELS = 28
"""Largest side of an image, in pixels, that is listed as a limitation."""


def describe_metrics(_: PaperFacts) -> Answer:
    """Name the scores."""
    return Answer(
        "Macro F1 (primary), accuracy, weighted F1, macro precision and recall, AUC (one against "
        "the rest), balanced accuracy, Matthews correlation coefficient, Cohen's kappa, Brier "
        "score, log loss; precision (PPV), recall (sensitivity), F1, specificity, NPV, AUC and "
        "average precision of each class; confusion matrices; expected calibration error "
        f"({N_BINS} bins), calibration slope and intercept."
    )


def describe_uncertainty(facts: PaperFacts) -> Answer:
    """Name the intervals and the tests."""
    sources = (
        "test images and replicates" if facts.has_replicates else "test images, with one replicate"
    )
    text = f"95% confidence intervals over {sources} ({N_RESAMPLES:,} bootstrap resamples)"
    if facts.n_pairs:
        text += f"; {format_count(facts.n_pairs, 'pair')} compared, Holm-adjusted p < {ALPHA:g}"
    return Answer(f"{text}. Details: methods.md.")


def describe_robustness(facts: PaperFacts) -> Answer:
    """Say how the results were checked with several replicates."""
    if facts.has_replicates:
        replicates = format_count(len(facts.seeds), "seed")
        if facts.folds is not None:
            replicates += f" on each of {facts.folds} folds of train and val"
        incomplete = describe_incomplete(facts)
        text = (
            f"Each configuration was planned with {replicates}; {incomplete}"
            if incomplete
            else f"Each configuration was trained with {replicates}"
        )
        return Answer(f"{text}. The spread is reported.")
    return Answer("", "results with several seeds (`--seeds`)")


def describe_explainability(_: PaperFacts) -> Answer:
    """Say that no method of explanation was applied."""
    return Answer("None applied.")


def describe_internal_test(facts: PaperFacts) -> Answer:
    """Count the test evaluations."""
    if not facts.test_evaluations:
        return Answer("", _NOT_TESTED)
    text = f"{format_count(facts.test_evaluations, 'evaluation')} on test, all logged"
    if facts.repeatedly_tested:
        return Answer(f"{text}; more than one for {join_words(facts.repeatedly_tested)}.")
    return Answer(f"{text}; one per trained model.")


def describe_external_test(facts: PaperFacts) -> Answer:
    """Say that train and test are from the same data."""
    text = "None in this study: train, val and test are from the same data."
    return Answer(text, "a test on external data, or why there is none")


def describe_performance(facts: PaperFacts) -> Answer:
    """Give the score of the configuration that val selects."""
    if facts.chosen is None:
        return Answer("", _NOT_TESTED)
    return Answer(f"{format_chosen(facts.chosen)}. All configurations: tables/comparison.csv.")


def format_chosen(chosen: ChosenConfiguration) -> str:
    """Describe the score on test of the configuration that val selects, without a period."""
    replicates, decimals = format_count(chosen.replicates, "replicate"), chosen.decimals
    ends = chosen.low, chosen.high
    interval = (
        ""
        if math.isnan(chosen.low)
        else f"95% confidence interval {format_interval(*ends, 'percent', decimals=decimals)}, "
    )
    score = format_number(chosen.test_macro_f1, "percent", decimals=decimals)
    return (
        f"The configuration with the highest mean macro F1 on val was {chosen.name}, with a macro "
        f"F1 of {score}% on test ({interval}{replicates})"
    )


def describe_class_performance(facts: PaperFacts) -> Answer:
    """Name the files with the scores of each class."""
    if facts.chosen is None:
        return Answer("", _NOT_TESTED)
    return Answer(
        "Sensitivity (recall), specificity, PPV (precision), NPV, F1, AUC and average precision of "
        "each class, with 95% confidence intervals: tables/per-class-*.csv."
    )


def describe_failures(facts: PaperFacts) -> Answer:
    """Give the most frequent error on test."""
    if facts.chosen is None:
        return Answer("", _NOT_TESTED)
    confusion, names = facts.chosen.confusion, facts.study.data.class_names
    text = f"{facts.chosen.name} makes no error on test."
    if confusion is not None:
        true, predicted = (
            make_class_label(index, names[index]) for index in (confusion.true, confusion.predicted)
        )
        text = (
            f"Most frequent error of {facts.chosen.name}: {predicted} instead of {true}, "
            f"{confusion.n_predictions:,} of {confusion.n_true:,} predictions."
        )
    return Answer(f"{text} Confusion matrices: figures/confusion-*.svg.", "what the errors mean")


def describe_limits(facts: PaperFacts) -> Answer:
    """List the limitations that follow from the data and the plan."""
    return Answer(" ".join(_list_limits(facts)), "further limitations")


def _list_limits(facts: PaperFacts) -> Iterator[str]:
    yield describe_split_level(facts)
    if facts.is_synthetic:
        yield "Scores on them say nothing about blood cells."
    else:
        yield "Intervals do not cover new patients."
    if facts.study.data.is_bloodmnist:
        yield "One hospital, stain and camera."
    data_set = facts.study.data.other_set
    if data_set is not None and data_set.is_ordinal:
        yield IGNORED_ORDER
    side = facts.study.data.side
    if side <= _FEW_PIXELS:
        yield f"{side} x {side} pixels show few details."
    if not facts.has_replicates:
        yield "With one replicate, the variance across replicates is unknown."
    elif facts.folds is not None:
        yield from describe_fold_variance(facts.folds)
    if incomplete := describe_incomplete(facts):
        yield f"{incomplete}."
    if limit := describe_epoch_limit(facts):
        yield f"{limit}."


def describe_epoch_limit(facts: PaperFacts) -> str:
    """Count the trials that ended at the epoch limit, without a period; empty if there are none."""
    limit = facts.epoch_limit
    if not limit.n_limited:
        return ""
    return (
        f"{limit.n_limited:,} of {format_count(limit.n_complete, 'complete trial')} ended at the "
        "epoch limit, so they may not have converged"
    )


def describe_incomplete(facts: PaperFacts) -> str:
    """Count the planned trials that are not complete; empty if all are."""
    counts = {state: n for state, n in facts.states.items() if state != "complete" and n}
    if not counts:
        return ""
    planned = format_count(sum(facts.states.values()), "planned trial")
    states = join_words(f"{n} {state}" for state, n in counts.items())
    return f"{sum(counts.values())} of {planned} are not in the results ({states})"


def describe_use(_: PaperFacts) -> Answer:
    """Say what the models may be used for."""
    return Answer("For research and teaching, not for diagnosis.", "implications for practice")


def describe_fairness(_: PaperFacts) -> Answer:
    """Say that groups of persons were not compared."""
    return Answer("Not examined: the data have no sociodemographic groups.")


def describe_clusters(_: PaperFacts) -> Answer:
    """Say that centers were not compared."""
    return Answer("Not examined: the data name no centers.")


def describe_updating(_: PaperFacts) -> Answer:
    """Say that no model was updated."""
    return Answer(
        "None: the models were evaluated as trained. Only the table of temperature scaling is "
        "about recalibrated probabilities."
    )


def describe_models(_: PaperFacts) -> Answer:
    """Say where the trained models are."""
    return Answer(
        "Weights of every complete trial: models/; `bloodstudy export` writes ONNX with a card.",
        "address and license of the models",
    )


def describe_poor_input(_: PaperFacts) -> Answer:
    """Say how unusual images are treated."""
    return Answer(
        "`bloodstudy predict` marks images with unusual colors.", "the handling of poor images"
    )


def describe_users(facts: PaperFacts) -> Answer:
    """Say what a user has to do."""
    data_set = facts.study.data.other_set
    kind = "of single, centered cells" if data_set is None else f"like those of {data_set.title}"
    return Answer(f"A user supplies images {kind}.", "the required expertise")
