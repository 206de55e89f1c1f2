"""Studies whose folder is in a store, with real Ray."""

import os
import re
from pathlib import Path

import pyarrow.fs
import pytest

from bloodnets.storage.location import RemotePath
from reports.ledger.ledger import Ledger
from tests.faults.studies import wait_until
from tests.helpers.cli_runs import Outcome, RunHere
from tests.helpers.command import Command, run_command
from tests.helpers.quick_figures import write_texts_of_figures
from tests.helpers.s3 import S3_BUCKET, S3Server
from tests.integration.conftest import RunIn

STUDIES = f"s3://{S3_BUCKET}/studies"


def run(folder: Path, *words: str) -> str:
    """A command that trains, to its end, in an empty folder; what it printed."""
    done = run_command(*words, folder=folder)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def read_output(outcome: Outcome, *, code: int = 0) -> str:
    """What a command printed, which is to have that exit code."""
    output = outcome.stdout + outcome.stderr
    assert outcome.code == code, output
    return output


def test_grid_on_failing_object_storage_loses_nothing(
    run_in: RunIn, running: S3Server, data_file: Path, tmp_path: Path, train: RunHere
) -> None:
    words = ["grid", "--data-file", str(data_file), "--max-epochs", "6"]
    words += ["--config", "cnn-config-2", "--config", "mlnn-config-2"]
    log = tmp_path / "log"
    command = Command(
        *words, "--storage", STUDIES, "--name", "g",
        stdout_path=log, stderr_path=log, folder=tmp_path,
    )  # fmt: skip
    wait_until(lambda: ": epoch 1/" in log.read_text(), command, log)
    running.set_fault("500")
    wait_until(lambda: running.count_refused() > 20, command, log)
    running.set_fault("slow")
    wait_until(lambda: running.count_delayed() > 3, command, log)
    running.set_fault("")
    assert command.wait(250) == 0, log.read_text()
    here = tmp_path / "here"
    here.mkdir()
    read_output(run_in(here, "report", f"{STUDIES}/g"))
    assert (here / "g-report" / "index.html").stat().st_size > 10**5
    said = read_output(run_in(here, "report", f"{STUDIES}/g", "--verify"))
    assert "6 files: each matches the SHA-256" in said
    assert "report: " in said
    done = train(*words, "--max-concurrent", "1", "--name", "undisturbed", folder=here)
    assert done.returncode == 0, done.stderr
    undisturbed = Ledger(here / "results" / "undisturbed")
    ours = Ledger(RemotePath(f"{STUDIES}/g"))
    assert [record.attempts for record in ours.read_trials()] == [1, 1]
    for record in undisturbed.read_trials():
        for kind, suffix in (("models", "safetensors"), ("predictions", "npz")):
            name = f"{kind}/{record.id}.{suffix}"
            assert ours.files.read(name) == undisturbed.files.read(name)


def test_grid_with_a_wrong_address_exits_in_one_line_before_reading(
    run_in: RunIn, running: S3Server, tmp_path: Path
) -> None:
    for address, code, said in (
        ("s3://no-such-bucket/x", 3, "NO_SUCH_BUCKET .*; choose another --storage, or check"),
        ("ftp://host/x", 2, "Unrecognized filesystem type"),
        ("s3://me:secret@bucket/x", 2, "the address at bucket contains a user name or a password"),
        (f"s3://{S3_BUCKET}/x?region=here", 2, "expected: a bucket and a folder"),
    ):
        words = ("grid", "--storage", address, "--data-file", "none")
        output = read_output(run_in(tmp_path, *words), code=code)
        assert re.fullmatch(rf"bloodstudy: [^\n]*{said}[^\n]*\n", output), output
        assert "secret" not in output
    output = read_output(run_in(tmp_path, "report", f"{STUDIES}/none"), code=4)
    assert re.fullmatch(rf"bloodstudy: no study 'none' in {STUDIES}/; there are[^\n]*\n", output)
    assert os.listdir(tmp_path) == []


def test_command_with_unreachable_object_storage_exits_3_in_one_line(
    run_in: RunIn, running: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for command in ("status", "report", "resume"):
        output = read_output(run_in(tmp_path, command, f"{STUDIES}/none"), code=3)
        assert re.fullmatch(
            r"bloodstudy: cannot read the study: [^\n]*; check the network[^\n]*\n", output
        )


def test_search_on_object_storage_keeps_all_its_files_there(
    run_in: RunIn, running: S3Server, data_file: Path, tmp_path: Path
) -> None:
    words = ["search", "--data-file", str(data_file), "--trials", "4", "--max-epochs", "3"]
    words += ["--retrain-top", "1", "--retrain-seeds", "1", "--storage", STUDIES, "--name", "s"]
    said = run(tmp_path, *words)
    assert f"Report: {STUDIES}/s/report/index.html" in said
    assert os.listdir(tmp_path) == []
    assert f"Report: {STUDIES}/s/report/index.html" in read_output(
        run_in(tmp_path, "status", f"{STUDIES}/s")
    )
    files, path = pyarrow.fs.FileSystem.from_uri(f"{STUDIES}/s")
    selected = pyarrow.fs.FileSelector(path, recursive=True)
    names = {
        info.path.removeprefix(f"{path}/") for info in files.get_file_info(selected) if info.is_file
    }
    assert names >= {
        "study.json",
        "proposals.jsonl",
        "confirmation.json",
        "optuna.journal",
        "ray.log",
    }
    assert not [name for name in names if name.startswith("checkpoints/")]
    refused = read_output(run_in(tmp_path, *words), code=4)
    assert refused.startswith(f"bloodstudy: {STUDIES}/s already exists; choose another --name")
    with write_texts_of_figures():
        read_output(run_in(tmp_path, *words, "--resume"))
        read_output(run_in(tmp_path, "report", f"{STUDIES}/s", "--verify"))
