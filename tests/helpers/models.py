"""Add real weights to the studies of `grid_builder`, which have none."""

import hashlib
from dataclasses import replace

import torch

from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.models import build_model
from bloodnets.training.checkpoint import serialize_model
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from reports.ledger.serialization import to_json


def add_models(ledger: Ledger) -> Ledger:
    """Add an untrained model, initialized by the seed, to every complete trial."""
    for record in ledger.read_trials():
        if record.state == "complete":
            add_model(ledger, record)
    return Ledger(ledger.location)


def add_model(ledger: Ledger, record: TrialRecord) -> None:
    config = TrialConfig.from_dict(record.config)
    torch.manual_seed(config.seed)
    content = serialize_model(build_model(config, BLOODMNIST_SHAPE).state_dict(), config)
    name = f"models/{record.id}.safetensors"
    ledger.files.write(name, content)
    write_trial_record(
        ledger, replace(record, files={**record.files, name: compute_sha256(content)})
    )


def write_trial_record(ledger: Ledger, record: TrialRecord) -> None:
    ledger.files.write(f"trials/{record.id}.json", to_json(record, indent=2))


def compute_sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
