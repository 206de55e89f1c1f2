"""The ranking: scores, seeds, groups, cost, which models are drawn, and hidden copies."""

from dataclasses import replace

import pandas as pd
import pytest

from reports.analysis.pairwise import PairwiseComparison
from reports.format.limitations import describe_fold_variance
from reports.sections.comparison import ranking
from reports.sections.context import ReportContext
from reports.sections.elements import Section
from tests.helpers.report_frames import (
    find_table,
    make_comparison,
    make_context,
    make_pairs,
    make_pairwise,
    read_column,
    read_rows,
)

NAMES = ("cnn-config-1", "cnn-config-2")
COMPARISON = make_comparison({"cnn-config-1": 0.94, "cnn-config-2": 0.9})
PAIRS = make_pairs({NAMES: 0.04})
NO_PAIRS = make_pairwise(PAIRS.iloc[:0])


def make_trials(*hosts: str, device: str = "cpu") -> pd.DataFrame:
    return pd.DataFrame({"state": "complete", "device": device, "host": list(hosts)})


def make_section(
    comparison: pd.DataFrame = COMPARISON,
    *,
    trials: pd.DataFrame | None = None,
    context: ReportContext | None = None,
) -> Section | None:
    return ranking.make_section(
        comparison=comparison,
        pairwise=NO_PAIRS,
        trials=make_trials("here") if trials is None else trials,
        context=context or make_context(*comparison["configuration"]),
    )


def test_ranking_table_shows_spread_seeds_groups_and_cost() -> None:
    section = ranking.make_section(
        comparison=COMPARISON.assign(replicates=[1, 2]),
        pairwise=make_pairwise(
            PAIRS,
            ["cnn-config-1"],
            ["cnn-config-2"],
            equivalence_letters={"cnn-config-1": "A", "cnn-config-2": ""},
        ),
        trials=make_trials("here"),
        context=make_context(*NAMES),
    )
    assert section is not None
    assert section.key == "ranking"
    table = find_table(section, "comparison")
    first, second = read_rows(table)
    assert first == {
        "configuration": "cnn-config-1",
        "method": "CrossEntropy + SGD",
        "replicates_text": "1 of 2",
        "group": "a, A",
        "val_macro_f1": "94.0",
        "test_macro_f1": "94.0 ± 0.2",
        "test_macro_f1_interval": "[93.0, 95.0]",
        "test_weighted_f1": "94.0 ± 0.2",
        "test_accuracy": "94.0 ± 0.2",
        "parameters": "0.42",
        "duration_s": "82.5",
    }
    assert [second["replicates_text"], second["group"]] == ["2", "b"]
    assert table.values["test_accuracy"].tolist() == [0.94, 0.9]


def test_ranking_further_tables_are_folded() -> None:
    section = make_section()
    intervals, training = find_table(section, "intervals"), find_table(section, "training")
    assert intervals.folded
    assert training.folded
    first = read_rows(intervals)[0]
    for score in ("auc", "mcc", "kappa"):
        assert first[f"test_{score}"] == "0.9400 ± 0.0020"
        assert first[f"test_{score}_interval"] == "[0.9300, 0.9500]"
    assert first["test_balanced_accuracy_interval"] == "[93.0, 95.0]"
    assert read_column(training, "best_epoch") == ["20.0 ± 0.5"] * 2
    assert {"duration_s", "duration_s_sd", "parameters"} <= {*training.values}
    assert "test_accuracy" not in training.values


def test_ranking_figure_shows_the_ranked_models() -> None:
    pairwise = make_pairwise(PAIRS, ["cnn-config-1"], ["cnn-config-2"])
    section = ranking.make_section(
        comparison=COMPARISON,
        pairwise=pairwise,
        trials=make_trials("here"),
        context=make_context(*NAMES),
    )
    assert section is not None
    assert [figure.name for figure in section.figures] == ["ranking"]
    unranked = make_section()
    assert unranked is not None
    assert unranked.figures == ()


