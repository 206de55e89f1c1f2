"""The loop: what it yields, when it stops, what it keeps, and that it repeats itself."""

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from bloodnets import metrics
from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.training import evaluation, loop, training_step
from bloodnets.training.augmentation import make_pixel_permutations
from bloodnets.training.epoch_result import EpochResult
from bloodnets.training.evaluation import predict_probabilities, scale_pixels
from bloodnets.training.loop import NonFiniteLossError, get_stop_reason, train
from bloodnets.training.optimizers import compute_one_cycle_factor
from bloodnets.training.training_state import DeviceSplit, TrainingState
from study.configs.presets import PUBLISHED, RESNET

CPU = torch.device("cpu")
CONFIG = replace(PUBLISHED["cnn-config-2"], batch_size=16, max_epochs=2)
RESNET_CONFIG = replace(RESNET, width=4, batch_size=16, max_epochs=2, patience=2)


def run(
    config: TrialConfig, splits: dict[str, DeviceSplit]
) -> tuple[TrainingState, list[EpochResult]]:
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    return state, list(train(state, config, train_split=splits["train"], val_split=splits["val"]))


def test_train_two_epochs_yields_two_results(splits: dict[str, DeviceSplit]) -> None:
    state, results = run(CONFIG, splits)
    assert [result.epoch for result in results] == [1, 2]
    assert results[1].train_loss < results[0].train_loss
    assert get_stop_reason(state, CONFIG) == "max_epochs"


