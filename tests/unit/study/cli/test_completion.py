"""Completion: what a shell offers for an unfinished word."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.configs.presets import ABLATIONS


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("bloodstudy gr", {"grid"}),
        ("bloodstudy search --gr", {"--grace-period"}),
        ("bloodstudy search --sampler t", {"tpe"}),
        ("bloodstudy grid --config resnet-", {*ABLATIONS}),
        ("bloodstudy status gr", {"grid-a", "grid-b"}),
        ("bloodstudy report --storage elsewhere gr", {"grid-c"}),
    ],
)
def test_bash_completion_offers_names(words: str, expected: set[str], tmp_path: Path) -> None:
    for name in ("results/grid-a", "results/grid-b", "results/other", "elsewhere/grid-c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "study.json").touch()
    (tmp_path / "results" / "grid-no-study").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", "from study.cli.main import main; main()"],
        cwd=tmp_path,
        env=os.environ
        | {
            "_BLOODSTUDY_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert {*done.stdout.split()} == expected
    assert done.stderr == ""
