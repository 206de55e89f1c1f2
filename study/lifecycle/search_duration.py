"""Compute how long a search has run."""

from collections.abc import Sequence
from datetime import datetime

from reports.ledger.records import TrialRecord


def compute_elapsed_search_s(records: Sequence[TrialRecord]) -> float:
    """Return the duration of a search in seconds, without its breaks.

    Args:
        records: Records of its trials. Time during which none of them ran does not count.
    """
    spans = sorted(
        (
            start_s := datetime.fromisoformat(record.started_at).timestamp(),
            start_s + record.duration_s,
        )
        for record in records
    )
    total_s, last_end_s = 0.0, float("-inf")
    for span_start_s, span_end_s in spans:
        total_s += max(0.0, span_end_s - max(span_start_s, last_end_s))
        last_end_s = max(last_end_s, span_end_s)
    return total_s
