"""State what the scores and their intervals do not cover."""

from reports.format.limitations import list_limitations
from reports.ledger.data_record import DataRecord
from reports.sections.elements import Section


def make_section(data: DataRecord, *, folds: int | None) -> Section | None:
    """Make one paragraph of the limitations; None for synthetic cells.

    Args:
        data: Data of the study.
        folds: Number of folds of the cross-validation; None without one.
    """
    limitations = list_limitations(data, folds)
    if not limitations:
        return None
    return Section(key="limitations", title="Limitations", paragraphs=(" ".join(limitations),))
