"""The summary of a grid: the verdict first, then what is lacking."""

from reports.analysis.epoch_limit import EpochLimit
from reports.format.text import DataLabel
from reports.sections.elements import Section
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

COMPARISON = make_comparison({"mlnn-config-1": 0.87, "cnn-config-1": 0.94})
PAIRWISE = make_pairwise(
    make_pairs({("mlnn-config-1", "cnn-config-1"): -0.07}), ["cnn-config-1"], ["mlnn-config-1"]
)
CONVERGED = EpochLimit(n_limited=0, n_complete=6, max_epochs=())
LIMITED = EpochLimit(n_limited=2, n_complete=6, max_epochs=(4,))


def make_section(*, data: DataLabel = OFFICIAL, epoch_limit: EpochLimit = CONVERGED) -> Section:
    return summary.make_section(
        comparison=COMPARISON,
        pairwise=PAIRWISE,
        effects=make_effects(),
        epoch_limit=epoch_limit,
        negative_loss_trials=(),
        shows_published=True,
        data=data,
    )


def test_summary_of_a_grid_is_its_verdict() -> None:
    section = make_section()
    assert section.key == "summary"
    assert section.paragraphs == (
        describe_verdict(COMPARISON, PAIRWISE),
        *describe_effects(make_effects()),
    )


def test_summary_ends_with_the_warnings() -> None:
    section = make_section(data=SYNTHETIC)
    assert section.paragraphs[2:] == tuple(list_warnings(COMPARISON, (), SYNTHETIC))
    assert len(section.paragraphs) == 3


def test_summary_of_trials_at_the_epoch_limit_says_so_after_the_result() -> None:
    verdict, _, limit = make_section(epoch_limit=LIMITED).paragraphs
    assert verdict == describe_verdict(COMPARISON, PAIRWISE)
    assert "2 of 6" in limit
    assert "4 epochs" in limit
