"""Check whether identical images in train and test make the scores on test meaningless."""

import math

from bloodnets.errors import ConflictError
from reports.format.data_warnings import list_score_warnings
from reports.ledger.data_record import DataRecord


def check_data(data: DataRecord) -> str:
    """Check that few test images are also in train or val, or have contradictory labels.

    Photographs of real cells contain a few. They are named, and accepted if they can change the
    accuracy by less than its uncertainty, the largest half width of a 95% interval of a proportion:
    1.96 * sqrt(0.25 / n).

    Args:
        data: Data of the study.

    Returns:
        Line that names them.

    Raises:
        ConflictError: There are more; its `value` is their number.
    """
    if data.duplicates is None:
        return "data: identical images were not counted by the version that wrote the study"
    warning = "; ".join(list_score_warnings(data))
    n_test, n_identical = sum(data.class_counts["test"]), data.duplicates.test_images
    bound = math.floor(1.96 * math.sqrt(0.25 * n_test))
    if n_identical > bound:
        raise ConflictError(
            f"study.json: the data are not fit for a test. {warning}",
            path="study.json",
            value=n_identical,
            expected=f"at most {bound:,}",
        )
    return f"data: {warning or 'no test image is also in another split or has two labels'}"
