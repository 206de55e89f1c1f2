"""The end of a search and its re-training are compared with its epochs."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.ledger.ledger import Ledger
from reports.ledger.search_record import Confirmation
from reports.ledger.states import EndReason
from tests.helpers.disagreement import find_disagreement
from tests.helpers.search_builder import build_search
from tests.helpers.small_studies import (
    SMALL_SEARCH,
    get_trial_file,
)


@pytest.fixture(scope="module")
def unconfirmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search whose confirmation has not run: no record is compared before the plan."""
    folder = tmp_path_factory.mktemp("unconfirmed") / "search"
    build_search(folder, search=SMALL_SEARCH, with_confirmation=False)
    return folder


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
