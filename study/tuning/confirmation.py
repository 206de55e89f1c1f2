"""The end of a search: which configurations are trained again, with seeds that it did not see."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bloodnets.config import TrialConfig
from reports.ledger.ledger import Ledger
from reports.ledger.records import Confirmation, EndReason, SearchRecord
from study.configs.search_space import named
from study.configs.study_config import replicate


def values(ledger: Ledger) -> dict[str, float]:
    """The value of each configuration of a search: its best val macro F1, 0 to 1.

    One that ASHA stopped counts with what it had reached, which is less than it would have. One
    that failed or diverged has no value.

    Raises:
        ConflictError: the ledger cannot be read.
    """
    found = {}
    for planned in ledger.proposals():
        record = ledger.trial(planned)
        if record is None or record.error is not None or not record.epochs:
            continue
        epochs = ledger.epochs(planned.id)
        found[planned.configuration] = max(epoch.val_macro_f1 for epoch in epochs)
    return found


def confirmation(
    ledger: Ledger, search: SearchRecord, *, ended_by: EndReason, duration_s: float, at_once: int
) -> Confirmation:
    """The plan of the confirmation, and how the search ended.

    Args:
        ledger: with all trials of the search.
        search: its settings.
        ended_by: what ended it.
        duration_s: of the search, in seconds.
        at_once: trials that ran at the same time.

    Raises:
        ConflictError: the ledger cannot be read.
    """
    best, baseline = choose(values(ledger), list(named(search)), search.confirm)
    configs = {planned.configuration: planned.config for planned in ledger.proposals()}
    configs |= {name: config.to_dict() for name, config in named(search).items()}
    first = search.seed + 1
    return Confirmation(
        ended_by=ended_by,
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        duration_s=duration_s,
        at_once=at_once,
        best=best,
        baseline=baseline,
        trials=tuple(
            replicate(name, replace(TrialConfig.from_dict(configs[name]), seed=seed))
            for name in dict.fromkeys((*best, *baseline))
            for seed in range(first, first + search.confirm_seeds)
        ),
    )


def choose(
    values: Mapping[str, float], names: Sequence[str], count: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The best configurations, and those with names to hold them against.

    Args:
        values: of the configurations, in the order of their proposals: of equals, the first.
        names: of `space.named`.
        count: of the best.

    Returns:
        `best`, the best first, and `baseline`: the best of those with names that have a value,
        or all of them if none has; none where there is no best.
    """
    ranked = sorted(values, key=lambda name: -values[name])
    best = tuple(ranked[:count])
    known = [name for name in ranked if name in names]
    baseline = tuple(known[:1] or names) if best else ()
    return best, baseline
