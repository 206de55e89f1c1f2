"""Columns of the tables about the plan of a study and its unfinished trials."""

from reports.format.columns.common import CONFIGURATION_COLUMN
from reports.format.table import Column

UNFINISHED_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="seed", heading=("Seed",), unit="setting"),
    Column(key="fold", heading=("Fold",), unit="setting"),
    Column(key="state", heading=("State",)),
    Column(key="epochs", heading=("Epochs run",), unit="count"),
    Column(key="attempts", heading=("Attempts",), unit="count"),
    Column(key="reason", heading=("Reason",), unit="prose"),
)
SETTING_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="family", heading=("Family",), unit="word"),
    Column(key="loss", heading=("Loss",), unit="word"),
    Column(key="optimizer", heading=("Optimizer",), unit="word"),
    Column(key="learning_rate", heading=("Learning rate",), unit="setting"),
    Column(key="momentum", heading=("Momentum",), unit="setting"),
    Column(key="dropout", heading=("Dropout",), unit="setting"),
)
EXTRA_SETTING_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="width", heading=("Width",), unit="setting"),
    Column(key="weight_decay", heading=("Weight", "decay"), unit="setting"),
    Column(key="label_smoothing", heading=("Label", "smoothing"), unit="setting"),
    Column(key="class_weights", heading=("Class", "weights"), unit="word"),
    Column(key="dihedral_augmentation", heading=("Dihedral", "augmentation"), unit="word"),
    Column(key="orientations", heading=("Mean over", "orientations"), unit="word"),
    Column(key="max_shift", heading=("Maximum", "shift (pixels)"), unit="setting"),
    Column(key="schedule", heading=("Learning rate", "schedule"), unit="word"),
    Column(key="batch_size", heading=("Batch", "size"), unit="setting"),
    Column(key="max_epochs", heading=("Maximum", "epochs"), unit="setting"),
    Column(key="patience", heading=("Patience", "(epochs)"), unit="setting"),
)
