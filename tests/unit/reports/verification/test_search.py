"""Whatever is changed in a search's folder, `--verify` finds it and says where."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.states import EndReason
from reports.page.publish import write_report
from reports.verification.verify import DisagreementError, verify_study
from tests.helpers import search_builder
from tests.helpers.search_builder import RESNET_SEARCH_RECORD, SEARCH_RECORD

SMALL = replace(SEARCH_RECORD, n_trials=10, retrain_top=2, retrain_seeds=2)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify") / "s"
    search_builder.build_search(
        folder, search=SMALL, failed_numbers={5: "RuntimeError: x"}, diverged_numbers=[6]
    )
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "s"))


def disagreement(folder: Path) -> str:
    with pytest.raises(DisagreementError) as found:
        list(verify_study(Ledger(folder)))
    return str(found.value)


def change(path: Path, edit: Callable[[Any], None], *, line: int | None = None) -> None:
    """Edit a JSON file, or a line of one."""
    lines = [path.read_text()] if line is None else path.read_text().splitlines()
    content = json.loads(lines[line or 0])
    edit(content)
    lines[line or 0] = json.dumps(content)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ended_by": None, "running_numbers": [9]},
        {
            "ended_by": "time_budget",
            "running_numbers": [9],
            "search": replace(SMALL, time_budget_s=60.0),
        },
        {
            "ended_by": "target_macro_f1",
            "running_numbers": [9],
            "search": replace(SMALL, target_macro_f1=0.5),
        },
        {"search": replace(SMALL, retrain_top=0)},
        {"search": replace(SMALL, learning_rate=(1e-5, 5e-4)), "with_published": False},
        {"search": replace(SMALL, families=("mlnn", "cnn"))},
        {"search": replace(SMALL, precision="bfloat16")},
        {"search": replace(RESNET_SEARCH_RECORD, n_trials=10, retrain_top=2, retrain_seeds=2)},
        {"with_confirmation": False},
        {"diverged_numbers": range(10)},
    ],
)
def test_a_search_as_it_was_run_has_no_disagreement(tmp_path: Path, options: Any) -> None:
    ledger = search_builder.build_search(tmp_path / "s", **{"search": SMALL} | options)
    lines = list(verify_study(ledger))
    assert any(line.startswith("proposals.jsonl: 10 proposals") for line in lines)
    assert any("stopped by ASHA" in line for line in lines)
    ended = options.get("ended_by", "trials") is not None
    assert any(line.startswith("confirmation.json: ") for line in lines) == ended


def test_its_report_follows_too(folder: Path) -> None:
    write_report(Ledger(folder))
    assert list(verify_study(Ledger(folder)))[-1].startswith("report: ")
    with (folder / "report" / "tables" / "trials.csv").open("a") as file:
        file.write("one more\n")
    assert disagreement(folder).startswith("report/tables/trials.csv, line 12, says")


def test_another_setting_of_the_search(folder: Path) -> None:
    change(folder / "study.json", lambda study: study["search"].update(reduction_factor=4))
    assert disagreement(folder).startswith("study.json says that its fingerprint is ")


def test_another_setting_of_a_proposal(folder: Path) -> None:
    path = folder / "proposals.jsonl"
    change(path, lambda trial: trial["config"].update(dropout=0.111), line=3)
    assert disagreement(folder).startswith("proposals.jsonl says that trial 3 is trial-3-")


def test_proposals_in_another_order(folder: Path) -> None:
    path = folder / "proposals.jsonl"
    first, second, *rest = path.read_text().splitlines()
    path.write_text("\n".join([second, first, *rest]) + "\n")
    assert disagreement(folder).startswith("proposals.jsonl says that trial 0 is trial-1-")


def test_a_trial_under_a_published_name_that_is_not_published(folder: Path) -> None:
    path = folder / "proposals.jsonl"
    change(path, lambda trial: trial.update(configuration="cnn-config-1"), line=3)
    assert "the name of trial-3 is cnn-config-1; its digest gives trial-3" in disagreement(folder)


def test_a_record_without_its_proposal(folder: Path) -> None:
    path = folder / "proposals.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert "belongs to no trial that is planned" in disagreement(folder)


def test_a_trial_of_a_search_that_ended_without_a_record(folder: Path) -> None:
    for name in ("trials", "epochs"):
        next((folder / name).glob("trial-9-????????.json*")).unlink()
    assert disagreement(folder).startswith("confirmation.json is there, but trials/trial-9-")


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda end: end.update(best=end["best"][::-1]), "that the best is ("),
        (lambda end: end.update(baselines=[]), "that the baseline is ();"),
        (lambda end: end["trials"].pop(), "that the number of trials is "),
        (lambda end: end["trials"][0]["config"].update(seed=7), "that settings of "),
        (lambda end: end["trials"][0].update(configuration="x"), "that the name of "),
        (lambda end: end.update(ended_by="time_budget"), "that what ended the search is time_b"),
        (
            lambda end: end.update(ended_by="target_macro_f1"),
            "that what ended the search is target_macro_f1",
        ),
    ],
)
def test_another_end(tmp_path: Path, edit: Callable[[Any], None], says: str) -> None:
    # Before the confirmation has run, so that the plan is not held against its records first.
    search_builder.build_search(tmp_path / "s", search=SMALL, with_confirmation=False)
    change(tmp_path / "s" / "confirmation.json", edit)
    assert disagreement(tmp_path / "s").startswith(f"confirmation.json says {says}")


def test_fewer_trials_than_the_search_meant_to_run(folder: Path, tmp_path: Path) -> None:
    ledger = search_builder.build_search(
        tmp_path / "short",
        search=replace(SMALL, target_macro_f1=0.99),
        ended_by=EndReason.TARGET_MACRO_F1,
    )
    assert "what ended the search is target_macro_f1; the epochs gives 0." in disagreement(
        ledger.folder
    )


def asha_stopped(folder: Path, *, at_least: int = 1) -> Path:
    """The record of a trial that ASHA stopped, after so many epochs or more."""
    records = {path: json.loads(path.read_text()) for path in sorted((folder / "trials").iterdir())}
    return next(
        path
        for path, record in records.items()
        if record["stop_reason"] == "asha" and record["epochs"] >= at_least
    )


def epochs_of(record: Path) -> Path:
    return record.parent.parent / "epochs" / f"{record.stem}.jsonl"


def entered(record: Path) -> None:
    """Enter the hash of a trial's epochs anew, as a careful forger would."""
    import hashlib

    path = epochs_of(record)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    change(record, lambda trial: trial["files"].update({f"epochs/{path.name}": digest}))


