"""A study's model for other programs: one ONNX file that takes images as they are, and its card.

The file is run before it is handed on, and must say what the trained model says.
"""

import json
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxscript  # noqa: F401 - PyTorch's exporter needs it, and says so late
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bloodnets.constants import CHANNELS, IMAGE_SIDE
from bloodnets.data.synthetic import render
from bloodnets.errors import ConflictError, MachineError, StudyError
from bloodnets.storage.atomic_write import sync_folder, write_whole
from bloodnets.training.loop import probabilities, scale
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord
from reports.page.model_card import card
from study.inference.model_selection import Chosen

TOLERANCE = 1e-4
"""Of a probability. On a CPU the two engines differ by a hundredth of that at most."""

_CHUNK = 512


class _Whole(nn.Module):
    """From pixels to probabilities: what is exported."""

    def __init__(self, chosen: Chosen) -> None:
        super().__init__()
        self.model, self.loss = chosen.model, chosen.config.loss

    def forward(self, images: Tensor) -> Tensor:
        """Images, uint8 (n, 28, 28, 3), to probabilities, float32 (n, 8)."""
        outputs: Tensor = self.model(scale(images))
        return outputs.exp() if self.loss == "nll" else outputs.softmax(dim=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far the exported model says what the trained one says; the classes are the same.

    Attributes:
        images: compared.
        drawn: whether they are drawings, as the study's own were not at hand.
        deviation: of a probability, the largest.
    """

    images: int
    drawn: bool
    deviation: float

    def __str__(self) -> str:
        what = "drawn images" if self.drawn else "images of the test split"
        return (
            f"On {self.images:,} {what} the exported model and the trained one gave the same "
            f"classes, and probabilities that differ by {self.deviation:.1g} at most."
        )


def export(
    ledger: Ledger, chosen: Chosen, images: NDArray[np.uint8] | None, folder: Path
) -> Agreement:
    """Write `model.onnx` and its card, `README.md`, into a new folder, after trying the model.

    No label is looked at, so this is no look at test.

    Args:
        ledger: of the study.
        chosen: the model.
        images: of the study's test split, uint8, shape (n, 28, 28, 3); None if not at hand, and
            then drawings are used.
        folder: must not exist.

    Raises:
        ConflictError: it exists.
        MachineError: it cannot be written.
        StudyError: the exported model says something else than the trained one.
    """
    refuse(folder)
    model = to_onnx(chosen, ledger.study)
    agreement = compare(model, chosen, images)
    text = card(ledger, chosen.record, reason=chosen.reason, checked=str(agreement))
    _write(folder, {"model.onnx": model, "README.md": text.encode()})
    return agreement


def refuse(folder: Path) -> None:
    """Refuse a folder that exists.

    Raises:
        ConflictError: it does.
    """
    if os.path.lexists(folder):
        raise ConflictError(f"{folder} exists already; choose another --output, or remove it")


def to_onnx(chosen: Chosen, study: StudyRecord) -> bytes:
    """The model in the ONNX format, weights and scaling of pixels inside.

    Returns:
        A model with the input `images`, uint8 (n, 28, 28, 3), and the output `probabilities`,
        float32 (n, 8). Its metadata name classes (JSON), trial, study and data.
    """
    few = torch.zeros((2, IMAGE_SIDE, IMAGE_SIDE, CHANNELS), dtype=torch.uint8)
    with warnings.catch_warnings(action="ignore"):  # about what PyTorch's exporter itself calls
        program: Any = torch.onnx.export(
            _Whole(chosen).eval(),
            (few,),
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
        )
    model = program.model_proto
    _strip(model)
    model.doc_string = "Blood cells in eight classes. Research only: no medical use."
    about = {
        "class_names": json.dumps(list(study.data.class_names)),
        "trial": chosen.record.id,
        "study": study.name,
        "fingerprint": study.fingerprint,
        "data": study.data.name,
        "data_sha256": study.data.sha256,
    }
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _strip(message: Any) -> None:
    """Remove what the exporter notes beside the graph: stack traces, with this machine's paths."""
    for field, value in message.ListFields():
        if field.name in {"metadata_props", "doc_string"}:
            message.ClearField(field.name)
        elif field.message_type is not None:
            for each in [value] if hasattr(value, "ListFields") else value:
                _strip(each)


def compare(model: bytes, chosen: Chosen, images: NDArray[np.uint8] | None) -> Agreement:
    """Run the exported model on images beside the trained one.

    Args:
        model: from `to_onnx`.
        chosen: the model.
        images: as in `export`.

    Raises:
        StudyError: they do not agree.
    """
    drawn = images is None
    if images is None:
        images = render(scale=0.05)["test_images"]
    onnxruntime.set_default_logger_severity(3)  # it warns of what a machine lacks
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    # One image by itself, too: their number is free.
    chunks = [images[:1], *(images[i : i + _CHUNK] for i in range(1, len(images), _CHUNK))]
    given = np.concatenate([session.run(None, {"images": chunk})[0] for chunk in chunks])
    wanted = probabilities(chosen.model, torch.from_numpy(images), chosen.config.loss)
    deviation = float(np.abs(given - wanted).max())
    others = int((given.argmax(axis=1) != wanted.argmax(axis=1)).sum())
    # `not <=` also rejects NaN.
    if others or not deviation <= TOLERANCE:
        raise StudyError(
            f"the exported model is not the trained one: of {plural(len(images), 'image')} "
            f"{others} got another class, and probabilities differ by up to {deviation:.2g}; "
            f"wanted: 0, and {TOLERANCE:g} at most; nothing was written"
        )
    return Agreement(images=len(images), drawn=drawn, deviation=deviation)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Make the folder with all its files, or not at all."""
    new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        new.mkdir(parents=True)
        for name, content in files.items():
            write_whole(new / name, content)
        refuse(folder)  # renaming would replace an empty one
        new.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise MachineError(f"cannot write {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
