"""Sample the proposals of a search at random from its space."""

from dataclasses import replace
from typing import Any

import numpy as np

from bloodnets.config import TrialConfig
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.search_record import SearchRecord
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import make_config_record
from tests.helpers import grid_builder


def make_proposals(search: SearchRecord, *, with_published: bool) -> list[PlannedTrial]:
    """Return as many proposals as the search may run.

    Args:
        search: Settings of the search; its seed decides the proposals.
        with_published: Whether the published configurations, or `resnet`, come first.
    """
    rng = np.random.default_rng(search.seed)
    make_proposal = _make_proposal if search.resnet is None else _make_resnet_proposal
    return [make_proposal(search, number, rng, with_published) for number in range(search.n_trials)]


def _make_proposal(
    search: SearchRecord, number: int, rng: np.random.Generator, with_published: bool
) -> PlannedTrial:
    config: dict[str, Any] = {
        "batch_size": search.batch_size,
        "max_epochs": search.max_epochs,
        "patience": search.max_epochs,
        "precision": search.precision,
    }
    names = [f"{family}-config-{n}" for family in search.families for n in (1, 2)]
    if with_published and number < len(names):
        name = names[number]
        config_values = grid_builder.make_config(name, seed=search.seed, **config)
    else:
        name = f"trial-{number}"
        optimizer = search.optimizers[rng.integers(len(search.optimizers))]
        low, high = np.log(search.learning_rate)
        config |= {
            "family": search.families[rng.integers(len(search.families))],
            "optimizer": optimizer,
            "learning_rate": float(np.exp(rng.uniform(low, high))),
            "dropout": rng.uniform(*search.dropout),
            "momentum": rng.uniform(*search.momentum) if optimizer == "sgd" else None,
        }
        config_values = grid_builder.make_config(name, seed=search.seed, **config)
    trial_id = f"trial-{number}-{TrialConfig.from_dict(config_values).compute_digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=config_values)


def _make_resnet_proposal(
    search: SearchRecord, number: int, rng: np.random.Generator, with_published: bool
) -> PlannedTrial:
    config, name = make_baseline_configs(search)["resnet"], "resnet"
    if number or not with_published:
        name = f"trial-{number}"
        sampled_values: dict[str, Any] = {
            key: rng.uniform(*bounds) for key, bounds in search.ranges.items()
        }
        sampled_values |= {"momentum": None, "width": 8 * int(sampled_values["width"] / 8)}
        config = replace(config, **sampled_values)
    trial_id = f"trial-{number}-{config.compute_digest()}"
    return PlannedTrial(id=trial_id, configuration=name, config=make_config_record(config))
