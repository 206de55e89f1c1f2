"""The section on every trial of a search."""

from reports.sections.search import proposals
from tests.helpers.report_frames import find_table, read_column, read_rows
from tests.helpers.search_frames import make_search_analysis

SEARCH = make_search_analysis()


def test_proposals_table_lists_the_best_first_and_no_value_last() -> None:
    section = proposals.make_section(SEARCH)
    assert section is not None
    assert section.key == "search-trials"
    table = find_table(section, "search-trials")
    assert read_column(table, "number") == ["3", "1", "0", "5", "2", "4"]
    first = read_rows(table)[0]
    assert [first["state"], first["value"], first["epochs"]] == ["complete", "94.00", "4"]
    assert [first["learning_rate"], first["dropout"]] == ["0.004", "0.400"]
    assert table.folded
    assert len(table.values) == 6


def test_proposals_settings_that_do_not_vary_have_no_column() -> None:
    keys = {
        column.key for column in find_table(proposals.make_section(SEARCH), "search-trials").columns
    }
    assert "family" not in keys
    assert {"optimizer", "momentum"} <= keys
    trials = SEARCH.trials.assign(family=["cnn", "mlnn"] * 3, optimizer="adam", momentum=None)
    section = proposals.make_section(make_search_analysis(trials=trials))
    keys = {column.key for column in find_table(section, "search-trials").columns}
    assert "family" in keys
    assert not {"optimizer", "momentum"} & keys


def test_proposals_without_a_value_are_listed_with_their_error() -> None:
    section = proposals.make_section(SEARCH)
    assert section is not None
    assert [table.name for table in section.tables] == ["failed-trials", "search-trials"]
    assert read_rows(section.tables[0]) == [
        {"number": "4", "state": "diverged", "epochs": "1", "error": SEARCH.trials["error"][4]}
    ]


def test_proposals_all_with_a_value_have_one_table() -> None:
    trials = SEARCH.trials[SEARCH.trials["error"].isna()]
    section = proposals.make_section(make_search_analysis(trials=trials))
    assert section is not None
    assert [table.name for table in section.tables] == ["search-trials"]


def test_proposals_before_the_first_one_are_left_out() -> None:
    search = make_search_analysis(trials=SEARCH.trials.iloc[:0])
    assert proposals.make_section(search) is None
