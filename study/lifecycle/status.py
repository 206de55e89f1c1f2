"""Where a study stands: done, failed, left, and how to go on."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from reports.format.text import data_words
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from reports.ledger.records import PlannedTrial, TrialRecord
from study.runtime.lock import is_held

SHOWN = 8
"""Trials named of each kind; the others are counted."""


def lines(ledger: Ledger) -> Iterator[str]:
    """What `bloodstudy status` prints.

    Raises:
        ConflictError: a file cannot be read; the message names it.
        DataError: the state of a trial is not one.
    """
    study, end = ledger.study, ledger.confirmation()
    yield f"{study.name}: {study.kind}, begun {study.created_at}"
    yield data_words(study.data).short
    searching = study.search is not None and end is None
    plan = ledger.planned()
    records = {trial.id: ledger.trial(trial) for trial in plan}
    ended = [record for record in records.values() if record is not None]
    if study.search is not None:
        proposals = ledger.proposals()
        yield _counts("search", [records[trial.id] for trial in proposals], study.search.trials)
        plan_again = end.trials if end else ()
        if plan_again:
            again = [records[trial.id] for trial in plan_again]
            yield _counts("confirmation", again, len(plan_again))
    else:
        yield _counts("trials", list(records.values()), len(plan))
    for record in [each for each in ended if each.status == "failed"][:SHOWN]:
        yield f"failed: {record.id}: {record.error}"
    left = [trial for trial in plan if records[trial.id] is None]
    if left:
        yield f"left: {_named(ledger, left)}" + (", and new proposals" if searching else "")
    if is_held(ledger.place):
        yield "A bloodstudy is at work on it."
    elif unfinished(ledger):
        cluster = study.hardware.get("cluster", "none")
        address = None if cluster.startswith("none") else cluster
        yield f"Go on with: {command(ledger, address)}"
    else:
        index = "report/index.html"
        yield (
            f"All is done. Report: {ledger.place / index}"
            if ledger.files.exists(index)
            else f"All is done but the report: {command(ledger, None)}"
        )


def _counts(what: str, records: Sequence[TrialRecord | None], planned: int) -> str:
    counts = Counter(record.status for record in records if record is not None)
    states = [f"{counts[state]} {state}" for state in ("complete", "pruned", "failed")]
    said = ", ".join(state for state in states if not state.startswith("0 "))
    return f"{what}: {counts.total()} of {planned} ended" + (f" ({said})" if said else "")


def _named(ledger: Ledger, trials: Sequence[PlannedTrial]) -> str:
    names = []
    for trial in trials[:SHOWN]:
        epochs = ledger.state_epochs(trial.id)
        after = f" (after {plural(epochs, 'epoch')})" if epochs else ""
        names.append(trial.id.rpartition("-")[0] + after)
    more = len(trials) - SHOWN
    return ", ".join(names) + (f", and {more} more" if more > 0 else "")


def command(ledger: Ledger, address: str | None) -> str:
    """What to type to go on with a study."""
    place = ledger.place
    words = ["bloodstudy", "resume"]
    words += [place.name] if place.parent == Path("results") else [str(place)]
    return shlex.join([*words, *(["--address", address] if address else [])])


def done(ledger: Ledger) -> str:
    """How many trials have ended, of how many, in words."""
    ended, search = len(ledger.trials()), ledger.study.search
    if search is not None and ledger.confirmation() is None:
        return f"{ended} of at most {search.trials} trials have ended"
    return f"{ended} of {len(ledger.planned())} trials have ended"


def unfinished(ledger: Ledger) -> bool:
    """Whether there is anything left to do but the report."""
    if ledger.study.search is not None and ledger.confirmation() is None:
        return True
    return any(ledger.trial(planned) is None for planned in ledger.planned())
