"""A study of version 3 of the file format: status, report and resume."""

import shutil
from pathlib import Path

from reports.ledger.ledger import Ledger
from reports.ledger.records import SCHEMA_VERSION
from reports.ledger.serialization import read_schema_version
from tests.helpers.command import run_command
from tests.helpers.small_studies import VERSION_3_DIR


def test_study_of_version_3_is_shown_reported_and_resumed(tmp_path: Path) -> None:
    folder = shutil.copytree(VERSION_3_DIR / "study", tmp_path / "study")
    data_option = ("--data-file", VERSION_3_DIR / "cells.npz")
    assert run_command("status", folder).returncode == 0
    assert run_command("report", folder, *data_option).returncode == 0
    assert run_command("report", folder, "--verify", *data_option).returncode == 0
    assert read_schema_version((folder / "study.json").read_bytes()) == 3

    refused = run_command("resume", folder, *data_option)
    assert refused.returncode == 4  # the software has changed
    assert read_schema_version((folder / "study.json").read_bytes()) == 3

    resumed = run_command("resume", folder, *data_option, "--allow-code-change")
    assert resumed.returncode == 0, resumed.stderr
    assert read_schema_version((folder / "study.json").read_bytes()) == SCHEMA_VERSION
    assert len(Ledger(folder).read_trials()) == 2
    assert run_command("report", folder, *data_option).returncode == 0
