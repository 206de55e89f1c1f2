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
    EquivalentLosses,
    analyze_equivalent_losses,
    compare_equivalent_losses,
    estimate_seed_noise,
)
from reports.ledger.ledger import Ledger
from reports.ledger.loading import LoadedStudy, read_study_files
from reports.sections.findings import analyze
from reports.sections.verdict_text import describe_equivalent_losses, list_warnings
from tests.helpers import grid_builder
from tests.unit.reports.analysis.test_frames import ASYMMETRIC

OTHER = ASYMMETRIC.copy()
OTHER[7, 7] -= 4
OTHER[7, 6] += 4


def of(folder: Path, *, other: bool = True) -> Ledger:
    return grid_builder.build_grid(
        folder,
        {
            "cnn-config-1": [ASYMMETRIC, ASYMMETRIC, ASYMMETRIC],
            "cnn-config-2": [ASYMMETRIC, ASYMMETRIC, ASYMMETRIC],
            "cnn-config-3": [ASYMMETRIC, OTHER if other else ASYMMETRIC, ASYMMETRIC],
        },
        missing_trials=[("cnn-config-1", 2)],
    )


def with_losses(loaded_study: LoadedStudy, factor: float, shift: float) -> LoadedStudy:
    """The same study, but for the losses of cnn-config-3."""
    epochs = {
        trial: [replace(epoch, train_loss=epoch.train_loss * factor + shift) for epoch in own]
        if loaded_study.records[trial].configuration == "cnn-config-3"
        else own
        for trial, own in loaded_study.epochs.items()
    }
    return replace(loaded_study, epochs=epochs)


def test_twins_are_compared_seed_by_seed(tmp_path: Path) -> None:
    expected = pd.DataFrame(
        {
            "cross_entropy": ["cnn-config-1"],
            "nll": ["cnn-config-3"],
            "seeds": [2],
            "n_predictions": [720],
            "n_differing": [4],
            "first_loss_difference": [0.0],
            "has_negative_loss": [False],
        }
    )
    pd.testing.assert_frame_equal(
        compare_equivalent_losses(read_study_files(of(tmp_path / "s"))), expected, check_dtype=False
    )


@pytest.mark.parametrize(
    ("factor", "shift", "words"),
    [
        (1.0, -3.0, "The model ends in raw logits"),
        (1.0005, 0.0, "which is rounding"),
        (1.02, 0.0, "not the same function"),
    ],
)
def test_why_two_that_should_be_equal_are_not(
    tmp_path: Path, factor: float, shift: float, words: str
) -> None:
    ledger = of(tmp_path / "s")
    found = analyze(ledger, None)
    frame = compare_equivalent_losses(with_losses(found.study.loaded_study, factor, shift))
    losses = EquivalentLosses(pairs=frame, seed_noise=pd.DataFrame(), negative_loss_trials=())
    (_, cause) = describe_equivalent_losses(losses, found.context.data)
    assert cause.startswith("cnn-config-1 and cnn-config-3: ")
    assert words in cause


def test_raw_logits_are_pointed_out_without_a_twin_too(tmp_path: Path) -> None:
    found = analyze(of(tmp_path / "s"), None)
    wrong = with_losses(found.study.loaded_study, 1.0, -3.0)
    right_trials, wrong_trials = (
        analyze_equivalent_losses(study, found.study.bootstrap).negative_loss_trials
        for study in (found.study.loaded_study, wrong)
    )
    data = found.context.data
    assert "raw logits" not in " ".join(list_warnings(found.comparison, right_trials, data))
    (words,) = (w for w in list_warnings(found.comparison, wrong_trials, data) if "raw logits" in w)
    trials = [trial for trial in wrong.records if trial.startswith("cnn-config-3")]
    assert words.startswith(f"In 3 trials ({trials[0]} and 2 more) NLLLoss fell below 0")


def test_equal_ones_have_no_cause(tmp_path: Path) -> None:
    found = analyze(of(tmp_path / "s", other=False), None)
    losses = replace(found.equivalent_losses, seed_noise=pd.DataFrame())
    (sentence,) = describe_equivalent_losses(losses, found.context.data)
    assert "Of 720 predictions on test, 0 differ; 0 are expected." in sentence


def test_nothing_tested_has_no_twins(tmp_path: Path) -> None:
    matrices = {"cnn-config-1": [ASYMMETRIC], "cnn-config-3": [ASYMMETRIC]}
    missing = [(name, 0) for name in matrices]
    assert compare_equivalent_losses(
        read_study_files(grid_builder.build_grid(tmp_path / "s", matrices, missing_trials=missing))
    ).empty


def test_the_noise_floor_by_hand(tmp_path: Path) -> None:
    matrices = grid_builder.make_published_matrices(3)
    for seed in range(3):  # NLLLoss repeats CrossEntropy, as it should
        matrices["mlnn-config-3"][seed] = matrices["mlnn-config-1"][seed]
    names = ("mlnn-config-1", "mlnn-config-3")
    loaded_study = read_study_files(
        grid_builder.build_grid(tmp_path / "s", {name: matrices[name] for name in names})
    )
    (row,) = estimate_seed_noise(
        loaded_study,
        bootstrap_scores(loaded_study.predictions),
        compare_equivalent_losses(loaded_study),
    ).to_dict("records")
    scores = [
        record.scores["test"]["weighted_f1"]
        for record in loaded_study.records.values()
        if record.configuration == names[0]
    ]
    sd = np.std(np.array(scores, float), ddof=1)
    assert row["seed_sd"] == pytest.approx(sd)
    assert row["limit"] == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(2) * sd)
    assert row["published_difference"] == pytest.approx(0.8857 - 0.8856)
    assert row["within_limit"] is True


def test_one_seed_has_no_noise_floor(tmp_path: Path) -> None:
    matrices = grid_builder.make_published_matrices()
    names = ("cnn-config-2", "cnn-config-4")
    loaded_study = read_study_files(
        grid_builder.build_grid(tmp_path / "s", {name: matrices[name] for name in names})
    )
    (row,) = estimate_seed_noise(
        loaded_study,
        bootstrap_scores(loaded_study.predictions),
        compare_equivalent_losses(loaded_study),
    ).to_dict("records")
    assert math.isnan(row["limit"])
    assert row["within_limit"] is None


def test_what_the_two_slips_do() -> None:
    """Raw logits bring NLLLoss below 0; a second log-softmax changes nothing but last digits."""
    torch.manual_seed(0)
    logits, labels = torch.randn(64, 8) * 3, torch.randint(8, (64,))
    right = logits + 20 * nn.functional.one_hot(labels, 8)
    assert nn.NLLLoss()(right, labels) < 0
    once = logits.log_softmax(1)
    torch.testing.assert_close(once.log_softmax(1), once)
    torch.testing.assert_close(
        nn.CrossEntropyLoss()(once, labels), nn.CrossEntropyLoss()(logits, labels)
    )
