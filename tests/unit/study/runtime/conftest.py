"""A trial of Tune's that has a place for its files, and never runs."""

from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.experiment import Trial


class StorageSpy(tune.Callback):
    """Callback that keeps where Tune put a trial's files."""

    def __init__(self) -> None:
        self.storage: Any = None

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self.storage = trial.storage


def report_nothing(config: dict[str, Any]) -> None:
    tune.report({"loss": 0.0})


@pytest.fixture(scope="session")
def tune_storage(ray_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the place of the files of a trial that Tune ran."""
    spy = StorageSpy()
    tune.Tuner(
        tune.with_resources(report_nothing, {"cpu": 1}),
        run_config=tune.RunConfig(
            storage_path=str(tmp_path_factory.mktemp("tune")), callbacks=[spy], verbose=0
        ),
    ).fit()
    return spy.storage


@pytest.fixture
def trial(tune_storage: Any) -> Trial:
    """Return a trial that has not started."""
    trial = Trial("trainable", stub=True, storage=tune_storage, max_failures=3)
    trial.init_local_path()
    return trial
