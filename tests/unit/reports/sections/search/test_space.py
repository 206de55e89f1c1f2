"""The section on where good settings lie: which rung, and whether there is a section."""

import re
from dataclasses import replace

import pandas as pd

from reports.sections.elements import Section
from reports.sections.search import space
from tests.helpers.report_frames import OFFICIAL
from tests.helpers.search_frames import SMALL_SEARCH_RECORD, make_search_analysis

SEARCH = make_search_analysis()


def make_section(
    rungs: tuple[int, ...] = (1, 2), *, trials: pd.DataFrame | None = None
) -> Section | None:
    search = make_search_analysis(record=replace(SMALL_SEARCH_RECORD, rungs=rungs))
    if trials is not None:
        search = replace(search, trials=trials)
    return space.make_section(search, data=OFFICIAL)


def test_space_compares_at_the_last_rung_that_half_of_the_trials_reached() -> None:
    # Six trials reached epoch 1, four epoch 2, three epoch 3.
    section = make_section((1, 2, 3))
    assert section is not None
    assert section.key == "search-space"
    assert re.findall(r"\d+", section.paragraphs[0]) == ["3", "3"]
    assert [(figure.name, figure.wide) for figure in section.figures] == [
        ("search-space", True),
        ("parallel-coordinates", True),
    ]
    assert all("3" in figure.caption for figure in section.figures)


def test_space_rung_that_fewer_than_half_reached_is_not_taken() -> None:
    # Of the six trials at epoch 1, four ran two epochs and one of these is left at epoch 3.
    curves = SEARCH.curves[(SEARCH.curves["epoch"] < 3) | (SEARCH.curves["number"] == 0)]
    search = make_search_analysis(
        record=replace(SMALL_SEARCH_RECORD, rungs=(1, 2, 3)), curves=curves
    )
    section = space.make_section(search, data=OFFICIAL)
    assert section is not None
    assert re.findall(r"\d+", section.paragraphs[0]) == ["4", "2"]


def test_space_without_rungs_compares_at_the_last_epoch() -> None:
    section = make_section(())
    assert section is not None
    assert re.findall(r"\d+", section.paragraphs[0]) == ["3", "4"]


def test_space_of_fewer_than_two_trials_is_left_out() -> None:
    assert make_section(trials=SEARCH.trials.loc[[3, 4]]) is None
    assert make_section(trials=SEARCH.trials.assign(value=float("nan"))) is None
