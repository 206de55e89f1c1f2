"""Write a paragraph on the methods that can be pasted into a paper, with the study's numbers."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reports.analysis.bootstrap import N_RESAMPLES
from reports.analysis.calibration import N_BINS
from reports.analysis.intervals import ALPHA
from reports.format.limitations import describe_fold_variance
from reports.format.text import label, shorten_class_names
from reports.format.units import format_count
from reports.ledger.published import find_published
from reports.sections.paper.answer import join_words
from reports.sections.paper.data_answers import describe_augmentation, describe_split_level
from reports.sections.paper.facts import PaperFacts
from reports.sections.paper.references import (
    BLOODMNIST_KEYS,
    MEDMNIST_KEY,
    OPTIMIZER_KEYS,
    SAMPLER_KEYS,
    load_references,
)
from reports.sections.paper.result_answers import (
    describe_epoch_limit,
    describe_incomplete,
    format_chosen,
)
from reports.sections.paper.training_answers import (
    describe_class_weights,
    describe_confirmation,
    describe_layers,
    describe_loss_and_optimizer,
    describe_orientations,
    describe_stopping,
    list_families,
    list_replicates,
    list_search_settings,
    list_versions,
)
from reports.sections.verdict_text import format_margin


class Sentence(NamedTuple):
    """A sentence with its references.

    Attributes:
        text: Sentence without its period and without citations.
        keys: Keys of the references that are cited at its end.
    """

    text: str
    keys: tuple[str, ...] = ()


def write_methods(facts: PaperFacts) -> list[list[Sentence]]:
    """Return the paragraphs: data and models, then evaluation and statistics.

    Args:
        facts: Facts of the study.
    """
    first = [*_describe_data(facts), *_describe_search(facts), *_describe_training(facts)]
    return [first, [*_describe_evaluation(facts), *_describe_statistics(facts)]]


def format_citations(paragraph: Sequence[Sentence]) -> str:
    """Return a paragraph with its references in the form (Holm 1979)."""
    references = load_references()
    return " ".join(
        f"{text} ({'; '.join(references[key].short for key in keys)})." if keys else f"{text}."
        for text, keys in paragraph
    )


def _describe_data(facts: PaperFacts) -> Iterator[Sentence]:
    n_images = f"{sum(facts.image_counts.values()):,}"
    names = join_words(shorten_class_names(facts.study.data.class_names))
    splits = join_words(f"{count:,} ({split})" for split, count in facts.image_counts.items())
    data = facts.study.data
    if data.is_bloodmnist:
        yield Sentence(
            f"The data were the {n_images} images of single peripheral blood cells in BloodMNIST, "
            "part of MedMNIST v2",
            BLOODMNIST_KEYS,
        )
    elif data.other_set is not None:
        title = data.other_set.title
        yield Sentence(
            f"The data were the {n_images} images of {title}, part of MedMNIST v2", (MEDMNIST_KEY,)
        )
    else:
        yield Sentence(f"The data were {n_images} images ({facts.data.short})")
    shape = data.shape
    yield Sentence(
        f"Each image has {shape.side} x {shape.side} pixels and belongs to one of "
        f"{shape.n_classes} classes: {names}"
    )
    if data.other_set is not None and data.other_set.is_ordinal:
        yield Sentence("The classes are grades, whose order was ignored")
    yield Sentence(f"The splits had {splits} images")
    yield Sentence(describe_split_level(facts).removesuffix("."))
    if dropped := facts.study.data.dropped:
        removed = join_words(f"{count:,} ({split})" for split, count in dropped.items())
        yield Sentence(f"Duplicates of other images had been removed before: {removed}")


def _describe_training(facts: PaperFacts) -> Iterator[Sentence]:
    if not facts.configs:
        return
    n_configurations = format_count(len(facts.configs), "configuration")
    verb = "train" if facts.search is None else "re-train"
    verb = f"was planned to {verb}" if describe_incomplete(facts) else f"{verb}ed"
    yield Sentence(
        f"The study {verb} {n_configurations} "
        f"({list_families(facts)}) with the {list_replicates(facts)}, "
        f"{format_count(sum(facts.states.values()), 'trial')} in all",
    )
    n_published = sum(find_published(config) is not None for config in facts.configs.values())
    if n_published:
        yield Sentence(
            f"{n_published} of them had the network, loss, optimizer, learning rate, momentum and "
            "dropout of a published study",
            ("trindade",),
        )
    if facts.folds is not None:
        yield Sentence("Each trial held out one fold, which took the place of val")
    for family in map(str, facts.list_values("family")):
        sizes = join_words(f"{count:,}" for count in facts.parameters.get(family, ()))
        parameters = f" ({sizes} parameters)" if sizes else ""
        layers = describe_layers(family, facts.study.data.shape)
        yield Sentence(f"The {label(family)} has {layers}{parameters}")
    optimizers = [str(value) for value in facts.list_values("optimizer")]
    augmentation = describe_augmentation(facts)
    yield Sentence(
        f"Training used {describe_loss_and_optimizer(facts)}, batches of "
        f"{join_words(facts.list_values('batch_size'))} images, {describe_stopping(facts)}, and "
        f"{join_words(facts.list_values('precision'))} precision"
        + (f", with {augmentation}" if augmentation else ""),
        tuple(OPTIMIZER_KEYS[name] for name in optimizers if name in OPTIMIZER_KEYS),
    )
    if weights := describe_class_weights(facts):
        yield Sentence(f"Training used {weights}", ("king2001",))
    if orientations := describe_orientations(facts):
        yield Sentence(f"Predictions for val and test were {orientations}")
    if {"cross_entropy", "nll"} == {*facts.list_values("loss")}:
        yield Sentence(
            "CrossEntropy on logits and NLLLoss on log-probabilities are the same function"
        )
    yield Sentence("The weights of the epoch with the highest macro F1 on val were kept")
    if limit := describe_epoch_limit(facts):
        yield Sentence(limit)


def _describe_search(facts: PaperFacts) -> Iterator[Sentence]:
    if facts.search is None:
        return
    record, n_trials = facts.search.record, len(facts.search.trials)
    yield Sentence(
        f"Settings were searched with {format_count(n_trials, 'trial')} of at most "
        f"{record.max_epochs} epochs, proposed by Optuna ({list_search_settings(record)})",
        ("akiba2019", SAMPLER_KEYS[record.sampler]),
    )
    if record.rungs:
        yield Sentence("Weak trials were stopped early by ASHA", ("li2020",))
    if confirmation := describe_confirmation(facts):
        yield Sentence(confirmation)
    if facts.has_importances:
        yield Sentence(
            "The importance of the settings was estimated by functional analysis of variance on a "
            "random forest",
            ("hutter2014", "pedregosa2011"),
        )


def _describe_evaluation(facts: PaperFacts) -> Iterator[Sentence]:
    if facts.test_evaluations:
        n_evaluations = format_count(facts.test_evaluations, "evaluation")
        repeated = join_words(facts.repeatedly_tested)
        yield Sentence(
            f"The test split was used for {n_evaluations}, "
            + (f"more than one for {repeated}" if repeated else "one per trained model")
        )
    if incomplete := describe_incomplete(facts):
        yield Sentence(incomplete)
    yield Sentence(
        "The primary score was macro F1, the unweighted mean of the F1 scores of the classes",
        ("opitz2019",),
    )
    if facts.chosen is not None:
        yield Sentence(format_chosen(facts.chosen))


def _describe_statistics(facts: PaperFacts) -> Iterator[Sentence]:
    if facts.chosen is not None:
        yield from _describe_intervals(facts)
        yield Sentence(
            f"Calibration was measured by the expected calibration error with {N_BINS} bins, and "
            "by the slope and intercept of a logistic recalibration",
            ("guo2017", "cox1958"),
        )
        yield Sentence(
            "Probabilities were also calibrated by temperature scaling, with one temperature per "
            "trained model that minimized the log loss on val",
            ("guo2017",),
        )
        yield from _describe_curves(facts)
    if facts.n_pairs:
        yield Sentence(
            "Configurations that trained different models were compared in pairs on the same test "
            "images; a difference was significant if its p-value after Holm's correction over "
            f"these pairs was below {ALPHA:g}",
            ("holm1979",),
        )
        yield Sentence(
            "Models without a significant difference were equivalent if two one-sided tests, "
            f"corrected likewise, rejected a difference of {format_margin(facts.margin)} or more",
            ("schuirmann1987",),
        )
        if not facts.has_replicates:
            yield Sentence(
                "The p-values were from the bootstrap variance of the images only, so they do not "
                "cover other replicates"
            )
        elif not facts.is_moderated:
            yield Sentence("The p-values were from the variances of the intervals")
        if facts.is_moderated:
            yield Sentence(
                "The p-values were from variances across replicates that were moderated by those "
                f"of the other models, and below {ALPHA:g} only if the interval excluded 0",
                ("smyth2004",),
            )
        if facts.has_common_replicates:
            yield Sentence(
                "Trained models of the same replicate were also compared by McNemar's exact test",
                ("mcnemar1947",),
            )
    hardware = join_words(dict.fromkeys((facts.study.hardware.cpu, *facts.study.hardware.gpus)))
    yield Sentence(
        f"The study was run on {hardware} with {list_versions(facts)}", ("paszke2019", "liaw2018")
    )


def _describe_curves(facts: PaperFacts) -> Iterator[Sentence]:
    if facts.has_replicates:
        yield Sentence(
            "The ROC curves of each class were averaged over the replicates at each false "
            "positive rate, and the precision-recall curves, which have steps, at each recall",
            ("fawcett2006", "davis2006"),
        )
    yield Sentence(
        "The pointwise 95% confidence intervals of ROC and precision-recall curves combine "
        "Wilson's interval of the images above the threshold with that of the threshold",
        ("wilson1927", "woodruff1952", "zou2008"),
    )


def _describe_intervals(facts: PaperFacts) -> Iterator[Sentence]:
    yield Sentence(
        f"The variance from the choice of test images was estimated with {N_RESAMPLES:,} bootstrap "
        "resamples of the images, and for the AUC from its structural components",
        ("efron1979", "delong1988"),
    )
    if not facts.has_replicates:
        yield Sentence(
            "With one replicate, the 95% confidence intervals do not cover other replicates"
        )
        return
    yield Sentence(
        "The variance across replicates was estimated for each configuration from its own trials, "
        "with the degrees of freedom of Welch and Satterthwaite",
        ("welch1947", "satterthwaite1946"),
    )
    yield Sentence(
        "The half-width of a 95% confidence interval is the square root of the sum of two squares: "
        "the standard error from the images times the normal quantile, and that from the "
        "replicates times Student's quantile",
        ("zou2008",),
    )
    if facts.folds is not None:
        for text in describe_fold_variance(facts.folds):
            yield Sentence(text.removesuffix("."))
