"""Export a study's model, or a vote of several, to ONNX with a model card.

The exported model takes unscaled pixels. Before it is written, its predictions are compared with
those of the trained model, and those of a vote also with the stored predictions of its members.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import onnxruntime
import onnxscript  # noqa: F401 - PyTorch's exporter needs it, but reports it late
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bloodnets.constants import N_ORIENTATIONS
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import DataShape
from bloodnets.errors import StudyError
from bloodnets.metrics import FloatArray
from bloodnets.training.evaluation import (
    get_evaluation_batch_size,
    make_orientations,
    scale_pixels,
)
from reports.analysis.further_scores import SMALLEST_PROBABILITY
from reports.analysis.temperature import TemperatureState, scale_probabilities
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord
from reports.ledger.trial_predictions import read_predictions
from reports.page.model_card import make_model_card
from study.inference.export_folder import require_new_folder, write_new_folder
from study.inference.model_description import ModelDescription
from study.inference.recompute import CPU_TOLERANCE, GPU_TOLERANCE
from study.inference.study_model import predict_calibrated_probabilities
from study.inference.vote_selection import Selection

PROBABILITY_TOLERANCE = 1e-4
"""Maximum difference of a probability. On a CPU, the two engines differ by at most 1% of it."""


class _ProbabilityModel(nn.Module):
    """Model to export, from pixels to probabilities."""

    def __init__(self, selected: Selection) -> None:
        super().__init__()
        self.models = nn.ModuleList(member.model for member in selected.members)
        self.losses = [member.config.loss for member in selected.members]
        self.orientations = selected.members[0].config.orientations
        self.temperature = selected.temperature.value

    def forward(self, images: Tensor) -> Tensor:
        """Return calibrated probabilities, float32 (n, classes).

        Args:
            images: Pixels, uint8, shape (n, side, side, channels).
        """
        views = torch.cat(make_orientations(images)) if self.orientations else images
        pixels = scale_pixels(views)
        probabilities = []
        for model, loss in zip(self.models, self.losses, strict=True):
            outputs: Tensor = model(pixels)
            probabilities.append(outputs.exp() if loss == "nll" else outputs.softmax(dim=1))
        means = (
            probabilities[0] if len(probabilities) == 1 else torch.stack(probabilities).mean(dim=0)
        )
        if self.orientations:
            means = means.view(N_ORIENTATIONS, -1, means.shape[1]).mean(dim=0)
        if self.temperature == 1:
            return means
        # The same as `scale_probabilities`, in PyTorch.
        return (means.clamp(min=SMALLEST_PROBABILITY).log() / self.temperature).softmax(dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """Agreement of an exported model with the trained one, which predicts the same classes.

    Attributes:
        n_images: Number of images in the comparison.
        is_synthetic: Whether the images are synthetic, because the study's were not available.
        max_deviation: Largest absolute difference of a probability, 0 to 1.
        stored_deviation: Largest absolute difference from the stored mean of the members of a vote,
            calibrated likewise; None if it was not compared.
    """

    n_images: int
    is_synthetic: bool
    max_deviation: float
    stored_deviation: float | None = None

    def __str__(self) -> str:
        images_label = "synthetic images" if self.is_synthetic else "images of the test split"
        text = (
            f"On {self.n_images:,} {images_label}, the exported model and the trained model "
            f"predicted the same classes; probabilities differ by at most {self.max_deviation:.1g}."
        )
        if self.stored_deviation is None:
            return text
        return (
            f"{text} They differ by at most {self.stored_deviation:.1g} from the calibrated mean "
            "of the probabilities that the members stored in the study."
        )


def export_onnx(
    ledger: Ledger, selected: Selection, images: NDArray[np.uint8] | None, folder: Path
) -> ExportCheck:
    """Write `model.onnx` and its card, `README.md`, to a new folder after checking the model.

    The check uses no labels, so it is not a test evaluation.

    Args:
        ledger: Ledger of the study.
        selected: Selected model or vote.
        images: Images of the study's test split, uint8, shape (n, side, side, channels). None if
            they are not available; synthetic images or noise are used instead.
        folder: Folder to write, which must not exist.

    Returns:
        Agreement of the exported model with the trained one.

    Raises:
        ConflictError: The folder exists.
        ResourceError: The folder cannot be written.
        StudyError: The predictions of the exported model differ from those of the trained model.
    """
    require_new_folder(folder)
    model = build_onnx_model(selected, ledger.study)
    stored = None if images is None else _read_stored_mean(ledger, selected)
    export_check = compare_predictions(
        model, selected, images, ledger.study.data.shape, stored=stored
    )
    card_text = make_model_card(
        ledger,
        [member.record for member in selected.members],
        name=selected.name,
        reason=selected.reason,
        agreement=str(export_check),
        temperature=selected.temperature,
    )
    write_new_folder(folder, {"model.onnx": model, "README.md": card_text.encode()})
    return export_check


def build_onnx_model(selected: Selection, study: StudyRecord) -> bytes:
    """Return a model in the ONNX format, including weights and pixel scaling.

    Args:
        selected: Selected model or vote.
        study: Record of the study, for the metadata.

    Returns:
        ONNX model with the input `images`, uint8 (n, side, side, channels), and the output
        `probabilities`, float32 (n, classes), which are calibrated. Its metadata are those of
        `ModelDescription.to_metadata`.
    """
    shape = study.data.shape
    example_images = torch.zeros((2, shape.side, shape.side, shape.channels), dtype=torch.uint8)
    with warnings.catch_warnings(action="ignore"):  # warnings about the exporter's own calls
        program = torch.onnx.export(
            _ProbabilityModel(selected).eval(),
            (example_images,),
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
        )
    model = cast(torch.onnx.ONNXProgram, program).model_proto  # None only with `dynamo=False`
    _strip_metadata(model)
    model.doc_string = (
        f"Classifies images into {shape.n_classes} classes. For research only, not for diagnostic "
        "use."
    )
    description = ModelDescription.of_selection(study, selected)
    onnx.helper.set_model_props(model, description.to_metadata())
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _strip_metadata(model: onnx.ModelProto) -> None:
    """Remove the exporter's metadata: stack traces, which contain local paths."""
    messages = [model]  # and, later, the messages in it
    while messages:
        message = messages.pop()
        for field, value in message.ListFields():
            if field.name in {"metadata_props", "doc_string"}:
                message.ClearField(field.name)
            elif field.message_type is not None:
                messages.extend([value] if hasattr(value, "ListFields") else value)


