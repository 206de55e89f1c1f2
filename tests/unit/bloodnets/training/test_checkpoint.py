"""A state brings training back to the bit, and no file in its place brings anything else."""

import json
import os
import pickle
import zipfile
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.checkpoint_header import RETRAIN_HINT, read_checkpoint_header
from bloodnets.training.checkpoint import Checkpoint, load_checkpoint, serialize_checkpoint
from bloodnets.training.epoch_result import EpochResult
from bloodnets.training.loop import train
from bloodnets.training.training_state import DeviceSplit, TrainingState
from study.configs.presets import PUBLISHED, RESNET

CPU = torch.device("cpu")
CONFIG = replace(PUBLISHED["cnn-config-2"], batch_size=16, max_epochs=3)


def begun(
    config: TrialConfig, splits: dict[str, DeviceSplit], epochs: int = 2
) -> tuple[bytes, list[EpochResult]]:
    """The file of a state after some epochs, and the epochs."""
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    results = list(
        islice(train(state, config, train_split=splits["train"], val_split=splits["val"]), epochs)
    )
    return serialize_checkpoint(
        state, config, study_fingerprint="mine", epochs=results, duration_s=1.5
    ), results


@pytest.fixture(scope="module")
def content(splits: dict[str, DeviceSplit]) -> bytes:
    """Return the checkpoint of `CONFIG` after two epochs."""
    return begun(CONFIG, splits)[0]


def found_in(content: bytes, config: TrialConfig = CONFIG, study: str = "mine") -> Checkpoint:
    return load_checkpoint(
        content, "state.safetensors", config, BLOODMNIST_SHAPE, study_fingerprint=study, device=CPU
    )


def timeless(results: list[EpochResult]) -> list[EpochResult]:
    return [replace(result, duration_s=0) for result in results]


@pytest.mark.parametrize(
    "preset",
    [
        PUBLISHED["mlnn-config-1"],
        replace(PUBLISHED["mlnn-config-1"], momentum=0.0),
        PUBLISHED["mlnn-config-2"],
        PUBLISHED["cnn-config-1"],
        replace(PUBLISHED["cnn-config-1"], momentum=0.0),
        PUBLISHED["cnn-config-4"],
        replace(RESNET, width=4),
    ],
)
def test_load_checkpoint_resumed_training_equals_undisturbed_to_the_bit(
    preset: TrialConfig, splits: dict[str, DeviceSplit]
) -> None:
    config = replace(preset, batch_size=16, max_epochs=3)
    undisturbed = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    expected = list(
        train(undisturbed, config, train_split=splits["train"], val_split=splits["val"])
    )
    content, before = begun(config, splits)
    torch.manual_seed(77)  # another process has drawn other numbers
    found = found_in(content, config)
    assert (found.epochs, found.duration_s) == (before, 1.5)
    after = list(train(found.state, config, train_split=splits["train"], val_split=splits["val"]))
    assert timeless([*before, *after]) == timeless(expected)
    for one, other in (
        (found.state.model.state_dict(), undisturbed.model.state_dict()),
        (found.state.best_weights, undisturbed.best_weights),
    ):
        assert all(torch.equal(one[key], other[key]) for key in other)
    assert found.state.best_epoch == undisturbed.best_epoch


def test_read_checkpoint_header_of_a_checkpoint_gives_its_epochs(
    splits: dict[str, DeviceSplit],
) -> None:
    content, results = begun(CONFIG, splits)
    epochs = read_checkpoint_header(content[:10_000], len(content), "s").epochs
    assert [EpochResult(**values) for values in epochs] == results


@pytest.mark.parametrize("share", [0, 0.00001, 0.01, 0.25, 0.5, 0.75, 0.999])
def test_load_checkpoint_truncated_file_raises_conflict_error(share: float, content: bytes) -> None:
    part = content[: int(share * len(content))]
    for read in (
        found_in,
        lambda part: read_checkpoint_header(part, len(part), "state.safetensors"),
    ):
        with pytest.raises(ConflictError) as caught:
            read(part)
        error = caught.value
        assert (error.path, error.value, error.remedy) == (
            "state.safetensors",
            len(part),
            RETRAIN_HINT,
        )


@pytest.mark.parametrize(
    "other",
    [
        replace(CONFIG, seed=1),
        replace(CONFIG, learning_rate=0.5),
        replace(PUBLISHED["mlnn-config-1"], batch_size=16, max_epochs=3),
    ],
)
def test_load_checkpoint_of_another_trial_raises(
    other: TrialConfig, splits: dict[str, DeviceSplit]
) -> None:
    content, _ = begun(other, splits, epochs=1)
    with pytest.raises(DataError) as caught:
        found_in(content)
    assert (caught.value.path, caught.value.remedy) == ("state.safetensors", RETRAIN_HINT)


def test_load_checkpoint_of_another_study_raises(content: bytes) -> None:
    with pytest.raises(DataError) as caught:
        found_in(content, study="other")
    assert (caught.value.path, caught.value.remedy) == ("state.safetensors", RETRAIN_HINT)


def without(prefix: str) -> Any:
    return lambda tensors: {k: v for k, v in tensors.items() if not k.startswith(prefix)}


@pytest.mark.parametrize(
    "change",
    [
        without("model."),
        without("best."),
        without("optimizer.3."),
        without("random.shuffle"),
        lambda tensors: tensors | {"unknown.x": torch.zeros(1)},
        lambda tensors: {k: v[:1].clone() if v.dim() == 4 else v for k, v in tensors.items()},
        lambda tensors: tensors | {"random.cpu": torch.zeros(3, dtype=torch.uint8)},
    ],
)
def test_load_checkpoint_of_another_architecture_raises(change: Any, content: bytes) -> None:
    """Under the right header: the tensors of another network, or too few."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])["__metadata__"]
    tensors = load(content)
    changed = change(tensors)
    assert changed.keys() != tensors.keys() or any(
        not torch.equal(changed[key], tensors[key]) for key in tensors
    )
    with pytest.raises(DataError) as caught:
        found_in(save(changed, metadata=header))
    assert (caught.value.path, caught.value.remedy) == ("state.safetensors", RETRAIN_HINT)


class Attack:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_load_checkpoint_pickle_is_not_unpickled(protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with pytest.raises((DataError, ConflictError)):
        found_in(pickle.dumps(Attack(marker), protocol=protocol))
    assert not marker.exists()


def test_load_checkpoint_pytorch_file_is_not_unpickled(tmp_path: Path) -> None:
    marker, path = tmp_path / "marker", tmp_path / "state.safetensors"
    torch.save({"model": Attack(marker)}, path)
    assert zipfile.is_zipfile(path)
    with pytest.raises(DataError) as caught:
        found_in(path.read_bytes())
    assert (caught.value.path, caught.value.remedy) == ("state.safetensors", RETRAIN_HINT)
    assert not marker.exists()
