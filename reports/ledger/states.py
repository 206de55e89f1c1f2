"""How studies and trials end, and where data come from: the enums of the file format."""

from enum import StrEnum


class StudyKind(StrEnum):
    """What a study does."""

    GRID = "grid"
    SEARCH = "search"


class DataKind(StrEnum):
    """Where the images come from: the official file (by its MD5), another file, or a generator."""

    OFFICIAL = "official"
    FILE = "file"
    SYNTHETIC = "synthetic"


class TrialState(StrEnum):
    """How a trial ended; one pruned was stopped before its last epoch, one failed by an error."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


class StopReason(StrEnum):
    """Why a trial ended."""

    PATIENCE = "patience"
    MAX_EPOCHS = "max_epochs"
    ERROR = "error"
    ASHA = "asha"
    DIVERGED = "diverged"
    TIME_BUDGET = "time_budget"
    TARGET_MACRO_F1 = "target_macro_f1"


class EndReason(StrEnum):
    """Why a search ended."""

    TRIALS = "trials"
    TIME_BUDGET = "time_budget"
    TARGET_MACRO_F1 = "target_macro_f1"
