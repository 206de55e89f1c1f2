"""Make the sections of the report in their order.

Results that several sections share are in `findings.Analysis`; those of one section are computed
here.
"""

from collections.abc import Iterator

import pandas as pd

from reports.analysis import frames
from reports.analysis.ablations import compute_ablations
from reports.analysis.calibration import compute_calibration
from reports.analysis.confusion import analyze_confusion
from reports.analysis.confusion_differences import compare_confusions
from reports.analysis.cost import collect_costs
from reports.analysis.epoch_limit import count_limited_trials
from reports.analysis.misclassified import analyze_misclassified
from reports.analysis.reproduction import compare_with_published
from reports.analysis.roc_curves import compute_roc_curves
from reports.analysis.search_effort import compute_expected_best, make_effort_frame
from reports.analysis.search_trials import SearchAnalysis
from reports.claims.judged_study import judge_study
from reports.format.data_warnings import list_small_classes
from reports.format.text import DataLabel
from reports.sections.comparison import (
    ablation,
    claims,
    cost,
    effects,
    equivalent_losses,
    published,
    ranking,
    significant_differences,
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
from reports.sections.forked_call import ForkedCall
from reports.sections.paper import section as paper_section
from reports.sections.paper.facts import collect_facts
from reports.sections.search import confirmation, halving, proposals, search_history, space
from reports.sections.study import curves, limitations, provenance, summary, unfinished

_ORDER = (
    *("summary", "search", "rungs", "space", "importances", "confirmation", "trials"),
    *("ranking", "unfinished", "classes", "roc", "confusion", "differences", "pairs"),
    *(
        "effects",
        "ablation",
        "hardest",
        "calibration",
        "curves",
        "cost",
        "twins",
        "published",
        "claims",
    ),
    *("limitations", "run", "methods"),
)
"""Keys of all sections in the order of the report: results first, then their background."""


def make_sections(analysis: Analysis, *, parallel: bool = False) -> list[Section]:
    """Return the sections of a study's report; sections without content are omitted.

    Args:
        analysis: Results from which they are made.
        parallel: Whether to make the sections about errors, half of the work, in a forked
            process. This is only safe if no other thread can hold a lock.
    """
    forked_call = ForkedCall(_list_error_sections, analysis) if parallel else None
    optional_sections = [
        _make_summary(analysis),
        *_make_search_sections(analysis.search, analysis.comparison, analysis.context.data),
        *_make_comparison_sections(analysis),
        *_make_paper_sections(analysis),
        _make_curves(analysis),
        *(forked_call.get_result() if forked_call else _list_error_sections(analysis)),
        limitations.make_section(analysis.study.loaded_study.study.data),
        _make_provenance(analysis),
        paper_section.make_section(collect_facts(analysis)),
    ]
    sections = [section for section in optional_sections if section is not None]
    return sorted(sections, key=lambda section: _ORDER.index(section.key))


def _make_summary(analysis: Analysis) -> Section:
    return summary.make_section(
        comparison=analysis.comparison,
        pairwise=analysis.pairwise,
        effects=analysis.effects,
        search=analysis.search,
        epoch_limit=count_limited_trials(analysis.study.loaded_study),
        negative_loss_trials=analysis.equivalent_losses.negative_loss_trials,
        shows_published=analysis.context.shows_published,
        data=analysis.context.data,
    )


def _make_search_sections(
    search: SearchAnalysis | None, comparison: pd.DataFrame, data: DataLabel
) -> Iterator[Section | None]:
    """Yield the sections about the search itself; none for a grid."""
    if search is None:
        return
    yield confirmation.make_section(search, comparison=comparison)
    yield search_history.make_section(
        search,
        effort=make_effort_frame(search.trials, search.record.max_epochs),
        expected_best=compute_expected_best(search.trials["value"].dropna().to_numpy()),
        data=data,
    )
    yield halving.make_section(search, data=data)
    yield space.make_section(search, data=data)
    if not search.curves.empty:
        yield _make_importances(search, data)
    yield proposals.make_section(search)


def _make_importances(search: SearchAnalysis, data: DataLabel) -> Section:
    # These modules import scikit-learn, which a grid does not need.
    from reports.analysis.importance import compute_importances  # noqa: PLC0415
    from reports.sections.search import importances  # noqa: PLC0415

    frame = compute_importances(search.trials, search.curves, search.record)
    return importances.make_section(frame, data=data)


def _make_comparison_sections(analysis: Analysis) -> Iterator[Section | None]:
    """Yield the sections that compare the configurations with each other."""
    comparison, context = analysis.comparison, analysis.context
    data = context.data
    yield ranking.make_section(
        comparison=comparison, pairwise=analysis.pairwise, trials=analysis.trials, context=context
    )
    yield unfinished.make_section(analysis.trials)
    yield significant_differences.make_section(analysis.pairwise)
    yield effects.make_section(analysis.effects, data=data)
    ablations = compute_ablations(analysis.study.loaded_study.study, analysis.study.bootstrap)
    yield ablation.make_section(ablations, comparison=comparison, data=data)
    is_displayed = comparison["configuration"].isin(context.displayed_names)
    costs = collect_costs(comparison[is_displayed], with_published=context.shows_published)
    yield cost.make_section(costs, context=context)
    yield equivalent_losses.make_section(analysis.equivalent_losses, data=data)


def _make_paper_sections(analysis: Analysis) -> Iterator[Section | None]:
    """Yield the sections that compare the study with the paper."""
    loaded_study, context = analysis.study.loaded_study, analysis.context
    if not context.shows_published:
        return
    yield published.make_section(
        reproduction=compare_with_published(loaded_study, analysis.study.bootstrap),
        comparison=analysis.comparison,
        context=context,
    )
    judged = judge_study(loaded_study, analysis.study.bootstrap)
    if judged is not None:
        class_warnings = list_small_classes(loaded_study.study.data)
        yield claims.make_section(judged, class_warnings=class_warnings, context=context)


def _make_curves(analysis: Analysis) -> Section | None:
    return curves.make_section(
        analysis.study.curves,
        has_equivalent_losses=not analysis.equivalent_losses.pairs.empty,
        context=analysis.context,
    )


def _list_error_sections(analysis: Analysis) -> list[Section | None]:
    """Return the sections about errors on test; none without a test evaluation."""
    predictions, context = analysis.study.loaded_study.predictions, analysis.context
    if not predictions.configurations:
        return []
    confusions = analyze_confusion(predictions)
    return [
        classes.make_section(confusions, context=context),
        roc.make_section(
            compute_roc_curves(predictions),
            confusions.class_scores,
            comparison=analysis.comparison,
            context=context,
        ),
        confusion.make_section(confusions, context=context),
        confusion_differences.make_section(compare_confusions(predictions), context=context),
        calibration.make_section(
            compute_calibration(predictions), comparison=analysis.comparison, context=context
        ),
        misclassified.make_section(
            analyze_misclassified(predictions), analysis.images, context=context
        ),
    ]


def _make_provenance(analysis: Analysis) -> Section:
    loaded_study = analysis.study.loaded_study
    return provenance.make_section(
        loaded_study=loaded_study,
        trials=analysis.trials,
        settings=frames.make_settings_frame(loaded_study.study),
        class_counts=frames.make_class_counts_frame(loaded_study),
        search=analysis.search,
        data=analysis.context.data,
    )
