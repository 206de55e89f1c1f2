"""Test that the ledger survives many kills of the process that writes it."""

import multiprocessing
import random
import time
from pathlib import Path

import pytest

from reports.ledger.creation import create_study
from reports.ledger.ledger import Ledger
from reports.ledger.log_repair import repair_log
from reports.verification.entered_files import check_entered_files
from reports.verification.log import check_log
from tests.faults.conftest import FaultRow
from tests.faults.studies import choose_repeats
from tests.helpers.grid_builder import add_complete_trial, build_grid, make_published_matrices

FORKS = multiprocessing.get_context("forkserver")  # each process begins with all imports done
FORKS.set_forkserver_preload([__name__, "tests.helpers.grid_builder"])


def enter_all(source: Path, folder: Path) -> None:
    """Copy all trials of a study into another, and acknowledge each with a line in a file."""
    whole, new = Ledger(source), create_study(folder, Ledger(source).study)
    with folder.with_suffix(".acknowledged").open("w", buffering=1) as acknowledged:
        for planned in new.list_planned_trials():
            record = whole.read_trial(planned)
            assert record is not None
            add_complete_trial(
                new,
                record,
                epochs=whole.read_epochs(record.id),
                model=whole.files.read(f"models/{record.id}.safetensors"),
                predictions=whole.files.read(f"predictions/{record.id}.npz"),
                test_reason="chosen in advance",
            )
            acknowledged.write(f"{record.id}\n")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    matrices = {name: seed * 5 for name, seed in make_published_matrices().items()}
    return build_grid(tmp_path_factory.mktemp("source") / "s", matrices)


def test_ledger_write_killed_at_any_time_leaves_the_old_or_the_new_file(
    tmp_path: Path, source: Ledger, row: FaultRow
) -> None:
    count, rng, entered, torn = choose_repeats(200, 15), random.Random(3), 0, 0
    for number in range(count):
        folder = tmp_path / f"s{number}"
        acknowledged = folder.with_suffix(".acknowledged")
        process = FORKS.Process(target=enter_all, args=(source.folder, folder))
        process.start()
        while not acknowledged.exists():
            assert process.is_alive()
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.join()
        ledger = Ledger(folder)
        torn += len(list(folder.rglob(".*.part")))
        repair_log(ledger)
        _, records = check_entered_files(ledger, interrupted=True)  # checks the hash of every file
        check_log(ledger, records, interrupted=True)
        assert records.keys() >= set(acknowledged.read_text().split())
        entered += len(records)
    assert 0 < entered < 40 * count  # the kills were neither too early nor too late
    row(
        "`kill -9` while the ledger is written",
        "old or new, never half",
        f"{count} kills, {torn} of them in the middle of a file: 0 unreadable, "
        f"0 of {entered} acknowledged trials lost",
    )
