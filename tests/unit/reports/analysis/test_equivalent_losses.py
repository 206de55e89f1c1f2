"""The same function twice: found, counted, and told from other functions."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import nn

from reports.analysis.bootstrap import bootstrap_scores
from reports.analysis.equivalent_losses import (
    ROUNDING_TOLERANCE,
    analyze_equivalent_losses,
    compare_equivalent_losses,
    estimate_replicate_noise,
)
from reports.ledger.loading import LoadedStudy, read_study_files
from tests.helpers.grid_builder import ASYMMETRIC, build_grid, make_published_matrices

OTHER = ASYMMETRIC.copy()
OTHER[7, 7] -= 4
OTHER[7, 6] += 4


def read_study(folder: Path) -> LoadedStudy:
    """Return a study in which 1 and 3 differ on 4 images of one seed, 2 by the optimizer."""
    return read_study_files(
        build_grid(
            folder,
            {
                "cnn-config-1": [ASYMMETRIC, ASYMMETRIC, ASYMMETRIC],
                "cnn-config-2": [ASYMMETRIC, ASYMMETRIC, ASYMMETRIC],
                "cnn-config-3": [ASYMMETRIC, OTHER, ASYMMETRIC],
            },
            missing_trials=[("cnn-config-1", 2)],
        )
    )


def change_losses(study: LoadedStudy, factor: float, shift: float) -> LoadedStudy:
    """Return the same study with other losses of cnn-config-3."""
    epochs = {
        trial: [replace(epoch, train_loss=epoch.train_loss * factor + shift) for epoch in own]
        if study.records[trial].configuration == "cnn-config-3"
        else own
        for trial, own in study.epochs.items()
    }
    return replace(study, epochs=epochs)


def test_compare_equivalent_losses_counts_differing_predictions_over_common_replicates(
    tmp_path: Path,
) -> None:
    expected = pd.DataFrame(
        {
            "cross_entropy": ["cnn-config-1"],
            "nll": ["cnn-config-3"],
            "replicates": [2],
            "n_predictions": [720],
            "n_differing": [4],
            "first_loss_difference": [0.0],
            "has_negative_loss": [False],
        }
    )
    frame = compare_equivalent_losses(read_study(tmp_path / "s"))
    pd.testing.assert_frame_equal(frame, expected, check_dtype=False)


@pytest.mark.parametrize(
    ("factor", "shift", "has_negative", "is_rounding"),
    [
        (1.0, -3.0, True, False),
        (1.0005, 0.0, False, True),
        (1.02, 0.0, False, False),
    ],
)
def test_compare_equivalent_losses_tells_raw_logits_rounding_and_another_function(
    tmp_path: Path, factor: float, shift: float, has_negative: bool, is_rounding: bool
) -> None:
    study = change_losses(read_study(tmp_path / "s"), factor, shift)
    (row,) = compare_equivalent_losses(study).to_dict("records")
    assert row["has_negative_loss"] == has_negative
    assert (row["first_loss_difference"] <= ROUNDING_TOLERANCE) == is_rounding


def test_analyze_equivalent_losses_names_the_trials_with_a_negative_loss(tmp_path: Path) -> None:
    study = read_study(tmp_path / "s")
    bootstrap = bootstrap_scores(study.predictions)
    assert not analyze_equivalent_losses(study, bootstrap).negative_loss_trials
    negative = analyze_equivalent_losses(change_losses(study, 1.0, -3.0), bootstrap)
    trial_ids = [trial for trial in study.records if trial.startswith("cnn-config-3")]
    assert list(negative.negative_loss_trials) == trial_ids


def test_compare_equivalent_losses_without_predictions_is_empty(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]}
    missing = [(name, 0) for name in matrices]
    ledger = build_grid(tmp_path / "s", matrices, missing_trials=missing)
    assert compare_equivalent_losses(read_study_files(ledger)).empty


def test_estimate_replicate_noise_of_three_seeds_is_that_of_students_t(tmp_path: Path) -> None:
    replicates = make_published_matrices(3)["mlnn-config-1"]
    names = ("mlnn-config-1", "mlnn-config-3")  # NLLLoss repeats CrossEntropy, as it should
    study = read_study_files(build_grid(tmp_path / "s", dict.fromkeys(names, replicates)))
    (row,) = estimate_replicate_noise(
        study, bootstrap_scores(study.predictions), compare_equivalent_losses(study)
    ).to_dict("records")
    scores = [
        record.scores["test"]["weighted_f1"]
        for record in study.records.values()
        if record.configuration == names[0]
    ]
    sd = np.std(np.array(scores, float), ddof=1)
    assert row["replicate_sd"] == pytest.approx(sd)
    assert row["limit"] == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(2) * sd)
    assert row["published_difference"] == pytest.approx(0.8857 - 0.8856)
    assert row["within_limit"] is True


def test_estimate_replicate_noise_of_one_seed_has_no_limit(tmp_path: Path) -> None:
    names = ("cnn-config-2", "cnn-config-4")
    study = read_study_files(build_grid(tmp_path / "s", {name: [ASYMMETRIC] for name in names}))
    (row,) = estimate_replicate_noise(
        study, bootstrap_scores(study.predictions), compare_equivalent_losses(study)
    ).to_dict("records")
    assert math.isnan(row["limit"])
    assert row["within_limit"] is None


def test_estimate_replicate_noise_of_equal_seeds_has_no_limit(tmp_path: Path) -> None:
    """Three equal scores do not show that two runs of one function never differ."""
    names = ("cnn-config-1", "cnn-config-3")
    matrices = dict.fromkeys(names, [ASYMMETRIC] * 3)
    study = read_study_files(build_grid(tmp_path / "s", matrices))
    (row,) = estimate_replicate_noise(
        study, bootstrap_scores(study.predictions), compare_equivalent_losses(study)
    ).to_dict("records")
    assert (row["replicate_sd"], row["replicate_dof"]) == (0, 2)
    assert math.isnan(row["limit"])
    assert row["within_limit"] is None


def test_nll_of_raw_logits_is_negative_and_a_second_log_softmax_changes_only_last_digits() -> None:
    """The two slips that `compare_equivalent_losses` looks for."""
    torch.manual_seed(0)
    logits, labels = torch.randn(64, 8) * 3, torch.randint(8, (64,))
    right = logits + 20 * nn.functional.one_hot(labels, 8)
    assert nn.NLLLoss()(right, labels) < 0
    once = logits.log_softmax(1)
    torch.testing.assert_close(once.log_softmax(1), once)
    torch.testing.assert_close(
        nn.CrossEntropyLoss()(once, labels), nn.CrossEntropyLoss()(logits, labels)
    )


def test_compare_equivalent_losses_pairs_the_folds_of_a_seed(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC] * 3, "cnn-config-3": [ASYMMETRIC] * 3}
    missing = [("cnn-config-1", 0)]
    ledger = build_grid(tmp_path / "s", matrices, missing_trials=missing, folds=3)
    (pair,) = compare_equivalent_losses(read_study_files(ledger)).to_dict("records")
    assert pair["replicates"] == 2
    assert pair["n_predictions"] == 2 * ASYMMETRIC.sum()
