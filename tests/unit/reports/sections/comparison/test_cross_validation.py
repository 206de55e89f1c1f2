"""The section with the scores on val over the folds."""

from dataclasses import replace

import pandas as pd
import pytest

from reports.sections.comparison import cross_validation
from reports.sections.elements import Section
from tests.helpers.grid_builder import GRID_RECORD
from tests.helpers.report_frames import find_table, make_context, read_rows

FRAME = pd.DataFrame(
    {
        "configuration": ["cnn-config-1", "mlnn-config-2"],
        "replicates": [10, 9],
        **{
            f"val_{score}{end}": [value, value + 0.1]
            for score in ("macro_f1", "accuracy")
            for end, value in {"": 0.7, "_sd": 0.01, "_low": 0.6, "_high": 0.75}.items()
        },
        "difference": [-0.1, float("nan")],
        "difference_low": [-0.15, float("nan")],
        "difference_high": [-0.05, float("nan")],
    }
)


def make_section(
    frame: pd.DataFrame = FRAME, *, seeds: int = 2, folds: int | None = 5
) -> Section | None:
    return cross_validation.make_section(
        frame,
        replace(GRID_RECORD, seeds=seeds, folds=folds),
        context=make_context("cnn-config-1", "mlnn-config-2"),
    )


def test_cross_validation_table_begins_with_the_highest_score() -> None:
    section = make_section()
    assert section is not None
    first, second = read_rows(find_table(section, "cross_validation"))
    assert (first["configuration"], second["configuration"]) == ("mlnn-config-2", "cnn-config-1")
    assert (first["replicates"], second["replicates"]) == ("9", "10")
    assert find_table(section, "cross_validation").values["difference_low"].tolist()[0] == -0.15


def test_cross_validation_with_one_seed_does_not_mention_other_folds() -> None:
    texts = [
        " ".join(section.paragraphs)
        for seeds in (1, 2)
        if (section := make_section(seeds=seeds)) is not None
    ]
    assert ["each seed" in text for text in texts] == [False, True]


@pytest.mark.parametrize(("frame", "folds"), [(pd.DataFrame(), 5), (FRAME, None)])
def test_cross_validation_without_folds_or_scores_is_left_out(
    frame: pd.DataFrame, folds: int | None
) -> None:
    assert make_section(frame, folds=folds) is None
    assert cross_validation.make_section(frame, None, context=make_context("cnn-config-1")) is None
