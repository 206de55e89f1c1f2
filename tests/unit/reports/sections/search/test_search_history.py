"""The section on the history of a search: figures by what there is to draw, and the effort."""

from dataclasses import replace

import pytest

from reports.analysis.search_effort import compute_expected_best, make_effort_frame
from reports.analysis.search_trials import SearchAnalysis
from reports.sections.elements import Section
from reports.sections.search import search_history
from tests.helpers.report_frames import OFFICIAL, find_table, read_rows
from tests.helpers.search_frames import SMALL_SEARCH_RECORD, make_confirmation, make_search_analysis

SEARCH = make_search_analysis()


def make_section(search: SearchAnalysis) -> Section:
    section = search_history.make_section(
        search,
        effort=make_effort_frame(search.trials, search.record.max_epochs),
        expected_best=compute_expected_best(search.trials["value"].dropna().to_numpy()),
        data=OFFICIAL,
    )
    assert section is not None
    return section


def test_search_history_shows_effort_and_two_figures() -> None:
    record = replace(SMALL_SEARCH_RECORD, sampler="cmaes", seed=17)
    section = make_section(make_search_analysis(record=record))
    assert section.key == "search-history"
    rows = {row["state"]: row for row in read_rows(find_table(section, "effort"))}
    assert rows["pruned"] == {
        "state": "pruned",
        "trials": "2",
        "epochs": "3",
        "full_epochs": "8",
        "speedup": "2.7",
        "duration_min": "1.5",
    }
    assert [figure.name for figure in section.figures] == ["search-history", "expected-best"]
    assert all(text in section.paragraphs[0] for text in ("trial-3", "4", "6"))
    assert all(text in section.notes[0] for text in ("cmaes", "17", "4"))


@pytest.mark.parametrize(("numbers", "names"), [([4], []), ([0, 4], ["search-history"])])
def test_search_history_of_few_values_has_fewer_figures(
    numbers: list[int], names: list[str]
) -> None:
    section = make_section(make_search_analysis(trials=SEARCH.trials.loc[numbers]))
    assert [figure.name for figure in section.figures] == names


def test_search_history_of_one_value_explains_no_band() -> None:
    one, several = (
        make_section(make_search_analysis(trials=trials))
        for trials in (SEARCH.trials.loc[[3, 4]], SEARCH.trials)
    )
    assert len(several.notes) == len(one.notes) + 1


def test_search_history_before_the_first_trial_is_left_out() -> None:
    search = make_search_analysis(trials=SEARCH.trials.iloc[:0])
    effort = make_effort_frame(search.trials, 4)
    expected = compute_expected_best(search.trials["value"].to_numpy())
    assert (
        search_history.make_section(search, effort=effort, expected_best=expected, data=OFFICIAL)
        is None
    )


def test_search_history_repeatability_depends_on_concurrency() -> None:
    trials = SEARCH.trials.loc[[4]]
    one, three, unknown = (
        make_section(make_search_analysis(trials=trials, confirmation=confirmation)).notes[-1]
        for confirmation in (
            make_confirmation(concurrency=1),
            make_confirmation(concurrency=3),
            None,
        )
    )
    assert "3" in three
    assert len({one, three, unknown}) == 3