def test_a_trial_that_asha_stopped_between_rungs(folder: Path) -> None:
    record = asha_stopped(folder, at_least=3)
    lines = epochs_of(record).read_text().splitlines()
    epochs_of(record).write_text("\n".join(lines[:2]) + "\n")
    entered(record)
    change(record, lambda trial: trial.update(epochs=2, best_epoch=2))
    assert f"trials/{record.name} says that ASHA stopped it after epoch 2, no" in disagreement(
        folder
    )


def test_a_trial_that_asha_stopped_though_it_led(folder: Path) -> None:
    record = asha_stopped(folder)
    path = epochs_of(record)
    last = len(path.read_text().splitlines()) - 1
    change(path, lambda epoch: epoch.update(val_macro_f1=0.999), line=last)
    entered(record)
    change(record, lambda trial: trial.update(best_epoch=last + 1))
    assert "says that ASHA stopped it, but it led at epoch" in disagreement(folder)


def test_a_published_configuration_that_asha_stopped(folder: Path) -> None:
    ledger = Ledger(folder)
    planned = ledger.read_proposals()[1]
    assert planned.configuration == "cnn-config-2"
    record = folder / "trials" / f"{planned.id}.json"
    kept = epochs_of(record).read_text().splitlines()[:2]
    epochs_of(record).write_text("\n".join(kept) + "\n")
    change(
        record,
        lambda trial: trial.update(
            state="pruned", stop_reason="asha", epochs=2, best_epoch=2, scores={}, device=None,
            host=None, parameters=None, operations=None,
            files={f"epochs/{planned.id}.jsonl": trial["files"][f"epochs/{planned.id}.jsonl"]},
        ),
    )  # fmt: skip
    entered(record)
    for name in (f"predictions/{planned.id}.npz", f"models/{planned.id}.safetensors"):
        (folder / name).unlink()
    assert "but those with a name run in full" in disagreement(folder)


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
def test_a_status_that_does_not_go_with_its_reason(folder: Path, changes: dict[str, str]) -> None:
    record = asha_stopped(folder)
    change(record, lambda trial: trial.update(changes))
    assert disagreement(folder).startswith(f"trials/{record.name} says that the ")


def test_a_look_at_test_by_a_trial_of_the_search(folder: Path) -> None:
    ledger = Ledger(folder)
    planned = next(p for p in ledger.read_proposals() if (r := ledger.read_trial(p)) and r.scores)
    evaluations_file = folder / "test_evaluations.jsonl"
    first = json.loads(evaluations_file.read_text().splitlines()[0])
    with evaluations_file.open("a") as file:
        file.write(json.dumps(first | {"trial_id": planned.id}) + "\n")
    assert f"looks at test by {planned.id} is 1" in disagreement(folder)


def test_a_proposal_out_of_the_space(folder: Path) -> None:
    from reports.verification.search import compute_digest

    path = folder / "proposals.jsonl"

    def edit(trial: Any) -> None:
        trial["config"]["dropout"] = 0.9
        trial["id"] = f"trial-3-{compute_digest(trial['config'])}"

    change(path, edit, line=3)
    assert "outside the space in study.json" in disagreement(folder)
