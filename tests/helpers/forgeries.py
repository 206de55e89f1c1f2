"""Forge the files of a study, as someone might who wants other numbers.

Each function leaves the records, their hashes and the fingerprint consistent. The log is only
consistent after `rewrite_log`.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bloodnets import metrics
from bloodnets.data_shape import BLOODMNIST_SHAPE
from reports.ledger.ledger import Ledger
from reports.ledger.records import compute_fingerprint
from tests.helpers.small_studies import (
    TRIAL_FILES,
    Arrays,
    edit_json,
    edit_json_lines,
    edit_predictions,
    get_trial_file,
    list_trial_ids,
)

GALLERY = '<section id="misclassified">'


def make_up_predictions(folder: Path) -> None:
    """Make the predictions on test of the first trial nearly perfect, with the scores of them."""
    trial_id = list_trial_ids(folder)[0]
    edit_predictions(folder, trial_id, _perfect)
    labels, probabilities = _read_test(folder, trial_id)
    confusion = metrics.compute_confusion_matrix(
        labels, probabilities.argmax(1), BLOODMNIST_SHAPE.n_classes
    )
    scores = metrics.compute_scores(confusion) | {"auc": metrics.compute_auc(labels, probabilities)}
    values = {key: None if np.isnan(value) else value for key, value in scores.items()}
    edit_json(get_trial_file(folder, trial_id, "trials"), ("scores", "test"), lambda _: values)


def _perfect(arrays: Arrays) -> None:
    labels = arrays["test_labels"]
    probabilities = np.full((len(labels), 8), 0.01, np.float32)
    probabilities[np.arange(len(labels)), labels] = 0.93
    arrays["test_probabilities"] = probabilities


def _read_test(folder: Path, trial_id: str) -> tuple[Any, Any]:
    with np.load(get_trial_file(folder, trial_id, "predictions")) as arrays:
        return arrays["test_labels"], arrays["test_probabilities"]


def drop_last_trial(folder: Path) -> None:
    """Drop the last trial from the plan and the records, with a new fingerprint."""
    trial_id = list_trial_ids(folder)[-1]
    for kind in TRIAL_FILES:
        get_trial_file(folder, trial_id, kind).unlink()
    edit_json(folder / "study.json", ("trials",), lambda trials: trials[:-1])
    study = Ledger(folder).study
    ids = [trial.id for trial in study.trials]
    fingerprint = compute_fingerprint(study.data, ids, study.software, None)
    edit_json(folder / "study.json", ("fingerprint",), lambda _: fingerprint)
    for kept_id in ids:
        path = get_trial_file(folder, kept_id, "trials")
        edit_json(path, ("fingerprint",), lambda _: fingerprint)
    evaluations = folder / "test_evaluations.jsonl"
    if evaluations.exists():  # in a study without a log
        lines = evaluations.read_text().splitlines(keepends=True)
        evaluations.write_text("".join(line for line in lines if trial_id not in line))


def remove_last_trial(folder: Path) -> str:
    """Remove the files of the last trial, so that a resume repeats it; return its id."""
    trial_id = list_trial_ids(folder)[-1]
    for kind in TRIAL_FILES:
        get_trial_file(folder, trial_id, kind).unlink()
    return trial_id


def rewrite_log(folder: Path) -> None:
    """Make the log consistent with plan and records, with a new chain."""
    records = {path.stem: path.read_bytes() for path in (folder / "trials").glob("*.json")}
    fingerprint = Ledger(folder).study.fingerprint

    def change(events: list[dict[str, Any]]) -> None:
        seen = set()
        kept = []
        for event in reversed(events):
            key = (event["kind"], event["trial_id"])
            is_unknown = event["trial_id"] is not None and event["trial_id"] not in records
            if is_unknown or event["kind"] == "reported" or key in seen:
                continue
            seen.add(key)
            kept.append(event)
        events[:] = kept[::-1]
        started = {event["trial_id"] for event in events if event["kind"] == "started"}
        for event in events:
            if event["kind"] == "planned":
                event["sha256"] = fingerprint
            elif event["kind"] == "ended":
                event["sha256"] = _hash(records[event["trial_id"]])
            elif event["kind"] == "tested":
                files = json.loads(records[event["trial_id"]])["files"]
                event["sha256"] = files[f"predictions/{event['trial_id']}.npz"]
            if event["trial_id"] is not None:
                event["attempt"] = int(event["trial_id"] in started)

    rewrite_chain(folder, change)


def rewrite_chain(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the events of a log, and compute every `previous_sha256` again."""
    path = folder / "events.jsonl"
    edit_json_lines(path, change)
    lines: list[bytes] = []
    for line in path.read_bytes().splitlines():
        event = json.loads(line) | {"previous_sha256": _hash(lines[-1] if lines else b"")}
        lines.append(json.dumps(event).encode())
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def insert_second_section(folder: Path) -> None:
    """Put a second section with the id of the section of test images into the page."""
    page = folder / "report/index.html"
    text = page.read_text(encoding="utf-8")
    heading = text.partition(GALLERY)[2].lstrip().splitlines()[0]
    section = f"{GALLERY}\n{heading}\n<p>The accuracy is 99.9%.</p>\n</section>\n{GALLERY}"
    page.write_text(text.replace(GALLERY, section, 1), encoding="utf-8")


def swap_figures(folder: Path) -> None:
    """Exchange two figures in the page, and two in their files."""
    page = folder / "report/index.html"
    text = page.read_text(encoding="utf-8")
    first, *_, second = re.findall(r"<svg .*?</svg>", text, re.DOTALL)
    swapped = text.replace(first, "\0").replace(second, first).replace("\0", second)
    page.write_text(swapped, encoding="utf-8")
    names = re.findall(r"<figcaption>.*figures/([\w-]+)\.svg", text)[:2]
    for suffix in ("svg", "png"):
        one, other = (folder / f"report/figures/{name}.{suffix}" for name in names)
        content, other_content = one.read_bytes(), other.read_bytes()
        one.write_bytes(other_content)
        other.write_bytes(content)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def edit_evaluations(folder: Path, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the test evaluations in the log, with a new chain."""

    def change_events(events: list[dict[str, Any]]) -> None:
        evaluations = [event for event in events if event["kind"] == "tested"]
        others = [event for event in events if event["kind"] != "tested"]
        changed = change(evaluations)
        for event in changed:
            ids = [other["trial_id"] for other in others]
            # Before the end of the trial, which follows its start.
            place = ids.index(event["trial_id"]) + 1 if event["trial_id"] in ids else len(ids)
            others.insert(place, event)
        events[:] = others

    rewrite_chain(folder, change_events)
