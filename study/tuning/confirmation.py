"""The end of a search: which configurations are trained again, with seeds that it did not see."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bloodnets.config import TrialConfig
from reports.ledger.ledger import Ledger
from reports.ledger.search_record import Confirmation, SearchRecord
from reports.ledger.states import EndReason
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import make_planned_trial


def find_best_values(ledger: Ledger) -> dict[str, float]:
    """The value of each configuration of a search: its best val macro F1, 0 to 1.

    One that ASHA stopped counts with what it had reached, which is less than it would have. One
    that failed or diverged has no value.

    Raises:
        ConflictError: the ledger cannot be read.
    """
    value_by_configuration = {}
    for planned in ledger.read_proposals():
        record = ledger.read_trial(planned)
        if record is None or record.error is not None or not record.epochs:
            continue
        epochs = ledger.read_epochs(planned.id)
        value_by_configuration[planned.configuration] = max(epoch.val_macro_f1 for epoch in epochs)
    return value_by_configuration


def plan_confirmation(
    ledger: Ledger,
    search: SearchRecord,
    *,
    ended_by: EndReason,
    duration_s: float,
    concurrency: int,
) -> Confirmation:
    """The plan of the confirmation, and how the search ended.

    Args:
        ledger: with all trials of the search.
        search: its settings.
        ended_by: what ended it.
        duration_s: of the search, in seconds.
        concurrency: trials that ran at the same time.

    Raises:
        ConflictError: the ledger cannot be read.
    """
    best, baselines = rank_configurations(
        find_best_values(ledger), list(make_baseline_configs(search)), search.retrain_top
    )
    configs = {planned.configuration: planned.config for planned in ledger.read_proposals()}
    configs |= {name: config.to_dict() for name, config in make_baseline_configs(search).items()}
    first_seed = search.seed + 1
    return Confirmation(
        ended_by=ended_by,
        duration_s=duration_s,
        concurrency=concurrency,
        best=best,
        baselines=baselines,
        trials=tuple(
            make_planned_trial(name, replace(TrialConfig.from_dict(configs[name]), seed=seed))
            for name in dict.fromkeys((*best, *baselines))
            for seed in range(first_seed, first_seed + search.retrain_seeds)
        ),
    )


def rank_configurations(
    values: Mapping[str, float], baseline_names: Sequence[str], n_best: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The best configurations, and those with names to hold them against.

    Args:
        values: of the configurations, in the order of their proposals: of equals, the first.
        baseline_names: of `search_space.make_baseline_configs`.
        n_best: of the best.

    Returns:
        `best`, the best first, and `baselines`: the best of those with names that have a value,
        or all of them if none has; none where there is no best.
    """
    ranked = sorted(values, key=lambda name: -values[name])
    best = tuple(ranked[:n_best])
    ranked_baselines = [name for name in ranked if name in baseline_names]
    baselines = tuple(ranked_baselines[:1] or baseline_names) if best else ()
    return best, baselines
