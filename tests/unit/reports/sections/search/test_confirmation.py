"""The section on the confirmation: the value of the search beside the re-trained one."""

import numpy as np
import pandas as pd
import pytest

from reports.analysis.search_trials import SearchAnalysis
from reports.format.units import BLANK
from reports.sections.elements import Section
from reports.sections.search import confirmation
from tests.helpers.report_frames import MINUS, find_table, make_comparison, read_rows
from tests.helpers.search_frames import make_search_analysis

COMPARISON = make_comparison({"trial-3": 0.925, "cnn-config-2": 0.905})
CONFIRMED = make_search_analysis().confirmed


def make_section(search: SearchAnalysis) -> Section | None:
    return confirmation.make_section(search, comparison=COMPARISON)


def test_confirmation_table_shows_search_value_shrinkage_and_test() -> None:
    section = make_section(make_search_analysis())
    assert section is not None
    assert section.key == "confirmation"
    table = find_table(section, "confirmation")
    best, baseline = read_rows(table)
    assert {key: best[key] for key in best if key not in {"origin_label", "settings"}} == {
        "configuration": "trial-3",
        "value": "94.0",
        "replicates_text": "2",
        "val_macro_f1": "93.0 ± 0.3",
        "shrinkage": "+1.0",
        "shrinkage_interval": f"[{MINUS}1.0, +3.0]",
        "test_macro_f1": "92.5 ± 0.4",
        "test_macro_f1_interval": "[91.5, 93.5]",
    }
    assert best["origin_label"] != baseline["origin_label"]
    assert all(part in best["settings"] for part in ("CNN", "Adam", "0.004", "0.4"))
    assert table.values["role"].tolist() == ["best", "baseline"]


def test_confirmation_notes_list_the_new_seeds() -> None:
    section = make_section(make_search_analysis())
    assert section is not None
    assert "(1, 2)" in section.notes[0]


@pytest.mark.parametrize(
    ("shrinkage", "interval"),
    [(0.01, f"[{MINUS}1.0, +3.0]"), (-0.01, f"[{MINUS}1.0, +3.0]"), (0.02, "[0.0, +4.0]")],
)
def test_confirmation_outcome_gives_the_size_of_the_shrinkage(
    shrinkage: float, interval: str
) -> None:
    confirmed = CONFIRMED.assign(
        shrinkage=shrinkage, shrinkage_low=shrinkage - 0.02, shrinkage_high=shrinkage + 0.02
    )
    section = make_section(make_search_analysis(confirmed=confirmed))
    assert section is not None
    (outcome,) = section.paragraphs
    assert f" {100 * abs(shrinkage):.1f} " in outcome
    assert interval in outcome


def test_confirmation_that_has_not_finished_says_so() -> None:
    section = make_section(make_search_analysis(confirmed=CONFIRMED.assign(replicates=[0, 2])))
    assert section is not None
    assert not any(character.isdigit() for character in section.paragraphs[0])


def test_confirmation_value_that_grew_has_a_negative_shrinkage() -> None:
    confirmed = CONFIRMED.assign(shrinkage=-0.005, replicates=1)
    row = read_rows(
        find_table(make_section(make_search_analysis(confirmed=confirmed)), "confirmation")
    )[0]
    assert row["shrinkage"] == f"{MINUS}0.5"
    assert row["replicates_text"] == "1 of 2"


def test_confirmation_configuration_that_the_search_did_not_run_is_named() -> None:
    confirmed = CONFIRMED.assign(value=[0.94, np.nan], shrinkage=[0.01, np.nan])
    section = make_section(make_search_analysis(confirmed=confirmed))
    assert section is not None
    assert "cnn-config-2" in section.paragraphs[-1]
    assert "trial-3" not in section.paragraphs[-1]
    baseline = read_rows(find_table(section, "confirmation"))[1]
    assert [baseline["value"], baseline["shrinkage"]] == [BLANK, BLANK]


def test_confirmation_without_a_retrained_configuration_is_left_out() -> None:
    nothing = pd.DataFrame(columns=CONFIRMED.columns)
    assert make_section(make_search_analysis(confirmed=nothing)) is None
