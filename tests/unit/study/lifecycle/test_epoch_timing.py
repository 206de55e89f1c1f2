"""The time of an epoch, from a few steps."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import BloodCells
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import build_model, count_parameters
from bloodnets.training.training_state import DeviceSplit
from study.lifecycle import epoch_timing
from study.lifecycle.epoch_timing import measure_network_cost


@pytest.mark.parametrize(("step_s", "n_steps"), [(0.001, 12), (0.1, 5), (9.0, 2)])
def test_measure_network_cost_slow_steps_are_fewer(
    step_s: float, n_steps: int, cells: BloodCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrialConfig(
        family="mlnn", loss="nll", optimizer="adam", learning_rate=0.1, momentum=None, dropout=0.1,
        batch_size=8,
    )  # fmt: skip
    sizes: list[int] = []

    def train(*_: object, train_split: DeviceSplit, **__: object) -> Iterator[SimpleNamespace]:
        sizes.append(len(train_split.labels))
        yield SimpleNamespace(duration_s=step_s * sizes[-1] / config.batch_size)

    monkeypatch.setattr(epoch_timing, "train", train)
    cost = measure_network_cost(config, cells, threads=1)
    assert sizes == [config.batch_size, n_steps * config.batch_size]
    n_epoch_steps = len(cells.train.labels) / config.batch_size
    assert cost.epoch_duration_s == pytest.approx(step_s * n_epoch_steps)
    assert cost.weight_bytes == 4 * count_parameters(build_model(config, BLOODMNIST_SHAPE))
