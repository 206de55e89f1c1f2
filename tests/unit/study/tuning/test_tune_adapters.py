"""What Tune is answered: which trials ASHA stops, and which it never does."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from ray import cloudpickle
from ray.tune.experiment import Trial

from bloodnets.config import TrialConfig
from bloodnets.messages import REPORT_KEY, SPEC_KEY, EpochReport, TrialReport
from bloodnets.training.epoch_result import EpochResult
from reports.ledger.planned_trial import Config, PlannedTrial
from reports.ledger.records import GpusPerTrial
from reports.ledger.states import StopReason
from study.configs.presets import PUBLISHED
from study.tuning.search_run import SearchRun
from study.tuning.tune_adapters import (
    AshaScheduler,
    PlanSearcher,
    make_resource_request,
    prepare_specs,
)
from tests.helpers.search_builder import SEARCH_RECORD, build_search
from tests.helpers.specs import make_spec
from tests.helpers.study_configs import make_grid_config

CONFIG = cast("Config", PUBLISHED["cnn-config-1"].to_dict())


def make_epoch(epoch: int, best_value: float, *, restored: bool = False) -> EpochReport:
    result = EpochResult(
        epoch=epoch, train_loss=1, val_loss=1, val_accuracy=0, val_macro_f1=0, duration_s=1
    )
    return EpochReport(result=result, best_val_macro_f1=best_value, restored=restored)


def make_result(*epochs: EpochReport) -> dict[str, object]:
    """Return a result of Tune's with a report of these epochs."""
    return {REPORT_KEY: TrialReport(epochs=epochs)}


def make_search_run(folder: Path) -> SearchRun:
    search = replace(SEARCH_RECORD, rungs=(2,), n_trials=0)
    return SearchRun(build_search(folder, search=search, ended_by=None), search)


@pytest.mark.parametrize(
    ("configuration", "restored", "answer"),
    [
        ("trial-7", False, "STOP"),
        ("trial-7", True, "CONTINUE"),  # it was let through before
        ("cnn-config-2", False, "CONTINUE"),
    ],
)
def test_asha_scheduler_trial_behind_at_a_rung_is_stopped_unless_published(
    tmp_path: Path, configuration: str, restored: bool, answer: str
) -> None:
    search_run = make_search_run(tmp_path / "s")
    search_run.rungs.report("first", 2, 0.9)
    scheduler = AshaScheduler(search_run)
    spec = replace(make_spec(tmp_path), id="own", configuration=configuration)
    trial = Trial("stub", config={SPEC_KEY: spec}, stub=True)
    answers = [
        scheduler.on_trial_result(None, trial, make_result(*epochs))
        for epochs in (
            [make_epoch(1, 0.5, restored=restored)],
            [make_epoch(epoch, 0.6, restored=restored) for epoch in (1, 2)],
        )
    ]
    assert answers == ["CONTINUE", answer]
    assert search_run.rungs.values[2] == {"first": 0.9, "own": 0.6}
    assert search_run.stop_reasons == ({"own": StopReason.ASHA} if answer == "STOP" else {})


def test_asha_scheduler_result_without_a_report_continues(tmp_path: Path) -> None:
    scheduler = AshaScheduler(make_search_run(tmp_path / "s"))
    trial = Trial("stub", config={SPEC_KEY: make_spec(tmp_path)}, stub=True)
    assert scheduler.on_trial_result(None, trial, {"done": True}) == "CONTINUE"


@pytest.mark.parametrize(("n_slots", "interval_s"), [(1, 2), (200, 2), (1024, 10.24)])
def test_prepare_specs_more_slots_report_less_often(
    tmp_path: Path, n_slots: int, interval_s: float
) -> None:
    ledger = make_search_run(tmp_path / "s").ledger
    planned = PlannedTrial(id="a", configuration="c", config=CONFIG)
    spec = prepare_specs(ledger, "p", evaluate_test=False, n_slots=n_slots)(planned)
    assert spec.report_interval_s == interval_s


@pytest.mark.parametrize(("evaluate_test", "rungs"), [(False, (2,)), (True, ())])
def test_prepare_specs_only_trials_of_a_search_have_rungs(
    tmp_path: Path, evaluate_test: bool, rungs: tuple[int, ...]
) -> None:
    ledger = make_search_run(tmp_path / "s").ledger
    planned = PlannedTrial(id="a", configuration="c", config=CONFIG)
    assert prepare_specs(ledger, "p", evaluate_test=evaluate_test)(planned).rungs == rungs


def test_plan_searcher_gives_trials_in_order(tmp_path: Path) -> None:
    specs = [replace(make_spec(tmp_path), id=name) for name in ("b", "a")]
    searcher = PlanSearcher(specs)
    assert [searcher.suggest("x")[SPEC_KEY].id for _ in specs] == ["b", "a"]


@pytest.mark.parametrize(
    ("gpus_per_trial", "expected"),
    [
        ({"cnn": 0.25, "resnet": 1.0}, {"cnn-config-1": 0.25, "resnet": 1.0}),
        (0.5, {"cnn-config-1": 0.5, "resnet": 0.5}),
        (0.0, {"cnn-config-1": None, "resnet": None}),
    ],
)
def test_make_resource_request_gives_each_family_its_share(
    gpus_per_trial: GpusPerTrial, expected: dict[str, float | None], tmp_path: Path
) -> None:
    names, settings = tuple(expected), {"cpus_per_trial": 2, "gpus_per_trial": gpus_per_trial}
    grid_config = make_grid_config(tmp_path, configurations=names, max_epochs=None, **settings)
    request_resources = make_resource_request(grid_config)
    for trial in grid_config.plan_trials():
        config = TrialConfig.from_dict(trial.config)
        spec = replace(make_spec(tmp_path), configuration=trial.configuration, config=config)
        required = request_resources({SPEC_KEY: spec}).required_resources
        assert required["CPU"] == 2
        assert required.get("GPU") == expected[trial.configuration]


def test_make_resource_request_is_sent_to_workers_without_the_modules_of_the_driver(
    tmp_path: Path,
) -> None:
    pickled = cloudpickle.dumps(make_resource_request(make_grid_config(tmp_path)))
    code = (
        "import pickle, sys\n"
        "pickle.loads(sys.stdin.buffer.read())\n"
        "assert 'bloodnets.messages' in sys.modules\n"
        "assert 'study.tuning.tune_adapters' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickled, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
