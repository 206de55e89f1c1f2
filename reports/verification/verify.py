"""Check that a study's numbers follow from its stored predictions, by comparing all its files.

The check shows that the files agree: scores with predictions, predictions and epochs with their
hashes, the plan with its fingerprint, the log with plan and records, and the report with the
ledger. It shows consistency, not authenticity: someone who changes a value can also compute every
hash again. `study.inference.recompute` shows that the predictions came from the weights. Nothing
here shows that a training took place. `docs/explanation/verification.md` lists what is found at
which level.

In `study.json`, the names of the data and classes, the numbers of training images, the command, the
hardware and the time of creation are only repeated in the report.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from bloodnets.errors import ConflictError, StudyError
from reports.ledger.ledger import Ledger
from reports.verification.data import check_data
from reports.verification.entered_files import check_entered_files
from reports.verification.log import check_log, check_test_evaluations
from reports.verification.scores import check_epochs, check_predictions
from reports.verification.search import check_search


class DisagreementError(StudyError):
    """Error for files of a study that contradict each other, are missing or are unreadable."""

    exit_code = 1


def verify_study(ledger: Ledger, *, images: NDArray[np.uint8] | None = None) -> Iterator[str]:
    """Check that a study's numbers follow from its stored predictions.

    Args:
        ledger: Ledger of the study; nothing in it is changed.
        images: Test images, uint8, shape (n, side, side, channels); without them, the
            report's section of test images is not compared.

    Yields:
        One line for each kind of check that passed.

    Raises:
        DisagreementError: A check failed; its `path` is the file.
        ResourceError: The new report cannot be written.
    """
    search = ledger.study.search
    with raise_disagreements():
        lines, records = check_entered_files(ledger)
        yield from lines
        yield check_predictions(ledger, records)
        yield check_epochs(ledger, records)
        if search is not None:
            yield from check_search(ledger, search, records)
        yield (
            check_log(ledger, records)
            if ledger.files.has_log
            else check_test_evaluations(ledger, records)
        )
        from reports.verification.report import (
            check_report,  # imported late: it imports matplotlib, which no other check needs
        )

        yield check_report(ledger, images)
        yield check_data(ledger.study.data)


@contextmanager
def raise_disagreements() -> Iterator[None]:
    """Convert the conflicts that are found in the context to a `DisagreementError`."""
    try:
        yield
    except ConflictError as error:
        raise DisagreementError(
            error.problem,
            path=error.path,
            value=error.value,
            expected=error.expected,
            remedy=error.remedy,
        ) from error
