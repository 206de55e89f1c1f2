"""Enums of the file format: kinds of studies, data, events; states of trials; reasons to stop."""

from enum import StrEnum


class StudyKind(StrEnum):
    """Kind of a study.

    Attributes:
        GRID: Trains listed configurations, each with the same seeds.
        SEARCH: Searches a space of settings, then re-trains the best configurations.
    """

    GRID = "grid"
    SEARCH = "search"


class DataKind(StrEnum):
    """Source of the images.

    Attributes:
        OFFICIAL: The official BloodMNIST file with 28 x 28 pixels, recognized by its MD5.
        MEDMNIST: Another file of MedMNIST, recognized by its MD5.
        FILE: Any other file in the MedMNIST format.
        SYNTHETIC: Synthetic cells from a generator.
    """

    OFFICIAL = "official"
    MEDMNIST = "medmnist"
    FILE = "file"
    SYNTHETIC = "synthetic"


class EventKind(StrEnum):
    """Kind of an event in the log of a study.

    Attributes:
        PLANNED: The study was created; always the first event.
        STARTED: An attempt at a trial started.
        TESTED: The model of a trial was evaluated on test.
        ENDED: A trial ended and its record was written.
        REPORTED: The report was written to the folder of the study.
    """

    PLANNED = "planned"
    STARTED = "started"
    TESTED = "tested"
    ENDED = "ended"
    REPORTED = "reported"


class TrialState(StrEnum):
    """State of a trial that ended.

    Attributes:
        COMPLETE: It trained to its end.
        PRUNED: A search stopped it before its last epoch.
        FAILED: An error ended it.
    """

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


class StopReason(StrEnum):
    """Reason why a trial ended.

    Attributes:
        PATIENCE: Val macro F1 did not improve for `patience` epochs.
        MAX_EPOCHS: It ran `max_epochs` epochs.
        ERROR: It failed.
        ASHA: ASHA stopped it at a rung.
        DIVERGED: Its loss became infinite or NaN during a search.
        TIME_BUDGET: The time budget of the search ended.
        TARGET_MACRO_F1: The search reached its target.
    """

    PATIENCE = "patience"
    MAX_EPOCHS = "max_epochs"
    ERROR = "error"
    ASHA = "asha"
    DIVERGED = "diverged"
    TIME_BUDGET = "time_budget"
    TARGET_MACRO_F1 = "target_macro_f1"


class EndReason(StrEnum):
    """Reason why a search ended.

    Attributes:
        TRIALS: It ran all its trials.
        TIME_BUDGET: Its time budget ended.
        TARGET_MACRO_F1: A trial reached the target.
    """

    TRIALS = "trials"
    TIME_BUDGET = "time_budget"
    TARGET_MACRO_F1 = "target_macro_f1"
