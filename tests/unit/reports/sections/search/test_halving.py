"""The section on the learning curves of a search."""

from dataclasses import replace

from reports.sections.search import halving
from tests.helpers.report_frames import OFFICIAL
from tests.helpers.search_frames import SMALL_SEARCH_RECORD, make_search_analysis


def test_halving_section_names_rungs_and_reduction_factor() -> None:
    record = replace(SMALL_SEARCH_RECORD, rungs=(1, 3), reduction_factor=7)
    section = halving.make_section(make_search_analysis(record=record), data=OFFICIAL)
    assert section is not None
    assert section.key == "pruning"
    assert all(part in section.notes[0] for part in ("1, 3", "7"))
    # Complete and pruned: 4 + 4 + 1 + 4 + 2 epochs instead of 5 times 4.
    assert all(part in section.paragraphs[0] for part in ("2 of 5", "15", "20", "1.3"))
    (figure,) = section.figures
    assert figure.name == "search-curves"


def test_halving_without_rungs_has_a_figure_and_names_none() -> None:
    record = replace(SMALL_SEARCH_RECORD, rungs=())
    section = halving.make_section(make_search_analysis(record=record), data=OFFICIAL)
    assert section is not None
    assert len(section.figures) == 1
    assert section.notes == ()
    assert not any(character.isdigit() for character in section.paragraphs[0])


def test_halving_before_the_first_trial_ended_is_left_out() -> None:
    nothing = make_search_analysis().curves.iloc[:0]
    assert halving.make_section(make_search_analysis(curves=nothing), data=OFFICIAL) is None
