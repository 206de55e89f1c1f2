"""The driver killed, interrupted, doubled, or left alone by Ray: nothing that ended is lost."""

import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from tests.faults import studies
from tests.faults.conftest import FaultRow
from tests.faults.studies import (
    StudyRunner,
    assert_same_results,
    choose_repeats,
    collect_results,
    kill_process,
    list_children,
    wait_for_survivors,
)

GRID = (
    "--config", "cnn-config-2", "--config", "mlnn-config-1", "--max-epochs", "6",
    "--seeds", str(choose_repeats(2, 1)),
)  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Ledger:
    return StudyRunner(tmp_path_factory.mktemp("whole"), data_file, "s", *GRID).run_to_end()


def test_a_killed_driver(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow
) -> None:
    """At a random time: the planned trials, the same to the bit, none that had ended run again."""
    count, rng, again, repeated = choose_repeats(20, 1), random.Random(5), 0, [0]
    for number in range(count):
        study = StudyRunner(tmp_path / str(number), data_file, "s", *GRID)
        process = study.start()
        study.wait_for_output(r"epoch 1/", process)
        time.sleep(rng.uniform(0, 6))
        kill_process(process)
        heard, saved = (
            studies.parse_last_epochs(study.stderr_text),
            studies.get_checkpoint_epochs(study.ledger),
        )
        ended = {
            t.id: (study.folder / f"trials/{t.id}.json").read_bytes()
            for t in study.ledger.read_trials()
        }
        at = len(study.stderr_text)
        ledger = study.resume_to_end()
        again += sum(f"{trial}: started" in study.stderr_text[at:] for trial in ended)
        assert all(
            (ledger.folder / f"trials/{t}.json").read_bytes() == was for t, was in ended.items()
        )
        repeated += [epoch - saved.get(t, 0) for t, epoch in heard.items() if t not in ended]
        assert_same_results(ledger, undisturbed)
    assert again == 0
    row(
        "`kill -9` of the driver at a random time, seeded grid on the CPU",
        "resume ends with the planned trials; weights, records and tables to the bit",
        f"{count} of {count} equal; {again} finished trials run again; at most "
        f"{max(repeated)} epochs repeated, {sum(repeated) / len(repeated):.1f} on average",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow, number: signal.Signals
) -> None:
    code = 128 + number
    study = StudyRunner(tmp_path, data_file, "s", *GRID)
    process = study.start()
    study.wait_for_output(r"epoch 2/", process)
    own, began = studies.list_process_tree(process), time.monotonic()
    process.send_signal(number)
    assert process.wait(60) == code
    passed = time.monotonic() - began
    assert f"go on with: bloodstudy resume {study.folder}\n" in study.stderr_text
    assert "Traceback" not in study.stderr_text
    assert passed < 15
    assert wait_for_survivors(own) == []
    assert_same_results(study.resume_to_end(), undisturbed)
    row(
        number.name,
        f"state kept, exit {code} within 15 s, resume command printed",
        f"exit {code} after {passed:.1f} s; 0 lost, no process left; resume equal",
    )


def test_two_signals(tmp_path: Path, data_file: Path, row: FaultRow) -> None:
    study = StudyRunner(tmp_path, data_file, "s", *GRID)
    process = study.start()
    study.wait_for_output(r"epoch 1/", process)
    own, began = studies.list_process_tree(process), time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) in (130, -signal.SIGINT)  # a shell says 130 in both cases
    passed = time.monotonic() - began
    assert passed < 2
    left = wait_for_survivors(own)
    assert left == []
    study.resume_to_end()
    row("SIGINT twice", "at once", f"ended after {passed:.2f} s; no process left; resume equal")


@pytest.mark.parametrize("victim", ["gcs_server", "raylet/raylet"])
def test_ray_is_gone(
    tmp_path: Path, data_file: Path, undisturbed: Ledger, row: FaultRow, victim: str
) -> None:
    words = {"gcs_server": "GCS", "raylet/raylet": "raylet"}[victim]
    study = StudyRunner(tmp_path, data_file, "s", *GRID)
    process = study.start()
    study.wait_for_output(r"epoch 1/", process)
    own, began = studies.list_process_tree(process), time.monotonic()
    (killed,) = list_children(process, victim)
    killed.kill()
    assert process.wait(120) == 3, study.stderr_text
    passed = time.monotonic() - began
    assert f"({words}) is gone; go on with: bloodstudy resume {study.folder}" in study.stderr_text
    assert passed < 90
    assert wait_for_survivors(own) == []
    assert_same_results(study.resume_to_end(), undisturbed)
    row(
        f"the {words} killed",
        "exit 3 within 90 s, with the resume command",
        f"exit 3 after {passed:.0f} s; resume equal",
    )


def test_two_drivers(tmp_path: Path, data_file: Path, row: FaultRow) -> None:
    study = StudyRunner(tmp_path, data_file, "s", *GRID, "--max-epochs", "60")
    process = study.start()
    study.wait_for_output(r"epoch 1/", process)
    before = study.folder.joinpath("study.json").read_bytes()
    passed = []
    for words in (["resume", str(study.folder)], [*study.arguments, "--resume"]):
        began = time.monotonic()
        second = subprocess.run(
            [studies.BLOODSTUDY_PATH, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        passed.append(time.monotonic() - began)
        assert second.returncode == 4
        assert second.stderr.startswith("bloodstudy: another bloodstudy is at work on ")
        assert second.stderr.count("\n") == 1
    assert process.poll() is None
    assert study.folder.joinpath("study.json").read_bytes() == before
    kill_process(process)
    row(
        "two drivers on one study",
        "the second is refused, exit 4 within 5 s",
        f"exit 4 after {max(passed):.1f} s",
    )


def test_a_killed_search(tmp_path: Path, data_file: Path, row: FaultRow) -> None:
    """One trial at a time, where the seed decides everything: the same proposals and values."""
    options = (
        "--trials", "6", "--max-epochs", "4", "--retrain-top", "1", "--retrain-seeds", "1",
        "--max-concurrent", "1", "--family", "mlnn",
    )  # fmt: skip
    expected = collect_results(
        StudyRunner(tmp_path / "whole", data_file, "s", *options, kind="search").run_to_end()
    )
    count, rng = choose_repeats(10, 1), random.Random(7)
    for number in range(count):
        study = StudyRunner(tmp_path / str(number), data_file, "s", *options, kind="search")
        process = study.start()
        ended = rng.randrange(1, 7)
        study.wait_for_output(r"(complete|pruned) after", process, count=ended)
        time.sleep(rng.uniform(0, 1))
        kill_process(process)
        assert without_times(collect_results(study.resume_to_end())) == without_times(expected)
    row(
        "`kill -9` of the driver of a search, one trial at a time",
        "resume proposes and finds what an undisturbed search does",
        f"{count} of {count} equal to the bit",
    )


def without_times(found: dict[str, object]) -> dict[str, object]:
    """Of a search, whose tables hold times as well."""
    return {key: value for key, value in found.items() if not re.match("report/", key)}
