"""What a study was trained on, in words."""

from dataclasses import replace

import pandas as pd
import pytest

from bloodnets.constants import CLASS_NAMES
from reports.format.units import BLANK
from reports.ledger.records import GpusPerTrial, HardwareRecord, ResourcesRecord
from reports.ledger.states import DataKind
from reports.sections.study.hardware import list_hardware_facts
from tests.helpers import grid_builder
from tests.helpers.grid_builder import ASYMMETRIC


def list_facts(
    *devices: str | None,
    hosts: tuple[str, ...] = ("a",),
    cpus: int = 1,
    gpus: GpusPerTrial = 0.0,
    address: str | None = None,
) -> dict[str, str]:
    record = replace(
        grid_builder.make_grid_record("mine", DataKind.OFFICIAL, CLASS_NAMES, ASYMMETRIC, []),
        hardware=HardwareRecord(cpu="C", cores=8, memory_mib=2048, gpus=("H", "H")),
        resources=ResourcesRecord(
            cpus_per_trial=cpus, gpus_per_trial=gpus, max_concurrent=None, cluster_address=address
        ),
    )
    trials = pd.DataFrame(
        [{"device": device, "host": host} for device in devices for host in hosts]
    )
    return dict(list_hardware_facts(record, trials))


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (list_facts("cpu"), "one core of the CPU (C) per trial"),
        (list_facts("cpu", cpus=2), "2 cores of the CPU (C) per trial"),
        (list_facts("cpu", address="ray://x"), "one core of a CPU of the cluster per trial"),
        (
            list_facts("cpu", hosts=("a", "b")),
            "one core of the CPU of one of several computers per trial",
        ),
        (list_facts("NVIDIA H200", gpus=1), "NVIDIA H200, one GPU per trial"),
        (list_facts("NVIDIA H200", None, gpus=0.5), "NVIDIA H200, 0.5 GPU per trial"),
        (
            list_facts("H", gpus={"mlnn": 0.25, "resnet": 1.0, "cnn": 0.25}),
            "H, 0.25 GPU (MLNN, CNN) or one GPU (ResNet) per trial",
        ),
        (list_facts("H", "J", gpus=2), "H, 2 GPUs per trial; J, 2 GPUs per trial"),
        (list_facts(None), BLANK),
    ],
)
def test_list_hardware_facts_name_what_trained_the_trials(facts: dict[str, str], text: str) -> None:
    assert facts["Trained on"] == text


def test_list_hardware_facts_name_computer_and_cluster() -> None:
    facts = list_facts("cpu", address="ray://x")
    assert facts["Computer"] == "C, 8 cores, 2 GiB of memory, H, H"
    assert facts["Ray cluster"] == "ray://x"
    assert "ray://" not in list_facts("cpu")["Ray cluster"]
