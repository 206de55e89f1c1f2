"""Write one report of several studies, with every configuration of each study.

Studies of different data are shown side by side and not ranked; see `study_comparison`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from reports.analysis.effects import estimate_effects
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.analysis.study_comparison import DataSetComparison, compare_studies
from reports.format.columns import MULTI_STUDY_COLUMNS
from reports.format.limitations import describe_fold_variance
from reports.format.table import make_table
from reports.format.text import DataLabel, make_data_label
from reports.format.titles import make_multi_study_title
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy
from reports.page import publish, render
from reports.page.report_folder import require_report_folder
from reports.sections.comparison import significant_differences
from reports.sections.comparison.ranking import make_ranking_figure
from reports.sections.elements import ReportFigure, Section
from reports.sections.verdict_text import describe_effects, describe_verdict


class _DataSetText(NamedTuple):
    """What the report says about the studies of one data set.

    Attributes:
        data: Names of the data.
        scores: The frame of `DataSetComparison`, with the columns `data` and `file`.
        verdict: Result in one paragraph.
        figures: Figure of the ranking; none without a score.
        pairs_section: Section about the pairs; None if there is no pair.
    """

    data: DataLabel
    scores: pd.DataFrame
    verdict: str
    figures: tuple[ReportFigure, ...]
    pairs_section: Section | None


def write_multi_study_report(
    ledgers: Sequence[Ledger], *, folder: Path, margin: float = DEFAULT_MARGIN
) -> Path:
    """Write one report of several studies.

    Args:
        ledgers: Ledgers of at least two studies, whose folders have different names.
        folder: Folder of the report.
        margin: Largest difference of macro F1 that counts as equivalent, above 0.

    Returns:
        Path of `index.html`.

    Raises:
        DataError: Two folders have the same name.
        ConflictError: `folder` holds other files than a report.
        ResourceError: The report cannot be written.
    """
    require_report_folder(folder)
    compared = compare_studies(ledgers, margin=margin)
    data_sets = [_describe_data_set(data_set, i) for i, data_set in enumerate(compared, start=1)]
    by_name = {name: study for part in compared for name, study in part.loaded_studies.items()}
    loaded_studies = {ledger.name: by_name[ledger.name] for ledger in ledgers}
    sections = [
        _make_summary_section(data_sets, len(loaded_studies)),
        _make_scores_section(data_sets, _list_folds(loaded_studies.values())),
    ]
    sections += [
        data_set.pairs_section for data_set in data_sets if data_set.pairs_section is not None
    ]
    data = _join_data_labels([data_set.data for data_set in data_sets])
    header = render.PageHeader(
        title=make_multi_study_title([study.study for study in loaded_studies.values()]),
        study=" and ".join(loaded_studies),
        data=data,
        banner=render.make_banner(list(loaded_studies.values())),
    )
    return publish.publish_report(folder, header, sections)


def _describe_data_set(data_set: DataSetComparison, number: int) -> _DataSetText:
    data, compared = make_data_label(data_set.data), data_set.compared
    scores = data_set.scores.assign(data=data.full, file=data_set.data.name)
    return _DataSetText(
        data=data,
        scores=scores,
        verdict=" ".join(
            [
                describe_verdict(scores, compared),
                *describe_effects(estimate_effects(data_set.bootstrap)),
            ]
        ),
        figures=tuple(make_ranking_figure(scores, compared, data, f"ranking-{number}")),
        pairs_section=significant_differences.make_section(
            compared,
            key=f"pairwise-{number}",
            title=f"{significant_differences.TITLE}: {data.short}",
            table_caption=f"{significant_differences.TABLE_CAPTION}. {data.short_line}",
            data=data,
        ),
    )


def _join_data_labels(data_labels: Sequence[DataLabel]) -> DataLabel:
    """Join the names of the data of all studies; mark them if any are synthetic."""
    warnings_by_study = [label.warning for label in data_labels]
    warning = (
        ""
        if not any(warnings_by_study)
        else "SYNTHETIC"
        if all(warnings_by_study)
        else "SYNTHETIC in part"
    )
    return DataLabel(
        warning=warning,
        short="; ".join(label.short for label in data_labels),
        full="; ".join(label.full for label in data_labels),
    )


def _make_summary_section(data_sets: Sequence[_DataSetText], n_studies: int) -> Section:
    paragraphs = [f"{n_studies} studies of {format_count(len(data_sets), 'data set')}."]
    if len(data_sets) > 1:
        paragraphs.append(
            "Studies of different data are not ranked against each other, because a higher score "
            "may come from an easier test split. Group letters apply within one data set."
        )
    has_several = len(data_sets) > 1
    paragraphs += [
        f"{data_set.data.short}: {data_set.verdict}" if has_several else data_set.verdict
        for data_set in data_sets
    ]
    return Section(key="summary", title="Summary", paragraphs=tuple(paragraphs))


def _list_folds(loaded_studies: Iterable[LoadedStudy]) -> list[int]:
    """Return the different numbers of folds of the cross-validations, ascending."""
    grids = [loaded_study.study.grid for loaded_study in loaded_studies]
    return sorted({grid.folds for grid in grids if grid is not None and grid.folds is not None})


def _make_scores_section(data_sets: Sequence[_DataSetText], folds: Sequence[int]) -> Section:
    """Make a table for each data set, with every configuration of every study.

    Args:
        data_sets: Texts of the data sets.
        folds: Different numbers of folds of the studies.
    """
    paragraph = (
        "± gives the standard deviation over replicates. A 95% confidence interval includes the "
        "variance from the choice of test images and, with several replicates, the variance across "
        "replicates."
    )
    return Section(
        key="ranking",
        title="Scores of every configuration",
        notes=(paragraph, *(" ".join(describe_fold_variance(number)) for number in folds)),
        figures=tuple(figure for data_set in data_sets for figure in data_set.figures),
        tables=tuple(
            make_table(
                f"scores-{number}",
                f"Scores on test. {data_set.data.short_line}",
                MULTI_STUDY_COLUMNS,
                data_set.scores.assign(replicates_text=data_set.scores["replicates"].astype(str)),
                group="study",
                values=data_set.scores.drop(columns="label"),
                data=data_set.data,
            )
            for number, data_set in enumerate(data_sets, start=1)
        ),
    )
