"""Plan the confirmation of a search: which configurations are re-trained with new seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bloodnets.config import TrialConfig
from reports.ledger.search_record import Confirmation
from reports.ledger.states import EndReason
from study.configs.search_space import make_baseline_configs
from study.configs.study_config import make_planned_trial
from study.tuning.search_run import SearchRun


def find_best_values(search_run: SearchRun) -> dict[str, float]:
    """Return the best val macro F1, 0 to 1, of each configuration of a search that has ended.

    For a trial that ASHA stopped, this is the value up to that epoch. A trial that failed or
    diverged has no value.

    Args:
        search_run: Search, with all its trials in the ledger.

    Raises:
        ConflictError: The ledger cannot be read.
    """
    values = {}
    for planned in search_run.ledger.read_proposals():
        record = search_run.ledger.read_trial(planned)
        if record is not None and record.error is None and record.epochs:
            values[planned.configuration] = search_run.best_values[planned.id]
    return values


def plan_confirmation(
    search_run: SearchRun, *, ended_by: EndReason, duration_s: float, concurrency: int
) -> Confirmation:
    """Return the plan of a confirmation, with the reason why the search ended.

    Args:
        search_run: Search, with all its trials in the ledger.
        ended_by: Reason why the search ended.
        duration_s: Duration of the search in seconds.
        concurrency: Number of trials that ran at the same time.

    Raises:
        ConflictError: The ledger cannot be read.
    """
    search, baseline_configs = search_run.search, make_baseline_configs(search_run.search)
    best, baselines = rank_configurations(
        find_best_values(search_run), list(baseline_configs), search.retrain_top
    )
    configs = {
        planned.configuration: TrialConfig.from_dict(planned.config)
        for planned in search_run.ledger.read_proposals()
    } | baseline_configs
    first_seed = search.seed + 1
    return Confirmation(
        ended_by=ended_by,
        duration_s=duration_s,
        concurrency=concurrency,
        best=best,
        baselines=baselines,
        trials=tuple(
            make_planned_trial(name, replace(configs[name], seed=seed))
            for name in dict.fromkeys((*best, *baselines))
            for seed in range(first_seed, first_seed + search.retrain_seeds)
        ),
    )


def rank_configurations(
    values: Mapping[str, float], baseline_names: Sequence[str], n_best: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the best configurations, and the published ones that they are compared with.

    Args:
        values: Best val macro F1, 0 to 1, by configuration, in the order of the proposals. For
            equal values, the earlier proposal ranks higher.
        baseline_names: Names in `search_space.make_baseline_configs`.
        n_best: Number of best configurations.

    Returns:
        Names of the best configurations in descending order, and names of the baselines: the best
        published configuration that has a value, or all of them if none has one. Both are empty if
        `n_best` is 0 or there are no values.
    """
    ranked = sorted(values, key=lambda name: -values[name])
    best = tuple(ranked[:n_best])
    ranked_baselines = [name for name in ranked if name in baseline_names]
    baselines = tuple(ranked_baselines[:1] or baseline_names) if best else ()
    return best, baselines
