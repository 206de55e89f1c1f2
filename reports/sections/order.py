"""Make the sections of the report in their order.

Results that several sections share are in `findings.Analysis`; those of one section are computed
here.
"""

from collections.abc import Callable, Iterator
from functools import partial

from reports.analysis import frames
from reports.analysis.ablations import compute_ablations
from reports.analysis.calibration import compute_calibration
from reports.analysis.confusion import analyze_confusion
from reports.analysis.confusion_differences import compare_confusions
from reports.analysis.cost import collect_costs
from reports.analysis.cross_validation import make_cross_validation_frame
from reports.analysis.epoch_limit import count_limited_trials
from reports.analysis.misclassified import analyze_misclassified
from reports.analysis.reproduction import compare_with_published
from reports.analysis.roc_curves import compute_roc_curves
from reports.analysis.search_effort import compute_expected_best, make_effort_frame
from reports.analysis.search_trials import SearchAnalysis
from reports.analysis.temperature_scaling import compare_temperature_scaling
from reports.analysis.votes import compare_votes
from reports.claims.judged_study import judge_study
from reports.format.data_warnings import list_small_classes
from reports.format.text import DataLabel
from reports.sections.comparison import (
    ablation,
    benchmark,
    claims,
    cost,
    cross_validation,
    effects,
    equivalent_losses,
    published,
    ranking,
    significant_differences,
    votes,
)
from reports.sections.elements import Section
from reports.sections.errors import (
    calibration,
    classes,
    confusion,
    confusion_differences,
    misclassified,
    roc,
)
from reports.sections.findings import Analysis
from reports.sections.forked_call import call_all
from reports.sections.paper import section as paper_section
from reports.sections.paper.facts import collect_facts
from reports.sections.search import (
    confirmation,
    halving,
    outcome,
    proposals,
    search_history,
    space,
)
from reports.sections.study import curves, limitations, provenance, summary, unfinished
from reports.sections.verdict_text import list_warnings

_ORDER = (
    *("summary", "search-history", "pruning", "search-space", "importances", "confirmation"),
    *(
        "search-trials",
        "ranking",
        "cross-validation",
        "unfinished",
        "per-class",
        "roc",
        "confusion",
    ),
    *("confusion-differences", "pairwise", "votes", "effects", "ablation", "misclassified"),
    *("calibration", "learning-curves", "cost", "equivalent-losses", "published", "claims"),
    *("limitations", "provenance", "methods"),
)
"""Keys of all sections in the order of the report: results first, then their background."""


Sections = Iterator[Section | None]
"""Sections in any order; None is a section without content."""


def make_sections(analysis: Analysis, *, parallel: bool = False) -> list[Section]:
    """Return the sections of a study's report; sections without content are omitted.

    Args:
        analysis: Results from which they are made.
        parallel: Whether to make them in two processes. This is only safe if no other thread can
            hold a lock.
    """
    makers = [partial(maker, analysis) for maker in _MAKERS]
    optional_sections = [
        section for sections in call_all(makers, parallel=parallel) for section in sections
    ]
    sections = [section for section in optional_sections if section is not None]
    return sorted(sections, key=lambda section: _ORDER.index(section.key))


def _make_summary(analysis: Analysis) -> Sections:
    """Yield the summary of a grid; that of a search is its outcome."""
    if analysis.search is not None:
        return
    yield summary.make_section(
        comparison=analysis.comparison,
        pairwise=analysis.pairwise,
        effects=analysis.effects,
        epoch_limit=count_limited_trials(analysis.study.loaded_study),
        negative_loss_trials=analysis.equivalent_losses.negative_loss_trials,
        shows_published=analysis.context.shows_published,
        data=analysis.context.data,
    )


def _make_search_sections(analysis: Analysis) -> Sections:
    """Yield the sections about the search itself; none for a grid."""
    search, comparison, data = analysis.search, analysis.comparison, analysis.context.data
    if search is None:
        return
    expected_best = compute_expected_best(search.trials["value"].dropna().to_numpy())
    yield outcome.make_section(
        search=search,
        expected_best=expected_best,
        comparison=comparison,
        pairs=analysis.pairwise.pairs,
        trials=analysis.trials,
        study=analysis.study.loaded_study.study,
        warnings=tuple(
            list_warnings(comparison, analysis.equivalent_losses.negative_loss_trials, data)
        ),
    )
    yield confirmation.make_section(search, comparison=comparison)
    yield search_history.make_section(
        search,
        effort=make_effort_frame(search.trials, search.record.max_epochs),
        expected_best=expected_best,
        data=data,
    )
    yield halving.make_section(search, data=data)
    yield space.make_section(search, data=data)
    if not search.curves.empty:
        yield _make_importances(search, data)
    yield proposals.make_section(search)


def _make_importances(search: SearchAnalysis, data: DataLabel) -> Section | None:
    # These modules import scikit-learn, which a grid does not need.
    from reports.analysis.importance import compute_importances  # noqa: PLC0415
    from reports.sections.search import importances  # noqa: PLC0415

    frame = compute_importances(search.trials, search.curves, search.record)
    return importances.make_section(frame, data=data)


