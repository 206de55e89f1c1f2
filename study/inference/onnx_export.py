"""A study's model for other programs: one ONNX file that takes images as they are, and its card.

The file is run before it is handed on, and must say what the trained model says.
"""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import onnxruntime
import onnxscript  # noqa: F401 - PyTorch's exporter needs it, and says so late
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bloodnets.constants import CHANNELS, IMAGE_SIDE
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.errors import StudyError
from bloodnets.training.loop import predict_probabilities, scale_pixels
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord
from reports.page.model_card import make_model_card
from study.inference.export_folder import require_new_folder, write_new_folder
from study.inference.model_selection import SelectedModel

PROBABILITY_TOLERANCE = 1e-4
"""Of a probability. On a CPU the two engines differ by a hundredth of that at most."""

_CHECK_BATCH_SIZE = 512


class _ProbabilityModel(nn.Module):
    """From pixels to probabilities: what is exported."""

    def __init__(self, selected: SelectedModel) -> None:
        super().__init__()
        self.model, self.loss = selected.model, selected.config.loss

    def forward(self, images: Tensor) -> Tensor:
        """Images, uint8 (n, 28, 28, 3), to probabilities, float32 (n, 8)."""
        outputs: Tensor = self.model(scale_pixels(images))
        return outputs.exp() if self.loss == "nll" else outputs.softmax(dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCheck:
    """How far the exported model says what the trained one says; the classes are the same.

    Attributes:
        n_images: compared.
        is_synthetic: whether they are drawings, as the study's own were not at hand.
        max_deviation: of a probability, the largest.
    """

    n_images: int
    is_synthetic: bool
    max_deviation: float

    def __str__(self) -> str:
        images_label = "drawn images" if self.is_synthetic else "images of the test split"
        return (
            f"On {self.n_images:,} {images_label} the exported model and the trained one gave the "
            f"same classes, and probabilities that differ by {self.max_deviation:.1g} at most."
        )


def export_onnx(
    ledger: Ledger, selected: SelectedModel, images: NDArray[np.uint8] | None, folder: Path
) -> ExportCheck:
    """Write `model.onnx` and its card, `README.md`, into a new folder, after trying the model.

    No label is looked at, so this is no look at test.

    Args:
        ledger: of the study.
        selected: the model.
        images: of the study's test split, uint8, shape (n, 28, 28, 3); None if not at hand, and
            then drawings are used.
        folder: must not exist.

    Raises:
        ConflictError: it exists.
        ResourceError: it cannot be written.
        StudyError: the exported model says something else than the trained one.
    """
    require_new_folder(folder)
    model = build_onnx_model(selected, ledger.study)
    export_check = compare_predictions(model, selected, images)
    card_text = make_model_card(
        ledger, selected.record, reason=selected.reason, agreement=str(export_check)
    )
    write_new_folder(folder, {"model.onnx": model, "README.md": card_text.encode()})
    return export_check


def build_onnx_model(selected: SelectedModel, study: StudyRecord) -> bytes:
    """The model in the ONNX format, weights and scaling of pixels inside.

    Returns:
        A model with the input `images`, uint8 (n, 28, 28, 3), and the output `probabilities`,
        float32 (n, 8). Its metadata name classes (JSON), trial, study and data.
    """
    example_images = torch.zeros((2, IMAGE_SIDE, IMAGE_SIDE, CHANNELS), dtype=torch.uint8)
    with warnings.catch_warnings(action="ignore"):  # about what PyTorch's exporter itself calls
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
    model.doc_string = "Blood cells in eight classes. Research only: no medical use."
    metadata = {
        "class_names": json.dumps(list(study.data.class_names)),
        "trial": selected.record.id,
        "study": study.name,
        "fingerprint": study.fingerprint,
        "data": study.data.name,
        "data_sha256": study.data.sha256,
    }
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _strip_metadata(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes beside the graph: stack traces, with this machine's paths."""
    messages = [model]  # and then the messages in it
    while messages:
        message = messages.pop()
        for field, value in message.ListFields():
            if field.name in {"metadata_props", "doc_string"}:
                message.ClearField(field.name)
            elif field.message_type is not None:
                messages.extend([value] if hasattr(value, "ListFields") else value)


def compare_predictions(
    model: bytes, selected: SelectedModel, images: NDArray[np.uint8] | None
) -> ExportCheck:
    """Run the exported model on images beside the trained one.

    Args:
        model: from `build_onnx_model`.
        selected: the model.
        images: as in `export`.

    Raises:
        StudyError: they do not agree.
    """
    is_synthetic = images is None
    if images is None:
        images = generate_synthetic_arrays(scale=0.05)["test_images"]
    onnxruntime.set_default_logger_severity(3)  # it warns of what a machine lacks
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    # One image by itself, too: their number is free.
    chunks = [
        images[:1],
        *(images[i : i + _CHECK_BATCH_SIZE] for i in range(1, len(images), _CHECK_BATCH_SIZE)),
    ]
    exported = np.concatenate([session.run(None, {"images": chunk})[0] for chunk in chunks])
    expected = predict_probabilities(selected.model, torch.from_numpy(images), selected.config.loss)
    max_deviation = float(np.abs(exported - expected).max())
    n_mismatches = int((exported.argmax(axis=1) != expected.argmax(axis=1)).sum())
    # `not <=` also rejects NaN.
    if n_mismatches or not max_deviation <= PROBABILITY_TOLERANCE:
        raise StudyError(
            f"nothing was written, as the exported model is not the trained one: of "
            f"{format_count(len(images), 'image')} {n_mismatches} got another class, and "
            f"probabilities differ by up to "
            f"{max_deviation:.2g}",
            value=max_deviation,
            expected=f"0, and {PROBABILITY_TOLERANCE:g} at most",
        )
    return ExportCheck(n_images=len(images), is_synthetic=is_synthetic, max_deviation=max_deviation)
