"""Which model of a study is taken: by val alone, of whole files, and said why."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bloodnets.errors import ConflictError, DataError
from reports.ledger.ledger import Ledger
from reports.ledger.records import TrialRecord
from study.inference.model_selection import select_model
from tests.helpers import grid_builder, search_builder
from tests.helpers.models import add_models, write_trial_record

SEARCH = replace(search_builder.SEARCH_RECORD, n_trials=4, retrain_top=2)


def grid(folder: Path) -> Ledger:
    """Two CNNs with two seeds each."""
    matrices = grid_builder.make_published_matrices()
    names = ("cnn-config-1", "cnn-config-2")
    return add_models(grid_builder.build_grid(folder, {name: matrices[name] * 2 for name in names}))


def score(ledger: Ledger, values: Mapping[str, tuple[float, float]]) -> None:
    """Give trials other macro F1s on val and on test, by the beginnings of their ids."""
    for record in ledger.read_trials():
        for name, (val, test) in values.items():
            if record.id.startswith(name):
                scores = {"val": {"macro_f1": val}, "test": {"macro_f1": test}}
                write_trial_record(ledger, replace(record, scores=scores))


def named(ledger: Ledger, name: str) -> TrialRecord:
    (found,) = (each for each in ledger.read_trials() if each.id.startswith(name))
    return found


def test_select_model_best_has_the_highest_val_score(tmp_path: Path) -> None:
    ledger = grid(tmp_path / "s")
    score(
        ledger,
        {
            "cnn-config-1-s0": (0.90, 0.99),
            "cnn-config-1-s1": (0.91, 0.80),
            "cnn-config-2-s0": (0.93, 0.70),
            "cnn-config-2-s1": (0.92, 0.95),
        },
    )
    found = select_model(ledger, None)
    assert found.name == "cnn-config-2-s0"
    assert "93.00%" in found.reason
    assert "4 complete trials" in found.reason
    assert found.problems == ()
    assert not found.model.training


def test_select_model_equal_scores_select_the_first(tmp_path: Path) -> None:
    ledger = grid(tmp_path / "s")
    score(ledger, {"cnn": (0.9, 0.9)})
    assert select_model(ledger, None).name == "cnn-config-1-s0"


def test_select_model_named_trial_has_its_weights(tmp_path: Path) -> None:
    ledger = grid(tmp_path / "s")
    first, second = (select_model(ledger, f"cnn-config-1-s{seed}") for seed in (0, 1))
    assert first.config.seed == 0
    torch.manual_seed(0)
    initial_weights = torch.nn.Conv2d(3, 32, 3, padding=1).weight
    assert torch.equal(first.model.state_dict()["features.0.weight"], initial_weights)
    assert not torch.equal(second.model.state_dict()["features.0.weight"], initial_weights)


@pytest.mark.parametrize("folder", ["models", "predictions", "epochs"])
def test_select_model_damaged_file_is_skipped_and_named(tmp_path: Path, folder: str) -> None:
    ledger = grid(tmp_path / "s")
    score(ledger, {"cnn-config-1": (0.8, 0.8), "cnn-config-2-s0": (0.9, 0.9)})
    path = next((tmp_path / "s" / folder).glob("cnn-config-2-s1*"))
    score(ledger, {"cnn-config-2-s1": (0.95, 0.5)})
    path.write_bytes(path.read_bytes()[:-1])
    found = select_model(Ledger(tmp_path / "s"), None)
    assert found.name == "cnn-config-2-s0"
    (problem,) = found.problems
    assert f"{folder}/cnn-config-2-s1" in problem
    with pytest.raises(ConflictError) as caught:
        select_model(Ledger(tmp_path / "s"), "cnn-config-2-s1")
    assert path.name in caught.value.problem


def test_select_model_weights_of_another_network_raise(tmp_path: Path) -> None:
    ledger = grid(tmp_path / "s")
    record = named(ledger, "cnn-config-1-s0")
    write_trial_record(ledger, replace(record, config={**record.config, "family": "mlnn"}))
    with pytest.raises(ConflictError) as caught:
        select_model(Ledger(tmp_path / "s"), "cnn-config-1-s0")
    assert caught.value.path == str(tmp_path / f"s/models/{record.id}.safetensors")


def test_select_model_search_selects_the_retrained_winner(tmp_path: Path) -> None:
    """Its best seed on val; neither the search's own trials nor another configuration's."""
    ledger = add_models(search_builder.build_search(tmp_path / "s", search=SEARCH))
    end = ledger.read_confirmation()
    assert end is not None
    winner, other = end.best
    proposed = {planned.id for planned in ledger.read_proposals()}
    for record in ledger.read_trials():
        if record.id in proposed or record.configuration == other:
            value = 0.99
        elif record.configuration == winner:
            value = {1: 0.90, 2: 0.92, 3: 0.91}[record.config["seed"]]
        else:
            continue
        if record.state == "complete":
            scores = {"val": {"macro_f1": value}, "test": {"macro_f1": 1 - value}}
            write_trial_record(ledger, replace(record, scores=scores))
    found = select_model(ledger, None)
    assert found.record.configuration == winner
    assert found.config.seed == 2
    for fact in ("92.00%", "3 complete trials", winner):
        assert fact in found.reason


def test_select_model_search_without_confirmation_says_so(
    tmp_path: Path,
) -> None:
    built = search_builder.build_search(tmp_path / "s", search=SEARCH, with_confirmation=False)
    found = select_model(add_models(built), None)
    assert found.record.id in {planned.id for planned in built.read_proposals()}
    assert found.reason.endswith("of the search, not confirmed")


def test_select_model_without_a_complete_trial_raises(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": grid_builder.make_published_matrices()["cnn-config-1"]}
    failed = {("cnn-config-1", 0): "out of memory"}
    ledger = grid_builder.build_grid(tmp_path / "s", matrices, failed_trials=failed)
    with pytest.raises(DataError) as caught:
        select_model(ledger, None)
    assert caught.value.path == str(ledger.location)
    with pytest.raises(DataError) as caught:
        select_model(ledger, "cnn-config-1")
    assert caught.value.value == ledger.study.trials[0].id
    assert caught.value.remedy is not None


def test_select_model_all_models_damaged_raises(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": grid_builder.make_published_matrices()["cnn-config-1"]}
    ledger = grid_builder.build_grid(tmp_path / "s", matrices)  # its models are no weights
    with pytest.raises(ConflictError) as caught:
        select_model(ledger, None)
    assert caught.value.path == str(ledger.location)
    assert ledger.study.trials[0].id in caught.value.problem
