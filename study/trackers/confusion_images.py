"""Draw the confusion matrices of a run as images."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from reports.analysis.confusion import make_confusion_frame, sum_confusions
from reports.figures import draw_confusion_matrices, render_png
from reports.format.text import make_class_label, make_data_label
from reports.ledger.ledger import Ledger
from reports.ledger.test_predictions import make_test_predictions
from reports.ledger.trial_predictions import read_predictions
from study.trackers.runs import Run


def draw_confusions(ledger: Ledger, run: Run) -> Iterator[tuple[str, bytes]]:
    """Yield the confusion matrices of a run: the name of the split, and a PNG.

    Args:
        ledger: Ledger of the study.
        run: Run, whose stored predictions are used. Only that of a complete trial has any.

    Raises:
        ConflictError: The predictions are unreadable.
    """
    record, study = run.record, ledger.study
    if record is None:
        return
    labels = [make_class_label(index, name) for index, name in enumerate(study.data.class_names)]
    for split in record.scores:
        predictions = read_predictions(ledger, record.id, split)
        titled_record = replace(record, configuration=f"{run.name} on {split}")
        test_predictions = make_test_predictions(
            study,
            [titled_record],
            {record.id: predictions.probabilities},
            predictions.labels.astype(np.int64),
        )
        frame = sum_confusions(make_confusion_frame(test_predictions))
        figure = draw_confusion_matrices(frame, labels, data=make_data_label(study.data))
        yield split, render_png(figure)
