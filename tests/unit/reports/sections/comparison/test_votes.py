"""The section with the votes of trained models."""

from dataclasses import replace

import numpy as np

from reports.analysis.votes import VoteComparison, compare_votes
from reports.format.units import BLANK
from reports.sections.comparison import votes
from reports.sections.elements import Section
from tests.helpers.report_frames import ReportedStudy, find_table, make_context, read_column


def compare(reported: ReportedStudy) -> VoteComparison:
    study = reported.analysis.study
    comparison = compare_votes(study.loaded_study, study.bootstrap)
    assert comparison is not None
    return comparison


def make_section(reported: ReportedStudy, comparison: VoteComparison) -> Section:
    section = votes.make_section(comparison, context=reported.analysis.context)
    assert section is not None
    return section


def test_votes_tables_name_the_models_and_their_copies(reported_grid: ReportedStudy) -> None:
    section = make_section(reported_grid, compare(reported_grid))
    for name in ("votes", "votes-accuracy"):
        labels = read_column(find_table(section, name), "vote")
        assert labels[-1].startswith("3 best: ")
        assert "cnn-config-1 = 3" in labels
        assert "cnn-config-2" not in labels  # it has one replicate


def test_votes_csv_has_all_columns_of_the_comparison(reported_grid: ReportedStudy) -> None:
    comparison = compare(reported_grid)
    section = make_section(reported_grid, comparison)
    for name in ("votes", "votes-accuracy"):
        assert [*find_table(section, name).values] == [*comparison.frame]


def test_votes_paragraph_names_the_best_on_val_and_counts_gains_only(
    reported_grid: ReportedStudy,
) -> None:
    comparison = compare(reported_grid)
    n_votes = len(comparison.votes)
    gains = np.array([0.01] * (n_votes - 1) + [-0.01])
    frame = comparison.frame.assign(
        macro_f1_gain_mean=gains,
        macro_f1_gain_best=gains,
        p_mean_holm=0.01,
        p_best_holm=[0.01, *[0.5] * (n_votes - 1)],
        val_macro_f1=[0.9, *[0.5] * (n_votes - 1)],
        test_macro_f1=np.linspace(0.5, 0.9, n_votes),
    )
    section = make_section(reported_grid, replace(comparison, frame=frame))
    (paragraph,) = section.paragraphs
    assert f"{n_votes - 1} of {n_votes} votes have" in paragraph
    assert f"1 of {n_votes} votes has" in paragraph
    assert f"“{read_column(find_table(section, 'votes'), 'vote')[0]}”" in paragraph
    assert "50.00%" in paragraph


def test_votes_of_a_cross_validation_select_none(reported_folds: ReportedStudy) -> None:
    comparison = compare(reported_folds)
    section = make_section(reported_folds, comparison)
    (paragraph,) = section.paragraphs
    assert "“" not in paragraph
    columns = {column.key for column in find_table(section, "votes").columns}
    assert {"test_macro_f1", "macro_f1_gain_mean", "p_mean_holm"} <= columns
    assert not {"val_macro_f1", "macro_f1_gain_best", "p_best_holm"} & columns


def test_votes_of_equal_members_have_no_interval(reported_grid: ReportedStudy) -> None:
    comparison = compare(reported_grid)
    ends = {f"macro_f1_gain_mean_{end}": np.nan for end in ("low", "high")}
    section = make_section(
        reported_grid, replace(comparison, frame=comparison.frame.assign(**ends))
    )
    intervals = [row[3] for row in find_table(section, "votes").rows]
    assert {*intervals} == {BLANK}


def test_votes_without_a_vote_are_left_out() -> None:
    assert votes.make_section(None, context=make_context("cnn-config-1")) is None
