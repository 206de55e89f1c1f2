"""Columns of the tables about a search."""

from reports.format.columns.common import CONFIGURATION_COLUMN, make_interval_column
from reports.format.table import Column

CONFIRMATION_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="settings", heading=("Settings",), unit="prose"),
    Column(key="origin_label", heading=("Origin",)),
    Column(
        key="value", heading=("Search,", "val (%)"), unit="percent", interval_key="test_macro_f1"
    ),
    Column(key="replicates_text", heading=("Replicates",)),
    Column(
        key="val_macro_f1",
        heading=("Re-trained,", "val (%)"),
        unit="percent",
        interval_key="test_macro_f1",
    ),
    Column(key="shrinkage", heading=("Shrinkage", "(points)"), unit="points"),
    make_interval_column("shrinkage", unit="points_interval"),
    Column(key="test_macro_f1", heading=("Re-trained,", "test (%)"), unit="percent"),
    make_interval_column("test_macro_f1"),
)
SEARCH_EFFORT_COLUMNS = (
    Column(key="state", heading=("State",)),
    Column(key="trials", heading=("Trials",), unit="count"),
    Column(key="epochs", heading=("Epochs", "trained"), unit="count"),
    Column(key="full_epochs", heading=("Epochs without", "pruning"), unit="count"),
    Column(key="speedup", heading=("Speedup", "by pruning"), unit="seconds"),
    Column(
        key="duration_min",
        heading=("Time of all", "trials (min)"),
        unit="seconds",
        is_lower_better=True,
    ),
)
IMPORTANCE_COLUMNS = (
    Column(key="trial_group", heading=("Trial group",)),
    Column(key="rung", heading=("After", "epoch"), unit="count"),
    Column(key="trials", heading=("Trials",), unit="count"),
    Column(key="setting_text", heading=("Hyper-parameter",)),
    Column(key="importance", heading=("Importance", "(%)"), unit="percent"),
    Column(key="importance", heading=("90% confidence", "interval"), unit="interval"),
    Column(
        key="importance_null",
        heading=("Largest", "without", "effect (%)"),
        unit="percent",
        interval_key="importance",
    ),
)
PROPOSAL_COLUMNS = (
    Column(key="number", heading=("Trial",), unit="setting"),
    Column(key="configuration", heading=("Configuration",)),
    Column(key="state", heading=("State",)),
    Column(key="value", heading=("Best macro F1", "on val (%)"), unit="percent"),
    Column(key="epochs", heading=("Epochs", "run"), unit="count"),
    Column(key="best_epoch", heading=("Best", "epoch"), unit="count"),
    Column(key="duration_s", heading=("Time", "(s)"), unit="seconds", is_lower_better=True),
    Column(key="family", heading=("Family",), unit="word"),
    Column(key="optimizer", heading=("Optimizer",), unit="word"),
    Column(key="learning_rate", heading=("Learning", "rate"), unit="rate"),
    Column(key="momentum", heading=("Momentum",), unit="share"),
    Column(key="dropout", heading=("Dropout",), unit="share"),
    Column(key="weight_decay", heading=("Weight", "decay"), unit="rate"),
    Column(key="label_smoothing", heading=("Label", "smoothing"), unit="share"),
    Column(key="width", heading=("Width",), unit="count"),
)
