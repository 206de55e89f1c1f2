"""Check what a search did with its trials: those that ASHA stopped, the confirmation, and test."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from bloodnets.errors import ConflictError
from reports.format.units import format_count
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import SearchRecord
from reports.verification.configurations import make_baseline_configs
from reports.verification.confirmation import check_confirmation


def check_search(
    ledger: Ledger, search: SearchRecord, records: Mapping[str, TrialRecord]
) -> list[str]:
    """Check the trials that ASHA stopped, the confirmation, and that the search did not use test.

    Args:
        ledger: Ledger of the search.
        search: Settings of the search.
        records: Records of the search's trials and of the re-trained ones, by id.

    Returns:
        Lines that describe what was checked.

    Raises:
        ConflictError: A check failed.
    """
    proposals, confirmation = ledger.read_proposals(), ledger.read_confirmation()
    curves = {
        planned.id: [epoch.val_macro_f1 for epoch in ledger.read_epochs(planned.id)]
        for planned in proposals
        if planned.id in records
    }
    _check_rungs(search, records, curves)
    _check_test_unseen(records, proposals)
    n_stopped = sum(records[key].stop_reason == "asha" for key in curves)
    lines = [
        f"{format_count(n_stopped, 'trial')} stopped by ASHA: each at a rung where another "
        "trial was better"
    ]
    if confirmation is None:
        return [*lines, "The search has not ended, so there is no confirmation to check"]
    return [*lines, check_confirmation(confirmation, search, proposals, records, curves)]


def _check_rungs(
    search: SearchRecord,
    records: Mapping[str, TrialRecord],
    curves: Mapping[str, Sequence[float]],
) -> None:
    """Check that each trial stopped by ASHA ended at a rung where another trial was better.

    ASHA never stops a baseline. The order in which trials reached a rung is not stored, so the
    decision itself cannot be checked.
    """
    baseline_names = make_baseline_configs(search)
    best_so_far = {key: list(accumulate(curve, max)) for key, curve in curves.items()}
    for key in curves:
        if records[key].stop_reason != "asha":
            continue
        name, last_epoch = f"trials/{key}.json", records[key].epochs
        if records[key].configuration in baseline_names:
            raise ConflictError(
                f"{name}: ASHA stopped the trial, but it never stops a baseline", path=name
            )
        if last_epoch not in search.rungs:
            raise ConflictError(
                f"{name}: ASHA stopped the trial after epoch {last_epoch}, which is not a rung",
                path=name,
                value=last_epoch,
            )
        rung_values = [
            values[last_epoch - 1] for values in best_so_far.values() if len(values) >= last_epoch
        ]
        if best_so_far[key][-1] >= max(rung_values):
            raise ConflictError(
                f"{name}: ASHA stopped the trial, but it was the best at epoch {last_epoch}",
                path=name,
                value=last_epoch,
            )


def _check_test_unseen(
    records: Mapping[str, TrialRecord], proposals: Sequence[PlannedTrial]
) -> None:
    """Check that no trial of the search has scores on test, which its test evaluations must match.

    A model that `bloodstudy predict` evaluated on test later has none.
    """
    for planned in proposals:
        if planned.id in records and "test" in records[planned.id].scores:
            name = f"trials/{planned.id}.json"
            raise ConflictError(
                f"{name} has scores on test, but trials of a search are not evaluated on test",
                path=name,
                value=planned.id,
            )
