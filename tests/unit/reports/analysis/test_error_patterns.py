"""Errors by cell: known matrices in, known shares, leads and correlations out."""

import numpy as np
import pytest

from reports.analysis.bootstrap import N_RESAMPLES
from reports.analysis.error_patterns import (
    compute_error_shares,
    compute_lead,
    compute_mistaken_shares,
    count_confusion_errors,
)
from tests.helpers.planted_study import (
    ADAM,
    CLASS_SIZE,
    MLNN_SGD,
    SGD,
    make_error_matrix,
    plant_study,
)

CENTER = {(0, 3): 18, (0, 1): 6, (5, 3): 24, (5, 4): 6, (1, 2): 12}
OFF_DIAGONAL = ~np.eye(8, dtype=bool)


def make_cells() -> np.ndarray:
    return np.where(OFF_DIAGONAL, make_error_matrix(CENTER), 0).astype(np.float64)


def test_count_confusion_errors_counts_cells_off_the_diagonal() -> None:
    matrices = [make_error_matrix(CENTER), make_error_matrix({(6, 2): 9})]
    errors = count_confusion_errors(plant_study({SGD: matrices}).predictions)
    np.testing.assert_array_equal(errors.counts, np.where(OFF_DIAGONAL, matrices, 0))
    assert errors.resampled.shape == (2, N_RESAMPLES, 8, 8)
    assert (errors.resampled[:, :, ~OFF_DIAGONAL] == 0).all()
    # Cell (6, 2) of the second trial is binomial: 9 of 400 images.
    in_cell = errors.resampled[1, :, 6, 2]
    assert in_cell.mean() == pytest.approx(9, rel=0.03)  # 4 standard errors
    assert in_cell.std() == pytest.approx(np.sqrt(9 * (1 - 9 / (8 * CLASS_SIZE))), rel=0.06)


def test_sum_groups_adds_configurations_over_common_replicates() -> None:
    matrices = {
        SGD: [make_error_matrix({(0, 1): 3}), make_error_matrix({(0, 1): 4})],
        ADAM: [make_error_matrix({(1, 0): 5}), make_error_matrix({(0, 1): 6})],
        MLNN_SGD: [make_error_matrix({(2, 3): 7})],
    }
    errors = count_confusion_errors(plant_study(matrices).predictions)
    ((both, resampled),) = errors.sum_groups([SGD, ADAM])
    assert both[:, 0, 1].tolist() == [3, 10]
    assert both[:, 1, 0].tolist() == [5, 0]
    np.testing.assert_array_equal(resampled[:, 1, 0, 1], errors.resampled[[1, 3], :, 0, 1].sum(0))
    (cnn, _), (mlnn, _) = errors.sum_groups([SGD], [MLNN_SGD])
    assert cnn[:, 0, 1].tolist() == [3]  # the seed that both have
    assert mlnn[:, 2, 3].tolist() == [7]


def test_compute_error_shares_counts_true_and_predicted_classes() -> None:
    expected = np.array([24, 18, 12, 42, 6, 30, 0, 0]) / 66
    np.testing.assert_allclose(compute_error_shares(make_cells()), expected)
    np.testing.assert_array_equal(compute_error_shares(np.zeros((8, 8))), np.zeros(8))


def test_compute_mistaken_shares_are_of_the_errors_on_a_class() -> None:
    expected = [0, 6 / 24, 0, 18 / 24, 0, 0, 0, 0]
    np.testing.assert_allclose(compute_mistaken_shares(make_cells(), 0), expected)
    np.testing.assert_array_equal(compute_mistaken_shares(make_cells(), 7), np.zeros(8))


def test_compute_lead_is_over_the_class_with_the_next_share() -> None:
    shares = np.array([[0.1, 0.3, 0, 0.6, 0, 0, 0, 0], [0.5, 0.1, 0, 0.4, 0, 0, 0, 0]])
    lead = compute_lead(shares, np.tile(shares, (4, 1, 1)))
    assert lead.share == pytest.approx(0.5)
    assert lead.runner_up == 0  # by the mean
    assert lead.runner_up_share == pytest.approx(0.3)
    assert lead.margin.mean == pytest.approx(0.2)
    assert lead.margin.sd == pytest.approx(np.std([0.5, -0.1], ddof=1))
