"""The checklists: filled from the facts of the study, and never beyond them."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports.format.data_warnings import describe_groups
from reports.ledger.data_record import GroupsRecord
from reports.ledger.ledger import Ledger
from reports.ledger.states import DataKind
from reports.sections.findings import analyze
from reports.sections.paper.checklist_item import WHOLE_ITEM, ItemStatus
from reports.sections.paper.facts import PaperFacts, collect_facts
from reports.sections.paper.section import make_checklists, make_section
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import ReportedStudy
from tests.helpers.small_studies import get_trial_file, list_trial_ids

AUTHOR = {
    "checklist-claim": ["2", "3", "4", "11", "15", "34", "44"],
    "checklist-tripod-ai": [
        *("2", "3a", "3b", "3c", "5b", "8c", "17", "18a", "18b", "18d", "19", "25", "27c")
    ],
}
"""Items that no study can answer."""


def list_answers(facts: PaperFacts, name: str = "checklist-claim") -> dict[str, tuple[str, str]]:
    """Return the answer and the status of each item of a checklist, by number."""
    (table,) = (table for table in make_checklists(facts) if table.name == name)
    return {row["item"]: (row["answer"], row["status"]) for row in table.values.to_dict("records")}


def list_whole_items(facts: PaperFacts, name: str) -> list[str]:
    (table,) = (table for table in make_checklists(facts) if table.name == name)
    return list(table.values.loc[table.values["to_add"] == WHOLE_ITEM, "item"])


@pytest.fixture(scope="module")
def file_facts(tmp_path_factory: pytest.TempPathFactory) -> PaperFacts:
    """Facts of a grid of one configuration with one seed on an unknown file."""
    folder = tmp_path_factory.mktemp("file") / "grid"
    ledger = grid_builder.build_grid(folder, {"cnn-config-1": [ASYMMETRIC]}, kind=DataKind.FILE)
    return collect_facts(analyze(ledger, None))


@pytest.mark.parametrize("name", AUTHOR)
def test_make_checklists_leaves_the_same_items_to_the_author_in_every_study(  # noqa: PLR0917 - fixtures
    name: str,
    reported_grid: ReportedStudy,
    reported_search: ReportedStudy,
    reported_synthetic: ReportedStudy,
    reported_medmnist: ReportedStudy,
    file_facts: PaperFacts,
) -> None:
    for reported in (reported_grid, reported_search, reported_synthetic, reported_medmnist):
        facts = collect_facts(reported.analysis)
        assert list_whole_items(facts, name) == AUTHOR[name]
        for number, (answer, status) in list_answers(facts, name).items():
            assert bool(answer) == (status != ItemStatus.AUTHOR), number
    assert list_whole_items(file_facts, name) == AUTHOR[name]


def test_make_checklists_of_a_grid_has_its_numbers(reported_grid: ReportedStudy) -> None:
    facts = collect_facts(reported_grid.analysis)
    answers = list_answers(facts)
    assert facts.chosen is not None
    assert f"{sum(facts.image_counts.values()):,}" in answers["10"][0]
    assert f"{facts.image_counts['test']:,}" in answers["19"][0]
    assert "422,344" in answers["22"][0]
    assert "2.13.0" in answers["23"][0]
    assert str(facts.test_evaluations) in answers["32"][0]
    assert f"{100 * facts.chosen.test_macro_f1:.1f}%" in answers["37"][0]
    assert f"{100 * facts.chosen.low:.1f}, {100 * facts.chosen.high:.1f}" in answers["37"][0]
    n_incomplete = sum(facts.states.values()) - facts.states["complete"]
    assert f"{n_incomplete} of {sum(facts.states.values())}" in answers["40"][0]


def test_make_checklists_of_medmnist_state_what_medmnist_says(
    reported_medmnist: ReportedStudy,
) -> None:
    answers = list_answers(collect_facts(reported_medmnist.analysis))
    assert "TissueMNIST (64 x 64)" in answers["7"][0]
    assert "CC BY 4.0" in answers["43"][0]
    assert answers["13"] == ("", ItemStatus.AUTHOR)
    for answer, _ in answers.values():
        assert not any(name in answer for name in ("BloodMNIST", "Acevedo", "Hospital", "centered"))


def test_make_checklists_of_a_search_describes_space_and_re_training(
    reported_search: ReportedStudy,
) -> None:
    facts = collect_facts(reported_search.analysis)
    answers = list_answers(facts)
    assert "14 trials" in answers["6"][0]
    assert "tpe" in answers["25"][0]
    assert all(name in answers["26"][0] for name in facts.configs)


def test_make_checklists_of_synthetic_cells_names_no_hospital(
    reported_synthetic: ReportedStudy,
) -> None:
    facts = collect_facts(reported_synthetic.analysis)
    for table in make_checklists(facts):
        assert not table.values["answer"].str.contains("Barcelona|Acevedo|pathologist").any()


def test_make_checklists_of_an_unknown_file_leaves_its_origin_to_the_author(
    file_facts: PaperFacts,
) -> None:
    answers = list_answers(file_facts)
    for number in ("5", "13"):
        assert answers[number] == ("", ItemStatus.AUTHOR)
    for number in ("7", "9", "14", "19", "20"):
        assert answers[number][1] == ItemStatus.PARTLY
    texts = " ".join(text for text, _ in answers.values())
    assert "Barcelona" not in texts
    assert "Acevedo" not in texts


@pytest.mark.parametrize("across_splits", [0, 2])
def test_make_checklists_of_groups_say_whether_they_are_kept_together(
    file_facts: PaperFacts, across_splits: int
) -> None:
    groups = GroupsRecord(count=17, across_splits=across_splits, test_images=across_splits)
    study = replace(file_facts.study, data=replace(file_facts.study.data, groups=groups))
    answer, status = list_answers(replace(file_facts, study=study))["20"]
    assert describe_groups(study.data) in answer
    assert status == ItemStatus.PARTLY


def test_make_checklists_with_one_seed_asks_for_more_seeds(file_facts: PaperFacts) -> None:
    answers = list_answers(file_facts)
    assert answers["30"][1] == ItemStatus.AUTHOR
    assert "one replicate" in answers["40"][0]


def test_make_checklists_of_a_damaged_study_names_the_trial(grid_copy: Path) -> None:
    damaged_id = list_trial_ids(grid_copy)[0]
    get_trial_file(grid_copy, damaged_id, "predictions").write_bytes(b"x")
    answers = list_answers(collect_facts(analyze(Ledger(grid_copy), None)))
    assert damaged_id in answers["12"][0]
    assert "1 unreadable" in answers["40"][0]


def test_make_checklists_of_an_unfinished_study_reports_no_score(tmp_path: Path) -> None:
    ledger = search_builder.build_search(tmp_path / "search", ended_by=None)
    answers = list_answers(collect_facts(analyze(ledger, None)))
    for number in ("32", "37", "38", "39"):
        assert answers[number] == ("", ItemStatus.AUTHOR)


def test_make_section_counts_every_item_and_is_folded(reported_grid: ReportedStudy) -> None:
    section = make_section(collect_facts(reported_grid.analysis))
    assert section.folded
    assert [len(table.rows) for table in section.tables] == [44, 52]
    assert all(table.long for table in section.tables)


def test_make_checklists_of_a_cross_validation_name_its_folds(
    reported_folds: ReportedStudy,
) -> None:
    answers = list_answers(collect_facts(reported_folds.analysis))
    for number in ("30", "40"):
        assert "fold" in answers[number][0]
    assert answers["30"][1] != ItemStatus.AUTHOR
