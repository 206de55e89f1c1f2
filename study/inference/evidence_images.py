"""Draw why a model chose a class: one PNG per image, from the evidence of a ResNet."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bloodnets.errors import DataError
from bloodnets.evidence import PIXELS_PER_POSITION, compute_contributions
from bloodnets.models import ResNet
from bloodnets.training.evaluation import scale_pixels
from reports.figures import draw_evidence, render_png
from reports.format.text import label, make_class_label, make_data_label
from reports.ledger.records import StudyRecord
from study.inference.export_folder import write_new_folder
from study.inference.input_images import InputImage
from study.inference.predict import Prediction
from study.inference.prediction_output import RESEARCH_ONLY_NOTICE
from study.inference.vote_selection import Selection

_MAX_NAME_LENGTH = 40
"""Maximum number of characters of an image's name in that of its PNG; each has up to 4 bytes."""


def require_explainable(selected: Selection) -> ResNet:
    """Return the network of a selected model, without its log-softmax.

    Args:
        selected: Selected model; not a vote.

    Raises:
        DataError: The network is not a ResNet, or its predictions are means over orientations.
    """
    (member,) = selected.members
    if member.config.orientations:
        raise DataError(
            f"--explain does not support the predictions of {member.name}, which are means over "
            "orientations",
            value=True,
            expected="a model that predicts from one orientation",
            remedy="omit --explain, or use a study that was trained without --orientations",
        )
    network = member.model[0] if isinstance(member.model, nn.Sequential) else member.model
    if isinstance(network, ResNet):
        return network
    raise DataError(
        f"--explain does not support the network of {member.name}: {label(member.config.family)}",
        value=member.config.family,
        expected="ResNet, whose global max-pooling gives an exact map",
        remedy="select a ResNet with --trial, or train one with 'grid --config resnet'",
    )


def write_evidence_images(
    folder: Path,
    selected: Selection,
    study: StudyRecord,
    images: Sequence[InputImage],
    predictions: Sequence[Prediction],
) -> None:
    """Write one PNG per image: the image, and the evidence for its predicted class.

    Args:
        folder: Folder to write, with all files or not at all.
        selected: Selected model, a ResNet.
        study: Record of the study.
        images: Images.
        predictions: Predictions for the images.

    Raises:
        DataError: The model cannot be explained, see `require_explainable`.
        ConflictError: The folder exists.
        ResourceError: The folder cannot be written.
    """
    contributions = compute_contributions(
        require_explainable(selected),
        scale_pixels(torch.from_numpy(np.stack([image.pixels for image in images]))),
        torch.tensor([prediction.ranked_classes[0] for prediction in predictions]),
    ).numpy()
    data = make_data_label(study.data)
    source = f"{RESEARCH_ONLY_NOTICE} {selected.name} of {study.name}, trained on {data.short}"
    files = {}
    for index, (image, prediction) in enumerate(zip(images, predictions, strict=True)):
        figure = draw_evidence(
            image.pixels,
            contributions[index],
            PIXELS_PER_POSITION,
            title=_format_title(prediction, study),
            source=source,
            data=data,
        )
        files[_make_file_name(index, image.name)] = render_png(figure)
    write_new_folder(folder, files)


def _format_title(prediction: Prediction, study: StudyRecord) -> str:
    class_index = prediction.ranked_classes[0]
    class_label = make_class_label(class_index, study.data.class_names[class_index])
    return f"{class_label}, probability {100 * prediction.probabilities[class_index]:.1f}%"


def _make_file_name(index: int, name: str) -> str:
    """Return e.g. `001-cell.png`; the number keeps names distinct, and sorts them like the table.

    Args:
        index: Index of the image, from 0.
        name: Name of the image, as in `InputImage`.
    """
    archive, _, split_and_index = name.rpartition(".npz:")
    stem = split_and_index if archive else Path(name).stem
    safe_stem = re.sub(r"[^\w.-]+", "-", stem)[:_MAX_NAME_LENGTH]
    return f"{index + 1:03}-{safe_stem}.png"
