"""Columns of the tables about errors and probabilities."""

from reports.format.columns.common import CONFIGURATION_COLUMN, make_interval_column
from reports.format.table import Column

CLASS_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="class_label", heading=("Class",)),
    Column(key="precision", heading=("Precision", "(PPV, %)"), unit="percent"),
    make_interval_column("precision"),
    Column(key="recall", heading=("Recall", "(sensitivity, %)"), unit="percent"),
    make_interval_column("recall"),
    Column(key="f1", heading=("F1", "(%)"), unit="percent"),
    make_interval_column("f1"),
    Column(key="support", heading=("Support", "(test images)"), unit="count"),
    Column(key="note", heading=("Note",)),
)
MORE_CLASS_COLUMNS = (
    *CLASS_COLUMNS[:2],
    Column(key="specificity", heading=("Specificity", "(%)"), unit="percent"),
    make_interval_column("specificity"),
    Column(key="npv", heading=("NPV", "(%)"), unit="percent"),
    make_interval_column("npv"),
    Column(key="auc", heading=("AUC, class", "against rest"), unit="score"),
    make_interval_column("auc", unit="score_interval"),
    Column(key="average_precision", heading=("Average", "precision"), unit="score"),
    make_interval_column("average_precision", unit="score_interval"),
    *CLASS_COLUMNS[-2:],
)
PROBABILITY_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="slope", heading=("Calibration", "slope"), unit="score", show_sd=False),
    make_interval_column("slope", unit="score_interval"),
    Column(key="intercept", heading=("Calibration", "intercept"), unit="score", show_sd=False),
    Column(
        key="test_brier",
        heading=("Brier score", "(0 to 2)"),
        unit="score",
        show_sd=False,
        is_lower_better=True,
    ),
    make_interval_column("test_brier", unit="score_interval", is_lower_better=True),
    Column(
        key="test_log_loss",
        heading=("Log loss", "(nats)"),
        unit="score",
        show_sd=False,
        is_lower_better=True,
    ),
    make_interval_column("test_log_loss", unit="score_interval", is_lower_better=True),
)
TEMPERATURE_COLUMNS = (
    CONFIGURATION_COLUMN,
    Column(key="temperature", heading=("Temperature",), unit="score"),
    Column(key="ece_before", heading=("ECE before", "(%)"), unit="percent", is_lower_better=True),
    Column(key="ece_after", heading=("ECE after", "(%)"), unit="percent", is_lower_better=True),
    Column(
        key="brier_before", heading=("Brier score", "before"), unit="score", is_lower_better=True
    ),
    Column(key="brier_after", heading=("Brier score", "after"), unit="score", is_lower_better=True),
    Column(
        key="log_loss_before", heading=("Log loss", "before"), unit="score", is_lower_better=True
    ),
    Column(key="log_loss_after", heading=("Log loss", "after"), unit="score", is_lower_better=True),
    Column(key="log_loss_change", heading=("Change of", "log loss"), unit="score"),
    make_interval_column("log_loss_change", unit="score_interval", is_lower_better=True),
)
