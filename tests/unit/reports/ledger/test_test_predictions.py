"""Predictions of several studies, joined."""

from pathlib import Path

import numpy as np

from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from reports.ledger.test_predictions import join_predictions


def test_join_predictions_of_two_studies_has_their_names_before_the_configurations(
    small_grid: Path,
) -> None:
    predictions = read_study_files(Ledger(small_grid)).predictions
    both = join_predictions({"x": predictions, "y": predictions})
    names = ["cnn-config-1", "mlnn-config-2"]
    assert both.configurations == [f"{study}: {name}" for study in "xy" for name in names]
    assert both.trials["study"].tolist() == [*"xxxxyyyy"]
    np.testing.assert_array_equal(both.predicted_classes[:4], both.predicted_classes[4:])
