"""A search is compared with its settings: an intact one passes, and what is changed is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError
from reports.ledger.ledger import Ledger
from reports.ledger.search_record import Confirmation
from reports.ledger.states import EndReason
from reports.verification.search import check_proposals, check_search, compute_digest
from reports.verification.verify import DisagreementError, UnplannedTrialError, verify_study
from tests.helpers.forgeries import rewrite_chain
from tests.helpers.grid_builder import make_config
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, build_search
from tests.helpers.small_studies import (
    SMALL_SEARCH,
    edit_json,
    edit_json_lines,
    enter_hash,
    get_trial_file,
)


def find_disagreement(folder: Path) -> DisagreementError:
    with pytest.raises(DisagreementError) as caught:
        list(verify_study(Ledger(folder)))
    return caught.value


def edit_proposal(folder: Path, number: int, change: Callable[[Any], object]) -> str:
    """Change a proposal in place; return its id before the change."""
    trial_id = Ledger(folder).read_proposals()[number].id
    edit_json_lines(folder / "proposals.jsonl", lambda proposals: change(proposals[number]))
    return trial_id


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


@pytest.fixture(scope="module")
def unconfirmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search whose confirmation has not run: no record is compared before the plan."""
    folder = tmp_path_factory.mktemp("unconfirmed") / "search"
    build_search(folder, search=SMALL_SEARCH, with_confirmation=False)
    return folder


def test_compute_digest_is_that_of_the_trial_config() -> None:
    config = make_config("cnn-config-1", seed=3)
    assert compute_digest(config) == TrialConfig.from_dict(config).compute_digest()


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


def test_verify_study_with_a_changed_setting_of_the_search_raises(search_copy: Path) -> None:
    edit_json(search_copy / "study.json", ("search", "reduction_factor"), lambda _: 4)
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("study.json", Ledger(search_copy).study.fingerprint)


def test_verify_study_with_a_changed_proposal_raises_with_its_id(search_copy: Path) -> None:
    trial_id = edit_proposal(search_copy, 3, lambda trial: trial["config"].update(dropout=0.111))
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("proposals.jsonl", trial_id)


def test_verify_study_with_swapped_proposals_raises_with_the_first(search_copy: Path) -> None:
    second = Ledger(search_copy).read_proposals()[1]
    edit_json_lines(
        search_copy / "proposals.jsonl",
        lambda proposals: proposals.insert(0, proposals.pop(1)),
    )
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("proposals.jsonl", second.id)


def test_verify_study_with_a_sampled_trial_under_a_published_name_raises(search_copy: Path) -> None:
    edit_proposal(search_copy, 3, lambda trial: trial.update(configuration="cnn-config-1"))
    error = find_disagreement(search_copy)
    assert (error.path, error.value) == ("proposals.jsonl", "cnn-config-1")


def test_verify_study_with_a_proposal_outside_the_space_raises(search_copy: Path) -> None:
    def leave_space(trial: Any) -> None:
        trial["config"]["dropout"] = 0.9
        trial["id"] = f"trial-3-{compute_digest(trial['config'])}"

    edit_proposal(search_copy, 3, leave_space)
    error = find_disagreement(search_copy)
    trial_id = Ledger(search_copy).read_proposals()[3].id
    assert (error.path, error.value) == ("proposals.jsonl", trial_id)


def test_check_proposals_with_more_than_the_search_allows_raises(search_copy: Path) -> None:
    edit_json_lines(search_copy / "proposals.jsonl", lambda trials: trials.append(trials[-1]))
    with pytest.raises(ConflictError) as caught:
        check_proposals(Ledger(search_copy), SMALL_SEARCH)
    assert (caught.value.path, caught.value.value) == ("proposals.jsonl", 11)


def test_verify_study_with_a_record_without_its_proposal_raises(search_copy: Path) -> None:
    trial_id = Ledger(search_copy).read_proposals()[-1].id
    edit_json_lines(search_copy / "proposals.jsonl", lambda trials: trials.pop())
    error = find_disagreement(search_copy)
    assert trial_id in (error.path or "")
    assert isinstance(error.__cause__, UnplannedTrialError)


def test_verify_study_with_an_ended_search_without_a_record_raises(search_copy: Path) -> None:
    trial_id = Ledger(search_copy).read_proposals()[-1].id
    for kind in ("trials", "epochs"):
        get_trial_file(search_copy, trial_id, kind).unlink()
    assert find_disagreement(search_copy).path == f"trials/{trial_id}.json"


@pytest.mark.parametrize(
    ("change", "get_value"),
    [
        (lambda end: end.update(best=end["best"][::-1]), lambda end: end.best),
        (lambda end: end.update(baselines=[]), lambda _: ()),
        (lambda end: end["trials"].pop(), lambda end: len(end.trials)),
        (lambda end: end["trials"][0]["config"].update(seed=7), lambda end: end.trials[0].config),
        (lambda end: end["trials"][0].update(configuration="x"), lambda _: "x"),
        (lambda end: end.update(ended_by="time_budget"), lambda _: "time_budget"),
        (lambda end: end.update(ended_by="target_macro_f1"), lambda _: "target_macro_f1"),
    ],
    ids=["best", "baselines", "count", "settings", "name", "budget", "target"],
)
def test_verify_study_with_a_changed_confirmation_raises_with_what_it_says(
    unconfirmed: Path,
    tmp_path: Path,
    change: Callable[[Any], object],
    get_value: Callable[[Confirmation], object],
) -> None:
    folder = Path(shutil.copytree(unconfirmed, tmp_path / "search"))
    content = json.loads((folder / "confirmation.json").read_text())
    change(content)
    (folder / "confirmation.json").write_text(json.dumps(content))
    confirmation = Ledger(folder).read_confirmation()
    assert confirmation is not None
    error = find_disagreement(folder)
    assert (error.path, error.value) == ("confirmation.json", get_value(confirmation))


def test_verify_study_with_a_target_that_no_trial_reached_raises(tmp_path: Path) -> None:
    ledger = build_search(
        tmp_path / "s",
        search=replace(SMALL_SEARCH, target_macro_f1=0.99),
        ended_by=EndReason.TARGET_MACRO_F1,
    )
    error = find_disagreement(ledger.folder)
    assert (error.path, error.value) == ("confirmation.json", EndReason.TARGET_MACRO_F1)


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
