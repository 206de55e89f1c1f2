"""The summary: the verdict of a grid or of a search first, then what is lacking."""

from reports.analysis.epoch_limit import EpochLimit
from reports.format.text import DataLabel
from reports.sections.elements import Section
from reports.sections.search_text import describe_search
from reports.sections.study import summary
from reports.sections.verdict_text import describe_effects, describe_verdict, list_warnings
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
CONVERGED = EpochLimit(n_limited=0, n_complete=6, max_epochs=())
LIMITED = EpochLimit(n_limited=2, n_complete=6, max_epochs=(4,))
SEARCH = make_search_analysis()


def make_section(
    *, is_search: bool, data: DataLabel = OFFICIAL, epoch_limit: EpochLimit = CONVERGED
) -> Section:
    return summary.make_section(
        comparison=COMPARISON,
        pairwise=PAIRWISE,
        effects=make_effects(),
        search=SEARCH if is_search else None,
        epoch_limit=epoch_limit,
        negative_loss_trials=(),
        shows_published=True,
        data=data,
    )


def test_summary_of_a_grid_is_its_verdict() -> None:
    section = make_section(is_search=False)
    assert section.key == "summary"
    assert section.paragraphs == (
        describe_verdict(COMPARISON, PAIRWISE),
        *describe_effects(make_effects()),
    )


def test_summary_of_a_search_is_what_it_found() -> None:
    assert make_section(is_search=True).paragraphs == tuple(describe_search(SEARCH, PAIRWISE.pairs))


def test_summary_ends_with_the_warnings() -> None:
    section = make_section(is_search=False, data=SYNTHETIC)
    assert section.paragraphs[2:] == tuple(list_warnings(COMPARISON, (), SYNTHETIC))
    assert len(section.paragraphs) == 3


def test_summary_of_trials_at_the_epoch_limit_says_so_first() -> None:
    first, verdict, _ = make_section(is_search=False, epoch_limit=LIMITED).paragraphs
    assert "2 of 6" in first
    assert "4 epochs" in first
    assert verdict == describe_verdict(COMPARISON, PAIRWISE)


def test_summary_of_a_search_has_no_epoch_limit() -> None:
    limited = make_section(is_search=True, epoch_limit=LIMITED)
    assert limited.paragraphs == make_section(is_search=True).paragraphs
