"""The tables that `grid` and `search` end with, written to a console of known size."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.sections.findings import analyze
from reports.sections.verdict_text import describe_verdict
from study.console.summary import make_summary_table
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.search_builder import SEARCH_RECORD
from tests.unit.study.console.test_grid_progress import console, text


def closing(folder: Path, *names: str, copied: bool = False) -> list[str]:
    """Lines of the closing table of two seeds of each configuration, 80 columns wide.

    Each configuration is worse than the one before, or the same model if they are copied.
    """
    ledger = grid_builder.build_grid(
        folder,
        {
            name: [
                grid_builder.worsen_matrix(ASYMMETRIC, n_moved=(0 if copied else i) + 9 * seed)
                for seed in range(2)
            ]
            for i, name in enumerate(names)
        },
        record_overrides={
            name: {"family": "resnet"} for name in names if name.startswith("resnet")
        },
    )
    target = console(terminal=True, width=80)
    target.print(make_summary_table(analyze(ledger, None)))
    return text(target).splitlines()


def test_make_summary_table_best_on_val_is_first_and_marked(tmp_path: Path) -> None:
    *_, first, second = closing(tmp_path / "s", "resnet", "cnn-config-1")
    assert first.startswith("*")
    assert second.startswith(" ")
    val_f1, low, high = (first.split()[i].strip("[],") for i in (3, 5, 6))
    assert float(val_f1) >= float(second.split()[2])
    assert float(low) < float(first.split()[4]) < float(high)


def test_make_summary_table_has_the_decimals_of_the_report(tmp_path: Path) -> None:
    (row,) = (line for line in closing(tmp_path / "s", "resnet") if "[" in line)
    analysis = analyze(Ledger(tmp_path / "s"), None)
    verdict = describe_verdict(analysis.comparison, analysis.pairwise)
    interval = verdict[verdict.index("[") : verdict.index("]") + 1]
    assert interval in row
    assert f"{row.split()[4]} ±" in verdict


def test_make_summary_table_same_models_share_a_row(tmp_path: Path) -> None:
    lines = closing(tmp_path / "s", "cnn-config-1", "cnn-config-3", copied=True)
    rows = [line for line in lines if "[" in line]
    assert len(rows) == 1
    assert "cnn-config-1 = 3" in " ".join(lines)


def test_make_summary_table_ablation_fits_80_columns(tmp_path: Path) -> None:
    *_, first, second = closing(tmp_path / "s", "resnet", "resnet-no-orientations")
    names = {line.removeprefix("*").split()[0] for line in (first, second)}
    assert names == {"resnet", "resnet-no-orientations"}
    assert all(len(line) <= 80 and "…" not in line for line in (first, second))


def test_make_summary_table_grid_without_a_complete_trial_marks_none(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "s", {"resnet": [ASYMMETRIC]}, failed_trials={("resnet", 0): "OSError"}
    )
    target = console(terminal=True, width=80)
    target.print(make_summary_table(analyze(ledger, None)))
    assert text(target).splitlines()[-1].split()[:2] == ["resnet", "0"]


@pytest.mark.parametrize("confirm", [0, 2])
def test_make_summary_table_search_shows_confirmation_or_best_trials(
    tmp_path: Path, confirm: int
) -> None:
    search = replace(SEARCH_RECORD, n_trials=12, retrain_top=confirm, retrain_seeds=2)
    ledger = search_builder.build_search(tmp_path / "s", search=search)
    target = console(terminal=True, width=80)
    target.print(make_summary_table(analyze(ledger, None)))
    lines = text(target).splitlines()
    assert "official BloodMNIST" in " ".join(" ".join(lines[:2]).split())
    if not confirm:
        assert "not confirmed" in lines[0]
        assert len([line for line in lines if "learning rate" in line]) == 5
        return
    end = ledger.read_confirmation()
    assert end is not None
    rows = [line.removeprefix("*").split()[0] for line in lines if "[" in line]
    assert sorted(rows) == sorted({*end.best, *end.baselines})
    assert all(len(line) <= 80 for line in lines)
