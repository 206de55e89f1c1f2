"""Recompute stored predictions from the stored weights."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from bloodnets.config import TrialConfig
from bloodnets.data.folds import select_fold
from bloodnets.data.medmnist import BloodCells
from bloodnets.errors import ConflictError
from bloodnets.training.checkpoint import load_model
from bloodnets.training.evaluation import predict_probabilities
from bloodnets.versions import get_significant_version
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord, TrialRecord
from reports.ledger.states import TrialState
from reports.ledger.trial_predictions import read_predictions
from reports.verification.agreement import expect_equal
from study.datasets.data_record import make_data_record
from study.runtime.cores import read_cpu_model

CPU_TOLERANCE = 1e-5
"""Largest difference of a probability between two CPUs or versions of PyTorch, absolute."""

GPU_TOLERANCE = 0.01
"""Largest difference of a probability if a GPU computed either of them, absolute. A GPU rounds the
inputs of convolutions to TF32, with 10 bits. With inputs and weights rounded like that, six trained
networks differ by at most 0.0013 on 3,421 test images."""


def check_weights(
    ledger: Ledger, cells: BloodCells, *, on_trial: Callable[[str], None] = lambda _: None
) -> str:
    """Recompute every stored prediction from the stored weights, without a new test evaluation.

    Args:
        ledger: Ledger of a study whose files match their hashes.
        cells: Data of the study.
        on_trial: Function that is called with the id of each trial before it is recomputed.

    Returns:
        Line that describes what was compared, with the largest difference.

    Raises:
        ConflictError: A prediction does not follow from the weights and the data, or the record of
            the data is not that of the data.
    """
    study = ledger.study
    _check_data_record(study, cells)
    records = [record for record in ledger.read_trials() if record.state is TrialState.COMPLETE]
    threads = torch.get_num_threads()
    torch.set_num_threads(study.resources.cpus_per_trial)
    try:
        deviations: list[float] = []
        for record in records:
            on_trial(record.id)
            deviations += _compare_trial(ledger, record, cells)
    finally:
        torch.set_num_threads(threads)
    return (
        f"weights of {format_count(len(records), 'trial')}: each prediction follows from them, "
        f"{deviations.count(0):,} of {format_count(len(deviations), 'split')} bit for bit, largest "
        f"difference {max(deviations, default=0):.2g}"
    )


def _check_data_record(study: StudyRecord, cells: BloodCells) -> None:
    """Check the facts about the data that no other file confirms."""
    record, source = make_data_record(cells), "the data"
    for name in (
        "class_names",
        "channels",
        "side",
        "class_counts",
        "dropped",
        "duplicates",
        "test_sha256",
    ):
        stored, expected = getattr(study.data, name), getattr(record, name)
        if stored is not None:  # version 3 of the format had fewer facts
            expect_equal("study.json", name, stored, expected, source)


def _compare_trial(ledger: Ledger, record: TrialRecord, cells: BloodCells) -> Iterator[float]:
    """Yield the largest difference of a trial's probabilities on each split."""
    config, model_name = TrialConfig.from_dict(record.config), f"models/{record.id}.safetensors"
    device = _select_device(record)
    cells = select_fold(cells, config)
    model = load_model(ledger.files.read(model_name), model_name, config, cells.shape).to(device)
    name, bound = f"predictions/{record.id}.npz", _get_bound(ledger.study, record, device)
    for split in record.scores:
        images, labels, _ = getattr(cells, split)
        stored = read_predictions(ledger, record.id, split)
        if not np.array_equal(stored.labels, labels):
            raise ConflictError(f"{name} has other labels on {split} than the data", path=name)
        computed = predict_probabilities(
            model,
            torch.tensor(images).to(device),
            config.loss,
            orientations=config.orientations,
        )
        yield _compare(name, split, stored.probabilities, computed, bound)


def _compare(
    name: str,
    split: str,
    stored: NDArray[np.float32],
    computed: NDArray[np.float32],
    bound: float,
) -> float:
    differences = np.abs(stored.astype(np.float64) - computed).max(axis=1)
    row = int(differences.argmax())
    if not differences[row] <= bound:
        raise ConflictError(
            f"{name}: on {split}, the probabilities of image {row} differ by up to "
            f"{differences[row]:.2g} from those of the stored weights",
            path=name,
            value=float(differences[row]),
            expected=f"at most {bound:g}",
        )
    return float(differences[row])


def _select_device(record: TrialRecord) -> torch.device:
    return torch.device("cuda" if record.device != "cpu" and torch.cuda.is_available() else "cpu")


def _get_bound(study: StudyRecord, record: TrialRecord, device: torch.device) -> float:
    """Return the largest accepted difference: 0 on the same CPU with the same PyTorch."""
    if record.device != "cpu" or device.type != "cpu":
        return GPU_TOLERANCE
    versions = study.software.versions if record.versions is None else record.versions
    stored_version = get_significant_version("torch", versions["torch"])
    is_same = (
        study.hardware.cpu == read_cpu_model()
        and stored_version == get_significant_version("torch", torch.__version__)
        # In a cluster, `study.json` has the CPU of the driver.
        and study.resources.cluster_address is None
    )
    return 0.0 if is_same else CPU_TOLERANCE
