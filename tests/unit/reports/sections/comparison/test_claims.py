"""The section on the paper's claims: verdicts, the trials behind them, and what is missing."""

import pandas as pd
import pytest

from reports.claims.claim import NUMBER_COLUMNS, Claim
from reports.claims.judged_study import JudgedStudy
from reports.ledger.states import DataKind
from reports.sections.comparison import claims
from reports.sections.elements import Section
from tests.helpers.report_frames import find_table, make_context, read_column

NUMBERS = pd.DataFrame([("macro F1", 0.06, 0.05, 0.07, 0.001, 0.002, 3)], columns=NUMBER_COLUMNS)
CLAIMS = (
    Claim(
        statement="A is better.",
        paper_sections="4.1, 5",
        verdict="supported",
        evidence="6 points.",
        numbers=NUMBERS,
    ),
    Claim(statement="B is faster.", paper_sections="3", evidence="No trial."),
)


def make_section(
    kind: DataKind = DataKind.OFFICIAL,
    *,
    n_trials: int = 5,
    missing_names: tuple[str, ...] = (),
    class_warnings: tuple[str, ...] = (),
) -> Section:
    judged = JudgedStudy(claims=CLAIMS, n_trials=n_trials, missing_names=missing_names)
    return claims.make_section(
        judged, class_warnings=class_warnings, context=make_context(data_kind=kind)
    )


def test_claims_table_shows_statement_verdict_and_evidence() -> None:
    section = make_section()
    table = find_table(section, "claims")
    assert section.key == "claims"
    assert read_column(table, "verdict") == ["supported", "inconclusive"]
    assert read_column(table, "evidence") == ["6 points.", "No trial."]
    first, second = read_column(table, "claim")
    assert first.startswith("A is better (")
    assert "4.1, 5" in first
    assert "3" in second
    assert "5" in section.paragraphs[0]


def test_claims_file_has_a_row_for_each_number_and_each_claim_without() -> None:
    values = find_table(make_section(), "claims").values
    assert values["claim"].tolist() == [1, 2]
    assert values["p_holm"].tolist()[0] == 0.002
    assert values["p_holm"].isna().tolist() == [False, True]


@pytest.mark.parametrize(("kind", "n_more"), [(DataKind.OFFICIAL, 0), (DataKind.FILE, 1)])
def test_claims_on_other_data_have_a_caveat(kind: DataKind, n_more: int) -> None:
    assert len(make_section(kind).paragraphs) == 1 + n_more


def test_claims_configurations_without_a_trial_are_named() -> None:
    section = make_section(missing_names=("cnn-config-2", "cnn-config-4"))
    assert "cnn-config-2, cnn-config-4" in section.paragraphs[-1]


def test_claims_without_any_trial_name_no_missing_configuration() -> None:
    section = make_section(n_trials=0, missing_names=("cnn-config-2",))
    assert "cnn-config-2" not in " ".join(section.paragraphs)


def test_claims_of_small_classes_have_the_warning() -> None:
    assert make_section(class_warnings=("few images",)).paragraphs[-1] == "few images"
