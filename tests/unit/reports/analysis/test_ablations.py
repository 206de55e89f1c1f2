"""What each ingredient contributes: told by the settings, on the same seeds, with a correction."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.analysis.ablations import Ablations, compute_ablations, find_changed_settings
from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.frames import make_comparison_frame
from reports.analysis.intervals import adjust_holm
from reports.ledger.loading import LoadedStudy, read_study_files
from tests.helpers.grid_builder import (
    ASYMMETRIC,
    ConfusionMatrix,
    build_grid,
    make_published_matrices,
)

BASE: dict[str, Any] = {
    "family": "resnet",
    "optimizer": "adamw",
    "learning_rate": 0.003,
    "momentum": None,
    "dropout": 0.1,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "dihedral_augmentation": True,
    "max_shift": 2,
    "schedule": "one_cycle",
    "width": 64,
}


def without(*keys: str, **changes: Any) -> dict[str, Any]:
    """Return the settings of the base with defaults instead of `keys`, and changes."""
    return {key: value for key, value in BASE.items() if key not in keys} | changes


WITHOUT_SHIFTS, WITHOUT_DROPOUT = without("max_shift"), without(dropout=0.0)


def make_matrix(n_errors: int, seed: int) -> ConfusionMatrix:
    """Return a matrix of 100 images per class, of which so many are taken for the next class.

    One more or less with every other seed.
    """
    identity = np.eye(8, dtype=np.int64)
    moved = (n_errors + seed % 2) * (np.roll(identity, 1, axis=1) - identity)
    return np.asarray(100 * identity + moved, dtype=np.int64)


def read_study(
    folder: Path, configs: Mapping[str, Mapping[str, Any]], errors: Mapping[str, int]
) -> LoadedStudy:
    """Return a study of three seeds with 4 errors per class, or as many as given."""
    matrices = {
        name: [make_matrix(errors.get(name, 4), seed) for seed in range(3)] for name in configs
    }
    return read_study_files(build_grid(folder, matrices, record_overrides=configs))


def compute(study: LoadedStudy) -> Ablations:
    return compute_ablations(study.study, bootstrap_scores(study.predictions))


def test_compute_ablations_is_the_base_minus_what_lacks_the_ingredient(tmp_path: Path) -> None:
    configs = {
        "resnet-no-shifts": WITHOUT_SHIFTS,
        "resnet": BASE,
        "resnet-no-orientations": without("dihedral_augmentation"),
        "resnet-no-dropout": WITHOUT_DROPOUT,
        "resnet-no-width": without(width=32),
    }
    errors = {"resnet-no-orientations": 20, "resnet-no-shifts": 5, "resnet-no-dropout": 2}
    study = read_study(tmp_path / "s", configs, errors)
    frame = compute(study).differences
    names = ["orientations", "shifts", "width", "dropout"]
    assert frame["configuration"].tolist() == [f"resnet-no-{name}" for name in names]
    assert frame["setting"].tolist() == ["dihedral_augmentation", "max_shift", "width", "dropout"]
    assert frame["value"].tolist() == [True, 2, 64, 0.1]
    assert frame["value_without"].tolist() == [False, 0, 32, 0.0]
    scores = make_comparison_frame(study, None).set_index("configuration")["test_macro_f1"]
    expected = scores["resnet"] - scores.loc[frame["configuration"]].to_numpy()
    np.testing.assert_allclose(frame["difference"], expected, atol=1e-12)
    assert frame["difference"].iloc[0] > 0.15
    assert frame["difference"].is_monotonic_decreasing
    assert frame["replicates"].tolist() == [3] * 4
    np.testing.assert_allclose(frame["p_holm"], adjust_holm(frame["p"].to_numpy()))
    assert (frame["p_holm"] > frame["p"]).sum() >= 2


def test_compute_ablations_skips_configurations_that_differ_in_no_or_several_settings(
    tmp_path: Path,
) -> None:
    configs = {
        "resnet": BASE,
        "resnet-no-shifts": WITHOUT_SHIFTS,
        "resnet-no-cycle": without("schedule", learning_rate=0.001),
        "resnet-no-nothing": BASE,
    }
    ablations = compute(read_study(tmp_path / "s", configs, {}))
    assert ablations.differences["configuration"].tolist() == ["resnet-no-shifts"]
    assert ablations.skipped_names == ["resnet-no-cycle", "resnet-no-nothing"]


def test_compute_ablations_class_weights_are_an_ingredient(tmp_path: Path) -> None:
    configs = {"a": {**BASE, "class_weights": "balanced"}, "a-no-weights": BASE}
    (row,) = compute(read_study(tmp_path / "s", configs, {})).differences.to_dict("records")
    assert row["setting"] == "class_weights"
    assert (row["value"], row["value_without"]) == ("balanced", "none")


def test_compute_ablations_of_two_bases_corrects_each_for_itself(tmp_path: Path) -> None:
    configs = {
        "a": BASE,
        "a-no-shifts": WITHOUT_SHIFTS,
        "b": without(dropout=0.3),
        "b-no-dropout": WITHOUT_DROPOUT,
        "b-no-decay": without("weight_decay", dropout=0.3),
    }
    errors = {"b-no-dropout": 5, "a-no-shifts": 5}
    frame = compute(read_study(tmp_path / "s", configs, errors)).differences
    assert frame["base"].tolist() == ["a", "b", "b"]
    assert frame["p_holm"].iloc[0] == frame["p"].iloc[0] > 0
    assert frame["p_holm"].iloc[1] == pytest.approx(min(1, 2 * frame["p"].iloc[1]))


@pytest.mark.parametrize(
    "names", [["resnet-no-shifts", "resnet-no-dropout"], ["resnet"], ["a-no-shifts", "resnet"]]
)
def test_compute_ablations_without_a_base_and_its_variants_is_empty(
    tmp_path: Path, names: list[str]
) -> None:
    configs = {"resnet-no-shifts": WITHOUT_SHIFTS, "resnet-no-dropout": WITHOUT_DROPOUT}
    ablations = compute(
        read_study(tmp_path / "s", {name: configs.get(name, BASE) for name in names}, {})
    )
    assert ablations.differences.empty
    assert ablations.skipped_names == []


def test_find_changed_settings_of_the_published_configurations_is_empty(tmp_path: Path) -> None:
    matrices = make_published_matrices()
    missing = [(name, 0) for name in matrices]
    study = read_study_files(build_grid(tmp_path / "s", matrices, missing_trials=missing)).study
    assert find_changed_settings(study) == {}


def test_compute_ablations_without_a_common_seed_compares_all_seeds(tmp_path: Path) -> None:
    configs = {"resnet": BASE, "resnet-no-shifts": WITHOUT_SHIFTS}
    ledger = build_grid(
        tmp_path / "s",
        {name: [make_matrix(4, seed) for seed in range(2)] for name in configs},
        record_overrides=configs,
        missing_trials=[("resnet", 0), ("resnet-no-shifts", 1)],
    )
    ablations = compute(read_study_files(ledger))
    (row,) = ablations.differences.to_dict("records")
    assert (row["base"], row["configuration"], row["replicates"]) == (*configs, 0)
    assert ablations.skipped_names == []


def test_find_changed_settings_ignore_the_fold(tmp_path: Path) -> None:
    matrices = {"base": [ASYMMETRIC] * 3, "base-no-dropout": [ASYMMETRIC] * 2}
    overrides = {"base-no-dropout": {"dropout": 0.0}}
    study = build_grid(tmp_path / "s", matrices, config_overrides=overrides, folds=3).study
    changed = find_changed_settings(study)
    assert changed == {("base", "base-no-dropout"): {"dropout": (0.2, 0.0)}}
