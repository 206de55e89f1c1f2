"""Train the trials of a grid without Ray, in a pool with one process per slot.

python -m tests.benchmarks.plain cells.npz EPOCHS SLOTS FOLDER
"""

import multiprocessing
import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from bloodnets import metrics
from bloodnets.data.medmnist import BloodCells, load_file
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.training.checkpoint import serialize_model, serialize_predictions
from bloodnets.training.evaluation import predict_probabilities
from bloodnets.training.loop import train
from bloodnets.training.malloc import keep_freed_memory
from bloodnets.training.training_state import DeviceSplit, TrainingState
from study.configs.presets import PUBLISHED

CPU = torch.device("cpu")
load_cached = cache(load_file)  # once per process


def train_trial(name: str, epochs: int, data: Path, folder: Path) -> float:
    """Train a trial, write its weights and predictions, and return its macro F1 on test."""
    torch.set_num_threads(1)
    keep_freed_memory()
    cells: BloodCells = load_cached(data)
    config = replace(PUBLISHED[name], max_epochs=epochs, patience=epochs)
    splits = {
        split: DeviceSplit.from_numpy(getattr(cells, split), CPU) for split in ("train", "val")
    }
    state = TrainingState.create(config, BLOODMNIST_SHAPE, CPU)
    for _ in train(state, config, train_split=splits["train"], val_split=splits["val"]):
        pass
    state.model.load_state_dict(state.best_weights)
    predictions = {
        split: (
            predict_probabilities(
                state.model, DeviceSplit.from_numpy(part, CPU).images, config.loss
            ),
            labels,
        )
        for split in ("val", "test")
        for part in [getattr(cells, split)]
        for labels in [part.labels]
    }
    (folder / f"{name}.safetensors").write_bytes(serialize_model(state.best_weights, config))
    (folder / f"{name}.npz").write_bytes(serialize_predictions(predictions))
    values, labels = predictions["test"]
    return metrics.compute_scores(metrics.compute_confusion_matrix(labels, values.argmax(1), 8))[
        "macro_f1"
    ]


def main() -> None:
    """Train all eight configurations, the longer ones first, as the grid does."""
    data, epochs, slots, folder = sys.argv[1:]
    names = sorted(PUBLISHED, key=lambda name: PUBLISHED[name].family)
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    with context.Pool(int(slots)) as pool:
        trials = [(name, int(epochs), Path(data), Path(folder)) for name in names]
        for name, score in zip(names, pool.starmap(train_trial, trials, chunksize=1), strict=True):
            print(name, score)


if __name__ == "__main__":
    main()
