"""Say when a study started and ended, and how long it took."""

from datetime import UTC, datetime, timedelta

from reports.format.units import format_duration
from reports.ledger.loading import LoadedStudy
from reports.ledger.records import TrialRecord


def list_time_facts(loaded_study: LoadedStudy) -> list[tuple[str, str]]:
    """List start, end and duration; without a trial that ended, only the start.

    A time that is not in ISO 8601 is shown as it is stored, and gives no duration.

    Args:
        loaded_study: Files of the study.
    """
    created_at = loaded_study.study.created_at
    start = _parse_time(created_at)
    facts = [("Started", created_at if start is None else _format_time(start))]
    records = [*loaded_study.records.values()]
    if loaded_study.search is not None:
        records += loaded_study.search.records.values()
    ends = [found for record in records if (found := _find_end(record)) is not None]
    if not ends:
        return facts
    end, is_exact = max(ends)
    facts.append(("Last trial ended", f"{'' if is_exact else 'after '}{_format_time(end)}"))
    training_text = f"{format_duration(sum(record.duration_s for record in records))} of training"
    # The clocks of a cluster may differ.
    if start is not None and is_exact and end >= start:
        duration_text = format_duration((end - start).total_seconds())
        training_text = f"{duration_text} with all interruptions; {training_text}"
    return [*facts, ("Duration", f"{training_text}, summed over the trials")]


def _find_end(record: TrialRecord) -> tuple[datetime, bool] | None:
    """Return the end of a trial, and whether it is known exactly; None without a valid start.

    The duration of a trial with several attempts includes earlier attempts, so only the start of
    its last attempt is known.
    """
    start = _parse_time(record.started_at)
    if start is None:
        return None
    if record.attempts > 1:
        return start, False
    return start + timedelta(seconds=record.duration_s), True


def _parse_time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _format_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
