"""Real weights for the studies of `synthetic.py`, which come without."""

import hashlib
from dataclasses import replace

import torch

from bloodnets.config import TrialConfig
from bloodnets.models import build_model
from bloodnets.training.checkpoint import model_file
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord, to_json


def give_models(ledger: Ledger) -> Ledger:
    """Give every complete trial an untrained model, by its seed, and enter that."""
    for record in ledger.trials():
        if record.status == "complete":
            give_model(ledger, record)
    return Ledger(ledger.place)


def give_model(ledger: Ledger, record: TrialRecord) -> None:
    config = TrialConfig.from_dict(record.config)
    torch.manual_seed(config.seed)
    content = model_file(build_model(config).state_dict(), config)
    name = f"models/{record.id}.safetensors"
    ledger.files.write(name, content)
    rewrite(ledger, replace(record, files={**record.files, name: sha256(content)}))


def rewrite(ledger: Ledger, record: TrialRecord) -> None:
    ledger.files.write(f"trials/{record.id}.json", to_json(record, indent=2))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
