"""Balanced class weights are those of scikit-learn."""

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight

from bloodnets.training.class_weights import compute_balanced_weights

LABELS = torch.tensor([0] * 1 + [1] * 2 + [2] * 7 + [3] * 30)


def test_compute_balanced_weights_equal_those_of_scikit_learn() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(4), y=LABELS.numpy())
    weights = compute_balanced_weights(LABELS, 4)
    assert weights.dtype == torch.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_compute_balanced_weights_absent_class_has_weight_0() -> None:
    weights = compute_balanced_weights(LABELS, 6)
    assert torch.equal(weights[:4], compute_balanced_weights(LABELS, 4))
    assert weights[4:].tolist() == [0.0, 0.0]
