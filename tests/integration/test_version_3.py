"""A study of version 3 of the file format: status, report and resume."""

import shutil
from pathlib import Path

from reports.ledger.ledger import Ledger
from reports.ledger.records import SCHEMA_VERSION
from reports.ledger.serialization import read_schema_version
from tests.helpers.cli_runs import RunHere, RunMain
from tests.helpers.small_studies import VERSION_3_DIR


def read_version(folder: Path) -> object:
    return read_schema_version((folder / "study.json").read_bytes())


def test_study_of_version_3_is_reported_and_resumed(
    tmp_path: Path, run_main: RunMain, train: RunHere
) -> None:
    folder = shutil.copytree(VERSION_3_DIR / "study", tmp_path / "study")
    data_option = ("--data-file", VERSION_3_DIR / "cells.npz")
    assert run_main("status", folder).code == 0
    assert run_main("report", folder, *data_option).code == 0
    assert run_main("report", folder, *data_option, "--verify").code == 0
    assert run_main("resume", folder, *data_option).code == 4  # the software has changed
    assert read_version(folder) == 3

    resumed = train("resume", folder, *data_option, "--allow-code-change", folder=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert read_version(folder) == SCHEMA_VERSION
    first, second = Ledger(folder).read_trials()
    assert first.software_sha256 != second.software_sha256
    assert run_main("report", folder, *data_option).code == 0