def _make_ranking(analysis: Analysis) -> Sections:
    yield ranking.make_section(
        comparison=analysis.comparison,
        pairwise=analysis.pairwise,
        trials=analysis.trials,
        context=analysis.context,
    )


def _make_comparison_sections(analysis: Analysis) -> Sections:
    """Yield the smaller sections that compare the configurations with each other."""
    comparison, data = analysis.comparison, analysis.context.data
    loaded_study = analysis.study.loaded_study
    yield cross_validation.make_section(
        make_cross_validation_frame(loaded_study), loaded_study.study.grid, context=analysis.context
    )
    yield unfinished.make_section(analysis.trials)
    yield significant_differences.make_section(analysis.pairwise)
    yield votes.make_section(
        compare_votes(loaded_study, analysis.study.bootstrap), context=analysis.context
    )
    yield effects.make_section(analysis.effects, data=data)
    ablations = compute_ablations(analysis.study.loaded_study.study, analysis.study.bootstrap)
    yield ablation.make_section(ablations, comparison=comparison, data=data)
    yield equivalent_losses.make_section(analysis.equivalent_losses, data=data)


def _make_cost(analysis: Analysis) -> Sections:
    comparison, context = analysis.comparison, analysis.context
    is_displayed = comparison["configuration"].isin(context.displayed_names)
    costs = collect_costs(comparison[is_displayed], with_published=context.shows_published)
    yield cost.make_section(costs, context=context)


def _make_published(analysis: Analysis) -> Sections:
    """Yield the comparison with the published values or the benchmark; none if neither is shown."""
    yield benchmark.make_section(comparison=analysis.comparison, context=analysis.context)
    if analysis.context.shows_published:
        yield published.make_section(
            reproduction=compare_with_published(
                analysis.study.loaded_study, analysis.study.bootstrap
            ),
            comparison=analysis.comparison,
            context=analysis.context,
        )


def _make_claims(analysis: Analysis) -> Sections:
    """Yield the verdicts about the paper's claims; none if published values are not shown."""
    loaded_study, context = analysis.study.loaded_study, analysis.context
    judged = (
        judge_study(loaded_study, analysis.study.bootstrap) if context.shows_published else None
    )
    if judged is not None:
        class_warnings = list_small_classes(loaded_study.study.data)
        yield claims.make_section(judged, class_warnings=class_warnings, context=context)


def _make_curves(analysis: Analysis) -> Sections:
    yield curves.make_section(
        analysis.study.curves,
        has_equivalent_losses=not analysis.equivalent_losses.pairs.empty,
        has_class_weights=any(
            "class_weights" in trial.config for trial in analysis.study.loaded_study.study.trials
        ),
        context=analysis.context,
    )


def _make_confusion(analysis: Analysis) -> Sections:
    """Yield the scores of the classes and the confusion; none without a test evaluation."""
    predictions, context = analysis.study.loaded_study.predictions, analysis.context
    if predictions.configurations:
        confusions = analyze_confusion(predictions)
        yield classes.make_section(confusions, context=context)
        yield roc.make_section(
            compute_roc_curves(predictions),
            confusions.class_scores,
            comparison=analysis.comparison,
            context=context,
        )
        yield confusion.make_section(confusions, context=context)


def _make_confusion_differences(analysis: Analysis) -> Sections:
    predictions, context = analysis.study.loaded_study.predictions, analysis.context
    if predictions.configurations:
        yield confusion_differences.make_section(compare_confusions(predictions), context=context)


def _make_calibration(analysis: Analysis) -> Sections:
    loaded_study = analysis.study.loaded_study
    predictions = loaded_study.predictions
    if predictions.configurations:
        yield calibration.make_section(
            compute_calibration(predictions),
            scaling=compare_temperature_scaling(predictions, loaded_study.val_predictions),
            comparison=analysis.comparison,
            context=analysis.context,
        )


def _make_misclassified(analysis: Analysis) -> Sections:
    predictions = analysis.study.loaded_study.predictions
    if predictions.configurations:
        yield misclassified.make_section(
            analyze_misclassified(predictions), analysis.images, context=analysis.context
        )


def _make_background(analysis: Analysis) -> Sections:
    """Yield what the results are based on."""
    loaded_study = analysis.study.loaded_study
    yield limitations.make_section(loaded_study.study.data, folds=analysis.context.folds)
    yield provenance.make_section(
        loaded_study=loaded_study,
        trials=analysis.trials,
        settings=frames.make_settings_frame(loaded_study.study),
        class_counts=frames.make_class_counts_frame(loaded_study),
        search=analysis.search,
        data=analysis.context.data,
    )
    yield paper_section.make_section(collect_facts(analysis))


_MAKERS: tuple[Callable[[Analysis], Sections], ...] = (
    _make_search_sections,
    _make_confusion,
    _make_curves,
    _make_published,
    _make_calibration,
    _make_ranking,
    _make_confusion_differences,
    _make_claims,
    _make_cost,
    _make_comparison_sections,
    _make_background,
    _make_misclassified,
    _make_summary,
)
"""Functions that make the sections, roughly by their time: two processes take the next one, so the
last ones should be short."""
