"""Say in words on what a study was trained."""

from collections.abc import Mapping

import pandas as pd

from reports.format.text import label
from reports.format.units import BLANK, format_count
from reports.ledger.records import GpusPerTrial, HardwareRecord, ResourcesRecord, StudyRecord


def list_hardware_facts(study: StudyRecord, trials: pd.DataFrame) -> list[tuple[str, str]]:
    """List what trained the trials, the computer of the command, and the cluster.

    Args:
        study: Record of the study.
        trials: Frame from `frames.make_trials_frame`.
    """
    hardware, resources = study.hardware, study.resources
    gpus_text = ", ".join(hardware.gpus) or "no GPU"
    computer_text = (
        f"{hardware.cpu}, {format_count(hardware.cores, 'core')}, "
        f"{hardware.memory_mib / 1024:.0f} GiB of memory, {gpus_text}"
    )
    return [
        ("Trained on", _describe_training_hardware(hardware, resources, trials)),
        ("Computer", computer_text),
        ("Ray cluster", resources.cluster_address or "none: Ray ran on a single computer"),
    ]


def _describe_training_hardware(
    hardware: HardwareRecord, resources: ResourcesRecord, trials: pd.DataFrame
) -> str:
    """Describe each device that trained a trial; a dash if no trial is complete."""
    devices = [str(device) for device in trials["device"].dropna().unique()]
    is_this_computer = resources.cluster_address is None and trials["host"].nunique() < 2
    cpu_name = f"the CPU ({hardware.cpu})" if is_this_computer else "a CPU of the cluster"
    if resources.cluster_address is None and not is_this_computer:
        cpu_name = "the CPU of one of several computers"
    texts = (
        f"{_count(resources.cpus_per_trial, 'core')} of {cpu_name} per trial"
        if device == "cpu"
        else f"{device}, {_describe_gpus(resources.gpus_per_trial)} per trial"
        for device in devices
    )
    return "; ".join(texts) or BLANK


def _describe_gpus(gpus: GpusPerTrial) -> str:
    """Format as `0.5 GPU`, or as `0.25 GPU (CNN) or one GPU (ResNet)` if families differ."""
    if not isinstance(gpus, Mapping):
        return _count(gpus, "GPU")
    families: dict[float, list[str]] = {}
    for family, share in gpus.items():
        families.setdefault(share, []).append(label(family))
    return " or ".join(
        f"{_count(share, 'GPU')} ({', '.join(names)})" for share, names in families.items()
    )


def _count(number: float, noun: str) -> str:
    """Format as `one core`, `2 cores`, `0.5 GPU`."""
    if number == 1:
        return f"one {noun}"
    return f"{number:.3g} {noun}{'s' if number > 1 else ''}"