@pytest.mark.parametrize("family", ["mlnn", "cnn"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_train_both_losses_give_equal_weights_to_the_bit(
    splits: dict[str, DeviceSplit], family: Any, optimizer: Any, precision: Any
) -> None:
    config = replace(
        CONFIG,
        family=family,
        optimizer=optimizer,
        momentum=0.9 if optimizer == "sgd" else None,
        precision=precision,
        max_epochs=1,
    )
    found = []
    for loss in ("cross_entropy", "nll"):
        state, _ = run(replace(config, loss=loss), splits)
        values = predict_probabilities(state.model, splits["val"].images, loss)
        found.append((list(state.best_weights.values()), values))
    (one, p_one), (other, p_other) = found
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    np.testing.assert_array_equal(p_one, p_other)


def test_train_with_orientations_evaluates_val_by_their_means(
    splits: dict[str, DeviceSplit],
) -> None:
    state, (result,) = run(replace(CONFIG, max_epochs=1, orientations=True), splits)
    images, labels = splits["val"]
    means = predict_probabilities(state.model, images, CONFIG.loss, orientations=True)
    expected = -np.log(means[np.arange(len(labels)), labels]).mean()
    assert result.val_loss == pytest.approx(expected, rel=1e-5)
    assert result.val_accuracy == (means.argmax(1) == labels.numpy()).mean()
    plain, (other,) = run(replace(CONFIG, max_epochs=1), splits)
    assert other.val_loss != pytest.approx(expected, rel=1e-5)
    for key, value in plain.best_weights.items():  # training is the same
        assert torch.equal(value, state.best_weights[key])


@pytest.mark.parametrize("config", [CONFIG, RESNET_CONFIG], ids=["cnn", "resnet"])
def test_train_seed_decides_the_weights_to_the_bit(
    config: TrialConfig, splits: dict[str, DeviceSplit]
) -> None:
    torch.rand(7)  # what an earlier trial leaves behind in a reused worker
    one, _ = run(config, splits)
    torch.rand(11)
    same, _ = run(config, splits)
    other, _ = run(replace(config, seed=1), splits)
    for key, value in one.best_weights.items():
        assert torch.equal(value, same.best_weights[key])
        counts = key.endswith("num_batches_tracked")
        assert counts or not torch.equal(value, other.best_weights[key])


def test_train_epoch_augmented_shows_each_image_once_in_a_random_view(
    splits: dict[str, DeviceSplit],
) -> None:
    """One epoch: every image once, with its own label, all in views of the table."""
    images, labels = splits["train"]
    seen: list[torch.Tensor] = []

    def kept(batch: torch.Tensor) -> torch.Tensor:
        seen.append(batch)
        return scale_pixels(batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_step, "scale_pixels", kept)
        state = TrainingState.create(RESNET_CONFIG, BLOODMNIST_SHAPE, CPU)
        step = training_step.make_training_step(state, RESNET_CONFIG, splits["train"])
        loop.train_epoch(state, RESNET_CONFIG, step, splits["train"])
    draws = torch.Generator().manual_seed(RESNET_CONFIG.seed)
    order = torch.randperm(len(labels), generator=draws)
    chosen = torch.randint(200, (len(labels),), generator=draws)
    table = make_pixel_permutations(28, dihedral_augmentation=True, max_shift=2)
    expected = torch.stack(
        [
            images[i].flatten(0, 1)[table[v]].view(28, 28, 3)
            for i, v in zip(order.tolist(), chosen.tolist(), strict=True)
        ]
    )
    assert torch.equal(torch.cat(seen), expected)


def test_train_class_weights_change_the_weights_but_not_the_val_loss_of_a_model(
    splits: dict[str, DeviceSplit],
) -> None:
    config = replace(CONFIG, max_epochs=1)
    plain, _ = run(config, splits)
    weighted_config = replace(config, class_weights="balanced")
    weighted, (result,) = run(weighted_config, splits)
    assert any(
        not torch.equal(value, weighted.best_weights[key])
        for key, value in plain.best_weights.items()
    )
    images, labels = splits["val"]
    log_probabilities = evaluation.predict_log_probabilities(weighted.model, images, config.loss)
    assert result.val_loss == pytest.approx(float(F.nll_loss(log_probabilities, labels)))


def test_train_class_weights_with_an_absent_class_keep_the_loss_finite(
    splits: dict[str, DeviceSplit],
) -> None:
    config = replace(CONFIG, max_epochs=1, class_weights="balanced")
    images, labels = splits["train"]
    is_kept = labels != 3
    kept = DeviceSplit(images[is_kept], labels[is_kept])
    _, (result,) = run(config, {**splits, "train": kept})
    assert math.isfinite(result.train_loss)


def test_train_epoch_one_cycle_follows_the_schedule(splits: dict[str, DeviceSplit]) -> None:
    state, seen = TrainingState.create(RESNET_CONFIG, BLOODMNIST_SHAPE, CPU), []
    step = training_step.make_training_step(state, RESNET_CONFIG, splits["train"])

    def watched(batch: torch.Tensor) -> torch.Tensor:
        seen.append(state.optimizer.param_groups[0]["lr"])
        return step(batch)

    for state.epoch in range(RESNET_CONFIG.max_epochs):
        loop.train_epoch(state, RESNET_CONFIG, watched, splits["train"])
    middles = [(i + 0.5) / len(seen) for i in range(len(seen))]
    assert seen == pytest.approx(
        [RESNET_CONFIG.learning_rate * compute_one_cycle_factor(at) for at in middles]
    )


def test_train_bfloat16_gives_nearly_the_weights_of_float32(
    splits: dict[str, DeviceSplit],
) -> None:
    config = replace(CONFIG, dropout=0.0, max_epochs=1)
    exact, _ = run(config, splits)
    mixed, _ = run(replace(config, precision="bfloat16"), splits)
    start = TrainingState.create(config, BLOODMNIST_SHAPE, CPU).model.state_dict()
    for name, value in exact.best_weights.items():
        assert mixed.best_weights[name].dtype == torch.float32
        assert not torch.equal(mixed.best_weights[name], value)
        moved, apart = (value - start[name]).norm(), (value - mixed.best_weights[name]).norm()
        assert apart < 0.5 * moved


def test_train_order_of_images_depends_only_on_the_seed(splits: dict[str, DeviceSplit]) -> None:
    """Not on what else draws random numbers: configurations see the images in the same order."""
    config = replace(CONFIG, max_epochs=1)
    states = [run(replace(config, family=family), splits)[0] for family in ("mlnn", "cnn")]
    first = torch.randperm(100, generator=torch.Generator().manual_seed(config.seed))
    one, other = (torch.randperm(100, generator=state.shuffle_generator) for state in states)
    assert torch.equal(one, other)
    assert not torch.equal(one, first)  # the epoch has drawn from it


def test_train_patience_ends_it_and_keeps_the_best_epoch(
    splits: dict[str, DeviceSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    course = iter([0.5, 0.7, 0.6, 0.7, 0.4, 0.9])
    monkeypatch.setattr(
        metrics, "compute_scores", lambda _: {"macro_f1": next(course), "accuracy": 0.5}
    )
    config = replace(CONFIG, patience=3, max_epochs=50)
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    weights = [
        {key: value.clone() for key, value in state.model.state_dict().items()}
        for _ in train(state, config, train_split=splits["train"], val_split=splits["val"])
    ]
    assert (state.epoch, state.best_epoch) == (5, 2)  # an equal score is not a better one
    assert get_stop_reason(state, config) == "patience"
    for key, value in state.best_weights.items():
        assert torch.equal(value, weights[1][key])
        assert not torch.equal(value, weights[4][key])


def test_train_non_finite_loss_raises(
    splits: dict[str, DeviceSplit],
) -> None:
    config = replace(CONFIG, optimizer="sgd", momentum=0.9, learning_rate=1e20)
    with pytest.raises(NonFiniteLossError) as caught:
        run(config, splits)
    assert isinstance(caught.value.value, float)
    assert not math.isfinite(caught.value.value)
    assert re.search(r"epoch 1, step [2-5]$", caught.value.problem)
    assert caught.value.remedy is not None


def test_train_loss_of_an_epoch_is_the_mean_over_images(splits: dict[str, DeviceSplit]) -> None:
    """With a learning rate of next to nothing the model stays, so the loss can be had at once."""
    n = len(splits["train"].labels)
    assert n % 50  # the last batch is smaller, and must weigh less
    config = replace(CONFIG, learning_rate=1e-12, dropout=0.0, batch_size=50, max_epochs=1)
    state, (result,) = run(config, splits)
    with torch.inference_mode():
        outputs = state.model(scale_pixels(splits["train"].images))
        loss = F.cross_entropy(outputs, splits["train"].labels)
    assert result.train_loss == pytest.approx(float(loss), rel=1e-5)


def test_train_shared_images_stay_unchanged(splits: dict[str, DeviceSplit]) -> None:
    before = splits["train"].images.clone()
    run(replace(CONFIG, max_epochs=1), splits)
    assert torch.equal(before, splits["train"].images)
