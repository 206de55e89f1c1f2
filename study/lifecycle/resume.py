"""A study that goes on: what it has is checked, and what is asked must be what it is."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

import torch

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError
from bloodnets.storage.backends import Place
from bloodnets.storage.checkpoint_header import STATES, state_file
from bloodnets.training.checkpoint import load_state
from reports.ledger.ledger import FILES, Ledger
from reports.ledger.records import PlannedTrial, StudyRecord, TrialRecord
from reports.verification.verify import check_entered
from study.runtime.lock import held

COPY = "bring the file back from a copy"
UNSAID = "float32"
"""Of the precision, the one setting that a configuration need not name."""


@contextmanager
def opened(place: Place, asked: StudyRecord, *, goes_on: bool) -> Iterator[Ledger]:
    """A new study, or one that goes on, in which no other process is at work meanwhile.

    Args:
        place: of the study.
        asked: what it shall be.
        goes_on: whether it is there, and the same.

    Raises:
        ConflictError: there is none, or there is one already; it was begun otherwise; or another
            process is at work on it.
        MachineError: the folder cannot be written.
    """
    ledger = Ledger(place) if goes_on else Ledger.create(place, asked)
    with held(place):
        if goes_on:
            ledger = Ledger(place)  # anew: another process may have been at work until just now
            refuse_another(ledger, asked)
        yield ledger


def refuse_another(ledger: Ledger, asked: StudyRecord) -> None:
    """Refuse to go on with other data, settings or versions than a study began with.

    Raises:
        ConflictError: they differ; the message says in what.
    """
    if asked.fingerprint == ledger.study.fingerprint:
        return
    found = "; ".join(differences(ledger.study, asked)) or "its study.json was changed since"
    raise ConflictError(
        f"{ledger.place} was begun otherwise: {found}; give what it was begun with, or choose "
        f"another --name"
    )


def differences(begun: StudyRecord, asked: StudyRecord) -> list[str]:
    """In what two studies differ, in words."""
    found = []
    if begun.kind != asked.kind:
        return [f"it is a {begun.kind}, not a {asked.kind}"]
    if begun.data.sha256 != asked.data.sha256:
        names = (f"{data.name} (SHA-256 {data.sha256[:12]}…)" for data in (begun.data, asked.data))
        found.append("the data were {}, now {}".format(*names))
    for name in sorted(begun.versions.keys() | asked.versions.keys()):
        was, now = (record.versions.get(name, "missing") for record in (begun, asked))
        if was != now:
            found.append(f"{name} was {was}, now {now}")
    was_search, now_search = (asdict(r.search) if r.search else {} for r in (begun, asked))
    for name, was in was_search.items():
        if was != now_search.get(name):
            found.append(f"{name} was {_words(was)}, now {_words(now_search.get(name))}")
    if [trial.id for trial in begun.trials] != [trial.id for trial in asked.trials]:
        found += _plans(begun.trials, asked.trials)
    return found


def _plans(begun: Sequence[PlannedTrial], asked: Sequence[PlannedTrial]) -> Iterator[str]:
    """In what two grids differ, in words."""
    for what, key in (("configurations", "configuration"), ("seeds", "seed")):
        sets = [
            list(dict.fromkeys(getattr(t, key) if key != "seed" else t.config[key] for t in trials))
            for trials in (begun, asked)
        ]
        if sets[0] != sets[1]:
            yield f"the {what} were {_words(sets[0])}, now {_words(sets[1])}"
    others = {(trial.configuration, trial.config["seed"]): trial.config for trial in asked}
    pairs = [(t.config, others.get((t.configuration, t.config["seed"]))) for t in begun]
    for key in {**begun[0].config, **asked[0].config}:
        values = [(was.get(key, UNSAID), now.get(key, UNSAID)) for was, now in pairs if now]
        changed = [(was, now) for was, now in values if was != now]
        if changed:
            yield f"{key} was {changed[0][0]}, now {changed[0][1]}"


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def check(ledger: Ledger) -> list[str]:
    """Check that what a study has is whole, before it goes on; clear what is half written.

    Returns:
        What a user should know of the trials that have not ended, a line each.

    Raises:
        ConflictError: a file is damaged or missing; the message names it and a remedy.
        DataError: the state of a trial is not one.
    """
    for half in ledger.folder.rglob(".*.part"):
        half.unlink()
    try:
        _, records = check_entered(ledger, interrupted=True)
    except ConflictError as error:
        raise ConflictError(f"{error}{_remedy(ledger, str(error))}") from error
    end = ledger.confirmation()
    for planned in ledger.proposals() if end else ():
        if planned.id not in records:
            raise ConflictError(
                f"{ledger.place}: trials/{planned.id}.json is missing, but the search is over; "
                f"{COPY}"
            )
    unfinished = {trial.id: trial for trial in ledger.planned() if trial.id not in records}
    for name in sorted(ledger.files.names(STATES)):
        trial_id = name.split("/")[1]
        if trial_id in records:  # it was entered, and its folder not yet removed
            ledger.forget_state(trial_id)
        elif trial_id not in unfinished:
            raise ConflictError(
                f"{ledger.place / name} belongs to no trial that is planned; {COPY}"
            )
    return [note for trial in unfinished.values() for note in _note(ledger, trial)]


def _remedy(ledger: Ledger, fault: str) -> str:
    """What to do about a fault of the files."""
    if "belongs to no trial" in fault and ledger.study.search is not None:
        return f": proposals.jsonl or confirmation.json lacks it; {COPY}"
    if any(f"{folder}/" in fault for folder in ("trials", *FILES)):
        return f"; {COPY}, or remove the trial's file in trials/ to train it again"
    return f"; {COPY}"


def _note(ledger: Ledger, trial: PlannedTrial) -> Iterator[str]:
    """Where a trial goes on that has begun, or why it is trained again."""
    name, config = state_file(trial.id), TrialConfig.from_dict(trial.config)
    if ledger.files.exists(name):
        # As its worker will, so that a state that cannot be used is known before Ray starts.
        found = load_state(
            ledger.content(name),
            str(ledger.place / name),
            config,
            study=ledger.study.fingerprint,
            device=torch.device("cpu"),
        )
        yield f"{trial.id}: goes on after epoch {len(found.epochs)}"
    elif (ledger.folder / name).parent.exists():  # which no store can tell
        yield f"{trial.id}: {STATES}/{trial.id} holds no state: it is trained from its first epoch"
    elif traces := ledger.traces(trial.id):
        yield f"{trial.id}: {traces[0]} is there without its record: the trial is trained again"


def spent_s(records: Sequence[TrialRecord]) -> float:
    """Seconds in which at least one of the trials ran: the length of a search, less its breaks."""
    spans = sorted(
        (began := datetime.fromisoformat(record.started_at).timestamp(), began + record.duration_s)
        for record in records
    )
    total, until = 0.0, float("-inf")
    for begin, end in spans:
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
