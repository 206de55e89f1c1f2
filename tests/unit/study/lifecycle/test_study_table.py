"""The table of `bloodstudy list`, written to a console of known size."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from reports.ledger.states import DataKind, StudyKind
from study.lifecycle.study_list import BestScore, ListedStudy
from study.lifecycle.study_table import make_study_table

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
BEST = BestScore(
    configuration="cnn-config-1", split="test", macro_f1=0.933, macro_f1_sd=0.0041, replicates=3
)
STUDY = ListedStudy(
    name="grid-20260102-030405",
    location="results/grid-20260102-030405",
    kind=StudyKind.GRID,
    data="cells-of-a-rather-long-name.npz",
    data_title="cells-of-a-rather-long-name.npz",
    data_kind=DataKind.FILE,
    data_sha256="0" * 64,
    created_at="2026-01-02T03:04:05+00:00",
    changed_at=(NOW - timedelta(hours=3)).isoformat(),
    planned=24,
    ended=22,
    failed=0,
    is_running=False,
    best=BEST,
)


def show(study: ListedStudy, width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(make_study_table([study], NOW, width))
    return capture.get().splitlines()


def test_make_study_table_has_a_line_per_study() -> None:
    _, line = show(STUDY, 120)
    for text in (STUDY.name, "grid", STUDY.data, "22 of 24", "93.30 ± 0.41", "3 h ago"):
        assert text in line


@pytest.mark.parametrize("width", [60, 80])
def test_make_study_table_in_a_narrow_terminal_keeps_name_trials_and_score(width: int) -> None:
    lines = show(replace(STUDY, failed=2, is_running=True), width)
    assert max(map(len, lines)) <= width
    joined = "".join("".join(line[: lines[0].index("kind")].split()) for line in lines[1:])
    assert joined == STUDY.name
    assert "93.30 ± 0.41" in lines[1]
    assert "3 h ago" in lines[1]
    assert "22 of 24" in lines[1]
    for word in ("failed,", "running"):
        assert any(word in line.split() for line in lines)


def test_make_study_table_at_80_columns_does_not_wrap_a_default_name() -> None:
    assert len(show(STUDY, 80)) == 2


def test_make_study_table_title_of_the_data_and_score_on_val_are_named() -> None:
    study = replace(
        STUDY,
        data="bloodmnist.npz",
        data_title="BloodMNIST",
        best=replace(BEST, split="val", macro_f1_sd=None),
    )
    line = show(study, 120)[1]
    assert "BloodMNIST" in line
    assert study.data not in line
    assert "93.30 on val" in line
    assert " - " in show(replace(STUDY, best=None), 120)[1]


def test_make_study_table_brackets_in_a_name_are_no_markup() -> None:
    assert "[bold]x" in show(replace(STUDY, name="[bold]x"), 120)[1]
