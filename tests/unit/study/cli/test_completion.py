"""Completion: what a shell offers for an unfinished word."""

from pathlib import Path

import pytest

from study.cli.completion import complete_data_names
from study.configs.presets import ABLATIONS
from tests.helpers.cli_runs import RunMain


def test_complete_data_names_offers_sides_after_a_colon() -> None:
    sides = ["octmnist:28", "octmnist:64", "octmnist:128", "octmnist:224"]
    assert complete_data_names("octmnist:") == sides
    assert complete_data_names("octmnist:2") == ["octmnist:28", "octmnist:224"]
    assert {"synthetic", "bloodmnist", "retinamnist"} < {*complete_data_names("")}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("bloodstudy gr", {"grid"}),
        ("bloodstudy search --gr", {"--grace-period"}),
        ("bloodstudy search --sampler t", {"tpe"}),
        ("bloodstudy grid --config resnet-", {*ABLATIONS}),
        ("bloodstudy search --data s", {"synthetic"}),
        ("bloodstudy grid --data derma", {"dermamnist"}),
        ("bloodstudy status gr", {"grid-a", "grid-b"}),
        ("bloodstudy report --storage elsewhere gr", {"grid-c"}),
    ],
)
def test_bash_completion_offers_names(
    words: str,
    expected: set[str],
    tmp_path: Path,
    run_main: RunMain,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("results/grid-a", "results/grid-b", "results/other", "elsewhere/grid-c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "study.json").touch()
    (tmp_path / "results" / "grid-no-study").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_BLOODSTUDY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    outcome = run_main()
    assert {*outcome.stdout.split()} == expected
    assert outcome.stderr == ""