def test_ranking_tables_begin_with_the_best_and_hide_copies() -> None:
    comparison = make_comparison({"cnn-config-1": 0.9, "cnn-config-3": 0.9, "cnn-config-2": 0.95})
    copies = {"cnn-config-1": ["cnn-config-3"]}
    section = ranking.make_section(
        comparison=comparison,
        pairwise=replace(NO_PAIRS, copies=copies),
        trials=make_trials("here"),
        context=make_context("cnn-config-1", "cnn-config-2", copies=copies),
    )
    for name in ("comparison", "intervals", "training"):
        table = find_table(section, name)
        assert [row[0] for row in table.rows] == [
            "cnn-config-2",
            "cnn-config-1 = 3",
            "cnn-config-3",
        ]
        assert table.hidden_rows == {2}
        assert table.values["configuration"].tolist() == comparison["configuration"].tolist()
    best_rows = {row for row, _ in find_table(section, "comparison").best_cells}
    assert best_rows == {0}


def test_ranking_notes_and_paragraphs_of_many_configurations() -> None:
    usual = make_section()
    fewer = make_section(context=make_context("cnn-config-1"))
    one_seed = make_section(make_comparison({"cnn-config-1": 0.94}, seeds=1))
    assert usual is not None
    assert fewer is not None
    assert one_seed is not None
    assert len(fewer.paragraphs) == len(usual.paragraphs) + 1
    assert "±" in usual.notes[0]
    assert "±" not in one_seed.notes[0]


def count_texts(pairwise: PairwiseComparison) -> int:
    section = ranking.make_section(
        comparison=COMPARISON,
        pairwise=pairwise,
        trials=make_trials("here"),
        context=make_context(*NAMES),
    )
    assert section is not None
    return len(section.paragraphs) + len(section.notes)


def test_ranking_paragraphs_of_groups_copies_and_spreads_are_separate() -> None:
    pairwise = make_pairwise(PAIRS, *([name] for name in NAMES))
    n_paragraphs = count_texts(NO_PAIRS)
    assert count_texts(pairwise) == n_paragraphs + 1
    for changes in (
        {"copies": {"cnn-config-1": ["cnn-config-2"]}},
        {"replicate_sds": dict(zip(NAMES, (0.002, 0.03), strict=True)), "homogeneity_p": 0.3},
    ):
        changed = replace(NO_PAIRS, **changes)
        assert count_texts(changed) == n_paragraphs + 1


@pytest.mark.parametrize(("p", "p_text"), [(0.3, "0.3000"), (0.00001, "0.0001")])
def test_ranking_compare_the_spreads_over_seeds(p: float, p_text: str) -> None:
    replicate_sds = dict(zip(NAMES, (0.002, 0.03), strict=True))
    section = ranking.make_section(
        comparison=COMPARISON,
        pairwise=replace(NO_PAIRS, replicate_sds=replicate_sds, homogeneity_p=p),
        trials=make_trials("here"),
        context=make_context(*NAMES),
    )
    assert section is not None
    (text,) = (text for text in section.notes if "Bartlett" in text)
    assert all(part in text for part in ("0.2", "3.0", p_text))


def test_ranking_without_known_operations_has_no_such_column() -> None:
    section = make_section(COMPARISON.assign(operations=float("nan")))
    keys = [column.key for column in find_table(section, "training").columns]
    assert "parameters" in keys
    assert "operations" not in keys


def describe_times(trials: pd.DataFrame) -> str:
    """The notes of a section without figures."""
    section = make_section(trials=trials, context=make_context())
    assert section is not None
    return " ".join(section.notes)


@pytest.mark.parametrize("hosts", [("here", "here"), ("here", "there")])
def test_ranking_times_of_several_hosts_have_a_caveat(hosts: tuple[str, str]) -> None:
    is_longer = len(describe_times(make_trials(*hosts))) > len(describe_times(make_trials("here")))
    assert is_longer == (len(set(hosts)) > 1)


def test_ranking_times_name_the_devices() -> None:
    text = describe_times(pd.concat([make_trials("a", device="H200"), make_trials("a")]))
    assert "H200" in text
    assert "CPU" in text
    assert "H200" not in describe_times(make_trials("a").assign(state="failed", device="H200"))


def test_ranking_without_a_planned_trial_are_left_out() -> None:
    assert make_section(COMPARISON.iloc[:0]) is None


def test_ranking_notes_of_a_cross_validation_name_the_variance_of_the_folds() -> None:
    text = " ".join(describe_fold_variance(5))
    context = make_context(*NAMES, folds=5)
    sections = (
        make_section(context=context),
        make_section(),
        make_section(make_comparison({"cnn-config-1": 0.94}, seeds=1), context=context),
    )
    found = [section is not None and text in " ".join(section.notes) for section in sections]
    assert found == [True, False, False]
