"""Make configurations from the records of a study, as `study` and `bloodnets` make them."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reports.ledger import published
from reports.ledger.planned_trial import NEUTRAL_SETTINGS, OMITTED_SETTINGS
from reports.ledger.search_record import SearchRecord


def compute_digest(config: Mapping[str, Any]) -> str:
    """Return a configuration's digest, see `bloodnets.config.TrialConfig.compute_digest`.

    Args:
        config: Settings of a trial, including the seed.

    Returns:
        Digest, 8 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(dict(config), sort_keys=True).encode()).hexdigest()[:8]


def make_baseline_configs(search: SearchRecord) -> dict[str, Mapping[str, Any]]:
    """Return the baselines by name, see `study.configs.search_space.make_baseline_configs`.

    Args:
        search: Settings of the search.
    """
    if search.resnet is not None:
        return {"resnet": search.resnet.baseline_config}
    training: dict[str, Any] = {"batch_size": search.batch_size, "max_epochs": search.max_epochs}
    training |= {"patience": search.max_epochs, "seed": search.seed}
    training |= {**NEUTRAL_SETTINGS, "precision": search.precision}
    for name in OMITTED_SETTINGS:  # no baseline has them
        del training[name]
    return {
        row.configuration: {key: getattr(row, key) for key in published.PUBLISHED_SETTINGS}
        | training
        for row in published.load_published().rows
        if row.family in search.families and row.loss == "cross_entropy"
    }
