"""A search is compared with its settings: an intact one passes, and what is changed is named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.states import EndReason
from reports.verification.entered_files import UnplannedTrialError
from reports.verification.search import check_search
from reports.verification.verify import verify_study
from tests.helpers.disagreement import find_disagreement
from tests.helpers.forgeries import rewrite_chain
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, build_search
from tests.helpers.small_studies import (
    SMALL_SEARCH,
    edit_json_lines,
    enter_hash,
    get_trial_file,
)


def edit_record(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def cut_epochs(record: Path, n_epochs: int) -> None:
    """Leave the first epochs of a trial, as if it had been stopped after them."""
    path = get_trial_file(record.parent.parent, record.stem, "epochs")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:n_epochs]))
    enter_hash(path)
    edit_record(record, epochs=n_epochs, best_epoch=n_epochs)


def find_pruned(folder: Path, *, min_epochs: int = 1) -> Path:
    """Return the record of a trial that ASHA stopped after so many epochs or more."""
    records = {path: json.loads(path.read_text()) for path in sorted((folder / "trials").iterdir())}
    return next(
        path
        for path, record in records.items()
        if record["stop_reason"] == "asha" and record["epochs"] >= min_epochs
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ended_by": None, "running_numbers": [9]},
        {
            "ended_by": EndReason.TIME_BUDGET,
            "running_numbers": [9],
            "search": replace(SMALL_SEARCH, time_budget_s=60.0),
        },
        {
            "ended_by": EndReason.TARGET_MACRO_F1,
            "running_numbers": [9],
            "search": replace(SMALL_SEARCH, target_macro_f1=0.5),
        },
        {"search": replace(SMALL_SEARCH, retrain_top=0)},
        {"search": replace(SMALL_SEARCH, learning_rate=(1e-5, 5e-4)), "with_published": False},
        {"search": replace(SMALL_SEARCH, families=("mlnn", "cnn"))},
        {"search": replace(SMALL_SEARCH, precision="bfloat16")},
        {"search": replace(RESNET_SEARCH_RECORD, n_trials=10, retrain_top=2, retrain_seeds=2)},
        {"with_confirmation": False},
        {"diverged_numbers": range(10)},
    ],
    ids=[
        "trials", "running", "budget", "target", "no top", "narrow", "families", "bfloat16",
        "resnet", "unconfirmed", "diverged",
    ],
)  # fmt: skip
def test_verify_study_of_an_intact_search_passes(tmp_path: Path, options: Any) -> None:
    ledger = build_search(tmp_path / "s", **{"search": SMALL_SEARCH} | options)
    lines = list(verify_study(ledger))
    assert lines[1].startswith("proposals.jsonl: 10 ")
    is_confirmed = any(line.startswith("confirmation.json: ") for line in lines)
    assert is_confirmed == (options.get("ended_by", EndReason.TRIALS) is not None)


def test_verify_study_with_a_record_without_its_proposal_raises(search_copy: Path) -> None:
    trial_id = Ledger(search_copy).read_proposals()[-1].id
    edit_json_lines(search_copy / "proposals.jsonl", lambda trials: trials.pop())
    error = find_disagreement(search_copy)
    assert trial_id in (error.path or "")
    assert isinstance(error.__cause__, UnplannedTrialError)


def test_verify_study_with_a_trial_that_asha_stopped_between_rungs_raises(
    search_copy: Path,
) -> None:
    record = find_pruned(search_copy, min_epochs=3)
    cut_epochs(record, 2)
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == (f"trials/{record.name}", 2)


def test_verify_study_with_a_trial_that_asha_stopped_while_it_led_raises(
    search_copy: Path,
) -> None:
    record = find_pruned(search_copy)
    path = get_trial_file(search_copy, record.stem, "epochs")
    edit_json_lines(path, lambda epochs: epochs[-1].update(val_macro_f1=0.999))
    enter_hash(path)
    n_epochs = len(path.read_text().splitlines())
    edit_record(record, best_epoch=n_epochs)
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == (f"trials/{record.name}", n_epochs)


def test_verify_study_with_a_published_configuration_that_asha_stopped_raises(
    search_copy: Path,
) -> None:
    planned = Ledger(search_copy).read_proposals()[1]
    assert planned.configuration == "cnn-config-2"
    record = get_trial_file(search_copy, planned.id, "trials")
    edit_record(
        record,
        state="pruned",
        stop_reason="asha",
        scores={},
        files={f"epochs/{planned.id}.jsonl": ""},
        **dict.fromkeys(("device", "host", "parameters", "operations")),
    )
    cut_epochs(record, 3)
    for kind in ("predictions", "models"):
        get_trial_file(search_copy, planned.id, kind).unlink()
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == (f"trials/{record.name}", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"stop_reason": "max_epochs"},
        {"state": "failed"},
        {"error": "x"},
        {"stop_reason": "diverged"},
        {"state": "complete"},
    ],
)
def test_verify_study_with_a_state_that_contradicts_its_reason_raises(
    search_copy: Path, changes: dict[str, str]
) -> None:
    record = find_pruned(search_copy)
    edit_record(record, **changes)
    assert find_disagreement(search_copy).path == f"trials/{record.name}"


def find_complete_proposal(folder: Path) -> str:
    """Return the id of a complete trial of the search."""
    ledger = Ledger(folder)
    return next(
        planned.id
        for planned in ledger.read_proposals()
        if (record := ledger.read_trial(planned)) and record.scores
    )


def test_verify_study_with_a_search_trial_that_was_evaluated_on_test_raises(
    search_copy: Path,
) -> None:
    trial_id = find_complete_proposal(search_copy)

    def evaluate(events: list[Any]) -> None:
        end = next(e for e in events if (e["kind"], e["trial_id"]) == ("ended", trial_id))
        events.insert(events.index(end), end | {"kind": "tested", "sha256": None, "reason": "x"})

    rewrite_chain(search_copy, evaluate)
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("events.jsonl", 1)


def test_verify_study_with_a_search_trial_that_was_evaluated_on_test_later_names_it(
    search_copy: Path,
) -> None:
    """E.g. with `bloodstudy predict`; the selection did not use the result."""
    trial_id = find_complete_proposal(search_copy)
    Ledger(search_copy).log.add_test_evaluation(trial_id, reason="by bloodstudy predict")
    assert any(trial_id in line for line in verify_study(Ledger(search_copy)))


def test_check_search_with_scores_on_test_of_a_search_trial_raises_with_its_id(
    search_copy: Path,
) -> None:
    trial_id, ledger = find_complete_proposal(search_copy), Ledger(search_copy)
    records = {record.id: record for record in ledger.read_trials()}
    scores = records[trial_id].scores
    records[trial_id] = replace(records[trial_id], scores={**scores, "test": scores["val"]})
    with pytest.raises(ConflictError) as caught:
        check_search(ledger, SMALL_SEARCH, records)
    assert (caught.value.path, caught.value.value) == (f"trials/{trial_id}.json", trial_id)
