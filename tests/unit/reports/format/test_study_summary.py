"""A study in a few lines: what is counted, and how many configurations are shown."""

import re

import pandas as pd
import pytest

from reports.format.study_summary import (
    MAX_NAMES,
    MAX_ROWS,
    StudySummary,
    format_summary_html,
    format_summary_text,
)
from reports.format.text import DataLabel

NAMES = tuple(f"c{number}" for number in range(8))


def make_summary(n_problems: int = 0) -> StudySummary:
    return StudySummary(
        name="s",
        kind="grid",
        data=DataLabel(warning="SYNTHETIC", short="synthetic cells", full="synthetic cells"),
        search_states=None,
        trial_states={"complete": 7, "failed": 1},
        configurations=NAMES,
        n_problems=n_problems,
    )


def make_comparison(n_scored: int) -> pd.DataFrame:
    scores = [0.5 + number / 100 for number in range(len(NAMES))]
    return pd.DataFrame(
        {
            "configuration": NAMES,
            "replicates": [1 if number < n_scored else 0 for number in range(len(NAMES))],
            "test_macro_f1": scores,
            "test_macro_f1_low": scores,
            "test_macro_f1_high": scores,
        }
    )


def list_first_cells(page: str) -> list[str]:
    rows = re.findall(r"<tr[^>]*><td[^>]*>([^<]*)<", page)
    return [str(row) for row in rows]


def test_summary_text_counts_trials_by_state_and_names_the_data() -> None:
    text = format_summary_text(make_summary())
    assert {"8", "7", "1"} <= {*re.findall(r"\d+", text.splitlines()[1])}
    assert "synthetic cells" in text


def test_summary_text_of_many_configurations_names_the_first() -> None:
    line = format_summary_text(make_summary()).splitlines()[-1]
    assert re.findall(r"\bc\d", line) == list(NAMES[:MAX_NAMES])
    assert str(len(NAMES) - MAX_NAMES) in re.findall(r"\b\d+\b", line)


@pytest.mark.parametrize("n_problems", [0, 3])
def test_summary_counts_trials_left_out(n_problems: int) -> None:
    for text in (
        format_summary_text(make_summary(n_problems)),
        format_summary_html(make_summary(n_problems), make_comparison(8)),
    ):
        assert ("problems" in text) == bool(n_problems)


def test_summary_html_shows_the_best_configurations_first() -> None:
    page = format_summary_html(make_summary(), make_comparison(8))
    assert list_first_cells(page) == list(NAMES[: -MAX_ROWS - 1 : -1])


def test_summary_html_leaves_configurations_without_a_score_out() -> None:
    page = format_summary_html(make_summary(), make_comparison(2))
    assert list_first_cells(page) == ["c1", "c0"]
