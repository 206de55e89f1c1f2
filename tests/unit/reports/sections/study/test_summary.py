"""The summary: the verdict of a grid or of a search first, then what is lacking."""

from reports.format.text import DataLabel
from reports.sections.elements import Section
from reports.sections.search_text import describe_search
from reports.sections.study import summary
from reports.sections.verdict_text import describe_verdict, list_warnings
from tests.helpers.report_frames import (
    OFFICIAL,
    SYNTHETIC,
    make_comparison,
    make_effects,
    make_pairs,
    make_pairwise,
)
from tests.helpers.search_frames import make_search_analysis

COMPARISON = make_comparison({"mlnn-config-1": 0.87, "cnn-config-1": 0.94})
PAIRWISE = make_pairwise(
    make_pairs({("mlnn-config-1", "cnn-config-1"): -0.07}), ["cnn-config-1"], ["mlnn-config-1"]
)
SEARCH = make_search_analysis()


def make_section(*, is_search: bool, data: DataLabel = OFFICIAL) -> Section:
    return summary.make_section(
        comparison=COMPARISON,
        pairwise=PAIRWISE,
        effects=make_effects(),
        search=SEARCH if is_search else None,
        negative_loss_trials=(),
        data=data,
    )


def test_summary_of_a_grid_is_its_verdict() -> None:
    section = make_section(is_search=False)
    assert section.key == "summary"
    assert section.paragraphs == (describe_verdict(COMPARISON, PAIRWISE, make_effects()),)


def test_summary_of_a_search_is_what_it_found() -> None:
    assert make_section(is_search=True).paragraphs == tuple(describe_search(SEARCH, PAIRWISE.pairs))


def test_summary_ends_with_the_warnings() -> None:
    section = make_section(is_search=False, data=SYNTHETIC)
    assert section.paragraphs[1:] == tuple(list_warnings(COMPARISON, (), SYNTHETIC))
    assert len(section.paragraphs) == 2