def _read_stored_mean(ledger: Ledger, selected: Selection) -> FloatArray | None:
    """Return the calibrated mean of what a vote's members stored for test.

    It is None for one model, and for a model that averages over orientations unlike the study.
    """
    records = [member.record for member in selected.members]
    if len(records) == 1 or not all("test" in record.scores for record in records):
        return None
    if selected.temperature.state is TemperatureState.OTHER_VIEWS:
        return None
    probabilities = [read_predictions(ledger, r.id, "test").probabilities for r in records]
    means = np.asarray(np.mean(probabilities, axis=0, dtype=np.float64))
    return scale_probabilities(means, selected.temperature.value)


def compare_predictions(
    model: bytes,
    selected: Selection,
    images: NDArray[np.uint8] | None,
    shape: DataShape,
    *,
    stored: FloatArray | None = None,
) -> ExportCheck:
    """Compare the predictions of an exported model with those of the trained model.

    Args:
        model: Exported model from `build_onnx_model`.
        selected: Selected model or vote.
        images: Images, uint8, shape (n, side, side, channels); None for synthetic images.
        shape: Shape of the study's data.
        stored: Calibrated mean of the members' stored probabilities for these images, float64,
            shape (n, classes); None to compare only with the trained model.

    Raises:
        StudyError: The predictions differ.
    """
    is_synthetic = images is None
    if images is None:
        images = _make_synthetic_images(shape)
    onnxruntime.set_default_logger_severity(3)  # no warnings about missing hardware
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    # The first image is a batch of its own, because the batch size is dynamic.
    batch_size = get_evaluation_batch_size("cpu", shape.side)
    chunks = [
        images[:1],
        *(images[i : i + batch_size] for i in range(1, len(images), batch_size)),
    ]
    exported = np.concatenate([session.run(None, {"images": chunk})[0] for chunk in chunks])
    expected = predict_calibrated_probabilities(selected, torch.from_numpy(images))
    max_deviation = float(np.abs(exported - expected).max())
    n_mismatches = int((exported.argmax(axis=1) != expected.argmax(axis=1)).sum())
    # `not <=` also rejects NaN.
    if n_mismatches or not max_deviation <= PROBABILITY_TOLERANCE:
        raise StudyError(
            f"the exported model does not match the trained model, so nothing was written: the "
            f"class differs for {n_mismatches} of {format_count(len(images), 'image')}, and "
            f"probabilities differ by up to {max_deviation:.2g}",
            value=max_deviation,
            expected=f"the same classes, and probabilities within {PROBABILITY_TOLERANCE:g}",
        )
    stored_deviation = None if stored is None else _compare_with_stored(exported, stored, selected)
    return ExportCheck(
        n_images=len(images),
        is_synthetic=is_synthetic,
        max_deviation=max_deviation,
        stored_deviation=stored_deviation,
    )


def _compare_with_stored(
    exported: NDArray[np.float32], stored: FloatArray, selected: Selection
) -> float:
    """Return the largest difference of an exported vote from its members' stored predictions."""
    is_cpu = all(member.record.device == "cpu" for member in selected.members)
    tolerance = CPU_TOLERANCE if is_cpu else GPU_TOLERANCE
    deviation = float(np.abs(exported - stored).max())
    if not deviation <= tolerance:
        raise StudyError(
            "the exported vote does not match the stored predictions, so nothing was written: "
            f"probabilities differ by up to {deviation:.2g}",
            value=deviation,
            expected=f"probabilities within {tolerance:g}",
        )
    return deviation


def _make_synthetic_images(shape: DataShape) -> NDArray[np.uint8]:
    """Return synthetic cells, enlarged or reduced to the shape of a study's data."""
    images = generate_synthetic_arrays(scale=0.05)["test_images"]
    nearest = np.arange(shape.side) * images.shape[1] // shape.side
    resized = images[:, nearest][:, :, nearest]
    return resized if shape.channels == 3 else resized[..., :1]
