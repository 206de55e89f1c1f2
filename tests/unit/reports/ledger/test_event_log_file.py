"""The log of a study: every test evaluation, with the hashes of what the events are about."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.states import EventKind
from tests.helpers.ledger_entries import add_trial, log_start
from tests.helpers.small_studies import (
    get_trial_file,
)


@pytest.fixture
def ledger(grid_copy: Path) -> Ledger:
    return Ledger(grid_copy)


def get_first_file(ledger: Ledger, kind: str) -> Path:
    return get_trial_file(ledger.folder, ledger.study.trials[0].id, kind)


def test_read_test_evaluations_has_one_per_trial(ledger: Ledger) -> None:
    tested = [evaluation.trial_id for evaluation in ledger.log.read_test_evaluations()]
    assert tested == [trial.id for trial in ledger.study.trials]


def test_add_trial_again_adds_a_test_evaluation(ledger: Ledger) -> None:
    trial, *others = ledger.read_trials()
    log_start(ledger, trial.id)
    add_trial(ledger, trial, epochs=[], test_reason="again")
    tested = [(e.trial_id, e.reason) for e in ledger.log.read_test_evaluations()]
    assert [trial_id for trial_id, _ in tested] == [trial.id, *(o.id for o in others), trial.id]
    assert tested[-1] == (trial.id, "again")


def test_events_of_a_trial_name_its_attempt_and_the_hashes_of_its_files(ledger: Ledger) -> None:
    trial = ledger.read_trials()[0]
    log_start(ledger, trial.id)
    planned, *events = [e for e in ledger.log.read_events() if e.trial_id in {None, trial.id}]
    assert (planned.kind, planned.sha256) == ("planned", ledger.study.fingerprint)
    assert [(e.kind, e.attempt) for e in events] == [
        ("started", 1), ("tested", 1), ("ended", 1), ("started", 2),
    ]  # fmt: skip
    record = get_first_file(ledger, "trials").read_bytes()
    assert events[1].sha256 == trial.files[f"predictions/{trial.id}.npz"]
    assert events[2].sha256 == hashlib.sha256(record).hexdigest()


@pytest.mark.parametrize(
    "damage", [lambda log: log.replace(b"\n", b"\r\n"), lambda log: log.removesuffix(b"\n")]
)
def test_add_start_to_a_log_with_other_line_breaks_continues_its_chain(
    ledger: Ledger, damage: Callable[[bytes], bytes]
) -> None:
    path = ledger.folder / "events.jsonl"
    path.write_bytes(damage(path.read_bytes()))
    n_events = len(ledger.log.read_events())
    log_start(ledger, ledger.study.trials[0].id)
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == n_events + 2
    last = json.loads(lines[-2])
    assert last["previous_sha256"] == hashlib.sha256(lines[-3]).hexdigest()


def test_add_report_again_adds_an_event_only_for_another_page(ledger: Ledger) -> None:
    for content, n_expected in ((b"one", 1), (b"one", 1), (b"two", 2), (b"one", 3)):
        ledger.files.write("report/index.html", content)
        ledger.log.add_report()
        kinds = [event.kind for event in ledger.log.read_events()]
        assert kinds.count(EventKind.REPORTED) == n_expected
