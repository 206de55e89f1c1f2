"""Benchmark the classification of images: decoding, reading, and predicting with a ResNet."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.metrics import FloatArray
from bloodnets.models import build_model
from bloodnets.training.evaluation import get_evaluation_batch_size, predict_probabilities
from study.configs.presets import RESNET
from study.inference.input_images import InputImage, read_input_images
from study.inference.predict import Predictor, classify_images
from study.inference.pretrained import PretrainedModel
from tests.benchmarks.figures import Measurement, measure_duration_s, run_benchmark

N_IMAGES, N_ROUNDS = 1_000, 5
MAX_COMMAND_S = 2.0


class TorchModel:
    """ResNet with random weights, in PyTorch, which otherwise predicts like `PretrainedModel`."""

    def __init__(self) -> None:
        self.description = PretrainedModel().description
        self.batch_size = get_evaluation_batch_size("cpu", BLOODMNIST_SHAPE.side)
        self._model = build_model(RESNET, BLOODMNIST_SHAPE)

    def predict(self, images: NDArray[np.uint8]) -> FloatArray:
        """Return probabilities, float64, shape (n, classes)."""
        pixels = torch.from_numpy(images)
        return predict_probabilities(self._model, pixels, "cross_entropy").astype(np.float64)


def write_images(folder: Path) -> list[Path]:
    """Write PNG files of 28 x 28 pixels, and return their paths."""
    cells = generate_synthetic_arrays(scale=0.1)["train_images"]
    paths = [folder / f"{index}.png" for index in range(N_IMAGES)]
    for index, path in enumerate(paths):
        Image.fromarray(cells[index % len(cells)]).save(path)
    return paths


def decode(paths: Sequence[Path]) -> None:
    """Decode images with Pillow."""
    for path in paths:
        with Image.open(path) as image:
            np.asarray(image)


def read(paths: Sequence[Path]) -> Iterator[InputImage]:
    """Return the images as `predict` reads them."""
    return read_input_images(
        paths, BLOODMNIST_SHAPE, split="test", crop=None, on_skip=print, on_leave_out=print
    )


def classify(model: Predictor, paths: Sequence[Path]) -> None:
    """Classify images as `predict` does."""
    assert sum(1 for _ in classify_images(model, read(paths))) == len(paths)


def measure(full: bool) -> Iterator[Measurement]:
    """Yield images per second on all cores, and the duration of the command for one image."""
    del full
    with tempfile.TemporaryDirectory() as temp_folder:
        folder = Path(temp_folder)
        paths, onnx_model, torch_model = write_images(folder), PretrainedModel(), TorchModel()
        runs: dict[str, Callable[[], object]] = {
            "only decode PNG files of 28 x 28 pixels with Pillow": lambda: decode(paths),
            "read them as `predict` does": lambda: list(read(paths)),
            "`predict`, ResNet in PyTorch": lambda: classify(torch_model, paths),
            "`predict --pretrained`, ResNet in ONNX Runtime": lambda: classify(onnx_model, paths),
        }
        for what, run in runs.items():
            run()
            durations_s = [measure_duration_s(run) for _ in range(N_ROUNDS)]
            yield Measurement(
                what=what,
                value=N_IMAGES / median(durations_s),
                unit="images/s",
                detail=f"{N_IMAGES:,} images, all cores, {N_ROUNDS} rounds",
            )
        program = Path(sys.executable).with_name("bloodstudy")
        command = [str(program), "predict", "--pretrained", str(paths[0])]
        durations_s = [
            measure_duration_s(lambda: subprocess.run(command, check=True, capture_output=True))
            for _ in range(N_ROUNDS)
        ]
        yield Measurement(
            what="`predict --pretrained` of one image, the whole command",
            value=median(durations_s),
            unit="s",
            at_most=MAX_COMMAND_S,
            detail=f"median of {N_ROUNDS}",
        )


if __name__ == "__main__":
    run_benchmark(measure)
