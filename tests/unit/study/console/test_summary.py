"""The tables that `grid` and `search` end with, written to a console of known size."""

from dataclasses import replace
from pathlib import Path

import pytest

from reports.ledger.loading import read_study_files
from reports.study import Study
from study.console.summary import make_summary_table
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.search_builder import SEARCH_RECORD
from tests.unit.study.console.test_grid_progress import console, text


def closing(folder: Path, *names: str) -> list[str]:
    """Lines of the closing table of two seeds of each configuration, 80 columns wide."""
    ledger = grid_builder.build_grid(
        folder,
        {name: [ASYMMETRIC, grid_builder.worsen_matrix(ASYMMETRIC, n_moved=9)] for name in names},
        record_overrides={
            name: {"family": "resnet"} for name in names if name.startswith("resnet")
        },
    )
    target = console(terminal=True, width=80)
    target.print(make_summary_table(Study(read_study_files(ledger))))
    return text(target).splitlines()


def test_make_summary_table_unpublished_configuration_has_no_published_score(
    tmp_path: Path,
) -> None:
    *_, heading, paper, resnet = closing(tmp_path / "s", "cnn-config-1", "resnet")
    assert heading.split()[-2:] == ["published", "F1"]
    assert paper.split()[-1] == "94.20"
    assert resnet.split()[-1] == "-"


def test_make_summary_table_ablation_fits_80_columns(tmp_path: Path) -> None:
    *_, heading, whole, without = closing(tmp_path / "s", "resnet", "resnet-no-orientations")
    assert "published" not in heading
    assert [whole.split()[0], without.split()[0]] == ["resnet", "resnet-no-orientations"]
    assert whole.count("±") == without.count("±") == 3
    assert "…" not in whole + without


@pytest.mark.parametrize("confirm", [0, 2])
def test_make_summary_table_search_shows_confirmation_or_best_trials(
    tmp_path: Path, confirm: int
) -> None:
    search = replace(SEARCH_RECORD, n_trials=12, retrain_top=confirm, retrain_seeds=2)
    ledger = search_builder.build_search(tmp_path / "s", search=search)
    target = console(terminal=True, width=80)
    target.print(make_summary_table(Study(read_study_files(ledger))))
    lines = text(target).splitlines()
    assert "official BloodMNIST" in " ".join(" ".join(lines[:2]).split())
    if not confirm:
        assert "not confirmed" in lines[0]
        assert len([line for line in lines if "learning rate" in line]) == 5
        return
    end = ledger.read_confirmation()
    assert end is not None
    rows = [line.split()[0] for line in lines[2:]]
    assert rows == list(dict.fromkeys((*end.best, *end.baselines)))
    assert all(line.count("±") == 2 for line in lines[2:])
